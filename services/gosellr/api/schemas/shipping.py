"""Shapes of shipping zones and rates."""

from typing import Annotated, Any
from uuid import UUID

from pydantic import AfterValidator, Field, StringConstraints

from gosellr.api.schemas.common import (
    AnswerModel,
    Currency,
    MoneyIn,
    MoneyOut,
    Name,
    PageOut,
    RequestModel,
    left_out,
    line,
)
from gosellr.api.schemas.terms import OwnerFilters, given, minor_of, money, one_currency
from gosellr.core.countries import country_codes
from gosellr.core.errors import InvalidInput
from gosellr.models.term_values import ListedRate
from gosellr.services.shipping_service import RateDraft
from gosellr.utils.shipping import EVERYWHERE, RateBasis, ShippingZone


def _known_area(value: str) -> str:
    if value != EVERYWHERE and value not in country_codes():
        raise ValueError("this is no country code of ISO 3166-1, nor * for everywhere")
    return value


def _ascending(days: list[int]) -> list[int]:
    if days[0] > days[1]:
        raise ValueError("the fewest days come first")
    return days


Area = Annotated[
    str,
    StringConstraints(pattern=r"^([A-Z]{2}|\*)$"),
    AfterValidator(_known_area),
    Field(examples=["DE"]),
]
Areas = Annotated[list[Area], Field(min_length=1, max_length=260)]
Regions = Annotated[list[Annotated[str, line(60)]], Field(max_length=200)]
PostalPatterns = Annotated[
    list[Annotated[str, line(30)]],
    Field(max_length=200, examples=[["10*", "20000-29999"]]),
]
Carrier = Annotated[str, StringConstraints(pattern=r"^[a-z0-9_]{2,40}$")]
Days = Annotated[int, Field(strict=True, ge=0, le=365)]
DeliveryDays = Annotated[
    list[Days],
    Field(min_length=2, max_length=2, description="The fewest and the most", examples=[[2, 4]]),
    AfterValidator(_ascending),
]
Measure = Annotated[
    int,
    Field(
        strict=True,
        ge=0,
        le=10**15,
        description="Grams, units or minor units, by what the rate looks at",
    ),
]


class ZoneCreate(RequestModel):
    """A new area. Without `seller_id` an operator makes one of the market's own."""

    seller_id: UUID | None = None
    name: Name
    countries: Areas
    regions: Regions = Field(default_factory=list)
    postal_patterns: PostalPatterns = Field(default_factory=list)


class ZoneChange(RequestModel):
    """Changes to an area; fields left out stay."""

    name: Name = left_out()
    countries: Areas = left_out()
    regions: Regions = left_out()
    postal_patterns: PostalPatterns = left_out()


class BracketIn(RequestModel):
    """The price up to and including `up_to`; null has no limit and comes last."""

    up_to: Measure | None
    price: MoneyIn


Brackets = Annotated[list[BracketIn], Field(max_length=50)]


class RateCreate(RequestModel):
    """A new price list. A flat one has a price, every other one brackets; a carrier's has
    neither, only its currency."""

    zone_id: UUID
    name: Name
    carrier: Carrier | None = None
    currency: Currency | None = None
    by: RateBasis = RateBasis.FLAT
    price: MoneyIn | None = None
    brackets: Brackets = Field(default_factory=list)
    free_over: MoneyIn | None = None
    delivery_days: DeliveryDays

    def draft(self) -> RateDraft:
        """The rate as the domain knows it.

        Raises:
            InvalidInput: when its amounts don't share one currency.
        """
        values = _rate_values(given(self))
        if values.get("currency") is None:
            raise InvalidInput.at("currency", "missing", "Say which currency this is in")
        if self.price is None and not self.brackets and self.carrier is None:
            raise InvalidInput.at("price", "missing", "Say what it costs")
        values.pop("zone_id")
        return RateDraft(**values)


class RateChange(RequestModel):
    """Changes to a price list; fields left out stay."""

    name: Name = left_out()
    carrier: Carrier | None = left_out()
    by: RateBasis = left_out()
    price: MoneyIn = left_out()
    brackets: Brackets = left_out()
    free_over: MoneyIn | None = left_out()
    delivery_days: DeliveryDays = left_out()

    def values(self) -> dict[str, Any]:
        """The changes as the domain knows them.

        Raises:
            InvalidInput: when the amounts don't share one currency.
        """
        values = _rate_values(given(self))
        if values["currency"] is None:
            del values["currency"]
        return values


def _rate_values(sent: dict[str, Any]) -> dict[str, Any]:
    brackets = sent.get("brackets", [])
    amounts = [sent.get("price"), sent.get("free_over"), *(one.price for one in brackets)]
    currency = one_currency(amounts, field="price")
    stated = sent.get("currency")
    if currency and stated and currency != stated:
        raise InvalidInput.at("currency", "currency_mismatch", "All amounts have one currency")
    values = minor_of(sent, price="price_minor", free_over="free_over_minor")
    if values.get("price_minor", 0) is None:
        del values["price_minor"]
    if "brackets" in values:
        values["brackets"] = tuple((one.up_to, one.price.amount) for one in brackets)
    if "delivery_days" in values:
        values["delivery_days"] = tuple(values["delivery_days"])
    return values | {"currency": currency or stated}


class RateFilters(OwnerFilters):
    """Which rates to list."""

    zone_id: UUID | None = None


class ZoneOut(AnswerModel):
    """An area that parcels are sent to; without a seller it is the market's own."""

    id: UUID
    seller_id: UUID | None
    name: str
    countries: list[str]
    regions: list[str]
    postal_patterns: list[str]


class BracketOut(AnswerModel):
    """The price up to and including `up_to`."""

    up_to: int | None
    price: MoneyOut


class RateOut(AnswerModel):
    """A price list inside a zone; `price` is null where brackets or a carrier decide."""

    id: UUID
    zone_id: UUID
    seller_id: UUID | None
    name: str
    carrier: str | None
    currency: str
    by: RateBasis
    price: MoneyOut | None
    brackets: list[BracketOut]
    free_over: MoneyOut | None
    delivery_days: list[int]


ZonePage = PageOut[ZoneOut]
RatePage = PageOut[RateOut]


def zone_document(zone: ShippingZone) -> dict[str, Any]:
    """A zone as it is answered."""
    return {
        "id": zone.id,
        "seller_id": zone.seller_id,
        "name": zone.name,
        "countries": zone.countries,
        "regions": zone.regions,
        "postal_patterns": zone.postal_patterns,
    }


def rate_document(listed: ListedRate) -> dict[str, Any]:
    """A rate as it is answered."""
    rate = listed.rate
    is_listed = rate.by is RateBasis.FLAT and listed.carrier is None
    return {
        "id": rate.id,
        "zone_id": rate.zone_id,
        "seller_id": listed.seller_id,
        "name": rate.name,
        "carrier": listed.carrier,
        "currency": rate.currency,
        "by": rate.by,
        "price": money(rate.price_minor if is_listed else None, rate.currency),
        "brackets": [
            {"up_to": bracket.up_to, "price": money(bracket.price_minor, rate.currency)}
            for bracket in rate.brackets
        ],
        "free_over": money(rate.free_over_minor, rate.currency),
        "delivery_days": rate.delivery_days,
    }
