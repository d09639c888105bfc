"""When a job that failed is tried again."""

import asyncio
import random
from datetime import UTC, datetime, timedelta

from procrastinate import BaseRetryStrategy, RetryDecision
from procrastinate.exceptions import JobAborted
from procrastinate.jobs import Job

ATTEMPTS_MAX = 8
_FIRST_PAUSE_SECONDS = 1
_PAUSE_SECONDS_MAX = 900


class Backoff(BaseRetryStrategy):
    """Twice the pause each time, shortened by up to half so that a crowd spreads out.

    After the last attempt the job is dead and waits for a person. One that a shutdown cut
    short is tried again at once and is never dead by that.
    """

    def __init__(
        self,
        *,
        attempts_max: int = ATTEMPTS_MAX,
        first_pause: timedelta = timedelta(seconds=_FIRST_PAUSE_SECONDS),
    ) -> None:
        self._attempts_max = attempts_max
        self._first_pause = first_pause

    def get_retry_decision(self, *, exception: BaseException, job: Job) -> RetryDecision | None:
        """When to try again, or None to let it die. `job.attempts` counts those before."""
        now = datetime.now(UTC)
        if isinstance(exception, JobAborted | asyncio.CancelledError):
            return RetryDecision(retry_at=now)
        if job.attempts + 1 >= self._attempts_max:
            return None
        pause = min(self._first_pause * 2.0**job.attempts, timedelta(seconds=_PAUSE_SECONDS_MAX))
        return RetryDecision(retry_at=now + pause * random.uniform(0.5, 1))  # noqa: S311
