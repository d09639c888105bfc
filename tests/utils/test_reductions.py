"""Units called off before any money was taken: what is left and what is not sum to what was."""

from dataclasses import asdict
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gosellr.utils.commission import CommissionTerms, terms_on
from gosellr.utils.reductions import InvalidReduction, LineFigures, frozen_terms, reduced
from gosellr.utils.tax import tax_on, without_tax

RULE = UUID(int=1)


def a_line(
    *,
    quantity: int,
    price_minor: int,
    by_seller_minor: int = 0,
    by_marketplace_minor: int = 0,
    tax_rate_bps: int = 1900,
    tax_included: bool = True,
    **rule: int | None,
) -> LineFigures:
    """A line as it is priced when it is sold."""
    goods_minor = quantity * price_minor - by_seller_minor
    tax_minor = tax_on(goods_minor, rate_bps=tax_rate_bps, included=tax_included)
    base_minor = without_tax(goods_minor, tax_minor=tax_minor, included=tax_included)
    terms = CommissionTerms(rule_id=RULE, **rule)  # type: ignore[arg-type]
    return LineFigures(
        quantity=quantity,
        unit_price_minor=price_minor,
        seller_discount_minor=by_seller_minor,
        marketplace_discount_minor=by_marketplace_minor,
        tax_rate_bps=tax_rate_bps,
        tax_included=tax_included,
        tax_minor=tax_minor,
        commission=terms_on(terms, base_minor=base_minor),
    )


@st.composite
def lines(draw: st.DrawFn) -> LineFigures:
    quantity = draw(st.integers(1, 50))
    price_minor = draw(st.one_of(st.integers(0, 9), st.integers(0, 10**7)))
    gross_minor = quantity * price_minor
    by_seller_minor = draw(st.integers(0, gross_minor))
    cap_minor = draw(st.none() | st.integers(0, 5000))
    return a_line(
        quantity=quantity,
        price_minor=price_minor,
        by_seller_minor=by_seller_minor,
        by_marketplace_minor=draw(st.integers(0, gross_minor - by_seller_minor)),
        tax_rate_bps=draw(st.sampled_from([0, 500, 700, 1900, 2550])),
        tax_included=draw(st.booleans()),
        rate_bps=draw(st.integers(0, 10_000)),
        fixed_minor=draw(st.integers(0, 500)),
        minimum_minor=draw(st.none() | st.integers(0, cap_minor or 0)),
        cap_minor=cap_minor,
        vat_bps=draw(st.sampled_from([0, 1900, 2000])),
    )


@given(line=lines(), data=st.data())
def test_no_figure_rises_and_none_falls_below_zero(line: LineFigures, data: st.DataObject) -> None:
    quantity = data.draw(st.integers(1, line.quantity))
    left = reduced(line, quantity)
    before, after = line.columns(), left.columns()
    assert after["quantity"] == before["quantity"] - quantity
    assert after["gross_minor"] == left.quantity * line.unit_price_minor
    for name in before.keys() - {"marketplace_discount_minor"}:
        assert 0 <= after[name] <= before[name], name
    assert left.marketplace_discount_minor >= 0
    # Where a commission takes all, its VAT's rounding may leave the seller a unit more.
    assert 0 <= left.net_minor <= line.net_minor + 1
    # Tax, commission and its VAT are what they would be had only the rest been ordered.
    assert left.tax_minor == tax_on(
        left.goods_minor, rate_bps=line.tax_rate_bps, included=line.tax_included
    )
    assert asdict(left.commission)["rule_id"] == RULE


@given(line=lines(), data=st.data())
def test_unit_by_unit_nothing_is_left(line: LineFigures, data: st.DataObject) -> None:
    """In any portions the last unit takes the last minor unit, and all steps sum to the whole."""
    left, given_up_minor = line, 0
    while left.quantity:
        before = left
        left = reduced(left, data.draw(st.integers(1, left.quantity)))
        given_up_minor += before.total_minor - left.total_minor
    assert given_up_minor == line.total_minor
    assert set(left.columns().values()) == {0}
    assert left.net_minor == 0


def test_example() -> None:
    line = a_line(
        quantity=3,
        price_minor=1000,
        by_seller_minor=100,
        by_marketplace_minor=200,
        rate_bps=1000,
        vat_bps=2000,
    )
    assert (line.total_minor, line.tax_minor) == (2700, 463)
    left = reduced(line, 1)
    # 300 of discounts become 200: 67 of the seller's 100, 133 of the marketplace's 200.
    assert left.columns() == {
        "quantity": 2,
        "gross_minor": 2000,
        "seller_discount_minor": 67,
        "marketplace_discount_minor": 133,
        "goods_minor": 1933,
        "tax_minor": 309,
        "total_minor": 1800,
        "commission_minor": 162,
        "commission_vat_minor": 32,
    }
    assert left.net_minor == 1933 - 162 - 32


def test_a_fixed_commission_stays_the_line_s() -> None:
    line = a_line(quantity=2, price_minor=1000, tax_rate_bps=0, fixed_minor=50)
    assert reduced(line, 1).commission.commission_minor == 50
    assert reduced(line, 2).commission.commission_minor == 0


@pytest.mark.parametrize("quantity", [0, -1, 4, True])
def test_units_that_aren_t_there(quantity: int) -> None:
    with pytest.raises(InvalidReduction):
        reduced(a_line(quantity=3, price_minor=1000), quantity)


def test_a_line_without_commission_stays_without() -> None:
    assert frozen_terms(None) == CommissionTerms()
    assert terms_on(CommissionTerms(), base_minor=500) == CommissionTerms(base_minor=500)
