"""Histories for those who don't sell: a buyer's payments and refunds, the operator's journal."""

from typing import Any, Final
from uuid import UUID

from gosellr.core.db import Connection
from gosellr.core.errors import InvalidInput, NotAuthenticated, NotFound
from gosellr.core.pagination import Page, decode_cursor, encode_cursor
from gosellr.queries import histories, ledger
from gosellr.queries.histories import EVERYTHING, MovementFilter
from gosellr.queries.ledger import Movement
from gosellr.services import statement_service
from gosellr.utils.ids import InvalidNumber, order_number, parse_order_number
from gosellr.utils.lazy_dataclasses import dataclass
from gosellr.utils.ledger import TransactionKind, UnknownAccount, account_kind, store_credit
from gosellr.utils.viewer import Viewer

BUYER_KINDS: Final = (
    TransactionKind.SALE.value,
    # The part of it that gift cards or credit paid; the seller holds the cash.
    TransactionKind.SALE_ON_DELIVERY.value,
    TransactionKind.GIFT_CARD_SOLD.value,
    TransactionKind.REFUND_CONFIRMED.value,
    TransactionKind.CHARGEBACK_OPENED.value,
    TransactionKind.CHARGEBACK_WON.value,
    TransactionKind.CHARGEBACK_REINSTATED.value,
    TransactionKind.STRAY_CAPTURE.value,
    TransactionKind.STRAY_RETURN.value,
)
"""The kinds of transactions in which a buyer's own money moves."""


@dataclass(frozen=True, slots=True, kw_only=True)
class JournalFilter:
    """Which part of the journal: an account's, a seller's, or all of it."""

    account: str | None = None
    seller_id: UUID | None = None
    currency: str | None = None
    wanted: MovementFilter = EVERYTHING

    @property
    def has_balance(self) -> bool:
        """Whether there is anything whose balance runs beside the entries."""
        return self.account is not None or self.seller_id is not None


async def buyer_movements(
    connection: Connection,
    *,
    viewer: Viewer,
    currency: str | None,
    wanted: MovementFilter,
    cursor: str | None,
    limit: int,
) -> Page[Movement]:
    """What the viewer paid for own orders and got back, newest first.

    The balance is what it has paid in all by then. Without a currency, the first it ever paid in.

    Raises:
        NotAuthenticated: nobody signed in.
        InvalidInput: the cursor isn't one of ours.
    """
    if viewer.user_id is None:
        raise NotAuthenticated
    if currency is None:
        currency = await histories.buyer_currency(connection, user_id=viewer.user_id) or ""
    rows = await histories.of_buyer(
        connection,
        user_id=viewer.user_id,
        currency=currency,
        kinds=BUYER_KINDS,
        wanted=wanted,
        after=None if cursor is None else _positive(decode_cursor(cursor, kinds=(int, int))),
        limit=limit + 1,
    )
    items = rows[:limit]
    if len(rows) <= limit:
        return Page(items, None)
    return Page(items, encode_cursor(items[-1].written_by, items[-1].id))


async def buyer_currencies(connection: Connection, *, viewer: Viewer) -> list[str]:
    """The currencies in which the viewer ever paid. Raises NotAuthenticated."""
    if viewer.user_id is None:
        raise NotAuthenticated
    return await histories.buyer_currencies(connection, user_id=viewer.user_id)


async def credit_movements(
    connection: Connection,
    *,
    viewer: Viewer,
    currency: str | None,
    cursor: str | None,
    limit: int,
) -> Page[Movement]:
    """What moved on the viewer's own store credit, newest first, with what was left after it.

    Without a currency, the first in which anything moved.

    Raises:
        NotAuthenticated: nobody signed in.
        InvalidInput: the cursor isn't one of ours.
    """
    if viewer.user_id is None:
        raise NotAuthenticated
    return await statement_service.accounts_page(
        connection,
        [store_credit(viewer.user_id)],
        currency=currency,
        wanted=EVERYTHING,
        cursor=cursor,
        limit=limit,
    )


async def market_movements(
    connection: Connection, *, asked: JournalFilter, cursor: str | None, limit: int
) -> Page[Movement]:
    """The journal, entry by entry, newest first. For operators.

    The balance is that of the account or the seller who was asked for, credits positive; in all
    of it there is none.

    Raises:
        NotFound: there is no such seller.
        InvalidInput: there is no such account, both were named, or the cursor isn't one of ours.
    """
    if asked.account is not None and asked.seller_id is not None:
        raise InvalidInput.at("seller", "too_many_filters", "Ask for an account or for a seller")
    if not asked.has_balance:
        return await _everything(connection, asked, cursor=cursor, limit=limit)
    return await statement_service.accounts_page(
        connection,
        await _accounts(connection, asked),
        currency=asked.currency,
        wanted=asked.wanted,
        cursor=cursor,
        limit=limit,
    )


async def market_currencies(connection: Connection, *, asked: JournalFilter) -> list[str]:
    """The currencies in which the account, or the seller, ever moved.

    Raises what `market_movements` does of what is asked for.
    """
    accounts = await _accounts(connection, asked)
    known = await ledger.turnovers(connection, accounts=accounts)
    return sorted({each.currency for each in known})


async def order_named(connection: Connection, *, text: str) -> tuple[UUID, str] | None:
    """The order that a number means, however it is typed: its id, and its number as it is written.
    None where there is no such order."""
    try:
        number = parse_order_number(f"GS-{text.strip().upper().removeprefix('GS-')}")
    except InvalidNumber:
        return None
    found = await ledger.find_order(connection, number=number)
    return None if found is None else (found[0], order_number(found[1]))


async def _accounts(connection: Connection, asked: JournalFilter) -> list[str]:
    if asked.seller_id is not None:
        if not await ledger.seller_exists(connection, seller_id=asked.seller_id):
            raise NotFound
        return statement_service.pots_of(asked.seller_id)
    account = asked.account or ""
    try:
        account_kind(account)
    except UnknownAccount as error:
        raise InvalidInput.at("account", "account_unknown", str(error)) from None
    return [account]


async def _everything(
    connection: Connection, asked: JournalFilter, *, cursor: str | None, limit: int
) -> Page[Movement]:
    after = None if cursor is None else _positive(decode_cursor(cursor, kinds=(int,)))[0]
    rows = await histories.entries(
        connection, currency=asked.currency, wanted=asked.wanted, after=after, limit=limit + 1
    )
    items = rows[:limit]
    return Page(items, encode_cursor(items[-1].id) if len(rows) > limit else None)


def _positive(keys: tuple[Any, ...]) -> tuple[Any, ...]:
    if any(key < 0 for key in keys):
        raise InvalidInput.at("cursor", "cursor_unknown", "This cursor isn't one of ours")
    return keys
