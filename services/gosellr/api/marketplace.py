"""The market as a whole: its numbers, its tree, what is found and what is bought."""

from typing import Annotated, Any

from fastapi import Body, Query, Request, Response

from gosellr.api.answers import answer, catalogue_answer, json_bytes
from gosellr.api.deps import Anyone, Market, market_of
from gosellr.api.kept_answers import SALES_SECONDS, keeper_of
from gosellr.api.room import Room
from gosellr.api.schemas.common import problems
from gosellr.api.schemas.marketplace import (
    SEARCH_EXAMPLES,
    CategoryTreeOut,
    SearchIn,
    SearchOut,
    StatsOut,
    TrendingFilters,
    TrendingOut,
)
from gosellr.api.short_ways import ShortRoute, plain_json, short_way
from gosellr.core.transact import ask
from gosellr.models.catalogue_names import CARDS, CATEGORIES
from gosellr.resources import Resources
from gosellr.services import marketplace_service, product_list_service, search_service
from gosellr.services.search_service import FacetName, Facets
from gosellr.utils.money import Money
from gosellr.utils.viewer import GUEST

router = Room(prefix="/marketplace", tags=["marketplace"], route_class=ShortRoute)


@router.get("/stats", operation_id="get_stats", responses={200: {"model": StatsOut}})
async def get_stats(_viewer: Anyone, market: Market) -> Response:
    """What was sold, earned and given back, as the ledger has it at this moment."""
    as_of = market.clock.now()
    figures = await ask(market.db, marketplace_service.read_figures)
    money = figures.money
    return answer(
        {
            "orders": figures.order_count,
            "gmv": [Money(each.gmv_minor, each.currency) for each in money],
            "commission": [Money(each.commission_minor, each.currency) for each in money],
            "sellers_active": figures.active_seller_count,
            "products_active": figures.active_product_count,
            "refunded": [Money(each.refunded_minor, each.currency) for each in money],
            "as_of": as_of,
        }
    )


@router.get(
    "/categories",
    operation_id="get_category_tree",
    responses={200: {"model": CategoryTreeOut}, 304: {}, **problems(401)},
)
async def get_category_tree(request: Request, _viewer: Anyone, market: Market) -> Response:
    """The whole tree of categories, each with the number of products on sale in and below it."""
    keeper = keeper_of(request, CARDS, CATEGORIES)
    tree = await ask(market.db, marketplace_service.category_tree)
    return catalogue_answer(request, json_bytes({"items": tree}), keeper=keeper)


async def _plain_search(request: Request) -> Response | None:
    if request.scope["query_string"]:
        return None
    try:
        body = SearchIn.model_validate(await plain_json(request))
    except ValueError:
        return None
    return await _search(body, market_of(request))


@router.post(
    "/search",
    operation_id="search_products",
    responses={200: {"model": SearchOut}, **problems(400, 401, 422)},
)
@short_way(_plain_search, permission=None)
async def search_products(
    body: Annotated[SearchIn, Body(examples=SEARCH_EXAMPLES)], _viewer: Anyone, market: Market
) -> Response:
    """Products on sale by relevance, with facets; typing mistakes are seen through."""
    return await _search(body, market)


async def _search(body: SearchIn, market: Resources) -> Response:
    names = body.facet_names()
    filters = product_list_service.filters_of(
        viewer=GUEST,
        default_currency=market.settings.default_currency,
        **body.filters.model_dump(exclude={"attributes"}),
        attributes=body.filters.words_by_attribute(),
    )
    found = await ask(
        market.db,
        search_service.search,
        query=body.query,
        filters=filters,
        sort=body.sort,
        limit=body.limit,
        cursor=body.cursor,
        facets=names,
        currency=market.settings.default_currency,
        market_size=market.market_size,
    )
    return answer(
        {
            "items": found.items,
            "total": found.total,
            "total_relation": found.total_relation,
            "facets": _facets(found.facets, names) if found.facets else {},
            "suggestions": found.suggestions,
            "corrected_query": found.corrected_query,
            "next_cursor": found.next_cursor,
        }
    )


@router.get(
    "/trending",
    operation_id="list_trending_products",
    responses={200: {"model": TrendingOut}, 304: {}, **problems(401, 422)},
)
async def list_trending_products(
    request: Request,
    filters: Annotated[TrendingFilters, Query()],
    _viewer: Anyone,
    market: Market,
) -> Response:
    """Products with the most buyers lately; one buyer counts once, and less with every day."""
    keeper = keeper_of(request, CARDS, seconds=SALES_SECONDS)
    items = await ask(
        market.db,
        marketplace_service.trending_products,
        window=filters.window,
        limit=filters.limit,
    )
    body = json_bytes({"window": filters.window, "items": items, "next_cursor": None})
    return catalogue_answer(request, body, keeper=keeper)


def _facets(facets: Facets, names: tuple[FacetName, ...]) -> dict[str, Any]:
    price = facets.price
    prices = {
        "currency": price.currency,
        "lowest": price.lowest_minor,
        "highest": price.highest_minor,
        "ranges": [
            {
                "min_price": each.minimum_minor,
                "max_price": each.maximum_minor,
                "count": each.count,
            }
            for each in price.ranges
        ],
    }
    return {name: prices if name == "price" else facets.lists[name] for name in names}
