"""Gift cards that ran out: released after the market's time, restored when they are extended."""

from datetime import datetime
from typing import Any
from uuid import UUID

from gosellr.core.db import Connection
from gosellr.models.stored_value_values import CardRelease
from gosellr.queries.sweep_delays import has_its_turn

# What a bank disputes the price of isn't over yet.
_DUE = """
FROM gift_card AS card
JOIN gift_card_offer AS offer ON offer.currency = card.currency
JOIN ledger_balance AS held
  ON held.account = 'gift_card:' || card.id AND held.currency = card.currency
WHERE card.expires_at + offer.released_after_days * interval '24 hours' <= $1
  AND card.frozen_at IS NULL AND held.balance_minor > 0
"""
DUE = f"""
SELECT card.id {_DUE} AND {has_its_turn("card_releases", "card.id")}
ORDER BY card.expires_at LIMIT $2
"""
# Held until the commit: nobody spends it, and nobody extends it.
HOLD_DUE = f"""
SELECT card.expires_at, card.currency,
       card.issued_by IS NOT NULL AND NOT EXISTS (
           SELECT FROM gift_card_purchase WHERE card_id = card.id) AS is_issued
{_DUE} AND card.id = $2
FOR NO KEY UPDATE OF card
"""

ADD = """
INSERT INTO gift_card_release (id, card_id, amount_minor, currency, is_issued, expired_at,
                               released_at)
VALUES ($1, $2, $3, $4, $5, $6, $7)
"""

_RELEASES = """
SELECT released.id, released.card_id, released.amount_minor, released.currency, released.is_issued,
       released.expired_at, released.released_at, released.restored_at, card.last_four
FROM gift_card_release AS released JOIN gift_card AS card ON card.id = released.card_id
"""
LIST = f"""{_RELEASES}
WHERE $1::uuid IS NULL OR released.id < $1
ORDER BY released.id DESC LIMIT $2
"""
RESTORE = """
UPDATE gift_card_release SET restored_at = $2, restored_by = $3
WHERE card_id = $1 AND restored_at IS NULL
RETURNING id, amount_minor, is_issued
"""
STANDING = """
SELECT currency::text, is_issued, sum(amount_minor)::bigint AS minor
FROM gift_card_release WHERE restored_at IS NULL GROUP BY 1, 2 ORDER BY 1, 2
"""
HOLD_CARD = """
SELECT expires_at, deactivated_at IS NOT NULL AS is_stopped FROM gift_card WHERE id = $1
FOR NO KEY UPDATE
"""
EXTEND = "UPDATE gift_card SET expires_at = $2 WHERE id = $1"


async def due(connection: Connection, *, now: datetime, limit: int) -> list[UUID]:
    """Cards whose time is over, those that ran out first before the others."""
    return [row["id"] for row in await connection.fetch(DUE, now, limit)]


async def hold_due(
    connection: Connection, *, card_id: UUID, now: datetime
) -> tuple[datetime, str, bool] | None:
    """Keep a card as it is until the commit; gives when it ran out, its currency and whether the
    marketplace gave it away. None where its time isn't over any more."""
    row = await connection.fetchrow(HOLD_DUE, now, card_id)
    return None if row is None else (row["expires_at"], row["currency"], row["is_issued"])


async def add(connection: Connection, *, release: CardRelease) -> None:
    """Write what is owed no more."""
    await connection.execute(
        ADD,
        release.id,
        release.card_id,
        release.amount_minor,
        release.currency,
        release.is_issued,
        release.expired_at,
        release.released_at,
    )


async def list_releases(
    connection: Connection, *, after_id: UUID | None, limit: int
) -> list[CardRelease]:
    """What was released, the newest first."""
    return [CardRelease(*row) for row in await connection.fetch(LIST, after_id, limit)]


async def standing(connection: Connection) -> list[tuple[str, bool, int]]:
    """What is released and wasn't restored, by currency and whether it had been given away."""
    rows = await connection.fetch(STANDING)
    return [(row["currency"], row["is_issued"], row["minor"]) for row in rows]


async def restore(
    connection: Connection, *, card_id: UUID, by: UUID | None, now: datetime
) -> tuple[UUID, int, bool] | None:
    """What was released of a card is owed again; gives the release, its amount and whether the card
    had been given away. None where nothing was."""
    row = await connection.fetchrow(RESTORE, card_id, now, by)
    return None if row is None else (row["id"], row["amount_minor"], row["is_issued"])


async def hold_card(
    connection: Connection, *, card_id: UUID
) -> tuple[datetime | None, bool] | None:
    """Keep a card as it is until the commit; gives until when it is good, and whether it was
    stopped."""
    row: Any = await connection.fetchrow(HOLD_CARD, card_id)
    return None if row is None else (row["expires_at"], row["is_stopped"])


async def extend(connection: Connection, *, card_id: UUID, expires_at: datetime | None) -> None:
    """Let a card be good until then, or without an end."""
    await connection.execute(EXTEND, card_id, expires_at)
