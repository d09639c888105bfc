"""Where products come from when a page lists them; the one place that knows what finds them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from gosellr.core.errors import InvalidInput
from gosellr.core.transact import ask
from gosellr.resources import Resources
from gosellr.services import product_list_service
from gosellr.utils.viewer import GUEST
from gosellr.web.binding.products import cards
from gosellr.web.views import ProductCardView

PAGE_SIZE = 24


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """What is looked for. Several sellers or brands mean any of them; prices are minor units."""

    query: str = ""
    category_path: str | None = None
    sellers: tuple[str, ...] = ()
    brands: tuple[str, ...] = ()
    attributes: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    min_price_minor: int | None = None
    max_price_minor: int | None = None
    in_stock: bool = False
    sort: product_list_service.Sort | None = None
    cursor: str | None = None
    limit: int = PAGE_SIZE


@dataclass(frozen=True, slots=True, kw_only=True)
class FoundOption:
    """A value that would narrow the result, and to how many."""

    value: str
    label: str
    count: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """A page of products. `total` is None where nobody counted."""

    products: tuple[ProductCardView, ...]
    total: int | None
    next_cursor: str | None
    facets: Mapping[str, Sequence[FoundOption]] = field(default_factory=dict)
    corrected_query: str = ""


async def find_products(market: Resources, wanted: Wanted) -> Found:
    """What is on sale and fits, in one statement."""
    filters = product_list_service.filters_of(
        viewer=GUEST,
        default_currency=market.settings.default_currency,
        q=wanted.query or None,
        category=wanted.category_path,
        seller=next(iter(wanted.sellers), None),
        brand=next(iter(wanted.brands), None),
        min_price=wanted.min_price_minor,
        max_price=wanted.max_price_minor,
        in_stock=True if wanted.in_stock else None,
        attributes={key: list(values) for key, values in wanted.attributes.items()},
    )
    arguments: dict[str, Any] = {"filters": filters, "sort": wanted.sort, "limit": wanted.limit}
    try:
        items, next_cursor = await ask(
            market.db, product_list_service.list_products, cursor=wanted.cursor, **arguments
        )
    except InvalidInput:
        if wanted.cursor is None:
            raise
        # A cursor of another list, from an old link: the list begins anew.
        return await find_products(market, replace(wanted, cursor=None))
    products = cards(items)
    counted = None if next_cursor or wanted.cursor else len(products)
    return Found(products=products, total=counted, next_cursor=next_cursor)
