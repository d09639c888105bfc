"""A provider's movements in a table: one per row, amounts in decimals, signed as its balance.

Columns: reference, kind, amount, currency, occurred_at; and where there are any fee, key, related.
"""

import csv
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from uuid import UUID

from gosellr.utils.money import parse_decimal
from gosellr.utils.reconciliation import MovementKind

REQUIRED = ("reference", "kind", "amount", "currency", "occurred_at")
OPTIONAL = ("fee", "key", "related")


class MovementFlaw(ValueError):
    """A row, counted from 1 behind the header, that can't be read, and which column of it."""

    def __init__(self, row: int, column: str, message: str) -> None:
        super().__init__(message)
        self.row = row
        self.column = column


@dataclass(frozen=True, slots=True, kw_only=True)
class MovementRow:
    """A movement as it stands in a row; amounts in minor units."""

    reference: str
    kind: MovementKind
    currency: str
    amount_minor: int
    fee_minor: int
    key: UUID | None
    related: str | None
    occurred_at: datetime


def read_movements(text: str) -> Iterator[MovementRow]:
    """The movements of a table.

    Raises:
        MovementFlaw: for the first row that can't be read; row 0 is the header.
    """
    reader = csv.DictReader(text.lstrip("\ufeff").splitlines(), restkey="", strict=True)
    header = reader.fieldnames or []
    for column in REQUIRED:
        if column not in header:
            raise MovementFlaw(0, column, "This column is missing")
    for column in header:
        if column not in REQUIRED + OPTIONAL:
            raise MovementFlaw(0, column, "This column isn't known")
    try:
        for number, row in enumerate(reader, 1):
            yield _Row(number, row).read()
    except csv.Error as error:
        raise MovementFlaw(reader.line_num, "reference", str(error)) from None


class _Row:
    def __init__(self, number: int, cells: Mapping[str, str | None]) -> None:
        self._number = number
        self._cells = cells

    def read(self) -> MovementRow:
        if "" in self._cells:
            raise MovementFlaw(self._number, "reference", "This row has more cells than columns")
        currency = self._text("currency")
        return MovementRow(
            reference=self._text("reference"),
            kind=self._kind(),
            currency=currency,
            amount_minor=self._minor("amount", currency),
            fee_minor=self._minor("fee", currency) if self._optional("fee") else 0,
            key=self._key(),
            related=self._optional("related"),
            occurred_at=self._moment(),
        )

    def _optional(self, column: str) -> str | None:
        return (self._cells.get(column) or "").strip() or None

    def _text(self, column: str) -> str:
        value = self._optional(column)
        if value is None or len(value) > 200:
            raise MovementFlaw(self._number, column, "This cell is empty or too long")
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
            amount_minor = parse_decimal(text, currency)
        except ValueError as error:
            raise MovementFlaw(self._number, column, str(error)) from None
        if column == "fee" and amount_minor < 0:
            raise MovementFlaw(self._number, column, "A fee is never negative")
        return amount_minor

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
        return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
