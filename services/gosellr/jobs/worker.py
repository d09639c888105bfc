"""The job worker: `python -m gosellr.jobs.worker`.

Four loops in one process: the relay, the scheduler, the janitor, and the queue itself. Each
goes on by itself after an error, so that a database that comes back finds them all at work.
"""

import asyncio
import os
import signal
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress

import structlog
import uvloop
from procrastinate.retry import BaseRetryStrategy

from gosellr.core.logs import configure_logs
from gosellr.core.transact import ask, transact
from gosellr.jobs.app import build_app
from gosellr.jobs.demo.teller import with_history
from gosellr.jobs.outbox import REACTIONS, Reactions, gathering_tasks, tasks_by_fact
from gosellr.jobs.retries import ATTEMPTS_MAX, Backoff
from gosellr.jobs.schedule import SCHEDULE, Periodic, intervals_by_task
from gosellr.resources import Resources, open_market
from gosellr.services import event_service, job_service
from gosellr.services.event_service import RELAY_BATCH

POLL_SECONDS = 0.1
_SCHEDULE_SECONDS = 1.0
# Where facts come so many at a time, the next are waited for longer: one job serves a window.
_CROWD = 20
_CROWD_SECONDS = 0.5
_JANITOR_SECONDS = 15.0
_PAUSE_SECONDS_MAX = 5.0
_DRAIN_SECONDS = 20.0
_CONCURRENCY = 4
_NICENESS = 5

_log = structlog.get_logger("gosellr.worker")

Step = Callable[[], Awaitable[bool]]
"""Does a piece of work and says whether there may be more right away."""


class Worker:
    """Everything that one worker process does, until `stop` is set."""

    def __init__(
        self,
        resources: Resources,
        *,
        stop: asyncio.Event,
        reactions: Reactions = REACTIONS,
        schedule: Sequence[Periodic] = SCHEDULE,
        retry: BaseRetryStrategy | None = None,
    ) -> None:
        self._resources = resources
        self._stop = stop
        self._reactions = reactions
        self._schedule = schedule
        self._retry = retry or Backoff()
        self._tasks_by_fact = tasks_by_fact(reactions)
        self._gathering = gathering_tasks(reactions)
        self._intervals = intervals_by_task(schedule)

    async def run(self) -> None:
        """Work until told to stop, and finish what is under way."""
        async with asyncio.TaskGroup() as group:
            for name, step, pause_seconds in (
                ("relay", self.tell_on, POLL_SECONDS),
                ("scheduler", self.queue_due_work, _SCHEDULE_SECONDS),
                ("janitor", self.rescue, _JANITOR_SECONDS),
                ("queue", self.work_off, POLL_SECONDS),
            ):
                group.create_task(self._keep_doing(name, step, pause_seconds=pause_seconds))

    async def tell_on(self) -> bool:
        """Relay, and let facts gather where many of them come."""
        told = await self.relay()
        if _CROWD <= told < RELAY_BATCH:
            await self._pause(_CROWD_SECONDS)
        return told >= RELAY_BATCH

    async def relay(self) -> int:
        """Give the next facts to their reactions; gives how many."""
        if not await ask(self._resources.db, event_service.has_news):
            return 0
        return await transact(
            self._resources.db,
            event_service.relay_facts,
            reactions=self._tasks_by_fact,
            gathering=self._gathering,
            now=self._resources.clock.now(),
        )

    async def queue_due_work(self) -> bool:
        """Queue the periodic work whose time has come."""
        now = self._resources.clock.now()
        db = self._resources.db
        if await ask(db, job_service.has_due_work, intervals=self._intervals, now=now):
            await transact(db, job_service.queue_due_work, intervals=self._intervals, now=now)
        return False

    async def rescue(self) -> bool:
        """Let the jobs of workers that fell silent wait again."""
        rescued = await transact(
            self._resources.db, job_service.rescue_stalled_jobs, max_attempts=ATTEMPTS_MAX
        )
        for job in rescued:
            _log.warning("job rescued", job_id=job.id, status=job.status, attempt=job.attempts)
        return False

    async def work_off(self) -> bool:
        """Take jobs out of the queue until told to stop, or until the database is gone.

        Where it didn't hear how a job ended, all that are left wait again, for a worker anew.
        """
        unheard = asyncio.Event()
        app = build_app(
            self._resources,
            reactions=self._reactions,
            schedule=self._schedule,
            retry=self._retry,
            unheard=unheard,
        )
        async with app.open_async():
            work = asyncio.create_task(
                app.run_worker_async(
                    concurrency=_CONCURRENCY,
                    fetch_job_polling_interval=POLL_SECONDS,
                    listen_notify=False,
                    delete_jobs="successful",
                    install_signal_handlers=False,
                    shutdown_graceful_timeout=_DRAIN_SECONDS,
                )
            )
            reasons = [asyncio.create_task(one.wait()) for one in (self._stop, unheard)]
            try:
                await asyncio.wait({work, *reasons}, return_when=asyncio.FIRST_COMPLETED)
            finally:
                # Cancelled, the library takes no more jobs and finishes those under way.
                for reason in reasons:
                    reason.cancel()
                work.cancel()
                with suppress(asyncio.CancelledError):
                    await work
        if unheard.is_set():
            await self.rescue()
        return False

    async def _keep_doing(self, name: str, step: Step, *, pause_seconds: float) -> None:
        failures = 0
        while not self._stop.is_set():
            try:
                has_more = await step()
            except Exception as error:  # noqa: BLE001 - whatever it was, the loop goes on
                failures += 1
                has_more = False
                # Told in full once; a database that stays away isn't news every second.
                _log.warning(
                    "loop failed",
                    loop=name,
                    failures=failures,
                    error=repr(error),
                    exc_info=error if failures == 1 else None,
                )
            else:
                if failures:
                    _log.info("loop recovered", loop=name, failures=failures)
                failures = 0
            if not has_more:
                await self._pause(
                    pause_seconds
                    if not failures
                    else min(pause_seconds + 0.25 * 2.0 ** min(failures, 6), _PAUSE_SECONDS_MAX)
                )

    async def _pause(self, seconds: float) -> None:
        with suppress(TimeoutError):
            await asyncio.wait_for(self._stop.wait(), seconds)


async def run_worker() -> None:
    """Open what the process's settings say, and work until SIGTERM or SIGINT."""
    # Whoever waits for an answer comes first; what follows from it may take a moment longer.
    os.nice(_NICENESS)
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    async with open_market() as resources:
        settings = resources.settings
        configure_logs(level=settings.log_level, production=settings.is_production)
        _log.debug("worker started")
        schedule = with_history(SCHEDULE) if settings.demo_enabled else SCHEDULE
        await Worker(resources, stop=stop, schedule=schedule).run()
        _log.info("worker stopped")


if __name__ == "__main__":
    # The loop that the web processes have: asyncio's own is written in Python.
    uvloop.run(run_worker())
