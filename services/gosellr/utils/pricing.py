"""The quote: what a buyer pays, per line, per parcel and as a whole, to the last minor unit.

Every total is the sum of its parts, and on the order as on each parcel
`total = subtotal − discount_total + shipping_total + (0 if tax_included else tax_total)`.
A discount that the marketplace bears lowers only what the buyer pays, never the tax.
"""

from collections.abc import Iterable, Sequence
from typing import Final
from uuid import UUID

from gosellr.utils.lazy_dataclasses import dataclass
from gosellr.utils.money import checked_minor, exponent
from gosellr.utils.promotions import (
    CouponOutcome,
    CouponTerms,
    Discountable,
    DiscountShare,
    allocate,
)
from gosellr.utils.tax import checked_tax_rate, tax_on

MAX_QUANTITY: Final = 10_000


class QuantityOutOfBounds(ValueError):
    """A quantity is no whole number from 1 to `MAX_QUANTITY`."""


class InvalidParcel(ValueError):
    """Shipping was chosen twice for a seller, or for one who sells nothing here."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LineRequest:
    """One line to be priced. `key` and the product ids are carried through untouched."""

    key: UUID | str
    seller_id: UUID
    unit_price_minor: int
    quantity: int
    tax_rate_bps: int = 0
    # The jurisdiction that gets the tax from the marketplace; None where the seller remits it.
    tax_remitted_to: str | None = None
    variant_id: UUID | None = None
    product_id: UUID | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ShippingRequest:
    """The shipping chosen for one seller's parcel, with the tax rate of its own class."""

    seller_id: UUID
    price_minor: int
    tax_rate_bps: int = 0
    tax_remitted_to: str | None = None
    option_id: str = ""
    name: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class QuotedLine:
    """A priced line, in minor units.

    `goods_minor` is the gross less what the seller bears: the base of tax and commission.
    `total_minor` is what the buyer pays for the line, tax on top of the price included.
    """

    key: UUID | str
    seller_id: UUID
    variant_id: UUID | None
    product_id: UUID | None
    unit_price_minor: int
    quantity: int
    tax_rate_bps: int
    gross_minor: int
    seller_discount_minor: int
    marketplace_discount_minor: int
    goods_minor: int
    tax_minor: int
    total_minor: int
    tax_remitted_to: str | None = None

    @property
    def remitted_minor(self) -> int:
        """The tax that the marketplace remits."""
        return 0 if self.tax_remitted_to is None else self.tax_minor

    @property
    def discount_minor(self) -> int:
        """What the buyer saves on the line, whoever bears it."""
        return self.seller_discount_minor + self.marketplace_discount_minor


@dataclass(frozen=True, slots=True, kw_only=True)
class QuotedShipping:
    """A parcel's shipping, in minor units: the charge, less discounts, and its tax.

    `net_minor` is the charge less what the seller bears, the shipping's counterpart of a line's
    `goods_minor`; `total_minor` is what the buyer pays for it.
    """

    option_id: str = ""
    name: str = ""
    tax_rate_bps: int = 0
    charge_minor: int = 0
    seller_discount_minor: int = 0
    marketplace_discount_minor: int = 0
    net_minor: int = 0
    tax_minor: int = 0
    total_minor: int = 0
    tax_remitted_to: str | None = None

    @property
    def remitted_minor(self) -> int:
        """The tax that the marketplace remits."""
        return 0 if self.tax_remitted_to is None else self.tax_minor

    @property
    def discount_minor(self) -> int:
        """What the buyer saves on the shipping, whoever bears it."""
        return self.seller_discount_minor + self.marketplace_discount_minor


@dataclass(frozen=True, slots=True, kw_only=True)
class Totals:
    """The five figures of a parcel or an order, in minor units; discounts include shipping's."""

    subtotal_minor: int
    discount_total_minor: int
    shipping_total_minor: int
    tax_total_minor: int
    total_minor: int


@dataclass(frozen=True, slots=True, kw_only=True)
class QuotedParcel:
    """What one seller sends: its lines, its shipping (zero until chosen) and its totals."""

    seller_id: UUID
    lines: tuple[QuotedLine, ...]
    shipping: QuotedShipping
    totals: Totals


@dataclass(frozen=True, slots=True, kw_only=True)
class Quote:
    """A whole order: parcels in the order in which their sellers first appear."""

    currency: str
    tax_included: bool
    parcels: tuple[QuotedParcel, ...]
    coupons: tuple[CouponOutcome, ...]
    totals: Totals

    @property
    def lines(self) -> tuple[QuotedLine, ...]:
        """All lines, parcel by parcel."""
        return tuple(line for parcel in self.parcels for line in parcel.lines)


def quote(
    *,
    currency: str,
    tax_included: bool,
    lines: Sequence[LineRequest],
    shipping: Sequence[ShippingRequest] = (),
    coupons: Iterable[CouponTerms] = (),
) -> Quote:
    """Price an order. Pure: the same input gives the same cents in every process.

    Raises `UnknownCurrency`, `QuantityOutOfBounds`, `InvalidAmount`, `AmountOutOfBounds` (given
    or derived), `InvalidTaxRate`, `InvalidParcel`.
    """
    exponent(currency)
    chosen = _by_seller(shipping, sellers={line.seller_id for line in lines})
    allocation = allocate(
        currency=currency,
        lines=[Discountable(seller_id=line.seller_id, gross_minor=_gross(line)) for line in lines],
        shipping=[
            Discountable(
                seller_id=choice.seller_id,
                gross_minor=checked_minor(choice.price_minor, name="shipping price"),
            )
            for choice in chosen.values()
        ],
        coupons=coupons,
    )
    quoted_shipping = {
        seller_id: _quoted_shipping(choice, discount, tax_included=tax_included)
        for (seller_id, choice), discount in zip(chosen.items(), allocation.shipping, strict=True)
    }
    lines_by_seller: dict[UUID, list[QuotedLine]] = {}
    for line, discount in zip(lines, allocation.lines, strict=True):
        quoted = _quoted_line(line, discount, tax_included=tax_included)
        lines_by_seller.setdefault(line.seller_id, []).append(quoted)
    parcels = tuple(
        _parcel(seller_id, tuple(own_lines), quoted_shipping.get(seller_id, QuotedShipping()))
        for seller_id, own_lines in lines_by_seller.items()
    )
    return Quote(
        currency=currency,
        tax_included=tax_included,
        parcels=parcels,
        coupons=allocation.outcomes,
        totals=_sum([parcel.totals for parcel in parcels]),
    )


def _by_seller(
    shipping: Sequence[ShippingRequest], *, sellers: set[UUID]
) -> dict[UUID, ShippingRequest]:
    chosen: dict[UUID, ShippingRequest] = {}
    for choice in shipping:
        if choice.seller_id in chosen:
            raise InvalidParcel(f"shipping was chosen twice for seller {choice.seller_id}")
        if choice.seller_id not in sellers:
            raise InvalidParcel(f"seller {choice.seller_id} has no line to ship")
        chosen[choice.seller_id] = choice
    return chosen


def _gross(line: LineRequest) -> int:
    if type(line.quantity) is not int or not 1 <= line.quantity <= MAX_QUANTITY:
        raise QuantityOutOfBounds(f"quantity must be 1 to {MAX_QUANTITY}, not {line.quantity!r}")
    checked_minor(line.unit_price_minor, name="unit price")
    return checked_minor(line.unit_price_minor * line.quantity, name="price times quantity")


def _quoted_line(line: LineRequest, discount: DiscountShare, *, tax_included: bool) -> QuotedLine:
    gross_minor = _gross(line)
    goods_minor = gross_minor - discount.seller_discount_minor
    tax_minor = tax_on(goods_minor, rate_bps=line.tax_rate_bps, included=tax_included)
    on_top_minor = 0 if tax_included else tax_minor
    return QuotedLine(
        key=line.key,
        seller_id=line.seller_id,
        variant_id=line.variant_id,
        product_id=line.product_id,
        unit_price_minor=line.unit_price_minor,
        quantity=line.quantity,
        tax_rate_bps=line.tax_rate_bps,
        gross_minor=gross_minor,
        seller_discount_minor=discount.seller_discount_minor,
        marketplace_discount_minor=discount.marketplace_discount_minor,
        goods_minor=goods_minor,
        tax_minor=tax_minor,
        total_minor=goods_minor + on_top_minor - discount.marketplace_discount_minor,
        tax_remitted_to=line.tax_remitted_to,
    )


def _quoted_shipping(
    choice: ShippingRequest, discount: DiscountShare, *, tax_included: bool
) -> QuotedShipping:
    net_minor = choice.price_minor - discount.seller_discount_minor
    tax_minor = tax_on(
        net_minor, rate_bps=checked_tax_rate(choice.tax_rate_bps), included=tax_included
    )
    on_top_minor = 0 if tax_included else tax_minor
    return QuotedShipping(
        option_id=choice.option_id,
        name=choice.name,
        tax_rate_bps=choice.tax_rate_bps,
        charge_minor=choice.price_minor,
        seller_discount_minor=discount.seller_discount_minor,
        marketplace_discount_minor=discount.marketplace_discount_minor,
        net_minor=net_minor,
        tax_minor=tax_minor,
        total_minor=net_minor + on_top_minor - discount.marketplace_discount_minor,
        tax_remitted_to=choice.tax_remitted_to,
    )


def _parcel(
    seller_id: UUID, lines: tuple[QuotedLine, ...], shipping: QuotedShipping
) -> QuotedParcel:
    totals = Totals(
        subtotal_minor=sum(line.gross_minor for line in lines),
        discount_total_minor=sum(line.discount_minor for line in lines) + shipping.discount_minor,
        shipping_total_minor=shipping.charge_minor,
        tax_total_minor=sum(line.tax_minor for line in lines) + shipping.tax_minor,
        total_minor=sum(line.total_minor for line in lines) + shipping.total_minor,
    )
    return QuotedParcel(seller_id=seller_id, lines=lines, shipping=shipping, totals=totals)


def _sum(parts: Sequence[Totals]) -> Totals:
    """The order's totals; bounded here, where every derived amount of the quote comes together.

    The sum of gross and tax is checked as well as the total, since a discount could hide it.
    """
    totals = Totals(
        subtotal_minor=sum(part.subtotal_minor for part in parts),
        discount_total_minor=sum(part.discount_total_minor for part in parts),
        shipping_total_minor=sum(part.shipping_total_minor for part in parts),
        tax_total_minor=sum(part.tax_total_minor for part in parts),
        total_minor=sum(part.total_minor for part in parts),
    )
    checked_minor(
        totals.subtotal_minor + totals.shipping_total_minor + totals.tax_total_minor,
        name="order total before discounts",
    )
    return totals
