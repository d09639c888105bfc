"""Cases: opened, moved step by step, their frozen money counted; all under their order's lock."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from gosellr.core.db import Connection, Record
from gosellr.models.dispute_values import Dispute
from gosellr.queries.sweep_delays import has_its_turn
from gosellr.utils.dispute_postings import Pots

_COLUMNS = """
id, kind, order_id, seller_order_id, seller_id, order_line_id, quantity, chargeback_id, reason,
status, currency, amount_minor, opened_by, opened_at, due_at
"""

# The order's own count says at once whether there is a case to look for.
INSERT = f"""
WITH counted AS (
    UPDATE orders SET open_dispute_count = open_dispute_count + jsonb_array_length($2::jsonb)
    WHERE id = $1
)
INSERT INTO dispute ({_COLUMNS}, came_back_minor)
SELECT {_COLUMNS}, COALESCE(came_back_minor, 0)
FROM jsonb_populate_recordset(NULL::dispute, $2::jsonb)
"""

_READ = """
SELECT id, kind, order_id, seller_order_id, seller_id, order_line_id, quantity, chargeback_id,
       reason, status, currency, amount_minor, came_back_minor, award_minor, outcome, decided_by,
       decision,
       is_final, appealed_by, from_pending_minor, from_available_minor, from_reserve_minor,
       from_receivable_minor, spent_minor, booking_count, opened_by, opened_at, due_at,
       decided_at, closed_at, event_count, version, review_reminded_at, review_overdue_at
FROM dispute
"""
LOAD = f"{_READ} WHERE id = $1"
OPEN_OF_ORDER = f"{_READ} WHERE order_id = $1 AND status <> 'closed' ORDER BY opened_at, id"
OF_LINE = f"{_READ} WHERE order_line_id = $1 ORDER BY opened_at, id"
OF_CHARGEBACK = f"{_READ} WHERE chargeback_id = $1 ORDER BY seller_order_id"

ORDER_OF = "SELECT order_id FROM dispute WHERE id = $1"

MOVE = """
UPDATE dispute
SET status = $3, due_at = $4, version = version + 1,
    award_minor = COALESCE(award_minor_new, award_minor),
    outcome = COALESCE(outcome_new, outcome), decided_by = COALESCE(decided_by_new, decided_by),
    decision = COALESCE(decision_new, decision), appealed_by = COALESCE(appealed_new, appealed_by),
    is_final = is_final OR final_new, review_reminded_at = NULL, review_overdue_at = NULL,
    decided_at = CASE WHEN outcome_new IS NULL THEN decided_at ELSE $11 END,
    closed_at = CASE WHEN $3 = 'closed' THEN $11::timestamptz END
FROM (VALUES ($5::bigint, $6::text, $7::text, $8::text, $9::text, $10::boolean))
     AS said (award_minor_new, outcome_new, decided_by_new, decision_new, appealed_new, final_new)
WHERE id = $1 AND status = $2
RETURNING id
"""

SET_AMOUNT = """
UPDATE dispute SET amount_minor = $2, came_back_minor = $3, version = version + 1 WHERE id = $1
"""

COUNT_CLOSED = """
UPDATE orders SET open_dispute_count = open_dispute_count - $2 WHERE id = $1
"""

# The frozen money of a case, and the sale it comes from, move together or not at all.
MOVE_FROZEN = """
WITH held AS (
    UPDATE dispute
    SET from_pending_minor = from_pending_minor + $3,
        from_available_minor = from_available_minor + $4,
        from_receivable_minor = from_receivable_minor + $5,
        from_reserve_minor = from_reserve_minor + $8,
        booking_count = booking_count + 1, version = version + 1
    WHERE id = $1 AND booking_count = $2
    RETURNING id
), sale AS (
    UPDATE seller_order SET pending_minor = pending_minor + $7, version = version + 1
    WHERE id = $6 AND pending_minor + $7 >= 0
    RETURNING id
)
SELECT (SELECT count(*) FROM held) + (SELECT count(*) FROM sale)
"""

SPEND = """
UPDATE dispute SET spent_minor = spent_minor + $2, version = version + 1
WHERE id = $1
  AND spent_minor + $2
      BETWEEN 0 AND from_pending_minor + from_available_minor + from_reserve_minor
                    + from_receivable_minor
RETURNING id
"""

FROZEN_OF_SELLER = """
SELECT COALESCE(sum(from_pending_minor + from_available_minor + from_reserve_minor
                    + from_receivable_minor - spent_minor), 0)::bigint
FROM dispute WHERE seller_id = $1 AND currency = $2 AND status <> 'closed'
"""

APPEND_EVENT = """
WITH counted AS (
    UPDATE dispute SET event_count = event_count + 1 WHERE id = $1 RETURNING event_count
)
INSERT INTO dispute_event (dispute_id, sequence, kind, from_status, to_status, actor, actor_id,
                           data, at)
SELECT $1, event_count, $2, $3, $4, $5, $6, $7, $8 FROM counted
"""

# While an operator looks, the deadline decides nothing.
DUE = f"""
SELECT id FROM dispute
WHERE due_at <= $1 AND status IN ('awaiting_seller', 'awaiting_buyer', 'decided')
  AND {has_its_turn("deadlines", "dispute.id")}
ORDER BY due_at, id LIMIT $2
"""
SETTLING = """
SELECT dispute.id FROM dispute
WHERE dispute.status = 'settling' AND dispute.id > $1 AND NOT EXISTS (
    SELECT FROM refund
    WHERE refund.dispute_id = dispute.id AND refund.status IN ('pending', 'unknown'))
ORDER BY dispute.id LIMIT $2
"""

REFUND_STATUS = """
SELECT status FROM refund WHERE dispute_id = $1 ORDER BY created_at DESC, id DESC LIMIT 1
"""


def _dispute(row: Record) -> Dispute:
    return Dispute(**row)


# What one operator decided, and nobody has appealed yet: no refund knows of it.
AWARDED_ALONE = """
SELECT COALESCE(sum(award_minor), 0)::bigint FROM dispute
WHERE order_id = $1 AND id IS DISTINCT FROM $2 AND status = 'decided' AND decided_by = 'operator'
  AND NOT EXISTS (
    SELECT FROM proposal
    WHERE proposal.subject = 'dispute:' || dispute.id AND proposal.status = 'approved')
"""


async def awarded_alone_minor(
    connection: Connection, *, order_id: UUID, besides: UUID | None
) -> int:
    """What one operator alone decided in cases of an order besides one, which may still be
    appealed, in minor units."""
    minor: int = await connection.fetchval(AWARDED_ALONE, order_id, besides)
    return minor


async def insert(
    connection: Connection, *, order_id: UUID, cases: Sequence[Mapping[str, Any]]
) -> None:
    """Write new cases of an order."""
    await connection.execute(INSERT, order_id, cases)


async def order_of(connection: Connection, *, dispute_id: UUID) -> UUID | None:
    """The order that a case is about, which is locked before the case is read."""
    order_id: UUID | None = await connection.fetchval(ORDER_OF, dispute_id)
    return order_id


async def load(connection: Connection, *, dispute_id: UUID) -> Dispute | None:
    """A case, whoever asks: for commands that decide about rights themselves."""
    row = await connection.fetchrow(LOAD, dispute_id)
    return None if row is None else _dispute(row)


async def open_of_order(connection: Connection, *, order_id: UUID) -> list[Dispute]:
    """The cases of an order that aren't closed."""
    return [_dispute(row) for row in await connection.fetch(OPEN_OF_ORDER, order_id)]


async def of_line(connection: Connection, *, order_line_id: UUID) -> list[Dispute]:
    """All cases about a line, the oldest first."""
    return [_dispute(row) for row in await connection.fetch(OF_LINE, order_line_id)]


async def of_chargeback(connection: Connection, *, chargeback_id: UUID) -> list[Dispute]:
    """The cases of a chargeback: one for each seller it takes from."""
    return [_dispute(row) for row in await connection.fetch(OF_CHARGEBACK, chargeback_id)]


async def move(
    connection: Connection,
    *,
    dispute: Dispute,
    status: str,
    due_at: datetime | None,
    now: datetime,
    award_minor: int | None = None,
    outcome: str | None = None,
    decided_by: str | None = None,
    decision: str | None = None,
    appealed_by: str | None = None,
    is_final: bool = False,
) -> bool:
    """Move a case on from where it was read; False when it has moved since. None keeps a word."""
    return (
        await connection.fetchval(
            MOVE, dispute.id, dispute.status, status, due_at, award_minor, outcome, decided_by,
            decision, appealed_by, is_final, now,
        )
        is not None
    )  # fmt: skip


async def set_amount(
    connection: Connection, *, dispute_id: UUID, amount_minor: int, came_back_minor: int
) -> None:
    """What a case of a locked order is about is so much from now on, so much of it money that had
    come back before."""
    await connection.execute(SET_AMOUNT, dispute_id, amount_minor, came_back_minor)


async def count_closed(connection: Connection, *, order_id: UUID, count: int) -> None:
    """So many cases of an order are open no more."""
    await connection.execute(COUNT_CLOSED, order_id, count)


async def move_frozen(
    connection: Connection, *, dispute: Dispute, change: Pots, pending_minor: int
) -> bool:
    """Count what was frozen, or thawed where negative, and by how much the sale's pending money
    grew; False when either has moved since it was read. The transaction must end with a False."""
    moved = await connection.fetchval(
        MOVE_FROZEN,
        dispute.id,
        dispute.booking_count,
        change.pending_minor,
        change.available_minor,
        change.receivable_minor,
        dispute.seller_order_id,
        pending_minor,
        change.reserve_minor,
    )
    return bool(moved == 2)


async def spend(connection: Connection, *, dispute_id: UUID, amount_minor: int) -> bool:
    """A refund takes so much of what is frozen, or gives it back where negative."""
    return await connection.fetchval(SPEND, dispute_id, amount_minor) is not None


async def frozen_of_seller(connection: Connection, *, seller_id: UUID, currency: str) -> int:
    """What of a seller's reserve stands under its cases. Whoever asks holds the reserve."""
    frozen_minor: int = await connection.fetchval(FROZEN_OF_SELLER, seller_id, currency)
    return frozen_minor


async def append_event(
    connection: Connection,
    *,
    dispute_id: UUID,
    kind: str,
    actor: str,
    actor_id: UUID | None,
    now: datetime,
    from_status: str | None = None,
    to_status: str | None = None,
    data: Mapping[str, Any] | None = None,
) -> None:
    """Go on with the history of a case whose order is locked; sequences stay gapless."""
    await connection.execute(
        APPEND_EVENT, dispute_id, kind, from_status, to_status, actor, actor_id, data or {}, now
    )


async def due(connection: Connection, *, now: datetime, limit: int) -> list[UUID]:
    """Cases in which somebody let a deadline pass, the longest ago first."""
    return [row["id"] for row in await connection.fetch(DUE, now, limit)]


async def settling(connection: Connection, *, after: UUID, limit: int) -> list[UUID]:
    """Cases whose refund was answered, by id."""
    return [row["id"] for row in await connection.fetch(SETTLING, after, limit)]


async def refund_status(connection: Connection, *, dispute_id: UUID) -> str | None:
    """What became of the last refund of a case."""
    status: str | None = await connection.fetchval(REFUND_STATUS, dispute_id)
    return status
