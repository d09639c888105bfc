"""The database: a few asyncpg connections per process, kept warm and never reset.

Releasing a connection costs no round trip: nothing here changes session state, so there
is nothing to undo. Statements are prepared by asyncpg's cache, once per connection and a while.

The pool is our own. The driver's wraps every borrowed connection in a proxy, and that costs a
cached read as much as its query does.
"""

import asyncio
import time
from collections import deque
from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager, suppress
from contextvars import ContextVar
from types import TracebackType
from typing import Any, TypeAlias
from uuid import UUID

import asyncpg
import orjson
from asyncpg.pool import PoolConnectionProxy

from gosellr.core.generations import Generations
from gosellr.core.pace import Pace

# A string, because asyncpg's classes are generic only to the type checker.
Connection: TypeAlias = "asyncpg.Connection[asyncpg.Record] | PoolConnectionProxy[asyncpg.Record]"
Record = asyncpg.Record
_Driver: TypeAlias = "asyncpg.Connection[asyncpg.Record]"

SCHEMA = "gosellr"
SEARCH_PATH = f"{SCHEMA}, public"
WAIT_SECONDS = 10.0
CLOSE_SECONDS = 5.0
KEPT_AHEAD = 2
"""So many of a web process's connections are kept for those who finish what they have begun:
whoever waits for an order waits less, and whoever changes a bag a little more."""
# Whether a prepared statement has one plan for all is decided by what its first plans cost, and a
# connection that prepared it while its tables were new and uncounted may plan each anew for ever.
_STATEMENT_SECONDS = 120

_goes_ahead: ContextVar[bool] = ContextVar("goes_ahead", default=False)


def go_ahead() -> None:
    """From here on this task finishes what somebody relies on: it waits for connections before
    all who only begin, so that what is in the middle ends soon, however many come."""
    _goes_ahead.set(True)


class NoConnectionFree(TimeoutError):
    """All connections were in use for longer than anybody should wait for one."""


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


class Pool:
    """Connections to lend: the one that came back last goes out first, being the warmest.

    `kept_ahead` of them are lent only to those who finish what they have begun.
    """

    def __init__(
        self,
        connect: Callable[[], Awaitable[_Driver]],
        *,
        size_max: int,
        wait_seconds: float,
        kept_ahead: int = 0,
    ) -> None:
        self._connect = connect
        self._size_max = size_max
        self._begun_max = max(size_max - kept_ahead, 1)
        self._wait_seconds = wait_seconds
        self._size = 0
        # How many are lent to those who only begin, or are being opened for them.
        self._begun = 0
        self._idle: list[_Driver] = []
        # Those who wait, first come, first served, and since when: each is given a connection, or
        # leave to open one.
        self._waiting: deque[tuple[asyncio.Future[_Driver | None], float]] = deque()
        # Those who finish what they have begun are served before those who begin.
        self._ahead: deque[tuple[asyncio.Future[_Driver | None], float]] = deque()
        # Looks after whoever has waited for too long; there is one while somebody waits.
        self._patience: asyncio.TimerHandle | None = None
        self._pace = Pace()
        self._is_closing = False
        self._is_empty = asyncio.Event()

    @property
    def length(self) -> int:
        """How many wait to begin."""
        return len(self._waiting)

    @property
    def waited(self) -> float:
        """For how many seconds the first of them has."""
        return time.monotonic() - self._waiting[0][1] if self._waiting else 0.0

    @property
    def expected(self) -> float:
        """For how many seconds whoever comes now will, at the pace of late."""
        waiting = len(self._waiting) + len(self._ahead)
        return self._pace.wait_of(waiting) if waiting else 0.0

    async def borrow(self, *, ahead: bool = False) -> _Driver:
        """Take a connection, open a new one where there is room, or wait for one; `ahead` of all
        who only begin.

        Raises:
            NoConnectionFree: when none came back in time.
        """
        if self._is_closing:
            raise asyncpg.InterfaceError("the database is being closed")
        if ahead or self._begun < self._begun_max:
            while self._idle:
                connection = self._idle.pop()
                if not connection.is_closed():
                    self._begun += not ahead
                    return connection
                self._size -= 1
            if self._size < self._size_max:
                self._size += 1
                self._begun += not ahead
                return await self._open(ahead=ahead)
        return await self._wait(ahead=ahead)

    def give_back(self, connection: _Driver, *, ahead: bool = False) -> None:
        """Return a connection that was borrowed `ahead` or not; one that isn't fit to be lent again
        is replaced when needed."""
        self._begun -= not ahead
        if not connection.is_closed() and connection.is_in_transaction():
            # Its borrower was torn away from it: whatever it was doing must not go on.
            connection.terminate()
        if connection.is_closed() or self._is_closing:
            if not connection.is_closed():
                connection.terminate()
            self._lose_one()
        elif not self._hand_on(connection):
            self._idle.append(connection)

    async def close(self) -> None:
        """Close every connection, waiting for those in use."""
        self._is_closing = True
        if self._patience is not None:
            self._patience.cancel()
        while self._ahead or self._waiting:
            place, _ = (self._ahead or self._waiting).popleft()
            if not place.done():
                place.set_exception(asyncpg.InterfaceError("the database is being closed"))
        while self._idle:
            connection = self._idle.pop()
            with suppress(OSError, asyncpg.PostgresError, asyncpg.InterfaceError):
                await connection.close(timeout=CLOSE_SECONDS)
            self._size -= 1
        if self._size:
            await self._is_empty.wait()

    async def _open(self, *, ahead: bool) -> _Driver:
        """Open a connection in a place that was taken for it."""
        try:
            return await self._connect()
        except BaseException:
            self._begun -= not ahead
            self._lose_one()
            raise

    async def _wait(self, *, ahead: bool) -> _Driver:
        loop = asyncio.get_running_loop()
        place: asyncio.Future[_Driver | None] = loop.create_future()
        queue = self._ahead if ahead else self._waiting
        if not (self._ahead or self._waiting):
            self._pace.begin()
        queue.append((place, time.monotonic()))
        if self._patience is None:
            # One for all: a time limit for each would cost as much as the waiting itself.
            self._patience = loop.call_later(self._wait_seconds, self._lose_patience)
        try:
            connection = await place
        except asyncio.CancelledError:
            self._leave(place, ahead=ahead)
            raise
        return connection if connection is not None else await self._open(ahead=ahead)

    def _lose_patience(self) -> None:
        """Tell those who have waited for too long, and look again when the next will have."""
        self._patience = None
        now = time.monotonic()
        due = []
        for queue in (self._ahead, self._waiting):
            while queue and (queue[0][0].done() or now - queue[0][1] >= self._wait_seconds):
                place, _ = queue.popleft()
                if not place.done():
                    place.set_exception(NoConnectionFree())
            if queue:
                due.append(queue[0][1] + self._wait_seconds - now)
        if due:
            self._patience = asyncio.get_running_loop().call_later(
                max(min(due), 0.0), self._lose_patience
            )

    def _leave(self, place: "asyncio.Future[_Driver | None]", *, ahead: bool) -> None:
        """Wait no more; what was given in the same moment goes to the next."""
        if not place.done() or place.cancelled() or place.exception() is not None:
            for queue in (self._ahead, self._waiting):
                for one in queue:
                    if one[0] is place:
                        queue.remove(one)
                        break
        elif (given := place.result()) is None:
            self._begun -= not ahead
            self._lose_one()
        else:
            self.give_back(given, ahead=ahead)

    def _lose_one(self) -> None:
        """A connection is gone: its place goes to whoever waits."""
        if not self._is_closing and self._hand_on(None):
            return
        self._size -= 1
        if self._is_closing and not self._size:
            self._is_empty.set()

    def _hand_on(self, connection: "_Driver | None") -> bool:
        while queue := self._next_queue():
            place, _ = queue.popleft()
            if not place.done():
                self._begun += queue is self._waiting
                place.set_result(connection)
                self._pace.depart(1)
                return True
        return False

    def _next_queue(self) -> "deque[tuple[asyncio.Future[_Driver | None], float]] | None":
        """Whose turn it is: None where nobody may be given anything."""
        if self._ahead:
            return self._ahead
        return self._waiting if self._begun < self._begun_max else None


class _Borrowed(AbstractAsyncContextManager[Connection]):
    """A connection for the length of a block."""

    __slots__ = ("_ahead", "_connection", "_pool")

    _connection: _Driver

    def __init__(self, pool: Pool) -> None:
        self._pool = pool
        self._ahead = _goes_ahead.get()

    async def __aenter__(self) -> Connection:
        self._connection = await self._pool.borrow(ahead=self._ahead)
        return self._connection

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._pool.give_back(self._connection, ahead=self._ahead)


class Database:
    """A pool of connections to one PostgreSQL.

    `generations` are told what commands have changed, where somebody keeps what they can change.
    """

    generations: Generations | None = None

    def __init__(self, pool: Pool, *, generations: Generations | None = None) -> None:
        self._pool = pool
        self.generations = generations
        # Those who wait to be written together, by their command.
        self.gatherings: dict[Any, Any] = {}

    @classmethod
    async def connect(
        cls,
        dsn: str,
        *,
        min_size: int = 1,
        max_size: int = 6,
        kept_ahead: int = 0,
        statement_cache: bool = True,
        statement_timeout_ms: int = 15_000,
        wait_seconds: float = WAIT_SECONDS,
        generations: Generations | None = None,
        on_query: Callable[[Any], None] | None = None,
    ) -> "Database":
        """Open the pool, and so many connections right away.

        `kept_ahead` of them are never lent to those who only begin (see `go_ahead`).
        `statement_cache` must be off behind a transaction-pooling PgBouncer.
        `on_query` sees every statement that runs, for tests that count them.
        """

        async def connect() -> _Driver:
            try:
                connection = await asyncpg.connect(
                    dsn,
                    statement_cache_size=500 if statement_cache else 0,
                    max_cached_statement_lifetime=_STATEMENT_SECONDS,
                    server_settings={
                        "search_path": SEARCH_PATH,
                        "application_name": "gosellr",
                        "statement_timeout": str(statement_timeout_ms),
                        "idle_in_transaction_session_timeout": "60000",
                        "timezone": "UTC",
                    },
                )
            except FileNotFoundError as error:
                # A socket in the file system is gone while its server is: away, as if it refused.
                raise ConnectionRefusedError("no server listens at its socket") from error
            try:
                await prepare_connection(connection)
            except BaseException:
                connection.terminate()
                raise
            if on_query is not None:
                connection.add_query_logger(on_query)
            return connection

        pool = Pool(connect, size_max=max_size, wait_seconds=wait_seconds, kept_ahead=kept_ahead)
        for connection in [await pool.borrow(ahead=True) for _ in range(min_size)]:
            pool.give_back(connection, ahead=True)
        return cls(pool, generations=generations)

    def connection(self) -> AbstractAsyncContextManager[Connection]:
        """Borrow a connection outside of a transaction: for questions, never for commands."""
        return _Borrowed(self._pool)

    def is_crowded(self, *, seconds: float, places: int) -> bool:
        """Whether somebody has waited for so long or whoever comes now will, or so many wait: to
        begin, or to be written with others."""
        length, expected = 0, 0.0
        for queue in (self._pool, *self.gatherings.values()):
            waiting = queue.length
            if waiting and queue.waited >= seconds:
                return True
            length += waiting
            expected += queue.expected
        return length >= places or expected >= seconds > 0

    async def close(self) -> None:
        """Close every connection, waiting for those in use."""
        await self._pool.close()
