"""What is bought, counted anew on the cards, in portions that none has to wait for."""

import asyncio

from gosellr.core.clock import Clock
from gosellr.core.db import Database
from gosellr.core.transact import ask, transact
from gosellr.services import popularity_service


async def refresh(*, db: Database, clock: Clock) -> None:
    """Bring what is trending and how much was sold up to date on the cards that it changed.

    What it is to look at is remembered once all of it is counted: cut off, it begins again.
    """
    now = clock.now()
    change = await ask(db, popularity_service.find_change, now=now)
    if change is None:
        return
    time = asyncio.get_running_loop().time
    left, size = change.product_ids, popularity_service.FIRST_PORTION
    while left:
        begun = time()
        await transact(db, popularity_service.refresh, product_ids=left[:size], now=now)
        left = left[size:]
        size = popularity_service.next_portion(size, seconds=time() - begun)
    await transact(db, popularity_service.remember, change=change, now=now)
