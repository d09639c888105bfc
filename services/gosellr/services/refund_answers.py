"""What becomes of refunds on their way, as gateways say or as a person does, and what waits for
that."""

from datetime import datetime, timedelta
from uuid import UUID

from gosellr.core.db import Connection
from gosellr.core.errors import Conflict, NotAllowed, NotFound
from gosellr.models.order_values import Order, Refund
from gosellr.models.refund_values import RefundPart
from gosellr.queries import orders, refunds
from gosellr.services import chargeback_service, order_steps, refund_outcome
from gosellr.services.refund_outcome import RefundAnswer
from gosellr.services.seller_scope import require_no_part
from gosellr.utils.offline import CASH_ON_DELIVERY
from gosellr.utils.permissions import Permission
from gosellr.utils.policy import MarketPolicy
from gosellr.utils.states import Actor, RefundStatus
from gosellr.utils.viewer import Viewer

__all__ = [
    "RefundAnswer",
    "RefundSettled",
    "RefundUnderWay",
    "record",
    "settle",
    "unanswered",
]

# A gateway that hasn't said clearly by then what became of a refund won't by itself.
_ASKED_FOR = timedelta(hours=1)


class RefundSettled(Conflict):
    """It arrived or failed: that was said before."""

    code = "refund_settled"
    title = "It is known already what became of this refund"


class RefundUnderWay(Conflict):
    """Its gateway may still say what becomes of it, or its transfer is told of by its own way."""

    code = "refund_under_way"
    title = "This refund is still on its way"


async def record(
    connection: Connection, *, answer: RefundAnswer, policy: MarketPolicy, now: datetime
) -> None:
    """Write an answer down, book what follows, and go on with chargebacks of the same order; saying
    it again changes nothing.

    Raises:
        NotFound: no refund has such a part.
    """
    argued_about = await refund_outcome.record_answer(
        connection, answer=answer, policy=policy, now=now
    )
    if argued_about is not None:
        await chargeback_service.go_on(connection, order_id=argued_about, policy=policy, now=now)


async def settle(
    connection: Connection,
    *,
    viewer: Viewer,
    order_id: UUID,
    refund_id: UUID,
    arrived: bool,
    reason: str,
    policy: MarketPolicy,
    now: datetime,
) -> None:
    """Say, for the market, what became of a refund of which no gateway says so: one that answered
    with another amount, or never; and cash that its seller didn't hand back. What else moved is a
    movement of the provider, and explained there.

    Raises:
        NotFound: there is no such refund.
        NotAllowed: the viewer explains nothing for the market, sold this, or bought it.
        RefundSettled, RefundUnderWay: and then nothing was changed.
    """
    order = (await order_steps.take_order(connection, viewer=viewer, order_id=order_id)).order
    refund, parts = await unanswered(
        connection, viewer=viewer, order=order, refund_id=refund_id, now=now
    )
    event = {
        "kind": "refund_settled",
        "actor": Actor.OPERATOR.value,
        "actor_id": viewer.user_id,
        "seller_order_id": refund.seller_order_id,
        "data": {"refund_id": str(refund_id), "arrived": arrived, "reason": reason},
    }
    await orders.append_events(connection, order_id=order_id, events=[event], now=now)
    status = RefundStatus.SUCCEEDED if arrived else RefundStatus.FAILED
    for part in parts:
        answer = RefundAnswer(part_id=part.id, status=status, reason=reason)
        await record(connection, answer=answer, policy=policy, now=now)


async def unanswered(
    connection: Connection, *, viewer: Viewer, order: Order, refund_id: UUID, now: datetime
) -> tuple[Refund, list[RefundPart]]:
    """The refund, where its viewer may say what became of it, and what of it has no answer. Raises
    as `settle`."""
    if not viewer.may_as_staff(Permission.RECONCILIATION_DECIDE):
        raise NotAllowed
    refund = next((one for one in order.refunds if one.id == refund_id), None)
    if refund is None:
        raise NotFound
    _require_no_side(order, refund, viewer=viewer)
    parts = [one for one in await refunds.parts_of(connection, refund_id=refund_id) if one.is_open]
    if not parts:
        raise RefundSettled
    if not all(_waits_for_a_person(one, now=now) for one in parts):
        raise RefundUnderWay
    return refund, parts


def _require_no_side(order: Order, refund: Refund, *, viewer: Viewer) -> None:
    if viewer.is_buyer_of(order.user_id, sees_whole=False):
        raise NotAllowed("Nobody says what became of their own money")
    for part in order.parts:
        if part.id == refund.seller_order_id:
            require_no_part(viewer, seller_id=part.seller_id)


def _waits_for_a_person(part: RefundPart, *, now: datetime) -> bool:
    if part.method == CASH_ON_DELIVERY:
        return True
    return part.status == RefundStatus.UNKNOWN and part.created_at + _ASKED_FOR <= now
