"""`make profile`: where an order's milliseconds go, in Python, the driver and the database.

One operation after the other in this process, in three passes that don't disturb each other: the
clock and the processor's time of this process, with nothing looking on; PostgreSQL's own counts by
statement during the same pass; and then Python's profiler, whose shares divide the processor's
time among the rooms. Nothing overlaps here, so the parts of an operation add up to the whole.
"""

import argparse
import asyncio
import cProfile
import pstats
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import asyncpg
import orjson
from rich.console import Console

from bench.market_data import Catalogue
from bench.speed.client import Caller, Script
from bench.speed.inside import inside
from bench.speed.knowledge import Market
from bench.speed.operations import OPERATIONS
from bench.speed.page import percent, table
from bench.speed.stage import StatementCounts, fill, folder
from gosellr.core.embedded_postgres import Cluster

_REPORT = Path(__file__).resolve().parents[1] / "report"
_WARM = 150
_SHOWN = 12
_DRIVER = ("asyncpg",)
_PACKAGES = ("fastapi", "starlette", "pydantic_core", "pydantic", "anyio", "structlog", "orjson")
_WAITING = ("select.epoll", "select.kqueue", "select.poll")
_console = Console(stderr=True)


@dataclass(frozen=True, slots=True, kw_only=True)
class Whole:
    """What one operation took: on the clock, of this process's processor, until commits ended."""

    clock_ms: float
    python_ms: float
    commit_ms: float


def main(arguments: Sequence[str] | None = None) -> int:
    """Profile; prints the page and writes it beside the report."""
    parser = argparse.ArgumentParser(prog="bench.speed.profile", description=__doc__)
    parser.add_argument("--operations", default="order,checkout", help="with commas between")
    parser.add_argument("--products", type=int, default=10_000)
    parser.add_argument("--count", type=int, default=300, help="of each, in each pass (300)")
    parser.add_argument("--home", type=Path, help="keep the market here and use it again")
    parser.add_argument("--report", type=Path, default=_REPORT)
    options = parser.parse_args(arguments)
    wanted = options.operations.split(",")
    if unknown := set(wanted) - {one.name for one in OPERATIONS}:
        parser.error(f"unknown: {', '.join(sorted(unknown))}")
    with folder(options.home) as home:
        # asyncio's own loop, because the profiler sees what it does.
        found = asyncio.run(_profile(home, wanted, products=options.products, count=options.count))
    options.report.mkdir(parents=True, exist_ok=True)
    (options.report / "profile.json").write_bytes(
        orjson.dumps(found, option=orjson.OPT_INDENT_2) + b"\n"
    )
    page = profile_page(found)
    (options.report / "profile.md").write_text(page, encoding="utf-8")
    print(page)
    return 0


async def _profile(
    home: Path, wanted: Sequence[str], *, products: int, count: int
) -> dict[str, Any]:
    catalogue = Catalogue(products=products)
    await fill(home, catalogue, orders=0, say=_console.print)
    market = Market(catalogue)
    cluster = Cluster(home).start()
    try:
        connection = await asyncpg.connect(cluster.dsn())
        counts = StatementCounts(connection)
        answered: dict[str, float] = {}

        def note(query: Any) -> None:
            kind = "commit" if query.query.strip(" ;").upper() == "COMMIT" else "statement"
            answered[kind] = answered.get(kind, 0.0) + query.elapsed

        async with inside(cluster, on_query=note) as caller:
            found = {}
            for operation in OPERATIONS:
                if operation.name in wanted:
                    with _console.status(operation.title):
                        script = operation.make(market)
                        found[operation.name] = await _one(
                            caller, script, counts, answered, count=count
                        )
                    found[operation.name]["title"] = operation.title
        await connection.close()
    finally:
        cluster.stop()
    return found


async def _one(
    caller: Caller,
    script: Script,
    counts: StatementCounts,
    answered: dict[str, float],
    *,
    count: int,
) -> dict[str, Any]:
    for number in range(_WARM):
        await script(caller, number)
    await counts.begin()
    caller.latencies.clear()
    answered.clear()
    clock, cpu = time.perf_counter(), time.process_time()
    for number in range(_WARM, _WARM + count):
        await script(caller, number)
    cpu, clock = time.process_time() - cpu, time.perf_counter() - clock
    commit_ms = 1000 * answered.get("commit", 0.0) / count
    statements = await counts.found()
    requests = {name: sum(took) for name, took in caller.latencies.items()}
    # By the processor's time: on a busy machine the clock would blame whoever was interrupted.
    profiler = cProfile.Profile(time.process_time)
    profiler.enable()
    for number in range(_WARM + count, _WARM + 2 * count):
        await script(caller, number)
    profiler.disable()
    return divided(
        Whole(clock_ms=1000 * clock / count, python_ms=1000 * cpu / count, commit_ms=commit_ms),
        own_times=_own_times(profiler),
        statements=[
            {
                "sql": " ".join(one["query"].split()),
                "calls": round(one["calls"] / count, 2),
                "milliseconds": one["milliseconds"] / count,
            }
            for one in statements
        ],
        requests={name: 1000 * took / count for name, took in requests.items()},
    )


@dataclass(frozen=True, slots=True)
class OwnTime:
    """The seconds that a function spent in itself."""

    file: str
    name: str
    seconds: float


def _own_times(profiler: cProfile.Profile) -> list[OwnTime]:
    stats: Mapping[tuple[str, int, str], tuple[int, int, float, float, object]]
    stats = pstats.Stats(profiler).stats  # type: ignore[attr-defined]
    return [OwnTime(file, name, own) for (file, _, name), (_, _, own, _, _) in stats.items()]


def shares(own_times: Iterable[OwnTime], of: Callable[[OwnTime], str]) -> dict[str, float]:
    """Shares of the time that the profiler saw at work, the largest first; waiting isn't work."""
    seconds: dict[str, float] = {}
    for own in own_times:
        if not any(word in own.name for word in _WAITING):
            seconds[of(own)] = seconds.get(of(own), 0.0) + own.seconds
    whole = sum(seconds.values())
    return {name: own / whole for name, own in sorted(seconds.items(), key=_second)[::-1]}


def room_of(file: str, name: str) -> str:
    """Whose code it is: a room of ours, the driver, a package, or Python itself."""
    parts = Path(file).parts
    for before, part, below in zip(parts, parts[1:], parts[2:], strict=False):
        if (before, part) == ("services", "gosellr"):
            return f"gosellr/{below}"
    if "bench" in parts:
        return "the measurement"
    words = {*parts, *name.replace("'", " ").replace("<", " ").replace(".", " ").split()}
    for package in (*_DRIVER, *_PACKAGES):
        if package in words or any(word.startswith(f"{package}_") for word in words):
            return "the driver" if package in _DRIVER else package
    if "asyncio" in words or "_asyncio" in words:
        return "asyncio"
    if "site-packages" in parts:
        return parts[parts.index("site-packages") + 1].removesuffix(".py")
    return "Python"


def divided(
    whole: Whole,
    *,
    own_times: Sequence[OwnTime],
    statements: Sequence[Mapping[str, Any]],
    requests: Mapping[str, float],
) -> dict[str, Any]:
    """The milliseconds of one operation by where they went."""
    database_ms = sum(float(one["milliseconds"]) for one in statements)
    rooms = shares(own_times, lambda own: room_of(own.file, own.name))
    functions = shares(own_times, lambda own: f"{own.name} ({room_of(own.file, own.name)})")
    driver = rooms.get("the driver", 0.0)
    own = {room: share for room, share in rooms.items() if room != "the driver"}
    return {
        "clock_ms": round(whole.clock_ms, 3),
        "python_ms": round(whole.python_ms * (1 - driver), 3),
        "driver_ms": round(whole.python_ms * driver, 3),
        "database_ms": round(database_ms, 3),
        # Until the books are on the disk: PostgreSQL counts that with no statement.
        "commit_ms": round(whole.commit_ms, 3),
        # Sockets, planning, statements that commit by themselves, and files that other threads
        # write: the sandbox gateway's journal.
        "other_waiting_ms": round(
            max(0.0, whole.clock_ms - whole.python_ms - database_ms - whole.commit_ms), 3
        ),
        "rooms_ms": {room: round(share * whole.python_ms, 3) for room, share in own.items()},
        "functions_ms": {
            name: round(share * whole.python_ms, 3)
            for name, share in list(functions.items())[:_SHOWN]
        },
        "statements": [
            {**one, "milliseconds": round(float(one["milliseconds"]), 3)} for one in statements
        ],
        "requests_ms": {name: round(took, 2) for name, took in requests.items()},
    }


def profile_page(found: Mapping[str, Mapping[str, Any]]) -> str:
    """All of it as Markdown."""
    parts = ["# Where the milliseconds go"]
    for one in found.values():
        names = ("python_ms", "driver_ms", "database_ms", "commit_ms", "other_waiting_ms")
        titles = ("Python", "the driver", "the database at work", "commits", "waiting otherwise")
        clock = one["clock_ms"] or 1.0
        parts += [
            f"## {one['title']}: {one['clock_ms']:.2f} ms",
            table(
                ("where", "ms", "share"),
                (
                    (title, one[name], percent(one[name] / clock))
                    for title, name in zip(titles, names, strict=True)
                ),
            ),
            table(("Python by room", "ms"), _largest(one["rooms_ms"])),
            table(("function", "ms in itself"), _largest(one["functions_ms"])),
            table(
                ("statement", "calls", "ms"),
                (
                    (_short(str(each["sql"])), each["calls"], each["milliseconds"])
                    for each in one["statements"][:_SHOWN]
                ),
            ),
            table(("request", "ms"), one["requests_ms"].items())
            if len(one["requests_ms"]) > 1
            else "",
        ]
    return "\n\n".join(part for part in parts if part) + "\n"


def _largest(rooms: Mapping[str, float]) -> list[tuple[str, float]]:
    return sorted(rooms.items(), key=_second)[::-1][:_SHOWN]


def _short(sql: str) -> str:
    text = sql.replace("|", "\\|")
    return f"`{text[:90]}`" if len(text) <= 90 else f"`{text[:60]} … {text[-27:]}`"


def _second(pair: tuple[str, float]) -> float:
    return pair[1]


if __name__ == "__main__":
    raise SystemExit(main())
