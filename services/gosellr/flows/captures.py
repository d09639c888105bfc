"""Money taken as goods leave: the intent is committed, the gateway is asked, the answer is
committed, and only then the parcel goes.

The same story serves the seller who ships and the sweeper who comes after a crash. It also
watches what is set aside: kept longer where a gateway can, else its sellers are warned, and what
wasn't shipped by its end is cancelled.
"""

import logging
from collections.abc import Awaitable, Callable
from datetime import datetime
from functools import partial
from typing import TypeVar
from uuid import UUID

from gosellr.core.clock import Clock
from gosellr.core.db import Database
from gosellr.core.transact import ask, transact
from gosellr.flows.one_by_one import Sweep
from gosellr.flows.payments import Gateways, advance
from gosellr.integrations.payments.port import (
    CaptureRequest,
    MovementResult,
    Outcome,
    PaymentGateway,
    Reauthorizes,
)
from gosellr.models.capture_values import DueCapture, WatchedAuthorization
from gosellr.services import (
    cancel_service,
    capture_verdicts,
    fulfilment_service,
    payment_authorizations,
    payment_captures,
)
from gosellr.services.fulfilment_service import StatusRequest
from gosellr.services.payment_captures import (
    CaptureAnswer,
    CaptureDeclined,
    CaptureNeeded,
    CapturePending,
)
from gosellr.utils.captures import SHORT_CAPTURE, CaptureStatus, Watch, watch
from gosellr.utils.lazy_dataclasses import dataclass, replace
from gosellr.utils.policy import MarketPolicy
from gosellr.utils.viewer import Viewer

Shipped = TypeVar("Shipped")

_log = logging.getLogger("gosellr.flows")

_STATUSES = {
    Outcome.ACCEPTED: CaptureStatus.SUCCEEDED,
    Outcome.DECLINED: CaptureStatus.FAILED,
    # It knows no such charge: there is nothing that it could take.
    Outcome.NOT_FOUND: CaptureStatus.FAILED,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class CapturePowers:
    """What taking money as goods leave needs of its process."""

    db: Database
    gateways: Gateways
    clock: Clock
    policy: MarketPolicy

    def now(self) -> datetime:
        """The moment, by the process's clock."""
        return self.clock.now()


async def shipping(powers: CapturePowers, ship: Callable[[], Awaitable[Shipped]]) -> Shipped:
    """Ship; where the money for what leaves has to be taken first, take it, and ship then.

    Raises:
        CapturePending, CaptureDeclined, ShortCaptureOpen, AuthorizationExpired: and then nothing
            was shipped.
        Whatever `ship` raises.
    """
    taken: set[UUID] = set()
    while True:
        try:
            return await ship()
        except CaptureNeeded as needed:
            if needed.seller_order_id in taken:
                raise CapturePending from needed
            taken.add(needed.seller_order_id)
            await capture_share(
                powers, order_id=needed.order_id, seller_order_id=needed.seller_order_id
            )


async def request_status(
    powers: CapturePowers, *, viewer: Viewer, order_id: UUID, request: StatusRequest
) -> None:
    """Move seller orders to a status; what is shipped by that is paid for first.

    Raises:
        What `shipping` and `fulfilment_service.request_status` raise.
    """
    asked = request

    async def step() -> None:
        nonlocal asked
        try:
            await transact(
                powers.db,
                fulfilment_service.request_status,
                viewer=viewer,
                order_id=order_id,
                request=asked,
                policy=powers.policy,
                now=powers.now(),
            )
        except CaptureNeeded:
            # The version was held against the order, which its own captures move on.
            asked = replace(asked, version=None)
            raise

    await shipping(powers, step)


async def capture_share(powers: CapturePowers, *, order_id: UUID, seller_order_id: UUID) -> None:
    """Take the money for a seller order.

    Raises:
        CapturePending, CaptureDeclined, ShortCaptureOpen, AuthorizationExpired.
    """
    capture_id = await transact(
        powers.db,
        payment_captures.open_capture,
        order_id=order_id,
        seller_order_id=seller_order_id,
        policy=powers.policy,
        now=powers.now(),
    )
    if capture_id is not None:
        capture = await ask(powers.db, payment_captures.due_capture, capture_id=capture_id)
        if capture is None:
            raise CapturePending
        answer = await _taken(powers, capture, fresh=True)
        if answer.status is CaptureStatus.FAILED:
            # Perhaps nothing is set aside any more.
            await _look_again(powers, order_id=order_id, payment_id=capture.payment_id)
            raise CaptureDeclined(extras={"decline_code": answer.decline_code})
        if answer.status is not CaptureStatus.SUCCEEDED:
            raise CapturePending
    await _look_again(powers, order_id=order_id)


async def _look_again(
    powers: CapturePowers, *, order_id: UUID, payment_id: UUID | None = None
) -> None:
    """Let the payment loop do what follows: call the rest back, hear what has ended."""
    await advance(
        db=powers.db,
        gateways=powers.gateways,
        clock=powers.clock,
        policy=powers.policy,
        order_id=order_id,
        reported=() if payment_id is None else (payment_id,),
    )


async def _taken(powers: CapturePowers, capture: DueCapture, *, fresh: bool) -> CaptureAnswer:
    """Ask for the money, or what became of it, and write the answer down."""
    gateway = powers.gateways.get(capture.method)
    result = None if gateway is None else await _moved(gateway, capture, fresh=fresh)
    answer = _answer(capture, result)
    await transact(
        powers.db,
        payment_captures.record_answer,
        order_id=capture.order_id,
        answer=answer,
        policy=powers.policy,
        now=powers.now(),
    )
    return answer


async def _moved(gateway: PaymentGateway, capture: DueCapture, *, fresh: bool) -> MovementResult:
    """Take money, after asking whether it was taken already."""
    request = CaptureRequest(
        capture_id=str(capture.id),
        attempt_id=str(capture.payment_id),
        amount_minor=capture.amount_minor,
        currency=capture.currency,
        final=capture.final,
        gateway_reference=capture.charge_reference,
    )
    look_up = partial(
        gateway.lookup_capture,
        capture_id=request.capture_id,
        attempt_id=request.attempt_id,
        gateway_reference=request.gateway_reference,
    )
    if not fresh:
        earlier = await look_up()
        if earlier.outcome is not Outcome.NOT_FOUND:
            return earlier
    result = await gateway.capture(request)
    if result.outcome is Outcome.REFUSED:
        return await look_up()
    return result


def _answer(capture: DueCapture, result: MovementResult | None) -> CaptureAnswer:
    """What an answer means. Another amount than was asked for pays for nothing and goes back;
    another currency is left to a person."""
    if result is None:
        return CaptureAnswer(capture_id=capture.id, status=CaptureStatus.UNKNOWN)
    status = _STATUSES.get(result.outcome, CaptureStatus.UNKNOWN)
    astray_minor = 0
    if status is CaptureStatus.SUCCEEDED:
        if result.currency != capture.currency or result.amount_minor <= 0:
            status = CaptureStatus.UNKNOWN
        elif result.amount_minor != capture.amount_minor:
            status, astray_minor = CaptureStatus.FAILED, result.amount_minor
    return CaptureAnswer(
        capture_id=capture.id,
        status=status,
        astray_minor=astray_minor,
        fee_minor=result.fee_minor,
        fee_total_minor=result.fee_total_minor,
        gateway_reference=result.gateway_reference,
        decline_code=SHORT_CAPTURE if astray_minor else result.decline_code,
    )


async def settle(
    powers: CapturePowers,
    *,
    viewer: Viewer,
    order_id: UUID,
    seller_order_id: UUID,
    taken: bool,
    reason: str,
) -> None:
    """Say whether the money for a seller order was taken, of which no gateway says so. Its gateway
    is asked once more before.

    Raises:
        What `capture_verdicts.settle` raises.
    """
    capture_id = await ask(
        powers.db,
        capture_verdicts.open_of,
        viewer=viewer,
        order_id=order_id,
        seller_order_id=seller_order_id,
    )
    if capture_id is not None:
        capture = await ask(powers.db, payment_captures.due_capture, capture_id=capture_id)
        if capture is not None:
            await _taken(powers, capture, fresh=False)
    await transact(
        powers.db,
        capture_verdicts.settle,
        viewer=viewer,
        order_id=order_id,
        seller_order_id=seller_order_id,
        taken=taken,
        reason=reason,
        policy=powers.policy,
        now=powers.now(),
    )
    await _look_again(powers, order_id=order_id)


async def resume_captures(powers: CapturePowers, *, limit: int = 100) -> int:
    """Ask after every capture whose time has come; gives how many were looked at."""

    async def resume(capture: DueCapture) -> bool:
        await _taken(powers, capture, fresh=False)
        await _look_again(powers, order_id=capture.order_id)
        return True

    now = powers.now()
    sweep = Sweep(
        name="captures",
        db=powers.db,
        now=now,
        due=lambda: ask(powers.db, payment_captures.due_captures, now=now, limit=limit),
        item=lambda one: str(one.id),
    )
    return await sweep.run(resume, story="resuming a capture")


async def watch_authorizations(powers: CapturePowers, *, limit: int = 100) -> int:
    """Look at money that is about to end being set aside, or has ended; gives how often."""

    async def look(held: WatchedAuthorization) -> bool:
        if held.status == "authorized" and await _kept_longer(powers, held):
            return True
        over = held.status != "authorized"
        asked_for = watch(authorized_until=held.authorized_until, now=powers.now())
        if not over and asked_for is not Watch.END:
            return await transact(
                powers.db, payment_authorizations.warn, held=held, now=powers.now()
            )
        ended = await transact(
            powers.db,
            cancel_service.end_lapsed,
            order_id=held.order_id,
            policy=powers.policy,
            now=powers.now(),
        )
        await _look_again(powers, order_id=held.order_id)
        return ended

    now = powers.now()
    sweep = Sweep(
        name="authorizations",
        db=powers.db,
        now=now,
        due=lambda: ask(powers.db, payment_authorizations.watched, now=now, limit=limit),
        item=lambda one: str(one.payment_id),
    )
    return await sweep.run(look, story="watching an authorisation")


async def _kept_longer(powers: CapturePowers, held: WatchedAuthorization) -> bool:
    """Whether the gateway keeps it for longer, if it is asked to."""
    gateway: object = powers.gateways.get(held.method)
    if not isinstance(gateway, Reauthorizes):
        return False
    result = await gateway.reauthorize(
        attempt_id=str(held.payment_id), gateway_reference=held.gateway_reference
    )
    until = result.authorized_until
    if result.outcome is not Outcome.ACCEPTED or until is None:
        return False
    if (result.amount_minor, result.currency) != (held.amount_minor, held.currency):
        _log.error("%s has other money aside for %s than we have", held.method, held.payment_id)
        return False
    if until <= held.authorized_until or until <= powers.now():
        return False
    await transact(
        powers.db, payment_authorizations.extend, held=held, until=until, now=powers.now()
    )
    return True
