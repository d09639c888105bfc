"""What happens when more is asked than can be done: orders that come whether or not others ended.

An open loop sends each order at its time, on a connection of its own where all are busy. What
the market refuses with 503 and `Retry-After` is shed, which is an answer as good as any; what it
acknowledged must be in its books afterwards.
"""

import asyncio
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import asyncpg

from bench.speed.buying import order, order_request
from bench.speed.client import Line, Shed, WrongAnswer, closed_loop, connect, quantile
from bench.speed.knowledge import Market
from bench.speed.stage import Say
from gosellr.core.embedded_postgres import Cluster

TIMES = (0.5, 1.0, 1.5, 2.0, 3.0, 4.0)
_CONNECTIONS_MAX = 600
_GIVE_UP_SECONDS = 15.0
_SETTLE_SECONDS = 1.0


@dataclass(slots=True)
class Step:
    """What came of so many orders per second."""

    times: float
    offered: float
    seconds: float = 0.0
    accepted: int = 0
    shed: int = 0
    unsent: int = 0
    too_late: int = 0
    latencies: list[float] = field(default_factory=list)
    shed_latencies: list[float] = field(default_factory=list)
    mistakes: Counter[str] = field(default_factory=Counter)

    @classmethod
    def joined(cls, steps: "Sequence[Step]") -> "Step":
        """The same share of saturation, offered several times, as if it had been once."""
        return cls(
            times=steps[0].times,
            offered=sum(step.offered for step in steps) / len(steps),
            seconds=sum(step.seconds for step in steps),
            accepted=sum(step.accepted for step in steps),
            shed=sum(step.shed for step in steps),
            unsent=sum(step.unsent for step in steps),
            too_late=sum(step.too_late for step in steps),
            latencies=[each for step in steps for each in step.latencies],
            shed_latencies=[each for step in steps for each in step.shed_latencies],
            mistakes=sum((step.mistakes for step in steps), Counter[str]()),
        )

    def document(self) -> dict[str, Any]:
        """The figures by name."""
        return {
            "times_saturation": self.times,
            "offered_per_second": round(self.offered, 1),
            "goodput_per_second": round(self.accepted / self.seconds, 1) if self.seconds else 0.0,
            "accepted": self.accepted,
            "shed": self.shed,
            "unsent": self.unsent,
            "too_late": self.too_late,
            "mistakes": sum(self.mistakes.values()),
            "accepted_p50_ms": round(1000 * quantile(sorted(self.latencies), 0.5), 1),
            "accepted_p95_ms": round(1000 * quantile(sorted(self.latencies), 0.95), 1),
            "shed_p95_ms": round(1000 * quantile(sorted(self.shed_latencies), 0.95), 1),
        }


class OpenLoop:
    """Sends orders at their times and notes what became of them."""

    def __init__(self, market: Market, *, port: int) -> None:
        self.acknowledged: list[str] = []
        self._market = market
        self._port = port
        self._idle: list[Line] = []
        self._open = 0
        self._number = 0

    async def run(self, step: Step, *, seconds: float) -> None:
        """Offer so many orders per second for so many seconds, and wait for all answers."""
        began = time.perf_counter()
        sent: set[asyncio.Task[None]] = set()
        for count in range(int(step.offered * seconds)):
            ahead = began + count / step.offered - time.perf_counter()
            if ahead > 0:
                await asyncio.sleep(ahead)
            elif count % 20 == 0:
                await asyncio.sleep(0)  # Late already: let answers in all the same.
            if not self._idle and self._open >= _CONNECTIONS_MAX:
                step.unsent += 1
                continue
            task = asyncio.create_task(self._send(step))
            sent.add(task)
            task.add_done_callback(sent.discard)
        while sent:
            await asyncio.wait(sent)
        # Until the last answer: a queue that is worked off afterwards is no goodput at that load.
        step.seconds = time.perf_counter() - began

    def hang_up(self) -> None:
        """Leave all connections; whoever sends next takes new ones."""
        while self._idle:
            self._drop(self._idle.pop())

    async def _send(self, step: Step) -> None:
        self._number += 1
        pair = self._market.pair(self._number)
        request = order_request(self._market, pair, self._number)
        began = time.perf_counter()
        try:
            wire = await self._take()
        except OSError as error:
            step.mistakes[f"{type(error).__name__}: {error}"] += 1
            return
        try:
            async with asyncio.timeout(_GIVE_UP_SECONDS):
                answer = await wire.ask(request)
        except TimeoutError:
            step.too_late += 1
            self._drop(wire)
            return
        except OSError as error:
            step.mistakes[f"{type(error).__name__}: {error}"] += 1
            self._drop(wire)
            return
        self._give_back(wire)
        took = time.perf_counter() - began
        try:
            document = answer.expect(201).json()
        except Shed:
            step.shed += 1
            step.shed_latencies.append(took)
        except WrongAnswer as error:
            step.mistakes[str(error)[:300]] += 1
        else:
            step.accepted += 1
            step.latencies.append(took)
            self.acknowledged.append(str(document["id"]))

    async def _take(self) -> Line:
        while self._idle:
            wire = self._idle.pop()
            if wire.is_open:
                return wire
            self._open -= 1
        self._open += 1
        try:
            return await connect(self._port)
        except OSError:
            self._open -= 1
            raise

    def _give_back(self, wire: Line) -> None:
        if wire.is_open:
            self._idle.append(wire)
        else:
            self._open -= 1

    def _drop(self, wire: Line) -> None:
        wire.close()
        self._open -= 1


async def saturation(market: Market, *, port: int, seconds: float) -> float:
    """Orders per second that are kept up when 64 callers never rest.

    What follows an order (its invoices, letters and reports) is behind at first: the first seconds
    show more than can be done for long, and aren't counted.
    """
    script = order(market)
    await closed_loop(script, port=port, connections=64, seconds=seconds, first=900_000_000)
    run = await closed_loop(
        script, port=port, connections=64, seconds=3 * seconds, first=950_000_000
    )
    return max(run.per_second, 1.0)


async def overload(
    market: Market,
    cluster: Cluster,
    *,
    port: int,
    seconds: float,
    rounds: int,
    say: Say,
    times: Sequence[float] = TIMES,
) -> dict[str, Any]:
    """The curve, walked so many times, and whether everything that was acknowledged is there.

    Every other walk is downwards: a machine that becomes slower meanwhile is so at both ends.
    """
    saturated = await saturation(market, port=port, seconds=seconds)
    loop = OpenLoop(market, port=port)
    curves = []
    most = saturated
    for walk in range(rounds):
        steps = []
        for one in times if walk % 2 == 0 else reversed(times):
            # Of the most that was done so far: open loops sometimes get more done than closed ones.
            step = Step(times=one, offered=one * most)
            await loop.run(step, seconds=seconds)
            steps.append(step)
            most = max(most, step.accepted / step.seconds)
            for mistake, count in step.mistakes.most_common(3):
                say(f"    {one:g} x: {count} x {mistake}")
            # What nobody asked anything by for a while, the server hangs up, perhaps just then.
            loop.hang_up()
            await asyncio.sleep(_SETTLE_SECONDS)
        curves.append(sorted(steps, key=lambda step: step.times))
    found = await _kept(cluster, loop.acknowledged)
    return summary(saturated, curves, acknowledged=len(loop.acknowledged), kept=found)


def summary(
    saturated: float, curves: Sequence[Sequence[Step]], *, acknowledged: int, kept: int
) -> dict[str, Any]:
    """All curves as one, as the report has it. The last step is the highest load."""
    documents = [Step.joined(steps).document() for steps in zip(*curves, strict=True)]
    peak = max((float(one["goodput_per_second"]) for one in documents), default=0.0)
    last = float(documents[-1]["goodput_per_second"]) if documents else 0.0
    return {
        "saturation_per_second": round(saturated, 1),
        "peak_per_second": peak,
        "kept_of_peak": round(last / peak, 3) if peak else None,
        "acknowledged": acknowledged,
        "lost": acknowledged - kept,
        "steps": documents,
    }


async def _kept(cluster: Cluster, order_ids: Sequence[str]) -> int:
    connection = await asyncpg.connect(cluster.dsn())
    try:
        count: int = await connection.fetchval(
            "SELECT count(*) FROM gosellr.orders"
            " WHERE id = ANY($1::text[]::uuid[]) AND payment_status = 'paid'",
            list(order_ids),
        )
    finally:
        await connection.close()
    return count
