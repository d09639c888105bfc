"""A search with more hits than are counted: the best of them, all of them in any other order."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from typing import Any
from uuid import UUID

import pytest

from gosellr.core.db import Connection
from gosellr.core.pagination import encode_cursor
from gosellr.services import search_service
from gosellr.services.market_size import MarketSize
from gosellr.services.product_list_service import ProductFilters, Sort
from gosellr.services.search_service import SearchResult
from tests.factories.catalogue import make_product, make_shelf_seller

CHEAP, DEAR = 20_050, 10_050

# Cheap goods first, that have none of the words, then dear ones. Of the dear ones 4,500 are lamps
# and the others go with a lamp; all but 50 are for a desk, all but 49 for a shelf, and every
# seventh is said to be of brass. Forty, the most appealing ones, are bent.
GOODS = """
CREATE TEMPORARY TABLE many ON COMMIT DROP AS
SELECT number, uuidv7() AS id, number > $1::int AS dear, number - $1 AS place
FROM generate_series(1, $1 + $2::int) AS number
"""
WORDS = """
CASE WHEN NOT many.dear THEN '''stool'':1A'
ELSE CASE WHEN place <= 4500 THEN '''lamp'':1A ' ELSE '''lamp'':9D ''thing'':1A ' END
     || CASE WHEN place > 50 THEN '''desk'':12D ' ELSE '' END
     || CASE WHEN place > 49 THEN '''shelf'':10C ' ELSE '' END
     || CASE WHEN place % 251 = 0 THEN '''bent'':13D ' ELSE '' END
     || CASE WHEN place % 7 = 0 THEN '''brass'':14D ' ELSE '' END END::tsvector
"""
CHANGED = {
    "search_vector": WORDS,
    "search_text": "repeat('x', CASE WHEN place % 251 = 0 THEN 1 ELSE 5 + number * 37 % 101 END)",
    "price_minor": "CASE WHEN dear THEN 5000 + number * 13 % 977 ELSE number % 1000 END",
    "in_stock": "number % 3 > 0",
    "sold_count": "number * 7 % 50",
    "rating_hundredths": "number * 11 % 501",
    "created_at": "card.created_at + CASE WHEN dear THEN -1 ELSE 1 END * interval '1 h'"
    " + number * 17 % 1009 * interval '1 minute'",
    "brand": "CASE WHEN place % 2 = 0 THEN 'Even' ELSE 'Odd' END",
    "card": "json_build_object('id', many.id)::text",
}
ORDERS: dict[Sort, str] = {
    "newest": "created_at DESC, product_id DESC",
    "price": "price_minor, product_id",
    "-price": "price_minor DESC, product_id DESC",
    "rating": "rating_hundredths DESC, product_id DESC",
    "best_selling": "sold_count DESC, product_id DESC",
}
KEYS: dict[Sort, str] = {
    "newest": "(extract(epoch FROM created_at) * 1000000)::bigint",
    "price": "price_minor",
    "-price": "price_minor",
    "rating": "rating_hundredths",
    "best_selling": "sold_count",
}
RANKED = """
SELECT card.product_id
FROM product_card AS card, to_tsquery('market', $1) AS words
WHERE card.visible AND card.search_vector @@ words
ORDER BY round(1000000
    * (ts_rank_cd('{0, 0, 0.6, 1}', ts_filter(card.search_vector, '{a,b}'), words, 1)
       + least(0.3, ts_rank_cd('{0.3, 0.4, 0.6, 1}', card.search_vector, words, 1)))
    * card.appeal)::bigint DESC, product_id DESC
LIMIT 100
"""


async def _copy(connection: Connection, table: str, key: str, original: UUID, **new: str) -> None:
    columns = [
        row["name"]
        for row in await connection.fetch(
            "SELECT attname::text AS name FROM pg_attribute WHERE attrelid = $1::regclass"
            " AND attnum > 0 AND NOT attisdropped AND attgenerated = ''",
            table,
        )
    ]
    values = ", ".join(new.get(name, f"card.{name}") for name in columns)
    await connection.execute(
        f"INSERT INTO {table} ({', '.join(columns)}) SELECT {values}"
        f" FROM many, {table} AS card WHERE card.{key} = $1",
        original,
    )


@pytest.fixture(scope="module", autouse=True)
async def _goods(worker_connection: Connection) -> AsyncIterator[None]:
    """Many goods of one seller for all tests of this file, which change nothing."""
    transaction = worker_connection.transaction()
    await transaction.start()
    try:
        seller = await make_shelf_seller(worker_connection)
        first = await make_product(worker_connection, seller=seller, title="Pattern")
        await worker_connection.execute(GOODS, CHEAP, DEAR)
        product = {"id": "many.id", "item_id": "many.id", "slug": "'many-' || number"}
        await _copy(worker_connection, "product", "id", first.id, **product)
        card = {"product_id": "many.id", **CHANGED}
        await _copy(worker_connection, "product_card", "product_id", first.id, **card)
        yield
    finally:
        await transaction.rollback()


async def ask(connection: Connection, query: str, **more: Any) -> SearchResult:
    settings = {"filters": ProductFilters(), "limit": 100, "facets": (), "currency": "EUR"}
    return await search_service.search(
        connection, query=query, market_size=MarketSize(), **settings | more
    )


def ids(found: SearchResult) -> list[UUID]:
    return [UUID(card["id"]) for card in json.loads(found.items)]


@pytest.mark.parametrize(
    ("query", "total", "relation"),
    [("desk", 10_000, "eq"), ("shelf", 10_000, "gte"), ("brass", 1435, "eq")],
)
async def test_ten_thousand_hits_are_counted(
    connection: Connection, query: str, total: int, relation: str
) -> None:
    for more in ({}, {"sort": "price"}, {"filters": ProductFilters(min_price_minor=1)}):
        found = await ask(connection, query, **more)
        assert (found.total, found.total_relation) == (total, relation)
        assert len(ids(found)) == 100


async def test_all_goods_are_counted_so_too(connection: Connection) -> None:
    for facets in ((), ("price",)):
        found = await ask(connection, "", facets=facets)
        assert (found.total, found.total_relation) == (10_000, "gte")
    dear = sum(5000 + number * 13 % 977 >= 5970 for number in range(CHEAP + 1, CHEAP + DEAR + 1))
    for facets in ((), ("price",)):
        few = await ask(connection, "", facets=facets, filters=ProductFilters(min_price_minor=5970))
        assert (few.total, few.total_relation) == (dear, "eq")


@pytest.mark.parametrize(
    ("query", "words"),
    [("lamp", "lamp"), ("thing or lamp", "thing | lamp"), ("lamp -bent", "lamp & !bent")],
)
async def test_the_best_are_found(connection: Connection, query: str, words: str) -> None:
    best = [row["product_id"] for row in await connection.fetch(RANKED, words)]
    found = await ask(connection, query)
    assert ids(found) == best
    filtered = await ask(connection, query, filters=ProductFilters(min_price_minor=0))
    assert ids(filtered) == best


async def test_where_no_title_has_the_word_the_most_appealing_are_ranked(
    connection: Connection,
) -> None:
    found = await ask(connection, "shelf")
    assert ids(found) == [row["product_id"] for row in await connection.fetch(RANKED, "shelf")]


async def test_the_highest_appeal_there_can_be_is_among_them(connection: Connection) -> None:
    highest = await connection.fetchval(
        "UPDATE product_card SET search_text = '', in_stock = true, rating_hundredths = 500,"
        " sold_count = 1000000 WHERE product_id = (SELECT id FROM many WHERE place = 60)"
        " RETURNING product_id"
    )
    assert ids(await ask(connection, "lamp", limit=1)) == [highest]


async def test_pages_by_relevance_end_with_what_is_ranked(connection: Connection) -> None:
    seen: list[UUID] = []
    cursor = None
    while True:
        page = await ask(connection, "lamp", cursor=cursor)
        assert page.total == 10_000
        seen += ids(page)
        if (cursor := page.next_cursor) is None:
            break
    assert (len(seen), len(set(seen))) == (4000, 4000)
    lamps = await connection.fetchval(
        "SELECT count(*) FROM many WHERE place BETWEEN 1 AND 4500 AND id = ANY($1)", seen
    )
    assert lamps == 4000


@pytest.mark.parametrize("sort", ORDERS)
async def test_other_orders_have_every_hit(connection: Connection, sort: Sort) -> None:
    """Cheap and new goods have none of the words, so that a page isn't soon full."""
    exact = await connection.fetch(
        f"SELECT product_id, {KEYS[sort]} AS key FROM product_card"
        f" WHERE visible AND search_vector @@ 'lamp' ORDER BY {ORDERS[sort]}"
    )
    in_order = [row["product_id"] for row in exact]
    first = await ask(connection, "lamp", sort=sort)
    assert ids(first) == in_order[:100]
    second = await ask(connection, "lamp", sort=sort, cursor=first.next_cursor)
    assert ids(second) == in_order[100:200]
    # The last page but one.
    last = exact[-151]
    cursor = encode_cursor(sort, "asked", last["key"], str(last["product_id"]))
    for filters in (ProductFilters(), ProductFilters(min_price_minor=1)):
        page = await ask(connection, "lamp", sort=sort, cursor=cursor, filters=filters)
        assert ids(page) == in_order[-150:-50]
        rest = await ask(connection, "lamp", sort=sort, cursor=page.next_cursor, filters=filters)
        assert (ids(rest), rest.next_cursor) == (in_order[-50:], None)
        assert (rest.total, rest.total_relation) == (10_000, "gte")


async def test_facets_count_ten_thousand(
    connection: Connection, query_count: Callable[[], int]
) -> None:
    query_count()
    found = await ask(connection, "lamp", facets=search_service.FACET_NAMES)
    await asyncio.sleep(0)  # The driver tells of a statement in the loop's next turn.
    assert query_count() == 2
    filtered = await ask(
        connection,
        "lamp",
        facets=search_service.FACET_NAMES,
        filters=ProductFilters(min_price_minor=1),
    )
    await asyncio.sleep(0)
    assert query_count() == 3
    for facets in (found.facets, filtered.facets):
        assert facets is not None
        assert sum(each.count for each in facets.brand) == 10_000
        assert sum(each.count for each in facets.price.ranges) == 10_000
        assert [each.count for each in facets.category] == [10_000]


async def test_filters_that_leave_few_are_exact(connection: Connection) -> None:
    filters = ProductFilters(in_stock=True, brands=("even",))
    fit = "search_vector @@ 'lamp' AND visible AND in_stock"
    even, all_brands = await connection.fetchrow(
        f"SELECT count(*) FILTER (WHERE brand = 'Even'), count(*) FROM product_card WHERE {fit}"
    )
    found = await ask(connection, "lamp", filters=filters, facets=("brand",))
    assert (found.total, found.total_relation) == (even, "eq")
    assert found.facets is not None
    assert sum(each.count for each in found.facets.brand) == all_brands
    assert even < all_brands < 10_000


async def test_what_was_meant_may_be_broad(connection: Connection) -> None:
    await connection.execute(
        "INSERT INTO search_word (word) VALUES ('shelf') ON CONFLICT DO NOTHING"
    )
    found = await ask(connection, "shlef")
    assert (found.corrected_query, found.total, found.total_relation) == ("shelf", 10_000, "gte")
    assert ids(found) == ids(await ask(connection, "shelf"))
