"""What the audit says of cases: nothing of sound ones, and each way to break one by its name."""

from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from datetime import timedelta

import pytest

from gosellr.config import Settings
from gosellr.core.clock import ManualClock
from gosellr.core.db import Connection
from gosellr.core.embedded_postgres import Cluster
from gosellr.core.transact import transact
from gosellr.resources import Resources, open_resources
from gosellr.services.audit_service import NAMES
from tests.conftest import START
from tests.factories.disputes import (
    accept,
    bank_decides,
    delivered,
    network,
    open_case,
    take_back,
)
from tests.factories.payouts import wrong_with
from tests.factories.sales import make_buyer, make_shop


@pytest.fixture(scope="module")
async def opened(
    cluster: Cluster,
    fresh_database: Callable[[str], str],
    tmp_path_factory: pytest.TempPathFactory,
) -> AsyncIterator[Resources]:
    """A market of its own, reached as the owner of its tables, who can break anything.

    One case is open and one closed for its buyer; one chargeback is open and one is lost.
    """
    settings = Settings(
        home=tmp_path_factory.mktemp("audit"),
        database_url=cluster.dsn(database=fresh_database("audit disputes")),
        secret_key="a secret of the test run, long enough to be taken",
        rate_limits=False,
        sandbox_repeats=0,
        demo=False,
    )
    async with open_resources(settings, clock=ManualClock(START)) as market:
        buyer = await transact(market.db, make_buyer)
        shop = await transact(market.db, make_shop, price_minor=1000)
        orders = [await delivered(market, (shop, 2), buyer=buyer) for _ in range(4)]
        await open_case(market, orders[0], shop, viewer=buyer.viewer, units=1)
        closed = await open_case(market, orders[1], shop, viewer=buyer.viewer, units=1)
        await accept(market, closed, viewer=shop.viewer)
        await take_back(market, orders[2], fee_minor=15)
        lost = await take_back(market, orders[3])
        await bank_decides(market, orders[3], lost, won=False)
        yield market


@pytest.fixture
async def connection(opened: Resources) -> AsyncIterator[Connection]:
    """A transaction that leaves nothing broken behind."""
    async with opened.db.connection() as owner:
        transaction = owner.transaction()
        await transaction.start()
        yield owner
        await transaction.rollback()


async def test_sound_cases_are_no_finding(connection: Connection, opened: Resources) -> None:
    rows = await connection.fetch("SELECT kind, status FROM dispute ORDER BY opened_at, id")
    assert [tuple(row) for row in rows] == [
        ("buyer", "awaiting_seller"),
        ("buyer", "closed"),
        ("chargeback", "awaiting_seller"),
        ("chargeback", "closed"),
    ]
    assert await wrong_with(connection, opened) == []


@dataclass(frozen=True)
class Break:
    """Statements that break an invariant, and how the broken row is named."""

    number: int
    row: str
    sql: str

    def __str__(self) -> str:
        return f"{self.number} {self.sql[:70]}"


_OPEN = "(SELECT id FROM dispute WHERE kind = 'buyer' AND status <> 'closed')"
_CLOSED = "(SELECT id FROM dispute WHERE kind = 'buyer' AND status = 'closed')"
_OF_OPEN = f"(SELECT order_id FROM dispute WHERE id = {_OPEN})"
_FREEZE = (
    "(SELECT entry.id FROM ledger_entry AS entry JOIN ledger_transaction AS head"
    " ON head.id = entry.transaction_id WHERE entry.account LIKE 'seller_reserve:%'"
    f" AND head.cause_id = {_OPEN})"
)
_UNCHECKED = "ALTER TABLE dispute DROP CONSTRAINT ck_dispute_closed_keeps_nothing"
BREAKS = [
    Break(*one)
    for one in (
        (3, "dispute", f"UPDATE dispute SET from_pending_minor = 1 WHERE id = {_OPEN}"),
        (3, "dispute", f"UPDATE dispute SET spent_minor = 1 WHERE id = {_OPEN}"),
        (3, "dispute", f"UPDATE ledger_entry SET amount_minor = 1 WHERE id = {_FREEZE}"),
        (3, "dispute", f"{_UNCHECKED}; UPDATE dispute SET spent_minor = 0 WHERE id = {_CLOSED}"),
        (3, "dispute", "UPDATE refund SET dispute_id = NULL WHERE reason LIKE 'Dispute%'"),
        (3, "dispute", f"UPDATE dispute SET seller_id = gen_random_uuid() WHERE id = {_OPEN}"),
        (
            3,
            "dispute",
            (
                f"{_UNCHECKED}; UPDATE dispute SET status = 'closed', closed_at = now()"
                f" WHERE id = {_OPEN}"
            ),
        ),
        (3, "order", f"UPDATE orders SET open_dispute_count = 0 WHERE id = {_OF_OPEN}"),
        (3, "order", f"UPDATE orders SET payment_status = 'paid' WHERE id = {_OF_OPEN}"),
        (
            4,
            "table",
            "ALTER TABLE dispute_event DISABLE TRIGGER dispute_event_append_only",
        ),
        (7, "order", "UPDATE chargeback SET amount_minor = 1 WHERE status = 'open'"),
        (7, "order", "UPDATE chargeback SET fee_minor = 0 WHERE status = 'open'"),
        (
            7,
            "order",
            "UPDATE chargeback SET status = 'won', closed_at = now() WHERE status = 'lost'",
        ),
        (
            7,
            "order",
            "UPDATE chargeback SET status = 'lost', closed_at = now() WHERE status = 'open'",
        ),
        (7, "payment", "UPDATE payment SET disputed_minor = 0 WHERE disputed_minor > 0"),
        (17, "dispute", f"DELETE FROM dispute_event WHERE dispute_id = {_OPEN}"),
        (
            17,
            "dispute",
            f"UPDATE dispute_event SET sequence = 7 WHERE dispute_id = {_OPEN}",
        ),
        (
            17,
            "dispute_event",
            "UPDATE dispute_event SET to_status = 'awaiting_seller' WHERE to_status = 'closed'",
        ),
        (18, "dispute", f"UPDATE dispute SET award_minor = 0 WHERE id = {_CLOSED}"),
        (
            18,
            "dispute",
            f"UPDATE dispute SET amount_minor = 1500, award_minor = 1500 WHERE id = {_CLOSED}",
        ),
        (18, "dispute", "UPDATE refund SET status = 'failed' WHERE reason LIKE 'Dispute%'"),
        (
            18,
            "seller_order",
            (
                "UPDATE seller_order SET status = 'cancelled' WHERE id ="
                f" (SELECT seller_order_id FROM dispute WHERE id = {_OPEN})"
            ),
        ),
        (20, "dispute", f"UPDATE dispute SET due_at = '2026-03-01' WHERE id = {_OPEN}"),
    )
]


@pytest.mark.parametrize("broken", BREAKS, ids=str)
async def test_what_is_broken_behind_the_applications_back_is_reported(
    connection: Connection, opened: Resources, broken: Break
) -> None:
    await connection.execute("SET LOCAL session_replication_role = replica")
    for statement in broken.sql.split(";"):
        status = await connection.execute(statement)
        assert not status.endswith(" 0"), "the test broke nothing"
    found = {each.number: each for each in await wrong_with(connection, opened)}
    assert broken.number in found
    assert found[broken.number].name == NAMES[broken.number]
    named = [f"{row.row} " for row in found[broken.number].rows]
    assert any(name.startswith(f"{broken.row} ") for name in named), named


async def test_what_a_bank_holds_for_too_long_is_stuck(
    connection: Connection, opened: Resources
) -> None:
    order_id = await connection.fetchval("SELECT order_id FROM chargeback WHERE status = 'open'")
    clock = opened.clock
    assert isinstance(clock, ManualClock)
    for days, due in ((149, False), (2, True)):
        clock.advance(timedelta(days=days))
        found = {each.number: each for each in await wrong_with(connection, opened)}
        named = [row.row for row in found[24].rows] if 24 in found else []
        assert (f"dispute_receivable:sandbox order {order_id}" in named) is due
    clock.advance(-timedelta(days=151))


async def test_a_chargeback_that_we_have_not_heard_of_is_a_difference(opened: Resources) -> None:
    async with opened.db.connection() as connection:
        attempt_id = await connection.fetchval(
            "SELECT payment.id FROM payment JOIN dispute ON dispute.order_id = payment.order_id"
            " WHERE dispute.kind = 'buyer' AND dispute.status <> 'closed'"
        )
        await network(opened).disputes.open(attempt_id=str(attempt_id))
        [finding] = await wrong_with(connection, opened)
    assert finding.number == 7
    assert [row.row for row in finding.rows] == [f"payment {attempt_id}"]
    assert "banks took back 2000; we wrote 2000, 0, 0, EUR, 0" in finding.rows[0].problem
