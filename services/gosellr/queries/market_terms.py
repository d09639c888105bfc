"""Everything that a price depends on besides the goods: one statement, one round trip.

Coupons have a statement of their own, since each use changes them; the rest may be kept for as
long as its version is the one that the database tells.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import field
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from gosellr.core.db import Connection, Record
from gosellr.utils.commission import CommissionRule
from gosellr.utils.lazy_dataclasses import dataclass
from gosellr.utils.promotions import CouponFunding, CouponKind, CouponTerms
from gosellr.utils.regions import jurisdiction_of
from gosellr.utils.shipping import RateBasis, RateBracket, ShippingRate, ShippingZone

# A country's coming rates are read as well, so that what is kept stays right when they begin.
LOAD = """
SELECT
  (SELECT version FROM terms_version) AS version,
  (SELECT COALESCE(jsonb_agg(jsonb_build_array(class, region, rate_bps, included,
                                               valid_from, valid_to, remitted_by)
                             ORDER BY valid_from, id), '[]')
   FROM tax_rate
   WHERE country = $1 AND (valid_to IS NULL OR valid_to > $4)) AS taxes,
  (SELECT COALESCE(jsonb_agg(to_jsonb(zone) ORDER BY zone.id), '[]')
   FROM shipping_zone AS zone
   WHERE archived_at IS NULL AND (seller_id IS NULL OR seller_id = ANY($2::uuid[]))) AS zones,
  (SELECT COALESCE(jsonb_agg(to_jsonb(rate) ORDER BY rate.position, rate.id), '[]')
   FROM shipping_rate AS rate JOIN shipping_zone AS zone ON zone.id = rate.zone_id
   WHERE rate.archived_at IS NULL AND zone.archived_at IS NULL AND rate.currency = $3
     AND (zone.seller_id IS NULL OR zone.seller_id = ANY($2::uuid[]))) AS rates,
  (SELECT COALESCE(jsonb_agg(to_jsonb(rule) ORDER BY rule.position, rule.id), '[]')
   FROM commission_rule AS rule
   WHERE archived_at IS NULL AND (currency IS NULL OR currency = $3)
     AND (seller_id IS NULL OR seller_id = ANY($2::uuid[]))) AS rules
"""


def other_customer_keys(customer_key: str) -> str:
    """The other names under which the same person may have used a coupon: an account's address,
    under which it bought as a guest, and the account of this market that a guest's address is of.
    """
    return f"""
        SELECT lower(email::text) FROM user_account
        WHERE email IS NOT NULL AND id = CASE
            WHEN {customer_key}::text ~ '^[0-9a-f]{{8}}(-[0-9a-f]{{4}}){{3}}-[0-9a-f]{{12}}$'
            THEN {customer_key}::uuid END
        UNION ALL
        SELECT id::text FROM user_account
        WHERE issuer = 'gosellr' AND email = {customer_key}::text::citext
    """


COUPONS = f"""
SELECT to_jsonb(coupon) AS coupon
FROM coupon
WHERE code = ANY($1::text[]::citext[]) AND archived_at IS NULL
  AND (valid_from IS NULL OR valid_from <= $3) AND (valid_to IS NULL OR valid_to > $3)
  AND (currency IS NULL OR currency = $2)
  AND (limit_total IS NULL OR used_count < limit_total)
  AND (limit_per_customer IS NULL OR limit_per_customer > (
      SELECT COALESCE(sum(personal.used_count), 0) FROM coupon_customer AS personal
      WHERE personal.coupon_id = coupon.id
        AND personal.customer_key IN (SELECT $4::text UNION ALL {other_customer_keys("$4")})))
"""


@dataclass(frozen=True, slots=True)
class TaxRate:
    """A rate of the destination's country, for a class and, where given, one region only."""

    tax_class: str
    region: str | None
    rate_bps: int
    included: bool
    valid_from: datetime | None = None
    valid_to: datetime | None = None
    # The jurisdiction that gets it from the marketplace; None where sellers remit it themselves.
    remitted_to: str | None = None

    def is_valid(self, at: datetime) -> bool:
        """Whether it says something about a sale of that moment."""
        return (self.valid_from is None or self.valid_from <= at) and (
            self.valid_to is None or at < self.valid_to
        )


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


@dataclass(frozen=True, slots=True)
class OwnTerms:
    """What one seller, or the market itself, has set up for sales in one currency."""

    zones: tuple[ShippingZone, ...] = ()
    rates: tuple[ShippingRate, ...] = ()
    # Of each rate, its place among all rates of a basket.
    positions: Mapping[UUID, int] = field(default_factory=dict)
    carriers: Mapping[UUID, str] = field(default_factory=dict)
    commission_rules: tuple[CommissionRule, ...] = ()

    @property
    def count(self) -> int:
        """How many terms these are."""
        return len(self.zones) + len(self.rates) + len(self.commission_rules)


# Most sellers keep to what the market has set up: they share this.
NO_OWN_TERMS: Final = OwnTerms()


@dataclass(frozen=True, slots=True, kw_only=True)
class LoadedTerms:
    """Terms as they stood at one moment, and their version then.

    `taxes` are the country's, from the moment that was asked about on. `own` has an entry for
    each seller that was asked for, and for the market itself under None.
    """

    version: UUID | None
    taxes: tuple[TaxRate, ...]
    own: Mapping[UUID | None, OwnTerms]


def moment_of(value: str | None) -> datetime | None:
    """A moment from its JSON form."""
    return None if value is None else datetime.fromisoformat(value)


def _uuid(value: str | None) -> UUID | None:
    return None if value is None else UUID(value)


def _tax_of(row: Sequence[Any], country: str | None) -> TaxRate:
    tax_class, region, rate_bps, included, valid_from, valid_to, remitted_by = row
    return TaxRate(
        tax_class,
        region,
        rate_bps,
        included,
        moment_of(valid_from),
        moment_of(valid_to),
        jurisdiction_of(country, region) if country and remitted_by == "marketplace" else None,
    )


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


def _by_owner(row: Record, owners: Sequence[UUID | None]) -> dict[UUID | None, OwnTerms]:
    zones: defaultdict[UUID | None, list[ShippingZone]] = defaultdict(list)
    rates: defaultdict[UUID | None, list[Mapping[str, Any]]] = defaultdict(list)
    rules: defaultdict[UUID | None, list[CommissionRule]] = defaultdict(list)
    owner_of_zone: dict[str, UUID | None] = {}
    for document in row["zones"]:
        zone = zone_of(document)
        owner_of_zone[document["id"]] = zone.seller_id
        zones[zone.seller_id].append(zone)
    for document in row["rates"]:
        rates[owner_of_zone[document["zone_id"]]].append(document)
    for document in row["rules"]:
        rule = rule_of(document)
        rules[rule.seller_id].append(rule)
    return {
        owner: OwnTerms(
            zones=tuple(zones[owner]),
            rates=tuple(rate_of(rate) for rate in rates[owner]),
            positions={UUID(rate["id"]): rate["position"] for rate in rates[owner]},
            carriers={
                UUID(rate["id"]): rate["carrier"] for rate in rates[owner] if rate["carrier"]
            },
            commission_rules=tuple(rules[owner]),
        )
        if owner in zones or owner in rules
        else NO_OWN_TERMS
        for owner in owners
    }


async def load(
    connection: Connection,
    *,
    country: str | None,
    seller_ids: Sequence[UUID],
    currency: str,
    now: datetime,
) -> LoadedTerms:
    """The terms for goods of these sellers, sent to this country, in this currency, from now on."""
    row = await connection.fetchrow(LOAD, country, list(seller_ids), currency, now)
    if row is None:
        raise RuntimeError("a statement without FROM always gives a row")
    return LoadedTerms(
        version=row["version"],
        taxes=tuple(_tax_of(tax, country) for tax in row["taxes"]),
        own=_by_owner(row, (None, *seller_ids)),
    )


async def load_coupons(
    connection: Connection,
    *,
    codes: Sequence[str],
    currency: str,
    customer_key: str | None = None,
    now: datetime,
) -> dict[str, OfferedCoupon]:
    """The coupons that are valid now, by their code in small letters.

    Coupons that are used up, by everybody or by this customer, are none.
    """
    rows = await connection.fetch(COUPONS, list(codes), currency, now, customer_key)
    return {row["coupon"]["code"].lower(): coupon_of(row["coupon"]) for row in rows}
