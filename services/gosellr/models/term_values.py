"""What an operator or a seller has set up, with what only they need to know about it."""

from datetime import datetime
from uuid import UUID

from gosellr.utils.commission import CommissionRule
from gosellr.utils.lazy_dataclasses import dataclass
from gosellr.utils.promotions import CouponTerms
from gosellr.utils.shipping import ShippingRate


@dataclass(frozen=True, slots=True, kw_only=True)
class ListedRate:
    """A shipping rate; a `carrier` is asked for its price instead of the list."""

    rate: ShippingRate
    carrier: str | None
    seller_id: UUID | None


@dataclass(frozen=True, slots=True, kw_only=True)
class ListedTaxRate:
    """A tax rate of a country or one of its regions. `valid_to` is the first moment without it.

    `remitted_by` says who passes the tax on: `seller`, or `marketplace` as deemed supplier.
    """

    id: UUID
    country: str
    region: str | None
    tax_class: str
    rate_bps: int
    included: bool
    valid_from: datetime
    valid_to: datetime | None
    remitted_by: str = "seller"
    version: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class ListedCoupon:
    """A coupon with its limits and how often it was used."""

    id: UUID
    terms: CouponTerms
    limit_total: int | None
    limit_per_customer: int | None
    used_count: int
    valid_from: datetime | None
    valid_to: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class ListedRule:
    """A commission rule with its name for people."""

    rule: CommissionRule
    name: str
    version: int
