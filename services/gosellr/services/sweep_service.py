"""What a sweep couldn't finish waits longer each time, and holds up nobody behind it."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Final

from gosellr.core.db import Connection
from gosellr.queries import sweep_delays

_FIRST_PAUSE: Final = timedelta(seconds=5)
# With a hundred a run, so many more would have to fail before others had to wait.
_PAUSE_MAX: Final = timedelta(minutes=15)
_FORGOTTEN_AFTER: Final = timedelta(hours=1)
_FORGOTTEN_AT_ONCE: Final = 5_000


async def put_off(
    connection: Connection, *, sweep: str, items: Sequence[str], now: datetime
) -> None:
    """Leave these alone for a while, and twice as long when it happens again soon."""
    await sweep_delays.put_off(
        connection,
        sweep=sweep,
        # In one order for all who write several at once.
        items=sorted(set(items)),
        first_pause=_FIRST_PAUSE,
        pause_max=_PAUSE_MAX,
        forgotten_after=_FORGOTTEN_AFTER,
        now=now,
    )


async def forget(connection: Connection, *, now: datetime) -> int:
    """Forget what hasn't failed for long, some at once; gives how many."""
    return await sweep_delays.forget(
        connection, until=now - _FORGOTTEN_AFTER, limit=_FORGOTTEN_AT_ONCE
    )
