"""What is owed to jurisdictions, as the journal has it, and what was handed in: minor units."""

from datetime import datetime
from uuid import UUID

from gosellr.utils.lazy_dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class TaxedMovement:
    """What moved in a period under one rate: the base that was taxed, and its tax. `source` is
    `sales` or `commission`."""

    source: str
    account: str
    currency: str
    rate_bps: int
    base_minor: int
    tax_minor: int


@dataclass(frozen=True, slots=True)
class TaxAccount:
    """An account of tax before and after a period, and what moved on it beside sales: paid to its
    jurisdiction, or booked by hand. Credits count as positive."""

    account: str
    currency: str
    opening_minor: int
    closing_minor: int
    paid_minor: int
    by_hand_minor: int


@dataclass(frozen=True, slots=True)
class FiledReturn:
    """A return that was handed in, and how far its payment has come. `due_minor` is frozen."""

    id: UUID
    period: str
    jurisdiction: str
    currency: str
    due_minor: int
    reference: str
    filed_by: UUID
    filed_at: datetime
    adjustment_id: UUID | None
    adjustment_status: str | None
    is_paid_by_hand: bool = False

    @property
    def status(self) -> str:
        """`filed`, `payment_prepared` while a second person has to agree, `paid`, which one of
        nothing is at once, or `paid_by_hand` where ordinary adjustments have paid all of it."""
        if self.due_minor == 0 or self.adjustment_status == "approved":
            return "paid"
        if self.adjustment_status == "prepared":
            return "payment_prepared"
        return "paid_by_hand" if self.is_paid_by_hand else "filed"


@dataclass(frozen=True, slots=True)
class OwedOfReturn:
    """What a return came to, and what of all that was owed by the end of its period is still to be
    paid; both are negative where it is to come back. `by_hand_minor` is what ordinary adjustments
    paid since the period began."""

    due_minor: int
    currency: str
    owed_minor: int
    by_hand_minor: int

    @property
    def left_minor(self) -> int:
        """What its payment may come to: no more than is due."""
        if self.due_minor < 0:
            return max(self.due_minor, min(0, self.owed_minor))
        return min(self.due_minor, max(0, self.owed_minor))

    @property
    def is_paid_by_hand(self) -> bool:
        """Whether ordinary adjustments have paid it, or a part of it."""
        has_same_way = self.by_hand_minor * self.due_minor > 0
        return has_same_way and self.left_minor != self.due_minor
