"""Captures that pay for nothing and that a person has to look at."""

from typing import Any, Literal
from uuid import UUID

from gosellr.api.schemas.common import AnswerModel, Moment, MoneyOut, Reason, RequestModel
from gosellr.services.stray_service import ReturnCase
from gosellr.utils.ids import order_number
from gosellr.utils.money import Money

Document = dict[str, Any]


class PaymentReturnResolve(RequestModel):
    """How a person has dealt with it."""

    note: Reason


class PaymentReturnCaseOut(AnswerModel):
    """A capture that paid for nothing. `asked` is what its provider was asked for, `captured` what
    it took, and `returned` what of that is back; `return_status` says how that stands. `disputed`
    is what the buyer's bank took back of all that the payment took."""

    id: UUID
    order_id: UUID
    order_number: str
    payment_id: UUID
    capture_id: UUID | None
    gateway: str
    asked: MoneyOut
    captured: MoneyOut
    returned: MoneyOut
    disputed: MoneyOut
    reason: Literal["short_payment", "order_closed", "paid_already"]
    return_status: Literal["pending", "succeeded", "failed", "unknown"]
    status: Literal["open", "resolved"]
    note: str | None
    opened_at: Moment
    resolved_at: Moment | None


class PaymentReturnCasesOut(AnswerModel):
    """Those that nobody has dealt with, the oldest first."""

    items: list[PaymentReturnCaseOut]


def payment_return_document(case: ReturnCase) -> Document:
    """One of them."""
    return {
        "id": case.id,
        "order_id": case.order_id,
        "order_number": order_number(case.order_number),
        "payment_id": case.payment_id,
        "capture_id": case.capture_id,
        "gateway": case.gateway,
        "asked": Money(case.asked_minor, case.currency),
        "captured": Money(case.captured_minor, case.currency),
        "returned": Money(case.returned_minor, case.currency),
        "disputed": Money(case.disputed_minor, case.currency),
        "reason": case.reason,
        "return_status": case.status,
        "status": "open" if case.closed_at is None else "resolved",
        "note": case.note,
        "opened_at": case.opened_at,
        "resolved_at": case.closed_at,
    }
