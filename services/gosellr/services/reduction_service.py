"""Calling off a part of what was ordered before its money is taken: the order becomes smaller.

Nothing was booked and no money taken, so nothing is refunded. What is still to be taken, to be
transferred or to be collected is less, and stays the same sale under the same terms.
"""

from collections.abc import Callable
from datetime import datetime
from typing import Final
from uuid import UUID

from gosellr.core.db import Connection
from gosellr.core.identity import new_id
from gosellr.models.events import Fact, FactType
from gosellr.queries import orders, outbox, reductions, withdrawals
from gosellr.services import idempotency_service, order_steps, reduction_plan
from gosellr.services.idempotency_service import IdempotencyInProgress, RequestKey
from gosellr.services.reduction_plan import Reduction, ReductionRequest
from gosellr.utils.lazy_dataclasses import dataclass
from gosellr.utils.money import Money
from gosellr.utils.payto import lowered_to
from gosellr.utils.policy import MarketPolicy
from gosellr.utils.states import Actor
from gosellr.utils.viewer import Viewer

_MADE: Final = 201


@dataclass(frozen=True, slots=True, kw_only=True)
class CalledOff:
    """What whoever called off is answered; `is_replay` where that was answered before."""

    body: bytes
    is_replay: bool = False


async def preview(
    connection: Connection, *, viewer: Viewer, order_id: UUID, request: ReductionRequest
) -> Reduction:
    """Say what would no longer be paid; changes nothing and locks nothing.

    Raises:
        As `call_off`.
    """
    hand = await order_steps.see_order(connection, viewer=viewer, order_id=order_id)
    planned, _ = await reduction_plan.plan(connection, hand, request)
    return planned


async def call_off(
    connection: Connection,
    *,
    viewer: Viewer,
    order_id: UUID,
    request: ReductionRequest,
    key: RequestKey,
    tell: Callable[[Reduction], bytes],
    policy: MarketPolicy,
    now: datetime,
) -> CalledOff:
    """Take units out of a seller order whose money wasn't taken; they are back on sale.

    Nobody outside has to be asked, so what `tell` makes of it is kept in the same transaction: the
    same request again gets the same answer and changes nothing.

    Raises:
        NotFound, NotAllowed: the order, the part or a line isn't the caller's.
        MoneyTaken, PaymentUnderWay, CapturePending: its money is here, or on its way.
        TransitionRefused, MoreThanOrdered, LeavesNothing, InvalidInput, IdempotencyKeyReused;
        and then nothing was changed.
    """
    hand = await order_steps.take_order(connection, viewer=viewer, order_id=order_id)
    # Only who still has the right hears what an earlier request was answered.
    reduction_plan.actor_of(hand, hand.part(request.seller_order_id))
    reduction_id = new_id()
    earlier = await idempotency_service.claim(
        connection,
        request=key,
        resource_id=str(reduction_id),
        now=now,
        kept_for=policy.idempotency_kept_for,
    )
    if earlier is not None:
        if earlier.body is None:
            raise IdempotencyInProgress
        return CalledOff(body=earlier.body, is_replay=True)
    planned, actor = await reduction_plan.plan(connection, hand, request, reduction_id=reduction_id)
    ended = await withdrawals.withdraw(
        connection,
        quantities={one.line_id: one.quantity for one in planned.lines},
        restock=True,
        refund_id=reduction_id,
        actor_id=viewer.user_id,
        now=now,
    )
    if sum(ended.values()) != sum(one.quantity for one in planned.lines):
        raise RuntimeError(f"the holds of {planned.part.id} don't cover what it owes")
    await order_steps.tell_stock(connection, order=hand.order, variant_ids=ended, now=now)
    await _write(connection, planned, actor=actor, actor_id=viewer.user_id, now=now)
    await _tell(connection, planned, actor=actor, actor_id=viewer.user_id, now=now)
    body = tell(planned)
    await idempotency_service.finish(connection, request=key, status=_MADE, body=body, now=now)
    return CalledOff(body=body)


async def _write(
    connection: Connection,
    planned: Reduction,
    *,
    actor: Actor,
    actor_id: UUID | None,
    now: datetime,
) -> None:
    payment, by = planned.payment, planned.by
    lowered = None if payment is None else Money(
        payment.amount_minor - by.total_minor, payment.currency
    )  # fmt: skip
    done = await reductions.reduce(
        connection,
        order_id=planned.order.id,
        seller_order_id=planned.part.id,
        lines=[
            {
                "id": one.line_id,
                "called_off": one.quantity,
                **one.after.columns(),
                "commission": None
                if one.commission is None
                else {**one.commission, **one.after.commission.as_dict()},
            }
            for one in planned.lines
        ],
        by=by,
        payment_id=None if payment is None else payment.id,
        action_url=None
        if payment is None or lowered is None
        else lowered_to(payment.action_url, lowered),
        now=now,
    )
    if not done:
        raise RuntimeError(f"order {planned.order.id} isn't as it was read under its lock")
    await reductions.insert(
        connection,
        rows=[
            {
                "id": new_id(),
                "reduction_id": planned.id,
                "order_id": planned.order.id,
                "seller_order_id": planned.part.id,
                "seller_id": planned.part.seller_id,
                "order_line_id": one.line_id,
                "quantity": one.quantity,
                "amount_minor": one.amount_minor,
                "before": one.before.columns(),
                "reason": planned.reason,
                "actor": actor.value,
                "requested_by": actor_id,
                "created_at": now,
            }
            for one in planned.lines
        ],
    )


async def _tell(
    connection: Connection,
    planned: Reduction,
    *,
    actor: Actor,
    actor_id: UUID | None,
    now: datetime,
) -> None:
    order, part = planned.order, planned.part
    said = {
        "reduction_id": str(planned.id),
        "amount": {"amount": planned.amount_minor, "currency": order.currency},
        "items": [
            {"order_item_id": str(one.line_id), "quantity": one.quantity} for one in planned.lines
        ],
        "reason": planned.reason,
    }
    event = {
        "kind": "called_off",
        "actor": actor.value,
        "actor_id": actor_id,
        "seller_order_id": part.id,
        "data": said,
    }
    await orders.append_events(connection, order_id=order.id, events=[event], now=now)
    about = {"order_id": str(order.id), "seller_id": str(part.seller_id), **said}
    await outbox.append(connection, [Fact(FactType.SELLER_ORDER_REDUCED, part.id, about)], now=now)
