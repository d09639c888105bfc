"""What arrives by bank transfer, held against what was asked for."""

from collections.abc import Sequence
from enum import StrEnum

from gosellr.utils.lazy_dataclasses import dataclass
from gosellr.utils.ledger import (
    SUSPENSE,
    Direction,
    Entry,
    TransactionDraft,
    TransactionKind,
    gateway_clearing,
)
from gosellr.utils.offline import BANK_TRANSFER


class ReceiptOutcome(StrEnum):
    """What became of a transfer."""

    PAID = "paid"
    """It completed what was asked for, to the cent."""
    SURPLUS = "surplus"
    """It completed it, and what came on top waits to be given back."""
    PART = "part"
    """It isn't enough yet; it waits for the rest."""
    LATE = "late"
    """The order doesn't want it any more: all of it goes back."""
    UNMATCHED = "unmatched"
    """Nobody knows what it is for; a person decides."""
    SENT = "sent"
    """It is money that left."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Application:
    """How the pieces that arrived pay an amount: what is used of each, in their order."""

    used_minor: tuple[int, ...]
    is_complete: bool


def applied(amount_minor: int, pieces_minor: Sequence[int]) -> Application:
    """Use pieces for an amount, the first to arrive first; nothing is used while they don't
    come to it. Raises ValueError for a piece that isn't positive."""
    if min(pieces_minor, default=1) <= 0:
        raise ValueError("only what arrived can be used")
    if sum(pieces_minor) < amount_minor:
        return Application(used_minor=(0,) * len(pieces_minor), is_complete=False)
    used: list[int] = []
    for piece_minor in pieces_minor:
        used.append(min(piece_minor, amount_minor - sum(used)))
    return Application(used_minor=tuple(used), is_complete=True)


def into_suspense(*, amount_minor: int, currency: str) -> TransactionDraft:
    """Money on the bank account of which nobody knows yet what it pays for."""
    return _moved(gateway_clearing(BANK_TRANSFER), SUSPENSE, amount_minor, currency)


def out_of_suspense(*, amount_minor: int, currency: str) -> TransactionDraft:
    """It pays for something now, which books it by itself; or it went back."""
    return _moved(SUSPENSE, gateway_clearing(BANK_TRANSFER), amount_minor, currency)


def _moved(debited: str, credited: str, amount_minor: int, currency: str) -> TransactionDraft:
    return TransactionDraft(
        TransactionKind.RECONCILED,
        (
            Entry(debited, Direction.DEBIT, amount_minor, currency),
            Entry(credited, Direction.CREDIT, amount_minor, currency),
        ),
    )
