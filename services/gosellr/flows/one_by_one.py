"""Going through what is due: one that breaks is logged, and never stops the others."""

import logging
from collections.abc import Awaitable, Callable, Sequence
from typing import TypeVar

T = TypeVar("T")

_log = logging.getLogger("gosellr.flows")


async def one_by_one(
    items: Sequence[T], work: Callable[[T], Awaitable[object]], *, story: str
) -> int:
    """Do the work for each; gives for how many it came to a true end.

    What went wrong with one is a defect or an outage that concerns it alone. It stays due, so
    the next run tries it again.
    """
    done = 0
    for item in items:
        try:
            done += bool(await work(item))
        except Exception:  # noqa: BLE001  (whatever it was, the others go on)
            _log.exception("%s failed for %s", story, item)
    return done
