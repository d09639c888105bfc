"""Cases as they are read: with what was said, handed in and done."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

from gosellr.utils.dispute_postings import Pots
from gosellr.utils.disputes import DisputeKind, DisputeStatus
from gosellr.utils.lazy_dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Dispute:
    """A case. A chargeback's is about a seller's whole part and names no line; that of a gift
    card's price names no seller either, because the market has sold it."""

    id: UUID
    kind: str
    order_id: UUID
    seller_order_id: UUID | None
    seller_id: UUID | None
    order_line_id: UUID | None
    quantity: int | None
    chargeback_id: UUID | None
    reason: str
    status: str
    currency: str
    amount_minor: int
    # What of it had come back of a chargeback that was lost before: nothing of the sale is left.
    came_back_minor: int
    award_minor: int | None
    outcome: str | None
    decided_by: str | None
    decision: str | None
    is_final: bool
    appealed_by: str | None
    from_pending_minor: int
    from_available_minor: int
    from_reserve_minor: int
    from_receivable_minor: int
    spent_minor: int
    booking_count: int
    opened_by: UUID | None
    opened_at: datetime
    due_at: datetime | None
    decided_at: datetime | None
    closed_at: datetime | None
    event_count: int
    version: int
    review_reminded_at: datetime | None = None
    review_overdue_at: datetime | None = None

    @property
    def frozen_from(self) -> Pots:
        """Where its money came from, what was spent of it included."""
        return Pots(
            pending_minor=self.from_pending_minor,
            available_minor=self.from_available_minor,
            reserve_minor=self.from_reserve_minor,
            receivable_minor=self.from_receivable_minor,
        )

    @property
    def frozen_minor(self) -> int:
        """What stands in the seller's reserve under this case."""
        return self.frozen_from.total_minor - self.spent_minor

    @property
    def is_of_card(self) -> bool:
        """Whether it is about what a gift card was paid with."""
        return self.seller_id is None

    @property
    def stands(self) -> DisputeStatus:
        """Its status."""
        return DisputeStatus(self.status)

    @property
    def is_chargeback(self) -> bool:
        """Whether the card's bank decides it."""
        return self.kind == DisputeKind.CHARGEBACK.value


@dataclass(frozen=True, slots=True, kw_only=True)
class DisputeMessage:
    """What somebody said."""

    id: UUID
    author: str
    author_id: UUID | None
    body: str
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class DisputeFile:
    """A file that somebody handed in."""

    id: UUID
    author: str
    author_id: UUID | None
    name: str
    content_type: str
    byte_size: int
    storage_key: str
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class DisputeEvent:
    """A step of its history."""

    sequence: int
    kind: str
    from_status: str | None
    to_status: str | None
    actor: str
    actor_id: UUID | None
    data: Mapping[str, Any]
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Chargeback:
    """What a card network took back."""

    id: UUID
    payment_id: UUID
    order_id: UUID
    gateway: str
    gateway_reference: str
    currency: str
    amount_minor: int
    fee_minor: int
    reason: str
    status: str
    evidence_due_at: datetime | None
    evidence_sent_at: datetime | None
    opened_at: datetime
    closed_at: datetime | None
    check_count: int
    stage: str | None
    charges: list[str]
    fee_count: int
    # Since when its bank has won it, and the books wait for a refund that isn't answered.
    lost_later_since: datetime | None = None
    # What its bank gave back after it had kept it, and by how many bookings.
    reinstated_minor: int = 0
    reinstated_count: int = 0
    reinstated_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ReportedChargeback:
    """How a chargeback stands at its gateway. `status` is open, won or lost; `kept_minor` is what
    the buyer keeps of one that was won after it had been lost."""

    payment_id: UUID
    gateway: str
    gateway_reference: str
    amount_minor: int
    currency: str
    fee_minor: int
    reason: str
    status: str
    evidence_due_at: datetime | None
    opened_at: datetime
    stage: str | None = None
    charges: tuple[str, ...] = ()
    fee_returned: bool = False
    is_withdrawn: bool = False
    kept_minor: int = 0


@dataclass(frozen=True, slots=True)
class ListedChargeback:
    """How a chargeback stands by its gateway's list; None for what that doesn't tell."""

    status: str
    stage: str | None = None
    fee_minor: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class DisputeRefund:
    """Money on its way to the buyer out of a case, or there."""

    id: UUID
    status: str
    amount_minor: int


@dataclass(frozen=True, slots=True, kw_only=True)
class DisputeFolder:
    """A case with all that belongs to it, and as whom its reader reads it.

    `tracking` are the parcels of the seller's part as they are now.
    """

    dispute: Dispute
    order_number: int
    is_buyer: bool
    line: Mapping[str, Any] | None
    messages: tuple[DisputeMessage, ...]
    files: tuple[DisputeFile, ...]
    events: tuple[DisputeEvent, ...]
    refunds: tuple[DisputeRefund, ...]
    tracking: tuple[Mapping[str, Any], ...]
    chargeback: Chargeback | None


@dataclass(frozen=True, slots=True, kw_only=True)
class NewMessage:
    """What somebody says now."""

    id: UUID
    dispute_id: UUID
    author: str
    author_id: UUID | None
    body: str


@dataclass(frozen=True, slots=True, kw_only=True)
class NewFile:
    """A file that was stored and is now handed in."""

    id: UUID
    name: str
    content_type: str
    byte_size: int
    sha256: bytes
    storage_key: str
