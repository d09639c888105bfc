"""A gift card that was sold is taken back: what is left on it goes to whoever paid for it."""

from datetime import datetime, timedelta
from uuid import UUID

from gosellr.core.db import Connection
from gosellr.core.errors import Conflict, NotAllowed, NotFound
from gosellr.core.identity import new_id
from gosellr.models.events import Fact, FactType
from gosellr.models.gift_sale_values import GiftCardPurchase
from gosellr.models.order_values import Order, Payment
from gosellr.queries import gift_sales, orders, outbox, refunds
from gosellr.services import (
    gift_sale_books,
    idempotency_service,
    ledger_service,
    order_steps,
    refund_books,
)
from gosellr.services.idempotency_service import EarlierRequest, RequestKey
from gosellr.services.ledger_service import Booking
from gosellr.utils.ledger import TransactionDraft
from gosellr.utils.policy import MarketPolicy
from gosellr.utils.postings import SellerSources
from gosellr.utils.refunds import RefundShares
from gosellr.utils.states import Actor
from gosellr.utils.value_postings import gift_card_taken_back
from gosellr.utils.viewer import Viewer

# A gateway that hasn't answered by then is asked what became of the refund.
_FIRST_CHECK_AFTER = timedelta(seconds=20)


class NothingLeftOnCard(Conflict):
    """All of it was spent, or went back before."""

    code = "gift_card_empty"
    title = "Nothing is left on this gift card"


class GiftCardFrozen(Conflict):
    """Its price can't go back twice: by the bank, and by us."""

    code = "gift_card_frozen"
    title = "The bank of its buyer has taken back what was paid for this gift card"


async def open_refund(
    connection: Connection,
    *,
    viewer: Viewer,
    order_id: UUID,
    reason: str,
    key: RequestKey,
    policy: MarketPolicy,
    now: datetime,
) -> UUID | EarlierRequest:
    """Stop a card that was sold and book what is left on it as on its way back; gives the refund.

    Whoever is spending the card has done so before, or can't any more.

    Raises:
        NotFound, NotAllowed, NothingLeftOnCard, GiftCardFrozen, IdempotencyKeyReused: and then
            nothing was changed.
    """
    if not viewer.is_operator:
        raise NotAllowed("Only the marketplace takes gift cards back")
    order = (await order_steps.take_order(connection, viewer=viewer, order_id=order_id)).order
    purchase = await gift_sales.find_purchase(connection, order_id=order_id)
    if purchase is None or purchase.card is None:
        raise NotFound
    refund_id = new_id()
    earlier = await idempotency_service.claim(
        connection,
        request=key,
        resource_id=str(refund_id),
        now=now,
        kept_for=policy.idempotency_kept_for,
    )
    if earlier is not None:
        return earlier
    if purchase.card.frozen_at is not None:
        raise GiftCardFrozen
    await gift_sales.stop(connection, card_id=purchase.card.id, by=viewer.user_id, now=now)
    payment = _paid_by(order)
    left_minor = payment.captured_minor - payment.refunded_minor - payment.disputed_minor
    held_minor = await gift_sale_books.held_on(connection, card=purchase.card)
    amount_minor = min(held_minor, left_minor)
    if amount_minor <= 0:
        raise NothingLeftOnCard
    await _write(
        connection, order=order, purchase=purchase, payment=payment, refund_id=refund_id,
        amount_minor=amount_minor, reason=reason, viewer=viewer, now=now,
    )  # fmt: skip
    return refund_id


def _paid_by(order: Order) -> Payment:
    [payment] = [one for one in order.payments if one.status == "captured" and not one.returned]
    return payment


async def _book(
    connection: Connection,
    draft: TransactionDraft,
    *,
    order: Order,
    refund_id: UUID,
    reason: str,
    viewer: Viewer,
    now: datetime,
) -> UUID:
    """Book the intent; gives its transaction."""
    booking = Booking(
        draft=draft,
        cause_type="refund",
        cause_id=refund_id,
        idempotency_key=str(refund_id),
        order_id=order.id,
        actor=f"{Actor.OPERATOR.value}:{viewer.user_id or '-'}",
        effective_at=now,
        facts={"reason": reason},
    )
    [booked] = await ledger_service.book(connection, bookings=[booking], now=now)
    return booked.transaction_id


async def _write(
    connection: Connection,
    *,
    order: Order,
    purchase: GiftCardPurchase,
    payment: Payment,
    refund_id: UUID,
    amount_minor: int,
    reason: str,
    viewer: Viewer,
    now: datetime,
) -> None:
    draft = gift_card_taken_back(
        card_id=gift_sale_books.card_of(purchase).id,
        refund_id=refund_id,
        gateway=payment.method,
        amount_minor=amount_minor,
        currency=order.currency,
    )
    transaction_id = await _book(
        connection, draft, order=order, refund_id=refund_id, reason=reason, viewer=viewer, now=now
    )
    effects = refund_books.effects_of(
        total=RefundShares(),
        sources=SellerSources(),
        amount_minor=amount_minor,
        goodwill_returned_minor=0,
        by_marketplace=False,
    )
    await refunds.insert(
        connection,
        refund={
            "id": refund_id,
            "order_id": order.id,
            "seller_order_id": None,
            "seller_id": None,
            "amount_minor": amount_minor,
            "currency": order.currency,
            "reason": reason,
            # No seller has sold it, so none gives anything back.
            "borne_by": "marketplace",
            "effects": {**effects, "transaction_id": str(transaction_id)},
            "requested_by": viewer.user_id,
            "created_at": now,
            "dispute_id": None,
        },
        lines=[],
        parts=[
            {
                "id": new_id(),
                "refund_id": refund_id,
                "payment_id": payment.id,
                "amount_minor": amount_minor,
                "credited_account": None,
                "created_at": now,
                "check_at": now + _FIRST_CHECK_AFTER,
            }
        ],
    )
    change = gift_sale_books.counted(
        order_id=order.id, payment_id=payment.id, amount_minor=amount_minor
    )
    if not await refunds.count(connection, change=change, sign=1):
        raise RuntimeError(f"the counters of order {order.id} moved under its lock")
    await _tell(
        connection, order=order, refund_id=refund_id, amount_minor=amount_minor, reason=reason,
        viewer=viewer, now=now,
    )  # fmt: skip


async def _tell(
    connection: Connection,
    *,
    order: Order,
    refund_id: UUID,
    amount_minor: int,
    reason: str,
    viewer: Viewer,
    now: datetime,
) -> None:
    event = {
        "kind": "refund_requested",
        "actor": Actor.OPERATOR.value,
        "actor_id": viewer.user_id,
        "data": {
            "refund_id": str(refund_id),
            "amount": {"amount": amount_minor, "currency": order.currency},
            "reason": reason,
        },
    }
    await orders.append_events(connection, order_id=order.id, events=[event], now=now)
    about = {"order_id": str(order.id), "seller_order_id": None}
    fact = Fact(FactType.REFUND_REQUESTED, refund_id, about)
    await outbox.append(connection, [fact], now=now)
