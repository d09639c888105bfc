"""The demo's past as work of the job worker: first the story that follows every cent, then the
history, a few seconds at a time, until all is told."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from datetime import timedelta

import structlog

from gosellr.core.errors import DomainError
from gosellr.core.transact import ask, transact
from gosellr.jobs import documents, upkeep
from gosellr.jobs.demo import affairs, prologue
from gosellr.jobs.demo.history import History
from gosellr.jobs.demo.plan import draw_plan
from gosellr.jobs.demo.state import (
    Market,
    recall_affairs,
    recall_market,
    recall_progress,
    recall_story,
    remember_affairs,
    remember_story,
)
from gosellr.jobs.schedule import Periodic
from gosellr.jobs.story.month import Differs
from gosellr.resources import Resources
from gosellr.services import card_service
from gosellr.utils.lazy_dataclasses import replace

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
# These would do by today's clock what the story does by its own.
_WAITING_FOR_STORY = frozenset(
    {
        "resume_payments",
        "deliver_sandbox_reports",
        "apply_parked_reports",
        "resume_refunds",
        "resume_returns",
        "resume_payouts",
        "read_movements",
        "work_off_disputes",
        "send_dispute_evidence",
        "find_chargebacks",
        "audit_nightly",
    }
)

_log = structlog.get_logger("gosellr.demo")


class Teller:
    """Tells the past of a demo market in turns; knows when it is over."""

    def __init__(self) -> None:
        self._history: History | None = None
        self._is_playing = False
        self._is_story_over = False
        self._is_over = False

    async def go_on(self, resources: Resources) -> None:
        """Tell a few seconds' worth of it."""
        if await self.is_over(resources):
            return
        if not await self.is_story_over(resources):
            # What is kept says that it was begun, and looks as if it had been cut off.
            self._is_playing = True
            try:
                await _tell_story(resources)
            finally:
                self._is_playing = False
            self._is_story_over = True
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

    async def is_story_over(self, resources: Resources) -> bool:
        """Whether no story is to be played here, or is being played: it was, or it was cut off, or
        this is no demo, or one whose history began without it."""
        if self._is_playing:
            return False
        if not self._is_story_over:
            self._is_story_over = (
                await ask(resources.db, recall_story) is not None
                or await ask(resources.db, recall_progress) is not None
                or await ask(resources.db, recall_market) is None
            )
        return self._is_story_over

    async def is_over(self, resources: Resources) -> bool:
        """Whether nothing is left to tell here."""
        if not self._is_over:
            progress = await ask(resources.db, recall_progress)
            is_told = progress is not None and progress.is_complete
            is_told = is_told and await ask(resources.db, recall_affairs)
            self._is_over = is_told or await ask(resources.db, recall_market) is None
        return self._is_over


async def _tell_story(resources: Resources) -> None:
    """Play it once. A market without it is a demo all the same, so it is never begun again: what
    was cut off in the middle is left to the market's own jobs."""
    market = await ask(resources.db, recall_market)
    if market is None:
        return
    await transact(resources.db, remember_story, [])
    try:
        _, notes = await prologue.perform(resources, market)
    except (DomainError, Differs, LookupError, RuntimeError, TypeError, ValueError):
        _log.exception("the story of every cent is left out of the demo")
        return
    await transact(resources.db, remember_story, notes)


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
        *(replace(entry, run=_in_its_time(teller, entry)) for entry in schedule),
        Periodic("tell_demo_history", timedelta(seconds=1), teller.go_on),
    ]


def _in_its_time(teller: Teller, entry: Periodic) -> Callable[[Resources], Awaitable[object]]:
    if entry.name in _WAITING:
        is_time = teller.is_over
    elif entry.name in _WAITING_FOR_STORY:
        is_time = teller.is_story_over
    else:
        return entry.run

    async def wait_or_run(resources: Resources) -> None:
        if await is_time(resources):
            await entry.run(resources)

    return wait_or_run
