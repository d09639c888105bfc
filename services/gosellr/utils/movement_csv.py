"""A provider's movements in a table: one per row, amounts in decimals, signed as its balance.

Columns: reference, kind, amount, currency, occurred_at; and where there are any fee, key, related.
"""

import csv
import io
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import field
from datetime import UTC, datetime
from typing import Final
from uuid import UUID

from gosellr.utils.lazy_dataclasses import dataclass
from gosellr.utils.money import parse_decimal
from gosellr.utils.reconciliation import MovementKind

REQUIRED = ("reference", "kind", "amount", "currency", "occurred_at")
OPTIONAL = ("fee", "key", "related")
ONLY_REFUNDS_RETURN_FEES: Final = "Only a refund's fee can be negative: what of it came back"
_UNKNOWN: Final = f"This column isn't known; known are {', '.join(REQUIRED + OPTIONAL)}"
_CELL_LENGTH_MAX: Final = 200
# No market has older money, and no provider tells of it so far ahead.
_FIRST_YEAR: Final = 2000
_YEARS_END: Final = 2200


class MovementFlaw(ValueError):
    """A row, counted from 1 behind the header, that can't be read, and which column of it."""

    def __init__(self, row: int, column: str, message: str) -> None:
        super().__init__(message)
        self.row = row
        self.column = column


@dataclass(frozen=True, slots=True, kw_only=True)
class MovementRow:
    """A movement as it stands in a row, counted from 1; amounts in minor units."""

    reference: str
    kind: MovementKind
    currency: str
    amount_minor: int
    fee_minor: int
    key: UUID | None
    related: str | None
    occurred_at: datetime
    row: int = field(default=0, compare=False)


def table_of(text: str, *, required: Sequence[str]) -> "csv.DictReader[str]":
    """The rows of a table. Line by line as a table has it: in a cell there may be other lines, and
    all of Unicode's.

    Raises:
        MovementFlaw: of row 0: a column is missing, or there twice.
        csv.Error: the header's quotes are broken.
    """
    reader = csv.DictReader(io.StringIO(text.lstrip("\ufeff"), newline=""), restkey="", strict=True)
    header = reader.fieldnames or []
    for column in required:
        if column not in header:
            raise MovementFlaw(0, column, "This column is missing")
    for column in header:
        if header.count(column) > 1:
            raise MovementFlaw(0, column, "This column stands there twice")
    return reader


def cell_of(row: int, column: str, value: str | None) -> str | None:
    """What stands in a cell, if anything. Raises `MovementFlaw`."""
    text = (value or "").strip()
    if len(text) > _CELL_LENGTH_MAX:
        raise MovementFlaw(row, column, "This cell is too long")
    if "\0" in text:
        raise MovementFlaw(row, column, "This isn't text")
    return text or None


def moment_in_time(row: int, column: str, moment: datetime) -> datetime:
    """A moment with its zone, UTC where none is told. Raises `MovementFlaw` for one that no market
    has."""
    if not _FIRST_YEAR <= moment.year < _YEARS_END:
        raise MovementFlaw(row, column, "This is no moment that a market has")
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def read_movements(text: str) -> Iterator[MovementRow]:
    """The movements of a table.

    Raises:
        MovementFlaw: for the first row that can't be read; row 0 is the header.
    """
    number = 0
    try:
        reader = table_of(text, required=REQUIRED)
        for column in reader.fieldnames or []:
            if column not in REQUIRED + OPTIONAL:
                raise MovementFlaw(0, column, _UNKNOWN)
        for number, row in enumerate(reader, 1):
            yield _Row(number, row).read()
    except csv.Error as error:
        raise MovementFlaw(number + 1, "reference", str(error)) from None


class _Row:
    def __init__(self, number: int, cells: Mapping[str, str | None]) -> None:
        self._number = number
        self._cells = cells

    def read(self) -> MovementRow:
        if "" in self._cells:
            raise MovementFlaw(self._number, "reference", "This row has more cells than columns")
        currency, kind = self._text("currency"), self._kind()
        return MovementRow(
            reference=self._text("reference"),
            kind=kind,
            currency=currency,
            amount_minor=self._minor("amount", currency),
            fee_minor=self._fee(kind, currency),
            key=self._key(),
            related=self._optional("related"),
            occurred_at=self._moment(),
            row=self._number,
        )

    def _optional(self, column: str) -> str | None:
        return cell_of(self._number, column, self._cells.get(column))

    def _text(self, column: str) -> str:
        value = self._optional(column)
        if value is None:
            raise MovementFlaw(self._number, column, "This cell is empty")
        return value

    def _kind(self) -> MovementKind:
        try:
            return MovementKind(self._text("kind"))
        except ValueError:
            kinds = ", ".join(MovementKind)
            raise MovementFlaw(self._number, "kind", f"One of {kinds}") from None

    def _minor(self, column: str, currency: str) -> int:
        text = self._text(column)
        try:
            amount_minor: int = parse_decimal(text, currency)
        except ValueError as error:
            raise MovementFlaw(self._number, column, str(error)) from None
        return amount_minor

    def _fee(self, kind: MovementKind, currency: str) -> int:
        """What the provider kept; below zero where it came back with a refund."""
        if self._optional("fee") is None:
            return 0
        fee_minor = self._minor("fee", currency)
        if fee_minor < 0 and kind is not MovementKind.REFUND:
            raise MovementFlaw(self._number, "fee", ONLY_REFUNDS_RETURN_FEES)
        return fee_minor

    def _key(self) -> UUID | None:
        text = self._optional("key")
        try:
            return None if text is None else UUID(text)
        except ValueError:
            raise MovementFlaw(self._number, "key", "This is no id of ours") from None

    def _moment(self) -> datetime:
        try:
            moment = datetime.fromisoformat(self._text("occurred_at"))
        except ValueError as error:
            if isinstance(error, MovementFlaw):
                raise
            raise MovementFlaw(self._number, "occurred_at", "Not a moment of ISO 8601") from None
        return moment_in_time(self._number, "occurred_at", moment)
