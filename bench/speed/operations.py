"""What is measured: each operation with the requests it consists of, every answer judged."""

import itertools
import secrets
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from bench.market_data import Catalogue, CatalogueVariant
from bench.speed.client import Answer, Caller, Script, WrongAnswer, request_bytes

_SPREAD = 7_919
_CART_CHANGES_MAX = 40
_POPULAR = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class Operation:
    """One row of the report.

    `must` and `aim` are operations per second, `must_share` and `aim_share` those of the floor.
    `p95_ms` is what no kind of request in it may exceed. What is `uncached` is measured in a
    market that keeps no answers at all (`GOSELLR_CACHE_MB=0`).
    """

    name: str
    title: str
    make: Callable[["Market"], Script]
    must: int | None = None
    aim: int | None = None
    must_share: float | None = None
    aim_share: float | None = None
    p95_ms: float | None = None
    uncached: bool = False
    connections: int | None = None


class Market:
    """What the callers know of the market they call."""

    def __init__(self, catalogue: Catalogue) -> None:
        self.catalogue = catalogue
        # Keys of one run never meet those of another on the same database.
        self.run = secrets.token_hex(4)
        self._numbers = itertools.count()

    def key(self) -> dict[str, str]:
        """A fresh idempotency key."""
        return {"Idempotency-Key": f"{self.run}-{next(self._numbers)}"}

    def pair(self, number: int) -> tuple[CatalogueVariant, CatalogueVariant]:
        """Two variants of two sellers, other ones for every number."""
        variants = self.catalogue.variants
        first = variants[number * _SPREAD % len(variants)]
        for step in itertools.count(1):
            second = variants[(number * _SPREAD + step * 104_729) % len(variants)]
            if second.seller_id != first.seller_id:
                return first, second
        raise AssertionError("unreachable")

    def product_id(self, number: int) -> UUID:
        """A product, other ones for every number."""
        ids = self.catalogue.product_ids
        return ids[number * _SPREAD % len(ids)]


def _expect(answer: Answer, wanted: bool, what: str) -> None:
    if not wanted:
        raise WrongAnswer(f"{what}: {answer.body[:300]!r}")


def order_request(market: Market, variants: Sequence[CatalogueVariant], number: int) -> bytes:
    """An order of one piece each, with a key of its own."""
    return request_bytes(
        "POST",
        "/api/v1/orders/create",
        body={
            "items": [{"variant_id": str(one.id), "quantity": 1} for one in variants],
            "email": f"buyer{number}@example.com",
            "shipping_address": dict(market.catalogue.address),
            "shipping_choice": "cheapest",
            "payment_method": "sandbox",
            "payment_token": "tok_ok",
        },
        headers=market.key(),
    )


def order(market: Market) -> Script:
    """A complete order in one call: two lines of two sellers, paid and booked."""

    async def script(caller: Caller, number: int) -> None:
        answer = await caller.ask("order", order_request(market, market.pair(number), number), 201)
        _expect(answer, b'"payment_status":"paid"' in answer.body, "not paid")

    return script


def hot(market: Market) -> Script:
    """The same, when everybody wants the same thing."""
    first, second = market.pair(0)

    async def script(caller: Caller, number: int) -> None:
        other = market.pair(number + 1)[1]
        basket = [first, other if other.seller_id != first.seller_id else second]
        answer = await caller.ask("order", order_request(market, basket, number), 201)
        _expect(answer, b'"payment_status":"paid"' in answer.body, "not paid")

    return script


def checkout(market: Market) -> Script:
    """A guest's way in six requests: bag, goods, address, delivery, order, look at it."""

    async def script(caller: Caller, number: int) -> None:
        first, _ = market.pair(number)
        cart: dict[str, Any] = (
            await caller.ask("1 bag", request_bytes("POST", "/api/v1/carts"), 201)
        ).json()
        token, base = {"X-Cart-Token": cart["token"]}, f"/api/v1/carts/{cart['id']}"
        await caller.ask(
            "2 goods",
            request_bytes(
                "POST",
                f"{base}/items",
                body={"variant_id": str(first.id), "quantity": 1},
                headers=token,
            ),
            200,
            201,
        )
        filled: dict[str, Any] = (
            await caller.ask(
                "3 address",
                request_bytes(
                    "PUT",
                    f"{base}/addresses",
                    body={
                        "email": f"buyer{number}@example.com",
                        "shipping_address": dict(market.catalogue.address),
                    },
                    headers=token,
                ),
                200,
            )
        ).json()
        choices = {
            parcel["seller"]["id"]: parcel["shipping"]["options"][0]["id"]
            for parcel in filled["parcels"]
        }
        chosen: dict[str, Any] = (
            await caller.ask(
                "4 delivery",
                request_bytes("PUT", f"{base}/shipping", body={"choices": choices}, headers=token),
                200,
            )
        ).json()
        await _buy_bag(caller, market, cart_id=cart["id"], total=chosen["total"], token=token)

    return script


async def _buy_bag(
    caller: Caller, market: Market, *, cart_id: str, total: Any, token: dict[str, str]
) -> None:
    placed: dict[str, Any] = (
        await caller.ask(
            "5 order",
            request_bytes(
                "POST",
                "/api/v1/orders/create",
                body={
                    "cart_id": cart_id,
                    "payment_method": "sandbox",
                    "payment_token": "tok_ok",
                    "expected_total": total,
                },
                headers=token | market.key(),
            ),
            201,
        )
    ).json()
    read = await caller.ask(
        "6 look",
        request_bytes(
            "GET",
            f"/api/v1/orders/{placed['id']}",
            headers={"X-Order-Token": placed["access_token"]},
        ),
        200,
    )
    _expect(read, b'"payment_status":"paid"' in read.body, "not paid")


def detail(market: Market) -> Script:
    """A product's page, another one each time."""

    async def script(caller: Caller, number: int) -> None:
        product_id = str(market.product_id(number))
        answer = await caller.ask(
            "detail", request_bytes("GET", f"/api/v1/products/{product_id}"), 200
        )
        _expect(answer, product_id.encode() in answer.body, "another product")

    return script


def listing(market: Market) -> Script:
    """A page of 24 cards of a category, another one each time."""
    branches = [one for one in market.catalogue.category_list if one.level == 2]
    sorts = ("newest", "price", "-price", "rating", "best_selling")

    async def script(caller: Caller, number: int) -> None:
        branch = branches[number % len(branches)]
        sort = sorts[number // len(branches) % len(sorts)]
        cheapest = number // (len(branches) * len(sorts)) % 500
        answer = await caller.ask(
            "list",
            request_bytes(
                "GET",
                f"/api/v1/products/?category={branch.id}&sort={sort}&min_price={cheapest}&limit=24",
            ),
            200,
        )
        _expect(answer, 0 < answer.body.count(b'"availability"') <= 24, "not a page of cards")

    return script


def _category_pages(market: Market) -> list[str]:
    branches = [one for one in market.catalogue.category_list if one.level == 2]
    return [f"/api/v1/products/?category={one.id}&sort=newest&limit=24" for one in branches]


def _popular(market: Market) -> list[str]:
    return [f"/api/v1/products/{market.product_id(number)}" for number in range(_POPULAR)]


def again(pages: Callable[[Market], list[str]]) -> Callable[[Market], Script]:
    """A few pages that nobody changes, sent whole again and again."""

    def make(market: Market) -> Script:
        paths = pages(market)

        async def script(caller: Caller, number: int) -> None:
            answer = await caller.ask(
                "again", request_bytes("GET", paths[number % len(paths)]), 200
            )
            _expect(answer, b'"availability"' in answer.body or b'"variants"' in answer.body, "?")

        return script

    return make


def known(pages: Callable[[Market], list[str]]) -> Callable[[Market], Script]:
    """The same for who has them already and asks whether they are still true."""

    def make(market: Market) -> Script:
        paths = pages(market)
        tags: dict[str, str] = {}

        async def script(caller: Caller, number: int) -> None:
            path = paths[number % len(paths)]
            if path not in tags:
                whole = (await caller.wire.ask(request_bytes("GET", path))).expect(200)
                tags[path] = whole.header("etag") or ""
            request = request_bytes("GET", path, headers={"if-none-match": tags[path]})
            answer = await caller.ask("known", request, 304)
            _expect(answer, not answer.body, "sent again")

        return script

    return make


def search(market: Market) -> Script:
    """500 searches with total, category and price facets."""
    queries = market.catalogue.searches

    async def script(caller: Caller, number: int) -> None:
        await ask_search(caller, queries[number % len(queries)])

    return script


async def ask_search(caller: Caller, query: str) -> None:
    """One page of hits with their number and two facets."""
    asked = {"query": query, "facets": ["category", "price"], "limit": 24}
    answer = await caller.ask(
        "search", request_bytes("POST", "/api/v1/marketplace/search", body=asked), 200
    )
    _expect(answer, b'"total":' in answer.body and b'"price"' in answer.body, "no facets")


def add_to_cart(market: Market) -> Script:
    """One more thing into a bag; each caller begins a new one now and then."""
    bags: dict[int, tuple[str, dict[str, str], int]] = {}

    async def script(caller: Caller, _number: int) -> None:
        path, token, filled = bags.get(caller.number, ("", {}, _CART_CHANGES_MAX))
        if filled >= _CART_CHANGES_MAX:
            begun: dict[str, Any] = (
                (await caller.wire.ask(request_bytes("POST", "/api/v1/carts"))).expect(201).json()
            )
            path, token, filled = (
                f"/api/v1/carts/{begun['id']}/items",
                {"X-Cart-Token": begun["token"]},
                0,
            )
        bags[caller.number] = (path, token, filled + 1)
        # Three things are put in again and again: a bag of forty is nobody's.
        variant = market.pair(caller.number * 3 + filled % 3)[0]
        answer = await caller.ask(
            "add",
            request_bytes(
                "POST", path, body={"variant_id": str(variant.id), "quantity": 1}, headers=token
            ),
            200,
            201,
        )
        _expect(answer, str(variant.id).encode() in answer.body, "not in the bag")

    return script


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
        make=again(_popular),
        must=8000,
        aim=15000,
    ),
    Operation(
        name="list again",
        title="24-item list, unchanged",
        make=again(_category_pages),
        must=8000,
        aim=15000,
    ),
    Operation(
        name="detail known",
        title="product detail, 304",
        make=known(_popular),
        must=8000,
        aim=15000,
    ),
    Operation(
        name="list known",
        title="24-item list, 304",
        make=known(_category_pages),
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
    Operation(name="hot", title="orders of one hot SKU", make=hot, connections=32),
)

FLOOR = ("detail", "list", "search", "order")
"""Whose statements pgbench plays: what writes needs identifiers of its own, so only the order."""
