"""The migrated database is the one that the models declare, and it guards what they can't say."""

import os
import re
import subprocess
import sys
from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime
from types import ModuleType
from uuid import UUID

import asyncpg
import pytest
from alembic.script import ScriptDirectory
from sqlalchemy import create_engine
from sqlalchemy.pool import NullPool

from gosellr.core.db import Connection, prepare_connection
from gosellr.core.embedded_postgres import APPLICATION_ROLE, Cluster
from gosellr.core.identity import new_id
from gosellr.migrations import run
from gosellr.migrations.alembic_run import alembic_config
from gosellr.migrations.revisions import head_revision
from gosellr.models.schema import metadata
from gosellr.utils.order_states import transition_pairs
from tests.house.source import PACKAGE

NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)

COLUMNS = """
SELECT relname || '.' || attname,
       format_type(atttypid, atttypmod) || ' ' || attnotnull || ' ' || attidentity::text
       || attgenerated::text || ' ' || coalesce(pg_get_expr(adbin, adrelid), '')
FROM pg_class
JOIN pg_attribute ON attrelid = pg_class.oid AND attnum > 0 AND NOT attisdropped
LEFT JOIN pg_attrdef ON adrelid = attrelid AND adnum = attnum
WHERE relnamespace = $1::regnamespace AND relkind IN ('r', 'p')
"""
CONSTRAINTS = """
SELECT conrelid::regclass || '.' || conname, pg_get_constraintdef(oid)
FROM pg_constraint WHERE connamespace = $1::regnamespace AND contype IN ('c', 'f', 'p', 'u', 'x')
"""
INDEXES = """
SELECT indexname, replace(indexdef, $1 || '.', '') FROM pg_indexes WHERE schemaname = $1
"""
PERSISTENCE = """
SELECT relname, relpersistence::text FROM pg_class
WHERE relnamespace = $1::regnamespace AND relkind = 'r'
"""
OPTIONS = """
SELECT relname, reloptions::text FROM pg_class
WHERE relnamespace = $1::regnamespace AND relkind = 'r' AND reloptions IS NOT NULL
"""
# Documents, hashes and ciphers that no index begins with, and what the planner counts of them.
UNSOUGHT = """
SELECT relname || '.' || attname, attstattarget
FROM pg_class
JOIN pg_attribute ON attrelid = pg_class.oid AND attnum > 0 AND NOT attisdropped
WHERE relnamespace = 'gosellr'::regnamespace AND relkind = 'r'
  AND atttypid IN ('jsonb'::regtype, 'bytea'::regtype)
  AND NOT EXISTS (
    SELECT FROM pg_index WHERE indrelid = pg_class.oid AND attnum = ANY(indkey::int2[]))
"""
# The queue's tables are its library's, and this one is Alembic's.
NOT_OURS = re.compile(r"procrastinate|^alembic_version")


@pytest.fixture
async def owner(
    request: pytest.FixtureRequest, cluster: Cluster, fresh_database: Callable[[str], str]
) -> AsyncIterator[Connection]:
    """The owner of the tables, in an empty market of this test's own."""
    connection = await asyncpg.connect(
        cluster.dsn(database=fresh_database(request.node.nodeid)),
        server_settings={"search_path": "gosellr, public"},
    )
    await prepare_connection(connection)
    yield connection
    await connection.close()


async def _described(connection: Connection, question: str, schema: str) -> dict[str, str]:
    await connection.execute(f"SET search_path = {schema}, gosellr, public")
    rows = await connection.fetch(question, schema)
    return {name: text for name, text in rows if not NOT_OURS.search(name)}


async def test_database_is_what_the_models_declare(
    cluster: Cluster, fresh_database: Callable[[str], str]
) -> None:
    """The models are built once more beside the migrated schema, and both are read back, so
    that the comparison is PostgreSQL's own: columns, types, defaults, constraints, indexes."""
    dsn = cluster.dsn(database=fresh_database("drift"))
    connection = await asyncpg.connect(dsn)
    await connection.execute("CREATE SCHEMA declared")
    engine = create_engine(
        dsn.replace("postgresql://", "postgresql+psycopg://", 1),
        connect_args={"options": "-c search_path=declared,gosellr,public"},
        poolclass=NullPool,
    )
    with engine.begin() as building:
        metadata.create_all(building, checkfirst=False)
    for question in (COLUMNS, CONSTRAINTS, INDEXES, PERSISTENCE):
        declared = await _described(connection, question, "declared")
        migrated = await _described(connection, question, "gosellr")
        assert len(declared) > 10
        assert migrated == declared
    options = await _described(connection, OPTIONS, "declared")
    assert len(options) > 4
    assert await _described(connection, OPTIONS, "gosellr") == options
    await connection.close()


async def test_what_nobody_looks_for_is_not_counted(owner: Connection) -> None:
    """Sorting thirty thousand documents at each tenth that a table grows costs more than half of
    all that PostgreSQL spends on counting for its planner, and no plan asks for it."""
    found = [(name, target) for name, target in await owner.fetch(UNSOUGHT)]
    ours = {name: target for name, target in found if not NOT_OURS.search(name)}
    assert len(ours) > 50
    assert {name for name, target in ours.items() if target != 0} == set()


async def test_seller_order_steps_are_the_listed_ones(owner: Connection) -> None:
    body = await owner.fetchval("SELECT prosrc FROM pg_proc WHERE proname = 'seller_order_step'")
    pairs = re.findall(r"\('(\w+)', '(\w+)'\)", body)
    assert sorted(pairs) == sorted(transition_pairs())
    trigger = await owner.fetchval(
        "SELECT pg_get_triggerdef(oid) FROM pg_trigger WHERE tgname = 'seller_order_step'"
    )
    assert "BEFORE UPDATE OF status ON" in trigger


def _guards() -> ModuleType:
    script = ScriptDirectory.from_config(alembic_config()).get_revision("0002")
    return script.module


def test_the_last_revision_is_told_without_the_migrating_library() -> None:
    assert head_revision() == ScriptDirectory.from_config(alembic_config()).get_current_head()


def test_a_web_process_loads_no_library_for_tables() -> None:
    """It would cost a third of a second at each start, and memory in each process."""
    loaded = "import sys, gosellr.resources, gosellr.api.application, gosellr.web.mount;"
    unwanted = "print(*{'alembic', 'sqlalchemy', 'psycopg', 'procrastinate'} & {*sys.modules})"
    said = subprocess.run(
        [sys.executable, "-c", loaded + unwanted],
        env=os.environ | {"PYTHONPATH": str(PACKAGE.parent)},
        capture_output=True,
        check=True,
        text=True,
    )
    assert said.stdout.split() == []


async def test_append_only_tables_refuse_their_owner(owner: Connection) -> None:
    tables = _guards().APPEND_ONLY
    assert len(tables) >= 6
    for table in tables:
        transaction = owner.transaction()
        await transaction.start()
        column = await _insert_anything(owner, table)
        for statement in (
            f"UPDATE {table} SET {column} = {column}",
            f"DELETE FROM {table}",
            f"TRUNCATE {table} CASCADE",
        ):
            with pytest.raises(asyncpg.IntegrityConstraintViolationError, match="append-only"):
                async with owner.transaction():
                    await owner.execute(statement)
        await transaction.rollback()


async def _insert_anything(owner: Connection, table: str) -> str:
    """One row of whatever fits the columns' types, with the other guards out of the way."""
    columns = await owner.fetch(
        "SELECT attname, format_type(atttypid, NULL) AS type FROM pg_attribute"
        " WHERE attrelid = $1::regclass AND attnum > 0 AND NOT attisdropped"
        " AND attnotnull AND NOT atthasdef AND attidentity = ''",
        table,
    )
    checks = await owner.fetch(
        "SELECT conname FROM pg_constraint WHERE conrelid = $1::regclass AND contype IN ('c', 'f')",
        table,
    )
    for check in checks:
        await owner.execute(f"ALTER TABLE {table} DROP CONSTRAINT {check['conname']}")
    values = {
        "uuid": f"'{new_id()}'", "timestamp with time zone": "'2026-03-02'", "bytea": "'x'",
        "jsonb": "'{}'", "text": "'x'", "character": "'USD'", "character varying": "'x'",
        "date": "'2026-03-02'", "boolean": "true",
    }  # fmt: skip
    names = ", ".join(column["attname"] for column in columns)
    listed = ", ".join(values.get(column["type"], "'1'") for column in columns)
    await owner.execute("SET LOCAL session_replication_role = replica")
    await owner.execute(f"INSERT INTO {table} ({names}) VALUES ({listed})")
    await owner.execute("SET LOCAL session_replication_role = origin")
    first: str = columns[0]["attname"]
    return first


@pytest.mark.parametrize("table", run.APPEND_ONLY)
async def test_append_only_tables_refuse_the_application(owner: Connection, table: str) -> None:
    for right, expected in (
        ("SELECT", True), ("INSERT", True), ("UPDATE", False), ("DELETE", False),
        ("TRUNCATE", False),
    ):  # fmt: skip
        held = await owner.fetchval(
            "SELECT has_table_privilege($1, $2, $3)", APPLICATION_ROLE, table, right
        )
        assert (table, right, held) == (table, right, expected)
    may_update = await owner.fetchval(
        "SELECT has_any_column_privilege($1, $2, 'UPDATE')", APPLICATION_ROLE, table
    )
    assert may_update is False


def test_application_loses_what_the_owner_lost() -> None:
    assert set(_guards().APPEND_ONLY) <= set(run.APPEND_ONLY)


async def _book(connection: Connection, *entries: tuple[str, int, str]) -> UUID:
    transaction_id = new_id()
    await connection.execute(
        "INSERT INTO ledger_transaction (id, kind, cause_type, cause_id, idempotency_key, actor,"
        " effective_at, booked_at, hash) VALUES"
        " ($1, 'test', 'test', $1, 'key', 'test', $2, $2, 'x')",
        transaction_id,
        NOW,
    )
    for position, entry in enumerate(entries):
        await _add_entry(connection, transaction_id, position, *entry)
    return transaction_id


async def _add_entry(
    connection: Connection, transaction_id: UUID, position: int, *entry: object
) -> None:
    await connection.execute(
        "INSERT INTO ledger_entry (transaction_id, position, account, direction, amount_minor,"
        " currency) VALUES ($1, $2, 'test:account', $3, $4, $5)",
        transaction_id,
        position,
        *entry,
    )


async def test_ledger_takes_what_balances(owner: Connection) -> None:
    async with owner.transaction():
        await _book(owner, ("debit", 100, "USD"), ("credit", 60, "USD"), ("credit", 40, "USD"))
    assert await owner.fetchval("SELECT count(*) FROM ledger_entry") == 3


@pytest.mark.parametrize(
    "entries",
    [
        [],
        [("debit", 100, "USD")],
        [("debit", 100, "USD"), ("credit", 99, "USD")],
        [("debit", 100, "USD"), ("credit", 100, "EUR")],
    ],
    ids=["nothing", "one side", "a cent short", "two currencies"],
)
async def test_ledger_refuses_at_commit_what_does_not_balance(
    owner: Connection, entries: list[tuple[str, int, str]]
) -> None:
    transaction = owner.transaction()
    await transaction.start()
    await _book(owner, *entries)
    with pytest.raises(asyncpg.IntegrityConstraintViolationError, match="does not balance"):
        await transaction.commit()
    assert await owner.fetchval("SELECT count(*) FROM ledger_transaction") == 0


async def test_ledger_refuses_entries_that_come_later(owner: Connection) -> None:
    async with owner.transaction():
        booked = await _book(owner, ("debit", 100, "USD"), ("credit", 100, "USD"))
    with pytest.raises(asyncpg.IntegrityConstraintViolationError, match="complete"):
        await _add_entry(owner, booked, 2, "debit", 1, "USD")
    assert await owner.fetchval("SELECT count(*) FROM ledger_entry") == 2


@pytest.mark.parametrize(
    "statement",
    [
        "INSERT INTO {table} SELECT * FROM {table} LIMIT 0",
        "UPDATE {table} SET id = id",
        "DELETE FROM {table}",
        "TRUNCATE {table} CASCADE",
    ],
    ids=["insert", "update", "delete", "truncate"],
)
@pytest.mark.parametrize("table", ["tax_rate", "shipping_zone", "shipping_rate", "commission_rule"])
async def test_every_change_of_terms_has_a_version_of_its_own(
    owner: Connection, table: str, statement: str
) -> None:
    """Also what is rolled back: were its version given again, other terms would bear it."""
    seen = [await owner.fetchval("SELECT version FROM terms_version")]
    undone = owner.transaction()
    await undone.start()
    await owner.execute(statement.format(table=table))
    seen.append(await owner.fetchval("SELECT version FROM terms_version"))
    await undone.rollback()
    assert await owner.fetchval("SELECT version FROM terms_version") == seen[0]
    for _ in range(2):
        await owner.execute(statement.format(table=table))
        seen.append(await owner.fetchval("SELECT version FROM terms_version"))
    assert len(set(seen)) == 4


async def test_application_works_the_queue_and_no_job_is_notified(
    owner: Connection, cluster: Cluster
) -> None:
    """NOTIFY lets only one transaction of the cluster commit at a time: it must stay off."""
    on = await owner.fetch(
        "SELECT tgname FROM pg_trigger WHERE tgrelid = 'procrastinate_jobs'::regclass"
        " AND tgenabled <> 'D' AND tgname LIKE '%notify%'"
    )
    assert on == []
    database = await owner.fetchval("SELECT current_database()")
    application = await asyncpg.connect(
        cluster.dsn(role=APPLICATION_ROLE, database=database),
        server_settings={"search_path": "gosellr, public"},
    )
    queued = await application.fetchval(
        "SELECT procrastinate_defer_jobs_v1(ARRAY[ROW('market', 'task', 0, 'lock', 'key', '{}',"
        " NULL)::procrastinate_job_to_defer_v1])"
    )
    worker = await application.fetchval("SELECT worker_id FROM procrastinate_register_worker_v1()")
    taken = await application.fetchval(
        "SELECT id FROM procrastinate_fetch_job_v2(NULL, $1)", worker
    )
    assert [taken] == queued
    await application.execute("SELECT procrastinate_finish_job_v1($1, 'succeeded', true)", taken)
    await application.close()
