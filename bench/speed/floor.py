"""The floor: the product's own statements, played by pgbench on a copy of the same database.

What PostgreSQL itself needs for the work, on this machine, with as many clients as the product
had connections, statements prepared, nothing of ours in between. An order is played a second
time as one function of the database: the same rows by one round trip.
"""

import time
from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil
from pathlib import Path
from random import Random

import asyncpg

from bench.speed import pgbench
from bench.speed.recording import Recording
from bench.speed.rows import difference, row_counts, written
from bench.speed.tape import Columns, Freshener, Take, fetching, function, script
from gosellr.core.embedded_postgres import APPLICATION_ROLE, DATABASE, Cluster

COPY = "bench_floor"
_SCHEMA = "bench"
_FORMS_MAX = 6
_ORDERS_PER_SECOND = 900  # So many are on the tape for each second that was asked for.
_FIRST_GUESS = 250.0  # Orders a second, as long as none have been played.
_LEAST = 20  # Transactions of each client: the first six aren't counted.
# So many operations at once: reading the tape then weighs little, and so do the plans.
_COPIES = 4
# Of what takes long, few are played in a short time, and each copy is planned by itself.
_COPIES_OF = {"search": 1}


@dataclass(frozen=True, slots=True, kw_only=True)
class Floor:
    """What pgbench reached. `per_second` is without the time that reading the tape took."""

    name: str
    per_second: float
    with_tape_per_second: float
    operations: int
    covered: float
    """The share of the operations whose form was played."""
    steady: bool
    """Whether it was long enough to leave out what PostgreSQL planned anew."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Form:
    """One form's script, the script that only reads its tape, and its share."""

    whole: Path
    tape_only: Path
    weight: int
    definitions: dict[str, str]
    rows: int


class FloorStage:
    """A copy of the market's database with the tapes in it."""

    def __init__(self, cluster: Cluster, *, clients: int, folder: Path) -> None:
        self._dsn = cluster.dsn(database=COPY)
        self._app_dsn = cluster.dsn(role=APPLICATION_ROLE, database=COPY)
        self._clients = clients
        self._folder = folder
        self._reads: dict[str, list[_Form]] = {}
        self._order: _Form | None = None
        self._function: Path | None = None
        self._moved = 0
        self._rates: dict[str, float] = {}

    async def prepare(self, recordings: dict[str, Recording], *, seconds: int, rounds: int) -> None:
        """Write the tapes, the scripts and the function. Orders are fresh in every round."""
        self._folder.mkdir(parents=True, exist_ok=True)
        connection = await asyncpg.connect(
            self._dsn, server_settings={"search_path": "gosellr, public"}
        )
        try:
            await connection.execute(
                f"CREATE SCHEMA {_SCHEMA}; GRANT USAGE ON SCHEMA {_SCHEMA} TO {APPLICATION_ROLE};"
            )
            for name, recording in recordings.items():
                if name == "order":
                    await self._prepare_order(connection, recording, seconds=seconds, rounds=rounds)
                else:
                    self._reads[name] = await self._prepare_reads(connection, recording)
            await connection.execute("VACUUM (ANALYZE)")
            await connection.execute("CHECKPOINT")
        finally:
            await connection.close()

    async def _prepare_reads(
        self, connection: "asyncpg.Connection[asyncpg.Record]", recording: Recording
    ) -> list[_Form]:
        forms = []
        copies = _COPIES_OF.get(recording.operation, _COPIES)
        for number, takes in enumerate(recording.forms[:_FORMS_MAX]):
            columns = Columns.of(takes)
            tape = f"{_SCHEMA}.tape_{recording.operation}_{number}"
            rows = [columns.row(take) for take in takes]
            while len(rows) < 4 * copies:
                rows += rows
            await _write_tape(connection, tape, rows)
            text = script(takes[0].statements, columns, tape=tape, copies=copies, wraps=True)
            beginning = fetching(columns, tape=tape, copies=copies, wraps=True)
            forms.append(
                _Form(
                    whole=self._file(f"{recording.operation}_{number}.sql", text),
                    tape_only=self._file(f"{recording.operation}_{number}_tape.sql", beginning),
                    weight=len(takes),
                    definitions=columns.definitions(),
                    rows=len(rows),
                )
            )
        return forms

    async def _prepare_order(
        self,
        connection: "asyncpg.Connection[asyncpg.Record]",
        recording: Recording,
        *,
        seconds: int,
        rounds: int,
    ) -> None:
        takes = recording.forms[0]
        columns = Columns.of(takes)
        tape = f"{_SCHEMA}.tape_order"
        # Each round plays a stretch by statements and another one by the function.
        least = self._clients * _COPIES * _LEAST
        per_round = _even(max(seconds * _ORDERS_PER_SECOND, least), self._clients * _COPIES)
        rows = _fresh_rows(takes, columns, recording, count=2 * rounds * per_round)
        await _write_tape(connection, tape, rows)
        made, calling = function(f"{_SCHEMA}.whole_order", takes[0].statements, columns, tape=tape)
        await connection.execute(made)
        text = script(takes[0].statements, columns, tape=tape, copies=_COPIES, wraps=False)
        beginning = fetching(columns, tape=tape, copies=_COPIES, wraps=False)
        self._order = _Form(
            whole=self._file("order.sql", text),
            tape_only=self._file("order_tape.sql", beginning),
            weight=len(takes),
            definitions=columns.definitions(),
            rows=per_round,
        )
        self._function = self._file("order_function.sql", calling)

    async def read(self, name: str, recording: Recording, *, seconds: int) -> Floor:
        """Play an operation that writes nothing."""
        forms = self._reads[name]
        copies = _COPIES_OF.get(name, _COPIES)
        definitions: dict[str, str | int] = {"first": 0, "moved": 0}
        steady = True
        weights = sum(form.weight for form in forms)
        whole_seconds = tape_seconds = 0.0
        operations = 0
        for form in forms:
            # By itself, for its constants are its own; joined below by their weights.
            span = max(1, round(seconds * form.weight / weights))
            own = definitions | form.definitions
            own |= {"rows": form.rows, "stretch": 1 + form.rows // self._clients}
            played = await self._play(form.whole, own, seconds=span)
            tape = await self._play(form.tape_only, own, seconds=1)
            operations += played.transactions * copies
            whole_seconds += form.weight / (played.per_second * copies)
            tape_seconds += form.weight / (tape.per_second * copies)
            steady = steady and played.steady
        return Floor(
            name=name,
            per_second=net_rate(whole_seconds / weights, tape_seconds / weights),
            with_tape_per_second=weights / whole_seconds,
            operations=operations,
            covered=weights / max(len(recording.takes), 1),
            steady=steady,
        )

    async def orders(self, recording: Recording, *, seconds: float) -> tuple[Floor, Floor]:
        """Play a stretch of orders by their statements, and one by the function.

        Each takes about so many seconds, by the rate of the round before: counted beforehand, for
        nobody may come to the end of their stretch.
        """
        if self._order is None or self._function is None:
            raise pgbench.FloorError("no order was recorded")
        form = self._order
        own: dict[str, str | int] = {"stretch": form.rows // self._clients, "moved": 0}
        own |= form.definitions
        covered = form.weight / max(len(recording.takes), 1)
        first = self._moved
        before = await row_counts(self._dsn)
        each = self._each("order", copies=_COPIES, seconds=seconds)
        played = await self._play(form.whole, own | {"first": first}, transactions=each)
        tape = await self._play(form.tape_only, own | {"first": first}, transactions=each)
        called = await self._play(
            self._function,
            own | {"first": first + form.rows},
            transactions=self._each("function", copies=1, seconds=seconds),
        )
        self._moved += 2 * form.rows
        self._rates["order"] = played.per_second * _COPIES
        self._rates["function"] = called.per_second
        rows = written(
            before,
            await row_counts(self._dsn),
            operations=played.transactions * _COPIES + called.transactions,
        )
        if wrong := difference(recording.rows, rows):
            raise pgbench.FloorError(f"the floor's orders aren't the product's: {wrong}")
        whole, alone = 1 / (played.per_second * _COPIES), 1 / (tape.per_second * _COPIES)
        return (
            Floor(
                name="order",
                per_second=net_rate(whole, alone),
                with_tape_per_second=1 / whole,
                operations=played.transactions * _COPIES,
                covered=covered,
                steady=played.steady,
            ),
            Floor(
                name="order in one function",
                per_second=called.per_second,
                with_tape_per_second=called.per_second,
                operations=called.transactions,
                covered=covered,
                steady=called.steady,
            ),
        )

    def _each(self, name: str, *, copies: int, seconds: float) -> int:
        """How many transactions each client plays; never more than its stretch of the tape."""
        stretch = self._order.rows // self._clients if self._order else 0
        wanted = ceil(seconds * self._rates.get(name, _FIRST_GUESS) / self._clients / copies)
        return min(max(wanted, _LEAST), stretch // copies)

    async def _play(
        self,
        path: Path,
        definitions: dict[str, str | int],
        *,
        seconds: int | None = None,
        transactions: int | None = None,
    ) -> pgbench.Played:
        return await pgbench.play(
            self._app_dsn,
            path,
            clients=self._clients,
            definitions=definitions,
            seconds=seconds,
            transactions=transactions,
        )

    def _file(self, name: str, text: str) -> Path:
        path = self._folder / name
        path.write_text(text, encoding="utf-8")
        return path


def net_rate(whole_seconds: float, tape_seconds: float) -> float:
    """Operations per second without the time that reading the tape takes."""
    net = whole_seconds - tape_seconds
    # Reading the tape can't have taken most of it: then the machine was busy meanwhile.
    return 1 / (net if net > whole_seconds / 2 else whole_seconds)


async def copy_market(cluster: Cluster) -> None:
    """A copy of the market's database, made anew; nobody else may be connected meanwhile."""
    connection = await asyncpg.connect(cluster.dsn(database="postgres"))
    try:
        await connection.execute(f"DROP DATABASE IF EXISTS {COPY} WITH (FORCE)")
        await connection.execute(f"CREATE DATABASE {COPY} TEMPLATE {DATABASE} STRATEGY FILE_COPY")
    finally:
        await connection.close()


async def _write_tape(
    connection: "asyncpg.Connection[asyncpg.Record]", tape: str, rows: Sequence[list[str]]
) -> None:
    # Not compressed: unpacking would be paid for by the floor.
    await connection.execute(
        f"CREATE TABLE {tape} (n int PRIMARY KEY, v text[] STORAGE EXTERNAL NOT NULL);"
        f"GRANT SELECT ON {tape} TO {APPLICATION_ROLE};"
    )
    schema, name = tape.split(".")
    await connection.copy_records_to_table(
        name, schema_name=schema, records=list(enumerate(rows)), columns=["n", "v"]
    )


def _fresh_rows(
    takes: Sequence[Take], columns: Columns, recording: Recording, *, count: int
) -> list[list[str]]:
    freshener = Freshener(since_ms=recording.since_ms, run=recording.run)
    known = [columns.row(take) for take in takes]
    now_ms = time.time_ns() // 1_000_000
    # In no order: clients side by side mustn't want the same goods at the same time.
    chosen = Random(count).choices(known, k=count)
    return [freshener.renewed(row, now_ms=now_ms) for row in chosen]


def _even(count: int, step: int) -> int:
    return max(step, count - count % step)
