"""What went on from gift cards that can't be spent, as it is answered."""

from typing import Any, Literal
from uuid import UUID

from gosellr.api.schemas.common import AnswerModel, Moment, MoneyOut
from gosellr.models.stored_value_values import ValueMove
from gosellr.utils.money import Money


class ReplacementCardOut(AnswerModel):
    """A card that was made in place of another; `last_four` once its code was told."""

    id: UUID
    last_four: str | None
    balance: MoneyOut
    code_told: bool


class ValueMoveOut(AnswerModel):
    """What came back, and where it is now."""

    id: UUID
    amount: MoneyOut
    to: Literal["store_credit", "gift_card"]
    gift_card: ReplacementCardOut | None
    created_at: Moment


class ValueMoveListOut(AnswerModel):
    """Oldest first."""

    items: list[ValueMoveOut]
    next_cursor: None


def move_document(move: ValueMove) -> dict[str, Any]:
    """One of them."""
    card = None
    if move.to_card_id is not None:
        card = {
            "id": move.to_card_id,
            "last_four": move.last_four if move.code_told else None,
            "balance": Money(move.balance_minor or 0, move.currency),
            "code_told": move.code_told,
        }
    return {
        "id": move.id,
        "amount": Money(move.amount_minor, move.currency),
        "to": "store_credit" if card is None else "gift_card",
        "gift_card": card,
        "created_at": move.created_at,
    }
