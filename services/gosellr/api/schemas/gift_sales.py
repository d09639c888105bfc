"""Gift cards on sale and bought, as they are asked for and answered."""

from datetime import datetime
from typing import Annotated, Any, Literal, Self
from uuid import UUID

from pydantic import Field, model_validator

from gosellr.api.schemas.common import (
    AnswerModel,
    Currency,
    Email,
    Flag,
    Moment,
    MoneyIn,
    MoneyOut,
    NoCard,
    Reason,
    RequestModel,
    line,
    lines,
)
from gosellr.api.schemas.orders import PaymentMethod, Token
from gosellr.api.schemas.stored_value import CardStatus
from gosellr.api.schemas.terms import MomentIn
from gosellr.models.gift_sale_values import GiftCardOffer, GiftCardPurchase
from gosellr.models.stored_value_values import GiftCard
from gosellr.services.basket_service import Tender
from gosellr.services.gift_sale_service import AMOUNTS_MAX, VALID_DAYS_MAX, GiftCardWish
from gosellr.utils.money import Money

Document = dict[str, Any]


class GiftCardOfferSet(RequestModel):
    """What can be bought in a currency: some amounts, any between two limits, or both."""

    amounts: Annotated[tuple[MoneyIn, ...], Field(max_length=AMOUNTS_MAX)] = ()
    minimum: MoneyIn | None = None
    maximum: MoneyIn | None = None
    valid_days: Annotated[
        int | None,
        Field(
            ge=1,
            le=VALID_DAYS_MAX,
            strict=True,
            description="For how long a card bought from now on is good; without it, no end",
        ),
    ] = None
    released_after_days: Annotated[
        int | None,
        Field(
            ge=0,
            le=VALID_DAYS_MAX,
            strict=True,
            description="So long after a card ran out, what is left on it is owed no more; "
            "without it, never",
        ),
    ] = None
    on_sale: Flag = True

    @model_validator(mode="after")
    def one_currency(self) -> Self:
        """An offer is one currency's."""
        if len(self.currencies()) > 1:
            raise ValueError("one offer has one currency")
        return self

    def currencies(self) -> set[str]:
        """The currencies that it names."""
        named = (*self.amounts, self.minimum, self.maximum)
        return {one.currency for one in named if one is not None}

    def offer(self, currency: str, *, now: datetime, by: UUID | None) -> GiftCardOffer:
        """The same for the service."""
        return GiftCardOffer(
            currency=currency,
            amounts_minor=tuple(one.amount for one in self.amounts),
            minimum_minor=None if self.minimum is None else self.minimum.amount,
            maximum_minor=None if self.maximum is None else self.maximum.amount,
            valid_days=self.valid_days,
            on_sale=self.on_sale,
            updated_at=now,
            updated_by=by,
            released_after_days=self.released_after_days,
        )


class GiftCardPurchaseCreate(RequestModel):
    """A card to be bought, and for whom. Neither a gift card, credit nor cash pays for it."""

    amount: MoneyIn
    payment_method: PaymentMethod
    payment_token: Token | None = None
    email: Email | None = None
    recipient_name: Annotated[str, line(100), NoCard] | None = None
    message: Annotated[str, lines(500, min_length=1), NoCard] | None = None
    recipient_email: Annotated[
        Email | None, Field(description="Whom the card is sent to, by a letter that leads to it")
    ] = None
    deliver_at: Annotated[
        MomentIn | None, Field(description="When it is sent; without it, as soon as it is paid")
    ] = None
    reference: Annotated[str, line(100), NoCard] | None = None

    def wish(self) -> GiftCardWish:
        """The same for the flow."""
        return GiftCardWish(
            amount_minor=self.amount.amount,
            currency=self.amount.currency,
            tender=Tender(method=self.payment_method, token=self.payment_token),
            email=self.email,
            recipient_name=self.recipient_name,
            message=self.message,
            recipient_email=self.recipient_email,
            deliver_at=self.deliver_at,
            reference=self.reference,
        )


class GiftCardSend(RequestModel):
    """To whom it is sent from now on; without it, to whom it was."""

    recipient_email: Email | None = None


class GiftCardClaim(RequestModel):
    """What the link in a card's letter holds."""

    claim_id: UUID
    token: Annotated[str, line(100)]


class GiftCardTakeBack(RequestModel):
    """Why a card is taken back."""

    reason: Reason


class GiftCardOfferOut(AnswerModel):
    """What can be bought in a currency."""

    currency: Currency
    amounts: list[MoneyOut]
    minimum: MoneyOut | None
    maximum: MoneyOut | None
    valid_days: int | None
    released_after_days: int | None
    on_sale: bool


class GiftCardOfferListOut(AnswerModel):
    """What is for sale, by currency."""

    items: list[GiftCardOfferOut]
    next_cursor: None


class BoughtCardOut(AnswerModel):
    """The card itself. `last_four` once its code was told."""

    last_four: str | None
    status: CardStatus
    balance: MoneyOut
    expires_at: Moment | None


class GiftCardPurchaseOut(AnswerModel):
    """A purchase, and its card once it is paid."""

    order_id: UUID
    status: Literal["awaits_payment", "ready", "told"]
    amount: MoneyOut
    recipient_name: str | None
    message: str | None
    recipient_email: str | None
    deliver_at: Moment | None
    sent_at: Moment | None
    sent_count: int
    card: BoughtCardOut | None
    created_at: Moment


class GiftCardCodeOut(AnswerModel):
    """The code, told this once."""

    code: str = Field(examples=["7K3M-Q9XD-42HB-TW8R"])
    last_four: str
    balance: MoneyOut
    expires_at: Moment | None


def offer_document(offer: GiftCardOffer) -> Document:
    """What can be bought in a currency."""

    def limit(amount_minor: int | None) -> Money | None:
        return None if amount_minor is None else Money(amount_minor, offer.currency)

    return {
        "currency": offer.currency,
        "amounts": [Money(minor, offer.currency) for minor in offer.amounts_minor],
        "minimum": limit(offer.minimum_minor),
        "maximum": limit(offer.maximum_minor),
        "valid_days": offer.valid_days,
        "released_after_days": offer.released_after_days,
        "on_sale": offer.on_sale,
    }


def purchase_document(purchase: GiftCardPurchase, *, now: datetime) -> Document:
    """A purchase as it stands."""
    card = purchase.card
    status = "awaits_payment"
    if card is not None:
        status = "ready" if card.code_hash is None else "told"
    return {
        "order_id": purchase.order_id,
        "status": status,
        "amount": Money(purchase.amount_minor, purchase.currency),
        "recipient_name": purchase.recipient_name,
        "message": purchase.message,
        "recipient_email": purchase.recipient_email,
        "deliver_at": purchase.deliver_at,
        "sent_at": purchase.sent_at,
        "sent_count": purchase.sent_count,
        "card": None if card is None else _card(card, now=now),
        "created_at": purchase.created_at,
    }


def _card(card: GiftCard, *, now: datetime) -> Document:
    return {
        "last_four": None if card.code_hash is None else card.last_four,
        "status": card.status_at(now),
        "balance": Money(card.balance_minor, card.currency),
        "expires_at": card.expires_at,
    }


def code_document(card: GiftCard, *, code: str) -> Document:
    """The code with what it is good for."""
    return {
        "code": code,
        "last_four": card.last_four,
        "balance": Money(card.balance_minor, card.currency),
        "expires_at": card.expires_at,
    }
