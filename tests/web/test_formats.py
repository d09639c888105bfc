"""Money, dates and the stock word, as people read them."""

from datetime import UTC, date, datetime
from decimal import Decimal
from uuid import UUID

import pytest

from gosellr.flows.bank_transfers import TakenStatement
from gosellr.models.balance_values import KeptPlan
from gosellr.models.reconciliation_values import ImportedStatement
from gosellr.utils.recovery import PlanKind, RecoveryPlan
from gosellr.web import forms
from gosellr.web.binding import balances, reconciliation
from gosellr.web.formats import (
    format_count,
    format_money,
    format_percent,
    format_rating,
    format_when,
    stock_word,
)
from gosellr.web.views import FormView

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


@pytest.mark.parametrize("currency", ["EUR", "JPY", "KWD"])
def test_an_amount_that_is_given_as_an_example_can_be_typed(currency: str) -> None:
    typed = FormView({"amount": "a lot", "currency": currency})
    told, money = forms.money_of(typed)
    assert money is None
    example = told.error("amount").rpartition(" ")[2]
    assert example == {"EUR": "25.00", "JPY": "25", "KWD": "25.000"}[currency]
    _, money = forms.money_of(FormView({"amount": example, "currency": currency}))
    assert money is not None


def test_one_of_a_thing_is_told_in_the_singular() -> None:
    someone, at = UUID(int=1), datetime(2026, 3, 1, tzinfo=UTC)
    for every_days, words in ((1, "€10.00 every day"), (2, "€10.00 every 2 days")):
        terms = RecoveryPlan(
            id=someone,
            kind=PlanKind.INSTALMENTS,
            starts_at=at,
            instalment_minor=1000,
            every_days=every_days,
        )
        kept = KeptPlan(
            plan=terms,
            seller_id=someone,
            currency="EUR",
            note="",
            ended_at=None,
            end_reason=None,
            created_by=None,
            created_at=at,
        )
        assert balances.plan(kept, now=at).facts[0].value == words
    for count, words in (
        (1, "1 movement read, 1 of them new. 0 matched, 1 waits to be explained."),
        (2, "2 movements read, 2 of them new. 0 matched, 2 wait to be explained."),
    ):
        taken = ImportedStatement(
            id=someone, gateway="sandbox", movements=count, known=0, matched=0, waiting=count
        )
        assert reconciliation.report_words(taken) == words
    for count, words in (
        (0, "0 wait in suspense; 0 lines of money that left are passed over."),
        (1, "0 wait in suspense; 1 line of money that left is passed over. 1 was reversed by the"),
        (2, "0 wait in suspense; 2 lines of money that left are passed over. 2 were reversed by"),
    ):
        statement = TakenStatement(taken=(), skipped_count=count, reversed_count=count)
        assert words in reconciliation.statement_words(statement)
