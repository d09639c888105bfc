"""What a case is about, in money: read from a locked order and decided without writing."""

from collections.abc import Mapping
from datetime import datetime
from uuid import UUID

from gosellr.core.db import Connection
from gosellr.models.dispute_values import Dispute
from gosellr.models.order_values import Order, SellerOrder
from gosellr.services import refund_goodwill, refund_limits, refund_plan
from gosellr.services.refund_plan import PlannedRefund
from gosellr.utils.lazy_dataclasses import replace
from gosellr.utils.money import share, split
from gosellr.utils.policy import MarketPolicy
from gosellr.utils.refunds import (
    CommissionReversal,
    NothingToRefund,
    RefundablePart,
    RefundPlan,
    RefundShares,
    refund_amount,
    refund_quantities,
    refund_shares,
)

Shares = Mapping[UUID | str, RefundShares]


def _line(order: Order, part: SellerOrder, line_id: UUID | None, besides: Shares) -> RefundablePart:
    [line] = [one for one in refund_plan.refundable_parts(order, part) if one.key == line_id]
    return replace(line, refunded=line.refunded + besides.get(line.key, RefundShares()))


def given_minor(order: Order, case: Dispute) -> int:
    """What went back out of a case before, or is on its way."""
    return sum(
        one.amount_minor
        for one in order.refunds
        if one.dispute_id == case.id and one.status != "failed"
    )


async def takes_two(
    connection: Connection, order: Order, case: Dispute, *, award_minor: int, policy: MarketPolicy
) -> bool:
    """Whether an award gives more of the order than rests on one operator's words, with what others
    decided alone that may still be appealed."""
    more_minor = award_minor - given_minor(order, case)
    if more_minor <= 0:
        return False
    return await refund_limits.takes_two_now(
        connection, order, amount_minor=more_minor, policy=policy, besides=case.id
    )


def full_claim(
    order: Order,
    part: SellerOrder,
    *,
    case: Dispute,
    reversal: CommissionReversal,
    besides: Shares | None = None,
) -> PlannedRefund | None:
    """A full refund of what a case is about, or of what of it is left; None where nothing is.

    Never more than the case's own amount, so that one about a part of the units doesn't take what
    is left of the others; and all of that amount as long as so much of the line is left, also where
    an amount went back beside it that named no units. `besides` are shares that go back as well and
    aren't counted yet.
    """
    if case.order_line_id is None or case.quantity is None:
        raise RuntimeError(f"case {case.id} names no line")
    if not order.is_paid_for(part):
        return None
    line = _line(order, part, case.order_line_id, besides or {})
    units = min(case.quantity, line.quantity_askable)
    if not units:
        return None
    try:
        plan = refund_quantities(parts=[line], quantities={line.key: units}, reversal=reversal)
    except NothingToRefund:
        return None
    full = refund_plan.of_seller(part, plan)
    return _come_to(full, line, case.amount_minor - given_minor(order, case), reversal=reversal)


def awarded(
    order: Order,
    part: SellerOrder,
    *,
    case: Dispute,
    award_minor: int,
    reversal: CommissionReversal,
) -> PlannedRefund | None:
    """The refund that an award is: of the units themselves where it covers them, else an amount.

    What went back out of the case before counts towards it. Never more than is left of the line;
    None where that is nothing.
    """
    full = full_claim(order, part, case=case, reversal=reversal)
    left_minor = award_minor - given_minor(order, case)
    if full is None or left_minor <= 0:
        return None
    line = _line(order, part, case.order_line_id, {})
    return _come_to(full, line, left_minor, reversal=reversal)


def _come_to(
    full: PlannedRefund, line: RefundablePart, amount_minor: int, *, reversal: CommissionReversal
) -> PlannedRefund | None:
    """A refund of units made smaller, or larger, until it comes to an amount or takes all that is
    left of their line."""
    if amount_minor <= 0:
        return None
    if full.amount_minor > amount_minor:
        plan = refund_amount(parts=[line], amount_minor=amount_minor, reversal=reversal)
        return refund_plan.of_seller(full.part, plan)
    buyer_minor = min(amount_minor, line.buyer_left_minor)
    if full.total.buyer_minor >= buyer_minor:
        return full
    shares = refund_shares(
        line,
        quantity=full.total.quantity,
        buyer_minor=buyer_minor,
        promotion_minor=share(line.promotion_left_minor, buyer_minor, line.buyer_left_minor),
        reversal=reversal,
    )
    return refund_plan.of_seller(full.part, RefundPlan(parts=((line.key, shares),)))


def payment_left_minor(order: Order, payment_id: UUID) -> int:
    """What of a payment neither went back nor was taken back by a bank. Whatever a bank takes
    beyond that is no seller's: another tender has paid for what is left of the order."""
    [payment] = [one for one in order.payments if one.id == payment_id]
    return max(0, payment.captured_minor - payment.refunded_minor - payment.disputed_minor)


def chargeback_shares(
    order: Order, *, amount_minor: int, paid_by: datetime | None = None
) -> list[tuple[SellerOrder, int]]:
    """What of an amount that a network took back each seller answers for.

    By what is left to refund of each part that was paid for, so that nothing is taken twice; what
    exceeds all that is left is nobody's share. Parts without one are left out, and so are those
    whose money was taken after `paid_by`: a bank can't have taken that back then.
    """
    left = [
        refund_plan.part_left_minor(part)
        if order.is_paid_for(part)
        and (paid_by is None or part.captured_at is None or part.captured_at <= paid_by)
        else 0
        for part in order.parts
    ]
    shares = split(min(amount_minor, sum(left)), left) if sum(left) else [0 for _ in left]
    return [(part, share) for part, share in zip(order.parts, shares, strict=True) if share]


def chargeback_claim(
    order: Order, part: SellerOrder, *, amount_minor: int, reversal: CommissionReversal
) -> PlannedRefund | None:
    """The refund that a lost chargeback is for a seller; None where nothing is left of its part.

    Goodwill that may yet be refused is returned by none.
    """
    left_minor = refund_plan.part_left_minor(part)
    if not left_minor or not amount_minor:
        return None
    if amount_minor >= left_minor and not refund_goodwill.is_under_way(order, part):
        return refund_plan.plan_rest(order, part=part, reversal=reversal)
    parts = refund_plan.refundable_parts(order, part)
    # Goodwill that was returned and refused leaves more of the part than of its lines.
    amount_minor = min(amount_minor, left_minor, sum(one.buyer_left_minor for one in parts))
    if not amount_minor:
        return None
    plan = refund_amount(parts=parts, amount_minor=amount_minor, reversal=reversal)
    return refund_plan.of_seller(part, plan)
