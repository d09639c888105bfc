"""Cases that wait for an operator: reminded of in time, and marked when the time is over."""

from datetime import datetime, timedelta
from uuid import UUID

from gosellr.core.db import Connection
from gosellr.queries.sweep_delays import has_its_turn

DUE = f"""
SELECT id FROM dispute
WHERE due_at <= $1::timestamptz + $2::interval AND status IN ('under_review', 'appealed')
  AND (review_reminded_at IS NULL OR (due_at <= $1 AND review_overdue_at IS NULL))
  AND {has_its_turn("reviews", "dispute.id")}
ORDER BY due_at, id LIMIT $3
"""
MARK = """
UPDATE dispute
SET review_reminded_at = COALESCE(review_reminded_at, $2),
    review_overdue_at = CASE WHEN $3 THEN COALESCE(review_overdue_at, $2)
                             ELSE review_overdue_at END,
    version = version + 1
WHERE id = $1
"""


async def due(
    connection: Connection, *, now: datetime, reminder: timedelta, limit: int
) -> list[UUID]:
    """Cases whose review ends within the reminder's time and wasn't reminded of, or is over and
    wasn't marked."""
    return [row["id"] for row in await connection.fetch(DUE, now, reminder, limit)]


async def mark(
    connection: Connection, *, dispute_id: UUID, is_overdue: bool, now: datetime
) -> None:
    """Write down that operators were reminded of a locked case, or that their time is over."""
    await connection.execute(MARK, dispute_id, now, is_overdue)
