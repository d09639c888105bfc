from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gosellr.utils.tax import (
    MAX_TAX_RATE_BPS,
    InvalidTaxRate,
    exclusive_tax,
    included_tax,
    rate_of,
    tax_on,
    without_tax,
)

rates = st.sampled_from([0, 1, 250, 500, 725, 887, 1000, 1900, 2000, 2550, 2700, 10_000])


def half_up(exact: Fraction) -> int:
    return int(exact + Fraction(1, 2))


def test_the_worked_example_of_the_sale() -> None:
    assert included_tax(12_000, 2000) == 2000
    assert exclusive_tax(10_000, 2000) == 2000


@pytest.mark.case(53)
@given(amount=st.integers(0, 99_999), rate_bps=rates)
def test_case_53_tax_is_half_up_of_the_exact_fraction(amount: int, rate_bps: int) -> None:
    assert included_tax(amount, rate_bps) == half_up(Fraction(amount * rate_bps, 10_000 + rate_bps))
    assert exclusive_tax(amount, rate_bps) == half_up(Fraction(amount * rate_bps, 10_000))


def test_a_half_cent_is_rounded_up_in_both_forms() -> None:
    assert tax_on(50, rate_bps=100, included=False) == 1
    assert tax_on(49, rate_bps=100, included=False) == 0
    assert tax_on(3, rate_bps=2000, included=True) == 1
    assert tax_on(2, rate_bps=2000, included=True) == 0


def test_without_tax_takes_out_only_what_is_inside() -> None:
    assert without_tax(12_000, tax_minor=2000, included=True) == 10_000
    assert without_tax(12_000, tax_minor=2400, included=False) == 12_000


@pytest.mark.parametrize("rate_bps", [-1, MAX_TAX_RATE_BPS + 1, 19.0, True])
def test_a_rate_is_a_bounded_whole_number(rate_bps: int) -> None:
    with pytest.raises(InvalidTaxRate):
        included_tax(100, rate_bps)
    with pytest.raises(InvalidTaxRate):
        exclusive_tax(100, rate_bps)


@pytest.mark.parametrize(
    ("net_minor", "tax_minor", "rate_bps"),
    [
        (1000, 200, 2000),
        (333, 67, 2000),
        (-333, -67, 2000),
        (333, 68, 2042),
        (10_000, 1_925, 1925),
        (1, 1_000, 10_000_000),
        (0, 200, 0),
        (500, 0, 0),
        (500, -95, 0),
    ],
)
def test_a_rate_is_told_by_what_it_made(net_minor: int, tax_minor: int, rate_bps: int) -> None:
    assert rate_of(net_minor, tax_minor=tax_minor) == rate_bps
