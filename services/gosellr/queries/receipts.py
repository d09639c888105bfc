"""Bank transfers that arrived: written once by the bank's own name, applied to what they pay."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from gosellr.core.db import Connection
from gosellr.utils.lazy_dataclasses import dataclass

PAYMENTS_NAMED = """
SELECT id, order_id FROM payment
WHERE method = 'bank_transfer' AND gateway_reference = ANY($1::text[]) LIMIT 2
"""

# The shops whose orders are paid by these attempts.
SELLERS_NAMED = """
SELECT ARRAY(SELECT DISTINCT part.seller_id
             FROM payment JOIN seller_order AS part ON part.order_id = payment.order_id
             WHERE payment.method = 'bank_transfer' AND payment.gateway_reference = ANY($1::text[])
             ORDER BY 1)
"""

_RECEIPT = """
SELECT movement.id, movement.reference, movement.currency, movement.amount_minor, movement.key,
       movement.status, movement.unexplained_minor, movement.note,
       movement.resolution = 'suspense' AND movement.cleared_at IS NULL AS is_suspended,
       payment.order_id
FROM provider_movement AS movement LEFT JOIN payment ON payment.id = movement.key
"""

FIND_NAMED = f"""
{_RECEIPT} WHERE movement.gateway = 'bank_transfer' AND movement.reference = $1
"""

FIND = f"{_RECEIPT} WHERE movement.gateway = 'bank_transfer' AND movement.id = $1"

# What arrived for an attempt and isn't enough yet; whoever gives it back locks it as well.
WAITING = """
SELECT id, unexplained_minor FROM provider_movement
WHERE key = $1 AND gateway = 'bank_transfer' AND status = 'resolved' AND resolution = 'suspense'
  AND cleared_at IS NULL AND currency = $2
ORDER BY id FOR UPDATE
"""

INSERT = """
INSERT INTO provider_movement (
    id, statement_id, gateway, reference, related, key, kind, currency, amount_minor, occurred_at,
    imported_at, status, mismatch, unexplained_minor, subject_id, resolution, note, resolved_by,
    resolved_at, payer_encrypted)
SELECT $1::uuid, $2::uuid, 'bank_transfer', $3, $4, $5::uuid, $6, $7::bpchar, $8::bigint,
       $9::timestamptz, $10::timestamptz,
       CASE WHEN $11::bigint = 0 THEN 'matched' ELSE 'resolved' END, $12, $11::bigint, $13::uuid,
       CASE WHEN $11::bigint <> 0 THEN 'suspense' END, $14,
       CASE WHEN $11::bigint <> 0 THEN $15::uuid END,
       CASE WHEN $11::bigint <> 0 THEN $10::timestamptz END, $16::bytea
ON CONFLICT (gateway, reference) DO NOTHING
RETURNING id
"""

# All of a movement is used up, or what is left of it waits on.
APPLY = """
UPDATE provider_movement AS movement
SET unexplained_minor = applied.left_minor,
    cleared_at = CASE WHEN applied.left_minor = 0 THEN $4::timestamptz END,
    cleared_as = CASE WHEN applied.left_minor = 0 THEN 'payment' END,
    subject_id = COALESCE(applied.subject_id, movement.subject_id)
FROM unnest($1::uuid[], $2::bigint[], $3::uuid[]) AS applied (id, left_minor, subject_id)
WHERE movement.id = applied.id AND movement.cleared_at IS NULL
RETURNING movement.id
"""

# Whole, since what a part of it has paid for is known by the same key.
ASSIGN = """
UPDATE provider_movement SET key = $2, related = $3
WHERE id = $1 AND gateway = 'bank_transfer' AND status = 'resolved' AND resolution = 'suspense'
  AND cleared_at IS NULL AND unexplained_minor = amount_minor
RETURNING id
"""

TAKE_BACK = """
UPDATE provider_movement
SET cleared_at = $3, cleared_as = 'returned', cleared_by = $2
WHERE id = $1 AND gateway = 'bank_transfer' AND status = 'resolved' AND resolution = 'suspense'
  AND cleared_at IS NULL
RETURNING id
"""

OPEN_STATEMENT = """
INSERT INTO provider_statement (id, gateway, source, movement_count, new_count, imported_by,
                                imported_at)
VALUES ($1, 'bank_transfer', $2, $3, 0, $4, $5)
"""

COUNT_NEW = "UPDATE provider_statement SET new_count = new_count + 1 WHERE id = $1"


@dataclass(frozen=True, slots=True)
class Named:
    """An attempt that somebody's transfer names."""

    payment_id: UUID
    order_id: UUID


@dataclass(frozen=True, slots=True)
class Receipt:
    """A transfer that is written down. `note` says in a word what became of it."""

    id: UUID
    reference: str
    currency: str
    amount_minor: int
    payment_id: UUID | None
    status: str
    unexplained_minor: int
    note: str | None
    is_suspended: bool
    order_id: UUID | None


@dataclass(frozen=True, slots=True)
class Waiting:
    """What of a transfer waits in suspense."""

    id: UUID
    minor: int


@dataclass(frozen=True, slots=True, kw_only=True)
class NewReceipt:
    """A transfer to be written down; `unexplained_minor` of it goes into suspense."""

    id: UUID
    statement_id: UUID
    reference: str
    related: str | None
    payment_id: UUID | None
    kind: str
    currency: str
    amount_minor: int
    occurred_at: datetime
    mismatch: str | None
    unexplained_minor: int
    subject_id: UUID | None
    note: str
    taken_by: UUID | None
    payer_encrypted: bytes | None


async def payments_named(connection: Connection, *, references: Sequence[str]) -> list[Named]:
    """The attempts that these references stand for, at most two."""
    rows = await connection.fetch(PAYMENTS_NAMED, list(references))
    return [Named(*row) for row in rows]


async def sellers_named(connection: Connection, *, references: Sequence[str]) -> list[UUID]:
    """The sellers who are paid by what is sent under these references."""
    found: list[UUID] = await connection.fetchval(SELLERS_NAMED, list(references))
    return found


async def find_named(connection: Connection, *, reference: str) -> Receipt | None:
    """What is known under the bank's own name of a transfer."""
    row = await connection.fetchrow(FIND_NAMED, reference)
    return None if row is None else Receipt(*row)


async def find(connection: Connection, *, receipt_id: UUID) -> Receipt | None:
    """A transfer that is written down."""
    row = await connection.fetchrow(FIND, receipt_id)
    return None if row is None else Receipt(*row)


async def waiting(connection: Connection, *, payment_id: UUID, currency: str) -> list[Waiting]:
    """What waits for the rest of an attempt's amount, locked until the commit."""
    return [Waiting(*row) for row in await connection.fetch(WAITING, payment_id, currency)]


async def insert(connection: Connection, *, receipt: NewReceipt, now: datetime) -> bool:
    """Write a transfer down; False where its bank's name is known already."""
    done = await connection.fetchval(
        INSERT,
        receipt.id,
        receipt.statement_id,
        receipt.reference,
        receipt.related,
        receipt.payment_id,
        receipt.kind,
        receipt.currency,
        receipt.amount_minor,
        receipt.occurred_at,
        now,
        receipt.unexplained_minor,
        receipt.mismatch,
        receipt.subject_id,
        receipt.note,
        receipt.taken_by,
        receipt.payer_encrypted,
    )
    return done is not None


async def apply(
    connection: Connection,
    *,
    left: Sequence[tuple[UUID, int, UUID | None]],
    now: datetime,
) -> int:
    """Use up what waited, as (movement, what is left of it, what it pays); gives how many."""
    rows = await connection.fetch(
        APPLY,
        [movement_id for movement_id, _, _ in left],
        [minor for _, minor, _ in left],
        [subject_id for _, _, subject_id in left],
        now,
    )
    return len(rows)


async def assign(
    connection: Connection, *, receipt_id: UUID, payment_id: UUID, related: str
) -> bool:
    """Say which attempt a transfer was meant for; False when not all of it is in suspense."""
    return await connection.fetchval(ASSIGN, receipt_id, payment_id, related) is not None


async def take_back(
    connection: Connection, *, receipt_id: UUID, user_id: UUID | None, now: datetime
) -> bool:
    """A transfer in suspense went back; False when it isn't in there."""
    return await connection.fetchval(TAKE_BACK, receipt_id, user_id, now) is not None


async def open_statement(
    connection: Connection,
    *,
    statement_id: UUID,
    source: str,
    count: int,
    imported_by: UUID | None,
    now: datetime,
) -> None:
    """Write a statement down, before its lines."""
    await connection.execute(OPEN_STATEMENT, statement_id, source, count, imported_by, now)


async def count_new(connection: Connection, *, statement_id: UUID) -> None:
    """One more of a statement's lines wasn't known."""
    await connection.execute(COUNT_NEW, statement_id)
