"""The command: a durable market with a deterministic catalogue, measured over HTTP."""

import argparse
import contextlib
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from urllib.parse import urlsplit

import uvloop
from rich.console import Console
from rich.table import Table

from bench.market_data import Catalogue, load_catalogue, load_orders
from bench.replay.market import Market as RunningMarket
from bench.replay.market import empty_market
from bench.speed.client import Run, closed_loop
from bench.speed.operations import OPERATIONS, Market, Operation
from bench.speed.processes import Usage, usage_of
from bench.speed.report import Measured, write_report
from gosellr.core.embedded_postgres import APPLICATION_ROLE, Cluster
from gosellr.migrations import run as migrations

_REPORT = Path(__file__).resolve().parents[1] / "report"
_console = Console(stderr=True)


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure; 1 when an answer was wrong or the books don't hold."""
    parser = argparse.ArgumentParser(prog="bench.speed", description=__doc__)
    parser.add_argument("--products", type=int, default=10_000)
    parser.add_argument("--orders", type=int, default=0, help="past orders (0)")
    parser.add_argument("--seconds", type=float, default=8.0, help="per operation (8)")
    parser.add_argument("--connections", type=int, default=16)
    parser.add_argument("--only", default="", help="names of operations, with commas between")
    parser.add_argument("--home", type=Path, help="keep the market here and use it again")
    parser.add_argument("--report", type=Path, default=_REPORT)
    options = parser.parse_args(arguments)
    with _folder(options.home) as home:
        return uvloop.run(_measure(home, options))


@contextlib.contextmanager
def _folder(chosen: Path | None) -> Iterator[Path]:
    if chosen is not None:
        chosen.mkdir(parents=True, exist_ok=True)
        chosen.chmod(0o755)
        yield chosen
        return
    with tempfile.TemporaryDirectory(prefix="gosellr-bench-") as name:
        # As root, PostgreSQL runs under another account and has to pass through.
        Path(name).chmod(0o755)
        yield Path(name)


async def _measure(home: Path, options: argparse.Namespace) -> int:
    catalogue = Catalogue(products=options.products)
    await _fill(home, catalogue, orders=options.orders)
    chosen = [one for one in OPERATIONS if one.name in (options.only or one.name).split(",")]
    began = time.perf_counter()
    async with empty_market(home, currency="EUR", workers=2) as running:
        ready_seconds = time.perf_counter() - began
        market = Market(catalogue)
        measured = [
            await _measure_one(
                running,
                market,
                operation,
                connections=32 if operation.name == "hot" else options.connections,
                seconds=options.seconds,
            )
            for operation in chosen
        ]
        code, said = await running.command("audit")
    _print(measured)
    write_report(options.report, measured, options=options, ready_seconds=ready_seconds)
    _console.print(said.strip().splitlines()[-1] if said.strip() else "audit said nothing")
    wrong = any(one.run.mistakes for one in measured)
    return 1 if wrong or code else 0


async def _fill(home: Path, catalogue: Catalogue, *, orders: int) -> None:
    mark = home / f"bench-{catalogue.products}-{orders}"
    if mark.exists():
        return
    cluster = Cluster(home).start()
    try:
        await migrations.upgrade(cluster.dsn(), application_role=APPLICATION_ROLE)
        with _console.status(f"{catalogue.products:,} products"):
            await load_catalogue(cluster.dsn(), products=catalogue.products)
        if orders:
            with _console.status(f"{orders:,} past orders"):
                await load_orders(cluster.dsn(), catalogue=catalogue, orders=orders, home=home)
    finally:
        cluster.stop()
    mark.touch()


async def _measure_one(
    running: RunningMarket,
    market: Market,
    operation: Operation,
    *,
    connections: int,
    seconds: float,
) -> Measured:
    port = urlsplit(running.base_url).port or 0
    script = operation.make(market)
    # What was never asked before has to be planned and read once; that isn't what is measured.
    await closed_loop(script, port=port, connections=connections, seconds=min(1.0, seconds))
    with _console.status(operation.title):
        before = usage_of(running.home)
        run = await closed_loop(
            script, port=port, connections=connections, seconds=seconds, first=1_000_000
        )
        after = usage_of(running.home)
    _say(operation, run)
    return Measured(
        operation=operation,
        run=run,
        connections=connections,
        usage=Usage.between(before, after),
        memory_mb=after.web_memory_mb,
    )


def _say(operation: Operation, run: Run) -> None:
    _console.print(f"  {operation.title}: {run.per_second:,.0f}/s, p95 {run.quantile(0.95):.1f} ms")
    for mistake, count in run.mistakes.most_common(3):
        _console.print(f"    {count} x {mistake}", markup=False)


def _print(measured: Sequence[Measured]) -> None:
    table = Table("operation", "per s", "must", "aim", "p50", "p95", "p99", "web ms", "db ms")
    for one in measured:
        table.add_row(
            one.operation.title,
            f"{one.run.per_second:,.0f}",
            str(one.operation.must or ""),
            str(one.operation.aim or ""),
            *(f"{one.run.quantile(share):.1f}" for share in (0.5, 0.95, 0.99)),
            f"{one.web_ms:.2f}",
            f"{one.database_ms:.2f}",
        )
    Console(width=110).print(table)
