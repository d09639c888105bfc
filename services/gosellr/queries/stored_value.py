"""Gift cards and store credit: rows of what they are. What they hold is asked of the books."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from uuid import UUID

from gosellr.core.db import Connection
from gosellr.models.stored_value_values import GiftCard, ReturnedValue, StoreCreditGrant

_CARDS = """
SELECT card.id, card.code_hash, card.last_four, card.amount_minor,
       COALESCE(held.balance_minor, 0), card.currency, card.note, card.issued_by,
       card.created_at, card.expires_at, card.deactivated_at, card.frozen_at,
       card.replaces_id
FROM gift_card AS card LEFT JOIN ledger_balance AS held
  ON held.account = 'gift_card:' || card.id AND held.currency = card.currency
"""
CARD = f"{_CARDS} WHERE card.id = $1"
CARDS_OF_CODES = f"{_CARDS} WHERE card.code_hash = ANY($1::bytea[])"
LIST_CARDS = f"""{_CARDS}
WHERE $1::uuid IS NULL OR card.id < $1
ORDER BY card.id DESC LIMIT $2
"""

ADD_CARD = """
INSERT INTO gift_card (id, code_hash, last_four, amount_minor, currency, note, issued_by,
                       created_at, expires_at)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)
"""

# Who stops a card waits for those that are spending it, and they for whoever is stopping it.
HOLD_ACTIVE = """
SELECT id FROM gift_card
WHERE id = ANY($1::uuid[]) AND deactivated_at IS NULL AND frozen_at IS NULL
ORDER BY id FOR SHARE
"""

DEACTIVATE = """
UPDATE gift_card SET deactivated_at = $2, deactivated_by = $3
WHERE id = $1 AND deactivated_at IS NULL
"""

KEEP_USABLE = """
UPDATE gift_card SET expires_at = $3
WHERE id = ANY($1::uuid[]) AND expires_at <= $2 AND expires_at < $3
"""

ADD_GRANT = """
INSERT INTO store_credit_grant (id, user_id, amount_minor, currency, reason, granted_by,
                                created_at, seller_id, seller_order_id)
SELECT $1, id, $3, $4, $5, $6, $7, $8, $9 FROM user_account WHERE id = $2
RETURNING id
"""

_GRANTS = """
SELECT id, user_id, amount_minor, currency, reason, granted_by, created_at, seller_id,
       seller_order_id
FROM store_credit_grant
"""
GRANT = f"{_GRANTS} WHERE id = $1"
GRANTS_OF_USER = f"{_GRANTS} WHERE user_id = $1 ORDER BY id DESC LIMIT $2"

HELD_IN = """
SELECT currency, balance_minor FROM ledger_balance WHERE account = $1 AND balance_minor > 0
ORDER BY currency
"""

USER_EXISTS = "SELECT EXISTS (SELECT FROM user_account WHERE id = $1)"

# What is set aside counts as authorised: no gateway has to say so.
SET_ASIDE = """
UPDATE payment SET status = 'authorized', account = held.account, check_at = $3, updated_at = $4
FROM unnest($1::uuid[], $2::text[]) AS held (id, account)
WHERE payment.id = held.id AND payment.status = 'created'
RETURNING payment.id
"""

CAPTURE = """
UPDATE payment
SET status = 'captured', captured_minor = amount_minor, check_at = NULL, updated_at = $2
WHERE order_id = $1 AND account IS NOT NULL AND status = 'authorized'
  AND ($3::uuid IS NULL OR COALESCE(seller_order_id, $3) = $3)
RETURNING id
"""

GIVE_BACK = """
UPDATE payment SET status = 'voided', check_at = NULL, updated_at = $2
WHERE order_id = $1 AND account IS NOT NULL AND status = 'authorized'
  AND ($3::uuid IS NULL OR COALESCE(seller_order_id, $3) = $3)
RETURNING id, account, amount_minor, currency
"""


async def find_card(connection: Connection, *, card_id: UUID) -> GiftCard | None:
    """One gift card."""
    row = await connection.fetchrow(CARD, card_id)
    return None if row is None else GiftCard(*row)


async def cards_of_codes(connection: Connection, *, code_hashes: Sequence[bytes]) -> list[GiftCard]:
    """The gift cards with these codes, in no order."""
    return [GiftCard(*row) for row in await connection.fetch(CARDS_OF_CODES, code_hashes)]


async def list_cards(
    connection: Connection, *, after_id: UUID | None, limit: int
) -> list[GiftCard]:
    """Gift cards, the newest first."""
    return [GiftCard(*row) for row in await connection.fetch(LIST_CARDS, after_id, limit)]


async def add_card(connection: Connection, *, card: GiftCard) -> None:
    """Write a new gift card, whose value isn't booked yet."""
    await connection.execute(
        ADD_CARD,
        card.id,
        card.code_hash,
        card.last_four,
        card.amount_minor,
        card.currency,
        card.note,
        card.issued_by,
        card.created_at,
        card.expires_at,
    )


async def hold_active(connection: Connection, *, card_ids: Sequence[UUID]) -> int:
    """Keep gift cards from being stopped until the commit; gives how many aren't yet."""
    return len(await connection.fetch(HOLD_ACTIVE, card_ids))


async def deactivate(connection: Connection, *, card_id: UUID, by: UUID, now: datetime) -> None:
    """Stop a gift card; one that is stopped stays so."""
    await connection.execute(DEACTIVATE, card_id, now, by)


async def keep_usable(
    connection: Connection,
    *,
    card_ids: Sequence[UUID],
    expiring_before: datetime,
    until: datetime,
) -> None:
    """Let those of the gift cards that run out before a moment be spent until then at least."""
    await connection.execute(KEEP_USABLE, card_ids, expiring_before, until)


async def add_grant(connection: Connection, *, grant: StoreCreditGrant) -> bool:
    """Write a grant; False where there is no such user."""
    added = await connection.fetchval(
        ADD_GRANT,
        grant.id,
        grant.user_id,
        grant.amount_minor,
        grant.currency,
        grant.reason,
        grant.granted_by,
        grant.created_at,
        grant.seller_id,
        grant.seller_order_id,
    )
    return added is not None


async def find_grant(connection: Connection, *, grant_id: UUID) -> StoreCreditGrant | None:
    """One grant."""
    row = await connection.fetchrow(GRANT, grant_id)
    return None if row is None else StoreCreditGrant(*row)


async def grants_of(connection: Connection, *, user_id: UUID, limit: int) -> list[StoreCreditGrant]:
    """A user's grants, the newest first."""
    rows = await connection.fetch(GRANTS_OF_USER, user_id, limit)
    return [StoreCreditGrant(*row) for row in rows]


async def held_in(connection: Connection, *, account: str) -> dict[str, int]:
    """What a guarded account holds, by currency; unlocked."""
    rows = await connection.fetch(HELD_IN, account)
    return {row["currency"]: row["balance_minor"] for row in rows}


async def user_exists(connection: Connection, *, user_id: UUID) -> bool:
    """Whether there is such a user."""
    exists: bool = await connection.fetchval(USER_EXISTS, user_id)
    return exists


async def set_aside(
    connection: Connection,
    *,
    accounts: Mapping[UUID, str],
    check_at: datetime | None,
    now: datetime,
) -> int:
    """Note which accounts new attempts take their value from; gives how many were noted."""
    rows = await connection.fetch(SET_ASIDE, list(accounts), list(accounts.values()), check_at, now)
    return len(rows)


async def capture(
    connection: Connection, *, order_id: UUID, part_id: UUID | None, now: datetime
) -> set[UUID]:
    """What was set aside for a locked order, or for one part of it, has paid for it; gives the
    payments."""
    return {row["id"] for row in await connection.fetch(CAPTURE, order_id, now, part_id)}


async def give_back(
    connection: Connection, *, order_id: UUID, part_id: UUID | None, now: datetime
) -> list[ReturnedValue]:
    """What was set aside for a locked order, or for one part of it, is so no more; gives what has
    to go back."""
    rows = await connection.fetch(GIVE_BACK, order_id, now, part_id)
    return [ReturnedValue(*row) for row in rows]
