"""Periods that tax is told for: a month as 2026-03, a quarter as 2026-Q1, in UTC."""

import re
from datetime import UTC, datetime
from typing import Final

from gosellr.utils.documents import SETTLED_AFTER
from gosellr.utils.lazy_dataclasses import dataclass

PATTERN: Final = r"^20[0-9]{2}-(0[1-9]|1[0-2]|Q[1-4])$"
_PERIOD: Final = re.compile(PATTERN, re.ASCII)


class InvalidTaxPeriod(ValueError):
    """The text is neither a month nor a quarter."""


@dataclass(frozen=True, slots=True)
class TaxPeriod:
    """From the first moment on, and up to the one with which the next begins."""

    name: str
    since: datetime
    until: datetime

    @property
    def month_count(self) -> int:
        """How many months it has."""
        return 12 * (self.until.year - self.since.year) + self.until.month - self.since.month

    def is_over(self, *, now: datetime) -> bool:
        """Whether nothing is booked into it any more: also what began in it has ended."""
        return self.until + SETTLED_AFTER <= now


def parse_tax_period(text: str) -> TaxPeriod:
    """The period of such a name. Raises `InvalidTaxPeriod`."""
    if not _PERIOD.fullmatch(text):
        raise InvalidTaxPeriod(f"{text!r} is neither a month (2026-03) nor a quarter (2026-Q1)")
    year, part = int(text[:4]), text[5:]
    is_quarter = part.startswith("Q")
    months = 3 if is_quarter else 1
    first = 3 * int(part[1:]) - 2 if is_quarter else int(part)
    following = first + months
    until_year, until_month = (year, following) if following <= 12 else (year + 1, following - 12)
    return TaxPeriod(
        text, datetime(year, first, 1, tzinfo=UTC), datetime(until_year, until_month, 1, tzinfo=UTC)
    )


def quarter_of(moment: datetime) -> str:
    """The name of the quarter that a moment is in."""
    at = moment.astimezone(UTC)
    return f"{at.year}-Q{(at.month + 2) // 3}"
