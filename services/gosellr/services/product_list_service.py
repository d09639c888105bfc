"""Lists of products for the public, and of their own for sellers and operators."""

from collections.abc import Sequence
from typing import get_args
from uuid import UUID

from gosellr.core.db import Connection
from gosellr.core.errors import InvalidInput, NotAuthenticated
from gosellr.core.pagination import decode_cursor, encode_cursor
from gosellr.queries import product_lists as queries
from gosellr.queries.product_lists import ProductFilters, Sort
from gosellr.utils.ranking import normalise_query
from gosellr.utils.viewer import Viewer

SORTS: tuple[Sort, ...] = get_args(Sort)

__all__ = ["SORTS", "ProductFilters", "Sort", "filters_of", "list_products"]


def filters_of(
    *,
    viewer: Viewer,
    default_currency: str,
    q: str | None = None,
    category: str | None = None,
    seller: str | Sequence[str] | None = None,
    brand: str | Sequence[str] | None = None,
    currency: str | None = None,
    min_price: int | None = None,
    max_price: int | None = None,
    in_stock: bool | None = None,
    rating_min: int | None = None,
    attributes: dict[str, list[str]] | None = None,
    status: str | None = None,
) -> ProductFilters:
    """What a caller asks for, in the terms of the read model.

    `category` and `seller` are ids or addresses, prices minor units, `rating_min` stars; of several
    sellers or brands any will do. A filter by price without a currency means the market's own:
    amounts of two don't compare. A `status` asks for one's own products, an operator's are
    everybody's.

    Raises:
        NotAuthenticated: when a guest asks for its own.
    """
    if status is not None and viewer.is_guest:
        raise NotAuthenticated
    by_price = min_price is not None or max_price is not None
    category_id = _as_id(category)
    shops = {shop: _as_id(shop) for shop in _several(seller)}
    return ProductFilters(
        q=(normalise_query(q) or None) if q else None,
        category_id=category_id,
        category_path=category.strip("/") if category and not category_id else None,
        shop_ids=tuple(shop_id for shop_id in shops.values() if shop_id),
        shop_slugs=tuple(slug for slug, shop_id in shops.items() if shop_id is None),
        brands=_several(brand),
        currency=currency or (default_currency if by_price else None),
        min_price_minor=min_price,
        max_price_minor=max_price,
        in_stock=in_stock,
        rating_min_hundredths=None if rating_min is None else rating_min * 100,
        attributes=attributes or {},
        status=status,
        seller_ids=None if status is None or viewer.sees_everything else viewer.seller_ids,
    )


async def list_products(
    connection: Connection,
    *,
    filters: ProductFilters,
    sort: Sort | None = None,
    cursor: str | None = None,
    limit: int,
) -> tuple[bytes, str | None]:
    """A page of product cards as a JSON list, and the cursor of the next, in one statement.

    Without a sort, what was searched for comes by relevance and everything else newest first.

    Raises:
        InvalidInput: for a cursor of another list.
    """
    if sort is None or (sort == "relevance" and filters.q is None):
        sort = "relevance" if filters.q else "newest"
    page = await queries.list_cards(
        connection, filters=filters, sort=sort, after=_after(cursor, sort), limit=limit
    )
    if page.next_after is None:
        return page.items, None
    key, product_id = page.next_after
    return page.items, encode_cursor(sort, key, str(product_id))


def _after(cursor: str | None, sort: Sort) -> tuple[int, UUID] | None:
    if cursor is None:
        return None
    cursor_sort, key, product_id = decode_cursor(cursor, kinds=(str, int, str))
    product_uuid = _as_id(product_id)
    # A key of our own making is a price, a count or a moment before the year 10000.
    if cursor_sort != sort or product_uuid is None or not -1 <= key < 2**58:
        raise InvalidInput.at("cursor", "cursor_unknown", "This cursor is of another list")
    return key, product_uuid


def _several(words: str | Sequence[str] | None) -> tuple[str, ...]:
    return (words,) if isinstance(words, str) else tuple(words or ())


def _as_id(text: str | None) -> UUID | None:
    try:
        return UUID(text) if text else None
    except ValueError:
        return None
