"""What the product's operations say to the database, heard inside this process."""

import asyncio
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import asyncpg

from bench.speed.inside import inside
from bench.speed.knowledge import Market
from bench.speed.operations import Operation
from bench.speed.rows import row_counts, written
from bench.speed.tape import Statement, Take, as_text
from gosellr.core.db import SEARCH_PATH
from gosellr.core.embedded_postgres import Cluster

# First calls fill what a process keeps: terms, or whole pages where those are kept, of which the
# operations that read again know a hundred.
_NOT_HEARD = 20
_NOT_HEARD_OF_KEPT = 120


@dataclass(frozen=True, slots=True, kw_only=True)
class Recording:
    """The takes of one operation, all of the commonest form first."""

    operation: str
    since_ms: int
    run: str
    takes: list[Take] = field(default_factory=list)
    rows: dict[str, float] = field(default_factory=dict)
    """What each operation added to which table."""

    @property
    def forms(self) -> list[list[Take]]:
        """The takes by form, the commonest first."""
        forms: dict[Any, list[Take]] = {}
        for take in self.takes:
            forms.setdefault(take.form, []).append(take)
        return sorted(forms.values(), key=len, reverse=True)

    @property
    def round_trips(self) -> float:
        """Messages to the database per operation, begins and commits included."""
        return self._mean([len(take.statements) for take in self.takes])

    @property
    def statements(self) -> float:
        """Statements per operation without those that only begin or end a transaction."""
        return self._mean(
            [sum(not one.is_control for one in take.statements) for take in self.takes]
        )

    @staticmethod
    def _mean(counts: Sequence[int]) -> float:
        return sum(counts) / len(counts) if counts else 0.0


async def record(
    cluster: Cluster,
    market: Market,
    operations: Sequence[Operation],
    *,
    takes: int,
    cache_mb: int = 0,
) -> dict[str, Recording]:
    """Do each operation so many times, one after the other, and hear what it says.

    Raises:
        WrongAnswer: when the market doesn't do what is asked.
    """
    heard: list[tuple[str, tuple[Any, ...]]] = []
    unheard = _NOT_HEARD_OF_KEPT if cache_mb else _NOT_HEARD
    since_ms = time.time_ns() // 1_000_000
    found: dict[str, list[list[tuple[str, tuple[Any, ...]]]]] = {}
    rows: dict[str, dict[str, float]] = {}
    async with inside(
        cluster,
        cache_mb=cache_mb,
        on_query=lambda query: heard.append((query.query, query.args)),
    ) as caller:
        for operation in operations:
            script = operation.make(market)
            of_operation = found.setdefault(operation.name, [])
            before = await row_counts(cluster.dsn())
            for number in range(takes + unheard):
                heard.clear()
                await script(caller, number)
                await asyncio.sleep(0)  # The driver tells of the last one a turn later.
                if number >= unheard:
                    of_operation.append(list(heard))
            after = await row_counts(cluster.dsn())
            rows[operation.name] = written(before, after, operations=takes + unheard)
    known = await _understood(
        cluster, {sql for of in found.values() for one in of for sql, _ in one}
    )
    return {
        name: Recording(
            operation=name,
            since_ms=since_ms,
            run=market.run,
            takes=[_take(one, known) for one in of_operation],
            rows=rows[name],
        )
        for name, of_operation in found.items()
    }


def _take(heard: Sequence[tuple[str, tuple[Any, ...]]], known: dict[str, Statement]) -> Take:
    return Take(
        statements=tuple(known[sql] for sql, _ in heard),
        values=tuple(
            tuple(as_text(one, kind) for one, kind in zip(args, known[sql].types, strict=True))
            for sql, args in heard
        ),
    )


async def _understood(cluster: Cluster, statements: set[str]) -> dict[str, Statement]:
    """What PostgreSQL says of each statement: its parameters' types, whether rows come back."""
    known = {}
    connection = await asyncpg.connect(cluster.dsn(), server_settings={"search_path": SEARCH_PATH})
    try:
        for sql in statements:
            if Statement(sql).is_control:
                known[sql] = Statement(sql)
                continue
            prepared = await connection.prepare(sql)
            known[sql] = Statement(
                sql,
                types=tuple(_type_name(one) for one in prepared.get_parameters()),
                gives_rows=bool(prepared.get_attributes()),
            )
    finally:
        await connection.close()
    return known


def _type_name(kind: Any) -> str:
    name = str(kind.name)
    return name if kind.schema == "pg_catalog" else f"{kind.schema}.{name}"
