"""The end of the hold: many sales at once, and each by itself where one can't be released."""

import logging
from uuid import UUID

from gosellr.core.clock import Clock
from gosellr.core.db import Database
from gosellr.core.transact import ask, transact
from gosellr.flows.one_by_one import Sweep
from gosellr.services import release_service

_log = logging.getLogger("gosellr.flows")


async def release_due(*, db: Database, clock: Clock) -> int:
    """Release what is due, batch by batch; gives how many sales."""
    done = 0
    while released := await _batch(db, clock):
        done += released
    return done


async def _batch(db: Database, clock: Clock) -> int:
    now = clock.now()
    try:
        return await transact(db, release_service.release_due, now=now)
    except Exception:  # noqa: BLE001  (whichever of them it was, the others are released)
        _log.exception("releasing many sales at once failed; each is tried by itself")

    async def release(sale_id: UUID) -> bool:
        return await transact(db, release_service.release_due, now=now, only=sale_id) > 0

    sweep = Sweep(
        name="releases",
        db=db,
        now=now,
        due=lambda: ask(db, release_service.due_sales, now=now),
    )
    return await sweep.run(release, story="releasing a sale")
