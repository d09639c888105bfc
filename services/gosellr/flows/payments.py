"""The money of an order, beat by beat: look what to ask, ask the world, write the answer down.

No transaction is open while a gateway is asked. The same loop serves the first run and every
resumption, so that a crash between any two lines leaves nothing that it doesn't finish.
"""

import asyncio
from collections.abc import Callable, Collection, Mapping
from typing import Any
from uuid import UUID

from gosellr.core.clock import Clock
from gosellr.core.db import Database
from gosellr.core.transact import ask, transact, write_together
from gosellr.flows.one_by_one import Sweep
from gosellr.integrations.payments.port import (
    CaptureRequest,
    ChargeRequest,
    ChargeResult,
    Outcome,
    PaymentGateway,
    PaymentState,
)
from gosellr.models.order_values import Order, Payment
from gosellr.services import (
    expiry_service,
    order_service,
    payment_service,
    settlement_service,
)
from gosellr.services.idempotency_service import KeptAnswer
from gosellr.services.payment_answers import GatewayAnswer, Payable
from gosellr.services.settlement_service import Settled
from gosellr.utils.lazy_dataclasses import replace
from gosellr.utils.payment_plan import Ask, AskKind
from gosellr.utils.policy import MarketPolicy
from gosellr.utils.states import PaymentStatus

Gateways = Mapping[str, PaymentGateway]

# Authorise, capture, look up, void: no tender takes more rounds than this to come to rest.
_ROUNDS_MAX = 6

_STATES = {
    PaymentState.ACTION_REQUIRED: PaymentStatus.ACTION_REQUIRED,
    PaymentState.AUTHORIZED: PaymentStatus.AUTHORIZED,
    PaymentState.CAPTURED: PaymentStatus.CAPTURED,
    PaymentState.DECLINED: PaymentStatus.DECLINED,
    PaymentState.VOIDED: PaymentStatus.VOIDED,
}
_HOLD_MONEY = frozenset({PaymentStatus.AUTHORIZED, PaymentStatus.CAPTURED})


async def advance(
    *,
    db: Database,
    gateways: Gateways,
    clock: Clock,
    policy: MarketPolicy,
    order_id: UUID,
    fresh: Collection[UUID] = (),
    waiting_is_over: bool = False,
    curious: bool = False,
    reported: Collection[UUID] = (),
) -> Order:
    """Bring the payment of an order as far as it goes now. Safe to call at any time, twice too.

    `fresh` names attempts that were never sent to their gateway. `waiting_is_over` calls back
    what still waits for its buyer, `curious` asks whether the buyer has acted. `reported` names
    attempts that a gateway had news of: what was given up may have succeeded after all.
    """
    done = await advance_placed(
        db=db,
        gateways=gateways,
        clock=clock,
        policy=policy,
        order_id=order_id,
        fresh=fresh,
        waiting_is_over=waiting_is_over,
        curious=curious,
        reported=reported,
    )
    return done.order


async def advance_placed(
    *,
    db: Database,
    gateways: Gateways,
    clock: Clock,
    policy: MarketPolicy,
    order_id: UUID,
    fresh: Collection[UUID] = (),
    waiting_is_over: bool = False,
    curious: bool = False,
    reported: Collection[UUID] = (),
    placed: Order | None = None,
    tell: Callable[[Order], KeptAnswer] | None = None,
) -> Settled:
    """As `advance`. `placed` is the order as the caller has just written it, and `tell` what its
    buyer is answered if it is paid at once."""
    unsent = set(fresh)
    silent: set[UUID] = set()
    for _ in range(_ROUNDS_MAX):
        looked: dict[str, Any] = {
            "now": clock.now(),
            "fresh": unsent,
            "waiting_is_over": waiting_is_over,
            "curious": curious,
            "reported": reported,
        }
        standing: Payable | None = placed
        if standing is None:
            standing = await ask(db, payment_service.standing, order_id=order_id)
        plan = payment_service.plan_of(standing, **looked)
        curious, reported = False, ()
        # Whoever didn't answer is asked again later, by the sweeper.
        asks = [(one, payment) for one, payment in plan.asks if payment.id not in silent]
        if not asks and not plan.concludes:
            break
        puts = [_put(gateways.get(payment.method), one, payment) for one, payment in asks]
        # One alone needs no task, which would begin a turn of the loop later.
        answers = [await puts[0]] if len(puts) == 1 else await asyncio.gather(*puts)
        unsent -= {payment.id for _, payment in asks}
        silent |= {answer.payment_id for answer in answers if answer.status is None}
        said: dict[str, Any] = {"answers": answers, "policy": policy, "now": clock.now()}
        if placed is not None:
            settled = None
            if (draft := settlement_service.draft(placed, tell=tell, **said)) is not None:
                settled = await write_together(db, settlement_service.settle_drafted, draft)
            if settled is not None:
                return settled
            placed = None
        order = await transact(db, payment_service.record, order_id=order_id, **said)
        if payment_service.is_at_rest(order):
            return Settled(order=order)
    return Settled(order=await ask(db, order_service.load_order, order_id=order_id))


async def _put(gateway: PaymentGateway | None, one: Ask, payment: Payment) -> GatewayAnswer:
    """Put one question to a gateway; one that isn't offered any more can't answer."""
    if gateway is None:
        return GatewayAnswer(payment_id=payment.id, status=None)
    attempt_id, known_as = str(payment.id), payment.gateway_reference
    if one.kind in (AskKind.CHARGE, AskKind.AUTHORIZE):
        return await _send(gateway, one.kind, payment)
    if one.kind is AskKind.CAPTURE:
        await gateway.capture(
            CaptureRequest(
                capture_id=attempt_id,
                attempt_id=attempt_id,
                amount_minor=payment.amount_minor,
                currency=payment.currency,
                gateway_reference=known_as,
            )
        )
    elif one.kind is AskKind.VOID:
        voided = await gateway.void(attempt_id=attempt_id, gateway_reference=known_as)
        if voided.outcome is Outcome.BY_HAND:
            # Nobody knows more than we do: what was taken meanwhile outweighs it when written.
            return GatewayAnswer(payment_id=payment.id, status=PaymentStatus.VOIDED)
    # Whatever a movement answered, the charge itself says where it stands now.
    result = await gateway.lookup(attempt_id=attempt_id, gateway_reference=known_as)
    if result.outcome is Outcome.NOT_FOUND and one.otherwise is not None:
        return await _send(gateway, one.otherwise, payment)
    return _charged(payment, result)


async def _send(gateway: PaymentGateway, kind: AskKind, payment: Payment) -> GatewayAnswer:
    """Ask for the money. The attempt's id is its key: a request that was thought lost and arrives
    beside this one, before or after it, is the same charge and takes nothing more."""
    request = ChargeRequest(
        attempt_id=str(payment.id),
        amount_minor=payment.amount_minor,
        currency=payment.currency,
        token=payment.token or "",
        reference=str(payment.order_id),
        capture=kind is AskKind.CHARGE,
    )
    return replace(_charged(payment, await gateway.charge(request)), sent=True)


def _charged(payment: Payment, result: ChargeResult) -> GatewayAnswer:
    if result.outcome is Outcome.NOT_FOUND:
        # The gateway never heard of it, and it isn't sent any more: nothing was taken.
        return GatewayAnswer(
            payment_id=payment.id, status=PaymentStatus.EXPIRED, decline_code=result.decline_code
        )
    status = None if result.outcome is Outcome.REFUSED else _STATES.get(result.state)
    if status in _HOLD_MONEY and result.currency != payment.currency:
        # Money in another currency pays for nothing here; a person has to look at it.
        status = None
    if status is PaymentStatus.AUTHORIZED and result.amount_minor != payment.amount_minor:
        # Nothing is taken yet, and nothing is sent against too little.
        status = None
    return GatewayAnswer(
        payment_id=payment.id,
        status=status,
        captured_minor=result.captured_minor,
        fee_minor=result.fee_minor,
        gateway_reference=result.gateway_reference,
        decline_code=result.decline_code,
        action_url=result.action_url,
        authorized_until=result.authorized_until,
        captures_many=result.captures_many,
    )


async def resume_due(
    *, db: Database, gateways: Gateways, clock: Clock, policy: MarketPolicy, limit: int = 100
) -> int:
    """Ask after every attempt whose time has come; gives how many orders were looked at."""

    async def resume(order_id: UUID) -> bool:
        await advance(
            db=db, gateways=gateways, clock=clock, policy=policy, order_id=order_id, curious=True
        )
        return True

    now = clock.now()
    sweep = Sweep(
        name="payments",
        db=db,
        now=now,
        due=lambda: ask(db, payment_service.due_orders, now=now, limit=limit),
    )
    return await sweep.run(resume, story="resuming a payment")


async def expire_due(
    *, db: Database, gateways: Gateways, clock: Clock, policy: MarketPolicy, limit: int = 100
) -> int:
    """End orders whose hold has run out, unless their money arrives after all.

    What is under way at a gateway is called back first: an order is never both expired and
    paid. While a gateway can't say, the order waits.
    """

    async def expire(order_id: UUID) -> bool:
        await advance(
            db=db,
            gateways=gateways,
            clock=clock,
            policy=policy,
            order_id=order_id,
            waiting_is_over=True,
        )
        return await transact(db, expiry_service.expire, order_id=order_id, now=clock.now())

    now = clock.now()
    sweep = Sweep(
        name="holds",
        db=db,
        now=now,
        due=lambda: ask(db, expiry_service.expired_orders, now=now, limit=limit),
    )
    return await sweep.run(expire, story="expiring an order")
