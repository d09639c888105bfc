"""What a story is written with: the one who tells knows nothing of terminals."""

from collections.abc import Sequence
from datetime import datetime
from typing import Protocol

from gosellr.utils.lazy_dataclasses import dataclass
from gosellr.utils.money import to_decimal_string


@dataclass(frozen=True, slots=True)
class PostedLine:
    """One entry of a posting; `account` is its kind and, behind a dot, whose it is by name."""

    side: str
    amount_minor: int
    currency: str
    account: str


@dataclass(frozen=True, slots=True)
class Posting:
    """A transaction of the ledger in words, and its entries as they were booked."""

    booked_at: datetime
    kind: str
    sentence: str
    lines: tuple[PostedLine, ...]


class Pen(Protocol):
    """Writes a story down, from the first line to the last."""

    def chapter(self, number: int, title: str) -> None:
        """A new chapter begins."""

    def say(self, text: str) -> None:
        """A paragraph."""

    def post(self, posting: Posting) -> None:
        """Something was booked."""

    def table(self, title: str, header: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
        """Figures; the first column is text, the others stand to the right."""


def money(minor: int, currency: str) -> str:
    """An amount as it is read: 1250 EUR is "12.50 EUR"."""
    return f"{to_decimal_string(minor, currency)} {currency}"
