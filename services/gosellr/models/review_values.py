"""A review as a value."""

from datetime import datetime
from uuid import UUID

from gosellr.utils.lazy_dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Review:
    """What a buyer said of a product."""

    id: UUID
    rating: int
    title: str
    body: str
    author_name: str
    created_at: datetime
