"""What may be called off of an order, read from it and decided without writing."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from gosellr.core.db import Connection
from gosellr.core.errors import Conflict, InvalidInput, NotAllowed, NotFound
from gosellr.models.order_values import Order, OrderLine, Payment, SellerOrder
from gosellr.queries import receipts
from gosellr.queries.reductions import Difference
from gosellr.services import cash_service, payment_captures
from gosellr.services.order_steps import OrderInHand, TransitionRefused
from gosellr.utils.captures import AT_SHIPMENT
from gosellr.utils.lazy_dataclasses import dataclass
from gosellr.utils.offline import BANK_TRANSFER
from gosellr.utils.order_states import OrderStatus, may_cancel
from gosellr.utils.payment_plan import DEAD
from gosellr.utils.permissions import Permission
from gosellr.utils.reductions import LineFigures, frozen_terms, reduced
from gosellr.utils.states import Actor, PaymentStatus
from gosellr.utils.stored_value import STORED_METHODS


class MoneyTaken(Conflict):
    """The money of this part was taken: what it is too much goes back as a refund."""

    code = "money_taken"
    title = "It is paid for already"


class PaymentUnderWay(Conflict):
    """The order waits for its money at a provider that was asked for all of it."""

    code = "payment_under_way"
    title = "The whole amount was asked for already"


class LeavesNothing(Conflict):
    """Nothing would be left to be sold, or to be paid: then the part is cancelled."""

    code = "nothing_left"
    title = "Nothing would be left of it"


class MoreThanOrdered(Conflict):
    """More units than are still to be shipped; `left` says how many that is."""

    code = "more_than_ordered"
    title = "That is more than is left of this line"


@dataclass(frozen=True, slots=True, kw_only=True)
class ReductionRequest:
    """Units of lines of one seller order that are no longer wanted, or can't be had."""

    seller_order_id: UUID
    reason: str
    items: tuple[tuple[UUID, int], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class ReducedLine:
    """A line with what it costs before and after."""

    line_id: UUID
    commission: dict[str, Any] | None
    before: LineFigures
    after: LineFigures

    @property
    def quantity(self) -> int:
        """The units that are called off."""
        return self.before.quantity - self.after.quantity

    @property
    def amount_minor(self) -> int:
        """What the buyer doesn't pay."""
        return self.before.total_minor - self.after.total_minor


@dataclass(frozen=True, slots=True, kw_only=True)
class Reduction:
    """What is called off; without an id where it is only looked at."""

    id: UUID | None
    order: Order
    part: SellerOrder
    reason: str
    lines: tuple[ReducedLine, ...]
    # The attempt that is to bring so much less, where one is asked of by the amount.
    payment: Payment | None

    @property
    def by(self) -> Difference:
        """By how much the part's figures fall."""
        pairs = [(one.before, one.after) for one in self.lines]
        return Difference(
            gross_minor=sum(was.gross_minor - now.gross_minor for was, now in pairs),
            discount_minor=sum(was.discount_minor - now.discount_minor for was, now in pairs),
            tax_minor=sum(was.tax_minor - now.tax_minor for was, now in pairs),
            total_minor=sum(one.amount_minor for one in self.lines),
            commission_minor=sum(
                was.commission.commission_minor - now.commission.commission_minor
                for was, now in pairs
            ),
            commission_vat_minor=sum(
                was.commission.vat_minor - now.commission.vat_minor for was, now in pairs
            ),
            net_minor=sum(was.net_minor - now.net_minor for was, now in pairs),
        )

    @property
    def amount_minor(self) -> int:
        """What the buyer doesn't pay."""
        return self.by.total_minor

    @property
    def remitted_minor(self) -> int:
        """By how much the tax falls that the marketplace remits."""
        return sum(one.before.remitted_minor - one.after.remitted_minor for one in self.lines)


def actor_of(hand: OrderInHand, part: SellerOrder) -> Actor:
    """As whom the caller calls off. Raises NotFound, NotAllowed."""
    capacities = hand.capacities(part, Permission.ORDER_CANCEL)
    if not capacities:
        if not hand.is_buyer and part.seller_id not in hand.viewer.memberships:
            raise NotFound
        raise NotAllowed("Your role in this shop doesn't allow it")
    return capacities[0]


async def plan(
    connection: Connection,
    hand: OrderInHand,
    request: ReductionRequest,
    *,
    reduction_id: UUID | None = None,
) -> tuple[Reduction, Actor]:
    """Decide what is called off, and as whom, without writing.

    Raises:
        NotFound, NotAllowed, MoneyTaken, PaymentUnderWay, CapturePending, TransitionRefused,
        MoreThanOrdered, LeavesNothing, InvalidInput.
    """
    order, part = hand.order, hand.part(request.seller_order_id)
    actor = actor_of(hand, part)
    if order.is_paid_for(part):
        raise MoneyTaken("Ask for a refund of it instead")
    if not may_cancel(OrderStatus(part.status), actor):
        raise TransitionRefused(
            f"Nothing of a seller order that is {part.status} can be called off any more",
            extras={"seller_order_id": part.id, "current": part.status, "allowed": []},
        )
    lines = _lines(order, part, request.items)
    await payment_captures.refuse_open(connection, order=order, parts=[part])
    planned = Reduction(
        id=reduction_id,
        order=order,
        part=part,
        reason=request.reason,
        lines=lines,
        payment=await _asked_payment(connection, hand, part),
    )
    if planned.payment is not None and planned.amount_minor >= planned.payment.amount_minor:
        raise LeavesNothing(
            "What else pays for it would be too much. Cancel it, and order what you want anew"
        )
    return planned, actor


def _lines(
    order: Order, part: SellerOrder, items: Sequence[tuple[UUID, int]]
) -> tuple[ReducedLine, ...]:
    wanted: dict[UUID, int] = {}
    for line_id, quantity in items:
        wanted[line_id] = wanted.get(line_id, 0) + quantity
    by_id = {line.id: line for line in part.lines}
    if not wanted.keys() <= by_id.keys():
        raise NotFound
    if not wanted:
        raise InvalidInput.at("items", "nothing_named", "Name the units that are called off")
    made = []
    for line_id in sorted(wanted):
        line, quantity = by_id[line_id], wanted[line_id]
        left = line.quantity - line.shipped_quantity - line.withdrawn_quantity
        if quantity > left:
            raise MoreThanOrdered(extras={"order_item_id": line.id, "left": left})
        before = _figures(order, line)
        made.append(
            ReducedLine(
                line_id=line.id,
                commission=None if line.commission is None else dict(line.commission),
                before=before,
                after=reduced(before, quantity),
            )
        )
    if sum(line.quantity for line in part.lines) == sum(wanted.values()):
        raise LeavesNothing("Cancel the seller order instead: its delivery goes with it")
    return tuple(made)


def _figures(order: Order, line: OrderLine) -> LineFigures:
    return LineFigures(
        quantity=line.quantity,
        unit_price_minor=line.unit_price_minor,
        seller_discount_minor=line.seller_discount_minor,
        marketplace_discount_minor=line.marketplace_discount_minor,
        tax_rate_bps=line.tax_rate_bps,
        tax_included=order.tax_included,
        tax_minor=line.tax_minor,
        commission=frozen_terms(line.commission),
        tax_remitted=line.tax_remitted_to is not None,
    )


async def _asked_payment(
    connection: Connection, hand: OrderInHand, part: SellerOrder
) -> Payment | None:
    """The attempt that was asked for by its amount, and is asked for less from now on: cash, or
    a bank transfer of which nothing has come. None where money is set aside and taken later."""
    order = hand.order
    in_cash = cash_service.due(order, part)
    if in_cash is not None:
        return in_cash
    if order.status != OrderStatus.PENDING_PAYMENT:
        if order.capture_at != AT_SHIPMENT:
            raise MoneyTaken
        return None
    if not (hand.is_buyer or hand.viewer.is_operator):
        raise PaymentUnderWay("Until it is paid, only its buyer changes an order")
    waiting = [
        one
        for one in order.payments
        if PaymentStatus(one.status) not in DEAD
        and not one.returned
        and one.method not in STORED_METHODS
    ]
    if [(one.method, one.status) for one in waiting] != [
        (BANK_TRANSFER, PaymentStatus.ACTION_REQUIRED)
    ]:
        raise PaymentUnderWay("Cancel the order, and order what you want anew")
    [transfer] = waiting
    if await receipts.waiting(connection, payment_id=transfer.id, currency=transfer.currency):
        raise PaymentUnderWay("A part of the transfer has arrived already")
    return transfer
