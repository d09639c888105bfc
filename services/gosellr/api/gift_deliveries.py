"""Gift cards sent to somebody: sent again by who gave them, claimed by who got the letter."""

from typing import Annotated
from uuid import UUID

from fastapi import Response

from gosellr.api.answers import answer
from gosellr.api.deps import Market, allow
from gosellr.api.room import Room
from gosellr.api.schemas.common import problems
from gosellr.api.schemas.gift_sales import (
    GiftCardClaim,
    GiftCardCodeOut,
    GiftCardPurchaseOut,
    GiftCardSend,
    code_document,
    purchase_document,
)
from gosellr.core.transact import transact
from gosellr.flows import gift_deliveries
from gosellr.services import gift_delivery_service
from gosellr.utils.permissions import Permission
from gosellr.utils.viewer import Viewer

router = Room(prefix="/gift-cards", tags=["gift cards"])


@router.post(
    "/purchases/{order_id}/send",
    operation_id="send_gift_card",
    responses={200: {"model": GiftCardPurchaseOut}, **problems(401, 403, 404, 409, 422)},
)
async def send_gift_card(
    order_id: UUID,
    body: GiftCardSend,
    viewer: Annotated[Viewer, allow(Permission.ORDER_PAY)],
    market: Market,
) -> Response:
    """Have a card's letter sent once more, or to another address; three times in all."""
    now = market.clock.now()
    sent = await transact(
        market.db,
        gift_delivery_service.send_again,
        viewer=viewer,
        order_id=order_id,
        recipient_email=body.recipient_email,
        now=now,
    )
    return answer(purchase_document(sent, now=now))


@router.post(
    "/claims",
    operation_id="claim_gift_card",
    status_code=201,
    responses={201: {"model": GiftCardCodeOut}, **problems(401, 403, 404, 409, 422, 429)},
)
async def claim_gift_card(
    body: GiftCardClaim,
    viewer: Annotated[Viewer, allow(Permission.GIFT_CARD_CHECK)],
    market: Market,
) -> Response:
    """Make the code of the card that a letter leads to, and tell it: this once."""
    told = await gift_deliveries.claim(
        market.stored_value, viewer=viewer, claim_id=body.claim_id, token=body.token
    )
    return answer(code_document(told.card, code=told.code), status=201)
