"""A line of a bank statement, whatever the form it was sent in; and the form that is a table.

Columns of the table: transaction_id, amount, currency, value_date; and where there are any
reference, text, payer_name, payer_iban. Amounts are decimals, money that left is negative.
"""

import csv
import io
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Final

from gosellr.utils.iban import InvalidIban, parse_iban
from gosellr.utils.lazy_dataclasses import dataclass
from gosellr.utils.money import parse_decimal

REQUIRED: Final = ("transaction_id", "amount", "currency", "value_date")
OPTIONAL: Final = ("reference", "text", "payer_name", "payer_iban")
_UNKNOWN: Final = f"This column isn't known; known are {', '.join(REQUIRED + OPTIONAL)}"
_CELL_LENGTH_MAX: Final = 200
_TEXT_LENGTH_MAX: Final = 2_000
# No market has older money, and no bank books so far ahead.
_FIRST_YEAR: Final = 2000
_YEARS_END: Final = 2200


class StatementFlaw(ValueError):
    """A line, counted from 1, that can't be read, and what of it; 0 is the statement itself."""

    def __init__(self, row: int, column: str, message: str) -> None:
        super().__init__(message)
        self.row = row
        self.column = column


@dataclass(frozen=True, slots=True, kw_only=True)
class BankLine:
    """What a bank says that it moved. `amount_minor` is negative for what left the account.

    `transaction_id` is the bank's own name of it, unique for ever; `text` is all that the payer
    wrote, a reference with it. `account` is the one that its statement is about, where that says
    so. What `is_reversal` undoes something earlier: no buyer sent it.
    """

    transaction_id: str
    amount_minor: int
    currency: str
    value_date: datetime
    text: str = ""
    payer_name: str | None = None
    payer_iban: str | None = None
    account: str | None = None
    is_reversal: bool = False

    def __repr__(self) -> str:
        return f"BankLine(transaction_id={self.transaction_id!r})"


def line_of(row: int, cells: Mapping[str, str | None]) -> BankLine:
    """The line that such cells say. Raises `StatementFlaw`."""
    return _Row(row, cells).read()


def read_table(text: str) -> Iterator[BankLine]:
    """The lines of a table.

    Raises:
        StatementFlaw: for the first row that can't be read; row 0 is the header.
    """
    # Line by line as a table has it: in a cell there may be others, and all of Unicode's.
    reader = csv.DictReader(io.StringIO(text.lstrip("\ufeff"), newline=""), restkey="", strict=True)
    try:
        header = reader.fieldnames or []
        for column in REQUIRED:
            if column not in header:
                raise StatementFlaw(0, column, "This column is missing")
        for column in header:
            if column not in REQUIRED + OPTIONAL:
                raise StatementFlaw(0, column, _UNKNOWN)
            if header.count(column) > 1:
                raise StatementFlaw(0, column, "This column stands there twice")
        for number, row in enumerate(reader, 1):
            if "" in row:
                raise StatementFlaw(
                    number, "transaction_id", "This row has more cells than columns"
                )
            yield line_of(number, row)
    except csv.Error as error:
        raise StatementFlaw(reader.line_num, "transaction_id", str(error)) from None


class _Row:
    def __init__(self, number: int, cells: Mapping[str, str | None]) -> None:
        self._number = number
        self._cells = cells

    def read(self) -> BankLine:
        currency = self._required("currency")
        return BankLine(
            transaction_id=self._required("transaction_id"),
            amount_minor=self._minor(currency),
            currency=currency,
            value_date=self._date(),
            text=" ".join(filter(None, (self._optional("reference"), self._optional("text")))),
            payer_name=self._optional("payer_name"),
            payer_iban=self._iban(),
        )

    def _optional(self, column: str) -> str | None:
        value = (self._cells.get(column) or "").strip()
        longest = _TEXT_LENGTH_MAX if column == "text" else _CELL_LENGTH_MAX
        if len(value) > longest:
            raise StatementFlaw(self._number, column, "This is too long")
        if "\0" in value:
            raise StatementFlaw(self._number, column, "This isn't text")
        return value or None

    def _required(self, column: str) -> str:
        value = self._optional(column)
        if value is None:
            raise StatementFlaw(self._number, column, "This is missing")
        return value

    def _minor(self, currency: str) -> int:
        try:
            amount_minor = parse_decimal(self._required("amount"), currency)
        except StatementFlaw:
            raise
        except ValueError as error:
            raise StatementFlaw(self._number, "amount", str(error)) from None
        if not amount_minor:
            raise StatementFlaw(self._number, "amount", "This moves nothing")
        return amount_minor

    def _date(self) -> datetime:
        text = self._required("value_date")
        try:
            moment = datetime.fromisoformat(text)
        except ValueError:
            raise StatementFlaw(self._number, "value_date", "Not a date of ISO 8601") from None
        if not _FIRST_YEAR <= moment.year < _YEARS_END:
            raise StatementFlaw(self._number, "value_date", "This is no day that a market has")
        return moment if moment.tzinfo else moment.replace(tzinfo=UTC)

    def _iban(self) -> str | None:
        text = self._optional("payer_iban")
        try:
            return None if text is None else parse_iban(text)
        except InvalidIban:
            # Banks outside of the IBAN's countries name accounts otherwise.
            return None
