"""Reviews of products."""

from typing import Annotated
from uuid import UUID

from fastapi import Query, Response

from gosellr.api.answers import answer
from gosellr.api.deps import Market, allow
from gosellr.api.room import Room
from gosellr.api.schemas.common import PageFilters, problems
from gosellr.api.schemas.reviews import (
    ReviewCreate,
    ReviewListOut,
    ReviewOut,
    review_document,
    review_list_document,
)
from gosellr.core.transact import ask, transact
from gosellr.services import review_service
from gosellr.utils.permissions import Permission
from gosellr.utils.viewer import Viewer

router = Room(prefix="/products", tags=["reviews"])


@router.post(
    "/{product_id}/reviews",
    operation_id="create_review",
    status_code=201,
    responses={201: {"model": ReviewOut}, **problems(400, 401, 403, 404, 409, 422, 429)},
)
async def create_review(
    product_id: UUID,
    body: ReviewCreate,
    viewer: Annotated[Viewer, allow(Permission.REVIEW_CREATE)],
    market: Market,
) -> Response:
    """Say how it is, once for every delivered line; guests send their order's token."""
    review = await transact(
        market.db,
        review_service.post_review,
        viewer=viewer,
        product_id=product_id,
        review=body.review(),
        now=market.clock.now(),
    )
    return answer(review_document(review, product_id=product_id), status=201)


@router.get(
    "/{product_id}/reviews",
    operation_id="list_reviews",
    responses={200: {"model": ReviewListOut}, **problems(401, 404, 422, 429)},
)
async def list_reviews(
    product_id: UUID,
    filters: Annotated[PageFilters, Query()],
    _viewer: Annotated[Viewer, allow(Permission.REVIEW_READ)],
    market: Market,
) -> Response:
    """What buyers say of a product, newest first."""
    listed = await ask(
        market.db,
        review_service.list_reviews,
        product_id=product_id,
        limit=filters.limit,
        cursor=filters.cursor,
    )
    return answer(review_list_document(listed, product_id=product_id))
