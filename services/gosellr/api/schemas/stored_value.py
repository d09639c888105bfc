"""Gift cards and store credit as they are asked for and answered."""

from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import Field

from gosellr.api.schemas.common import (
    AnswerModel,
    Moment,
    MoneyIn,
    MoneyOut,
    PageOut,
    Reason,
    RequestModel,
    ShortText,
    line,
)
from gosellr.api.schemas.terms import MomentIn
from gosellr.models.stored_value_values import GiftCard, StoreCreditGrant
from gosellr.services.stored_value_service import StoreCredit
from gosellr.utils.money import Money

Document = dict[str, Any]
CardStatus = Literal["active", "expired", "frozen", "deactivated"]


class GiftCardCreate(RequestModel):
    """A gift card at the marketplace's cost."""

    amount: MoneyIn
    expires_at: Annotated[MomentIn | None, Field(description="Without it, the card never ends")] = (
        None
    )
    note: Annotated[ShortText | None, Field(description="For the marketplace's own eyes")] = None


class GiftCardCheck(RequestModel):
    """A code, in any way that somebody may type it."""

    code: Annotated[str, line(40), Field(examples=["7K3M-Q9XD-42HB-TW8R"])]


class GiftCardBalanceOut(AnswerModel):
    """What a gift card is good for."""

    last_four: str = Field(examples=["TW8R"])
    balance: MoneyOut
    expires_at: Moment | None


class GiftCardOut(AnswerModel):
    """A gift card. `code` is told when it is made, and to nobody again."""

    id: UUID
    code: str | None = Field(default=None, examples=["7K3M-Q9XD-42HB-TW8R"])
    last_four: str
    status: CardStatus
    amount: MoneyOut
    balance: MoneyOut
    note: str | None
    issued_by: UUID | None
    created_at: Moment
    expires_at: Moment | None
    deactivated_at: Moment | None


class GiftCardPageOut(PageOut[GiftCardOut]):
    """Gift cards, newest first."""


class StoreCreditGrantCreate(RequestModel):
    """Credit for a buyer at the marketplace's cost."""

    amount: MoneyIn
    reason: Reason


class SellerCreditCreate(RequestModel):
    """Credit for the buyer of a part, at the cost of its shop."""

    seller_order_id: Annotated[UUID, Field(description="Which sale of the shop it is about")]
    amount: MoneyIn
    reason: Annotated[Reason, Field(description="The buyer reads it")]


class StoreCreditGrantOut(AnswerModel):
    """Credit that was granted."""

    id: UUID
    amount: MoneyOut
    reason: str
    granted_by: UUID | None = None
    seller_id: Annotated[
        UUID | None, Field(description="At whose cost; null where it is the marketplace's")
    ] = None
    created_at: Moment


class StoreCreditOut(AnswerModel):
    """What a buyer may spend, by currency, and the latest grants. Refunds count as well."""

    user_id: UUID
    balances: list[MoneyOut]
    grants: list[StoreCreditGrantOut]


def card_document(card: GiftCard, *, now: datetime, code: str | None = None) -> Document:
    """A gift card as operators see it."""
    return {
        "id": card.id,
        "code": code,
        "last_four": card.last_four,
        "status": card.status_at(now),
        "amount": Money(card.amount_minor, card.currency),
        "balance": Money(card.balance_minor, card.currency),
        "note": card.note,
        "issued_by": card.issued_by,
        "created_at": card.created_at,
        "expires_at": card.expires_at,
        "deactivated_at": card.deactivated_at,
    }


def balance_document(card: GiftCard) -> Document:
    """A gift card as whoever knows its code sees it."""
    return {
        "last_four": card.last_four,
        "balance": Money(card.balance_minor, card.currency),
        "expires_at": card.expires_at,
    }


def grant_document(grant: StoreCreditGrant, *, in_full: bool) -> Document:
    """A grant; who gave it is the market's own business."""
    return {
        "id": grant.id,
        "amount": Money(grant.amount_minor, grant.currency),
        "reason": grant.reason,
        "granted_by": grant.granted_by if in_full else None,
        "seller_id": grant.seller_id,
        "created_at": grant.created_at,
    }


def credit_document(credit: StoreCredit, *, in_full: bool) -> Document:
    """A user's store credit."""
    return {
        "user_id": credit.user_id,
        "balances": [Money(minor, code) for code, minor in sorted(credit.balances.items())],
        "grants": [grant_document(grant, in_full=in_full) for grant in credit.grants],
    }
