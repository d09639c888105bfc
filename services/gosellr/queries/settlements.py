"""A sale settled at once: what its gateway answered, that it is paid, its books, and what the buyer
is answered, in one go."""

from collections.abc import Sequence
from datetime import datetime
from typing import TypeAlias
from uuid import UUID

from gosellr.core.db import Connection
from gosellr.models.events import Fact
from gosellr.queries import ledger, outbox, payments
from gosellr.queries.ledger import BOOKING, BookedTransaction
from gosellr.queries.payments import ANSWERING, PAYING, AttemptAnswer

# The scope and key of a request, the status and body of its answer.
StoredAnswer: TypeAlias = tuple[str, str, int, bytes]

# All of it or nothing: everything hangs on the order's row, which still has to be as it was when
# the order was written. That row is locked first, like everywhere.
SETTLE = f"""
WITH {PAYING.format(condition="version = $11")},
{ANSWERING.format(answers="$12", now="$3", source="CROSS JOIN paid")},
{
    BOOKING.format(
        transactions="$13", entries="$14", booked_at="$3", condition="EXISTS (SELECT FROM paid)"
    )
}, kept AS (
    UPDATE idempotency_key SET response_status = $17, response_body = $18, finished_at = $3
    FROM paid
    WHERE idempotency_key.scope = $15 AND idempotency_key.key = $16
      AND idempotency_key.finished_at IS NULL
)
SELECT id FROM paid
"""


async def settle(
    connection: Connection,
    *,
    order_id: UUID,
    version: int,
    captured_minor: int,
    methods: Sequence[str],
    answers: Sequence[AttemptAnswer],
    bookings: Sequence[BookedTransaction],
    facts: Sequence[Fact],
    kept: StoredAnswer | None,
    ship_by: datetime,
    now: datetime,
) -> bool:
    """Settle an order whose row is still at this version; False, and nothing written, when it
    isn't. The bookings touch no guarded balance."""
    settled = await connection.fetchval(
        SETTLE,
        order_id,
        captured_minor,
        now,
        ship_by,
        {"methods": list(methods)},
        *outbox.columns_of(facts),
        version,
        payments.documents(answers),
        *ledger.documents(bookings),
        *((None, None, None, None) if kept is None else kept),
    )
    return settled is not None
