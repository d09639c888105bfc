"""How much of each share goes back when a part of an order is refunded.

A part is an order line or the shipping of a seller order. Its money stands in the books twice:
on one side what the buyer paid and the promotion that the marketplace bore, on the other side
tax, commission, VAT on commission and the seller's rest. Every refund divides both sides by
largest remainder on what is *left* of them, so that no share is ever negative or overdrawn and
refunds in any partition and any order end at exactly the whole, at the commission frozen on the
part. The shares are the truth; what the buyer gets is their sum.
"""

from collections.abc import Mapping, Sequence
from dataclasses import field, fields
from enum import StrEnum
from typing import Final
from uuid import UUID

from gosellr.utils.lazy_dataclasses import dataclass
from gosellr.utils.money import MAX_AMOUNT_MINOR, share, split

SHIPPING_KEY: Final = "shipping"
"""The key of the part that is a seller order's shipping; lines bear their own ids."""


class InvalidRefund(ValueError):
    """The request is no refund: nothing asked for, zero, negative or no whole number."""


class UnknownRefundPart(InvalidRefund):
    """The request names a line that isn't among the parts."""


class RefundExceedsQuantity(ValueError):
    """More units are asked for than were bought and not yet refunded."""


class RefundExceedsAmount(ValueError):
    """More money is asked for than is left of the parts or of what was captured."""


class NothingToRefund(ValueError):
    """Everything that was asked for has been refunded already."""


class CommissionReversal(StrEnum):
    """What of its commission the marketplace gives back with a refund."""

    FULL = "full"
    NONE = "none"
    FULL_LESS_FIXED = "full_less_fixed"


@dataclass(frozen=True, slots=True, kw_only=True)
class RefundShares:
    """Shares in minor units, of one refund or of all refunds of a part so far.

    `goods_minor` includes the tax where prices do, and `remitted_minor` is what of the tax the
    marketplace remits. `commission_minor` and its VAT are the proportional shares; what policy
    gave back of them is in the `*_reversed_minor` fields.
    """

    quantity: int = 0
    buyer_minor: int = 0
    promotion_minor: int = 0
    goods_minor: int = 0
    tax_minor: int = 0
    commission_minor: int = 0
    commission_vat_minor: int = 0
    commission_reversed_minor: int = 0
    commission_vat_reversed_minor: int = 0
    remitted_minor: int = 0

    def __add__(self, other: "RefundShares") -> "RefundShares":
        names = (one.name for one in fields(RefundShares))
        return RefundShares(**{name: getattr(self, name) + getattr(other, name) for name in names})

    @property
    def seller_minor(self) -> int:
        """What the seller's side gives: never negative, whatever the policy.

        It is what the buyer gets and the promotion that flows back to the marketplace, less the
        commission, VAT and remitted tax that others give back.
        """
        given_minor = self.commission_reversed_minor + self.commission_vat_reversed_minor
        return self.buyer_minor + self.promotion_minor - given_minor - self.remitted_minor


@dataclass(frozen=True, slots=True, kw_only=True)
class RefundablePart:
    """The frozen facts of a line or of a shipping charge, and its refunds so far.

    For shipping: `key=SHIPPING_KEY`, quantity 1, `goods_minor` the charge less what the seller
    bore of a discount.
    """

    key: UUID | str
    quantity: int
    goods_minor: int
    tax_minor: int
    tax_included: bool
    # Whether the marketplace remits its tax.
    tax_remitted: bool = False
    promotion_minor: int = 0
    commission_minor: int = 0
    commission_vat_minor: int = 0
    commission_fixed_minor: int = 0
    refunded: RefundShares = field(default_factory=RefundShares)

    @property
    def paid_minor(self) -> int:
        """What the buyer paid for the part."""
        on_top_minor = 0 if self.tax_included else self.tax_minor
        return self.goods_minor + on_top_minor - self.promotion_minor

    @property
    def buyer_left_minor(self) -> int:
        """What the buyer can still get back."""
        return self.paid_minor - self.refunded.buyer_minor

    @property
    def promotion_left_minor(self) -> int:
        """The promotion that hasn't flowed back yet."""
        return self.promotion_minor - self.refunded.promotion_minor

    @property
    def quantity_left(self) -> int:
        """The units that can still be refunded."""
        return self.quantity - self.refunded.quantity

    @property
    def is_exhausted(self) -> bool:
        """Whether neither money nor promotion is left."""
        return not (self.buyer_left_minor or self.promotion_left_minor)

    @property
    def quantity_askable(self) -> int:
        """The units that may be asked for: those left, or any while some of their money is, which
        a gateway refused."""
        return self.quantity_left or (0 if self.is_exhausted else self.quantity)


@dataclass(frozen=True, slots=True, kw_only=True)
class RefundPlan:
    """A refund, part by part, and as a sum. Parts that give nothing are left out."""

    parts: tuple[tuple[UUID | str, RefundShares], ...]

    @property
    def total(self) -> RefundShares:
        """All parts added up; `total.buyer_minor` is what the buyer gets."""
        return sum((shares for _, shares in self.parts), RefundShares())


def refund_quantities(
    *,
    parts: Sequence[RefundablePart],
    quantities: Mapping[UUID | str, int],
    reversal: CommissionReversal = CommissionReversal.FULL,
) -> RefundPlan:
    """Refund units of lines, and the shipping when `SHIPPING_KEY` is asked for with quantity 1.

    A line's last units take all that is left of it; where none are left but some of their money,
    that goes back, at most what the units cost. Raises `InvalidRefund`, `UnknownRefundPart`,
    `RefundExceedsQuantity`, `NothingToRefund`.
    """
    if not quantities:
        raise InvalidRefund("a refund names at least one line")
    known = {part.key: part for part in parts}
    planned = []
    for key, quantity in quantities.items():
        part = known.get(key)
        if part is None:
            raise UnknownRefundPart(f"{key} is not a part of this seller order")
        _check_quantity(part, quantity)
        planned.append((key, _by_quantity(part, quantity, reversal)))
    return _plan(planned)


def refund_amount(
    *,
    parts: Sequence[RefundablePart],
    amount_minor: int,
    reversal: CommissionReversal = CommissionReversal.FULL,
) -> RefundPlan:
    """Refund a free amount, spread over what is left of the lines and shipping given.

    Quantities stay as they are. Raises `InvalidRefund`, `RefundExceedsAmount`.
    """
    left = [part.buyer_left_minor for part in parts]
    _check_amount(amount_minor, at_most=sum(left))
    given = split(amount_minor, left)
    return _plan(
        [
            (part.key, _by_amount(part, buyer_minor, reversal))
            for part, buyer_minor in zip(parts, given, strict=True)
        ]
    )


def refund_all_left(
    *,
    parts: Sequence[RefundablePart],
    reversal: CommissionReversal = CommissionReversal.FULL,
) -> RefundPlan:
    """Refund whatever is left of all parts, as a cancellation does. Raises `NothingToRefund`."""
    return _plan([(part.key, _by_quantity(part, part.quantity_left, reversal)) for part in parts])


def scaled(shares: RefundShares, *, buyer_minor: int) -> RefundShares:
    """The shares of so much of what the buyer was to get, when only that failed to reach them.

    No share exceeds the one it is taken from; quantities stay where they are. Raises ValueError
    for more than there is.
    """
    if not 0 <= buyer_minor <= shares.buyer_minor:
        raise ValueError(f"{buyer_minor} isn't a part of {shares.buyer_minor}")
    if buyer_minor == 0:
        return RefundShares()

    def portion(minor: int) -> int:
        return share(minor, buyer_minor, shares.buyer_minor)

    promotion_minor = portion(shares.promotion_minor)
    whole_minor = shares.buyer_minor + shares.promotion_minor
    given = (shares.commission_reversed_minor, shares.commission_vat_reversed_minor)
    commission_minor, vat_minor, tax_minor, _ = split(
        buyer_minor + promotion_minor,
        [*given, shares.tax_minor, whole_minor - sum(given) - shares.tax_minor],
    )
    return RefundShares(
        buyer_minor=buyer_minor,
        promotion_minor=promotion_minor,
        goods_minor=min(portion(shares.goods_minor), shares.goods_minor),
        tax_minor=tax_minor,
        commission_minor=commission_minor + portion(shares.commission_minor - given[0]),
        commission_vat_minor=vat_minor + portion(shares.commission_vat_minor - given[1]),
        commission_reversed_minor=commission_minor,
        commission_vat_reversed_minor=vat_minor,
        # Of a part's tax all is remitted or none.
        remitted_minor=tax_minor if shares.remitted_minor else 0,
    )


def check_within_captured(*, captured_minor: int, refunded_minor: int, amount_minor: int) -> None:
    """The cap over a whole order, to be asked under its lock.

    Also the only one for a free amount that the marketplace bears as goodwill, which touches no
    line's shares. Raises `InvalidRefund`, `RefundExceedsAmount`.
    """
    _check_amount(amount_minor, at_most=captured_minor - refunded_minor)


def _check_quantity(part: RefundablePart, quantity: int) -> None:
    if type(quantity) is not int or quantity < 1:
        raise InvalidRefund(f"a quantity is a whole number from 1, not {quantity!r}")
    if quantity > part.quantity_askable:
        raise RefundExceedsQuantity(
            f"{quantity} of {part.key} asked for, {part.quantity_askable} left to refund"
        )


def _check_amount(amount_minor: int, *, at_most: int) -> None:
    if type(amount_minor) is not int or not 0 < amount_minor <= MAX_AMOUNT_MINOR:
        raise InvalidRefund(f"an amount is a whole number from 1, not {amount_minor!r}")
    if amount_minor > at_most:
        raise RefundExceedsAmount(f"{amount_minor} asked for, {at_most} left to refund")


def _plan(planned: Sequence[tuple[UUID | str, RefundShares]]) -> RefundPlan:
    plan = RefundPlan(parts=tuple(pair for pair in planned if pair[1] != RefundShares()))
    if not (plan.total.buyer_minor or plan.total.promotion_minor):
        raise NothingToRefund("nothing is left of what was asked for")
    return plan


def _by_quantity(part: RefundablePart, quantity: int, reversal: CommissionReversal) -> RefundShares:
    """So many of the units left take that part of the money left; the last ones take it all.

    Rounded once, over both who paid: each by itself would round up twice, at the seller's cost.
    """
    left = [part.buyer_left_minor, part.promotion_left_minor]
    total_minor = sum(left)
    if quantity and part.quantity_left:
        total_minor = share(total_minor, quantity, part.quantity_left)
    elif quantity:
        cost_minor = share(part.paid_minor + part.promotion_minor, quantity, part.quantity)
        total_minor = min(total_minor, cost_minor)
    buyer_minor, promotion_minor = split(total_minor, left)
    return refund_shares(
        part,
        quantity=min(quantity, part.quantity_left),
        buyer_minor=buyer_minor,
        promotion_minor=promotion_minor,
        reversal=reversal,
    )


def _by_amount(
    part: RefundablePart, buyer_minor: int, reversal: CommissionReversal
) -> RefundShares:
    """The promotion flows back in the proportion in which the buyer's money does."""
    promotion_minor = (
        share(part.promotion_left_minor, buyer_minor, part.buyer_left_minor) if buyer_minor else 0
    )
    return refund_shares(
        part,
        quantity=0,
        buyer_minor=buyer_minor,
        promotion_minor=promotion_minor,
        reversal=reversal,
    )


def refund_shares(
    part: RefundablePart,
    *,
    quantity: int,
    buyer_minor: int,
    promotion_minor: int,
    reversal: CommissionReversal,
) -> RefundShares:
    """Divide a refund over tax, commission, its VAT and the rest by what is left of each.

    What goes to the buyer, and what of the promotion flows back, is decided already. Raises
    ValueError for more than is left.
    """
    refunded, total_minor = part.refunded, buyer_minor + promotion_minor
    tax_left = part.tax_minor - refunded.tax_minor
    commission_left = part.commission_minor - refunded.commission_minor
    vat_left = part.commission_vat_minor - refunded.commission_vat_minor
    rest_left = (
        part.buyer_left_minor + part.promotion_left_minor - tax_left - commission_left - vat_left
    )
    tax_minor, commission_minor, vat_minor, _ = split(
        total_minor, [tax_left, commission_left, vat_left, rest_left]
    )
    kept_minor = _kept(part, reversal)
    kept_vat_minor = (
        share(part.commission_vat_minor, kept_minor, part.commission_minor) if kept_minor else 0
    )
    return RefundShares(
        quantity=quantity,
        buyer_minor=buyer_minor,
        promotion_minor=promotion_minor,
        goods_minor=total_minor if part.tax_included else total_minor - tax_minor,
        tax_minor=tax_minor,
        commission_minor=commission_minor,
        commission_vat_minor=vat_minor,
        commission_reversed_minor=_reversible(
            commission_minor,
            left_minor=commission_left,
            reversible_minor=part.commission_minor - kept_minor,
            reversed_minor=refunded.commission_reversed_minor,
        ),
        commission_vat_reversed_minor=_reversible(
            vat_minor,
            left_minor=vat_left,
            reversible_minor=part.commission_vat_minor - kept_vat_minor,
            reversed_minor=refunded.commission_vat_reversed_minor,
        ),
        remitted_minor=tax_minor if part.tax_remitted else 0,
    )


def _kept(part: RefundablePart, reversal: CommissionReversal) -> int:
    """How much of the part's commission stays with the marketplace once all is refunded."""
    match reversal:
        case CommissionReversal.FULL:
            return 0
        case CommissionReversal.NONE:
            return part.commission_minor
        case CommissionReversal.FULL_LESS_FIXED:
            return min(part.commission_fixed_minor, part.commission_minor)


def _reversible(
    share_minor: int, *, left_minor: int, reversible_minor: int, reversed_minor: int
) -> int:
    """The part of a commission share that policy gives back.

    Divided on what is left, like everything else, so that a fixed fee is kept once per line,
    however many refunds there are; bounded, so that a change of policy between two refunds can
    neither give back what was kept for good nor take back what was given.
    """
    still_reversible = min(left_minor, max(0, reversible_minor - reversed_minor))
    given_back, _ = split(share_minor, [still_reversible, left_minor - still_reversible])
    return given_back
