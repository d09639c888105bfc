"""Days on which euros move between banks: those on which TARGET, the Eurosystem's payment system,
is open.

It is closed on Saturdays and Sundays, on 1 January, Good Friday, Easter Monday, 1 May, 25 and 26
December, in every year and in every country of it alike.
"""

from datetime import date, timedelta
from functools import lru_cache
from typing import Final

_CLOSED_EACH_YEAR: Final = ((1, 1), (5, 1), (12, 25), (12, 26))
_SATURDAY: Final = 5


def easter_sunday(year: int) -> date:
    """Easter by the Gregorian calendar: the anonymous algorithm of "Nature" (1876), as in Jean
    Meeus, "Astronomical Algorithms", chapter 8. The names are those of the book."""
    a = year % 19
    b, c = divmod(year, 100)
    d, e = divmod(b, 4)
    f = (b + 8) // 25
    g = (b - f + 1) // 3
    h = (19 * a + b - d - g + 15) % 30
    i, k = divmod(c, 4)
    l = (32 + 2 * e + 2 * i - h - k) % 7  # noqa: E741 - its name in the book
    m = (a + 11 * h + 22 * l) // 451
    month, day = divmod(h + l - 7 * m + 114, 31)
    return date(year, month, day + 1)


@lru_cache(maxsize=16)
def closing_days(year: int) -> frozenset[date]:
    """The days of a year on which TARGET is closed, beside its Saturdays and Sundays."""
    easter = easter_sunday(year)
    good_friday, easter_monday = easter - timedelta(days=2), easter + timedelta(days=1)
    fixed = (date(year, month, day) for month, day in _CLOSED_EACH_YEAR)
    return frozenset({good_friday, easter_monday, *fixed})


def is_banking_day(day: date) -> bool:
    """Whether banks settle on this day."""
    return day.weekday() < _SATURDAY and day not in closing_days(day.year)


def banking_day_from(day: date) -> date:
    """The day itself, or the first one after it on which banks settle."""
    while not is_banking_day(day):
        day += timedelta(days=1)
    return day
