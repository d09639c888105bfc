"""The reconciliation inbox: providers' movements, matched by themselves or explained by people."""

from typing import Annotated
from uuid import UUID

from fastapi import File, Form, Query, Response, UploadFile

from gosellr.api.answers import answer
from gosellr.api.deps import Market, allow
from gosellr.api.room import Room
from gosellr.api.schemas.common import problems
from gosellr.api.schemas.proposals import PROPOSED, ProposalOut, proposal_document
from gosellr.api.schemas.reconciliation import (
    GatewayName,
    MovementResolve,
    MovementsImport,
    MovementsPull,
    ProviderMovementFilters,
    ProviderMovementOut,
    ProviderMovementPageOut,
    ReconciliationOut,
    StatementOut,
    StatementsOut,
    SuspenseClear,
    movement_document,
    standing_document,
    statement_document,
)
from gosellr.core.transact import ask, transact
from gosellr.flows import reconciliation, told_files
from gosellr.models.proposal_values import Proposal
from gosellr.models.reconciliation_values import NewMovement
from gosellr.resources import Resources
from gosellr.services import (
    reconciliation_questions,
    reconciliation_service,
    transfer_proposals,
)
from gosellr.utils.permissions import Permission
from gosellr.utils.reconciliation import Resolution
from gosellr.utils.viewer import Viewer

router = Room(prefix="/reconciliation", tags=["reconciliation"])

MayRead = Annotated[Viewer, allow(Permission.RECONCILIATION_READ)]
MayRun = Annotated[Viewer, allow(Permission.RECONCILIATION_RUN)]
MayDecide = Annotated[Viewer, allow(Permission.RECONCILIATION_DECIDE)]


@router.get(
    "",
    operation_id="get_reconciliation",
    responses={200: {"model": ReconciliationOut}, **problems(401, 403)},
)
async def get_reconciliation(_viewer: MayRead, market: Market) -> Response:
    """Each provider's figures beside ours: its balance, our clearing, what waits and is missing."""
    found = await ask(market.db, reconciliation_questions.standing, now=market.clock.now())
    return answer({"items": [standing_document(one) for one in found]})


@router.post(
    "/imports",
    operation_id="import_movements",
    status_code=201,
    responses={201: {"model": StatementOut}, **problems(400, 401, 403, 409, 422)},
)
async def import_movements(body: MovementsImport, viewer: MayRun, market: Market) -> Response:
    """Import movements; each counts once by its reference, however often it is told."""
    return await _imported(
        market, viewer, gateway=body.gateway, movements=[one.as_value() for one in body.movements]
    )


@router.post(
    "/documents",
    operation_id="import_movement_document",
    status_code=201,
    responses={201: {"model": StatementOut}, **problems(400, 401, 403, 409, 413, 422)},
)
async def import_movement_document(
    gateway: Annotated[GatewayName, Form()],
    file: Annotated[UploadFile, File(description="CSV in UTF-8")],
    viewer: MayRun,
    market: Market,
) -> Response:
    """Import a provider's report: Stripe's itemised balance changes or PayPal's settlement report
    as they are, or a table. Its columns: `reference, kind, amount, currency, occurred_at`, and
    where there are any `fee, key, related`; amounts in decimals, signed as the balance moved."""
    movements = told_files.movements_of(
        await file.read(), gateway=gateway, gateways=market.gateways
    )
    return await _imported(market, viewer, gateway=gateway, movements=movements)


@router.post(
    "/pull",
    operation_id="pull_movements",
    responses={200: {"model": StatementsOut}, **problems(400, 401, 403, 409, 422, 503)},
)
async def pull_movements(body: MovementsPull, viewer: MayRun, market: Market) -> Response:
    """Fetch a provider's movements by itself, where it lists them."""
    statements = await reconciliation.pull(
        market.db,
        gateways=market.gateways,
        gateway=body.gateway,
        viewer=viewer,
        now=market.clock.now(),
    )
    return answer({"items": [statement_document(one) for one in statements]})


@router.get(
    "/movements",
    operation_id="list_provider_movements",
    responses={200: {"model": ProviderMovementPageOut}, **problems(401, 403, 422)},
)
async def list_provider_movements(
    filters: Annotated[ProviderMovementFilters, Query()], _viewer: MayRead, market: Market
) -> Response:
    """Movements, newest first; `status=unmatched` is the inbox."""
    page = await ask(
        market.db,
        reconciliation_questions.list_movements,
        gateway=filters.gateway,
        status=filters.status,
        currency=filters.currency,
        suspended=filters.suspended,
        cursor=filters.cursor,
        limit=filters.limit,
    )
    items = [movement_document(one) for one in page.items]
    return answer({"items": items, "next_cursor": page.next_cursor})


@router.get(
    "/movements/{movement_id}",
    operation_id="get_provider_movement",
    responses={200: {"model": ProviderMovementOut}, **problems(401, 403, 404, 422)},
)
async def get_provider_movement(movement_id: UUID, _viewer: MayRead, market: Market) -> Response:
    """A movement as it stands."""
    found = await ask(market.db, reconciliation_questions.find_movement, movement_id=movement_id)
    return answer(movement_document(found))


@router.post(
    "/movements/{movement_id}/resolve",
    operation_id="resolve_movement",
    responses={200: {"model": ProviderMovementOut}, **problems(400, 401, 403, 404, 409, 422)},
)
async def resolve_movement(
    movement_id: UUID, body: MovementResolve, viewer: MayDecide, market: Market
) -> Response:
    """Say what an unmatched movement is, and book it; above the tolerance that is a proposal."""
    found = await transact(
        market.db,
        reconciliation_service.resolve,
        viewer=viewer,
        movement_id=movement_id,
        resolution=body.resolution,
        note=body.note,
        policy=market.policy,
        now=market.clock.now(),
    )
    return answer(movement_document(found))


@router.post(
    "/movements/{movement_id}/approve",
    operation_id="approve_movement",
    responses={200: {"model": ProviderMovementOut}, **problems(401, 403, 404, 409, 422)},
)
async def approve_movement(movement_id: UUID, viewer: MayDecide, market: Market) -> Response:
    """Let another's proposal stand, as a second person."""
    found = await transact(
        market.db,
        reconciliation_service.approve,
        viewer=viewer,
        movement_id=movement_id,
        now=market.clock.now(),
    )
    return answer(movement_document(found))


@router.post(
    "/movements/{movement_id}/reject",
    operation_id="reject_movement",
    responses={200: {"model": ProviderMovementOut}, **problems(401, 403, 404, 409, 422)},
)
async def reject_movement(movement_id: UUID, _viewer: MayDecide, market: Market) -> Response:
    """Drop a proposal; the movement waits again."""
    found = await transact(market.db, reconciliation_service.reject, movement_id=movement_id)
    return answer(movement_document(found))


@router.post(
    "/movements/{movement_id}/clear",
    operation_id="clear_suspense",
    responses={
        200: {"model": ProviderMovementOut},
        202: {"model": ProposalOut, "description": PROPOSED},
        **problems(400, 401, 403, 404, 409, 422),
    },
)
async def clear_suspense(
    movement_id: UUID, body: SuspenseClear, viewer: MayDecide, market: Market
) -> Response:
    """Say what it was that waited in suspense, as a second person. What went there by itself was
    nobody's word yet: above `GOSELLR_TRANSFER_APPROVAL_OVER` that is proposed (202)."""
    found = await transact(
        market.db,
        transfer_proposals.clear,
        viewer=viewer,
        movement_id=movement_id,
        resolution=Resolution(body.resolution),
        policy=market.policy,
        now=market.clock.now(),
    )
    if isinstance(found, Proposal):
        return answer(proposal_document(found), status=202)
    return answer(movement_document(found))


async def _imported(
    market: Resources, viewer: Viewer, *, gateway: str, movements: list[NewMovement]
) -> Response:
    statement = await reconciliation.import_told(
        market.db,
        gateways=market.gateways,
        gateway=gateway,
        movements=movements,
        viewer=viewer,
        now=market.clock.now(),
    )
    return answer(statement_document(statement), status=201)
