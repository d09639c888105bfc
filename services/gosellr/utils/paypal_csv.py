"""PayPal's settlement report, read as movements.

Records, each known by its first cell: an account's section has its columns, its rows, and behind
them what they come to in each currency. Amounts are whole minor units without a sign, and a column
beside them says which way they went. A movement is told as PayPal's interface tells it: so it is
the same one whichever way it came.
"""

import csv
import io
import re
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Final
from uuid import UUID

from gosellr.utils.money import checked_minor, exponent
from gosellr.utils.movement_csv import MovementFlaw, MovementRow, cell_of, moment_in_time
from gosellr.utils.paypal_movements import figures_of, our_name, related_to
from gosellr.utils.reconciliation import MovementKind

OPENINGS: Final = ("RH", "FH", "SH")
"""The records that a report, or a part of one, may begin with."""

_SECTION, _COLUMNS, _BODY, _SUMS = "SH", "CH", "SB", "SF"
_UNREAD: Final = frozenset({"RH", "FH", "SC", "RF", "RC", "FF"})

_NAME: Final = "Transaction ID"
_REFERENCE: Final = "PayPal Reference ID"
_EVENT: Final = "Transaction Event Code"
_BEGUN: Final = "Transaction Initiation Date"
_WAY: Final = "Transaction Debit or Credit"
_AMOUNT: Final = "Gross Transaction Amount"
_CURRENCY: Final = "Gross Transaction Currency"
_FEE_WAY: Final = "Fee Debit or Credit"
_FEE: Final = "Fee Amount"
_FEE_CURRENCY: Final = "Fee Currency"
_CUSTOM: Final = "Custom Field"
REQUIRED: Final = (
    _NAME, _REFERENCE, _EVENT, _BEGUN, _WAY, _AMOUNT, _CURRENCY, _FEE_WAY, _FEE, _FEE_CURRENCY,
    _CUSTOM,
)  # fmt: skip
# Only PayPal's report of all transactions has it: there also stands what moved no money.
_OF_ALL_TRANSACTIONS: Final = "Transactional Status"

_CREDIT, _DEBIT = "CR", "DR"
_WHOLE: Final = re.compile(r"[0-9]{1,18}")
# PayPal counts them without decimals in its interface; what it does here it doesn't say.
_UNCLEAR: Final = frozenset({"HUF", "TWD"})


def read_movements(text: str, *, account: str | None = None) -> Iterator[MovementRow]:
    """The movements of a report, those of nothing left out; it is whole only once all are read.

    Raises:
        MovementFlaw: for the first row that can't be read, and for a report that isn't about one
            account, about another than `account`, or ends without the sums of its rows; row 0 is
            what stands around them.
    """
    reader = csv.reader(io.StringIO(text.lstrip("\ufeff"), newline=""), strict=True)
    report = _Report(account)
    try:
        for cells in filter(None, reader):
            movement = report.take(cells)
            if movement is not None:
                yield movement
    except csv.Error as error:
        raise MovementFlaw(report.rows, _NAME, str(error)) from None
    report.end()


class _Report:
    """How far a report is read. `rows` are those so far."""

    def __init__(self, ours: str | None) -> None:
        self.rows = 0
        self._ours = ours
        self._account: str | None = None
        self._columns: Sequence[str] = ()
        # By currency: what came and what went, in rows that no sums were told of yet.
        self._untold: dict[str, list[int]] = {}

    def take(self, cells: Sequence[str]) -> MovementRow | None:
        """The movement of a record, if it is one."""
        record = cells[0].strip()
        if record == _BODY:
            return self._movement(cells)
        if record == _SECTION:
            self._open(cells)
        elif record == _COLUMNS:
            self._name(cells)
        elif record == _SUMS:
            self._compare(cells)
        elif record not in _UNREAD:
            raise MovementFlaw(0, record[:40], "This kind of record isn't known")
        return None

    def end(self) -> None:
        """Nothing follows. Raises `MovementFlaw`."""
        if not self._columns:
            raise MovementFlaw(0, _COLUMNS, "This record is missing")
        if self._untold:
            raise MovementFlaw(0, _SUMS, f"No sums of {', '.join(sorted(self._untold))}")

    def _open(self, cells: Sequence[str]) -> None:
        if self._untold:
            raise MovementFlaw(0, _SUMS, f"No sums of {', '.join(sorted(self._untold))}")
        account = cells[3].strip() if len(cells) > 3 else ""
        if not account or self._account not in (None, account):
            raise MovementFlaw(0, _SECTION, "A report is about one account")
        if self._ours not in (None, account):
            raise MovementFlaw(0, _SECTION, f"This is a report of the account {account[:40]}")
        self._account, self._columns = account, ()

    def _name(self, cells: Sequence[str]) -> None:
        # PayPal has written some of them with two blanks.
        columns = [" ".join(cell.split()) for cell in cells]
        if _OF_ALL_TRANSACTIONS in columns:
            raise MovementFlaw(
                0, _OF_ALL_TRANSACTIONS, "Take the settlement report: here is more than moved money"
            )
        for column in REQUIRED:
            if columns.count(column) != 1:
                raise MovementFlaw(0, column, "This column is missing, or there twice")
        self._columns = columns

    def _movement(self, cells: Sequence[str]) -> MovementRow | None:
        self.rows += 1
        if self._account is None:
            raise MovementFlaw(0, _SECTION, "This record is missing")
        if not self._columns:
            raise MovementFlaw(0, _COLUMNS, "This record is missing")
        if len(cells) != len(self._columns):
            raise MovementFlaw(self.rows, _NAME, "This row hasn't as many cells as columns")
        row = _Row(self.rows, dict(zip(self._columns, cells, strict=True)))
        change_minor, currency = row.change()
        told = self._untold.setdefault(currency, [0, 0])
        told[change_minor < 0] += abs(change_minor)
        return row.read(change_minor, currency)

    def _compare(self, cells: Sequence[str]) -> None:
        """Hold the sums of a currency against its rows."""
        currency = cells[1].strip() if len(cells) > 1 else ""
        counted = [str(minor) for minor in self._untold.pop(currency, [0, 0])]
        if [cell.strip() for cell in cells[2:4]] != counted:
            raise MovementFlaw(0, _SUMS, f"The rows of {currency[:3]} don't come to these sums")


class _Row:
    def __init__(self, number: int, cells: Mapping[str, str]) -> None:
        self._number = number
        self._cells = cells

    def change(self) -> tuple[int, str]:
        """By how much it changed the balance, without its fee, and in which currency."""
        currency = self._text(_CURRENCY)
        return self._signed(_AMOUNT, _WAY, currency), currency

    def read(self, change_minor: int, currency: str) -> MovementRow | None:
        """The movement; None for one that moved nothing."""
        kind, amount_minor, fee_minor = figures_of(
            self._text(_EVENT),
            change_minor=change_minor,
            fee_change_minor=self._fee_change_minor(currency),
        )
        if not amount_minor and not fee_minor:
            return None
        name = self._text(_NAME)
        return MovementRow(
            reference=name,
            kind=MovementKind(kind),
            currency=currency,
            amount_minor=amount_minor,
            fee_minor=fee_minor,
            key=_key(our_name(kind, self._optional(_CUSTOM))),
            related=related_to(kind, name=name, reference=self._optional(_REFERENCE)),
            occurred_at=self._moment(),
            row=self._number,
        )

    def _flaw(self, column: str, message: str) -> MovementFlaw:
        return MovementFlaw(self._number, column, message)

    def _optional(self, column: str) -> str | None:
        return cell_of(self._number, column, self._cells[column])

    def _text(self, column: str) -> str:
        value = self._optional(column)
        if value is None:
            raise self._flaw(column, "This cell is empty")
        return value

    def _signed(self, column: str, way: str, currency: str) -> int:
        text = self._text(column)
        try:
            minor = _minor(text, currency)
        except ValueError as error:
            raise self._flaw(column, str(error)) from None
        direction = self._optional(way)
        if direction not in (_CREDIT, _DEBIT):
            raise self._flaw(way, f"Either {_CREDIT} or {_DEBIT}")
        return minor if direction == _CREDIT else -minor

    def _fee_change_minor(self, currency: str) -> int:
        if (self._optional(_FEE) or "0") == "0":
            return 0
        if self._optional(_FEE_CURRENCY) != currency:
            raise self._flaw(_FEE_CURRENCY, "A fee in another currency than its movement")
        return self._signed(_FEE, _FEE_WAY, currency)

    def _moment(self) -> datetime:
        text = self._text(_BEGUN)
        try:
            moment = datetime.strptime(text, "%Y/%m/%d %H:%M:%S %z")
        except ValueError:
            raise self._flaw(_BEGUN, "Not a moment as PayPal writes it") from None
        return moment_in_time(self._number, _BEGUN, moment)


def _minor(text: str, currency: str) -> int:
    exponent(currency)
    if currency in _UNCLEAR:
        raise ValueError(f"PayPal doesn't say how it counts {currency} here")
    if _WHOLE.fullmatch(text) is None:
        raise ValueError(f"{text!r} is no number of minor units")
    return checked_minor(int(text))


def _key(name: str | None) -> UUID | None:
    """Our own name of it; others' payments in the same account bear none."""
    try:
        return None if name is None else UUID(name)
    except ValueError:
        return None
