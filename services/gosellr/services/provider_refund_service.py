"""Refunds that nobody asked for here: made in a provider's own pages, or by the provider itself.

The money is gone. So what a refund made here would have booked is booked, each seller by its share
of what is left of the order, and confirmed with that; what the provider took by itself is a
chargeback, lost as it is heard of. Where neither can be, it waits for a person with its reason.
"""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from gosellr.core.db import Connection
from gosellr.core.errors import Conflict, NotFound
from gosellr.core.identity import new_id
from gosellr.models.dispute_values import ReportedChargeback
from gosellr.models.order_values import Order
from gosellr.queries import chargebacks, payments, provider_refunds, refunds
from gosellr.queries.provider_refunds import ProviderRefund
from gosellr.services import (
    chargeback_service,
    dispute_claims,
    order_steps,
    refund_outcome,
    refund_service,
)
from gosellr.services.refund_outcome import RefundAnswer
from gosellr.services.refund_ways import WayBack
from gosellr.utils.lazy_dataclasses import dataclass
from gosellr.utils.policy import MarketPolicy
from gosellr.utils.states import Actor, RefundStatus
from gosellr.utils.viewer import Viewer

__all__ = ["NotBookable", "ProviderRefund", "ToldRefund", "record", "resolve", "wait", "waiting"]

REVERSED = "reversed_by_provider"


class NotBookable(Conflict):
    """No recipe fits: a person has to look. Nothing was booked."""

    code = "refund_not_bookable"
    title = "This can't be booked by itself"


class NotWaiting(Conflict):
    """Somebody else was quicker, or it was booked."""

    code = "provider_refund_not_waiting"
    title = "This doesn't wait for anybody"


@dataclass(frozen=True, slots=True, kw_only=True)
class ToldRefund:
    """What a provider gave back of a payment. `is_reversal` says that it did so by itself."""

    payment_id: UUID
    gateway: str
    gateway_reference: str
    amount_minor: int
    currency: str
    is_reversal: bool = False


async def record(
    connection: Connection, *, told: ToldRefund, policy: MarketPolicy, now: datetime
) -> bool:
    """Book it, once; whether it was news.

    Raises:
        NotBookable: no recipe fits.
    """
    order_id = await payments.order_of_payment(connection, payment_id=told.payment_id)
    if order_id is None:
        return False
    order = await order_steps.lock_and_load(connection, order_id=order_id)
    known = await provider_refunds.find(
        connection, gateway=told.gateway, gateway_reference=told.gateway_reference
    )
    if known is not None and known.status != "waiting":
        return False
    if await provider_refunds.is_ours(
        connection, payment_id=told.payment_id, gateway_reference=told.gateway_reference
    ):
        return False
    chargeback_id = await provider_refunds.explained_by(
        connection, payment_id=told.payment_id, amount_minor=told.amount_minor
    )
    if chargeback_id is not None:
        # The dispute is booked already; this is how its money went.
        status = "explained"
    elif told.is_reversal:
        chargeback_id, status = await _take_back(connection, told, policy=policy, now=now), "booked"
    else:
        await _give_back(connection, order=order, told=told, policy=policy, now=now)
        status = "booked"
    return await _write(
        connection, told, order_id=order_id, status=status, chargeback_id=chargeback_id, now=now
    )


async def _take_back(
    connection: Connection, told: ToldRefund, *, policy: MarketPolicy, now: datetime
) -> UUID:
    reported = ReportedChargeback(
        payment_id=told.payment_id,
        gateway=told.gateway,
        gateway_reference=told.gateway_reference,
        amount_minor=told.amount_minor,
        currency=told.currency,
        fee_minor=0,
        reason=REVERSED,
        status="lost",
        evidence_due_at=None,
        opened_at=now,
        stage="chargeback",
    )
    try:
        booked = await chargeback_service.record(
            connection, reported=reported, policy=policy, now=now
        )
    except ValueError as error:
        raise NotBookable(str(error)) from None
    found = await chargebacks.find(
        connection, gateway=told.gateway, gateway_reference=told.gateway_reference
    )
    if not booked or found is None:
        raise NotBookable("The payment that was taken back pays for nothing here")
    return found.id


async def _give_back(
    connection: Connection,
    *,
    order: Order,
    told: ToldRefund,
    policy: MarketPolicy,
    now: datetime,
) -> None:
    _check(order, told)
    shares = dispute_claims.chargeback_shares(order, amount_minor=told.amount_minor)
    if sum(share_minor for _, share_minor in shares) != told.amount_minor:
        raise NotBookable("More went back than is left to refund of this order")
    for part_id, share_minor in [(part.id, share_minor) for part, share_minor in shares]:
        order = await order_steps.load_locked(connection, order_id=order.id)
        [part] = [one for one in order.parts if one.id == part_id]
        planned = dispute_claims.chargeback_claim(
            order, part, amount_minor=share_minor, reversal=policy.commission_reversal
        )
        if planned is None or planned.amount_minor != share_minor:
            raise NotBookable("What went back can't be told apart by the lines of this order")
        refund_id = new_id()
        way = WayBack(
            payment_id=told.payment_id, method=told.gateway, amount_minor=share_minor, credited=None
        )
        order = await refund_service.carry_out(
            connection, order=order, planned=planned, refund_id=refund_id,
            reason=f"Refunded at {told.gateway}", restock=True, actor=Actor.PAYMENT, actor_id=None,
            policy=policy, now=now, through=[way],
        )  # fmt: skip
        await refund_service.end_what_is_empty(
            connection, order=order, part_id=part_id, actor=Actor.SYSTEM, actor_id=None,
            policy=policy, now=now,
        )  # fmt: skip
        for sent in await refunds.parts_of(connection, refund_id=refund_id):
            answer = RefundAnswer(
                part_id=sent.id,
                status=RefundStatus.SUCCEEDED,
                gateway_reference=told.gateway_reference,
            )
            await refund_outcome.record_answer(connection, answer=answer, policy=policy, now=now)


def _check(order: Order, told: ToldRefund) -> None:
    """Whether what went back can have been this payment's. Raises `NotBookable`."""
    [payment] = [one for one in order.payments if one.id == told.payment_id]
    if (told.gateway, told.currency) != (payment.method, order.currency):
        raise NotBookable(f"It is told in {told.currency}, and the order is in {order.currency}")
    if not any(order.is_paid_for(part) for part in order.parts):
        raise NotBookable("The payment that went back pays for nothing here")
    left_minor = payment.captured_minor - payment.refunded_minor - payment.disputed_minor
    if not 0 < told.amount_minor <= left_minor:
        raise NotBookable(
            "More went back than is left of the payment: other refunds are on their way,"
            " or a bank has taken it back"
        )


async def wait(connection: Connection, *, told: ToldRefund, reason: str, now: datetime) -> bool:
    """Keep it for a person, with the reason; whether that is news."""
    order_id = await payments.order_of_payment(connection, payment_id=told.payment_id)
    if order_id is None:
        return False
    await order_steps.lock_and_load(connection, order_id=order_id)
    known = await provider_refunds.find(
        connection, gateway=told.gateway, gateway_reference=told.gateway_reference
    )
    await _write(
        connection, told, order_id=order_id, status="waiting", chargeback_id=None, now=now,
        reason=reason,
    )  # fmt: skip
    return known is None


async def _write(
    connection: Connection,
    told: ToldRefund,
    *,
    order_id: UUID,
    status: str,
    chargeback_id: UUID | None,
    now: datetime,
    reason: str | None = None,
) -> bool:
    return await provider_refunds.write(
        connection,
        told_id=new_id(),
        payment_id=told.payment_id,
        order_id=order_id,
        gateway=told.gateway,
        gateway_reference=told.gateway_reference,
        amount_minor=told.amount_minor,
        currency=told.currency,
        is_reversal=told.is_reversal,
        status=status,
        reason=reason,
        chargeback_id=chargeback_id,
        now=now,
    )


async def waiting(connection: Connection, *, limit: int = 200) -> Sequence[ProviderRefund]:
    """Those that wait for a person, the oldest first."""
    return await provider_refunds.waiting(connection, limit=limit)


async def resolve(
    connection: Connection, *, viewer: Viewer, told_id: UUID, note: str, now: datetime
) -> ProviderRefund:
    """A person has dealt with it, and says how.

    Raises:
        NotFound: there is none.
        NotWaiting: it was booked, or dealt with.
    """
    if await provider_refunds.load(connection, told_id=told_id) is None:
        raise NotFound
    if not await provider_refunds.resolve(
        connection, told_id=told_id, note=note, user_id=viewer.user_id, now=now
    ):
        raise NotWaiting
    found = await provider_refunds.load(connection, told_id=told_id)
    if found is None:
        raise NotFound
    return found
