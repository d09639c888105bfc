"""What expired gift cards were left with, as it is asked for and answered."""

from typing import Annotated, Any
from uuid import UUID

from pydantic import Field

from gosellr.api.schemas.common import AnswerModel, Moment, MoneyOut, PageOut, RequestModel
from gosellr.api.schemas.terms import MomentIn
from gosellr.models.stored_value_values import CardRelease
from gosellr.utils.money import Money


class GiftCardExtend(RequestModel):
    """Until when a card is good from now on."""

    expires_at: Annotated[MomentIn | None, Field(description="null: without an end")]


class GiftCardReleaseOut(AnswerModel):
    """What is owed no more. `is_income` is false for a card that the marketplace gave away: then
    its promotion has cost so much less."""

    id: UUID
    gift_card_id: UUID
    last_four: str
    amount: MoneyOut
    is_income: bool
    expired_at: Moment
    released_at: Moment
    restored_at: Moment | None


class GiftCardReleasePageOut(PageOut[GiftCardReleaseOut]):
    """What was released, newest first."""


def release_document(release: CardRelease) -> dict[str, Any]:
    """One of them."""
    return {
        "id": release.id,
        "gift_card_id": release.card_id,
        "last_four": release.last_four,
        "amount": Money(release.amount_minor, release.currency),
        "is_income": not release.is_issued,
        "expired_at": release.expired_at,
        "released_at": release.released_at,
        "restored_at": release.restored_at,
    }
