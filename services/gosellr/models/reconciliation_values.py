"""Reconciliation as services tell it."""

from datetime import datetime
from uuid import UUID

from gosellr.utils.lazy_dataclasses import dataclass
from gosellr.utils.reconciliation import (
    Clearing,
    Mismatch,
    MovementKind,
    MovementStatus,
    Resolution,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class NewMovement:
    """A movement as its provider tells it; amounts as in `utils.reconciliation`."""

    reference: str
    kind: MovementKind
    currency: str
    amount_minor: int
    fee_minor: int = 0
    related: str | None = None
    key: UUID | None = None
    occurred_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Movement:
    """An imported movement and where it stands."""

    id: UUID
    gateway: str
    reference: str
    related: str | None
    key: UUID | None
    kind: MovementKind
    currency: str
    amount_minor: int
    fee_minor: int
    occurred_at: datetime
    imported_at: datetime
    status: MovementStatus
    mismatch: Mismatch | None
    unexplained_minor: int
    subject_id: UUID | None
    resolution: Resolution | None
    note: str | None
    resolved_by: UUID | None
    resolved_at: datetime | None
    approved_by: UUID | None
    cleared_at: datetime | None
    cleared_as: Clearing | None
    cleared_by: UUID | None


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportedStatement:
    """What an import brought. `known` were there before; `waiting` are all that now wait."""

    id: UUID
    gateway: str
    movements: int
    known: int
    matched: int
    waiting: int


@dataclass(frozen=True, slots=True, kw_only=True)
class GatewayStanding:
    """A provider in one currency: its balance by its own movements, and by our books.

    `untold_minor` of the clearing comes from what its movements don't tell of here: payouts and
    chargebacks. `missing` are charges of ours, older than the grace, of which it never told.
    """

    gateway: str
    currency: str
    provider_minor: int
    clearing_minor: int
    untold_minor: int
    waiting_count: int
    waiting_minor: int
    suspended_minor: int
    missing_count: int
    missing_minor: int
