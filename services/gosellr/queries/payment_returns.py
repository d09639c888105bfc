"""Captured money that pays for nothing: on its way back, and the cases that people look at."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from gosellr.core.db import Connection
from gosellr.core.identity import new_id
from gosellr.models.refund_values import DueReturn
from gosellr.queries.sweep_delays import has_its_turn
from gosellr.utils.lazy_dataclasses import dataclass

INSERT = """
INSERT INTO payment_return (id, payment_id, capture_id, amount_minor, reason, created_at, check_at,
                            case_opened_at)
SELECT back.id, payment_id, capture_id, amount_minor, reason, $6, $6,
       CASE WHEN is_case THEN $6::timestamptz END
FROM unnest($1::uuid[], $2::uuid[], $3::uuid[], $4::bigint[], $5::text[], $7::boolean[])
     AS back (id, payment_id, capture_id, amount_minor, reason, is_case)
ON CONFLICT DO NOTHING
"""

DUE = f"""
SELECT back.id, back.payment_id, back.amount_minor, payment.currency, payment.method,
       payment.order_id, back.check_count, payment.gateway_reference
FROM payment_return AS back JOIN payment ON payment.id = back.payment_id
WHERE back.check_at <= $1 AND {has_its_turn("returns", "back.id")}
ORDER BY back.check_at LIMIT $2
"""

# What can't be sent back is a case, whatever it was before.
WRITE = """
UPDATE payment_return
SET status = $2, gateway_reference = COALESCE($3, gateway_reference), check_at = $4,
    check_count = check_count + 1,
    case_opened_at = CASE WHEN $2 = 'failed' THEN COALESCE(case_opened_at, $5::timestamptz)
                          ELSE case_opened_at END
WHERE id = $1 AND status IN ('pending', 'unknown')
RETURNING id
"""

_CASES = """
SELECT back.id, payment.order_id, orders.number AS order_number, back.payment_id,
       payment.method AS gateway, payment.currency, back.capture_id,
       COALESCE(capture.amount_minor, payment.amount_minor) AS asked_minor,
       back.amount_minor AS captured_minor, payment.disputed_minor, back.reason, back.status,
       back.case_opened_at AS opened_at, back.case_closed_at AS closed_at, back.case_note AS note
FROM payment_return AS back JOIN payment ON payment.id = back.payment_id
JOIN orders ON orders.id = payment.order_id
LEFT JOIN payment_capture AS capture ON capture.id = back.capture_id
"""
OPEN_CASES = f"""{_CASES}
WHERE back.case_opened_at IS NOT NULL AND back.case_closed_at IS NULL
ORDER BY back.case_opened_at, back.id LIMIT $1
"""
FIND_CASE = f"{_CASES} WHERE back.id = $1 AND back.case_opened_at IS NOT NULL"

# Not before it is known what became of the money.
CLOSE_CASE = """
UPDATE payment_return
SET case_closed_at = $4, case_closed_by = $3, case_note = $2
WHERE id = $1 AND case_opened_at IS NOT NULL AND case_closed_at IS NULL
  AND status IN ('succeeded', 'failed')
RETURNING id
"""


# A bank took it back, or gave it back again: whatever was said of it before, somebody has to look.
OPEN_CASES_OF = """
UPDATE payment_return
SET case_opened_at = COALESCE(case_opened_at, $2), case_closed_at = NULL, case_closed_by = NULL
WHERE payment_id = $1
"""
IS_UNDER_WAY = """
SELECT EXISTS (SELECT FROM payment_return
               WHERE payment_id = $1 AND status IN ('pending', 'unknown'))
"""
# By the names of either: ours, or the provider's of what somebody sent back there.
_BY_HAND = """
FROM provider_movement AS movement JOIN payment
  ON payment.method = movement.gateway AND payment.currency = movement.currency
WHERE movement.kind = 'refund' AND movement.unexplained_minor < 0
  AND (EXISTS (SELECT FROM payment_return AS back
               WHERE back.payment_id = payment.id AND back.id = movement.subject_id)
    OR EXISTS (SELECT FROM provider_refund AS told
               WHERE told.payment_id = payment.id
                 AND told.gateway_reference IN (movement.reference, movement.related)))
"""
# A movement books once when it is explained, once when it is taken out of suspense, and in the name
# of its order whatever is made good of it.
_BOOKED_BY_HAND = f"""
FROM (SELECT movement.id, payment.order_id {_BY_HAND} AND payment.id = $1) AS sent
CROSS JOIN LATERAL (
    SELECT told.id FROM ledger_transaction AS told
    WHERE told.kind IN ('reconciled', 'suspense_cleared')
      AND told.idempotency_key = sent.id::text
    UNION
    SELECT good.id FROM ledger_transaction AS good
    WHERE good.order_id = sent.order_id AND good.kind = 'suspense_cleared'
      AND good.cause_id = sent.id
) AS head
JOIN ledger_entry AS entry ON entry.transaction_id = head.id
"""
# It may be told of before the provider says whether it sends it back by itself.
SENT_BY_HAND = f"""
SELECT payment.order_id, payment.id {_BY_HAND} AND movement.id = $1
  AND EXISTS (SELECT FROM payment_return AS back
              WHERE back.payment_id = payment.id AND back.status <> 'succeeded')
"""
# What couldn't be sent back, less what lost chargebacks moved of it by bookings of some kinds, and
# what people said that they had sent by hand, as the books have it.
LEFT = f"""
SELECT (COALESCE((SELECT sum(amount_minor) FROM payment_return
                  WHERE payment_id = $1 AND status = 'failed'), 0)
    - COALESCE((
        SELECT sum(CASE entry.direction WHEN 'debit' THEN entry.amount_minor
                        ELSE -entry.amount_minor END)
        FROM chargeback AS back
        JOIN ledger_transaction AS head ON head.order_id = back.order_id
         AND head.kind = ANY ($2) AND head.cause_id = back.id
        JOIN ledger_entry AS entry ON entry.transaction_id = head.id
        WHERE back.payment_id = $1 AND entry.account = 'suspense'), 0)
    - COALESCE((
        SELECT sum(CASE entry.direction WHEN 'debit' THEN entry.amount_minor
                        ELSE -entry.amount_minor END) {_BOOKED_BY_HAND}
        WHERE entry.account = 'suspense'), 0))::bigint
"""
# What of what was sent by hand was taken for something else, and wasn't made good since.
TAKEN_FOR_ELSE = f"""
SELECT sent.id, entry.account,
       sum(CASE entry.direction WHEN 'debit' THEN entry.amount_minor
                ELSE -entry.amount_minor END)::bigint AS minor {_BOOKED_BY_HAND}
WHERE entry.account IN ('bad_debt', 'gateway_fee')
GROUP BY 1, 2
HAVING sum(CASE entry.direction WHEN 'debit' THEN entry.amount_minor
                ELSE -entry.amount_minor END) > 0
ORDER BY 1, 2
"""
_TAKEN = ["chargeback_lost"]
_MOVED = [*_TAKEN, "chargeback_reinstated", "chargeback_lost_again"]


@dataclass(frozen=True, slots=True, kw_only=True)
class NewReturn:
    """A capture that has to go back. `capture_id` is None where it is all that the attempt took;
    `is_case` says that a person has to look at it."""

    payment_id: UUID
    amount_minor: int
    reason: str
    is_case: bool
    capture_id: UUID | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ReturnCase:
    """A capture that a person has to look at: what was asked of its gateway, what it took, and
    what became of it since. `status` is that of the way back; `disputed_minor` is what banks took
    back of all that the payment took."""

    id: UUID
    order_id: UUID
    order_number: int
    payment_id: UUID
    gateway: str
    currency: str
    capture_id: UUID | None
    asked_minor: int
    captured_minor: int
    disputed_minor: int
    reason: str
    status: str
    opened_at: datetime
    closed_at: datetime | None
    note: str | None

    @property
    def returned_minor(self) -> int:
        """What is back with the buyer by now."""
        return self.captured_minor if self.status == "succeeded" else 0


async def insert(connection: Connection, *, returns: Sequence[NewReturn], now: datetime) -> None:
    """Note captures that have to go back. Noting twice changes nothing."""
    await connection.execute(
        INSERT,
        [new_id() for _ in returns],
        [one.payment_id for one in returns],
        [one.capture_id for one in returns],
        [one.amount_minor for one in returns],
        [one.reason for one in returns],
        now,
        [one.is_case for one in returns],
    )


async def due(connection: Connection, *, now: datetime, limit: int) -> list[DueReturn]:
    """Captures that are to be sent back now."""
    return [DueReturn(*row) for row in await connection.fetch(DUE, now, limit)]


async def write(
    connection: Connection,
    *,
    return_id: UUID,
    status: str,
    gateway_reference: str | None,
    check_at: datetime | None,
    now: datetime,
) -> bool:
    """Write down what became of a return; False when it was settled before."""
    written = await connection.fetchval(WRITE, return_id, status, gateway_reference, check_at, now)
    return written is not None


async def open_cases(connection: Connection, *, limit: int) -> list[ReturnCase]:
    """The cases that nobody has dealt with, the oldest first."""
    return [ReturnCase(**row) for row in await connection.fetch(OPEN_CASES, limit)]


async def find_case(connection: Connection, *, return_id: UUID) -> ReturnCase | None:
    """A case, open or not."""
    row = await connection.fetchrow(FIND_CASE, return_id)
    return None if row is None else ReturnCase(**row)


async def open_cases_of(connection: Connection, *, payment_id: UUID, now: datetime) -> None:
    """Whatever a payment took in vain is a case, also where that was dealt with before."""
    await connection.execute(OPEN_CASES_OF, payment_id, now)


async def is_under_way(connection: Connection, *, payment_id: UUID) -> bool:
    """Whether anything that a payment took in vain is on its way back."""
    found: bool = await connection.fetchval(IS_UNDER_WAY, payment_id)
    return found


async def held_minor(connection: Connection, *, payment_id: UUID) -> int:
    """What a payment took in vain that couldn't be sent back and that no bank has taken, but for
    what of that came back: below zero where that was sent back by hand."""
    minor: int = await connection.fetchval(LEFT, payment_id, _TAKEN)
    return minor


async def waiting_minor(connection: Connection, *, payment_id: UUID) -> int:
    """What of a payment waits in suspense to be sent back, also what came back of banks; below
    zero where more was sent back by hand."""
    minor: int = await connection.fetchval(LEFT, payment_id, _MOVED)
    return minor


async def taken_for_else(
    connection: Connection, *, payment_id: UUID
) -> list[tuple[UUID, str, int]]:
    """The movements by which people sent more of a payment back than waited, with the account at
    which that is the market's, and how much of it still is."""
    return [
        (row["id"], row["account"], row["minor"])
        for row in await connection.fetch(TAKEN_FOR_ELSE, payment_id)
    ]


async def sent_by_hand(connection: Connection, *, movement_id: UUID) -> tuple[UUID, UUID] | None:
    """The order and payment of which a movement sent back what its provider had refused to send,
    or hasn't sent yet; None where it is about no such."""
    row = await connection.fetchrow(SENT_BY_HAND, movement_id)
    return None if row is None else (row["order_id"], row["id"])


async def close_case(
    connection: Connection, *, return_id: UUID, note: str, user_id: UUID | None, now: datetime
) -> bool:
    """A person has dealt with it; False where it isn't open, or the money still is on its way."""
    return await connection.fetchval(CLOSE_CASE, return_id, note, user_id, now) is not None
