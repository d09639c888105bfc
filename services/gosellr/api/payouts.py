"""Payouts: asked for by sellers, run, approved and called back by operators."""

from typing import Annotated
from uuid import UUID

from fastapi import Query, Request, Response

from gosellr.api.answers import answer, json_bytes
from gosellr.api.deps import Market, allow
from gosellr.api.orders import IdempotencyKey, caller_of
from gosellr.api.room import Room
from gosellr.api.schemas.common import PageFilters, problems
from gosellr.api.schemas.payouts import (
    PayoutBatchOut,
    PayoutCreate,
    PayoutEntryPageOut,
    PayoutForecastOut,
    PayoutListFilters,
    PayoutOut,
    PayoutPageOut,
    PayoutReason,
    PayoutRun,
    PayoutRunFilters,
    batch_document,
    entry_document,
    forecast_document,
    payout_document,
)
from gosellr.api.schemas.proposals import PROPOSED, ProposalOut, proposal_document
from gosellr.core.transact import ask
from gosellr.flows import payout_runs, payout_verdicts, payouts
from gosellr.flows.payouts import RequestedPayout
from gosellr.resources import Resources
from gosellr.services import idempotency_service, payout_forecast, payout_questions
from gosellr.services.idempotency_service import EarlierRequest, RequestKey
from gosellr.services.payout_questions import PayoutFilters
from gosellr.utils.permissions import Permission
from gosellr.utils.proposals import ProposalKind
from gosellr.utils.viewer import Viewer

router = Room(prefix="/payouts", tags=["payouts"])

MayRead = Annotated[Viewer, allow(Permission.PAYOUT_READ)]
MayApprove = Annotated[Viewer, allow(Permission.PAYOUT_APPROVE)]


@router.get(
    "",
    operation_id="list_payouts",
    responses={200: {"model": PayoutPageOut}, **problems(401, 403, 422)},
)
async def list_payouts(
    filters: Annotated[PayoutListFilters, Query()], viewer: MayRead, market: Market
) -> Response:
    """Payouts of the caller's shops, or all for operators and support, newest first."""
    page = await ask(
        market.db,
        payout_questions.list_payouts,
        viewer=viewer,
        filters=PayoutFilters(
            seller_id=filters.seller_id,
            status=filters.status,
            currency=filters.currency,
            batch_id=filters.batch_id,
        ),
        cursor=filters.cursor,
        limit=filters.limit,
    )
    items = [payout_document(one) for one in page.items]
    return answer({"items": items, "next_cursor": page.next_cursor})


@router.post(
    "",
    operation_id="create_payout",
    status_code=201,
    responses={201: {"model": PayoutOut}, **problems(400, 401, 403, 404, 409, 422)},
)
async def create_payout(
    *,
    body: PayoutCreate,
    request: Request,
    viewer: Annotated[Viewer, allow(Permission.PAYOUT_CREATE)],
    market: Market,
    idempotency_key: IdempotencyKey = None,
) -> Response:
    """Pay a seller all that is available to it in a currency.

    `status` says how far that went; above the market's limit it waits for an operator.
    """
    key = await _key(request, viewer, "create_payout", idempotency_key)
    requested = await payouts.request_payout(
        market.payouts,
        viewer=viewer,
        seller_id=body.seller_id,
        currency=body.currency,
        key=key,
    )
    return await _requested(market, requested, key=key)


@router.post(
    "/run",
    operation_id="run_payouts",
    responses={200: {"model": PayoutBatchOut}, **problems(400, 401, 403, 409, 422)},
)
async def run_payouts(
    *,
    body: PayoutRun,
    request: Request,
    viewer: MayApprove,
    market: Market,
    idempotency_key: IdempotencyKey = None,
) -> Response:
    """Pay every seller with something available, whatever their schedules say."""
    key = await _key(request, viewer, "run_payouts", idempotency_key)
    batch = await payout_runs.run_batch(
        market.payouts, viewer=viewer, currency=body.currency, key=key
    )
    if isinstance(batch, EarlierRequest):
        return _stored(batch)
    return await _kept(market, json_bytes(batch_document(batch)), key=key, status=200)


@router.get(
    "/run/preview",
    operation_id="preview_payout_run",
    responses={200: {"model": PayoutForecastOut}, **problems(401, 403, 422)},
)
async def preview_payout_run(
    filters: Annotated[PayoutRunFilters, Query()], viewer: MayApprove, market: Market
) -> Response:
    """What a run would pay now, and what would stay, and why; nothing happens."""
    forecast = await ask(
        market.db,
        payout_forecast.foresee,
        viewer=viewer,
        currency=filters.currency,
        sellers_max=payout_runs.BATCH_SELLERS_MAX,
        policy=market.policy,
        now=market.clock.now(),
    )
    return answer(forecast_document(forecast))


@router.get(
    "/{payout_id}",
    operation_id="get_payout",
    responses={200: {"model": PayoutOut}, **problems(401, 403, 404, 422)},
)
async def get_payout(payout_id: UUID, viewer: MayRead, market: Market) -> Response:
    """A payout as it stands."""
    payout = await ask(market.db, payout_questions.find_payout, viewer=viewer, payout_id=payout_id)
    return answer(payout_document(payout))


@router.get(
    "/{payout_id}/entries",
    operation_id="list_payout_entries",
    responses={200: {"model": PayoutEntryPageOut}, **problems(401, 403, 404, 422)},
)
async def list_payout_entries(
    payout_id: UUID,
    filters: Annotated[PageFilters, Query()],
    viewer: MayRead,
    market: Market,
) -> Response:
    """The movements that a payout pays out, debits included; they sum to its amount."""
    page = await ask(
        market.db,
        payout_questions.list_entries,
        viewer=viewer,
        payout_id=payout_id,
        cursor=filters.cursor,
        limit=filters.limit,
    )
    items = [entry_document(one) for one in page.items]
    return answer({"items": items, "next_cursor": page.next_cursor})


@router.post(
    "/{payout_id}/approve",
    operation_id="approve_payout",
    responses={200: {"model": PayoutOut}, **problems(401, 403, 404, 409, 422)},
)
async def approve_payout(payout_id: UUID, viewer: MayApprove, market: Market) -> Response:
    """Let a large payout go, as a second person: never one that the caller asked for."""
    payout = await payouts.approve_payout(market.payouts, viewer=viewer, payout_id=payout_id)
    return answer(payout_document(payout))


@router.post(
    "/{payout_id}/cancel",
    operation_id="cancel_payout",
    responses={200: {"model": PayoutOut}, **problems(400, 401, 403, 404, 409, 422)},
)
async def cancel_payout(
    payout_id: UUID,
    body: PayoutReason,
    viewer: Annotated[Viewer, allow(Permission.PAYOUT_CANCEL)],
    market: Market,
) -> Response:
    """Call back a payout that waits for approval; its money is available again."""
    payout = await payouts.cancel_payout(
        market.payouts, viewer=viewer, payout_id=payout_id, reason=body.reason
    )
    return answer(payout_document(payout))


@router.post(
    "/{payout_id}/never-sent",
    operation_id="deny_payout",
    status_code=202,
    responses={
        202: {"model": ProposalOut, "description": PROPOSED},
        **problems(400, 401, 403, 404, 409, 422),
    },
)
async def deny_payout(
    payout_id: UUID, body: PayoutReason, viewer: MayApprove, market: Market
) -> Response:
    """Say that a payout without an answer (`unknown`) was never sent, and how you know.

    Its provider is asked, and has to know nothing of it, now and when another operator approves
    the proposal; then it fails, and its money is available again.
    """
    return await _said(
        market, viewer, payout_id, kind=ProposalKind.PAYOUT_NEVER_SENT, reason=body.reason
    )


@router.post(
    "/{payout_id}/was-paid",
    operation_id="affirm_payout",
    status_code=202,
    responses={
        202: {"model": ProposalOut, "description": PROPOSED},
        **problems(400, 401, 403, 404, 409, 422),
    },
)
async def affirm_payout(
    payout_id: UUID, body: PayoutReason, viewer: MayApprove, market: Market
) -> Response:
    """Say that a payout without an answer (`unknown`) was paid, and how you know.

    Its provider is asked, and must not say itself what became of it, now and when another operator
    approves the proposal; then it is booked as paid.
    """
    return await _said(
        market, viewer, payout_id, kind=ProposalKind.PAYOUT_WAS_PAID, reason=body.reason
    )


async def _said(
    market: Resources, viewer: Viewer, payout_id: UUID, *, kind: ProposalKind, reason: str
) -> Response:
    made = await payout_verdicts.propose(
        market.payouts, viewer=viewer, payout_id=payout_id, kind=kind, reason=reason
    )
    return answer(proposal_document(made), status=202)


@router.post(
    "/{payout_id}/retry",
    operation_id="retry_payout",
    status_code=201,
    responses={201: {"model": PayoutOut}, **problems(400, 401, 403, 404, 409, 422)},
)
async def retry_payout(
    *,
    payout_id: UUID,
    request: Request,
    viewer: Annotated[Viewer, allow(Permission.PAYOUT_RETRY)],
    market: Market,
    idempotency_key: IdempotencyKey = None,
) -> Response:
    """Make a new payout in place of one that failed: of all that is available by now.

    One that has no answer yet is asked after by itself.
    """
    key = await _key(request, viewer, f"retry_payout:{payout_id}", idempotency_key)
    requested = await payouts.retry_payout(
        market.payouts, viewer=viewer, payout_id=payout_id, key=key
    )
    return await _requested(market, requested, key=key)


async def _key(request: Request, viewer: Viewer, route: str, key: str | None) -> RequestKey:
    return idempotency_service.request_key(
        caller=caller_of(viewer), route=route, key=key, body=await request.body()
    )


async def _requested(market: Resources, requested: RequestedPayout, *, key: RequestKey) -> Response:
    if requested.payout is None:
        return _stored(requested.answered)
    content = json_bytes(payout_document(requested.payout))
    return await _kept(market, content, key=key, status=201)


async def _kept(market: Resources, content: bytes, *, key: RequestKey, status: int) -> Response:
    await payouts.keep_answer(market.payouts, key=key, status=status, body=content)
    return answer(content, status=status)


def _stored(earlier: EarlierRequest | None) -> Response:
    """The first answer to the same request."""
    if earlier is None:
        raise ValueError("neither a payout nor an earlier answer")
    return Response(
        earlier.body,
        status_code=earlier.status or 201,
        media_type="application/json",
        headers={"Cache-Control": "no-store", "Idempotency-Replayed": "true"},
    )
