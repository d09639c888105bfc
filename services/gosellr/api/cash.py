"""Cash on delivery: who takes it, what was collected at the door, and what was refused there."""

from typing import Annotated
from uuid import UUID

from fastapi import Response

from gosellr.api.answers import answer
from gosellr.api.deps import Market, allow
from gosellr.api.room import Room
from gosellr.api.schemas.cash import (
    CashReceived,
    CashTermsOut,
    CashTermsUpdate,
    ParcelRefused,
    cash_terms_document,
)
from gosellr.api.schemas.common import problems
from gosellr.api.schemas.order_documents import order_document
from gosellr.api.schemas.orders import OrderOut
from gosellr.core.transact import ask, transact
from gosellr.resources import Resources
from gosellr.services import cash_terms_service, door_service, order_service
from gosellr.utils.permissions import Permission
from gosellr.utils.viewer import Viewer

router = Room(tags=["cash on delivery"])

MayKnow = Annotated[Viewer, allow(Permission.SELLER_UPDATE)]
MayHand = Annotated[Viewer, allow(Permission.SHIPMENT_UPDATE)]


@router.get(
    "/sellers/{seller_id}/cash-on-delivery",
    operation_id="get_cash_terms",
    responses={200: {"model": CashTermsOut}, **problems(401, 403, 404, 422)},
)
async def get_cash_terms(seller_id: UUID, viewer: MayKnow, market: Market) -> Response:
    """Up to how much of one order a seller takes in cash."""
    own = await ask(market.db, cash_terms_service.find_terms, viewer=viewer, seller_id=seller_id)
    return answer(cash_terms_document(own, market.settings.cash_on_delivery_limit))


@router.put(
    "/sellers/{seller_id}/cash-on-delivery",
    operation_id="update_cash_terms",
    responses={200: {"model": CashTermsOut}, **problems(400, 401, 403, 404, 422)},
)
async def update_cash_terms(
    seller_id: UUID, body: CashTermsUpdate, viewer: MayKnow, market: Market
) -> Response:
    """Say anew up to how much of one order a seller takes in cash; an empty list is none."""
    own = await transact(
        market.db,
        cash_terms_service.change_terms,
        viewer=viewer,
        seller_id=seller_id,
        limits_minor=body.by_currency(),
        now=market.clock.now(),
    )
    return answer(cash_terms_document(own, market.settings.cash_on_delivery_limit))


@router.post(
    "/orders/{order_id}/cash-received",
    operation_id="record_cash",
    responses={200: {"model": OrderOut}, **problems(400, 401, 403, 404, 409, 422)},
)
async def record_cash(
    order_id: UUID, body: CashReceived, viewer: MayHand, market: Market
) -> Response:
    """Say that a part was handed over against its cash: it has arrived, and is paid."""
    await transact(
        market.db,
        door_service.record_cash,
        viewer=viewer,
        order_id=order_id,
        seller_order_id=body.seller_order_id,
        amount_minor=body.amount.amount,
        currency=body.amount.currency,
        policy=market.policy,
        now=market.clock.now(),
    )
    return await _order(market, viewer, order_id)


@router.post(
    "/orders/{order_id}/parcel-refused",
    operation_id="refuse_parcel",
    responses={200: {"model": OrderOut}, **problems(400, 401, 403, 404, 409, 422)},
)
async def refuse_parcel(
    order_id: UUID, body: ParcelRefused, viewer: MayHand, market: Market
) -> Response:
    """Say that a part was refused at the door: it is called off, its goods are back."""
    await transact(
        market.db,
        door_service.refuse,
        viewer=viewer,
        order_id=order_id,
        seller_order_id=body.seller_order_id,
        reason=body.reason,
        policy=market.policy,
        now=market.clock.now(),
    )
    return await _order(market, viewer, order_id)


@router.post(
    "/orders/{order_id}/refunds/{refund_id}/handed-back",
    operation_id="hand_back_refund",
    responses={200: {"model": OrderOut}, **problems(400, 401, 403, 404, 409, 422)},
)
async def hand_back_refund(
    order_id: UUID,
    refund_id: UUID,
    viewer: Annotated[Viewer, allow(Permission.REFUND_CREATE)],
    market: Market,
) -> Response:
    """Say that a refund of cash was given back in cash."""
    await transact(
        market.db,
        door_service.hand_back,
        viewer=viewer,
        order_id=order_id,
        refund_id=refund_id,
        policy=market.policy,
        now=market.clock.now(),
    )
    return await _order(market, viewer, order_id)


async def _order(market: Resources, viewer: Viewer, order_id: UUID) -> Response:
    order = await ask(market.db, order_service.find_order, viewer=viewer, order_id=order_id)
    return answer(order_document(order, viewer=viewer, base_url=market.settings.base_url))
