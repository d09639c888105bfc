"""A paid sale becomes entries in the books; money that pays for nothing is noted to go back."""

from collections.abc import Callable, Collection, Hashable, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from gosellr.core.db import Connection
from gosellr.models.events import Fact, FactType
from gosellr.models.order_values import Order, OrderEvent, Payment
from gosellr.queries import payment_returns, payments, settlements
from gosellr.queries.payment_returns import NewReturn
from gosellr.queries.settlements import Settlement
from gosellr.services import (
    gift_sale_books,
    ledger_service,
    promotion_service,
    sale_books,
    stored_value_tender,
)
from gosellr.services.idempotency_service import KeptAnswer
from gosellr.services.ledger_service import Booking
from gosellr.services.payment_answers import (
    GatewayAnswer,
    attempts_of,
    judge,
    with_answers,
)
from gosellr.utils.lazy_dataclasses import dataclass, replace
from gosellr.utils.order_states import OrderStatus
from gosellr.utils.payment_plan import Attempt, paying
from gosellr.utils.policy import MarketPolicy
from gosellr.utils.postings import stray_capture
from gosellr.utils.stored_value import STORED_METHODS

SHORT_PAYMENT = "short_payment"
"""Why money goes back that was too little, alone or together with the rest of its tender."""


async def settle(
    connection: Connection,
    *,
    order: Order,
    paid: Collection[UUID],
    policy: MarketPolicy,
    now: datetime,
) -> Order:
    """The money of a locked order is complete: holds, coupons, books and sellers learn of it.

    `paid` names the captures that make up the total. Gives the order as it reads from now on.
    """
    order = await stored_value_tender.capture(connection, order=order, now=now)
    paying = [payment for payment in order.payments if payment.id in paid]
    await payments.mark_paid(
        connection,
        order_id=order.id,
        captured_minor=sum(payment.captured_minor for payment in paying),
        methods=[payment.method for payment in paying],
        facts=[Fact(FactType.ORDER_PAID, order.id, {"order_id": str(order.id)})],
        ship_by=now + policy.ship_within,
        now=now,
    )
    if order.coupon_codes:
        await promotion_service.redeem(connection, order_id=order.id)
    if order.parts:
        bookings = sale_books.sale_bookings(order, paying, policy=policy, now=now)
    else:
        # Nobody sold anything: its money buys a gift card.
        card = await gift_sale_books.sold(connection, order=order, paying=paying, now=now)
        bookings = [card, *sale_books.fee_bookings(order, paying, now=now)]
    await ledger_service.book(connection, bookings=bookings, now=now)
    return _settled(order, paying, ship_by=now + policy.ship_within, now=now)


@dataclass(frozen=True, slots=True, kw_only=True)
class Settled:
    """An order as it reads from now on, and its buyer's answer where that is kept already."""

    order: Order
    kept: KeptAnswer | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class SettlementDraft:
    """A sale as it will be settled, if its order is still as it was when it was written."""

    settled: Settled
    settlement: Settlement

    @property
    def shares_with_none(self) -> Collection[Hashable]:
        """Its order: nobody settles one twice."""
        return (self.settlement.order_id,)


def draft(
    order: Order,
    answers: Sequence[GatewayAnswer],
    *,
    tell: Callable[[Order], KeptAnswer] | None = None,
    policy: MarketPolicy,
    now: datetime,
) -> SettlementDraft | None:
    """What `settle_drafted` writes of an order that was just written and that these answers pay.

    `tell` says what its buyer is answered, which is kept with it. None where that isn't all there
    is to do: `payment_service.record` looks closer.
    """
    if any(payment.method in STORED_METHODS for payment in order.payments):
        return None
    written = judge(order, answers, now=now)
    answered = with_answers(order, written, version=order.version, now=now)
    found = paying(total_minor=order.total_minor, attempts=attempts_of(answered))
    if found is None or order.coupon_codes or len(found) < len(answered.payments):
        return None
    ship_by = now + policy.ship_within
    settled = _settled(answered, answered.payments, ship_by=ship_by, now=now)
    kept = None if tell is None else tell(settled)
    bookings = sale_books.sale_bookings(answered, answered.payments, policy=policy, now=now)
    settlement = Settlement(
        order_id=order.id,
        version=order.version,
        captured_minor=settled.captured_minor,
        methods=[payment.method for payment in answered.payments],
        answers=written,
        bookings=ledger_service.drafted(bookings, now=now),
        facts=[Fact(FactType.ORDER_PAID, order.id, {"order_id": str(order.id)})],
        kept=None
        if kept is None
        else (kept.request.scope, kept.request.key, kept.status, kept.body),
        paid_at=now,
        ship_by=ship_by,
    )
    return SettlementDraft(settled=Settled(order=settled, kept=kept), settlement=settlement)


async def settle_drafted(
    connection: Connection, drafts: Sequence[SettlementDraft]
) -> list[Settled | None]:
    """Settle drafted sales by a single statement; None, and nothing written, for one whose order
    somebody else has come to since: `payment_service.record` looks again."""
    done = await settlements.settle(connection, [each.settlement for each in drafts])
    return [each.settled if each.settlement.order_id in done else None for each in drafts]


def _settled(order: Order, paying: Sequence[Payment], *, ship_by: datetime, now: datetime) -> Order:
    """What `mark_paid` has written, without reading it all again: a third of an order's cost."""
    waiting = [part for part in order.parts if part.status == OrderStatus.PENDING_PAYMENT]
    steps: list[tuple[UUID | None, str, dict[str, Any]]] = [
        (None, "paid", {"methods": [payment.method for payment in paying]}),
        *((part.id, "status_changed", {}) for part in waiting),
    ]
    return replace(
        order,
        status="paid",
        payment_status="paid",
        captured_minor=sum(payment.captured_minor for payment in paying),
        paid_at=now,
        expires_at=None,
        event_count=order.event_count + len(steps),
        version=order.version + 1,
        parts=tuple(
            replace(
                part,
                status="paid",
                pending_minor=part.net_minor,
                ship_by=ship_by,
                version=part.version + 1,
            )
            if part in waiting
            else part
            for part in order.parts
        ),
        events=(
            *order.events,
            *(
                OrderEvent(
                    sequence=sequence,
                    seller_order_id=part_id,
                    kind=kind,
                    from_status="pending_payment",
                    to_status="paid",
                    actor="payment",
                    data=data,
                    at=now,
                )
                for sequence, (part_id, kind, data) in enumerate(steps, start=order.event_count + 1)
            ),
        ),
    )


async def send_back(
    connection: Connection,
    *,
    order: Order,
    stray: Sequence[Attempt],
    now: datetime,
) -> None:
    """Note captures that pay for nothing, and book them where they wait."""
    if not stray:
        return
    if order.paid_at is not None:
        reason = "paid_already"
    else:
        reason = "order_closed" if order.status == OrderStatus.CANCELLED else SHORT_PAYMENT
    by_id = {payment.id: payment for payment in order.payments}
    await payment_returns.insert(
        connection,
        returns=[
            NewReturn(
                payment_id=one.id,
                amount_minor=one.captured_minor,
                reason=reason,
                is_case=one.captured_minor != one.amount_minor,
            )
            for one in stray
        ],
        now=now,
    )
    await ledger_service.book(
        connection,
        bookings=[
            *sale_books.fee_bookings(order, [by_id[one.id] for one in stray], now=now),
            *(
                Booking(
                    draft=stray_capture(
                        gateway=by_id[one.id].method,
                        amount_minor=one.captured_minor,
                        currency=order.currency,
                    ),
                    cause_type="payment",
                    cause_id=one.id,
                    idempotency_key=str(one.id),
                    order_id=order.id,
                    actor="payment",
                    effective_at=now,
                    facts={"reason": reason},
                )
                for one in stray
            ),
        ],
        now=now,
    )
