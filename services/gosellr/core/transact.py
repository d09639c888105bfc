"""One command, one transaction: the only place that says commit or rollback."""

import asyncio
import contextlib
import random
from collections.abc import Awaitable, Callable, Collection, Sequence
from typing import Concatenate, ParamSpec, TypeVar

import asyncpg

from gosellr.core.db import Connection, Database, go_ahead
from gosellr.core.gathering import Command, Gathering
from gosellr.core.generations import touching

P = ParamSpec("P")
T = TypeVar("T")
C = TypeVar("C", bound=Command)
R = TypeVar("R")

MAX_ATTEMPTS = 4
# The more there are, the longer the first of them waits, and what each adds hardly falls any more.
_TOGETHER_MAX = 16
_RETRIED = (asyncpg.SerializationError, asyncpg.DeadlockDetectedError)


async def transact(
    db: Database,
    command: Callable[Concatenate[Connection, P], Awaitable[T]],
    *args: P.args,
    **kwargs: P.kwargs,
) -> T:
    """Run `command` in a transaction of its own and commit before returning.

    The whole command is run again after a deadlock or a serialization failure, which is
    safe because commands have no effect outside of their transaction.

    Raises:
        asyncpg.SerializationError, asyncpg.DeadlockDetectedError: when it failed so
            `MAX_ATTEMPTS` times in a row.
    """
    return await _repeated(lambda: _once(db, command, *args, **kwargs))


async def _repeated(run: Callable[[], Awaitable[T]]) -> T:
    for attempt in range(1, MAX_ATTEMPTS + 1):
        try:
            return await run()
        except _RETRIED:
            if attempt == MAX_ATTEMPTS:
                raise
            # Two rivals that retry at the same pace would meet again.
            await asyncio.sleep(random.uniform(0.002, 0.02) * attempt)  # noqa: S311
    raise AssertionError("unreachable")


async def _once(
    db: Database,
    command: Callable[Concatenate[Connection, P], Awaitable[T]],
    *args: P.args,
    **kwargs: P.kwargs,
) -> T:
    with touching() as touched:
        ran = False
        try:
            async with db.connection() as connection, connection.transaction():
                result = await command(connection, *args, **kwargs)
                ran = True
                return result
        finally:
            # Also when the commit's own answer was lost: it may have happened, and telling too
            # much costs nothing but a look into the database.
            if ran:
                _tell(db, touched)


async def write(
    db: Database,
    command: Callable[Concatenate[Connection, P], Awaitable[T]],
    *args: P.args,
    **kwargs: P.kwargs,
) -> T:
    """Run a command of a single statement: PostgreSQL makes it a transaction of its own.

    It is committed when this returns, and costs one round trip instead of three. What consists
    of two statements must go through `transact`; what that raises and repeats, this does too.
    """
    return await _repeated(lambda: _written(db, command, *args, **kwargs))


async def _written(
    db: Database,
    command: Callable[Concatenate[Connection, P], Awaitable[T]],
    *args: P.args,
    **kwargs: P.kwargs,
) -> T:
    with touching() as touched:
        try:
            async with db.connection() as connection:
                return await command(connection, *args, **kwargs)
        finally:
            _tell(db, touched)


async def write_together(
    db: Database,
    command: Callable[[Connection, Sequence[C]], Awaitable[Sequence[R]]],
    each: C,
) -> R:
    """As `write`, for a command that writes several by one statement: those that come while one is
    under way are written by the next. Gives what came of this one.

    Raises what the command raises for this one alone.
    """

    async def run(several: Sequence[C]) -> Sequence[R]:
        # What is ready to be written was asked for before whatever only begins.
        go_ahead()
        if len(several) == 1:
            return await write(db, command, several)
        return await _written(db, command, several)

    return await _gathering(db, command, run).join(each)


async def ask_together(
    db: Database,
    question: Callable[[Connection, Sequence[C]], Awaitable[Sequence[R]]],
    each: C,
) -> R:
    """As `ask`, for a question that reads for several: those that come while one is under way are
    answered by the next. Gives the answer to this one."""

    async def run(several: Sequence[C]) -> Sequence[R]:
        return await ask(db, question, several)

    return await _gathering(db, question, run).join(each)


def _gathering(
    db: Database, key: object, run: Callable[[Sequence[C]], Awaitable[Sequence[R]]]
) -> Gathering[C, R]:
    """Those who wait to be run together, by what they have in common."""
    gathering: Gathering[C, R] | None = db.gatherings.get(key)
    if gathering is None:
        gathering = db.gatherings[key] = Gathering(run, together_max=_TOGETHER_MAX)
    return gathering


def _tell(db: Database, touched: Collection[str]) -> None:
    if touched and db.generations is not None:
        db.generations.bump(touched)


async def attempt(
    connection: Connection,
    command: Callable[Concatenate[Connection, P], Awaitable[T]],
    *args: P.args,
    **kwargs: P.kwargs,
) -> T:
    """Run a part of a command that may fail by itself: what it wrote goes, the rest stays.

    A deadlock or a serialization failure ends the whole command, which `transact` repeats.
    """
    async with connection.transaction():
        return await command(connection, *args, **kwargs)


async def ask(
    db: Database,
    question: Callable[Concatenate[Connection, P], Awaitable[T]],
    *args: P.args,
    **kwargs: P.kwargs,
) -> T:
    """Run a question that changes nothing: no transaction, so no round trips for one."""
    async with db.connection() as connection:
        return await question(connection, *args, **kwargs)


# What is sorted or hashed needn't go to the disk: a 48th of the memory that the database counts on
# for each step, since several of them run at once, and 64 MB where that is less.
_ROOM = """
SELECT set_config('work_mem',
                  LEAST(GREATEST(setting::bigint * 8 / 48, 65536), 524288) || 'kB', true)
FROM pg_settings WHERE name = 'effective_cache_size'
"""


async def snapshot(
    db: Database,
    question: Callable[[Sequence[Connection]], Awaitable[T]],
    *,
    connections: int = 1,
) -> T:
    """Run a long question on the database as it is at one moment, while others go on writing.

    It may ask over several connections at once, which all see the same moment.
    """
    async with contextlib.AsyncExitStack() as stack:
        shared: list[Connection] = []
        moment: str | None = None
        for number in range(connections):
            connection = await stack.enter_async_context(db.connection())
            await stack.enter_async_context(
                connection.transaction(isolation="repeatable_read", readonly=True)
            )
            if moment is not None:
                # The database made this name, and takes it in no other way.
                await connection.execute(f"SET TRANSACTION SNAPSHOT '{moment}'")
            elif number + 1 < connections:
                moment = await connection.fetchval("SELECT pg_export_snapshot()")
            # It may take longer than any request is allowed to, and sort or hash whole tables.
            await connection.execute("SET LOCAL statement_timeout = 0")
            await connection.execute(_ROOM)
            if connections > 1:
                # They share the processors already.
                await connection.execute("SET LOCAL max_parallel_workers_per_gather = 0")
            shared.append(connection)
        return await question(shared)
