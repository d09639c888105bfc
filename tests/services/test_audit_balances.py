"""What the audit says of reserves, adjustments and bank files: nothing of sound ones, and each way
to break one by its name."""

from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from datetime import timedelta

import pytest

from gosellr.config import Settings
from gosellr.core.clock import ManualClock
from gosellr.core.db import Connection
from gosellr.core.embedded_postgres import Cluster
from gosellr.core.transact import transact
from gosellr.flows import bank_files
from gosellr.resources import Resources, open_resources
from gosellr.services.audit_service import NAMES
from tests.conftest import START
from tests.factories.balances import approve, make_rule, prepare, release_reserves, write_off
from tests.factories.payouts import (
    an_operator,
    earn,
    pay,
    set_account,
    set_schedule,
    wrong_with,
)
from tests.factories.sales import a_key, make_shop, refund
from tests.flows.test_bank_files import set_bank, with_bank


@pytest.fixture(scope="module")
async def opened(
    cluster: Cluster,
    fresh_database: Callable[[str], str],
    tmp_path_factory: pytest.TempPathFactory,
) -> AsyncIterator[Resources]:
    """A market of its own, reached as the owner of its tables, who can break anything.

    Of two sales a half is kept back, one is released; a refund took of the other. An adjustment
    and a write-off were approved. One bank file is executed, one isn't answered yet.
    """
    settings = Settings(
        home=tmp_path_factory.mktemp("audit"),
        database_url=cluster.dsn(database=fresh_database("audit balances")),
        secret_key="a secret of the test run, long enough to be taken",
        rate_limits=False,
        sandbox_repeats=0,
        demo=False,
    )
    async with open_resources(settings, clock=ManualClock(START)) as plain:
        market = with_bank(plain)
        assert isinstance(market.clock, ManualClock)
        shop = await transact(market.db, make_shop, price_minor=1000)
        await set_account(market, shop)
        await set_schedule(market, shop, "manual")
        debtor = await earn(market, shop)
        await pay(market, shop)
        await refund(market, debtor, shop, units=1)
        await approve(market, (await write_off(market, shop, 1000)).id)
        await make_rule(market, rate_bps=5000)
        await earn(market, shop)
        market.clock.advance(timedelta(days=23))
        second = await earn(market, shop)
        await release_reserves(market)
        await pay(market, shop)
        await refund(market, second, shop, amount_minor=200)
        found = await prepare(market, ("goodwill_cost", "debit", 7), ("fee_income", "credit", 7))
        await approve(market, found.id)
        await prepare(market, ("goodwill_cost", "debit", 9), ("fee_income", "credit", 9))
        filed = await transact(market.db, make_shop, price_minor=1000)
        await set_bank(market, filed)
        for is_executed in (True, False):
            await earn(market, filed)
            await pay(market, filed)
            made = await bank_files.make_file(market.payouts, viewer=an_operator(), key=a_key())
            if is_executed:
                await bank_files.execute_file(
                    market.payouts, viewer=an_operator(), file_id=made.value.id, failed={}
                )
        await transact(market.db, _rest)
        yield market


async def _rest(connection: Connection) -> None:
    """Nobody has to be asked for a while."""
    await connection.execute("UPDATE payout SET check_at = check_at + interval '99 days'")


@pytest.fixture
async def connection(opened: Resources) -> AsyncIterator[Connection]:
    """A transaction that leaves nothing broken behind."""
    async with opened.db.connection() as owner:
        transaction = owner.transaction()
        await transaction.start()
        yield owner
        await transaction.rollback()


async def test_sound_books_are_no_finding(connection: Connection, opened: Resources) -> None:
    rows = await connection.fetch(
        "SELECT amount_minor, taken_minor, released_minor FROM reserve_hold ORDER BY id LIMIT 2"
    )
    assert [tuple(row) for row in rows] == [(500, 0, 500), (500, 200, 0)]
    files = await connection.fetch("SELECT status, amount_minor FROM bank_file ORDER BY made_at")
    assert [tuple(row) for row in files] == [("executed", 500), ("made", 500)]
    assert await wrong_with(connection, opened) == []


@dataclass(frozen=True)
class Break:
    """Statements that break an invariant, and how the broken row is named."""

    number: int
    row: str
    sql: str

    def __str__(self) -> str:
        return f"{self.number} {self.sql[:60]}"


_ADJUSTED = "(SELECT id FROM ledger_transaction WHERE kind = 'adjusted')"
_PAID_LATER = (
    "(SELECT min(id::text)::uuid FROM ledger_transaction WHERE kind = 'payout_intent'"
    " AND id > (SELECT id FROM ledger_transaction WHERE kind = 'debt_written_off'))"
)
_SOMEBODY = "'00000000-0000-0000-0000-000000000001'"
_PROPOSED = (
    "INSERT INTO proposal (id, kind, subject, wish, prepared_at, decided_at, status, prepared_by,"
    " decided_by) VALUES (gen_random_uuid(), 'receipt', 'x', '{}', now(), now(),"
)
_DONE = "kind = 'entries' AND status = 'approved'"
_RELEASED = "released_minor > 0 AND taken_minor = 0"
_MORE = "amount_minor = 600, taken_minor = 300"
BREAKS = [
    Break(*one)
    for one in (
        (3, "reserve", "UPDATE reserve_hold SET taken_minor = 1 WHERE taken_minor > 0"),
        (3, "reserve", f"UPDATE reserve_hold SET released_minor = 1 WHERE {_RELEASED}"),
        (3, "reserve_hold", f"UPDATE reserve_hold SET released_minor = 1 WHERE {_RELEASED}"),
        (3, "reserve_hold", f"UPDATE reserve_hold SET release_count = 2 WHERE {_RELEASED}"),
        (3, "reserve_hold", f"DELETE FROM reserve_hold WHERE {_RELEASED}"),
        # More was kept back than booked, and more given than anybody had.
        (3, "reserve_hold", f"UPDATE reserve_hold SET {_MORE} WHERE taken_minor > 0"),
        (3, "reserve", f"UPDATE reserve_hold SET {_MORE} WHERE taken_minor > 0"),
        (13, "bank_file", "UPDATE bank_file SET amount_minor = 999 WHERE status = 'made'"),
        (13, "bank_file", "UPDATE bank_file SET payment_count = 2 WHERE status = 'executed'"),
        (13, "bank_file", "UPDATE bank_file SET status = 'made' WHERE status = 'executed'"),
        (13, "bank_file", "UPDATE bank_file SET status = 'executed' WHERE status = 'made'"),
        (13, "payout", "UPDATE payout SET bank_file_id = NULL WHERE status = 'sent'"),
        (23, "bank_file", "UPDATE bank_file SET content_encrypted = '<Document/>'"),
        (
            24,
            "reserve_hold",
            "UPDATE reserve_hold SET release_at = '2026-01-01' WHERE taken_minor > 0",
        ),
        (27, "adjustment", f"UPDATE adjustment SET decided_by = prepared_by WHERE {_DONE}"),
        (27, "adjustment", f"UPDATE adjustment SET prepared_by = gen_random_uuid() WHERE {_DONE}"),
        (27, "adjustment", f"UPDATE adjustment SET reason = 'another' WHERE {_DONE}"),
        (27, "adjustment", f"UPDATE adjustment SET entries = '[]' WHERE {_DONE}"),
        (27, "ledger_transaction", f"DELETE FROM adjustment WHERE {_DONE}"),
        (
            27,
            "ledger_transaction",
            "UPDATE adjustment SET status = 'prepared' WHERE kind = 'write_off'",
        ),
        (27, "adjustment", f"DELETE FROM ledger_transaction WHERE id = {_ADJUSTED}"),
        (
            27,
            "adjustment",
            f"UPDATE ledger_transaction SET actor = 'system' WHERE id = {_ADJUSTED}",
        ),
        (
            27,
            "seller",
            f"UPDATE ledger_transaction SET kind = 'write_off_recovered' WHERE id = {_PAID_LATER}",
        ),
        (27, "proposal", f"{_PROPOSED} 'approved', {_SOMEBODY}, {_SOMEBODY})"),
        (27, "proposal", f"{_PROPOSED} 'approved', {_SOMEBODY}, NULL)"),
        (27, "proposal", f"{_PROPOSED} 'prepared', {_SOMEBODY}, gen_random_uuid())"),
    )
]


@pytest.mark.parametrize("broken", BREAKS, ids=str)
async def test_what_is_broken_behind_the_applications_back_is_reported(
    connection: Connection, opened: Resources, broken: Break
) -> None:
    await connection.execute("SET LOCAL session_replication_role = replica")
    for table, name in await connection.fetch(
        "SELECT conrelid::regclass::text, conname FROM pg_constraint WHERE contype = 'c'"
        " AND conrelid IN ('adjustment'::regclass, 'bank_file'::regclass,"
        " 'proposal'::regclass)"
    ):
        await connection.execute(f"ALTER TABLE {table} DROP CONSTRAINT {name}")
    status = await connection.execute(broken.sql)
    assert not status.endswith(" 0"), "the test broke nothing"
    found = {each.number: each for each in await wrong_with(connection, opened)}
    assert broken.number in found
    assert found[broken.number].name == NAMES[broken.number]
    named = [f"{row.row} " for row in found[broken.number].rows]
    assert any(name.startswith(f"{broken.row} ") for name in named), named
