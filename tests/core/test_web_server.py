"""A crew shares one address: the first process that has room serves, a full one hands on."""

import asyncio
import errno
import resource
import socket
import subprocess
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any, Self

import pytest
import uvicorn
import uvloop

from gosellr.core.crew import Crew
from gosellr.core.front_door import DOORKEEPER, RawHeaders, Refusal
from gosellr.core.listening import bind_address
from gosellr.core.web_server import Busyness, WebServer

CROWD = 64
FREE, FULL = 0.1, 1.0
Message = dict[str, Any]


@dataclass
class Named:
    """An application that answers with its name."""

    name: bytes

    async def __call__(
        self,
        scope: Message,  # noqa: ARG002  (what ASGI calls an application with)
        receive: Callable[[], Awaitable[Message]],  # noqa: ARG002
        send: Callable[[Message], Awaitable[None]],
    ) -> None:
        length = str(len(self.name)).encode()
        head = {
            "type": "http.response.start",
            "status": 200,
            "headers": [(b"content-length", length)],
        }
        await send(head)
        await send({"type": "http.response.body", "body": self.name})


class SaidToBe(Busyness):
    """As busy as the test says, whatever the processor does."""

    def __init__(self) -> None:
        super().__init__()
        self.use = FREE

    def share(self) -> float:
        return self.use


@dataclass
class Waiting:
    """A doorkeeper who lets everybody in, and says whether somebody waits inside."""

    is_so: bool = True

    def refusal(self, method: bytes, url: bytes, headers: RawHeaders) -> Refusal | None:  # noqa: ARG002
        return None

    def is_waited_inside(self) -> bool:
        return self.is_so


class Member:
    """A server of the crew that runs in this process, and as busy as the test says."""

    def __init__(self, listener: socket.socket, memory: bytearray, *, place: int) -> None:
        config = uvicorn.Config(
            Named(b"%d" % place),  # type: ignore[arg-type]
            log_config=None,
            lifespan="off",
        )
        config.load()
        self.crew = Crew(memory, place=place)
        self.busyness = SaidToBe()
        self.server = WebServer(
            config, listener=listener.dup(), crew=self.crew, busyness=self.busyness
        )
        self.server.lifespan = config.lifespan_class(config)

    async def start(self) -> None:
        await self.server.startup()
        await self.is_used(FREE)

    async def is_used(self, use: float) -> None:
        """What the server does ten times a second, once."""
        self.busyness.use = use
        await self.server.on_tick(0)

    async def stop(self) -> None:
        await self.server.shutdown()


@dataclass
class Caller:
    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter

    @classmethod
    async def of(cls, listener: socket.socket) -> Self:
        return cls(*await asyncio.open_connection(*listener.getsockname()))

    async def ask(self) -> tuple[bytes, bool]:
        """Who answered, and whether the connection ends with that."""
        self.writer.write(b"GET / HTTP/1.1\r\nhost: market.test\r\n\r\n")
        head = await self.reader.readuntil(b"\r\n\r\n")
        return await self.reader.readexactly(1), b"\r\nconnection: close\r\n" in head


@asynccontextmanager
async def crew_of(number: int) -> AsyncIterator[tuple[socket.socket, list[Member]]]:
    memory = bytearray(number * 16)
    with bind_address("127.0.0.1", 0) as listener:
        members = [Member(listener, memory, place=place) for place in range(number)]
        for each in members:
            await each.start()
        try:
            yield listener, members
        finally:
            for each in members:
                await each.stop()


async def callers_of(listener: socket.socket, number: int) -> list[Caller]:
    return list(await asyncio.gather(*(Caller.of(listener) for _ in range(number))))


def hang_up(*callers: Caller) -> None:
    for each in callers:
        each.writer.close()


async def test_the_first_that_has_room_serves_whoever_comes() -> None:
    async with crew_of(2) as (listener, (first, second)):
        callers = await callers_of(listener, 20)
        assert {await each.ask() for each in callers} == {(b"0", False)}
        await first.is_used(FULL)
        await second.is_used(FULL / 2)
        late = await callers_of(listener, 5)
        assert {(await each.ask())[0] for each in late} == {b"1"}
        hang_up(*callers, *late)


async def test_whoever_is_not_let_in_by_the_next_is_let_in_by_another() -> None:
    async with crew_of(2) as (listener, (first, _)):
        # It has room, and says so, but never looks at its door.
        first.server._look_away()
        caller = await Caller.of(listener)
        assert await caller.ask() == (b"1", False)
        hang_up(caller)


async def test_a_full_one_hands_on_some_of_its_callers() -> None:
    async with crew_of(2) as (listener, (first, _)):
        callers = await callers_of(listener, 20)
        for each in callers:
            await each.ask()
        await first.is_used(FULL)
        answers = [await each.ask() for each in callers]
        # An eighth of twenty, and all were answered.
        assert answers == [(b"0", True)] * 3 + [(b"0", False)] * 17
        assert await callers[0].reader.read() == b""
        again = await Caller.of(listener)
        assert await again.ask() == (b"1", False)
        hang_up(*callers, again)


async def test_one_caller_alone_stays_and_so_do_all_where_nobody_has_room() -> None:
    async with crew_of(2) as (listener, (first, second)):
        caller = await Caller.of(listener)
        await caller.ask()
        await first.is_used(FULL)
        assert first.server.callers.to_hand_on == 0
        other = await Caller.of(listener)
        third = await Caller.of(listener)
        assert {(await each.ask())[0] for each in (other, third)} == {b"1"}
        await second.is_used(FULL)
        assert second.server.callers.to_hand_on == 0
        await first.is_used(FREE)
        await second.is_used(FULL)
        assert second.server.callers.to_hand_on == 1
        hang_up(caller, other, third)


async def test_nobody_waits_for_one_that_stops() -> None:
    async with crew_of(2) as (listener, members):
        first = members.pop(0)
        await first.stop()
        assert members[0].crew.is_next()
        caller = await Caller.of(listener)
        assert await caller.ask() == (b"1", False)
        hang_up(caller)


async def test_who_is_just_being_let_in_does_not_hold_up_the_end() -> None:
    with bind_address("127.0.0.1", 0) as listener:
        member = Member(listener, bytearray(16), place=0)
        await member.start()
        # He came with the last turn, and asks for nothing.
        with socket.create_connection(listener.getsockname()):
            while not member.server._welcomes:  # noqa: ASYNC110  (nobody tells us)
                await asyncio.sleep(0)
            await asyncio.wait_for(member.stop(), 10)
        assert not member.server.callers.connections


async def test_one_whose_callers_wait_inside_is_full_though_its_processor_is_not() -> None:
    async with crew_of(2) as (listener, (first, second)):
        first.server.lifespan.state[DOORKEEPER] = keeper = Waiting()
        callers = await callers_of(listener, 9)
        # Who waits for a moment only fills nothing.
        await first.is_used(FREE)
        assert not second.crew.is_next()
        for _ in range(9):
            await first.is_used(FREE)
        assert second.crew.is_next()
        assert first.server.callers.to_hand_on == 2
        keeper.is_so = False
        await first.is_used(FREE)
        await first.is_used(FREE)
        assert not second.crew.is_next()
        hang_up(*callers)


class FullTable(socket.socket):
    """A listener of a process that has no descriptor left, once."""

    refusals = 1
    error = OSError(errno.EMFILE, "Too many open files")

    def accept(self) -> tuple[socket.socket, Any]:
        if self.refusals:
            self.refusals -= 1
            raise self.error
        return super().accept()


class BrokenCaller(FullTable):
    """A listener whose first caller's connection is broken before it is let in."""

    error = OSError(errno.EPROTO, "Protocol error")


async def test_who_cannot_be_let_in_waits_until_there_is_room(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("gosellr.core.web_server._CROWDED_SECONDS", 0.01)
    with bind_address("127.0.0.1", 0) as listener:
        member = Member(listener, bytearray(16), place=0)
        plain = member.server._listener
        member.server._listener = FullTable(fileno=plain.detach())
        await member.start()
        caller = await Caller.of(listener)
        assert await caller.ask() == (b"0", False)
        assert member.server._listener.refusals == 0
        hang_up(caller)
        await member.stop()


async def test_whose_connection_is_broken_keeps_nobody_else_out() -> None:
    async with crew_of(2) as (listener, (first, second)):
        plain = first.server._listener
        first.server._look_away()
        first.server._listener = BrokenCaller(fileno=plain.detach())
        first.server._watch()
        caller = await Caller.of(listener)
        assert await caller.ask() == (b"0", False)
        await first.is_used(FREE)
        assert not second.crew.is_next()
        assert first.server._pause is None
        hang_up(caller)


async def test_one_without_a_descriptor_is_not_waited_for() -> None:
    async with crew_of(2) as (_, (first, second)):
        plain = first.server._listener
        first.server._listener = FullTable(fileno=plain.detach())
        first.server._let_in()
        await first.is_used(FREE)
        assert second.crew.is_next()
        # Somebody may have left.
        first.server._watch()
        await first.is_used(FREE)
        assert not second.crew.is_next()


@pytest.mark.parametrize("descriptors", [8, 2048])
async def test_descriptors_are_left_for_what_callers_ask_for(
    monkeypatch: pytest.MonkeyPatch, descriptors: int
) -> None:
    monkeypatch.setattr(resource, "getrlimit", lambda _: (descriptors, descriptors))
    async with crew_of(2) as (listener, _):
        callers = await callers_of(listener, 10)
        answers = [(await each.ask())[0] for each in callers]
        assert answers.count(b"0") == min(10, descriptors * 3 // 4)
        hang_up(*callers)


def test_a_process_may_have_as_many_connections_as_it_is_allowed() -> None:
    most = min(resource.getrlimit(resource.RLIMIT_NOFILE)[1], 4096)
    said = (
        "import resource; from gosellr.core import child_process\n"
        f"resource.setrlimit(resource.RLIMIT_NOFILE, (256, {most}))\n"
        "child_process._allow_many_connections()\n"
        "print(*resource.getrlimit(resource.RLIMIT_NOFILE))"
    )
    told = subprocess.run(
        [sys.executable, "-c", said], capture_output=True, text=True, check=True, timeout=60
    )
    assert told.stdout.split() == [str(most), str(most)]


async def turns_until_all_are_in(listener: socket.socket) -> int:
    """How many turns of the loop it takes to let in whoever waits."""
    member = Member(listener, bytearray(16), place=0)
    await member.start()
    turns = 0
    while len(member.server.callers.connections) < CROWD:
        turns += 1
        await asyncio.sleep(0)
    await member.stop()
    return turns


async def test_a_crowd_is_let_in_within_few_turns_of_a_busy_loop() -> None:
    with bind_address("127.0.0.1", 0) as listener:
        visitors = [socket.create_connection(listener.getsockname()) for _ in range(CROWD)]
        try:
            # One at a time it would take a turn for each.
            turns = await asyncio.to_thread(uvloop.run, turns_until_all_are_in(listener))
            assert turns <= 8
        finally:
            for visitor in visitors:
                visitor.close()
