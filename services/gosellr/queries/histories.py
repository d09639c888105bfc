"""Histories of movements: of a few accounts through a filter, of a buyer, and of the whole market.

The balance beside a movement is that after it, whatever the filter hides between two movements.
"""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from gosellr.core.db import Connection
from gosellr.queries.ledger import HELD, Movement
from gosellr.utils.lazy_dataclasses import dataclass

_CREDITED = (
    "CASE entry.direction WHEN 'credit' THEN entry.amount_minor ELSE -entry.amount_minor END"
)

# All newer entries are walked over, since each moved the balance.
FILTERED = f"""
WITH {HELD}, walked AS (
    SELECT entry.*, {_CREDITED} AS change_minor,
           COALESCE(sum({_CREDITED}) OVER (
               ORDER BY entry.written_by DESC, entry.id DESC
               ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING), 0) AS newer_minor
    FROM ledger_entry AS entry
    WHERE entry.account = ANY($1::text[]) AND entry.currency = $2
      AND ($3::xid8 IS NULL OR (entry.written_by, entry.id) < ($3, $4::bigint))
)
SELECT walked.id, walked.written_by, walked.transaction_id, walked.account, walked.direction,
       walked.change_minor, (held.minor - walked.newer_minor)::bigint, walked.currency,
       walked.seller_order_id, walked.refund_id, walked.payout_id, head.kind, head.order_id,
       orders.number, head.effective_at, head.booked_at
FROM walked CROSS JOIN held
JOIN ledger_transaction AS head ON head.id = walked.transaction_id
LEFT JOIN orders ON orders.id = head.order_id
WHERE ($7::text IS NULL OR head.kind = $7) AND ($8::uuid IS NULL OR head.order_id = $8)
  AND ($9::timestamptz IS NULL OR head.booked_at >= $9)
  AND ($10::timestamptz IS NULL OR head.booked_at < $10)
ORDER BY walked.written_by DESC, walked.id DESC
LIMIT $5
"""

# What a bank holds for its buyer is the buyer's: all of it, and none of the fee beside it.
_IN_DISPUTE = "split_part(entry.account, ':', 1) = 'dispute_receivable'"
_GIVEN = f"CASE WHEN {_IN_DISPUTE} THEN {_CREDITED} ELSE -{_CREDITED} END"

# What a buyer gave and got back: each capture, each refund and what the bank took back, with what
# is still given after it. The kinds are $3: what a gateway keeps for itself is none of the buyer's.
OF_BUYER = f"""
WITH own AS (
    SELECT entry.id, entry.written_by, entry.transaction_id, entry.account, entry.direction,
           {_GIVEN} AS change_minor,
           sum({_GIVEN}) OVER (ORDER BY entry.written_by, entry.id) AS balance_minor,
           entry.currency, entry.seller_order_id, entry.refund_id, entry.payout_id, head.kind,
           head.order_id, orders.number, head.effective_at, head.booked_at
    FROM orders
    JOIN ledger_transaction AS head ON head.order_id = orders.id AND head.kind = ANY($3::text[])
    JOIN ledger_entry AS entry ON entry.transaction_id = head.id
    WHERE orders.user_id = $1 AND entry.currency = $2
      AND CASE WHEN head.kind IN ('chargeback_opened', 'chargeback_won') THEN {_IN_DISPUTE}
          ELSE split_part(entry.account, ':', 1)
               IN ('gateway_clearing', 'stored_value_held', 'store_credit')
           -- A card that is sold is paid for, and one that is taken back is paid back, elsewhere.
           OR (head.kind = 'refund_confirmed' AND split_part(entry.account, ':', 1) = 'gift_card')
          END
)
SELECT id, written_by, transaction_id, account, direction, change_minor, balance_minor::bigint,
       currency, seller_order_id, refund_id, payout_id, kind, order_id, number, effective_at,
       booked_at
FROM own
WHERE ($4::xid8 IS NULL OR (written_by, id) < ($4, $5::bigint))
  AND ($6::text[] IS NULL OR kind = ANY($6)) AND ($7::uuid IS NULL OR order_id = $7)
  AND ($8::timestamptz IS NULL OR booked_at >= $8)
  AND ($9::timestamptz IS NULL OR booked_at < $9)
ORDER BY written_by DESC, id DESC
LIMIT $10
"""
BUYER_CURRENCIES = """
SELECT DISTINCT currency::text FROM orders WHERE user_id = $1 AND captured_minor > 0 ORDER BY 1
"""
BUYER_CURRENCY = "SELECT min(currency)::text FROM orders WHERE user_id = $1 AND captured_minor > 0"

_ENTRIES = f"""
SELECT entry.id, entry.written_by, entry.transaction_id, entry.account, entry.direction,
       {_CREDITED}, 0::bigint, entry.currency, entry.seller_order_id, entry.refund_id,
       entry.payout_id, head.kind, head.order_id, orders.number, head.effective_at, head.booked_at
FROM ledger_entry AS entry
JOIN ledger_transaction AS head ON head.id = entry.transaction_id
LEFT JOIN orders ON orders.id = head.order_id
WHERE ($1::bigint IS NULL OR entry.id < $1)
  AND ($2::text IS NULL OR entry.currency = $2) AND ($3::text IS NULL OR head.kind = $3)
  AND ($4::timestamptz IS NULL OR head.booked_at >= $4)
  AND ($5::timestamptz IS NULL OR head.booked_at < $5)
"""
ENTRIES = f"{_ENTRIES} ORDER BY entry.id DESC LIMIT $6"
ENTRIES_OF_ORDER = f"{_ENTRIES} AND head.order_id = $7 ORDER BY entry.id DESC LIMIT $6"


@dataclass(frozen=True, slots=True, kw_only=True)
class MovementFilter:
    """Which movements; None for any. `until` is left out itself."""

    kind: str | None = None
    order_id: UUID | None = None
    since: datetime | None = None
    until: datetime | None = None


EVERYTHING = MovementFilter()
"""The filter that lets everything through."""


async def filtered(
    connection: Connection,
    *,
    accounts: Sequence[str],
    currency: str,
    wanted: MovementFilter,
    after: tuple[int, int, int] | None,
    limit: int,
) -> list[Movement]:
    """The newest movements of the accounts that the filter lets through, newest first."""
    written_by, entry_id, balance_minor = after or (None, None, None)
    rows = await connection.fetch(
        FILTERED, accounts, currency, written_by, entry_id, limit, balance_minor, wanted.kind,
        wanted.order_id, wanted.since, wanted.until,
    )  # fmt: skip
    return [Movement(*row) for row in rows]


async def of_buyer(
    connection: Connection,
    *,
    user_id: UUID,
    currency: str,
    kinds: Sequence[str],
    wanted: MovementFilter,
    after: tuple[int, int] | None,
    limit: int,
) -> list[Movement]:
    """What a buyer paid and got back, newest first; what was paid is positive."""
    rows = await connection.fetch(
        OF_BUYER, user_id, currency, list(kinds), *(after or (None, None)),
        None if wanted.kind is None else [wanted.kind], wanted.order_id, wanted.since,
        wanted.until, limit,
    )  # fmt: skip
    return [Movement(*row) for row in rows]


async def buyer_currency(connection: Connection, *, user_id: UUID) -> str | None:
    """The first currency in which a buyer ever paid."""
    currency: str | None = await connection.fetchval(BUYER_CURRENCY, user_id)
    return currency


async def buyer_currencies(connection: Connection, *, user_id: UUID) -> list[str]:
    """The currencies in which a buyer ever paid."""
    return [row[0] for row in await connection.fetch(BUYER_CURRENCIES, user_id)]


async def entries(
    connection: Connection,
    *,
    currency: str | None,
    wanted: MovementFilter,
    after: int | None,
    limit: int,
) -> list[Movement]:
    """The journal's newest entries, of all accounts; between them
    there is no balance, so it says 0."""
    shared = (after, currency, wanted.kind, wanted.since, wanted.until, limit)
    if wanted.order_id is None:
        rows = await connection.fetch(ENTRIES, *shared)
    else:
        rows = await connection.fetch(ENTRIES_OF_ORDER, *shared, wanted.order_id)
    return [Movement(*row) for row in rows]
