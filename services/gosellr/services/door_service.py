"""At the door: the parcel is paid in cash, or refused."""

from datetime import datetime
from uuid import UUID

from gosellr.core.db import Connection
from gosellr.core.errors import Conflict, InvalidInput
from gosellr.models.events import Fact, FactType
from gosellr.models.order_values import Order, Payment, SellerOrder
from gosellr.queries import cash, outbox, refunds, reservations, shipments
from gosellr.services import cash_service, order_steps, refund_outcome, shipment_service
from gosellr.services.order_steps import OrderInHand, Step, TransitionRefused
from gosellr.services.refund_outcome import RefundAnswer
from gosellr.services.seller_scope import require_in_seller
from gosellr.utils.offline import CASH_ON_DELIVERY
from gosellr.utils.order_states import OrderStatus
from gosellr.utils.permissions import Permission
from gosellr.utils.policy import MarketPolicy
from gosellr.utils.states import Actor, RefundStatus, ShipmentStatus
from gosellr.utils.viewer import Viewer

_ON_ITS_WAY = frozenset({OrderStatus.PARTIALLY_SHIPPED, OrderStatus.SHIPPED})


class NoCashAwaited(Conflict):
    """Nothing of this part is to be paid at the door."""

    code = "no_cash_awaited"
    title = "No cash is awaited for this"


async def record_cash(
    connection: Connection,
    *,
    viewer: Viewer,
    order_id: UUID,
    seller_order_id: UUID,
    amount_minor: int,
    currency: str,
    policy: MarketPolicy,
    now: datetime,
) -> None:
    """Say that a part was handed over against its cash: it has arrived, and is paid.

    Raises:
        NotFound, NotAllowed: the part isn't the caller's.
        NoCashAwaited: it was collected or called off, or is paid otherwise.
        InvalidInput: that isn't the amount that was due.
        TransitionRefused: not all of it has been sent.
    """
    hand, part, payment = await _awaited(
        connection,
        viewer=viewer,
        order_id=order_id,
        seller_order_id=seller_order_id,
    )
    if (amount_minor, currency) != (payment.amount_minor, payment.currency):
        raise InvalidInput.at(
            "amount",
            "amount_differs",
            f"Due were {payment.amount_minor} minor units of {payment.currency}",
        )
    if part.status != OrderStatus.SHIPPED:
        raise _refused(part, "delivered")
    await shipment_service.record(
        connection,
        order=hand.order,
        part=part,
        reports={parcel.id: ShipmentStatus.DELIVERED for parcel in part.shipments},
        actor=_actor(viewer),
        actor_id=viewer.user_id,
        policy=policy,
        now=now,
    )


async def refuse(
    connection: Connection,
    *,
    viewer: Viewer,
    order_id: UUID,
    seller_order_id: UUID,
    reason: str,
    policy: MarketPolicy,
    now: datetime,
) -> None:
    """Say that a buyer refused a part at the door: it is called off, its goods are back on the
    shelf, and nobody owes anything.

    Raises:
        NotFound, NotAllowed: the part isn't the caller's.
        NoCashAwaited: it was collected or called off, or is paid otherwise.
        TransitionRefused: nothing of it is on its way, or some of it was handed over.
    """
    hand, part, _ = await _awaited(
        connection,
        viewer=viewer,
        order_id=order_id,
        seller_order_id=seller_order_id,
    )
    arrived = any(one.status == ShipmentStatus.DELIVERED for one in part.shipments)
    if part.status not in _ON_ITS_WAY or arrived:
        raise _refused(part, "cancelled")
    statuses = {
        parcel.id: ShipmentStatus.RETURNED.value
        for parcel in part.shipments
        if parcel.status != ShipmentStatus.RETURNED
    }
    await shipments.report(connection, statuses=statuses, now=now)
    back = await cash.take_back(connection, part_id=part.id, actor_id=viewer.user_id, now=now)
    held = await reservations.release_seller_order(connection, seller_order_id=part.id)
    await order_steps.tell_stock(connection, order=hand.order, variant_ids={*back, *held}, now=now)
    order = await order_steps.take_steps(
        connection,
        order=hand.order,
        steps=[Step(part=part, target=OrderStatus.CANCELLED, data={"reason": reason})],
        actor=_actor(viewer),
        actor_id=viewer.user_id,
        policy=policy,
        now=now,
        reason=reason,
    )
    order = await cash_service.drop(connection, order=order, part=part, now=now)
    if order.status == OrderStatus.CANCELLED:
        about = {"order_id": str(order.id), "reason": reason}
        await outbox.append(connection, [Fact(FactType.ORDER_CANCELLED, order.id, about)], now=now)


async def hand_back(
    connection: Connection,
    *,
    viewer: Viewer,
    order_id: UUID,
    refund_id: UUID,
    policy: MarketPolicy,
    now: datetime,
) -> None:
    """Say that a refund was given to its buyer in cash. Saying it again changes nothing.

    Raises:
        NotFound, NotAllowed: the refund isn't of the caller's part.
        NoCashAwaited: nothing of it goes back in cash.
    """
    hand = await order_steps.take_order(connection, viewer=viewer, order_id=order_id)
    part = _part_of_refund(hand.order, refund_id, viewer)
    require_in_seller(viewer, seller_id=part.seller_id, permission=Permission.REFUND_CREATE)
    given = [
        one
        for one in await refunds.parts_of(connection, refund_id=refund_id)
        if one.method == CASH_ON_DELIVERY and one.credited_account is None
    ]
    if not given:
        raise NoCashAwaited("Nothing of this refund goes back in cash")
    for one in given:
        if one.is_open:
            answer = RefundAnswer(part_id=one.id, status=RefundStatus.SUCCEEDED)
            await refund_outcome.record_answer(connection, answer=answer, policy=policy, now=now)


def _part_of_refund(order: Order, refund_id: UUID, viewer: Viewer) -> SellerOrder:
    found = [one.seller_order_id or order.id for one in order.refunds if one.id == refund_id]
    hand = OrderInHand(order=order, viewer=viewer, is_buyer=False)
    # A refund that isn't there is no part of anybody's.
    return hand.part(found[0] if found else refund_id)


async def _awaited(
    connection: Connection, *, viewer: Viewer, order_id: UUID, seller_order_id: UUID
) -> tuple[OrderInHand, SellerOrder, Payment]:
    hand = await order_steps.take_order(connection, viewer=viewer, order_id=order_id)
    part = hand.part(seller_order_id)
    require_in_seller(viewer, seller_id=part.seller_id, permission=Permission.SHIPMENT_UPDATE)
    payment = cash_service.due(hand.order, part)
    if payment is None:
        raise NoCashAwaited
    return hand, part, payment


def _refused(part: SellerOrder, target: str) -> TransitionRefused:
    return TransitionRefused(
        f"From {part.status} to {target} doesn't go at the door",
        extras={"seller_order_id": part.id, "current": part.status, "allowed": []},
    )


def _actor(viewer: Viewer) -> Actor:
    return Actor.OPERATOR if viewer.is_operator else Actor.SELLER
