"""Reports of gateways: stored raw, each once, until they are acted on."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from gosellr.core.db import Connection
from gosellr.models.webhook_values import NewReport, ParkedReport
from gosellr.queries.sweep_delays import has_its_turn

_SAYS_NOTHING_NEW = """
'payment.' || payment.status = {kind}
AND (payment.status = 'declined' OR payment.status = 'captured' AND orders.paid_at IS NOT NULL)
"""

# Most reports say what the gateway's own answer has said already: such a one is settled as it is
# taken in. Asked for is whether one of this payment waits, this one or an earlier.
TAKE_IN = f"""
WITH taken AS (
    INSERT INTO webhook_event (gateway, event_id, kind, payment_id, payload, received_at,
                               applied_at, outcome)
    SELECT $1, $2, $3, $4, $5, $6, CASE WHEN known.already THEN $6::timestamptz END,
           CASE WHEN known.already THEN 'already_known' END
    FROM (SELECT EXISTS (
        SELECT FROM payment JOIN orders ON orders.id = payment.order_id
        WHERE payment.id = $4 AND {_SAYS_NOTHING_NEW.format(kind="$3")}) AS already
    ) AS known
    ON CONFLICT (gateway, event_id) DO NOTHING
    RETURNING applied_at
)
SELECT EXISTS (SELECT FROM taken WHERE applied_at IS NULL) OR EXISTS (
    SELECT FROM webhook_event WHERE payment_id = $4 AND applied_at IS NULL)
"""

# Of several reports those that say nothing new, of payments of which none waits: nothing is to be
# done about these. Payments are looked up one by one on purpose, as few of all that there are.
TAKE_IN_KNOWN = f"""
WITH known AS (
    SELECT told.*
    FROM unnest($2::text[], $3::text[], $4::uuid[], $5::bytea[]) WITH ORDINALITY
         AS told (event_id, kind, payment_id, payload, place)
    CROSS JOIN LATERAL (
        SELECT FROM payment JOIN orders ON orders.id = payment.order_id
        WHERE payment.id = told.payment_id AND {_SAYS_NOTHING_NEW.format(kind="told.kind")}
          AND NOT EXISTS (SELECT FROM webhook_event AS waiting
                          WHERE waiting.payment_id = payment.id AND waiting.applied_at IS NULL)
        OFFSET 0) AS payment
), taken AS (
    INSERT INTO webhook_event (gateway, event_id, kind, payment_id, payload, received_at,
                               applied_at, outcome)
    SELECT $1, event_id, kind, payment_id, payload, $6, $6, 'already_known'
    FROM known ORDER BY event_id
    ON CONFLICT (gateway, event_id) DO NOTHING
)
SELECT place - 1 FROM known
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


async def take_in_known(
    connection: Connection, *, gateway: str, reports: Sequence[NewReport], now: datetime
) -> set[int]:
    """Store those of several reports that say what is known already, each once; gives their places
    among them. The others aren't stored."""
    rows = await connection.fetch(
        TAKE_IN_KNOWN,
        gateway,
        [one.event_id for one in reports],
        [one.kind for one in reports],
        [one.payment_id for one in reports],
        [one.payload for one in reports],
        now,
    )
    return {row[0] for row in rows}


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
