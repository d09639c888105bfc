"""Who bears the provider's fee of a charge that goes back: what of it a refund's seller gives.

A fee counts as far as it is known when the refund is decided. What is told of it later stays the
marketplace's: no refund that was made is opened again, and none pays for another's.
"""

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from gosellr.models.order_values import Order, Payment
from gosellr.services import refund_ways
from gosellr.services.refund_plan import PlannedRefund
from gosellr.services.refund_ways import UnderChargeback, WayBack
from gosellr.utils.disputes import FeeBearer
from gosellr.utils.lazy_dataclasses import replace
from gosellr.utils.policy import MarketPolicy
from gosellr.utils.refund_fees import FeeTaken, fee_share


def with_fees(
    order: Order, planned: PlannedRefund, *, ways: Sequence[WayBack], policy: MarketPolicy
) -> PlannedRefund:
    """A refund of a locked order that goes back these ways, with what its seller bears of fees."""
    return _charged(order, planned, policy, {way.payment_id: way.amount_minor for way in ways})


def with_fees_at(
    order: Order, planned: PlannedRefund, *, payment_id: UUID, policy: MarketPolicy
) -> PlannedRefund:
    """The same of what a bank takes, or has taken, back of one payment."""
    return _charged(order, planned, policy, {payment_id: planned.amount_minor})


def with_expected_fees(
    order: Order, planned: PlannedRefund, *, policy: MarketPolicy
) -> PlannedRefund:
    """The same of a refund that may be made later, the way that it would go now."""
    try:
        ways = refund_ways.through_payments(
            order, part=planned.part, amount_minor=planned.amount_minor
        )
    except UnderChargeback:
        return planned
    return with_fees(order, planned, ways=ways, policy=policy)


def fees_of(effects: Mapping[str, Any]) -> dict[UUID, FeeTaken]:
    """What a refund took of fees, by payment, as it is kept with it."""
    kept: Mapping[str, Any] = effects.get("provider_fees", {})
    return {UUID(payment_id): FeeTaken(**one) for payment_id, one in kept.items()}


def undone(effects: Mapping[str, Any], *, payment_id: UUID) -> dict[UUID, FeeTaken]:
    """What of that one payment's refusal gives back to the seller."""
    return {key: one for key, one in fees_of(effects).items() if key == payment_id}


def _charged(
    order: Order, planned: PlannedRefund, policy: MarketPolicy, given: Mapping[UUID, int]
) -> PlannedRefund:
    if policy.refund_fee_borne_by is not FeeBearer.SELLER or planned.by_marketplace:
        return planned
    fees = {
        payment.id: _share(order, payment, given[payment.id])
        for payment in order.payments
        if payment.fee_minor and given.get(payment.id)
    }
    return replace(planned, provider_fees=fees)


def _share(order: Order, payment: Payment, amount_minor: int) -> FeeTaken:
    kept = [fees_of(one.effects) for one in order.refunds if one.status != "failed"]
    before = [fees[payment.id] for fees in kept if payment.id in fees]
    # A bank may take back what had gone back before: that bears nothing once more.
    left_minor = payment.captured_minor - sum(one.amount_minor for one in before)
    return fee_share(
        min(amount_minor, max(0, left_minor)),
        captured_minor=payment.captured_minor,
        fee_minor=_sold_for_minor(payment),
        before=before,
    )


def _sold_for_minor(payment: Payment) -> int:
    """What its provider kept of what paid for something: what it kept of money that it took in vain
    is no seller's."""
    return max(0, payment.fee_minor - sum(one.fee_minor for one in payment.returns))
