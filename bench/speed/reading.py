"""The operations that only read: products, pages of them, and searches."""

from collections.abc import Callable

from bench.speed.client import Caller, Script, request_bytes
from bench.speed.knowledge import Market, expect

_POPULAR = 100


def detail(market: Market) -> Script:
    """A product's page, another one each time."""

    async def script(caller: Caller, number: int) -> None:
        product_id = str(market.product_id(number))
        answer = await caller.ask(
            "detail", request_bytes("GET", f"/api/v1/products/{product_id}"), 200
        )
        expect(answer, product_id.encode() in answer.body, "another product")

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
        expect(answer, 0 < answer.body.count(b'"availability"') <= 24, "not a page of cards")

    return script


def category_pages(market: Market) -> list[str]:
    """The first page of every category with categories below it."""
    branches = [one for one in market.catalogue.category_list if one.level == 2]
    return [f"/api/v1/products/?category={one.id}&sort=newest&limit=24" for one in branches]


def popular(market: Market) -> list[str]:
    """A few products that everybody looks at."""
    return [f"/api/v1/products/{market.product_id(number)}" for number in range(_POPULAR)]


def again(pages: Callable[[Market], list[str]]) -> Callable[[Market], Script]:
    """A few pages that nobody changes, sent whole again and again."""

    def make(market: Market) -> Script:
        paths = pages(market)

        async def script(caller: Caller, number: int) -> None:
            answer = await caller.ask(
                "again", request_bytes("GET", paths[number % len(paths)]), 200
            )
            expect(answer, b'"availability"' in answer.body or b'"variants"' in answer.body, "?")

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
                whole = await caller.prepare(request_bytes("GET", path), 200)
                tags[path] = whole.header("etag") or ""
            request = request_bytes("GET", path, headers={"if-none-match": tags[path]})
            answer = await caller.ask("known", request, 304)
            expect(answer, not answer.body, "sent again")

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
    expect(answer, b'"total":' in answer.body and b'"price"' in answer.body, "no facets")
