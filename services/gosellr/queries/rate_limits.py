"""Counting how often somebody did something."""

from collections.abc import Sequence
from datetime import datetime

from gosellr.core.db import Connection
from gosellr.core.rate_limit import Usage, Window, usage_of

# Ordered, so that two requests that count the same rows never wait for each other in a ring.
COUNT_HITS = """
WITH asked AS (
    SELECT key, previous_key, expires_at
    FROM unnest($1::text[], $2::text[], $3::timestamptz[])
         AS asked (key, previous_key, expires_at)
), counted AS (
    INSERT INTO rate_window (key, expires_at, hits)
    SELECT key, expires_at, $4::int FROM asked ORDER BY key
    ON CONFLICT (key) DO UPDATE SET hits = rate_window.hits + EXCLUDED.hits
    RETURNING key, hits
)
SELECT counted.key, counted.hits, coalesce(previous.hits, 0) AS previous_hits
FROM counted
JOIN asked ON asked.key = counted.key
LEFT JOIN rate_window AS previous ON previous.key = asked.previous_key
"""

FORGET_EXPIRED = """
DELETE FROM rate_window
WHERE key IN (SELECT key FROM rate_window WHERE expires_at < $1 ORDER BY expires_at LIMIT $2)
"""


async def count_hits(
    connection: Connection, windows: Sequence[Window], *, weight: int
) -> list[Usage]:
    """Count so many more in each window and tell how full each is, in the given order."""
    rows = await connection.fetch(
        COUNT_HITS,
        [window.key for window in windows],
        [window.previous_key for window in windows],
        [window.expires_at for window in windows],
        weight,
    )
    hits = {row["key"]: row for row in rows}
    return [
        usage_of(
            window,
            hits=hits[window.key]["hits"],
            previous_hits=hits[window.key]["previous_hits"],
        )
        for window in windows
    ]


async def forget_expired(connection: Connection, *, now: datetime, limit: int) -> None:
    """Delete windows that nobody looks at any more."""
    await connection.execute(FORGET_EXPIRED, now, limit)
