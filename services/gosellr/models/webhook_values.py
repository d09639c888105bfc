"""Reports of gateways, as values."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID


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
