"""What a market at rest has behind it: goods held, facts told, the journal rolled up and sealed."""

import asyncio
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Final
from uuid import UUID

from bench.market_data.loading import settle
from gosellr.core.db import Connection
from gosellr.queries import audit, outbox, trending
from gosellr.queries.outbox import RelayCursor
from gosellr.services import ledger_upkeep_service

_HOLD = """
UPDATE stock_level AS level SET reserved = level.reserved + held.units
FROM unnest($1::uuid[], $2::uuid[], $3::smallint[], $4::bigint[])
     AS held (variant_id, location_id, bucket, units)
WHERE (level.variant_id, level.location_id, level.bucket)
      = (held.variant_id, held.location_id, held.bucket)
"""

# Of the window that the cursor stands in, what lies behind its sequence; then all there is.
_TELL = """
WITH told AS (
    INSERT INTO outbox_feed (position, event_sequence)
    SELECT $4 + row_number() OVER (ORDER BY sequence), sequence
    FROM outbox_event
    WHERE written_by >= $1 AND NOT (written_by < $2 AND sequence <= $3) AND written_by < $5
    ORDER BY sequence
    RETURNING position
)
SELECT coalesce(max(position), $4) FROM told
"""
_UNTOLD = """
SELECT EXISTS (SELECT FROM outbox_event WHERE written_by >= $1)
"""
_SOMEBODY_WRITES = """
SELECT EXISTS (SELECT FROM pg_stat_activity
               WHERE datname = current_database() AND pid <> pg_backend_pid()
                 AND backend_type = 'client backend' AND backend_xid IS NOT NULL)
"""
_REFERENCES = """
SELECT child.relname AS child, parent.relname AS parent,
       ARRAY(SELECT attname::text FROM unnest(conkey) WITH ORDINALITY AS own (number, place)
             JOIN pg_attribute ON attrelid = conrelid AND attnum = number
             ORDER BY place) AS own,
       ARRAY(SELECT attname::text FROM unnest(confkey) WITH ORDINALITY AS meant (number, place)
             JOIN pg_attribute ON attrelid = confrelid AND attnum = number
             ORDER BY place) AS meant
FROM pg_constraint
JOIN pg_class AS child ON child.oid = conrelid JOIN pg_class AS parent ON parent.oid = confrelid
WHERE contype = 'f' AND child.relname = ANY($1::text[])
  AND connamespace = current_schema()::regnamespace
ORDER BY 1, 2
"""
_TABLES: Final = (
    "user_account", "orders", "seller_order", "order_line", "payment", "stock_reservation",
    "stock_level", "order_event", "ledger_transaction", "ledger_entry", "ledger_sealed",
    "ledger_seal", "ledger_rollup", "outbox_event", "outbox_feed",
)  # fmt: skip


class BadLoad(Exception):
    """What was loaded contradicts itself."""


async def close_books(
    connection: Connection, *, held: Mapping[tuple[UUID, UUID, int], int], now: datetime
) -> None:
    """Do what the orders' own transactions and the jobs behind them would have done by now.

    Raises `BadLoad`.
    """
    keys = sorted(held)
    await connection.execute(
        _HOLD,
        [variant_id for variant_id, _, _ in keys],
        [location_id for _, location_id, _ in keys],
        [bucket for _, _, bucket in keys],
        [held[key] for key in keys],
    )
    async with connection.transaction():
        await _tell_facts(connection, now=now)
    while await _in_transaction_roll_up(connection):
        pass
    while await _in_transaction_seal(connection, now=now):
        pass
    await settle(connection, _TABLES)
    await _check_references(connection)
    if found := await audit.find_offences(connection, audit.TRANSACTIONS_BALANCE):
        raise BadLoad(f"the books don't balance: {found[0]}")


async def _check_references(connection: Connection) -> None:
    """What the triggers of foreign keys would have said row by row."""
    for key in await connection.fetch(_REFERENCES, list(_TABLES)):
        given = " AND ".join(f'child."{own}" IS NOT NULL' for own in key["own"])
        met = " AND ".join(
            f'parent."{meant}" = child."{own}"'
            for own, meant in zip(key["own"], key["meant"], strict=True)
        )
        lost = await connection.fetchval(
            f"SELECT count(*) FROM {key['child']} AS child WHERE {given}"  # noqa: S608 - names
            f" AND NOT EXISTS (SELECT FROM {key['parent']} AS parent WHERE {met})"
        )
        if lost:
            raise BadLoad(f"{lost} rows of {key['child']} refer to no {key['parent']}")


async def _tell_facts(connection: Connection, *, now: datetime) -> None:
    """Number the facts as the relay does, and queue nothing: cards are right already, and what was
    sold of a product is counted when it is bought next.

    Raises RuntimeError while somebody else works in the database.
    """
    cursor = await outbox.take_cursor(connection)
    if cursor is None:
        raise RuntimeError("a market is loaded while nobody else uses it")
    end = await outbox.horizon(connection)
    # Transactions of other databases hold the horizon back as well, until they end: that may take
    # long on a busy machine, and is nobody's fault.
    while await connection.fetchval(_UNTOLD, end):
        if await connection.fetchval(_SOMEBODY_WRITES):
            raise RuntimeError("a market is loaded while nobody else uses it")
        await asyncio.sleep(1)
        end = await outbox.horizon(connection)
    position = await connection.fetchval(
        _TELL, cursor.written_by, cursor.written_before, cursor.sequence, cursor.position, end
    )
    told = RelayCursor(written_by=end, written_before=end, sequence=0, position=position)
    await outbox.move_cursor(connection, cursor=told, now=now)
    looked_at = datetime.now(UTC)
    await trending.move_mark(connection, position=position, looked_at=looked_at, due_at=looked_at)


async def _in_transaction_roll_up(connection: Connection) -> int:
    async with connection.transaction():
        return await ledger_upkeep_service.roll_up(connection)


async def _in_transaction_seal(connection: Connection, *, now: datetime) -> int:
    async with connection.transaction():
        return await ledger_upkeep_service.seal(connection, now=now)
