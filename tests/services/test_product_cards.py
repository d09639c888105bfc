"""Cards follow their product, its seller, its category and its stock, in the same transaction."""

import json
from typing import Any

from gosellr.core.db import Connection
from gosellr.queries import product_cards
from gosellr.queries.product_cards import MISSTATED
from tests.factories.catalogue import (
    NOW,
    MadeProduct,
    make_category,
    make_product,
    make_shelf_seller,
    variant_draft,
)
from tests.factories.plans import rows_read


async def card(connection: Connection, made: MadeProduct) -> dict[str, Any]:
    row = await connection.fetchrow("SELECT * FROM product_card WHERE product_id = $1", made.id)
    assert row is not None
    return {**dict(row), "card": json.loads(row["card"])}


async def test_a_card_says_what_a_list_shows(connection: Connection) -> None:
    home = await make_category(connection, name="Home")
    lamps = await make_category(connection, name="Lamps", parent_id=home)
    seller = await make_shelf_seller(connection)
    made = await make_product(
        connection,
        seller=seller,
        title="Désk lamp",
        brand="Vela",
        category_id=lamps,
        description="Warm light",
        variants=[
            variant_draft(sku="DL-S", price_minor=3000, stock=0, options={"Size": "Small"}),
            variant_draft(sku="DL-L", price_minor=2500, stock=2, options={"Size": "Large"}),
        ],
    )
    found = await card(connection, made)
    shown = found["card"]
    assert shown["price"] == {"amount": 2500, "currency": "EUR"}
    assert shown["price_is_from"] is True
    assert (shown["availability"], shown["in_stock"]) == ("low_stock", True)
    assert (shown["variants"], shown["variant_id"], shown["media"]) == (2, None, None)
    assert shown["rating"] == {"average": 0, "count": 0}
    assert found["attributes"] == {"Size": ["Small", "Large"]}
    assert found["category_ids"] == [home, lamps]
    assert found["search_text"] == "desk lamp vela"
    for words in ("desk", "vela", "home lamps", '"DL-S"', "small", "warm light"):
        assert await connection.fetchval(
            "SELECT search_vector @@ websearch_to_tsquery('market', $2)"
            " FROM product_card WHERE product_id = $1",
            made.id,
            words,
        ), words


async def test_cards_follow_their_seller(connection: Connection) -> None:
    seller = await make_shelf_seller(connection)
    made = await make_product(connection, seller=seller)
    assert (await card(connection, made))["visible"] is True
    await connection.execute(
        "UPDATE seller SET status = 'suspended', name = 'Gone' WHERE id = $1", seller
    )
    await product_cards.refresh_cards_of_sellers(connection, [seller], NOW)
    found = await card(connection, made)
    assert (found["visible"], found["card"]["seller"]["name"]) == (False, "Gone")


async def test_the_word_for_stock_is_written_only_when_it_changes(connection: Connection) -> None:
    made = await make_product(connection, seller=await make_shelf_seller(connection), stock=5)

    async def word_after(reserved: int) -> tuple[str, Any]:
        await connection.execute(
            "UPDATE stock_level SET reserved = $2 WHERE variant_id = $1",
            made.variant_id,
            reserved,
        )
        before = (await card(connection, made))["card"]["availability"]
        misstated = await product_cards.misstated(connection, [made.id])
        await product_cards.refresh_availability(connection, [made.id], NOW)
        changed = (await card(connection, made))["card"]["availability"] != before
        assert misstated == ([made.id] if changed else [])
        place = await connection.fetchval(
            "SELECT ctid::text FROM product_card WHERE product_id = $1", made.id
        )
        return (await card(connection, made))["card"]["availability"], place

    first, place = await word_after(0)
    same, place_after = await word_after(1)
    assert (first, same, place) == ("in_stock", "in_stock", place_after)
    assert [(await word_after(reserved))[0] for reserved in (2, 3, 5, 5, 0)] == [
        "low_stock",
        "low_stock",
        "sold_out",
        "sold_out",
        "in_stock",
    ]


async def test_what_is_in_stock_is_known_without_its_card(connection: Connection) -> None:
    made = await make_product(connection, seller=await make_shelf_seller(connection), stock=5)
    await connection.execute("SET LOCAL enable_seqscan = off; SET LOCAL enable_bitmapscan = off")
    assert await rows_read(connection, MISSTATED, [made.id], of="variant") == 1
    for table in ("product", "product_card", "variant_price"):
        assert await rows_read(connection, MISSTATED, [made.id], of=table) == 0, table


async def test_ratings_are_rounded_half_up_in_whole_numbers(connection: Connection) -> None:
    made = await make_product(connection, seller=await make_shelf_seller(connection))
    await connection.execute(
        "UPDATE product SET rating_sum = 37, rating_count = 8 WHERE id = $1", made.id
    )
    await product_cards.refresh_cards(connection, [made.id], NOW)
    found = await card(connection, made)
    assert found["rating_hundredths"] == 463
    assert found["card"]["rating"] == {"average": 4.63, "count": 8}
