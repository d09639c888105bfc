"""The load generator judges what it is answered, and counts nothing that is wrong."""

import asyncio

import pytest

from bench.speed.client import (
    Answer,
    Caller,
    Shed,
    WrongAnswer,
    closed_loop,
    connect,
    request_bytes,
)


def answer(status: int, *headers: str) -> Answer:
    head = "\r\n".join([f"HTTP/1.1 {status} Word", *headers, ""])
    return Answer(status, head.encode(), b"{}")


def test_a_request_says_how_long_it_is() -> None:
    assert request_bytes("POST", "/x", body={"a": 1}, headers={"k": "v"}) == (
        b"POST /x HTTP/1.1\r\nhost: 127.0.0.1\r\nk: v\r\ncontent-type: application/json\r\n"
        b'content-length: 7\r\n\r\n{"a":1}'
    )


def test_headers_are_found_in_any_case() -> None:
    assert answer(200, "Retry-After: 3").header("retry-after") == "3"
    assert answer(200).header("retry-after") is None


def test_only_a_503_that_says_when_is_shedding() -> None:
    assert answer(201).expect(200, 201).status == 201
    with pytest.raises(Shed):
        answer(503, "retry-after: 1").expect(200)
    for wrong in (answer(503), answer(404, "retry-after: 1")):
        with pytest.raises(WrongAnswer):
            wrong.expect(200)


async def test_what_is_wrong_is_no_work_done() -> None:
    """A server that answers every second request with an error, in two pieces each."""
    served = 0

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal served
        while await reader.readuntil(b"\r\n\r\n"):
            served += 1
            status = b"200 OK" if served % 2 else b"500 Oh"
            writer.write(b"HTTP/1.1 " + status + b"\r\nContent-Length: 4\r\n\r\nab")
            await writer.drain()
            await asyncio.sleep(0)
            writer.write(b"cd")

    async def script(caller: Caller, number: int) -> None:
        got = await caller.ask("get", request_bytes("GET", f"/{number}"), 200)
        assert got.body == b"abcd"

    async def quiet(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await serve(reader, writer)
        except (asyncio.IncompleteReadError, ConnectionError):
            writer.close()

    server = await asyncio.start_server(quiet, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    async with server:
        run = await closed_loop(script, port=port, connections=1, seconds=0.3)
    assert run.operations == len(run.latencies["get"]) == (served + 1) // 2
    assert sum(run.mistakes.values()) == served // 2


async def test_who_is_told_that_the_connection_ends_comes_by_another() -> None:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\nconnection: close\r\n\r\n{}")
        writer.close()
        await writer.wait_closed()
        ended.release()

    ended = asyncio.Semaphore(0)
    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    async with server:
        caller = Caller(wire=await connect(port), port=port, number=0)
        for _ in range(2):
            assert (await caller.prepare(request_bytes("GET", "/"), 200)).body == b"{}"
            await ended.acquire()
            assert (await caller.ask("get", request_bytes("GET", "/"), 200)).body == b"{}"
            await ended.acquire()
        caller.wire.close()
    assert len(caller.latencies["get"]) == 2
