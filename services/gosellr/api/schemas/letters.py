"""Shapes of letters."""

from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from pydantic import ConfigDict, Field

from gosellr.api.schemas.common import AnswerModel, PageFilters, PageOut
from gosellr.integrations.letters.renderer import LetterText
from gosellr.models.letter_values import Letter
from gosellr.utils.letters import Audience, LetterKind, LetterStatus

Document = dict[str, Any]

_EXAMPLE: Document = {
    "id": "0198f4d2-6c1e-7a30-9d55-0f7c3b1a2e44",
    "effect_key": "0198f4d2-6c1e-7a30-9d55-0f7c3b1a2e45.payout-failed.9b74c9897bac770f",
    "kind": "payout_failed",
    "audience": "seller",
    "recipient": "hello@lampo.example",
    "language": "en",
    "status": "dead",
    "attempt_count": 1,
    "next_try_at": None,
    "last_error": "declined: 550 5.1.1 no such user",
    "order_id": None,
    "seller_id": "0198f4d2-6c1e-7a30-9d55-0f7c3b1a2e46",
    "created_at": "2026-03-02T09:00:05Z",
    "sent_at": None,
    "resent_at": None,
}


class LetterFilters(PageFilters):
    """Which letters."""

    status: LetterStatus | None = None
    kind: LetterKind | None = None


class LetterOut(AnswerModel):
    """A letter, without its words. `effect_key` is the first half of its Message-ID."""

    model_config = ConfigDict(json_schema_extra={"examples": [_EXAMPLE]})

    id: UUID
    effect_key: str
    kind: LetterKind
    audience: Audience
    recipient: str
    language: str
    status: LetterStatus
    attempt_count: int
    next_try_at: Annotated[
        datetime | None,
        Field(description="When it is due; later than now also while it is being sent"),
    ]
    last_error: str | None
    order_id: UUID | None
    seller_id: UUID | None
    created_at: datetime
    sent_at: datetime | None
    resent_at: datetime | None


class LetterPreviewOut(LetterOut):
    """A letter as its reader sees it, but for what opens a guest's link."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    **_EXAMPLE,
                    "subject": "Payout of €108.00 EUR failed",
                    "text": "Hello Lampo,\n\na payout didn't arrive. …\n",
                    "html": "<!doctype html>…",
                }
            ]
        }
    )

    subject: str
    text: str
    html: str


LetterPageOut = PageOut[LetterOut]


def letter_document(letter: Letter) -> Document:
    """A letter as it is listed."""
    return {name: getattr(letter, name) for name in LetterOut.model_fields}


def preview_document(letter: Letter, words: LetterText) -> Document:
    """A letter with its words."""
    return {
        **letter_document(letter),
        "subject": words.subject,
        "text": words.text,
        "html": words.html,
    }
