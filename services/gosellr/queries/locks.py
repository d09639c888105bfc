"""Every lock on rows that several commands fight over, in the one declared order.

catalogue → product → order → seller_order → order_line → stock_level → coupon → gift_card →
payout_settings → ledger_balance → payout; within a table by ascending id. A command on an order
locks the order's row first, and so owns its parts, lines, payments and refunds. (Stock, coupons
and balances are locked by the statements that change them; stock before them where all its
buckets must be known.)

The catalogue is shared by those who write listings and their cards, and kept by whoever changes
the tree that all cards are made of.
"""

from collections.abc import Collection, Sequence
from datetime import datetime
from uuid import UUID

from gosellr.core.db import Connection
from gosellr.queries.sweep_delays import has_its_turn

_CATALOGUE = "hashtextextended('gosellr.catalogue', 0)"

CATALOGUE = f"SELECT pg_advisory_xact_lock({_CATALOGUE})"

_CATALOGUE_IF_FREE = f"SELECT pg_try_advisory_xact_lock({_CATALOGUE})"

# The join can't begin before the catalogue is held: it asks for what holding it gave.
_LISTINGS = f"""
SELECT FROM (SELECT pg_advisory_xact_lock_shared({_CATALOGUE}) IS NULL AS free) AS catalogue
LEFT JOIN LATERAL (
    SELECT FROM product WHERE NOT catalogue.free AND %s
    ORDER BY product.id FOR NO KEY UPDATE
) AS held ON true
"""
LISTINGS = _LISTINGS % "product.id = ANY($1::uuid[])"
LISTINGS_OF_SELLERS = _LISTINGS % "product.seller_id = ANY($1::uuid[])"

CART = "SELECT status FROM cart WHERE id = $1 FOR UPDATE"

ORDER = "SELECT id FROM orders WHERE id = $1 FOR UPDATE"

# What was changed while its lock was waited for isn't the version that the statement began with.
STOCK = """
WITH seen AS MATERIALIZED (
    SELECT variant_id, location_id, bucket, xmin AS version
    FROM stock_level WHERE variant_id = ANY($1::uuid[])
), locked AS MATERIALIZED (
    SELECT variant_id, location_id, bucket, xmin AS version
    FROM stock_level WHERE variant_id = ANY($1::uuid[])
    ORDER BY variant_id, location_id, bucket
    FOR UPDATE
)
SELECT DISTINCT variant_id FROM seen LEFT JOIN locked USING (variant_id, location_id, bucket)
WHERE locked.version IS DISTINCT FROM seen.version
"""

EXPIRED_ORDERS = f"""
SELECT id FROM orders
WHERE status = 'pending_payment' AND expires_at <= $1
  -- While a gateway is silent its orders wait, without holding up the others.
  AND NOT EXISTS (
    SELECT FROM payment
    WHERE payment.order_id = orders.id AND payment.status IN ('created', 'unknown')
      AND payment.check_at > $1)
  AND {has_its_turn("holds", "orders.id")}
ORDER BY expires_at LIMIT $2
"""


async def catalogue(connection: Connection) -> None:
    """Keep the tree and all listings to oneself: every command that had begun to write some has
    ended, and none begins before this one ends."""
    await connection.execute(CATALOGUE)


async def catalogue_if_free(connection: Connection) -> bool:
    """Keep the tree and all listings to oneself unless somebody is writing some: then False, and
    nothing is kept."""
    free: bool = await connection.fetchval(_CATALOGUE_IF_FREE)
    return free


async def listings(connection: Connection, *, product_ids: Sequence[UUID]) -> None:
    """Lock listings and their cards; without any, have no part in a change of the tree."""
    await connection.execute(LISTINGS, product_ids)


async def listings_of_sellers(connection: Connection, *, seller_ids: Sequence[UUID]) -> None:
    """Lock all listings of these sellers and their cards."""
    await connection.execute(LISTINGS_OF_SELLERS, seller_ids)


async def cart(connection: Connection, *, cart_id: UUID) -> str | None:
    """Lock a cart; gives its status."""
    status: str | None = await connection.fetchval(CART, cart_id)
    return status


async def order(connection: Connection, *, order_id: UUID) -> bool:
    """Lock an order and with it everything that belongs to it; False when there is none."""
    return await connection.fetchval(ORDER, order_id) is not None


async def stock(connection: Connection, *, variant_ids: Collection[UUID]) -> list[UUID]:
    """Lock all stock of variants; gives those that a rival had to be waited for.

    Until the end of the transaction nobody spreads or gathers it, so that the next statement
    sees every bucket there is.
    """
    return [row["variant_id"] for row in await connection.fetch(STOCK, list(variant_ids))]


async def expired_orders(connection: Connection, *, now: datetime, limit: int) -> list[UUID]:
    """Orders whose hold has run out, oldest first. Not locked: each is looked at by itself."""
    return [row["id"] for row in await connection.fetch(EXPIRED_ORDERS, now, limit)]
