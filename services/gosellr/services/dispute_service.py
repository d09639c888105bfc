"""Cases between a buyer and a seller: opened on a line, argued, decided, appealed once."""

from datetime import datetime, timedelta
from uuid import UUID

from gosellr.core.db import Connection
from gosellr.core.errors import Conflict, InvalidInput, NotFound
from gosellr.core.identity import new_id
from gosellr.models.dispute_values import Dispute, NewMessage
from gosellr.models.events import Fact, FactType
from gosellr.models.order_values import Order, OrderLine, SellerOrder
from gosellr.queries import dispute_folders, disputes, outbox
from gosellr.services import (
    dispute_freeze,
    dispute_steps,
    idempotency_service,
    order_steps,
    refund_fees,
    refund_plan,
)
from gosellr.services.idempotency_service import EarlierRequest, RequestKey
from gosellr.services.refund_plan import PlannedRefund, RefundRequest
from gosellr.services.refund_ways import UnderChargeback
from gosellr.utils.disputes import (
    DisputeKind,
    DisputeOutcome,
    DisputeReason,
    DisputeStatus,
    NotThereYet,
    TooEarly,
    TooLate,
    check_window,
    due_at,
)
from gosellr.utils.lazy_dataclasses import dataclass, replace
from gosellr.utils.policy import MarketPolicy
from gosellr.utils.states import Actor
from gosellr.utils.viewer import Viewer

# Where a delivery option doesn't say how long it takes.
_LONGEST_DELIVERY = timedelta(days=14)


class DisputeExists(Conflict):
    """One case at a time about one line; `dispute_id` names it."""

    code = "dispute_exists"
    title = "There is a case about this already"


class DisputeDecidedBefore(Conflict):
    """Decided is decided, and `dispute_id` names the case in which it was."""

    code = "dispute_decided_before"
    title = "This was decided before"


class DisputeTooEarly(Conflict):
    """It may still arrive; `opens_at` says from when on it is late."""

    code = "dispute_too_early"
    title = "It may still arrive"


class DisputeTooLate(Conflict):
    """The window has closed; `closed_at` says when."""

    code = "dispute_too_late"
    title = "It is too late to open a case"


@dataclass(frozen=True, slots=True, kw_only=True)
class NewDispute:
    """What a buyer complains of, in their own words."""

    order_id: UUID
    order_line_id: UUID
    quantity: int | None
    reason: DisputeReason
    message: str


async def open_case(
    connection: Connection,
    *,
    viewer: Viewer,
    request: NewDispute,
    key: RequestKey,
    policy: MarketPolicy,
    now: datetime,
) -> UUID | EarlierRequest:
    """Open a case on a line; what it is about is frozen at once. Gives its id.

    Raises:
        NotFound: the order isn't the viewer's, or has no such line.
        NotPaid, RefundTooLarge, AlreadyRefunded: nothing could be given back.
        DisputeExists, DisputeDecidedBefore, DisputeTooEarly, DisputeTooLate, UnderChargeback,
        InvalidInput, IdempotencyKeyReused: and then nothing was changed.
    """
    hand = await order_steps.take_order(connection, viewer=viewer, order_id=request.order_id)
    found = [one for one in hand.order.lines if one.id == request.order_line_id]
    if not hand.is_buyer or not found:
        raise NotFound
    dispute_id = new_id()
    earlier = await idempotency_service.claim(
        connection,
        request=key,
        resource_id=str(dispute_id),
        now=now,
        kept_for=policy.idempotency_kept_for,
    )
    if earlier is not None:
        return earlier
    [line] = found
    units = request.quantity or line.quantity - line.refunded_quantity or line.quantity
    request = replace(request, quantity=units)
    part = hand.part(line.seller_order_id)
    await _check_none_before(connection, order=hand.order, line=line)
    _check_time(part, line, hand.order, reason=request.reason, policy=policy, now=now)
    planned = refund_plan.plan_refund(
        hand.order,
        part=part,
        request=RefundRequest(
            seller_order_id=part.id,
            reason=request.reason.value,
            items=((line.id, units),),
        ),
        reversal=policy.commission_reversal,
    )
    planned = refund_fees.with_expected_fees(hand.order, planned, policy=policy)
    await _insert(
        connection, dispute_id=dispute_id, order=hand.order, planned=planned, line=line,
        request=request, viewer=viewer, policy=policy, now=now,
    )  # fmt: skip
    return dispute_id


async def _check_none_before(connection: Connection, *, order: Order, line: OrderLine) -> None:
    for case in await disputes.open_of_order(connection, order_id=order.id):
        if case.is_chargeback:
            raise UnderChargeback
    undecided = {DisputeOutcome.WITHDRAWN, DisputeOutcome.ACCEPTED, DisputeOutcome.SUPERSEDED}
    for case in await disputes.of_line(connection, order_line_id=line.id):
        if case.stands is not DisputeStatus.CLOSED:
            raise DisputeExists(extras={"dispute_id": str(case.id)})
        if case.outcome not in undecided:
            raise DisputeDecidedBefore(extras={"dispute_id": str(case.id)})


def _check_time(
    part: SellerOrder,
    line: OrderLine,
    order: Order,
    *,
    reason: DisputeReason,
    policy: MarketPolicy,
    now: datetime,
) -> None:
    try:
        check_window(
            reason=reason,
            now=now,
            arrived_at=arrived_at(part, line),
            expected_by=expected_by(order, part, policy=policy),
            window=policy.disputes.window,
        )
    except NotThereYet:
        raise InvalidInput.at(
            "reason", "not_delivered_yet", "Nothing of it has arrived yet: say not_delivered"
        ) from None
    except TooEarly as error:
        raise DisputeTooEarly(extras={"opens_at": _written(error.opens_at)}) from None
    except TooLate as error:
        raise DisputeTooLate(extras={"closed_at": _written(error.closed_at)}) from None


@dataclass(frozen=True, slots=True, kw_only=True)
class ClaimWindow:
    """From when until when a case about a line may be opened, and whether any of it has arrived."""

    has_arrived: bool
    opens_at: datetime
    closes_at: datetime


def claim_window(
    order: Order, part: SellerOrder, line: OrderLine, *, policy: MarketPolicy
) -> ClaimWindow:
    """When a buyer may complain of a line, as `open_case` will see it."""
    came = arrived_at(part, line)
    begins = came or expected_by(order, part, policy=policy)
    return ClaimWindow(
        has_arrived=came is not None,
        opens_at=begins,
        closes_at=begins + policy.disputes.window,
    )


def _written(moment: datetime) -> str:
    return moment.isoformat().replace("+00:00", "Z")


def arrived_at(part: SellerOrder, line: OrderLine) -> datetime | None:
    """When the last parcel with units of a line arrived; None while none did."""
    moments = [
        parcel.delivered_at
        for parcel in part.shipments
        if parcel.delivered_at is not None
        and any(item["order_item_id"] == str(line.id) for item in parcel.items)
    ]
    return max(moments, default=part.delivered_at)


def expected_by(order: Order, part: SellerOrder, *, policy: MarketPolicy) -> datetime:
    """By when a part should have arrived: sent in time, and as long on its way as was promised."""
    sent = (
        part.shipped_at or part.ship_by or (order.paid_at or order.placed_at) + policy.ship_within
    )
    days = part.shipping_option.get("delivery_days") or ()
    return sent + (timedelta(days=max(days)) if days else _LONGEST_DELIVERY)


async def _insert(
    connection: Connection,
    *,
    dispute_id: UUID,
    order: Order,
    planned: PlannedRefund,
    line: OrderLine,
    request: NewDispute,
    viewer: Viewer,
    policy: MarketPolicy,
    now: datetime,
) -> None:
    status = DisputeStatus.AWAITING_SELLER
    case = {
        "id": dispute_id,
        "kind": DisputeKind.BUYER.value,
        "order_id": order.id,
        "seller_order_id": planned.part.id,
        "seller_id": planned.part.seller_id,
        "order_line_id": line.id,
        "quantity": request.quantity,
        "reason": request.reason.value,
        "status": status.value,
        "currency": order.currency,
        "amount_minor": planned.amount_minor,
        "opened_by": viewer.user_id,
        "opened_at": now,
        "due_at": due_at(status, now=now, terms=policy.disputes),
    }
    await disputes.insert(connection, order_id=order.id, cases=[case])
    dispute = await dispute_steps.loaded(connection, dispute_id=dispute_id)
    await dispute_freeze.freeze(
        connection,
        dispute=dispute,
        part=planned.part,
        amount_minor=planned.seller_minor,
        now=now,
    )
    await dispute_steps.note_opened(
        connection, order=order, cases=[dispute], kind="dispute_opened", actor=Actor.BUYER,
        actor_id=viewer.user_id, now=now,
    )  # fmt: skip
    await keep_message(
        connection, dispute=dispute, author=Actor.BUYER.value, author_id=viewer.user_id,
        body=request.message, now=now,
    )  # fmt: skip


async def keep_message(
    connection: Connection,
    *,
    dispute: Dispute,
    author: str,
    author_id: UUID | None,
    body: str,
    now: datetime,
) -> UUID:
    """Keep what somebody said in a case, and tell that it was said; gives its id."""
    message = NewMessage(
        id=new_id(), dispute_id=dispute.id, author=author, author_id=author_id, body=body
    )
    await dispute_folders.add_message(connection, message=message, now=now)
    about = {**dispute_steps.whom_it_concerns(dispute), "author": author}
    fact = Fact(FactType.DISPUTE_MESSAGE_ADDED, dispute.id, about)
    await outbox.append(connection, [fact], now=now)
    return message.id
