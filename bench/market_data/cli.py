"""The command: fill an empty market with goods and past orders, and tell how long it took."""

import argparse
import asyncio
import time
from collections.abc import Sequence
from pathlib import Path

from bench.market_data.goods import load_catalogue
from bench.market_data.past import load_orders
from gosellr.core.embedded_postgres import APPLICATION_ROLE, Cluster
from gosellr.migrations import run as migrations


def main(arguments: Sequence[str] | None = None) -> int:
    """Load into the database behind `--dsn`, or into the market below `--home`, made if need be."""
    parser = argparse.ArgumentParser(prog="bench.market_data", description=__doc__)
    parser.add_argument("--products", type=int, default=10_000, help="how many, each in two sizes")
    parser.add_argument("--orders", type=int, default=0, help="past orders of two sellers each")
    parser.add_argument("--seed", type=int, default=1, help="another seed is another market (1)")
    parser.add_argument("--dsn", help="the schema owner's login to a migrated, empty market")
    parser.add_argument("--home", type=Path, help="the market's folder; orders need it")
    options = parser.parse_args(arguments)
    if options.home is None and (options.orders or not options.dsn):
        parser.error("--home is missing: the gateway's journal of past orders lies there")
    if options.dsn:
        asyncio.run(_load(options.dsn, options))
        return 0
    cluster = Cluster(options.home).start()
    try:
        asyncio.run(migrations.upgrade(cluster.dsn(), application_role=APPLICATION_ROLE))
        asyncio.run(_load(cluster.dsn(), options))
    finally:
        cluster.stop()
    return 0


async def _load(dsn: str, options: argparse.Namespace) -> None:
    began = time.perf_counter()
    catalogue = await load_catalogue(dsn, products=options.products, seed=options.seed)
    _tell("products", options.products, time.perf_counter() - began)
    if options.orders:
        began = time.perf_counter()
        await load_orders(
            dsn,
            catalogue=catalogue,
            orders=options.orders,
            seed=options.seed,
            home=options.home,
        )
        _tell("orders", options.orders, time.perf_counter() - began)


def _tell(noun: str, count: int, seconds: float) -> None:
    print(f"{count:,} {noun} in {seconds:.1f} s ({count / seconds:,.0f}/s)", flush=True)
