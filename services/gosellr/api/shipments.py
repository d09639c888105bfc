"""Parcels of orders."""

from functools import partial
from typing import Annotated
from uuid import UUID

from fastapi import Request, Response

from gosellr.api.answers import answer
from gosellr.api.deps import Market, allow
from gosellr.api.orders import IdempotencyKey, caller_of
from gosellr.api.room import Room
from gosellr.api.schemas.common import problems
from gosellr.api.schemas.order_documents import shipment_document
from gosellr.api.schemas.orders import ShipmentOut
from gosellr.api.schemas.shipments import ShipmentCreate, ShipmentUpdate
from gosellr.core.transact import ask, transact
from gosellr.flows import captures, labels
from gosellr.resources import Resources
from gosellr.services import (
    fulfilment_service,
    idempotency_service,
    order_service,
    shipment_service,
)
from gosellr.services.idempotency_service import EarlierRequest, RequestKey
from gosellr.services.shipment_service import ShippedAfterCancel
from gosellr.utils.permissions import Permission
from gosellr.utils.viewer import Viewer

router = Room(prefix="/orders", tags=["shipments"])


@router.post(
    "/{order_id}/shipments",
    operation_id="create_shipment",
    status_code=201,
    responses={201: {"model": ShipmentOut}, **problems(400, 401, 403, 404, 409, 422, 429)},
)
async def create_shipment(
    *,
    order_id: UUID,
    body: ShipmentCreate,
    request: Request,
    viewer: Annotated[Viewer, allow(Permission.SHIPMENT_CREATE)],
    market: Market,
    idempotency_key: IdempotencyKey = None,
) -> Response:
    """Send a parcel of a seller order: with your own number, or with a label that we buy.

    An `Idempotency-Key` is optional here; with it, sending twice makes one parcel.
    """
    key = None
    if idempotency_key is not None:
        key = idempotency_service.request_key(
            caller=caller_of(viewer),
            route=f"create_shipment:{order_id}",
            key=idempotency_key,
            body=await request.body(),
        )
    try:
        shipped = await captures.shipping(
            market.captures,
            partial(_ship, body, order_id=order_id, viewer=viewer, market=market, key=key),
        )
    except ShippedAfterCancel:
        # Refused, and not lost: the parcel may be on its way all the same.
        await transact(
            market.db,
            fulfilment_service.note_late_parcel,
            viewer=viewer,
            order_id=order_id,
            parcel=body.parcel(),
            now=market.clock.now(),
        )
        raise
    if isinstance(shipped, EarlierRequest):
        replayed = {"Idempotency-Replayed": "true"}
        shipment_id = UUID(shipped.resource_id or "")
        return await _answer(order_id, shipment_id, viewer, market, status=201, headers=replayed)
    return await _answer(order_id, shipped, viewer, market, status=201)


async def _ship(
    body: ShipmentCreate,
    *,
    order_id: UUID,
    viewer: Viewer,
    market: Resources,
    key: RequestKey | None,
) -> UUID | EarlierRequest:
    if body.buy_label:
        return await labels.ship_with_label(
            market.labels,
            viewer=viewer,
            order_id=order_id,
            parcel=body.parcel(),
            service=body.service,
            key=key,
        )
    return await transact(
        market.db,
        shipment_service.ship,
        viewer=viewer,
        order_id=order_id,
        parcel=body.parcel(),
        key=key,
        policy=market.policy,
        now=market.clock.now(),
    )


@router.patch(
    "/{order_id}/shipments/{shipment_id}",
    operation_id="update_shipment",
    responses={200: {"model": ShipmentOut}, **problems(400, 401, 403, 404, 409, 422, 429)},
)
async def update_shipment(
    order_id: UUID,
    shipment_id: UUID,
    body: ShipmentUpdate,
    viewer: Annotated[Viewer, allow(Permission.SHIPMENT_UPDATE)],
    market: Market,
) -> Response:
    """Say where a parcel is. A late or repeated report changes nothing."""
    await transact(
        market.db,
        shipment_service.report,
        viewer=viewer,
        order_id=order_id,
        shipment_id=shipment_id,
        status=body.reported(),
        tracking_number=body.tracking_number,
        tracking_url=body.tracking_url,
        policy=market.policy,
        now=market.clock.now(),
    )
    return await _answer(order_id, shipment_id, viewer, market)


async def _answer(
    order_id: UUID,
    shipment_id: UUID,
    viewer: Viewer,
    market: Resources,
    *,
    status: int = 200,
    headers: dict[str, str] | None = None,
) -> Response:
    order = await ask(market.db, order_service.find_order, viewer=viewer, order_id=order_id)
    _, parcel = shipment_service.parcel_of(order, shipment_id)
    return answer(shipment_document(parcel), status=status, headers=headers)
