"""The search gives what its definition says: order, totals and facets, counted here by hand."""

import json
from collections import Counter
from random import Random
from typing import Any
from uuid import UUID

import pytest

from gosellr.core.db import Connection
from gosellr.queries.search import Question, find_hits
from gosellr.queries.search_facets import PRICE_STEPS
from gosellr.services import search_service
from gosellr.services.market_size import MarketSize
from gosellr.services.product_list_service import ProductFilters
from gosellr.services.search_service import FACET_NAMES, FacetName, SearchResult, price_ranges
from gosellr.utils.search_words import ways_to_write
from tests.factories.catalogue import (
    make_category,
    make_product,
    make_products,
    make_shelf_seller,
    variant_draft,
)

WORDS = ("lamp", "brass", "desk", "shelf", "oak", "linen", "blue", "smart", "watch", "garden")
QUERIES = (
    "lamp", "brass lamp", "lamp or shelf", "linen -blue", '"oak shelf"', "smart watch", "gard",
    "brass lamp -desk", "oak or linen or blue", "garden oak desk",
)  # fmt: skip

# The rank spelled out, as it was before parts of it were kept with the card.
RANKED = """
SELECT card.product_id, card.category_ids, card.price_minor, card.brand, card.seller_id,
       card.rating_hundredths, card.attributes, round(1000000
        * (ts_rank_cd('{0, 0, 0.6, 1}', ts_filter(card.search_vector, '{a,b}'), words, 1)
           + least(0.3, ts_rank_cd('{0.3, 0.4, 0.6, 1}', card.search_vector, words, 1)))
        * 40 / (40 + length(card.search_text))
        * (1 + CASE WHEN card.in_stock THEN 0.1 ELSE 0 END + card.rating_hundredths / 5000.0
             + least(0.1, 0.02 * ln(1 + card.sold_count))))::bigint AS key
FROM product_card AS card, to_tsquery('market', $1) AS words
WHERE card.visible AND card.search_vector @@ words
ORDER BY key DESC, card.product_id DESC
"""
AS_TSQUERY = {
    "lamp": "lamp",
    "brass lamp": "brass & lamp | brasslamp",
    "lamp or shelf": "lamp | shelf",
    "linen -blue": "linen & !blue",
    '"oak shelf"': "oak <-> shelf",
    "smart watch": "smart & watch | smartwatch",
    "gard": "gard:*",
    "brass lamp -desk": "brass & lamp & !desk",
    "oak or linen or blue": "oak | linen | blue",
    "garden oak desk": "garden & oak & desk | gardenoak & desk | garden & oakdesk",
}


@pytest.fixture
async def goods(connection: Connection) -> dict[UUID, str]:
    """Eighty products drawn of ten words, in a tree; gives the paths of categories."""
    drawn = Random("eighty products")
    home = await make_category(connection, name='Home "&" \\ Ünder')
    branches = [
        await make_category(connection, name=name, parent_id=home) for name in ("Light", "Wood")
    ]
    other = await make_category(connection, name="Other")
    for category_id in (home, *branches, other):
        seller = await make_shelf_seller(connection, name=f"Shelf {drawn.random()}")
        drafts: list[dict[str, Any]] = [
            {
                "title": " ".join(drawn.choices(WORDS, k=drawn.randint(1, 5))),
                "brand": drawn.choice([None, "Lamp House", "Oak", "oak"]),
                "description": " ".join(drawn.choices(WORDS, k=drawn.randint(0, 30))),
                "variants": (
                    variant_draft(
                        price_minor=drawn.choice([50, 900, 1500, 2500, 99_900]),
                        stock=drawn.choice([0, 5]),
                    ),
                ),
            }
            for _ in range(20)
        ]
        await make_products(connection, seller=seller, category_id=category_id, drafts=drafts)
    await connection.execute(
        "UPDATE product_card SET sold_count = abs(hashtext(product_id::text)) % 300,"
        " rating_hundredths = abs(hashtext(product_id::text)) % 500"
    )
    return dict(await connection.fetch("SELECT id, path FROM category"))


async def ask(
    connection: Connection,
    query: str,
    *,
    facets: tuple[FacetName, ...] = FACET_NAMES,
    limit: int = 100,
    **more: Any,
) -> SearchResult:
    filters = more.pop("filters", ProductFilters())
    return await search_service.search(
        connection,
        query=query,
        filters=filters,
        limit=limit,
        facets=facets,
        currency="EUR",
        market_size=MarketSize(),
        **more,
    )


def ids(found: SearchResult) -> list[str]:
    return [card["id"] for card in json.loads(found.items)]


@pytest.mark.parametrize("query", QUERIES)
async def test_order_totals_and_facets_are_those_of_the_definition(
    connection: Connection, goods: dict[UUID, str], query: str
) -> None:
    expected = await connection.fetch(RANKED, AS_TSQUERY[query])
    assert len(expected) > 0
    found = await ask(connection, query)
    assert ids(found) == [str(row["product_id"]) for row in expected]
    assert (found.total, found.next_cursor) == (len(expected), None)
    facets = found.facets
    assert facets is not None
    in_categories = Counter(each for row in expected for each in row["category_ids"])
    assert [(each.id, each.path, each.count) for each in facets.category] == sorted(
        [(each, goods[each], count) for each, count in in_categories.items()],
        key=lambda each: each[1],
    )
    steps = Counter(sum(step <= row["price_minor"] for step in PRICE_STEPS) for row in expected)
    assert facets.price.ranges == price_ranges(list(steps.items()))
    assert facets.price.lowest_minor == min(row["price_minor"] for row in expected)
    assert facets.price.highest_minor == max(row["price_minor"] for row in expected)
    brands = Counter(row["brand"].lower() for row in expected if row["brand"])
    assert {each.value.lower(): each.count for each in facets.brand} == brands
    sellers = Counter(row["seller_id"] for row in expected)
    assert {each.id: each.count for each in facets.seller} == sellers
    assert json.loads(facets.lists["rating"]) == [
        {
            "rating_min": stars,
            "count": sum(row["rating_hundredths"] >= 100 * stars for row in expected),
        }
        for stars in (4, 3, 2, 1)
    ]


@pytest.mark.parametrize("query", QUERIES)
async def test_a_filter_that_leaves_all_changes_nothing(
    connection: Connection, goods: dict[UUID, str], query: str
) -> None:
    """What is filtered goes through statements of its own: they have to agree."""
    plain = await ask(connection, query)
    filtered = await ask(connection, query, filters=ProductFilters(min_price_minor=0))
    assert ids(plain) == ids(filtered)
    assert plain.total == filtered.total
    assert plain.facets is not None
    assert filtered.facets is not None
    assert plain.facets.lists == filtered.facets.lists
    assert plain.facets.price == filtered.facets.price


@pytest.mark.parametrize("query", ["lamp", "linen -blue", "lnien", ""])
async def test_fewer_facets_are_the_same_facets(
    connection: Connection, goods: dict[UUID, str], query: str
) -> None:
    every = (await ask(connection, query)).facets
    assert every is not None
    for names in (("category", "price"), ("price",), ("brand",), ("category", "attribute")):
        some = (await ask(connection, query, facets=names)).facets  # type: ignore[arg-type]
        assert some is not None
        assert set(some.lists) == set(names) - {"price"}
        assert some.lists == {name: every.lists[name] for name in some.lists}
        if "price" in names:
            assert some.price == every.price
    assert (await ask(connection, query, facets=())).facets is None


@pytest.mark.parametrize("query", ["lamp", "gard", "lnien"])
async def test_pages_of_every_way_hold_everything_once(
    connection: Connection, goods: dict[UUID, str], query: str
) -> None:
    whole = await ask(connection, query)
    seen: list[str] = []
    cursor = None
    while True:
        page = await ask(connection, query, facets=("price",), limit=7, cursor=cursor)
        seen += ids(page)
        assert page.total == whole.total
        assert page.facets is not None
        assert whole.facets is not None
        assert page.facets.price == whole.facets.price
        if (cursor := page.next_cursor) is None:
            break
    assert seen == ids(whole)
    assert len(seen) > 7


async def test_more_categories_than_are_shown_lose_the_emptiest(connection: Connection) -> None:
    seller = await make_shelf_seller(connection)
    for number in range(201):
        category_id = await make_category(connection, name=f"Shelf {number:03}")
        drafts = [
            {"title": "Lamp", "variants": (variant_draft(),)}
            for _ in range(1 if number == 77 else 2)
        ]
        await make_products(connection, seller=seller, category_id=category_id, drafts=drafts)
    found = await ask(connection, "lamp", facets=("category",))
    assert found.facets is not None
    shown = {each.path: each.count for each in found.facets.category}
    assert found.total == 401
    assert len(shown) == 200
    assert "shelf-077" not in shown
    assert set(shown.values()) == {2}


async def test_what_is_kept_for_the_rank_follows_its_card(connection: Connection) -> None:
    made = await make_product(connection, seller=await make_shelf_seller(connection), title="Lamp")
    kept = "SELECT appeal FROM product_card WHERE product_id = $1"
    before = await connection.fetchval(kept, made.id)
    # 40 / (40 + "lamp "), in stock, never rated nor sold.
    assert before == pytest.approx(40 / 45 * 1.1)
    await connection.execute(
        "UPDATE product_card SET sold_count = 1000000, rating_hundredths = 500, in_stock = false"
    )
    assert await connection.fetchval(kept, made.id) == pytest.approx(40 / 45 * 1.2)
    await connection.execute("UPDATE product_card SET search_vector = 'more:2C new:1A'")
    lead = "SELECT lead_vector::text FROM product_card WHERE product_id = $1"
    assert await connection.fetchval(lead, made.id) == "'new':1A"


async def test_ways_on_are_titles_only_where_nothing_is_found(
    connection: Connection,
) -> None:
    lamps = await make_category(connection, name="Lamps")
    await make_category(connection, name="Lampshades")
    await make_product(
        connection,
        seller=await make_shelf_seller(connection),
        title="Copper lantern",
        category_id=lamps,
    )
    few = await ask(connection, "copper lamps", facets=())
    # The category is a word of the listing; the one without goods is nobody's way on.
    assert few.total == 1
    assert [(each.kind, each.text) for each in few.suggestions] == [("category", "Lamps")]
    await make_product(connection, seller=await make_shelf_seller(connection), title="Garden tent")
    none = await ask(connection, "copper lantern tent", facets=())
    assert (none.total, none.corrected_query) == (0, None)
    assert [(each.kind, each.text) for each in none.suggestions] == [("product", "Copper lantern")]


async def test_only_words_that_something_has_are_looked_for_beside_those_typed(
    connection: Connection,
) -> None:
    """What nothing has would make the index read every list of the others to its end."""
    seller = await make_shelf_seller(connection)
    await make_product(connection, seller=seller, title="Garden smart watch 2")
    # In a description, by another form, and with a number beside it.
    await make_product(
        connection, seller=seller, title="Wearable", description="One of 2 garden smartwatches"
    )
    ways = ways_to_write("garden smart watch")
    assert ways[1:] == ["gardensmart watch", "garden smartwatch"]
    everything = Question(
        filters=ProductFilters(),
        sort="relevance",
        after=None,
        limit=5,
        facets=(),
        currency="EUR",
    )
    hits = await find_hits(connection, everything, ways=ways, head=None, last=None)
    assert hits.total == 2
    assert hits.words == "'garden' & 'smart' & 'watch' | 'garden' & 'smartwatch'"
    hits = await find_hits(
        connection, everything, ways=["smart watch 2", "smartwatch 2"], head=None, last=None
    )
    assert (hits.total, hits.words) == (2, "'smart' & 'watch' & '2' | 'smartwatch' & '2'")
