"""A closed-loop HTTP client that costs little: the machine it measures is the one it runs on.

Each connection sends its next request when it has its answer. Every answer is judged; a wrong one
is never counted as work done, and its latency is never counted either.
"""

import asyncio
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from math import ceil
from typing import Protocol, cast

import orjson

_HEAD_END = b"\r\n\r\n"
_LENGTH = b"\r\ncontent-length: "
_CLOSE = b"\r\nconnection: close\r\n"
_MISTAKES_SHOWN = 5


class WrongAnswer(Exception):
    """An answer isn't what the operation promises."""


class Shed(Exception):
    """The server said that it has too much to do; `Retry-After` came along."""


@dataclass(frozen=True, slots=True)
class Answer:
    """A whole HTTP answer."""

    status: int
    head: bytes
    body: bytes

    def header(self, name: str) -> str | None:
        """A header's value, the name in lower case."""
        at = self.head.lower().find(b"\r\n" + name.encode() + b": ")
        if at < 0:
            return None
        start = at + len(name) + 4
        return self.head[start : self.head.index(b"\r\n", start)].decode()

    def expect(self, *statuses: int) -> "Answer":
        """The answer, if it has one of these statuses.

        Raises:
            Shed, WrongAnswer.
        """
        if self.status in statuses:
            return self
        if self.status == 503 and self.header("retry-after"):
            raise Shed
        raise WrongAnswer(f"{self.status} {self.body[:300]!r}")

    def json(self) -> dict[str, object]:
        """The body."""
        document: dict[str, object] = orjson.loads(self.body)
        return document


class Wire(asyncio.Protocol):
    """One connection that is kept open: a request goes out, its answer comes back."""

    def __init__(self) -> None:
        self._buffer = b""
        self._needed = -1
        self._head = b""
        self._waiter: asyncio.Future[Answer] | None = None
        self._transport: asyncio.WriteTransport | None = None
        self.is_open = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """See `asyncio.Protocol`."""
        # uvloop's transports aren't registered as asyncio's, but they write alike.
        self._transport = cast("asyncio.WriteTransport", transport)
        self.is_open = True

    def connection_lost(self, exc: Exception | None) -> None:
        """See `asyncio.Protocol`."""
        self.is_open = False
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_exception(exc or ConnectionResetError("closed by the server"))

    def data_received(self, data: bytes) -> None:
        """See `asyncio.Protocol`."""
        self._buffer += data
        if self._needed < 0:
            end = self._buffer.find(_HEAD_END)
            if end < 0:
                return
            self._head = self._buffer[: end + 2]
            if _CLOSE in self._head:
                self.is_open = False
            self._buffer = self._buffer[end + 4 :]
            self._needed = _length_of(self._head)
        if len(self._buffer) < self._needed or self._waiter is None:
            return
        body, self._buffer = self._buffer[: self._needed], self._buffer[self._needed :]
        self._needed = -1
        waiter, self._waiter = self._waiter, None
        if not waiter.done():
            waiter.set_result(Answer(int(self._head[9:12]), self._head, body))

    async def ask(self, request: bytes) -> Answer:
        """Send a request and wait for its answer."""
        if self._transport is None:
            raise ConnectionResetError("never connected")
        self._waiter = asyncio.get_running_loop().create_future()
        self._transport.write(request)
        return await self._waiter

    def close(self) -> None:
        """Hang up."""
        if self._transport is not None:
            self._transport.close()


class Line(Protocol):
    """What a caller talks through: a `Wire`, or the application itself in this process."""

    is_open: bool

    async def ask(self, request: bytes) -> Answer:
        """Send a request and wait for its answer."""
        ...

    def close(self) -> None:
        """Hang up."""
        ...


def _length_of(head: bytes) -> int:
    at = head.lower().find(_LENGTH)
    if at < 0:
        return 0
    start = at + len(_LENGTH)
    return int(head[start : head.index(b"\r\n", start)])


def request_bytes(
    method: str, path: str, *, body: object = None, headers: dict[str, str] | None = None
) -> bytes:
    """A request as it goes over the wire."""
    lines = [f"{method} {path} HTTP/1.1", "host: 127.0.0.1"]
    lines += [f"{name}: {value}" for name, value in (headers or {}).items()]
    content = b""
    if body is not None:
        content = orjson.dumps(body)
        lines += ["content-type: application/json", f"content-length: {len(content)}"]
    return "\r\n".join(lines).encode() + _HEAD_END + content


@dataclass(slots=True)
class Caller:
    """One of the connections, and what it measured."""

    wire: Line
    port: int
    number: int
    latencies: dict[str, list[float]] = field(default_factory=dict)
    shed: int = 0

    async def ask(self, name: str, request: bytes, *statuses: int) -> Answer:
        """Send one request, judge its status, and note how long it took under `name`.

        Raises:
            WrongAnswer, Shed.
        """
        wire = await self._open()
        began = time.perf_counter()
        answer = await wire.ask(request)
        took = time.perf_counter() - began
        answer.expect(*statuses)
        self.latencies.setdefault(name, []).append(took)
        return answer

    async def prepare(self, request: bytes, *statuses: int) -> Answer:
        """As `ask`, for what is no part of what is measured."""
        return (await (await self._open()).ask(request)).expect(*statuses)

    async def _open(self) -> Line:
        """The connection; a new one where the server has ended it, or said that it would."""
        if not self.wire.is_open:
            self.wire.close()
            self.wire = await connect(self.port)
        return self.wire


Script = Callable[[Caller, int], Awaitable[None]]
"""One operation: who calls, and the how-manieth it is of all."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """What a closed loop did in its time."""

    operations: int
    seconds: float
    latencies: dict[str, list[float]]
    mistakes: Counter[str]
    shed: int

    @classmethod
    def joined(cls, runs: Sequence["Run"]) -> "Run":
        """Several runs as one."""
        latencies: dict[str, list[float]] = {}
        for run in runs:
            for name, took in run.latencies.items():
                latencies.setdefault(name, []).extend(took)
        return cls(
            operations=sum(run.operations for run in runs),
            seconds=sum(run.seconds for run in runs),
            latencies=latencies,
            mistakes=sum((run.mistakes for run in runs), Counter()),
            shed=sum(run.shed for run in runs),
        )

    @property
    def per_second(self) -> float:
        """Operations that ended as they should, per second."""
        return self.operations / self.seconds if self.seconds else 0.0

    def quantile(self, share: float, name: str | None = None) -> float:
        """A latency in milliseconds that `share` of the requests didn't exceed."""
        chosen = [name] if name else list(self.latencies)
        took = sorted(one for each in chosen for one in self.latencies.get(each, ()))
        return 1000 * quantile(took, share)


def quantile(ascending: Sequence[float], share: float) -> float:
    """The value that `share` of these don't exceed; 0 where there is none."""
    if not ascending:
        return 0.0
    return ascending[max(0, min(len(ascending), ceil(share * len(ascending))) - 1)]


async def connect(port: int) -> Wire:
    """A connection to the market on this machine."""
    loop = asyncio.get_running_loop()
    _, wire = await loop.create_connection(Wire, "127.0.0.1", port)
    return wire


async def closed_loop(
    script: Script, *, port: int, connections: int, seconds: float, first: int = 0
) -> Run:
    """Let so many connections do the operation again and again for so many seconds."""
    callers = [
        Caller(wire=await connect(port), port=port, number=number) for number in range(connections)
    ]
    mistakes: Counter[str] = Counter()
    done = 0
    following = first
    ends_at = time.perf_counter() + seconds

    async def call(caller: Caller) -> None:
        nonlocal done, following
        while time.perf_counter() < ends_at:
            number, following = following, following + 1
            try:
                await script(caller, number)
            except Shed:
                caller.shed += 1
                await asyncio.sleep(0.01)
            except (WrongAnswer, OSError) as error:
                mistakes[f"{type(error).__name__}: {error}"[:300]] += 1
                await asyncio.sleep(0.01)
            else:
                done += 1

    began = time.perf_counter()
    await asyncio.gather(*(call(caller) for caller in callers))
    took = time.perf_counter() - began
    for caller in callers:
        caller.wire.close()
    return Run(
        operations=done,
        seconds=took,
        latencies=_merged(callers),
        mistakes=mistakes,
        shed=sum(caller.shed for caller in callers),
    )


def _merged(callers: Sequence[Caller]) -> dict[str, list[float]]:
    merged: dict[str, list[float]] = {}
    for caller in callers:
        for name, took in caller.latencies.items():
            merged.setdefault(name, []).extend(took)
    return merged
