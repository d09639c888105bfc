"""What is kept back of sellers' money: operators' rules, and each seller's own holds."""

from typing import Annotated
from uuid import UUID

from fastapi import Query, Response

from gosellr.api.answers import answer, nothing
from gosellr.api.deps import Market, allow
from gosellr.api.room import Room
from gosellr.api.schemas.common import PageFilters, problems
from gosellr.api.schemas.reserves import (
    ReserveHoldPageOut,
    ReserveRuleChange,
    ReserveRuleCreate,
    ReserveRuleOut,
    ReserveRulePageOut,
    hold_document,
    rule_document,
)
from gosellr.core.transact import ask, transact
from gosellr.services import reserve_rule_service, reserve_service
from gosellr.utils.permissions import Permission
from gosellr.utils.viewer import Viewer

router = Room(tags=["reserves"])

MayWrite = Annotated[Viewer, allow(Permission.RESERVE_WRITE)]


@router.get(
    "/reserve-rules",
    operation_id="list_reserve_rules",
    responses={200: {"model": ReserveRulePageOut}, **problems(401, 403, 422)},
)
async def list_reserve_rules(
    filters: Annotated[PageFilters, Query()],
    _viewer: Annotated[Viewer, allow(Permission.RESERVE_READ)],
    market: Market,
) -> Response:
    """The rules, oldest first; also those to come, and those whose time is over."""
    page = await ask(
        market.db, reserve_rule_service.list_rules, cursor=filters.cursor, limit=filters.limit
    )
    items = [rule_document(one) for one in page.items]
    return answer({"items": items, "next_cursor": page.next_cursor})


@router.post(
    "/reserve-rules",
    operation_id="create_reserve_rule",
    status_code=201,
    responses={201: {"model": ReserveRuleOut}, **problems(400, 401, 403, 409, 422)},
)
async def create_reserve_rule(
    body: ReserveRuleCreate, viewer: MayWrite, market: Market
) -> Response:
    """Keep a part of sales back from their next release on."""
    listed = await transact(
        market.db,
        reserve_rule_service.create_rule,
        viewer=viewer,
        name=body.name,
        terms=body.terms(),
        now=market.clock.now(),
    )
    return answer(rule_document(listed), status=201)


@router.patch(
    "/reserve-rules/{rule_id}",
    operation_id="update_reserve_rule",
    responses={200: {"model": ReserveRuleOut}, **problems(400, 401, 403, 404, 409, 422)},
)
async def update_reserve_rule(
    rule_id: UUID, body: ReserveRuleChange, viewer: MayWrite, market: Market
) -> Response:
    """Change a rule for releases to come. What was kept back stays as it was decided."""
    listed = await transact(
        market.db,
        reserve_rule_service.change_rule,
        viewer=viewer,
        rule_id=rule_id,
        version=body.version,
        changes=body.values(),
        now=market.clock.now(),
    )
    return answer(rule_document(listed))


@router.delete(
    "/reserve-rules/{rule_id}",
    operation_id="delete_reserve_rule",
    status_code=204,
    responses=problems(401, 403, 404, 422),
)
async def delete_reserve_rule(rule_id: UUID, viewer: MayWrite, market: Market) -> Response:
    """Take a rule out of force."""
    await transact(
        market.db,
        reserve_rule_service.archive_rule,
        viewer=viewer,
        rule_id=rule_id,
        now=market.clock.now(),
    )
    return nothing()


@router.get(
    "/sellers/{seller_id}/reserves",
    operation_id="list_seller_reserves",
    responses={200: {"model": ReserveHoldPageOut}, **problems(401, 403, 404, 422)},
)
async def list_seller_reserves(
    seller_id: UUID,
    filters: Annotated[PageFilters, Query()],
    viewer: Annotated[Viewer, allow(Permission.BALANCE_READ)],
    market: Market,
) -> Response:
    """What is kept back of a seller sale by sale, the soonest free first, and by which rule."""
    page = await ask(
        market.db,
        reserve_service.list_holds,
        viewer=viewer,
        seller_id=seller_id,
        cursor=filters.cursor,
        limit=filters.limit,
    )
    items = [hold_document(one) for one in page.items]
    return answer({"items": items, "next_cursor": page.next_cursor})
