"""The port that every carrier speaks: quotes, labels, tracking; values in, values out.

Prices are integer minor units of the currency that was asked for. A carrier that stays silent is
an `UNKNOWN` value, so that a checkout falls back to the seller's own table rates.
"""

import asyncio
from datetime import datetime
from enum import StrEnum
from typing import Protocol

from gosellr.utils.lazy_dataclasses import dataclass


class CarrierOutcome(StrEnum):
    """What a carrier said."""

    ANSWERED = "answered"
    REFUSED = "refused"
    """A final no: the carrier doesn't do this; `reason` says why."""
    UNKNOWN = "unknown"
    """No answer within the time limit. A label may exist: ask again with the same key."""


class TrackingStatus(StrEnum):
    """Where a parcel is; the same words as a shipment's status."""

    LABEL_CREATED = "label_created"
    IN_TRANSIT = "in_transit"
    DELIVERED = "delivered"
    RETURNED = "returned"
    LOST = "lost"


@dataclass(frozen=True, slots=True, kw_only=True)
class Destination:
    """As much of an address as a price depends on. `country` is ISO 3166-1 alpha-2."""

    country: str
    postal_code: str
    region: str | None = None
    city: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ParcelItem:
    """What lies in the parcel; the weight is that of one piece."""

    variant_id: str
    quantity: int
    weight_grams: int


@dataclass(frozen=True, slots=True, kw_only=True)
class QuoteRequest:
    """What would it cost to carry this seller's parcel of the order `reference`?"""

    reference: str
    seller_id: str
    destination: Destination
    currency: str
    weight_grams: int
    items: tuple[ParcelItem, ...] = ()

    def __post_init__(self) -> None:
        if self.weight_grams < 0:
            raise ValueError("a parcel weighs nothing or more")


@dataclass(frozen=True, slots=True, kw_only=True)
class CarrierQuote:
    """One service with its price and its fewest and most `delivery_days`."""

    service: str
    name: str
    price_minor: int
    currency: str
    delivery_days: tuple[int, int]

    def __post_init__(self) -> None:
        if type(self.price_minor) is not int or self.price_minor < 0:
            raise ValueError(f"not a whole number of minor units: {self.price_minor!r}")
        if not 0 <= self.delivery_days[0] <= self.delivery_days[1]:
            raise ValueError(f"not a span of days: {self.delivery_days!r}")


@dataclass(frozen=True, slots=True, kw_only=True)
class QuoteAnswer:
    """Cheapest first; empty unless `ANSWERED`."""

    outcome: CarrierOutcome
    quotes: tuple[CarrierQuote, ...] = ()
    reason: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class LabelRequest:
    """Buy a label. `shipment_id` is the idempotency key: one shipment, one label, one price."""

    shipment_id: str
    service: str
    reference: str
    seller_id: str
    destination: Destination
    currency: str
    weight_grams: int


@dataclass(frozen=True, slots=True, kw_only=True)
class LabelAnswer:
    """`tracking_number` is None unless `ANSWERED`."""

    outcome: CarrierOutcome
    carrier: str
    tracking_number: str | None = None
    tracking_url: str | None = None
    price_minor: int = 0
    currency: str | None = None
    reason: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class TrackingEvent:
    """One scan. `sequence` grows by scan and tells events apart that look alike."""

    sequence: int
    status: TrackingStatus
    occurred_at: datetime
    place: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class TrackAnswer:
    """Oldest event first. `REFUSED` means that the carrier doesn't know the number."""

    outcome: CarrierOutcome
    events: tuple[TrackingEvent, ...] = ()
    reason: str | None = None

    @property
    def status(self) -> TrackingStatus | None:
        """Where the parcel is now, as far as the carrier says."""
        return self.events[-1].status if self.events else None


class ShippingProvider(Protocol):
    """A power that moves parcels. Its methods don't raise for what the carrier said or didn't."""

    @property
    def name(self) -> str:
        """The carrier's word in `shipments.carrier`."""

    async def quote(self, request: QuoteRequest) -> QuoteAnswer:
        """Prices of all services for a parcel."""

    async def buy_label(self, request: LabelRequest) -> LabelAnswer:
        """Buys one label. Safe to repeat by `shipment_id`."""

    async def track(self, tracking_number: str) -> TrackAnswer:
        """All scans of a parcel so far."""


async def quote_within(
    provider: ShippingProvider, request: QuoteRequest, *, timeout_seconds: float = 1.0
) -> QuoteAnswer:
    """The carrier's quotes, or `UNKNOWN` when it takes longer than a checkout may wait."""
    try:
        async with asyncio.timeout(timeout_seconds):
            return await provider.quote(request)
    except TimeoutError:
        return QuoteAnswer(outcome=CarrierOutcome.UNKNOWN, reason="no_answer_in_time")
