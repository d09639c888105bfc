"""What stands on PayPal's wire, currency by currency, to the last unit."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gosellr.integrations.payments.paypal_amounts import (
    STEPS_MINOR,
    NotExpressible,
    from_money,
    from_paypal,
    to_money,
    to_paypal,
)
from gosellr.utils.money import EXPONENTS

TAKEN = [
    "AUD", "BRL", "CAD", "CHF", "CNY", "CZK", "DKK", "EUR", "GBP", "HKD", "HUF", "ILS", "JPY",
    "MXN", "MYR", "NOK", "NZD", "PHP", "PLN", "SEK", "SGD", "THB", "TWD", "USD",
]  # fmt: skip

GOLDEN = [
    ("EUR", 1, "0.01"),
    ("EUR", 10, "0.10"),
    ("EUR", 99, "0.99"),
    ("EUR", 100, "1.00"),
    ("EUR", 12_050, "120.50"),
    ("USD", 123_456_789, "1234567.89"),
    ("JPY", 1, "1"),
    ("JPY", 1_250, "1250"),
    # With hundredths in ISO 4217, and none at PayPal.
    ("HUF", 125_000, "1250"),
    ("TWD", 100, "1"),
    ("BRL", 5, "0.05"),
]


@pytest.mark.parametrize(("currency", "amount_minor", "wire"), GOLDEN)
def test_the_wire_s_golden_amounts(currency: str, amount_minor: int, wire: str) -> None:
    assert to_paypal(amount_minor, currency) == wire
    assert from_paypal(wire, currency) == amount_minor
    assert to_money(amount_minor, currency) == {"currency_code": currency, "value": wire}
    assert from_money({"currency_code": currency, "value": wire}) == (amount_minor, currency)


@pytest.mark.parametrize(
    ("currency", "amount_minor"),
    [
        ("HUF", 125_050), ("TWD", 1), ("KWD", 1_000), ("TND", 1_000), ("ISK", 100), ("INR", 100),
        ("XXX", 100), ("eur", 100), ("EUR", 0), ("EUR", -1),
    ],
)  # fmt: skip
def test_what_paypal_can_t_say_is_refused_and_never_rounded(
    currency: str, amount_minor: int
) -> None:
    with pytest.raises(NotExpressible):
        to_paypal(amount_minor, currency)


@pytest.mark.parametrize(
    ("currency", "value"),
    [
        ("EUR", 1.5), ("EUR", 1), ("EUR", None), ("EUR", ""), ("EUR", "1.005"), ("EUR", "1,00"),
        ("EUR", "-1.00"), ("EUR", "1e3"), ("EUR", "１.00"), ("EUR", ".50"), ("EUR", "NaN"),
        ("JPY", "1.50"), ("XXX", "1.00"), ("EUR", "1.00\n"), ("EUR", "1" * 16),
    ],
)  # fmt: skip
def test_what_is_no_amount_is_not_read(currency: str, value: object) -> None:
    with pytest.raises(NotExpressible):
        from_paypal(value, currency)


@pytest.mark.parametrize("money", [None, [], {}, {"value": "1.00"}, {"currency_code": "EUR"}])
def test_what_is_no_money_is_not_read(money: object) -> None:
    with pytest.raises(NotExpressible):
        from_money(money)


def test_decimals_that_say_nothing_are_read() -> None:
    assert from_paypal("10", "EUR") == 1_000
    assert from_paypal("10.5", "EUR") == 1_050
    assert from_paypal("10.0000", "EUR") == 1_000
    assert from_paypal("10.00", "JPY") == 10
    assert from_paypal("-0.00", "EUR") == 0


@given(st.sampled_from(TAKEN), st.integers(1, 10**15 - 1))
def test_what_is_written_is_read_again(currency: str, amount_minor: int) -> None:
    step = 100 if currency in {"HUF", "TWD"} else 1
    amount_minor *= step
    if amount_minor // 10 ** EXPONENTS[currency] >= 10**15:
        return
    assert from_paypal(to_paypal(amount_minor, currency), currency) == amount_minor


def test_the_steps_are_the_amounts_that_can_be_sent() -> None:
    assert sorted(STEPS_MINOR) == TAKEN
    for currency, step_minor in STEPS_MINOR.items():
        sendable = [minor for minor in range(1, 201) if _can_be_sent(minor, currency)]
        assert sendable == list(range(step_minor, 201, step_minor)), currency
    assert {code: step for code, step in STEPS_MINOR.items() if step > 1} == {
        "HUF": 100, "TWD": 100
    }  # fmt: skip


def _can_be_sent(amount_minor: int, currency: str) -> bool:
    try:
        to_paypal(amount_minor, currency)
    except NotExpressible:
        return False
    return True
