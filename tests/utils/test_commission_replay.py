"""Selling and refunding once more: the same terms give the same cents, others their own."""

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from hypothesis import given
from hypothesis import strategies as st

from gosellr.utils.commission import (
    CommissionLine,
    CommissionRule,
    CommissionTerms,
    commission_for,
    commission_for_shipping,
)
from gosellr.utils.commission_replay import (
    Earned,
    RefundPolicy,
    Returned,
    SoldLine,
    SoldParcel,
    SoldPart,
    replay,
)
from gosellr.utils.reductions import LineFigures, reduced
from gosellr.utils.refunds import (
    SHIPPING_KEY,
    CommissionReversal,
    NothingToRefund,
    RefundablePart,
    RefundShares,
    refund_quantities,
)
from gosellr.utils.tax import tax_on, without_tax

NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)
SELLER, PRODUCT, LAMPS, CHAIRS = (UUID(int=number) for number in range(1, 5))
FULL, NONE, LESS_FIXED = CommissionReversal


def a_rule(**changes: Any) -> CommissionRule:
    facts: dict[str, Any] = {"id": UUID(int=9), "position": 1, "rate_bps": 1000, "vat_bps": 2000}
    return CommissionRule(**facts | changes)


def sold(
    rules: list[CommissionRule],
    *,
    goods_minor: int,
    quantity: int = 1,
    tax_bps: int = 2000,
    shipping_minor: int = 0,
) -> SoldParcel:
    """A parcel of one line as a checkout freezes it."""
    tax_minor = tax_on(goods_minor, rate_bps=tax_bps, included=True)
    line = CommissionLine(
        currency="EUR", seller_id=SELLER, product_id=PRODUCT, category_ids=frozenset({LAMPS}),
        goods_minor=goods_minor, tax_minor=tax_minor, tax_included=True,
    )  # fmt: skip
    terms = commission_for(line=line, rules=rules, at=NOON)
    shipping_tax = tax_on(shipping_minor, rate_bps=tax_bps, included=True)
    of_shipping = commission_for_shipping(
        shipping_base_minor=without_tax(shipping_minor, tax_minor=shipping_tax, included=True),
        lines=[line], rules=rules, at=NOON,
    )  # fmt: skip
    return SoldParcel(
        seller_id=SELLER,
        currency="EUR",
        tax_included=True,
        placed_at=NOON,
        lines=(
            SoldLine(
                part=_part("line", goods_minor, tax_minor, terms, quantity=quantity),
                product_id=PRODUCT,
                category_ids=frozenset({LAMPS}),
                ordered_minor=goods_minor,
            ),
        ),
        shipping=_part(SHIPPING_KEY, shipping_minor, shipping_tax, of_shipping),
    )


def reduced_and_sold(
    rules: list[CommissionRule], line: LineFigures, *, called_off: list[int], shipping_minor: int
) -> SoldParcel:
    """A line as a checkout freezes it, of which units are called off before it is paid for."""
    facts = CommissionLine(
        currency="EUR", seller_id=SELLER, product_id=PRODUCT, category_ids=frozenset({LAMPS}),
        goods_minor=line.goods_minor, tax_minor=line.tax_minor, tax_included=line.tax_included,
    )  # fmt: skip
    whole = replace(line, commission=commission_for(line=facts, rules=rules, at=NOON))
    of_shipping = commission_for_shipping(
        shipping_base_minor=shipping_minor, lines=[facts], rules=rules, at=NOON
    )
    left = whole
    for quantity in called_off:
        if quantity <= left.quantity:
            left = reduced(left, quantity)
    part = replace(
        _part("line", left.goods_minor, left.tax_minor, left.commission, quantity=left.quantity),
        promotion_minor=left.marketplace_discount_minor,
    )
    return SoldParcel(
        seller_id=SELLER,
        currency="EUR",
        tax_included=line.tax_included,
        placed_at=NOON,
        lines=(
            SoldLine(
                part=part,
                product_id=PRODUCT,
                category_ids=frozenset({LAMPS}),
                ordered_minor=whole.goods_minor,
            ),
        ),
        shipping=_part(SHIPPING_KEY, shipping_minor, 0, of_shipping),
    )


def _part(
    key: str, goods_minor: int, tax_minor: int, terms: CommissionTerms, *, quantity: int = 1
) -> SoldPart:
    return SoldPart(
        key=key,
        quantity=quantity,
        goods_minor=goods_minor,
        tax_minor=tax_minor,
        promotion_minor=0,
        booked=Earned(commission_minor=terms.commission_minor, vat_minor=terms.vat_minor),
        fixed_minor=terms.fixed_minor,
    )


def refunded(parcel: SoldParcel, *units: int, reversal: CommissionReversal = FULL) -> SoldParcel:
    """The same after refunds of so many units each, as the market makes them."""
    [line] = parcel.lines
    part = line.part
    left = RefundablePart(
        key="line",
        quantity=part.quantity,
        goods_minor=part.goods_minor,
        tax_minor=part.tax_minor,
        tax_included=parcel.tax_included,
        promotion_minor=part.promotion_minor,
        commission_minor=part.booked.commission_minor,
        commission_vat_minor=part.booked.vat_minor,
        commission_fixed_minor=part.fixed_minor,
    )
    returns: list[Returned] = []
    for quantity in units:
        try:
            plan = refund_quantities(parts=[left], quantities={"line": quantity}, reversal=reversal)
        except NothingToRefund:
            continue  # Units that cost no whole cent are refused by the market, too.
        shares = plan.total
        left = replace(left, refunded=left.refunded + shares)
        returns.append(_returned(shares))
    return replace(parcel, lines=(replace(line, part=replace(part, returns=tuple(returns))),))


def _returned(shares: RefundShares) -> Returned:
    return Returned(
        quantity=shares.quantity,
        buyer_minor=shares.buyer_minor,
        promotion_minor=shares.promotion_minor,
        commission_reversed=Earned(
            commission_minor=shares.commission_reversed_minor,
            vat_minor=shares.commission_vat_reversed_minor,
        ),
    )


def test_a_changed_rate_on_a_line_that_was_refunded_in_part() -> None:
    # 120.00 with 20.00 tax, 10 % and its VAT: 10.00 and 2.00; three of four units stay sold.
    parcel = refunded(sold([a_rule()], goods_minor=12_000, quantity=4), 1)
    told = replay(parcel, rules=[a_rule(rate_bps=1500)], policy=RefundPolicy())
    assert told.booked == Earned(commission_minor=750, vat_minor=150)
    assert told.simulated == Earned(commission_minor=1125, vat_minor=225)
    assert (told.lines, told.lines_touched, told.deliveries_touched) == (1, 1, 0)


def test_another_policy_for_refunds_alone() -> None:
    rule = a_rule(rate_bps=1000, fixed_minor=30, currency="EUR")
    parcel = refunded(sold([rule], goods_minor=12_000), 1)
    booked = replay(parcel, rules=[rule], policy=RefundPolicy())
    assert booked.booked == booked.simulated == Earned()
    kept = replay(parcel, rules=[rule], policy=RefundPolicy(reversal=NONE, of_all=True))
    assert kept.simulated == Earned(commission_minor=1030, vat_minor=206)
    fixed = replay(parcel, rules=[rule], policy=RefundPolicy(reversal=LESS_FIXED, of_all=True))
    assert fixed.simulated == Earned(commission_minor=30, vat_minor=6)
    # A policy that comes later says nothing about what was booked under the one before.
    later = replay(parcel, rules=[rule], policy=RefundPolicy(reversal=NONE))
    assert later.simulated == later.booked
    assert later.lines_touched == 0


def test_no_rule_earns_nothing_and_delivery_counts_by_itself() -> None:
    rule = a_rule(on_shipping=True)
    parcel = sold([rule], goods_minor=12_000, shipping_minor=600)
    told = replay(parcel, rules=[a_rule(category_id=CHAIRS)], policy=RefundPolicy())
    assert told.booked == Earned(commission_minor=1050, vat_minor=210)
    assert told.simulated == Earned()
    assert (told.lines_touched, told.deliveries_touched) == (1, 1)
    assert replay(
        parcel, rules=[replace(rule, on_shipping=False)], policy=RefundPolicy()
    ).simulated == Earned(commission_minor=1000, vat_minor=200)


rates = st.integers(0, 10_000)
rules_drawn = st.builds(
    a_rule,
    rate_bps=rates,
    vat_bps=st.integers(0, 2500),
    fixed_minor=st.integers(0, 500),
    currency=st.just("EUR"),
    on_shipping=st.booleans(),
)


@given(
    before=rules_drawn,
    after=rules_drawn,
    goods_minor=st.integers(0, 100_000),
    shipping_minor=st.integers(0, 2_000),
    units=st.lists(st.integers(1, 3), max_size=4),
    reversal=st.sampled_from(CommissionReversal),
    other=st.sampled_from(CommissionReversal),
)
def test_the_same_rules_change_nothing_and_other_rules_are_as_if_they_had_been_there(
    before: CommissionRule,
    after: CommissionRule,
    goods_minor: int,
    shipping_minor: int,
    units: list[int],
    reversal: CommissionReversal,
    other: CommissionReversal,
) -> None:
    if not goods_minor:
        units = []
    whole = {"goods_minor": goods_minor, "quantity": 12, "shipping_minor": shipping_minor}
    booked = refunded(sold([before], **whole), *units, reversal=reversal)
    for policy in (RefundPolicy(reversal=reversal, of_all=True), RefundPolicy(reversal=other)):
        same = replay(booked, rules=[before], policy=policy)
        assert same.simulated == same.booked
        assert (same.lines_touched, same.deliveries_touched) == (0, 0)
    # Sold and refunded under the other rule from the start, it would have earned the same.
    instead = refunded(sold([after], **whole), *units, reversal=other)
    expected = replay(instead, rules=[after], policy=RefundPolicy()).booked
    told = replay(booked, rules=[after], policy=RefundPolicy(reversal=other, of_all=True))
    assert told.simulated == expected
    assert told.booked == same.booked


def test_a_line_that_became_smaller_keeps_the_band_it_was_ordered_in() -> None:
    """From 100.00 on 5 %, below it 15 %: two of three units of 50.00 were called off."""
    dear = a_rule(value_from_minor=10_000, rate_bps=500, currency="EUR", on_shipping=True)
    cheap = a_rule(id=UUID(int=8), position=2, rate_bps=1500, currency="EUR", value_to_minor=10_000)
    line = LineFigures(
        quantity=3, unit_price_minor=5_000, seller_discount_minor=0, marketplace_discount_minor=0,
        tax_rate_bps=0, tax_included=True, tax_minor=0, commission=CommissionTerms(),
    )  # fmt: skip
    parcel = reduced_and_sold([dear, cheap], line, called_off=[1, 1], shipping_minor=600)
    told = replay(parcel, rules=[dear, cheap], policy=RefundPolicy())
    # 5 % of 50.00 and of 6.00 delivery, with VAT.
    assert told.booked == told.simulated == Earned(commission_minor=250 + 30, vat_minor=50 + 6)
    # Other rules look at what was ordered as well, and take of what was sold.
    other = replay(parcel, rules=[replace(dear, rate_bps=1000), cheap], policy=RefundPolicy())
    assert other.simulated == Earned(commission_minor=500 + 60, vat_minor=100 + 12)


bands = st.integers(0, 60_000)


@given(
    border=bands,
    above=rules_drawn,
    below=rules_drawn,
    minimum=st.none() | st.integers(0, 200),
    cap=st.none() | st.integers(200, 5_000),
    unit_price_minor=st.integers(1, 9_000),
    quantity=st.integers(1, 12),
    seller_share=st.integers(0, 100),
    marketplace_share=st.integers(0, 100),
    tax=st.tuples(st.integers(0, 2_500), st.booleans()),
    shipping_minor=st.integers(0, 2_000),
    called_off=st.lists(st.integers(1, 6), max_size=4),
    units=st.lists(st.integers(1, 3), max_size=4),
    reversal=st.sampled_from(CommissionReversal),
)
def test_under_todays_own_rules_a_replay_is_what_was_booked(
    border: int,
    above: CommissionRule,
    below: CommissionRule,
    minimum: int | None,
    cap: int | None,
    unit_price_minor: int,
    quantity: int,
    seller_share: int,
    marketplace_share: int,
    tax: tuple[int, bool],
    shipping_minor: int,
    called_off: list[int],
    units: list[int],
    reversal: CommissionReversal,
) -> None:
    """Across a value band, with coupons of both, reductions and refunds: to the cent."""
    rules = [
        replace(above, value_from_minor=border, minimum_minor=minimum, cap_minor=cap),
        replace(below, id=UUID(int=8), position=2, value_to_minor=border),
    ]
    gross_minor = unit_price_minor * quantity
    by_seller = gross_minor * seller_share // 100
    rate_bps, included = tax
    line = LineFigures(
        quantity=quantity,
        unit_price_minor=unit_price_minor,
        seller_discount_minor=by_seller,
        marketplace_discount_minor=(gross_minor - by_seller) * marketplace_share // 100,
        tax_rate_bps=rate_bps,
        tax_included=included,
        tax_minor=tax_on(gross_minor - by_seller, rate_bps=rate_bps, included=included),
        commission=CommissionTerms(),
    )
    parcel = reduced_and_sold(rules, line, called_off=called_off, shipping_minor=shipping_minor)
    left = parcel.lines[0].part.quantity
    given_back = [each for each in units if each <= left] if left else []
    while sum(given_back) > left:
        given_back.pop()
    parcel = refunded(parcel, *given_back, reversal=reversal)
    for policy in (RefundPolicy(), RefundPolicy(reversal=reversal, of_all=True)):
        told = replay(parcel, rules=rules, policy=policy)
        assert told.simulated == told.booked
        assert (told.lines_touched, told.deliveries_touched) == (0, 0)
