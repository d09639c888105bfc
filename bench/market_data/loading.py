"""How rows come into the database: by COPY, on two connections that the loader has for itself."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Sequence
from contextlib import asynccontextmanager, suppress
from io import BytesIO
from typing import Final

import asyncpg

from gosellr.core.db import SCHEMA, SEARCH_PATH, Connection, prepare_connection

CONNECTIONS: Final = 2

# Nothing of a load that was cut off is worth keeping, so no chunk waits for the disk. Plans are
# made for each statement anew: the tables grow under them. Words of cards wait longer for their
# index, which then takes them in larger portions.
_SESSION: Final = {
    "search_path": SEARCH_PATH,
    "timezone": "UTC",
    "application_name": "gosellr market data",
    "synchronous_commit": "off",
    "statement_timeout": "0",
    "plan_cache_mode": "force_custom_plan",
    "gin_pending_list_limit": "64MB",
    "work_mem": "128MB",
    "maintenance_work_mem": "512MB",
}


@asynccontextmanager
async def loader(dsn: str, *, unchecked: bool = False) -> AsyncIterator[Connection]:
    """A connection of the schema's owner, for loading.

    `unchecked` leaves references and books to be checked all at once at the end, which takes a
    tenth of the time of doing so row by row; where the owner may not, they are checked at once.
    """
    connection = await asyncpg.connect(dsn, server_settings=_SESSION)
    try:
        await prepare_connection(connection)
        if unchecked:
            with suppress(asyncpg.InsufficientPrivilegeError):
                await connection.execute("SET session_replication_role = replica")
        yield connection
    finally:
        await connection.close()


async def copy_rows(
    connection: Connection, table: str, columns: Sequence[str], lines: Iterable[str]
) -> None:
    """Write rows in COPY's text format, each with its newline."""
    await connection.copy_to_table(
        table,
        schema_name=SCHEMA,
        columns=list(columns),
        source=BytesIO("".join(lines).encode()),
    )


async def in_chunks(
    dsn: str,
    *,
    count: int,
    size: int,
    work: Callable[[Connection, range], Awaitable[None]],
    unchecked: bool = False,
) -> None:
    """Do `work` for every range of `size` below `count`, in order, on all connections at once."""
    waiting = iter([range(low, min(low + size, count)) for low in range(0, count, size)])

    async def one_loader() -> None:
        async with loader(dsn, unchecked=unchecked) as connection:
            for chunk in waiting:
                await work(connection, chunk)

    async with asyncio.TaskGroup() as group:
        for _ in range(CONNECTIONS):
            group.create_task(one_loader())


async def settle(connection: Connection, tables: Iterable[str]) -> None:
    """Vacuum and analyse what was loaded, so that no later measurement pays for it."""
    for table in tables:
        await connection.execute(f"VACUUM (ANALYZE) {table}")
