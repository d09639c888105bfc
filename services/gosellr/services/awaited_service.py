"""Money that is waited for, as operators look at it: transfers, and cash at doors."""

from uuid import UUID

from gosellr.core.db import Connection
from gosellr.core.errors import NotFound
from gosellr.core.pagination import Page, after_moment, page_by_moment
from gosellr.models.offline_values import AwaitedCash, AwaitedTransfer
from gosellr.queries import awaited


async def list_transfers(
    connection: Connection, *, cursor: str | None, limit: int
) -> Page[AwaitedTransfer]:
    """Transfers that buyers were asked for, those whose time is over the soonest first.

    Raises:
        InvalidInput: the cursor isn't one of ours.
    """
    after = after_moment(cursor)
    rows = await awaited.transfers(connection, after=after, limit=limit + 1)
    return page_by_moment(rows, limit=limit, key_of=lambda one: (one.expires_at, one.payment_id))


async def list_cash(connection: Connection, *, cursor: str | None, limit: int) -> Page[AwaitedCash]:
    """Parcels that are paid at the door, the oldest orders first.

    Raises:
        InvalidInput: the cursor isn't one of ours.
    """
    after = after_moment(cursor)
    rows = await awaited.cash(connection, after=after, limit=limit + 1)
    return page_by_moment(
        rows, limit=limit, key_of=lambda one: (one.placed_at, one.seller_order_id)
    )


async def find_cash(connection: Connection, *, seller_order_id: UUID) -> AwaitedCash:
    """What is awaited at the door for a part. Raises `NotFound`: nothing is, or not any more."""
    found = await awaited.find_cash(connection, seller_order_id=seller_order_id)
    if found is None:
        raise NotFound
    return found
