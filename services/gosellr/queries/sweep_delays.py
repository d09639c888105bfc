"""What sweeps tried in vain: left alone for a while, so that what is due behind it has its turn."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from gosellr.core.db import Connection

# Twice the pause each time. Whoever failed long ago, and not since, begins anew.
PUT_OFF = """
INSERT INTO sweep_delay AS known (sweep, item, failures, until)
SELECT $1, told.item, 1, $3::timestamptz + $4::interval FROM unnest($2::text[]) AS told (item)
ON CONFLICT (sweep, item) DO UPDATE
SET failures = CASE WHEN known.until < $3 - $6::interval THEN 1 ELSE known.failures + 1 END,
    until = $3::timestamptz + CASE
        WHEN known.until < $3 - $6::interval THEN $4::interval
        ELSE LEAST($4::interval * power(2, LEAST(known.failures, 20)), $5::interval) END
"""
FORGET = """
DELETE FROM sweep_delay WHERE (sweep, item) IN (
    SELECT sweep, item FROM sweep_delay WHERE until < $1 ORDER BY until LIMIT $2)
"""


def has_its_turn(sweep: str, item: str, *, now: str = "$1") -> str:
    """The condition under which a sweep takes something up; `item` and `now` are SQL."""
    return (
        "NOT EXISTS (SELECT FROM sweep_delay AS delay"
        f" WHERE delay.sweep = '{sweep}' AND delay.item = ({item})::text AND delay.until > {now})"
    )


async def put_off(
    connection: Connection,
    *,
    sweep: str,
    items: Sequence[str],
    first_pause: timedelta,
    pause_max: timedelta,
    forgotten_after: timedelta,
    now: datetime,
) -> None:
    """Leave some alone for twice as long as the last time, `pause_max` at most."""
    await connection.execute(
        PUT_OFF, sweep, list(items), now, first_pause, pause_max, forgotten_after
    )


async def forget(connection: Connection, *, until: datetime, limit: int) -> int:
    """Forget what was put off until before a moment; gives how many."""
    status: str = await connection.execute(FORGET, until, limit)
    return int(status.rsplit(" ", 1)[1])
