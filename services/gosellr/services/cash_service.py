"""Cash on delivery: promised with the order, collected by the seller, who then owes what is due.

The seller holds the cash, so none of it is in the books; what of the sale isn't the seller's own
is a debt, and what the marketplace or a gift card gives is credited like in any sale.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from gosellr.core.db import Connection
from gosellr.models.events import Fact, FactType
from gosellr.models.order_values import Order, Payment, SellerOrder
from gosellr.queries import cash, orders, outbox
from gosellr.services import (
    ledger_service,
    order_steps,
    promotion_service,
    sale_books,
    stored_value_tender,
)
from gosellr.services.basket_service import Tender
from gosellr.services.ledger_service import Booking
from gosellr.utils.lazy_dataclasses import replace
from gosellr.utils.ledger import TransactionDraft
from gosellr.utils.offline import CASH_ON_DELIVERY
from gosellr.utils.policy import MarketPolicy
from gosellr.utils.postings import sale_on_delivery
from gosellr.utils.states import PaymentStatus
from gosellr.utils.stored_value import STORED_METHODS


async def promise(
    connection: Connection,
    *,
    order_id: UUID,
    payments: Sequence[tuple[UUID, Tender]],
    parts: Sequence[tuple[UUID, int]],
    coupons: bool,
    policy: MarketPolicy,
    now: datetime,
) -> bool:
    """Confirm an order whose cash is promised; False where none of its attempts is cash.

    `payments` are its new attempts with how they pay, `parts` its parts with what they cost.
    """
    promised = [(key, one) for key, one in payments if one.method == CASH_ON_DELIVERY]
    if not promised:
        return False
    paid = [part_id for part_id, total_minor in parts if total_minor]
    pairs = [(key, part_id) for (key, _), part_id in zip(promised, paid, strict=True)]
    # What stored value pays of each of several parts goes the way of its cash.
    beside = [
        (key, parts[one.part_index][0])
        for key, one in payments
        if one.part_index is not None and one.method in STORED_METHODS
    ]
    done = await cash.promise(
        connection,
        order_id=order_id,
        pairs=pairs,
        beside=beside,
        ship_by=now + policy.ship_within,
        now=now,
    )
    if done != len(pairs) + len(beside):
        raise RuntimeError(f"the attempts of order {order_id} aren't as they were written")
    if coupons:
        await promotion_service.redeem(connection, order_id=order_id)
    steps: list[dict[str, Any]] = [
        {
            "kind": "status_changed",
            "actor": "payment",
            "seller_order_id": part_id,
            "from_status": "pending_payment",
            "to_status": "processing",
        }
        for part_id, _ in parts
    ]
    events = [{"kind": "cash_promised", "actor": "buyer"}, *steps]
    await orders.append_events(connection, order_id=order_id, events=events, now=now)
    fact = Fact(FactType.ORDER_CASH_PROMISED, order_id, {"order_id": str(order_id)})
    await outbox.append(connection, [fact], now=now)
    return True


def due(order: Order, part: SellerOrder) -> Payment | None:
    """The cash that is still to be collected for a part."""
    waiting = (
        one
        for one in order.payments
        if one.status == PaymentStatus.AUTHORIZED and one.method == CASH_ON_DELIVERY
    )
    return next((one for one in waiting if one.seller_order_id == part.id), None)


async def collect(
    connection: Connection,
    *,
    order: Order,
    part: SellerOrder,
    policy: MarketPolicy,
    actor: str,
    now: datetime,
) -> Order:
    """A part of a locked order has arrived: its cash is in its seller's hands, who owes what of
    it is due. Gives the order as it is then; nothing happens where no cash is awaited."""
    payment = due(order, part)
    if payment is None:
        return order
    stored_minor = sum(
        one.amount_minor
        for one in order.payments
        if one.method in STORED_METHODS
        and one.status == PaymentStatus.AUTHORIZED
        and one.seller_order_id in {None, part.id}
    )
    order = await stored_value_tender.capture(connection, order=order, part_id=part.id, now=now)
    [parcel] = [one for one in sale_books.parcels_of(order) if one.seller_order_id == part.id]
    draft = sale_on_delivery(
        order_id=order.id,
        currency=order.currency,
        parcel=parcel,
        stored_value_minor=stored_minor,
        commission_vat_jurisdiction=policy.commission_vat_jurisdiction,
    )
    await _book(connection, draft, payment=payment, part=part, actor=actor, now=now)
    given_minor = stored_minor + sum(one.promotion_minor for one in parcel.parts)
    captured_minor = payment.amount_minor + stored_minor
    await cash.collect(
        connection,
        order_id=order.id,
        part_id=part.id,
        payment_id=payment.id,
        pending_minor=given_minor,
        captured_minor=captured_minor,
        now=now,
    )
    collected = replace(
        payment, status=PaymentStatus.CAPTURED.value, captured_minor=payment.amount_minor
    )
    order = replace(
        order,
        captured_minor=order.captured_minor + captured_minor,
        payments=tuple(collected if one.id == payment.id else one for one in order.payments),
        parts=tuple(
            replace(one, pending_minor=one.pending_minor + given_minor)
            if one.id == part.id
            else one
            for one in order.parts
        ),
    )
    said = {"amount": {"amount": payment.amount_minor, "currency": order.currency}}
    event = {
        "kind": "cash_collected",
        "actor": actor,
        "seller_order_id": part.id,
        "data": said,
    }
    await orders.append_events(connection, order_id=order.id, events=[event], now=now)
    return await _conclude(connection, order=order, now=now)


async def _book(
    connection: Connection,
    draft: TransactionDraft,
    *,
    payment: Payment,
    part: SellerOrder,
    actor: str,
    now: datetime,
) -> None:
    if not draft.entries:
        return
    booking = Booking(
        draft=draft,
        cause_type="seller_order",
        cause_id=part.id,
        # A part's cash is collected once.
        idempotency_key=str(part.id),
        order_id=part.order_id,
        actor=actor,
        effective_at=now,
        facts={"payment": str(payment.id)},
    )
    await ledger_service.book(connection, bookings=[booking], now=now)


async def drop(connection: Connection, *, order: Order, part: SellerOrder, now: datetime) -> Order:
    """A part of a locked order was called off before its cash was collected: nobody owes anything,
    and stored value that was set aside for it goes back."""
    payment = due(order, part)
    if payment is None:
        return order
    if not await cash.drop(connection, payment_id=payment.id, now=now):
        raise RuntimeError(f"the cash of seller order {part.id} moved under its order's lock")
    await stored_value_tender.give_back(connection, order=order, part_id=part.id, now=now)
    return await _conclude(
        connection, order=await order_steps.load_locked(connection, order_id=order.id), now=now
    )


async def _conclude(connection: Connection, *, order: Order, now: datetime) -> Order:
    """Say what the money is doing; once no cash is awaited the order is paid, if any came."""
    collects = [one for one in order.payments if one.method == CASH_ON_DELIVERY]
    awaited = any(one.status == PaymentStatus.AUTHORIZED for one in collects)
    came = any(one.status == PaymentStatus.CAPTURED for one in collects)
    is_paid = came and not awaited and order.paid_at is None
    standing = order_steps.payment_status_of(order)
    await cash.conclude(
        connection, order_id=order.id, payment_status=standing, is_paid=is_paid, now=now
    )
    if is_paid:
        fact = Fact(FactType.ORDER_PAID, order.id, {"order_id": str(order.id)})
        await outbox.append(connection, [fact], now=now)
    return replace(order, payment_status=standing, paid_at=now if is_paid else order.paid_at)
