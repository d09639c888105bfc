"""Everything that a price depends on besides the goods: one statement, one round trip."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from gosellr.core.db import Connection
from gosellr.utils.commission import CommissionRule
from gosellr.utils.promotions import CouponFunding, CouponKind, CouponTerms
from gosellr.utils.shipping import RateBasis, RateBracket, ShippingRate, ShippingZone

LOAD = """
SELECT
  (SELECT COALESCE(jsonb_agg(jsonb_build_array(class, region, rate_bps, included)
                             ORDER BY valid_from, id), '[]')
   FROM tax_rate
   WHERE country = $1 AND valid_from <= $5 AND (valid_to IS NULL OR valid_to > $5)) AS taxes,
  (SELECT COALESCE(jsonb_agg(to_jsonb(zone)), '[]')
   FROM shipping_zone AS zone
   WHERE archived_at IS NULL AND (seller_id IS NULL OR seller_id = ANY($2::uuid[]))) AS zones,
  (SELECT COALESCE(jsonb_agg(to_jsonb(rate) ORDER BY rate.position, rate.id), '[]')
   FROM shipping_rate AS rate JOIN shipping_zone AS zone ON zone.id = rate.zone_id
   WHERE rate.archived_at IS NULL AND zone.archived_at IS NULL AND rate.currency = $3
     AND (zone.seller_id IS NULL OR zone.seller_id = ANY($2::uuid[]))) AS rates,
  (SELECT COALESCE(jsonb_agg(to_jsonb(coupon)), '[]')
   FROM coupon
   WHERE code = ANY($4::text[]::citext[]) AND archived_at IS NULL
     AND (valid_from IS NULL OR valid_from <= $5) AND (valid_to IS NULL OR valid_to > $5)
     AND (currency IS NULL OR currency = $3)
     AND (limit_total IS NULL OR used_count < limit_total)
     AND NOT EXISTS (
         SELECT FROM coupon_customer AS personal
         WHERE personal.coupon_id = coupon.id AND personal.customer_key = $6
           AND personal.used_count >= coupon.limit_per_customer)) AS coupons,
  (SELECT COALESCE(jsonb_agg(to_jsonb(rule) ORDER BY rule.position, rule.id), '[]')
   FROM commission_rule AS rule
   WHERE archived_at IS NULL AND (currency IS NULL OR currency = $3)
     AND (seller_id IS NULL OR seller_id = ANY($2::uuid[]))) AS rules
"""


@dataclass(frozen=True, slots=True)
class TaxRate:
    """A rate of the destination's country, for a class and, where given, one region only."""

    tax_class: str
    region: str | None
    rate_bps: int
    included: bool


@dataclass(frozen=True, slots=True)
class OfferedCoupon:
    """A coupon that is valid now, with what limits its use."""

    id: UUID
    terms: CouponTerms
    limit_total: int | None
    limit_per_customer: int | None


@dataclass(frozen=True, slots=True)
class MarketTerms:
    """The terms that apply to one basket."""

    taxes: tuple[TaxRate, ...] = ()
    zones: tuple[ShippingZone, ...] = ()
    rates: tuple[ShippingRate, ...] = ()
    # Which of the rates ask a carrier for its price, and which carrier.
    carriers: Mapping[UUID, str] = field(default_factory=dict)
    coupons: Mapping[str, OfferedCoupon] = field(default_factory=dict)
    commission_rules: tuple[CommissionRule, ...] = ()


def moment_of(value: str | None) -> datetime | None:
    """A moment from its JSON form."""
    return None if value is None else datetime.fromisoformat(value)


def _uuid(value: str | None) -> UUID | None:
    return None if value is None else UUID(value)


def zone_of(row: Mapping[str, Any]) -> ShippingZone:
    """A zone from its row as JSON."""
    return ShippingZone(
        id=UUID(row["id"]),
        name=row["name"],
        countries=tuple(row["countries"]),
        regions=tuple(row["regions"]),
        postal_patterns=tuple(row["postal_patterns"]),
        seller_id=_uuid(row["seller_id"]),
    )


def rate_of(row: Mapping[str, Any]) -> ShippingRate:
    """A rate from its row as JSON."""
    return ShippingRate(
        id=UUID(row["id"]),
        zone_id=UUID(row["zone_id"]),
        name=row["name"],
        currency=row["currency"],
        by=RateBasis(row["by"]),
        delivery_days=(row["delivery_days_min"], row["delivery_days_max"]),
        price_minor=row["price_minor"],
        brackets=tuple(
            RateBracket(bracket["up_to"], bracket["price_minor"]) for bracket in row["brackets"]
        ),
        free_over_minor=row["free_over_minor"],
    )


def coupon_of(row: Mapping[str, Any]) -> OfferedCoupon:
    """A coupon from its row as JSON."""
    return OfferedCoupon(
        id=UUID(row["id"]),
        terms=CouponTerms(
            code=row["code"],
            kind=CouponKind(row["kind"]),
            value_bps=row["value_bps"] or 0,
            amount_minor=row["amount_minor"] or 0,
            minimum_minor=row["minimum_minor"],
            currency=row["currency"],
            seller_id=_uuid(row["seller_id"]),
            funded_by=CouponFunding(row["funded_by"]),
            marketplace_share_bps=row["marketplace_share_bps"],
        ),
        limit_total=row["limit_total"],
        limit_per_customer=row["limit_per_customer"],
    )


def rule_of(row: Mapping[str, Any]) -> CommissionRule:
    """A commission rule from its row as JSON."""
    return CommissionRule(
        id=UUID(row["id"]),
        position=row["position"],
        rate_bps=row["rate_bps"],
        fixed_minor=row["fixed_minor"],
        minimum_minor=row["minimum_minor"],
        cap_minor=row["cap_minor"],
        vat_bps=row["vat_bps"],
        on_shipping=row["on_shipping"],
        currency=row["currency"],
        seller_id=_uuid(row["seller_id"]),
        category_id=_uuid(row["category_id"]),
        product_id=_uuid(row["product_id"]),
        value_from_minor=row["value_from_minor"],
        value_to_minor=row["value_to_minor"],
        valid_from=moment_of(row["valid_from"]),
        valid_to=moment_of(row["valid_to"]),
    )


async def load(
    connection: Connection,
    *,
    country: str | None,
    seller_ids: Sequence[UUID],
    currency: str,
    coupon_codes: Sequence[str],
    customer_key: str | None = None,
    now: datetime,
) -> MarketTerms:
    """The terms for goods of these sellers, sent to this country, in this currency, now.

    Coupons that are used up, by everybody or by this customer, are none.
    """
    row = await connection.fetchrow(
        LOAD, country, list(seller_ids), currency, list(coupon_codes), now, customer_key
    )
    if row is None:
        raise RuntimeError("a statement without FROM always gives a row")
    return MarketTerms(
        taxes=tuple(TaxRate(*tax) for tax in row["taxes"]),
        zones=tuple(zone_of(zone) for zone in row["zones"]),
        rates=tuple(rate_of(rate) for rate in row["rates"]),
        carriers={UUID(rate["id"]): rate["carrier"] for rate in row["rates"] if rate["carrier"]},
        coupons={coupon["code"].lower(): coupon_of(coupon) for coupon in row["coupons"]},
        commission_rules=tuple(rule_of(rule) for rule in row["rules"]),
    )
