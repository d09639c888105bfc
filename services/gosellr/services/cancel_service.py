"""Cancelling: what wasn't shipped goes back to the shelf, what was paid goes back to the buyer."""

from collections.abc import Sequence
from dataclasses import field
from datetime import datetime
from uuid import UUID

from gosellr.core.db import Connection
from gosellr.core.errors import Conflict, NotAllowed, NotFound
from gosellr.core.identity import new_id
from gosellr.models.events import Fact, FactType
from gosellr.models.order_values import Order, SellerOrder
from gosellr.queries import outbox, reservations
from gosellr.services import (
    cash_service,
    expiry_service,
    order_steps,
    payment_captures,
    refund_plan,
    refund_service,
)
from gosellr.services.order_steps import OrderInHand, Step, TransitionRefused
from gosellr.services.payment_captures import CapturePending
from gosellr.utils.captures import AT_SHIPMENT, AUTHORIZATION_EXPIRED, SHORT_CAPTURE
from gosellr.utils.lazy_dataclasses import dataclass
from gosellr.utils.order_states import OrderStatus, may_cancel
from gosellr.utils.permissions import Permission
from gosellr.utils.policy import MarketPolicy
from gosellr.utils.states import Actor
from gosellr.utils.viewer import Viewer


class NotPaidYet(Conflict):
    """An unpaid order is one basket and one payment: it is cancelled whole."""

    code = "not_paid_yet"
    title = "Until it is paid, an order is cancelled whole"


@dataclass(frozen=True, slots=True, kw_only=True)
class Cancelled:
    """What a cancellation leaves to be done outside: refunds to send, payments to call back."""

    refund_ids: tuple[UUID, ...] = ()
    calls_payments_back: bool = False


@dataclass(slots=True)
class _Asked:
    """The parts to cancel, and as whom."""

    actor: Actor
    parts: list[SellerOrder] = field(default_factory=list)


async def cancel(
    connection: Connection,
    *,
    viewer: Viewer,
    order_id: UUID,
    seller_order_id: UUID | None,
    reason: str,
    policy: MarketPolicy,
    now: datetime,
) -> Cancelled:
    """Cancel an order, or one seller's part, of which nothing was shipped.

    Without a seller order, all parts that are the caller's and may still be cancelled. Stock is
    given back once; what was paid is refunded.

    Raises:
        NotFound, NotAllowed: the order, or the part, isn't the caller's.
        TransitionRefused: something of it was shipped, or it is cancelled already.
        NotPaidYet: one seller can't end an unpaid order of several.
        CapturePending: its money is being taken just now.
    """
    hand = await order_steps.take_order(connection, viewer=viewer, order_id=order_id)
    asked = _asked(hand, seller_order_id)
    order = hand.order
    if order.paid_at is None and order.status == OrderStatus.PENDING_PAYMENT:
        if len(asked.parts) < len(order.parts):
            raise NotPaidYet
        await _cancel_unpaid(
            connection, order=order, reason=reason, actor=asked.actor, viewer=viewer, now=now
        )
        return Cancelled(calls_payments_back=bool(order.payments))
    await payment_captures.refuse_open(connection, order=order, parts=asked.parts)
    refund_ids = []
    for part in asked.parts:
        order, refund_id = await _cancel_part(
            connection,
            order=order,
            part=part,
            reason=reason,
            actor=asked.actor,
            actor_id=viewer.user_id,
            policy=policy,
            now=now,
        )
        refund_ids += [refund_id] if refund_id else []
    if order.status == OrderStatus.CANCELLED:
        await outbox.append(connection, [_cancelled(order, reason)], now=now)
    return Cancelled(
        refund_ids=tuple(refund_ids),
        calls_payments_back=await _end_captures(connection, order=order, now=now),
    )


async def _end_captures(connection: Connection, *, order: Order, now: datetime) -> bool:
    """Whether money is still set aside for what nobody will ship, and has to be called back."""
    if order.capture_at != AT_SHIPMENT:
        return False
    order = await payment_captures.settle_standing(connection, order_id=order.id, now=now)
    return not order.awaits_capture


async def end_lapsed(
    connection: Connection, *, order_id: UUID, policy: MarketPolicy, now: datetime
) -> bool:
    """Cancel the parts of an order whose money isn't set aside any more, their stock given back;
    whether that came about. While the gateway is asked for money, the order waits."""
    order = await order_steps.lock_and_load(connection, order_id=order_id)
    lapsed = order.uncaptured
    if not lapsed or not payment_captures.has_lapsed(order, now=now):
        return False
    try:
        await payment_captures.refuse_open(connection, order=order, parts=lapsed)
    except CapturePending:
        return False
    why = {part.id: await _why_lapsed(connection, order, part) for part in lapsed}
    for part in lapsed:
        order, _ = await _cancel_part(
            connection,
            order=order,
            part=part,
            reason=why[part.id],
            actor=Actor.SYSTEM,
            actor_id=None,
            policy=policy,
            now=now,
        )
    if order.status == OrderStatus.CANCELLED:
        short = set(why.values()) == {SHORT_CAPTURE}
        fact = _cancelled(order, SHORT_CAPTURE if short else AUTHORIZATION_EXPIRED)
        await outbox.append(connection, [fact], now=now)
    await _end_captures(connection, order=order, now=now)
    return True


async def _why_lapsed(connection: Connection, order: Order, part: SellerOrder) -> str:
    """Who wanted to ship, and couldn't because a capture came short, didn't let the time pass; but
    who could have shipped once that was dealt with, and enough was still set aside, did."""
    short = await payment_captures.wants_of_money(connection, order=order, part=part)
    return SHORT_CAPTURE if short else AUTHORIZATION_EXPIRED


def _cancelled(order: Order, reason: str) -> Fact:
    return Fact(FactType.ORDER_CANCELLED, order.id, {"order_id": str(order.id), "reason": reason})


def _asked(hand: OrderInHand, seller_order_id: UUID | None) -> _Asked:
    if not hand.order.parts and seller_order_id is None:
        return _of_gift_card(hand)
    meant: Sequence[SellerOrder] = (
        hand.order.parts if seller_order_id is None else [hand.part(seller_order_id)]
    )
    own = [
        part
        for part in meant
        if hand.viewer.is_operator or hand.is_buyer or part.seller_id in hand.viewer.memberships
    ]
    if not own:
        raise NotFound
    actors = [hand.capacities(part, Permission.ORDER_CANCEL) for part in own]
    if not all(actors):
        raise NotAllowed("Your role in this shop doesn't allow it")
    # Whoever is both buyer and seller of an order cancels it as either.
    actor = actors[0][0]
    able = [part for part in own if may_cancel(OrderStatus(part.status), actor)]
    left = able if seller_order_id is None else own
    # All of it or nothing: whoever asks for the whole order learns that a parcel is on its way.
    stuck = [part for part in own if part not in able and part.status != OrderStatus.CANCELLED]
    if not left or stuck or len(able) < len(left):
        one = (stuck or own)[0]
        raise TransitionRefused(
            f"A seller order that is {one.status} can't be cancelled any more",
            extras={"seller_order_id": one.id, "current": one.status, "allowed": []},
        )
    return _Asked(actor=actor, parts=able)


def _of_gift_card(hand: OrderInHand) -> _Asked:
    """An order that buys a gift card is called off while it isn't paid; then its card exists."""
    order = hand.order
    if order.status != OrderStatus.PENDING_PAYMENT:
        raise TransitionRefused(
            "Once it is paid, a gift card is taken back by the marketplace",
            extras={"current": order.status, "allowed": []},
        )
    return _Asked(actor=Actor.OPERATOR if hand.viewer.is_operator else Actor.BUYER)


async def _cancel_unpaid(
    connection: Connection,
    *,
    order: Order,
    reason: str,
    actor: Actor,
    viewer: Viewer,
    now: datetime,
) -> None:
    await expiry_service.abandon(
        connection,
        order=order,
        reason=reason,
        actor=actor.value,
        actor_id=viewer.user_id,
        now=now,
    )
    await outbox.append(connection, [_cancelled(order, reason)], now=now)


async def _cancel_part(
    connection: Connection,
    *,
    order: Order,
    part: SellerOrder,
    reason: str,
    actor: Actor,
    actor_id: UUID | None,
    policy: MarketPolicy,
    now: datetime,
) -> tuple[Order, UUID | None]:
    """Cancel a part: its holds end first, so that its refund finds none to withdraw. Where its
    money was never taken there is none."""
    released = await reservations.release_seller_order(connection, seller_order_id=part.id)
    await order_steps.tell_stock(connection, order=order, variant_ids=released, now=now)
    order = await order_steps.take_steps(
        connection,
        order=order,
        steps=[Step(part=part, target=OrderStatus.CANCELLED, data={"reason": reason})],
        actor=actor,
        actor_id=actor_id,
        policy=policy,
        now=now,
        reason=reason,
    )
    [cancelled] = [one for one in order.parts if one.id == part.id]
    if order.capture_at == AT_SHIPMENT and not order.is_paid_for(cancelled):
        # What was never taken goes back by itself, with the rest that is set aside.
        return order, None
    if not order.is_paid_for(cancelled):
        # Cash that was never collected goes nowhere.
        return await cash_service.drop(connection, order=order, part=cancelled, now=now), None
    planned = refund_plan.plan_rest(order, part=cancelled, reversal=policy.commission_reversal)
    if planned is None:
        return order, None
    refund_id = new_id()
    order = await refund_service.carry_out(
        connection,
        order=order,
        planned=planned,
        refund_id=refund_id,
        reason=reason,
        restock=True,
        actor=actor,
        actor_id=actor_id,
        policy=policy,
        now=now,
    )
    return order, refund_id
