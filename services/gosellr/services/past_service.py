"""Whether this market's past is still being written: a history told after the fact, by a clock of
its own.

While it is, what was begun by that clock looks overdue by today's: a hold that ran out three months
ago is given back by a step that comes in a moment. So nobody calls it late.
"""

from datetime import datetime, timedelta
from typing import Final

from gosellr.core.db import Connection
from gosellr.services import setting_service

_PAST: Final = "market.past"
# What the history left open is then for the market's own jobs, and each of them comes by earlier.
_AFTERWARDS: Final = timedelta(hours=1)


async def begin(connection: Connection) -> None:
    """From this commit on a past is being written."""
    await setting_service.remember(connection, key=_PAST, document={"written_at": None})


async def end(connection: Connection, *, now: datetime) -> None:
    """All of it is written."""
    await setting_service.remember(connection, key=_PAST, document={"written_at": now.isoformat()})


async def is_open(connection: Connection) -> bool:
    """Whether some of it is still to be written."""
    document = await setting_service.recall(connection, key=_PAST)
    return document is not None and document["written_at"] is None


async def is_being_written(connection: Connection, *, now: datetime) -> bool:
    """Whether it is, or was so little ago that the market's jobs may not have come by since."""
    document = await setting_service.recall(connection, key=_PAST)
    if document is None:
        return False
    written_at = document["written_at"]
    return written_at is None or now < datetime.fromisoformat(written_at) + _AFTERWARDS
