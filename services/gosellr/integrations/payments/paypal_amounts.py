"""Amounts as PayPal writes them: decimal strings, and not every currency or amount exists there.

What PayPal can't say is refused before anything is sent, never rounded: the buyer must pay exactly
what was shown. No number here is ever a float.
"""

import re
from collections.abc import Mapping
from typing import Any, Final

from gosellr.utils.money import EXPONENTS

# Those that PayPal's interface for payments takes. Its minor unit is ISO's, but for two that it
# counts as if they had none.
_TAKEN: Final = frozenset(
    {
        "AUD", "BRL", "CAD", "CHF", "CNY", "CZK", "DKK", "EUR", "GBP", "HKD", "HUF", "ILS", "JPY",
        "MXN", "MYR", "NOK", "NZD", "PHP", "PLN", "SEK", "SGD", "THB", "TWD", "USD",
    }
)  # fmt: skip
_WITHOUT_DECIMALS: Final = frozenset({"HUF", "JPY", "TWD"})
# PayPal takes no more than fifteen digits before the point; ours is the narrower bound.
_FORM: Final = re.compile(r"(-?)([0-9]{1,15})(?:\.([0-9]{1,4}))?")


class NotExpressible(ValueError):
    """PayPal has no number for this amount, or doesn't take this currency."""


def to_paypal(amount_minor: int, currency: str) -> str:
    """The string that stands on the wire: "12.50", "0.05", "1250" for JPY.

    Raises `NotExpressible`.
    """
    decimals = _decimals(currency)
    amount, rest = divmod(amount_minor, STEPS_MINOR[currency])
    if rest or amount_minor <= 0:
        raise NotExpressible(f"PayPal can't take {amount_minor} minor units of {currency}")
    if not decimals:
        return str(amount)
    whole, part = divmod(amount, 10**decimals)
    return f"{whole}.{part:0{decimals}d}"


def from_paypal(value: object, currency: str) -> int:
    """Our minor units of a string on the wire, not below zero. Raises `NotExpressible`."""
    found = _FORM.fullmatch(value) if isinstance(value, str) else None
    exponent = EXPONENTS.get(currency)
    if found is None or exponent is None:
        raise NotExpressible(f"{value!r} is no amount of {currency}")
    sign, whole, part = found[1], found[2], found[3] or ""
    # "10.00" of a currency without decimals is ten; "10.50" of it is nothing.
    kept, rest = part[:exponent], part[exponent:]
    amount_minor = int(whole + kept.ljust(exponent, "0"))
    if rest.strip("0") or (sign and amount_minor):
        raise NotExpressible(f"{value!r} is no amount of {currency}")
    return amount_minor


def to_money(amount_minor: int, currency: str) -> dict[str, str]:
    """The object in which payments and refunds carry it. Raises `NotExpressible`."""
    return {"currency_code": currency, "value": to_paypal(amount_minor, currency)}


def from_money(money: Any) -> tuple[int, str]:
    """Minor units and currency of such an object. Raises `NotExpressible`."""
    try:
        currency = money["currency_code"]
        return from_paypal(money["value"], currency), currency
    except (KeyError, TypeError):
        raise NotExpressible("no money that we can read") from None


def _decimals(currency: str) -> int:
    if currency not in _TAKEN:
        raise NotExpressible(f"PayPal takes no {currency}")
    return 0 if currency in _WITHOUT_DECIMALS else EXPONENTS[currency]


STEPS_MINOR: Final[Mapping[str, int]] = {
    currency: 10 ** (EXPONENTS[currency] - _decimals(currency)) for currency in sorted(_TAKEN)
}
"""The steps in which PayPal takes amounts, in our minor units; of the currencies it takes."""
