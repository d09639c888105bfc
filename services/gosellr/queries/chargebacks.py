"""Chargebacks: what card networks took back, each known by its gateway's own name once."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from gosellr.core.db import Connection, Record
from gosellr.models.dispute_values import Chargeback, ListedChargeback
from gosellr.queries.sweep_delays import has_its_turn
from gosellr.utils.dispute_postings import FeeShare

AGAIN = "/again"
"""What is put behind a gateway's name of a chargeback for what is lost after it was won."""
AWARDED = "/awarded"
"""Likewise for what the buyer got of one that was won, where that wasn't all."""

_COLUMNS = """
id, payment_id, order_id, gateway, gateway_reference, currency, amount_minor, fee_minor, reason,
status, evidence_due_at, opened_at, stage, charges
"""
_READ = """
SELECT id, payment_id, order_id, gateway, gateway_reference, currency, amount_minor, fee_minor,
       reason, status, evidence_due_at, evidence_sent_at, opened_at, closed_at, check_count,
       stage, charges, fee_count, lost_later_since, reinstated_minor, reinstated_count,
       reinstated_at
FROM chargeback
"""

INSERT = f"""
WITH counted AS (
    UPDATE payment SET disputed_minor = disputed_minor + ($1::jsonb ->> 'amount_minor')::bigint
    WHERE id = ($1::jsonb ->> 'payment_id')::uuid
)
INSERT INTO chargeback ({_COLUMNS})
SELECT {_COLUMNS} FROM jsonb_populate_record(NULL::chargeback, $1::jsonb)
"""
FIND = f"{_READ} WHERE gateway = $1 AND gateway_reference = $2"
LOAD = f"{_READ} WHERE id = $1"
OPEN_OF_ORDER = f"{_READ} WHERE order_id = $1 AND status = 'open' ORDER BY opened_at, id"

NAMED = f"""
{_READ}
WHERE gateway_reference = $2
   OR id = COALESCE((SELECT chargeback_id FROM dispute WHERE id = $1), $1)
ORDER BY opened_at, id LIMIT 1
"""

CLOSE = """
WITH closed AS (
    UPDATE chargeback SET status = $2, closed_at = $3, check_at = NULL, lost_later_since = NULL
    WHERE id = $1 AND status = 'open'
    RETURNING payment_id, amount_minor
), counted AS (
    UPDATE payment SET disputed_minor = disputed_minor - closed.amount_minor
    FROM closed WHERE payment.id = closed.payment_id AND $2 = 'won'
)
SELECT count(*) FROM closed
"""

# Of what a chargeback books, only its fee moves what sellers have or owe.
FEE_BORNE = """
SELECT part.seller_id, part.id AS seller_order_id,
       sum(CASE entry.direction WHEN 'debit' THEN entry.amount_minor
                ELSE -entry.amount_minor END)::bigint AS amount_minor
FROM ledger_transaction AS head
JOIN ledger_entry AS entry ON entry.transaction_id = head.id
JOIN seller_order AS part ON part.id = entry.seller_order_id
WHERE head.order_id = $1 AND head.cause_type = 'chargeback' AND head.cause_id = $2
  AND head.kind IN ('chargeback_opened', 'chargeback_fee')
  AND split_part(entry.account, ':', 1) IN ('seller_receivable', 'seller_available')
GROUP BY part.seller_id, part.id
HAVING sum(CASE entry.direction WHEN 'debit' THEN entry.amount_minor
                ELSE -entry.amount_minor END) > 0
ORDER BY part.id
"""

# Nothing more can be said to the bank.
LOSE_LATER = """
UPDATE chargeback SET lost_later_since = $2, check_at = NULL
WHERE id = $1 AND status = 'open' AND lost_later_since IS NULL
RETURNING id
"""
OPEN_AGAIN = """
UPDATE chargeback SET lost_later_since = NULL WHERE id = $1 AND lost_later_since IS NOT NULL
RETURNING id
"""

CHECK = "UPDATE chargeback SET check_at = $2 WHERE id = $1 AND status = 'open'"

EVIDENCE_SENT = """
UPDATE chargeback
SET evidence_sent_at = COALESCE(evidence_sent_at, $2), check_at = $3,
    check_count = check_count + 1
WHERE id = $1
"""
DUE = f"""{_READ}
WHERE check_at <= $1 AND {has_its_turn("evidence", "chargeback.id")} ORDER BY check_at LIMIT $2"""
NOTE_STAGE = """
UPDATE chargeback SET stage = COALESCE($2, stage), charges = $3
WHERE id = $1 AND (stage IS DISTINCT FROM COALESCE($2, stage) OR charges <> $3)
RETURNING id
"""
CHANGE_FEE = """
UPDATE chargeback SET fee_minor = $2, fee_count = fee_count + 1
WHERE id = $1 AND fee_minor = $3 AND fee_count = $4
RETURNING id
"""
# What came back is its payment's again.
REINSTATE = """
WITH changed AS (
    UPDATE chargeback
    SET reinstated_minor = $2::bigint, reinstated_count = reinstated_count + 1,
        reinstated_at = CASE WHEN $2::bigint > 0 THEN $3::timestamptz END
    WHERE id = $1 AND status = 'lost' AND reinstated_minor = $4::bigint AND reinstated_count = $5
    RETURNING payment_id
), counted AS (
    UPDATE payment SET disputed_minor = disputed_minor + $4::bigint - $2::bigint
    FROM changed WHERE payment.id = changed.payment_id
)
SELECT count(*) FROM changed
"""
# By which lost ones of a payment took, gave back and took again, each with the one that did.
MOVED_OF_PAYMENT = """
SELECT head.id, back.id AS chargeback_id
FROM chargeback AS back JOIN ledger_transaction AS head ON head.order_id = back.order_id
WHERE back.payment_id = $1 AND back.status = 'lost'
  AND head.kind IN ('chargeback_lost', 'chargeback_reinstated', 'chargeback_lost_again')
  AND (head.cause_id = back.id OR head.cause_id IN (
      SELECT refund.id FROM refund JOIN dispute ON dispute.id = refund.dispute_id
      WHERE dispute.chargeback_id = back.id))
ORDER BY head.id
"""
# It itself, its cases, and the refunds by which those were lost.
CAUSES_OF = """
SELECT $1::uuid AS id
UNION ALL SELECT id FROM dispute WHERE chargeback_id = $1
UNION ALL SELECT refund.id FROM dispute JOIN refund ON refund.dispute_id = dispute.id
          WHERE dispute.chargeback_id = $1
"""
LOST_OF_PAYMENT = f"""{_READ}
WHERE payment_id = $1 AND status = 'lost' ORDER BY closed_at, id"""
# What cases of those that were opened before ask of what had come back, while it is undecided.
ASKED_BEFORE = """
SELECT COALESCE(sum(dispute.came_back_minor), 0)::bigint
FROM chargeback AS back JOIN dispute ON dispute.chargeback_id = back.id
WHERE back.payment_id = $1 AND back.status = 'open' AND (back.opened_at, back.id) < ($2, $3)
"""
# What a gateway lists and we don't know, or know as open while it is decided there; or as won while
# it is lost there, or the other way round, unless that was given back; or that has gone on since,
# or costs more. What the buyer got of one that was lost altogether is known by that.
OTHERWISE = f"""
SELECT told.reference
FROM unnest($2::text[], $3::text[], $4::text[], $5::bigint[])
     AS told (reference, status, stage, fee_minor)
LEFT JOIN chargeback AS known ON known.gateway = $1 AND known.gateway_reference = told.reference
LEFT JOIN chargeback AS again
  ON again.gateway = $1 AND again.gateway_reference = told.reference || '{AGAIN}'
LEFT JOIN chargeback AS whole
  ON whole.gateway = $1 AND whole.gateway_reference || '{AWARDED}' = told.reference
 AND whole.status = 'lost'
WHERE (known.id IS NULL AND whole.id IS NULL)
   OR (known.status = 'open' AND told.status <> 'open')
   OR (known.status = 'won' AND told.status = 'lost' AND again.id IS NULL)
   OR (COALESCE(again.status, known.status) = 'lost' AND CASE told.status
       WHEN 'won' THEN COALESCE(again.reinstated_minor, known.reinstated_minor) = 0
       WHEN 'lost' THEN COALESCE(again.reinstated_minor, known.reinstated_minor) > 0 END)
   OR known.stage IS DISTINCT FROM COALESCE(told.stage, known.stage)
   OR told.fee_minor > known.fee_minor
"""


def _chargeback(row: Record) -> Chargeback:
    return Chargeback(**row)


async def insert(connection: Connection, *, chargeback: Mapping[str, Any]) -> None:
    """Write a new one, and count it on its payment."""
    await connection.execute(INSERT, chargeback)


async def find(
    connection: Connection, *, gateway: str, gateway_reference: str
) -> Chargeback | None:
    """The one that a gateway calls so."""
    row = await connection.fetchrow(FIND, gateway, gateway_reference)
    return None if row is None else _chargeback(row)


async def load(connection: Connection, *, chargeback_id: UUID) -> Chargeback | None:
    """One of ours."""
    row = await connection.fetchrow(LOAD, chargeback_id)
    return None if row is None else _chargeback(row)


async def named(
    connection: Connection, *, case_id: UUID | None, reference: str
) -> Chargeback | None:
    """The one of a case, or that its gateway calls so."""
    row = await connection.fetchrow(NAMED, case_id, reference)
    return None if row is None else _chargeback(row)


async def close(connection: Connection, *, chargeback_id: UUID, status: str, now: datetime) -> bool:
    """It was decided; what was won is its payment's again. False when that was known before."""
    return bool(await connection.fetchval(CLOSE, chargeback_id, status, now))


async def open_of_order(connection: Connection, *, order_id: UUID) -> list[Chargeback]:
    """Those of an order whose outcome isn't in the books, the oldest first."""
    return [_chargeback(row) for row in await connection.fetch(OPEN_OF_ORDER, order_id)]


async def lose_later(connection: Connection, *, chargeback_id: UUID, now: datetime) -> bool:
    """Its bank has won it, and the books wait; whether that is news."""
    return await connection.fetchval(LOSE_LATER, chargeback_id, now) is not None


async def open_again(connection: Connection, *, chargeback_id: UUID) -> bool:
    """Its bank looks at it once more before the books said that it is lost; whether that is
    news."""
    return await connection.fetchval(OPEN_AGAIN, chargeback_id) is not None


async def note_stage(
    connection: Connection, *, chargeback_id: UUID, stage: str | None, charges: Sequence[str]
) -> bool:
    """How far it has gone, and what its gateway calls the payments; whether that is news."""
    return await connection.fetchval(NOTE_STAGE, chargeback_id, stage, list(charges)) is not None


async def change_fee(connection: Connection, *, chargeback: Chargeback, fee_minor: int) -> bool:
    """What it costs now; False when that has moved since it was read."""
    changed = await connection.fetchval(
        CHANGE_FEE, chargeback.id, fee_minor, chargeback.fee_minor, chargeback.fee_count
    )
    return changed is not None


async def fee_borne(connection: Connection, *, chargeback: Chargeback) -> list[FeeShare]:
    """What each seller has borne of its fee by now, less what it was given back, as the books have
    it."""
    rows = await connection.fetch(FEE_BORNE, chargeback.order_id, chargeback.id)
    return [FeeShare(**row) for row in rows]


async def reinstate(
    connection: Connection, *, chargeback: Chargeback, reinstated_minor: int, now: datetime
) -> Chargeback | None:
    """So much of a lost one stands as given back, and is its payment's again; gives it as it is
    then, None when it has moved since it was read."""
    changed = await connection.fetchval(
        REINSTATE, chargeback.id, reinstated_minor, now, chargeback.reinstated_minor,
        chargeback.reinstated_count,
    )  # fmt: skip
    return await load(connection, chargeback_id=chargeback.id) if changed else None


async def causes_of(connection: Connection, *, chargeback_id: UUID) -> list[UUID]:
    """All that is named as the cause of what a chargeback booked of its sellers."""
    return [row["id"] for row in await connection.fetch(CAUSES_OF, chargeback_id)]


async def moved_of_payment(connection: Connection, *, payment_id: UUID) -> dict[UUID, UUID]:
    """The transactions by which lost ones of a payment took, gave back and took again, each with
    the chargeback that did."""
    rows = await connection.fetch(MOVED_OF_PAYMENT, payment_id)
    return {row["id"]: row["chargeback_id"] for row in rows}


async def lost_of_payment(connection: Connection, *, payment_id: UUID) -> list[Chargeback]:
    """The lost ones of a payment, the oldest first."""
    return [_chargeback(row) for row in await connection.fetch(LOST_OF_PAYMENT, payment_id)]


async def asked_before(connection: Connection, *, chargeback: Chargeback) -> int:
    """What of what had come back to a payment is asked for by undecided ones before this one."""
    minor: int = await connection.fetchval(
        ASKED_BEFORE, chargeback.payment_id, chargeback.opened_at, chargeback.id
    )
    return minor


async def ask_for_evidence(
    connection: Connection, *, chargeback_id: UUID, check_at: datetime
) -> None:
    """Its evidence is to be sent at a moment, while it is open."""
    await connection.execute(CHECK, chargeback_id, check_at)


async def note_evidence(
    connection: Connection,
    *,
    chargeback_id: UUID,
    sent_at: datetime | None,
    check_at: datetime | None,
) -> None:
    """Write down that evidence was taken, or when to send it again."""
    await connection.execute(EVIDENCE_SENT, chargeback_id, sent_at, check_at)


async def due(connection: Connection, *, now: datetime, limit: int) -> list[Chargeback]:
    """Those whose evidence is to be sent now."""
    return [_chargeback(row) for row in await connection.fetch(DUE, now, limit)]


async def otherwise(
    connection: Connection, *, gateway: str, standing: Mapping[str, ListedChargeback]
) -> set[str]:
    """Those of a gateway's chargebacks of which it has news for us."""
    rows = await connection.fetch(
        OTHERWISE,
        gateway,
        list(standing),
        [one.status for one in standing.values()],
        [one.stage for one in standing.values()],
        [one.fee_minor for one in standing.values()],
    )
    return {row["reference"] for row in rows}
