"""Every lock on rows that several commands fight over, in the one declared order.

order → seller_order → order_line → stock_level → coupon → ledger_balance; within a table
by ascending id. A command on an order locks the order's row first, and so owns its parts,
lines, payments and refunds. (Stock, coupons and balances are locked by the statements that
change them; stock before them where all its buckets must be known.)
"""

from collections.abc import Collection
from datetime import datetime
from uuid import UUID

from gosellr.core.db import Connection

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

EXPIRED_ORDERS = """
SELECT id FROM orders
WHERE status = 'pending_payment' AND expires_at <= $1
  -- While a gateway is silent its orders wait, without holding up the others.
  AND NOT EXISTS (
    SELECT FROM payment
    WHERE payment.order_id = orders.id AND payment.status IN ('created', 'unknown')
      AND payment.check_at > $1)
ORDER BY expires_at LIMIT $2
"""


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
