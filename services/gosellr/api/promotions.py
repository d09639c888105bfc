"""Coupons: a seller's own at its own cost, and the market's."""

from typing import Annotated
from uuid import UUID

from fastapi import Query, Response

from gosellr.api.answers import answer, nothing
from gosellr.api.deps import Market, allow
from gosellr.api.room import Room
from gosellr.api.schemas.common import problems
from gosellr.api.schemas.promotions import (
    CouponChange,
    CouponCreate,
    CouponOut,
    CouponPage,
    coupon_document,
)
from gosellr.api.schemas.terms import OwnerFilters
from gosellr.core.transact import ask, transact
from gosellr.services import promotion_service
from gosellr.utils.permissions import Permission
from gosellr.utils.viewer import Viewer

router = Room(prefix="/promotions", tags=["promotions"])

Writer = Annotated[Viewer, allow(Permission.PROMOTION_WRITE)]


@router.get(
    "",
    operation_id="list_promotions",
    responses={200: {"model": CouponPage}, **problems(401, 403, 422)},
)
async def list_promotions(
    filters: Annotated[OwnerFilters, Query()],
    viewer: Annotated[Viewer, allow(Permission.PROMOTION_READ)],
    market: Market,
) -> Response:
    """The coupons of the caller's shops."""
    page = await ask(
        market.db,
        promotion_service.list_coupons,
        viewer=viewer,
        seller_id=filters.seller_id,
        cursor=filters.cursor,
        limit=filters.limit,
    )
    items = [coupon_document(coupon) for coupon in page.items]
    return answer({"items": items, "next_cursor": page.next_cursor})


@router.post(
    "",
    operation_id="create_promotion",
    status_code=201,
    responses={201: {"model": CouponOut}, **problems(400, 401, 403, 404, 409, 422)},
)
async def create_promotion(body: CouponCreate, viewer: Writer, market: Market) -> Response:
    """Make a coupon. A shop's is for its own goods and at its own cost."""
    coupon = await transact(
        market.db,
        promotion_service.create_coupon,
        viewer=viewer,
        seller_id=body.seller_id,
        draft=body.draft(),
        now=market.clock.now(),
    )
    return answer(coupon_document(coupon), status=201)


@router.patch(
    "/{coupon_id}",
    operation_id="update_promotion",
    responses={200: {"model": CouponOut}, **problems(400, 401, 403, 404, 409, 422)},
)
async def update_promotion(
    coupon_id: UUID, body: CouponChange, viewer: Writer, market: Market
) -> Response:
    """Change figures, limits or dates; what an order took off stays."""
    coupon = await transact(
        market.db,
        promotion_service.change_coupon,
        viewer=viewer,
        coupon_id=coupon_id,
        changes=body.values(),
    )
    return answer(coupon_document(coupon))


@router.delete(
    "/{coupon_id}",
    operation_id="delete_promotion",
    status_code=204,
    responses=problems(401, 403, 404, 422),
)
async def delete_promotion(coupon_id: UUID, viewer: Writer, market: Market) -> Response:
    """End a coupon."""
    await transact(
        market.db,
        promotion_service.archive_coupon,
        viewer=viewer,
        coupon_id=coupon_id,
        now=market.clock.now(),
    )
    return nothing()
