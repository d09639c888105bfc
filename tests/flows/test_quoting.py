"""Asking carriers in between: outside of any transaction, all at once, and never in vain."""

import asyncio
from pathlib import Path
from uuid import UUID, uuid5

import pytest

from gosellr.core.errors import Conflict
from gosellr.flows.quoting import with_carrier_quotes
from gosellr.integrations.shipping.port import CarrierQuote, QuoteAnswer, QuoteRequest
from gosellr.integrations.shipping.sandbox import CarrierScript, LoadedQuote, SandboxCarrier
from gosellr.services.pricing_service import (
    CarrierQuestion,
    CarrierQuotes,
    CarrierQuotesNeeded,
    ParcelGoods,
)
from gosellr.utils.shipping import Destination

RATE = UUID(int=5)


def a_question(number: int = 1, *, carrier: str = "sandbox", quantity: int = 1) -> CarrierQuestion:
    return CarrierQuestion(
        carrier=carrier,
        rate_id=RATE,
        seller_id=UUID(int=number),
        destination=Destination("DE", None, "10115"),
        currency="EUR",
        goods=(ParcelGoods(variant_id=UUID(int=9), quantity=quantity, weight_grams=700),),
    )


class Basket:
    """Something priced that asks its questions until all of them are answered."""

    def __init__(self, *rounds: list[CarrierQuestion]) -> None:
        self.rounds = list(rounds)
        self.runs = 0

    async def run(self, *, carrier_quotes: CarrierQuotes | None) -> CarrierQuotes:
        self.runs += 1
        questions = self.rounds.pop(0) if len(self.rounds) > 1 else self.rounds[0]
        unasked = [one for one in questions if one not in (carrier_quotes or {})]
        if unasked:
            raise CarrierQuotesNeeded(unasked)
        return carrier_quotes or {}


async def test_nothing_is_asked_where_nothing_has_to_be() -> None:
    basket = Basket([])
    assert await with_carrier_quotes(basket.run, carriers={}) == {}
    assert basket.runs == 1


async def test_each_service_becomes_an_option_with_an_id_that_stays(tmp_path: Path) -> None:
    question = a_question(quantity=3)
    basket = Basket([question])
    answers = await with_carrier_quotes(basket.run, carriers={"sandbox": SandboxCarrier(tmp_path)})
    assert [
        (option.id, option.name, option.price_minor, option.delivery_days)
        for option in answers[question]
    ] == [
        (uuid5(RATE, "standard"), "Standard parcel", 450 + 2 * 120, (2, 4)),
        (uuid5(RATE, "express"), "Express parcel", 990 + 2 * 260, (1, 1)),
    ]
    assert basket.runs == 2


async def test_prices_agreed_for_an_order_are_found_by_its_reference(tmp_path: Path) -> None:
    carrier = SandboxCarrier(tmp_path)
    question = a_question()
    quote = CarrierQuote(
        service="agreed", name="Agreed", price_minor=1234, currency="EUR", delivery_days=(1, 2)
    )
    await carrier.put_quotes(
        [LoadedQuote(reference="order-7", seller_id=str(question.seller_id), quote=quote)]
    )
    for reference, prices in (("order-7", [1234]), ("order-8", [450, 990])):
        answers = await with_carrier_quotes(
            Basket([question]).run, carriers={"sandbox": carrier}, reference=reference
        )
        assert [option.price_minor for option in answers[question]] == prices


async def test_a_silent_or_unknown_carrier_offers_nothing(tmp_path: Path) -> None:
    silent = SandboxCarrier(tmp_path, script=CarrierScript(loses_quotes=True))
    questions = [a_question(1), a_question(2, carrier="pigeon")]
    basket = Basket(questions)
    answers = await with_carrier_quotes(basket.run, carriers={"sandbox": silent})
    assert answers == dict.fromkeys(questions, ())
    assert basket.runs == 2


async def test_all_carriers_are_asked_at_once(tmp_path: Path) -> None:
    everybody = asyncio.Barrier(3)

    class Patient(SandboxCarrier):
        """Answers nobody before all three were asked."""

        async def quote(self, request: QuoteRequest) -> QuoteAnswer:
            await everybody.wait()
            return await super().quote(request)

    questions = [a_question(number) for number in range(1, 4)]
    answers = await with_carrier_quotes(
        Basket(questions).run, carriers={"sandbox": Patient(tmp_path)}
    )
    assert [len(answers[question]) for question in questions] == [2, 2, 2]


async def test_a_basket_that_changed_meanwhile_is_asked_about_again(tmp_path: Path) -> None:
    carriers = {"sandbox": SandboxCarrier(tmp_path)}
    before, after = a_question(quantity=1), a_question(quantity=2)
    answers = await with_carrier_quotes(Basket([before], [after]).run, carriers=carriers)
    assert answers[after][0].price_minor == 570
    restless = Basket(*([a_question(quantity=number)] for number in range(1, 9)))
    with pytest.raises(Conflict):
        await with_carrier_quotes(restless.run, carriers=carriers)
    assert restless.runs == 4
