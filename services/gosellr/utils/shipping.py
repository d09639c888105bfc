"""Shipping by table: which zone an address lies in, and what its rates ask for a parcel."""

import re
from collections.abc import Iterable, Sequence
from enum import IntEnum, StrEnum
from uuid import UUID

from gosellr.utils.lazy_dataclasses import dataclass
from gosellr.utils.regions import region_code

EVERYWHERE = "*"
_RANGE = re.compile(r"([0-9]+)-([0-9]+)")


class InvalidShippingTable(ValueError):
    """A zone or a rate contradicts itself."""


class RateBasis(StrEnum):
    """What a rate looks at: nothing, grams, minor units of the subtotal, or number of units."""

    FLAT = "flat"
    WEIGHT = "weight"
    SUBTOTAL = "subtotal"
    ITEMS = "items"


class Specificity(IntEnum):
    """How closely a zone describes an address; the closest wins."""

    EVERYWHERE = 0
    COUNTRY = 1
    REGION = 2
    POSTAL = 3


@dataclass(frozen=True, slots=True)
class Destination:
    """Where a parcel goes: ISO 3166-1 alpha-2 country, region code, postal code."""

    country: str
    region: str | None = None
    postal_code: str = ""


@dataclass(frozen=True, slots=True)
class Parcel:
    """One seller's goods in a cart; `subtotal_minor` is after discounts."""

    seller_id: UUID
    currency: str
    subtotal_minor: int
    weight_grams: int
    items: int


@dataclass(frozen=True, slots=True)
class ShippingZone:
    """An area, of a seller or (`seller_id` None) of the marketplace.

    `countries` holds codes or `*`. Regions and postal patterns narrow it further, each where
    given. A pattern is a code (`94105`), a code with one `*` (`SW1*`) or a range (`10000-19999`).
    """

    id: UUID
    name: str
    countries: tuple[str, ...]
    regions: tuple[str, ...] = ()
    postal_patterns: tuple[str, ...] = ()
    seller_id: UUID | None = None

    def __post_init__(self) -> None:
        """Raise InvalidShippingTable for a zone that could never match as it reads."""
        if not self.countries:
            raise InvalidShippingTable("a zone names its countries, or * for everywhere")
        if EVERYWHERE in self.countries and (self.regions or self.postal_patterns):
            raise InvalidShippingTable("regions and postal patterns belong to named countries")
        for pattern in self.postal_patterns:
            check_postal_pattern(pattern)

    @property
    def specificity(self) -> Specificity:
        """How closely this zone describes the addresses in it."""
        if self.postal_patterns:
            return Specificity.POSTAL
        if self.regions:
            return Specificity.REGION
        return Specificity.EVERYWHERE if EVERYWHERE in self.countries else Specificity.COUNTRY


@dataclass(frozen=True, slots=True)
class RateBracket:
    """The price up to and including `up_to` units of the basis; None means without limit."""

    up_to: int | None
    price_minor: int


@dataclass(frozen=True, slots=True)
class ShippingRate:
    """A price list inside a zone. A flat rate has `price_minor`, every other one brackets.

    `free_over_minor` makes it free from that subtotal on; `delivery_days` is (min, max).
    """

    id: UUID
    zone_id: UUID
    name: str
    currency: str
    by: RateBasis
    delivery_days: tuple[int, int]
    price_minor: int = 0
    brackets: tuple[RateBracket, ...] = ()
    free_over_minor: int | None = None

    def __post_init__(self) -> None:
        """Raise InvalidShippingTable for a price list that can't be read in one way only."""
        first_day, last_day = self.delivery_days
        if not 0 <= first_day <= last_day:
            raise InvalidShippingTable("delivery days need 0 ≤ min ≤ max")
        if (self.by is RateBasis.FLAT) == bool(self.brackets):
            raise InvalidShippingTable("a flat rate has a price, every other rate has brackets")
        prices = [self.price_minor, *(bracket.price_minor for bracket in self.brackets)]
        if min(prices) < 0 or (self.free_over_minor or 0) < 0:
            raise InvalidShippingTable("no price of a shipping rate is negative")
        limits = [bracket.up_to for bracket in self.brackets]
        finite = [limit for limit in limits if limit is not None]
        if None in limits[:-1] or finite != sorted(set(finite)) or min(finite, default=0) < 0:
            raise InvalidShippingTable("brackets ascend, and only the last may have no limit")


@dataclass(frozen=True, slots=True)
class ShippingOption:
    """What a buyer may choose for one parcel; `id` is that of the rate."""

    id: UUID
    name: str
    price_minor: int
    delivery_days: tuple[int, int]


def check_postal_pattern(pattern: str) -> None:
    """Raise InvalidShippingTable unless the text is a postal code, prefix pattern or range."""
    code = _compact(pattern)
    if not code or code == "*" or code.count("*") > 1:
        raise InvalidShippingTable(f"not a postal pattern: {pattern!r}")
    bounds = _range_bounds(pattern)
    if bounds and bounds[0] > bounds[1]:
        raise InvalidShippingTable(f"a postal range ascends: {pattern!r}")


def postal_code_matches(pattern: str, postal_code: str) -> bool:
    """Tell whether a postal code falls under a pattern; spaces, hyphens and case don't matter.

    A range compares the leading digits, so that `94105-1234` lies in `90000-96199`; two numbers
    of different length, as in the Polish code `00-950`, are a code and not a range.
    """
    code = _compact(postal_code)
    bounds = _range_bounds(pattern)
    if bounds:
        low, high = bounds
        head = code[: len(low)]
        return len(head) == len(low) and head.isascii() and head.isdigit() and low <= head <= high
    head, star, tail = _compact(pattern).partition("*")
    if not star:
        return code == head
    return len(code) >= len(head) + len(tail) and code.startswith(head) and code.endswith(tail)


def zone_matches(zone: ShippingZone, destination: Destination) -> bool:
    """Tell whether the destination lies in the zone."""
    country = destination.country.strip().upper()
    if EVERYWHERE in zone.countries:
        return True
    if country not in {name.strip().upper() for name in zone.countries}:
        return False
    if zone.regions:
        region = region_code(destination.region or "", country=country)
        if region not in {region_code(name, country=country) for name in zone.regions}:
            return False
    return not zone.postal_patterns or any(
        postal_code_matches(pattern, destination.postal_code) for pattern in zone.postal_patterns
    )


def matching_zones(
    zones: Iterable[ShippingZone], *, seller_id: UUID, destination: Destination
) -> list[ShippingZone]:
    """Return the zones whose rates apply: the most specific of the seller's own.

    Only when none of the seller's own matches do the marketplace's apply. Zones of equal
    specificity stand side by side. A closer zone without rates therefore excludes an area.
    """
    reached = [
        zone
        for zone in zones
        if zone.seller_id in {seller_id, None} and zone_matches(zone, destination)
    ]
    own = [zone for zone in reached if zone.seller_id == seller_id]
    candidates = own or reached
    closest = max((zone.specificity for zone in candidates), default=None)
    return [zone for zone in candidates if zone.specificity is closest]


def rate_price_minor(rate: ShippingRate, parcel: Parcel) -> int | None:
    """Return what the rate asks for the parcel, or None when it doesn't carry it.

    A parcel above the last limit isn't carried, even where it would be free by its subtotal;
    neither is one in another currency, since nothing is ever converted.
    """
    if rate.currency != parcel.currency:
        return None
    price_minor = _listed_price_minor(rate, parcel)
    if price_minor is None:
        return None
    if rate.free_over_minor is not None and parcel.subtotal_minor >= rate.free_over_minor:
        return 0
    return price_minor


def options_for(
    parcel: Parcel,
    zones: Iterable[ShippingZone],
    rates: Iterable[ShippingRate],
    destination: Destination,
) -> list[ShippingOption]:
    """Return the ways to send the parcel there, by price and then name; empty when none is."""
    applying = matching_zones(zones, seller_id=parcel.seller_id, destination=destination)
    zone_ids = {zone.id for zone in applying}
    options = [
        ShippingOption(rate.id, rate.name, price_minor, rate.delivery_days)
        for rate in rates
        if rate.zone_id in zone_ids and (price_minor := rate_price_minor(rate, parcel)) is not None
    ]
    return sorted(options, key=lambda option: (option.price_minor, option.name, option.id))


def cheapest(options: Sequence[ShippingOption]) -> ShippingOption | None:
    """Return the cheapest option, of equally cheap ones the soonest; None when there is none."""
    return min(
        options,
        key=lambda option: (option.price_minor, option.delivery_days[::-1], option.name, option.id),
        default=None,
    )


def _listed_price_minor(rate: ShippingRate, parcel: Parcel) -> int | None:
    if rate.by is RateBasis.FLAT:
        return rate.price_minor
    measure = {
        RateBasis.WEIGHT: parcel.weight_grams,
        RateBasis.SUBTOTAL: parcel.subtotal_minor,
        RateBasis.ITEMS: parcel.items,
    }[rate.by]
    for bracket in rate.brackets:
        if bracket.up_to is None or measure <= bracket.up_to:
            return bracket.price_minor
    return None


def _compact(code: str) -> str:
    return "".join(code.split()).replace("-", "").upper()


def _range_bounds(pattern: str) -> tuple[str, str] | None:
    match = _RANGE.fullmatch("".join(pattern.split()))
    if match and len(match[1]) == len(match[2]):
        return match[1], match[2]
    return None
