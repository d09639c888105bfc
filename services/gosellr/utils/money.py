"""Money as whole minor units of an ISO 4217 currency, and the few divisions it may undergo.

Nothing here knows a float. Rates are basis points (1/100 of a percent), every division rounds
half up, and whatever is divided among several is divided by `split`, so that parts sum to the
whole.
"""

import re
from collections.abc import Sequence
from typing import Final

from gosellr.utils.lazy_dataclasses import dataclass

BPS: Final = 10_000
MAX_AMOUNT_MINOR: Final = 10**15
"""The largest amount anywhere: far below BIGINT, so that sums of a whole market still fit."""
MAX_SUM_MINOR: Final = 2**63 - 1
"""The largest sum of amounts: what a BIGINT holds."""


class UnknownCurrency(ValueError):
    """The code is no ISO 4217 currency that has a minor unit."""


class CurrencyMismatch(ValueError):
    """Two amounts of different currencies met; there is no conversion."""


class InvalidAmount(ValueError):
    """The value is no whole number of minor units, or no plain decimal of its currency."""


class AmountOutOfBounds(InvalidAmount):
    """The amount is negative where it may not be, or larger than it may be."""


# ISO 4217, active codes by number of decimals. Metals, bond units, test codes and the SDR have
# no minor unit and are no money to be paid with: they stay out.
_CODES_BY_EXPONENT: Final = {
    0: "BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX UYI VND VUV XAF XOF XPF",
    2: (
        "AED AFN ALL AMD ANG AOA ARS AUD AWG AZN BAM BBD BDT BGN BMD BND BOB BOV BRL BSD BTN BWP"
        " BYN BZD CAD CDF CHE CHF CHW CNY COP COU CRC CUP CVE CZK DKK DOP DZD EGP ERN ETB EUR FJD"
        " FKP GBP GEL GHS GIP GMD GTQ GYD HKD HNL HTG HUF IDR ILS INR IRR JMD KES KGS KHR KPW KYD"
        " KZT LAK LBP LKR LRD LSL MAD MDL MGA MKD MMK MNT MOP MRU MUR MVR MWK MXN MXV MYR MZN NAD"
        " NGN NIO NOK NPR NZD PAB PEN PGK PHP PKR PLN QAR RON RSD RUB SAR SBD SCR SDG SEK SGD SHP"
        " SLE SOS SRD SSP STN SVC SYP SZL THB TJS TMT TOP TRY TTD TWD TZS UAH USD USN UYU UZS VED"
        " VES WST XCD XCG YER ZAR ZMW ZWG"
    ),
    3: "BHD IQD JOD KWD LYD OMR TND",
    4: "CLF UYW",
}
EXPONENTS: Final[dict[str, int]] = {
    code: decimals for decimals, codes in _CODES_BY_EXPONENT.items() for code in codes.split()
}


def exponent(currency: str) -> int:
    """How many decimals the currency has: JPY 0, USD 2, KWD 3. Raises `UnknownCurrency`."""
    try:
        return EXPONENTS[currency]
    except (KeyError, TypeError):
        raise UnknownCurrency(f"{currency!r} is not an ISO 4217 currency") from None


def checked_minor(value: int, *, name: str = "amount") -> int:
    """The value itself, if it is a whole number from 0 to `MAX_AMOUNT_MINOR`.

    Raises `InvalidAmount` for anything but an integer (a boolean is none), `AmountOutOfBounds`
    beyond the bounds.
    """
    # Values may come from JSON, where nothing has looked at the annotation.
    if type(value) is not int:
        raise InvalidAmount(f"{name} must be a whole number of minor units, not {value!r}")
    if not 0 <= value <= MAX_AMOUNT_MINOR:
        raise AmountOutOfBounds(f"{name} must be from 0 to {MAX_AMOUNT_MINOR}, not {value}")
    return value


@dataclass(frozen=True, slots=True)
class Money:
    """An amount in minor units with its currency; negative amounts are balances and differences.

    It may be a sum of many amounts, up to `MAX_SUM_MINOR`: who takes a single one bounds it.

    Raises `InvalidAmount`, `AmountOutOfBounds` or `UnknownCurrency` when it is built wrongly.
    """

    amount: int
    currency: str

    def __post_init__(self) -> None:
        if type(self.amount) is not int:
            raise InvalidAmount(f"amount must be a whole number, not {self.amount!r}")
        if not -MAX_SUM_MINOR <= self.amount <= MAX_SUM_MINOR:
            raise AmountOutOfBounds(f"amount {self.amount} is beyond {MAX_SUM_MINOR}")
        # A purchase is told in a hundred of these: only what isn't plainly known is looked at.
        if type(self.currency) is not str or self.currency not in EXPONENTS:
            exponent(self.currency)

    def __add__(self, other: "Money") -> "Money":
        return Money(self.amount + self._same_currency(other).amount, self.currency)

    def __sub__(self, other: "Money") -> "Money":
        return Money(self.amount - self._same_currency(other).amount, self.currency)

    def __str__(self) -> str:
        return f"{to_decimal_string(self.amount, self.currency)} {self.currency}"

    def _same_currency(self, other: "Money") -> "Money":
        if other.currency != self.currency:
            raise CurrencyMismatch(f"{self.currency} and {other.currency} don't add up")
        return other

    def as_dict(self) -> dict[str, int | str]:
        """The shape money has at every door."""
        return {"amount": self.amount, "currency": self.currency}


def share(amount: int, numerator: int, denominator: int) -> int:
    """`amount × numerator / denominator`, rounded half up; all three non-negative integers.

    Raises ValueError for a negative operand or a denominator of zero.
    """
    if amount < 0 or numerator < 0 or denominator <= 0:
        raise ValueError(f"no share {numerator}/{denominator} of {amount}")
    return (2 * amount * numerator + denominator) // (2 * denominator)


def bps_half_up(amount: int, bps: int) -> int:
    """So many basis points of an amount, rounded half up."""
    return share(amount, bps, BPS)


def split(total_minor: int, weights: Sequence[int]) -> list[int]:
    """Divide a total by weights so that the parts sum to it exactly (largest remainder, Hamilton).

    Each part gets its whole share, the minor units left over go one each to the largest
    remainders, ties to the earlier. Weights that are all zero share evenly. While the total
    doesn't exceed the sum of the weights, no part exceeds its weight.
    Raises ValueError for a negative total or weight, and for a total without anyone to take it.
    """
    if total_minor < 0 or any(weight < 0 for weight in weights):
        raise ValueError("neither the total nor a weight may be negative")
    if not weights:
        if total_minor:
            raise ValueError(f"nobody to take {total_minor}")
        return []
    if not any(weights):
        weights = [1] * len(weights)
    whole = sum(weights)
    parts = [total_minor * weight // whole for weight in weights]
    left_over = total_minor - sum(parts)
    by_remainder = sorted(
        range(len(weights)), key=lambda index: (-(total_minor * weights[index] % whole), index)
    )
    for index in by_remainder[:left_over]:
        parts[index] += 1
    return parts


_DECIMAL: Final = re.compile(r"(-?)(0|[1-9][0-9]{0,17})(?:\.([0-9]{1,9}))?", re.ASCII)


def parse_decimal(text: str, currency: str) -> int:
    """Minor units of a plain decimal in major units: "12.50" USD is 1250, "80" JPY is 80.

    Strict: no exponent, thousands separator, leading zero, plus sign or blank, and no more
    decimals than the currency has. Raises `InvalidAmount`, `AmountOutOfBounds`, `UnknownCurrency`.
    """
    decimals = exponent(currency)
    match = _DECIMAL.fullmatch(text)
    if match is None:
        raise InvalidAmount(f"{text!r} is not a plain decimal amount")
    sign, whole, fraction = match.group(1), match.group(2), match.group(3) or ""
    if len(fraction) > decimals:
        raise InvalidAmount(f"{text!r} has more than the {decimals} decimals of {currency}")
    amount = int(whole + fraction.ljust(decimals, "0"))
    if amount > MAX_AMOUNT_MINOR:
        raise AmountOutOfBounds(f"{text!r} {currency} is beyond {MAX_AMOUNT_MINOR} minor units")
    return -amount if sign else amount


def to_decimal_string(minor: int, currency: str) -> str:
    """The plain decimal of an amount, with exactly the decimals of its currency: 1250 is "12.50".

    The inverse of `parse_decimal`; for people there is a localised format elsewhere.
    """
    decimals = exponent(currency)
    sign, digits = ("-" if minor < 0 else ""), str(abs(minor)).rjust(decimals + 1, "0")
    if not decimals:
        return sign + digits
    return f"{sign}{digits[:-decimals]}.{digits[-decimals:]}"
