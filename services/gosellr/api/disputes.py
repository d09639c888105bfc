"""Cases between buyers and sellers, and chargebacks, in one queue."""

import asyncio
from collections.abc import AsyncIterator
from typing import Annotated
from uuid import UUID

from fastapi import File, Query, Request, Response, UploadFile

from gosellr.api.answers import answer
from gosellr.api.deps import Market, allow
from gosellr.api.orders import IdempotencyKey, caller_of
from gosellr.api.room import Room
from gosellr.api.schemas.common import problems
from gosellr.api.schemas.dispute_previews import (
    AwardPreviewOut,
    DisputePreview,
    award_document,
)
from gosellr.api.schemas.disputes import (
    DisputeCreate,
    DisputeDecision,
    DisputeEscalation,
    DisputeListFilters,
    DisputeMessageCreate,
    DisputeOut,
    DisputePageOut,
    Document,
    dispute_document,
    listed_document,
)
from gosellr.api.schemas.proposals import PROPOSED, ProposalOut, proposal_document
from gosellr.core.errors import NotFound
from gosellr.core.transact import ask
from gosellr.flows import disputes
from gosellr.flows.disputes import OpenedDispute, SentFile
from gosellr.models.dispute_values import DisputeFolder
from gosellr.models.proposal_values import Proposal
from gosellr.services import dispute_preview, dispute_questions, idempotency_service
from gosellr.services.dispute_questions import DisputeFilters
from gosellr.services.idempotency_service import RequestKey
from gosellr.utils.permissions import Permission
from gosellr.utils.viewer import Viewer

router = Room(prefix="/disputes", tags=["disputes"])

_CHUNK_BYTES = 1 << 20
# Only to those who may read the case, and nothing in it may ever run.
_FILE_HEADERS = {
    "Cache-Control": "private, no-store",
    "Content-Security-Policy": "default-src 'none'; sandbox",
    "X-Content-Type-Options": "nosniff",
}
_FILE_TYPES = ("image/jpeg", "image/png", "image/webp", "application/pdf")

MayRead = Annotated[Viewer, allow(Permission.DISPUTE_READ)]
MayDecide = Annotated[Viewer, allow(Permission.DISPUTE_DECIDE)]
MaySay = Annotated[Viewer, allow(Permission.DISPUTE_MESSAGE)]


@router.post(
    "",
    operation_id="create_dispute",
    status_code=201,
    responses={201: {"model": DisputeOut}, **problems(400, 401, 403, 404, 409, 422, 429)},
)
async def create_dispute(
    *,
    body: DisputeCreate,
    request: Request,
    viewer: Annotated[Viewer, allow(Permission.DISPUTE_CREATE)],
    market: Market,
    idempotency_key: IdempotencyKey = None,
) -> Response:
    """Open a case on a line of one's own order; the seller's money for it is frozen at once.

    Nothing arrived: once it should have. Something is wrong with it: after it came.
    """
    key = idempotency_service.request_key(
        caller=caller_of(viewer),
        route="create_dispute",
        key=idempotency_key,
        body=await request.body(),
    )
    opened = await disputes.open_dispute(
        market.disputes, viewer=viewer, request=body.request(), key=key
    )
    headers = {"Idempotency-Replayed": "true"} if opened.replayed else None
    return answer(_document(opened.folder, viewer), status=201, headers=headers)


@router.get(
    "",
    operation_id="list_disputes",
    responses={200: {"model": DisputePageOut}, **problems(401, 403, 422)},
)
async def list_disputes(
    filters: Annotated[DisputeListFilters, Query()], viewer: MayRead, market: Market
) -> Response:
    """The cases that the caller has a part in, or all for operators and support, newest first."""
    page = await ask(
        market.db,
        dispute_questions.list_cases,
        viewer=viewer,
        filters=DisputeFilters(
            status=filters.status,
            seller_id=filters.seller_id,
            order_id=filters.order_id,
            kind=filters.kind,
        ),
        cursor=filters.cursor,
        limit=filters.limit,
    )
    items = [
        listed_document(
            one,
            actions=dispute_questions.actions_of(
                viewer, dispute=one.dispute, is_buyer=one.is_buyer
            ),
            sees_money=dispute_questions.sees_money(viewer, one.dispute),
        )
        for one in page.items
    ]
    return answer({"items": items, "next_cursor": page.next_cursor})


@router.get(
    "/{dispute_id}",
    operation_id="get_dispute",
    responses={200: {"model": DisputeOut}, **problems(401, 403, 404, 422)},
)
async def get_dispute(dispute_id: UUID, viewer: MayRead, market: Market) -> Response:
    """A case with all that was said, handed in and done, and what the caller may do with it."""
    folder = await disputes.find(market.disputes, viewer=viewer, dispute_id=dispute_id)
    return answer(_document(folder, viewer))


@router.get(
    "/{dispute_id}/export",
    operation_id="export_dispute",
    responses={200: {"model": DisputeOut}, **problems(401, 403, 404, 422)},
)
async def export_dispute(dispute_id: UUID, viewer: MayRead, market: Market) -> Response:
    """The same as a file to be kept."""
    folder = await disputes.find(market.disputes, viewer=viewer, dispute_id=dispute_id)
    name = f'attachment; filename="dispute-{dispute_id}.json"'
    return answer(_document(folder, viewer), headers={"Content-Disposition": name})


@router.post(
    "/{dispute_id}/messages",
    operation_id="create_dispute_message",
    status_code=201,
    responses={201: {"model": DisputeOut}, **problems(400, 401, 403, 404, 409, 422)},
)
async def create_dispute_message(
    dispute_id: UUID, body: DisputeMessageCreate, viewer: MaySay, market: Market
) -> Response:
    """Say something. A seller's `answer` passes the question on: to the buyer, who may contest it
    in time, or in a chargeback to the bank."""
    folder = await disputes.say(
        market.disputes,
        viewer=viewer,
        dispute_id=dispute_id,
        body=body.body,
        is_answer=body.answer,
    )
    return answer(_document(folder, viewer), status=201)


@router.post(
    "/{dispute_id}/evidence",
    operation_id="create_dispute_evidence",
    status_code=201,
    responses={201: {"model": DisputeOut}, **problems(400, 401, 403, 404, 409, 413, 422)},
)
async def create_dispute_evidence(
    dispute_id: UUID,
    file: Annotated[UploadFile, File(description="JPEG, PNG, WebP or PDF, up to 10 MiB")],
    viewer: MaySay,
    market: Market,
) -> Response:
    """Hand a file in. Only the case's parties and the market's people can read it; the same file
    twice is kept once."""
    folder, _ = await disputes.add_evidence(
        market.disputes,
        viewer=viewer,
        dispute_id=dispute_id,
        sent=SentFile(content=_chunks(file), declared_type=file.content_type, name=file.filename),
    )
    return answer(_document(folder, viewer), status=201)


async def _chunks(file: UploadFile) -> AsyncIterator[bytes]:
    while chunk := await file.read(_CHUNK_BYTES):
        yield chunk


@router.get(
    "/{dispute_id}/evidence/{file_id}",
    operation_id="get_dispute_evidence",
    response_class=Response,
    responses={
        200: {"content": {kind: {} for kind in _FILE_TYPES}, "description": "The file"},
        **problems(401, 403, 404, 422),
    },
)
async def get_dispute_evidence(
    dispute_id: UUID, file_id: UUID, viewer: MayRead, market: Market
) -> Response:
    """A file of a case, to be saved."""
    file = await ask(
        market.db,
        dispute_questions.find_file,
        viewer=viewer,
        dispute_id=dispute_id,
        file_id=file_id,
    )
    opened = await market.files.open(file.storage_key)
    if opened is None:
        raise NotFound
    with opened:
        content = await asyncio.to_thread(opened.read)
    name = f'attachment; filename="evidence-{file_id}"'
    return Response(
        content,
        media_type=file.content_type,
        headers={**_FILE_HEADERS, "Content-Disposition": name},
    )


@router.post(
    "/{dispute_id}/accept",
    operation_id="accept_dispute",
    responses={200: {"model": DisputeOut}, **problems(400, 401, 403, 404, 409, 422)},
)
async def accept_dispute(
    *,
    dispute_id: UUID,
    request: Request,
    viewer: Annotated[Viewer, allow(Permission.DISPUTE_ACCEPT)],
    market: Market,
    idempotency_key: IdempotencyKey = None,
) -> Response:
    """Give in: a seller refunds all of it, a buyer takes the case back. In a chargeback, a seller
    hands no evidence in."""
    key = await _key(request, viewer, f"accept_dispute:{dispute_id}", idempotency_key)
    return _done(
        await disputes.accept_once(market.disputes, viewer=viewer, dispute_id=dispute_id, key=key),
        viewer,
    )


@router.post(
    "/{dispute_id}/escalate",
    operation_id="escalate_dispute",
    responses={200: {"model": DisputeOut}, **problems(400, 401, 403, 404, 409, 422)},
)
async def escalate_dispute(
    dispute_id: UUID,
    body: DisputeEscalation,
    viewer: Annotated[Viewer, allow(Permission.DISPUTE_ESCALATE)],
    market: Market,
) -> Response:
    """Ask an operator: to decide, or after a decision to look once more, which either side may
    do once and in time."""
    folder = await disputes.escalate(
        market.disputes, viewer=viewer, dispute_id=dispute_id, reason=body.reason
    )
    return answer(_document(folder, viewer))


@router.post(
    "/{dispute_id}/preview",
    operation_id="preview_decision",
    responses={200: {"model": AwardPreviewOut}, **problems(400, 401, 403, 404, 409, 422)},
)
async def preview_decision(
    dispute_id: UUID, body: DisputePreview, viewer: MayDecide, market: Market
) -> Response:
    """What a decision would take from whom, once it is final; nothing happens."""
    preview = await ask(
        market.db,
        dispute_preview.preview_award,
        viewer=viewer,
        dispute_id=dispute_id,
        award=body.award(),
        policy=market.policy,
    )
    return answer(award_document(preview))


@router.post(
    "/{dispute_id}/decide",
    operation_id="decide_dispute",
    responses={
        200: {"model": DisputeOut},
        202: {"model": ProposalOut, "description": PROPOSED},
        **problems(400, 401, 403, 404, 409, 422),
    },
)
async def decide_dispute(
    *,
    dispute_id: UUID,
    body: DisputeDecision,
    request: Request,
    viewer: MayDecide,
    market: Market,
    idempotency_key: IdempotencyKey = None,
) -> Response:
    """Award the buyer any part of what the case is about. It may be appealed once; then the
    award is refunded out of the frozen money, and the rest is the seller's again.

    What gives the buyer more than `GOSELLR_REFUND_APPROVAL_OVER`, with all that operators alone
    have given back of this order, is proposed (202). It is decided, and may be appealed, from
    when another operator approves that; the case goes on meanwhile."""
    key = await _key(request, viewer, f"decide_dispute:{dispute_id}", idempotency_key)
    decided = await disputes.decide_once(
        market.disputes, viewer=viewer, dispute_id=dispute_id, award=body.award(), key=key
    )
    if isinstance(decided, Proposal):
        return answer(proposal_document(decided), status=202)
    return _done(decided, viewer)


async def _key(request: Request, viewer: Viewer, route: str, key: str | None) -> RequestKey:
    return idempotency_service.request_key(
        caller=caller_of(viewer), route=route, key=key, body=await request.body()
    )


def _done(done: OpenedDispute, viewer: Viewer) -> Response:
    headers = {"Idempotency-Replayed": "true"} if done.replayed else None
    return answer(_document(done.folder, viewer), headers=headers)


def _document(folder: DisputeFolder, viewer: Viewer) -> Document:
    return dispute_document(
        folder,
        actions=dispute_questions.actions_of(
            viewer, dispute=folder.dispute, is_buyer=folder.is_buyer
        ),
        sees_money=dispute_questions.sees_money(viewer, folder.dispute),
        sees_everything=viewer.sees_everything,
    )
