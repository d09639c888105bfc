"""What came back to gift cards that can't be spent any more: found, and moved on."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from gosellr.core.db import Connection
from gosellr.models.stored_value_values import CardLoss, ValueMove
from gosellr.queries.gift_sales import is_about_price
from gosellr.utils.stored_value import NO_CODE_YET

# Held until the commit: who spends, stops or releases one of them waits.
HOLD_CARDS = "SELECT id FROM gift_card WHERE id = ANY($1::uuid[]) ORDER BY id FOR NO KEY UPDATE"
# By a statement of its own: one that waits for a card sees other rows as they were before it
# waited. What is frozen isn't over while its bank decides: won, it is good again.
OVER = """
SELECT card.id FROM gift_card AS card
WHERE card.id = ANY($1::uuid[]) AND (card.deactivated_at IS NOT NULL OR EXISTS (
    SELECT FROM gift_card_release AS released
    WHERE released.card_id = card.id AND released.restored_at IS NULL))
"""

# Cards whose price a bank has taken back for good, and what of that nothing has made good yet. One
# that is good again isn't among them: what comes back to it stays.
LOSSES = f"""
SELECT sold.card_id, sold.order_id, min(taken.id::text)::uuid AS chargeback_id,
       (sum(taken.amount_minor - taken.reinstated_minor) - sold.lost_minor)::bigint AS minor
FROM gift_card_purchase AS sold JOIN chargeback AS taken ON taken.order_id = sold.order_id
JOIN gift_card AS card ON card.id = sold.card_id
WHERE sold.card_id = ANY($1::uuid[]) AND taken.status = 'lost' AND card.frozen_at IS NOT NULL
  AND {is_about_price("taken")}
GROUP BY sold.card_id, sold.order_id, sold.lost_minor
"""

# The one that took the place of a card for the same order before, while it can be spent.
REPLACEMENT = """
SELECT card.id FROM stored_value_move AS move JOIN gift_card AS card ON card.id = move.to_card_id
WHERE move.order_id = $1 AND card.deactivated_at IS NULL AND card.frozen_at IS NULL
ORDER BY card.id LIMIT 1
FOR NO KEY UPDATE OF card
"""
MAKE_REPLACEMENT = f"""
INSERT INTO gift_card (id, last_four, amount_minor, currency, created_at, replaces_id)
VALUES ($1, '{NO_CODE_YET}', $2, $3, $4, $5)
"""
FILL_REPLACEMENT = "UPDATE gift_card SET amount_minor = amount_minor + $2 WHERE id = $1"

ADD = """
INSERT INTO stored_value_move (id, order_id, from_card_id, to_card_id, to_user_id, amount_minor,
                               currency, created_at)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
"""

OF_ORDER = """
SELECT move.id, move.order_id, move.from_card_id, move.to_card_id, move.to_user_id,
       move.amount_minor, move.currency, move.created_at, card.last_four, held.balance_minor,
       card.code_hash IS NOT NULL
FROM stored_value_move AS move
LEFT JOIN gift_card AS card ON card.id = move.to_card_id
LEFT JOIN ledger_balance AS held
  ON held.account = 'gift_card:' || card.id AND held.currency = card.currency
WHERE move.order_id = $1
ORDER BY move.id
"""


async def hold_cards(connection: Connection, *, card_ids: Sequence[UUID]) -> set[UUID]:
    """Keep gift cards as they are until the commit; gives those that can't be spent any more."""
    await connection.execute(HOLD_CARDS, card_ids)
    return {row["id"] for row in await connection.fetch(OVER, card_ids)}


async def losses(connection: Connection, *, card_ids: Sequence[UUID]) -> dict[UUID, CardLoss]:
    """Those of these cards whose banks have won, held before, with what is lost by each."""
    rows = await connection.fetch(LOSSES, card_ids)
    return {
        row["card_id"]: CardLoss(row["order_id"], row["chargeback_id"], row["minor"])
        for row in rows
    }


async def replacement(connection: Connection, *, order_id: UUID) -> UUID | None:
    """The card that was made for a locked order in place of another, and can be spent."""
    card_id: UUID | None = await connection.fetchval(REPLACEMENT, order_id)
    return card_id


async def make_replacement(
    connection: Connection,
    *,
    card_id: UUID,
    replaces_id: UUID,
    amount_minor: int,
    currency: str,
    now: datetime,
) -> None:
    """Write a card in place of another, without a code and without an end."""
    await connection.execute(MAKE_REPLACEMENT, card_id, amount_minor, currency, now, replaces_id)


async def fill_replacement(connection: Connection, *, card_id: UUID, amount_minor: int) -> None:
    """So much more goes to a card that took the place of another."""
    await connection.execute(FILL_REPLACEMENT, card_id, amount_minor)


async def add(connection: Connection, *, move: ValueMove) -> None:
    """Write what is moved on."""
    await connection.execute(
        ADD,
        move.id,
        move.order_id,
        move.from_card_id,
        move.to_card_id,
        move.to_user_id,
        move.amount_minor,
        move.currency,
        move.created_at,
    )


async def of_order(connection: Connection, *, order_id: UUID) -> list[ValueMove]:
    """What was moved on for an order, oldest first, each with the card it went to as it stands."""
    return [ValueMove(*row) for row in await connection.fetch(OF_ORDER, order_id)]
