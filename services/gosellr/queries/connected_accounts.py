"""Sellers' accounts at providers: opened once each, kept as they are told."""

from datetime import datetime
from uuid import UUID

from gosellr.core.db import Connection, Record
from gosellr.models.connected_values import DEAUTHORIZED, SellerAccount, ToldAccount

_READ = """
SELECT id, seller_id, provider, reference, country, is_complete, may_receive, may_pay_out, missing,
       due_at, disabled_reason, bank_failure, bank_failed_at, created_at, checked_at, version
FROM connected_account
"""
# Who opens one twice at once opens one.
ENSURE = """
INSERT INTO connected_account (id, seller_id, provider, country, created_by, created_at)
SELECT $1, $2, $3, seller.country, $4, $5 FROM seller WHERE seller.id = $2
ON CONFLICT (seller_id, provider) DO NOTHING
"""
# One that its seller took from us is no account of ours any more: another id, another name.
RENEW = """
UPDATE connected_account AS account
SET id = $1, reference = NULL, country = seller.country, is_complete = false, may_receive = false,
    may_pay_out = false, missing = '[]', due_at = NULL, disabled_reason = NULL,
    bank_failure = NULL, bank_failed_at = NULL, bank_told_at = NULL, created_by = $4,
    created_at = $5, checked_at = NULL, version = account.version + 1
FROM seller
WHERE seller.id = $2 AND account.seller_id = $2 AND account.provider = $3
  AND account.disabled_reason = $6
"""
FIND = f"{_READ} WHERE seller_id = $1 AND provider = $2"
# A payout that is being opened, and news of the account, wait for each other.
KEEP = f"{_READ} WHERE seller_id = $1 AND provider = $2 FOR SHARE"
LOAD = f"{_READ} WHERE id = $1"
LOCK = f"{_READ} WHERE id = $1 FOR UPDATE"
BY_REFERENCE = f"{_READ} WHERE provider = $1 AND reference = $2"
NOTE = """
UPDATE connected_account
SET reference = $2, is_complete = $3, may_receive = $4, may_pay_out = $5, missing = $6,
    due_at = $7, disabled_reason = $8, checked_at = $9, version = version + 1
WHERE id = $1 AND (reference IS NULL OR reference = $2)
RETURNING id
"""
NOTE_BANK = """
UPDATE connected_account
SET bank_failure = $2, bank_failed_at = $3, bank_told_at = $4, version = version + 1
WHERE id = $1
  AND (bank_told_at IS NULL OR bank_told_at <= $4)
RETURNING id
"""
CONTACT = "SELECT email::text, name FROM seller WHERE id = $1"


def _account(row: Record | None) -> SellerAccount | None:
    return None if row is None else SellerAccount(**{**row, "missing": tuple(row["missing"])})


async def ensure(
    connection: Connection,
    *,
    account_id: UUID,
    seller_id: UUID,
    provider: str,
    user_id: UUID | None,
    now: datetime,
) -> None:
    """Write that a seller is to have an account, in the seller's own country, unless it has one
    that wasn't taken from us."""
    made = (account_id, seller_id, provider, user_id, now)
    await connection.execute(ENSURE, *made)
    await connection.execute(RENEW, *made, DEAUTHORIZED)


async def find(connection: Connection, *, seller_id: UUID, provider: str) -> SellerAccount | None:
    """A seller's account at a provider."""
    return _account(await connection.fetchrow(FIND, seller_id, provider))


async def keep(connection: Connection, *, seller_id: UUID, provider: str) -> SellerAccount | None:
    """The same, kept from changing until the commit."""
    return _account(await connection.fetchrow(KEEP, seller_id, provider))


async def load(connection: Connection, *, account_id: UUID) -> SellerAccount | None:
    """An account, whoever asks."""
    return _account(await connection.fetchrow(LOAD, account_id))


async def lock(connection: Connection, *, account_id: UUID) -> SellerAccount | None:
    """The same for whoever writes down what was told of it."""
    return _account(await connection.fetchrow(LOCK, account_id))


async def by_reference(
    connection: Connection, *, provider: str, reference: str
) -> SellerAccount | None:
    """The account that a provider calls so."""
    return _account(await connection.fetchrow(BY_REFERENCE, provider, reference))


async def note(
    connection: Connection, *, account_id: UUID, told: ToldAccount, now: datetime
) -> bool:
    """Write down how an account stands; False where it bears another name already."""
    done = await connection.fetchval(
        NOTE, account_id, told.reference, told.is_complete, told.may_receive, told.may_pay_out,
        list(told.missing), told.due_at, told.disabled_reason, now,
    )  # fmt: skip
    return done is not None


async def note_bank(
    connection: Connection,
    *,
    account_id: UUID,
    failure: str | None,
    told_at: datetime,
    now: datetime,
) -> bool:
    """Write down why the account's bank sent money back, or with None that it took some; False
    where something newer is known."""
    failed_at = None if failure is None else now
    done = await connection.fetchval(NOTE_BANK, account_id, failure, failed_at, told_at)
    return done is not None


async def contact_of(connection: Connection, *, seller_id: UUID) -> tuple[str, str] | None:
    """The e-mail address and the name of a seller."""
    row = await connection.fetchrow(CONTACT, seller_id)
    return None if row is None else (row[0], row[1])
