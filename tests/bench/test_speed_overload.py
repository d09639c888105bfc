"""Orders come at their times, and each is counted as what became of it."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from bench.market_data import Catalogue
from bench.speed.client import request_bytes
from bench.speed.inside import InsideWire
from bench.speed.knowledge import Market
from bench.speed.overload import OpenLoop, Step

ANSWERS = (
    b'HTTP/1.1 201 Created\r\ncontent-length: 10\r\n\r\n{"id":"a"}',
    b"HTTP/1.1 503 Busy\r\nretry-after: 1\r\ncontent-length: 0\r\n\r\n",
    b"HTTP/1.1 500 Oh\r\ncontent-length: 0\r\n\r\n",
    b"",
)


@asynccontextmanager
async def server_in_turns() -> AsyncIterator[int]:
    """Accepts, sheds, fails and hangs up, in turns; yields its port."""
    served = 0

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal served
        try:
            while head := await reader.readuntil(b"\r\n\r\n"):
                length = int(head.lower().split(b"content-length: ")[1].split(b"\r\n")[0])
                await reader.readexactly(length)
                answer = ANSWERS[served % 4]
                served += 1
                if not answer:
                    break
                writer.write(answer)
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    async with server:
        yield int(server.sockets[0].getsockname()[1])


async def test_every_order_is_counted_as_what_became_of_it() -> None:
    step = Step(times=1.0, offered=200.0)
    async with server_in_turns() as port:
        loop = OpenLoop(Market(Catalogue(products=60)), port=port)
        await loop.run(step, seconds=0.2)
        loop.hang_up()
    assert (step.accepted, step.shed, sum(step.mistakes.values())) == (10, 10, 20)
    assert (step.unsent, step.too_late) == (0, 0)
    assert loop.acknowledged == ["a"] * 10
    assert (len(step.latencies), len(step.shed_latencies)) == (10, 10)
    # Orders came at their times: the last one 199 thousandths after the first.
    assert step.seconds >= 0.195


async def test_a_request_reaches_an_application_of_this_process() -> None:
    seen: list[object] = []

    async def app(scope: dict[str, object], receive: object, send: object) -> None:
        seen.extend(scope[name] for name in ("method", "path", "query_string", "headers"))
        seen.append(await receive())  # type: ignore[operator]
        await send({"type": "http.response.start", "status": 201, "headers": [(b"etag", b'"x"')]})  # type: ignore[operator]
        await send({"type": "http.response.body", "body": b"ok"})  # type: ignore[operator]

    request = request_bytes("POST", "/a/b?c=d", body={"e": 1}, headers={"X-Cart-Token": "t"})
    answer = await InsideWire(app).ask(request)
    assert (answer.status, answer.header("etag"), answer.body) == (201, '"x"', b"ok")
    assert seen == [
        "POST",
        "/a/b",
        b"c=d",
        [
            (b"host", b"127.0.0.1"),
            (b"x-cart-token", b"t"),
            (b"content-type", b"application/json"),
            (b"content-length", b"7"),
        ],
        {"type": "http.request", "body": b'{"e":1}', "more_body": False},
    ]
