"""What operators want to book by hand: prepared by one, decided once by another."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from gosellr.core.db import Connection
from gosellr.models.balance_values import Adjustment

_ADJUSTMENT = """
SELECT id, kind, status, reason, entries, seller_id, prepared_by, prepared_at, decided_by,
       decided_at, decision_note, transaction_id
FROM adjustment
"""
FIND = f"{_ADJUSTMENT} WHERE id = $1"
LOCK = f"{_ADJUSTMENT} WHERE id = $1 FOR UPDATE"
LIST = f"""{_ADJUSTMENT}
WHERE ($1::text IS NULL OR status = $1) AND ($2::text IS NULL OR kind = $2)
  AND ($3::timestamptz IS NULL OR (prepared_at, id) < ($3, $4::uuid))
ORDER BY prepared_at DESC, id DESC
LIMIT $5
"""
ADD = """
INSERT INTO adjustment (id, kind, reason, entries, seller_id, prepared_by, prepared_at)
VALUES ($1, $2, $3, $4, $5, $6, $7)
"""
DECIDE = """
UPDATE adjustment
SET status = $2, decided_by = $3, decided_at = $4, decision_note = $5, transaction_id = $6
WHERE id = $1 AND status = 'prepared'
RETURNING id
"""
UNKNOWN_SELLERS = """
SELECT ARRAY(SELECT id FROM unnest($1::uuid[]) AS named (id)
             WHERE NOT EXISTS (SELECT FROM seller WHERE seller.id = named.id) ORDER BY id)
"""


async def find(connection: Connection, *, adjustment_id: UUID) -> Adjustment | None:
    """An adjustment as it stands."""
    row = await connection.fetchrow(FIND, adjustment_id)
    return None if row is None else Adjustment(**row)


async def lock(connection: Connection, *, adjustment_id: UUID) -> Adjustment | None:
    """The same for whoever decides about it."""
    row = await connection.fetchrow(LOCK, adjustment_id)
    return None if row is None else Adjustment(**row)


async def list_adjustments(
    connection: Connection,
    *,
    status: str | None,
    kind: str | None,
    after: tuple[datetime, UUID] | None,
    limit: int,
) -> list[Adjustment]:
    """Adjustments, newest first."""
    rows = await connection.fetch(LIST, status, kind, *(after or (None, None)), limit)
    return [Adjustment(**row) for row in rows]


async def add(
    connection: Connection,
    *,
    adjustment_id: UUID,
    kind: str,
    reason: str,
    entries: Sequence[Mapping[str, Any]],
    seller_id: UUID | None,
    user_id: UUID,
    now: datetime,
) -> None:
    """Write down what somebody wants to book."""
    await connection.execute(
        ADD, adjustment_id, kind, reason, list(entries), seller_id, user_id, now
    )


async def decide(
    connection: Connection,
    *,
    adjustment_id: UUID,
    status: str,
    user_id: UUID,
    note: str | None,
    transaction_id: UUID | None,
    now: datetime,
) -> bool:
    """Write down what became of it; False when that was decided before."""
    done = await connection.fetchval(
        DECIDE, adjustment_id, status, user_id, now, note, transaction_id
    )
    return done is not None


async def unknown_sellers(connection: Connection, *, seller_ids: Sequence[UUID]) -> list[UUID]:
    """Which of these sellers don't exist."""
    unknown: list[UUID] = await connection.fetchval(UNKNOWN_SELLERS, list(seller_ids))
    return unknown
