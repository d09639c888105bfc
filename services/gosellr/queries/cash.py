"""Cash on delivery: which sellers take it, what was promised, what came, and what was refused."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from uuid import UUID

from gosellr.core.db import Connection

LIMITS = """
SELECT seller_id, limit_minor FROM cash_terms WHERE seller_id = ANY($1::uuid[]) AND currency = $2
"""

SELLER = "SELECT id FROM seller WHERE id = $1"

TERMS = "SELECT currency, limit_minor FROM cash_terms WHERE seller_id = $1 ORDER BY currency"

REPLACE_TERMS = """
WITH wanted AS (
    SELECT * FROM unnest($2::text[], $3::bigint[]) AS line (currency, limit_minor)
), gone AS (
    DELETE FROM cash_terms
    WHERE seller_id = $1 AND currency NOT IN (SELECT currency::bpchar FROM wanted)
)
INSERT INTO cash_terms (seller_id, currency, limit_minor, changed_by, changed_at)
SELECT $1, currency, limit_minor, $4, $5 FROM wanted
ON CONFLICT (seller_id, currency) DO UPDATE
SET limit_minor = EXCLUDED.limit_minor, changed_by = EXCLUDED.changed_by,
    changed_at = EXCLUDED.changed_at
"""

# The goods are held for good: the buyer has nothing to do before they are at the door.
PROMISE = """
WITH told AS (
    SELECT * FROM unnest($2::uuid[], $3::uuid[]) AS pair (payment_id, part_id)
), promised AS (
    UPDATE payment
    SET status = 'authorized', seller_order_id = told.part_id, check_at = NULL, updated_at = $4
    FROM told WHERE payment.id = told.payment_id AND payment.status = 'created'
    RETURNING payment.id
), beside AS (
    UPDATE payment SET seller_order_id = told.part_id, updated_at = $4
    FROM unnest($6::uuid[], $7::uuid[]) AS told (payment_id, part_id)
    WHERE payment.id = told.payment_id AND payment.status = 'authorized'
      AND payment.account IS NOT NULL
    RETURNING payment.id
), parts AS (
    UPDATE seller_order SET status = 'processing', ship_by = $5, version = version + 1
    WHERE order_id = $1 AND status = 'pending_payment'
), holds AS (
    UPDATE stock_reservation SET expires_at = NULL
    WHERE order_id = $1 AND shipped_quantity + released_quantity < quantity
), whole AS (
    UPDATE orders
    SET status = 'processing', payment_status = 'authorized', expires_at = NULL,
        version = version + 1
    WHERE id = $1 AND status = 'pending_payment'
)
SELECT (SELECT count(*) FROM promised) + (SELECT count(*) FROM beside)
"""

COLLECT = """
WITH collected AS (
    UPDATE payment SET status = 'captured', captured_minor = amount_minor, updated_at = $5
    WHERE id = $3 AND status = 'authorized'
), part AS (
    UPDATE seller_order SET pending_minor = pending_minor + $4 WHERE id = $2
)
UPDATE orders SET captured_minor = captured_minor + $6, version = version + 1 WHERE id = $1
"""

DROP = """
UPDATE payment SET status = 'voided', updated_at = $2
WHERE id = $1 AND status = 'authorized'
RETURNING id
"""

# Once no cash is awaited any more, the order is as paid as it will ever be.
CONCLUDE = """
UPDATE orders
SET payment_status = $2, paid_at = CASE WHEN $3 THEN COALESCE(paid_at, $4) ELSE paid_at END
WHERE id = $1
"""

# What a refused parcel brings back is on the shelf again, where it came from.
TAKE_BACK = """
WITH gone AS MATERIALIZED (
    SELECT variant_id, location_id, bucket, sum(shipped_quantity) AS units
    FROM stock_reservation WHERE seller_order_id = $1 AND shipped_quantity > 0
    GROUP BY variant_id, location_id, bucket
), locked AS MATERIALIZED (
    SELECT level.variant_id, level.location_id, level.bucket
    FROM stock_level AS level
    WHERE (level.variant_id, level.location_id, level.bucket)
          IN (SELECT variant_id, location_id, bucket FROM gone)
    ORDER BY level.variant_id, level.location_id, level.bucket
    FOR UPDATE
), moved AS (
    UPDATE stock_level AS level SET on_hand = level.on_hand + gone.units
    FROM gone JOIN locked USING (variant_id, location_id, bucket)
    WHERE level.variant_id = gone.variant_id AND level.location_id = gone.location_id
      AND level.bucket = gone.bucket
), journal AS (
    INSERT INTO stock_movement (variant_id, location_id, bucket, kind, delta, reason, cause_type,
                                cause_id, actor_id, at)
    SELECT variant_id, location_id, bucket, 'returned', units, 'refused', 'seller_order', $1, $2,
           $3
    FROM gone
)
SELECT DISTINCT variant_id FROM gone ORDER BY variant_id
"""


async def limits(
    connection: Connection, *, seller_ids: Sequence[UUID], currency: str
) -> dict[UUID, int]:
    """Up to how much those of these sellers who take cash take of one order."""
    rows = await connection.fetch(LIMITS, list(seller_ids), currency)
    return {row["seller_id"]: row["limit_minor"] for row in rows}


async def is_seller(connection: Connection, *, seller_id: UUID) -> bool:
    """Whether there is such a seller."""
    return await connection.fetchval(SELLER, seller_id) is not None


async def terms(connection: Connection, *, seller_id: UUID) -> dict[str, int]:
    """Up to how much a seller takes in cash of one order, by currency."""
    rows = await connection.fetch(TERMS, seller_id)
    return {row["currency"]: row["limit_minor"] for row in rows}


async def replace_terms(
    connection: Connection,
    *,
    seller_id: UUID,
    limits_minor: Mapping[str, int],
    changed_by: UUID | None,
    now: datetime,
) -> None:
    """Say anew which currencies a seller takes cash in, and up to how much."""
    await connection.execute(
        REPLACE_TERMS,
        seller_id,
        list(limits_minor),
        list(limits_minor.values()),
        changed_by,
        now,
    )


async def promise(
    connection: Connection,
    *,
    order_id: UUID,
    pairs: Sequence[tuple[UUID, UUID]],
    beside: Sequence[tuple[UUID, UUID]],
    ship_by: datetime,
    now: datetime,
) -> int:
    """Confirm an order that waits for its money: it is paid at the door. `pairs` are its attempts
    and the parts whose cash they are, `beside` what stored value pays of parts; gives how many of
    all of these it was."""
    promised: int = await connection.fetchval(
        PROMISE,
        order_id,
        [payment_id for payment_id, _ in pairs],
        [part_id for _, part_id in pairs],
        now,
        ship_by,
        [payment_id for payment_id, _ in beside],
        [part_id for _, part_id in beside],
    )
    return promised


async def collect(
    connection: Connection,
    *,
    order_id: UUID,
    part_id: UUID,
    payment_id: UUID | None,
    pending_minor: int,
    captured_minor: int,
    now: datetime,
) -> None:
    """A part's cash is there, and its seller's pending money risen by what isn't cash."""
    await connection.execute(
        COLLECT, order_id, part_id, payment_id, pending_minor, now, captured_minor
    )


async def drop(connection: Connection, *, payment_id: UUID, now: datetime) -> bool:
    """Nobody collects it any more; False where it was collected."""
    return await connection.fetchval(DROP, payment_id, now) is not None


async def conclude(
    connection: Connection, *, order_id: UUID, payment_status: str, is_paid: bool, now: datetime
) -> None:
    """Say what the money of an order is doing, and that no more is awaited."""
    await connection.execute(CONCLUDE, order_id, payment_status, is_paid, now)


async def take_back(
    connection: Connection, *, part_id: UUID, actor_id: UUID | None, now: datetime
) -> list[UUID]:
    """Put a part's shipped units back where they came from; gives their variants."""
    rows = await connection.fetch(TAKE_BACK, part_id, actor_id, now)
    return [row["variant_id"] for row in rows]
