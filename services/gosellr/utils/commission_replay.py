"""What other commission rules would have earned of sales that were made long ago.

Nothing is decided here in a way of its own: terms come from `commission`, what a refund gives
back of them from `refunds`, as they did when the order was placed and when it was refunded.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Final
from uuid import UUID

from gosellr.utils.commission import (
    CommissionLine,
    CommissionRule,
    CommissionTerms,
    commission_for,
    commission_for_shipping,
)
from gosellr.utils.lazy_dataclasses import dataclass, replace
from gosellr.utils.money import share
from gosellr.utils.refunds import CommissionReversal, RefundablePart, refund_shares
from gosellr.utils.tax import without_tax


@dataclass(frozen=True, slots=True, kw_only=True)
class Earned:
    """Commission and the VAT on it, in minor units, after what refunds gave back."""

    commission_minor: int = 0
    vat_minor: int = 0

    def __add__(self, other: "Earned") -> "Earned":
        return Earned(
            commission_minor=self.commission_minor + other.commission_minor,
            vat_minor=self.vat_minor + other.vat_minor,
        )

    def __sub__(self, other: "Earned") -> "Earned":
        return Earned(
            commission_minor=self.commission_minor - other.commission_minor,
            vat_minor=self.vat_minor - other.vat_minor,
        )


NOTHING: Final = Earned()
"""Where no rule matched, or all of it went back."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Returned:
    """What one refund gave back of a line or a delivery, and of its commission, in minor units."""

    quantity: int
    buyer_minor: int
    promotion_minor: int
    commission_reversed: Earned


@dataclass(frozen=True, slots=True, kw_only=True)
class SoldPart:
    """The frozen facts of a line, or of a parcel's delivery, with its refunds, oldest first.

    `fixed_minor` is the part of its commission that was fixed by the rule.
    """

    key: UUID | str
    quantity: int
    goods_minor: int
    tax_minor: int
    promotion_minor: int
    booked: Earned
    fixed_minor: int = 0
    returns: tuple[Returned, ...] = ()
    # What of them banks gave back of lost chargebacks: it is earned again.
    reinstated: Earned = NOTHING


@dataclass(frozen=True, slots=True, kw_only=True)
class SoldLine:
    """A line, and what rules look at besides its money: its product and all its categories.

    `ordered_minor` is what its goods cost before any units were called off: the rule was chosen
    by that, and what was sold in the end is under the same rule.
    """

    part: SoldPart
    product_id: UUID
    category_ids: frozenset[UUID]
    ordered_minor: int


@dataclass(frozen=True, slots=True, kw_only=True)
class SoldParcel:
    """What one seller sold in one order, at the moment it was placed."""

    seller_id: UUID
    currency: str
    tax_included: bool
    placed_at: datetime
    lines: tuple[SoldLine, ...]
    shipping: SoldPart

    def commission_lines(self) -> list[CommissionLine]:
        """The lines as rules look at them."""
        return [
            CommissionLine(
                currency=self.currency,
                seller_id=self.seller_id,
                product_id=line.product_id,
                category_ids=line.category_ids,
                goods_minor=line.part.goods_minor,
                tax_minor=line.part.tax_minor,
                tax_included=self.tax_included,
                ordered_minor=line.ordered_minor,
            )
            for line in self.lines
        ]


@dataclass(frozen=True, slots=True, kw_only=True)
class RefundPolicy:
    """What of its commission the market gives back with a refund.

    `of_all` replays every refund under it; without it, refunds of what earns the same as before
    stay as they were booked, whatever the policy was then.
    """

    reversal: CommissionReversal = CommissionReversal.FULL
    of_all: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Replayed:
    """A parcel's commission as it was booked and as it would have been."""

    booked: Earned
    simulated: Earned
    lines: int
    lines_touched: int
    deliveries_touched: int


def replay(
    parcel: SoldParcel, *, rules: Sequence[CommissionRule], policy: RefundPolicy
) -> Replayed:
    """Sell and refund a parcel once more, under these rules and this policy."""
    facts = parcel.commission_lines()
    terms = [commission_for(line=line, rules=rules, at=parcel.placed_at) for line in facts]
    shipping = parcel.shipping
    shipping_terms = commission_for_shipping(
        shipping_base_minor=without_tax(
            shipping.goods_minor, tax_minor=shipping.tax_minor, included=parcel.tax_included
        ),
        lines=facts,
        rules=rules,
        at=parcel.placed_at,
    )
    pairs = [
        (_as_booked(line.part), _under(line.part, own, parcel, policy))
        for line, own in zip(parcel.lines, terms, strict=True)
    ]
    delivery = _as_booked(shipping), _under(shipping, shipping_terms, parcel, policy)
    return Replayed(
        booked=sum((booked for booked, _ in pairs), delivery[0]),
        simulated=sum((simulated for _, simulated in pairs), delivery[1]),
        lines=len(pairs),
        lines_touched=sum(booked != simulated for booked, simulated in pairs),
        deliveries_touched=int(delivery[0] != delivery[1]),
    )


def _as_booked(part: SoldPart) -> Earned:
    return part.booked - _reversed(part) + part.reinstated


def _reversed(part: SoldPart) -> Earned:
    return sum((one.commission_reversed for one in part.returns), NOTHING)


def _kept_back(reversed_minor: int, reinstated_minor: int, booked_minor: int) -> int:
    """What stays given back, where a bank gave back so much of what was booked as given back."""
    if not booked_minor:
        return reversed_minor
    return share(reversed_minor, max(0, booked_minor - reinstated_minor), booked_minor)


def _under(
    part: SoldPart, terms: CommissionTerms, parcel: SoldParcel, policy: RefundPolicy
) -> Earned:
    """What a part earns under other terms, with its refunds made once more."""
    sold = Earned(commission_minor=terms.commission_minor, vat_minor=terms.vat_minor)
    if not part.returns:
        return sold
    is_same = (sold, terms.fixed_minor) == (part.booked, part.fixed_minor)
    if is_same and not policy.of_all:
        return _as_booked(part)
    left = RefundablePart(
        key=part.key,
        quantity=part.quantity,
        goods_minor=part.goods_minor,
        tax_minor=part.tax_minor,
        tax_included=parcel.tax_included,
        promotion_minor=part.promotion_minor,
        commission_minor=terms.commission_minor,
        commission_vat_minor=terms.vat_minor,
        commission_fixed_minor=terms.fixed_minor,
    )
    for one in part.returns:
        shares = refund_shares(
            left,
            quantity=one.quantity,
            buyer_minor=one.buyer_minor,
            promotion_minor=one.promotion_minor,
            reversal=policy.reversal,
        )
        left = replace(left, refunded=left.refunded + shares)
    booked, again = _reversed(part), part.reinstated
    return sold - Earned(
        commission_minor=_kept_back(
            left.refunded.commission_reversed_minor, again.commission_minor, booked.commission_minor
        ),
        vat_minor=_kept_back(
            left.refunded.commission_vat_reversed_minor, again.vat_minor, booked.vat_minor
        ),
    )
