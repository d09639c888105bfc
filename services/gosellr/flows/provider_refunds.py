"""Refunds made at a provider without us: heard of, asked after there, and booked or kept."""

from uuid import UUID

from gosellr.core.errors import Conflict
from gosellr.core.transact import ask, transact
from gosellr.flows import chargebacks
from gosellr.flows.chargebacks import DisputedPayment
from gosellr.flows.one_by_one import NoAnswer, one_by_one
from gosellr.flows.refunds import RefundPowers
from gosellr.integrations.payments.port import DisputingGateway, EventKind, GatewayEvent
from gosellr.integrations.payments.report_port import GivenBack, TellsRefunds
from gosellr.models.webhook_values import ParkedReport
from gosellr.services import provider_refund_service, webhook_service
from gosellr.services.provider_refund_service import ToldRefund

UNSEEN = "The provider reports it, and doesn't show it with the payment"


async def hear(powers: RefundPowers, *, report: ParkedReport) -> int:
    """A gateway told that money went back which nobody here sent: ask it for all that went back
    of that payment; gives for how much of it that was news.

    Raises:
        NoAnswer: it was silent, or can't be asked; nothing was changed.
    """
    gateway = powers.gateways.get(report.gateway)
    if report.payment_id is None or not isinstance(gateway, TellsRefunds):
        raise NoAnswer(f"{report.gateway} doesn't say what it gave back")
    reference = await ask(powers.db, webhook_service.reference_of, payment_id=report.payment_id)
    found = await gateway.given_back(attempt_id=str(report.payment_id), gateway_reference=reference)
    if found is None:
        raise NoAnswer(f"{report.gateway} doesn't answer")
    event = gateway.read_again(await ask(powers.db, webhook_service.payload_of, report=report))
    reversal = event if event and event.kind is EventKind.PAYMENT_REVERSED else None
    others = [one for one in found if one.refund_id is None and one.is_done]
    if (others or reversal) and isinstance(gateway, DisputingGateway):
        # What a dispute took is told like this as well: it is booked as that, and first.
        payment = DisputedPayment(
            payment_id=report.payment_id, method=report.gateway, gateway_reference=reference
        )
        await chargebacks.hear(powers, payment=payment)
    changed = 0
    for one in others:
        is_reversal = reversal is not None and reversal.movement_id == one.reference
        told = _told(report.gateway, report.payment_id, one, is_reversal=is_reversal)
        changed += await _book(powers, told)
    if reversal is not None and all(one.reference != reversal.movement_id for one in found):
        changed += await _keep(
            powers, _unseen(report.gateway, report.payment_id, reversal), reason=UNSEEN
        )
    return changed


def _unseen(gateway: str, payment_id: UUID, event: GatewayEvent) -> ToldRefund:
    return ToldRefund(
        payment_id=payment_id,
        gateway=gateway,
        gateway_reference=event.movement_id,
        amount_minor=event.amount_minor,
        currency=event.currency,
        is_reversal=True,
    )


def _told(gateway: str, payment_id: UUID, one: GivenBack, *, is_reversal: bool) -> ToldRefund:
    return ToldRefund(
        payment_id=payment_id,
        gateway=gateway,
        gateway_reference=one.reference,
        amount_minor=one.amount_minor,
        currency=one.currency,
        is_reversal=is_reversal,
    )


async def _book(powers: RefundPowers, told: ToldRefund) -> bool:
    try:
        return await transact(
            powers.db,
            provider_refund_service.record,
            told=told,
            policy=powers.policy,
            now=powers.now(),
        )
    except Conflict as refusal:
        # `NotBookable`, or what stands in the way of any refund of that order now.
        return await _keep(powers, told, reason=refusal.detail)


async def _keep(powers: RefundPowers, told: ToldRefund, *, reason: str) -> bool:
    return await transact(
        powers.db, provider_refund_service.wait, told=told, reason=reason, now=powers.now()
    )


async def try_again(powers: RefundPowers) -> int:
    """Book what waited and fits by now; gives how many were looked at."""

    async def book(kept: provider_refund_service.ProviderRefund) -> bool:
        if kept.reason == UNSEEN:
            return False
        told = ToldRefund(
            payment_id=kept.payment_id,
            gateway=kept.gateway,
            gateway_reference=kept.gateway_reference,
            amount_minor=kept.amount_minor,
            currency=kept.currency,
            is_reversal=kept.is_reversal,
        )
        return await _book(powers, told)

    kept = await ask(powers.db, provider_refund_service.waiting)
    return await one_by_one(kept, book, story="booking what a provider gave back")
