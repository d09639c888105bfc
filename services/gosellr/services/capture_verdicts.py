"""What a person says of a capture of which its gateway doesn't say clearly whether it was taken."""

from datetime import datetime, timedelta
from uuid import UUID

from gosellr.core.db import Connection
from gosellr.core.errors import Conflict, NotAllowed, NotFound
from gosellr.models.capture_values import PaymentCapture
from gosellr.models.order_values import Order
from gosellr.queries import captures, orders
from gosellr.services import order_steps, payment_captures
from gosellr.services.payment_captures import CaptureAnswer
from gosellr.services.seller_scope import require_no_part
from gosellr.utils.captures import CaptureStatus
from gosellr.utils.permissions import Permission
from gosellr.utils.policy import MarketPolicy
from gosellr.utils.states import Actor
from gosellr.utils.viewer import Viewer

# A gateway that hasn't said clearly by then whether it took the money won't by itself.
_ASKED_FOR = timedelta(hours=1)


class CaptureSettled(Conflict):
    """Nothing of this part is being taken: it was, or wasn't, and that is known."""

    code = "capture_settled"
    title = "It is known already what became of the money for this parcel"


class CaptureUnderWay(Conflict):
    """Its gateway may still say whether it took the money."""

    code = "capture_under_way"
    title = "The money for this parcel is still being taken"


async def settle(
    connection: Connection,
    *,
    viewer: Viewer,
    order_id: UUID,
    seller_order_id: UUID,
    taken: bool,
    reason: str,
    policy: MarketPolicy,
    now: datetime,
) -> None:
    """Say, for the market, whether the money for a seller order was taken, of which its gateway
    doesn't say so: it answers with another currency, or never. It was as it was asked for, or not
    at all; what else moved is a movement of the provider, and explained there.

    Raises:
        NotFound: the order has no such part.
        NotAllowed: the viewer explains nothing for the market, sold this, or bought it.
        CaptureSettled, CaptureUnderWay: and then nothing was changed.
    """
    order = (await order_steps.take_order(connection, viewer=viewer, order_id=order_id)).order
    capture = await _unanswered(
        connection, viewer=viewer, order=order, seller_order_id=seller_order_id, now=now
    )
    event = {
        "kind": "capture_settled",
        "actor": Actor.OPERATOR.value,
        "actor_id": viewer.user_id,
        "seller_order_id": seller_order_id,
        "data": {"capture_id": str(capture.id), "taken": taken, "reason": reason},
    }
    await orders.append_events(connection, order_id=order_id, events=[event], now=now)
    status = CaptureStatus.SUCCEEDED if taken else CaptureStatus.FAILED
    await payment_captures.record_answer(
        connection,
        order_id=order_id,
        answer=CaptureAnswer(capture_id=capture.id, status=status),
        policy=policy,
        now=now,
    )


async def find_settleable(
    connection: Connection, *, viewer: Viewer, order: Order, seller_order_id: UUID, now: datetime
) -> PaymentCapture:
    """The capture for a seller order, where its viewer may say what became of it. Raises as
    `settle`."""
    return await _unanswered(
        connection, viewer=viewer, order=order, seller_order_id=seller_order_id, now=now
    )


async def open_captures(connection: Connection, *, order_id: UUID) -> list[PaymentCapture]:
    """What is being taken of an order, the oldest first. For those who explain money."""
    return [one for one in await captures.of_order(connection, order_id=order_id) if one.is_open]


async def open_of(
    connection: Connection, *, viewer: Viewer, order_id: UUID, seller_order_id: UUID
) -> UUID | None:
    """The capture for a seller order whose outcome nobody knows; None where there is none.

    Raises:
        NotAllowed: the viewer explains nothing for the market.
    """
    if not viewer.may_as_staff(Permission.RECONCILIATION_DECIDE):
        raise NotAllowed
    found = await _open_for(connection, order_id=order_id, seller_order_id=seller_order_id)
    return None if found is None else found.id


async def _unanswered(
    connection: Connection, *, viewer: Viewer, order: Order, seller_order_id: UUID, now: datetime
) -> PaymentCapture:
    if not viewer.may_as_staff(Permission.RECONCILIATION_DECIDE):
        raise NotAllowed
    if all(part.id != seller_order_id for part in order.parts):
        raise NotFound
    if viewer.is_buyer_of(order.user_id, sees_whole=False):
        raise NotAllowed("Nobody says what became of their own money")
    capture = await _open_for(connection, order_id=order.id, seller_order_id=seller_order_id)
    if capture is None:
        raise CaptureSettled
    for part in order.parts:
        if part.id in capture.seller_order_ids:
            require_no_part(viewer, seller_id=part.seller_id)
    if capture.status != CaptureStatus.UNKNOWN or capture.created_at + _ASKED_FOR > now:
        raise CaptureUnderWay
    return capture


async def _open_for(
    connection: Connection, *, order_id: UUID, seller_order_id: UUID
) -> PaymentCapture | None:
    found = await captures.of_order(connection, order_id=order_id)
    return next(
        (one for one in found if one.is_open and seller_order_id in one.seller_order_ids), None
    )
