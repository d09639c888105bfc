"""Reports of gateways: stored raw, each once, until they are acted on."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from gosellr.core.db import Connection

TAKE_IN = """
INSERT INTO webhook_event (gateway, event_id, kind, payment_id, payload, received_at)
VALUES ($1, $2, $3, $4, $5, $6)
ON CONFLICT (gateway, event_id) DO NOTHING
RETURNING event_id
"""

PARKED = """
SELECT gateway, event_id, kind, payment_id, received_at
FROM webhook_event
WHERE applied_at IS NULL AND ($1::uuid IS NULL OR payment_id = $1)
ORDER BY received_at LIMIT $2
"""

SETTLE = """
UPDATE webhook_event SET applied_at = $3, outcome = $4
WHERE gateway = $1 AND event_id = $2 AND applied_at IS NULL
"""


@dataclass(frozen=True, slots=True)
class ParkedReport:
    """A report that waits to be acted on."""

    gateway: str
    event_id: str
    kind: str
    payment_id: UUID | None
    received_at: datetime


async def take_in(
    connection: Connection,
    *,
    gateway: str,
    event_id: str,
    kind: str,
    payment_id: UUID | None,
    payload: bytes,
    now: datetime,
) -> bool:
    """Store a report; False when it came before."""
    return (
        await connection.fetchval(TAKE_IN, gateway, event_id, kind, payment_id, payload, now)
        is not None
    )


async def parked(
    connection: Connection, *, payment_id: UUID | None, limit: int
) -> list[ParkedReport]:
    """Reports that wait, oldest first."""
    return [ParkedReport(*row) for row in await connection.fetch(PARKED, payment_id, limit)]


async def settle(
    connection: Connection, *, report: ParkedReport, outcome: str, now: datetime
) -> None:
    """Say what became of a report."""
    await connection.execute(SETTLE, report.gateway, report.event_id, now, outcome)
