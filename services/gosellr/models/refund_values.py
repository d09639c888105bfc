"""Money on its way back, as the flows that send it see it."""

from datetime import datetime
from uuid import UUID

from gosellr.utils.lazy_dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class RefundPart:
    """What of a refund goes back through one payment."""

    id: UUID
    refund_id: UUID
    order_id: UUID
    payment_id: UUID
    amount_minor: int
    currency: str
    method: str
    status: str
    check_count: int
    created_at: datetime
    # Where it goes instead of through the gateway, if it does.
    credited_account: str | None
    charge_reference: str | None

    @property
    def is_open(self) -> bool:
        """Its gateway has yet to say what became of it."""
        return self.status in {"pending", "unknown"}


@dataclass(frozen=True, slots=True)
class DueReturn:
    """Captured money that has to go back."""

    id: UUID
    payment_id: UUID
    amount_minor: int
    currency: str
    method: str
    order_id: UUID
    check_count: int
    charge_reference: str | None
