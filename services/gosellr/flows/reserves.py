"""What was kept back, given free when its time is over: seller by seller, each by itself."""

from uuid import UUID

from gosellr.core.clock import Clock
from gosellr.core.db import Database
from gosellr.core.transact import ask, transact
from gosellr.flows.one_by_one import Sweep
from gosellr.services import reserve_service

_SELLERS_AT_ONCE = 100


async def release_due(*, db: Database, clock: Clock, limit: int = _SELLERS_AT_ONCE) -> int:
    """Release what is due of some sellers; gives of how many. What is left comes with the next
    run."""
    now = clock.now()

    async def release(whose: tuple[UUID, str]) -> bool:
        seller_id, currency = whose
        done = False
        while await transact(
            db, reserve_service.release_due, seller_id=seller_id, currency=currency, now=now
        ):
            done = True
        return done

    sweep = Sweep(
        name="reserves",
        db=db,
        now=now,
        due=lambda: ask(db, reserve_service.due_sellers, now=now, limit=limit),
        item=_item,
    )
    return await sweep.run(release, story="releasing a reserve")


def _item(whose: tuple[UUID, str]) -> str:
    seller_id, currency = whose
    return f"{seller_id}:{currency}"
