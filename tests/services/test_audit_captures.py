"""What the audit says of money taken as goods leave: each way to break it by its name."""

from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass

import pytest

from gosellr.config import Settings
from gosellr.core.clock import ManualClock
from gosellr.core.db import Connection
from gosellr.core.embedded_postgres import Cluster
from gosellr.core.transact import transact
from gosellr.resources import Resources, open_resources
from tests.conftest import START
from tests.factories.captures import at_shipment
from tests.factories.payouts import wrong_with
from tests.factories.reductions import call_off
from tests.factories.sales import buy, make_buyer, make_shop, ship
from tests.factories.stored_value import by_bank, by_credit, grant_credit


@pytest.fixture(scope="module")
async def opened(
    cluster: Cluster,
    fresh_database: Callable[[str], str],
    tmp_path_factory: pytest.TempPathFactory,
) -> AsyncIterator[Resources]:
    """A market of its own, reached as the owner of its tables, who can break anything.

    Of its order of two shops, paid by credit and a card, one part is shipped; of another one a
    unit of three was called off.
    """
    settings = Settings(
        home=tmp_path_factory.mktemp("audit"),
        database_url=cluster.dsn(database=fresh_database("audit captures")),
        secret_key="a secret of the test run, long enough to be taken",
        rate_limits=False,
        sandbox_repeats=0,
        demo=False,
        capture="at_shipment",
    )
    async with open_resources(settings, clock=ManualClock(START)) as market:
        shops = [await transact(market.db, make_shop, price_minor=1000) for _ in range(2)]
        buyer = await transact(market.db, make_buyer)
        await grant_credit(market, buyer, 300)
        tenders = (by_credit(300), by_bank())
        order = await buy(market, *((shop, 1) for shop in shops), buyer=buyer, tenders=tenders)
        await ship(market, order, shops[0])
        more = await buy(market, (shops[0], 3), tenders=(by_bank(),))
        await call_off(market, more, shops[0])
        yield market


@pytest.fixture
async def connection(opened: Resources) -> AsyncIterator[Connection]:
    """A transaction that leaves nothing broken behind."""
    async with opened.db.connection() as owner:
        transaction = owner.transaction()
        await transaction.start()
        yield owner
        await transaction.rollback()


async def test_a_sound_order_is_no_finding(connection: Connection, opened: Resources) -> None:
    assert at_shipment(opened).policy.capture == opened.policy.capture
    rows = await connection.fetch("SELECT amount_minor, stored_minor, status FROM payment_capture")
    assert [tuple(row) for row in rows] == [(700, 300, "succeeded")]
    assert await wrong_with(connection, opened) == []


@dataclass(frozen=True)
class Break:
    """Statements that break an invariant, and how the broken row is named."""

    number: int
    row: str
    sql: str

    def __str__(self) -> str:
        return f"{self.number} {self.sql[:60]}"


_SHIPPED = "captured_at IS NOT NULL"
_REDUCED = "called_off_quantity > 0"
_COPY = (
    "INSERT INTO payment_capture (id, order_id, payment_id, seller_order_ids, amount_minor,"
    " stored_minor, stored, final, status, created_at, check_at) SELECT gen_random_uuid(),"
    " order_id, payment_id, seller_order_ids, amount_minor, stored_minor, stored, final,"
    " 'pending', created_at, now() + interval '99 years' FROM payment_capture"
)
BREAKS = [
    Break(*one)
    for one in (
        (9, "seller_order", _COPY),
        (9, "payment_capture", "UPDATE payment_capture SET amount_minor = 699"),
        (9, "payment_capture", "UPDATE payment_capture SET stored = '{}'"),
        (9, "seller_order", f"UPDATE seller_order SET captured_at = NULL WHERE {_SHIPPED}"),
        (9, "seller_order", "UPDATE seller_order SET captured_at = now()"),
        (8, "payment", "UPDATE payment SET captured_minor = 701 WHERE account IS NULL"),
        (8, "payment", "UPDATE payment SET captured_minor = 299 WHERE account IS NOT NULL"),
        (8, "order", "UPDATE orders SET captured_minor = 999"),
        (8, "order", "UPDATE orders SET paid_at = placed_at"),
        (7, "payment", "UPDATE payment SET captured_minor = 701 WHERE account IS NULL"),
        (12, "order_line", "UPDATE order_line SET called_off_quantity = called_off_quantity + 1"),
        (12, "order_line", f"UPDATE order_line SET gross_minor = 2999 WHERE {_REDUCED}"),
        (12, "order", "UPDATE order_reduction SET amount_minor = amount_minor + 1"),
        (12, "seller_order", "UPDATE seller_order SET captured_at = '2026-03-01'"),
        (
            20,
            "payment",
            "UPDATE payment SET authorized_until = '2026-03-01' WHERE account IS NULL",
        ),
        (
            20,
            "payment_capture",
            (
                "UPDATE payment_capture SET status = 'unknown', check_at = '2026-03-01',"
                " created_at = '2026-03-01'"
            ),
        ),
        (
            20,
            "payment",
            (
                "UPDATE payment SET updated_at = '2026-03-01'; UPDATE seller_order"
                " SET status = 'cancelled' WHERE captured_at IS NULL"
            ),
        ),
    )
]


@pytest.mark.parametrize("broken", BREAKS, ids=str)
async def test_what_is_broken_is_named(
    connection: Connection, opened: Resources, broken: Break
) -> None:
    await connection.execute("SET session_replication_role = replica")
    await connection.execute(broken.sql)
    found = await wrong_with(connection, opened)
    rows = [
        row.row.split(" ")[0] for one in found if one.number == broken.number for row in one.rows
    ]
    assert broken.row in rows
