"""Stripe's own minor units: not always those of ISO 4217, and not every amount exists there.

Ours are ISO's everywhere. What Stripe can't say is refused before anything is sent, never rounded:
the buyer must pay exactly what was shown.
"""

from collections.abc import Mapping
from typing import Final

from gosellr.utils.money import EXPONENTS

# Stripe counts the ariary as if it had no fifths, and the króna and the shilling of Uganda as if
# they still had hundredths, which must be zero then.
_OTHER_EXPONENTS: Final = {"MGA": 0, "ISK": 2, "UGX": 2}
# Of the currencies with thousandths it takes these, and only whole tens of thousandths.
_WITH_THOUSANDTHS: Final = frozenset({"BHD", "JOD", "KWD", "OMR", "TND"})
_THOUSANDTHS_STEP: Final = 10


class NotExpressible(ValueError):
    """Stripe has no number for this amount."""


def to_stripe(amount_minor: int, currency: str) -> int:
    """The number that stands on the wire. Raises `NotExpressible`."""
    factor, divisor = _ratio(currency)
    amount, rest = divmod(amount_minor * factor, divisor)
    if rest or (currency in _WITH_THOUSANDTHS and amount % _THOUSANDTHS_STEP):
        raise NotExpressible(f"Stripe can't take {amount_minor} minor units of {currency}")
    return amount


def from_stripe(amount: int, currency: str) -> int:
    """Our minor units of a number on the wire. Raises `NotExpressible`."""
    factor, divisor = _ratio(currency)
    amount_minor, rest = divmod(amount * divisor, factor)
    if rest:
        raise NotExpressible(f"{amount} is no whole number of minor units of {currency}")
    return amount_minor


def whole_from_stripe(amount: int, currency: str) -> int:
    """Our minor units of a number on the wire, rounded half up away from zero where it has parts of
    them. Raises `NotExpressible` for a currency that Stripe doesn't take."""
    factor, divisor = _ratio(currency)
    whole = (2 * abs(amount) * divisor + factor) // (2 * factor)
    return -whole if amount < 0 else whole


def fee_from_stripe(
    fee: int, currency: str, *, fee_currency: str, charged: int, settled: int
) -> int:
    """Our minor units of a fee, rounded half up.

    A fee is kept in the currency in which Stripe settles. Where that is another one than the
    buyer paid in, the fee is the same share of `charged` as it was of `settled`.
    """
    if fee <= 0:
        return 0
    factor, divisor = _ratio(currency)
    over, under = fee * divisor, factor
    if fee_currency != currency:
        if settled <= 0:
            return 0
        over, under = over * charged, under * settled
    return (2 * over + under) // (2 * under)


def _ratio(currency: str) -> tuple[int, int]:
    """Ours, times the first and by the second, is Stripe's."""
    exponent = EXPONENTS.get(currency)
    if exponent is None or (exponent > 2 and currency not in _WITH_THOUSANDTHS):
        raise NotExpressible(f"Stripe takes no {currency}")
    steps = _OTHER_EXPONENTS.get(currency, exponent) - exponent
    return (10**steps, 1) if steps >= 0 else (1, 10**-steps)


def _step(currency: str) -> int:
    """How many of our minor units apart the amounts are that Stripe has numbers for."""
    _, divisor = _ratio(currency)
    return divisor * (_THOUSANDTHS_STEP if currency in _WITH_THOUSANDTHS else 1)


STEPS_MINOR: Final[Mapping[str, int]] = {
    currency: _step(currency)
    for currency, exponent in EXPONENTS.items()
    if exponent <= 2 or currency in _WITH_THOUSANDTHS
}
"""The steps in which Stripe takes amounts, in our minor units; of the currencies it takes."""
