"""The cells of a row, read with care: what is wrong with one is noted in plain words."""

import re
from collections.abc import Mapping
from typing import TypeVar

from gosellr.utils.import_values import Record, RowFlaw, shown
from gosellr.utils.money import InvalidAmount, parse_decimal

T = TypeVar("T")

UNITS_MAX = 1_000_000_000
GRAMS_MAX = 100_000_000
DESCRIPTION_MAX = 20_000

_ILLEGAL_IN_LINE = re.compile(r"[\x00-\x1f\x7f\u2028-\u202e\u2066-\u2069\ud800-\udfff]")
_ILLEGAL_IN_TEXT = re.compile(
    r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\u202a-\u202e\u2066-\u2069\ud800-\udfff]"
)
# "=A1", "+SUM(…)" and "@cmd|…" are formulas; "+49 …", "-10 %" and "@home" are words.
_FORMULA = re.compile(r"=|[+\-@]\w+[(!|]")
_FORMULA_ERROR = re.compile(r"#(REF!|NAME\?|VALUE!|N/A|DIV/0!|NUM!|NULL!|SPILL!)")
_COMMA_PRICE = re.compile(r"([0-9]+),([0-9]{1,2})")
_LONG_FRACTION = re.compile(r"([0-9]+)\.([0-9]*)")
_WHOLE = re.compile(r"(-?)([0-9]{1,15})(\.0*)?")
_LINE_BREAKS = re.compile(r"[\r\n\t]+")


def line_fault(text: str, *, limit: int) -> tuple[str, str] | None:
    """Code and advice for what is wrong with a text of one line."""
    if len(text) > limit:
        return "too_long", f"Shorten it to {limit} letters; it has {len(text)}"
    return _fault(text, _ILLEGAL_IN_LINE)


def text_fault(text: str, *, limit: int = DESCRIPTION_MAX) -> tuple[str, str] | None:
    """Code and advice for what is wrong with a text of several lines."""
    if len(text) > limit:
        return "too_long", f"Shorten it to {limit:,} letters; it has {len(text):,}"
    return _fault(text, _ILLEGAL_IN_TEXT)


def _fault(text: str, illegal: re.Pattern[str]) -> tuple[str, str] | None:
    if found := illegal.search(text):
        number = f"U+{ord(found.group()):04X}"
        return "letter_unknown", f"Take out the control character {number}, which can't be shown"
    if _FORMULA_ERROR.match(text):
        return "formula_error", "The sheet's formula has failed: put the value itself here"
    if _FORMULA.match(text):
        return "formula", "This is a formula, not its result: paste the value itself"
    return None


class Cells:
    """One row under its header; `flaws` takes what is found, and reading goes on."""

    def __init__(self, record: Record, flaws: list[RowFlaw]) -> None:
        self.record = record
        self._flaws = flaws

    def raw(self, column: str) -> str:
        """The cell as it is, without the blanks around it; empty where there is none."""
        return self.record.cells.get(column, "").strip()

    def note(self, column: str, code: str, message: str) -> None:
        """Note a flaw of a cell; in a row that is none as a whole, its own flaw says it all."""
        if self.record.flaw is not None:
            return
        value = shown(self.raw(column))
        self._flaws.append(RowFlaw(self.record.line, column, code, message, value))

    def line(self, column: str, *, limit: int, missing: str = "") -> str:
        """A text of one line; with `missing`, one that must be there."""
        text = _LINE_BREAKS.sub(" ", self.raw(column))
        if not text and missing:
            self.note(column, "missing", missing)
        elif fault := line_fault(text, limit=limit):
            self.note(column, *fault)
        return text

    def text(self, column: str, *, limit: int = DESCRIPTION_MAX) -> str:
        """A text that may have several lines."""
        text = self.raw(column)
        if fault := text_fault(text, limit=limit):
            self.note(column, *fault)
        return text

    def matching(self, column: str, pattern: re.Pattern[str], advice: str) -> str:
        """A word of a fixed form; empty where there is none."""
        text = self.raw(column)
        if text and not pattern.fullmatch(text):
            self.note(column, "form", advice)
        return text

    def choice(self, column: str, known: Mapping[str, T], *, default: T) -> T:
        """What one of a few words stands for, however it is written."""
        word = self.raw(column).lower()
        if not word:
            return default
        if word not in known:
            self.note(column, "choice_unknown", f"Write one of: {', '.join(known)}")
        return known.get(word, default)

    def whole(self, column: str, *, most: int, least: int = 0) -> int | None:
        """A whole number in its bounds; None where there is none."""
        text = self.raw(column)
        if not text:
            return None
        match = _WHOLE.fullmatch(text)
        if match is None:
            self.note(column, "number_form", "Write a whole number in digits, such as 12")
            return None
        number = int(match.group(2)) * (-1 if match.group(1) else 1)
        if number < 0:
            self.note(column, "negative", "This can't be less than 0: write 0 for none")
        elif not least <= number <= most:
            self.note(column, "number_bounds", f"Write a number from {least} to {most:,}")
        return number

    def amount(self, column: str, *, currency: str, missing: str = "") -> int | None:
        """Minor units of a decimal price; None where there is none."""
        text = self.raw(column)
        if not text:
            if missing:
                self.note(column, "price_missing", missing)
            return None
        try:
            amount = parse_decimal(_plain(text), currency)
        except InvalidAmount:
            self.note(column, *_price_fault(text, currency))
            return None
        if amount < 0:
            self.note(column, "price_negative", "A price can't be less than 0")
            return None
        return amount


def _plain(text: str) -> str:
    """A decimal without zeros that say nothing: 9.990 is 9.99, and 500.00 in yen is 500."""
    match = _LONG_FRACTION.fullmatch(text)
    if match is None:
        return text
    whole, fraction = match.group(1), match.group(2).rstrip("0")
    return f"{whole}.{fraction}" if fraction else whole


def _price_fault(text: str, currency: str) -> tuple[str, str]:
    if comma := _COMMA_PRICE.fullmatch(text):
        meant = f"{comma.group(1)}.{comma.group(2)}"
        return "price_form", f"Write the price with a point: {meant}"
    if re.search(r"[0-9]", text) and re.search(r"[OolI]", text):
        return "price_form", (
            "A letter stands among the digits (O for 0, l for 1): write digits and a point only,"
            " such as 12.50"
        )
    if _LONG_FRACTION.fullmatch(text):
        return "price_form", f"This is more, or has more decimals, than {currency} can have"
    return "price_form", "Write digits and a point only, such as 12.50, without a currency sign"
