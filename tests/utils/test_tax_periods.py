"""Months and quarters that tax is told for."""

from datetime import UTC, datetime

import pytest

from gosellr.utils.tax_periods import InvalidTaxPeriod, parse_tax_period, quarter_of


@pytest.mark.parametrize(
    ("name", "since", "until"),
    [
        ("2026-01", (2026, 1), (2026, 2)),
        ("2026-12", (2026, 12), (2027, 1)),
        ("2026-Q1", (2026, 1), (2026, 4)),
        ("2026-Q4", (2026, 10), (2027, 1)),
    ],
)
def test_a_period_ends_where_the_next_begins(
    name: str, since: tuple[int, int], until: tuple[int, int]
) -> None:
    period = parse_tax_period(name)
    assert period.name == name
    assert period.since == datetime(*since, 1, tzinfo=UTC)
    assert period.until == datetime(*until, 1, tzinfo=UTC)


@pytest.mark.parametrize(
    "text", ["", "2026", "2026-13", "2026-00", "2026-Q5", "2026-Q0", "1999-Q1", "2026-q1",
             "2026-Q1 ", "2026-Q1\n", "٢٠٢٦-Q1"],
)  # fmt: skip
def test_anything_else_is_none(text: str) -> None:
    with pytest.raises(InvalidTaxPeriod):
        parse_tax_period(text)


def test_every_month_is_in_its_quarter() -> None:
    found = [quarter_of(datetime(2026, month, 28, tzinfo=UTC)) for month in range(1, 13)]
    assert found == [f"2026-Q{number}" for number in (1, 1, 1, 2, 2, 2, 3, 3, 3, 4, 4, 4)]
