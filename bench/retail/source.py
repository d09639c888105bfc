"""Reads the rows of a month from the gzipped CSV file of invoices, exactly as they are.

The folder holds one `*.csv.gz` with the columns of the Online Retail data set, a row per line of
an invoice or credit note, and may hold one `*expected.json` with `by_month` in whole pence.
"""

import csv
import gzip
import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import ROUND_HALF_UP, Decimal
from pathlib import Path

from bench.replay.source import DataError

_CREDIT = "C"


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One line of an invoice, or of a credit note, whose quantity is negative.

    `price_pence` may be finer than a penny, and zero or negative where nothing was sold.
    """

    invoice: str
    sku: str
    quantity: int
    price_pence: Decimal
    at: datetime
    customer: str
    country: str

    @property
    def is_credit(self) -> bool:
        """Whether it stands on a credit note."""
        return self.invoice.startswith(_CREDIT)

    @property
    def value_pence(self) -> Decimal:
        """Price times quantity: what the row adds to its month."""
        return self.price_pence * self.quantity


def read_month(folder: Path, month: str) -> list[Row]:
    """The rows of a month such as `2010-12`, in the sequence of time and of the file.

    Raises DataError.
    """
    path = _only(folder, "*.csv.gz")
    try:
        rows = [_row(row) for row in _rows(path) if row["InvoiceDate"].startswith(f"{month}-")]
    except KeyError as error:
        raise DataError(f"{path}: there is no column {error}") from error
    except (OSError, EOFError, ValueError, ArithmeticError, csv.Error) as error:
        raise DataError(f"{path} can't be read: {error}") from error
    if not rows:
        raise DataError(f"{path} has no rows of {month}")
    return sorted(rows, key=lambda row: row.at)


def read_net_pence(folder: Path, month: str) -> int | None:
    """What `expected.json` says of the month; None where there is no such file.

    Raises DataError.
    """
    if not list(folder.glob("*expected.json")):
        return None
    path = _only(folder, "*expected.json")
    try:
        net_pence = json.loads(path.read_text(encoding="utf-8"))["by_month"][month]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise DataError(f"{path} says nothing of {month}: {error}") from error
    if type(net_pence) is not int:
        raise DataError(f"{path}: {net_pence!r} is no whole number of pence")
    return net_pence


def whole_pence(pence: Decimal) -> int:
    """An amount rounded half up, as the sum of a month is where a row is finer than a penny."""
    return int(pence.quantize(Decimal(1), ROUND_HALF_UP))


def _only(folder: Path, pattern: str) -> Path:
    found = sorted(folder.glob(pattern))
    if len(found) != 1:
        raise DataError(f"{folder} holds {len(found)} files {pattern}, not one")
    return found[0]


def _rows(path: Path) -> Iterator[dict[str, str]]:
    with gzip.open(path, "rt", encoding="utf-8", newline="") as file:
        yield from csv.DictReader(file)


def _row(row: dict[str, str]) -> Row:
    return Row(
        invoice=row["Invoice"],
        sku=row["StockCode"],
        quantity=int(row["Quantity"]),
        price_pence=Decimal(row["Price"]) * 100,
        # The data names no zone; months are counted as they are written, so UTC serves.
        at=datetime.fromisoformat(row["InvoiceDate"]).replace(tzinfo=UTC),
        customer=row["Customer ID"],
        country=row["Country"],
    )
