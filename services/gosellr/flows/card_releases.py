"""Gift cards that ran out, released when the market's time is over: card by card."""

from uuid import UUID

from gosellr.core.clock import Clock
from gosellr.core.db import Database
from gosellr.core.transact import ask, transact
from gosellr.flows.one_by_one import Sweep
from gosellr.services import card_release_service

_CARDS_AT_ONCE = 200


async def release_due(*, db: Database, clock: Clock, limit: int = _CARDS_AT_ONCE) -> int:
    """Release what is left on some cards; gives on how many. What is left comes with the next
    run."""
    now = clock.now()

    async def release(card_id: UUID) -> bool:
        return await transact(db, card_release_service.release, card_id=card_id, now=now)

    sweep = Sweep(
        name="card_releases",
        db=db,
        now=now,
        due=lambda: ask(db, card_release_service.due_cards, now=now, limit=limit),
        item=str,
    )
    return await sweep.run(release, story="releasing a gift card")
