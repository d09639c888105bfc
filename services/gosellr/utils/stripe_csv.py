"""Stripe's report of itemised balance changes, read as movements.

Its amounts are decimals in the currency that Stripe settles in. Where the report says what the
buyer paid in another currency, the movement is told in that, with its share of the fee, as Stripe's
interface tells it and as it is booked: so a movement is the same one whichever way it came.
"""

import csv
import re
from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Final
from uuid import UUID

from gosellr.utils.money import exponent, parse_decimal
from gosellr.utils.movement_csv import (
    MovementFlaw,
    MovementRow,
    cell_of,
    moment_in_time,
    table_of,
)
from gosellr.utils.reconciliation import MovementKind

NAME: Final = "balance_transaction_id"
REQUIRED: Final = (NAME, "created_utc", "currency", "gross", "fee", "reporting_category")

_K = MovementKind
_KINDS: Final[Mapping[str, MovementKind]] = {
    "charge": _K.CHARGE,
    "refund": _K.REFUND,
    "dispute": _K.CHARGEBACK,
    "dispute_reversal": _K.CHARGEBACK,
    "transfer": _K.PAYOUT,
    "transfer_reversal": _K.PAYOUT,
    "payout": _K.SETTLEMENT,
    "fee": _K.FEE,
    "network_cost": _K.FEE,
}
_KEYS: Final[Mapping[MovementKind, str]] = {
    _K.CHARGE: "payment_metadata[gosellr_attempt]",
    _K.REFUND: "refund_metadata[gosellr_refund]",
    _K.PAYOUT: "transfer_metadata[gosellr_payout]",
}
# What a buyer saw of it has a currency of its own.
_OF_BUYERS: Final = frozenset({_K.CHARGE, _K.REFUND, _K.CHARGEBACK})
_DECIMALS = re.compile(r"(-?[0-9]+)(?:\.([0-9]+))?")


def read_movements(text: str) -> Iterator[MovementRow]:
    """The movements of a report.

    Raises:
        MovementFlaw: for the first row that can't be read; row 0 is the header.
    """
    number = 0
    try:
        for number, row in enumerate(table_of(text, required=REQUIRED), 1):
            movement = _Row(number, row).read()
            if movement.amount_minor or movement.fee_minor:
                yield movement
    except csv.Error as error:
        raise MovementFlaw(number + 1, NAME, str(error)) from None


class _Row:
    def __init__(self, number: int, cells: Mapping[str, str | None]) -> None:
        self._number = number
        self._cells = cells

    def read(self) -> MovementRow:
        if "" in self._cells:
            raise self._flaw(NAME, "This row has more cells than columns")
        kind = _KINDS.get(self._text("reporting_category"), _K.OTHER)
        settled_in = self._text("currency").upper()
        amount_minor = self._minor("gross", settled_in)
        fee_minor = self._minor("fee", settled_in)
        seen_in = (self._optional("customer_facing_currency") or settled_in).upper()
        currency = settled_in
        if kind in _OF_BUYERS and seen_in != settled_in and amount_minor:
            currency = seen_in
            seen_minor = abs(self._minor("customer_facing_amount", seen_in))
            fee_minor = _share(fee_minor, of=seen_minor, in_all=abs(amount_minor))
            amount_minor = seen_minor if amount_minor > 0 else -seen_minor
        if fee_minor < 0 and kind is not MovementKind.REFUND:
            # What else was given back is part of the amount: the net stays what it is.
            amount_minor, fee_minor = amount_minor - fee_minor, 0
        return MovementRow(
            reference=self._text(NAME),
            kind=kind,
            currency=currency,
            amount_minor=amount_minor,
            fee_minor=fee_minor,
            key=self._key(kind),
            related=self._optional("payment_intent_id" if kind is _K.CHARGE else "source_id"),
            occurred_at=self._moment(),
            row=self._number,
        )

    def _flaw(self, column: str, message: str) -> MovementFlaw:
        return MovementFlaw(self._number, column, message)

    def _optional(self, column: str) -> str | None:
        return cell_of(self._number, column, self._cells.get(column))

    def _text(self, column: str) -> str:
        value = self._optional(column)
        if value is None:
            raise self._flaw(column, "This cell is empty")
        return value

    def _minor(self, column: str, currency: str) -> int:
        """Stripe writes two decimals also where a currency has none: what is nothing is cut."""
        text = self._text(column)
        try:
            found = _DECIMALS.fullmatch(text)
            if found is not None and found[2]:
                kept, rest = found[2][: exponent(currency)], found[2][exponent(currency) :]
                if not rest.strip("0"):
                    text = f"{found[1]}.{kept}" if kept else found[1]
            return parse_decimal(text, currency)
        except ValueError as error:
            raise self._flaw(column, str(error)) from None

    def _key(self, kind: MovementKind) -> UUID | None:
        """Our own name of it; others' payments in the same account bear none."""
        text = self._optional(_KEYS.get(kind, ""))
        try:
            return None if text is None else UUID(text)
        except ValueError:
            return None

    def _moment(self) -> datetime:
        try:
            moment = datetime.fromisoformat(self._text("created_utc"))
        except MovementFlaw:
            raise
        except ValueError:
            raise self._flaw("created_utc", "Not a moment") from None
        return moment_in_time(self._number, "created_utc", moment)


def _share(fee_minor: int, *, of: int, in_all: int) -> int:
    """The same share of what the buyer saw as the fee is of what was settled, half up; of what
    was given back, too."""
    share_minor = (2 * abs(fee_minor) * of + in_all) // (2 * in_all)
    return share_minor if fee_minor >= 0 else -share_minor
