"""Looking around: home, search, categories, products and shops. Nothing here changes anything."""

from collections.abc import Mapping
from typing import Annotated, Any
from uuid import UUID

import orjson
from fastapi import Query
from starlette.responses import Response

from gosellr.core.errors import InvalidInput, NotFound
from gosellr.core.late_routes import LateRouter
from gosellr.core.transact import ask
from gosellr.services import (
    category_service,
    marketplace_service,
    product_service,
    review_service,
    seller_service,
)
from gosellr.services.search_service import SearchResult
from gosellr.utils.lazy_dataclasses import replace
from gosellr.utils.permissions import Permission
from gosellr.web.binding import listings, products, sellers
from gosellr.web.binding.categories import category_href
from gosellr.web.binding.listings import Place, Question
from gosellr.web.binding.pictures import named_picture
from gosellr.web.pages import AnyonesPage, Page, admit
from gosellr.web.storefront.finding import Wanted, find_products, pick_products
from gosellr.web.views import HomeView, LinkView, ListingView, ShopView

router = LateRouter(include_in_schema=False)

Browsing = Annotated[Page, admit(Permission.PRODUCT_READ)]

_HOME = LinkView("Home", "/")
_HERO = ("teapot", "potted-plant", "headphones", "teddy-bear")
_SHOPS_SHOWN = 6
_TRENDING_SHOWN = 10
# The same thing of several shops stands there once.
_TRENDING_ASKED = 20
_SIMILAR_ASKED = 10
_REVIEWS_SHOWN = 6
_RESULTS = frozenset({"results"})
_PURCHASE = frozenset({"purchase"})


@router.get("/favicon.ico")
async def show_icon(page: AnyonesPage) -> Response:
    """Documents and the API's pages name no icon, so browsers look for it here."""
    return page.go(page.site.assets.url("favicon.svg"), status=302)


@router.get("/")
async def show_home(page: AnyonesPage) -> Response:
    """What sells, who sells, and where to look."""
    tree = await page.site.categories(page.market)
    trending = await ask(
        page.market.db,
        marketplace_service.trending_products,
        limit=_TRENDING_ASKED,
    )
    shops = await ask(
        page.market.db,
        seller_service.list_sellers,
        viewer=page.viewer,
        status="active",
        words=None,
        cursor=None,
        limit=_SHOPS_SHOWN,
    )
    home = HomeView(
        trending=products.distinct(products.cards(trending))[:_TRENDING_SHOWN],
        categories=tree.roots,
        shops=tuple(sellers.seller(orjson.loads(shop)) for shop in shops.items),
        hero=tuple(
            picture
            for index, name in enumerate(_HERO)
            if (picture := named_picture(name, page.site.assets, hue=index * 90))
        ),
    )
    layout = await page.layout(canonical_url=f"{page.site.base_url}/")
    return await page.show("store/home.html", layout=layout, home=home)


@router.get("/search")
async def search_products(page: Browsing) -> Response:
    """Everything, or what was searched for."""
    asked = _question(page)
    title = f"“{asked.query}”" if asked.query else "Everything"
    tree = await page.site.categories(page.market)
    way = (_HOME, LinkView(title, "/search"))
    place = Place(title=title, path="/search", breadcrumb=way, rules=tree.rules)
    view = listings.listing(place, asked, await _found(page, asked))
    return await _show_listing(page, view)


@router.get("/c/{path:path}")
async def show_category(page: Browsing, path: str) -> Response:
    """A category with everything below it; an old address leads to the new one."""
    branch = (await page.site.categories(page.market)).branches.get(path)
    if branch is None:
        found = await ask(page.market.db, category_service.category_document, reference=path)
        current = found if isinstance(found, str) else orjson.loads(found)["path"]
        if current == path:
            raise NotFound
        pairs = page.request.query_params.multi_items()
        return page.go(listings.address(category_href(current), pairs), status=301)
    asked = _question(page)
    place = Place(
        title=branch.name,
        path=category_href(path),
        breadcrumb=(_HOME, *branch.breadcrumb),
        children=branch.children,
        rules=branch.rules,
    )
    view = listings.listing(place, asked, await _found(page, asked, category_path=path))
    return await _show_listing(page, view)


@router.get("/p/{slug}")
async def show_product(
    page: Browsing,
    slug: str,
    variant: Annotated[str | None, Query(max_length=40)] = None,
    reviews: Annotated[str | None, Query(max_length=200)] = None,
) -> Response:
    """A listing with the chosen variant; an old address leads to the new one."""
    found = await _product(page, slug)
    if isinstance(found, str):
        pairs = [("variant", variant or "")]
        return page.go(listings.address(products.product_href(found), pairs), status=301)
    document = orjson.loads(found)
    if not document["variants"]:
        raise NotFound
    path = document["category"]["path"]
    rules = (await page.site.categories(page.market)).rules_at(path)
    wanted = Wanted(category_path=path)
    view = products.product(
        document,
        variant_id=variant,
        similar=await pick_products(page.market, wanted, limit=_SIMILAR_ASKED),
        reviews=await _reviews(page, document, cursor=reviews),
        rules=rules,
        base_url=page.site.base_url,
    )
    layout = await page.layout(canonical_url=page.site.base_url + view.href)
    return await page.show("store/product.html", layout=layout, fragments=_PURCHASE, product=view)


@router.get("/s/{slug}")
async def show_shop(page: Annotated[Page, admit(Permission.SELLER_READ)], slug: str) -> Response:
    """A shop and what it sells."""
    document = orjson.loads(
        await ask(page.market.db, seller_service.find_seller_by_slug, viewer=page.viewer, slug=slug)
    )
    seller = sellers.seller(document)
    asked = replace(_question(page), sellers=())
    found = await _found(page, asked, seller=slug)
    tree = await page.site.categories(page.market)
    place = Place(title=seller.name, path=seller.href, rules=tree.rules)
    view = ShopView(
        seller=seller,
        story=document["description"],
        listing=listings.listing(place, asked, found, shop=True),
        policies=sellers.policies(document),
    )
    return await page.show(
        "store/shop.html",
        fragments=_RESULTS,
        headers=_clean_push(page),
        shop=view,
        listing=view.listing,
    )


async def _product(page: Page, slug: str) -> bytes | str:
    """A listing, or the address it has now where this is an older one or its id."""
    market, viewer = page.market, page.viewer
    try:
        product_id = UUID(slug)
    except ValueError:
        return await ask(market.db, product_service.product_by_slug, viewer=viewer, slug=slug)
    document = await ask(
        market.db, product_service.product_document, viewer=viewer, product_id=product_id
    )
    current: str = orjson.loads(document)["slug"]
    return current


async def _reviews(
    page: Page, document: Mapping[str, Any], *, cursor: str | None
) -> products.Reviews | None:
    """What buyers wrote, where anybody did; a cursor of another list begins anew."""
    if not document["rating"]["count"]:
        return None
    arguments: dict[str, Any] = {"product_id": UUID(document["id"]), "limit": _REVIEWS_SHOWN}
    try:
        found = await ask(page.market.db, review_service.list_reviews, cursor=cursor, **arguments)
    except InvalidInput:
        return await _reviews(page, document, cursor=None) if cursor else None
    except NotFound:
        # One's own listing that isn't on sale has none to show.
        return None
    return products.Reviews(found.page.items, found.page.next_cursor, later=cursor is not None)


def _question(page: Page) -> Question:
    return listings.question(
        page.request.query_params, currency=page.market.settings.default_currency
    )


async def _found(
    page: Page, asked: Question, *, category_path: str | None = None, seller: str | None = None
) -> SearchResult:
    wanted = Wanted(
        query=asked.query,
        category_path=category_path,
        sellers=asked.sellers if seller is None else (seller,),
        brands=asked.brands,
        attributes=asked.attributes,
        min_price_minor=asked.min_price_minor,
        max_price_minor=asked.max_price_minor,
        in_stock=asked.in_stock,
        sort=asked.sort,
        cursor=asked.cursor,
    )
    return await find_products(page.market, wanted)


async def _show_listing(page: Page, view: ListingView) -> Response:
    layout = await page.layout(
        search_query=view.query, canonical_url=page.site.base_url + view.action
    )
    return await page.show(
        "store/listing.html",
        layout=layout,
        fragments=_RESULTS,
        headers=_clean_push(page),
        listing=view,
    )


def _clean_push(page: Page) -> dict[str, str]:
    """The address that htmx shall show: without the filters that nobody filled in."""
    if not page.is_htmx:
        return {}
    url = page.request.url
    return {"HX-Push-Url": listings.clean_address(url.path, page.request.query_params)}
