"""Histories as files: the rows of a seller's, a buyer's and the market's movements, in parts or in
one piece.

A file is read page after page, each over a connection of its own: the balances chain from the
first line to the last, and a slow reader holds nothing.
"""

from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Final
from uuid import UUID

from gosellr.core.errors import InvalidInput
from gosellr.core.pagination import Page
from gosellr.flows.documents import DocumentFile, DocumentPowers, make_workbook
from gosellr.services.statement_service import POTS, Movement
from gosellr.utils.csv_text import csv_rows
from gosellr.utils.document_tables import Table
from gosellr.utils.ids import order_number
from gosellr.utils.lazy_dataclasses import dataclass
from gosellr.utils.ledger import Side, account_kind, account_owner
from gosellr.utils.money import to_decimal_string
from gosellr.utils.statements import describe, describe_to_buyer

READ_AT_ONCE: Final = 1_000
WORKBOOK_ROWS_MAX: Final = 20_000

_ANY_ID = UUID(int=0)
_POT_OF = {account_kind(account_of(_ANY_ID)).name: pot for pot, account_of in POTS.items()}

Read = Callable[[str | None, int], Awaitable[Page[Movement]]]
Cells = Sequence[str | int | Decimal | None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Columns:
    """What stands in a file of movements, and what it is called."""

    name: str
    header: Sequence[str]
    row: Callable[[Movement], Cells]


def decimal_of(minor: int, movement: Movement) -> Decimal:
    """An amount in major units of the movement's currency."""
    return Decimal(to_decimal_string(minor, movement.currency))


def instant_of(moment: datetime) -> str:
    """A moment as files tell it."""
    return moment.isoformat().replace("+00:00", "Z")


def number_of(movement: Movement) -> str | None:
    """The number of the order that it is about."""
    return None if movement.order_number is None else order_number(movement.order_number)


def description_of(movement: Movement) -> str:
    """What it means to the seller."""
    return describe(
        kind=movement.kind, account=movement.account, is_credit=movement.direction == "credit"
    )


def pot_of(movement: Movement) -> str:
    """Which of a seller's pots it moved."""
    return _POT_OF[account_kind(movement.account).name]


def method_of(movement: Movement) -> str:
    """With what a buyer paid."""
    kind = account_kind(movement.account)
    return str(account_owner(movement.account)) if kind.owner == "gateway" else kind.name


OF_SELLER: Final = Columns(
    name="transactions",
    header=(
        "booked_at", "effective_at", "description", "account", "order_number", "amount",
        "balance", "currency", "transaction_id", "kind",
    ),
    row=lambda each: (
        instant_of(each.booked_at),
        instant_of(each.effective_at),
        description_of(each),
        pot_of(each),
        number_of(each),
        decimal_of(each.change_minor, each),
        decimal_of(each.balance_minor, each),
        each.currency,
        str(each.transaction_id),
        each.kind,
    ),
)  # fmt: skip

OF_BUYER: Final = Columns(
    name="payments",
    header=("booked_at", "description", "method", "order_number", "amount", "paid", "currency"),
    row=lambda each: (
        instant_of(each.booked_at),
        describe_to_buyer(each.kind),
        method_of(each),
        number_of(each),
        decimal_of(each.change_minor, each),
        decimal_of(each.balance_minor, each),
        each.currency,
    ),
)


def _sign(account: str) -> int:
    """1 for an account that grows by credits, else -1."""
    return 1 if account_kind(account).side in {Side.LIABILITY, Side.INCOME} else -1


def own_change(movement: Movement) -> int:
    """By how much its own account grew."""
    return _sign(movement.account) * movement.change_minor


def balance_of(movement: Movement, *, account: str | None) -> int:
    """What was there after it, in the sense of the `account` that was asked for; without one, of a
    seller's accounts together: what the marketplace owes the seller."""
    return (1 if account is None else _sign(account)) * movement.balance_minor


def journal_columns(*, has_balance: bool, account: str | None, of_seller: bool = False) -> Columns:
    """What stands in a file of the journal; the balance is in the sense of the `account` that was
    asked for."""
    return Columns(
        name="journal",
        header=(
            "booked_at", "kind", "account", "direction", "order_number", "change", "balance",
            "currency", "transaction_id",
        ),
        row=lambda each: (
            instant_of(each.booked_at),
            each.kind,
            each.account,
            each.direction,
            number_of(each),
            decimal_of(each.change_minor if of_seller else own_change(each), each),
            decimal_of(balance_of(each, account=account), each) if has_balance else None,
            each.currency,
            str(each.transaction_id),
        ),
    )  # fmt: skip


async def csv_parts(columns: Columns, first: Page[Movement], read: Read) -> AsyncIterator[bytes]:
    """All movements from the first page on as CSV, part by part."""
    yield csv_rows([columns.header]).encode() + csv_rows(map(columns.row, first.items)).encode()
    page = first
    while page.next_cursor is not None:
        page = await read(page.next_cursor, READ_AT_ONCE)
        yield csv_rows(map(columns.row, page.items)).encode()


async def workbook(
    powers: DocumentPowers, columns: Columns, first: Page[Movement], read: Read
) -> DocumentFile:
    """The same as a workbook.

    Raises:
        InvalidInput: it would have too many rows.
        ServiceUnavailable: it couldn't be written, or not in time.
    """
    rows = [*map(columns.row, first.items)]
    page = first
    while page.next_cursor is not None:
        page = await read(page.next_cursor, READ_AT_ONCE)
        rows += map(columns.row, page.items)
        if len(rows) > WORKBOOK_ROWS_MAX:
            raise InvalidInput.at(
                "from",
                "too_many_rows",
                f"A workbook holds {WORKBOOK_ROWS_MAX} rows: ask for a shorter time, or for CSV",
            )
    table = Table(columns.name.capitalize(), columns.header, rows)
    return await make_workbook(powers, table, name=columns.name)
