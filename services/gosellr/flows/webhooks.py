"""What gateways report by themselves: taken in once, believed only after asking back.

A report is a hint that something happened. What happened is asked of the gateway, so that the
order of reports doesn't matter, a repeated one changes nothing, and a forged amount is nothing.
"""

from collections.abc import Mapping, Sequence
from datetime import timedelta
from uuid import UUID

from gosellr.core.clock import Clock
from gosellr.core.db import Database
from gosellr.core.errors import DomainError, NotFound, ServiceUnavailable
from gosellr.core.transact import ask, transact, write
from gosellr.flows import (
    chargebacks,
    connected_accounts,
    payments,
    payouts,
    provider_refunds,
    refunds,
)
from gosellr.flows.chargebacks import DisputedPayment
from gosellr.flows.one_by_one import Sweep, one_by_one
from gosellr.flows.payments import Gateways
from gosellr.flows.payouts import PayoutPowers
from gosellr.flows.refunds import RefundPowers
from gosellr.integrations.payments.port import (
    BadSignature,
    DisputingGateway,
    EventKind,
    GatewayEvent,
    MalformedEvent,
    PaymentGateway,
)
from gosellr.models.webhook_values import NewReport, ParkedReport
from gosellr.services import webhook_service
from gosellr.utils.policy import MarketPolicy

# A report of something we don't know yet is looked at again for so long.
_PARKED_FOR = timedelta(days=3)
_ABOUT_DISPUTES = frozenset(
    {
        EventKind.DISPUTE_OPENED.value,
        EventKind.DISPUTE_WON.value,
        EventKind.DISPUTE_LOST.value,
    }
)
_ABOUT_ACCOUNTS = frozenset({EventKind.ACCOUNT_CHANGED, EventKind.ACCOUNT_PAYOUT})
_ABOUT_OTHERS_REFUNDS = frozenset(
    {EventKind.REFUND_ELSEWHERE.value, EventKind.PAYMENT_REVERSED.value}
)
_ABOUT_REFUNDS = frozenset({EventKind.REFUND_SUCCEEDED.value, EventKind.REFUND_FAILED.value})


class WebhookRefused(DomainError):
    """The sender isn't proven, or the body is no event of this gateway."""

    code = "webhook_refused"
    status = 400
    title = "This report can't be taken"


async def receive(
    *,
    db: Database,
    gateways: Gateways,
    clock: Clock,
    policy: MarketPolicy,
    payout_powers: PayoutPowers,
    gateway: str,
    headers: Mapping[str, str],
    body: bytes,
) -> None:
    """Take a report in and act on it.

    Raises:
        NotFound: this market has no such gateway.
        WebhookRefused: its signature or its form is wrong; nothing was stored.
        ServiceUnavailable: whom it is about can't be found out now; nothing was stored.
    """
    power = gateways.get(gateway)
    if power is None:
        raise NotFound
    await power.prepare_webhook(headers)
    now = clock.now()
    try:
        event = power.parse_webhook(headers, body, now)
    except (BadSignature, MalformedEvent) as error:
        raise WebhookRefused(str(error)) from error
    if event is None:
        # Taken all the same: a gateway would send again and again what we say no to.
        return
    if event.kind is EventKind.TRANSFER_CHANGED:
        # A hint like any other, and the provider is asked in any case: it isn't kept.
        transfer_id = _uuid(event.attempt_id)
        if transfer_id is not None:
            await payouts.send_payout(payout_powers, payout_id=transfer_id)
        return
    if event.kind in _ABOUT_ACCOUNTS:
        await _hear_of_account(payout_powers, gateway, event)
        return
    attempt_id = event.attempt_id or await _attempt_of(power, event.gateway_reference)
    if not attempt_id:
        # Others may use the same account at the gateway.
        return
    waits = await write(
        db,
        webhook_service.take_in,
        gateway=gateway,
        event_id=event.event_id,
        kind=event.kind.value,
        attempt_id=attempt_id,
        payload=body,
        now=now,
    )
    payment_id = _uuid(attempt_id)
    if waits and payment_id is not None:
        await apply_parked(
            db=db, gateways=gateways, clock=clock, policy=policy, payment_id=payment_id
        )


async def receive_known(
    *,
    db: Database,
    clock: Clock,
    gateway: PaymentGateway,
    reports: Sequence[tuple[Mapping[str, str], bytes]],
) -> set[int]:
    """Take in, by one statement, those of several reports (headers and body) that tell of payments
    what is known already; gives their places. All others are to be brought to `receive`, which
    says what is wrong with them, and acts on them.
    """
    now = clock.now()
    told: dict[int, NewReport] = {}
    for place, (headers, body) in enumerate(reports):
        await gateway.prepare_webhook(headers)
        try:
            event = gateway.parse_webhook(headers, body, now)
        except (BadSignature, MalformedEvent):
            continue
        payment_id = None if event is None else _uuid(event.attempt_id)
        if event is not None and payment_id is not None:
            told[place] = NewReport(
                event_id=event.event_id,
                kind=event.kind.value,
                payment_id=payment_id,
                payload=body,
            )
    if not told:
        return set()
    known = await write(
        db,
        webhook_service.take_in_known,
        gateway=gateway.name,
        reports=list(told.values()),
        now=now,
    )
    places = list(told)
    return {places[one] for one in known}


async def _hear_of_account(powers: PayoutPowers, gateway: str, event: GatewayEvent) -> None:
    reference = event.gateway_reference
    if event.kind is EventKind.ACCOUNT_PAYOUT:
        await connected_accounts.hear_of_bank(
            powers,
            provider=gateway,
            reference=reference,
            failure=event.decline_code,
            told_at=event.occurred_at,
        )
    else:
        lost = event.decline_code is not None
        await connected_accounts.hear(powers, provider=gateway, reference=reference, lost=lost)


async def _attempt_of(gateway: PaymentGateway, reference: str) -> str:
    """Which attempt a report is about that names only the gateway's own charge; empty where it is
    none of ours.

    Raises:
        ServiceUnavailable: the gateway doesn't answer; it will report once more.
    """
    if not isinstance(gateway, DisputingGateway):
        return ""
    attempt_id = await gateway.attempt_of(gateway_reference=reference)
    if attempt_id is None:
        raise ServiceUnavailable("The gateway doesn't say whose charge this is")
    return attempt_id


async def apply_parked(
    *,
    db: Database,
    gateways: Gateways,
    clock: Clock,
    policy: MarketPolicy,
    payment_id: UUID | None = None,
    limit: int = 100,
) -> int:
    """Act on reports that wait, all or those of one attempt; gives how many were settled.

    A report that comes before we know its payment stays parked and is looked at again.
    """
    now = clock.now()
    sweep = Sweep(
        name="reports",
        db=db,
        now=now,
        due=lambda: ask(
            db,
            webhook_service.parked,
            payment_id=payment_id,
            given_up_before=now - _PARKED_FOR,
            now=now,
            limit=limit,
        ),
        item=lambda one: f"{one.gateway}:{one.event_id}",
    )

    async def act(report: ParkedReport) -> bool:
        order_id = await ask(db, webhook_service.order_of, payment_id=report.payment_id)
        if order_id is not None:
            await payments.advance(
                db=db,
                gateways=gateways,
                clock=clock,
                policy=policy,
                order_id=order_id,
                curious=True,
                reported=() if report.payment_id is None else (report.payment_id,),
            )
            powers = RefundPowers(db=db, gateways=gateways, clock=clock, policy=policy)
            await _hear(powers, report)
        await transact(
            db,
            webhook_service.settle,
            report=report,
            outcome="applied" if order_id is not None else "unknown_payment",
            now=clock.now(),
        )
        return True

    if payment_id is not None:
        return await one_by_one(await sweep.due(), act, story="acting on a report")
    return await sweep.run(act, story="acting on a report")


async def _hear(powers: RefundPowers, report: ParkedReport) -> None:
    """Act on what was reported of a payment besides its own state."""
    if report.payment_id is None:
        return
    if report.kind in _ABOUT_REFUNDS:
        await refunds.hear(powers, payment_id=report.payment_id)
    elif report.kind in _ABOUT_OTHERS_REFUNDS:
        await provider_refunds.hear(powers, report=report)
    elif report.kind in _ABOUT_DISPUTES:
        reference = await ask(powers.db, webhook_service.reference_of, payment_id=report.payment_id)
        payment = DisputedPayment(
            payment_id=report.payment_id,
            method=report.gateway,
            gateway_reference=reference,
        )
        await chargebacks.hear(powers, payment=payment)


def _uuid(text: str) -> UUID | None:
    try:
        return UUID(text)
    except ValueError:
        return None
