"""What may be booked by hand, read from what people send, and asked again before it is booked."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any
from uuid import UUID

from gosellr.core.db import Connection
from gosellr.core.errors import Conflict, InvalidInput
from gosellr.queries import tax_filings
from gosellr.services import ledger_service
from gosellr.utils.balance_postings import NotAdjustable, adjustment
from gosellr.utils.ledger import (
    Direction,
    Entry,
    InvalidEntry,
    TransactionDraft,
    Unbalanced,
    UnknownAccount,
    account_kind,
    account_owner,
)
from gosellr.utils.money import MAX_AMOUNT_MINOR, UnknownCurrency


class MoreThanOwed(Conflict):
    """A debt can't be lowered by more than there is of it."""

    code = "more_than_owed"
    title = "That is more than the seller owes"


class TaxPaidByHand(Conflict):
    """What a tax return owes, or a part of it, was paid by an ordinary adjustment."""

    code = "tax_paid_by_hand"
    title = "An ordinary adjustment has paid this, or a part of it"


def draft_of(entries: Sequence[Mapping[str, Any]]) -> TransactionDraft:
    """The transaction that these entries make.

    Raises:
        InvalidInput: they don't balance, move too much, or aren't such as people may book.
    """
    if not entries:
        raise InvalidInput.at("entries", "nothing_to_book", "There is nothing to be booked")
    try:
        draft = adjustment(entry_of(one) for one in entries)
        sellers_of(draft.entries)
    except Unbalanced as error:
        raise InvalidInput.at("entries", "unbalanced", f"They don't balance: {error}") from None
    except NotAdjustable as error:
        raise InvalidInput.at("entries", "account_not_adjustable", str(error)) from None
    except (UnknownAccount, UnknownCurrency, InvalidEntry, ValueError) as error:
        raise InvalidInput.at("entries", "entry_wrong", str(error)) from None
    _check_moved(draft.entries)
    return draft


def _check_moved(entries: Iterable[Entry]) -> None:
    """What is moved in a currency is an amount as any other."""
    moved: dict[str, int] = {}
    for entry in entries:
        if entry.direction is Direction.DEBIT:
            moved[entry.currency] = moved.get(entry.currency, 0) + entry.amount_minor
    if any(minor > MAX_AMOUNT_MINOR for minor in moved.values()):
        words = "Together they move more than one adjustment may"
        raise InvalidInput.at("entries", "amount_out_of_bounds", words)


def entry_of(plain: Mapping[str, Any]) -> Entry:
    """An entry from how it is kept."""
    return Entry(
        plain["account"], Direction(plain["direction"]), plain["amount_minor"], plain["currency"]
    )


def plain_of(entry: Entry) -> dict[str, Any]:
    """An entry as it is kept."""
    return {
        "account": entry.account,
        "direction": entry.direction.value,
        "amount_minor": entry.amount_minor,
        "currency": entry.currency,
    }


def sellers_of(entries: Iterable[Entry]) -> set[UUID]:
    """Whose accounts are touched, named as the books name them. Raises `UnknownAccount`."""
    found = set()
    for entry in entries:
        if account_kind(entry.account).owner != "seller":
            continue
        owner = account_owner(entry.account) or ""
        try:
            seller_id = UUID(owner)
        except ValueError:
            raise UnknownAccount(f"{owner} is no seller's id") from None
        if str(seller_id) != owner:
            raise UnknownAccount(f"write the seller's id as {seller_id}")
        found.add(seller_id)
    return found


async def check_owed(connection: Connection, entries: Iterable[Entry]) -> None:
    """No debt may be lowered below nothing; the caller holds what is available to its seller.

    Raises:
        MoreThanOwed: it would be.
    """
    lowered: dict[tuple[str, str], int] = {}
    for entry in entries:
        if account_kind(entry.account).name == "seller_receivable":
            which = entry.account, entry.currency
            lowered[which] = lowered.get(which, 0) - entry.balance_change_minor
    owed = await ledger_service.balances(
        connection, accounts=sorted({account for account, _ in lowered})
    )
    for which, minor in lowered.items():
        owed_minor = max(0, owed.get(which, 0))
        if minor > owed_minor:
            money = {"amount": owed_minor, "currency": which[1]}
            raise MoreThanOwed(extras={"owed": money})


async def check_tax_unpaid(connection: Connection, *, tax_return_id: UUID) -> None:
    """No tax return is paid that ordinary adjustments have paid.

    Raises:
        TaxPaidByHand: they have, or a part of it; `left` says how much is still to be paid.
    """
    found = await tax_filings.still_owed(connection, tax_return_ids=[tax_return_id])
    owed = found[tax_return_id]
    if owed.is_paid_by_hand:
        left = {"amount": owed.left_minor, "currency": owed.currency}
        raise TaxPaidByHand(extras={"left": left})


async def check_tax_payment(
    connection: Connection, entries: Iterable[Entry], *, adjustment_id: UUID
) -> None:
    """The same before a return's payment is booked. Whoever books anything on an account of tax
    waits here for each other, so that neither misses what the other one pays.

    Raises:
        TaxPaidByHand: as above.
    """
    named = {
        account_owner(entry.account) or ""
        for entry in entries
        if account_kind(entry.account).name == "tax_payable"
    }
    if not named:
        return
    await tax_filings.lock_all_of(connection, jurisdictions=named)
    tax_return_id = await tax_filings.paid_by(connection, adjustment_id=adjustment_id)
    if tax_return_id is not None:
        await check_tax_unpaid(connection, tax_return_id=tax_return_id)
