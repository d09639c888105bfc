"""Who was asked who they are to the tax authorities, and how often.

Whoever moves one looks at the same time whether the seller has said it; whoever says it ends its
request under the row's lock, so that nobody is withheld who has said it.
"""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from gosellr.core.db import Connection
from gosellr.models.tax_identity_values import TaxRequest

_UNSAID = """
NOT EXISTS (SELECT FROM seller_tax_identity AS said WHERE said.seller_id = {seller_id})
"""
_NAMES = """
seller_id, asked_at, reminded_at, reminded_again_at, withheld_at, ended_at, lifted_at, lifted_by,
lift_reason
"""
_COLUMNS = f"SELECT {_NAMES} FROM tax_identity_request"
_OPEN = f"ended_at IS NULL AND {_UNSAID.format(seller_id='tax_identity_request.seller_id')}"
FIND = f"{_COLUMNS} WHERE seller_id = ANY($1::uuid[])"
FIND_OPEN = f"{_COLUMNS} WHERE seller_id = $1 AND {_OPEN}"

# Whoever stands in the report: by a sale in the journal, or by cash taken at the door, which is in
# no account of a seller.
ASK = f"""
INSERT INTO tax_identity_request (seller_id, asked_at)
SELECT seller.id, $1 FROM seller
WHERE {_UNSAID.format(seller_id="seller.id")}
  AND NOT EXISTS (SELECT FROM tax_identity_request AS asked WHERE asked.seller_id = seller.id)
  AND (EXISTS (
      SELECT FROM ledger_entry AS entry
      JOIN ledger_transaction AS head ON head.id = entry.transaction_id
      WHERE entry.account IN ('seller_pending:' || seller.id, 'seller_receivable:' || seller.id)
        AND head.kind = ANY($2::text[]) AND head.booked_at >= $3
  ) OR EXISTS (
      SELECT FROM seller_order AS part JOIN payment ON payment.seller_order_id = part.id
      WHERE part.seller_id = seller.id AND payment.method = 'cash_on_delivery'
        AND payment.captured_minor > 0 AND part.delivered_at >= $3
  ))
ORDER BY seller.id LIMIT $4
ON CONFLICT (seller_id) DO NOTHING
RETURNING {_NAMES}
"""
REMIND = f"""
UPDATE tax_identity_request SET reminded_at = $1
WHERE seller_id IN (
    SELECT seller_id FROM tax_identity_request
    WHERE {_OPEN} AND reminded_at IS NULL AND asked_at <= $2
    ORDER BY asked_at, seller_id LIMIT $3 FOR UPDATE OF tax_identity_request SKIP LOCKED
)
RETURNING {_NAMES}
"""
REMIND_AGAIN = f"""
UPDATE tax_identity_request SET reminded_again_at = $1
WHERE seller_id IN (
    SELECT seller_id FROM tax_identity_request
    WHERE {_OPEN} AND reminded_again_at IS NULL AND reminded_at <= $2
    ORDER BY reminded_at, seller_id LIMIT $3 FOR UPDATE OF tax_identity_request SKIP LOCKED
)
RETURNING {_NAMES}
"""
_DUE = f"""
{_OPEN} AND withheld_at IS NULL AND lifted_at IS NULL
AND asked_at <= $1 AND reminded_again_at <= $2
"""
DUE_TO_WITHHOLD = f"""
SELECT seller_id FROM tax_identity_request
WHERE {_DUE} ORDER BY asked_at, seller_id LIMIT $3
"""
WITHHOLD = f"""
UPDATE tax_identity_request SET withheld_at = $4
WHERE seller_id = $3 AND {_DUE}
RETURNING {_NAMES}
"""
WITHHELD = f"""
SELECT seller_id FROM tax_identity_request
WHERE {_OPEN} AND withheld_at IS NOT NULL ORDER BY seller_id LIMIT $1
"""
STOP = f"""
UPDATE tax_identity_request SET withheld_at = NULL
WHERE seller_id = $1 AND withheld_at IS NOT NULL AND ended_at IS NULL
RETURNING {_NAMES}
"""
END = f"""
UPDATE tax_identity_request SET ended_at = $2
WHERE seller_id = $1 AND ended_at IS NULL
RETURNING {_NAMES}
"""
# The first to say so is the one who did.
LIFT = f"""
UPDATE tax_identity_request
SET lifted_at = $4, lifted_by = $2, lift_reason = $3, withheld_at = NULL
WHERE seller_id = $1 AND lifted_at IS NULL AND {_OPEN}
RETURNING {_NAMES}
"""
RESTORE = f"""
UPDATE tax_identity_request SET lifted_at = NULL, lifted_by = NULL, lift_reason = NULL
WHERE seller_id = $1 AND lifted_at IS NOT NULL AND {_OPEN}
RETURNING {_NAMES}
"""

# Nothing else holds them, and they are to wait: before the hold that just ended, or after it.
HOLD = f"""
UPDATE payout_settings
SET held_at = $3, hold_reason = $2, held_by = NULL, updated_at = $3, version = version + 1
WHERE seller_id = $1 AND held_at IS NULL AND EXISTS (
    SELECT FROM tax_identity_request
    WHERE seller_id = $1 AND withheld_at IS NOT NULL AND {_OPEN}
)
RETURNING seller_id
"""
LOCK_SETTINGS = "SELECT seller_id FROM payout_settings WHERE seller_id = $1 FOR UPDATE"


async def find(connection: Connection, *, seller_ids: Sequence[UUID]) -> list[TaxRequest]:
    """The requests to these sellers, of those who were asked."""
    rows = await connection.fetch(FIND, list(seller_ids))
    return [TaxRequest(**dict(row)) for row in rows]


async def find_open(connection: Connection, *, seller_id: UUID) -> TaxRequest | None:
    """The request to a seller who hasn't said it yet, if it was asked."""
    row = await connection.fetchrow(FIND_OPEN, seller_id)
    return None if row is None else TaxRequest(**dict(row))


async def ask(
    connection: Connection, *, kinds: Sequence[str], since: datetime, limit: int, now: datetime
) -> list[TaxRequest]:
    """Ask the next sellers who sold something since, by these kinds of transaction or for cash,
    and never were asked."""
    rows = await connection.fetch(ASK, now, list(kinds), since, limit)
    return [TaxRequest(**dict(row)) for row in rows]


async def remind(
    connection: Connection, *, asked_by: datetime, limit: int, now: datetime
) -> list[TaxRequest]:
    """Remind the next sellers who were asked by then, and not reminded yet."""
    rows = await connection.fetch(REMIND, now, asked_by, limit)
    return [TaxRequest(**dict(row)) for row in rows]


async def remind_again(
    connection: Connection, *, reminded_by: datetime, limit: int, now: datetime
) -> list[TaxRequest]:
    """Remind the next sellers who were reminded once by then."""
    rows = await connection.fetch(REMIND_AGAIN, now, reminded_by, limit)
    return [TaxRequest(**dict(row)) for row in rows]


async def due_to_withhold(
    connection: Connection, *, asked_by: datetime, reminded_by: datetime, limit: int
) -> list[UUID]:
    """Sellers whose payouts are to wait and don't yet."""
    rows = await connection.fetch(DUE_TO_WITHHOLD, asked_by, reminded_by, limit)
    return [row["seller_id"] for row in rows]


async def withhold(
    connection: Connection,
    *,
    seller_id: UUID,
    asked_by: datetime,
    reminded_by: datetime,
    now: datetime,
) -> TaxRequest | None:
    """Remember that a seller's payouts wait; None where they needn't any more."""
    row = await connection.fetchrow(WITHHOLD, asked_by, reminded_by, seller_id, now)
    return None if row is None else TaxRequest(**dict(row))


async def withheld(connection: Connection, *, limit: int) -> list[UUID]:
    """Sellers whose payouts wait."""
    return [row["seller_id"] for row in await connection.fetch(WITHHELD, limit)]


async def stop(connection: Connection, *, seller_id: UUID) -> TaxRequest | None:
    """Withhold nothing any more though nothing was said; None where nothing was withheld."""
    row = await connection.fetchrow(STOP, seller_id)
    return None if row is None else TaxRequest(**dict(row))


async def end(connection: Connection, *, seller_id: UUID, now: datetime) -> TaxRequest | None:
    """The seller has said it; None where it wasn't asked, or has said it before."""
    row = await connection.fetchrow(END, seller_id, now)
    return None if row is None else TaxRequest(**dict(row))


async def lift(
    connection: Connection, *, seller_id: UUID, user_id: UUID, reason: str, now: datetime
) -> TaxRequest | None:
    """Withhold nothing of this seller though it hasn't said it; None where nothing is asked of it,
    or somebody has said so before."""
    row = await connection.fetchrow(LIFT, seller_id, user_id, reason, now)
    return None if row is None else TaxRequest(**dict(row))


async def restore(connection: Connection, *, seller_id: UUID) -> TaxRequest | None:
    """Take that back; None where nobody had said so, or nothing is asked of it any more."""
    row = await connection.fetchrow(RESTORE, seller_id)
    return None if row is None else TaxRequest(**dict(row))


async def hold(connection: Connection, *, seller_id: UUID, reason: str, now: datetime) -> bool:
    """Hold the payouts of a seller that are withheld, unless something holds them; whether that
    was so."""
    return await connection.fetchval(HOLD, seller_id, reason, now) is not None


async def lock_settings(connection: Connection, *, seller_id: UUID) -> None:
    """Keep others from holding this seller's payouts, or letting them go, until the commit."""
    await connection.execute(LOCK_SETTINGS, seller_id)
