"""What is booked of a case: money frozen, given back, and what a chargeback takes.

Frozen money stands in the seller's reserve. It came from where a refund would have come from: this
sale's pending money, then what is available, then what a rule keeps back, then a debt for what none
of them covers. What the buyer is awarded is spent in that order; what is released goes back in the
opposite one, so that a debt is the first to go and the seller is never left with less than the case
was about. What a rule keeps back stands in the reserve before and after: only whose it is changes.
"""

from collections.abc import Mapping, Sequence
from uuid import UUID

from gosellr.utils.lazy_dataclasses import dataclass, replace
from gosellr.utils.ledger import (
    CHARGEBACK_LOSS,
    GATEWAY_FEE,
    SUSPENSE,
    Direction,
    Entry,
    TransactionDraft,
    TransactionKind,
    Unbalanced,
    dispute_receivable,
    gateway_clearing,
    refund_in_transit,
    seller_available,
    seller_pending,
    seller_receivable,
    seller_reserve,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Pots:
    """Where frozen money came from, or where released money goes."""

    pending_minor: int = 0
    available_minor: int = 0
    reserve_minor: int = 0
    receivable_minor: int = 0

    @property
    def booked_minor(self) -> int:
        """What comes into the reserve, or leaves it."""
        return self.pending_minor + self.available_minor + self.receivable_minor

    @property
    def total_minor(self) -> int:
        """All of it."""
        return self.booked_minor + self.reserve_minor

    def less(self, other: "Pots") -> "Pots":
        """What is left of these when others are taken away."""
        return Pots(
            pending_minor=self.pending_minor - other.pending_minor,
            available_minor=self.available_minor - other.available_minor,
            reserve_minor=self.reserve_minor - other.reserve_minor,
            receivable_minor=self.receivable_minor - other.receivable_minor,
        )


@dataclass(frozen=True, slots=True)
class Thaw:
    """A release: from which pots it had come, and where it goes to now."""

    taken: Pots
    given: Pots


@dataclass(frozen=True, slots=True, kw_only=True)
class FeeShare:
    """What one seller bears of a provider's fee."""

    seller_id: UUID
    seller_order_id: UUID
    amount_minor: int


def plan_freeze(
    amount_minor: int, *, pending_minor: int, available_minor: int, reserve_minor: int = 0
) -> Pots:
    """From which pots so much is frozen; one below zero counts as empty.

    Raises ValueError for a negative amount.
    """
    if amount_minor < 0:
        raise ValueError("nothing negative can be frozen")
    pending = min(amount_minor, max(0, pending_minor))
    available = min(amount_minor - pending, max(0, available_minor))
    reserve = min(amount_minor - pending - available, max(0, reserve_minor))
    return Pots(
        pending_minor=pending,
        available_minor=available,
        reserve_minor=reserve,
        receivable_minor=amount_minor - pending - available - reserve,
    )


def plan_thaw(
    amount_minor: int, *, frozen: Pots, spent_minor: int, is_released: bool, owed_minor: int
) -> Thaw:
    """How so much of a case's money goes back to its seller.

    A debt made by the case goes first, as far as the seller still owes (`owed_minor`), then what a
    rule had kept back; what was recovered of it since, and pending money of a sale that was
    released since, is available.
    Raises ValueError for more than is frozen and not spent.
    """
    if not 0 <= amount_minor <= frozen.total_minor - spent_minor:
        raise ValueError(f"{amount_minor} isn't frozen: {frozen}, {spent_minor} of it spent")
    receivable = min(amount_minor, frozen.receivable_minor)
    reserve = min(amount_minor - receivable, frozen.reserve_minor)
    available = min(amount_minor - receivable - reserve, frozen.available_minor)
    pending = amount_minor - receivable - reserve - available
    forgiven = min(receivable, max(0, owed_minor))
    still_pending = 0 if is_released else pending
    return Thaw(
        taken=Pots(
            pending_minor=pending,
            available_minor=available,
            reserve_minor=reserve,
            receivable_minor=receivable,
        ),
        given=Pots(
            pending_minor=still_pending,
            available_minor=available + (pending - still_pending) + (receivable - forgiven),
            reserve_minor=reserve,
            receivable_minor=forgiven,
        ),
    )


def dispute_frozen(
    *, seller_order_id: UUID, seller_id: UUID, currency: str, pots: Pots
) -> TransactionDraft:
    """Recipe 8: what the buyer may be awarded is out of reach until the case is decided."""
    entries = _seller_side(Direction.DEBIT, seller_order_id, seller_id, currency, pots)
    frozen = _entry(
        seller_reserve(seller_id), Direction.CREDIT, pots.booked_minor, currency, seller_order_id
    )
    return TransactionDraft(TransactionKind.DISPUTE_FROZEN, (*entries, *frozen))


def dispute_released(
    *, seller_order_id: UUID, seller_id: UUID, currency: str, pots: Pots
) -> TransactionDraft:
    """Recipe 8: what the buyer wasn't awarded is the seller's again."""
    frozen = _entry(
        seller_reserve(seller_id), Direction.DEBIT, pots.booked_minor, currency, seller_order_id
    )
    entries = _seller_side(Direction.CREDIT, seller_order_id, seller_id, currency, pots)
    return TransactionDraft(TransactionKind.DISPUTE_RELEASED, (*frozen, *entries))


def chargeback_opened(
    *,
    gateway: str,
    amount_minor: int,
    currency: str,
    fee_minor: int = 0,
    fee_shares: Sequence[FeeShare] = (),
) -> TransactionDraft:
    """Recipe 7: the network has taken the money back until it decides, and asks for a fee.

    The fee is the marketplace's, less what sellers bear of it. Raises `Unbalanced` when they were
    to bear more than there is.
    """
    borne_minor = sum(share.amount_minor for share in fee_shares)
    if borne_minor > fee_minor:
        raise Unbalanced(f"sellers bear {borne_minor} of a fee of {fee_minor}")
    return TransactionDraft(
        TransactionKind.CHARGEBACK_OPENED,
        (
            *_entry(dispute_receivable(gateway), Direction.DEBIT, amount_minor, currency),
            *_entry(GATEWAY_FEE, Direction.DEBIT, fee_minor - borne_minor, currency),
            *_fee_entries(fee_shares, currency),
            *_entry(
                gateway_clearing(gateway), Direction.CREDIT, amount_minor + fee_minor, currency
            ),
        ),
    )


def chargeback_fee(
    *, gateway: str, amount_minor: int, currency: str, shares: Sequence[FeeShare] = ()
) -> TransactionDraft:
    """Recipe 7: a fee that the provider took later, borne as one that it took at once.

    Raises `Unbalanced` when sellers were to bear more than there is.
    """
    borne_minor = sum(share.amount_minor for share in shares)
    if borne_minor > amount_minor:
        raise Unbalanced(f"sellers bear {borne_minor} of a fee of {amount_minor}")
    return TransactionDraft(
        TransactionKind.CHARGEBACK_FEE,
        (
            *_entry(GATEWAY_FEE, Direction.DEBIT, amount_minor - borne_minor, currency),
            *_fee_entries(shares, currency),
            *_entry(gateway_clearing(gateway), Direction.CREDIT, amount_minor, currency),
        ),
    )


def chargeback_fee_returned(
    *,
    gateway: str,
    amount_minor: int,
    currency: str,
    shares: Sequence[FeeShare] = (),
    owed_minor: Mapping[UUID, int],
) -> TransactionDraft:
    """Recipe 7: the provider gives a fee back, and so does whoever bore it.

    `shares` are the sellers' part of it: what each still owes (`owed_minor`) is owed no more, the
    rest can be paid out. Raises `Unbalanced` when theirs were more than there is.
    """
    borne_minor = sum(share.amount_minor for share in shares)
    if borne_minor > amount_minor:
        raise Unbalanced(f"sellers get {borne_minor} of a fee of {amount_minor}")
    entries: list[Entry] = []
    for one in shares:
        forgiven_minor = min(one.amount_minor, max(0, owed_minor.get(one.seller_id, 0)))
        for account, part_minor in (
            (seller_receivable(one.seller_id), forgiven_minor),
            (seller_available(one.seller_id), one.amount_minor - forgiven_minor),
        ):
            entries += _entry(account, Direction.CREDIT, part_minor, currency, one.seller_order_id)
    return TransactionDraft(
        TransactionKind.CHARGEBACK_FEE,
        (
            *_entry(gateway_clearing(gateway), Direction.DEBIT, amount_minor, currency),
            *_entry(GATEWAY_FEE, Direction.CREDIT, amount_minor - borne_minor, currency),
            *entries,
        ),
    )


def _fee_entries(shares: Sequence[FeeShare], currency: str) -> tuple[Entry, ...]:
    return tuple(
        entry
        for share in shares
        for entry in _entry(
            seller_receivable(share.seller_id),
            Direction.DEBIT,
            share.amount_minor,
            currency,
            share.seller_order_id,
        )
    )


def chargeback_won(*, gateway: str, amount_minor: int, currency: str) -> TransactionDraft:
    """Recipe 7: the network gives the money back. Its fee stays where it was booked."""
    return TransactionDraft(
        TransactionKind.CHARGEBACK_WON,
        (
            *_entry(gateway_clearing(gateway), Direction.DEBIT, amount_minor, currency),
            *_entry(dispute_receivable(gateway), Direction.CREDIT, amount_minor, currency),
        ),
    )


def chargeback_lost(intent: TransactionDraft, *, gateway: str) -> TransactionDraft:
    """Recipe 7: a refund (recipe 4) whose money the network has taken already.

    `intent` is that refund's, through the gateway that the chargeback came from.
    """
    transit, taken = refund_in_transit(gateway), dispute_receivable(gateway)
    entries = tuple(
        replace(entry, account=taken) if entry.account == transit else entry
        for entry in intent.entries
    )
    return TransactionDraft(TransactionKind.CHARGEBACK_LOST, entries)


def chargeback_borne(
    *, gateway: str, amount_minor: int, currency: str, suspended_minor: int = 0
) -> TransactionDraft:
    """Recipe 7: what no seller owes, because it went back to the buyer before, is our loss, but for
    what waits in suspense, because it paid for nothing and couldn't be sent back.

    Raises `Unbalanced` when more waited than is taken.
    """
    if suspended_minor > amount_minor:
        raise Unbalanced(f"{suspended_minor} of {amount_minor} can't leave suspense")
    return TransactionDraft(
        TransactionKind.CHARGEBACK_LOST,
        (
            *_entry(SUSPENSE, Direction.DEBIT, suspended_minor, currency),
            *_entry(CHARGEBACK_LOSS, Direction.DEBIT, amount_minor - suspended_minor, currency),
            *_entry(dispute_receivable(gateway), Direction.CREDIT, amount_minor, currency),
        ),
    )


def _seller_side(
    direction: Direction, seller_order_id: UUID, seller_id: UUID, currency: str, pots: Pots
) -> tuple[Entry, ...]:
    accounts = (
        (seller_pending(seller_id), pots.pending_minor),
        (seller_available(seller_id), pots.available_minor),
        (seller_receivable(seller_id), pots.receivable_minor),
    )
    return tuple(
        entry
        for account, amount_minor in accounts
        for entry in _entry(account, direction, amount_minor, currency, seller_order_id)
    )


def _entry(
    account: str,
    direction: Direction,
    amount_minor: int,
    currency: str,
    seller_order_id: UUID | None = None,
) -> tuple[Entry, ...]:
    """An entry; none for nothing."""
    if not amount_minor:
        return ()
    return (Entry(account, direction, amount_minor, currency, seller_order_id),)
