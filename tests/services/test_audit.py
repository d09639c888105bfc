"""Every invariant: silent over a market made through its own doors, loud over a broken one."""

from collections.abc import AsyncIterator, Callable
from contextlib import nullcontext
from dataclasses import dataclass, replace
from datetime import timedelta
from uuid import UUID, uuid4

import httpx2
import pytest

from gosellr.api.application import create_app
from gosellr.config import Settings
from gosellr.core.clock import ManualClock
from gosellr.core.db import Connection, Database
from gosellr.core.embedded_postgres import Cluster
from gosellr.core.transact import transact
from gosellr.integrations.payments.sandbox import SandboxGateway
from gosellr.jobs.audit import audit_market
from gosellr.resources import Resources, open_resources
from gosellr.services.audit_providers import compare_charges
from gosellr.services.audit_service import NAMES, Finding, GatewayCharge, audit
from gosellr.services.ledger_upkeep_service import roll_up, seal
from gosellr.utils.postings import SellerSources
from tests.conftest import START
from tests.factories.catalogue import make_product, make_shelf_seller
from tests.factories.ledger import Sold, booked, until_settled
from tests.factories.orders import order_body, place
from tests.integrations.stripe_api.account import Account
from tests.integrations.stripe_api.server import NO_CONNECTION, FakeStripe, make_gateway


@pytest.fixture(scope="module")
async def opened(
    cluster: Cluster,
    fresh_database: Callable[[str], str],
    tmp_path_factory: pytest.TempPathFactory,
) -> AsyncIterator[Resources]:
    """A market of its own, reached as the owner of its tables, who can break anything.

    Two sellers; two orders paid, one declined, one whose answer was lost. Rolled up and sealed.
    """
    settings = Settings(
        home=tmp_path_factory.mktemp("audit"),
        database_url=cluster.dsn(database=fresh_database("audit")),
        secret_key="a secret of the test run, long enough to be taken",
        rate_limits=False,
        sandbox_repeats=0,
        demo=False,
    )
    async with open_resources(settings) as market:
        resources = replace(market, clock=ManualClock(START))
        async with resources.db.connection() as connection:
            sellers = [await make_shelf_seller(connection) for _ in range(2)]
            lamp = await make_product(connection, seller=sellers[0], price_minor=2500, stock=9)
            cup = await make_product(connection, seller=sellers[1], price_minor=1000, stock=9)
        app = create_app(settings=settings, open_resources=lambda: nullcontext(resources))
        app.state.resources = resources
        transport = httpx2.ASGITransport(app=app)
        async with httpx2.AsyncClient(transport=transport, base_url="http://market.test") as caller:
            for token in ("tok_ok", "tok_ok", "tok_declined", "tok_timeout_then_ok"):
                body = order_body((lamp.variant_id, 1), (cup.variant_id, 2), token=token)
                await place(caller, body)
        await until_settled(resources.db)
        assert await transact(resources.db, roll_up) >= 2
        assert await transact(resources.db, seal, now=START) >= 2
        yield resources


@pytest.fixture
def resources(opened: Resources) -> Resources:
    return opened


@pytest.fixture
async def connection(opened: Resources) -> AsyncIterator[Connection]:
    """A transaction that leaves nothing broken behind."""
    async with opened.db.connection() as owner:
        transaction = owner.transaction()
        await transaction.start()
        yield owner
        await transaction.rollback()


async def charges_of(resources: Resources) -> list[GatewayCharge]:
    gateway = resources.gateways["sandbox"]
    assert isinstance(gateway, SandboxGateway)
    return [
        GatewayCharge(
            charge.attempt_id,
            charge.currency,
            charge.captured_minor,
            charge.refunded_minor,
            charge.fee_minor,
        )
        for charge in await gateway.journal()
    ]


async def look(
    connection: Connection, resources: Resources, *, later: timedelta = timedelta()
) -> list[Finding]:
    return await audit(
        connection,
        now=resources.clock.now() + later,
        gateway_journals={"sandbox": await charges_of(resources)},
    )


async def test_a_market_made_through_its_doors_is_clean(
    connection: Connection, resources: Resources
) -> None:
    assert await connection.fetchval("SELECT count(*) FROM ledger_transaction") >= 1
    assert await look(connection, resources) == []


async def test_the_whole_audit_runs_in_a_transaction_that_may_only_read(
    connection: Connection, resources: Resources
) -> None:
    await connection.execute("SET TRANSACTION READ ONLY")
    assert await look(connection, resources) == []


@dataclass(frozen=True)
class Break:
    """Statements that break an invariant, and how the broken row is named."""

    number: int
    row: str
    sql: str

    def __str__(self) -> str:
        return f"{self.number} {self.row}"


_PAID = "(SELECT id FROM orders WHERE paid_at IS NOT NULL ORDER BY number LIMIT 1)"
_PART = f"(SELECT id FROM seller_order WHERE order_id = {_PAID} AND index = 1)"
_LINE = f"(SELECT id FROM order_line WHERE order_id = {_PAID} AND position = 0)"
_PAYMENT = f"(SELECT id FROM payment WHERE order_id = {_PAID})"
_HOLD = f"(SELECT id FROM stock_reservation WHERE order_line_id = {_LINE})"
_ENTRY = "(SELECT min(id) FROM ledger_entry)"
_SOLD = "(SELECT id FROM ledger_transaction WHERE kind = 'sale' ORDER BY id LIMIT 1)"
_HALF_GONE = f"""
DELETE FROM ledger_entry
WHERE id = (SELECT min(id) FROM ledger_entry WHERE transaction_id = {_SOLD});
DELETE FROM ledger_transaction WHERE id = {_SOLD}
"""
_ID = "'0190c7a0-0000-7000-8000-000000000001'"
_CAPTURE_AGAIN = f"""
DROP INDEX uq_payment_live_part;
INSERT INTO payment (id, order_id, method, part, amount_minor, currency, status, captured_minor,
                     created_at, updated_at)
SELECT gen_random_uuid(), order_id, method, part, amount_minor, currency, status, captured_minor,
       created_at, updated_at
FROM payment WHERE id = {_PAYMENT}
"""
_OVERDRAWN = """
ALTER TABLE ledger_balance DROP CONSTRAINT ck_ledger_balance_never_overdrawn;
INSERT INTO ledger_balance VALUES ('gift_card:x', 'EUR', -1)
"""
_OVERSOLD = """
ALTER TABLE stock_level DROP CONSTRAINT ck_stock_level_never_oversold;
UPDATE stock_level SET reserved = on_hand + 1
"""
_COUPON = f"""
INSERT INTO coupon (id, code, kind, value_bps, funded_by, used_count, limit_total,
                    limit_per_customer, created_at)
VALUES ({_ID}, 'TEN', 'percent', 1000, 'marketplace', 1, 9, 1, '2026-01-01')
"""
_USED_BY_ONE = f"""
{_COUPON}; UPDATE coupon SET used_count = (SELECT count(*) FROM orders);
INSERT INTO coupon_redemption (coupon_id, order_id, customer_key, discount_minor, status,
                               created_at)
SELECT {_ID}, id, 'ada', 1, 'held', placed_at FROM orders
"""
_KEY = """
INSERT INTO idempotency_key (scope, key, request_hash, created_at, expires_at)
VALUES ('s', 'k', '', '2026-01-01', '2027-01-01')
"""
_BOOKED_TWICE = """
ALTER TABLE ledger_transaction DROP CONSTRAINT uq_ledger_transaction_kind_idempotency_key;
UPDATE ledger_transaction SET idempotency_key = 'one'
"""
_FED_BACKWARDS = """
INSERT INTO outbox_feed
SELECT row_number() OVER (ORDER BY sequence DESC), sequence FROM outbox_event
"""
_STRANGERS_MONEY = """
UPDATE ledger_entry SET account = 'seller_pending:' || gen_random_uuid()
WHERE account LIKE 'seller_pending%'
"""
_PENDING = f"""account = (
    SELECT account FROM ledger_entry WHERE seller_order_id = {_PART} AND account LIKE 'seller_p%')
"""
# More than what is added up quickly, beside entries that still make what they should.
_LARGE_BESIDE = f"""
INSERT INTO ledger_entry (transaction_id, position, account, direction, amount_minor, currency,
                          seller_order_id, written_by)
SELECT transaction_id, 99, account, direction, 3000000000, currency, seller_order_id, written_by
FROM ledger_entry WHERE {_PENDING} AND seller_order_id = {_PART}
"""
_LARGE_COMMISSION = f"""
UPDATE seller_order SET commission_minor = shipping_commission_minor WHERE id = {_PART};
UPDATE order_line SET commission_minor = 3000000000 WHERE seller_order_id = {_PART}
"""
_KEY_IN_CLEAR = """
INSERT INTO signing_key (kid, algorithm, public_pem, private_pem_encrypted, created_at)
VALUES ('k', 'RS256', '', '-----BEGIN PRIVATE KEY-----', now())
"""


def _set(table: str, change: str, which: str) -> str:
    return f"UPDATE {table} SET {change} WHERE id = {which}"


BREAKS = [
    Break(*one)
    for one in (
        (1, "ledger_transaction", _set("ledger_entry", "amount_minor = 1", _ENTRY)),
        (1, "ledger_transaction", f"DELETE FROM ledger_entry WHERE transaction_id = {_SOLD}"),
        (1, "ledger_transaction", _set("ledger_entry", "amount_minor = 1 << 40", _ENTRY)),
        (1, "ledger_transaction", _set("ledger_entry", "currency = 'USD'", _ENTRY)),
        (1, "ledger_transaction", _HALF_GONE),
        (2, "ledger in EUR", _set("ledger_entry", "amount_minor = 1", _ENTRY)),
        (2, "ledger in USD", _set("ledger_entry", "currency = 'USD'", _ENTRY)),
        (3, "ledger_balance", "INSERT INTO ledger_balance VALUES ('gift_card:x', 'EUR', 5)"),
        (3, "ledger_rollup bank", "INSERT INTO ledger_rollup VALUES ('bank', 'EUR', 1, 0)"),
        (3, "ledger_activity", "INSERT INTO ledger_activity VALUES ('sale', 'x', 'EUR', 1, 0)"),
        (3, "ledger_rollup_mark", "UPDATE ledger_rollup_mark SET order_count = 7"),
        (3, "seller_order", _set("seller_order", "pending_minor = 1", _PART)),
        (3, "seller_order", f"DELETE FROM ledger_entry WHERE seller_order_id = {_PART}"),
        (3, "seller_order", f"UPDATE ledger_entry SET currency = 'USD' WHERE {_PENDING}"),
        (3, "seller_order", _LARGE_BESIDE),
        (4, "ledger_transaction", _set("ledger_transaction", "actor = 'me'", _SOLD)),
        (4, "ledger_transaction", _set("ledger_entry", "account = 'bonk'", _ENTRY)),
        (4, "ledger_entry", _set("ledger_entry", "written_by = '3'", _ENTRY)),
        (4, "ledger_seal", "UPDATE ledger_seal SET root_hash = sha256('x')"),
        (4, "ledger_seal", "UPDATE ledger_seal SET previous_hash = sha256('x')"),
        (4, "ledger_seal", "DELETE FROM ledger_sealed WHERE position = 1"),
        (4, "ledger_transaction", "DELETE FROM ledger_sealed WHERE position = 0"),
        (4, "ledger_transaction", f"DELETE FROM ledger_transaction WHERE id = {_SOLD}"),
        (4, "ledger_sealed", "DELETE FROM ledger_seal"),
        (
            4,
            "table ledger_entry",
            "ALTER TABLE ledger_entry DISABLE TRIGGER ledger_entry_append_only",
        ),
        (
            5,
            "ledger_balance",
            _OVERDRAWN,
        ),
        (5, "account gift_card:x", _set("ledger_entry", "account = 'gift_card:x'", _ENTRY)),
        (6, "seller_order", _set("seller_order", "net_minor = 1", _PART)),
        (6, "seller_order", _LARGE_BESIDE),
        (6, "seller_order", _set("seller_order", "commission_minor = commission_minor + 1", _PART)),
        (6, "ledger_entry", f"UPDATE ledger_entry SET seller_order_id = {_ID} WHERE {_PENDING}"),
        (6, "ledger_entry", _STRANGERS_MONEY),
        (6, "ledger_entry", _set("ledger_transaction", f"order_id = {_ID}", _SOLD)),
        (7, "payment", _set("payment", "fee_minor = 1", _PAYMENT)),
        (7, "order", _set("payment", "captured_minor = 1", _PAYMENT)),
        (8, "order", _set("orders", "paid_at = NULL", _PAID)),
        (8, "order", _set("payment", "status = 'declined'", _PAYMENT)),
        (8, "order", f"DELETE FROM ledger_transaction WHERE id = {_SOLD}"),
        (8, "payment", _set("orders", "paid_at = NULL, status = 'cancelled'", _PAID)),
        (9, "order", _CAPTURE_AGAIN),
        (10, "payment", _set("payment", "refunded_minor = 1", _PAYMENT)),
        (10, "order_line", _set("order_line", "refunded_minor = 1", _LINE)),
        (10, "order", _set("orders", "refunded_minor = 1", _PAID)),
        *(
            (11, "order", _set("seller_order", f"{figure}_minor = {figure}_minor + 1", _PART))
            for figure in ("subtotal", "discount", "shipping", "tax", "total")
        ),
        *(
            (11, "seller_order", _set("order_line", f"{figure}_minor = {figure}_minor + 1", _LINE))
            for figure in ("gross", "tax", "total", "commission")
        ),
        *(
            (
                11,
                "seller_order",
                _set("seller_order", f"{figure}_minor = {figure}_minor + 1", _PART),
            )
            for figure in ("shipping_tax", "shipping_total", "shipping_commission", "commission")
        ),
        (11, "order", _set("seller_order", "discount_minor = 3000000000", _PART)),
        (11, "seller_order", _LARGE_COMMISSION),
        (11, "order", f"DELETE FROM seller_order WHERE order_id = {_PAID}"),
        (12, "payment", _set("payment", "currency = 'USD'", _PAYMENT)),
        (12, "order", _set("payment", "amount_minor = amount_minor + 1", _PAYMENT)),
        (13, "payout", _set("ledger_entry", f"payout_id = {_ID}", _ENTRY)),
        (14, "stock_level", "UPDATE stock_level SET on_hand = on_hand + 1"),
        (14, "stock_level", "DELETE FROM stock_movement"),
        (14, "stock_level", "UPDATE stock_level SET reserved = 0"),
        (15, "stock_reservation", _set("stock_reservation", "expires_at = '2026-01-01'", _HOLD)),
        (
            15,
            "stock_level",
            _OVERSOLD,
        ),
        (
            15,
            "stock_reservation",
            "ALTER TABLE stock_reservation DROP CONSTRAINT ck_stock_reservation_resolved_once;"
            + _set("stock_reservation", "released_quantity = quantity + 1", _HOLD),
        ),
        (16, "order_line", _set("stock_reservation", "released_quantity = 1", _HOLD)),
        (16, "order_line", _set("order_line", "shipped_quantity = 1", _LINE)),
        (17, "order", f"DELETE FROM order_event WHERE order_id = {_PAID} AND sequence = 1"),
        (
            17,
            "order_event",
            "UPDATE order_event SET to_status = 'shipped' WHERE seller_order_id IS NOT NULL",
        ),
        (17, "seller_order", _set("seller_order", "status = 'processing'", _PART)),
        (17, "order", _set("orders", "status = 'delivered'", _PAID)),
        (
            18,
            "seller_order",
            _set("seller_order", "status = 'cancelled', cancelled_at = '2026-01-01'", _PART),
        ),
        (
            18,
            "order_line",
            _set("seller_order", "status = 'cancelled'", _PART)
            + ";"
            + _set("order_line", "shipped_quantity = 1", _LINE),
        ),
        (19, "coupon", _COUPON),
        (19, "coupon_customer", _USED_BY_ONE),
        (20, "idempotency_key", _KEY),
        (20, "payment", _set("payment", "status = 'unknown', created_at = '2026-01-01'", _PAYMENT)),
        (20, "payment", _set("payment", "check_at = '2026-01-01'", _PAYMENT)),
        (20, "ledger_transaction", _BOOKED_TWICE),
        (21, "order", "DELETE FROM outbox_event WHERE type = 'order.placed'"),
        (21, "order", "DELETE FROM outbox_event WHERE type = 'order.paid'"),
        (21, "outbox_feed", "INSERT INTO outbox_feed SELECT 2, min(sequence) FROM outbox_event"),
        (21, "outbox_event", _FED_BACKWARDS),
        (22, "order_line", _set("order_line", f"seller_id = {_ID}", _LINE)),
        (22, "stock_level", f"UPDATE variant SET seller_id = {_ID}"),
        (22, "variant", f"UPDATE product SET seller_id = {_ID}"),
        (22, "account", _STRANGERS_MONEY),
        (23, "order", _set("orders", "reference = 'pan 4111111111111111 ok'", _PAID)),
        (23, "signing_key", _KEY_IN_CLEAR),
        (25, "product_card", "UPDATE product SET status = 'archived'"),
        (25, "product_card", "UPDATE product_card SET visible = false"),
        (25, "product_card", "UPDATE variant_price SET amount_minor = amount_minor + 1"),
        (25, "product_card", "UPDATE category SET path = 'elsewhere/' || path"),
        (25, "product_card", "DELETE FROM product_card"),
        (26, "document_series", "INSERT INTO document_series VALUES ('market', 'ST-2026', 3)"),
        (25, "category_place", "DELETE FROM category_place"),
        (25, "category_place", "UPDATE category_place SET sold_count = sold_count + 1"),
        (24, "suspense", _set("ledger_entry", "account = 'suspense'", _ENTRY)),
        (27, "ledger_transaction", "UPDATE ledger_transaction SET kind = 'adjusted'"),
    )
]


@pytest.mark.parametrize("broken", BREAKS, ids=str)
async def test_what_is_broken_behind_the_applications_back_is_reported(
    connection: Connection, resources: Resources, broken: Break
) -> None:
    await connection.execute("SET LOCAL session_replication_role = replica")
    for statement in broken.sql.split(";"):
        status = await connection.execute(statement)
        assert not status.endswith(" 0"), "the test broke nothing"
    later = timedelta(days=10) if broken.number in (24, 25) else timedelta()
    found = {each.number: each for each in await look(connection, resources, later=later)}
    assert broken.number in found
    assert found[broken.number].name == NAMES[broken.number]
    named = [f"{row.row} " for row in found[broken.number].rows]
    assert any(name.startswith(f"{broken.row} ") for name in named), named


def test_every_invariant_is_broken_once() -> None:
    assert {broken.number for broken in BREAKS} == set(NAMES)


async def test_a_charge_that_we_never_asked_for(
    connection: Connection, resources: Resources
) -> None:
    stranger = GatewayCharge(str(uuid4()), "EUR", 500, 0, 0)
    charges = [*await charges_of(resources), stranger]
    [finding] = await audit(
        connection, now=resources.clock.now(), gateway_journals={"sandbox": charges}
    )
    assert finding.number == 7
    assert [row.row for row in finding.rows] == [f"payment {stranger.attempt_id}"]


async def test_a_capture_that_the_gateway_denies(
    connection: Connection, resources: Resources
) -> None:
    [finding] = await audit(connection, now=resources.clock.now(), gateway_journals={"sandbox": []})
    paid = await connection.fetchval("SELECT count(*) FROM payment WHERE captured_minor > 0")
    assert finding.number == 7
    assert len(finding.rows) == paid


@pytest.mark.parametrize("at_once", [1, 2, 50])
async def test_charges_in_batches_leave_nothing_out_between_them(
    connection: Connection, resources: Resources, at_once: int
) -> None:
    charges = sorted(await charges_of(resources))
    denied = [charge for charge in charges if charge.captured_minor][1]
    strangers = [str(UUID(int=1)), str(UUID(int=2**128 - 2))]
    twice = str(uuid4())
    told = [charge for charge in charges if charge != denied]
    assert (
        await compare_charges(
            connection, gateway="sandbox", charges=charges + told, at_once=at_once
        )
        == []
    )
    told += [GatewayCharge(stranger, "EUR", 500, 0, 0) for stranger in [*strangers, twice, twice]]
    found = await compare_charges(connection, gateway="sandbox", charges=told, at_once=at_once)
    assert sorted(row.row for row in found) == sorted(
        f"payment {attempt}" for attempt in [*strangers, twice, twice, denied.attempt_id]
    )
    [row] = [row for row in found if row.row == f"payment {denied.attempt_id}"]
    assert row.problem == "is captured, and sandbox knows nothing of it"


async def test_a_refund_that_never_arrives_is_stuck(
    connection: Connection, resources: Resources
) -> None:
    sold = Sold()
    refund_id = uuid4()
    sources = SellerSources(pending_minor=5_400)
    await booked(connection, sold.sale(), sold.refund(refund_id, sources))
    found = {each.number: each for each in await look(connection, resources)}
    assert 24 not in found
    later = await look(connection, resources, later=timedelta(days=4))
    [row] = next(each.rows for each in later if each.number == 24)
    assert row.row == f"refund_in_transit:sandbox refund {refund_id}"
    assert row.problem == "still holds -5400 EUR"


async def test_no_more_than_twenty_rows_are_named(
    connection: Connection, resources: Resources
) -> None:
    strangers = [GatewayCharge(str(uuid4()), "EUR", 500, 0, 0) for _ in range(30)]
    [finding] = await audit(
        connection,
        now=resources.clock.now(),
        gateway_journals={"sandbox": [*strangers, *await charges_of(resources)]},
    )
    assert len(finding.rows) == 20


async def test_the_audit_takes_a_snapshot_of_its_own(resources: Resources) -> None:
    now = resources.clock.now()
    assert await audit_market(resources.db, gateways=resources.gateways, now=now) == []


async def test_a_difference_that_lasts_is_named_by_the_audit_of_a_market(
    cluster: Cluster, fresh_database: Callable[[str], str], resources: Resources
) -> None:
    """Over an empty database, every charge of the gateway is one that nobody asked for."""
    db = await Database.connect(cluster.dsn(database=fresh_database("audit alone")), max_size=1)
    try:
        [finding] = await audit_market(db, gateways=resources.gateways, now=resources.clock.now())
        assert finding.number == 7
        assert {row.row for row in finding.rows} == {
            f"payment {charge.attempt_id}" for charge in await charges_of(resources)
        }
    finally:
        await db.close()


async def test_a_journal_that_can_t_be_read_is_a_finding(
    cluster: Cluster, fresh_database: Callable[[str], str]
) -> None:
    clock = ManualClock(START)
    server = FakeStripe(Account(clock), down=NO_CONNECTION)
    gateway = make_gateway(server, clock)
    db = await Database.connect(cluster.dsn(database=fresh_database("audit unread")), max_size=1)
    try:
        [finding] = await audit_market(db, gateways={"stripe": gateway}, now=START)
        assert (finding.number, [row.row for row in finding.rows]) == (7, ["gateway stripe"])
        server.down = None
        assert await audit_market(db, gateways={"stripe": gateway}, now=START) == []
    finally:
        await db.close()
        await gateway.aclose()
