"""What stands on the wire to Stripe for each kind of currency, and what can't stand there."""

import pytest

from gosellr.core.clock import ManualClock
from gosellr.integrations.payments.port import ChargeRequest, Outcome
from gosellr.integrations.payments.stripe_amounts import (
    STEPS_MINOR,
    NotExpressible,
    fee_from_stripe,
    from_stripe,
    to_stripe,
)
from gosellr.integrations.payments.stripe_gateway import StripeGateway
from gosellr.utils.money import EXPONENTS
from tests.integrations.stripe_api.account import GOOD
from tests.integrations.stripe_api.server import FakeStripe

# currency, our minor units, Stripe's number
GOLDEN = [
    ("EUR", 1_999, 1_999),
    ("USD", 1, 1),
    ("GBP", 123_456, 123_456),
    ("BRL", 5_990, 5_990),
    # No decimals here and there.
    ("JPY", 80, 80),
    ("KRW", 15_000, 15_000),
    ("CLP", 9_990, 9_990),
    ("VND", 250_000, 250_000),
    ("XOF", 655, 655),
    ("XAF", 655, 655),
    ("XPF", 119, 119),
    ("PYG", 7_500, 7_500),
    ("RWF", 1_000, 1_000),
    ("BIF", 2_000, 2_000),
    ("DJF", 178, 178),
    ("GNF", 8_600, 8_600),
    ("KMF", 450, 450),
    ("VUV", 118, 118),
    # Paid out without decimals, and charged with them.
    ("HUF", 123_456, 123_456),
    ("TWD", 10_050, 10_050),
    # No decimals here, and two that are zero there.
    ("ISK", 1_500, 150_000),
    ("UGX", 37_000, 3_700_000),
    # Fifths here, none there.
    ("MGA", 450_000, 4_500),
    # Three decimals, of which the last is zero.
    ("KWD", 18_600, 18_600),
    ("BHD", 1_230, 1_230),
    ("JOD", 10, 10),
    ("OMR", 5_120, 5_120),
    ("TND", 99_990, 99_990),
]
IMPOSSIBLE = [
    ("KWD", 18_605), ("BHD", 1_234), ("TND", 1),
    ("MGA", 450_020),
    # Stripe takes none of these.
    ("IQD", 1_000), ("LYD", 1_000), ("CLF", 10_000), ("XAU", 1), ("ABC", 1),
]  # fmt: skip


@pytest.mark.case(51)
@pytest.mark.case(52)
@pytest.mark.parametrize(("currency", "amount_minor", "wire"), GOLDEN)
async def test_case_51_case_52_the_wire_amount_is_golden(
    stripe_gateway: StripeGateway,
    stripe_server: FakeStripe,
    currency: str,
    amount_minor: int,
    wire: int,
) -> None:
    assert to_stripe(amount_minor, currency) == wire
    assert from_stripe(wire, currency) == amount_minor
    for token in ("", GOOD):
        result = await stripe_gateway.charge(
            ChargeRequest(
                attempt_id=f"attempt-{token}",
                amount_minor=amount_minor,
                currency=currency,
                token=token,
                reference="order-1",
            )
        )
        assert (result.amount_minor, result.currency) == (amount_minor, currency)
    [page, charge] = [form for name, form in stripe_server.sent if name.startswith("post")]
    assert page["line_items"][0]["price_data"]["unit_amount"] == wire
    assert (charge["amount"], charge["currency"]) == (wire, currency.lower())
    assert result.captured_minor == amount_minor


@pytest.mark.parametrize(("currency", "amount_minor"), IMPOSSIBLE)
async def test_an_amount_that_stripe_can_t_say_is_refused_unsent(
    stripe_gateway: StripeGateway, stripe_server: FakeStripe, currency: str, amount_minor: int
) -> None:
    with pytest.raises(NotExpressible):
        to_stripe(amount_minor, currency)
    result = await stripe_gateway.charge(
        ChargeRequest(
            attempt_id="attempt-1",
            amount_minor=amount_minor,
            currency=currency,
            token="",
            reference="order-1",
        )
    )
    assert (result.outcome, result.decline_code) == (Outcome.DECLINED, "amount_not_expressible")
    assert stripe_server.sent == []


def test_every_currency_is_exact_or_refused() -> None:
    for currency in EXPONENTS:
        for amount_minor in (1, 7, 10, 99, 100, 1_234, 5_000):
            try:
                wire = to_stripe(amount_minor, currency)
            except NotExpressible:
                continue
            assert from_stripe(wire, currency) == amount_minor


@pytest.mark.parametrize(
    ("fee", "currency", "fee_currency", "charged", "settled", "fee_minor"),
    [
        (59, "EUR", "EUR", 2_000, 2_000, 59),
        (0, "EUR", "EUR", 2_000, 2_000, 0),
        # 3 % of a dollar's charge, settled in euros, are 3 % in dollars.
        (27, "USD", "EUR", 1_000, 900, 30),
        (1, "USD", "EUR", 1_000, 300, 3),
        (5_050, "ISK", "ISK", 150_000, 150_000, 51),
        (5_049, "ISK", "ISK", 150_000, 150_000, 50),
        (10, "USD", "EUR", 1_000, 0, 0),
    ],
)
def test_a_fee_is_told_in_the_currency_of_the_charge(
    *, fee: int, currency: str, fee_currency: str, charged: int, settled: int, fee_minor: int
) -> None:
    assert (
        fee_from_stripe(fee, currency, fee_currency=fee_currency, charged=charged, settled=settled)
        == fee_minor
    )


async def test_the_fee_comes_with_the_capture(
    stripe_gateway: StripeGateway, stripe_server: FakeStripe, clock: ManualClock
) -> None:
    stripe_server.account.settles_in = ("eur", 90)
    result = await stripe_gateway.charge(
        ChargeRequest(
            attempt_id="attempt-1", amount_minor=10_000, currency="USD", token=GOOD,
            reference="order-1",
        )
    )  # fmt: skip
    # 2 % and 25 of 90.00 euros are 2.05 euros: of 100.00 dollars 2.28.
    assert result.fee_minor == 228


def test_the_steps_are_the_amounts_that_can_be_sent() -> None:
    for currency in EXPONENTS:
        step_minor = STEPS_MINOR.get(currency)
        sendable = [minor for minor in range(1, 201) if _can_be_sent(minor, currency)]
        every = [] if step_minor is None else list(range(step_minor, 201, step_minor))
        assert sendable == every, currency
    assert {code: step for code, step in STEPS_MINOR.items() if step > 1} == {
        "BHD": 10, "JOD": 10, "KWD": 10, "OMR": 10, "TND": 10, "MGA": 100
    }  # fmt: skip


def _can_be_sent(amount_minor: int, currency: str) -> bool:
    try:
        to_stripe(amount_minor, currency)
    except NotExpressible:
        return False
    return True
