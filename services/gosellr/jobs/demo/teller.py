"""The demo's history as work of the job worker: a few seconds at a time, until all is told."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace
from datetime import timedelta

from gosellr.core.transact import ask, transact
from gosellr.jobs import documents, upkeep
from gosellr.jobs.demo import affairs
from gosellr.jobs.demo.history import History
from gosellr.jobs.demo.plan import draw_plan
from gosellr.jobs.demo.state import (
    Market,
    recall_affairs,
    recall_market,
    recall_progress,
    remember_affairs,
)
from gosellr.jobs.schedule import Periodic
from gosellr.resources import Resources
from gosellr.services import card_service

_SECONDS_AT_ONCE = 8.0
# By today's clock, the orders of three months ago would all be due at once, and their months over
# before they are told. Letters need not wait: what happened before the mail room opened gets none.
_WAITING = frozenset(
    {
        "expire_holds",
        "release_sales",
        "release_reserves",
        "close_months",
        "pay_scheduled",
        "remind_of_deadlines",
    }
)


class Teller:
    """Tells the history of a demo market in turns; knows when it is over."""

    def __init__(self) -> None:
        self._history: History | None = None
        self._is_over = False

    async def go_on(self, resources: Resources) -> None:
        """Tell a few seconds' worth of it."""
        if await self.is_over(resources):
            return
        progress = await ask(resources.db, recall_progress)
        if progress is not None and progress.is_complete:
            # Cut off after the last step.
            await _arrange(resources)
            return
        if self._history is None:
            self._history = await _open_history(resources)
        loop = asyncio.get_running_loop()
        ends_at = loop.time() + _SECONDS_AT_ONCE
        progress = await self._history.tell(until=lambda: loop.time() > ends_at)
        if progress.is_complete:
            self._history = None
            await _arrange(resources)
            await refresh_cards(resources)

    async def is_over(self, resources: Resources) -> bool:
        """Whether nothing is left to tell here."""
        if not self._is_over:
            progress = await ask(resources.db, recall_progress)
            is_told = progress is not None and progress.is_complete
            is_told = is_told and await ask(resources.db, recall_affairs)
            self._is_over = is_told or await ask(resources.db, recall_market) is None
        return self._is_over


async def _open_history(resources: Resources) -> History:
    market = await ask(resources.db, recall_market)
    if market is None:
        raise LookupError("this market has no demo")
    plan = await asyncio.to_thread(
        draw_plan, seed=market.seed, began_at=market.began_at, orders=market.orders
    )
    return History(resources, market=market, plan=plan)


async def _arrange(resources: Resources) -> None:
    """What there is to see on the pages about money, once."""
    market = await ask(resources.db, recall_market)
    if market is not None:
        await affairs.arrange(resources, market)
        # Its months are over already: nobody has to wait for the hour in which papers are written.
        await documents.close_months(resources)
    await transact(resources.db, remember_affairs, now=resources.clock.now())


async def refresh_cards(resources: Resources) -> None:
    """Bring stars, sales and what is trending up to date on every card."""
    market: Market | None = await ask(resources.db, recall_market)
    if market is None:
        return
    await transact(
        resources.db,
        card_service.refresh_sellers,
        seller_ids=[seller_id for seller_id, _ in market.sellers.values()],
        now=resources.clock.now(),
    )
    await upkeep.refresh_popularity(resources)


def with_history(schedule: Sequence[Periodic]) -> list[Periodic]:
    """The schedule of a demo market: its history is told first, then time goes on as usual."""
    teller = Teller()
    return [
        *(
            replace(entry, run=_after(teller, entry.run)) if entry.name in _WAITING else entry
            for entry in schedule
        ),
        Periodic("tell_demo_history", timedelta(seconds=1), teller.go_on),
    ]


def _after(
    teller: Teller, run: Callable[[Resources], Awaitable[object]]
) -> Callable[[Resources], Awaitable[object]]:
    async def wait_or_run(resources: Resources) -> None:
        if await teller.is_over(resources):
            await run(resources)

    return wait_or_run
