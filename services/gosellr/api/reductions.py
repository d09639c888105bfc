"""Calling units off before they are paid for."""

from typing import Annotated
from uuid import UUID

from fastapi import Request, Response

from gosellr.api.answers import answer, json_bytes
from gosellr.api.deps import Market, allow
from gosellr.api.orders import IdempotencyKey, caller_of
from gosellr.api.room import Room
from gosellr.api.schemas.common import problems
from gosellr.api.schemas.reductions import (
    ReductionCreate,
    ReductionOut,
    ReductionPreviewOut,
    reduction_document,
)
from gosellr.core.transact import ask, transact
from gosellr.services import idempotency_service, reduction_service
from gosellr.services.reduction_plan import Reduction
from gosellr.utils.permissions import Permission
from gosellr.utils.viewer import Viewer

router = Room(prefix="/orders", tags=["orders"])

MayCallOff = Annotated[Viewer, allow(Permission.ORDER_CANCEL)]


def _told(reduction: Reduction) -> bytes:
    return json_bytes(reduction_document(reduction))


@router.post(
    "/{order_id}/reductions",
    operation_id="create_reduction",
    status_code=201,
    responses={201: {"model": ReductionOut}, **problems(400, 401, 403, 404, 409, 422, 429)},
)
async def create_reduction(
    *,
    order_id: UUID,
    body: ReductionCreate,
    request: Request,
    viewer: MayCallOff,
    market: Market,
    idempotency_key: IdempotencyKey = None,
) -> Response:
    """Call units off that aren't paid for yet: they are back on sale, and never charged.

    Possible while the money is only set aside, while a bank transfer hasn't come, and before cash
    is collected. What is paid for is refunded instead; a whole seller order is cancelled.
    """
    key = idempotency_service.request_key(
        caller=caller_of(viewer),
        route=f"create_reduction:{order_id}",
        key=idempotency_key,
        body=await request.body(),
    )
    done = await transact(
        market.db,
        reduction_service.call_off,
        viewer=viewer,
        order_id=order_id,
        request=body.request(),
        key=key,
        tell=_told,
        policy=market.policy,
        now=market.clock.now(),
    )
    headers = {"Idempotency-Replayed": "true"} if done.is_replay else {}
    return answer(done.body, status=201, headers=headers)


@router.post(
    "/{order_id}/reductions/preview",
    operation_id="preview_reduction",
    responses={200: {"model": ReductionPreviewOut}, **problems(400, 401, 403, 404, 409, 422, 429)},
)
async def preview_reduction(
    order_id: UUID, body: ReductionCreate, viewer: MayCallOff, market: Market
) -> Response:
    """What would no longer be paid; nothing happens."""
    reduction = await ask(
        market.db,
        reduction_service.preview,
        viewer=viewer,
        order_id=order_id,
        request=body.request(),
    )
    return answer(reduction_document(reduction))
