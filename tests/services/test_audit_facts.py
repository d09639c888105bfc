"""A fact that was never told is found, by the name of what it had to be told of."""

from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest

from gosellr.config import Settings
from gosellr.core.clock import ManualClock
from gosellr.core.db import Connection
from gosellr.core.embedded_postgres import Cluster
from gosellr.core.transact import transact
from gosellr.models.events import TOLD, FactType
from gosellr.models.schema import metadata
from gosellr.queries import audit_market
from gosellr.queries.audit import find_offences
from gosellr.resources import Resources, open_resources
from gosellr.services.audit_questions import USUAL_LIMITS, questions
from tests.conftest import START
from tests.factories.disputes import accept, bank_decides, delivered, open_case, take_back
from tests.factories.payouts import Behaviour, earn, pay, set_account, wrong_with
from tests.factories.sales import make_buyer, make_shop, refund

MADE = {
    FactType.REFUND_REQUESTED, FactType.REFUND_SUCCEEDED, FactType.PAYOUT_REQUESTED,
    FactType.PAYOUT_PAID, FactType.SHIPMENT_CREATED, FactType.SHIPMENT_DELIVERED,
    FactType.DISPUTE_OPENED, FactType.DISPUTE_CLOSED, FactType.CHARGEBACK_OPENED,
    FactType.CHARGEBACK_WON, FactType.CHARGEBACK_LOST,
}  # fmt: skip


async def untold(connection: Connection) -> dict[tuple[str, str], int]:
    """How often what is told of nowhere, by what it is and by what is said of it."""
    [arguments] = [
        given
        for _, query, given in questions(START, USUAL_LIMITS)
        if query == audit_market.EVERY_STATE_TOLD
    ]
    found: dict[tuple[str, str], int] = {}
    for one in await find_offences(connection, audit_market.EVERY_STATE_TOLD, *arguments):
        key = (one.row.partition(" ")[0], one.problem)
        found[key] = found.get(key, 0) + 1
    return found


@pytest.fixture
async def opened(
    cluster: Cluster, fresh_database: Callable[[str], str], tmp_path: Path
) -> AsyncIterator[Resources]:
    """A market of its own, reached as the owner of its tables, who can take a fact away."""
    settings = Settings(
        home=tmp_path,
        database_url=cluster.dsn(database=fresh_database("audit facts")),
        secret_key="a secret of the test run, long enough to be taken",
        rate_limits=False,
        sandbox_repeats=0,
        demo=False,
    )
    async with open_resources(settings, clock=ManualClock(START)) as market:
        buyer = await transact(market.db, make_buyer)
        shop = await transact(market.db, make_shop, price_minor=1000)
        await set_account(market, shop, Behaviour.PAY)
        await earn(market, shop)
        await pay(market, shop)
        orders = [await delivered(market, (shop, 2), buyer=buyer) for _ in range(4)]
        await refund(market, orders[0], shop, units=1)
        case = await open_case(market, orders[1], shop, viewer=buyer.viewer, units=1)
        await accept(market, case, viewer=shop.viewer)
        for order, won in ((orders[2], True), (orders[3], False)):
            await bank_decides(market, order, await take_back(market, order), won=won)
        yield market


async def test_each_fact_that_must_have_been_told_is_missed(opened: Resources) -> None:
    async with opened.db.connection() as connection:
        assert await wrong_with(connection, opened) == []
        for kind, facts in TOLD.items():
            for state, fact in facts.items():
                await is_missed(connection, kind, state, fact)


async def is_missed(connection: Connection, kind: str, state: str, fact: FactType) -> None:
    rows = await connection.fetchval("SELECT count(*) FROM outbox_event WHERE type = $1", fact)
    assert bool(rows) == (fact in MADE), fact
    undone = connection.transaction()
    await undone.start()
    await connection.execute("SET LOCAL session_replication_role = replica")
    await connection.execute("DELETE FROM outbox_event WHERE type = $1", fact)
    found = await untold(connection)
    await undone.rollback()
    assert sum(found.values()) == rows
    assert all(said.endswith(f" and has no fact {fact}") for _, said in found)
    assert {name for name, _ in found} == ({kind} if rows else set())
    if state and rows:
        assert [*found] == [(kind, f"is {state} and has no fact {fact}")]


def test_the_states_that_facts_are_told_of_exist() -> None:
    for kind, facts in TOLD.items():
        known = {
            str(rule.sqltext)
            for rule in metadata.tables[kind].constraints
            if str(rule.name).endswith("status_known")
        }
        [listed] = known or {""}
        assert all(not state or f"'{state}'" in listed for state in facts), kind
        assert all(fact.startswith(f"{kind}.") for fact in facts.values())
