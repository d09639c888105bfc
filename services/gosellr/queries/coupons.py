"""Coupons and the uses they have left, taken and given back by one statement each.

Rows are locked in the order coupon → customer, within each by coupon id.
"""

from collections.abc import Mapping
from datetime import datetime
from uuid import UUID

from gosellr.core.db import Connection

# A rival that was first makes the conditions false for the row as it is by then; what can't be
# taken is missing from the answer.
CLAIM = """
WITH wanted AS (
    SELECT * FROM unnest($1::uuid[], $2::bigint[]) AS use (coupon_id, discount_minor)
), locked AS MATERIALIZED (
    SELECT coupon.id FROM coupon
    WHERE coupon.id = ANY($1::uuid[])
    ORDER BY coupon.id
    FOR NO KEY UPDATE
), counted AS (
    UPDATE coupon SET used_count = coupon.used_count + 1
    FROM locked
    WHERE coupon.id = locked.id
      AND (coupon.limit_total IS NULL OR coupon.used_count < coupon.limit_total)
    RETURNING coupon.id, coupon.limit_per_customer
), personal AS (
    INSERT INTO coupon_customer (coupon_id, customer_key, used_count)
    SELECT id, $4, 1 FROM counted ORDER BY id
    ON CONFLICT (coupon_id, customer_key) DO UPDATE
        SET used_count = coupon_customer.used_count + 1
        WHERE coupon_customer.used_count < (
            SELECT COALESCE(coupon.limit_per_customer, 2147483647) FROM coupon
            WHERE coupon.id = EXCLUDED.coupon_id)
    RETURNING coupon_id
)
INSERT INTO coupon_redemption (coupon_id, order_id, customer_key, discount_minor, created_at)
SELECT wanted.coupon_id, $3, $4, wanted.discount_minor, $5
FROM wanted JOIN personal USING (coupon_id)
RETURNING coupon_id
"""

RELEASE = """
WITH freed AS MATERIALIZED (
    UPDATE coupon_redemption SET status = 'released'
    WHERE order_id = $1 AND status = 'held'
    RETURNING coupon_id, customer_key
), locked AS MATERIALIZED (
    SELECT coupon.id FROM coupon
    WHERE coupon.id IN (SELECT coupon_id FROM freed)
    ORDER BY coupon.id
    FOR NO KEY UPDATE
), lowered AS (
    UPDATE coupon SET used_count = coupon.used_count - 1
    FROM locked WHERE coupon.id = locked.id
    RETURNING coupon.id
)
UPDATE coupon_customer SET used_count = coupon_customer.used_count - 1
FROM freed JOIN lowered ON lowered.id = freed.coupon_id
WHERE coupon_customer.coupon_id = freed.coupon_id
  AND coupon_customer.customer_key = freed.customer_key
RETURNING coupon_customer.coupon_id
"""

REDEEM = """
UPDATE coupon_redemption SET status = 'redeemed'
WHERE order_id = $1 AND status = 'held'
RETURNING coupon_id
"""


async def claim(
    connection: Connection,
    *,
    discounts: Mapping[UUID, int],
    order_id: UUID,
    customer_key: str,
    now: datetime,
) -> set[UUID]:
    """Take one use of each coupon for an order that exists; gives those that had one left."""
    rows = await connection.fetch(
        CLAIM, list(discounts), list(discounts.values()), order_id, customer_key, now
    )
    return {row["coupon_id"] for row in rows}


async def release(connection: Connection, *, order_id: UUID) -> int:
    """Give back what the order holds; gives how many uses. Twice gives nothing."""
    return len(await connection.fetch(RELEASE, order_id))


async def redeem(connection: Connection, *, order_id: UUID) -> int:
    """Make what the order holds final; gives how many uses."""
    return len(await connection.fetch(REDEEM, order_id))
