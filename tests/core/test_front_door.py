"""Who is refused at the door gets a whole answer on a connection that is good for the next one."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import pytest
import uvicorn

from gosellr.core.front_door import DOORKEEPER, Callers, Doorkeeper, FrontDoor, RawHeaders, Refusal

REFUSAL = Refusal(b"HTTP/1.1 503 Service Unavailable\r\ncontent-length: 4\r\n", b"full")
# More than the connection holds while nobody reads.
LONG_BYTES = 64 * 1024 * 1024
LONG_REFUSAL = Refusal(
    b"HTTP/1.1 503 Service Unavailable\r\ncontent-length: %d\r\n" % LONG_BYTES, bytes(LONG_BYTES)
)
Message = dict[str, Any]


@dataclass
class ByPath:
    """Refuses what is asked of `/full`, and remembers what it was shown."""

    answer: Refusal = REFUSAL
    shown: list[tuple[bytes, bytes]] = field(default_factory=list)
    was_asked: asyncio.Event = field(default_factory=asyncio.Event)

    def refusal(self, method: bytes, url: bytes, headers: RawHeaders) -> Refusal | None:
        self.shown.append((method, url))
        self.was_asked.set()
        assert (b"host", b"market.test") in headers
        return self.answer if url == b"/full" else None

    def is_waited_inside(self) -> bool:
        return False


@dataclass
class Echo:
    """An application that answers with what it was sent, when it may."""

    may_answer: asyncio.Event = field(default_factory=asyncio.Event)
    began: asyncio.Event = field(default_factory=asyncio.Event)

    async def __call__(
        self,
        scope: Message,
        receive: Callable[[], Awaitable[Message]],
        send: Callable[[Message], Awaitable[None]],
    ) -> None:
        self.began.set()
        body, more = b"", True
        while more:
            message = await receive()
            body += message.get("body", b"")
            more = message.get("more_body", False)
        await self.may_answer.wait()
        text = scope["path"].encode() + b" " + body
        length = str(len(text)).encode()
        await send(
            {
                "type": "http.response.start",
                "status": 200,
                "headers": [(b"content-length", length)],
            }
        )
        await send({"type": "http.response.body", "body": text})


@dataclass
class Hasty:
    """An application that answers before it has read what it was sent."""

    async def __call__(
        self,
        scope: Message,  # noqa: ARG002  (what ASGI calls an application with)
        receive: Callable[[], Awaitable[Message]],  # noqa: ARG002
        send: Callable[[Message], Awaitable[None]],
    ) -> None:
        head = {
            "type": "http.response.start",
            "status": 413,
            "headers": [(b"content-length", b"4")],
        }
        await send(head)
        await send({"type": "http.response.body", "body": b"long"})


@dataclass
class Caller:
    """One connection."""

    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter
    server: Callers

    def say(self, *requests: bytes) -> None:
        self.writer.write(b"".join(requests))

    async def hear(self) -> tuple[int, dict[str, str], bytes]:
        """The next answer: status, headers, body."""
        head = (await self.reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")
        headers = dict(line.split(": ", 1) for line in head[1:] if line)
        body = await self.reader.readexactly(int(headers["content-length"]))
        return int(head[0].split(" ")[1]), headers, body


@asynccontextmanager
async def calling(
    app: Echo | Hasty, keeper: Doorkeeper | None, *, keep_alive_seconds: int = 5
) -> AsyncIterator[Caller]:
    config = uvicorn.Config(
        app,  # type: ignore[arg-type]
        http=FrontDoor,
        log_config=None,
        lifespan="off",
        timeout_keep_alive=keep_alive_seconds,
    )
    state = Callers()
    state.default_headers = [(b"date", b"Mon, 30 Nov 2026 12:00:00 GMT")]
    server = await asyncio.get_running_loop().create_server(
        lambda: FrontDoor(config, state, {DOORKEEPER: keeper} if keeper else {}), "127.0.0.1", 0
    )
    reader, writer = await asyncio.open_connection(*server.sockets[0].getsockname())
    try:
        yield Caller(reader, writer, state)
    finally:
        writer.close()
        server.close()


def request(path: str, body: bytes = b"", *headers: str, method: str = "POST") -> bytes:
    lines = [f"{method} {path} HTTP/1.1", "Host: market.test", f"Content-Length: {len(body)}"]
    return "\r\n".join([*lines, *headers, "", ""]).encode() + body


@pytest.fixture
def echo() -> Echo:
    app = Echo()
    app.may_answer.set()
    return app


async def test_the_connection_of_who_was_refused_is_good_for_the_next_request(echo: Echo) -> None:
    keeper = ByPath()
    async with calling(echo, keeper) as caller:
        for _ in range(2):
            caller.say(request("/full", b"a long wish"))
            status, headers, body = await caller.hear()
            assert (status, body) == (503, b"full")
            assert headers == {"content-length": "4", "date": "Mon, 30 Nov 2026 12:00:00 GMT"}
            assert not echo.began.is_set()
        caller.say(request("/room", b"a wish"))
        assert (await caller.hear())[::2] == (200, b"/room a wish")
    assert keeper.shown == [(b"POST", b"/full"), (b"POST", b"/full"), (b"POST", b"/room")]


async def test_a_refusal_waits_for_the_end_of_the_body(echo: Echo) -> None:
    whole = request("/full", b"half and half")
    async with calling(echo, ByPath()) as caller:
        caller.say(whole[:-8])
        caller.say(whole[-8:], request("/room", b"next"))
        assert (await caller.hear())[::2] == (503, b"full")
        assert (await caller.hear())[::2] == (200, b"/room next")


async def test_a_server_that_ends_tells_who_is_refused_before_the_whole_body_is_there(
    echo: Echo,
) -> None:
    keeper = ByPath()
    async with calling(echo, keeper) as caller:
        caller.say(request("/full", b"half and half")[:-8])
        await keeper.was_asked.wait()
        (door,) = caller.server.connections
        door.shutdown()
        status, headers, body = await caller.hear()
        assert (status, headers["connection"], body) == (503, "close", b"full")
        assert await caller.reader.read() == b""


async def test_the_end_of_a_body_is_not_waited_for_without_end(echo: Echo) -> None:
    async with calling(echo, ByPath(), keep_alive_seconds=0) as caller:
        caller.say(request("/full", b"half and half")[:-8])
        status, headers, body = await asyncio.wait_for(caller.hear(), 10)
        assert (status, headers["connection"], body) == (503, "close", b"full")
        assert await caller.reader.read() == b""


async def test_who_waits_for_an_answer_is_not_overtaken_by_a_refusal() -> None:
    echo, keeper = Echo(), ByPath()
    async with calling(echo, keeper) as caller:
        caller.say(request("/room", b"first"), request("/full", b"second"))
        await echo.began.wait()
        echo.may_answer.set()
        assert (await caller.hear())[::2] == (200, b"/room first")
        assert (await caller.hear())[::2] == (200, b"/full second")
    assert keeper.shown == [(b"POST", b"/room")]


async def test_who_came_with_a_refusal_may_take_longer_than_an_idle_connection() -> None:
    echo = Echo()
    async with calling(echo, ByPath(), keep_alive_seconds=0) as caller:
        caller.say(request("/full"), request("/room", b"next"))
        assert (await caller.hear())[::2] == (503, b"full")
        await echo.began.wait()
        for _ in range(10):
            await asyncio.sleep(0)
        echo.may_answer.set()
        assert (await caller.hear())[::2] == (200, b"/room next")


@pytest.mark.parametrize("header", ["Expect: 100-continue", "Connection: close"])
async def test_who_asks_for_more_than_an_answer_is_let_in(echo: Echo, header: str) -> None:
    keeper = ByPath()
    async with calling(echo, keeper) as caller:
        caller.say(request("/full", b"", header))
        if header.startswith("Expect"):
            assert await caller.reader.readuntil(b"\r\n\r\n") == b"HTTP/1.1 100 Continue\r\n\r\n"
        assert (await caller.hear())[::2] == (200, b"/full ")
    assert keeper.shown == []


async def test_who_speaks_an_older_protocol_is_let_in(echo: Echo) -> None:
    """By HTTP/1.0 the end of an answer may be the end of the connection."""
    async with calling(echo, ByPath()) as caller:
        old = request("/full", b"", "Connection: keep-alive").replace(b"HTTP/1.1", b"HTTP/1.0")
        caller.say(old)
        status, headers, _ = await caller.hear()
        assert (status, headers["connection"]) == (200, "close")
        assert await caller.reader.read() == b""


async def test_who_takes_no_answers_gets_no_more_of_them_at_once(echo: Echo) -> None:
    keeper = ByPath(LONG_REFUSAL)
    async with calling(echo, keeper) as caller:
        caller.say(request("/full"), request("/full"))
        assert (await caller.hear())[::2] == (503, bytes(LONG_BYTES))
        assert (await caller.hear())[::2] == (200, b"/full ")
    assert len(keeper.shown) == 1


async def test_without_a_doorkeeper_everybody_is_let_in(echo: Echo) -> None:
    async with calling(echo, None) as caller:
        caller.say(request("/full", b"a wish"))
        assert (await caller.hear())[::2] == (200, b"/full a wish")


async def test_who_has_more_to_send_is_not_handed_on_and_hears_the_answer() -> None:
    async with calling(Hasty(), None) as caller:
        caller.server.to_hand_on = 1
        caller.say(request("/room", bytes(LONG_BYTES)))
        # As most do, he listens when he has sent everything.
        await caller.writer.drain()
        assert (await caller.hear())[::2] == (413, b"long")
        assert caller.server.to_hand_on == 1
        caller.say(request("/room"))
        assert (await caller.hear())[1]["connection"] == "close"
