"""Whether a database was restored from a dump into a server that is younger than it.

The books, the outbox and their marks remember database transactions by number (`written_by`), and
what was read of them by "everything before this one". A dump carries those numbers, and not the
server's counter: in a new server what is written next would stand behind the marks, and never be
rolled up, sealed, paid out or told. Such a market doesn't start.
"""

from typing import Any

import asyncpg

from gosellr.core.db import SEARCH_PATH
from gosellr.core.startup_error import StartupError

# Rows bear numbers that were given out; marks at most the next one.
_BEHIND = """
WITH counter AS (SELECT pg_snapshot_xmax(pg_current_snapshot()) AS next), newest AS (
    (SELECT written_by FROM ledger_transaction ORDER BY written_by DESC LIMIT 1)
    UNION ALL
    (SELECT written_by FROM outbox_event ORDER BY written_by DESC, sequence DESC LIMIT 1)
), mark AS (
    SELECT written_before FROM ledger_rollup_mark
    UNION ALL SELECT written_by FROM outbox_cursor
    UNION ALL SELECT written_before FROM outbox_cursor
)
SELECT number::text FROM (
    SELECT written_by AS number FROM newest, counter WHERE written_by >= next
    UNION ALL
    SELECT written_before FROM mark, counter WHERE written_before > next
) AS behind ORDER BY number DESC LIMIT 1
"""
_EPOCH_BITS = 32


async def epoch_needed(connection: "asyncpg.Connection[Any]") -> int | None:
    """The epoch that the server's transaction counter has to be raised to; None where it is beyond
    all that was written."""
    newest = await connection.fetchval(_BEHIND)
    return None if newest is None else (int(newest) >> _EPOCH_BITS) + 1


async def refuse_younger_server(connection: "asyncpg.Connection[Any]") -> None:
    """Raises `StartupError` where the server's transaction counter is behind what was written."""
    epoch = await epoch_needed(connection)
    if epoch is not None:
        raise StartupError(
            "This database was restored from a dump: its server's transaction counter is behind"
            " what the books remember, so that nothing new would be rolled up, paid out or told.",
            remedy=f"gosellr raise-epoch, or on a server of your own: pg_resetwal --epoch={epoch};"
            " docs/operations/restore.md says how",
        )


async def ask_epoch_needed(dsn: str) -> int | None:
    """The same of a market's database."""
    connection = await asyncpg.connect(dsn, server_settings={"search_path": SEARCH_PATH})
    try:
        return await epoch_needed(connection)
    finally:
        await connection.close()
