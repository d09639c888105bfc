"""Payments without a provider, as services tell of them."""

from datetime import datetime
from uuid import UUID

from gosellr.utils.lazy_dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class HandRefund:
    """Money that a person has to send back, or has sent. `refund_id` is None where a transfer
    paid for nothing; who sent it and which account its buyer named are sealed."""

    id: UUID
    kind: str
    refund_id: UUID | None
    order_id: UUID
    order_number: int
    payment_id: UUID
    method: str
    amount_minor: int
    currency: str
    created_at: datetime
    status: str
    reference: str | None
    account_encrypted: bytes | None
    payer_of: UUID | None
    payer_encrypted: bytes | None

    @property
    def is_open(self) -> bool:
        """Nobody has said yet that it was sent, or can't be."""
        return self.status in {"pending", "unknown"}


@dataclass(frozen=True, slots=True)
class AwaitedTransfer:
    """A transfer that a buyer was asked for; `arrived_minor` of it waits for the rest."""

    payment_id: UUID
    order_id: UUID
    order_number: int
    amount_minor: int
    currency: str
    reference: str | None
    placed_at: datetime
    expires_at: datetime
    arrived_minor: int


@dataclass(frozen=True, slots=True)
class AwaitedCash:
    """What is to be collected at the door for one seller's part of an order."""

    seller_order_id: UUID
    order_id: UUID
    order_number: int
    seller_name: str
    amount_minor: int
    currency: str
    status: str
    placed_at: datetime
