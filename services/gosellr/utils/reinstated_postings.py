"""What is booked when a bank gives back what it had taken for good: the lost chargeback's own
entries the other way round, in proportion where it gives back less.

The seller's side went out of a case's reserve, which is no more: what comes back is owed no more
first, and can be paid out beyond that. Taken again, it is a debt, since it may have been paid out.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from uuid import UUID

from gosellr.utils.ledger import (
    Direction,
    Entry,
    TransactionDraft,
    TransactionKind,
    account_kind,
    account_owner,
    gateway_clearing,
    seller_available,
    seller_receivable,
)
from gosellr.utils.money import share, split

_SELLERS = frozenset({"seller_pending", "seller_available", "seller_reserve", "seller_receivable"})
_TAKEN = "dispute_receivable"


def chargeback_reinstated(
    lost: Sequence[Entry],
    *,
    gateway: str,
    amount_minor: int,
    currency: str,
    owed_minor: Mapping[UUID, int],
) -> TransactionDraft:
    """Recipe 7: so much of a lost chargeback comes back, to those who had borne it.

    `lost` are all entries by which it was lost, `owed_minor` what each seller owes now. Raises
    ValueError for nothing, or more than was taken.
    """
    left = dict(owed_minor)
    shares = _shares(lost, amount_minor)
    entries = [_clearing(gateway, Direction.DEBIT, amount_minor, currency)]
    for entry in shares:
        if account_kind(entry.account).name not in _SELLERS:
            entries.append(entry)
            continue
        seller_id = UUID(account_owner(entry.account) or "")
        forgiven_minor = min(entry.amount_minor, max(0, left.get(seller_id, 0)))
        left[seller_id] = left.get(seller_id, 0) - forgiven_minor
        entries += [
            replace(entry, account=account, amount_minor=minor)
            for account, minor in (
                (seller_receivable(seller_id), forgiven_minor),
                (seller_available(seller_id), entry.amount_minor - forgiven_minor),
            )
            if minor
        ]
    return TransactionDraft(TransactionKind.CHARGEBACK_REINSTATED, tuple(entries))


def chargeback_taken_again(
    lost: Sequence[Entry], *, gateway: str, amount_minor: int, currency: str
) -> TransactionDraft:
    """Recipe 7: what had come back is taken once more, from whoever had got it. Raises as above."""
    shares = _shares(lost, amount_minor)
    entries = [_clearing(gateway, Direction.CREDIT, amount_minor, currency)]
    for entry in shares:
        back = replace(entry, direction=entry.direction.opposite)
        if account_kind(entry.account).name in _SELLERS:
            back = replace(
                back, account=seller_receivable(UUID(account_owner(entry.account) or ""))
            )
        entries.append(back)
    return TransactionDraft(TransactionKind.CHARGEBACK_REINSTATED, tuple(entries))


def sellers_of(lost: Sequence[Entry]) -> list[UUID]:
    """Whose money was taken, in order."""
    return sorted(
        {
            UUID(account_owner(entry.account) or "")
            for entry in lost
            if account_kind(entry.account).name in _SELLERS
        }
    )


def _shares(lost: Sequence[Entry], amount_minor: int) -> list[Entry]:
    """Everybody's share of so much of what was taken, the other way round."""
    taken_minor = sum(
        entry.amount_minor for entry in lost if account_kind(entry.account).name == _TAKEN
    )
    if not 0 < amount_minor <= taken_minor:
        raise ValueError(f"{amount_minor} of {taken_minor} that were taken can't come back")
    bore = [entry for entry in lost if entry.direction is Direction.DEBIT]
    gave = [
        entry
        for entry in lost
        if entry.direction is Direction.CREDIT and account_kind(entry.account).name != _TAKEN
    ]
    # What the market had saved by it (its discounts, goodwill) it bears once more.
    again = [share(entry.amount_minor, amount_minor, taken_minor) for entry in gave]
    back = split(amount_minor + sum(again), [entry.amount_minor for entry in bore])
    return [
        replace(entry, direction=entry.direction.opposite, amount_minor=minor)
        for entry, minor in zip([*bore, *gave], [*back, *again], strict=True)
        if minor
    ]


def _clearing(gateway: str, direction: Direction, amount_minor: int, currency: str) -> Entry:
    return Entry(gateway_clearing(gateway), direction, amount_minor, currency)
