"""Products: what sellers list and everybody finds."""

import re
from typing import Annotated, Any
from uuid import UUID

from fastapi import Query, Request, Response

from gosellr.api.answers import answer, catalogue_answer, nothing, page_bytes
from gosellr.api.deps import IfMatch, Market, allow, market_of
from gosellr.api.kept_answers import SALES_SECONDS, keeper_of
from gosellr.api.room import Room
from gosellr.api.schemas.common import problems
from gosellr.api.schemas.product_answers import ProductListOut, ProductOut
from gosellr.api.schemas.products import (
    ProductCreate,
    ProductDecision,
    ProductFilters,
    ProductUpdate,
)
from gosellr.api.short_ways import STRANGER, ShortRoute, short_way
from gosellr.core.transact import ask, transact
from gosellr.models.catalogue_names import CARDS, CATALOGUE, product_name
from gosellr.services import product_edit_service, product_list_service, product_service
from gosellr.utils.permissions import Permission
from gosellr.utils.states import ProductStatus
from gosellr.utils.viewer import Viewer

router = Room(tags=["products"], route_class=ShortRoute)

_PRODUCT: dict[int | str, dict[str, Any]] = {200: {"model": ProductOut}}
_LIST: dict[int | str, dict[str, Any]] = {200: {"model": ProductListOut}, 304: {}}
_CANONICAL_ID = re.compile("[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
# Filters that take one value and have no other names.
_PLAIN = frozenset(
    {b"category", b"sort", b"limit", b"cursor", b"min_price", b"max_price", b"in_stock"}
)
_STEPPED = {**_PRODUCT, **problems(401, 403, 404, 409, 422)}


@router.post(
    "/products/create",
    operation_id="create_product",
    status_code=201,
    responses={201: {"model": ProductOut}, **problems(400, 401, 403, 404, 409, 422)},
)
async def create_product(
    body: ProductCreate,
    viewer: Annotated[Viewer, allow(Permission.PRODUCT_CREATE)],
    market: Market,
) -> Response:
    """List a product with its variants, prices and first stock."""
    created = await transact(
        market.db,
        product_service.create_product,
        viewer=viewer,
        draft=body.draft(),
        seller_id=body.seller_id,
        review=market.settings.product_review,
        now=market.clock.now(),
    )
    return await _answer(market, viewer, created.id, status=201)


async def _plain_list(request: Request) -> Response | None:
    query: bytes = request.scope["query_string"]
    pairs = [pair.partition(b"=")[::2] for pair in query.split(b"&")] if query else []
    asked = dict(pairs)
    # Once each, with a value, and as they stand.
    if len(asked) < len(pairs) or not asked.keys() <= _PLAIN or not all(asked.values()):
        return None
    if b"%" in query or b"+" in query:
        return None
    try:
        filters = ProductFilters.model_validate(
            {name.decode("ascii"): value.decode("ascii") for name, value in pairs}
        )
    except ValueError:
        return None
    return await _list(request, filters, STRANGER, market_of(request), seller=None)


@router.get(
    "/products/",
    operation_id="list_products",
    responses={**_LIST, **problems(401, 422)},
)
@short_way(_plain_list, permission=Permission.PRODUCT_READ)
async def list_products(
    request: Request,
    filters: Annotated[ProductFilters, Query()],
    viewer: Annotated[Viewer, allow(Permission.PRODUCT_READ)],
    market: Market,
) -> Response:
    """Products on sale as cards, found, narrowed and sorted; with `status` one's own."""
    return await _list(request, filters, viewer, market, seller=filters.seller)


@router.get(
    "/sellers/{seller_id}/products",
    operation_id="list_seller_products",
    responses={**_LIST, **problems(401, 422)},
)
async def list_seller_products(
    request: Request,
    seller_id: UUID,
    filters: Annotated[ProductFilters, Query()],
    viewer: Annotated[Viewer, allow(Permission.PRODUCT_READ)],
    market: Market,
) -> Response:
    """The products of one seller, with the filters of all product lists."""
    return await _list(request, filters, viewer, market, seller=str(seller_id))


async def _plain_product(request: Request) -> Response | None:
    product_id = request.path_params["product_id"]
    if request.scope["query_string"] or not _CANONICAL_ID.fullmatch(product_id):
        return None
    return await _product(request, UUID(product_id), STRANGER, market_of(request))


@router.get(
    "/products/{product_id}",
    operation_id="get_product",
    responses={**_PRODUCT, 304: {}, **problems(401, 404, 422)},
)
@short_way(_plain_product, permission=Permission.PRODUCT_READ)
async def get_product(
    request: Request,
    product_id: UUID,
    viewer: Annotated[Viewer, allow(Permission.PRODUCT_READ)],
    market: Market,
) -> Response:
    """A product with its variants, live stock, pictures and the offers of other sellers."""
    return await _product(request, product_id, viewer, market)


async def _product(request: Request, product_id: UUID, viewer: Viewer, market: Market) -> Response:
    keeper = keeper_of(request, product_name(product_id), CATALOGUE)
    document = await ask(
        market.db, product_service.product_document, viewer=viewer, product_id=product_id
    )
    return catalogue_answer(
        request, document, public=viewer.is_guest, keeper=keeper, is_versioned=True
    )


@router.put(
    "/products/{product_id}",
    operation_id="update_product",
    responses={**_PRODUCT, **problems(400, 401, 403, 404, 409, 422)},
)
async def update_product(
    product_id: UUID,
    body: ProductUpdate,
    version: IfMatch,
    viewer: Annotated[Viewer, allow(Permission.PRODUCT_UPDATE)],
    market: Market,
) -> Response:
    """Change a product; what is left out stays, variants are merged by id or SKU."""
    await transact(
        market.db,
        product_edit_service.update_product,
        viewer=viewer,
        product_id=product_id,
        changes=body.merged(),
        version=body.version if body.version is not None else version,
        review=market.settings.product_review,
        now=market.clock.now(),
    )
    return await _answer(market, viewer, product_id)


@router.delete(
    "/products/{product_id}",
    operation_id="delete_product",
    status_code=204,
    responses=problems(401, 403, 404, 409, 422),
)
async def delete_product(
    product_id: UUID,
    version: IfMatch,
    viewer: Annotated[Viewer, allow(Permission.PRODUCT_ARCHIVE)],
    market: Market,
) -> Response:
    """Archive a product: it is gone from the market, orders keep what they know of it."""
    await transact(
        market.db,
        product_service.archive_product,
        viewer=viewer,
        product_id=product_id,
        version=version,
        now=market.clock.now(),
    )
    return nothing()


@router.post(
    "/products/{product_id}/archive",
    operation_id="archive_product",
    status_code=204,
    responses=problems(401, 403, 404, 409, 422),
)
async def archive_product(
    product_id: UUID,
    version: IfMatch,
    viewer: Annotated[Viewer, allow(Permission.PRODUCT_ARCHIVE)],
    market: Market,
) -> Response:
    """The same as deleting it."""
    return await delete_product(product_id, version, viewer, market)


@router.post("/products/{product_id}/submit", operation_id="submit_product", responses=_STEPPED)
async def submit_product(
    product_id: UUID,
    viewer: Annotated[Viewer, allow(Permission.PRODUCT_SUBMIT)],
    market: Market,
) -> Response:
    """Ask for a product to be on sale: at once, or after a review where the market has one."""
    await transact(
        market.db,
        product_service.submit_product,
        viewer=viewer,
        product_id=product_id,
        review=market.settings.product_review,
        now=market.clock.now(),
    )
    return await _answer(market, viewer, product_id)


@router.post("/products/{product_id}/approve", operation_id="approve_product", responses=_STEPPED)
async def approve_product(
    product_id: UUID,
    viewer: Annotated[Viewer, allow(Permission.PRODUCT_APPROVE)],
    market: Market,
) -> Response:
    """Let a product be on sale."""
    return await _decide(
        market, viewer, product_id, ProductStatus.ACTIVE, Permission.PRODUCT_APPROVE
    )


@router.post("/products/{product_id}/reject", operation_id="reject_product", responses=_STEPPED)
async def reject_product(
    product_id: UUID,
    body: ProductDecision,
    viewer: Annotated[Viewer, allow(Permission.PRODUCT_REJECT)],
    market: Market,
) -> Response:
    """Turn a product down, and say why."""
    return await _decide(
        market,
        viewer,
        product_id,
        ProductStatus.REJECTED,
        Permission.PRODUCT_REJECT,
        reason=body.reason,
    )


async def _decide(
    market: Market,
    viewer: Viewer,
    product_id: UUID,
    target: ProductStatus,
    permission: Permission,
    *,
    reason: str | None = None,
) -> Response:
    await transact(
        market.db,
        product_service.step,
        viewer=viewer,
        product_id=product_id,
        target=target,
        permission=permission,
        review=market.settings.product_review,
        reason=reason,
        now=market.clock.now(),
    )
    return await _answer(market, viewer, product_id)


async def _list(
    request: Request, filters: ProductFilters, viewer: Viewer, market: Market, *, seller: str | None
) -> Response:
    wanted = product_list_service.filters_of(
        viewer=viewer,
        default_currency=market.settings.default_currency,
        q=filters.q,
        category=filters.category,
        seller=seller,
        brand=filters.brand,
        currency=filters.currency,
        min_price=filters.min_price,
        max_price=filters.max_price,
        in_stock=filters.in_stock,
        rating_min=filters.rating_min,
        attributes=filters.attributes,
        status=filters.status,
    )
    # How often something was sold is counted now and then, which nobody is told of.
    is_by_sales = filters.q is not None or filters.sort == "best_selling"
    keeper = keeper_of(request, CARDS, seconds=SALES_SECONDS if is_by_sales else None)
    items, next_cursor = await ask(
        market.db,
        product_list_service.list_products,
        filters=wanted,
        sort=filters.sort,
        cursor=filters.cursor,
        limit=filters.limit,
    )
    body = page_bytes(items, next_cursor)
    return catalogue_answer(request, body, public=filters.status is None, keeper=keeper)


async def _answer(
    market: Market, viewer: Viewer, product_id: UUID, *, status: int = 200
) -> Response:
    document = await ask(
        market.db, product_service.product_document, viewer=viewer, product_id=product_id
    )
    return answer(document, status=status)
