"""Payouts that are to be called back: asked for one at a time, answered once."""

from datetime import datetime
from uuid import UUID

from gosellr.core.db import Connection, Record
from gosellr.models.connected_values import PayoutRecall
from gosellr.queries.sweep_delays import has_its_turn

_READ = """
SELECT id, payout_id, status, reason, asked_at, refusal, finished_at, check_count
FROM payout_recall
"""
ASK = """
INSERT INTO payout_recall (id, payout_id, status, reason, asked_by, asked_at, check_at)
VALUES ($1, $2, 'pending', $3, $4, $5, $6)
ON CONFLICT (payout_id) WHERE status = 'pending' DO NOTHING
RETURNING id
"""
PENDING = f"{_READ} WHERE payout_id = $1 AND status = 'pending'"
LATEST = f"{_READ} WHERE payout_id = $1 ORDER BY asked_at DESC, id DESC LIMIT 1"
FINISH = """
UPDATE payout_recall
SET status = CASE WHEN $2::text IS NULL THEN 'done' ELSE 'refused' END, refusal = $2,
    finished_at = $3, check_at = NULL
WHERE id = $1 AND status = 'pending'
RETURNING id
"""
POSTPONE = """
UPDATE payout_recall SET check_at = $2, check_count = check_count + 1
WHERE id = $1 AND status = 'pending'
"""
DUE = f"""
SELECT payout_id FROM payout_recall
WHERE check_at <= $1 AND {has_its_turn("recalls", "payout_recall.payout_id")}
ORDER BY check_at LIMIT $2
"""


def _recall(row: Record | None) -> PayoutRecall | None:
    return None if row is None else PayoutRecall(**row)


async def ask(
    connection: Connection,
    *,
    recall_id: UUID,
    payout_id: UUID,
    reason: str,
    user_id: UUID | None,
    now: datetime,
    check_at: datetime,
) -> bool:
    """Write that a payout is to be called back; False while that was asked for already."""
    done = await connection.fetchval(ASK, recall_id, payout_id, reason, user_id, now, check_at)
    return done is not None


async def pending(connection: Connection, *, payout_id: UUID) -> PayoutRecall | None:
    """What still waits for the provider's answer."""
    return _recall(await connection.fetchrow(PENDING, payout_id))


async def latest(connection: Connection, *, payout_id: UUID) -> PayoutRecall | None:
    """The last one of a payout."""
    return _recall(await connection.fetchrow(LATEST, payout_id))


async def finish(
    connection: Connection, *, recall_id: UUID, refusal: str | None, now: datetime
) -> bool:
    """Write down the answer, once; False when it was before."""
    return await connection.fetchval(FINISH, recall_id, refusal, now) is not None


async def postpone(connection: Connection, *, recall_id: UUID, check_at: datetime) -> None:
    """Ask the provider again later."""
    await connection.execute(POSTPONE, recall_id, check_at)


async def due(connection: Connection, *, now: datetime, limit: int) -> list[UUID]:
    """The payouts whose recall is to be asked for now."""
    return [row["payout_id"] for row in await connection.fetch(DUE, now, limit)]
