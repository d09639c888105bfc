"""Goods that left and are given back whole: the audit finds what rests on nobody's word."""

from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest

from gosellr.config import Settings
from gosellr.core.clock import ManualClock
from gosellr.core.embedded_postgres import Cluster
from gosellr.core.transact import transact
from gosellr.resources import Resources, open_resources
from tests.conftest import START
from tests.factories.disputes import accept, bank_decides, delivered, open_case, take_back
from tests.factories.payouts import wrong_with
from tests.factories.sales import Shop, make_buyer, make_shop, part_of, refund

_ASKED = "UPDATE ledger_transaction SET actor = {} WHERE cause_type = 'refund'"
_NO_CASE = "UPDATE refund SET dispute_id = NULL"


@pytest.fixture
async def market(
    cluster: Cluster, fresh_database: Callable[[str], str], tmp_path: Path
) -> AsyncIterator[Resources]:
    """A market of its own, reached as the owner of its tables, who can break anything."""
    settings = Settings(
        home=tmp_path,
        database_url=cluster.dsn(database=fresh_database("audit given back")),
        secret_key="a secret of the test run, long enough to be taken",
        rate_limits=False,
        sandbox_repeats=0,
        demo=False,
    )
    async with open_resources(settings, clock=ManualClock(START)) as opened:
        yield opened


async def given_away(market: Resources, *statements: str) -> list[tuple[str, str]]:
    """What the audit says of goods that were given back, after this was done to the rows."""
    async with market.db.connection() as connection:
        undone = connection.transaction()
        await undone.start()
        await connection.execute("SET LOCAL session_replication_role = replica")
        for statement in statements:
            status = await connection.execute(statement)
            assert not status.endswith(" 0"), "the test broke nothing"
        found = await wrong_with(connection, market)
        await undone.rollback()
    assert statements or found == []
    return [
        (row.row, row.problem.rpartition(": ")[2])
        for one in found
        if one.number == 18
        for row in one.rows
        if "was shipped and is given back whole" in row.problem
    ]


async def test_who_sold_it_may_give_it_away_and_nobody_else(market: Resources) -> None:
    buyer = await transact(market.db, make_buyer)
    shop: Shop = await transact(market.db, make_shop, price_minor=1000)
    order = await delivered(market, (shop, 2), buyer=buyer)
    await refund(market, order, shop, units=1)
    # As long as some of it is paid for, nobody has the goods for nothing.
    assert await given_away(market, _ASKED.format("'buyer:-'")) == []
    await refund(market, order, shop, units=1)
    part = f"seller_order {part_of(order, shop).id}"
    assert await given_away(market) == []
    for actor in ("'operator:-'", "'payment:-'"):
        assert await given_away(market, _ASKED.format(actor)) == []
    for actor in ("buyer", "system"):
        found = await given_away(market, _ASKED.format(f"'{actor}:-'"))
        assert found == [(part, f"it was asked by {actor}:-")] * 2
    booked = "DELETE FROM ledger_transaction WHERE cause_type = 'refund'"
    assert await given_away(market, booked) == [(part, "it was asked by nobody")] * 2
    # What came back, and what never left, gives nothing away.
    back = "UPDATE shipment SET status = 'returned'"
    assert await given_away(market, _ASKED.format("'buyer:-'"), back) == []
    stayed = "UPDATE order_line SET shipped_quantity = 0, delivered_quantity = 0"
    assert await given_away(market, _ASKED.format("'buyer:-'"), stayed) == []


async def test_a_case_is_enough_also_where_the_clock_decides(market: Resources) -> None:
    buyer = await transact(market.db, make_buyer)
    shop: Shop = await transact(market.db, make_shop, price_minor=1000)
    order = await delivered(market, (shop, 1), buyer=buyer)
    case = await open_case(market, order, shop, viewer=buyer.viewer, units=1)
    await accept(market, case, viewer=shop.viewer)
    by_clock = _ASKED.format("'system:-'")
    assert await given_away(market, by_clock) == []
    [(row, asked)] = await given_away(market, by_clock, _NO_CASE)
    assert (row, asked) == (f"seller_order {part_of(order, shop).id}", "it was asked by system:-")


async def test_what_a_bank_took_rests_on_the_bank(market: Resources) -> None:
    buyer = await transact(market.db, make_buyer)
    shop: Shop = await transact(market.db, make_shop, price_minor=1000)
    order = await delivered(market, (shop, 1), buyer=buyer)
    await bank_decides(market, order, await take_back(market, order), won=False)
    assert await given_away(market) == []
    assert await given_away(market, _NO_CASE) == []
