"""What the start of a market does for its demo: fill the catalogue, and watch the history grow."""

import asyncio
import time

import asyncpg

from gosellr.config import Settings
from gosellr.core.startup_card import BackgroundBar, StartupCard

_LOOK_EVERY_SECONDS = 1.0
_PATIENCE_SECONDS = 2.0

# Imports wait until they are needed: a start without a demo loads none of it.


def fill_demo(settings: Settings, *, dsn: str, card: StartupCard) -> None:
    """Make the demo's catalogue, which takes a few seconds, before the doors open."""
    from gosellr.jobs import demo  # noqa: PLC0415
    from gosellr.resources import open_resources  # noqa: PLC0415

    async def fill() -> None:
        own = settings.model_copy(update={"database_url": dsn})
        async with open_resources(own) as resources:
            await demo.load(resources, report=report)

    with card.progress("Filling the demo market", "Demo market filled") as report:
        asyncio.run(fill())


class HistoryWatch:
    """Shows how far the demo's history is, which the job worker tells while the market serves."""

    def __init__(self, settings: Settings, bar: BackgroundBar) -> None:
        self._bar = bar
        self._has_demo = settings.demo_enabled
        self._is_watching = False
        self._due = 0.0

    def begin(self) -> None:
        """From now on there is room below the card."""
        self._is_watching = self._has_demo

    def look(self, dsn: str) -> None:
        """Look once in a while; called as often as one likes."""
        if not self._is_watching or time.monotonic() < self._due:
            return
        from gosellr.jobs.demo import read_progress  # noqa: PLC0415

        self._due = time.monotonic() + _LOOK_EVERY_SECONDS
        try:
            progress = asyncio.run(asyncio.wait_for(read_progress(dsn), _PATIENCE_SECONDS))
        except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError):
            # The database is away for a moment; whoever keeps it alive says so.
            return
        if progress is None:
            return
        note = f"orders {progress.orders:,} of {progress.orders_total:,}"
        if progress.is_complete:
            self._is_watching = False
            self._bar.finish(note)
        else:
            self._bar.report(progress.steps, progress.steps_total, note)
