"""What the audit says of documents: nothing of sound ones, and each way to break one by name."""

from collections.abc import AsyncIterator, Callable
from datetime import timedelta

import pytest

from gosellr.config import Settings
from gosellr.core.clock import ManualClock
from gosellr.core.db import Connection
from gosellr.core.embedded_postgres import Cluster
from gosellr.core.transact import transact
from gosellr.flows import documents
from gosellr.resources import Resources, open_resources
from gosellr.services.audit_service import audit
from tests.conftest import START
from tests.factories.payouts import earn
from tests.factories.sales import make_shop, refund


@pytest.fixture(scope="module")
async def opened(
    cluster: Cluster,
    fresh_database: Callable[[str], str],
    tmp_path_factory: pytest.TempPathFactory,
) -> AsyncIterator[Resources]:
    """A market with an invoice, two credit notes and two closed months, reached as its owner."""
    settings = Settings(
        home=tmp_path_factory.mktemp("audit"),
        database_url=cluster.dsn(database=fresh_database("audit documents")),
        secret_key="a secret of the test run, long enough to be taken",
        rate_limits=False,
        sandbox_repeats=0,
        demo=False,
    )
    clock = ManualClock(START)
    async with open_resources(settings, clock=clock) as market:
        shop = await transact(market.db, make_shop)
        order = await earn(market, shop, 2)
        await documents.issue_invoices(market.documents, order_ids=[order.id])
        for refunded in ({"units": 1}, {"amount_minor": 700}):
            given = await refund(market, order, shop, **refunded)
            await documents.issue_credit_note(market.documents, refund_id=given.id)
        for _ in range(2):
            clock.advance(timedelta(days=31))
            await documents.close_months(market.documents)
        yield market


@pytest.fixture
async def connection(opened: Resources) -> AsyncIterator[Connection]:
    """A transaction that leaves nothing broken behind."""
    async with opened.db.connection() as owner:
        transaction = owner.transaction()
        await transaction.start()
        yield owner
        await transaction.rollback()


async def problems(connection: Connection, opened: Resources) -> list[str]:
    found = await audit(connection, now=opened.clock.now(), gateway_journals={})
    return [row.problem for finding in found if finding.number == 26 for row in finding.rows]


async def test_sound_documents_pass(connection: Connection, opened: Resources) -> None:
    kinds = await connection.fetch("SELECT kind, count(*) FROM document GROUP BY 1 ORDER BY 1")
    assert dict(kinds)["credit_note"] == 2
    assert dict(kinds).keys() >= {"invoice", "statement"}
    assert await problems(connection, opened) == []


@pytest.mark.parametrize(
    ("spoil", "problem"),
    [
        ("UPDATE document_series SET last_number = 5", "stands at 5 with"),
        (
            'UPDATE document SET content = content || \'{"language": "xx"}\'',
            "isn't what it was when it was issued",
        ),
        ("UPDATE document SET number = 9 WHERE kind = 'invoice'", "up to number 9"),
        (
            "UPDATE document SET total_minor = total_minor + 1 WHERE kind = 'invoice'",
            "the sale was booked with",
        ),
        (
            "UPDATE document SET total_minor = total_minor - 1 WHERE kind = 'credit_note'",
            "the refund was booked with",
        ),
        (
            "UPDATE document SET cause_key = gen_random_uuid()::text WHERE kind = 'credit_note'",
            "the refund was booked with 0",
        ),
        (
            "UPDATE document SET total_minor = 1 WHERE kind = 'invoice'",
            "its invoice says 1",
        ),
        (
            """UPDATE document SET content = jsonb_set(content, '{opening_minor}', '7')
               WHERE kind = 'statement' AND period = '2026-04'""",
            "the month before ended with",
        ),
        (
            "UPDATE document SET total_minor = total_minor + 1 WHERE kind = 'statement'",
            "its lines sum to",
        ),
    ],
)
async def test_each_way_to_break_one_is_told(
    connection: Connection, opened: Resources, spoil: str, problem: str
) -> None:
    await connection.execute("SET LOCAL session_replication_role = replica")
    await connection.execute(spoil)
    assert any(problem in told for told in await problems(connection, opened))


async def test_a_journal_that_could_be_changed_is_told(
    connection: Connection, opened: Resources
) -> None:
    await connection.execute("ALTER TABLE document DISABLE TRIGGER document_append_only")
    found = await audit(connection, now=opened.clock.now(), gateway_journals={})
    assert any(row.row.endswith("document") for one in found for row in one.rows)
