"""All words of a search at once, or each by itself, the rarest first: the same hits."""

import json
from typing import Any
from uuid import UUID

import pytest

from gosellr.core.db import Connection, prepare_connection
from gosellr.core.embedded_postgres import APPLICATION_ROLE
from gosellr.queries import asked_words, search
from gosellr.queries.asked_words import APART_MAX, LARGE_FROM, apart
from gosellr.queries.search import Hits
from gosellr.services import search_service
from gosellr.services.market_size import MarketSize
from gosellr.services.product_list_service import ProductFilters
from tests.factories.catalogue import make_products, make_shelf_seller, variant_draft

TITLES = (
    "Brass oak desk lamp",
    "Oak desk with brass shelf",
    "Blue oak desk lamp of brass for a garden shelf",
    "Smartwatch with oak strap",
    "Smart watch of brass",
    "It's a lamp",
    "Lamp 4-slot LX-200",
)
QUERIES = (
    "lamp", "oak desk", "desk oak", "the oak desk", "the of", "the lamp", "brass oak desk lamp",
    "blue oak desk lamp brass", "blue oak desk lamp brass garden shelf", "smart watch brass",
    "oak smart watch", "oak missing desk", "oak oak desk desk oak", '"oak desk" lamp', "oak -lamp",
    "desk or watch", "it's lamp", "lx-200 lamp", "lamp 4-slot", "oak & desk | lamp", "garden sh",
)  # fmt: skip
FILTERS = (ProductFilters(), ProductFilters(currency="EUR", min_price_minor=1002))


def in_market(*, large: bool) -> MarketSize:
    size = MarketSize()
    size.is_large = large
    return size


async def ids(
    connection: Connection, query: str, filters: ProductFilters, size: MarketSize
) -> list[UUID]:
    found = await search_service.search(
        connection,
        query=query,
        filters=filters,
        limit=24,
        facets=(),
        currency="EUR",
        market_size=size,
    )
    assert found.total == len(json.loads(found.items))
    return [UUID(card["id"]) for card in json.loads(found.items)]


async def test_each_word_by_itself_finds_what_all_at_once_do(connection: Connection) -> None:
    drafts = [
        {"title": title, "variants": (variant_draft(price_minor=1000 + number),)}
        for number, title in enumerate(TITLES)
    ]
    await make_products(connection, seller=await make_shelf_seller(connection), drafts=drafts)
    asked = [(query, filters) for query in QUERIES for filters in FILTERS]
    by_itself = [await ids(connection, *each, in_market(large=True)) for each in asked]
    at_once = [await ids(connection, *each, in_market(large=False)) for each in asked]
    assert by_itself == at_once
    number = {
        query: len(found) for (query, _), found in zip(asked[::2], by_itself[::2], strict=True)
    }
    assert (number["oak desk"], number["the of"]) == (3, 0)
    assert number["blue oak desk lamp brass garden shelf"] == 1


async def test_a_process_hears_with_its_hits_how_it_should_ask(
    owner_connection: Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[int] = []
    really = search.find_hits

    async def find_hits(*args: Any, questions: int, **more: Any) -> Hits:
        asked.append(questions)
        return await really(*args, questions=questions, **more)

    monkeypatch.setattr(search, "find_hits", find_hits)
    size = MarketSize()
    transaction = owner_connection.transaction()
    await transaction.start()
    try:
        await prepare_connection(owner_connection)
        seller = await make_shelf_seller(owner_connection)
        lamp = {"title": "Blue oak lamp", "variants": (variant_draft(),)}
        await make_products(owner_connection, seller=seller, drafts=[lamp])
        for cards in (LARGE_FROM - 1, LARGE_FROM, LARGE_FROM, LARGE_FROM - 1, 0):
            await owner_connection.execute(
                "SELECT pg_restore_relation_stats('schemaname', 'gosellr',"
                f" 'relname', 'product_card', 'reltuples', {cards}::real)"
            )
            assert len(await ids(owner_connection, "blue oak lamp", ProductFilters(), size)) == 1
    finally:
        await transaction.rollback()
    assert asked == [1, 1, 3, 3, 1]


@pytest.mark.parametrize("questions", range(2, APART_MAX + 1))
async def test_the_rarest_is_asked_for_first(connection: Connection, questions: int) -> None:
    await connection.execute(
        "INSERT INTO search_lexeme VALUES ('oak', 400), ('desk', 90), ('lamp', 7)"
        " ON CONFLICT (lexeme) DO UPDATE SET cards = excluded.cards"
    )
    words = await connection.fetchval(
        f"WITH chosen AS (SELECT to_tsquery('market', 'oak & desk & unheard & lamp') AS words),"
        f" {apart(questions)} one AS (SELECT) SELECT apart.words FROM apart"
    )
    assert words == ["'unheard'", "'lamp'", "'desk'", "'oak'"]


async def test_common_words_are_counted_by_what_the_planner_knows(
    owner_connection: Connection,
) -> None:
    drafts = [
        {
            "title": f"Walnut {'stool' if number % 4 else 'bench'} {number}",
            "variants": (variant_draft(),),
        }
        for number in range(40)
    ]
    transaction = owner_connection.transaction()
    await transaction.start()
    try:
        await prepare_connection(owner_connection)
        seller = await make_shelf_seller(owner_connection)
        await make_products(owner_connection, seller=seller, drafts=drafts)
        await owner_connection.execute("ANALYZE product_card")
        await owner_connection.execute(f"SET LOCAL ROLE {APPLICATION_ROLE}")
        await asked_words.count_words(owner_connection)
        counted = await owner_connection.fetch(
            "SELECT lexeme, cards FROM search_lexeme"
            " WHERE lexeme IN ('walnut', 'stool', 'bench') ORDER BY cards DESC"
        )
    finally:
        await transaction.rollback()
    assert [tuple(row) for row in counted] == [("walnut", 40), ("stool", 30), ("bench", 10)]
