"""What is bought, counted anew on the cards, in portions that nobody has to wait for."""

from collections.abc import Callable
from time import monotonic

from gosellr.core.clock import Clock
from gosellr.core.db import Database
from gosellr.core.transact import ask, transact
from gosellr.services import popularity_service


async def refresh(*, db: Database, clock: Clock, timer: Callable[[], float] = monotonic) -> None:
    """Bring what is trending and how much was sold up to date on the cards that it changed.

    What it is to look at is remembered once all of it is counted: cut off, it begins again.
    `timer` tells how many seconds a portion took.
    """
    now = clock.now()
    change = await ask(db, popularity_service.find_change, now=now)
    if change is None:
        return
    left, size, spent = change.product_ids, popularity_service.FIRST_PORTION, 0.0
    while left:
        begun = timer()
        await transact(db, popularity_service.refresh, product_ids=left[:size], now=now)
        took = timer() - begun
        spent += took
        left = left[size:]
        size = popularity_service.next_portion(size, seconds=took)
    await transact(db, popularity_service.remember, change=change, seconds=spent, now=now)
