"""Reconciliation: what providers say they moved, as sent and as answered."""

from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import Field

from gosellr.api.schemas.common import (
    AnswerModel,
    Currency,
    MoneyOut,
    PageFilters,
    PageOut,
    Reason,
    RequestModel,
    line,
)
from gosellr.api.schemas.terms import MomentIn
from gosellr.models.reconciliation_values import (
    GatewayStanding,
    ImportedStatement,
    Movement,
    NewMovement,
)
from gosellr.services.reconciliation_service import MOVEMENTS_MAX
from gosellr.utils.money import MAX_AMOUNT_MINOR
from gosellr.utils.reconciliation import (
    Clearing,
    Mismatch,
    MovementKind,
    MovementStatus,
    Resolution,
)

Document = dict[str, Any]
GatewayName = Annotated[str, line(40)]
ProviderName = Annotated[str, line(200)]


class SignedMoneyIn(RequestModel):
    """An amount in minor units; negative where it lowered the provider's balance with us."""

    amount: Annotated[
        int, Field(strict=True, ge=-MAX_AMOUNT_MINOR, le=MAX_AMOUNT_MINOR, examples=[1999])
    ]
    currency: Currency


class MovementIn(RequestModel):
    """A movement as its provider tells it. `key` is our own id of it, where it is repeated;
    `related` the provider's name of the charge or refund; `fee` what the provider kept, below zero
    where it came back with a refund."""

    reference: ProviderName
    kind: MovementKind
    amount: SignedMoneyIn
    fee: Annotated[int, Field(strict=True, ge=-MAX_AMOUNT_MINOR, le=MAX_AMOUNT_MINOR)] = 0
    key: UUID | None = None
    related: ProviderName | None = None
    occurred_at: MomentIn

    def as_value(self) -> NewMovement:
        """As services take it."""
        return NewMovement(
            reference=self.reference,
            kind=self.kind,
            currency=self.amount.currency,
            amount_minor=self.amount.amount,
            fee_minor=self.fee,
            related=self.related,
            key=self.key,
            occurred_at=self.occurred_at,
        )


class MovementsImport(RequestModel):
    """Movements of one provider."""

    gateway: GatewayName
    movements: Annotated[list[MovementIn], Field(min_length=1, max_length=MOVEMENTS_MAX)]


class MovementsPull(RequestModel):
    """Whose movements are fetched."""

    gateway: GatewayName


class MovementResolve(RequestModel):
    """What an unexplained movement is. `nothing`: another movement explains it."""

    resolution: Resolution
    note: Reason


class SuspenseClear(RequestModel):
    """What it was that waited in suspense."""

    resolution: Literal["fee", "income", "loss"]


class ProviderMovementFilters(PageFilters):
    """Which movements."""

    gateway: GatewayName | None = None
    status: MovementStatus | None = None
    currency: Currency | None = None
    suspended: bool | None = None


class StatementOut(AnswerModel):
    """What an import brought: `known` stood there before, `waiting` wait for an explanation."""

    id: UUID
    gateway: str
    movements: int
    known: int
    matched: int
    waiting: int


class StatementsOut(AnswerModel):
    """What a pull brought, page by page."""

    items: list[StatementOut]


class ProviderMovementOut(AnswerModel):
    """A movement, and what became of it."""

    id: UUID
    gateway: str
    reference: str
    related: str | None
    key: UUID | None
    kind: MovementKind
    amount: MoneyOut
    fee: MoneyOut
    occurred_at: datetime
    imported_at: datetime
    status: MovementStatus
    mismatch: Mismatch | None
    unexplained: MoneyOut
    subject_id: Annotated[UUID | None, Field(description="The charge, refund or return")]
    resolution: Resolution | None
    note: str | None
    resolved_by: UUID | None
    resolved_at: datetime | None
    approved_by: UUID | None
    cleared_at: datetime | None
    cleared_as: Clearing | None
    cleared_by: UUID | None


class ProviderMovementPageOut(PageOut[ProviderMovementOut]):
    """Movements, newest first."""


class StandingOut(AnswerModel):
    """A provider in one currency, by its own figures and by our books."""

    gateway: str
    provider_balance: MoneyOut
    clearing: MoneyOut
    untold: Annotated[
        MoneyOut, Field(description="Of the clearing, payouts and chargebacks: told elsewhere")
    ]
    waiting_count: int
    waiting: MoneyOut
    suspended: MoneyOut
    missing_count: Annotated[int, Field(description="Charges that it never told of")]
    missing: MoneyOut


class ReconciliationOut(AnswerModel):
    """Every provider of which anything was imported."""

    items: list[StandingOut]


def statement_document(statement: ImportedStatement) -> Document:
    """An import as it is answered."""
    return {
        "id": statement.id,
        "gateway": statement.gateway,
        "movements": statement.movements,
        "known": statement.known,
        "matched": statement.matched,
        "waiting": statement.waiting,
    }


def movement_document(movement: Movement) -> Document:
    """A movement as it is answered."""
    return {
        "id": movement.id,
        "gateway": movement.gateway,
        "reference": movement.reference,
        "related": movement.related,
        "key": movement.key,
        "kind": movement.kind,
        "amount": _money(movement.amount_minor, movement.currency),
        "fee": _money(movement.fee_minor, movement.currency),
        "occurred_at": movement.occurred_at,
        "imported_at": movement.imported_at,
        "status": movement.status,
        "mismatch": movement.mismatch,
        "unexplained": _money(movement.unexplained_minor, movement.currency),
        "subject_id": movement.subject_id,
        "resolution": movement.resolution,
        "note": movement.note,
        "resolved_by": movement.resolved_by,
        "resolved_at": movement.resolved_at,
        "approved_by": movement.approved_by,
        "cleared_at": movement.cleared_at,
        "cleared_by": movement.cleared_by,
        "cleared_as": movement.cleared_as,
    }


def standing_document(standing: GatewayStanding) -> Document:
    """A provider as it is answered."""
    currency = standing.currency
    return {
        "gateway": standing.gateway,
        "provider_balance": _money(standing.provider_minor, currency),
        "clearing": _money(standing.clearing_minor, currency),
        "untold": _money(standing.untold_minor, currency),
        "waiting_count": standing.waiting_count,
        "waiting": _money(standing.waiting_minor, currency),
        "suspended": _money(standing.suspended_minor, currency),
        "missing_count": standing.missing_count,
        "missing": _money(standing.missing_minor, currency),
    }


def _money(amount_minor: int, currency: str) -> Document:
    return {"amount": amount_minor, "currency": currency}
