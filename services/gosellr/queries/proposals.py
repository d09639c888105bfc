"""What operators propose: written down by one, decided once by another."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from gosellr.core.db import Connection
from gosellr.models.proposal_values import Proposal

_PROPOSAL = """
SELECT id, kind, status, subject, reason, wish, secret_encrypted, seller_ids, prepared_by,
       prepared_at, decided_by, decided_at, decision_note
FROM proposal
"""
FIND = f"{_PROPOSAL} WHERE id = $1"
LOCK = f"{_PROPOSAL} WHERE id = $1 FOR UPDATE"
WAITING = f"{_PROPOSAL} WHERE subject = $1 AND status = 'prepared'"
LATEST = f"{_PROPOSAL} WHERE subject = $1 ORDER BY prepared_at DESC, id DESC LIMIT 1"
IS_AGREED = "SELECT EXISTS (SELECT FROM proposal WHERE subject = $1 AND status = 'approved')"
LIST = f"""{_PROPOSAL}
WHERE ($1::text IS NULL OR status = $1) AND ($2::text[] IS NULL OR kind = ANY($2))
  AND ($3::timestamptz IS NULL OR (prepared_at, id) < ($3, $4::uuid))
ORDER BY prepared_at DESC, id DESC
LIMIT $5
"""
ADD = """
INSERT INTO proposal (id, kind, subject, reason, wish, secret_encrypted, seller_ids, prepared_by,
                      prepared_at)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)
ON CONFLICT (subject) WHERE status = 'prepared' DO NOTHING
RETURNING id
"""
# What of it nobody may read stands where it was put, or nowhere.
DECIDE = """
UPDATE proposal
SET status = $2, decided_by = $3, decided_at = $4, decision_note = $5, secret_encrypted = NULL
WHERE id = $1 AND status = 'prepared'
RETURNING id
"""


async def find(connection: Connection, *, proposal_id: UUID) -> Proposal | None:
    """A proposal as it stands."""
    row = await connection.fetchrow(FIND, proposal_id)
    return None if row is None else Proposal(**row)


async def lock(connection: Connection, *, proposal_id: UUID) -> Proposal | None:
    """The same for whoever decides about it."""
    row = await connection.fetchrow(LOCK, proposal_id)
    return None if row is None else Proposal(**row)


async def waiting(connection: Connection, *, subject: str) -> Proposal | None:
    """What waits about this."""
    row = await connection.fetchrow(WAITING, subject)
    return None if row is None else Proposal(**row)


async def latest(connection: Connection, *, subject: str) -> Proposal | None:
    """What was proposed last about this, whatever became of it."""
    row = await connection.fetchrow(LATEST, subject)
    return None if row is None else Proposal(**row)


async def is_agreed(connection: Connection, *, subject: str) -> bool:
    """Whether somebody agreed to what was proposed about this. What only waits is one's word."""
    agreed: bool = await connection.fetchval(IS_AGREED, subject)
    return agreed


async def list_proposals(
    connection: Connection,
    *,
    status: str | None,
    kinds: Sequence[str] | None,
    after: tuple[datetime, UUID] | None,
    limit: int,
) -> list[Proposal]:
    """Proposals, newest first."""
    rows = await connection.fetch(
        LIST, status, None if kinds is None else list(kinds), *(after or (None, None)), limit
    )
    return [Proposal(**row) for row in rows]


async def add(
    connection: Connection,
    *,
    proposal_id: UUID,
    kind: str,
    subject: str,
    reason: str,
    wish: Mapping[str, Any],
    secret_encrypted: bytes | None,
    seller_ids: Sequence[UUID],
    user_id: UUID,
    now: datetime,
) -> bool:
    """Write down what somebody wants; False when something waits about that subject already."""
    done = await connection.fetchval(
        ADD, proposal_id, kind, subject, reason, dict(wish), secret_encrypted, list(seller_ids),
        user_id, now,
    )  # fmt: skip
    return done is not None


async def decide(
    connection: Connection,
    *,
    proposal_id: UUID,
    status: str,
    user_id: UUID,
    note: str | None,
    now: datetime,
) -> bool:
    """Write down what became of it; False when that was decided before."""
    done = await connection.fetchval(DECIDE, proposal_id, status, user_id, now, note)
    return done is not None
