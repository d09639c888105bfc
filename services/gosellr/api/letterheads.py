"""What stands on a seller's papers beside its name: an address and numbers, for all who get one."""

from typing import Annotated
from uuid import UUID

from fastapi import Response

from gosellr.api.answers import answer
from gosellr.api.deps import IfMatch, Market, allow
from gosellr.api.room import Room
from gosellr.api.schemas.common import problems
from gosellr.api.schemas.letterheads import LetterheadOut, LetterheadUpdate, letterhead_document
from gosellr.core.transact import ask, transact
from gosellr.services import letterhead_service
from gosellr.utils.permissions import Permission
from gosellr.utils.viewer import Viewer

router = Room(prefix="/sellers/{seller_id}", tags=["sellers"])


@router.get(
    "/letterhead",
    operation_id="get_letterhead",
    responses={200: {"model": LetterheadOut}, **problems(401, 403, 404, 422)},
)
async def get_letterhead(
    seller_id: UUID,
    viewer: Annotated[Viewer, allow(Permission.LETTERHEAD_READ)],
    market: Market,
) -> Response:
    """A seller as its invoices, credit notes and statements name it from now on."""
    kept = await ask(market.db, letterhead_service.find, viewer=viewer, seller_id=seller_id)
    return answer(letterhead_document(kept))


@router.put(
    "/letterhead",
    operation_id="update_letterhead",
    responses={200: {"model": LetterheadOut}, **problems(400, 401, 403, 404, 409, 422)},
)
async def update_letterhead(
    seller_id: UUID,
    body: LetterheadUpdate,
    viewer: Annotated[Viewer, allow(Permission.LETTERHEAD_WRITE)],
    market: Market,
    if_match: IfMatch,
) -> Response:
    """Say what is to stand on a seller's papers. Fields left out stay, and so does every paper that
    was issued before."""
    kept = await transact(
        market.db,
        letterhead_service.change,
        viewer=viewer,
        seller_id=seller_id,
        changes=body.letterhead_changes(),
        expected_version=body.version or if_match,
        now=market.clock.now(),
    )
    return answer(letterhead_document(kept))
