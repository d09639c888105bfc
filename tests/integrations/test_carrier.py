"""The sandbox carrier: loaded quotes, tariff, labels and scans, to the minor unit."""

import asyncio
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from gosellr.core.clock import ManualClock
from gosellr.integrations.shipping.port import (
    CarrierOutcome,
    CarrierQuote,
    Destination,
    LabelAnswer,
    LabelRequest,
    QuoteAnswer,
    QuoteRequest,
    ShippingProvider,
    TrackAnswer,
    TrackingStatus,
    quote_within,
)
from gosellr.integrations.shipping.sandbox import CarrierScript, LoadedQuote, SandboxCarrier
from gosellr.integrations.shipping.tariff import tracking_number

NOON = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)
LISBON = Destination(country="PT", postal_code="1100-148", city="Lisboa")
QUESTION = QuoteRequest(
    reference="order-1",
    seller_id="seller-1",
    destination=LISBON,
    currency="BRL",
    weight_grams=1_500,
)
LABEL = LabelRequest(
    shipment_id="shipment-1",
    service="standard",
    reference="order-1",
    seller_id="seller-1",
    destination=LISBON,
    currency="BRL",
    weight_grams=1_500,
)


def agreed(price_minor: int, service: str = "freight", currency: str = "BRL") -> CarrierQuote:
    return CarrierQuote(
        service=service,
        name="Agreed freight",
        price_minor=price_minor,
        currency=currency,
        delivery_days=(3, 9),
    )


@pytest.fixture
def carrier(tmp_path: Path) -> Iterator[SandboxCarrier]:
    carrier = SandboxCarrier(tmp_path, clock=ManualClock(NOON))
    yield carrier
    carrier.close()


@pytest.mark.parametrize(
    ("weight_grams", "standard", "express"),
    [(0, 450, 990), (1_000, 450, 990), (1_001, 570, 1_250), (31_500, 4_170, 9_050)],
)
async def test_the_tariff_grows_with_each_step_begun(
    carrier: SandboxCarrier, weight_grams: int, standard: int, express: int
) -> None:
    answer = await carrier.quote(replace(QUESTION, weight_grams=weight_grams))
    assert answer.outcome is CarrierOutcome.ANSWERED
    assert [(quote.service, quote.price_minor, quote.currency) for quote in answer.quotes] == [
        ("standard", standard, "BRL"),
        ("express", express, "BRL"),
    ]


async def test_a_parcel_that_nobody_can_lift_is_refused(carrier: SandboxCarrier) -> None:
    answer = await carrier.quote(replace(QUESTION, weight_grams=31_501))
    assert answer == QuoteAnswer(outcome=CarrierOutcome.REFUSED, reason="too_heavy")


async def test_a_loaded_quote_holds_for_its_order_and_seller_alone(carrier: SandboxCarrier) -> None:
    rows = [
        LoadedQuote(reference="order-1", seller_id="seller-1", quote=agreed(1_373)),
        LoadedQuote(reference="order-1", seller_id="seller-2", quote=agreed(0)),
    ]
    assert await carrier.put_quotes(rows) == 2
    assert (await carrier.quote(QUESTION)).quotes == (agreed(1_373),)
    assert (await carrier.quote(replace(QUESTION, seller_id="seller-2"))).quotes == (agreed(0),)
    for other in (
        replace(QUESTION, reference="order-2"),
        replace(QUESTION, seller_id="seller-3"),
        replace(QUESTION, currency="USD"),
    ):
        assert [quote.service for quote in (await carrier.quote(other)).quotes] == [
            "standard",
            "express",
        ]
    await carrier.put_quotes([replace(rows[0], quote=agreed(999))])
    assert (await carrier.quote(QUESTION)).quotes == (agreed(999),)


async def test_one_shipment_gets_one_label_at_the_quoted_price(carrier: SandboxCarrier) -> None:
    bought = await carrier.buy_label(LABEL)
    assert bought == LabelAnswer(
        outcome=CarrierOutcome.ANSWERED,
        carrier="sandbox",
        tracking_number="GS000000014XX",
        tracking_url="/sandbox/track/GS000000014XX",
        price_minor=570,
        currency="BRL",
    )
    assert await carrier.buy_label(LABEL) == bought
    # The tariff may have moved since; what was sold is sold.
    loaded = LoadedQuote(reference="order-1", seller_id="seller-1", quote=agreed(1, "standard"))
    await carrier.put_quotes([loaded])
    assert await carrier.buy_label(LABEL) == bought
    reused = await carrier.buy_label(replace(LABEL, weight_grams=1))
    assert (reused.outcome, reused.reason) == ("refused", "idempotency_key_reused")
    unknown = await carrier.buy_label(replace(LABEL, shipment_id="2", service="drone"))
    assert (unknown.outcome, unknown.reason) == ("refused", "service_not_offered")
    second = await carrier.buy_label(replace(LABEL, shipment_id="3"))
    assert (second.tracking_number, second.price_minor) == ("GS000000028XX", 1)


async def test_scans_tell_the_journey(carrier: SandboxCarrier) -> None:
    number = (await carrier.buy_label(LABEL)).tracking_number
    assert number is not None
    tomorrow = NOON + timedelta(days=1)
    assert await carrier.scan(
        number, TrackingStatus.IN_TRANSIT, occurred_at=tomorrow, place="Porto"
    )
    assert await carrier.scan(number, TrackingStatus.DELIVERED)
    journey = await carrier.track(number)
    assert [(event.status, event.occurred_at, event.place) for event in journey.events] == [
        ("label_created", NOON, None),
        ("in_transit", tomorrow, "Porto"),
        ("delivered", NOON, None),
    ]
    assert journey.status is TrackingStatus.DELIVERED
    assert not await carrier.scan("GS999999999XX", TrackingStatus.LOST)
    nowhere = await carrier.track("GS999999999XX")
    assert (nowhere.outcome, nowhere.status) == ("refused", None)


async def test_a_lost_label_answer_is_found_by_its_key(tmp_path: Path) -> None:
    silent = SandboxCarrier(tmp_path, script=CarrierScript(loses_quotes=True, loses_labels=True))
    assert (await silent.quote(QUESTION)).outcome is CarrierOutcome.UNKNOWN
    assert (await silent.buy_label(LABEL)).tracking_number is None
    silent.close()
    carrier = SandboxCarrier(tmp_path)
    assert (await carrier.buy_label(LABEL)).tracking_number == "GS000000014XX"
    carrier.close()


async def test_a_carrier_that_never_answers_costs_a_checkout_no_more_than_its_limit() -> None:
    class Hanging:
        name = "hanging"

        async def quote(self, request: QuoteRequest) -> QuoteAnswer:
            await asyncio.Event().wait()
            raise AssertionError(request)

        async def buy_label(self, request: LabelRequest) -> LabelAnswer:
            raise AssertionError(request)

        async def track(self, tracking_number: str) -> TrackAnswer:
            raise AssertionError(tracking_number)

    provider: ShippingProvider = Hanging()
    answer = await quote_within(provider, QUESTION, timeout_seconds=0.01)
    assert answer == QuoteAnswer(outcome=CarrierOutcome.UNKNOWN, reason="no_answer_in_time")


def test_tracking_numbers_carry_the_check_digit_of_the_standard() -> None:
    # RR473124829DE is the worked example that postal services print for S10.
    assert tracking_number(47_312_482) == "GS473124829XX"
    assert {tracking_number(serial)[10] for serial in range(1, 200)} == set("0123456789")
    for serial in (0, 10**8):
        with pytest.raises(ValueError, match="run out"):
            tracking_number(serial)


@pytest.mark.parametrize("price", [-1, 1.0, True])
def test_a_quote_is_whole_money(price: object) -> None:
    with pytest.raises(ValueError, match="minor units"):
        agreed(price)  # type: ignore[arg-type]
