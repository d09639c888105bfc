"""Shapes of the dead letters."""

from datetime import datetime
from typing import Annotated, Any

from pydantic import Field

from gosellr.api.schemas.common import AnswerModel, Filters
from gosellr.core.pagination import DEFAULT_LIMIT, MAX_LIMIT


class DeadJobFilters(Filters):
    """Which page."""

    limit: Annotated[int, Field(ge=1, le=MAX_LIMIT)] = DEFAULT_LIMIT
    cursor: Annotated[str | None, Field(max_length=200)] = None


class DeadJobOut(AnswerModel):
    """A job that failed for the last time, and why."""

    id: int
    task: str
    args: dict[str, Any]
    attempts: int
    error: str | None
    failed_at: datetime | None


class DeadJobListOut(AnswerModel):
    """One page, newest first."""

    items: list[DeadJobOut]
    next_cursor: str | None
