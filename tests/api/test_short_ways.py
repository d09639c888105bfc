"""What strangers read and find by the shorter way is what the route answers, to the byte."""

from collections.abc import AsyncIterator
from typing import Any

import httpx2
import pytest

from gosellr.api import marketplace, products
from gosellr.core.db import Connection
from tests.factories.catalogue import (
    MadeProduct,
    make_category,
    make_products,
    make_shelf_seller,
    variant_draft,
)

# Says that somebody asks, who is nobody: such a request takes the route.
SEARCH = "/api/v1/marketplace/search"
LONG_WAY = {"X-Order-Token": "of nobody"}
NOBODYS = "0c0ffee0-7b0d-4d6e-9a1b-5e0a3c2f1d90"
PRIVATE_TO_A_REQUEST = {"x-request-id"}


@pytest.fixture
async def shelf(connection: Connection) -> tuple[str, list[MadeProduct]]:
    category_id = await make_category(connection, name="Short ways")
    made = await make_products(
        connection,
        seller=await make_shelf_seller(connection),
        category_id=category_id,
        drafts=[
            {"title": f"Bowl {number}", "variants": (variant_draft(price_minor=1998 + number),)}
            for number in range(5)
        ],
    )
    return str(category_id), made


@pytest.fixture
def taken(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The paths that were answered by a shorter way."""
    paths: list[str] = []
    for endpoint in (
        products.get_product,
        products.list_products,
        marketplace.search_products,
    ):
        way = endpoint.gosellr_short_way

        async def noted(request: httpx2.Request, way=way):  # type: ignore[no-untyped-def]
            response = await way(request)
            if response is not None:
                paths.append(request.url.path)
            return response

        monkeypatch.setattr(endpoint, "gosellr_short_way", noted)
    return paths


def told(response: httpx2.Response) -> tuple[int, dict[str, str], bytes]:
    headers = {
        name: value for name, value in response.headers.items() if name not in PRIVATE_TO_A_REQUEST
    }
    return response.status_code, headers, response.content


@pytest.mark.parametrize(
    "query",
    [
        "",
        "?limit=2",
        "?category=short-ways&sort=price",
        "?category=SHORT&sort=-price&limit=3",
        "?category={category}&sort=newest&limit=3",
        "?category={category}&sort=best_selling&min_price=1000",
        "?category={category}&max_price=1999&min_price=1999&sort=rating",
        "?max_price=5&in_stock=true",
        "?in_stock=1&category=short-ways",
    ],
)
async def test_lists_are_the_same(
    client: httpx2.AsyncClient,
    shelf: tuple[str, list[MadeProduct]],
    taken: list[str],
    query: str,
) -> None:
    path = "/api/v1/products/" + query.format(category=shelf[0])
    short, long = await client.get(path), await client.get(path, headers=LONG_WAY)
    assert short.status_code == 200
    assert told(short) == told(long)
    assert taken == ["/api/v1/products/"]


async def test_pages_follow_each_other(
    client: httpx2.AsyncClient, shelf: tuple[str, list[MadeProduct]], taken: list[str]
) -> None:
    seen, cursor = [], ""
    while True:
        path = f"/api/v1/products/?category={shelf[0]}&sort=price&limit=2{cursor}"
        short, long = await client.get(path), await client.get(path, headers=LONG_WAY)
        assert told(short) == told(long)
        seen += [card["id"] for card in short.json()["items"]]
        if short.json()["next_cursor"] is None:
            break
        cursor = "&cursor=" + short.json()["next_cursor"]
    assert sorted(seen) == sorted(str(made.id) for made in shelf[1])
    assert len(taken) == 3


async def test_products_are_the_same(
    client: httpx2.AsyncClient, shelf: tuple[str, list[MadeProduct]], taken: list[str]
) -> None:
    path = f"/api/v1/products/{shelf[1][0].id}"
    short, long = await client.get(path), await client.get(path, headers=LONG_WAY)
    assert short.json()["title"] == "Bowl 0"
    assert told(short) == told(long)
    tag = {"If-None-Match": short.headers["ETag"]}
    unchanged = await client.get(path, headers=tag)
    assert told(unchanged) == told(await client.get(path, headers=tag | LONG_WAY))
    assert (unchanged.status_code, unchanged.content) == (304, b"")
    whatever = await client.get(path, headers={"If-None-Match": "*"})
    assert (whatever.status_code, whatever.content) == (304, b"")
    assert taken == [path, path, path]


@pytest.mark.parametrize(
    "path",
    [
        "/api/v1/products/?limit=0",
        "/api/v1/products/?limit=2&limit=300",
        "/api/v1/products/?sort=",
        "/api/v1/products/?sort=sideways",
        "/api/v1/products/?cursor=nonsense",
        "/api/v1/products/?colour=red",
        "/api/v1/products/?status=draft",
        "/api/v1/products/not-an-id",
        f"/api/v1/products/{NOBODYS}",
        f"/api/v1/products/{NOBODYS.upper()}",
        f"/api/v1/products/{NOBODYS}?fields=title",
    ],
)
async def test_what_is_wrong_is_said_as_the_route_says_it(
    client: httpx2.AsyncClient, path: str
) -> None:
    short, long = await client.get(path), await client.get(path, headers=LONG_WAY)
    problems = [
        {name: value for name, value in one.json().items() if name != "request_id"}
        for one in (short, long)
    ]
    assert problems[0] == problems[1]
    assert (short.status_code, long.status_code) == (problems[0]["status"],) * 2
    assert short.status_code in {401, 404, 422}


@pytest.mark.parametrize(
    "body",
    [
        {"query": "bowl"},
        {},
        {"query": "bowl", "facets": False},
        {"query": "bwol", "facets": ["category", "price"]},
        {"query": "nothing of the kind"},
        {"query": "bowl", "sort": "-price", "limit": 2, "facets": ["price"]},
        {"query": "bowl", "filters": {"category": "short-ways", "in_stock": True}},
        {"filters": {"max_price": 2000, "attributes": {"colour": ["red", 5, True]}}},
        {"query": "café 🥣", "filters": {}, "cursor": None},
    ],
)
async def test_searches_are_the_same(
    client: httpx2.AsyncClient,
    shelf: tuple[str, list[MadeProduct]],
    taken: list[str],
    body: dict[str, Any],
) -> None:
    short = await client.post(SEARCH, json=body)
    long = await client.post(SEARCH, json=body, headers=LONG_WAY)
    assert short.status_code == 200
    assert told(short) == told(long)
    assert taken == [SEARCH]


async def test_pages_of_a_search_follow_each_other(
    client: httpx2.AsyncClient, shelf: tuple[str, list[MadeProduct]], taken: list[str]
) -> None:
    seen: list[str] = []
    cursor = None
    while True:
        body = {"query": "bowl", "limit": 2, "cursor": cursor}
        short = await client.post(SEARCH, json=body)
        assert told(short) == told(await client.post(SEARCH, json=body, headers=LONG_WAY))
        seen += [card["id"] for card in short.json()["items"]]
        if (cursor := short.json()["next_cursor"]) is None:
            break
    assert sorted(seen) == sorted(str(made.id) for made in shelf[1])
    assert taken == [SEARCH] * 3


JSON = {"Content-Type": "application/json"}


@pytest.mark.parametrize(
    ("content", "headers", "query"),
    [
        (b"", {}, ""),
        (b"", JSON, ""),
        (b"{", JSON, ""),
        (b"[]", JSON, ""),
        (b"null", JSON, ""),
        (b'"bowl"', JSON, ""),
        (b'{"query": "\xff"}', JSON, ""),
        (b'{"query": 5}', JSON, ""),
        (b'{"query": "a\\u0000b"}', JSON, ""),
        (b'{"query": "\\ud800"}', JSON, ""),
        (b'{"limit": 2.0}', JSON, ""),
        (b'{"limit": NaN}', JSON, ""),
        (b'{"limit": 0}', JSON, ""),
        (b'{"limit": 5, "limit": 0}', JSON, ""),
        (b'{"filters": {"min_price": "5"}}', JSON, ""),
        (b'{"filters": {"seller": [1]}}', JSON, ""),
        (b'{"sort": "sideways"}', JSON, ""),
        (b'{"facets": ["colour"]}', JSON, ""),
        (b'{"colour": "red"}', JSON, ""),
        (b'{"cursor": "nonsense"}', JSON, ""),
        (b"[" * 9_000, JSON, ""),
        (b'{"query": "bowl"}', {}, ""),
        (b'{"query": "bowl"}', {"Content-Type": "text/plain"}, ""),
        (b'{"query": "bowl"}', JSON, "?limit=2"),
        (b'{"query": "bowl"' + b" " * 5_000_000 + b"}", JSON, ""),
    ],
)
async def test_a_wrong_search_is_refused_as_the_route_refuses_it(
    client: httpx2.AsyncClient, content: bytes, headers: dict[str, str], query: str
) -> None:
    short = await client.post(SEARCH + query, content=content, headers=headers)
    long = await client.post(SEARCH + query, content=content, headers=headers | LONG_WAY)
    problems = [
        {name: value for name, value in one.json().items() if name != "request_id"}
        for one in (short, long)
    ]
    assert problems[0] == problems[1]
    assert (short.status_code, long.status_code) == (problems[0]["status"],) * 2
    assert short.status_code in {400, 413, 422}


@pytest.mark.parametrize(
    ("content", "headers"),
    [
        (b'{"query": "bowl"}', {"Content-Type": "application/json; charset=utf-8"}),
        (b'{"query": "bowl"' + b" " * 20_000 + b"}", JSON),
        ((b'{"query":', b' "bowl"', b"}"), JSON),
    ],
)
async def test_an_unusual_search_takes_the_route(
    client: httpx2.AsyncClient,
    shelf: tuple[str, list[MadeProduct]],
    taken: list[str],
    content: bytes | tuple[bytes, ...],
    headers: dict[str, str],
) -> None:
    """A body that comes in pieces says no length."""

    async def pieces() -> AsyncIterator[bytes]:
        for piece in content:
            assert isinstance(piece, bytes)
            yield piece

    def sent() -> bytes | AsyncIterator[bytes]:
        return content if isinstance(content, bytes) else pieces()

    short = await client.post(SEARCH, content=sent(), headers=headers)
    long = await client.post(SEARCH, content=sent(), headers=headers | LONG_WAY)
    assert told(short) == told(long)
    assert taken == []


async def test_a_search_is_asked_by_its_own_method_only(
    client: httpx2.AsyncClient, taken: list[str]
) -> None:
    for method in ("GET", "PUT", "DELETE"):
        answer = await client.request(method, SEARCH)
        assert answer.status_code == 405
    assert taken == []
