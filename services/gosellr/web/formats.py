"""How values read to a person on a page: counts, stars, the one stock word; the rest is shared."""

from decimal import Decimal
from functools import lru_cache
from typing import Literal

from babel.numbers import format_decimal

from gosellr.utils.lazy_dataclasses import dataclass
from gosellr.utils.spoken_values import (
    MINUS,
    NO_BREAK_SPACE,
    DateStyle,
    format_money,
    format_percent,
    format_when,
)

__all__ = [
    "LOW_STOCK_BELOW",
    "MINUS",
    "NO_BREAK_SPACE",
    "DateStyle",
    "StockWord",
    "format_count",
    "format_money",
    "format_percent",
    "format_rating",
    "format_when",
    "stock_word",
]

LOW_STOCK_BELOW = 5


@dataclass(frozen=True, slots=True)
class StockWord:
    """Exactly one of three states, so that a page never says "Only 0 left"."""

    kind: Literal["sold_out", "low", "in_stock"]
    left: int


def stock_word(available: int) -> StockWord:
    """Tell the state of so many pieces; anything below one is sold out."""
    if available <= 0:
        return StockWord("sold_out", 0)
    if available < LOW_STOCK_BELOW:
        return StockWord("low", available)
    return StockWord("in_stock", available)


@lru_cache(maxsize=20_000)
def format_count(value: int, *, locale: str = "en_IE") -> str:
    """Write a whole number with the locale's grouping: 4,310."""
    return format_decimal(value, locale=locale).replace("-", MINUS)


@lru_cache(maxsize=1_000)
def format_rating(average: Decimal, *, locale: str = "en_IE") -> str:
    """Write an average of stars with one decimal: 4.5."""
    return format_decimal(average, format="0.0", locale=locale)
