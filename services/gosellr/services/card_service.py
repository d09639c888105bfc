"""Product cards after something beside the product has changed: its stock, reviews, seller."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from gosellr.core.db import Connection
from gosellr.queries import product_cards


async def refresh_availability(
    connection: Connection, *, variant_ids: Sequence[UUID], now: datetime
) -> None:
    """Bring the word for stock up to date on the cards of these variants."""
    await product_cards.refresh_availability(connection, variant_ids, now)


async def refresh_availability_of_products(
    connection: Connection, *, product_ids: Sequence[UUID], now: datetime
) -> None:
    """Bring the word for stock up to date on the cards of these products."""
    await product_cards.refresh_availability_of_products(connection, product_ids, now)


async def refresh_products(
    connection: Connection, *, product_ids: Sequence[UUID], now: datetime
) -> None:
    """Write the cards of these products anew."""
    await product_cards.refresh_cards(connection, product_ids, now)


async def refresh_sellers(
    connection: Connection, *, seller_ids: Sequence[UUID], now: datetime
) -> None:
    """Write the cards of all products of these sellers anew."""
    await product_cards.refresh_cards_of_sellers(connection, seller_ids, now)
