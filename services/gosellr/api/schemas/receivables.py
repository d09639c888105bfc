"""Shapes of what sellers owe, and of how it is paid back or given up."""

from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from pydantic import Field

from gosellr.api.schemas.common import (
    AnswerModel,
    Bps,
    Currency,
    Filters,
    MoneyIn,
    MoneyOut,
    OptionalShortText,
    PageOut,
    Reason,
    RequestModel,
    line,
)
from gosellr.api.schemas.terms import MomentIn
from gosellr.core.errors import InvalidInput
from gosellr.core.pagination import MAX_LIMIT
from gosellr.models.balance_values import KeptPlan, SellerDebt
from gosellr.utils.money import Money
from gosellr.utils.recovery import BUCKETS, PlanKind

Document = dict[str, Any]


class RecoveryPlanAgree(RequestModel):
    """How a debt is paid back: a share of all that becomes available, or an instalment every so
    many days. It takes the place of the plan before."""

    currency: Currency
    kind: PlanKind
    share_bps: Annotated[Bps | None, Field(ge=1)] = None
    instalment: MoneyIn | None = None
    every_days: Annotated[int, Field(strict=True, ge=1, le=366)] | None = None
    starts_at: MomentIn | None = None
    note: OptionalShortText = ""

    def terms(self) -> dict[str, Any]:
        """The plan's terms as the domain knows them. Raises `InvalidInput`."""
        if self.instalment is not None:
            if self.instalment.currency != self.currency:
                raise InvalidInput.at(
                    "instalment", "currency_mismatch", "It is paid in the plan's currency"
                )
            if not self.instalment.amount:
                raise InvalidInput.at("instalment", "amount_zero", "Nothing would be paid")
        return {
            "kind": self.kind,
            "share_bps": self.share_bps,
            "instalment_minor": None if self.instalment is None else self.instalment.amount,
            "every_days": self.every_days,
        }


class RecoveryPlanEnd(RequestModel):
    """Which plan ends."""

    currency: Currency


class RecoveryPlanOut(AnswerModel):
    """A plan; `due` is what of the instalments that have begun isn't paid yet."""

    id: UUID
    seller_id: UUID
    currency: str
    kind: PlanKind
    share_bps: int | None
    instalment: MoneyOut | None
    every_days: int | None
    starts_at: datetime
    recovered: MoneyOut
    due: MoneyOut
    note: str
    created_at: datetime


class RecoveryPlansOut(AnswerModel):
    """A seller's plans, one per currency at most."""

    items: list[RecoveryPlanOut]


class DebtFilters(Filters):
    """Whose debts. An export without a limit holds all there are."""

    seller_id: UUID | None = None
    limit: Annotated[int | None, Field(ge=1, le=MAX_LIMIT)] = None
    cursor: Annotated[str, line(1000)] | None = None


class SellerDebtOut(AnswerModel):
    """What a seller owes, by the age in days of the bookings that made it; the oldest is paid
    first. The four sum to `total`."""

    seller_id: UUID
    seller_name: str
    currency: str
    total: MoneyOut
    days_0_30: MoneyOut
    days_31_60: MoneyOut
    days_61_90: MoneyOut
    days_over_90: MoneyOut
    oldest_at: datetime
    plan: PlanKind | None


SellerDebtPageOut = PageOut[SellerDebtOut]


class WriteOffCreate(RequestModel):
    """So much of a debt won't be paid."""

    amount: MoneyIn
    reason: Reason


def plan_document(kept: KeptPlan, *, now: datetime) -> Document:
    """A plan as it is answered."""
    plan, currency = kept.plan, kept.currency
    instalment_minor = plan.instalment_minor
    return {
        "id": plan.id,
        "seller_id": kept.seller_id,
        "currency": currency,
        "kind": plan.kind,
        "share_bps": plan.share_bps,
        "instalment": None if instalment_minor is None else Money(instalment_minor, currency),
        "every_days": plan.every_days,
        "starts_at": plan.starts_at,
        "recovered": Money(plan.recovered_minor, currency),
        "due": Money(kept.due_minor(now=now), currency),
        "note": kept.note,
        "created_at": kept.created_at,
    }


def debt_document(debt: SellerDebt) -> Document:
    """A debt as it is answered."""
    buckets = {name: Money(getattr(debt.ageing, name), debt.currency) for name in BUCKETS}
    return {
        "seller_id": debt.seller_id,
        "seller_name": debt.seller_name,
        "currency": debt.currency,
        "total": Money(debt.ageing.total_minor, debt.currency),
        **buckets,
        "oldest_at": debt.oldest_at,
        "plan": debt.plan_kind,
    }
