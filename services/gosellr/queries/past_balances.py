"""What accounts held at a moment, and what had made it: only what was booked by then counts."""

from collections.abc import Sequence
from datetime import datetime

from gosellr.core.db import Connection
from gosellr.queries.ledger import Movement
from gosellr.utils.lazy_dataclasses import dataclass

_CREDITED = (
    "CASE entry.direction WHEN 'credit' THEN entry.amount_minor ELSE -entry.amount_minor END"
)

MADE_OF = f"""
SELECT entry.currency::text, entry.account, head.kind, entry.direction = 'credit',
       count(*)::int, sum({_CREDITED})::bigint
FROM ledger_entry AS entry JOIN ledger_transaction AS head ON head.id = entry.transaction_id
WHERE entry.account = ANY($1::text[]) AND ($2::timestamptz IS NULL OR head.booked_at <= $2)
GROUP BY 1, 2, 3, 4
ORDER BY 1, array_position($1::text[], entry.account), min(entry.written_by), min(entry.id)
"""

# Added up from the first entry on: neither the order in which it was written nor a roll-up says
# what was booked by a moment, where the clocks of those who wrote it were apart.
MOVEMENTS = f"""
WITH held AS (
    SELECT COALESCE(sum({_CREDITED}), 0) AS minor
    FROM ledger_entry AS entry JOIN ledger_transaction AS head ON head.id = entry.transaction_id
    WHERE entry.account = ANY($1::text[]) AND entry.currency = $2 AND head.booked_at <= $3
), latest AS (
    SELECT entry.*, {_CREDITED} AS change_minor
    FROM unnest($1::text[]) AS wanted (account)
    CROSS JOIN LATERAL (
        SELECT own.*, head.kind, head.order_id, head.effective_at, head.booked_at
        FROM ledger_entry AS own JOIN ledger_transaction AS head ON head.id = own.transaction_id
        WHERE own.account = wanted.account AND own.currency = $2 AND head.booked_at <= $3
        ORDER BY own.written_by DESC, own.id DESC LIMIT $4
    ) AS entry
    ORDER BY entry.written_by DESC, entry.id DESC LIMIT $4
)
SELECT latest.id, latest.written_by, latest.transaction_id, latest.account, latest.direction,
       latest.change_minor,
       (held.minor - COALESCE(sum(latest.change_minor) OVER (
           ORDER BY latest.written_by DESC, latest.id DESC
           ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING), 0))::bigint AS balance_minor,
       latest.currency, latest.seller_order_id, latest.refund_id, latest.payout_id,
       latest.kind, latest.order_id, orders.number, latest.effective_at, latest.booked_at
FROM latest CROSS JOIN held
LEFT JOIN orders ON orders.id = latest.order_id
ORDER BY latest.written_by DESC, latest.id DESC
"""


@dataclass(frozen=True, slots=True)
class MadeOf:
    """What one kind of transaction did to an account, credits positive, over `count` entries."""

    currency: str
    account: str
    kind: str
    is_credit: bool
    count: int
    change_minor: int


async def made_of(
    connection: Connection, *, accounts: Sequence[str], at: datetime | None
) -> list[MadeOf]:
    """All that ever moved the accounts, or did by a moment, by currency, account, kind and side.

    From the first entry on, so that it sums to what the accounts held.
    """
    return [MadeOf(*row) for row in await connection.fetch(MADE_OF, list(accounts), at)]


async def movements(
    connection: Connection,
    *,
    accounts: Sequence[str],
    currency: str,
    at: datetime,
    limit: int,
) -> list[Movement]:
    """The newest entries booked by a moment, newest first, with what the accounts held together
    after each."""
    rows = await connection.fetch(MOVEMENTS, list(accounts), currency, at, limit)
    return [Movement(*row) for row in rows]
