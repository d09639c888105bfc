"""What came back to gift cards that can't be spent any more, and where it went on to."""

from typing import Annotated
from uuid import UUID

from fastapi import Response

from gosellr.api.answers import answer
from gosellr.api.deps import Market, allow
from gosellr.api.room import Room
from gosellr.api.schemas.common import problems
from gosellr.api.schemas.gift_sales import GiftCardCodeOut, code_document
from gosellr.api.schemas.value_moves import ValueMoveListOut, move_document
from gosellr.core.transact import ask
from gosellr.flows import gift_sales
from gosellr.services import replacement_card_service
from gosellr.utils.permissions import Permission
from gosellr.utils.viewer import Viewer

router = Room(prefix="/orders", tags=["gift cards"])


@router.get(
    "/{order_id}/value-moves",
    operation_id="list_value_moves",
    responses={200: {"model": ValueMoveListOut}, **problems(401, 403, 404, 422)},
)
async def list_value_moves(
    order_id: UUID, viewer: Annotated[Viewer, allow(Permission.ORDER_READ)], market: Market
) -> Response:
    """What of an order came back to a gift card that can't be spent, and went on: to its buyer's
    store credit, or for a guest to a new card, whose code `create_replacement_card_code` tells."""
    found = await ask(
        market.db, replacement_card_service.moves_of_order, viewer=viewer, order_id=order_id
    )
    return answer({"items": [move_document(move) for move in found], "next_cursor": None})


@router.post(
    "/{order_id}/replacement-cards/{card_id}/code",
    operation_id="create_replacement_card_code",
    status_code=201,
    responses={201: {"model": GiftCardCodeOut}, **problems(401, 403, 404, 409, 422)},
)
async def create_replacement_card_code(
    order_id: UUID,
    card_id: UUID,
    viewer: Annotated[Viewer, allow(Permission.ORDER_PAY)],
    market: Market,
) -> Response:
    """Make the code of a card that was made in place of another, and tell it: this once, and to who
    bought the order alone."""
    told = await gift_sales.tell_replacement_code(
        market.stored_value, viewer=viewer, order_id=order_id, card_id=card_id
    )
    return answer(code_document(told.card, code=told.code), status=201)
