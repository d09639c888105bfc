"""Refunds of orders."""

from typing import Annotated
from uuid import UUID

from fastapi import Request, Response

from gosellr.api.answers import answer, json_bytes
from gosellr.api.deps import Market, allow
from gosellr.api.orders import IdempotencyKey, caller_of
from gosellr.api.room import Room
from gosellr.api.schemas.common import problems
from gosellr.api.schemas.proposals import PROPOSED, ProposalOut, proposal_document
from gosellr.api.schemas.refunds import (
    RefundCreate,
    RefundListOut,
    RefundOut,
    RefundPreviewOut,
    RefundSettle,
    preview_document,
    refund_document,
)
from gosellr.core.transact import ask
from gosellr.flows import refunds
from gosellr.models.proposal_values import Proposal
from gosellr.services import idempotency_service, order_service, refund_questions
from gosellr.services.idempotency_service import EarlierRequest
from gosellr.utils.permissions import Permission
from gosellr.utils.viewer import Viewer

router = Room(prefix="/orders", tags=["refunds"])

MayRefund = Annotated[Viewer, allow(Permission.REFUND_CREATE)]


@router.post(
    "/{order_id}/refunds",
    operation_id="create_refund",
    status_code=201,
    responses={
        201: {"model": RefundOut},
        202: {"model": ProposalOut, "description": PROPOSED},
        **problems(400, 401, 403, 404, 409, 422, 429),
    },
)
async def create_refund(
    *,
    order_id: UUID,
    body: RefundCreate,
    request: Request,
    viewer: MayRefund,
    market: Market,
    idempotency_key: IdempotencyKey = None,
) -> Response:
    """Give money back: units of lines, the delivery, or a free amount of one seller order.

    `status` says what the gateway answered; `unknown` resolves itself.

    Above `GOSELLR_REFUND_APPROVAL_OVER`, with all that operators alone have given back of this
    order, what an operator asks for is proposed (202). Once another operator approves that, the
    refund bears the proposal's id.
    """
    key = idempotency_service.request_key(
        caller=caller_of(viewer),
        route=f"create_refund:{order_id}",
        key=idempotency_key,
        body=await request.body(),
    )
    requested = await refunds.request_refund(
        market.refunds, viewer=viewer, order_id=order_id, request=body.request(), key=key
    )
    if requested.proposal is not None:
        content = json_bytes(proposal_document(requested.proposal))
        await refunds.keep_answer(market.refunds, key=key, status=202, body=content)
        return answer(content, status=202)
    if requested.refund is None:
        return stored(requested.answered)
    document = refund_document(requested.refund, order_id=order_id, sees_terms=True)
    content = json_bytes(document)
    await refunds.keep_answer(market.refunds, key=key, status=201, body=content)
    return answer(content, status=201)


def stored(earlier: EarlierRequest | None) -> Response:
    """The first answer to the same request."""
    if earlier is None:
        raise ValueError("neither a refund nor an earlier answer")
    return Response(
        earlier.body,
        status_code=earlier.status or 201,
        media_type="application/json",
        headers={"Cache-Control": "no-store", "Idempotency-Replayed": "true"},
    )


@router.post(
    "/{order_id}/refunds/preview",
    operation_id="preview_refund",
    responses={200: {"model": RefundPreviewOut}, **problems(400, 401, 403, 404, 409, 422, 429)},
)
async def preview_refund(
    order_id: UUID, body: RefundCreate, viewer: MayRefund, market: Market
) -> Response:
    """What the refund would take from whom; nothing happens."""
    preview = await ask(
        market.db,
        refund_questions.preview,
        viewer=viewer,
        order_id=order_id,
        request=body.request(),
        policy=market.policy,
    )
    return answer(preview_document(preview, order_id=order_id, reason=body.reason))


@router.get(
    "/{order_id}/refunds",
    operation_id="list_refunds",
    responses={200: {"model": RefundListOut}, **problems(401, 403, 404, 422, 429)},
)
async def list_refunds(
    order_id: UUID,
    viewer: Annotated[Viewer, allow(Permission.REFUND_READ)],
    market: Market,
) -> Response:
    """The refunds of an order: a seller sees those of its own part."""
    order = await ask(market.db, order_service.find_order, viewer=viewer, order_id=order_id)
    own = {part.id for part in order.parts if part.seller_id in viewer.memberships}
    items = [
        refund_document(
            refund,
            order_id=order_id,
            sees_terms=viewer.sees_everything or refund.seller_order_id in own,
        )
        for refund in order.refunds
    ]
    return answer({"items": items, "next_cursor": None})


@router.post(
    "/{order_id}/refunds/{refund_id}/settle",
    operation_id="settle_refund",
    responses={
        200: {"model": RefundOut},
        202: {"model": ProposalOut, "description": PROPOSED},
        **problems(400, 401, 403, 404, 409, 422, 429),
    },
)
async def settle_refund(
    order_id: UUID,
    refund_id: UUID,
    body: RefundSettle,
    viewer: Annotated[Viewer, allow(Permission.RECONCILIATION_DECIDE)],
    market: Market,
) -> Response:
    """Say what became of a refund of which its gateway doesn't say so, an hour after it was sent;
    or of cash that its seller was to hand back. Above `GOSELLR_REFUND_APPROVAL_OVER`, with all else
    that operators alone have given back of this order, it is proposed (202)."""
    refund = await refunds.settle(
        market.refunds,
        viewer=viewer,
        order_id=order_id,
        refund_id=refund_id,
        arrived=body.outcome == "arrived",
        reason=body.reason,
    )
    if isinstance(refund, Proposal):
        return answer(proposal_document(refund), status=202)
    return answer(refund_document(refund, order_id=order_id, sees_terms=True))
