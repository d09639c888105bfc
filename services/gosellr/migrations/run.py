"""Bring a database to the newest schema, and give the application's role its rights.

Everything of ours lives in the schema `gosellr`; nothing outside of it is touched, except
that the extensions we need are created (in our schema) where the database lacks them.
"""

from pathlib import Path
from typing import Any

import asyncpg
from alembic import command
from alembic.config import Config
from sqlalchemy import Connection as AlchemyConnection
from sqlalchemy.ext.asyncio import create_async_engine
from sqlalchemy.pool import NullPool

from gosellr.core.db import SCHEMA, SEARCH_PATH
from gosellr.core.startup_error import StartupError
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
    "dispute_message",
    "dispute_file",
    "dispute_event",
)


def alembic_config() -> Config:
    """Alembic's settings, without an ini file."""
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent))
    return config


async def upgrade(dsn: str, *, application_role: str | None = None) -> bool:
    """Migrate the database behind `dsn`, whose role must own the schema.

    `application_role` gets what the application needs and no more. Returns whether
    anything had to be migrated.
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
            await _run_alembic(dsn)
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


async def _run_alembic(dsn: str) -> None:
    async def connect() -> "asyncpg.Connection[Any]":
        return await asyncpg.connect(dsn, server_settings={"search_path": SEARCH_PATH})

    engine = create_async_engine("postgresql+asyncpg://", async_creator=connect, poolclass=NullPool)

    def run(connection: AlchemyConnection) -> None:
        config = alembic_config()
        config.attributes["connection"] = connection
        command.upgrade(config, "head")

    async with engine.begin() as connection:
        await connection.run_sync(run)
    await engine.dispose()


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
