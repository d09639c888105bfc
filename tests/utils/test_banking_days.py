"""The days on which TARGET is closed."""

from datetime import date, timedelta

import pytest

from gosellr.utils.banking_days import (
    banking_day_from,
    closing_days,
    easter_sunday,
    is_banking_day,
)


@pytest.mark.parametrize(
    "told",
    [
        # The earliest and the latest there can be, and both sides of the algorithm's exceptions.
        "1818-03-22", "1943-04-25", "1954-04-18", "1981-04-19", "2038-04-25", "2285-03-22",
        "2000-04-23", "2008-03-23", "2011-04-24", "2019-04-21", "2024-03-31", "2025-04-20",
        "2026-04-05", "2027-03-28", "2028-04-16", "2049-04-18", "2076-04-19",
    ],
)  # fmt: skip
def test_easter(told: str) -> None:
    easter = date.fromisoformat(told)
    assert easter_sunday(easter.year) == easter


def test_easter_is_a_sunday_in_spring() -> None:
    for year in range(1900, 2300):
        easter = easter_sunday(year)
        assert easter.isoweekday() == 7
        assert date(year, 3, 22) <= easter <= date(year, 4, 25)


def test_target_closes_on_six_days_of_a_year() -> None:
    assert sorted(closing_days(2026)) == [
        date(2026, 1, 1), date(2026, 4, 3), date(2026, 4, 6), date(2026, 5, 1),
        date(2026, 12, 25), date(2026, 12, 26),
    ]  # fmt: skip


def test_the_next_open_day_is_the_first_and_never_far() -> None:
    day = date(2020, 1, 1)
    while day.year < 2031:
        found = banking_day_from(day)
        assert is_banking_day(found)
        assert timedelta(0) <= found - day <= timedelta(days=4)
        between = (day + timedelta(days=passed) for passed in range((found - day).days))
        assert not any(is_banking_day(one) for one in between)
        day += timedelta(days=1)
