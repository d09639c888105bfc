"""What the audit says of payouts: nothing of sound ones, and each way to break one by its name."""

from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, replace
from datetime import timedelta
from uuid import UUID, uuid4

import pytest

from gosellr.config import Settings
from gosellr.core.clock import ManualClock
from gosellr.core.db import Connection
from gosellr.core.embedded_postgres import Cluster
from gosellr.core.transact import transact
from gosellr.integrations.payouts.sandbox import Behaviour
from gosellr.resources import Resources, open_resources
from gosellr.services.audit_service import NAMES, Finding, ProviderTransfer, audit
from tests.conftest import START
from tests.factories.payouts import earn, pay, set_account, set_schedule, wrong_with
from tests.factories.sales import make_shop


@pytest.fixture(scope="module")
async def opened(
    cluster: Cluster,
    fresh_database: Callable[[str], str],
    tmp_path_factory: pytest.TempPathFactory,
) -> AsyncIterator[Resources]:
    """A market of its own, reached as the owner of its tables, who can break anything.

    One payout is paid, one failed, one is on its way.
    """
    settings = Settings(
        home=tmp_path_factory.mktemp("audit"),
        database_url=cluster.dsn(database=fresh_database("audit payouts")),
        secret_key="a secret of the test run, long enough to be taken",
        rate_limits=False,
        sandbox_repeats=0,
        demo=False,
    )
    async with open_resources(settings, clock=ManualClock(START)) as market:
        for behaviour in (Behaviour.DECLINE, Behaviour.PAY, Behaviour.SLOW):
            shop = await transact(market.db, make_shop, price_minor=1000)
            await set_account(market, shop, behaviour)
            await set_schedule(market, shop, "manual")
            await earn(market, shop)
            await earn(market, shop, 2)
            await pay(market, shop)
            # The next sale's hold must not make this payout's watch late.
            await transact(market.db, _rest)
        yield market


async def _rest(connection: Connection) -> None:
    await connection.execute("UPDATE payout SET check_at = check_at + interval '99 days'")


@pytest.fixture
async def connection(opened: Resources) -> AsyncIterator[Connection]:
    """A transaction that leaves nothing broken behind."""
    async with opened.db.connection() as owner:
        transaction = owner.transaction()
        await transaction.start()
        yield owner
        await transaction.rollback()


async def test_sound_payouts_are_no_finding(connection: Connection, opened: Resources) -> None:
    rows = await connection.fetch("SELECT status, amount_minor FROM payout ORDER BY created_at")
    assert [tuple(row) for row in rows] == [("failed", 3000), ("paid", 3000), ("sent", 3000)]
    assert await wrong_with(connection, opened) == []


@dataclass(frozen=True)
class Break:
    """Statements that break an invariant, and how the broken row is named."""

    number: int
    row: str
    sql: str

    def __str__(self) -> str:
        return f"{self.number} {self.sql[:60]}"


def _one(status: str) -> str:
    return f"(SELECT id FROM payout WHERE status = '{status}')"


def _claim(status: str) -> str:
    return f"(SELECT min(entry_id) FROM payout_entry WHERE payout_id = {_one(status)})"


_FREED = "'2026-03-03'"
_INTENT = (
    "(SELECT id FROM ledger_entry WHERE account LIKE 'payout_in_transit:%'"
    f" AND direction = 'credit' AND payout_id = {_one('paid')})"
)
_CLAIMED_TWICE = f"""
DROP INDEX uq_payout_entry_live;
INSERT INTO payout_entry VALUES ({_one("sent")}, {_claim("paid")})
"""
BREAKS = [
    Break(*one)
    for one in (
        (13, "payout", "UPDATE payout SET amount_minor = 2999 WHERE status = 'paid'"),
        (13, "payout", "UPDATE payout SET amount_minor = 3001 WHERE status = 'sent'"),
        (13, "payout", "UPDATE payout SET amount_minor = 2999 WHERE status = 'failed'"),
        (13, "payout", f"DELETE FROM payout_entry WHERE payout_id = {_one('paid')}"),
        (13, "payout", f"DELETE FROM payout_entry WHERE entry_id = {_claim('sent')}"),
        (
            13,
            "payout",
            f"UPDATE payout_entry SET released_at = {_FREED} WHERE entry_id = {_claim('paid')}",
        ),
        (
            13,
            "payout",
            f"UPDATE payout_entry SET released_at = NULL WHERE payout_id = {_one('failed')}",
        ),
        (13, "ledger_entry", _CLAIMED_TWICE),
        (13, "payout", f"INSERT INTO payout_entry VALUES ({_one('sent')}, {_INTENT})"),
        (13, "payout", "UPDATE payout SET currency = 'USD' WHERE status = 'paid'"),
        (13, "payout", "UPDATE payout SET status = 'paid' WHERE status = 'sent'"),
        (13, "payout", "UPDATE payout SET status = 'failed' WHERE status = 'paid'"),
        (13, "payout", "UPDATE payout SET status = 'sent' WHERE status = 'paid'"),
        (13, "payout", f"UPDATE ledger_entry SET amount_minor = 1 WHERE id = {_INTENT}"),
        (13, "payout", f"UPDATE ledger_entry SET payout_id = NULL WHERE id = {_INTENT}"),
        (13, "payout", f"DELETE FROM payout WHERE id = {_one('paid')}"),
        (
            20,
            "payout",
            "UPDATE payout SET status = 'unknown', created_at = '2026-01-01' WHERE status = 'sent'",
        ),
        (20, "payout", "UPDATE payout SET check_at = '2026-01-01' WHERE status = 'sent'"),
        (22, "payout", "UPDATE payout_destination SET seller_id = gen_random_uuid()"),
        (
            23,
            "payout_destination",
            "UPDATE payout_destination SET account_encrypted = 'DE89370400440532013000'",
        ),
        (
            23,
            "seller_tax_identity",
            "INSERT INTO seller_tax_identity SELECT id, 'Ada', 1, id, now(), now() FROM seller",
        ),
        (
            7,
            "payout",
            "UPDATE payout SET status = 'failed' WHERE status = 'paid'",
        ),
        (7, "payout", "UPDATE payout SET amount_minor = 1 WHERE status = 'failed'"),
        (7, "payout", "UPDATE payout SET id = gen_random_uuid() WHERE status = 'paid'"),
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


async def test_money_that_stays_in_transit_is_stuck(
    connection: Connection, opened: Resources
) -> None:
    clock = ManualClock(opened.clock.now() + timedelta(days=4))
    found = await wrong_with(connection, replace(opened, clock=clock))
    [stuck] = [each for each in found if each.number == 24]
    [row] = stuck.rows
    payout_id = await connection.fetchval("SELECT id FROM payout WHERE status = 'sent'")
    assert row.row.endswith(f" payout {payout_id}")
    assert row.problem == "still holds -3000 EUR"


async def journal_says(
    connection: Connection, opened: Resources, *sent: ProviderTransfer
) -> list[Finding]:
    found = await audit(
        connection,
        now=opened.clock.now(),
        gateway_journals={},
        provider_journals={"sandbox": list(sent)},
    )
    return [each for each in found if each.number == 7]


async def test_transfers_and_payouts_are_held_against_each_other(
    connection: Connection, opened: Resources
) -> None:
    paid: UUID = await connection.fetchval("SELECT id FROM payout WHERE status = 'paid'")
    right = ProviderTransfer(paid, 3000, "EUR", "accepted")
    assert await journal_says(connection, opened, right) == []
    stranger = ProviderTransfer(uuid4(), 3000, "EUR", "accepted")
    for sent, row in (
        ([], paid),
        ([right, stranger], stranger.id),
        ([replace(right, amount_minor=2999)], paid),
        ([replace(right, currency="USD")], paid),
    ):
        [finding] = await journal_says(connection, opened, *sent)
        assert [each.row for each in finding.rows] == [f"payout {row}"]
