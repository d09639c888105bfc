"""Shapes of pictures."""

from uuid import UUID

from gosellr.api.schemas.common import AnswerModel


class MediaOut(AnswerModel):
    """A picture: its largest form, and all of them as a srcset."""

    id: UUID
    url: str
    alt: str
    width: int
    height: int
    srcset: str
