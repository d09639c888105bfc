"""Money on its way back: the intent is committed, the gateway asked, its answer committed.

Refunds and captures that pay for nothing are sent under a key of their own, so sending one
twice moves money once. Whatever a crash cuts off is asked after later, and then sent again
only if the gateway has never heard of it.
"""

import asyncio
from datetime import datetime, timedelta
from functools import partial
from uuid import UUID

from gosellr.core.clock import Clock
from gosellr.core.db import Database
from gosellr.core.transact import ask, transact
from gosellr.flows.one_by_one import Sweep
from gosellr.flows.payments import Gateways, advance
from gosellr.integrations.payments.port import MovementResult, Outcome, RefundRequest
from gosellr.models.order_values import Order, Refund
from gosellr.models.proposal_values import Proposal
from gosellr.models.refund_values import DueReturn, RefundPart
from gosellr.services import (
    cancel_service,
    idempotency_service,
    order_service,
    proposal_service,
    refund_answers,
    refund_plan,
    refund_questions,
    refund_requests,
    refund_verdicts,
    stray_service,
)
from gosellr.services.idempotency_service import EarlierRequest, IdempotencyInProgress, RequestKey
from gosellr.services.refund_answers import RefundAnswer
from gosellr.utils.lazy_dataclasses import dataclass
from gosellr.utils.policy import MarketPolicy
from gosellr.utils.states import RefundStatus
from gosellr.utils.viewer import Viewer

# For so long an unanswered first request counts as still running; then it was cut off.
_RUNNING_FOR = timedelta(seconds=15)

_STATUSES = {
    Outcome.ACCEPTED: RefundStatus.SUCCEEDED,
    Outcome.DECLINED: RefundStatus.FAILED,
    # It never took the money that is to go back, or says so; nothing moved.
    Outcome.NOT_FOUND: RefundStatus.FAILED,
    # A person sends it, and says so.
    Outcome.BY_HAND: RefundStatus.PENDING,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class RefundPowers:
    """What sending money back needs of its process."""

    db: Database
    gateways: Gateways
    clock: Clock
    policy: MarketPolicy

    def now(self) -> datetime:
        """The moment, by the process's clock."""
        return self.clock.now()


@dataclass(frozen=True, slots=True, kw_only=True)
class RequestedRefund:
    """The refund as it stands, what waits for a second person in its place, or the first answer to
    the same request."""

    refund: Refund | None = None
    proposal: Proposal | None = None
    answered: EarlierRequest | None = None


async def request_refund(
    powers: RefundPowers,
    *,
    viewer: Viewer,
    order_id: UUID,
    request: refund_plan.RefundRequest,
    key: RequestKey,
) -> RequestedRefund:
    """Refund a part of an order, and say how far that went; or propose it, where that takes two.

    Raises:
        IdempotencyInProgress, and what `refund_requests.open_refund` raises.
    """
    opened = await transact(
        powers.db,
        refund_requests.open_refund,
        viewer=viewer,
        order_id=order_id,
        request=request,
        key=key,
        policy=powers.policy,
        now=powers.now(),
    )
    if isinstance(opened, Proposal):
        return RequestedRefund(proposal=opened)
    told = opened if isinstance(opened, EarlierRequest) else opened.refund_id
    return await send_opened(powers, viewer=viewer, order_id=order_id, opened=told)


async def send_opened(
    powers: RefundPowers, *, viewer: Viewer, order_id: UUID, opened: UUID | EarlierRequest
) -> RequestedRefund:
    """Send a refund that was opened, or that an earlier request opened and was cut off before it
    was answered; say how far that went.

    Raises:
        IdempotencyInProgress: the earlier request may still be at it.
    """
    if isinstance(opened, EarlierRequest):
        if opened.status is not None:
            return RequestedRefund(answered=opened)
        cut_off = powers.now() - opened.created_at >= _RUNNING_FOR
        if opened.resource_id is None or not cut_off:
            raise IdempotencyInProgress
        refund_id = UUID(opened.resource_id)
        await send_refund(powers, refund_id=refund_id, fresh=False)
    else:
        refund_id = opened
        await send_refund(powers, refund_id=refund_id)
    order = await ask(powers.db, order_service.find_order, viewer=viewer, order_id=order_id)
    made = next((one for one in order.refunds if one.id == refund_id), None)
    if made is None:
        # It was proposed, and the refund would bear the proposal's id.
        proposed = await ask(powers.db, proposal_service.find, proposal_id=refund_id)
        return RequestedRefund(proposal=proposed)
    return RequestedRefund(refund=made)


async def settle(
    powers: RefundPowers,
    *,
    viewer: Viewer,
    order_id: UUID,
    refund_id: UUID,
    arrived: bool,
    reason: str,
) -> Refund | Proposal:
    """Say what became of a refund of which no gateway says so; gives it as it is then, or what
    waits for a second person. Its gateways are asked once more before.

    Raises:
        What `refund_verdicts.settle` raises.
    """
    order = await ask(powers.db, order_service.find_order, viewer=viewer, order_id=order_id)
    if any(one.id == refund_id for one in order.refunds):
        await send_refund(powers, refund_id=refund_id, fresh=False)
    proposed = await transact(
        powers.db,
        refund_verdicts.settle,
        viewer=viewer,
        order_id=order_id,
        refund_id=refund_id,
        arrived=arrived,
        reason=reason,
        policy=powers.policy,
        now=powers.now(),
    )
    if proposed is not None:
        return proposed
    order = await ask(powers.db, order_service.find_order, viewer=viewer, order_id=order_id)
    [refund] = [one for one in order.refunds if one.id == refund_id]
    return refund


async def keep_answer(powers: RefundPowers, *, key: RequestKey, status: int, body: bytes) -> None:
    """Keep what the first request was answered, for whoever asks again."""
    await transact(
        powers.db,
        idempotency_service.finish,
        request=key,
        status=status,
        body=body,
        now=powers.now(),
    )


async def cancel_order(
    powers: RefundPowers,
    *,
    viewer: Viewer,
    order_id: UUID,
    seller_order_id: UUID | None,
    reason: str,
) -> Order:
    """Cancel, then send back what was paid and call back what is under way.

    Raises:
        What `cancel_service.cancel` raises.
    """
    cancelled = await transact(
        powers.db,
        cancel_service.cancel,
        viewer=viewer,
        order_id=order_id,
        seller_order_id=seller_order_id,
        reason=reason,
        policy=powers.policy,
        now=powers.now(),
    )
    for refund_id in cancelled.refund_ids:
        await send_refund(powers, refund_id=refund_id)
    if cancelled.calls_payments_back:
        await advance(
            db=powers.db,
            gateways=powers.gateways,
            clock=powers.clock,
            policy=powers.policy,
            order_id=order_id,
        )
    return await ask(powers.db, order_service.find_order, viewer=viewer, order_id=order_id)


async def send_refund(powers: RefundPowers, *, refund_id: UUID, fresh: bool = True) -> None:
    """Bring a refund as far as it goes now. Safe to call at any time, twice too.

    `fresh` says that no part of it was ever sent.
    """
    parts = await ask(powers.db, refund_questions.open_parts, refund_id=refund_id)
    await asyncio.gather(*(_send_part(powers, part, fresh=fresh) for part in parts))


async def _send_part(powers: RefundPowers, part: RefundPart, *, fresh: bool) -> None:
    result = await _moved(
        powers,
        method=part.method,
        request=RefundRequest(
            refund_id=str(part.id),
            attempt_id=str(part.payment_id),
            amount_minor=part.amount_minor,
            currency=part.currency,
            gateway_reference=part.charge_reference,
        ),
        fresh=fresh,
    )
    status = _status_of(result, part.amount_minor, part.currency)
    await transact(
        powers.db,
        refund_answers.record,
        answer=RefundAnswer(
            part_id=part.id,
            status=status,
            gateway_reference=None if result is None else result.gateway_reference,
            reason=None if result is None else result.decline_code or result.outcome.value,
        ),
        policy=powers.policy,
        now=powers.now(),
    )


async def _moved(
    powers: RefundPowers, *, method: str, request: RefundRequest, fresh: bool
) -> MovementResult | None:
    """Send money back, after asking whether it went already; None where no gateway can."""
    gateway = powers.gateways.get(method)
    if gateway is None:
        return None
    look_up = partial(
        gateway.lookup_refund,
        refund_id=request.refund_id,
        attempt_id=request.attempt_id,
        gateway_reference=request.gateway_reference,
    )
    if not fresh:
        earlier = await look_up()
        if earlier.outcome is not Outcome.NOT_FOUND:
            return earlier
    result = await gateway.refund(request)
    if result.outcome is Outcome.REFUSED:
        return await look_up()
    return result


def _status_of(result: MovementResult | None, amount_minor: int, currency: str) -> RefundStatus:
    """What an answer means. Another amount than was asked for is left to a person."""
    if result is None:
        return RefundStatus.UNKNOWN
    other = (result.amount_minor, result.currency) != (amount_minor, currency)
    if result.outcome is Outcome.ACCEPTED and other:
        return RefundStatus.UNKNOWN
    return _STATUSES.get(result.outcome, RefundStatus.UNKNOWN)


async def hear(powers: RefundPowers, *, payment_id: UUID) -> int:
    """A gateway told of money that went back through a payment: ask it what became of all that
    is under way there; gives how much that was."""
    parts = await ask(powers.db, refund_questions.open_parts_of_payment, payment_id=payment_id)
    for part in parts:
        await _send_part(powers, part, fresh=False)
    return len(parts)


async def resume_refunds(powers: RefundPowers, *, limit: int = 100) -> int:
    """Ask after every refund whose time has come; gives how many parts were looked at."""

    async def resume(part: RefundPart) -> bool:
        await _send_part(powers, part, fresh=False)
        return True

    now = powers.now()
    sweep = Sweep(
        name="refunds",
        db=powers.db,
        now=now,
        due=lambda: ask(powers.db, refund_questions.due_parts, now=now, limit=limit),
        item=lambda one: str(one.id),
    )
    return await sweep.run(resume, story="resuming a refund")


async def resume_returns(powers: RefundPowers, *, limit: int = 100) -> int:
    """Send back captures that pay for nothing, or ask after them; gives how many."""

    async def resume(back: DueReturn) -> bool:
        await _send_return(powers, back)
        return True

    now = powers.now()
    sweep = Sweep(
        name="returns",
        db=powers.db,
        now=now,
        due=lambda: ask(powers.db, stray_service.due_returns, now=now, limit=limit),
        item=lambda one: str(one.id),
    )
    return await sweep.run(resume, story="sending money back")


async def _send_return(powers: RefundPowers, back: DueReturn) -> None:
    result = await _moved(
        powers,
        method=back.method,
        request=RefundRequest(
            refund_id=str(back.id),
            attempt_id=str(back.payment_id),
            amount_minor=back.amount_minor,
            currency=back.currency,
            gateway_reference=back.charge_reference,
        ),
        fresh=False,
    )
    await transact(
        powers.db,
        stray_service.record_answer,
        back=back,
        status=_status_of(result, back.amount_minor, back.currency),
        gateway_reference=None if result is None else result.gateway_reference,
        now=powers.now(),
    )
