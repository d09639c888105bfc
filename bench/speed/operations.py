"""What is measured, and what has to be reached."""

from collections.abc import Callable
from dataclasses import dataclass

from bench.speed.buying import add_to_cart, checkout, hot, order
from bench.speed.client import Script
from bench.speed.knowledge import Market
from bench.speed.reading import again, category_pages, detail, known, listing, popular, search


@dataclass(frozen=True, slots=True, kw_only=True)
class Operation:
    """One row of the report.

    `must` and `aim` are operations per second, `must_share` and `aim_share` those of the floor.
    `p95_ms` is what no kind of request in it may exceed. What is `uncached` is measured in a
    market that keeps no answers at all (`GOSELLR_CACHE_MB=0`). One that is held `beside` another is
    measured in turns with it, at the same number of connections.
    """

    name: str
    title: str
    make: Callable[[Market], Script]
    must: int | None = None
    aim: int | None = None
    must_share: float | None = None
    aim_share: float | None = None
    p95_ms: float | None = None
    uncached: bool = False
    connections: int | None = None
    beside: str | None = None


OPERATIONS = (
    Operation(
        name="detail",
        title="product detail, uncached",
        make=detail,
        must=3000,
        aim=5000,
        uncached=True,
    ),
    Operation(
        name="list",
        title="24-item list, uncached",
        make=listing,
        must=2500,
        aim=4000,
        uncached=True,
    ),
    Operation(
        name="detail again",
        title="product detail, unchanged",
        make=again(popular),
        must=8000,
        aim=15000,
    ),
    Operation(
        name="list again",
        title="24-item list, unchanged",
        make=again(category_pages),
        must=8000,
        aim=15000,
    ),
    Operation(
        name="detail known",
        title="product detail, 304",
        make=known(popular),
        must=8000,
        aim=15000,
    ),
    Operation(
        name="list known",
        title="24-item list, 304",
        make=known(category_pages),
        must=8000,
        aim=15000,
    ),
    Operation(
        name="search",
        title="search, total and two facets",
        make=search,
        must=800,
        aim=1000,
        p95_ms=40,
    ),
    Operation(name="add", title="add to cart", make=add_to_cart, must=1000, aim=2000),
    Operation(
        name="order",
        title="complete order, one call, two sellers",
        make=order,
        must=400,
        aim=800,
        must_share=0.35,
        aim_share=0.5,
    ),
    Operation(
        name="checkout",
        title="full checkout in 6 requests",
        make=checkout,
        must=150,
        aim=300,
        p95_ms=60,
    ),
    Operation(name="hot", title="orders of one hot SKU", make=hot, connections=32, beside="order"),
)

FLOOR = ("detail", "list", "search", "order")
"""Whose statements pgbench plays: what writes needs identifiers of its own, so only the order."""
