"""A product that many buy at once: noticed where they wait, spread, and gathered again."""

import asyncio
from collections.abc import Collection
from datetime import timedelta
from uuid import UUID

import structlog

from gosellr.core.bursts import Bursts
from gosellr.core.clock import Clock
from gosellr.core.db import Database
from gosellr.core.transact import ask, transact
from gosellr.flows.one_by_one import Sweep
from gosellr.services import inventory_service

_log = structlog.get_logger("gosellr.stock")

# Two people who want the same at the same moment are no rush.
_CONTENTIONS = 8
_WITHIN = timedelta(seconds=2)
# Spreading waits for all buyers of the product, and so isn't done again at once.
_QUIET_FOR = timedelta(seconds=10)


class HotStock:
    """What one process notices of contended stock, and the spreading it has begun."""

    def __init__(self) -> None:
        self._bursts = Bursts(amount=_CONTENTIONS, window=_WITHIN, quiet=_QUIET_FOR)
        self._begun: set[asyncio.Task[None]] = set()

    def notice(self, variant_ids: Collection[UUID], *, db: Database, clock: Clock) -> None:
        """Count the variants that an order had to wait for; spread those that are hot.

        That is begun and not waited for: it is no buyer's business.
        """
        now = clock.now()
        for variant_id in variant_ids:
            if self._bursts.meet(variant_id, now=now):
                task = asyncio.create_task(_spread(db, clock, variant_id))
                self._begun.add(task)
                task.add_done_callback(self._begun.discard)

    async def settle(self) -> None:
        """Wait for what has begun."""
        await asyncio.gather(*self._begun)


async def gather_idle(*, db: Database, clock: Clock, limit: int = 100) -> int:
    """Gather what was spread for a rush that is over, variant by variant; gives for how many."""
    now = clock.now()

    async def gather(variant_id: UUID) -> bool:
        return await transact(db, inventory_service.gather_stock, variant_id=variant_id, now=now)

    sweep = Sweep(
        name="gathering",
        db=db,
        now=now,
        due=lambda: ask(db, inventory_service.idle_stock, now=now, limit=limit),
    )
    return await sweep.run(gather, story="gathering stock")


async def _spread(db: Database, clock: Clock, variant_id: UUID) -> None:
    try:
        await transact(db, inventory_service.spread_stock, variant_id=variant_id, now=clock.now())
    except Exception as error:  # noqa: BLE001  (its buyers queue on, as they did)
        _log.warning("stock not spread", variant_id=str(variant_id), exc_info=error)
    else:
        _log.info("stock spread", variant_id=str(variant_id))
