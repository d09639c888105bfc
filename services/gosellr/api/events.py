"""The feed of facts, for the main system and whoever else keeps a copy."""

from dataclasses import asdict
from typing import Annotated

from fastapi import Query, Response

from gosellr.api.answers import answer
from gosellr.api.deps import Market, allow
from gosellr.api.room import Room
from gosellr.api.schemas.events import EventFeedOut, FeedFilters
from gosellr.core.transact import ask
from gosellr.services import event_service
from gosellr.utils.permissions import Permission
from gosellr.utils.viewer import Viewer

router = Room(prefix="/events", tags=["events"])


@router.get("", operation_id="list_events", responses={200: {"model": EventFeedOut}})
async def list_events(
    filters: Annotated[FeedFilters, Query()],
    _viewer: Annotated[Viewer, allow(Permission.EVENT_READ)],
    market: Market,
) -> Response:
    """What happened since, in one order for everybody.

    Sequence numbers have no gaps and never change, and the facts of one aggregate stand as
    they happened, so that remembering the last number is all it takes to miss nothing.
    """
    facts = await ask(
        market.db,
        event_service.read_feed,
        after=filters.after,
        types=filters.types,
        limit=filters.limit,
    )
    items = [asdict(fact) for fact in facts]
    return answer({"items": items, "next_after": facts[-1].sequence if facts else filters.after})
