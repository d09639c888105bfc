"""Coupons: how much each takes off which line, and who bears it.

Coupons apply in the order given, each on what the earlier ones left. A discount never exceeds
what it lowers: the excess of a coupon stays unused, nothing is paid out.
"""

from collections.abc import Iterable, Sequence
from enum import StrEnum
from uuid import UUID

from gosellr.utils.lazy_dataclasses import dataclass
from gosellr.utils.money import BPS, bps_half_up, checked_minor, exponent, split


class InvalidCoupon(ValueError):
    """The terms of a coupon contradict each other."""


class CouponKind(StrEnum):
    """What a coupon lowers, and by what."""

    PERCENT = "percent"
    AMOUNT = "amount"
    FREE_SHIPPING = "free_shipping"


class CouponFunding(StrEnum):
    """Who bears the discount."""

    SELLER = "seller"
    MARKETPLACE = "marketplace"
    SHARED = "shared"


class CouponRefusal(StrEnum):
    """Why a coupon takes nothing off."""

    CURRENCY_MISMATCH = "currency_mismatch"
    NO_ELIGIBLE_LINE = "no_eligible_line"
    MINIMUM_NOT_REACHED = "minimum_not_reached"
    NOTHING_LEFT = "nothing_left"


@dataclass(frozen=True, slots=True, kw_only=True)
class CouponTerms:
    """What a coupon grants. Amounts are minor units of `currency`, which they require.

    `seller_id` narrows it to the lines (or the shipping) of one seller. `minimum_minor` looks at
    the eligible lines before any discount, so that the order of coupons doesn't decide it.
    Raises `InvalidCoupon` for terms that contradict each other.
    """

    code: str
    kind: CouponKind
    value_bps: int = 0
    amount_minor: int = 0
    minimum_minor: int = 0
    currency: str | None = None
    seller_id: UUID | None = None
    funded_by: CouponFunding = CouponFunding.SELLER
    marketplace_share_bps: int = 0

    def __post_init__(self) -> None:
        checked_minor(self.amount_minor, name="coupon amount")
        checked_minor(self.minimum_minor, name="coupon minimum")
        percent, amount = self.kind is CouponKind.PERCENT, self.kind is CouponKind.AMOUNT
        if not (0 < self.value_bps <= BPS if percent else self.value_bps == 0):
            raise InvalidCoupon("a percent coupon takes 1 to 10000 bps off, others take none")
        if (self.amount_minor > 0) is not amount:
            raise InvalidCoupon("an amount coupon takes an amount off, others take none")
        if not 0 <= self.marketplace_share_bps <= BPS:
            raise InvalidCoupon("the marketplace's share is 0 to 10000 bps")
        if self.currency is not None:
            exponent(self.currency)
        elif self.amount_minor or self.minimum_minor:
            raise InvalidCoupon("an amount needs its currency")

    @property
    def marketplace_bps(self) -> int:
        """The part of the discount that the marketplace bears."""
        match self.funded_by:
            case CouponFunding.SELLER:
                return 0
            case CouponFunding.MARKETPLACE:
                return BPS
            case CouponFunding.SHARED:
                return self.marketplace_share_bps


@dataclass(frozen=True, slots=True, kw_only=True)
class Discountable:
    """A line, or the shipping charge of a parcel, before discounts."""

    seller_id: UUID
    gross_minor: int


@dataclass(frozen=True, slots=True, kw_only=True)
class DiscountShare:
    """What is taken off one line or one shipping charge, by who bears it."""

    seller_discount_minor: int = 0
    marketplace_discount_minor: int = 0

    @property
    def total_minor(self) -> int:
        """What the buyer saves."""
        return self.seller_discount_minor + self.marketplace_discount_minor


@dataclass(frozen=True, slots=True, kw_only=True)
class CouponOutcome:
    """What one coupon did: the discount and the marketplace's part of it, or why there is none.

    `unused_minor` is the part of an amount coupon that found nothing left to lower.
    """

    code: str
    discount_minor: int = 0
    marketplace_minor: int = 0
    unused_minor: int = 0
    refusal: CouponRefusal | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Allocation:
    """Discounts in the order of the lines and of the shipping charges, and each coupon's deed."""

    lines: tuple[DiscountShare, ...]
    shipping: tuple[DiscountShare, ...]
    outcomes: tuple[CouponOutcome, ...]


def allocate(
    *,
    currency: str,
    lines: Sequence[Discountable],
    shipping: Sequence[Discountable],
    coupons: Iterable[CouponTerms],
) -> Allocation:
    """Apply coupons in the order given and divide each by largest remainder on what is left.

    The marketplace's part of a shared coupon is rounded once on the whole discount and then
    divided over the lines in proportion to their discounts, so that it too sums exactly.
    """
    line_board = _Board(lines)
    shipping_board = _Board(shipping)
    outcomes = []
    for coupon in coupons:
        free_shipping = coupon.kind is CouponKind.FREE_SHIPPING
        board = shipping_board if free_shipping else line_board
        refusal = _refusal(coupon, currency=currency, lines=lines)
        outcomes.append(
            board.take(coupon) if refusal is None else _refused(coupon, refusal),
        )
    return Allocation(
        lines=line_board.shares(), shipping=shipping_board.shares(), outcomes=tuple(outcomes)
    )


def _refusal(
    coupon: CouponTerms, *, currency: str, lines: Sequence[Discountable]
) -> CouponRefusal | None:
    if coupon.currency not in {None, currency}:
        return CouponRefusal.CURRENCY_MISMATCH
    eligible = [line for line in lines if coupon.seller_id in {None, line.seller_id}]
    if not eligible:
        return CouponRefusal.NO_ELIGIBLE_LINE
    if sum(line.gross_minor for line in eligible) < coupon.minimum_minor:
        return CouponRefusal.MINIMUM_NOT_REACHED
    return None


def _refused(coupon: CouponTerms, refusal: CouponRefusal) -> CouponOutcome:
    return CouponOutcome(code=coupon.code, unused_minor=coupon.amount_minor, refusal=refusal)


class _Board:
    """Keeps what is left of each item while coupons take their turns."""

    def __init__(self, items: Sequence[Discountable]) -> None:
        self._sellers = [item.seller_id for item in items]
        self._left = [item.gross_minor for item in items]
        self._by_seller = [0] * len(items)
        self._by_marketplace = [0] * len(items)

    def take(self, coupon: CouponTerms) -> CouponOutcome:
        places = [
            place
            for place, seller_id in enumerate(self._sellers)
            if coupon.seller_id in {None, seller_id}
        ]
        left = [self._left[place] for place in places]
        discount_minor = _discount(coupon, sum(left))
        if not discount_minor:
            return _refused(coupon, CouponRefusal.NOTHING_LEFT)
        marketplace_minor = bps_half_up(discount_minor, coupon.marketplace_bps)
        discounts = split(discount_minor, left)
        marketplace = split(marketplace_minor, discounts)
        for place, total, borne in zip(places, discounts, marketplace, strict=True):
            self._left[place] -= total
            self._by_marketplace[place] += borne
            self._by_seller[place] += total - borne
        return CouponOutcome(
            code=coupon.code,
            discount_minor=discount_minor,
            marketplace_minor=marketplace_minor,
            unused_minor=max(0, coupon.amount_minor - discount_minor),
        )

    def shares(self) -> tuple[DiscountShare, ...]:
        return tuple(
            DiscountShare(seller_discount_minor=seller, marketplace_discount_minor=marketplace)
            for seller, marketplace in zip(self._by_seller, self._by_marketplace, strict=True)
        )


def _discount(coupon: CouponTerms, left_minor: int) -> int:
    match coupon.kind:
        case CouponKind.PERCENT:
            return bps_half_up(left_minor, coupon.value_bps)
        case CouponKind.AMOUNT:
            return min(coupon.amount_minor, left_minor)
        case CouponKind.FREE_SHIPPING:
            return left_minor
