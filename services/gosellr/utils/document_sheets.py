"""The parts of a sheet of paper, whatever stands on it: finished words, nothing to be looked up.

A renderer lays them out and interprets none of them.
"""

import re
from collections.abc import Mapping
from dataclasses import asdict, field
from datetime import date, datetime
from typing import Any, Literal

from babel import Locale

from gosellr.utils.document_words import word
from gosellr.utils.lazy_dataclasses import dataclass
from gosellr.utils.letterhead import is_vat_number
from gosellr.utils.spoken_values import format_money, format_percent, format_when

_LOCALES = {"en": "en_IE", "de": "de_DE", "fr": "fr_FR", "es": "es_ES"}
# What is longer without a blank or hyphen gets places where a line may end.
_LONG = re.compile(r"[^\s-]{24}(?=[^\s-])")
_LONG_CODE = re.compile(r"[^\s-]{10}(?=[^\s-])")


@dataclass(frozen=True, slots=True)
class Column:
    """A column of a table. Those with a `share` divide the room that is left by it."""

    label: str
    align: Literal["left", "right"] = "left"
    share: int = 0


@dataclass(frozen=True, slots=True)
class SheetTable:
    """Rows of finished text; those in `strong` are sums."""

    heading: str
    columns: tuple[Column, ...]
    rows: tuple[tuple[str, ...], ...]
    strong: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class Party:
    """Somebody on the sheet."""

    heading: str
    name: str
    lines: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Sheet:
    """A document as it is laid out. `made_on` is its date, also inside of the file."""

    language: str
    title: str
    number: str
    made_on: date
    parties: tuple[Party, ...] = ()
    facts: tuple[tuple[str, str], ...] = ()
    tables: tuple[SheetTable, ...] = ()
    totals: tuple[tuple[str, str], ...] = ()
    notes: tuple[str, ...] = ()
    is_wide: bool = False
    words: Mapping[str, str] = field(default_factory=dict)

    def plain(self) -> dict[str, Any]:
        """The same as plain JSON."""
        day = self.made_on
        return {**asdict(self), "made_on": [day.year, day.month, day.day]}


class Speaker:
    """Says words, amounts and dates in one language."""

    def __init__(self, language: str, currency: str = "") -> None:
        self.language = language if language in _LOCALES else "en"
        self.locale = _LOCALES[self.language]
        self.currency = currency

    def word(self, key: str) -> str:
        """A word of documents."""
        return word(key, self.language)

    def money(self, minor: int, *, explicit: bool = False) -> str:
        """An amount in the document's currency."""
        return format_money(minor, self.currency, locale=self.locale, explicit=explicit)

    def percent(self, bps: int) -> str:
        """Basis points as percent."""
        return format_percent(bps, locale=self.locale)

    def day(self, text: str) -> str:
        """A day or moment of a document's content."""
        return format_when(datetime.fromisoformat(text).date(), locale=self.locale)

    def month(self, period: str) -> str:
        """A month, `2026-03`."""
        return format_when(date.fromisoformat(f"{period}-01"), "month", locale=self.locale)

    def party(self, heading: str, party: Mapping[str, Any]) -> Party:
        """Somebody of a document's content."""
        country = party["country"]
        names = Locale.parse(self.locale).territories
        lines = [
            party["trade_name"] if party["trade_name"] != party["name"] else "",
            *party["address_lines"],
            names.get(country, country) if country else "",
            party["email"],
            self._tax_id(party["tax_id"]),
            # Papers that are older than these numbers say nothing of them.
            self._numbered("registration_number", party.get("registration_number", "")),
        ]
        shown = tuple(breakable(line) for line in lines if line)
        return Party(self.word(heading), breakable(party["name"]), shown)

    def _tax_id(self, number: str) -> str:
        return self._numbered("vat_number" if is_vat_number(number) else "tax_id", number)

    def _numbered(self, key: str, number: str) -> str:
        return f"{self.word(key)}: {number}" if number else ""

    def words(self) -> dict[str, str]:
        """What a page says by itself."""
        return {key: self.word(key) for key in ("page", "of")}


def breakable(text: str) -> str:
    """The text with places, invisible, at which a word too long for a line may be broken."""
    return _LONG.sub(_with_place, text)


def breakable_code(text: str) -> str:
    """The same for a code, which stands in a narrow column."""
    return _LONG_CODE.sub(_with_place, text)


def _with_place(match: re.Match[str]) -> str:
    return match[0] + "\N{ZERO WIDTH SPACE}"
