"""What the audit says of transfers and cash: nothing of sound ones, and each way to break them."""

from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass

import pytest

from gosellr.config import Settings
from gosellr.core.clock import ManualClock
from gosellr.core.db import Connection
from gosellr.core.embedded_postgres import Cluster
from gosellr.core.transact import transact
from gosellr.flows.bank_transfers import TypedAccount, give_account
from gosellr.resources import Resources, open_resources
from gosellr.services import cash_terms_service
from gosellr.services.audit_service import NAMES
from gosellr.services.basket_service import Tender
from gosellr.utils.order_states import OrderStatus
from tests.conftest import START
from tests.factories.payouts import wrong_with
from tests.factories.sales import buy, make_commission, make_shop, ship, step
from tests.factories.stored_value import operator
from tests.factories.transfers import BY_TRANSFER, PAYER_IBAN, arrive, offline, transfer_of

IN_CASH = (Tender(method="cash_on_delivery"),)


@pytest.fixture(scope="module")
async def opened(
    cluster: Cluster,
    fresh_database: Callable[[str], str],
    tmp_path_factory: pytest.TempPathFactory,
) -> AsyncIterator[Resources]:
    """A market of its own, reached as the owner of its tables, who can break anything.

    One order is paid by two transfers, the second too large; for another a part arrived; of two
    orders in cash one is delivered and one is on its way.
    """
    settings = Settings(
        home=tmp_path_factory.mktemp("audit"),
        database_url=cluster.dsn(database=fresh_database("audit offline")),
        secret_key="a secret of the test run, long enough to be taken",
        rate_limits=False,
        sandbox_repeats=0,
        demo=False,
    )
    async with open_resources(settings, clock=ManualClock(START)) as resources:
        market = offline(resources)
        await transact(market.db, make_commission)
        shop = await transact(market.db, make_shop)
        await transact(
            market.db,
            cash_terms_service.change_terms,
            viewer=shop.viewer,
            seller_id=shop.seller.id,
            limits_minor={"EUR": 40_000},
            now=market.clock.now(),
        )
        paid = await buy(market, (shop, 1), tenders=BY_TRANSFER)
        reference = transfer_of(paid).gateway_reference or ""
        await arrive(market, 2000, text=reference, name="first")
        await arrive(market, 3300, text=reference, name="second")
        await give_account(
            market.transfers,
            viewer=await operator(market),
            order_id=paid.id,
            account=TypedAccount(iban=PAYER_IBAN, holder="Ada"),
        )
        waiting = await buy(market, (shop, 1), tenders=BY_TRANSFER)
        await arrive(market, 700, text=transfer_of(waiting).gateway_reference or "", name="part")
        for _ in range(2):
            order = await buy(market, (shop, 1), tenders=IN_CASH)
            await ship(market, order, shop)
        await step(market, order, OrderStatus.DELIVERED, viewer=shop.viewer)
        yield market


@pytest.fixture
async def connection(opened: Resources) -> AsyncIterator[Connection]:
    """A transaction that leaves nothing broken behind."""
    async with opened.db.connection() as owner:
        transaction = owner.transaction()
        await transaction.start()
        yield owner
        await transaction.rollback()


async def test_sound_ones_are_no_finding(connection: Connection, opened: Resources) -> None:
    rows = await connection.fetch(
        "SELECT reference, status, note, unexplained_minor FROM provider_movement ORDER BY 1"
    )
    assert [tuple(row) for row in rows] == [
        ("first", "resolved", "part", 0),
        ("part", "resolved", "part", 700),
        ("second", "resolved", "surplus", 300),
    ]
    assert await wrong_with(connection, opened) == []


@dataclass(frozen=True)
class Break:
    """A statement that breaks an invariant, and how the broken row is named."""

    number: int
    row: str
    sql: str

    def __str__(self) -> str:
        return f"{self.number} {self.sql[:60]}"


def _movement(name: str, change: str) -> str:
    return f"UPDATE provider_movement SET {change} WHERE reference = '{name}'"


def _payment(status: str, change: str) -> str:
    return f"UPDATE payment SET {change} WHERE method = 'cash_on_delivery' AND status = '{status}'"


_COLLECTED = "(SELECT seller_order_id FROM payment WHERE captured_minor > 0 AND gateway_reference"
_CASH_PART = f"{_COLLECTED} IS NULL)"
_OWED = (
    "UPDATE ledger_entry SET amount_minor = amount_minor - 1"
    " WHERE account LIKE 'seller\\_receivable:%'"
)
_LESS = (
    "UPDATE payment SET captured_minor = 4999 WHERE method = 'bank_transfer' AND captured_minor > 0"
)
BREAKS = [
    Break(*one)
    for one in (
        # What arrived and wasn't used is in suspense, transfer by transfer.
        (6, "provider_movement", _movement("part", "unexplained_minor = 699")),
        (6, "provider_movement", _movement("part", "cleared_at = imported_at")),
        # What was used is what its attempts captured.
        (7, "payment", _movement("first", "unexplained_minor = 1")),
        (7, "payment", _movement("second", "amount_minor = 3301")),
        (7, "payment", _movement("second", "key = NULL")),
        (7, "provider_movement", _movement("second", "key = NULL")),
        (7, "payment", _LESS),
        # Whoever has the cash was booked what isn't theirs.
        (6, "seller_order", _OWED),
        (6, "seller_order", _payment("captured", "captured_minor = 4999")),
        # Cash follows its part, once.
        (8, "payment", _payment("captured", "status = 'authorized'")),
        (8, "payment", _payment("authorized", "status = 'captured'")),
        (8, "payment", _payment("authorized", "status = 'voided'")),
        (8, "seller_order", _payment("authorized", f"seller_order_id = {_CASH_PART}")),
        (8, "order", _payment("captured", "captured_minor = 4999")),
        (8, "seller_order", _payment("authorized", "amount_minor = 4999")),
        (
            8,
            "order",
            "UPDATE orders SET paid_at = NULL WHERE status = 'delivered' AND paid_at IS NOT NULL",
        ),
        # Accounts of people stand in clear nowhere.
        (23, "refund_account", "UPDATE refund_account SET account_encrypted = '{\"iban\"}'"),
        (23, "provider_movement", _movement("part", "payer_encrypted = 'iban: DE'")),
    )
]


@pytest.mark.parametrize("broken", BREAKS, ids=str)
async def test_what_is_broken_behind_the_applications_back_is_reported(
    connection: Connection, opened: Resources, broken: Break
) -> None:
    await connection.execute("SET LOCAL session_replication_role = replica")
    status = await connection.execute(broken.sql)
    assert not status.endswith(" 0"), "the test broke nothing"
    found = {each.number: each for each in await wrong_with(connection, opened)}
    assert broken.number in found
    assert found[broken.number].name == NAMES[broken.number]
    named = [row.row for row in found[broken.number].rows]
    assert any(name.startswith(broken.row) for name in named), named
