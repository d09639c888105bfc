"""Sales whose hold is over: taken by one worker at a time, each released once."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from gosellr.core.db import Connection
from gosellr.models.payout_values import UpcomingRelease
from gosellr.queries.sweep_delays import has_its_turn
from gosellr.utils.lazy_dataclasses import dataclass

# Both rows are locked, so that each is read as it is now and not as it was when the statement
# began: whoever comes second finds the sale released. What somebody works on is left for later.
DUE = f"""
SELECT id FROM seller_order
WHERE release_due_at <= $1 AND released_at IS NULL
  AND {has_its_turn("releases", "seller_order.id")}
ORDER BY release_due_at, id LIMIT $2
"""

TAKE_DUE = f"""
SELECT part.id, part.order_id, part.seller_id, part.currency, part.pending_minor
FROM seller_order AS part JOIN orders ON orders.id = part.order_id
WHERE part.release_due_at <= $1 AND part.released_at IS NULL
  AND ($3::uuid IS NULL OR part.id = $3) AND {has_its_turn("releases", "part.id")}
ORDER BY part.release_due_at, part.id
LIMIT $2
FOR UPDATE OF orders, part SKIP LOCKED
"""

MARK_RELEASED = """
UPDATE seller_order
SET pending_minor = 0, released_at = $2, version = version + 1
WHERE id = ANY($1::uuid[]) AND released_at IS NULL
"""

# What is to be delivered first has no day yet.
UPCOMING = """
SELECT currency, (release_due_at AT TIME ZONE 'UTC')::date::text AS day, sum(pending_minor)::bigint
FROM seller_order
WHERE seller_id = $1 AND pending_minor > 0 AND released_at IS NULL
GROUP BY currency, day ORDER BY currency, day NULLS LAST
LIMIT 400
"""


@dataclass(frozen=True, slots=True)
class DueSale:
    """A seller order whose money may leave the hold."""

    id: UUID
    order_id: UUID
    seller_id: UUID
    currency: str
    pending_minor: int


async def due(connection: Connection, *, now: datetime, limit: int) -> list[UUID]:
    """The next due sales, whoever works on them."""
    return [row["id"] for row in await connection.fetch(DUE, now, limit)]


async def take_due(
    connection: Connection, *, now: datetime, limit: int, only: UUID | None = None
) -> list[DueSale]:
    """The next due sales that nobody else works on, or one of them, locked with their orders."""
    return [DueSale(*row) for row in await connection.fetch(TAKE_DUE, now, limit, only)]


async def mark_released(connection: Connection, *, ids: Sequence[UUID], now: datetime) -> int:
    """Nothing of these sales is pending any more; gives how many it was true of only now."""
    status: str = await connection.execute(MARK_RELEASED, list(ids), now)
    return int(status.rsplit(" ", 1)[1])


async def upcoming(connection: Connection, *, seller_id: UUID) -> list[UpcomingRelease]:
    """When a seller's pending money becomes available, by currency and day."""
    return [UpcomingRelease(*row) for row in await connection.fetch(UPCOMING, seller_id)]
