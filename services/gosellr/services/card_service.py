"""Product cards after something beside the product has changed: its stock, reviews, seller.

What really changed is told, so that whoever keeps cards or pages looks at them again.
"""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from gosellr.core.db import Connection
from gosellr.models.catalogue_names import offers_changed
from gosellr.queries import locks, outbox, product_cards


async def find_misstated(connection: Connection, *, product_ids: Sequence[UUID]) -> Sequence[UUID]:
    """Those of these products whose cards may have another word for stock than there is.

    In a transaction of its own, before `refresh_availability`: of what is sold hardly anything is
    sold out, and to lock a listing writes its page. While somebody else is writing a listing, all
    of them may: it may have seen the stock as it was before.
    """
    if not await locks.catalogue_if_free(connection):
        return product_ids
    return await product_cards.misstated(connection, product_ids)


async def refresh_availability(
    connection: Connection, *, product_ids: Sequence[UUID], now: datetime
) -> None:
    """Bring the word for stock up to date on the cards of these products."""
    await locks.listings(connection, product_ids=product_ids)
    changed = await product_cards.refresh_availability(connection, product_ids, now)
    await _tell(connection, changed, now)


async def refresh_products(
    connection: Connection, *, product_ids: Sequence[UUID], now: datetime
) -> None:
    """Write the cards of these products anew."""
    await locks.listings(connection, product_ids=product_ids)
    await _tell(connection, await product_cards.refresh_cards(connection, product_ids, now), now)


async def await_writers(connection: Connection) -> None:
    """Wait for the commands that are writing listings, and may have seen a seller as it was.

    In a transaction of its own, before `refresh_sellers`: what they wrote is seen there, and
    whoever begins after this sees the seller as it is.
    """
    await locks.catalogue(connection)


async def refresh_sellers(
    connection: Connection, *, seller_ids: Sequence[UUID], now: datetime
) -> None:
    """Write the cards of all products of these sellers anew."""
    await locks.listings_of_sellers(connection, seller_ids=seller_ids)
    changed = await product_cards.refresh_cards_of_sellers(connection, seller_ids, now)
    await _tell(connection, changed, now)


async def _tell(connection: Connection, changed: Sequence[UUID], now: datetime) -> None:
    if changed:
        await outbox.append(connection, offers_changed(changed[0], changed), now=now)
