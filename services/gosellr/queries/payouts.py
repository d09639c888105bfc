"""Payouts: written with the entries they claim, moved step by step, read by whose they are."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from gosellr.core.db import Connection, Record
from gosellr.models.payout_values import (
    ClaimedEntry,
    Payout,
    PayoutInstruction,
    PayoutTotal,
)
from gosellr.queries.sweep_delays import has_its_turn
from gosellr.utils.lazy_dataclasses import dataclass
from gosellr.utils.payouts import NEVER_SENT, ON_ITS_WAY, PayoutStatus
from gosellr.utils.permissions import Permission
from gosellr.utils.viewer import Viewer

# Everything of the account that no live payout claims and that no payout booked itself. Whoever
# asks holds the account's balance, so that nothing is added behind this statement's back.
# What was written before the oldest database transaction that ran at the last payout was complete
# then, and claimed by it or by an earlier one: only what was written since is read, and what was
# claimed by payouts that failed since. What the transaction $4 leaves for the next one stays free.
OPEN = """
WITH point AS (
    SELECT claimed_before FROM payout
    WHERE seller_id = ($1::jsonb ->> 'seller_id')::uuid AND currency = $3
      AND claimed_before IS NOT NULL
    ORDER BY claimed_before DESC LIMIT 1
), made AS (
    INSERT INTO payout (id, seller_id, currency, amount_minor, status, provider, destination_id,
                        origin, batch_id, requested_by, created_at, check_at, claimed_before)
    SELECT id, seller_id, currency, amount_minor, status, provider, destination_id,
           origin, batch_id, requested_by, created_at, check_at,
           pg_snapshot_xmin(pg_current_snapshot())
    FROM jsonb_populate_record(NULL::payout, $1)
), failed AS (
    UPDATE payout SET claims_open = false
    WHERE seller_id = ($1::jsonb ->> 'seller_id')::uuid AND currency = $3 AND claims_open
    RETURNING id
), candidate AS (
    SELECT id FROM ledger_entry
    WHERE account = $2 AND currency = $3
      AND written_by >= COALESCE((SELECT claimed_before FROM point), '0'::xid8)
    UNION
    SELECT claim.entry_id FROM failed JOIN payout_entry AS claim ON claim.payout_id = failed.id
), unclaimed AS MATERIALIZED (
    SELECT entry.id,
           CASE entry.direction WHEN 'credit' THEN entry.amount_minor
                ELSE -entry.amount_minor END AS change_minor
    FROM candidate JOIN ledger_entry AS entry USING (id)
    WHERE entry.payout_id IS NULL
      AND (entry.transaction_id IS DISTINCT FROM $4 OR entry.direction = 'debit')
      AND NOT EXISTS (SELECT FROM payout_entry AS claim
                      WHERE claim.entry_id = entry.id AND claim.released_at IS NULL)
), claimed AS (
    INSERT INTO payout_entry (payout_id, entry_id)
    SELECT ($1::jsonb ->> 'id')::uuid, id FROM unclaimed
)
SELECT COALESCE(sum(change_minor), 0)::bigint FROM unclaimed
"""

# The next payout finds them by that.
RELEASE_CLAIMS = """
WITH freed AS (
    UPDATE payout_entry SET released_at = $2 WHERE payout_id = $1 AND released_at IS NULL
)
UPDATE payout SET claims_open = true WHERE id = $1
"""

LOCK = "SELECT status, paid_at, check_count FROM payout WHERE id = $1 FOR UPDATE"

MOVE = """
UPDATE payout
SET status = $2, provider_reference = COALESCE($3, provider_reference),
    failure_reason = COALESCE($4, failure_reason),
    paid_at = CASE WHEN $2 = 'paid' THEN COALESCE(paid_at, $5) ELSE paid_at END,
    finished_at = CASE WHEN $2 = status THEN finished_at
                       WHEN $2 IN ('paid', 'failed', 'cancelled') THEN $5 END,
    check_at = $6, check_count = check_count + 1
WHERE id = $1
"""

# Its check comes when a provider would have answered long ago.
BEGIN = """
UPDATE payout SET status = 'unknown', check_at = $2 WHERE id = $1 AND status = 'pending'
RETURNING id
"""

APPROVE = """
UPDATE payout SET status = 'pending', approved_by = $2, approved_at = $3, check_at = $4
WHERE id = $1 AND status = 'awaiting_approval'
RETURNING id
"""

# What nobody but who asked for it agreed to, and what didn't fail.
ASKED_SINCE = """
SELECT COALESCE(sum(left_seller.amount_minor), 0)::bigint
FROM (
    SELECT amount_minor FROM payout
    WHERE seller_id = $1 AND currency = $2 AND created_at > $3 AND requested_by IS NOT NULL
      AND approved_by IS NULL AND status NOT IN ('failed', 'cancelled', 'awaiting_approval')
    UNION ALL
    SELECT amount_minor FROM store_credit_grant AS given
    WHERE seller_id = $1 AND currency = $2 AND created_at > $3
      AND NOT EXISTS (SELECT FROM proposal WHERE proposal.id = given.id)
) AS left_seller
"""

_PAYOUT = """
SELECT payout.id, payout.seller_id, payout.currency, payout.amount_minor, payout.status,
       payout.provider, payout.destination_id, destination.last_four, payout.origin,
       payout.batch_id, payout.requested_by, payout.approved_by, payout.approved_at,
       payout.provider_reference, payout.failure_reason, payout.created_at, payout.paid_at,
       payout.finished_at, payout.check_count,
       (SELECT count(*) FROM payout_entry WHERE payout_entry.payout_id = payout.id)::int
           AS entry_count
FROM payout JOIN payout_destination AS destination ON destination.id = payout.destination_id
"""
LOAD = f"{_PAYOUT} WHERE payout.id = $1"
FIND = f"""{_PAYOUT}
WHERE payout.id = $2 AND ($1::uuid[] IS NULL OR payout.seller_id = ANY($1))"""
LIST = f"""{_PAYOUT}
WHERE ($1::uuid[] IS NULL OR payout.seller_id = ANY($1))
  AND ($2::uuid IS NULL OR payout.seller_id = $2)
  AND ($3::text IS NULL OR payout.status = $3)
  AND ($4::text IS NULL OR payout.currency = $4)
  AND ($5::uuid IS NULL OR payout.batch_id = $5)
  AND ($6::timestamptz IS NULL OR (payout.created_at, payout.id) < ($6, $7::uuid))
ORDER BY payout.created_at DESC, payout.id DESC
LIMIT $8
"""

ON_THEIR_WAY = f"""{_PAYOUT}
WHERE payout.seller_id = $1 AND payout.status = ANY($2::text[])
ORDER BY payout.created_at DESC, payout.id DESC
LIMIT 100
"""

ENTRIES = """
SELECT entry.id, entry.transaction_id, head.kind, entry.direction,
       CASE entry.direction WHEN 'credit' THEN entry.amount_minor ELSE -entry.amount_minor END,
       entry.currency, head.order_id, orders.number, entry.seller_order_id, entry.refund_id,
       head.booked_at, claim.released_at
FROM payout_entry AS claim
JOIN ledger_entry AS entry ON entry.id = claim.entry_id
JOIN ledger_transaction AS head ON head.id = entry.transaction_id
LEFT JOIN orders ON orders.id = head.order_id
WHERE claim.payout_id = $1 AND claim.entry_id > $2
ORDER BY claim.entry_id
LIMIT $3
"""

INSTRUCTION = """
SELECT payout.id, payout.status, payout.provider, payout.amount_minor, payout.currency,
       payout.destination_id, destination.account_encrypted, payout.provider_reference,
       COALESCE(payout.status = 'failed' AND payout.failure_reason = $2, false)
FROM payout JOIN payout_destination AS destination ON destination.id = payout.destination_id
WHERE payout.id = $1
"""
DUE = f"""
SELECT id FROM payout WHERE check_at <= $1 AND {has_its_turn("payouts", "payout.id")}
ORDER BY check_at LIMIT $2
"""

HELD = """
SELECT currency, balance_minor FROM ledger_balance
WHERE account = $1 AND balance_minor > 0 ORDER BY currency
"""
# Sellers with something to be paid, by id.
PAYABLE = """
SELECT seller.id FROM seller
WHERE seller.id > $1 AND EXISTS (
    SELECT FROM ledger_balance AS balance
    WHERE balance.account = 'seller_available:' || seller.id AND balance.balance_minor > 0
      AND ($2::text IS NULL OR balance.currency = $2))
ORDER BY seller.id
LIMIT $3
"""
OF_BATCH = """
SELECT currency, count(*)::int, sum(amount_minor)::bigint
FROM payout WHERE batch_id = $1 GROUP BY currency ORDER BY currency
"""
PAID_OUT = """
SELECT currency, count(*)::int, sum(amount_minor)::bigint
FROM payout WHERE seller_id = $1 AND status = 'paid' GROUP BY currency ORDER BY currency
"""


@dataclass(frozen=True, slots=True)
class LockedPayout:
    """What decides about a payout's next step."""

    status: PayoutStatus
    paid_at: datetime | None
    check_count: int


def _readable(viewer: Viewer) -> list[UUID] | None:
    """The sellers whose payouts the viewer may read; None for all there are."""
    return None if viewer.sees_everything else viewer.seller_ids_with(Permission.PAYOUT_READ)


def _payout(row: Record) -> Payout:
    return Payout(**{**row, "status": PayoutStatus(row["status"])})


async def open_with_claims(
    connection: Connection,
    *,
    payout: Mapping[str, Any],
    account: str,
    currency: str,
    left_by: UUID | None,
) -> int:
    """Write a payout and claim every free entry of the account, but what the transaction `left_by`
    leaves for the next one; gives what these sum to."""
    claimed_minor: int = await connection.fetchval(OPEN, payout, account, currency, left_by)
    return claimed_minor


async def release_claims(connection: Connection, *, payout_id: UUID, now: datetime) -> None:
    """Free what a payout claimed for another one."""
    await connection.execute(RELEASE_CLAIMS, payout_id, now)


async def lock(connection: Connection, *, payout_id: UUID) -> LockedPayout | None:
    """Hold a payout until the commit. Whoever also needs its seller's balance holds that first."""
    row = await connection.fetchrow(LOCK, payout_id)
    return None if row is None else LockedPayout(PayoutStatus(row[0]), *row[1:])


async def move(
    connection: Connection,
    *,
    payout_id: UUID,
    status: PayoutStatus,
    provider_reference: str | None = None,
    failure_reason: str | None = None,
    check_at: datetime | None,
    now: datetime,
) -> None:
    """Write down where a locked payout stands now, and when its provider is asked next."""
    await connection.execute(
        MOVE, payout_id, status.value, provider_reference, failure_reason, now, check_at
    )


async def approve(
    connection: Connection,
    *,
    payout_id: UUID,
    user_id: UUID | None,
    check_at: datetime | None,
    now: datetime,
) -> bool:
    """Let a payout go; False when it isn't waiting for that."""
    return await connection.fetchval(APPROVE, payout_id, user_id, now, check_at) is not None


async def asked_since(
    connection: Connection, *, seller_id: UUID, currency: str, since: datetime
) -> int:
    """What left a seller since then on one person's word, in minor units: paid out, or given away
    as store credit."""
    minor: int = await connection.fetchval(ASKED_SINCE, seller_id, currency, since)
    return minor


async def load(connection: Connection, *, payout_id: UUID) -> Payout | None:
    """A payout, whoever asks: for commands that decide about rights themselves."""
    row = await connection.fetchrow(LOAD, payout_id)
    return None if row is None else _payout(row)


async def find(connection: Connection, *, viewer: Viewer, payout_id: UUID) -> Payout | None:
    """A payout that the viewer may read."""
    row = await connection.fetchrow(FIND, _readable(viewer), payout_id)
    return None if row is None else _payout(row)


async def list_payouts(
    connection: Connection,
    *,
    viewer: Viewer,
    seller_id: UUID | None,
    status: str | None,
    currency: str | None,
    batch_id: UUID | None,
    after: tuple[datetime, UUID] | None,
    limit: int,
) -> list[Payout]:
    """Payouts that the viewer may read, newest first."""
    rows = await connection.fetch(
        LIST, _readable(viewer), seller_id, status, currency, batch_id, *(after or (None, None)),
        limit,
    )  # fmt: skip
    return [_payout(row) for row in rows]


async def on_their_way(connection: Connection, *, seller_id: UUID) -> list[Payout]:
    """A seller's payouts that left what is available and didn't arrive yet, newest first."""
    rows = await connection.fetch(ON_THEIR_WAY, seller_id, [one.value for one in ON_ITS_WAY])
    return [_payout(row) for row in rows]


async def entries(
    connection: Connection, *, payout_id: UUID, after: int, limit: int
) -> list[ClaimedEntry]:
    """What a payout claims, in the order of booking."""
    rows = await connection.fetch(ENTRIES, payout_id, after, limit)
    return [ClaimedEntry(*row) for row in rows]


async def begin(connection: Connection, *, payout_id: UUID, check_at: datetime) -> bool:
    """From here on its provider may know of it; False where somebody else has begun."""
    return await connection.fetchval(BEGIN, payout_id, check_at) is not None


async def instruction(connection: Connection, *, payout_id: UUID) -> PayoutInstruction | None:
    """What its provider is told of a payout."""
    row = await connection.fetchrow(INSTRUCTION, payout_id, NEVER_SENT)
    if row is None:
        return None
    return PayoutInstruction(row[0], PayoutStatus(row[1]), *row[2:])


async def due(connection: Connection, *, now: datetime, limit: int) -> list[UUID]:
    """Payouts that are to be sent or asked after now."""
    return [row["id"] for row in await connection.fetch(DUE, now, limit)]


async def held(connection: Connection, *, account: str) -> dict[str, int]:
    """What a guarded account holds by currency, where it holds something; unlocked."""
    rows = await connection.fetch(HELD, account)
    return {row["currency"]: row["balance_minor"] for row in rows}


async def payable(
    connection: Connection, *, after: UUID, currency: str | None, limit: int
) -> list[UUID]:
    """The next sellers, by id, with something to be paid."""
    return [row["id"] for row in await connection.fetch(PAYABLE, after, currency, limit)]


async def of_batch(connection: Connection, *, batch_id: UUID) -> list[PayoutTotal]:
    """What a batch has opened so far."""
    return _totals(await connection.fetch(OF_BATCH, batch_id))


async def paid_out(connection: Connection, *, seller_id: UUID) -> list[PayoutTotal]:
    """What a seller was ever paid."""
    return _totals(await connection.fetch(PAID_OUT, seller_id))


def _totals(rows: Sequence[Record]) -> list[PayoutTotal]:
    return [PayoutTotal(*row) for row in rows]
