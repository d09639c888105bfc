"""Shapes of what is booked by hand."""

from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import Field

from gosellr.api.schemas.common import (
    AmountMinor,
    AnswerModel,
    Currency,
    PageFilters,
    PageOut,
    Reason,
    RequestModel,
    line,
)
from gosellr.models.balance_values import Adjustment
from gosellr.utils.balance_postings import ENTRIES_MAX

Document = dict[str, Any]


class AdjustmentEntryIn(RequestModel):
    """One side of it; `amount` is positive."""

    account: Annotated[str, line(120), Field(examples=["goodwill_cost"])]
    direction: Literal["debit", "credit"]
    amount: Annotated[AmountMinor, Field(ge=1)]
    currency: Currency


class AdjustmentCreate(RequestModel):
    """Entries that balance in each currency."""

    entries: Annotated[tuple[AdjustmentEntryIn, ...], Field(min_length=2, max_length=ENTRIES_MAX)]
    reason: Reason

    def plain(self) -> list[dict[str, Any]]:
        """The entries as the domain knows them."""
        return [
            {
                "account": one.account,
                "direction": one.direction,
                "amount_minor": one.amount,
                "currency": one.currency,
            }
            for one in self.entries
        ]


class AdjustmentReason(RequestModel):
    """Why not."""

    reason: Reason


class AdjustmentFilters(PageFilters):
    """Which adjustments."""

    status: Literal["prepared", "approved", "rejected"] | None = None
    kind: Literal["entries", "write_off"] | None = None


class AdjustmentEntryOut(AnswerModel):
    """One side of it."""

    account: str
    direction: Literal["debit", "credit"]
    amount: int
    currency: str


class AdjustmentOut(AnswerModel):
    """What one operator prepared and another decided; booked only when it is approved."""

    id: UUID
    kind: Literal["entries", "write_off"]
    status: Literal["prepared", "approved", "rejected"]
    reason: str
    entries: list[AdjustmentEntryOut]
    seller_id: UUID | None
    prepared_by: UUID
    prepared_at: datetime
    decided_by: UUID | None
    decided_at: datetime | None
    decision_note: str | None
    transaction_id: UUID | None


AdjustmentPageOut = PageOut[AdjustmentOut]


def adjustment_document(found: Adjustment) -> Document:
    """An adjustment as it is answered."""
    return {
        "id": found.id,
        "kind": found.kind,
        "status": found.status,
        "reason": found.reason,
        "entries": [
            {
                "account": one["account"],
                "direction": one["direction"],
                "amount": one["amount_minor"],
                "currency": one["currency"],
            }
            for one in found.entries
        ],
        "seller_id": found.seller_id,
        "prepared_by": found.prepared_by,
        "prepared_at": found.prepared_at,
        "decided_by": found.decided_by,
        "decided_at": found.decided_at,
        "decision_note": found.decision_note,
        "transaction_id": found.transaction_id,
    }
