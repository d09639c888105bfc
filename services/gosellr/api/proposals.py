"""Proposals: what one operator wants and another approves or rejects."""

from typing import Annotated
from uuid import UUID

from fastapi import Query, Response

from gosellr.api.answers import answer
from gosellr.api.deps import Market, allow
from gosellr.api.room import Room
from gosellr.api.schemas.common import problems
from gosellr.api.schemas.proposals import (
    ProposalFilters,
    ProposalOut,
    ProposalPageOut,
    ProposalReason,
    proposal_document,
)
from gosellr.core.transact import ask, transact
from gosellr.flows import proposals
from gosellr.services import proposal_approval, proposal_service
from gosellr.utils.permissions import Permission
from gosellr.utils.viewer import Viewer

router = Room(prefix="/proposals", tags=["proposals"])

MayRead = Annotated[Viewer, allow(Permission.PROPOSAL_READ)]
MayDecide = Annotated[Viewer, allow(Permission.PROPOSAL_DECIDE)]


@router.get(
    "",
    operation_id="list_proposals",
    responses={200: {"model": ProposalPageOut}, **problems(401, 403, 422)},
)
async def list_proposals(
    filters: Annotated[ProposalFilters, Query()], _viewer: MayRead, market: Market
) -> Response:
    """What was proposed, newest first; `status=prepared` is what waits for a second person."""
    page = await ask(
        market.db,
        proposal_service.list_proposals,
        status=filters.status,
        kinds=None if filters.kind is None else [filters.kind],
        cursor=filters.cursor,
        limit=filters.limit,
    )
    items = [proposal_document(one) for one in page.items]
    return answer({"items": items, "next_cursor": page.next_cursor})


@router.get(
    "/{proposal_id}",
    operation_id="get_proposal",
    responses={200: {"model": ProposalOut}, **problems(401, 403, 404, 422)},
)
async def get_proposal(proposal_id: UUID, viewer: MayRead, market: Market) -> Response:
    """A proposal as it stands, and what stands against approving it, where that is known."""
    found = await ask(market.db, proposal_service.find, proposal_id=proposal_id)
    hindrance = await ask(
        market.db,
        proposal_approval.hindrance,
        held=found,
        viewer=viewer,
        policy=market.policy,
        now=market.clock.now(),
    )
    return answer(proposal_document(found, hindrance=hindrance))


@router.post(
    "/{proposal_id}/approve",
    operation_id="approve_proposal",
    responses={200: {"model": ProposalOut}, **problems(401, 403, 404, 409, 422)},
)
async def approve_proposal(proposal_id: UUID, viewer: MayDecide, market: Market) -> Response:
    """Do what another operator proposed. Nobody approves their own, or of their own shop."""
    found = await proposals.approve(
        market.transfers, market.payouts, market.refunds, viewer=viewer, proposal_id=proposal_id
    )
    return answer(proposal_document(found))


@router.post(
    "/{proposal_id}/reject",
    operation_id="reject_proposal",
    responses={200: {"model": ProposalOut}, **problems(400, 401, 403, 404, 409, 422)},
)
async def reject_proposal(
    proposal_id: UUID, body: ProposalReason, viewer: MayDecide, market: Market
) -> Response:
    """Turn down what another operator proposed, and say why."""
    found = await transact(
        market.db,
        proposal_service.reject,
        viewer=viewer,
        proposal_id=proposal_id,
        reason=body.reason,
        now=market.clock.now(),
    )
    return answer(proposal_document(found))
