"""Cards that are sent to somebody: which are due, and each noted as sent."""

from datetime import datetime
from uuid import UUID

from gosellr.core.db import Connection
from gosellr.queries.sweep_delays import has_its_turn

# A card whose code was told is with its buyer; one that can't be spent waits.
_READY = """
card.code_hash IS NULL AND card.deactivated_at IS NULL AND card.frozen_at IS NULL
"""
DUE = f"""
SELECT sold.order_id FROM gift_card_purchase AS sold
JOIN gift_card AS card ON card.id = sold.card_id
WHERE sold.deliver_at <= $1 AND sold.sent_at IS NULL AND {_READY}
  AND {has_its_turn("gift_deliveries", "sold.order_id")}
ORDER BY sold.deliver_at LIMIT $2
"""
# Whoever is told its code in that moment comes before or after.
FIRST = f"""
WITH ready AS (
    SELECT card.id FROM gift_card AS card JOIN gift_card_purchase AS sold ON sold.card_id = card.id
    WHERE sold.order_id = $1 AND {_READY}
    FOR NO KEY UPDATE OF card
)
UPDATE gift_card_purchase AS sold SET sent_at = $2, sent_count = 1
FROM ready
WHERE sold.order_id = $1 AND sold.card_id = ready.id
  AND sold.deliver_at <= $2 AND sold.sent_at IS NULL
RETURNING sold.card_id
"""
HOLD_CARD = """
SELECT card.id FROM gift_card AS card JOIN gift_card_purchase AS sold ON sold.card_id = card.id
WHERE sold.order_id = $1
FOR NO KEY UPDATE OF card
"""
# One more letter, or before the first another address alone; as long as nobody came first.
AGAIN = """
UPDATE gift_card_purchase
SET recipient_email = $3, claim_id = $4,
    sent_count = CASE WHEN sent_at IS NULL THEN 0 ELSE sent_count + 1 END,
    sent_at = CASE WHEN sent_at IS NULL THEN NULL ELSE $5::timestamptz END
WHERE order_id = $1 AND sent_count = $2 AND recipient_email IS NOT NULL
RETURNING order_id
"""


async def due(connection: Connection, *, now: datetime, limit: int) -> list[UUID]:
    """The purchases whose cards are to be sent now."""
    return [row["order_id"] for row in await connection.fetch(DUE, now, limit)]


async def hold_card(connection: Connection, *, order_id: UUID) -> None:
    """Keep a bought card as it is until the commit: nobody is told its code."""
    await connection.execute(HOLD_CARD, order_id)


async def note_first(connection: Connection, *, order_id: UUID, now: datetime) -> UUID | None:
    """A card is sent for the first time; gives the card, None where it was or isn't to be yet."""
    card_id: UUID | None = await connection.fetchval(FIRST, order_id, now)
    return card_id


async def note_again(
    connection: Connection,
    *,
    order_id: UUID,
    sent_count: int,
    recipient_email: str,
    claim_id: UUID,
    now: datetime,
) -> bool:
    """A card goes to this address from now on, and is sent there if it was sent before; False
    where somebody sent it meanwhile."""
    moved = await connection.fetchval(AGAIN, order_id, sent_count, recipient_email, claim_id, now)
    return moved is not None
