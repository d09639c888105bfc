"""Stock: what lies where, what came and went."""

from typing import Annotated
from uuid import UUID

from fastapi import Header, Query, Request, Response

from gosellr.api.answers import answer, page_bytes
from gosellr.api.deps import Market, allow
from gosellr.api.room import Room
from gosellr.api.schemas.common import PageFilters, problems
from gosellr.api.schemas.stock import (
    LocationCreate,
    LocationFilters,
    LocationListOut,
    LocationOut,
    MovementListOut,
    StockAdjust,
    StockOut,
)
from gosellr.core.transact import ask, transact
from gosellr.services import idempotency_service, inventory_service
from gosellr.services.idempotency_service import EarlierRequest
from gosellr.utils.permissions import Permission
from gosellr.utils.viewer import Viewer

router = Room(tags=["stock"])

IdempotencyKey = Annotated[str | None, Header(alias="Idempotency-Key", max_length=255)]


@router.get(
    "/variants/{variant_id}/stock",
    operation_id="get_stock",
    responses={200: {"model": StockOut}, **problems(401, 403, 404, 422)},
)
async def get_stock(
    variant_id: UUID, viewer: Annotated[Viewer, allow(Permission.STOCK_READ)], market: Market
) -> Response:
    """What there is of a variant, and where."""
    document = await ask(
        market.db, inventory_service.stock_document, viewer=viewer, variant_id=variant_id
    )
    return answer(document)


@router.put(
    "/variants/{variant_id}/stock",
    operation_id="adjust_stock",
    responses={200: {"model": StockOut}, **problems(400, 401, 403, 404, 409, 422)},
)
async def adjust_stock(
    *,
    variant_id: UUID,
    body: StockAdjust,
    request: Request,
    viewer: Annotated[Viewer, allow(Permission.STOCK_ADJUST)],
    market: Market,
    idempotency_key: IdempotencyKey = None,
) -> Response:
    """Add or take away units; never below what is promised to orders.

    With an `Idempotency-Key`, sending the same twice moves stock once.
    """
    key = None
    if idempotency_key is not None:
        key = idempotency_service.request_key(
            caller=f"user:{viewer.user_id}",
            route=f"adjust_stock:{variant_id}",
            key=idempotency_key,
            body=await request.body(),
        )
    adjusted = await transact(
        market.db,
        inventory_service.adjust_stock,
        viewer=viewer,
        variant_id=variant_id,
        delta=body.delta,
        reason=body.reason,
        location_id=body.location_id,
        key=key,
        kept_for=market.policy.idempotency_kept_for,
        now=market.clock.now(),
    )
    if isinstance(adjusted, EarlierRequest):
        return answer(adjusted.body, headers={"Idempotency-Replayed": "true"})
    return answer(adjusted)


@router.get(
    "/variants/{variant_id}/stock/movements",
    operation_id="list_stock_movements",
    responses={200: {"model": MovementListOut}, **problems(401, 403, 404, 422)},
)
async def list_stock_movements(
    variant_id: UUID,
    filters: Annotated[PageFilters, Query()],
    viewer: Annotated[Viewer, allow(Permission.STOCK_READ)],
    market: Market,
) -> Response:
    """The journal of a variant, newest first: its lines sum to what is on hand."""
    items, next_cursor = await ask(
        market.db,
        inventory_service.stock_movements,
        viewer=viewer,
        variant_id=variant_id,
        cursor=filters.cursor,
        limit=filters.limit,
    )
    return answer(page_bytes(items, next_cursor))


@router.get(
    "/stock-locations",
    operation_id="list_stock_locations",
    responses={200: {"model": LocationListOut}, **problems(401, 403, 404, 422)},
)
async def list_stock_locations(
    filters: Annotated[LocationFilters, Query()],
    viewer: Annotated[Viewer, allow(Permission.STOCK_READ)],
    market: Market,
) -> Response:
    """The places a seller keeps its goods at; there are a hundred at most."""
    items = await ask(
        market.db, inventory_service.stock_locations, viewer=viewer, seller_id=filters.seller_id
    )
    return answer(page_bytes(items, None))


@router.post(
    "/stock-locations",
    operation_id="create_stock_location",
    status_code=201,
    responses={201: {"model": LocationOut}, **problems(400, 401, 403, 404, 409, 422)},
)
async def create_stock_location(
    body: LocationCreate,
    viewer: Annotated[Viewer, allow(Permission.STOCK_ADJUST)],
    market: Market,
) -> Response:
    """Add a place. The default one is where stock goes when no place is named."""
    document = await transact(
        market.db,
        inventory_service.create_location,
        viewer=viewer,
        name=body.name,
        is_default=body.is_default,
        seller_id=body.seller_id,
        now=market.clock.now(),
    )
    return answer(document, status=201)
