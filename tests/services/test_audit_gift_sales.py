"""The audit of gift cards that were sold: sound sales are none, and each thing broken is named."""

from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass

import pytest

from gosellr.config import Settings
from gosellr.core.clock import ManualClock
from gosellr.core.db import Connection
from gosellr.core.embedded_postgres import Cluster
from gosellr.core.transact import transact
from gosellr.resources import Resources, open_resources
from gosellr.services.audit_service import NAMES
from tests.conftest import START
from tests.factories.disputes import bank_decides
from tests.factories.disputes import take_back as bank_takes_back
from tests.factories.gift_sales import buy_card, code_of, offer_cards, take_back
from tests.factories.payouts import wrong_with
from tests.factories.sales import buy, make_shop
from tests.factories.stored_value import by_bank, by_card


@pytest.fixture(scope="module")
async def sold(
    cluster: Cluster,
    fresh_database: Callable[[str], str],
    tmp_path_factory: pytest.TempPathFactory,
) -> AsyncIterator[Resources]:
    """A market of its own, reached as the owner of its tables, who can break anything.

    It sold cards that are whole, spent and taken back, disputed, lost, and not paid.
    """
    settings = Settings(
        home=tmp_path_factory.mktemp("audit"),
        database_url=cluster.dsn(database=fresh_database("audit gift sales")),
        secret_key="a secret of the test run, long enough to be taken",
        rate_limits=False,
        sandbox_repeats=0,
        demo=False,
    )
    async with open_resources(settings, clock=ManualClock(START)) as market:
        await offer_cards(market)
        shop = await transact(market.db, make_shop, price_minor=1000)
        await buy_card(market, 2000)
        used = await buy_card(market, 3000)
        await buy(market, (shop, 1), tenders=(by_card(await code_of(market, used)),))
        await take_back(market, used)
        await bank_takes_back(market, await buy_card(market, 4000))
        lost = await buy_card(market, 5000)
        reference = await bank_takes_back(market, lost)
        await bank_decides(market, lost, reference, won=False)
        await buy_card(market, 6000, tender=by_bank("tok_declined"))
        yield market


@pytest.fixture
async def connection(sold: Resources) -> AsyncIterator[Connection]:
    """A transaction that leaves nothing broken behind."""
    async with sold.db.connection() as owner:
        transaction = owner.transaction()
        await transaction.start()
        yield owner
        await transaction.rollback()


@dataclass(frozen=True)
class Break:
    """A statement that breaks an invariant, and how the broken row is named."""

    number: int
    row: str
    sql: str

    def __str__(self) -> str:
        return f"{self.number} {self.sql[:60]}"


def _sold(amount_minor: int) -> str:
    return f"(SELECT {{}} FROM gift_card_purchase WHERE amount_minor = {amount_minor})"


_WHOLE = _sold(2000).format("card_id")
_UNPAID = _sold(6000).format("order_id")
_BOOKED = (
    "(SELECT entry.id FROM ledger_entry AS entry JOIN ledger_transaction AS head"
    " ON head.id = entry.transaction_id WHERE head.kind = 'gift_card_sold'"
    " AND entry.account LIKE 'gift_card:%' ORDER BY entry.id LIMIT 1)"
)
BREAKS = [
    Break(*one)
    for one in (
        (8, "order", "UPDATE gift_card_purchase SET card_id = NULL WHERE amount_minor = 2000"),
        (
            8,
            "order",
            "UPDATE gift_card_purchase SET card_id = gen_random_uuid() WHERE amount_minor = 6000",
        ),
        (8, "gift_card", f"UPDATE gift_card SET amount_minor = 2001 WHERE id = {_WHOLE}"),
        (8, "order", f"UPDATE ledger_entry SET amount_minor = 1999 WHERE id = {_BOOKED}"),
        (
            8,
            "order",
            f"UPDATE ledger_entry SET account = 'gift_card:other' WHERE id = {_BOOKED}",
        ),
        (8, "order", f"UPDATE orders SET paid_at = placed_at WHERE id = {_UNPAID}"),
        (8, "gift_card", "UPDATE gift_card SET frozen_at = NULL WHERE amount_minor = 4000"),
        (8, "gift_card", "DELETE FROM gift_card_purchase WHERE amount_minor = 2000"),
        (11, "order", "DELETE FROM gift_card_purchase WHERE amount_minor = 2000"),
        (11, "order", "UPDATE gift_card_purchase SET amount_minor = 1 WHERE amount_minor = 2000"),
        (19, "account gift_card", "UPDATE gift_card_purchase SET lost_minor = lost_minor + 1"),
        (19, "account gift_card", "UPDATE refund SET amount_minor = 1999"),
        (10, "order", "UPDATE refund SET amount_minor = 1999"),
    )
]


async def test_sound_sales_are_no_finding(connection: Connection, sold: Resources) -> None:
    assert await wrong_with(connection, sold) == []


@pytest.mark.parametrize("broken", BREAKS, ids=str)
async def test_what_is_broken_behind_the_applications_back_is_reported(
    connection: Connection, sold: Resources, broken: Break
) -> None:
    await connection.execute("SET LOCAL session_replication_role = replica")
    status = await connection.execute(broken.sql)
    assert not status.endswith(" 0"), "the test broke nothing"
    found = {each.number: each for each in await wrong_with(connection, sold)}
    assert broken.number in found
    assert found[broken.number].name == NAMES[broken.number]
    named = [row.row for row in found[broken.number].rows]
    assert any(name.startswith(broken.row) for name in named), named
