"""What a refund would take from whom, read from a locked order and decided without writing."""

from collections.abc import Mapping
from dataclasses import field
from typing import Any
from uuid import UUID

from gosellr.core.errors import Conflict, InvalidInput, NotAllowed, NotFound
from gosellr.models.order_values import Order, OrderLine, SellerOrder
from gosellr.services import refund_ways
from gosellr.services.refund_ways import LAST_PAID_FIRST, Override, WayBack
from gosellr.services.seller_scope import require_in_seller, require_no_part
from gosellr.utils.lazy_dataclasses import dataclass, replace
from gosellr.utils.order_states import OrderStatus
from gosellr.utils.permissions import Permission
from gosellr.utils.refund_fees import FeeTaken
from gosellr.utils.refunds import (
    SHIPPING_KEY,
    CommissionReversal,
    InvalidRefund,
    NothingToRefund,
    RefundablePart,
    RefundExceedsAmount,
    RefundExceedsQuantity,
    RefundPlan,
    RefundShares,
    UnknownRefundPart,
    check_within_captured,
    refund_all_left,
    refund_amount,
    refund_quantities,
)
from gosellr.utils.viewer import Viewer

PartKey = UUID | str


class RefundTooLarge(Conflict):
    """More is asked for than is left to refund; `left` says how much that is."""

    code = "refund_exceeds_paid"
    title = "That is more than is left to refund"


class AlreadyRefunded(Conflict):
    """Everything that was asked for has gone back already."""

    code = "already_refunded"
    title = "That has been refunded already"


class NotPaid(Conflict):
    """Nothing was captured, so nothing can go back."""

    code = "not_paid"
    title = "Nothing was paid yet"


@dataclass(frozen=True, slots=True, kw_only=True)
class RefundRequest:
    """What is to go back of one seller order: units and delivery, or a free amount.

    `restock` puts units that were not shipped back on sale, else they are written off.
    """

    seller_order_id: UUID
    reason: str
    items: tuple[tuple[UUID, int], ...] = ()
    shipping: bool = False
    amount_minor: int | None = None
    currency: str | None = None
    by_marketplace: bool = False
    restock: bool = True
    # What gateways took comes as store credit, where the buyer has agreed to that.
    to_store_credit: bool = False
    override: Override = LAST_PAID_FIRST


@dataclass(frozen=True, slots=True, kw_only=True)
class PlannedRefund:
    """The shares that go back. `amount_minor` is what the buyer gets: the shares less what
    reached them before as goodwill. `provider_fees` is what of fees the seller bears, by payment.
    """

    part: SellerOrder
    shares: Mapping[PartKey, RefundShares]
    amount_minor: int
    goodwill_returned_minor: int = 0
    by_marketplace: bool = False
    to_store_credit: bool = False
    override: Override = LAST_PAID_FIRST
    provider_fees: Mapping[UUID, FeeTaken] = field(default_factory=dict)

    @property
    def total(self) -> RefundShares:
        """All shares added up."""
        return sum(self.shares.values(), RefundShares())

    @property
    def seller_minor(self) -> int:
        """What the seller's side gives."""
        return self.total.seller_minor + self.provider_fee_minor

    @property
    def provider_fee_minor(self) -> int:
        """What of it makes good what providers kept of the sale."""
        return sum(one.fee_minor for one in self.provider_fees.values())

    @property
    def lines(self) -> dict[UUID, RefundShares]:
        """The shares of lines, by ascending id."""
        return {
            key: self.shares[key]
            for key in sorted(key for key in self.shares if isinstance(key, UUID))
        }

    @property
    def shipping(self) -> RefundShares:
        """The share of the delivery."""
        return self.shares.get(SHIPPING_KEY, RefundShares())

    def withdrawn(self) -> dict[UUID, int]:
        """The units that were owed and won't be shipped any more, by line."""
        if self.part.status == OrderStatus.CANCELLED:
            return {}
        by_id = {line.id: line for line in self.part.lines}
        units = {key: _withdrawn(by_id[key], one.quantity) for key, one in self.lines.items()}
        return {key: quantity for key, quantity in units.items() if quantity}


def _withdrawn(line: OrderLine, refunded: int) -> int:
    """Units that haven't left are refunded first.

    Those whose earlier refund failed had been withdrawn before, and are so only once.
    """
    owed = line.quantity - line.shipped_quantity - line.withdrawn_quantity
    withdrawn_before = max(0, line.withdrawn_quantity - line.refunded_quantity)
    return min(owed, max(0, refunded - withdrawn_before))


def check_right(order: Order, part: SellerOrder, *, viewer: Viewer, request: RefundRequest) -> None:
    """Let a seller refund its own part, and operators any but what they bought themselves; only
    they let the marketplace pay, and none for their own shop, or name payments.

    Raises:
        NotFound, NotAllowed, InvalidInput.
    """
    require_in_seller(viewer, seller_id=part.seller_id, permission=Permission.REFUND_CREATE)
    is_of_shop = part.seller_id in viewer.memberships and not request.by_marketplace
    if viewer.is_buyer_of(order.user_id, sees_whole=False) and not is_of_shop:
        raise NotAllowed("Nobody gives themselves back what they bought")
    if request.by_marketplace and not viewer.is_operator:
        raise NotAllowed("Only the marketplace can decide to bear a refund itself")
    if request.by_marketplace:
        require_no_part(viewer, seller_id=part.seller_id)
    if request.override.named and not viewer.is_operator:
        raise NotAllowed("A shop doesn't see how its buyer paid, and names no payment")
    if request.by_marketplace and request.amount_minor is None:
        raise InvalidInput.at(
            "borne_by", "amount_only", "The marketplace bears a free amount, not a line"
        )


def part_left_minor(part: SellerOrder) -> int:
    """What the buyer can still get back of a seller order, goodwill counted."""
    return part.total_minor - part.refunded_minor


def plan_refund(
    order: Order, *, part: SellerOrder, request: RefundRequest, reversal: CommissionReversal
) -> PlannedRefund:
    """Decide a refund that somebody asked for.

    Raises:
        InvalidInput: it asks for nothing, or for something that is none.
        NotFound: an item isn't in this seller order.
        NotPaid, RefundTooLarge, AlreadyRefunded.
    """
    if not order.is_paid_for(part):
        raise NotPaid
    if request.currency not in {None, order.currency}:
        raise InvalidInput.at(
            "amount.currency", "other_currency", f"The order was paid in {order.currency}"
        )
    if request.to_store_credit and order.user_id is None:
        raise InvalidInput.at("to", "no_account", "The buyer has no account that could hold credit")
    try:
        planned = _planned(part, request, refundable_parts(order, part), reversal)
        if planned.amount_minor:
            check_within_captured(
                captured_minor=order.captured_minor,
                refunded_minor=order.refunded_minor,
                amount_minor=planned.amount_minor,
            )
    except UnknownRefundPart:
        raise NotFound from None
    except InvalidRefund as error:
        raise InvalidInput.at("amount", "invalid_refund", str(error)) from error
    except (RefundExceedsAmount, RefundExceedsQuantity) as error:
        left = {"amount": part_left_minor(part), "currency": order.currency}
        raise RefundTooLarge(str(error), extras={"left": left}) from error
    except NothingToRefund as error:
        raise AlreadyRefunded from error
    if not planned.amount_minor and planned.goodwill_returned_minor:
        raise AlreadyRefunded("All of it reached the buyer before, as goodwill")
    return replace(planned, to_store_credit=request.to_store_credit, override=request.override)


def _planned(
    part: SellerOrder,
    request: RefundRequest,
    parts: list[RefundablePart],
    reversal: CommissionReversal,
) -> PlannedRefund:
    if request.amount_minor is not None:
        left_minor = part_left_minor(part)
        if request.amount_minor > left_minor:
            raise RefundExceedsAmount(f"{request.amount_minor} asked for, {left_minor} left")
        if request.by_marketplace:
            check_within_captured(
                captured_minor=part.total_minor,
                refunded_minor=part.refunded_minor,
                amount_minor=request.amount_minor,
            )
            return PlannedRefund(
                part=part, shares={}, amount_minor=request.amount_minor, by_marketplace=True
            )
        plan = refund_amount(parts=parts, amount_minor=request.amount_minor, reversal=reversal)
        return of_seller(part, plan)
    quantities: dict[PartKey, int] = {}
    for line_id, quantity in request.items:
        quantities[line_id] = quantities.get(line_id, 0) + quantity
    if request.shipping:
        quantities[SHIPPING_KEY] = 1
    return of_seller(part, refund_quantities(parts=parts, quantities=quantities, reversal=reversal))


def plan_rest(
    order: Order, *, part: SellerOrder, reversal: CommissionReversal
) -> PlannedRefund | None:
    """Decide to give back all that is left, as a cancellation does; None where that is nothing."""
    try:
        plan = refund_all_left(parts=refundable_parts(order, part), reversal=reversal)
    except NothingToRefund:
        return None
    return of_seller(part, plan)


def of_seller(part: SellerOrder, plan: RefundPlan) -> PlannedRefund:
    """A plan as its seller bears it: what reached the buyer before as goodwill isn't due again."""
    due_minor = plan.total.buyer_minor
    amount_minor = min(due_minor, part_left_minor(part))
    return PlannedRefund(
        part=part,
        shares=dict(plan.parts),
        amount_minor=amount_minor,
        goodwill_returned_minor=due_minor - amount_minor,
    )


def ways_of(order: Order, planned: PlannedRefund) -> list[WayBack]:
    """By which payments of the locked order a decided refund goes back.

    Raises:
        As `refund_ways.through_payments`.
    """
    return refund_ways.through_payments(
        order,
        part=planned.part,
        amount_minor=planned.amount_minor,
        to_store_credit=planned.to_store_credit,
        override=planned.override,
    )


def refundable_parts(order: Order, part: SellerOrder) -> list[RefundablePart]:
    """The lines of a seller order and its delivery, with what went back of each so far."""
    reversed_minor = _reversed_so_far(order, part)
    none = (0, 0)
    lines = [
        RefundablePart(
            key=line.id,
            quantity=line.quantity,
            goods_minor=line.goods_minor,
            tax_minor=line.tax_minor,
            tax_included=order.tax_included,
            tax_remitted=line.tax_remitted_to is not None,
            promotion_minor=line.marketplace_discount_minor,
            commission_minor=line.commission_minor,
            commission_vat_minor=line.commission_vat_minor,
            commission_fixed_minor=(line.commission or {}).get("fixed_minor", 0),
            refunded=RefundShares(
                quantity=line.refunded_quantity,
                buyer_minor=line.refunded_minor,
                promotion_minor=line.refunded_marketplace_discount_minor,
                goods_minor=line.refunded_goods_minor,
                tax_minor=line.refunded_tax_minor,
                commission_minor=line.refunded_commission_minor,
                commission_vat_minor=line.refunded_commission_vat_minor,
                commission_reversed_minor=reversed_minor.get(str(line.id), none)[0],
                commission_vat_reversed_minor=reversed_minor.get(str(line.id), none)[1],
            ),
        )
        for line in part.lines
    ]
    return [*lines, _shipping(order, part, reversed_minor.get(None, none))]


def _shipping(order: Order, part: SellerOrder, reversed_minor: tuple[int, int]) -> RefundablePart:
    promotion_left = (
        part.shipping_marketplace_discount_minor - part.shipping_refunded_marketplace_discount_minor
    )
    exhausted = part.shipping_refunded_minor == part.shipping_total_minor and not promotion_left
    return RefundablePart(
        key=SHIPPING_KEY,
        quantity=1,
        goods_minor=part.shipping_goods_minor,
        tax_minor=part.shipping_tax_minor,
        tax_included=order.tax_included,
        tax_remitted=part.shipping_tax_remitted_to is not None,
        promotion_minor=part.shipping_marketplace_discount_minor,
        commission_minor=part.shipping_commission_minor,
        commission_vat_minor=part.shipping_commission_vat_minor,
        refunded=RefundShares(
            quantity=1 if exhausted else 0,
            buyer_minor=part.shipping_refunded_minor,
            promotion_minor=part.shipping_refunded_marketplace_discount_minor,
            goods_minor=part.shipping_refunded_goods_minor,
            tax_minor=part.shipping_refunded_tax_minor,
            commission_minor=part.shipping_refunded_commission_minor,
            commission_vat_minor=part.shipping_refunded_commission_vat_minor,
            commission_reversed_minor=reversed_minor[0],
            commission_vat_reversed_minor=reversed_minor[1],
        ),
    )


def _reversed_so_far(order: Order, part: SellerOrder) -> dict[str | None, tuple[int, int]]:
    """What policy gave back of the commission and its VAT, by line id; None is the delivery."""
    sums: dict[str | None, tuple[int, int]] = {}
    rows: list[Mapping[str, Any]] = [
        row
        for refund in order.refunds
        if refund.seller_order_id == part.id and refund.status != "failed"
        for row in refund.lines
    ]
    for row in rows:
        commission_minor, vat_minor = sums.get(row["order_line_id"], (0, 0))
        sums[row["order_line_id"]] = (
            commission_minor + row["commission_reversed_minor"],
            vat_minor + row["commission_vat_reversed_minor"],
        )
    return sums
