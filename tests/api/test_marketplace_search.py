"""The search at its door: what comes first, what would narrow it, and what was meant."""

import asyncio
from collections.abc import Callable
from typing import Any
from uuid import UUID

import httpx2
import pytest

from gosellr.core.clock import ManualClock
from gosellr.core.db import Connection
from gosellr.services import card_service, seller_service
from gosellr.services.seller_service import SellerStep
from gosellr.utils.catalogue import AttributeRule, OptionAxis
from gosellr.utils.permissions import Role
from gosellr.utils.viewer import Viewer
from tests.factories.accounts import TestSeller, make_seller
from tests.factories.catalogue import make_category, make_products, variant_draft

SEARCH = "/api/v1/marketplace/search"


def goods(title: str, price_minor: int = 1000, **more: Any) -> dict[str, Any]:
    variant = variant_draft(price_minor=price_minor, stock=more.pop("stock", 5))
    return {"title": title, "variants": (variant,), **more}


class Shop:
    """A small market: lamps and shirts of two sellers."""

    def __init__(self, ids: dict[str, UUID], sellers: list[TestSeller]) -> None:
        self.ids = ids
        self.sellers = sellers


@pytest.fixture
async def shop(connection: Connection, clock: ManualClock) -> Shop:
    """Six products in a tree of three categories."""
    blue = await make_seller(connection, now=clock.now(), name="Blue Lamp")
    green = await make_seller(connection, now=clock.now(), name="Green Thread")
    material = AttributeRule(key="material", label="Material", type="text")
    home = await make_category(connection, name="Home", attributes=[material])
    lamps = await make_category(connection, name="Lighting", parent_id=home)
    clothes = await make_category(connection, name="Clothes", attributes=[material])
    made = await make_products(
        connection,
        seller=blue,
        category_id=lamps,
        drafts=[
            goods("Brass lamp", 4000, brand="Lumo", attributes={"material": "brass"}),
            goods("Desk light", 2500, brand="Lumo", description="A lamp for your desk"),
            goods("Paper lantern", 900, brand="Asahi", attributes={"material": "paper"}, stock=0),
        ],
    )
    made += await make_products(
        connection,
        seller=green,
        category_id=clothes,
        drafts=[
            goods("Linen shirt", 5000, brand="Näht", attributes={"material": "linen"}),
            goods("Linen trousers", 7000, brand="lumo", attributes={"material": "linen"}),
            goods("Café apron with lamp print", 1500, attributes={"material": "cotton"}),
        ],
    )
    names = ("brass", "desk", "lantern", "shirt", "trousers", "apron")
    ids = dict(zip(names, [product.id for product in made], strict=True))
    return Shop({**ids, "home": home, "lamps": lamps, "clothes": clothes}, [blue, green])


async def search(client: httpx2.AsyncClient, query: str = "", **more: Any) -> dict[str, Any]:
    answer = await client.post(SEARCH, json={"query": query, **more})
    assert answer.status_code == 200, answer.text
    await asyncio.sleep(0)  # The driver tells of a statement in the loop's next turn.
    found: dict[str, Any] = answer.json()
    return found


def titles(found: dict[str, Any]) -> list[str]:
    return [item["title"] for item in found["items"]]


async def test_titles_come_before_descriptions_and_short_ones_first(
    client: httpx2.AsyncClient, shop: Shop
) -> None:
    found = await search(client, "lamp")
    assert titles(found) == ["Brass lamp", "Café apron with lamp print", "Desk light"]
    assert (found["total"], found["total_relation"]) == (3, "eq")
    assert found["corrected_query"] is None
    card = (await client.get("/api/v1/products/", params={"q": "brass"})).json()["items"][0]
    assert found["items"][0] == card


async def test_accents_case_and_word_forms_dont_matter(
    client: httpx2.AsyncClient, shop: Shop
) -> None:
    for query in ("cafe", "CAFÉ", "aprons", "  café\tapron "):
        assert titles(await search(client, query)) == ["Café apron with lamp print"]
    assert titles(await search(client, "naht")) == ["Linen shirt"]


async def test_operators(client: httpx2.AsyncClient, shop: Shop) -> None:
    assert titles(await search(client, "linen -shirt")) == ["Linen trousers"]
    assert titles(await search(client, '"linen shirt"')) == ["Linen shirt"]
    assert (await search(client, '"shirt linen"'))["total"] == 0
    assert sorted(titles(await search(client, "shirt or trousers"))) == [
        "Linen shirt",
        "Linen trousers",
    ]


async def test_the_last_word_may_be_a_beginning_where_it_is_no_word(
    client: httpx2.AsyncClient, shop: Shop
) -> None:
    found = await search(client, "linen trou")
    assert (titles(found), found["corrected_query"]) == (["Linen trousers"], None)


async def test_words_written_apart_find_the_compound(
    client: httpx2.AsyncClient, connection: Connection, shop: Shop
) -> None:
    await make_products(connection, seller=shop.sellers[0], drafts=[goods("Nightshirt of silk")])
    assert titles(await search(client, "night shirt")) == ["Nightshirt of silk"]


@pytest.mark.parametrize(
    ("typed", "meant", "title"),
    [
        ("lnien shirt", "linen shirt", "Linen shirt"),
        ("papr lantern", "paper lantern", "Paper lantern"),
        ("trouzers", "trousers", "Linen trousers"),
        ("brass xqzwvk lamp", "brass lamp", "Brass lamp"),
    ],
)
async def test_a_typo_is_corrected_in_three_statements(
    client: httpx2.AsyncClient,
    shop: Shop,
    query_count: Callable[[], int],
    typed: str,
    meant: str,
    title: str,
) -> None:
    query_count()
    found = await search(client, typed)
    assert query_count() == 3
    assert (found["corrected_query"], titles(found)) == (meant, [title])
    assert found["facets"]["category"][0]["count"] == 1


async def test_a_correction_has_pages(client: httpx2.AsyncClient, shop: Shop) -> None:
    first = await search(client, "linnen", limit=1)
    second = await search(client, "linnen", limit=1, cursor=first["next_cursor"])
    assert first["corrected_query"] == second["corrected_query"] == "linen"
    assert sorted(titles(first) + titles(second)) == ["Linen shirt", "Linen trousers"]
    assert (first["total"], second["total"], second["next_cursor"]) == (2, 2, None)


async def test_nothing_like_it(client: httpx2.AsyncClient, shop: Shop) -> None:
    found = await search(client, "xqzwvk")
    assert (found["total"], found["items"], found["corrected_query"]) == (0, [], None)
    assert found["facets"]["price"] == {
        "currency": "EUR",
        "lowest": None,
        "highest": None,
        "ranges": [],
    }


async def test_little_found_comes_with_ways_on(client: httpx2.AsyncClient, shop: Shop) -> None:
    found = await search(client, "paper lighting")
    assert {"kind": "category", "text": "Lighting", "path": "home/lighting"} in found["suggestions"]


async def test_facets_count_without_their_own_filter(
    client: httpx2.AsyncClient, shop: Shop, query_count: Callable[[], int]
) -> None:
    query_count()
    facets = (await search(client, "linen", filters={"brand": "LUMO"}))["facets"]
    assert query_count() == 2
    assert facets["brand"] == [{"value": "Näht", "count": 1}, {"value": "lumo", "count": 1}]
    assert [(each["path"], each["count"]) for each in facets["category"]] == [("clothes", 1)]
    assert [(each["name"], each["count"]) for each in facets["seller"]] == [("Green Thread", 1)]
    assert facets["price"] == {
        "currency": "EUR",
        "lowest": 7000,
        "highest": 7000,
        "ranges": [{"min_price": 5000, "max_price": 9999, "count": 1}],
    }
    assert facets["rating"] == [{"rating_min": stars, "count": 0} for stars in (4, 3, 2, 1)]
    assert facets["attribute"] == [
        {"key": "material", "label": "Material", "values": [{"value": "linen", "count": 1}]}
    ]


async def test_two_filters_and_their_facets(client: httpx2.AsyncClient, shop: Shop) -> None:
    found = await search(
        client, "", filters={"category": "home", "attributes": {"material": ["brass", "linen"]}}
    )
    assert titles(found) == ["Brass lamp"]
    facets = found["facets"]
    # The category's own facet sees what is linen or brass anywhere …
    assert [(each["path"], each["count"]) for each in facets["category"]] == [
        ("clothes", 2),
        ("home", 1),
        ("home/lighting", 1),
    ]
    # … and the material's own everything in the category.
    assert facets["attribute"][0]["values"] == [
        {"value": "brass", "count": 1},
        {"value": "paper", "count": 1},
    ]
    assert facets["brand"] == [{"value": "Lumo", "count": 1}]


async def test_everything_with_totals_and_categories_with_all_below(
    client: httpx2.AsyncClient, shop: Shop, query_count: Callable[[], int]
) -> None:
    query_count()
    found = await search(client)
    assert query_count() == 2
    assert (found["total"], len(found["items"])) == (6, 6)
    assert [(each["path"], each["count"]) for each in found["facets"]["category"]] == [
        ("clothes", 3),
        ("home", 3),
        ("home/lighting", 3),
    ]
    assert [
        (each["min_price"], each["max_price"], each["count"])
        for each in found["facets"]["price"]["ranges"]
    ] == [(500, 999, 1), (1000, 1999, 1), (2000, 4999, 2), (5000, 9999, 2)]
    assert found["facets"]["brand"] == [
        {"value": "Lumo", "count": 3},
        {"value": "Asahi", "count": 1},
        {"value": "Näht", "count": 1},
    ]


@pytest.mark.parametrize(
    ("filters", "expected"),
    [
        ({"category": "home"}, ["Brass lamp", "Desk light", "Paper lantern"]),
        ({"category": "home/lighting", "in_stock": True}, ["Brass lamp", "Desk light"]),
        ({"brand": ["Asahi", "näht"]}, ["Linen shirt", "Paper lantern"]),
        ({"min_price": 4000, "max_price": 5000}, ["Brass lamp", "Linen shirt"]),
        ({"attributes": {"material": "cotton"}}, ["Café apron with lamp print"]),
        ({"rating_min": 1}, []),
        ({"category": "no/such"}, []),
        ({"seller": "nobody"}, []),
        ({"currency": "USD"}, []),
    ],
)
async def test_filters(
    client: httpx2.AsyncClient, shop: Shop, filters: dict[str, Any], expected: list[str]
) -> None:
    found = await search(client, filters=filters)
    assert (sorted(titles(found)), found["total"]) == (expected, len(expected))
    counted = await search(client, filters=filters, facets=False)
    assert (counted["total"], counted["facets"]) == (len(expected), {})


async def test_filter_by_id(client: httpx2.AsyncClient, shop: Shop) -> None:
    blue, green = (str(seller.id) for seller in shop.sellers)
    assert (await search(client, filters={"seller": blue}))["total"] == 3
    assert (await search(client, filters={"seller": [blue, green]}))["total"] == 6
    assert (await search(client, filters={"category": str(shop.ids["clothes"])}))["total"] == 3


async def test_options_are_a_facet(
    client: httpx2.AsyncClient, connection: Connection, shop: Shop
) -> None:
    variants = tuple(variant_draft(options={"Size": size}) for size in ("S", "M"))
    axes = (OptionAxis("Size", ("S", "M")),)
    draft = {"title": "Wool jumper", "variants": variants, "options": axes}
    await make_products(connection, seller=shop.sellers[1], drafts=[draft])
    found = await search(client, "jumper", filters={"attributes": {"Size": ["M"]}})
    assert titles(found) == ["Wool jumper"]
    assert found["facets"]["attribute"] == [
        {
            "key": "Size",
            "label": "Size",
            "values": [{"value": "M", "count": 1}, {"value": "S", "count": 1}],
        }
    ]


@pytest.mark.parametrize("sort", ["relevance", "newest", "price", "-price", "rating"])
@pytest.mark.parametrize("query", ["lamp or linen", ""])
async def test_pages_hold_everything_once(
    client: httpx2.AsyncClient, shop: Shop, sort: str, query: str
) -> None:
    whole = await search(client, query, sort=sort, limit=100)
    assert whole["next_cursor"] is None
    seen, cursor = [], None
    while True:
        page = await search(client, query, sort=sort, limit=2, cursor=cursor, facets=False)
        seen += titles(page)
        assert page["total"] == whole["total"]
        if (cursor := page["next_cursor"]) is None:
            break
    assert seen == titles(whole)
    assert len(seen) == whole["total"] == (5 if query else 6)


async def test_sorted_by_price(client: httpx2.AsyncClient, shop: Shop) -> None:
    found = await search(client, "lamp", sort="price")
    assert titles(found) == ["Café apron with lamp print", "Desk light", "Brass lamp"]
    found = await search(client, "lamp", sort="-price")
    assert titles(found) == ["Brass lamp", "Desk light", "Café apron with lamp print"]


async def test_only_the_facets_asked_for(
    client: httpx2.AsyncClient, shop: Shop, query_count: Callable[[], int]
) -> None:
    assert set((await search(client, "lamp", facets=["brand", "price"]))["facets"]) == {
        "brand",
        "price",
    }
    query_count()
    await search(client, "lamp", facets=False)
    assert query_count() == 1


async def test_what_is_not_on_sale_is_never_found(
    client: httpx2.AsyncClient, connection: Connection, clock: ManualClock, shop: Shop
) -> None:
    draft = [goods("Linen tent", active=False)]
    await make_products(connection, seller=shop.sellers[1], drafts=draft)
    assert (await search(client, "tent"))["total"] == 0
    await seller_service.move_seller(
        connection,
        viewer=Viewer(roles=frozenset({Role.OPERATOR})),
        seller_id=shop.sellers[1].id,
        step=SellerStep.SUSPEND,
        reason="for a test",
        now=clock.now(),
    )
    await card_service.refresh_sellers(connection, seller_ids=[shop.sellers[1].id], now=clock.now())
    for query in ("linen", "linnen", "shirt", "lnien shirt"):
        found = await search(client, query)
        assert (found["total"], found["items"], found["corrected_query"]) == (0, [], None)
    assert (await search(client))["total"] == 3


@pytest.mark.parametrize(
    "query",
    [
        "'; DROP TABLE product; --",
        '"',
        '""""',
        '"unclosed lamp',
        "- -- -",
        "-",
        "or or or",
        "lamp & | ! ( ) <-> :*",
        "the and of",
        "the",
        "🪔🛋️",
        "a" * 1000,
        "lamp " * 200,
        "\\ % _ \\' $1",
        "²",
        "ß",
        "１２３",
        "लैंप",
        "灯",
        "-lamp",
        "x" * 199 + " y",
        "lamp'",
        "İ",
    ],
)
async def test_hostile_words(client: httpx2.AsyncClient, shop: Shop, query: str) -> None:
    found = await search(client, query)
    assert found["total"] >= len(found["items"])


@pytest.mark.parametrize("query", ["a\x00b", "a" * 10_000, 5, None, ["lamp"], {"a": 1}])
async def test_refused_words(client: httpx2.AsyncClient, query: Any) -> None:
    answer = await client.post(SEARCH, json={"query": query})
    assert (answer.status_code, answer.json()["errors"][0]["field"]) == (422, "query")


@pytest.mark.parametrize(
    "body",
    [
        {"q": "lamp"},
        {"filters": {"colour": "red"}},
        {"filters": {"min_price": "5"}},
        {"filters": {"min_price": -1}},
        {"filters": {"in_stock": "yes"}},
        {"filters": {"rating_min": 6}},
        {"filters": {"attributes": {"material": []}}},
        {"filters": {"attributes": {"a\x00": "b"}}},
        {"filters": {"status": "draft"}},
        {"sort": "cheapest"},
        {"limit": 0},
        {"limit": 101},
        {"limit": True},
        {"facets": ["colour"]},
        {"cursor": "nonsense"},
        {"cursor": "WyJuZXdlc3QiLCJldmVyeXRoaW5nIiw1MDAwMDAwMDAwMDAwMDAwMDAwMCwieCJd"},
    ],
)
async def test_refused_questions(client: httpx2.AsyncClient, body: dict[str, Any]) -> None:
    assert (await client.post(SEARCH, json=body)).status_code == 422


async def test_a_cursor_is_of_its_own_list(client: httpx2.AsyncClient, shop: Shop) -> None:
    cursor = (await search(client, sort="price", limit=1))["next_cursor"]
    for other in ({"sort": "newest"}, {"sort": "price", "query": "lamp"}):
        answer = await client.post(SEARCH, json={"cursor": cursor, **other})
        assert answer.status_code == 422
        assert answer.json()["errors"][0]["code"] == "cursor_unknown"
