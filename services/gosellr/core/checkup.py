"""Questions about an installation, each answered with what is wrong and how to mend it."""

import os
import shutil
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import asyncpg

from gosellr.utils.lazy_dataclasses import dataclass

_FREE_BYTES_MIN = 500_000_000


@dataclass(frozen=True, slots=True)
class Finding:
    """One question's answer; `remedy` is empty when all is well."""

    subject: str
    answer: str
    remedy: str = ""

    @property
    def is_well(self) -> bool:
        return not self.remedy


def check_python(*, oldest: tuple[int, int]) -> Finding:
    """Whether this Python is new enough."""
    version = ".".join(map(str, sys.version_info[:3]))
    if sys.version_info[:2] >= oldest:
        return Finding("Python", version)
    wanted = ".".join(map(str, oldest))
    return Finding("Python", version, f"Install Python {wanted} or newer and run: make clean run")


def check_folder(home: Path) -> Finding:
    """Whether the data folder can be written and its disk has room."""
    existing = next(path for path in (home, *home.parents) if path.exists())
    if not os.access(existing, os.W_OK | os.X_OK):
        return Finding(
            "Data folder",
            f"{existing} can't be written by this account",
            "Choose another: export GOSELLR_HOME=~/gosellr-data",
        )
    free = shutil.disk_usage(existing).free
    answer = f"{home}, {free / 1e9:.1f} GB free"
    if free < _FREE_BYTES_MIN:
        return Finding("Data folder", answer, f"Make room: df -h {existing}")
    return Finding("Data folder", answer)


async def check_database(
    dsn: str, *, oldest_version: int, extensions: Sequence[str], schema: str, head: str
) -> list[Finding]:
    """Whether the database answers, is new enough, migrated and open to this login.

    `dsn` is the application's login, `head` the migration this code needs.
    """
    try:
        connection = await asyncpg.connect(dsn, timeout=10)
    except (OSError, TimeoutError, asyncpg.PostgresError, asyncpg.InterfaceError) as error:
        reason = str(error) or type(error).__name__
        return [
            Finding(
                "Database",
                f"doesn't answer: {reason}",
                "Check GOSELLR_DATABASE_URL and that PostgreSQL runs there",
            )
        ]
    try:
        findings = [await _check_version(connection, oldest_version)]
        findings.append(await _check_extensions(connection, extensions))
        findings.append(await _check_migrations(connection, schema, head))
        if findings[-1].is_well:
            findings.append(await _check_rights(connection, schema))
        return findings
    finally:
        await connection.close()


async def _check_version(connection: "asyncpg.Connection[Any]", oldest: int) -> Finding:
    answer = f"PostgreSQL {await connection.fetchval('SHOW server_version')}"
    if connection.get_server_version().major >= oldest:
        return Finding("Database", answer)
    return Finding("Database", answer, f"Upgrade it: PostgreSQL {oldest} is the oldest supported")


async def _check_extensions(
    connection: "asyncpg.Connection[Any]", wanted: Sequence[str]
) -> Finding:
    rows = await connection.fetch(
        "SELECT name FROM pg_available_extensions WHERE name = ANY($1::text[])", list(wanted)
    )
    missing = sorted(set(wanted) - {row["name"] for row in rows})
    if not missing:
        return Finding("Extensions", ", ".join(wanted))
    return Finding(
        "Extensions",
        f"missing: {', '.join(missing)}",
        "Install PostgreSQL's contrib package on the database host: "
        "apt-get install postgresql-contrib",
    )


async def _check_migrations(
    connection: "asyncpg.Connection[Any]", schema: str, head: str
) -> Finding:
    remedy = "Migrate it: gosellr migrate"
    try:
        revision = await connection.fetchval(
            f'SELECT version_num FROM "{schema}".alembic_version'  # noqa: S608
        )
    except (asyncpg.UndefinedTableError, asyncpg.InvalidSchemaNameError):
        return Finding("Tables", "not created yet", remedy)
    except asyncpg.InsufficientPrivilegeError:
        return Finding("Tables", "this login may not read them", remedy)
    if revision == head:
        return Finding("Tables", f"at {revision}")
    return Finding("Tables", f"at {revision}, this release needs {head}", remedy)


async def _check_rights(connection: "asyncpg.Connection[Any]", schema: str) -> Finding:
    unreadable = await connection.fetchval(
        """
        SELECT string_agg(c.relname, ', ' ORDER BY c.relname)
          FROM pg_class c
          JOIN pg_namespace n ON n.oid = c.relnamespace
         WHERE n.nspname = $1 AND c.relkind IN ('r', 'p')
           AND NOT has_table_privilege(c.oid, 'SELECT')
        """,
        schema,
    )
    if unreadable:
        return Finding("Rights", f"no access to {unreadable}", "Grant them again: gosellr migrate")
    return Finding("Rights", f"{await connection.fetchval('SELECT current_user')} may work")
