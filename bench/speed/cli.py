"""The command: a durable market with a deterministic catalogue, measured over HTTP and below it."""

import argparse
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import uvloop
from rich.console import Console

from bench.market_data import Catalogue
from bench.replay.market import Market as RunningMarket
from bench.replay.market import MarketError, empty_market
from bench.speed.bars import verdict
from bench.speed.floor import FloorStage, copy_market
from bench.speed.knowledge import Market
from bench.speed.operations import FLOOR, OPERATIONS, Operation
from bench.speed.overload import TIMES, overload
from bench.speed.pgbench import FloorError
from bench.speed.processes import usage_of
from bench.speed.recording import Recording, record
from bench.speed.report import (
    Document,
    floor_figures,
    machine,
    processes,
    product_figures,
    ratios,
    write_report,
)
from bench.speed.rounds import Pace, Rounds
from bench.speed.scaling import scaling
from bench.speed.stage import durability, fill, folder
from gosellr.core.embedded_postgres import Cluster

_REPORT = Path(__file__).resolve().parents[1] / "report"
_HEARD = 100
_HEARD_FOR_FLOOR = 500  # So many different goods: few would be fought for, or always at hand.
# Of each size: a visit starts the server, so there are fewer than rounds, and longer ones.
_VISIT_SECONDS, _VISITS = 3.0, 5
_WALKS = 4  # Of the overload curve, each a minute.
_UNCACHED = {"GOSELLR_CACHE_MB": "0"}
_console = Console(stderr=True)


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure; 1 when an answer was wrong, an order was lost or the books don't hold."""
    options = _options(arguments)
    try:
        with folder(options.home) as home:
            return uvloop.run(_measure(home, options))
    except (FloorError, MarketError) as error:
        _say(f"✗ {error}")
        return 1


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="bench.speed", description=__doc__)
    parser.add_argument("--products", type=int, default=10_000)
    parser.add_argument("--orders", type=int, default=0, help="past orders (0)")
    parser.add_argument("--seconds", type=float, default=2.0, help="per operation and round (2)")
    parser.add_argument("--rounds", type=int, default=12, help="product and floor in turns (12)")
    parser.add_argument("--connections", type=int, default=16)
    parser.add_argument("--only", default="", help="names of operations, with commas between")
    parser.add_argument("--no-overload", action="store_true", help="leave the overload out")
    parser.add_argument(
        "--scale", type=int, default=0, help="also markets of up to so many products and orders"
    )
    parser.add_argument("--home", type=Path, help="keep the market here and use it again")
    parser.add_argument("--report", type=Path, default=_REPORT)
    parser.add_argument("--quick", action="store_true", help="a moment of everything, for CI")
    options = parser.parse_args(arguments)
    if options.quick:
        options.products, options.orders = 600, 50
        options.seconds, options.rounds = 0.5, 1
    return options


@dataclass(slots=True)
class _Below:
    """What was found out below HTTP, before the market started."""

    recordings: dict[str, Recording]
    stage: FloorStage
    database: dict[str, str]


@dataclass(slots=True)
class _Seen:
    """What was seen of the running market."""

    ready_seconds: list[float] = field(default_factory=list)
    idle_mb: float = 0.0
    loaded_mb: float = 0.0
    overload: Document | None = None
    audit: Document = field(default_factory=dict)


async def _measure(home: Path, options: argparse.Namespace) -> int:
    catalogue = Catalogue(products=options.products)
    report: Document = {"machine": machine(), "settings": _settings(options)}
    await fill(home, catalogue, orders=options.orders, say=_say)
    chosen = [one for one in OPERATIONS if one.name in (options.only or one.name).split(",")]
    market = Market(catalogue)
    below = await _look_below(home, market, chosen, options)
    pace = Pace(
        seconds=options.seconds,
        rounds=options.rounds,
        connections=options.connections,
        more_connections=() if options.quick else (1, 32, 64),
    )
    rounds, seen = Rounds(market, pace, say=_say), _Seen()
    for uncached in (True, False):
        operations = [one for one in chosen if one.uncached is uncached]
        settings = _UNCACHED if uncached else {}
        if operations:
            began = time.perf_counter()
            async with empty_market(home, currency="EUR", workers=2, settings=settings) as running:
                seen.ready_seconds.append(time.perf_counter() - began)
                seen.idle_mb = max(seen.idle_mb, usage_of(home).web_memory_mb)
                await rounds.measure(
                    running, operations, stage=below.stage, recordings=below.recordings
                )
                await _finish(running, market, seen, options, overloaded=not uncached)
    product = product_figures(list(rounds.measured.values()), below.recordings)
    floor = floor_figures(rounds.floors)
    report["machine"]["million_additions_per_second"] = [round(one, 1) for one in rounds.paces]
    report |= {
        "database": below.database,
        "product": product,
        "floor": floor,
        "ratios": ratios(product, floor, OPERATIONS),
        "processes": processes(
            idle_mb=seen.idle_mb, loaded_mb=seen.loaded_mb, ready_seconds=seen.ready_seconds
        ),
        "overload": seen.overload,
        "audit": seen.audit,
    }
    wrong = _wrong(report)
    if options.scale:
        report["scaling"], more_wrong = await scaling(
            options.home,
            largest=options.scale,
            seconds=max(options.seconds, _VISIT_SECONDS),
            rounds=min(options.rounds, _VISITS),
            connections=options.connections,
            say=_say,
        )
        wrong = wrong or bool(more_wrong)
    report["bars"] = verdict(report)
    _say(f"{report['bars']['must']['reached']} of {report['bars']['must']['of']} bars reached")
    for path in write_report(options.report, report):
        _say(f"Written: {path}")
    return int(wrong)


async def _look_below(
    home: Path, market: Market, chosen: Sequence[Operation], options: argparse.Namespace
) -> _Below:
    """Hear what the operations say, and set the floor's stage with it."""
    _say("Listening to what each operation says to the database")
    cluster = Cluster(home).start()
    takes, many = (40, 60) if options.quick else (_HEARD, _HEARD_FOR_FLOOR)
    try:
        database = await durability(cluster)
        fresh = [one for one in chosen if not one.name.endswith((" again", " known"))]
        kept = [one for one in chosen if one not in fresh]
        played = [one for one in fresh if one.name in FLOOR]
        others = [one for one in fresh if one.name not in FLOOR]
        recordings = await record(cluster, market, played, takes=many)
        recordings |= await record(cluster, market, others, takes=takes)
        recordings |= await record(cluster, market, kept, takes=takes, cache_mb=64)
        await copy_market(cluster)
        stage = FloorStage(cluster, clients=options.connections, folder=home / "floor")
        await stage.prepare(
            {name: one for name, one in recordings.items() if name in FLOOR},
            seconds=max(1, round(options.seconds)),
            rounds=options.rounds,
        )
    finally:
        cluster.stop()
    return _Below(recordings, stage, database)


async def _finish(
    running: RunningMarket,
    market: Market,
    seen: _Seen,
    options: argparse.Namespace,
    *,
    overloaded: bool,
) -> None:
    if overloaded and not options.no_overload:
        _say("Overload")
        seen.overload = await overload(
            market,
            Cluster(running.home),
            port=running.port,
            # Longer than elsewhere: what waits in a queue is only seen after a while.
            seconds=1.0 if options.quick else max(5.0, options.seconds),
            rounds=min(_WALKS, options.rounds),
            times=(1.0, 4.0) if options.quick else TIMES,
            say=_say,
        )
        for step in seen.overload["steps"]:
            _say(
                f"  {step['times_saturation']:g} x: {step['goodput_per_second']:,.0f}/s done,"
                f" {step['shed']:,} shed, p95 {step['accepted_p95_ms']:,.0f} ms"
            )
    seen.loaded_mb = max(seen.loaded_mb, usage_of(running.home).web_memory_mb)
    code, said = await running.command("audit")
    last = (said.strip().splitlines() or ["The audit said nothing."])[-1]
    seen.audit = {"exit_code": code or seen.audit.get("exit_code", 0), "said": last}
    _say(said.strip() if code else last)


def _settings(options: argparse.Namespace) -> dict[str, Any]:
    return {
        "products": options.products,
        "past_orders": options.orders,
        "seconds": options.seconds,
        "rounds": options.rounds,
        "connections": options.connections,
        "web_processes": 2,
    }


def _wrong(report: Document) -> bool:
    """Whether anything was wrong. What is only slow isn't."""
    overloaded = report["overload"] or {"lost": 0, "steps": []}
    mistakes = sum(
        figures["mistakes"]
        for one in report["product"].values()
        for figures in one["by_connections"].values()
    )
    mistakes += sum(step["mistakes"] for step in overloaded["steps"])
    return bool(mistakes or overloaded["lost"] or report["audit"].get("exit_code"))


def _say(words: str) -> None:
    _console.print(words, markup=False, highlight=False)
