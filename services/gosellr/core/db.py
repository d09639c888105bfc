"""The database: one pool of asyncpg connections per process, kept warm and never reset.

Releasing a connection costs no round trip: nothing here changes session state, so there
is nothing to undo. Statements are prepared once per connection by asyncpg's cache.
"""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any, TypeAlias
from uuid import UUID

import asyncpg
import orjson
from asyncpg.pool import PoolConnectionProxy

# A string, because asyncpg's classes are generic only to the type checker.
Connection: TypeAlias = "asyncpg.Connection[asyncpg.Record] | PoolConnectionProxy[asyncpg.Record]"
Record = asyncpg.Record

SCHEMA = "gosellr"
SEARCH_PATH = f"{SCHEMA}, public"


def _plain(value: Any) -> str:
    # Ids that came out of the database are of the driver's own kind of UUID.
    if isinstance(value, UUID):
        return str(value)
    raise TypeError(f"{type(value).__name__} has no JSON form")


def _json_text(value: Any) -> str:
    return orjson.dumps(value, default=_plain).decode()


async def prepare_connection(connection: Connection) -> None:
    """Teach a new connection to speak JSON as Python values."""
    for name in ("json", "jsonb"):
        await connection.set_type_codec(
            name, encoder=_json_text, decoder=orjson.loads, schema="pg_catalog"
        )


async def _keep_session(connection: Connection) -> None:
    """Stands in for the pool's reset, which would cost a round trip per release."""


class Database:
    """A pool of connections to one PostgreSQL."""

    def __init__(self, pool: "asyncpg.Pool[asyncpg.Record]") -> None:
        self._pool = pool

    @classmethod
    async def connect(
        cls,
        dsn: str,
        *,
        min_size: int = 1,
        max_size: int = 6,
        statement_cache: bool = True,
        statement_timeout_ms: int = 15_000,
        on_query: Callable[[Any], None] | None = None,
    ) -> "Database":
        """Open the pool.

        `statement_cache` must be off behind a transaction-pooling PgBouncer.
        `on_query` sees every statement that runs, for tests that count them.
        """

        async def init(connection: Connection) -> None:
            await prepare_connection(connection)
            if on_query is not None:
                connection.add_query_logger(on_query)

        pool = await asyncpg.create_pool(
            dsn,
            min_size=min_size,
            max_size=max_size,
            init=init,
            reset=_keep_session,
            statement_cache_size=500 if statement_cache else 0,
            max_cached_statement_lifetime=0,
            max_inactive_connection_lifetime=0,
            server_settings={
                "search_path": SEARCH_PATH,
                "application_name": "gosellr",
                "statement_timeout": str(statement_timeout_ms),
                "idle_in_transaction_session_timeout": "60000",
                "timezone": "UTC",
            },
        )
        return cls(pool)

    @asynccontextmanager
    async def connection(self) -> AsyncIterator[Connection]:
        """Borrow a connection outside of a transaction: for questions, never for commands."""
        async with self._pool.acquire() as connection:
            yield connection

    async def close(self) -> None:
        """Close every connection, waiting for those in use."""
        await self._pool.close()
