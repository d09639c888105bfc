"""Letters about gift cards and credit: sent to somebody, come back to a card that can't be spent,
or given by a shop."""

from collections.abc import Iterator, Mapping
from uuid import UUID

from gosellr.models.events import FactType, RecordedFact
from gosellr.services.letter_drafts import Composer, part_of, to_buyer
from gosellr.services.letter_facts import Draft, Subjects, moment, money
from gosellr.utils.letters import Audience, LetterKind, plain


def gift_sent(fact: RecordedFact, subjects: Subjects) -> Iterator[Draft]:
    """A card is for somebody, who is led to it. What opens it is made on the way out."""
    gift = subjects.gifts.get(fact.aggregate_id)
    if gift is None:
        return
    yield Draft(
        kind=LetterKind.GIFT_CARD_FOR_YOU,
        audience=Audience.RECIPIENT,
        recipient=gift.recipient_email,
        order_id=gift.order_id,
        context={
            "name": plain(gift.recipient_name or ""),
            "giver": plain(gift.giver or ""),
            "message": plain(gift.message or "", length_max=500),
            "amount": money(gift.amount_minor, gift.currency),
            "expires_at": moment(gift.expires_at),
            "claim_id": str(gift.claim_id),
            "path": f"/gift-cards/claims/{gift.claim_id}",
        },
    )


def value_moved(fact: RecordedFact, subjects: Subjects) -> Iterator[Draft]:
    """What came back to a gift card that can't be spent is elsewhere."""
    order = subjects.orders.get(UUID(fact.data["order_id"]))
    if order is None:
        return
    card_id = fact.data["gift_card_id"]
    yield to_buyer(
        order,
        LetterKind.VALUE_MOVED,
        at="" if card_id is None else f"/replacement-cards/{UUID(card_id)}",
        amount=fact.data["amount"],
        is_credit=card_id is None,
    )


def credit_given(fact: RecordedFact, subjects: Subjects) -> Iterator[Draft]:
    """A shop gave its buyer credit."""
    order = subjects.orders.get(UUID(fact.data["order_id"]))
    if order is None:
        return
    yield to_buyer(
        order,
        LetterKind.CREDIT_GIVEN,
        seller=plain(part_of(order, UUID(fact.data["seller_order_id"])).seller),
        amount=fact.data["amount"],
        reason=plain(fact.data["reason"]),
    )


ABOUT_GIFTS: Mapping[FactType, Composer] = {
    FactType.GIFT_CARD_SENT: gift_sent,
    FactType.STORED_VALUE_MOVED: value_moved,
    FactType.STORE_CREDIT_GIVEN: credit_given,
}
