"""Loading the catalogue: terms, goods by COPY, then the cards by the product's own statement."""

from typing import Final

from bench.market_data import ground, listings
from bench.market_data.catalogue import FIRST_LISTED, LISTED_FOR, Catalogue
from bench.market_data.loading import copy_rows, in_chunks, loader, settle
from gosellr.core.db import Connection
from gosellr.queries import product_cards

# A chunk's descriptions are drawn in turn, so another size would write other words.
CHUNK: Final = 1_000
_CARDS_AT_ONCE: Final = 500
_GOODS: Final = ("product", "variant", "variant_price", "stock_level", "stock_movement")
_GROUND: Final = (
    "user_account", "seller", "seller_member", "stock_location", "category", "category_attribute",
    "shipping_zone", "shipping_rate", "tax_rate", "commission_rule",
)  # fmt: skip


async def load_catalogue(
    owner_dsn: str, *, products: int, sellers: int = 100, categories: int = 200, seed: int = 1
) -> Catalogue:
    """Fill an empty, migrated market with goods on sale; `owner_dsn` owns its schema.

    Raises asyncpg.UniqueViolationError where the same catalogue was loaded before.
    """
    catalogue = Catalogue(products, sellers=sellers, categories=categories, seed=seed)
    async with loader(owner_dsn) as connection:
        await ground.prepare(connection, catalogue)

    async def write(connection: Connection, places: range) -> None:
        await _write_goods(connection, catalogue, places)

    await in_chunks(owner_dsn, count=products, size=CHUNK, work=write)
    async with loader(owner_dsn) as connection:
        await settle(connection, (*_GROUND, *_GOODS))

    async def show(connection: Connection, places: range) -> None:
        ids = [catalogue.product_id(place) for place in places]
        await product_cards.refresh_cards(connection, ids, FIRST_LISTED + LISTED_FOR)

    await in_chunks(owner_dsn, count=products, size=_CARDS_AT_ONCE, work=show)
    async with loader(owner_dsn) as connection:
        await settle(connection, ("product_card", "search_word", "search_lexeme"))
    return catalogue


async def _write_goods(connection: Connection, catalogue: Catalogue, places: range) -> None:
    rows = listings.listings(catalogue, places)
    async with connection.transaction():
        await copy_rows(connection, "product", listings.PRODUCT_COLUMNS, rows.products)
        await copy_rows(connection, "variant", listings.VARIANT_COLUMNS, rows.variants)
        await copy_rows(connection, "variant_price", listings.PRICE_COLUMNS, rows.prices)
        await copy_rows(connection, "stock_level", listings.LEVEL_COLUMNS, rows.levels)
        await copy_rows(connection, "stock_movement", listings.MOVEMENT_COLUMNS, rows.movements)
