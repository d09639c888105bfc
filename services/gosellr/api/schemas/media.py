"""Shapes of pictures."""

from uuid import UUID

from pydantic import BaseModel


class MediaOut(BaseModel):
    """A picture: its largest form, and all of them as a srcset."""

    id: UUID
    url: str
    alt: str
    width: int
    height: int
    srcset: str
