"""The market that is measured: filled once, durable, its statements counted by PostgreSQL."""

import contextlib
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import asyncpg

from bench.market_data import Catalogue, load_catalogue, load_orders
from gosellr.core.embedded_postgres import APPLICATION_ROLE, Cluster
from gosellr.migrations import run as migrations

Say = Callable[[str], None]
_COUNTER = "pg_stat_statements"
_READER = "pg_prewarm"
_HAS_EXTENSION = "SELECT 1 FROM pg_available_extensions WHERE name = $1"
# The largest first: where not all of them fit, the small ones, which all ask for, stay.
_RELATIONS = """
SELECT pg_class.oid::regclass::text
FROM pg_class
JOIN pg_namespace ON pg_namespace.oid = relnamespace
WHERE nspname IN ('gosellr', 'pg_toast') AND relkind IN ('r', 'i', 't')
ORDER BY pg_relation_size(pg_class.oid) DESC
"""


@contextlib.contextmanager
def folder(chosen: Path | None) -> Iterator[Path]:
    """The folder that was chosen, or one that is gone afterwards."""
    if chosen is not None:
        chosen.mkdir(parents=True, exist_ok=True)
        chosen.chmod(0o755)
        yield chosen
        return
    with tempfile.TemporaryDirectory(prefix="gosellr-bench-") as name:
        # As root, PostgreSQL runs under another account and has to pass through.
        Path(name).chmod(0o755)
        yield Path(name)


async def fill(home: Path, catalogue: Catalogue, *, orders: int, say: Say) -> None:
    """Load the catalogue and the past, unless that was done before in this folder."""
    mark = home / f"bench-{catalogue.products}-{orders}"
    if mark.exists():
        return
    say(f"Loading {catalogue.products:,} products and {orders:,} past orders")
    cluster = Cluster(home).start()
    try:
        await migrations.upgrade(cluster.dsn(), application_role=APPLICATION_ROLE)
        await load_catalogue(cluster.dsn(), products=catalogue.products)
        if orders:
            await load_orders(cluster.dsn(), catalogue=catalogue, orders=orders, home=home)
        await _count_statements(cluster)
    finally:
        cluster.stop()
    mark.touch()


async def _count_statements(cluster: Cluster) -> None:
    """Have PostgreSQL count statements from its next start on, where it can."""
    connection = await asyncpg.connect(cluster.dsn())
    try:
        if await connection.fetchval(_HAS_EXTENSION, _COUNTER):
            await connection.execute(f"CREATE EXTENSION IF NOT EXISTS {_COUNTER}")
            await connection.execute(f"ALTER SYSTEM SET shared_preload_libraries = '{_COUNTER}'")
    finally:
        await connection.close()


async def read_in(cluster: Cluster) -> None:
    """Have PostgreSQL read all tables into its memory, as one that has run for a while has.

    A large market that has just started reads from outside for longer than it is measured.
    """
    connection = await asyncpg.connect(cluster.dsn())
    try:
        if await connection.fetchval(_HAS_EXTENSION, _READER):
            await connection.execute(f"CREATE EXTENSION IF NOT EXISTS {_READER}")
            for (relation,) in await connection.fetch(_RELATIONS):
                await connection.execute(f"SELECT {_READER}($1::regclass)", relation)
    finally:
        await connection.close()


async def durability(cluster: Cluster) -> dict[str, str]:
    """What PostgreSQL itself says of its settings."""
    names = ("server_version", "fsync", "synchronous_commit", "full_page_writes", "shared_buffers")
    connection = await asyncpg.connect(cluster.dsn())
    try:
        return {
            name: await connection.fetchval("SELECT current_setting($1)", name) for name in names
        }
    finally:
        await connection.close()


class StatementCounts:
    """What PostgreSQL counted between two moments, by statement, the dearest first."""

    def __init__(self, connection: "asyncpg.Connection[asyncpg.Record]") -> None:
        self._connection = connection

    async def begin(self) -> None:
        """Count from now on."""
        await self._connection.execute(f"SELECT {_COUNTER}_reset()")

    async def found(self) -> list[dict[str, Any]]:
        """Calls and milliseconds of each statement since then."""
        rows = await self._connection.fetch(
            "SELECT query, calls, total_exec_time AS milliseconds, rows"  # noqa: S608
            f" FROM {_COUNTER}"
            " JOIN pg_database ON pg_database.oid = dbid AND datname = current_database()"
            f" WHERE query NOT LIKE '%{_COUNTER}%'"
            " ORDER BY total_exec_time DESC"
        )
        return [dict(row) for row in rows]
