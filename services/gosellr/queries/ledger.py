"""The books: facts booked by one statement, balances told without reading them all.

What is written here is never changed again. Guarded balances move in the statement that books;
any other balance is what was rolled up and the entries since.
"""

from collections.abc import Iterable, Sequence
from datetime import datetime
from operator import attrgetter
from typing import Any
from uuid import UUID

import asyncpg

from gosellr.core.db import Connection, Record
from gosellr.utils.lazy_dataclasses import dataclass
from gosellr.utils.ledger import Direction, Entry, is_guarded

# The CTEs that book, for a statement that does nothing else and for one that settles orders.
# A row for the balance may not exist yet, and PostgreSQL checks what is to be inserted before it
# finds out that a row does: so a debit is inserted as zero where there is a row to be updated.
BOOKING = """
booked AS (
    INSERT INTO ledger_transaction (id, kind, cause_type, cause_id, idempotency_key, order_id,
                                    corrects_id, actor, facts, effective_at, hash, booked_at)
    SELECT fact.*
    FROM jsonb_to_recordset({transactions})
         AS fact (id uuid, kind text, cause_type text, cause_id uuid, idempotency_key text,
                  order_id uuid, corrects_id uuid, actor text, facts jsonb,
                  effective_at timestamptz, hash bytea, booked_at timestamptz)
    WHERE {condition}
    ORDER BY kind, idempotency_key
    ON CONFLICT (kind, idempotency_key) DO NOTHING
    RETURNING id
), line AS MATERIALIZED (
    SELECT entry.*
    FROM jsonb_to_recordset({entries})
         AS entry (transaction_id uuid, position int, account text, direction text,
                   amount_minor bigint, currency char(3), seller_order_id uuid,
                   order_line_id uuid, refund_id uuid, payout_id uuid, guarded bool)
    JOIN booked ON booked.id = entry.transaction_id
), written AS (
    INSERT INTO ledger_entry (transaction_id, position, account, direction, amount_minor, currency,
                              seller_order_id, order_line_id, refund_id, payout_id)
    SELECT transaction_id, position, account, direction, amount_minor, currency,
           seller_order_id, order_line_id, refund_id, payout_id
    FROM line ORDER BY transaction_id, position
), change AS MATERIALIZED (
    SELECT account, currency, net::bigint
    FROM (
        SELECT account, currency,
               sum(CASE direction WHEN 'credit' THEN amount_minor ELSE -amount_minor END) AS net
        FROM line WHERE guarded GROUP BY account, currency
    ) AS per_account
    WHERE net <> 0
), moved AS (
    INSERT INTO ledger_balance AS balance (account, currency, balance_minor)
    SELECT account, currency,
           CASE WHEN EXISTS (SELECT FROM ledger_balance AS known
                             WHERE known.account = change.account
                               AND known.currency = change.currency)
                THEN greatest(net, 0) ELSE net END
    FROM change ORDER BY account, currency
    ON CONFLICT (account, currency) DO UPDATE
        SET balance_minor = balance.balance_minor + (
            SELECT net FROM change
            WHERE change.account = EXCLUDED.account AND change.currency = EXCLUDED.currency)
)
"""

BOOK = f"""
WITH {BOOKING.format(transactions="$1", entries="$2", condition="true")}
SELECT id FROM booked
"""

FIND_BY_KEYS = """
SELECT kind, idempotency_key, id FROM ledger_transaction
WHERE (kind, idempotency_key) IN (SELECT * FROM unnest($1::text[], $2::text[]))
"""

# Writes every row, so that also an account that never had money is held until the commit.
LOCK_BALANCES = """
INSERT INTO ledger_balance AS balance (account, currency, balance_minor)
SELECT account, $2, 0 FROM unnest($1::text[]) AS wanted (account) ORDER BY account
ON CONFLICT (account, currency) DO UPDATE SET balance_minor = balance.balance_minor
RETURNING account, balance_minor
"""

BALANCES = """
WITH mark AS (SELECT written_before FROM ledger_rollup_mark)
SELECT account, currency, sum(debit_minor)::bigint, sum(credit_minor)::bigint
FROM (
    SELECT account, currency, debit_minor, credit_minor
    FROM ledger_rollup WHERE account = ANY($1::text[])
    UNION ALL
    SELECT account, currency,
           CASE direction WHEN 'debit' THEN amount_minor ELSE 0 END,
           CASE direction WHEN 'credit' THEN amount_minor ELSE 0 END
    FROM ledger_entry
    WHERE account = ANY($1::text[])
      AND written_by >= COALESCE((SELECT written_before FROM mark), '0'::xid8)
) AS moved (account, currency, debit_minor, credit_minor)
GROUP BY account, currency ORDER BY account, currency
"""

_TRANSACTION = """
SELECT id, kind, cause_type, cause_id, idempotency_key, order_id, corrects_id, actor, facts,
       effective_at, booked_at, hash
FROM ledger_transaction
"""
OF_ORDER = f"""{_TRANSACTION}
WHERE order_id = $1 AND ($3::timestamptz IS NULL OR booked_at <= $3)
ORDER BY written_by, id LIMIT $2"""
OF_KEY = f"""{_TRANSACTION}
WHERE kind = ANY($1::text[]) AND idempotency_key = $2
  AND ($3::timestamptz IS NULL OR booked_at <= $3)
ORDER BY written_by, id"""
OF_IDS = f"{_TRANSACTION} WHERE id = ANY($1::uuid[]) ORDER BY id"

ENTRIES = """
SELECT transaction_id, account, direction, amount_minor, currency, seller_order_id, order_line_id,
       refund_id, payout_id
FROM ledger_entry WHERE transaction_id = ANY($1::uuid[])
ORDER BY transaction_id, position
"""

# What accounts hold together, credits positive: rolled up, and the entries since. On a later page
# $6 says it.
HELD = """
mark AS (
    SELECT COALESCE((SELECT written_before FROM ledger_rollup_mark), '0'::xid8) AS written_before
), held AS (
    SELECT COALESCE($6::bigint, (
        SELECT sum(credit_minor - debit_minor) FROM ledger_rollup
        WHERE account = ANY($1::text[]) AND currency = $2
    ), 0) + CASE WHEN $6::bigint IS NULL THEN COALESCE((
        SELECT sum(CASE direction WHEN 'credit' THEN amount_minor ELSE -amount_minor END)
        FROM ledger_entry
        WHERE account = ANY($1::text[]) AND currency = $2
          AND written_by >= (SELECT written_before FROM mark)
    ), 0) ELSE 0 END AS minor
)
"""

# The newest entries of a few accounts: each account's range of the index is read from its end.
# Balances run backwards from what the accounts hold together, or from $6 on a later page.
MOVEMENTS = f"""
WITH {HELD}, latest AS (
    SELECT entry.*,
           CASE entry.direction WHEN 'credit' THEN entry.amount_minor
                ELSE -entry.amount_minor END AS change_minor
    FROM unnest($1::text[]) AS wanted (account)
    CROSS JOIN LATERAL (
        SELECT * FROM ledger_entry AS own
        WHERE own.account = wanted.account AND own.currency = $2
          AND ($3::xid8 IS NULL OR (own.written_by, own.id) < ($3, $4::bigint))
        ORDER BY own.written_by DESC, own.id DESC LIMIT $5
    ) AS entry
    ORDER BY entry.written_by DESC, entry.id DESC LIMIT $5
)
SELECT latest.id, latest.written_by, latest.transaction_id, latest.account, latest.direction,
       latest.change_minor,
       (held.minor - COALESCE(sum(latest.change_minor) OVER (
           ORDER BY latest.written_by DESC, latest.id DESC
           ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING), 0))::bigint AS balance_minor,
       latest.currency, latest.seller_order_id, latest.refund_id, latest.payout_id,
       booked.kind, booked.order_id, orders.number, booked.effective_at, booked.booked_at
FROM latest CROSS JOIN held
JOIN ledger_transaction AS booked ON booked.id = latest.transaction_id
LEFT JOIN orders ON orders.id = booked.order_id
ORDER BY latest.written_by DESC, latest.id DESC
"""

# What a person may mean: an order by its id or number, or a seller by its id.
FIND_ORDER = "SELECT id, number FROM orders WHERE id = $1 OR number = $2"
SELLER_EXISTS = "SELECT EXISTS (SELECT FROM seller WHERE id = $1)"


class Overdrawn(Exception):
    """A guarded balance would have fallen below zero."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BookedTransaction:
    """A fact in the books, with its entries in the order in which they were booked."""

    id: UUID
    kind: str
    cause_type: str
    cause_id: UUID
    idempotency_key: str
    order_id: UUID | None
    corrects_id: UUID | None
    actor: str
    facts: dict[str, Any]
    effective_at: datetime
    booked_at: datetime
    hash: bytes
    entries: tuple[Entry, ...]


@dataclass(frozen=True, slots=True)
class AccountTurnover:
    """All debits and all credits that an account ever had in one currency."""

    account: str
    currency: str
    debit_minor: int
    credit_minor: int


@dataclass(frozen=True, slots=True)
class Movement:
    """One entry of an account with what its transaction says.

    Credits count as positive, and `balance_minor` is what the accounts asked for held together
    after it: for a seller's accounts, what the marketplace owes the seller.
    """

    id: int
    written_by: int
    transaction_id: UUID
    account: str
    direction: str
    change_minor: int
    balance_minor: int
    currency: str
    seller_order_id: UUID | None
    refund_id: UUID | None
    payout_id: UUID | None
    kind: str
    order_id: UUID | None
    order_number: int | None
    effective_at: datetime
    booked_at: datetime


_HEAD = (
    "id", "kind", "cause_type", "cause_id", "idempotency_key", "order_id", "corrects_id", "actor",
    "facts", "effective_at", "booked_at",
)  # fmt: skip
_ENTRY = (
    "account", "direction", "amount_minor", "currency", "seller_order_id", "order_line_id",
    "refund_id", "payout_id",
)  # fmt: skip
_head_of, _entry_of = attrgetter(*_HEAD), attrgetter(*_ENTRY)


def documents(
    transactions: Sequence[BookedTransaction],
) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """Transactions and their entries as the documents that `BOOKING` reads."""
    heads = [
        {**dict(zip(_HEAD, _head_of(each), strict=True)), "hash": "\\x" + each.hash.hex()}
        for each in transactions
    ]
    entries = [
        {
            **dict(zip(_ENTRY, _entry_of(entry), strict=True)),
            "transaction_id": each.id,
            "position": position,
            "guarded": is_guarded(entry.account),
        }
        for each in transactions
        for position, entry in enumerate(each.entries)
    ]
    return heads, entries


async def insert(connection: Connection, transactions: Sequence[BookedTransaction]) -> set[UUID]:
    """Book what isn't booked yet and move the guarded balances; gives the ids of what is new.

    Raises:
        Overdrawn: one of the balances is too small.
    """
    try:
        rows = await connection.fetch(BOOK, *documents(transactions))
    except asyncpg.CheckViolationError as error:
        if error.table_name != "ledger_balance":
            raise
        raise Overdrawn from error
    return {row["id"] for row in rows}


async def find_by_keys(
    connection: Connection, keys: Iterable[tuple[str, str]]
) -> dict[tuple[str, str], UUID]:
    """The ids of transactions by (kind, idempotency key)."""
    listed = list(keys)
    rows = await connection.fetch(
        FIND_BY_KEYS, [kind for kind, _ in listed], [key for _, key in listed]
    )
    return {(row["kind"], row["idempotency_key"]): row["id"] for row in rows}


async def lock_balances(
    connection: Connection, *, accounts: Sequence[str], currency: str
) -> dict[str, int]:
    """Guarded balances by account, held until the commit: nobody else moves them meanwhile."""
    rows = await connection.fetch(LOCK_BALANCES, accounts, currency)
    return {row["account"]: row["balance_minor"] for row in rows}


async def turnovers(connection: Connection, *, accounts: Sequence[str]) -> list[AccountTurnover]:
    """What moved on the accounts so far, by account and currency."""
    rows = await connection.fetch(BALANCES, accounts)
    return [AccountTurnover(*row) for row in rows]


async def find_of_order(
    connection: Connection, *, order_id: UUID, at: datetime | None = None, limit: int
) -> list[BookedTransaction]:
    """The transactions of an order, or those booked by a moment, in the order of booking."""
    return await _with_entries(connection, await connection.fetch(OF_ORDER, order_id, limit, at))


async def find_of_key(
    connection: Connection,
    *,
    kinds: Sequence[str],
    idempotency_key: str,
    at: datetime | None = None,
) -> list[BookedTransaction]:
    """The transactions of these kinds under one key, or those booked by a moment, in the order of
    booking."""
    rows = await connection.fetch(OF_KEY, kinds, idempotency_key, at)
    return await _with_entries(connection, rows)


async def find_all(
    connection: Connection, *, transaction_ids: Sequence[UUID]
) -> list[BookedTransaction]:
    """These transactions by id, for whoever looks for damage.

    One with an entry that could never have been booked comes without entries.
    """
    return await _with_entries(connection, await connection.fetch(OF_IDS, transaction_ids))


async def movements(
    connection: Connection,
    *,
    accounts: Sequence[str],
    currency: str,
    after: tuple[int, int, int] | None,
    limit: int,
) -> list[Movement]:
    """The newest entries of the accounts in one currency, newest first.

    `after` goes on behind an entry: its (written_by, id) and the balance before it.
    """
    written_by, entry_id, balance_minor = after or (None, None, None)
    rows = await connection.fetch(
        MOVEMENTS, accounts, currency, written_by, entry_id, limit, balance_minor
    )
    return [Movement(*row) for row in rows]


async def find_order(
    connection: Connection, *, order_id: UUID | None = None, number: int | None = None
) -> tuple[UUID, int] | None:
    """An order's id and number, by either of them."""
    row = await connection.fetchrow(FIND_ORDER, order_id, number)
    return None if row is None else (row["id"], row["number"])


async def seller_exists(connection: Connection, *, seller_id: UUID) -> bool:
    """Whether there is such a seller."""
    exists: bool = await connection.fetchval(SELLER_EXISTS, seller_id)
    return exists


async def _with_entries(connection: Connection, rows: Sequence[Record]) -> list[BookedTransaction]:
    if not rows:
        return []
    entries: dict[UUID, list[Entry]] = {row["id"]: [] for row in rows}
    damaged: set[UUID] = set()
    for transaction_id, account, direction, *fields in await connection.fetch(
        ENTRIES, list(entries)
    ):
        try:
            entries[transaction_id].append(Entry(account, Direction(direction), *fields))
        except ValueError:
            damaged.add(transaction_id)
    return [
        BookedTransaction(**row, entries=() if row["id"] in damaged else tuple(entries[row["id"]]))
        for row in rows
    ]
