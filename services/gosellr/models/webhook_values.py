"""Reports of gateways, as values."""

from datetime import datetime
from uuid import UUID

from gosellr.utils.lazy_dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class NewReport:
    """A verified report of a payment, with the body as it came."""

    event_id: str
    kind: str
    payment_id: UUID
    payload: bytes


@dataclass(frozen=True, slots=True)
class ParkedReport:
    """A report that waits to be acted on."""

    gateway: str
    event_id: str
    kind: str
    payment_id: UUID | None
    received_at: datetime
