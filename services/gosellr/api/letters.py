"""Letters, for those who run the market: what was written to whom, and sending one again."""

from typing import Annotated
from uuid import UUID

from fastapi import Query, Response

from gosellr.api.answers import answer
from gosellr.api.deps import Market, allow
from gosellr.api.room import Room
from gosellr.api.schemas.common import problems
from gosellr.api.schemas.letters import (
    LetterFilters,
    LetterOut,
    LetterPageOut,
    LetterPreviewOut,
    letter_document,
    preview_document,
)
from gosellr.core.transact import ask, transact
from gosellr.flows import letters
from gosellr.services import letter_post
from gosellr.utils.permissions import Permission
from gosellr.utils.viewer import Viewer

router = Room(prefix="/letters", tags=["letters"])

MayRead = Annotated[Viewer, allow(Permission.LETTER_READ)]
MayResend = Annotated[Viewer, allow(Permission.LETTER_RESEND)]


@router.get(
    "",
    operation_id="list_letters",
    responses={200: {"model": LetterPageOut}, **problems(401, 403, 422)},
)
async def list_letters(
    filters: Annotated[LetterFilters, Query()], _viewer: MayRead, market: Market
) -> Response:
    """Letters, newest first; `status=dead` is what waits for a person."""
    page = await ask(
        market.db,
        letter_post.list_letters,
        status=filters.status,
        kind=filters.kind,
        cursor=filters.cursor,
        limit=filters.limit,
    )
    items = [letter_document(one) for one in page.items]
    return answer({"items": items, "next_cursor": page.next_cursor})


@router.get(
    "/{letter_id}",
    operation_id="get_letter",
    responses={200: {"model": LetterPreviewOut}, **problems(401, 403, 404, 422)},
)
async def get_letter(letter_id: UUID, _viewer: MayRead, market: Market) -> Response:
    """A letter with its words, as text and as HTML. What opens a guest's order isn't shown."""
    shown = await letters.preview(market.mail, letter_id=letter_id)
    return answer(preview_document(shown.letter, shown.words))


@router.post(
    "/{letter_id}/resend",
    operation_id="resend_letter",
    responses={200: {"model": LetterOut}, **problems(401, 403, 404, 409, 422)},
)
async def resend_letter(letter_id: UUID, viewer: MayResend, market: Market) -> Response:
    """Send a letter that was given up again, with all its tries and under the same name.
    Asked twice, the second is told that it isn't given up any more."""
    letter = await transact(
        market.db,
        letter_post.resend,
        viewer=viewer,
        letter_id=letter_id,
        now=market.clock.now(),
    )
    return answer(letter_document(letter))
