"""Payouts as they are read: whole rows, with what a person needs beside them."""

from collections.abc import Mapping
from datetime import datetime
from uuid import UUID

from gosellr.utils.lazy_dataclasses import dataclass
from gosellr.utils.payouts import PayoutStatus, Schedule


def payout_number(payout_id: UUID) -> str:
    """A payout's short number: the last twelve digits of its id."""
    return payout_id.hex[-12:]


@dataclass(frozen=True, slots=True)
class Payout:
    """A payout, and the end of the account it goes to."""

    id: UUID
    seller_id: UUID
    currency: str
    amount_minor: int
    status: PayoutStatus
    provider: str
    destination_id: UUID
    last_four: str
    origin: str
    batch_id: UUID | None
    requested_by: UUID | None
    approved_by: UUID | None
    approved_at: datetime | None
    provider_reference: str | None
    failure_reason: str | None
    created_at: datetime
    paid_at: datetime | None
    finished_at: datetime | None
    check_count: int
    entry_count: int

    @property
    def number(self) -> str:
        """What people call it: the end of its id, as the bank's file says it."""
        return payout_number(self.id)


@dataclass(frozen=True, slots=True)
class PayoutInstruction:
    """What a provider is told of a payout; the account is still encrypted. `is_denied` where people
    said that it was never sent."""

    payout_id: UUID
    status: PayoutStatus
    provider: str
    amount_minor: int
    currency: str
    destination_id: UUID
    account_encrypted: bytes
    provider_reference: str | None
    is_denied: bool


@dataclass(frozen=True, slots=True)
class ClaimedEntry:
    """An entry that a payout claims. Credits count as positive."""

    id: int
    transaction_id: UUID
    kind: str
    direction: str
    change_minor: int
    currency: str
    order_id: UUID | None
    order_number: int | None
    seller_order_id: UUID | None
    refund_id: UUID | None
    booked_at: datetime
    released_at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class PayoutSettings:
    """When a seller is paid, from which amount on, and whether somebody stopped it."""

    seller_id: UUID
    schedule: Schedule
    minimums: Mapping[str, int]
    next_due_at: datetime | None
    held_at: datetime | None
    hold_reason: str | None
    version: int


@dataclass(frozen=True, slots=True)
class PayoutDestination:
    """A seller's bank account, as far as anybody may see it."""

    id: UUID
    seller_id: UUID
    method: str
    last_four: str
    created_at: datetime
    usable_from: datetime
    created_by: UUID | None = None


@dataclass(frozen=True, slots=True)
class PayoutTotal:
    """How many payouts of one currency, and how much."""

    currency: str
    count: int
    amount_minor: int


@dataclass(frozen=True, slots=True)
class UpcomingRelease:
    """Pending money by the day on which its hold ends; None while that isn't known."""

    currency: str
    day: str | None
    amount_minor: int


@dataclass(frozen=True, slots=True)
class DestinationChange:
    """A seller's new account in place of another, and whether it still waits: until
    `usable_from`, unless it was replaced or withdrawn before."""

    id: UUID
    seller_id: UUID
    seller: str
    last_four: str
    created_at: datetime
    usable_from: datetime
    replaced_at: datetime | None
    withdrawn_at: datetime | None
    previous_id: UUID | None
    previous_last_four: str | None

    def may_withdraw(self, now: datetime) -> bool:
        """Whether the one before can still take its place again."""
        waits = self.replaced_at is None and self.usable_from > now
        return waits and self.previous_id is not None
