"""What is booked of reserves, debts and operators' adjustments, each balanced by construction."""

from collections.abc import Iterable
from typing import Final
from uuid import UUID

from gosellr.utils.ledger import (
    BAD_DEBT,
    BANK,
    CHARGEBACK_LOSS,
    COMMISSION,
    FEE_INCOME,
    GATEWAY_FEE,
    GOODWILL_COST,
    PROMOTION_COST,
    Direction,
    Entry,
    TransactionDraft,
    TransactionKind,
    account_kind,
    seller_available,
    seller_receivable,
    seller_reserve,
    tax_payable,
)

ADJUSTABLE_KINDS: Final = frozenset(
    {
        BANK, COMMISSION, FEE_INCOME, GATEWAY_FEE, PROMOTION_COST, GOODWILL_COST,
        CHARGEBACK_LOSS, BAD_DEBT, "tax_payable", "seller_available", "seller_receivable",
    }
)  # fmt: skip
"""Accounts that people may adjust. Each other one is told by rows beside the books - parcels under
hold, reserves, cases, cards, transfers, providers' reports - which an entry by hand would belie."""

ENTRIES_MAX: Final = 20


class NotAdjustable(ValueError):
    """People may not book on this account by hand."""


def adjustment(entries: Iterable[Entry]) -> TransactionDraft:
    """Recipe 11: any balanced entry over the accounts that people may adjust.

    Raises `NotAdjustable`, `Unbalanced`.
    """
    booked = tuple(entries)
    for entry in booked:
        if account_kind(entry.account).name not in ADJUSTABLE_KINDS:
            raise NotAdjustable(f"{entry.account} isn't adjusted by hand")
    return TransactionDraft(TransactionKind.ADJUSTED, booked)


def tax_paid(*, jurisdiction: str, amount_minor: int, currency: str) -> TransactionDraft:
    """What is owed to a jurisdiction is paid out of the bank; a negative amount comes back.

    Raises ValueError for nothing.
    """
    if not amount_minor:
        raise ValueError("nothing is to be paid")
    paid, received = Direction.DEBIT, Direction.CREDIT
    if amount_minor < 0:
        paid, received = received, paid
    return adjustment(
        (
            Entry(tax_payable(jurisdiction), paid, abs(amount_minor), currency),
            Entry(BANK, received, abs(amount_minor), currency),
        )
    )


def written_off(*, seller_id: UUID, amount_minor: int, currency: str) -> TransactionDraft:
    """What a seller owes and won't pay is the marketplace's loss."""
    return TransactionDraft(
        TransactionKind.DEBT_WRITTEN_OFF,
        (
            Entry(BAD_DEBT, Direction.DEBIT, amount_minor, currency),
            Entry(seller_receivable(seller_id), Direction.CREDIT, amount_minor, currency),
        ),
    )


def write_off_recovered(
    *, seller_id: UUID, seller_order_id: UUID | None, amount_minor: int, currency: str
) -> TransactionDraft:
    """What had made a debt is undone, and the debt was written off: the seller has kept that money
    since, so what comes back to it pays the debt after all, and the loss is so much smaller."""
    return TransactionDraft(
        TransactionKind.WRITE_OFF_RECOVERED,
        (
            Entry(
                seller_available(seller_id), Direction.DEBIT, amount_minor, currency,
                seller_order_id,
            ),
            Entry(BAD_DEBT, Direction.CREDIT, amount_minor, currency, seller_order_id),
        ),
    )  # fmt: skip


def reserve_released(
    *,
    seller_id: UUID,
    seller_order_id: UUID,
    currency: str,
    recovered_minor: int,
    available_minor: int,
) -> TransactionDraft:
    """Recipe 3, its end: the reserve's time is over; a debt is recovered as at a release."""
    credited = (
        (seller_receivable(seller_id), recovered_minor),
        (seller_available(seller_id), available_minor),
    )
    return TransactionDraft(
        TransactionKind.RESERVE_RELEASED,
        (
            Entry(
                seller_reserve(seller_id),
                Direction.DEBIT,
                recovered_minor + available_minor,
                currency,
                seller_order_id,
            ),
            *(
                Entry(account, Direction.CREDIT, amount_minor, currency, seller_order_id)
                for account, amount_minor in credited
                if amount_minor
            ),
        ),
    )
