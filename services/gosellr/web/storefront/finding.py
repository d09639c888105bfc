"""Where products come from when a page lists them; the one place that knows what finds them."""

from collections.abc import Mapping
from dataclasses import field

from gosellr.core.errors import InvalidInput
from gosellr.core.transact import ask
from gosellr.resources import Resources
from gosellr.services import product_list_service, search_service
from gosellr.services.product_list_service import ProductFilters, Sort
from gosellr.services.search_service import SearchResult
from gosellr.utils.lazy_dataclasses import dataclass, replace
from gosellr.utils.viewer import GUEST
from gosellr.web.binding.listings import DEFAULT_SORT
from gosellr.web.binding.products import cards
from gosellr.web.views import ProductCardView

PAGE_SIZE = 24


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """What is looked for; of several values any will do. Prices are minor units.

    Without a sort, what was searched for comes by relevance and everything else as it sells.
    """

    query: str = ""
    category_path: str | None = None
    sellers: tuple[str, ...] = ()
    brands: tuple[str, ...] = ()
    attributes: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    min_price_minor: int | None = None
    max_price_minor: int | None = None
    in_stock: bool = False
    sort: Sort | None = None
    cursor: str | None = None


async def find_products(market: Resources, wanted: Wanted) -> SearchResult:
    """A page of what is on sale and fits, counted, with what would narrow it: two statements,
    and one more for a typing mistake."""
    try:
        return await ask(
            market.db,
            search_service.search,
            query=wanted.query,
            filters=_filters(market, wanted),
            sort=wanted.sort or (None if wanted.query else DEFAULT_SORT),
            limit=PAGE_SIZE,
            cursor=wanted.cursor,
            currency=market.settings.default_currency,
            market_size=market.market_size,
        )
    except InvalidInput:
        if wanted.cursor is None:
            raise
        # A cursor of another list, from an old link: the list begins anew.
        return await find_products(market, replace(wanted, cursor=None))


async def pick_products(
    market: Resources, wanted: Wanted, *, limit: int
) -> tuple[ProductCardView, ...]:
    """A handful of what fits, what sells best first, not counted: one statement."""
    items, _ = await ask(
        market.db,
        product_list_service.list_products,
        filters=_filters(market, wanted),
        sort=wanted.sort or DEFAULT_SORT,
        limit=limit,
    )
    return cards(items)


def _filters(market: Resources, wanted: Wanted) -> ProductFilters:
    return product_list_service.filters_of(
        viewer=GUEST,
        default_currency=market.settings.default_currency,
        q=wanted.query or None,
        category=wanted.category_path,
        seller=wanted.sellers,
        brand=wanted.brands,
        min_price=wanted.min_price_minor,
        max_price=wanted.max_price_minor,
        in_stock=True if wanted.in_stock else None,
        attributes={key: list(values) for key, values in wanted.attributes.items()},
    )
