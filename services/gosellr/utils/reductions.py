"""A sold line of which some units are called off before any money was taken for it.

Nothing was booked, so nothing goes back: the rest is sold as if it alone had been ordered, at the
same price, under the same tax rate and the commission rule frozen on the line. A discount was
given on all units, so the rest keeps its part of it. What the line no longer costs is the
difference, and so what is taken for it and what is not always sum to what it cost.
"""

from collections.abc import Mapping
from typing import Any

from gosellr.utils.commission import CommissionTerms, terms_on
from gosellr.utils.lazy_dataclasses import dataclass
from gosellr.utils.money import share, split
from gosellr.utils.tax import tax_on, without_tax


class InvalidReduction(ValueError):
    """No units, or more than the line has."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LineFigures:
    """What a line costs its buyer and brings its seller, in minor units."""

    quantity: int
    unit_price_minor: int
    seller_discount_minor: int
    marketplace_discount_minor: int
    tax_rate_bps: int
    tax_included: bool
    tax_minor: int
    commission: CommissionTerms
    # Whether the marketplace remits the tax.
    tax_remitted: bool = False

    @property
    def gross_minor(self) -> int:
        """Price times quantity."""
        return self.unit_price_minor * self.quantity

    @property
    def discount_minor(self) -> int:
        """What the buyer saves."""
        return self.seller_discount_minor + self.marketplace_discount_minor

    @property
    def goods_minor(self) -> int:
        """What tax and commission are computed on."""
        return self.gross_minor - self.seller_discount_minor

    @property
    def _with_tax_minor(self) -> int:
        return self.goods_minor + (0 if self.tax_included else self.tax_minor)

    @property
    def total_minor(self) -> int:
        """What the buyer pays."""
        return self._with_tax_minor - self.marketplace_discount_minor

    @property
    def net_minor(self) -> int:
        """What the seller earns."""
        kept_minor = self.commission.commission_minor + self.commission.vat_minor
        return self._with_tax_minor - kept_minor - self.remitted_minor

    @property
    def remitted_minor(self) -> int:
        """The tax that the marketplace remits."""
        return self.tax_minor if self.tax_remitted else 0

    def columns(self) -> dict[str, int]:
        """The amounts by their names on a line."""
        return {
            "quantity": self.quantity,
            "gross_minor": self.gross_minor,
            "seller_discount_minor": self.seller_discount_minor,
            "marketplace_discount_minor": self.marketplace_discount_minor,
            "goods_minor": self.goods_minor,
            "tax_minor": self.tax_minor,
            "total_minor": self.total_minor,
            "commission_minor": self.commission.commission_minor,
            "commission_vat_minor": self.commission.vat_minor,
        }


def frozen_terms(commission: Mapping[str, Any] | None) -> CommissionTerms:
    """The terms that are frozen on a line; nothing is taken of one without any."""
    return CommissionTerms() if commission is None else CommissionTerms.from_dict(dict(commission))


def reduced(line: LineFigures, quantity: int) -> LineFigures:
    """The line without so many of its units.

    What is left of the discounts is rounded once over both who gave them, and then divided, so
    that neither price nor tax ever falls below zero or rises above what it was.

    Raises:
        InvalidReduction: no units, or more than there are.
    """
    if type(quantity) is not int or not 1 <= quantity <= line.quantity:
        raise InvalidReduction(f"{quantity!r} of {line.quantity} units can't be called off")
    left = line.quantity - quantity
    discount_minor = share(line.discount_minor, left, line.quantity)
    given_minor = (line.seller_discount_minor, line.marketplace_discount_minor)
    by_seller_minor, _ = split(discount_minor, given_minor)
    # The goods may not become dearer by a rounding.
    gone_minor = line.unit_price_minor * quantity
    by_seller_minor = max(by_seller_minor, line.seller_discount_minor - gone_minor)
    goods_minor = line.unit_price_minor * left - by_seller_minor
    tax_minor = tax_on(goods_minor, rate_bps=line.tax_rate_bps, included=line.tax_included)
    base_minor = without_tax(goods_minor, tax_minor=tax_minor, included=line.tax_included)
    return LineFigures(
        quantity=left,
        unit_price_minor=line.unit_price_minor,
        seller_discount_minor=by_seller_minor,
        marketplace_discount_minor=discount_minor - by_seller_minor,
        tax_rate_bps=line.tax_rate_bps,
        tax_included=line.tax_included,
        tax_minor=tax_minor,
        commission=terms_on(line.commission, base_minor=base_minor),
        tax_remitted=line.tax_remitted,
    )
