"""What jobs do to the books behind everybody's back: rolling up, sealing, reading all of it.

Both go only as far as nothing can be added any more: up to the oldest database transaction that
still runs. What is behind that mark is complete, whatever the order of commits.
"""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from gosellr.core.db import Connection
from gosellr.utils.lazy_dataclasses import dataclass

TAKE_MARK = """
INSERT INTO ledger_rollup_mark AS mark (id, written_before, order_count) VALUES (1, '0', 0)
ON CONFLICT (id) DO UPDATE SET written_before = mark.written_before
RETURNING written_before
"""

# An order counts with its first sale, so that a second capture doesn't count it again. What is
# looked up one by one is so on purpose: of bounds that it can't know the planner expects a ninth of
# the journal between them, and would rather read all of it than a part.
ROLL_UP = """
WITH bounds AS MATERIALIZED (
    SELECT $1::xid8 AS since, LEAST(
        pg_snapshot_xmin(pg_current_snapshot()),
        (SELECT written_by FROM ledger_transaction WHERE written_by > (
            SELECT written_by FROM ledger_transaction WHERE written_by >= $1
            ORDER BY written_by, id OFFSET $2 - 1 LIMIT 1
         ) ORDER BY written_by, id LIMIT 1)
    ) AS before
), fresh AS MATERIALIZED (
    SELECT id, kind, order_id, written_by FROM ledger_transaction, bounds
    WHERE written_by >= since AND written_by < before
), line AS MATERIALIZED (
    SELECT fresh.kind, account, currency,
           sum(amount_minor) FILTER (WHERE direction = 'debit') AS debit_minor,
           sum(amount_minor) FILTER (WHERE direction = 'credit') AS credit_minor
    FROM fresh CROSS JOIN LATERAL (
        SELECT * FROM ledger_entry WHERE transaction_id = fresh.id OFFSET 0) AS entry
    GROUP BY fresh.kind, account, currency
), by_account AS (
    INSERT INTO ledger_rollup AS known (account, currency, debit_minor, credit_minor)
    SELECT account, currency, COALESCE(sum(debit_minor), 0), COALESCE(sum(credit_minor), 0)
    FROM line GROUP BY account, currency
    ON CONFLICT (account, currency) DO UPDATE
        SET debit_minor = known.debit_minor + EXCLUDED.debit_minor,
            credit_minor = known.credit_minor + EXCLUDED.credit_minor
), by_kind AS (
    INSERT INTO ledger_activity AS known (kind, account_kind, currency, debit_minor, credit_minor)
    SELECT kind, split_part(account, ':', 1), currency,
           COALESCE(sum(debit_minor), 0), COALESCE(sum(credit_minor), 0)
    FROM line GROUP BY 1, 2, 3
    ON CONFLICT (kind, account_kind, currency) DO UPDATE
        SET debit_minor = known.debit_minor + EXCLUDED.debit_minor,
            credit_minor = known.credit_minor + EXCLUDED.credit_minor
), sold AS (
    SELECT count(DISTINCT fresh.order_id) AS order_count FROM fresh
    WHERE fresh.kind IN ('sale', 'sale_on_delivery') AND NOT EXISTS (
        SELECT FROM ledger_transaction AS earlier
        WHERE earlier.order_id = fresh.order_id AND earlier.kind IN ('sale', 'sale_on_delivery')
          AND (earlier.written_by, earlier.id) < (fresh.written_by, fresh.id)
        OFFSET 0
    )
), moved AS (
    UPDATE ledger_rollup_mark AS mark
    SET written_before = before, order_count = mark.order_count + sold.order_count
    FROM bounds, sold
)
SELECT count(*) FROM fresh
"""

# A lock of its own, given back by the commit: two sealers would chain to the same seal.
TAKE_SEALING = "SELECT pg_advisory_xact_lock(hashtext('gosellr.ledger_seal'))"

LAST_SEAL = "SELECT id, hash FROM ledger_seal ORDER BY id DESC LIMIT 1"

# Sealing goes on behind the last transaction that was sealed.
UNSEALED = """
WITH last AS (
    SELECT booked.written_by, booked.id
    FROM ledger_sealed JOIN ledger_transaction AS booked ON booked.id = transaction_id
    WHERE seal_id = $1 ORDER BY position DESC LIMIT 1
)
SELECT id, hash FROM ledger_transaction
WHERE written_by < pg_snapshot_xmin(pg_current_snapshot())
  AND (written_by, id) > (COALESCE((SELECT written_by FROM last), '0'::xid8),
                          COALESCE((SELECT id FROM last),
                                   '00000000-0000-0000-0000-000000000000'::uuid))
ORDER BY written_by, id LIMIT $2
"""

SEAL = """
WITH seal AS (
    INSERT INTO ledger_seal (transaction_count, root_hash, previous_hash, hash, sealed_at)
    VALUES (cardinality($1::uuid[]), $2, $3, $4, $5)
    RETURNING id
)
INSERT INTO ledger_sealed (transaction_id, seal_id, position)
SELECT transaction_id, seal.id, place - 1
FROM seal, unnest($1::uuid[]) WITH ORDINALITY AS sealed (transaction_id, place)
"""

SEALS_AFTER = """
SELECT id, transaction_count, root_hash, previous_hash, hash
FROM ledger_seal WHERE id > $1 ORDER BY id LIMIT $2
"""

# The root is `utils.ledger.batch_root` of the hashes.
SEALED_ROOTS = """
SELECT sealed.seal_id, count(booked.id)::integer AS count,
       sha256(string_agg(booked.hash, ''::bytea ORDER BY sealed.position)) AS root_hash,
       array_agg(sealed.transaction_id ORDER BY sealed.position)
           FILTER (WHERE booked.id IS NULL) AS gone_ids
FROM ledger_sealed AS sealed
LEFT JOIN ledger_transaction AS booked ON booked.id = sealed.transaction_id
WHERE sealed.seal_id BETWEEN $1 AND $2
GROUP BY sealed.seal_id
"""


@dataclass(frozen=True, slots=True)
class Seal:
    """A batch of transactions, chained to the batch before."""

    id: int
    transaction_count: int
    root_hash: bytes
    previous_hash: bytes
    hash: bytes


@dataclass(frozen=True, slots=True)
class Sealed:
    """What a seal covers as it is now: how many transactions, the root of their hashes in order,
    and which of them are gone."""

    seal_id: int
    transaction_count: int
    root_hash: bytes | None
    gone_ids: Sequence[UUID]


async def roll_up(connection: Connection, *, limit: int) -> int:
    """Add the next settled transactions to the roll-ups; gives how many.

    One database transaction's are never parted, so there may be more than `limit`.
    """
    since = await connection.fetchval(TAKE_MARK)
    # A statement of its own: it has to see what was committed while it waited for the mark.
    count: int = await connection.fetchval(ROLL_UP, since, limit)
    return count


async def take_sealing(connection: Connection) -> tuple[int, bytes] | None:
    """Become the only sealer until the commit; gives the last seal's id and hash."""
    await connection.execute(TAKE_SEALING)
    row = await connection.fetchrow(LAST_SEAL)
    return None if row is None else (row["id"], row["hash"])


async def find_unsealed(
    connection: Connection, *, last_seal_id: int | None, limit: int
) -> list[tuple[UUID, bytes]]:
    """The next settled transactions behind a seal, as (id, hash)."""
    return [tuple(row) for row in await connection.fetch(UNSEALED, last_seal_id, limit)]


async def insert_seal(
    connection: Connection,
    *,
    transaction_ids: Sequence[UUID],
    root_hash: bytes,
    previous_hash: bytes,
    hash_: bytes,
    now: datetime,
) -> None:
    """Write a seal over the transactions, in their order."""
    await connection.execute(SEAL, transaction_ids, root_hash, previous_hash, hash_, now)


async def find_seals(connection: Connection, *, after: int, limit: int) -> list[Seal]:
    """The next seals by id."""
    return [Seal(*row) for row in await connection.fetch(SEALS_AFTER, after, limit)]


async def find_sealed(connection: Connection, *, first: int, last: int) -> dict[int, Sealed]:
    """What the seals from `first` to `last` cover; one that covers nothing is left out."""
    rows = await connection.fetch(SEALED_ROOTS, first, last)
    return {row[0]: Sealed(row[0], row[1], row[2], row[3] or ()) for row in rows}
