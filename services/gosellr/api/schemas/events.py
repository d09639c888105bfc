"""Shapes of the feed of facts."""

from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from pydantic import Field

from gosellr.api.schemas.common import AnswerModel, Filters
from gosellr.models.events import FactType

BIGINT_MAX = 2**63 - 1
FEED_LIMIT_DEFAULT = 100
FEED_LIMIT_MAX = 500


class FeedFilters(Filters):
    """Where to go on reading, and what to read."""

    after: Annotated[
        int, Field(ge=0, le=BIGINT_MAX, description="The last sequence number you have seen.")
    ] = 0
    types: Annotated[
        list[FactType], Field(max_length=len(FactType), description="Only these; empty is all.")
    ] = Field(default=[])
    limit: Annotated[int, Field(ge=1, le=FEED_LIMIT_MAX)] = FEED_LIMIT_DEFAULT


class EventOut(AnswerModel):
    """One fact: what happened to what, and when."""

    sequence: int
    id: UUID
    type: str
    aggregate_type: str
    aggregate_id: UUID
    data: dict[str, Any]
    occurred_at: datetime


class EventFeedOut(AnswerModel):
    """The next facts. Ask again with `after` set to `next_after`."""

    items: list[EventOut]
    next_after: int
