"""The address that the web processes share."""

import asyncio
import socket

import uvloop

from gosellr.core.listening import bind_address, entrances

CROWD = 64


async def turns_until_all_are_in(listener: socket.socket, visitors: list[socket.socket]) -> int:
    """How many turns of the loop it takes to let in whoever waits."""
    loop = asyncio.get_running_loop()
    inside: list[asyncio.BaseTransport] = []
    turns = 0

    class Visitor(asyncio.Protocol):
        def connection_made(self, transport: asyncio.BaseTransport) -> None:
            inside.append(transport)

    servers = [await loop.create_server(Visitor, sock=door) for door in entrances(listener)]
    while len(inside) < len(visitors):
        turns += 1
        await asyncio.sleep(0)
    for transport in inside:
        transport.close()
    for server in servers:
        server.close()
        await server.wait_closed()
    return turns


async def test_a_crowd_is_let_in_within_few_turns_of_a_busy_loop() -> None:
    listener = bind_address("127.0.0.1", 0)
    address = listener.getsockname()
    visitors = [socket.create_connection(address) for _ in range(CROWD)]
    try:
        # By one entrance it would take a turn for each.
        turns = await asyncio.to_thread(uvloop.run, turns_until_all_are_in(listener, visitors))
        assert turns <= CROWD // 2
    finally:
        for visitor in visitors:
            visitor.close()
