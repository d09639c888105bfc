"""Work without a caller: what is due, what died, what lost its worker, what can go."""

from collections.abc import Mapping
from datetime import datetime, timedelta

from gosellr.core.db import Connection
from gosellr.core.errors import Conflict, NotFound
from gosellr.core.pagination import Page, decode_cursor, encode_cursor
from gosellr.queries import jobs
from gosellr.queries.jobs import DeadJob, NewJob, RescuedJob

# Waiting behind a backlog of reactions, a hold would expire late.
_PRIORITY = 10
_ERROR_LENGTH_MAX = 4_000
_SILENT_SECONDS = 30
_BIGINT_MAX = 2**63 - 1


class JobNotDead(Conflict):
    """Only a job that failed for the last time can be sent again."""

    code = "job_not_dead"
    title = "This job isn't dead"


async def has_due_work(
    connection: Connection, *, intervals: Mapping[str, timedelta], now: datetime
) -> bool:
    """Whether any periodic work should be queued."""
    return await jobs.has_due(connection, names=list(intervals), now=now)


async def queue_due_work(
    connection: Connection, *, intervals: Mapping[str, timedelta], now: datetime
) -> list[str]:
    """Queue the periodic work that is due, once among all workers; gives the task names."""
    due = await jobs.claim_due(connection, intervals=intervals, now=now)
    await jobs.defer(
        connection,
        [NewJob(task=name, lock=name, key=name, args={}) for name in due],
        priority=_PRIORITY,
    )
    return due


async def record_failure(
    connection: Connection, *, job_id: int, attempt: int, error: str, now: datetime
) -> None:
    """Keep what went wrong, for whoever looks at the dead letters."""
    await jobs.record_failure(
        connection, job_id=job_id, attempt=attempt, error=error[:_ERROR_LENGTH_MAX], now=now
    )


async def list_dead_jobs(
    connection: Connection, *, cursor: str | None, limit: int
) -> Page[DeadJob]:
    """The dead letters, newest first.

    Raises:
        InvalidInput: when the cursor isn't one of ours.
    """
    before_id = _job_id(cursor) if cursor else None
    found = await jobs.dead(connection, before_id=before_id, limit=limit + 1)
    items = found[:limit]
    return Page(items, encode_cursor(items[-1].id) if len(found) > limit else None)


async def retry_dead_job(connection: Connection, *, job_id: int) -> None:
    """Send a dead letter again, with all its attempts.

    Raises:
        NotFound: there is no such job.
        JobNotDead: it waits, runs, or its work waits or runs already in another job.
    """
    if await jobs.revive(connection, job_id=job_id):
        return
    if await jobs.status_of(connection, job_id=job_id) is None:
        raise NotFound
    raise JobNotDead


async def rescue_stalled_jobs(connection: Connection, *, max_attempts: int) -> list[RescuedJob]:
    """Take jobs from workers that fell silent, and let them wait again."""
    await jobs.forget_silent_workers(connection, silent_seconds=_SILENT_SECONDS)
    return await jobs.rescue(connection, max_attempts=max_attempts)


async def sweep_job_failures(connection: Connection) -> None:
    """Forget the failures of jobs that are gone."""
    await jobs.forget_old_failures(connection)


def _job_id(cursor: str) -> int:
    (job_id,) = decode_cursor(cursor, kinds=(int,))
    return max(0, min(int(job_id), _BIGINT_MAX))
