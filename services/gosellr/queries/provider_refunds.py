"""What providers gave back of their own accord, or at somebody's hand there: each known once."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from gosellr.core.db import Connection, Record
from gosellr.utils.lazy_dataclasses import dataclass

_READ = """
SELECT told.id, told.payment_id, told.order_id, orders.number AS order_number, told.gateway,
       told.gateway_reference, told.amount_minor, told.currency, told.is_reversal, told.status,
       told.reason, told.note, told.told_at, told.finished_at
FROM provider_refund AS told JOIN orders ON orders.id = told.order_id
"""
FIND = f"{_READ} WHERE told.gateway = $1 AND told.gateway_reference = $2"
LOAD = f"{_READ} WHERE told.id = $1"
WAITING = f"{_READ} WHERE told.status = 'waiting' ORDER BY told.told_at, told.id LIMIT $1"

# Told again, it waits for what it waits for now; what is finished stays so.
WRITE = """
INSERT INTO provider_refund (id, payment_id, order_id, gateway, gateway_reference, amount_minor,
                             currency, is_reversal, status, reason, chargeback_id, told_at,
                             finished_at)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12,
        CASE WHEN $9 <> 'waiting' THEN $12::timestamptz END)
ON CONFLICT (gateway, gateway_reference) DO UPDATE
SET status = excluded.status, reason = excluded.reason, chargeback_id = excluded.chargeback_id,
    finished_at = excluded.finished_at
WHERE provider_refund.status = 'waiting'
RETURNING id
"""

RESOLVE = """
UPDATE provider_refund
SET status = 'resolved', note = $2, resolved_by = $3, finished_at = $4
WHERE id = $1 AND status = 'waiting'
RETURNING id
"""

# Ours by another name: asked for here, and answered with this reference.
IS_OURS = """
SELECT EXISTS (SELECT FROM refund_part WHERE payment_id = $1 AND gateway_reference = $2)
    OR EXISTS (SELECT FROM payment_return WHERE payment_id = $1 AND gateway_reference = $2)
"""

# A dispute that took as much, and of which no other movement of the kind was told.
EXPLAINED_BY = """
SELECT id FROM chargeback AS back
WHERE payment_id = $1 AND amount_minor = $2 AND status <> 'won'
  AND NOT EXISTS (SELECT FROM provider_refund AS told WHERE told.chargeback_id = back.id)
ORDER BY opened_at, id LIMIT 1
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class ProviderRefund:
    """What a provider gave back, and what became of it here. `reason` says why it waits."""

    id: UUID
    payment_id: UUID
    order_id: UUID
    order_number: int
    gateway: str
    gateway_reference: str
    amount_minor: int
    currency: str
    is_reversal: bool
    status: str
    reason: str | None
    note: str | None
    told_at: datetime
    finished_at: datetime | None


def _row(row: Record) -> ProviderRefund:
    return ProviderRefund(**row)


async def find(
    connection: Connection, *, gateway: str, gateway_reference: str
) -> ProviderRefund | None:
    """The one that a provider calls so."""
    row = await connection.fetchrow(FIND, gateway, gateway_reference)
    return None if row is None else _row(row)


async def load(connection: Connection, *, told_id: UUID) -> ProviderRefund | None:
    """One of them."""
    row = await connection.fetchrow(LOAD, told_id)
    return None if row is None else _row(row)


async def waiting(connection: Connection, *, limit: int) -> Sequence[ProviderRefund]:
    """Those that wait for a person, the oldest first."""
    return [_row(row) for row in await connection.fetch(WAITING, limit)]


async def write(
    connection: Connection,
    *,
    told_id: UUID,
    payment_id: UUID,
    order_id: UUID,
    gateway: str,
    gateway_reference: str,
    amount_minor: int,
    currency: str,
    is_reversal: bool,
    status: str,
    reason: str | None,
    chargeback_id: UUID | None,
    now: datetime,
) -> bool:
    """Write down what became of one; False when that was known before."""
    written = await connection.fetchval(
        WRITE, told_id, payment_id, order_id, gateway, gateway_reference, amount_minor, currency,
        is_reversal, status, reason, chargeback_id, now,
    )  # fmt: skip
    return written is not None


async def resolve(
    connection: Connection, *, told_id: UUID, note: str, user_id: UUID | None, now: datetime
) -> bool:
    """A person has dealt with it; False when it doesn't wait."""
    return await connection.fetchval(RESOLVE, told_id, note, user_id, now) is not None


async def is_ours(connection: Connection, *, payment_id: UUID, gateway_reference: str) -> bool:
    """Whether it is the answer to a refund that was asked for here."""
    ours: bool = await connection.fetchval(IS_OURS, payment_id, gateway_reference)
    return ours


async def explained_by(
    connection: Connection, *, payment_id: UUID, amount_minor: int
) -> UUID | None:
    """The chargeback that it is the other side of, if there is one."""
    found: UUID | None = await connection.fetchval(EXPLAINED_BY, payment_id, amount_minor)
    return found
