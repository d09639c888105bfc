"""Sales by the day: days are those of the shop's own clock, never those of UTC."""

import re
from calendar import monthrange
from collections.abc import Iterable, Iterator
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from gosellr.utils.lazy_dataclasses import dataclass

_MONTH = re.compile(r"([0-9]{4})-([0-9]{2})")


class UnknownZone(ValueError):
    """A text is not the name of a time zone in the IANA database."""


@dataclass(frozen=True, slots=True)
class Period:
    """The days from the first through the last, both included."""

    first_day: date
    last_day: date

    def __post_init__(self) -> None:
        """Refuse a period that ends before it begins."""
        if self.last_day < self.first_day:
            raise ValueError("a period ends on its first day or later")

    def __len__(self) -> int:
        """Return the number of days."""
        return (self.last_day - self.first_day).days + 1

    def __iter__(self) -> Iterator[date]:
        """Go through the days in order."""
        return (self.first_day + timedelta(days=offset) for offset in range(len(self)))

    def __contains__(self, day: date) -> bool:
        """Tell whether the day lies in the period."""
        return self.first_day <= day <= self.last_day

    def previous(self) -> "Period":
        """Return the period of the same length that ends the day before."""
        length = timedelta(days=len(self))
        return Period(self.first_day - length, self.last_day - length)


@dataclass(frozen=True, slots=True)
class Sale:
    """One amount at one instant (time-zone aware); all sales of a report share a currency."""

    at: datetime
    amount_minor: int


@dataclass(frozen=True, slots=True)
class DayTotal:
    """What one local day adds up to."""

    day: date
    count: int
    amount_minor: int


def zone_named(name: str) -> ZoneInfo:
    """Return the time zone of an IANA name such as `Pacific/Auckland`. Raises UnknownZone."""
    try:
        return ZoneInfo(name)
    # A missing name is a KeyError, a bad path a ValueError, and a folder of zones an OSError.
    except (KeyError, ValueError, OSError):
        raise UnknownZone(f"not a time zone: {name!r}") from None


def local_day(at: datetime, zone: ZoneInfo) -> date:
    """Return the day on the shop's calendar at an instant. ValueError without a time zone."""
    if at.utcoffset() is None:
        raise ValueError("an instant needs a time zone")
    return at.astimezone(zone).date()


def day_bounds(day: date, zone: ZoneInfo) -> tuple[datetime, datetime]:
    """Return the instants, in UTC, at which a local day begins and at which the next one does.

    A day has 23 or 25 hours where clocks change, and none at all where a country skipped it.
    Where the clock skips midnight, the day begins with the change.
    """
    return _first_instant(day, zone), _first_instant(day + timedelta(days=1), zone)


def period_bounds(period: Period, zone: ZoneInfo) -> tuple[datetime, datetime]:
    """Return the instants in UTC from which (included) until which (excluded) a period lasts."""
    return _first_instant(period.first_day, zone), day_bounds(period.last_day, zone)[1]


def daily_totals(sales: Iterable[Sale], *, period: Period, zone: ZoneInfo) -> list[DayTotal]:
    """Return every day of the period with its count and sum; days without a sale are zero.

    Sales outside of the period are left out; each other is counted on exactly one day, so the
    days add up to the sales.
    """
    counts = dict.fromkeys(period, 0)
    amounts = dict.fromkeys(period, 0)
    for sale in sales:
        day = local_day(sale.at, zone)
        if day in counts:
            counts[day] += 1
            amounts[day] += sale.amount_minor
    return [DayTotal(day, counts[day], amounts[day]) for day in period]


def change_bps(*, current: int, previous: int) -> int | None:
    """Return the change from a previous figure in basis points, half away from zero.

    None when there is nothing to compare with (previous 0). A negative previous figure counts
    by its size, so that a positive change always means more.
    """
    if previous == 0:
        return None
    change = (current - previous) * 10_000
    size = (2 * abs(change) + abs(previous)) // (2 * abs(previous))
    return size if change >= 0 else -size


def trailing_days(*, last_day: date, days: int) -> Period:
    """Return the period of so many days that ends on `last_day`."""
    return Period(last_day - timedelta(days=days - 1), last_day)


def month_of(day: date) -> Period:
    """Return the calendar month that a day lies in."""
    return Period(day.replace(day=1), day.replace(day=monthrange(day.year, day.month)[1]))


def parse_month(text: str) -> Period:
    """Return the calendar month written as `2026-03`. Raises ValueError."""
    match = _MONTH.fullmatch(text)
    if not match:
        raise ValueError("a month looks like 2026-03")
    return month_of(date(int(match[1]), int(match[2]), 1))


def _first_instant(day: date, zone: ZoneInfo) -> datetime:
    # Of a midnight that the clock shows twice, fold 0 is the first. One that it skips is read
    # with the offset before the change, which is the very instant of the change.
    return datetime.combine(day, time.min, tzinfo=zone).astimezone(UTC)
