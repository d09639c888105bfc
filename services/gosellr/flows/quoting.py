"""Prices that depend on carriers: priced once to learn the questions, then with the answers."""

import asyncio
from collections.abc import Mapping
from typing import Protocol, TypeVar
from uuid import uuid5

from gosellr.core.errors import Conflict
from gosellr.integrations.shipping import port
from gosellr.integrations.shipping.port import QuoteRequest, ShippingProvider, quote_within
from gosellr.services.pricing_service import CarrierQuestion, CarrierQuotes, CarrierQuotesNeeded
from gosellr.utils.shipping import ShippingOption

T_co = TypeVar("T_co", covariant=True)

QUOTE_TIMEOUT_SECONDS = 1.0
# One round to learn the questions, one to use the answers, and two for a basket that is changed
# in between.
ROUNDS_MAX = 4


class Priced(Protocol[T_co]):
    """A whole command or question in its own transaction, up to carriers' answers."""

    async def __call__(self, *, carrier_quotes: CarrierQuotes | None) -> T_co:
        """Run it from its beginning; without effect when it raises."""
        ...


async def with_carrier_quotes(
    run: Priced[T_co],
    *,
    carriers: Mapping[str, ShippingProvider],
    reference: str | None = None,
) -> T_co:
    """Run something that prices a basket, asking the carriers in between where it must.

    No transaction is open while they are asked: `run` has ended by raising its questions and
    begins again. A carrier that is unknown, refuses or is silent for a second offers nothing,
    so that the shop's price lists remain. `reference` is the buyer's own name of the order.

    Raises:
        Conflict: when the basket never stays the same for as long as carriers are asked.
    """
    answers: dict[CarrierQuestion, tuple[ShippingOption, ...]] = {}
    for _ in range(ROUNDS_MAX):
        try:
            return await run(carrier_quotes=answers or None)
        except CarrierQuotesNeeded as needed:
            options = await asyncio.gather(
                *(_options(question, carriers, reference or "") for question in needed.questions)
            )
            answers.update(zip(needed.questions, options, strict=True))
    raise Conflict("The bag is being changed elsewhere")


async def _options(
    question: CarrierQuestion, carriers: Mapping[str, ShippingProvider], reference: str
) -> tuple[ShippingOption, ...]:
    carrier = carriers.get(question.carrier)
    if carrier is None:
        return ()
    answer = await quote_within(
        carrier, _request(question, reference), timeout_seconds=QUOTE_TIMEOUT_SECONDS
    )
    return tuple(
        ShippingOption(
            id=uuid5(question.rate_id, quote.service),
            name=quote.name,
            price_minor=quote.price_minor,
            delivery_days=quote.delivery_days,
        )
        for quote in answer.quotes
        if quote.currency == question.currency
    )


def _request(question: CarrierQuestion, reference: str) -> QuoteRequest:
    return QuoteRequest(
        reference=reference,
        seller_id=str(question.seller_id),
        destination=port.Destination(
            country=question.destination.country,
            region=question.destination.region,
            postal_code=question.destination.postal_code,
        ),
        currency=question.currency,
        weight_grams=question.weight_grams,
        items=tuple(
            port.ParcelItem(
                variant_id=str(piece.variant_id),
                quantity=piece.quantity,
                weight_grams=piece.weight_grams,
            )
            for piece in question.goods
        ),
    )
