"""The queue as the market sees it: jobs put in, those that died, and work that is due.

The tables are procrastinate's; it alone takes jobs out. `lock` lets one job of a kind and
aggregate run at a time, in order; `key` keeps a job from waiting twice.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from gosellr.core.db import Connection
from gosellr.utils.lazy_dataclasses import dataclass

QUEUE = "market"

DEFER = f"""
SELECT procrastinate_defer_jobs_v1(array_agg(
    ROW('{QUEUE}', task, $1::integer, lock, key, args, NULL)::procrastinate_job_to_defer_v1
    ORDER BY place
))
FROM unnest($2::text[], $3::text[], $4::text[], $5::jsonb[]) WITH ORDINALITY
     AS job (task, lock, key, args, place)
WHERE NOT EXISTS (
    SELECT FROM procrastinate_jobs AS waiting
    WHERE waiting.queueing_lock = job.key AND waiting.status = 'todo'
) AND NOT EXISTS (
    SELECT FROM procrastinate_jobs AS running
    WHERE running.lock = job.lock AND running.queueing_lock = job.key
      AND running.status = 'doing'
)
HAVING count(*) > 0
"""

HAS_DUE = """
SELECT EXISTS (
    SELECT FROM unnest($1::text[]) AS entry (name)
    LEFT JOIN periodic_work USING (name)
    WHERE due_at IS NULL OR due_at <= $2
)
"""

# Two schedulers take the rows in the same order; the second finds them moved forward.
CLAIM_DUE = """
INSERT INTO periodic_work AS work (name, due_at)
SELECT name, $3::timestamptz + every
FROM unnest($1::text[], $2::interval[]) AS entry (name, every)
ORDER BY name
ON CONFLICT (name) DO UPDATE SET due_at = excluded.due_at WHERE work.due_at <= $3
RETURNING name
"""

RECORD_FAILURE = """
INSERT INTO job_failure (job_id, attempt, error, failed_at) VALUES ($1, $2, $3, $4)
ON CONFLICT (job_id) DO UPDATE
SET attempt = excluded.attempt, error = excluded.error, failed_at = excluded.failed_at
"""

DEAD = """
SELECT job.id, job.task_name AS task, job.args, job.attempts, failure.error, failure.failed_at
FROM procrastinate_jobs AS job
LEFT JOIN job_failure AS failure ON failure.job_id = job.id
WHERE job.status = 'failed' AND ($1::bigint IS NULL OR job.id < $1)
ORDER BY job.id DESC
LIMIT $2
"""

# Attempts begin anew. A job of the schedule that waits again already stays dead, and so while it
# runs again: that one could wait no more, neither for its next attempt nor to be rescued.
REVIVE = """
UPDATE procrastinate_jobs AS job
SET status = 'todo', attempts = 0, scheduled_at = NULL, worker_id = NULL
WHERE id = $1 AND status = 'failed'
  AND NOT EXISTS (
      SELECT FROM procrastinate_jobs AS other
      WHERE other.queueing_lock = job.queueing_lock AND other.status IN ('todo', 'doing')
  )
RETURNING id
"""

JOB_STATUS = "SELECT status::text FROM procrastinate_jobs WHERE id = $1"

# By the database's own clock, which also wrote the heartbeats.
FORGET_SILENT_WORKERS = """
SELECT count(*) FROM procrastinate_prune_stalled_workers_v1($1::double precision)
"""

# A job that takes its worker down with it must not do so for ever.
RESCUE = """
WITH orphan AS (
    SELECT id FROM procrastinate_jobs
    WHERE status = 'doing' AND worker_id IS NULL
    ORDER BY id
    LIMIT 500
    FOR UPDATE SKIP LOCKED
)
UPDATE procrastinate_jobs AS job
SET status = CASE WHEN attempts + 1 >= $1 THEN 'failed' ELSE 'todo' END
             ::procrastinate_job_status,
    attempts = attempts + 1,
    scheduled_at = NULL
FROM orphan
WHERE job.id = orphan.id
RETURNING job.id, job.status::text, job.attempts
"""

FORGET_OLD_FAILURES = """
DELETE FROM job_failure
WHERE NOT EXISTS (SELECT FROM procrastinate_jobs WHERE procrastinate_jobs.id = job_id)
"""


@dataclass(frozen=True, slots=True)
class NewJob:
    """A job to put into the queue."""

    task: str
    lock: str
    key: str
    args: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class DeadJob:
    """A job that failed for the last time. `error` is missing when its worker died."""

    id: int
    task: str
    args: Mapping[str, Any]
    attempts: int
    error: str | None
    failed_at: datetime | None


@dataclass(frozen=True, slots=True)
class RescuedJob:
    """A job whose worker fell silent, and what became of it: `todo` or `failed`."""

    id: int
    status: str
    attempts: int


async def defer(connection: Connection, jobs: Sequence[NewJob], *, priority: int) -> None:
    """Put jobs into the queue, in order; those that wait or run under the same key stay out."""
    if jobs:
        await connection.execute(
            DEFER,
            priority,
            [job.task for job in jobs],
            [job.lock for job in jobs],
            [job.key for job in jobs],
            [dict(job.args) for job in jobs],
        )


async def has_due(connection: Connection, *, names: Sequence[str], now: datetime) -> bool:
    """Whether any of the periodic work is due."""
    return bool(await connection.fetchval(HAS_DUE, names, now))


async def claim_due(
    connection: Connection, *, intervals: Mapping[str, timedelta], now: datetime
) -> list[str]:
    """The periodic work that is due, moved to its next time."""
    rows = await connection.fetch(CLAIM_DUE, list(intervals), list(intervals.values()), now)
    return [row["name"] for row in rows]


async def record_failure(
    connection: Connection, *, job_id: int, attempt: int, error: str, now: datetime
) -> None:
    """Keep what went wrong in the last attempt of a job."""
    await connection.execute(RECORD_FAILURE, job_id, attempt, error, now)


async def dead(connection: Connection, *, before_id: int | None, limit: int) -> list[DeadJob]:
    """The jobs that failed for the last time, newest first."""
    return [DeadJob(**row) for row in await connection.fetch(DEAD, before_id, limit)]


async def revive(connection: Connection, *, job_id: int) -> bool:
    """Let a dead job wait again; False when there is none to revive."""
    return await connection.fetchval(REVIVE, job_id) is not None


async def status_of(connection: Connection, *, job_id: int) -> str | None:
    """The status of a job, or None when there is no such job."""
    status: str | None = await connection.fetchval(JOB_STATUS, job_id)
    return status


async def forget_silent_workers(connection: Connection, *, silent_seconds: int) -> int:
    """Drop workers that gave no sign for so long: their jobs are orphans from now on."""
    return int(await connection.fetchval(FORGET_SILENT_WORKERS, silent_seconds))


async def rescue(connection: Connection, *, max_attempts: int) -> list[RescuedJob]:
    """Let the jobs of lost workers wait again, or die after too many attempts."""
    return [RescuedJob(**row) for row in await connection.fetch(RESCUE, max_attempts)]


async def forget_old_failures(connection: Connection) -> None:
    """Drop what is known of failures whose job has succeeded since."""
    await connection.execute(FORGET_OLD_FAILURES)
