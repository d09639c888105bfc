"""What went back at a provider without us, as it waits and as it is dealt with."""

from typing import Any, Literal
from uuid import UUID

from gosellr.api.schemas.common import AnswerModel, Moment, MoneyOut, Reason, RequestModel
from gosellr.services.provider_refund_service import ProviderRefund
from gosellr.utils.ids import order_number
from gosellr.utils.money import Money

Document = dict[str, Any]


class ProviderRefundResolve(RequestModel):
    """How a person has dealt with it."""

    note: Reason


class ProviderRefundOut(AnswerModel):
    """Money that went back without us. `is_reversal`: the provider took it by itself; `reason`:
    why it couldn't be booked."""

    id: UUID
    order_id: UUID
    order_number: str
    payment_id: UUID
    gateway: str
    gateway_reference: str
    amount: MoneyOut
    is_reversal: bool
    status: Literal["booked", "explained", "waiting", "resolved"]
    reason: str | None
    note: str | None
    told_at: Moment
    finished_at: Moment | None


class ProviderRefundsOut(AnswerModel):
    """Those that wait for a person, the oldest first."""

    items: list[ProviderRefundOut]


def provider_refund_document(told: ProviderRefund) -> Document:
    """One of them."""
    return {
        "id": told.id,
        "order_id": told.order_id,
        "order_number": order_number(told.order_number),
        "payment_id": told.payment_id,
        "gateway": told.gateway,
        "gateway_reference": told.gateway_reference,
        "amount": Money(told.amount_minor, told.currency),
        "is_reversal": told.is_reversal,
        "status": told.status,
        "reason": told.reason,
        "note": told.note,
        "told_at": told.told_at,
        "finished_at": told.finished_at,
    }
