"""Shapes of files for the bank."""

from datetime import date, datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import Field

from gosellr.api.schemas.common import (
    AnswerModel,
    MoneyOut,
    PageFilters,
    PageOut,
    Reason,
    RequestModel,
)
from gosellr.models.balance_values import BankFile
from gosellr.services.bank_file_service import MadeFile, Unfit
from gosellr.utils.money import Money

Document = dict[str, Any]


class FailedPaymentIn(RequestModel):
    """A payment that the bank didn't make."""

    payout_id: UUID
    reason: Reason


class BankFileExecute(RequestModel):
    """The bank carried the file out, but for these payments."""

    failed: Annotated[tuple[FailedPaymentIn, ...], Field(max_length=1000)] = ()


class BankFileReason(RequestModel):
    """Why."""

    reason: Reason


class BankFileFilters(PageFilters):
    """Which files."""

    status: Literal["made", "executed", "rejected"] | None = None


class UnfitPayoutOut(AnswerModel):
    """A payout that no file can hold."""

    payout_id: UUID
    reason: str


class BankFileOut(AnswerModel):
    """A file of payouts for the bank. `unfit` is told when it is made."""

    id: UUID
    message_id: str
    status: Literal["made", "executed", "rejected"]
    amount: MoneyOut
    payment_count: int
    pay_on: date
    content_sha256: str
    made_by: UUID
    made_at: datetime
    decided_by: UUID | None
    decided_at: datetime | None
    reason: str | None
    unfit: list[UnfitPayoutOut]


BankFilePageOut = PageOut[BankFileOut]


def file_document(file: BankFile, *, unfit: tuple[Unfit, ...] = ()) -> Document:
    """A file as it is answered; what stands in it is read by itself."""
    return {
        "id": file.id,
        "message_id": file.message_id,
        "status": file.status,
        "amount": Money(file.amount_minor, file.currency),
        "payment_count": file.payment_count,
        "pay_on": file.pay_on,
        "content_sha256": file.content_sha256,
        "made_by": file.made_by,
        "made_at": file.made_at,
        "decided_by": file.decided_by,
        "decided_at": file.decided_at,
        "reason": file.reason,
        "unfit": [{"payout_id": one.payout_id, "reason": one.reason} for one in unfit],
    }


def made_document(made: MadeFile) -> Document:
    """A file that was made just now."""
    return file_document(made.value, unfit=tuple(made.unfit))
