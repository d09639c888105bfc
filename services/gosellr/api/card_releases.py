"""Gift cards that ran out: what was released of them, and how they become good again."""

from typing import Annotated
from uuid import UUID

from fastapi import Query, Response

from gosellr.api.answers import answer
from gosellr.api.deps import Market, allow
from gosellr.api.room import Room
from gosellr.api.schemas.card_releases import (
    GiftCardExtend,
    GiftCardReleasePageOut,
    release_document,
)
from gosellr.api.schemas.common import PageFilters, problems
from gosellr.api.schemas.stored_value import GiftCardOut, card_document
from gosellr.core.transact import ask, transact
from gosellr.services import card_release_service
from gosellr.utils.permissions import Permission
from gosellr.utils.viewer import Viewer

router = Room(prefix="/gift-cards", tags=["gift cards"])


@router.get(
    "/releases",
    operation_id="list_gift_card_releases",
    responses={200: {"model": GiftCardReleasePageOut}, **problems(401, 403, 422)},
)
async def list_gift_card_releases(
    filters: Annotated[PageFilters, Query()],
    _viewer: Annotated[Viewer, allow(Permission.GIFT_CARD_READ)],
    market: Market,
) -> Response:
    """What expired gift cards were left with and is owed no more, newest first."""
    page = await ask(
        market.db, card_release_service.list_releases, cursor=filters.cursor, limit=filters.limit
    )
    items = [release_document(one) for one in page.items]
    return answer({"items": items, "next_cursor": page.next_cursor})


@router.post(
    "/{card_id}/extend",
    operation_id="extend_gift_card",
    responses={200: {"model": GiftCardOut}, **problems(401, 403, 404, 409, 422)},
)
async def extend_gift_card(
    card_id: UUID,
    body: GiftCardExtend,
    viewer: Annotated[Viewer, allow(Permission.GIFT_CARD_ISSUE)],
    market: Market,
) -> Response:
    """Let a card be good for longer. What was released of it is on it again."""
    now = market.clock.now()
    card = await transact(
        market.db,
        card_release_service.extend,
        viewer=viewer,
        card_id=card_id,
        expires_at=body.expires_at,
        now=now,
    )
    return answer(card_document(card, now=now))
