"""Lists of products: one statement each, finished cards out, whatever is filtered and sorted.

`FILTERED` is shared with the search: arguments 1 to 14 as `ProductFilters.arguments` gives them.
"""

from dataclasses import dataclass, field
from typing import Any, Literal
from uuid import UUID

from gosellr.core.db import Connection

Sort = Literal["relevance", "newest", "price", "-price", "rating", "best_selling"]

_CATEGORY = """card.category_ids && ARRAY(
    SELECT category.id FROM category
    WHERE category.id = $2::uuid OR category.path = $3::text
    UNION SELECT former.category_id FROM category_former_path AS former
    WHERE former.path = $3::text)"""

# Each condition falls away with its argument; the planner sees the arguments' nulls.
CONDITIONS = {
    "words": "($1::text IS NULL OR card.search_vector @@ websearch_to_tsquery('market', $1))",
    "category": f"($2::uuid IS NULL AND $3::text IS NULL OR {_CATEGORY})",
    "seller": """($4::uuid[] IS NULL AND $5::text[] IS NULL OR card.seller_id = ANY(ARRAY(
        SELECT seller.id FROM seller WHERE seller.id = ANY($4) OR seller.slug = ANY($5))))""",
    "brand": """($6::text[] IS NULL OR lower(card.brand) = ANY(ARRAY(
        SELECT lower(brand) FROM unnest($6) AS brand)))""",
    "currency": "($7::text IS NULL OR card.currency = $7)",
    "price": """($8::bigint IS NULL OR card.price_minor >= $8)
    AND ($9::bigint IS NULL OR card.price_minor <= $9)""",
    "stock": "($10::boolean IS NULL OR card.in_stock = $10)",
    "rating": "($11::int IS NULL OR card.rating_hundredths >= $11)",
    "attributes": """($12::jsonb IS NULL OR NOT EXISTS (
        SELECT FROM jsonb_each($12) AS wanted
        WHERE NOT coalesce(card.attributes -> wanted.key ?| ARRAY(
            SELECT jsonb_array_elements_text(wanted.value)), false)))""",
}
FILTERED = "\n    AND ".join(CONDITIONS.values())

# The public sees what is on sale; a seller and an operator also see their own by status.
_SCOPE = """
    CASE WHEN $13::text IS NULL THEN card.visible
         ELSE (card.seller_id = ANY($14::uuid[]) OR $14 IS NULL)
              AND ($13 = 'all' OR $13 = (SELECT product.status FROM product
                                         WHERE product.id = card.product_id)) END
"""


def rank(words: str) -> str:
    """SQL for how well a card answers a tsquery, in millionths.

    Cover density (Clarke, Cormack and Tudhope 2000) of title, brand and category, over the
    logarithm of the length. Attributes and description add so little that repeating a word there
    lifts nobody above a title with it. Short titles come first; so do, among equals, goods in
    stock, well rated and often bought, by a tenth each at most: that is the card's `appeal`. The
    figures were tuned on judged queries, which `bench.search_quality` replays.
    """
    return f"""round(1000000
        * (CASE WHEN card.lead_vector @@ {words}
                THEN ts_rank_cd('{{0, 0, 0.6, 1}}', card.lead_vector, {words}, 1) ELSE 0 END
           + least(0.3, ts_rank_cd('{{0.3, 0.4, 0.6, 1}}', card.search_vector, {words}, 1)))
        * card.appeal)::bigint"""


# Asked for in a sub-select, so that no row makes the words anew.
_RANK = rank("(SELECT websearch_to_tsquery('market', $1))")

# The key each order sorts by, its type, and its direction; the id decides between equals.
_SORTS = {
    "relevance": (_RANK, "bigint", "DESC"),
    "newest": ("card.created_at", "timestamptz", "DESC"),
    "price": ("card.price_minor", "bigint", "ASC"),
    "-price": ("card.price_minor", "bigint", "DESC"),
    "rating": ("card.rating_hundredths", "bigint", "DESC"),
    "best_selling": ("card.sold_count", "bigint", "DESC"),
}


def _list(sort: str, *, where: str, first: int) -> str:
    """A page of a list; key and id of the last row seen and the limit are numbered from `first`.

    The first page begins behind an extreme key, so that an index can always start at the cursor.
    """
    key, kind, direction = _SORTS[sort]
    beyond = "<" if direction == "DESC" else ">"
    key_of_cursor, number = f"${first}::bigint", "page.key"
    if kind == "timestamptz":
        key_of_cursor = f"timestamptz 'epoch' + ${first}::bigint * interval '1 microsecond'"
        number = "(extract(epoch FROM page.key) * 1000000)::bigint"
    return f"""
SELECT convert_to('[' || coalesce(string_agg(page.card, ',' ORDER BY page.place)
                                  FILTER (WHERE page.place <= ${first + 2}), '') || ']', 'UTF8')
           AS items,
       count(*) AS rows,
       max({number}) FILTER (WHERE page.place = ${first + 2}) AS last_key,
       (array_agg(page.product_id) FILTER (WHERE page.place = ${first + 2}))[1] AS last_id
FROM (
    SELECT found.*, row_number() OVER (ORDER BY key {direction}, product_id {direction}) AS place
    FROM (
        SELECT card.product_id, card.card, {key} AS key
        FROM product_card AS card
        WHERE {where}
          AND ({key}, card.product_id) {beyond} ({key_of_cursor}, ${first + 1}::uuid)
        ORDER BY key {direction}, card.product_id {direction}
        LIMIT ${first + 2} + 1
    ) AS found
) AS page
"""


_EVERYTHING = f"{FILTERED} AND ({_SCOPE})"

LIST_BY_RELEVANCE = _list("relevance", where=_EVERYTHING, first=15)
LIST_BY_NEWEST = _list("newest", where=_EVERYTHING, first=15)
LIST_BY_PRICE = _list("price", where=_EVERYTHING, first=15)
LIST_BY_PRICE_DOWN = _list("-price", where=_EVERYTHING, first=15)
LIST_BY_RATING = _list("rating", where=_EVERYTHING, first=15)
LIST_BY_BEST_SELLING = _list("best_selling", where=_EVERYTHING, first=15)

# What most people look at has no filters, and then a plan that never has to be made again.
BROWSE_NEWEST = _list("newest", where="card.visible", first=1)
BROWSE_PRICE = _list("price", where="card.visible", first=1)
BROWSE_PRICE_DOWN = _list("-price", where="card.visible", first=1)
BROWSE_RATING = _list("rating", where="card.visible", first=1)
BROWSE_BEST_SELLING = _list("best_selling", where="card.visible", first=1)

_FILTERED_LISTS: dict[str, str] = {
    "relevance": LIST_BY_RELEVANCE,
    "newest": LIST_BY_NEWEST,
    "price": LIST_BY_PRICE,
    "-price": LIST_BY_PRICE_DOWN,
    "rating": LIST_BY_RATING,
    "best_selling": LIST_BY_BEST_SELLING,
}
_BROWSED_LISTS: dict[str, str] = {
    "newest": BROWSE_NEWEST,
    "price": BROWSE_PRICE,
    "-price": BROWSE_PRICE_DOWN,
    "rating": BROWSE_RATING,
    "best_selling": BROWSE_BEST_SELLING,
}

# Beyond every key: the end of the year 9999 in microseconds for times, and every id.
_FROM_THE_TOP = (253_402_300_799_999_999, UUID(int=2**128 - 1))
_FROM_THE_BOTTOM = (-1, UUID(int=0))


@dataclass(frozen=True, slots=True, kw_only=True)
class ProductFilters:
    """What a list is narrowed to; None and empty narrow nothing.

    `attributes` maps an attribute or an option to the values any of which will do, as any of the
    shops and any of the brands will. `status` makes it a list of one's own: of `seller_ids`, or
    of everybody where that is None.
    """

    q: str | None = None
    category_id: UUID | None = None
    category_path: str | None = None
    shop_ids: tuple[UUID, ...] = ()
    shop_slugs: tuple[str, ...] = ()
    brands: tuple[str, ...] = ()
    currency: str | None = None
    min_price_minor: int | None = None
    max_price_minor: int | None = None
    in_stock: bool | None = None
    rating_min_hundredths: int | None = None
    attributes: dict[str, list[str]] = field(default_factory=dict)
    status: str | None = None
    seller_ids: list[UUID] | None = None

    @property
    def arguments(self) -> tuple[Any, ...]:
        """The first fourteen arguments of a statement with `FILTERED` in it."""
        return (
            self.q,
            self.category_id,
            self.category_path,
            self.shop_ids or None,
            self.shop_slugs or None,
            self.brands or None,
            self.currency,
            self.min_price_minor,
            self.max_price_minor,
            self.in_stock,
            self.rating_min_hundredths,
            self.attributes or None,
            self.status,
            self.seller_ids,
        )


NO_FILTERS = ProductFilters()


@dataclass(frozen=True, slots=True)
class CardPage:
    """Cards as one JSON list, and the sort key and id of the last one where there are more."""

    items: bytes
    next_after: tuple[int, UUID] | None


async def list_cards(
    connection: Connection,
    *,
    filters: ProductFilters,
    sort: Sort,
    after: tuple[int, UUID] | None,
    limit: int,
) -> CardPage:
    """A page of cards. `after` is the key (microseconds for times) and id of the last one seen."""
    direction = _SORTS[sort][2]
    start = after or (_FROM_THE_TOP if direction == "DESC" else _FROM_THE_BOTTOM)
    if filters == NO_FILTERS and sort in _BROWSED_LISTS:
        row = await connection.fetchrow(_BROWSED_LISTS[sort], *start, limit)
    else:
        row = await connection.fetchrow(_FILTERED_LISTS[sort], *filters.arguments, *start, limit)
    assert row is not None  # noqa: S101 - an aggregate without GROUP BY gives one row
    more = row["rows"] > limit
    return CardPage(row["items"], (row["last_key"], row["last_id"]) if more else None)
