"""Steps of an order: its statuses, and its end."""

from typing import Annotated
from uuid import UUID

from fastapi import Response

from gosellr.api.answers import answer
from gosellr.api.deps import Market, allow
from gosellr.api.room import Room
from gosellr.api.schemas.common import problems
from gosellr.api.schemas.order_documents import order_document
from gosellr.api.schemas.orders import OrderOut
from gosellr.api.schemas.shipments import CaptureSettle, OrderCancel, StatusUpdate
from gosellr.core.transact import ask
from gosellr.flows import captures, refunds
from gosellr.services import order_service
from gosellr.utils.permissions import Permission
from gosellr.utils.viewer import Viewer

router = Room(prefix="/orders", tags=["orders"])


@router.put(
    "/{order_id}/status",
    operation_id="update_order_status",
    responses={200: {"model": OrderOut}, **problems(400, 401, 403, 404, 409, 422, 429)},
)
async def update_order_status(
    order_id: UUID,
    body: StatusUpdate,
    viewer: Annotated[Viewer, allow(Permission.ORDER_UPDATE)],
    market: Market,
) -> Response:
    """Move seller orders on: sellers to processing, shipped, delivered; buyers to completed.

    `shipped` ships the remainder, `completed` releases the seller's money.
    """
    await captures.request_status(
        market.captures, viewer=viewer, order_id=order_id, request=body.request()
    )
    order = await ask(market.db, order_service.find_order, viewer=viewer, order_id=order_id)
    return answer(order_document(order, viewer=viewer, base_url=market.settings.base_url))


@router.post(
    "/{order_id}/cancel",
    operation_id="cancel_order",
    responses={200: {"model": OrderOut}, **problems(400, 401, 403, 404, 409, 422, 429)},
)
async def cancel_order(
    order_id: UUID,
    body: OrderCancel,
    viewer: Annotated[Viewer, allow(Permission.ORDER_CANCEL)],
    market: Market,
) -> Response:
    """Cancel what wasn't shipped: stock goes back once, and all that was paid for it."""
    order = await refunds.cancel_order(
        market.refunds,
        viewer=viewer,
        order_id=order_id,
        seller_order_id=body.seller_order_id,
        reason=body.reason,
    )
    return answer(order_document(order, viewer=viewer, base_url=market.settings.base_url))


@router.post(
    "/{order_id}/captures/settle",
    operation_id="settle_capture",
    responses={200: {"model": OrderOut}, **problems(400, 401, 403, 404, 409, 422, 429)},
)
async def settle_capture(
    order_id: UUID,
    body: CaptureSettle,
    viewer: Annotated[Viewer, allow(Permission.RECONCILIATION_DECIDE)],
    market: Market,
) -> Response:
    """Say whether the money for a seller order was taken, of which its gateway doesn't say so, an
    hour after it was asked for it: it answers with another currency, or never."""
    await captures.settle(
        market.captures,
        viewer=viewer,
        order_id=order_id,
        seller_order_id=body.seller_order_id,
        taken=body.outcome == "taken",
        reason=body.reason,
    )
    order = await ask(market.db, order_service.find_order, viewer=viewer, order_id=order_id)
    return answer(order_document(order, viewer=viewer, base_url=market.settings.base_url))
