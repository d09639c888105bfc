from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gosellr.utils.analytics import (
    DayTotal,
    Period,
    Sale,
    UnknownZone,
    change_bps,
    daily_totals,
    day_bounds,
    local_day,
    month_of,
    parse_month,
    period_bounds,
    trailing_days,
    zone_named,
)

ZONES = [
    "UTC",
    "Europe/Berlin",
    "America/New_York",
    "America/Santiago",
    "Africa/Cairo",
    "Asia/Kathmandu",
    "Australia/Lord_Howe",
    "Pacific/Auckland",
    "Pacific/Kiritimati",
    "Pacific/Pago_Pago",
]
HOUR = timedelta(hours=1)


@pytest.mark.case(71)
@pytest.mark.parametrize("name", ZONES)
def test_case_71_orders_around_midnight_fall_in_their_local_day(name: str) -> None:
    zone = zone_named(name)
    for day in Period(date(2026, 1, 1), date(2026, 12, 31)):
        late = datetime(day.year, day.month, day.day, 23, 30, tzinfo=zone)
        # 00:30 may not exist where clocks skip midnight; an hour later it does everywhere.
        early = datetime(day.year, day.month, day.day, 1, 30, tzinfo=zone)
        start, end = day_bounds(day, zone)
        for instant in (late.astimezone(UTC), early.astimezone(UTC)):
            assert local_day(instant, zone) == day
            assert start <= instant < end


@pytest.mark.case(71)
@pytest.mark.parametrize(
    ("name", "instant", "day"),
    [
        ("Pacific/Kiritimati", "2026-03-01T09:59:59+00:00", date(2026, 3, 1)),
        ("Pacific/Kiritimati", "2026-03-01T10:00:00+00:00", date(2026, 3, 2)),
        ("Pacific/Auckland", "2026-04-04T11:30:00+00:00", date(2026, 4, 5)),
        ("America/New_York", "2026-03-09T03:30:00+00:00", date(2026, 3, 8)),
        ("America/New_York", "2026-03-09T04:30:00+00:00", date(2026, 3, 9)),
    ],
)
def test_case_71_the_shop_clock_names_the_day(name: str, instant: str, day: date) -> None:
    assert local_day(datetime.fromisoformat(instant), zone_named(name)) == day


@pytest.mark.case(71)
@pytest.mark.parametrize(
    ("name", "day", "hours"),
    [
        ("Europe/Berlin", date(2026, 3, 29), 23),
        ("Europe/Berlin", date(2026, 10, 25), 25),
        ("Pacific/Auckland", date(2026, 4, 5), 25),
        ("Pacific/Auckland", date(2026, 9, 27), 23),
        ("Australia/Lord_Howe", date(2026, 4, 5), 24.5),
        # Chile's clocks skip midnight itself: the day begins at 01:00.
        ("America/Santiago", date(2026, 9, 6), 23),
        # Samoa jumped over the date line and never had this day.
        ("Pacific/Apia", date(2011, 12, 30), 0),
        ("Pacific/Apia", date(2011, 12, 31), 24),
    ],
)
def test_case_71_days_are_as_long_as_the_clock_makes_them(name, day, hours) -> None:
    start, end = day_bounds(day, zone_named(name))
    assert end - start == HOUR * hours
    assert day_bounds(day + timedelta(days=1), zone_named(name))[0] == end


# From a few days before the period of the report to a few days after it.
instants = st.integers(0, 250 * 24 * 60).map(
    lambda minutes: datetime(2026, 2, 27, tzinfo=UTC) + timedelta(minutes=minutes)
)
sales = st.lists(st.builds(Sale, instants, st.integers(-10_000, 10_000)), max_size=40)


@pytest.mark.case(71)
@given(found=sales, name=st.sampled_from(ZONES))
def test_case_71_the_days_add_up_to_the_sales(found: list[Sale], name: str) -> None:
    zone, period = zone_named(name), Period(date(2026, 3, 1), date(2026, 10, 31))
    days = daily_totals(found, period=period, zone=zone)
    assert [total.day for total in days] == list(period)
    start, end = period_bounds(period, zone)
    inside = [sale for sale in found if start <= sale.at < end]
    assert sum(total.count for total in days) == len(inside)
    assert sum(total.amount_minor for total in days) == sum(sale.amount_minor for sale in inside)
    for total in days:
        first, after = day_bounds(total.day, zone)
        amounts = [sale.amount_minor for sale in found if first <= sale.at < after]
        assert (total.count, total.amount_minor) == (len(amounts), sum(amounts))


def test_days_without_a_sale_are_zero() -> None:
    period = Period(date(2026, 3, 1), date(2026, 3, 2))
    sale = Sale(datetime(2026, 3, 1, 23, 30, tzinfo=UTC), 500)
    assert daily_totals([sale], period=period, zone=ZoneInfo("Europe/Berlin")) == [
        DayTotal(date(2026, 3, 1), 0, 0),
        DayTotal(date(2026, 3, 2), 1, 500),
    ]


def test_an_instant_needs_a_zone() -> None:
    with pytest.raises(ValueError, match="needs a time zone"):
        local_day(datetime(2026, 3, 1), ZoneInfo("UTC"))  # noqa: DTZ001 - the mistake under test


@pytest.mark.parametrize("name", ["", "Mars/Base", "../etc/passwd", "America", "UTC\x00"])
def test_unknown_zones_are_named(name: str) -> None:
    with pytest.raises(UnknownZone):
        zone_named(name)


@pytest.mark.parametrize(
    ("current", "previous", "bps"),
    [
        (150, 100, 5000),
        (50, 100, -5000),
        (100, 100, 0),
        (0, 100, -10_000),
        (100, 0, None),
        (0, 0, None),
        (1, 3, -6667),
        (20_001, 20_000, 1),
        (19_999, 20_000, -1),
        (50, -100, 15_000),
    ],
)
def test_change(current: int, previous: int, bps: int | None) -> None:
    assert change_bps(current=current, previous=previous) == bps


def test_periods() -> None:
    week = trailing_days(last_day=date(2026, 3, 7), days=7)
    assert week == Period(date(2026, 3, 1), date(2026, 3, 7))
    assert len(week) == len(list(week)) == 7
    assert week.previous() == Period(date(2026, 2, 22), date(2026, 2, 28))
    assert date(2026, 3, 7) in week
    assert date(2026, 3, 8) not in week
    assert month_of(date(2028, 2, 10)) == Period(date(2028, 2, 1), date(2028, 2, 29))
    assert parse_month("2026-12") == Period(date(2026, 12, 1), date(2026, 12, 31))


@pytest.mark.parametrize("text", ["2026-13", "2026-00", "0000-01", "2026-1", "2026-03-01", ""])
def test_other_texts_are_no_month(text: str) -> None:
    with pytest.raises(ValueError, match=r"month|year"):
        parse_month(text)


def test_a_period_does_not_end_before_it_begins() -> None:
    with pytest.raises(ValueError, match="first day or later"):
        trailing_days(last_day=date(2026, 3, 1), days=0)
