"""What a case is about, in money: read from a locked order and decided without writing."""

from collections.abc import Mapping
from dataclasses import replace
from uuid import UUID

from gosellr.models.order_values import Order, SellerOrder
from gosellr.services import refund_plan
from gosellr.services.refund_plan import PlannedRefund
from gosellr.utils.money import split
from gosellr.utils.refunds import (
    CommissionReversal,
    NothingToRefund,
    RefundablePart,
    RefundShares,
    refund_amount,
    refund_quantities,
)

Shares = Mapping[UUID | str, RefundShares]


def _line(order: Order, part: SellerOrder, line_id: UUID, besides: Shares) -> RefundablePart:
    [line] = [one for one in refund_plan.refundable_parts(order, part) if one.key == line_id]
    return replace(line, refunded=line.refunded + besides.get(line_id, RefundShares()))


def full_claim(
    order: Order,
    part: SellerOrder,
    *,
    line_id: UUID,
    quantity: int,
    reversal: CommissionReversal,
    besides: Shares | None = None,
) -> PlannedRefund | None:
    """A full refund of so many units of a line, or of those left; None where nothing is.

    `besides` are shares that go back as well and aren't counted yet.
    """
    if not order.is_paid_for(part):
        return None
    line = _line(order, part, line_id, besides or {})
    units = min(quantity, line.quantity_left)
    if not units:
        return None
    try:
        plan = refund_quantities(parts=[line], quantities={line_id: units}, reversal=reversal)
    except NothingToRefund:
        return None
    return refund_plan.of_seller(part, plan)


def awarded(
    order: Order,
    part: SellerOrder,
    *,
    line_id: UUID,
    quantity: int,
    award_minor: int,
    reversal: CommissionReversal,
) -> PlannedRefund | None:
    """The refund that an award is: of the units themselves where it covers them, else an amount.

    Never more than is left of the line; None where that is nothing.
    """
    full = full_claim(order, part, line_id=line_id, quantity=quantity, reversal=reversal)
    if full is None or not award_minor:
        return None
    if award_minor >= full.amount_minor:
        return full
    line = _line(order, part, line_id, {})
    plan = refund_amount(parts=[line], amount_minor=award_minor, reversal=reversal)
    return refund_plan.of_seller(part, plan)


def chargeback_shares(order: Order, *, amount_minor: int) -> list[tuple[SellerOrder, int]]:
    """What of an amount that a network took back each seller answers for.

    By what is left to refund of each part that was paid for, so that nothing is taken twice; what
    exceeds all that is left is nobody's share. Parts without one are left out.
    """
    left = [
        refund_plan.part_left_minor(part) if order.is_paid_for(part) else 0 for part in order.parts
    ]
    shares = split(min(amount_minor, sum(left)), left) if sum(left) else [0 for _ in left]
    return [(part, share) for part, share in zip(order.parts, shares, strict=True) if share]


def chargeback_claim(
    order: Order, part: SellerOrder, *, amount_minor: int, reversal: CommissionReversal
) -> PlannedRefund | None:
    """The refund that a lost chargeback is for a seller; None where nothing is left of its part."""
    left_minor = refund_plan.part_left_minor(part)
    if not left_minor or not amount_minor:
        return None
    if amount_minor >= left_minor:
        return refund_plan.plan_rest(order, part=part, reversal=reversal)
    plan = refund_amount(
        parts=refund_plan.refundable_parts(order, part),
        amount_minor=amount_minor,
        reversal=reversal,
    )
    return refund_plan.of_seller(part, plan)
