"""The same operations in markets of other sizes: more products, and more orders in the past."""

import contextlib
import time
from collections.abc import Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median
from typing import Any

from bench.market_data import Catalogue
from bench.replay.market import Market as RunningMarket
from bench.replay.market import empty_market
from bench.speed.client import Caller, Script, closed_loop
from bench.speed.knowledge import Market
from bench.speed.operations import OPERATIONS, Operation
from bench.speed.processes import Usage, at_rest, usage_of
from bench.speed.reading import ask_search
from bench.speed.rounds import Measured
from bench.speed.stage import Say, fill, folder, read_in
from gosellr.core.embedded_postgres import Cluster

# Numbers of a run begin far from those of others, so that no two ask for the same in a row.
_FAR = 25_000_000
_STEPS = (10_000, 100_000, 1_000_000)
# Of the smallest market's rate: what must be left in the largest, and what is aimed at.
_MUST = {"detail": 0.8, "list": 0.8, "order": 0.8, "narrow search": 0.4}
_AIM = {"detail": 0.95, "list": 0.95, "order": 0.95, "narrow search": 0.6}


def narrow(market: Market) -> Script:
    """All words of one product's title, which few others have."""
    catalogue = market.catalogue

    async def script(caller: Caller, number: int) -> None:
        product = catalogue.product(number * 7_919 % catalogue.products)
        await ask_search(caller, product.title.lower())

    return script


_BY_NAME = {one.name: one for one in OPERATIONS}
SCALED: tuple[Operation, ...] = (
    _BY_NAME["detail"],
    _BY_NAME["list"],
    Operation(name="narrow search", title="search for all words of a title", make=narrow),
    _BY_NAME["order"],
)


def sizes(largest: int) -> list[tuple[int, int]]:
    """Products and past orders of each market: one of both grows at a time."""
    steps = [step for step in _STEPS if step <= largest]
    smallest = min(_STEPS[0], largest)
    by_products = [(max(step, smallest), 0) for step in steps or [smallest]]
    by_orders = [(smallest, step) for step in steps if step > _STEPS[0]]
    return by_products + by_orders


@dataclass(slots=True)
class _Size:
    """One market and what was measured in it, visit by visit."""

    products: int
    orders: int
    home: Path
    market: Market
    measured: dict[str, Measured] = field(default_factory=dict)
    was_at_rest: bool = True
    wrong: int = 0
    audit_seconds: float = 0.0

    def document(self) -> dict[str, Any]:
        """The figures by name."""
        runs = {name: one.run for name, one in self.measured.items()}
        return {
            "products": self.products,
            "past_orders": self.orders,
            "per_second": {name: round(run.per_second, 1) for name, run in runs.items()},
            "rounds": {
                name: [round(run.per_second, 1) for run in one.runs]
                for name, one in self.measured.items()
            },
            "p95_ms": {name: round(run.quantile(0.95), 2) for name, run in runs.items()},
            "cpu_ms": {name: round(one.server_ms, 2) for name, one in self.measured.items()},
            "was_at_rest": self.was_at_rest,
            "audit_seconds": round(self.audit_seconds, 1),
        }


async def scaling(
    home: Path | None, *, largest: int, seconds: float, rounds: int, connections: int, say: Say
) -> tuple[list[dict[str, Any]], int]:
    """The rates at each size, and how many answers were wrong or books didn't hold.

    All are filled first, and their jobs have worked through the past that was loaded and not
    lived; then each is visited in turn, so that what the machine does meanwhile meets all of them.
    Every visit starts the server, so its tables are read into its memory first.
    """
    with contextlib.ExitStack() as folders:
        found = []
        for products, orders in sizes(largest):
            own = None if home is None else home / f"scale-{products}-{orders}"
            market = Market(Catalogue(products=products))
            found.append(_Size(products, orders, folders.enter_context(folder(own)), market))
        for size in found:
            await fill(size.home, size.market.catalogue, orders=size.orders, say=say)
            async with _running(size) as running:
                say(f"Waiting until the jobs of {size.home.name} are at rest")
                size.was_at_rest = await at_rest(running.home)
        for number in range(rounds):
            for size in found:
                say(f"{size.products:,} products, {size.orders:,} past orders")
                async with _running(size) as running:
                    await read_in(Cluster(running.home))
                    await _visit(running, size, seconds=seconds, connections=connections, say=say)
                    if number == rounds - 1:
                        await _audit(running, size, say=say)
    wrong = sum(size.wrong for size in found)
    return with_shares([size.document() for size in found]), wrong


def _running(size: _Size) -> AbstractAsyncContextManager[RunningMarket]:
    settings = {"GOSELLR_CACHE_MB": "0"}
    return empty_market(size.home, currency="EUR", workers=2, settings=settings)


async def _visit(
    running: RunningMarket, size: _Size, *, seconds: float, connections: int, say: Say
) -> None:
    for operation in SCALED:
        script = operation.make(size.market)
        measured = size.measured.setdefault(operation.name, Measured(operation, connections))
        # What was asked in one visit isn't asked in the next.
        first = (1 + 2 * len(measured.runs)) * _FAR
        # Longer than elsewhere: a larger market has more to read before it is warm.
        await closed_loop(
            script,
            port=running.port,
            connections=connections,
            seconds=min(seconds, 4.0),
            first=first,
        )
        before = usage_of(running.home)
        run = await closed_loop(
            script,
            port=running.port,
            connections=connections,
            seconds=seconds,
            first=first + _FAR,
        )
        measured.runs.append(run)
        measured.usage.append(Usage.between(before, usage_of(running.home)))
        size.wrong += sum(run.mistakes.values())
        say(f"  {operation.title}: {run.per_second:,.0f}/s")
        for mistake, count in run.mistakes.most_common(3):
            say(f"    {count} x {mistake}")


async def _audit(running: RunningMarket, size: _Size, *, say: Say) -> None:
    began = time.perf_counter()
    code, said = await running.command("audit")
    size.audit_seconds = time.perf_counter() - began
    size.wrong += bool(code)
    say(said.strip().splitlines()[-1] if said.strip() else "audit said nothing")
    say(f"  audit: {size.audit_seconds:.1f} s")


def with_shares(found: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """Each size with its rates as shares of the first one's, and the bars these reach.

    A share is the median of the visits, each beside the first size's of the same round.
    """
    told = []
    for one in found:
        shares = {}
        for name, rates in one["rounds"].items():
            pairs = zip(rates, found[0]["rounds"][name], strict=True)
            if own := [rate / base for rate, base in pairs if base]:
                shares[name] = round(median(own), 3)
        told.append(
            {
                **one,
                "shares": shares,
                "must_reached": _reached(shares, _MUST),
                "aim_reached": _reached(shares, _AIM),
            }
        )
    return told


def _reached(shares: Mapping[str, float], bars: Mapping[str, float]) -> dict[str, bool]:
    return {name: shares[name] >= bar for name, bar in bars.items() if name in shares}
