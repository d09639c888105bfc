"""Sellers: registering, profiles, decisions about them, and the people who act for them."""

from dataclasses import asdict
from typing import Annotated, Any
from uuid import UUID

from fastapi import Query, Request, Response

from gosellr.api.answers import answer, nothing
from gosellr.api.deps import IfMatch, Market, allow
from gosellr.api.limits import MEMBERS_PER_CALLER, REGISTER_SELLER_PER_CALLER, count_attempt
from gosellr.api.room import Room
from gosellr.api.schemas.common import problems
from gosellr.api.schemas.proposals import PROPOSED, ProposalOut, proposal_document
from gosellr.api.schemas.sellers import (
    MemberAdd,
    MemberChange,
    MemberListOut,
    MemberOut,
    SellerDecision,
    SellerFilters,
    SellerListOut,
    SellerOut,
    SellerRegister,
    SellerUpdate,
)
from gosellr.core.transact import ask, transact
from gosellr.models.proposal_values import Proposal
from gosellr.services import seller_member_service, seller_service
from gosellr.services.seller_service import SellerStep
from gosellr.utils.permissions import Permission
from gosellr.utils.viewer import Viewer

router = Room(prefix="/sellers", tags=["sellers"])

_SELLER: dict[int | str, dict[str, Any]] = {200: {"model": SellerOut}}
_DECIDED = {**_SELLER, **problems(401, 403, 404, 409, 422)}


@router.post(
    "/register",
    operation_id="register_seller",
    status_code=201,
    responses={201: {"model": SellerOut}, **problems(400, 401, 403, 422, 429)},
)
async def register_seller(
    body: SellerRegister,
    request: Request,
    viewer: Annotated[Viewer, allow(Permission.SELLER_REGISTER)],
    market: Market,
) -> Response:
    """Apply to sell. Whoever applies is the owner, and a seller from the next request on."""
    await count_attempt(request, (REGISTER_SELLER_PER_CALLER, str(viewer.user_id)))
    document = await transact(
        market.db,
        seller_service.register_seller,
        viewer=viewer,
        name=body.name,
        legal_name=body.legal_name,
        email=body.email,
        country=body.country,
        description=body.description,
        approval=market.settings.seller_approval,
        now=market.clock.now(),
    )
    return answer(document, status=201)


@router.get(
    "/",
    operation_id="list_sellers",
    responses={200: {"model": SellerListOut}, **problems(401, 403, 422)},
)
async def list_sellers(
    filters: Annotated[SellerFilters, Query()],
    viewer: Annotated[Viewer, allow(Permission.SELLER_READ)],
    market: Market,
) -> Response:
    """Sellers on sale, newest first; operators and support see the others as well."""
    page = await ask(
        market.db,
        seller_service.list_sellers,
        viewer=viewer,
        status=filters.status,
        words=filters.q,
        cursor=filters.cursor,
        limit=filters.limit,
    )
    return answer({"items": page.items, "next_cursor": page.next_cursor})


@router.get(
    "/{seller_id}",
    operation_id="get_seller",
    responses={**_SELLER, **problems(401, 404, 422)},
)
async def get_seller(
    seller_id: UUID,
    viewer: Annotated[Viewer, allow(Permission.SELLER_READ)],
    market: Market,
) -> Response:
    """One seller."""
    return answer(
        await ask(market.db, seller_service.find_seller, viewer=viewer, seller_id=seller_id)
    )


@router.put(
    "/{seller_id}",
    operation_id="update_seller",
    responses={**_SELLER, **problems(400, 401, 403, 404, 409, 422)},
)
async def update_seller(
    seller_id: UUID,
    body: SellerUpdate,
    version: IfMatch,
    viewer: Annotated[Viewer, allow(Permission.SELLER_UPDATE)],
    market: Market,
) -> Response:
    """Change a seller's profile; its slug stays, so that links to it do."""
    document = await transact(
        market.db,
        seller_service.update_seller,
        viewer=viewer,
        seller_id=seller_id,
        changes=body.changes(),
        version=body.version if body.version is not None else version,
        now=market.clock.now(),
    )
    return answer(document)


async def _move(
    step: SellerStep, seller_id: UUID, body: SellerDecision | None, viewer: Viewer, market: Market
) -> Response:
    document = await transact(
        market.db,
        seller_service.move_seller,
        viewer=viewer,
        seller_id=seller_id,
        step=step,
        reason=body.reason if body else None,
        now=market.clock.now(),
    )
    return answer(document)


@router.post("/{seller_id}/approve", operation_id="approve_seller", responses=_DECIDED)
async def approve_seller(
    seller_id: UUID,
    viewer: Annotated[Viewer, allow(Permission.SELLER_APPROVE)],
    market: Market,
    body: SellerDecision | None = None,
) -> Response:
    """Admit a seller to the market."""
    return await _move(SellerStep.APPROVE, seller_id, body, viewer, market)


@router.post("/{seller_id}/reject", operation_id="reject_seller", responses=_DECIDED)
async def reject_seller(
    seller_id: UUID,
    viewer: Annotated[Viewer, allow(Permission.SELLER_REJECT)],
    market: Market,
    body: SellerDecision | None = None,
) -> Response:
    """Turn an application down, and say why."""
    return await _move(SellerStep.REJECT, seller_id, body, viewer, market)


@router.post("/{seller_id}/suspend", operation_id="suspend_seller", responses=_DECIDED)
async def suspend_seller(
    seller_id: UUID,
    viewer: Annotated[Viewer, allow(Permission.SELLER_SUSPEND)],
    market: Market,
    body: SellerDecision | None = None,
) -> Response:
    """Take a seller and all of its offers off the market, and say why."""
    return await _move(SellerStep.SUSPEND, seller_id, body, viewer, market)


@router.post("/{seller_id}/reinstate", operation_id="reinstate_seller", responses=_DECIDED)
async def reinstate_seller(
    seller_id: UUID,
    viewer: Annotated[Viewer, allow(Permission.SELLER_REINSTATE)],
    market: Market,
    body: SellerDecision | None = None,
) -> Response:
    """Put a suspended seller back, with the offers that are active."""
    return await _move(SellerStep.REINSTATE, seller_id, body, viewer, market)


@router.get(
    "/{seller_id}/members",
    operation_id="list_members",
    responses={200: {"model": MemberListOut}, **problems(401, 403, 404, 422)},
)
async def list_members(
    seller_id: UUID,
    viewer: Annotated[Viewer, allow(Permission.MEMBER_READ)],
    market: Market,
) -> Response:
    """Everybody who acts for a seller."""
    members = await ask(
        market.db, seller_member_service.list_members, viewer=viewer, seller_id=seller_id
    )
    return answer({"items": [asdict(member) for member in members], "next_cursor": None})


@router.post(
    "/{seller_id}/members",
    operation_id="add_member",
    status_code=201,
    responses={
        201: {"model": MemberOut},
        202: {"model": ProposalOut, "description": PROPOSED},
        **problems(400, 401, 403, 404, 409, 422, 429),
    },
)
async def add_member(
    seller_id: UUID,
    body: MemberAdd,
    request: Request,
    viewer: Annotated[Viewer, allow(Permission.MEMBER_WRITE)],
    market: Market,
) -> Response:
    """Let somebody who has an account act for a seller. An owner whom an operator names is
    proposed (202), for another operator to approve."""
    await count_attempt(request, (MEMBERS_PER_CALLER, str(viewer.user_id)))
    member = await transact(
        market.db,
        seller_member_service.add_member,
        viewer=viewer,
        seller_id=seller_id,
        email=body.email,
        role=body.role,
        now=market.clock.now(),
    )
    return _member(member, status=201)


@router.patch(
    "/{seller_id}/members/{user_id}",
    operation_id="change_member",
    responses={
        200: {"model": MemberOut},
        202: {"model": ProposalOut, "description": PROPOSED},
        **problems(400, 401, 403, 404, 409, 422),
    },
)
async def change_member(
    seller_id: UUID,
    user_id: UUID,
    body: MemberChange,
    viewer: Annotated[Viewer, allow(Permission.MEMBER_WRITE)],
    market: Market,
) -> Response:
    """Give a member another role. An owner whom an operator names is proposed (202)."""
    member = await transact(
        market.db,
        seller_member_service.change_member,
        viewer=viewer,
        seller_id=seller_id,
        user_id=user_id,
        role=body.role,
        now=market.clock.now(),
    )
    return _member(member)


@router.delete(
    "/{seller_id}/members/{user_id}",
    operation_id="remove_member",
    status_code=204,
    responses=problems(401, 403, 404, 409, 422),
)
async def remove_member(
    seller_id: UUID,
    user_id: UUID,
    viewer: Annotated[Viewer, allow(Permission.MEMBER_WRITE)],
    market: Market,
) -> Response:
    """Let somebody act for a seller no more."""
    await transact(
        market.db,
        seller_member_service.remove_member,
        viewer=viewer,
        seller_id=seller_id,
        user_id=user_id,
        now=market.clock.now(),
    )
    return nothing()


def _member(found: Any, *, status: int = 200) -> Response:
    """A member, or the proposal of one that waits for a second person."""
    if isinstance(found, Proposal):
        return answer(proposal_document(found), status=202)
    return answer(asdict(found), status=status)
