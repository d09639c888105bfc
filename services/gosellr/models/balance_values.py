"""Reserves, debts, adjustments and bank files as they are read."""

from collections.abc import Mapping
from dataclasses import field
from datetime import date, datetime
from typing import Any
from uuid import UUID

from gosellr.utils.lazy_dataclasses import dataclass
from gosellr.utils.recovery import Ageing, PlanKind, RecoveryPlan
from gosellr.utils.reserves import ReserveRule


@dataclass(frozen=True, slots=True, kw_only=True)
class ListedReserveRule:
    """A rule with what people call it."""

    rule: ReserveRule
    name: str
    version: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ReserveHold:
    """Money of one sale that is kept back. `rule` is what decided it, as it was then."""

    id: UUID
    seller_id: UUID
    seller_order_id: UUID
    order_id: UUID
    order_number: int
    currency: str
    amount_minor: int
    taken_minor: int
    released_minor: int
    rule: Mapping[str, Any]
    held_at: datetime
    release_at: datetime

    @property
    def held_minor(self) -> int:
        """What of it is still kept back."""
        return self.amount_minor - self.taken_minor - self.released_minor


@dataclass(frozen=True, slots=True)
class ComingMoney:
    """Money that becomes available on a day; None while that can't even be estimated."""

    currency: str
    day: str | None
    amount_minor: int
    source: str
    is_estimate: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class KeptPlan:
    """A plan of recovery as it stands with its seller."""

    plan: RecoveryPlan
    seller_id: UUID
    currency: str
    note: str
    ended_at: datetime | None
    end_reason: str | None
    created_by: UUID | None
    created_at: datetime
    # What is owed in its currency, where somebody has looked.
    owed_minor: int | None = None

    def due_minor(self, *, now: datetime) -> int:
        """What of the instalments that have begun isn't paid yet; never more than is owed."""
        due_minor = self.plan.due_minor(now=now)
        return due_minor if self.owed_minor is None else min(due_minor, max(0, self.owed_minor))


@dataclass(frozen=True, slots=True, kw_only=True)
class SellerDebt:
    """What a seller owes in one currency, by age, and the plan that is in force, if any."""

    seller_id: UUID
    seller_name: str
    currency: str
    ageing: Ageing
    oldest_at: datetime
    plan_kind: PlanKind | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Adjustment:
    """What an operator wants to book, and what another one said to it."""

    id: UUID
    kind: str
    status: str
    reason: str
    entries: list[Mapping[str, Any]] = field(default_factory=list)
    seller_id: UUID | None
    prepared_by: UUID
    prepared_at: datetime
    decided_by: UUID | None
    decided_at: datetime | None
    decision_note: str | None
    transaction_id: UUID | None


@dataclass(frozen=True, slots=True, kw_only=True)
class BankFile:
    """A file of payouts for the bank; its content is read by itself."""

    id: UUID
    message_id: str
    status: str
    currency: str
    amount_minor: int
    payment_count: int
    pay_on: date
    content_sha256: str
    made_by: UUID
    made_at: datetime
    decided_by: UUID | None
    decided_at: datetime | None
    reason: str | None


@dataclass(frozen=True, slots=True)
class FiledPayout:
    """A payout that is to be put into a file; the account is still encrypted. What may not leave
    has a seller who is suspended or whose payouts are on hold, or an account that was replaced."""

    id: UUID
    amount_minor: int
    destination_id: UUID
    account_encrypted: bytes = field(repr=False)
    is_replaced: bool
    is_held: bool
    is_suspended: bool


@dataclass(frozen=True, slots=True)
class FiledPayment:
    """A payment of a bank file, as it stands."""

    payout_id: UUID
    seller_id: UUID
    seller_name: str
    amount_minor: int
    currency: str
    status: str
    failure_reason: str | None
