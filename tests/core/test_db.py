"""Lending connections: warm ones first, dead ones replaced, nobody waiting for ever."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path

import asyncpg
import pytest

from gosellr.api.errors import render_database_away
from gosellr.core import db as database
from gosellr.core import gathering
from gosellr.core.db import Connection, Database, NoConnectionFree, go_ahead
from gosellr.core.embedded_postgres import APPLICATION_ROLE, Cluster
from gosellr.core.pace import Pace
from gosellr.core.transact import write_together

PID = "SELECT pg_backend_pid()"


@dataclass(frozen=True)
class Draft:
    """What anything may be written with."""

    shares_with_none: tuple[str, ...] = ()


@pytest.fixture
def dsn(cluster: Cluster, worker_database: str) -> str:
    return cluster.dsn(role=APPLICATION_ROLE, database=worker_database)


@pytest.fixture
async def pair(dsn: str) -> AsyncIterator[Database]:
    """A database with two connections at most."""
    db = await Database.connect(dsn, max_size=2)
    yield db
    await db.close()


async def pid(db: Database) -> int:
    async with db.connection() as connection:
        found: int = await connection.fetchval(PID)
        return found


async def until_waiting(db: Database, number: int) -> None:
    """Until so many wait for a connection."""
    while len(db._pool._waiting) < number:  # noqa: ASYNC110 - nobody tells us
        await asyncio.sleep(0)


async def test_no_statement_keeps_its_first_plans_for_ever(
    dsn: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(database, "_STATEMENT_SECONDS", 1)
    db = await Database.connect(dsn, max_size=1)
    asking = "SELECT $1::int + 1"

    async def prepared_at(connection: Connection) -> object:
        assert await connection.fetchval(asking, 1) == 2
        return await connection.fetchval(
            "SELECT prepare_time FROM pg_prepared_statements WHERE statement = $1", asking
        )

    try:
        async with asyncio.timeout(10), db.connection() as connection:
            first = await prepared_at(connection)
            assert first is not None
            while await prepared_at(connection) in {first, None}:
                pass
    finally:
        await db.close()


async def test_the_warmest_is_lent_first_and_waiters_in_turn(pair: Database) -> None:
    async with pair.connection() as one, pair.connection() as two:
        first, second = await one.fetchval(PID), await two.fetchval(PID)
        turns: list[int] = []

        async def wait(number: int) -> int:
            async with pair.connection() as connection:
                turns.append(number)
                found: int = await connection.fetchval(PID)
                return found

        waiting = [asyncio.create_task(wait(number)) for number in range(3)]
        await until_waiting(pair, 3)
    assert set(await asyncio.gather(*waiting)) <= {first, second}
    assert turns == [0, 1, 2]
    assert await pid(pair) == await pid(pair)


async def test_a_dead_connection_is_replaced(pair: Database, dsn: str) -> None:
    dead = await pid(pair)
    killer = await asyncpg.connect(dsn)
    await killer.execute("SELECT pg_terminate_backend($1)", dead)
    await killer.close()
    [idle] = pair._pool._idle
    while not idle.is_closed():  # noqa: ASYNC110 - nobody tells us
        await asyncio.sleep(0.01)
    assert await pid(pair) != dead
    with pytest.raises(asyncpg.PostgresError):
        async with pair.connection() as connection:
            await connection.execute("SELECT pg_terminate_backend(pg_backend_pid())")
    async with pair.connection() as one, pair.connection() as two:
        assert await one.fetchval(PID) != await two.fetchval(PID)


async def test_a_torn_transaction_isn_t_lent_again(pair: Database) -> None:
    async with pair.connection() as connection:
        torn = await connection.fetchval(PID)
        await connection.execute("BEGIN")
    async with pair.connection() as connection:
        assert not connection.is_in_transaction()
        assert await connection.fetchval(PID) != torn


async def test_waiting_has_an_end_and_is_told_as_a_moment_s_trouble(dsn: str) -> None:
    db = await Database.connect(dsn, max_size=1, wait_seconds=0.01)
    async with db.connection():
        with pytest.raises(NoConnectionFree) as refusal:
            await pid(db)
    assert isinstance(await pid(db), int)
    await db.close()
    from starlette.requests import Request  # noqa: PLC0415

    answer = await render_database_away(Request({"type": "http"}), refusal.value)
    assert (answer.status_code, answer.headers["retry-after"]) == (503, "1")


async def test_each_who_waits_has_an_end_of_his_own(dsn: str) -> None:
    db = await Database.connect(dsn, max_size=1, wait_seconds=0.01)
    async with db.connection():
        first = asyncio.create_task(pid(db))
        await until_waiting(db, 1)
        # It looks too early, when nobody has waited for long, and therefore once more.
        db._pool._lose_patience()
        second = asyncio.create_task(pid(db))
        await until_waiting(db, 2)
        ends = await asyncio.gather(first, second, return_exceptions=True)
    assert [type(end) for end in ends] == [NoConnectionFree] * 2
    assert isinstance(await pid(db), int)
    await db.close()


async def test_whoever_gives_up_waiting_loses_nothing(pair: Database) -> None:
    async with AsyncExitStack() as stack:
        held = [await stack.enter_async_context(pair.connection()) for _ in range(2)]
        waiting = [asyncio.create_task(pid(pair)) for _ in range(3)]
        await until_waiting(pair, 3)
        waiting[0].cancel()
        # The second is given a connection and cancelled in the same moment.
        pair._pool._waiting[0][0].add_done_callback(lambda _: waiting[1].cancel())
        assert all(not connection.is_closed() for connection in held)
    with pytest.raises(asyncio.CancelledError):
        await waiting[0]
    await asyncio.wait(waiting)
    assert isinstance(waiting[2].result(), int)
    assert len(pair._pool._idle) == 2
    assert pair._pool._size == 2


async def test_a_database_that_can_t_be_opened_leaves_room(dsn: str) -> None:
    db = await Database.connect(dsn, max_size=1)
    opens = db._pool._connect

    async def fails() -> Connection:
        raise ConnectionRefusedError

    db._pool._connect = fails  # type: ignore[assignment]
    db._pool._idle.pop().terminate()
    db._pool._size = 0
    for _ in range(2):
        with pytest.raises(ConnectionRefusedError):
            await pid(db)
    db._pool._connect = opens
    assert isinstance(await pid(db), int)
    await db.close()


async def test_closing_waits_for_what_is_lent(dsn: str) -> None:
    db = await Database.connect(dsn, max_size=1)
    async with db.connection() as connection:
        waiting = asyncio.create_task(pid(db))
        await until_waiting(db, 1)
        closing = asyncio.create_task(db.close())
        with pytest.raises(asyncpg.InterfaceError):
            await waiting
        assert await connection.fetchval("SELECT 1") == 1
        assert not closing.done()
    await closing
    assert connection.is_closed()
    with pytest.raises(asyncpg.InterfaceError):
        await pid(db)


async def test_who_finishes_is_served_before_those_who_begin(pair: Database) -> None:
    turns: list[str] = []

    async def wait(name: str, *, ahead: bool = False) -> None:
        if ahead:
            go_ahead()
        async with pair.connection():
            turns.append(name)

    async with pair.connection(), pair.connection():
        waiting = [asyncio.create_task(wait(f"begins {number}")) for number in range(2)]
        await until_waiting(pair, 2)
        assert pair.is_crowded(seconds=60, places=2)
        waiting.append(asyncio.create_task(wait("finishes", ahead=True)))
        while not pair._pool._ahead:  # noqa: ASYNC110 - nobody tells us
            await asyncio.sleep(0)
        assert not pair.is_crowded(seconds=60, places=3)
    await asyncio.gather(*waiting)
    assert turns == ["finishes", "begins 0", "begins 1"]


async def test_who_is_ready_to_be_written_is_served_before_those_who_begin(pair: Database) -> None:
    turns: list[str] = []

    async def wait() -> None:
        async with pair.connection():
            turns.append("begins")

    async def command(connection: Connection, several: Sequence[Draft]) -> list[int]:
        turns.append("is written")
        return [await connection.fetchval("SELECT 1") for _ in several]

    async with pair.connection(), pair.connection():
        begins = asyncio.create_task(wait())
        await until_waiting(pair, 1)
        written = asyncio.create_task(write_together(pair, command, Draft()))
        while len(pair._pool._waiting) + len(pair._pool._ahead) < 2:  # noqa: ASYNC110
            await asyncio.sleep(0)
    assert await written == 1
    await begins
    assert turns == ["is written", "begins"]


@pytest.fixture
async def kept(dsn: str) -> AsyncIterator[Database]:
    """Three connections, one of them kept for those who finish."""
    db = await Database.connect(dsn, max_size=3, kept_ahead=1)
    yield db
    await asyncio.wait_for(db.close(), 10)


async def test_those_who_begin_leave_a_connection_to_those_who_finish(kept: Database) -> None:
    async def finishes() -> int:
        go_ahead()
        return await pid(kept)

    async with kept.connection() as first, kept.connection() as second:
        begins = asyncio.create_task(pid(kept))
        await until_waiting(kept, 1)
        lent = {first.get_server_pid(), second.get_server_pid()}
        assert await asyncio.create_task(finishes()) not in lent
        # What came back from there isn't for whoever only begins.
        assert await asyncio.create_task(finishes()) not in lent
        assert kept._pool.length == 1
    assert await begins in lent


async def test_whoever_finishes_may_have_them_all(kept: Database) -> None:
    all_lent, enough = asyncio.Event(), asyncio.Event()

    async def finish() -> None:
        go_ahead()
        async with kept.connection(), kept.connection(), kept.connection():
            all_lent.set()
            await enough.wait()

    finishes = asyncio.create_task(finish())
    await all_lent.wait()
    begins = asyncio.create_task(pid(kept))
    await until_waiting(kept, 1)
    enough.set()
    await finishes
    assert await begins > 0
    assert (kept._pool._size, kept._pool._begun) == (3, 0)


async def test_whoever_begins_gives_his_place_back_however_he_ends(
    kept: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def fails() -> Connection:
        raise ConnectionRefusedError

    with monkeypatch.context() as patched:
        patched.setattr(kept._pool, "_connect", fails)
        async with kept.connection():
            for _ in range(3):
                with pytest.raises(ConnectionRefusedError):
                    await pid(kept)
    async with kept.connection(), kept.connection():
        tired = asyncio.create_task(pid(kept))
        given = asyncio.create_task(pid(kept))
        await until_waiting(kept, 2)
        tired.cancel()
    # The one was given a connection in the moment in which he gave up, and the other waits on.
    given.cancel()
    await asyncio.wait([tired, given])
    async with kept.connection() as torn:
        torn.terminate()
    assert kept._pool._begun == 0
    async with kept.connection(), kept.connection():
        assert kept._pool._begun == 2


async def test_a_slow_queue_is_a_crowd_before_anybody_has_waited(pair: Database) -> None:
    moment = 0.0
    pair._pool._pace = Pace(clock=lambda: moment)
    async with pair.connection():
        async with pair.connection():
            waiting = [asyncio.create_task(pid(pair)) for _ in range(3)]
            await until_waiting(pair, 3)
            moment += 0.25
        # One of them has gone on after a quarter of a second, and two are left.
        assert pair._pool.length == 2
        assert pair._pool.expected == 0.5
        assert not pair.is_crowded(seconds=60, places=3)
        assert pair.is_crowded(seconds=0.5, places=3)
    await asyncio.gather(*waiting)
    assert pair._pool.expected == 0


async def test_a_crowd_is_counted_in_all_queues(
    pair: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    # To open a connection takes a slow machine so long that the next would begin beside the first.
    monkeypatch.setattr(gathering, "_LATE_SECONDS", 3600.0)
    gate, begun = asyncio.Event(), asyncio.Event()

    async def command(connection: Connection, several: Sequence[Draft]) -> list[None]:
        begun.set()
        await gate.wait()
        return [None for _ in several]

    async with pair.connection():
        tasks = [asyncio.create_task(write_together(pair, command, Draft()))]
        await begun.wait()
        tasks += [asyncio.create_task(write_together(pair, command, Draft())) for _ in range(2)]
        await asyncio.sleep(0)
        waiting = asyncio.create_task(pid(pair))
        await until_waiting(pair, 1)
        assert pair.is_crowded(seconds=60, places=3)
        assert not pair.is_crowded(seconds=60, places=4)
        gate.set()
    await asyncio.gather(waiting, *tasks)
    assert not pair.is_crowded(seconds=0, places=1)


@pytest.mark.case(18)
async def test_case_18_a_server_without_its_socket_is_away(tmp_path: Path) -> None:
    # A server that stops takes its socket with it, and one that starts after a crash makes it anew.
    db = await Database.connect(f"postgresql://nobody@/market?host={tmp_path}", min_size=0)
    with pytest.raises(ConnectionError, match="no server listens"):
        async with db.connection():
            pytest.fail("there is none to be had")
    await db.close()
