"""Pricing a basket: who is asked what, which figures add up, what the buyer is told."""

from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gosellr.core.errors import InvalidInput
from gosellr.queries.market_terms import MarketTerms, OfferedCoupon, TaxRate
from gosellr.queries.offers import Offer
from gosellr.services.pricing_service import (
    FREE_DELIVERY,
    CarrierQuotesNeeded,
    PricedBasket,
    price_basket,
)
from gosellr.utils.promotions import CouponFunding, CouponKind, CouponTerms
from gosellr.utils.shipping import (
    Destination,
    RateBasis,
    ShippingOption,
    ShippingRate,
    ShippingZone,
)

ANN, BOB, EVE = (UUID(int=number) for number in (1, 2, 3))
BERLIN = Destination("DE", "BE", "10115")
WORLD = ShippingZone(UUID(int=10), "World", ("*",))


def an_offer(number: int, seller_id: UUID = ANN, price: int | None = 1000, **more: Any) -> Offer:
    values: dict[str, Any] = {
        "key": UUID(int=100 + number),
        "quantity": 1,
        "seen_price_minor": price,
        "variant_id": UUID(int=200 + number),
        "product_id": UUID(int=300 + number),
        "seller_id": seller_id,
        "seller_name": f"Shop {seller_id.int}",
        "seller_slug": f"shop-{seller_id.int}",
        "sku": f"SKU-{number}",
        "title": f"Thing {number}",
        "slug": f"thing-{number}",
        "options": {},
        "picture": None,
        "category_id": UUID(int=400),
        "category_ids": frozenset({UUID(int=400)}),
        "tax_class": "standard",
        "shipping_class": "standard",
        "weight_grams": 500,
        "unit_price_minor": price,
        "available": 100,
        "buyable": True,
    }
    return Offer(**values | more)


def a_rate(number: int, price: int = 490, zone: ShippingZone = WORLD) -> ShippingRate:
    return ShippingRate(
        UUID(int=number), zone.id, f"Rate {number}", "EUR", RateBasis.FLAT, (1, 2), price
    )


def a_coupon(code: str, **terms: Any) -> dict[str, OfferedCoupon]:
    made = CouponTerms(code=code, **{"kind": CouponKind.PERCENT, "value_bps": 1000} | terms)
    return {code.lower(): OfferedCoupon(UUID(int=len(code)), made, None, None)}


def priced(*offers: Offer, **more: Any) -> PricedBasket:
    facts: dict[str, Any] = {
        "offers": offers,
        "terms": MarketTerms(),
        "currency": "EUR",
        "destination": BERLIN,
        "choices": {},
        "coupon_codes": (),
        "tax_included": True,
        "carrier_quotes": None,
    }
    return price_basket(**facts | more)


def test_before_the_address_is_known_nothing_is_asked_for_delivery() -> None:
    terms = MarketTerms(zones=(WORLD,), rates=(a_rate(1),), carriers={UUID(int=1): "sandbox"})
    basket = priced(an_offer(1), terms=terms, destination=None)
    assert (basket.options, basket.chosen, basket.issues) == ({}, {}, ())
    assert basket.quote.totals.total_minor == 1000


def test_free_delivery_stands_in_for_each_shop_without_any_zone() -> None:
    own = ShippingZone(UUID(int=11), "Bob's", ("FR",), seller_id=BOB)
    terms = MarketTerms(zones=(own,), rates=(a_rate(1, zone=own),))
    basket = priced(an_offer(1, ANN), an_offer(2, BOB), terms=terms)
    assert basket.options == {ANN: (FREE_DELIVERY,), BOB: ()}
    assert [(issue.code, issue.seller_id) for issue in basket.issues] == [
        ("no_shipping_option", BOB)
    ]


def test_carriers_are_asked_once_per_parcel_and_each_answer_fits_its_question_only() -> None:
    terms = MarketTerms(
        zones=(WORLD,), rates=(a_rate(1), a_rate(2, 700)), carriers={UUID(int=1): "sandbox"}
    )
    with pytest.raises(CarrierQuotesNeeded) as asked:
        priced(an_offer(1, ANN), an_offer(2, BOB, quantity=3), terms=terms)
    questions = asked.value.questions
    assert [(one.seller_id, one.carrier, one.weight_grams) for one in questions] == [
        (ANN, "sandbox", 500),
        (BOB, "sandbox", 1500),
    ]
    answers = {questions[0]: (ShippingOption(UUID(int=77), "Van", 100, (1, 1)),), questions[1]: ()}
    basket = priced(
        an_offer(1, ANN), an_offer(2, BOB, quantity=3), terms=terms, carrier_quotes=answers
    )
    assert {seller_id: option.price_minor for seller_id, option in basket.chosen.items()} == {
        ANN: 100,
        BOB: 700,
    }
    with pytest.raises(CarrierQuotesNeeded) as again:
        priced(an_offer(1, ANN), an_offer(2, BOB, quantity=4), terms=terms, carrier_quotes=answers)
    assert [one.seller_id for one in again.value.questions] == [BOB]


@pytest.mark.parametrize("region", ["BY", "by", "DE-BY"])
def test_the_rate_of_a_region_wins_over_its_countrys(region: str) -> None:
    taxes = (
        TaxRate("standard", "DE-BY", 500, included=True),
        TaxRate("standard", None, 1900, included=True),
        TaxRate("standard", "BE", 9900, included=True),
    )
    basket = priced(
        an_offer(1), terms=MarketTerms(taxes=taxes), destination=Destination("DE", region)
    )
    assert basket.quote.lines[0].tax_rate_bps == 500


def test_a_class_without_a_rate_takes_the_standard_one() -> None:
    taxes = (TaxRate("standard", None, 1900, included=True), TaxRate("books", None, 700, True))
    basket = priced(
        an_offer(1, tax_class="books"),
        an_offer(2, tax_class="toys"),
        terms=MarketTerms(taxes=taxes, zones=(WORLD,), rates=(a_rate(1),)),
    )
    assert [line.tax_rate_bps for line in basket.quote.lines] == [700, 1900]
    assert basket.quote.parcels[0].shipping.tax_rate_bps == 1900


def test_who_remits_is_said_by_the_rate_that_taxes() -> None:
    taxes = (
        TaxRate("standard", None, 1900, included=True, remitted_to="DE"),
        TaxRate("books", None, 700, included=True),
        TaxRate("standard", "BY", 500, included=True, remitted_to="DE-BY"),
    )
    terms = MarketTerms(taxes=taxes, zones=(WORLD,), rates=(a_rate(1),))
    offers = an_offer(1), an_offer(2, tax_class="books"), an_offer(3, tax_class="toys")
    quoted = priced(*offers, terms=terms).quote
    assert [line.tax_remitted_to for line in quoted.lines] == ["DE", None, "DE"]
    assert [line.remitted_minor for line in quoted.lines] == [
        quoted.lines[0].tax_minor, 0, quoted.lines[2].tax_minor,
    ]  # fmt: skip
    shipping = quoted.parcels[0].shipping
    assert (shipping.tax_remitted_to, shipping.remitted_minor) == ("DE", shipping.tax_minor)
    there = priced(*offers, terms=terms, destination=Destination("DE", "BY")).quote
    assert [line.tax_remitted_to for line in there.lines] == ["DE-BY", None, "DE-BY"]


def test_what_cannot_be_sold_is_named_and_left_out() -> None:
    gone, priceless = an_offer(1, buyable=False), an_offer(2, price=None)
    basket = priced(gone, priceless, an_offer(3))
    assert basket.unavailable == (gone, priceless)
    assert basket.quote.totals.total_minor == 1000
    assert [(issue.code, issue.item_id, issue.blocks) for issue in basket.issues] == [
        ("unavailable", gone.key, True),
        ("no_price_in_currency", priceless.key, True),
    ]


def test_one_code_in_two_spellings_counts_once() -> None:
    basket = priced(
        an_offer(1), terms=MarketTerms(coupons=a_coupon("Ten")), coupon_codes=("TEN", "ten")
    )
    assert basket.quote.totals.total_minor == 900


def test_amounts_beyond_money_are_the_callers_mistake() -> None:
    with pytest.raises(InvalidInput) as error:
        priced(an_offer(1, price=10**15, quantity=2))
    assert error.value.errors[0].code == "amount_out_of_bounds"


SELLERS = st.sampled_from([ANN, BOB, EVE])
LINES = st.lists(
    st.tuples(SELLERS, st.integers(0, 10**6), st.integers(1, 50)), min_size=1, max_size=8
)


@pytest.mark.case(53)
@pytest.mark.case(55)
@pytest.mark.case(56)
@given(
    lines=LINES,
    rate_bps=st.integers(0, 2700),
    included=st.booleans(),
    delivery=st.integers(0, 5000),
    value_bps=st.integers(1, 10_000),
    amount=st.integers(1, 10**7),
    funding=st.sampled_from(CouponFunding),
)
def test_case_53_case_55_case_56_every_figure_is_the_sum_of_its_parts(
    lines: list[tuple[UUID, int, int]],
    rate_bps: int,
    included: bool,
    delivery: int,
    value_bps: int,
    amount: int,
    funding: CouponFunding,
) -> None:
    terms = MarketTerms(
        taxes=(TaxRate("standard", None, rate_bps, included=included),),
        zones=(WORLD,),
        rates=(a_rate(1, delivery),),
        coupons={
            **a_coupon("OFF", value_bps=value_bps, funded_by=funding, marketplace_share_bps=3333)
            ,
            **a_coupon("LESS", kind=CouponKind.AMOUNT, value_bps=0, amount_minor=amount,
                       currency="EUR"),
        },
    )  # fmt: skip
    basket = priced(
        *(
            an_offer(number, seller_id, price, quantity=quantity)
            for number, (seller_id, price, quantity) in enumerate(lines)
        ),
        terms=terms,
        coupon_codes=("OFF", "LESS"),
    )
    totals, parcels = basket.quote.totals, basket.quote.parcels
    for name in (
        "subtotal_minor",
        "discount_total_minor",
        "shipping_total_minor",
        "tax_total_minor",
        "total_minor",
    ):
        assert getattr(totals, name) == sum(getattr(parcel.totals, name) for parcel in parcels)
    for figures in (totals, *(parcel.totals for parcel in parcels)):
        on_top = 0 if included else figures.tax_total_minor
        assert figures.total_minor == (
            figures.subtotal_minor
            - figures.discount_total_minor
            + figures.shipping_total_minor
            + on_top
        )
        assert figures.total_minor >= 0
    assert totals.shipping_total_minor == delivery * len({seller_id for seller_id, _, _ in lines})
    assert totals.discount_total_minor == sum(
        outcome.discount_minor for outcome in basket.quote.coupons
    )
