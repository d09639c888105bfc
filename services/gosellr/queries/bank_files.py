"""Files of payouts for the bank: made once of what waits, kept as they were made."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from gosellr.core.db import Connection
from gosellr.models.balance_values import BankFile, FiledPayment, FiledPayout

# Whoever changes a seller's account, or stops its payouts, waits for the file, or it for them.
KEEP_SETTINGS = """
SELECT seller_id FROM payout_settings
WHERE seller_id IN (
    SELECT seller_id FROM payout
    WHERE provider = 'bank' AND status = 'pending' AND currency = $1
      AND ($3::uuid IS NULL OR (created_at, id) > (
          SELECT last.created_at, last.id FROM payout AS last WHERE last.id = $3))
    ORDER BY created_at, id LIMIT $2)
ORDER BY seller_id
FOR SHARE
"""
# Whoever makes another file at the same time passes these over.
TAKE_WAITING = """
SELECT payout.id, payout.amount_minor, payout.destination_id, destination.account_encrypted,
       destination.replaced_at IS NOT NULL, settings.held_at IS NOT NULL,
       seller.status = 'suspended'
FROM payout JOIN payout_destination AS destination ON destination.id = payout.destination_id
JOIN payout_settings AS settings ON settings.seller_id = payout.seller_id
JOIN seller ON seller.id = payout.seller_id
WHERE payout.provider = 'bank' AND payout.status = 'pending' AND payout.currency = $1
  AND payout.seller_id = ANY($3::uuid[])
  AND ($4::uuid IS NULL
       OR (payout.created_at, payout.id) > (SELECT created_at, id FROM payout WHERE id = $4))
ORDER BY payout.created_at, payout.id
LIMIT $2
FOR UPDATE OF payout SKIP LOCKED
"""

INSERT = """
INSERT INTO bank_file (id, message_id, currency, amount_minor, payment_count, pay_on,
                       content_encrypted, content_sha256, made_by, made_at)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)
"""
FILE = """
UPDATE payout SET status = 'sent', bank_file_id = $2, provider_reference = $3
WHERE id = ANY($1::uuid[]) AND status = 'pending'
"""

_FILE = """
SELECT id, message_id, status, currency::text, amount_minor, payment_count, pay_on,
       content_sha256, made_by, made_at, decided_by, decided_at, reason
FROM bank_file
"""
FIND = f"{_FILE} WHERE id = $1"
LOCK = f"{_FILE} WHERE id = $1 FOR UPDATE"
LIST = f"""{_FILE}
WHERE ($1::text IS NULL OR status = $1)
  AND ($2::timestamptz IS NULL OR (made_at, id) < ($2, $3::uuid))
ORDER BY made_at DESC, id DESC
LIMIT $4
"""
CONTENT = "SELECT content_encrypted FROM bank_file WHERE id = $1"

# The sweeper brings its payouts to where the file stands, from now on.
DECIDE = """
WITH decided AS (
    UPDATE bank_file
    SET status = $2, decided_by = $3, decided_at = $4, reason = $5, told_failed = $6::jsonb
    WHERE id = $1 AND status = 'made'
    RETURNING id
), woken AS (
    UPDATE payout SET check_at = $4
    WHERE bank_file_id = (SELECT id FROM decided) AND status = 'sent'
)
SELECT id FROM decided
"""
TOLD_FAILED = "SELECT told_failed FROM bank_file WHERE id = $1"
STATE_OF_PAYOUT = """
SELECT payout.status, file.status, file.reason, payout.bank_file_id
FROM payout JOIN bank_file AS file ON file.id = payout.bank_file_id
WHERE payout.id = $1
"""
SELLERS = """
SELECT DISTINCT seller_id FROM payout
WHERE bank_file_id = $1 AND id = ANY($2::uuid[]) ORDER BY seller_id
"""
OPEN_PAYOUTS = """
SELECT id FROM payout WHERE bank_file_id = $1 AND status = 'sent' ORDER BY id LIMIT $2
"""
PAYMENTS = """
SELECT payout.id, payout.seller_id, seller.name, payout.amount_minor, payout.currency::text,
       payout.status, payout.failure_reason
FROM payout JOIN seller ON seller.id = payout.seller_id
WHERE payout.bank_file_id = $1 ORDER BY payout.id LIMIT $2
"""


async def take_waiting(
    connection: Connection, *, currency: str, after: UUID | None, limit: int
) -> list[FiledPayout]:
    """Payouts by bank that no file names yet, locked, oldest first, behind one of them; their
    sellers' settings and accounts are kept from changing."""
    sellers = await connection.fetch(KEEP_SETTINGS, currency, limit, after)
    kept = [row["seller_id"] for row in sellers]
    rows = await connection.fetch(TAKE_WAITING, currency, limit, kept, after)
    return [FiledPayout(*row) for row in rows]


async def add(
    connection: Connection,
    *,
    file: BankFile,
    content_encrypted: bytes,
    payout_ids: Sequence[UUID],
) -> None:
    """Write a file, and that its payouts are told by it.

    Raises RuntimeError when one of them was told otherwise.
    """
    await connection.execute(
        INSERT,
        file.id,
        file.message_id,
        file.currency,
        file.amount_minor,
        file.payment_count,
        file.pay_on,
        content_encrypted,
        file.content_sha256,
        file.made_by,
        file.made_at,
    )
    status = await connection.execute(FILE, list(payout_ids), file.id, file.message_id)
    if int(status.rsplit(" ", 1)[1]) != len(payout_ids):
        raise RuntimeError("a payout moved while it was put into a file")


async def find(connection: Connection, *, file_id: UUID) -> BankFile | None:
    """A file, without its content."""
    row = await connection.fetchrow(FIND, file_id)
    return None if row is None else BankFile(**row)


async def lock(connection: Connection, *, file_id: UUID) -> BankFile | None:
    """The same for whoever says what the bank did with it."""
    row = await connection.fetchrow(LOCK, file_id)
    return None if row is None else BankFile(**row)


async def list_files(
    connection: Connection,
    *,
    status: str | None,
    after: tuple[datetime, UUID] | None,
    limit: int,
) -> list[BankFile]:
    """Files, newest first."""
    rows = await connection.fetch(LIST, status, *(after or (None, None)), limit)
    return [BankFile(**row) for row in rows]


async def payments(connection: Connection, *, file_id: UUID, limit: int) -> list[FiledPayment]:
    """The payments of a file, as they stand."""
    return [FiledPayment(*row) for row in await connection.fetch(PAYMENTS, file_id, limit)]


async def content(connection: Connection, *, file_id: UUID) -> bytes | None:
    """What stands in a file, encrypted."""
    sealed: bytes | None = await connection.fetchval(CONTENT, file_id)
    return sealed


async def decide(
    connection: Connection,
    *,
    file_id: UUID,
    status: str,
    user_id: UUID,
    reason: str | None,
    now: datetime,
    failed: Mapping[UUID, str] | None = None,
) -> bool:
    """Say what the bank did with a file, and with which payments nothing; False when that was
    said before."""
    told = None if failed is None else {str(one): why for one, why in failed.items()}
    done = await connection.fetchval(DECIDE, file_id, status, user_id, now, reason, told)
    return done is not None


async def told_failed(connection: Connection, *, file_id: UUID) -> dict[UUID, str]:
    """The payments of an executed file that the bank didn't make, as it was told."""
    told = await connection.fetchval(TOLD_FAILED, file_id)
    return {UUID(one): why for one, why in (told or {}).items()}


async def state_of_payout(connection: Connection, *, payout_id: UUID) -> Mapping[str, Any] | None:
    """Where a filed payout stands, and the file it is in; None for one that is in none."""
    row = await connection.fetchrow(STATE_OF_PAYOUT, payout_id)
    if row is None:
        return None
    return {"payout": row[0], "file": row[1], "reason": row[2], "file_id": row[3]}


async def open_payouts(connection: Connection, *, file_id: UUID, limit: int) -> list[UUID]:
    """Payouts of a file that nobody has said anything about."""
    return [row["id"] for row in await connection.fetch(OPEN_PAYOUTS, file_id, limit)]


async def sellers(
    connection: Connection, *, file_id: UUID, payout_ids: Sequence[UUID]
) -> list[UUID]:
    """Whose payouts these are."""
    rows = await connection.fetch(SELLERS, file_id, list(payout_ids))
    return [row["seller_id"] for row in rows]
