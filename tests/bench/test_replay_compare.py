"""Comparing and reporting: nothing but equality passes."""

import asyncio
import json
from dataclasses import replace
from pathlib import Path

import pytest

from bench.replay.compare import Comparison, compare
from bench.replay.crowd import each
from bench.replay.figures import CrossCheck, add_up
from bench.replay.market import MarketError, market_environment, refuse_shared_database
from bench.replay.observe import expected_books, kinds_of
from bench.replay.payments import Part
from bench.replay.plan import make_plan
from bench.replay.play import Failure, Played
from bench.replay.report import Report, document
from bench.replay.source import read_orders
from tests.bench.replay_data import write_stream


@pytest.fixture
def report(tmp_path: Path) -> Report:
    """The report of a replay in which everything went well."""
    orders = read_orders(write_stream(tmp_path))
    plan = make_plan(orders)
    expected = add_up(orders)
    actual = expected.copy()
    actual.subtract(plan.unexpressed)
    return Report(
        data="data",
        catalogue="catalogue",
        limit=None,
        plan=plan,
        cross_check=CrossCheck(is_present=False, covers_all=True, compared=0, disagreements=()),
        data_figures=compare(expected=expected, unexpressed=plan.unexpressed, actual=actual),
        book_figures=compare(
            expected=expected_books(plan), unexpressed={}, actual=expected_books(plan)
        ),
        played={
            order.id: Played(order_id=f"id-{order.id}", reviewed=True) for order in plan.orders
        },
        price_moves=plan.price_moves,
        audit_exit_code=0,
        durations={"boot": 5.0, "play": 4.0, "compare": 1.0},
    )


def test_every_figure_that_any_side_knows_is_compared() -> None:
    figures = compare(
        expected={"orders": 5, "items": 7},
        unexpressed={"orders": 1, "reviews": 2},
        actual={"orders": 4, "payments": 1},
    )
    assert [(figure.name, figure.difference) for figure in figures] == [
        ("items", -7),
        ("orders", 0),
        ("payments", 1),
        ("reviews", 2),
    ]


def test_a_replay_without_a_difference_is_equal(report: Report) -> None:
    assert report.is_equal
    assert report.rates == {"orders_per_second": 2.0, "requests_per_second": 0.0}


def spoil(report: Report, what: str) -> None:
    match what:
        case "figure":
            first, *others = report.data_figures
            report.data_figures = (replace(first, actual=first.actual + 1), *others)
        case "book":
            stray = Comparison(name="tax_cents", expected=0, unexpressed=0, actual=1)
            report.book_figures = (*report.book_figures, stray)
        case "nothing compared":
            report.data_figures = ()
        case "expected.json":
            wrong = (("orders", "1", "2"),)
            report.cross_check = replace(report.cross_check, disagreements=wrong)
        case "failure":
            report.failures.append(Failure(order_id="o1", step="place", problem="409"))
        case "mismatch":
            report.observed.mismatches.append("o1: status is paid, not shipped")
        case "price moves":
            report.price_moves -= 1
        case "audit":
            report.audit_exit_code = 1
        case "no audit":
            report.audit_exit_code = None


@pytest.mark.parametrize(
    "what",
    [
        "figure",
        "book",
        "nothing compared",
        "expected.json",
        "failure",
        "mismatch",
        "price moves",
        "audit",
        "no audit",
    ],
)
def test_any_single_flaw_makes_it_unequal(report: Report, what: str) -> None:
    spoil(report, what)
    assert not report.is_equal
    assert document(report)["equal"] is False


def test_the_report_is_json_and_lists_what_was_left_out(report: Report) -> None:
    text = json.loads(json.dumps(document(report)))
    assert text["equal"] is True
    assert text["unexpressed"]["order without goods: can't be placed"] == {
        "count": 1,
        "orders": [{"order": "o8", "detail": "unavailable, paid 5000"}],
    }
    assert text["orders"]["o1"] == {"date": "2021-03-01T09:30:00+00:00", "order_id": "id-o1"}
    figures = {figure["name"]: figure for figure in text["figures"]}
    assert figures["orders"] == {
        "name": "orders",
        "expected": 9,
        "unexpressed": 1,
        "actual": 8,
        "difference": 0,
    }
    assert text["status_map"]["delivered"] == "delivered"


def test_the_books_expect_what_was_paid_and_not_given_back(report: Report) -> None:
    books = expected_books(report.plan)
    # o3 and o6 are never paid; o4 and o5 get everything back.
    assert books["total_cents"] == 18964 + 2400
    assert books["captured_cents"] == 18964 + 2400 - 805 - 1500
    assert books["refunded_cents"] == 10000 + 1650
    # A tenth of the goods is the market's, rounded half up by line: 1.00 and 2.50; 0.71 twice.
    assert books["ledger_seller_cents.s1"] == 1200 + 2500 + 610 - 350
    assert books["ledger_seller_cents.s2"] == 705 + 190 + 805 - 142
    assert books["ledger_seller_cents.s3"] == 1399 - 100
    march = {
        name.rpartition(".")[2]: value
        for name, value in books.items()
        if name.startswith("seller_month_cents.s2.2021-03.")
    }
    # o2's lamp, and o4, whose 100.00 came back with the 10.00 of commission.
    assert march == {"sales": 895 + 10_000, "refunds": 10_000, "fees": 71, "net": 895 - 71}
    assert books["tender_cents.gift_card.paid"] == books["gift_card_cents.issued"] == 1400
    assert books["tender_cents.sandbox.paid"] == books["captured_cents"] - 1400
    assert books["tender_cents.sandbox.refunded"] == 11_650 - 400
    assert books["gift_card_cents.left"] == 400
    assert books["line_reviews"] == 2
    assert books["line_review_scores"] == 10


def test_payments_are_told_apart_by_method_and_amount() -> None:
    planned = (
        Part(kind="credit_card", amount_minor=1000),
        Part(kind="voucher", amount_minor=1000, by_gift_card=True),
    )
    paid = [("gift_card", 1000), ("sandbox", 1000)]
    assert kinds_of(planned, paid) == [("voucher", 1000), ("credit_card", 1000)]
    assert kinds_of(planned, paid[:1] * 2) == [("voucher", 1000), ("unplanned", 1000)]


async def test_work_begins_in_sequence_and_overlaps() -> None:
    begun: list[int] = []
    gate = asyncio.Event()

    async def work(number: int) -> None:
        begun.append(number)
        if number == 2:
            gate.set()
        # The first two can end only because the third one runs beside them.
        await gate.wait()

    await each(range(10), work, workers=3)
    assert begun == list(range(10))


async def test_one_failure_ends_all_work() -> None:
    async def work(number: int) -> None:
        if number == 1:
            raise MarketError("gone")
        await asyncio.Event().wait()

    with pytest.raises(MarketError, match="gone"):
        await each(range(3), work, workers=3)


def test_settings_of_the_caller_dont_reach_the_market(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GOSELLR_DATABASE_URL", "postgresql://someone@else/shop")
    monkeypatch.setenv("GOSELLR_PRODUCT_REVIEW", "all")
    environment = market_environment(tmp_path, port=4321, currency="BRL")
    assert "GOSELLR_DATABASE_URL" not in environment
    assert environment["GOSELLR_PRODUCT_REVIEW"] == "off"
    assert environment["GOSELLR_HOME"] == str(tmp_path)
    assert environment["GOSELLR_PORT"] == "4321"


def test_a_database_named_in_the_settings_file_is_refused(tmp_path: Path) -> None:
    refuse_shared_database(tmp_path / "absent")
    settings = tmp_path / ".env"
    settings.write_text("GOSELLR_PORT=4004\nGOSELLR_DATABASE_URL=\n")
    refuse_shared_database(settings)
    settings.write_text("GOSELLR_DATABASE_URL = 'postgresql://someone@else/shop'\n")
    with pytest.raises(MarketError, match="GOSELLR_DATABASE_URL"):
        refuse_shared_database(settings)
