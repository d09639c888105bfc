from dataclasses import replace
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gosellr.utils.money import (
    MAX_AMOUNT_MINOR,
    AmountOutOfBounds,
    InvalidAmount,
    UnknownCurrency,
)
from gosellr.utils.pricing import (
    MAX_QUANTITY,
    InvalidParcel,
    LineRequest,
    QuantityOutOfBounds,
    Quote,
    QuotedLine,
    QuotedShipping,
    ShippingRequest,
    Totals,
    quote,
)
from gosellr.utils.promotions import CouponFunding, CouponKind, CouponTerms
from gosellr.utils.tax import InvalidTaxRate
from tests.utils.books import CURRENCIES

ANN, BOB, EVE, DAN = SELLERS = tuple(UUID(int=number) for number in range(1, 5))


def a_line(seller_id: UUID, price: int, quantity: int = 1, tax_rate_bps: int = 0) -> LineRequest:
    return LineRequest(
        key=f"{seller_id}-{price}",
        seller_id=seller_id,
        unit_price_minor=price,
        quantity=quantity,
        tax_rate_bps=tax_rate_bps,
    )


def a_shipping(seller_id: UUID, price: int, tax_rate_bps: int = 0) -> ShippingRequest:
    return ShippingRequest(
        seller_id=seller_id, price_minor=price, tax_rate_bps=tax_rate_bps, option_id="post"
    )


def priced(lines: list[LineRequest], *, tax_included: bool = True, **rest: Any) -> Quote:
    facts: dict[str, Any] = {"currency": "EUR", "tax_included": tax_included, "lines": lines}
    return quote(**facts | rest)


def test_the_worked_example_of_the_sale() -> None:
    coupon = CouponTerms(
        code="TEN",
        kind=CouponKind.PERCENT,
        value_bps=1000,
        funded_by=CouponFunding.MARKETPLACE,
    )
    result = priced([a_line(ANN, 12_000, tax_rate_bps=2000)], coupons=[coupon])
    line = result.lines[0]
    assert (line.goods_minor, line.tax_minor, line.marketplace_discount_minor) == (
        12_000,
        2000,
        1200,
    )
    assert line.total_minor == result.totals.total_minor == 10_800


def test_a_seller_funded_discount_lowers_the_tax_a_marketplace_funded_one_does_not() -> None:
    def taxed(funded_by: CouponFunding) -> tuple[int, int, int]:
        coupon = CouponTerms(
            code="HALF", kind=CouponKind.PERCENT, value_bps=5000, funded_by=funded_by
        )
        lines = [a_line(ANN, 1000, tax_rate_bps=1000)]
        line = priced(lines, tax_included=False, coupons=[coupon]).lines[0]
        return line.goods_minor, line.tax_minor, line.total_minor

    assert taxed(CouponFunding.SELLER) == (500, 50, 550)
    assert taxed(CouponFunding.MARKETPLACE) == (1000, 100, 600)


def test_totals_of_parcels_and_order_in_order_of_appearance() -> None:
    ids = {"variant_id": UUID(int=8), "product_id": UUID(int=9)}
    first = LineRequest(
        key="x", seller_id=BOB, unit_price_minor=250, quantity=3, tax_rate_bps=1000, **ids
    )
    free = CouponTerms(code="S", kind=CouponKind.FREE_SHIPPING, seller_id=BOB)
    result = priced(
        [first, a_line(ANN, 999), a_line(BOB, 50)],
        tax_included=False,
        shipping=[a_shipping(BOB, 490, 2000)],
        coupons=[free],
    )
    bob, ann = result.parcels
    assert (bob.seller_id, ann.seller_id) == (BOB, ANN)
    assert bob.totals == Totals(
        subtotal_minor=800,
        discount_total_minor=490,
        shipping_total_minor=490,
        tax_total_minor=75,
        total_minor=875,
    )
    assert bob.shipping == QuotedShipping(
        option_id="post", tax_rate_bps=2000, charge_minor=490, seller_discount_minor=490
    )
    assert ann.shipping == QuotedShipping()
    assert result.totals.total_minor == 875 + 999
    line = result.lines[0]
    assert (line.key, line.variant_id, line.product_id) == ("x", UUID(int=8), UUID(int=9))


def test_an_empty_cart_costs_nothing() -> None:
    result = priced([])
    assert (result.parcels, result.lines, result.totals.total_minor) == ((), (), 0)


@pytest.mark.case(50)
def test_case_50_payable_never_falls_below_zero() -> None:
    coupon = CouponTerms(code="A", kind=CouponKind.AMOUNT, amount_minor=1000, currency="EUR")
    result = priced([a_line(ANN, 176, tax_rate_bps=2000)], coupons=[coupon])
    assert result.totals.total_minor == 0
    assert result.totals.discount_total_minor == 176
    assert result.coupons[0].unused_minor == 824


@pytest.mark.case(53)
def test_case_53_quote_has_no_fractions() -> None:
    for price in range(1000):
        result = priced([a_line(ANN, price, tax_rate_bps=1900)], tax_included=False)
        assert result.totals.tax_total_minor == (price * 19 + 50) // 100
        assert result.totals.total_minor == price + result.totals.tax_total_minor


@pytest.mark.case(55)
@pytest.mark.parametrize("tax_included", [True, False])
def test_case_55_a_voucher_over_sellers_and_tax_rates_loses_nothing(tax_included: bool) -> None:
    lines = [
        a_line(seller, price, tax_rate_bps=rate)
        for seller in (ANN, BOB, EVE)
        for price, rate in ((1999, 2000), (701, 700))
    ]
    coupon = CouponTerms(code="A", kind=CouponKind.AMOUNT, amount_minor=1000, currency="EUR")
    result = priced(lines, tax_included=tax_included, coupons=[coupon])
    assert [line.discount_minor for line in result.lines] == [247, 87, 247, 86, 247, 86]
    assert sum(parcel.totals.discount_total_minor for parcel in result.parcels) == 1000
    assert sum(parcel.totals.total_minor for parcel in result.parcels) == (
        result.totals.total_minor
    )


@pytest.mark.case(56)
def test_case_56_each_seller_charges_its_own_shipping_once() -> None:
    charges = dict(zip(SELLERS, (490, 0, 725, 1000), strict=True))
    result = priced(
        [a_line(seller, 1000) for seller in SELLERS for _ in range(2)],
        shipping=[a_shipping(seller, charge) for seller, charge in charges.items()],
    )
    parcels = result.parcels
    assert {p.seller_id: p.totals.shipping_total_minor for p in parcels} == charges
    assert result.totals.shipping_total_minor == 2215


@pytest.mark.case(65)
@pytest.mark.parametrize(
    "quantity", [-5, 0, 1.5, MAX_QUANTITY + 1, 2**31 - 1, 2**63, 10**21, 1e21, True, "1", None]
)
def test_case_65_a_quantity_is_a_bounded_whole_number(quantity: Any) -> None:
    with pytest.raises(QuantityOutOfBounds):
        priced([a_line(ANN, 100), a_line(BOB, 100, quantity)])


@pytest.mark.case(65)
def test_case_65_derived_amounts_are_bounded_too() -> None:
    assert priced([a_line(ANN, MAX_AMOUNT_MINOR)]).totals.total_minor == MAX_AMOUNT_MINOR
    with pytest.raises(AmountOutOfBounds, match="price times quantity"):
        priced([a_line(ANN, MAX_AMOUNT_MINOR // 2, 3)])
    with pytest.raises(AmountOutOfBounds, match="order total"):
        priced([a_line(ANN, MAX_AMOUNT_MINOR), a_line(BOB, 1)])
    with pytest.raises(AmountOutOfBounds, match="order total"):
        priced([a_line(ANN, MAX_AMOUNT_MINOR, tax_rate_bps=1)], tax_included=False)
    with pytest.raises(AmountOutOfBounds, match="unit price"):
        priced([a_line(ANN, -1)])
    with pytest.raises(InvalidAmount):
        priced([a_line(ANN, 100)], shipping=[a_shipping(ANN, 4.9)])  # type: ignore[arg-type]


def test_wrong_rates_currencies_and_parcels_are_refused() -> None:
    with pytest.raises(InvalidTaxRate):
        priced([a_line(ANN, 100, tax_rate_bps=-1)])
    with pytest.raises(InvalidTaxRate):
        priced([a_line(ANN, 100)], shipping=[a_shipping(ANN, 1, -1)])
    with pytest.raises(UnknownCurrency):
        priced([], currency="EURO")
    with pytest.raises(InvalidParcel, match="twice"):
        priced([a_line(ANN, 100)], shipping=[a_shipping(ANN, 1), a_shipping(ANN, 2)])
    with pytest.raises(InvalidParcel, match="no line"):
        priced([a_line(ANN, 100)], shipping=[a_shipping(BOB, 1)])


rates = st.sampled_from([0, 500, 725, 1900, 2000, 2500])
prices = st.integers(0, 10**6)
line_requests = st.builds(
    a_line, st.sampled_from(SELLERS), prices, st.integers(1, MAX_QUANTITY), rates
)
coupon_terms = st.builds(
    lambda kind, value, **rest: CouponTerms(
        code="C",
        kind=kind,
        value_bps=value % 10_000 + 1 if kind is CouponKind.PERCENT else 0,
        amount_minor=value if kind is CouponKind.AMOUNT else 0,
        currency="EUR",
        **rest,
    ),
    st.sampled_from(CouponKind),
    st.integers(1, 10**9),
    seller_id=st.none() | st.sampled_from(SELLERS),
    funded_by=st.sampled_from(CouponFunding),
    marketplace_share_bps=st.integers(0, 10_000),
)


@pytest.mark.case(55)
@pytest.mark.case(56)
@given(
    lines=st.lists(line_requests, min_size=1, max_size=7),
    charges=st.dictionaries(st.sampled_from(SELLERS), st.tuples(prices, rates)),
    coupons=st.lists(coupon_terms, max_size=3),
    tax_included=st.booleans(),
    currency=CURRENCIES,
)
def test_case_55_case_56_parts_sum_to_the_whole_for_any_order(
    lines: list[LineRequest],
    charges: dict[UUID, tuple[int, int]],
    coupons: list[CouponTerms],
    tax_included: bool,
    currency: str,
) -> None:
    coupons = [replace(coupon, currency=currency) for coupon in coupons]
    present = {line.seller_id for line in lines}
    shipping = [a_shipping(seller, *charges[seller]) for seller in charges if seller in present]
    result = priced(
        lines, tax_included=tax_included, shipping=shipping, coupons=coupons, currency=currency
    )
    for totals in (result.totals, *(parcel.totals for parcel in result.parcels)):
        assert totals.total_minor == (
            totals.subtotal_minor
            - totals.discount_total_minor
            + totals.shipping_total_minor
            + (0 if tax_included else totals.tax_total_minor)
        )
        assert totals.total_minor >= 0
    for name in Totals.__dataclass_fields__:
        whole = sum(getattr(parcel.totals, name) for parcel in result.parcels)
        assert getattr(result.totals, name) == whole
    for parcel in result.parcels:
        parts: list[QuotedLine | QuotedShipping] = [*parcel.lines, parcel.shipping]
        assert sum(part.total_minor for part in parts) == parcel.totals.total_minor
        assert sum(part.tax_minor for part in parts) == parcel.totals.tax_total_minor
        assert all(part.total_minor >= 0 for part in parts)
    assert sorted(line.key for line in result.lines) == sorted(line.key for line in lines)
