from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gosellr.utils.money import InvalidAmount, UnknownCurrency
from gosellr.utils.promotions import (
    Allocation,
    CouponFunding,
    CouponKind,
    CouponOutcome,
    CouponRefusal,
    CouponTerms,
    Discountable,
    DiscountShare,
    InvalidCoupon,
    allocate,
)

ANN, BOB, EVE = (UUID(int=number) for number in (1, 2, 3))


def percent(value_bps: int, **terms: Any) -> CouponTerms:
    return CouponTerms(code="P", kind=CouponKind.PERCENT, value_bps=value_bps, **terms)


def amount(amount_minor: int, **terms: Any) -> CouponTerms:
    defaults = {"code": "A", "kind": CouponKind.AMOUNT, "currency": "EUR"}
    return CouponTerms(**defaults | terms | {"amount_minor": amount_minor})


def free_shipping(**terms: Any) -> CouponTerms:
    return CouponTerms(code="S", kind=CouponKind.FREE_SHIPPING, **terms)


def of(seller_id: UUID, gross_minor: int) -> Discountable:
    return Discountable(seller_id=seller_id, gross_minor=gross_minor)


def applied(
    lines: list[Discountable], *coupons: CouponTerms, shipping: tuple[Discountable, ...] = ()
) -> Allocation:
    return allocate(currency="EUR", lines=lines, shipping=shipping, coupons=coupons)


def borne(shares: tuple[DiscountShare, ...]) -> list[tuple[int, int]]:
    return [(share.seller_discount_minor, share.marketplace_discount_minor) for share in shares]


def test_a_percent_coupon_divides_one_rounding_over_the_lines() -> None:
    result = applied([of(ANN, 333), of(ANN, 333), of(BOB, 334)], percent(1050))
    assert borne(result.lines) == [(35, 0), (35, 0), (35, 0)]
    assert result.outcomes == (CouponOutcome(code="P", discount_minor=105),)


def test_the_marketplace_bears_all_of_its_own_coupon() -> None:
    result = applied([of(ANN, 12_000)], percent(1000, funded_by=CouponFunding.MARKETPLACE))
    assert borne(result.lines) == [(0, 1200)]


def test_a_shared_coupon_is_shared_once_and_divided_by_the_discounts() -> None:
    coupon = amount(101, funded_by=CouponFunding.SHARED, marketplace_share_bps=5000)
    result = applied([of(ANN, 100), of(BOB, 100), of(EVE, 100)], coupon)
    assert borne(result.lines) == [(17, 17), (17, 17), (16, 17)]
    assert result.outcomes[0].marketplace_minor == 51


def test_the_marketplaces_part_of_a_line_never_exceeds_the_lines_discount() -> None:
    coupon = amount(4, funded_by=CouponFunding.SHARED, marketplace_share_bps=7000)
    result = applied([of(ANN, 1), of(ANN, 3), of(ANN, 3)], coupon)
    assert borne(result.lines) == [(0, 0), (0, 2), (1, 1)]


def test_a_sellers_coupon_lowers_only_that_sellers_lines() -> None:
    result = applied([of(ANN, 1000), of(BOB, 1000)], percent(5000, seller_id=BOB))
    assert borne(result.lines) == [(0, 0), (500, 0)]


def test_coupons_apply_in_the_order_given_on_what_is_left() -> None:
    lines = [of(ANN, 1000)]
    first, second = percent(5000), amount(200, funded_by=CouponFunding.MARKETPLACE)
    assert borne(applied(lines, first, second).lines) == [(500, 200)]
    assert borne(applied(lines, second, first).lines) == [(400, 200)]


def test_free_shipping_lowers_shipping_and_no_line() -> None:
    result = applied(
        [of(ANN, 1000), of(BOB, 1000)],
        free_shipping(seller_id=ANN),
        free_shipping(funded_by=CouponFunding.MARKETPLACE),
        shipping=(of(ANN, 490), of(BOB, 300)),
    )
    assert borne(result.lines) == [(0, 0), (0, 0)]
    assert borne(result.shipping) == [(490, 0), (0, 300)]


@pytest.mark.parametrize(
    ("coupon", "refusal"),
    [
        (amount(100, currency="JPY"), CouponRefusal.CURRENCY_MISMATCH),
        (percent(1000, seller_id=EVE), CouponRefusal.NO_ELIGIBLE_LINE),
        (
            percent(1000, minimum_minor=2001, currency="EUR"),
            CouponRefusal.MINIMUM_NOT_REACHED,
        ),
        (
            percent(1000, minimum_minor=1001, currency="EUR", seller_id=ANN),
            CouponRefusal.MINIMUM_NOT_REACHED,
        ),
        (free_shipping(), CouponRefusal.NOTHING_LEFT),
        (percent(1), CouponRefusal.NOTHING_LEFT),
    ],
)
def test_a_coupon_that_does_not_apply_says_why(coupon: CouponTerms, refusal: CouponRefusal) -> None:
    result = applied([of(ANN, 1000), of(BOB, 1000)], coupon)
    assert result.outcomes[0].refusal is refusal
    assert result.outcomes[0].discount_minor == 0
    assert all(share.total_minor == 0 for share in result.lines)


def test_the_minimum_looks_at_the_goods_before_any_discount() -> None:
    second = percent(1000, minimum_minor=1000, currency="EUR")
    result = applied([of(ANN, 1000)], percent(5000), second)
    assert [outcome.discount_minor for outcome in result.outcomes] == [500, 50]


@pytest.mark.case(50)
def test_case_50_a_coupon_above_the_goods_takes_the_goods_and_no_more() -> None:
    result = applied([of(ANN, 100), of(BOB, 76)], amount(1000), amount(5))
    assert borne(result.lines) == [(100, 0), (76, 0)]
    assert result.outcomes == (
        CouponOutcome(code="A", discount_minor=176, unused_minor=824),
        CouponOutcome(code="A", unused_minor=5, refusal=CouponRefusal.NOTHING_LEFT),
    )


@pytest.mark.parametrize(
    "wrong",
    [
        {"kind": CouponKind.PERCENT},
        {"kind": CouponKind.PERCENT, "value_bps": 10_001},
        {"kind": CouponKind.PERCENT, "value_bps": 100, "amount_minor": 1, "currency": "EUR"},
        {"kind": CouponKind.AMOUNT, "currency": "EUR"},
        {"kind": CouponKind.AMOUNT, "amount_minor": 5},
        {"kind": CouponKind.AMOUNT, "amount_minor": 5, "value_bps": 1, "currency": "EUR"},
        {"kind": CouponKind.FREE_SHIPPING, "minimum_minor": 5},
        {"kind": CouponKind.FREE_SHIPPING, "marketplace_share_bps": 10_001},
    ],
)
def test_terms_that_contradict_themselves_are_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(InvalidCoupon):
        CouponTerms(code="X", **wrong)


def test_terms_with_a_wrong_amount_or_currency_are_refused() -> None:
    with pytest.raises(InvalidAmount):
        amount(-5)
    with pytest.raises(UnknownCurrency):
        amount(5, currency="EURO")


sellers = st.sampled_from([ANN, BOB, EVE])
items = st.builds(of, sellers, st.integers(0, 10**7))
funding = {
    "seller_id": st.none() | sellers,
    "funded_by": st.sampled_from(CouponFunding),
    "marketplace_share_bps": st.integers(0, 10_000),
}
coupons = st.one_of(
    st.builds(percent, st.integers(1, 10_000), **funding),
    st.builds(amount, st.integers(1, 10**7), **funding),
    st.builds(free_shipping, **funding),
)


@given(
    lines=st.lists(items, max_size=6),
    shipping=st.lists(items, max_size=3),
    given_coupons=st.lists(coupons, max_size=4),
)
def test_no_discount_exceeds_what_it_lowers_and_shares_sum_to_the_coupons(
    lines: list[Discountable], shipping: list[Discountable], given_coupons: list[CouponTerms]
) -> None:
    result = applied(lines, *given_coupons, shipping=tuple(shipping))
    shares = result.lines + result.shipping
    for item, share in zip([*lines, *shipping], shares, strict=True):
        assert 0 <= share.total_minor <= item.gross_minor
        assert share.seller_discount_minor >= 0
        assert share.marketplace_discount_minor >= 0
    outcomes = result.outcomes
    assert sum(share.total_minor for share in shares) == sum(o.discount_minor for o in outcomes)
    assert sum(share.marketplace_discount_minor for share in shares) == sum(
        outcome.marketplace_minor for outcome in outcomes
    )
    for coupon, outcome in zip(given_coupons, outcomes, strict=True):
        if coupon.kind is CouponKind.AMOUNT:
            assert outcome.discount_minor + outcome.unused_minor == coupon.amount_minor
