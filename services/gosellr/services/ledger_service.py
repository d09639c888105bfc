"""The books of the market: what is booked, and what accounts hold."""

from collections.abc import Mapping, Sequence
from dataclasses import field
from datetime import datetime
from typing import Any
from uuid import UUID

from gosellr.core.db import Connection
from gosellr.core.errors import Conflict
from gosellr.core.identity import new_id
from gosellr.queries import ledger
from gosellr.queries.ledger import AccountTurnover, BookedTransaction
from gosellr.utils.lazy_dataclasses import dataclass
from gosellr.utils.ledger import (
    Side,
    TransactionDraft,
    account_kind,
    is_guarded,
    seller_receivable,
    transaction_bytes,
    transaction_hash,
)


class InsufficientBalance(Conflict):
    """A balance that may not fall below zero holds less than is to be taken from it."""

    code = "insufficient_balance"
    title = "There is not enough money for this"


@dataclass(frozen=True, slots=True, kw_only=True)
class Booking:
    """A fact to be booked once for its kind and idempotency key.

    `actor` says on whose word, `facts` are the figures behind it: plain JSON without floats.
    """

    draft: TransactionDraft
    cause_type: str
    cause_id: UUID
    idempotency_key: str
    actor: str
    effective_at: datetime
    order_id: UUID | None = None
    facts: Mapping[str, Any] = field(default_factory=dict)
    corrects_id: UUID | None = None


@dataclass(frozen=True, slots=True)
class Booked:
    """The transaction that stands for a booking; `existed` when it did so before."""

    transaction_id: UUID
    existed: bool


async def book(
    connection: Connection, *, bookings: Sequence[Booking], now: datetime
) -> list[Booked]:
    """Book facts, each once, and move the guarded balances they touch; answers in their order.

    A replay, by (kind, idempotency key), books nothing and gives the transaction that exists.
    Only guarded accounts are locked, ascending by name, until the commit.

    Raises:
        InsufficientBalance: a guarded balance would fall below zero; nothing can be saved of
            the running transaction.
    """
    if not bookings:
        return []
    transactions = drafted(bookings, now=now)
    try:
        new = await ledger.insert(connection, transactions)
    except ledger.Overdrawn:
        raise InsufficientBalance from None
    known = {(each.kind, each.idempotency_key): each.id for each in transactions if each.id in new}
    keys = [(each.kind, each.idempotency_key) for each in transactions]
    missing = [key for key in keys if key not in known]
    if missing:
        known |= await ledger.find_by_keys(connection, missing)
    return [
        Booked(known[key], existed=each.id not in new)
        for key, each in zip(keys, transactions, strict=True)
    ]


def drafted(bookings: Sequence[Booking], *, now: datetime) -> list[BookedTransaction]:
    """Bookings as the transactions to be written, with their hashes."""
    return [_transaction(booking, now=now) for booking in bookings]


def _transaction(booking: Booking, *, now: datetime) -> BookedTransaction:
    head: dict[str, Any] = {
        "kind": booking.draft.kind.value,
        "cause_type": booking.cause_type,
        "cause_id": booking.cause_id,
        "idempotency_key": booking.idempotency_key,
        "order_id": booking.order_id,
        "corrects_id": booking.corrects_id,
        "actor": booking.actor,
        "facts": dict(booking.facts),
        "effective_at": booking.effective_at,
        "booked_at": now,
        "entries": booking.draft.entries,
    }
    transaction_id = new_id()
    digest = transaction_hash(transaction_bytes(transaction_id=transaction_id, **head))
    return BookedTransaction(id=transaction_id, hash=digest, **head)


async def locked_balances(
    connection: Connection, *, accounts: Sequence[str], currency: str
) -> dict[str, int]:
    """What guarded accounts hold, by account, locked until the commit.

    Raises ValueError for an account that isn't guarded: it has no balance to be locked.
    """
    for account in accounts:
        if not is_guarded(account):
            raise ValueError(f"{account} has no guarded balance")
    return await ledger.lock_balances(connection, accounts=accounts, currency=currency)


async def balances(
    connection: Connection, *, accounts: Sequence[str]
) -> dict[tuple[str, str], int]:
    """What accounts hold by (account, currency), in the account's own sense; unlocked.

    An account that never had an entry is left out.
    """
    return {
        (each.account, each.currency): _balance(each)
        for each in await ledger.turnovers(connection, accounts=accounts)
    }


def _balance(turnover: AccountTurnover) -> int:
    grows_by_credit = account_kind(turnover.account).side in {Side.LIABILITY, Side.INCOME}
    net_minor = turnover.debit_minor - turnover.credit_minor
    return -net_minor if grows_by_credit else net_minor


async def receivable_of(connection: Connection, *, seller_id: UUID, currency: str) -> int:
    """What a seller owes the marketplace.

    Two who recover the same debt at once must be kept apart by a lock of the caller's, for
    example on the seller's available balance.
    """
    account = seller_receivable(seller_id)
    held = await balances(connection, accounts=[account])
    return held.get((account, currency), 0)
