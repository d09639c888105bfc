"""The same operations in markets of other sizes: more products, and more orders in the past."""

import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from bench.market_data import Catalogue
from bench.replay.market import empty_market
from bench.speed.client import Caller, Script, closed_loop
from bench.speed.knowledge import Market
from bench.speed.operations import OPERATIONS, Operation
from bench.speed.processes import Usage, usage_of
from bench.speed.reading import ask_search
from bench.speed.rounds import Measured
from bench.speed.stage import fill, folder

Say = Callable[[str], None]
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


async def scaling(
    home: Path | None, *, largest: int, seconds: float, connections: int, say: Say
) -> tuple[list[dict[str, Any]], int]:
    """The rates at each size, and how many answers were wrong or books didn't hold."""
    found: list[dict[str, Any]] = []
    wrong = 0
    for products, orders in sizes(largest):
        own = None if home is None else home / f"scale-{products}-{orders}"
        with folder(own) as place:
            measured, code, audit_seconds = await _measure_size(
                place, products, orders, seconds=seconds, connections=connections, say=say
            )
        runs = {one.operation.name: one for one in measured}
        wrong += sum(sum(one.run.mistakes.values()) for one in measured) + bool(code)
        found.append(
            {
                "products": products,
                "past_orders": orders,
                "per_second": {name: round(one.run.per_second, 1) for name, one in runs.items()},
                "p95_ms": {name: round(one.run.quantile(0.95), 2) for name, one in runs.items()},
                "cpu_ms": {name: round(one.server_ms, 2) for name, one in runs.items()},
                "audit_seconds": round(audit_seconds, 1),
            }
        )
    return with_shares(found), wrong


async def _measure_size(
    home: Path, products: int, orders: int, *, seconds: float, connections: int, say: Say
) -> tuple[list[Measured], int, float]:
    catalogue = Catalogue(products=products)
    await fill(home, catalogue, orders=orders, say=say)
    market = Market(catalogue)
    found = []
    settings = {"GOSELLR_CACHE_MB": "0"}
    async with empty_market(home, currency="EUR", workers=2, settings=settings) as running:
        for operation in SCALED:
            script = operation.make(market)
            # Longer than elsewhere: a larger market has more to read before it is warm.
            await closed_loop(
                script, port=running.port, connections=connections, seconds=min(seconds, 4.0)
            )
            before = usage_of(running.home)
            run = await closed_loop(
                script,
                port=running.port,
                connections=connections,
                seconds=seconds,
                first=50_000_000,
            )
            usage = Usage.between(before, usage_of(running.home))
            found.append(Measured(operation, connections, [run], [usage]))
            say(f"  {operation.title}: {run.per_second:,.0f}/s")
            for mistake, count in run.mistakes.most_common(3):
                say(f"    {count} x {mistake}")
        began = time.perf_counter()
        code, said = await running.command("audit")
        audit_seconds = time.perf_counter() - began
    say(said.strip().splitlines()[-1] if said.strip() else "audit said nothing")
    say(f"  audit: {audit_seconds:.1f} s")
    return found, code, audit_seconds


def with_shares(found: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """Each size with its rates as shares of the first one's, and the bars these reach."""
    told = []
    for one in found:
        base = found[0]["per_second"]
        shares = {
            name: round(rate / base[name], 3)
            for name, rate in one["per_second"].items()
            if base.get(name)
        }
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
