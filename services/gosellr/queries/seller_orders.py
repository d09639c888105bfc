"""Steps of seller orders: the status, the moment it was reached, and what the order becomes."""

from collections.abc import Mapping
from datetime import datetime
from uuid import UUID

from gosellr.core.db import Connection

# A delivery reported by a carrier after the buyer has confirmed it moves no deadline.
TAKE_STEPS = """
WITH parts AS (
    UPDATE seller_order AS part
    SET status = step.status,
        version = part.version + 1,
        shipped_at = CASE WHEN step.status = 'shipped'
            THEN COALESCE(part.shipped_at, $6) ELSE part.shipped_at END,
        delivered_at = CASE WHEN step.status = 'delivered'
            THEN COALESCE(part.delivered_at, $6) ELSE part.delivered_at END,
        release_due_at = CASE step.status WHEN 'delivered' THEN $7 WHEN 'completed' THEN $6
            ELSE part.release_due_at END,
        completed_at = CASE WHEN step.status = 'completed' THEN $6 ELSE part.completed_at END,
        cancelled_at = CASE WHEN step.status = 'cancelled' THEN $6 ELSE part.cancelled_at END,
        cancel_reason = CASE WHEN step.status = 'cancelled' THEN $8 ELSE part.cancel_reason END
    FROM unnest($4::uuid[], $5::text[]) AS step (id, status)
    WHERE part.id = step.id AND part.order_id = $1 AND part.status <> step.status
    RETURNING part.id
), whole AS (
    UPDATE orders SET status = $2, payment_status = $3 WHERE id = $1
)
SELECT count(*) FROM parts
"""


async def take_steps(
    connection: Connection,
    *,
    order_id: UUID,
    status: str,
    payment_status: str,
    parts: Mapping[UUID, str],
    now: datetime,
    release_due_at: datetime | None,
    reason: str | None,
) -> int:
    """Write the status of the order and of those parts that move; gives how many moved."""
    moved: int = await connection.fetchval(
        TAKE_STEPS,
        order_id,
        status,
        payment_status,
        list(parts),
        list(parts.values()),
        now,
        release_due_at,
        reason,
    )
    return moved
