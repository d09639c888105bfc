"""The category tree: read by everybody, changed by operators."""

from typing import Annotated, cast
from urllib.parse import quote
from uuid import UUID

from fastapi import Path, Query, Request, Response

from gosellr.api.answers import answer, catalogue_answer, nothing, page_bytes
from gosellr.api.deps import IfMatch, Market, allow
from gosellr.api.kept_answers import keeper_of
from gosellr.api.room import Room
from gosellr.api.schemas.categories import (
    CategoryCreate,
    CategoryDelete,
    CategoryFilters,
    CategoryListOut,
    CategoryOut,
    CategoryUpdate,
)
from gosellr.api.schemas.common import problems
from gosellr.core.transact import ask, transact
from gosellr.models.catalogue_names import CARDS, CATEGORIES
from gosellr.services import category_service
from gosellr.services.category_service import CategoryChanges
from gosellr.utils.permissions import Permission
from gosellr.utils.viewer import Viewer

router = Room(prefix="/categories", tags=["categories"])

# The router finds no path behind the end of a line.
Reference = Annotated[str, Path(pattern=r"^[^\n]+$", examples=["home/lamps"])]


@router.get(
    "",
    operation_id="list_categories",
    responses={200: {"model": CategoryListOut}, 304: {}, **problems(401, 422)},
)
async def list_categories(
    request: Request,
    filters: Annotated[CategoryFilters, Query()],
    _viewer: Annotated[Viewer, allow(Permission.CATEGORY_READ)],
    market: Market,
) -> Response:
    """Categories by path, parents before their children, with what they ask of products."""
    keeper = keeper_of(request, CARDS, CATEGORIES)
    items, next_cursor = await ask(
        market.db,
        category_service.list_categories,
        parent_id=filters.parent_id,
        cursor=filters.cursor,
        limit=filters.limit,
    )
    return catalogue_answer(request, page_bytes(items, next_cursor), keeper=keeper)


@router.get(
    "/{reference:path}",
    operation_id="get_category",
    responses={
        200: {"model": CategoryOut},
        301: {"description": "It moved: `Location` names its path of now"},
        304: {},
        **problems(401, 404, 422),
    },
)
async def get_category(
    request: Request,
    reference: Reference,
    _viewer: Annotated[Viewer, allow(Permission.CATEGORY_READ)],
    market: Market,
) -> Response:
    """A category by its id, or by its path such as `home/lamps`."""
    keeper = keeper_of(request, CARDS, CATEGORIES)
    found = await ask(market.db, category_service.category_document, reference=reference)
    if isinstance(found, str):
        target = request.url.path.removesuffix(reference) + quote(found)
        return Response(status_code=301, headers={"Location": target})
    return catalogue_answer(request, found, keeper=keeper, is_versioned=True)


@router.post(
    "",
    operation_id="create_category",
    status_code=201,
    responses={201: {"model": CategoryOut}, **problems(400, 401, 403, 409, 422)},
)
async def create_category(
    body: CategoryCreate,
    _viewer: Annotated[Viewer, allow(Permission.CATEGORY_WRITE)],
    market: Market,
) -> Response:
    """Add a category."""
    category_id = await transact(
        market.db,
        category_service.create_category,
        name=body.name,
        parent_id=body.parent_id,
        slug=body.slug,
        description=body.description,
        picture=body.picture,
        position=body.position,
        attributes=[attribute.rule() for attribute in body.attributes],
        now=market.clock.now(),
    )
    return await _answer(market, category_id, status=201)


@router.patch(
    "/{category_id}",
    operation_id="update_category",
    responses={200: {"model": CategoryOut}, **problems(400, 401, 403, 404, 409, 422)},
)
async def update_category(
    category_id: UUID,
    body: CategoryUpdate,
    version: IfMatch,
    _viewer: Annotated[Viewer, allow(Permission.CATEGORY_WRITE)],
    market: Market,
) -> Response:
    """Change or move a category; addresses of before keep leading to it and all below it."""
    changes = body.changes()
    if "attributes" in changes:
        changes["attributes"] = [attribute.rule() for attribute in body.attributes]
    await transact(
        market.db,
        category_service.update_category,
        category_id=category_id,
        changes=cast("CategoryChanges", changes),
        version=body.version if body.version is not None else version,
        now=market.clock.now(),
    )
    return await _answer(market, category_id)


@router.delete(
    "/{category_id}",
    operation_id="delete_category",
    status_code=204,
    responses=problems(401, 403, 404, 409, 422),
)
async def delete_category(
    category_id: UUID,
    _viewer: Annotated[Viewer, allow(Permission.CATEGORY_WRITE)],
    market: Market,
    filters: Annotated[CategoryDelete, Query()],
) -> Response:
    """Take a category away; what is in it goes to `move_to`, or the answer is 409."""
    await transact(
        market.db,
        category_service.delete_category,
        category_id=category_id,
        move_to=filters.move_to,
        now=market.clock.now(),
    )
    return nothing()


async def _answer(market: Market, category_id: UUID, *, status: int = 200) -> Response:
    document = await ask(market.db, category_service.category_document, reference=str(category_id))
    return answer(document, status=status)
