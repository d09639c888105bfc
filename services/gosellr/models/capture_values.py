"""Captures and authorisations, as values."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from uuid import UUID

from gosellr.utils.lazy_dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class PaymentCapture:
    """Money that is taken for some parts of an order. `stored` is by attempt."""

    id: UUID
    order_id: UUID
    payment_id: UUID | None
    seller_order_ids: Sequence[UUID]
    amount_minor: int
    stored_minor: int
    stored: Mapping[str, int]
    final: bool
    status: str
    check_count: int
    created_at: datetime

    @property
    def is_open(self) -> bool:
        """Nobody knows yet whether the money was taken."""
        return self.status in ("pending", "unknown")


@dataclass(frozen=True, slots=True, kw_only=True)
class DueCapture:
    """A capture to be sent or asked after, and the charge that it takes from."""

    id: UUID
    order_id: UUID
    payment_id: UUID
    method: str
    amount_minor: int
    currency: str
    final: bool
    charge_reference: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class WatchedAuthorization:
    """Money that is set aside, and that somebody has to look at now."""

    payment_id: UUID
    order_id: UUID
    method: str
    status: str
    amount_minor: int
    captured_minor: int
    currency: str
    gateway_reference: str | None
    authorized_until: datetime
