"""Measures the operations in turns: the product, then its floor, and once more."""

import time
from collections.abc import Sequence
from dataclasses import dataclass, field

from bench.replay.market import Market as RunningMarket
from bench.speed.client import Run, closed_loop
from bench.speed.floor import Floor, FloorStage
from bench.speed.knowledge import Market
from bench.speed.operations import FLOOR, OPERATIONS, Operation
from bench.speed.processes import Usage, pace, usage_of
from bench.speed.recording import Recording
from bench.speed.stage import Say

# Numbers of a run begin far from those of others, so that no two ask for the same in a row.
_FAR = 1_000_000
# Before anything counts. Others had the processors' caches and the shared memory in between.
_FIRST_SECONDS = 1.0
_AGAIN_SECONDS = 0.5
_BY_NAME = {one.name: one for one in OPERATIONS}


@dataclass(slots=True)
class Measured:
    """One operation at one number of connections, and what it did and used."""

    operation: Operation
    connections: int
    runs: list[Run] = field(default_factory=list)
    usage: list[Usage] = field(default_factory=list)
    client_seconds: float = 0.0
    """Processor time of the client: it runs on the machine that it measures."""

    @property
    def run(self) -> Run:
        """All rounds together."""
        return Run.joined(self.runs)

    @property
    def server_ms(self) -> float:
        """Processor time per operation of web processes and PostgreSQL together."""
        return self.milliseconds("web") + self.milliseconds("database")

    def milliseconds(self, kind: str) -> float:
        """Processor time per operation of the processes of this kind."""
        used = sum(float(getattr(one, f"{kind}_seconds")) for one in self.usage)
        return 1000 * used / max(self.run.operations, 1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Pace:
    """How long and how often is measured."""

    seconds: float
    rounds: int
    connections: int
    more_connections: tuple[int, ...]


class Rounds:
    """What has been measured so far."""

    def __init__(self, market: Market, pace: Pace, *, say: Say) -> None:
        self.measured: dict[tuple[str, int], Measured] = {}
        self.floors: dict[str, list[Floor]] = {}
        self.paces: list[float] = []
        self._market = market
        self._pace = pace
        self._say = say
        self._begun = 0

    async def measure(
        self,
        running: RunningMarket,
        operations: Sequence[Operation],
        *,
        stage: FloorStage,
        recordings: dict[str, Recording],
    ) -> None:
        """Measure these operations with their floors, in so many rounds."""
        in_turns = {(one.beside, one.connections) for one in operations if one.beside}
        for number in range(self._pace.rounds):
            self.paces.append(pace())
            for operation in operations:
                usual = operation.connections or self._pace.connections
                if operation.beside:
                    other = _BY_NAME[operation.beside]
                    await self._measure_one(running, other, connections=usual)
                await self._measure_one(running, operation, connections=usual)
                if operation.name in FLOOR and operation.name in recordings:
                    await self._measure_floor(stage, recordings[operation.name])
                if number == 0 and operation.connections is None:
                    for connections in self._pace.more_connections:
                        if (operation.name, connections) not in in_turns:
                            await self._measure_one(
                                running, operation, connections=connections, share=0.5
                            )

    async def _measure_one(
        self,
        running: RunningMarket,
        operation: Operation,
        *,
        connections: int,
        share: float = 1.0,
    ) -> None:
        port = running.port
        seconds = share * self._pace.seconds
        self._begun += 2
        # What was never asked before has to be planned and read once; that isn't measured.
        known = (operation.name, connections) in self.measured
        await closed_loop(
            operation.make(self._market),
            port=port,
            connections=connections,
            seconds=min(_AGAIN_SECONDS if known else _FIRST_SECONDS, seconds),
            first=self._begun * _FAR,
        )
        before, cpu = usage_of(running.home), time.process_time()
        run = await closed_loop(
            operation.make(self._market),
            port=port,
            connections=connections,
            seconds=seconds,
            first=(self._begun + 1) * _FAR,
        )
        after, cpu = usage_of(running.home), time.process_time() - cpu
        measured = self.measured.setdefault(
            (operation.name, connections), Measured(operation, connections)
        )
        measured.runs.append(run)
        measured.usage.append(Usage.between(before, after))
        measured.client_seconds += cpu
        self._say(
            f"  {operation.title}, {connections} connections: {run.per_second:,.0f}/s,"
            f" p95 {run.quantile(0.95):.1f} ms"
        )
        for mistake, count in run.mistakes.most_common(3):
            self._say(f"    {count} x {mistake}")

    async def _measure_floor(self, stage: FloorStage, recording: Recording) -> None:
        found: tuple[Floor, ...]
        if recording.operation == "order":
            found = await stage.orders(recording, seconds=self._pace.seconds)
        else:
            seconds = max(1, round(self._pace.seconds))
            found = (await stage.read(recording.operation, recording, seconds=seconds),)
        for floor in found:
            self.floors.setdefault(floor.name, []).append(floor)
            self._say(f"    floor, {floor.name}: {floor.per_second:,.0f}/s")
