"""How values are written for people, in any language: money, dates, percent."""

import copy
import re
from datetime import date, datetime, tzinfo
from decimal import Decimal
from functools import lru_cache
from typing import Literal

from babel import Locale
from babel.dates import format_skeleton, format_time, get_timezone
from babel.numbers import format_percent as babel_percent

from gosellr.utils.money import exponent

MINUS = "\N{MINUS SIGN}"
NO_BREAK_SPACE = "\N{NO-BREAK SPACE}"
# CLDR sets a currency written in letters apart from the digits (UTS 35, currency spacing).
_LETTER_NEXT_TO_DIGIT = re.compile(r"(?<=[^\W\d_])(?=\d)|(?<=\d)(?=[^\W\d_])")

DateStyle = Literal["date", "day", "moment", "full", "month"]
_SKELETONS: dict[DateStyle, str] = {
    "date": "yMMMd",
    "day": "MMMEd",
    "moment": "MMMd",
    "full": "yMMMd",
    "month": "yMMM",
}
_WITH_TIME: frozenset[DateStyle] = frozenset({"moment", "full"})


@lru_cache(maxsize=50_000)
def format_money(
    amount_minor: int, currency: str, *, locale: str = "en_IE", explicit: bool = False
) -> str:
    """Write minor units as money, with a true minus sign (U+2212).

    The explicit form adds the currency's code and belongs to totals: €12.50 EUR. The number of
    decimals is the currency's own (JPY 0, EUR 2, KWD 3). Raises `UnknownCurrency`.
    """
    language = Locale.parse(locale)
    decimals = exponent(currency)
    pattern = copy.copy(language.currency_formats["standard"])
    pattern.frac_prec = (decimals, decimals)
    value = Decimal(amount_minor).scaleb(-decimals)
    text: str = pattern.apply(value, language, currency=currency, currency_digits=False)
    text = _LETTER_NEXT_TO_DIGIT.sub(NO_BREAK_SPACE, text.replace("-", MINUS))
    if explicit and currency not in text:
        text = f"{text}{NO_BREAK_SPACE}{currency}"
    return text


def format_when(
    value: date, style: DateStyle = "date", *, locale: str = "en_IE", timezone: str = "UTC"
) -> str:
    """Write a day or a moment.

    Styles: `date` 21 Nov 2026, `day` Sat 21 Nov, `moment` 21 Nov, 18:04, `full` 21 Nov 2026,
    18:04, `month` Nov 2026. A moment must be timezone-aware (ValueError) and is told in
    `timezone`; a plain date has no time to tell.
    """
    if not isinstance(value, datetime):
        return _told(value, style, locale)
    if value.tzinfo is None:
        raise ValueError("a moment without a time zone can't be told to anybody")
    local = value.astimezone(_zone(timezone))
    return _told(local.replace(second=0, microsecond=0, tzinfo=None), style, locale)


@lru_cache(maxsize=10_000)
def _told(local: date, style: DateStyle, locale: str) -> str:
    """A day, or a minute of some clock on a wall: what happens now is told many times."""
    language = Locale.parse(locale)
    day = format_skeleton(_SKELETONS[style], local, locale=language)
    if not isinstance(local, datetime) or style not in _WITH_TIME:
        return day
    clock = format_time(local, "short", locale=language)
    glue = str(language.datetime_formats["medium"])
    return glue.replace("{1}", day).replace("{0}", clock)


@lru_cache(maxsize=64)
def _zone(name: str) -> tzinfo:
    return get_timezone(name)


def format_percent(basis_points: int, *, locale: str = "en_IE") -> str:
    """Write basis points as percent, with decimals only where there are any: −17%, 2.5%."""
    text = babel_percent(Decimal(basis_points) / 10_000, format="#,##0.##%", locale=locale)
    return text.replace("-", MINUS)
