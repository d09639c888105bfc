"""Bring a database to the newest schema, and give the application's role its rights.

Everything of ours lives in the schema `gosellr`; nothing outside of it is touched, except
that the extensions we need are created (in our schema) where the database lacks them.
"""

from typing import Any

import asyncpg

from gosellr.core.db import SCHEMA, SEARCH_PATH
from gosellr.core.startup_error import StartupError
from gosellr.migrations.restored import refuse_younger_server
from gosellr.migrations.revisions import current_revision, head_revision

EXTENSIONS = ("pg_trgm", "unaccent", "btree_gin", "citext")

# Two starters may meet: the second waits here until the first is done.
_LOCK_KEY = 0x60_5E_11_12

# The application may add to these, never change or remove what stands in them.
APPEND_ONLY = (
    "ledger_transaction",
    "ledger_entry",
    "ledger_seal",
    "ledger_sealed",
    "stock_movement",
    "order_event",
    "outbox_event",
    "document",
    "dispute_message",
    "dispute_file",
    "dispute_event",
)


async def upgrade(dsn: str, *, application_role: str | None = None) -> bool:
    """Migrate the database behind `dsn`, whose role must own the schema.

    `application_role` gets what the application needs and no more. Returns whether
    anything had to be migrated. Raises `StartupError` where that can't be done, and for a
    database that was restored into a younger server.
    """
    connection = await _connect(dsn)
    try:
        await connection.execute("SELECT pg_advisory_lock($1)", _LOCK_KEY)
        # Asked first, because IF NOT EXISTS wants the right to create it all the same.
        if await connection.fetchval("SELECT to_regnamespace($1)", SCHEMA) is None:
            await connection.execute(f"CREATE SCHEMA {SCHEMA}")
        for extension in EXTENSIONS:
            await connection.execute(f"CREATE EXTENSION IF NOT EXISTS {extension} SCHEMA {SCHEMA}")
        behind = await current_revision(connection) != head_revision()
        if behind:
            # Most starts have nothing to migrate, and needn't load what does it.
            from gosellr.migrations.alembic_run import run_alembic  # noqa: PLC0415

            await run_alembic(dsn)
        await refuse_younger_server(connection)
        if application_role is not None:
            await _grant(connection, application_role)
        return behind
    finally:
        await connection.close()


async def _connect(dsn: str) -> "asyncpg.Connection[Any]":
    try:
        return await asyncpg.connect(dsn, server_settings={"search_path": SEARCH_PATH})
    except (OSError, TimeoutError, asyncpg.PostgresError, asyncpg.InterfaceError) as error:
        raise StartupError(
            f"The database doesn't let the migrations in: {error}.",
            remedy="Check GOSELLR_DATABASE_URL and GOSELLR_MIGRATION_DATABASE_URL, then: make doctor",
        ) from error


async def _grant(connection: "asyncpg.Connection[Any]", role: str) -> None:
    quoted = '"' + role.replace('"', '""') + '"'
    statements = [
        f"GRANT USAGE ON SCHEMA {SCHEMA} TO {quoted}",
        f"GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA {SCHEMA} TO {quoted}",
        f"GRANT USAGE, SELECT ON ALL SEQUENCES IN SCHEMA {SCHEMA} TO {quoted}",
        f"GRANT EXECUTE ON ALL FUNCTIONS IN SCHEMA {SCHEMA} TO {quoted}",
        *(
            f"REVOKE UPDATE, DELETE, TRUNCATE ON {SCHEMA}.{table} FROM {quoted}"
            for table in APPEND_ONLY
        ),
        f"REVOKE INSERT, UPDATE, DELETE ON {SCHEMA}.alembic_version FROM {quoted}",
    ]
    for statement in statements:
        await connection.execute(statement)
