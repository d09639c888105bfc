"""Gift cards that are bought: what is offered, the order that buys one, and its code, told once.

What buys a card is an order without parts: no seller earns from it, nothing is packed, and no tax
is due before the card is spent on something. It waits for its money, expires and is paid like any
other order; the card is made in the transaction that settles it.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from gosellr.core.db import Connection
from gosellr.core.errors import Conflict, DomainError, InvalidInput, NotAllowed, NotFound
from gosellr.core.identity import new_id
from gosellr.models.events import Fact, FactType
from gosellr.models.gift_sale_values import GiftCardOffer, GiftCardPurchase
from gosellr.models.stored_value_values import GiftCard
from gosellr.queries import gift_sales, orders
from gosellr.services import gift_sale_books, idempotency_service, order_rows
from gosellr.services.basket_service import Tender
from gosellr.services.idempotency_service import EarlierRequest, RequestKey
from gosellr.services.opened_order import OpenedOrder
from gosellr.utils.inventory import hold_until
from gosellr.utils.lazy_dataclasses import dataclass
from gosellr.utils.money import MAX_AMOUNT_MINOR
from gosellr.utils.offline import CASH_ON_DELIVERY
from gosellr.utils.policy import MarketPolicy
from gosellr.utils.stored_value import STORED_METHODS
from gosellr.utils.viewer import Viewer

VALID_DAYS_MAX = 36_500
AMOUNTS_MAX = 12
DELIVERED_WITHIN = timedelta(days=366)


class GiftCardNotOffered(DomainError):
    """No card over so much, or in that currency, is for sale."""

    code = "gift_card_not_offered"
    status = 422
    title = "Such a gift card isn't for sale"


class NotPaidByValue(DomainError):
    """Value doesn't buy value, and cash at a door needs a parcel."""

    code = "gift_card_not_paid_so"
    status = 422
    title = "A gift card can't be bought that way"


class CodeNotReady(Conflict):
    """The card isn't there before its money is."""

    code = "gift_card_not_paid"
    title = "This gift card isn't paid yet"


class CodeToldAlready(Conflict):
    """A code is told once, whoever asks."""

    code = "gift_card_code_told"
    title = "The code of this gift card was shown already"


@dataclass(frozen=True, slots=True, kw_only=True)
class GiftCardWish:
    """What somebody wants to buy, and for whom."""

    amount_minor: int
    currency: str
    tender: Tender
    email: str | None = None
    recipient_name: str | None = None
    message: str | None = None
    reference: str | None = None
    # Whom it is sent to, and when; None for at once.
    recipient_email: str | None = None
    deliver_at: datetime | None = None


async def offers(connection: Connection, *, all_of_them: bool = False) -> list[GiftCardOffer]:
    """What is for sale, by currency; for operators also what isn't at the moment."""
    return [offer for offer in await gift_sales.offers(connection) if all_of_them or offer.on_sale]


async def set_offer(
    connection: Connection, *, viewer: Viewer, offer: GiftCardOffer
) -> GiftCardOffer:
    """Offer cards in a currency from now on; cards that were sold stay as they are.

    Raises:
        NotAllowed, InvalidInput.
    """
    if not viewer.is_operator or viewer.user_id is None:
        raise NotAllowed("Only the marketplace sells gift cards")
    _check(offer)
    await gift_sales.set_offer(connection, offer=offer)
    return offer


def _check(offer: GiftCardOffer) -> None:
    named = [*offer.amounts_minor, offer.minimum_minor or 1, offer.maximum_minor or 1]
    if any(not 0 < amount_minor <= MAX_AMOUNT_MINOR for amount_minor in named):
        raise InvalidInput.at("amounts", "amount_not_positive", "A card has to be worth something")
    if len(set(offer.amounts_minor)) < len(offer.amounts_minor):
        raise InvalidInput.at("amounts", "named_twice", "Name each amount once")
    low, high = offer.minimum_minor, offer.maximum_minor
    if (low is None) != (high is None) or (low is not None and high is not None and low > high):
        raise InvalidInput.at("minimum", "limits_out_of_order", "Name both limits, in order")
    if low is None and not offer.amounts_minor:
        raise InvalidInput.at("amounts", "nothing_to_choose", "Name some amounts, or limits")


async def open_purchase(
    connection: Connection,
    *,
    order_id: UUID,
    viewer: Viewer,
    wish: GiftCardWish,
    key: RequestKey,
    token_hash: bytes | None,
    policy: MarketPolicy,
    now: datetime,
) -> OpenedOrder | EarlierRequest:
    """Write the order that buys a card and waits for its money. There is no card yet.

    Raises:
        GiftCardNotOffered, NotPaidByValue, InvalidInput, IdempotencyKeyReused: and then nothing
            was changed.
    """
    earlier = await idempotency_service.claim(
        connection,
        request=key,
        resource_id=str(order_id),
        now=now,
        kept_for=policy.idempotency_kept_for,
    )
    if earlier is not None:
        return earlier
    refuse_value([wish.tender])
    email = wish.email or viewer.email
    if not email:
        raise InvalidInput.at("email", "missing", "We need an e-mail address for the receipt")
    offer = await gift_sales.find_offer(connection, currency=wish.currency)
    if offer is None or not offer.sells(wish.amount_minor):
        raise GiftCardNotOffered("Choose one of the amounts that are offered")
    payments = order_rows.payment_rows(
        order_id=order_id,
        currency=wish.currency,
        amounts=[(wish.tender, wish.amount_minor)],
        now=now,
    )
    row = _order_row(
        order_id, viewer=viewer, wish=wish, email=email, token_hash=token_hash, policy=policy,
        now=now,
    )  # fmt: skip
    await _write(connection, row=row, payments=payments, now=now)
    await gift_sales.add_purchase(
        connection,
        purchase=GiftCardPurchase(
            order_id=order_id,
            amount_minor=wish.amount_minor,
            currency=wish.currency,
            valid_days=offer.valid_days,
            recipient_name=wish.recipient_name,
            message=wish.message,
            created_at=now,
            card_id=None,
            lost_minor=0,
            **_delivery(wish, now=now),
        ),
    )
    return OpenedOrder(order_id=order_id, payment_ids=tuple(row["id"] for row in payments))


def _delivery(wish: GiftCardWish, *, now: datetime) -> dict[str, Any]:
    """Whom a card is sent to, and when.

    Raises:
        InvalidInput: on a day that has passed, is too far away, or to nobody.
    """
    at = wish.deliver_at
    if wish.recipient_email is None:
        if at is not None:
            raise InvalidInput.at("recipient_email", "missing", "Say whom it is sent to")
        return {}
    if at is not None and at < now:
        raise InvalidInput.at("deliver_at", "in_the_past", "That moment has passed")
    if at is not None and at > now + DELIVERED_WITHIN:
        raise InvalidInput.at("deliver_at", "too_far_away", "Choose a day within a year")
    return {
        "recipient_email": wish.recipient_email,
        "deliver_at": at or now,
        "claim_id": new_id(),
    }


async def _write(
    connection: Connection,
    *,
    row: dict[str, Any],
    payments: Sequence[dict[str, Any]],
    now: datetime,
) -> None:
    """Write an order without parts, with the fact that there is one."""
    order_id = row["id"]
    placed = {
        "order_id": order_id,
        "sequence": 1,
        "kind": "placed",
        "to_status": "pending_payment",
        "actor": "buyer",
        "actor_id": row["user_id"],
        "data": {},
        "at": now,
    }
    about = {"order_id": str(order_id), "product_ids": []}
    await orders.insert(
        connection,
        order=row,
        parts=[],
        lines=[],
        payments=payments,
        events=[placed],
        facts=[Fact(FactType.ORDER_PLACED, order_id, about)],
        now=now,
    )


def _order_row(
    order_id: UUID,
    *,
    viewer: Viewer,
    wish: GiftCardWish,
    email: str,
    token_hash: bytes | None,
    policy: MarketPolicy,
    now: datetime,
) -> dict[str, Any]:
    """The order of a card: its price is its worth. Tax is due when the card is spent."""
    return {
        "id": order_id,
        "user_id": viewer.user_id,
        "token_hash": None if token_hash is None else "\\x" + token_hash.hex(),
        "cart_id": None,
        "email": email,
        "currency": wish.currency,
        "tax_included": True,
        "subtotal_minor": wish.amount_minor,
        "discount_minor": 0,
        "shipping_minor": 0,
        "tax_minor": 0,
        "total_minor": wish.amount_minor,
        "shipping_address": {},
        "billing_address": None,
        "coupon_codes": [],
        "reference": wish.reference,
        "ip_address": viewer.ip_address,
        "placed_at": now,
        "expires_at": hold_until(
            payment_methods=[wish.tender.method], placed_at=now, settings=policy.holds
        ),
        "event_count": 1,
    }


def refuse_value(tenders: Sequence[Tender], *, buys_card: bool = True) -> None:
    """Let one gateway alone pay for a card; whatever else is bought is paid as it may be.

    Raises:
        NotPaidByValue.
    """
    refused = STORED_METHODS | {CASH_ON_DELIVERY}
    if buys_card and (len(tenders) != 1 or tenders[0].method in refused):
        raise NotPaidByValue("Choose one way to pay that isn't a gift card, credit or cash")


async def find(connection: Connection, *, viewer: Viewer, order_id: UUID) -> GiftCardPurchase:
    """A purchase, for whoever may read its order.

    Raises:
        NotFound: it isn't one, or somebody else's.
    """
    order = await orders.find(connection, viewer=viewer, order_id=order_id)
    purchase = await gift_sales.find_purchase(connection, order_id=order_id)
    if order is None or not order.whole or purchase is None:
        raise NotFound
    return purchase


async def order_of_card(connection: Connection, *, card_id: UUID) -> tuple[UUID, int] | None:
    """The order that bought a card, with its number; None for one that was issued. For operators
    and support."""
    return await gift_sales.order_of_card(connection, card_id=card_id)


async def give_code(
    connection: Connection,
    *,
    viewer: Viewer,
    order_id: UUID,
    code_hash: bytes,
    last_four: str,
) -> GiftCard:
    """Give a card that was paid its code, which the caller then tells, once.

    Raises:
        NotFound, CodeNotReady, CodeToldAlready.
        NotAllowed: the market has no business with a buyer's code.
    """
    purchase = await find(connection, viewer=viewer, order_id=order_id)
    if viewer.sees_everything:
        raise NotAllowed("Only who bought a gift card is told its code")
    if purchase.card is None:
        raise CodeNotReady
    if not await gift_sales.give_code(
        connection, card_id=purchase.card.id, code_hash=code_hash, last_four=last_four
    ):
        raise CodeToldAlready("It can't be shown again: ask us to take the card back instead")
    told = await find(connection, viewer=viewer, order_id=order_id)
    return gift_sale_books.card_of(told)
