"""Money, dates and the stock word, as people read them."""

from datetime import UTC, date, datetime
from decimal import Decimal

import pytest

from gosellr.web.formats import (
    format_count,
    format_money,
    format_percent,
    format_rating,
    format_when,
    stock_word,
)

NO_BREAK = "\N{NO-BREAK SPACE}"


@pytest.mark.parametrize(
    ("amount_minor", "currency", "locale", "explicit", "expected"),
    [
        (4900, "EUR", "en_IE", False, "€49.00"),
        (1_234_567, "EUR", "en_IE", False, "€12,345.67"),
        (13890, "EUR", "en_IE", True, f"€138.90{NO_BREAK}EUR"),
        (-500, "EUR", "en_IE", False, "−€5.00"),
        (1, "EUR", "de_DE", False, f"0,01{NO_BREAK}€"),
        (1500, "JPY", "en_US", False, "¥1,500"),
        (1500, "KWD", "en_US", False, f"KWD{NO_BREAK}1.500"),
        (1500, "KWD", "en_US", True, f"KWD{NO_BREAK}1.500"),
        (12_345, "IQD", "en_US", False, f"IQD{NO_BREAK}12.345"),
        (0, "USD", "en_US", False, "$0.00"),
    ],
)
def test_money_has_its_currency_s_decimals_and_a_true_minus(
    amount_minor: int, currency: str, locale: str, explicit: bool, expected: str
) -> None:
    assert format_money(amount_minor, currency, locale=locale, explicit=explicit) == expected


def test_a_moment_is_told_in_the_market_s_time_zone() -> None:
    moment = datetime(2026, 11, 21, 23, 4, tzinfo=UTC)
    assert format_when(moment, "full") == "21 Nov 2026, 23:04"
    assert format_when(moment, "full", timezone="Europe/Berlin") == "22 Nov 2026, 00:04"
    assert format_when(moment, "moment") == "21 Nov, 23:04"
    assert format_when(date(2026, 11, 21)) == "21 Nov 2026"
    assert format_when(date(2026, 11, 21), "month") == "Nov 2026"
    with pytest.raises(ValueError, match="time zone"):
        format_when(moment.replace(tzinfo=None))


@pytest.mark.parametrize(
    ("available", "kind", "left"),
    [(-1, "sold_out", 0), (0, "sold_out", 0), (1, "low", 1), (4, "low", 4), (5, "in_stock", 5)],
)
def test_exactly_one_stock_word(available: int, kind: str, left: int) -> None:
    word = stock_word(available)
    assert (word.kind, word.left) == (kind, left)


def test_counts_ratings_and_percent() -> None:
    assert format_count(4310) == "4,310"
    assert format_rating(Decimal("4.46")) == "4.5"
    assert format_percent(-1600) == "−16%"
    assert format_percent(250) == "2.5%"
