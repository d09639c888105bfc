"""Dead letters: jobs that failed for the last time, and sending them again."""

from dataclasses import asdict
from typing import Annotated

from fastapi import Path, Query, Response

from gosellr.api.answers import answer, nothing
from gosellr.api.deps import Market, allow
from gosellr.api.room import Room
from gosellr.api.schemas.common import problems
from gosellr.api.schemas.jobs import DeadJobFilters, DeadJobListOut
from gosellr.core.transact import ask, transact
from gosellr.services import job_service
from gosellr.utils.permissions import Permission
from gosellr.utils.viewer import Viewer

router = Room(prefix="/jobs", tags=["jobs"])

JobId = Annotated[int, Path(ge=1, le=2**63 - 1)]


@router.get("/dead", operation_id="list_dead_jobs", responses={200: {"model": DeadJobListOut}})
async def list_dead_jobs(
    filters: Annotated[DeadJobFilters, Query()],
    _viewer: Annotated[Viewer, allow(Permission.JOB_READ)],
    market: Market,
) -> Response:
    """What was given up, newest first, with the last error."""
    page = await ask(
        market.db, job_service.list_dead_jobs, cursor=filters.cursor, limit=filters.limit
    )
    items = [asdict(job) for job in page.items]
    return answer({"items": items, "next_cursor": page.next_cursor})


@router.post(
    "/{job_id}/retry", operation_id="retry_dead_job", status_code=204, responses=problems(404)
)
async def retry_dead_job(
    job_id: JobId,
    _viewer: Annotated[Viewer, allow(Permission.JOB_RETRY)],
    market: Market,
) -> Response:
    """Send a dead letter again, with all its attempts."""
    await transact(market.db, job_service.retry_dead_job, job_id=job_id)
    return nothing()
