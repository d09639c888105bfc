"""Provider movements: imported once each, matched as sets, resolved one by one."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from gosellr.core.db import Connection, Record
from gosellr.models.reconciliation_values import Movement, NewMovement
from gosellr.utils.lazy_dataclasses import dataclass
from gosellr.utils.reconciliation import (
    Clearing,
    Mismatch,
    MovementKind,
    MovementStatus,
    Resolution,
)

# Two imports of one provider at once would both match the same charge.
TAKE_GATEWAY = "SELECT pg_advisory_xact_lock(hashtextextended('gosellr.reconcile.' || $1, 0))"

INSERT = """
WITH told AS (
    SELECT * FROM unnest($4::uuid[], $5::text[], $6::text[], $7::uuid[], $8::text[], $9::text[],
                         $10::bigint[], $11::bigint[], $12::timestamptz[])
        AS line (id, reference, related, key, kind, currency, amount_minor, fee_minor, occurred_at)
), fresh AS (
    INSERT INTO provider_movement (id, statement_id, gateway, reference, related, key, kind,
                                   currency, amount_minor, fee_minor, occurred_at, imported_at,
                                   unexplained_minor, mismatch)
    SELECT id, $1, $2, reference, related, key, kind, currency, amount_minor, fee_minor,
           occurred_at, $3, amount_minor - fee_minor, 'unknown'
    FROM told
    ON CONFLICT (gateway, reference) DO NOTHING
    RETURNING id
)
SELECT id FROM fresh
"""

INSERT_STATEMENT = """
INSERT INTO provider_statement (id, gateway, source, movement_count, new_count, imported_by,
                                imported_at)
VALUES ($1, $2, $3, $4, 0, $5, $6)
"""
COUNT_NEW = "UPDATE provider_statement SET new_count = $2 WHERE id = $1"

READ_ANEW = """
UPDATE provider_movement AS known
SET kind = told.kind, amount_minor = told.amount_minor, fee_minor = told.fee_minor,
    related = told.related, key = told.key
FROM unnest($2::text[], $3::text[], $4::bigint[], $5::bigint[], $6::text[], $7::uuid[])
    AS told (reference, kind, amount_minor, fee_minor, related, key)
WHERE known.gateway = $1 AND known.reference = told.reference AND known.status = 'unmatched'
  AND (told.kind = 'chargeback' AND known.kind IN ('fee', 'other')
       OR told.kind = 'refund' AND known.kind = 'refund' AND told.fee_minor < 0)
"""

# A provider may tell the same movement again, but not another one under its name.
CONTRADICTED = """
SELECT told.reference
FROM unnest($2::text[], $3::text[], $4::text[], $5::bigint[], $6::bigint[])
    AS told (reference, kind, currency, amount_minor, fee_minor)
JOIN provider_movement AS known ON known.gateway = $1 AND known.reference = told.reference
WHERE (known.kind, known.currency, known.amount_minor, known.fee_minor)
      IS DISTINCT FROM (told.kind, told.currency::bpchar, told.amount_minor, told.fee_minor)
  -- What is read as a chargeback now, and wasn't before, is the same movement; so is a refund whose
  -- fee that came back was part of its amount before.
  AND NOT ((told.kind = 'chargeback' AND known.kind IN ('fee', 'other')
            OR told.kind = 'refund' AND known.kind = 'refund' AND told.fee_minor < 0)
           AND known.currency = told.currency
           AND known.amount_minor - known.fee_minor = told.amount_minor - told.fee_minor)
ORDER BY told.reference LIMIT 1
"""

_MOVEMENT = """
SELECT id, gateway, reference, related, key, kind, currency, amount_minor, fee_minor, occurred_at,
       imported_at, status, mismatch, unexplained_minor, subject_id, resolution, note, resolved_by,
       resolved_at, approved_by, cleared_at, cleared_as, cleared_by
FROM provider_movement
"""
# What was never held against the books, and then what was so the longest ago: however many stay
# unmatched, each comes round again.
OPEN = f"""{_MOVEMENT}
WHERE id IN (
    SELECT id FROM provider_movement
    WHERE gateway = $1 AND status = 'unmatched'
    ORDER BY judged_at NULLS FIRST, occurred_at, id LIMIT $2)
ORDER BY occurred_at, id"""
COUNT_OPEN = """
SELECT count(*) FROM provider_movement WHERE gateway = $1 AND status = 'unmatched'
"""
FIND = f"{_MOVEMENT} WHERE id = $1"
LOCK = f"{_MOVEMENT} WHERE id = $1 FOR UPDATE"
LIST = f"""{_MOVEMENT}
WHERE ($1::text IS NULL OR gateway = $1)
  AND ($2::text IS NULL OR status = $2)
  AND ($3::text IS NULL OR currency = $3)
  AND ($4::boolean IS NOT TRUE OR (resolution = 'suspense' AND cleared_at IS NULL))
  AND ($5::timestamptz IS NULL OR (occurred_at, id) < ($5, $6::uuid))
ORDER BY occurred_at DESC, id DESC LIMIT $7
"""

JUDGE = """
UPDATE provider_movement AS movement
SET status = told.status, mismatch = told.mismatch, unexplained_minor = told.unexplained_minor,
    subject_id = told.subject_id, judged_at = $6
FROM unnest($1::uuid[], $2::text[], $3::text[], $4::bigint[], $5::uuid[])
    AS told (id, status, mismatch, unexplained_minor, subject_id)
WHERE movement.id = told.id AND movement.status = 'unmatched'
"""

RESOLVE = """
UPDATE provider_movement
SET status = $2, resolution = $3, note = $4, resolved_by = $5, resolved_at = $6
WHERE id = $1 AND status = 'unmatched'
RETURNING id
"""
# Never by whom it was proposed.
APPROVE = """
UPDATE provider_movement SET status = 'resolved', approved_by = $2
WHERE id = $1 AND status = 'proposed' AND resolved_by IS DISTINCT FROM $2
RETURNING id
"""
REOPEN = """
UPDATE provider_movement
SET status = 'unmatched', resolution = NULL, note = NULL, resolved_by = NULL, resolved_at = NULL
WHERE id = $1 AND status = 'proposed'
RETURNING id
"""
CLEAR = """
UPDATE provider_movement SET cleared_at = $3, cleared_as = $2, cleared_by = $4
WHERE id = $1 AND status = 'resolved' AND resolution = 'suspense' AND cleared_at IS NULL
RETURNING id
"""

# What nobody has explained yet: money there and money missing don't make up for each other.
UNEXPLAINED = """
SELECT COALESCE(sum(abs(unexplained_minor)), 0)::bigint FROM provider_movement
WHERE currency = $1 AND status IN ('unmatched', 'proposed')
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Judgement:
    """What is written of a movement that was held against the books."""

    movement_id: UUID
    status: MovementStatus
    mismatch: Mismatch | None
    unexplained_minor: int
    subject_id: UUID | None


def _movement(row: Record) -> Movement:
    return Movement(
        **{
            **row,
            "kind": MovementKind(row["kind"]),
            "status": MovementStatus(row["status"]),
            "mismatch": None if row["mismatch"] is None else Mismatch(row["mismatch"]),
            "resolution": None if row["resolution"] is None else Resolution(row["resolution"]),
            "cleared_as": None if row["cleared_as"] is None else Clearing(row["cleared_as"]),
        }
    )


async def take_gateway(connection: Connection, *, gateway: str) -> None:
    """Keep other imports of this provider out until the commit."""
    await connection.execute(TAKE_GATEWAY, gateway)


async def find_contradicted(
    connection: Connection, *, gateway: str, movements: Sequence[NewMovement]
) -> str | None:
    """The first reference under which something else is known already."""
    found: str | None = await connection.fetchval(
        CONTRADICTED,
        gateway,
        [one.reference for one in movements],
        [one.kind.value for one in movements],
        [one.currency for one in movements],
        [one.amount_minor for one in movements],
        [one.fee_minor for one in movements],
    )
    return found


async def insert(
    connection: Connection,
    *,
    statement_id: UUID,
    gateway: str,
    source: str,
    movements: Sequence[tuple[UUID, NewMovement]],
    imported_by: UUID | None,
    now: datetime,
) -> int:
    """Write a statement and those of its movements that aren't known; gives how many."""
    await connection.execute(
        INSERT_STATEMENT, statement_id, gateway, source, len(movements), imported_by, now
    )
    told = [movement for _, movement in movements]
    await connection.execute(
        READ_ANEW,
        gateway,
        [one.reference for one in told],
        [one.kind.value for one in told],
        [one.amount_minor for one in told],
        [one.fee_minor for one in told],
        [one.related for one in told],
        [one.key for one in told],
    )
    fresh = await connection.fetch(
        INSERT,
        statement_id,
        gateway,
        now,
        [movement_id for movement_id, _ in movements],
        [one.reference for one in told],
        [one.related for one in told],
        [one.key for one in told],
        [one.kind.value for one in told],
        [one.currency for one in told],
        [one.amount_minor for one in told],
        [one.fee_minor for one in told],
        [one.occurred_at for one in told],
    )
    await connection.execute(COUNT_NEW, statement_id, len(fresh))
    return len(fresh)


async def find_open(connection: Connection, *, gateway: str, limit: int) -> list[Movement]:
    """Movements of a provider that aren't matched, oldest first. Of more than `limit`, those that
    were held against the books the longest ago, or never."""
    return [_movement(row) for row in await connection.fetch(OPEN, gateway, limit)]


async def count_open(connection: Connection, *, gateway: str) -> int:
    """How many movements of a provider aren't matched."""
    count: int = await connection.fetchval(COUNT_OPEN, gateway)
    return count


async def write_judgements(
    connection: Connection, judgements: Sequence[Judgement], *, now: datetime
) -> None:
    """Write down what became of movements that weren't matched before."""
    await connection.execute(
        JUDGE,
        [one.movement_id for one in judgements],
        [one.status.value for one in judgements],
        [None if one.mismatch is None else one.mismatch.value for one in judgements],
        [one.unexplained_minor for one in judgements],
        [one.subject_id for one in judgements],
        now,
    )


async def find(connection: Connection, *, movement_id: UUID) -> Movement | None:
    """A movement."""
    row = await connection.fetchrow(FIND, movement_id)
    return None if row is None else _movement(row)


async def lock(connection: Connection, *, movement_id: UUID) -> Movement | None:
    """The same for whoever decides about it: what of it is unexplained stays so until the
    commit."""
    row = await connection.fetchrow(LOCK, movement_id)
    return None if row is None else _movement(row)


async def list_movements(
    connection: Connection,
    *,
    gateway: str | None,
    status: str | None,
    currency: str | None,
    suspended: bool | None,
    after: tuple[datetime, UUID] | None,
    limit: int,
) -> list[Movement]:
    """Movements, newest first; `suspended` for those alone that still wait in suspense."""
    rows = await connection.fetch(
        LIST, gateway, status, currency, suspended, *(after or (None, None)), limit
    )
    return [_movement(row) for row in rows]


async def resolve(
    connection: Connection,
    *,
    movement_id: UUID,
    status: MovementStatus,
    resolution: Resolution,
    note: str,
    user_id: UUID | None,
    now: datetime,
) -> bool:
    """Write down what an unmatched movement is taken for; False when it isn't one any more."""
    done = await connection.fetchval(
        RESOLVE, movement_id, status.value, resolution.value, note, user_id, now
    )
    return done is not None


async def approve(connection: Connection, *, movement_id: UUID, user_id: UUID | None) -> bool:
    """Let a proposal stand; False when there is none, or it is this person's own."""
    return await connection.fetchval(APPROVE, movement_id, user_id) is not None


async def reopen(connection: Connection, *, movement_id: UUID) -> bool:
    """Drop a proposal; False when there is none."""
    return await connection.fetchval(REOPEN, movement_id) is not None


async def clear(
    connection: Connection,
    *,
    movement_id: UUID,
    resolution: Resolution | Clearing,
    user_id: UUID | None,
    now: datetime,
) -> bool:
    """Take a movement out of suspense; False when it isn't in there."""
    done = await connection.fetchval(CLEAR, movement_id, resolution.value, now, user_id)
    return done is not None


async def unexplained_minor(connection: Connection, *, currency: str) -> int:
    """How much in a currency nobody has explained."""
    left: int = await connection.fetchval(UNEXPLAINED, currency)
    return left
