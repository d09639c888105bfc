"""A moment as people name it: a day, a minute or a second, each with all of it."""

import re
from datetime import UTC, date, datetime, timedelta

_DAY = re.compile(r"\d{4}-\d{2}-\d{2}")
_MINUTE = re.compile(r"\d{4}-\d{2}-\d{2}[T ]\d{2}:\d{2}(Z|[+-]\d{2}:\d{2})?")
_SECOND = re.compile(r"\d{4}-\d{2}-\d{2}[T ]\d{2}:\d{2}:\d{2}(Z|[+-]\d{2}:\d{2})?")
_FINER = re.compile(r"\d{4}-\d{2}-\d{2}[T ]\d{2}:\d{2}:\d{2}\.\d{1,6}(Z|[+-]\d{2}:\d{2})?")
_LENGTHS = (
    (_DAY, timedelta(days=1)),
    (_MINUTE, timedelta(minutes=1)),
    (_SECOND, timedelta(seconds=1)),
    (_FINER, timedelta(microseconds=1)),
)


class InvalidMoment(ValueError):
    """It names no moment that a market has."""


def is_within_reason(day: date) -> bool:
    """Whether a market may have this day or moment: money is no older, and no rule ends later.

    At the ends of the calendar a driver means infinity, and a day more is none.
    """
    return 2000 <= day.year < 2200


def end_of(text: str) -> datetime:
    """The last microsecond of the day, minute or second that a text names; UTC where it names no
    zone. `2026-03-02` is all of that day, `2026-03-02 09:00` all of that minute.

    Raises `InvalidMoment`.
    """
    for form, length in _LENGTHS:
        if form.fullmatch(text):
            try:
                begins = datetime.fromisoformat(text)
            except ValueError:
                break
            if not is_within_reason(begins):
                break
            if begins.tzinfo is None:
                begins = begins.replace(tzinfo=UTC)
            return begins.astimezone(UTC) + length - timedelta(microseconds=1)
    raise InvalidMoment(f"{text!r} is no moment")
