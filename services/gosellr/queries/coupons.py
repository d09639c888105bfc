"""Coupons and the uses they have left, taken and given back by one statement each.

Rows are locked in the order coupon → customer, within each by coupon id.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from uuid import UUID

from gosellr.core.db import Connection, Record
from gosellr.models.term_values import ListedCoupon
from gosellr.queries.market_terms import coupon_of, moment_of, other_customer_keys

# A rival that was first makes the conditions false for the row as it is by then; what can't be
# taken is missing from the answer. What the same person used under another name counts as it was
# when the statement began, so it begins once the rows are held: whoever was first is counted.
HOLD = """
SELECT id FROM coupon WHERE id = ANY($1::uuid[]) ORDER BY id FOR NO KEY UPDATE
"""
CLAIM = f"""
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
), elsewhere AS (
    SELECT coupon_id, sum(used_count) AS used_count FROM coupon_customer
    WHERE coupon_id = ANY($1::uuid[]) AND customer_key IN ({other_customer_keys("$4")})
    GROUP BY coupon_id
), personal AS (
    INSERT INTO coupon_customer (coupon_id, customer_key, used_count)
    SELECT counted.id, $4, 1
    FROM counted LEFT JOIN elsewhere ON elsewhere.coupon_id = counted.id
    WHERE counted.limit_per_customer IS NULL
       OR COALESCE(elsewhere.used_count, 0) < counted.limit_per_customer
    ORDER BY counted.id
    ON CONFLICT (coupon_id, customer_key) DO UPDATE
        SET used_count = coupon_customer.used_count + 1
        WHERE coupon_customer.used_count + COALESCE(
            (SELECT elsewhere.used_count FROM elsewhere
             WHERE elsewhere.coupon_id = EXCLUDED.coupon_id), 0) < (
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


LIST = """
SELECT to_jsonb(coupon) AS coupon FROM coupon
WHERE archived_at IS NULL
  AND ($1::bool OR seller_id = ANY($2::uuid[]))
  AND ($3::uuid IS NULL OR seller_id = $3)
  AND ($4::uuid IS NULL OR id > $4)
ORDER BY id LIMIT $5
"""

LOCK = """
SELECT to_jsonb(coupon) AS coupon FROM coupon
WHERE id = $1 AND archived_at IS NULL FOR NO KEY UPDATE
"""

ADD = """
INSERT INTO coupon (id, code, kind, value_bps, amount_minor, currency, minimum_minor, seller_id,
                    funded_by, marketplace_share_bps, limit_total, limit_per_customer,
                    valid_from, valid_to, created_at)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15)
ON CONFLICT (code) DO NOTHING
RETURNING id
"""

SET = """
UPDATE coupon
SET value_bps = $2, amount_minor = $3, currency = $4, minimum_minor = $5, limit_total = $6,
    limit_per_customer = $7, valid_from = $8, valid_to = $9
WHERE id = $1
"""

ARCHIVE = "UPDATE coupon SET archived_at = $2 WHERE id = $1"


async def claim(
    connection: Connection,
    *,
    discounts: Mapping[UUID, int],
    order_id: UUID,
    customer_key: str,
    now: datetime,
) -> set[UUID]:
    """Take one use of each coupon for an order that exists; gives those that had one left."""
    await connection.execute(HOLD, list(discounts))
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


def _listed(row: Record) -> ListedCoupon:
    document = row["coupon"]
    offered = coupon_of(document)
    return ListedCoupon(
        id=offered.id,
        terms=offered.terms,
        limit_total=offered.limit_total,
        limit_per_customer=offered.limit_per_customer,
        used_count=document["used_count"],
        valid_from=moment_of(document["valid_from"]),
        valid_to=moment_of(document["valid_to"]),
    )


async def list_coupons(
    connection: Connection,
    *,
    everything: bool,
    seller_ids: Sequence[UUID],
    seller_id: UUID | None,
    after_id: UUID | None,
    limit: int,
) -> list[ListedCoupon]:
    """The coupons of these sellers, or all of them, or those of one seller."""
    rows = await connection.fetch(LIST, everything, list(seller_ids), seller_id, after_id, limit)
    return [_listed(row) for row in rows]


async def lock(connection: Connection, *, coupon_id: UUID) -> ListedCoupon | None:
    """A coupon, held until the transaction ends; nobody takes a use of it meanwhile."""
    row = await connection.fetchrow(LOCK, coupon_id)
    return None if row is None else _listed(row)


async def add(connection: Connection, *, coupon: ListedCoupon, now: datetime) -> bool:
    """Keep a new coupon; False when its code is taken."""
    terms = coupon.terms
    added = await connection.fetchval(
        ADD,
        coupon.id,
        terms.code,
        terms.kind,
        terms.value_bps or None,
        terms.amount_minor or None,
        terms.currency,
        terms.minimum_minor,
        terms.seller_id,
        terms.funded_by,
        terms.marketplace_share_bps,
        coupon.limit_total,
        coupon.limit_per_customer,
        coupon.valid_from,
        coupon.valid_to,
        now,
    )
    return added is not None


async def set_coupon(connection: Connection, *, coupon: ListedCoupon) -> None:
    """Keep a coupon's figures, limits and dates as they stand in the value."""
    terms = coupon.terms
    await connection.execute(
        SET,
        coupon.id,
        terms.value_bps or None,
        terms.amount_minor or None,
        terms.currency,
        terms.minimum_minor,
        coupon.limit_total,
        coupon.limit_per_customer,
        coupon.valid_from,
        coupon.valid_to,
    )


async def archive(connection: Connection, *, coupon_id: UUID, now: datetime) -> None:
    """The code can't be used any more."""
    await connection.execute(ARCHIVE, coupon_id, now)
