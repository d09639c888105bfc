"""Sales settled at once: what their gateways answered, that they are paid, their books, and what
their buyers are answered, in one go."""

from collections.abc import Sequence
from datetime import datetime
from typing import TypeAlias
from uuid import UUID

from gosellr.core.db import Connection
from gosellr.models.events import Fact
from gosellr.queries import ledger, outbox, payments
from gosellr.queries.ledger import BOOKING, BookedTransaction
from gosellr.queries.payments import ANSWERING, PAYING, AttemptAnswer
from gosellr.utils.lazy_dataclasses import dataclass

# The scope and key of a request, the status and body of its answer.
StoredAnswer: TypeAlias = tuple[str, str, int, bytes]

# Everything of an order or nothing: it all hangs on the order's row, which still has to be as it
# was when the order was written. That row is locked first, like everywhere.
SETTLE = f"""
WITH due AS (
    SELECT * FROM unnest($1::uuid[], $2::int[], $3::bigint[], $4::timestamptz[],
                         $5::timestamptz[], $6::jsonb[])
        AS due (order_id, version, captured_minor, paid_at, ship_by, data)
    LIMIT cardinality($1)
), {
    PAYING.format(
        facts="$7::uuid[], $8::text[], $9::text[], $10::uuid[], $11::jsonb[]",
        condition="orders.version = due.version",
    )
}, {
    ANSWERING.format(
        answers="$12",
        now="paid.paid_at",
        source="CROSS JOIN paid",
        condition="AND payment.order_id = paid.id",
    )
}, {
    BOOKING.format(
        transactions="$13", entries="$14", condition="fact.order_id IN (SELECT id FROM paid)"
    )
}, kept AS (
    UPDATE idempotency_key
    SET response_status = answer.status, response_body = answer.body, finished_at = paid.paid_at
    FROM unnest($15::uuid[], $16::text[], $17::text[], $18::int[], $19::bytea[])
             AS answer (order_id, scope, key, status, body)
    JOIN paid ON paid.id = answer.order_id
    WHERE idempotency_key.scope = answer.scope AND idempotency_key.key = answer.key
      AND idempotency_key.finished_at IS NULL
)
SELECT id FROM paid
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Settlement:
    """What is written when an order that still is at this version has been paid.

    The bookings touch no guarded balance.
    """

    order_id: UUID
    version: int
    captured_minor: int
    methods: Sequence[str]
    answers: Sequence[AttemptAnswer]
    bookings: Sequence[BookedTransaction]
    facts: Sequence[Fact]
    kept: StoredAnswer | None
    paid_at: datetime
    ship_by: datetime


async def settle(connection: Connection, settlements: Sequence[Settlement]) -> set[UUID]:
    """Settle orders, each of them once; gives those that were still at their version. Of the
    others nothing is written."""
    kept = [(each.order_id, *each.kept) for each in settlements if each.kept is not None]
    rows = await connection.fetch(
        SETTLE,
        [each.order_id for each in settlements],
        [each.version for each in settlements],
        [each.captured_minor for each in settlements],
        [each.paid_at for each in settlements],
        [each.ship_by for each in settlements],
        [{"methods": list(each.methods)} for each in settlements],
        *outbox.columns_of([fact for each in settlements for fact in each.facts]),
        payments.documents([answer for each in settlements for answer in each.answers]),
        *ledger.documents([booking for each in settlements for booking in each.bookings]),
        *([answer[place] for answer in kept] for place in range(5)),
    )
    return {row["id"] for row in rows}
