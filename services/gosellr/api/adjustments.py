"""Adjustments: what one operator prepares, another approves or rejects."""

from typing import Annotated
from uuid import UUID

from fastapi import Query, Request, Response

from gosellr.api.answers import answer
from gosellr.api.deps import Market, allow
from gosellr.api.orders import IdempotencyKey, caller_of
from gosellr.api.room import Room
from gosellr.api.schemas.adjustments import (
    AdjustmentCreate,
    AdjustmentFilters,
    AdjustmentOut,
    AdjustmentPageOut,
    AdjustmentReason,
    adjustment_document,
)
from gosellr.api.schemas.common import problems
from gosellr.core.transact import ask, transact
from gosellr.services import adjustment_service, idempotency_service
from gosellr.utils.permissions import Permission
from gosellr.utils.viewer import Viewer

router = Room(prefix="/adjustments", tags=["adjustments"])

MayRead = Annotated[Viewer, allow(Permission.LEDGER_READ)]
MayApprove = Annotated[Viewer, allow(Permission.LEDGER_APPROVE)]


@router.get(
    "",
    operation_id="list_adjustments",
    responses={200: {"model": AdjustmentPageOut}, **problems(401, 403, 422)},
)
async def list_adjustments(
    filters: Annotated[AdjustmentFilters, Query()], _viewer: MayRead, market: Market
) -> Response:
    """Adjustments and write-offs, newest first; `status=prepared` is what waits."""
    page = await ask(
        market.db,
        adjustment_service.list_adjustments,
        status=filters.status,
        kind=filters.kind,
        cursor=filters.cursor,
        limit=filters.limit,
    )
    items = [adjustment_document(one) for one in page.items]
    return answer({"items": items, "next_cursor": page.next_cursor})


@router.post(
    "",
    operation_id="create_adjustment",
    status_code=201,
    responses={201: {"model": AdjustmentOut}, **problems(400, 401, 403, 409, 422)},
)
async def create_adjustment(
    *,
    body: AdjustmentCreate,
    request: Request,
    viewer: Annotated[Viewer, allow(Permission.LEDGER_ADJUST)],
    market: Market,
    idempotency_key: IdempotencyKey = None,
) -> Response:
    """Prepare balanced entries over accounts that people may adjust; nothing is booked yet."""
    prepared = await transact(
        market.db,
        adjustment_service.prepare,
        viewer=viewer,
        entries=body.plain(),
        reason=body.reason,
        key=idempotency_service.request_key(
            caller=caller_of(viewer),
            route="create_adjustment",
            key=idempotency_key,
            body=await request.body(),
        ),
        kept_for=market.policy.idempotency_kept_for,
        now=market.clock.now(),
    )
    replayed = {"Idempotency-Replayed": "true"} if prepared.existed else {}
    return answer(adjustment_document(prepared.value), status=201, headers=replayed)


@router.get(
    "/{adjustment_id}",
    operation_id="get_adjustment",
    responses={200: {"model": AdjustmentOut}, **problems(401, 403, 404, 422)},
)
async def get_adjustment(adjustment_id: UUID, _viewer: MayRead, market: Market) -> Response:
    """An adjustment as it stands."""
    found = await ask(market.db, adjustment_service.find, adjustment_id=adjustment_id)
    return answer(adjustment_document(found))


@router.post(
    "/{adjustment_id}/approve",
    operation_id="approve_adjustment",
    responses={200: {"model": AdjustmentOut}, **problems(401, 403, 404, 409, 422)},
)
async def approve_adjustment(adjustment_id: UUID, viewer: MayApprove, market: Market) -> Response:
    """Book what another operator prepared."""
    found = await transact(
        market.db,
        adjustment_service.approve,
        viewer=viewer,
        adjustment_id=adjustment_id,
        now=market.clock.now(),
    )
    return answer(adjustment_document(found))


@router.post(
    "/{adjustment_id}/reject",
    operation_id="reject_adjustment",
    responses={200: {"model": AdjustmentOut}, **problems(400, 401, 403, 404, 409, 422)},
)
async def reject_adjustment(
    adjustment_id: UUID, body: AdjustmentReason, viewer: MayApprove, market: Market
) -> Response:
    """Turn down what another operator prepared, and say why."""
    found = await transact(
        market.db,
        adjustment_service.reject,
        viewer=viewer,
        adjustment_id=adjustment_id,
        reason=body.reason,
        now=market.clock.now(),
    )
    return answer(adjustment_document(found))
