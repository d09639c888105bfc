import pytest
from babel.core import get_global
from hypothesis import given
from hypothesis import strategies as st

from gosellr.utils.money import (
    EXPONENTS,
    MAX_AMOUNT_MINOR,
    MAX_SUM_MINOR,
    AmountOutOfBounds,
    CurrencyMismatch,
    InvalidAmount,
    Money,
    UnknownCurrency,
    bps_half_up,
    checked_minor,
    exponent,
    parse_decimal,
    share,
    split,
    to_decimal_string,
)

amounts = st.integers(0, MAX_AMOUNT_MINOR)
currencies = st.sampled_from(sorted(EXPONENTS))


@pytest.mark.case(51)
@pytest.mark.parametrize(
    ("text", "currency", "minor"),
    [
        ("80", "JPY", 80),
        ("1500", "KRW", 1500),
        ("20000", "UGX", 20_000),
        ("1.234", "BHD", 1234),
        ("990.00", "HUF", 99_000),
        ("45.00", "TWD", 4500),
        ("12.50", "USD", 1250),
        ("0.0001", "CLF", 1),
    ],
)
def test_case_51_no_factor_of_hundred_is_assumed(text: str, currency: str, minor: int) -> None:
    assert parse_decimal(text, currency) == minor
    assert to_decimal_string(minor, currency) == text


@pytest.mark.case(52)
def test_case_52_three_decimals_stay_three_decimals() -> None:
    assert exponent("KWD") == 3
    assert parse_decimal("18.600", "KWD") == parse_decimal("18.6", "KWD") == 18_600
    assert str(Money(18_600, "KWD")) == "18.600 KWD"


@given(minor=st.integers(-MAX_AMOUNT_MINOR, MAX_AMOUNT_MINOR), currency=currencies)
def test_decimal_string_and_parsing_are_inverse(minor: int, currency: str) -> None:
    assert parse_decimal(to_decimal_string(minor, currency), currency) == minor


@pytest.mark.parametrize(
    ("text", "currency"),
    [
        ("12.505", "USD"),
        ("12.0", "JPY"),
        ("1e3", "USD"),
        ("1,000.00", "USD"),
        ("+1", "USD"),
        (" 1", "USD"),
        ("1\n", "USD"),
        ("01.00", "USD"),
        (".50", "USD"),
        ("1.", "USD"),
        ("", "USD"),
        ("NaN", "USD"),
        ("Infinity", "USD"),
        ("٣", "USD"),
        ("9" * 40, "USD"),
    ],
)
def test_only_plain_decimals_are_amounts(text: str, currency: str) -> None:
    with pytest.raises(InvalidAmount):
        parse_decimal(text, currency)


def test_amounts_are_bounded() -> None:
    assert parse_decimal("10000000000000.00", "USD") == MAX_AMOUNT_MINOR
    with pytest.raises(AmountOutOfBounds):
        parse_decimal("10000000000000.01", "USD")
    assert checked_minor(MAX_AMOUNT_MINOR) == MAX_AMOUNT_MINOR
    for beyond in (-1, MAX_AMOUNT_MINOR + 1):
        with pytest.raises(AmountOutOfBounds):
            checked_minor(beyond)
    for no_amount in (1.0, True, "1", None):
        with pytest.raises(InvalidAmount):
            checked_minor(no_amount)  # type: ignore[arg-type]


def test_a_sum_may_be_larger_than_any_amount() -> None:
    assert Money(MAX_AMOUNT_MINOR, "USD") + Money(1, "USD") == Money(10**15 + 1, "USD")
    assert str(Money(-2 * MAX_AMOUNT_MINOR, "USD")) == "-20000000000000.00 USD"
    assert Money(MAX_SUM_MINOR, "USD").amount == 9_223_372_036_854_775_807
    for beyond in (MAX_SUM_MINOR + 1, -MAX_SUM_MINOR - 1):
        with pytest.raises(AmountOutOfBounds):
            Money(beyond, "USD")


@pytest.mark.parametrize("code", ["", "usd", "XXX", "XAU", "ZZZ", None, []])
def test_unknown_currencies_are_refused(code: object) -> None:
    with pytest.raises(UnknownCurrency):
        exponent(code)  # type: ignore[arg-type]


def test_exponents_agree_with_iso_4217() -> None:
    def having(decimals: int) -> str:
        return " ".join(sorted(code for code in EXPONENTS if EXPONENTS[code] == decimals))

    assert having(0) == "BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX UYI VND VUV XAF XOF XPF"
    assert having(3) == "BHD IQD JOD KWD LYD OMR TND"
    assert having(4) == "CLF UYW"
    # Every legal tender that the locale data of today knows has an exponent here.
    in_use = {
        code
        for tenders in get_global("territory_currencies").values()
        for code, _, end, is_tender in tenders
        if end is None and is_tender
    }
    assert in_use - set(EXPONENTS) == set()


def test_money_adds_within_its_currency_only() -> None:
    assert Money(500, "USD") + Money(250, "USD") == Money(750, "USD")
    assert Money(500, "USD") - Money(750, "USD") == Money(-250, "USD")
    assert Money(1999, "USD").as_dict() == {"amount": 1999, "currency": "USD"}
    assert str(Money(-5, "USD")) == "-0.05 USD"
    with pytest.raises(CurrencyMismatch):
        Money(1, "USD") + Money(1, "EUR")
    with pytest.raises(CurrencyMismatch):
        Money(1, "USD") - Money(1, "EUR")
    with pytest.raises(UnknownCurrency):
        Money(1, "usd")
    for no_amount in (1.5, True):
        with pytest.raises(InvalidAmount):
            Money(no_amount, "USD")  # type: ignore[arg-type]


def test_shares_are_rounded_half_up() -> None:
    assert share(5, 1, 2) == 3
    assert share(4, 1, 3) == 1
    assert share(5, 1, 3) == 2
    assert bps_half_up(1050, 1000) == 105
    assert bps_half_up(1005, 1000) == 101
    assert bps_half_up(1004, 1000) == 100
    for wrong in ((-1, 1, 1), (1, -1, 1), (1, 1, 0)):
        with pytest.raises(ValueError, match="no share"):
            share(*wrong)


def test_split_gives_what_is_left_over_to_the_largest_remainder_then_to_the_earlier() -> None:
    assert split(100, [1, 1, 1]) == [34, 33, 33]
    assert split(101, [1, 1, 1]) == [34, 34, 33]
    assert split(10, [1, 2, 4]) == [1, 3, 6]
    assert split(5, [0, 3, 0, 3]) == [0, 3, 0, 2]
    assert split(3, [0, 0]) == [2, 1]
    assert split(0, [7, 0]) == [0, 0]
    assert split(0, []) == []


@pytest.mark.parametrize(("total", "weights"), [(-1, [1]), (1, [2, -1]), (1, [])])
def test_split_refuses_what_cannot_be_divided(total: int, weights: list[int]) -> None:
    with pytest.raises(ValueError, match=r"negative|nobody"):
        split(total, weights)


@given(total=amounts, weights=st.lists(amounts, min_size=1, max_size=12))
def test_split_sums_to_the_total_and_stays_within_one_of_the_exact_share(
    total: int, weights: list[int]
) -> None:
    parts = split(total, weights)
    assert sum(parts) == total
    assert all(part >= 0 for part in parts)
    whole = sum(weights)
    if whole:
        assert all(
            abs(part * whole - total * weight) < whole
            for part, weight in zip(parts, weights, strict=True)
        )
    if total <= whole:
        assert all(part <= weight for part, weight in zip(parts, weights, strict=True))
