"""Reports of gateways: stored raw, each once, until they are acted on."""

from datetime import datetime
from uuid import UUID

from gosellr.core.db import Connection
from gosellr.models.webhook_values import ParkedReport
from gosellr.queries.sweep_delays import has_its_turn

# Most reports say what the gateway's own answer has said already: such a one is settled as it is
# taken in. Asked for is whether one of this payment waits, this one or an earlier.
TAKE_IN = """
WITH taken AS (
    INSERT INTO webhook_event (gateway, event_id, kind, payment_id, payload, received_at,
                               applied_at, outcome)
    SELECT $1, $2, $3, $4, $5, $6, CASE WHEN known.already THEN $6::timestamptz END,
           CASE WHEN known.already THEN 'already_known' END
    FROM (SELECT EXISTS (
        SELECT FROM payment JOIN orders ON orders.id = payment.order_id
        WHERE payment.id = $4 AND 'payment.' || payment.status = $3
          AND (payment.status = 'declined'
               OR payment.status = 'captured' AND orders.paid_at IS NOT NULL)) AS already
    ) AS known
    ON CONFLICT (gateway, event_id) DO NOTHING
    RETURNING applied_at
)
SELECT EXISTS (SELECT FROM taken WHERE applied_at IS NULL) OR EXISTS (
    SELECT FROM webhook_event WHERE payment_id = $4 AND applied_at IS NULL)
"""

_ITEM = "event.gateway || ':' || event.event_id"
PARKED = f"""
SELECT event.gateway, event.event_id, event.kind, event.payment_id, event.received_at
FROM webhook_event AS event
WHERE event.applied_at IS NULL AND ($1::uuid IS NULL OR event.payment_id = $1)
  -- What we don't know yet waits aside, so that it never stands before what we do.
  AND (event.received_at < $3 OR EXISTS (SELECT FROM payment WHERE payment.id = event.payment_id))
  -- Whoever brings one doesn't wait for the sweep that it failed in.
  AND ($1 IS NOT NULL OR {has_its_turn("reports", _ITEM, now="$4")})
ORDER BY event.received_at LIMIT $2
"""

PAYLOAD = "SELECT payload FROM webhook_event WHERE gateway = $1 AND event_id = $2"

SETTLE = """
UPDATE webhook_event SET applied_at = $3, outcome = $4
WHERE gateway = $1 AND event_id = $2 AND applied_at IS NULL
"""


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
    """Store a report, once; whether one of this payment waits to be acted on."""
    waits: bool = await connection.fetchval(
        TAKE_IN, gateway, event_id, kind, payment_id, payload, now
    )
    return waits


async def parked(
    connection: Connection,
    *,
    payment_id: UUID | None,
    given_up_before: datetime,
    now: datetime,
    limit: int,
) -> list[ParkedReport]:
    """Reports that can be acted on, oldest first: of known payments, or waited for in vain."""
    rows = await connection.fetch(PARKED, payment_id, limit, given_up_before, now)
    return [ParkedReport(*row) for row in rows]


async def payload_of(connection: Connection, *, report: ParkedReport) -> bytes:
    """A report as it came."""
    payload: bytes = await connection.fetchval(PAYLOAD, report.gateway, report.event_id)
    return payload


async def settle(
    connection: Connection, *, report: ParkedReport, outcome: str, now: datetime
) -> None:
    """Say what became of a report."""
    await connection.execute(SETTLE, report.gateway, report.event_id, now, outcome)
