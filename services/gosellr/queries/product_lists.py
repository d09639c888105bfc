"""Lists of products: one statement each, finished cards out, whatever is filtered and sorted.

`FILTERED` is shared with the search: arguments 1 to 14 as `ProductFilters.arguments` gives them.
"""

from dataclasses import field
from typing import Any, Literal
from uuid import UUID

from gosellr.core.db import Connection
from gosellr.core.pagination import MAX_LIMIT
from gosellr.utils.lazy_dataclasses import dataclass

Sort = Literal["relevance", "newest", "price", "-price", "rating", "best_selling"]

_CATEGORY = """card.category_ids && ARRAY(
    SELECT category.id FROM category
    WHERE category.id = $2::uuid OR category.path = $3::text
    UNION SELECT former.category_id FROM category_former_path AS former
    WHERE former.path = $3::text)"""


def _prices(at_least: str, at_most: str) -> str:
    return f"""($8::bigint IS NULL OR {at_least} >= $8)
    AND ($9::bigint IS NULL OR {at_most} <= $9)"""


# Each condition falls away with its argument; the planner sees the arguments' nulls.
CONDITIONS = {
    "words": "($1::text IS NULL OR card.search_vector @@ websearch_to_tsquery('market', $1))",
    "category": f"($2::uuid IS NULL AND $3::text IS NULL OR {_CATEGORY})",
    "seller": """($4::uuid[] IS NULL AND $5::text[] IS NULL OR card.seller_id = ANY(ARRAY(
        SELECT seller.id FROM seller WHERE seller.id = ANY($4) OR seller.slug = ANY($5))))""",
    "brand": """($6::text[] IS NULL OR lower(card.brand) = ANY(ARRAY(
        SELECT lower(brand) FROM unnest($6) AS brand)))""",
    "currency": "($7::text IS NULL OR card.currency = $7)",
    "price": _prices("card.price_minor", "card.price_minor"),
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


def index_order(sort: str, last_key: str) -> tuple[str, str, str]:
    """The column of a sort's index, its direction, and SQL of a key (an argument) as its value."""
    column, kind, direction = _SORTS[sort]
    return column, direction, _cursor_key(kind, last_key)


def _list(sort: str, *, where: str, first: int, most: str) -> str:
    """A page of a list; key and id of the last row seen and the limit are numbered from `first`.

    The first page begins behind an extreme key, so that an index can always start at the cursor.
    `most` is the limit, or what the planner is to take for it.
    """
    key, kind, direction = _SORTS[sort]
    beyond = "<" if direction == "DESC" else ">"
    cards = f"""
        SELECT card.product_id, card.card, {key} AS key
        FROM product_card AS card
        WHERE {where}
          AND ({key}, card.product_id)
              {beyond} ({_cursor_key(kind, f"${first}")}, ${first + 1}::uuid)
        ORDER BY key {direction}, card.product_id {direction}
        LIMIT {most} + 1"""
    return _page(sort, cards, first=first)


def _cursor_key(kind: str, key: str) -> str:
    if kind == "timestamptz":
        return f"timestamptz 'epoch' + {key}::bigint * interval '1 microsecond'"
    return f"{key}::bigint"


def _page(sort: str, found: str, *, first: int, card: str = "page.card") -> str:
    _, kind, direction = _SORTS[sort]
    is_moment = kind == "timestamptz"
    number = "(extract(epoch FROM page.key) * 1000000)::bigint" if is_moment else "page.key"
    return f"""
SELECT convert_to('[' || coalesce(string_agg({card}, ',' ORDER BY page.place)
                                  FILTER (WHERE page.place <= ${first + 2}), '') || ']', 'UTF8')
           AS items,
       count(*) AS rows,
       max({number}) FILTER (WHERE page.place = ${first + 2}) AS last_key,
       (array_agg(page.product_id) FILTER (WHERE page.place = ${first + 2}))[1] AS last_id
FROM (
    SELECT found.*, row_number() OVER (ORDER BY key {direction}, product_id {direction}) AS place
    FROM ({found}
    ) AS found
) AS page
WHERE page.place <= ${first + 2} + 1
"""


def _bounded(sort: str, table: str) -> tuple[str, str]:
    # An index is entered by one condition alone, and a page by where the last one ended. A price
    # that would be where to enter, too, or that of another order's index, is hidden by the sum.
    column, hidden = f"{table}.price_minor", f"({table}.price_minor + 0)"
    return (column if sort == "-price" else hidden), (column if sort == "price" else hidden)


def _everything(sort: str) -> str:
    conditions = CONDITIONS
    if "price" in sort:
        conditions = CONDITIONS | {"price": _prices(*_bounded(sort, "card"))}
    return "\n    AND ".join((*conditions.values(), f"({_SCOPE})"))


_FILTERED_LISTS: dict[str, str] = {
    sort: _list(sort, where=_everything(sort), first=15, most="$17") for sort in _SORTS
}

# What most people look at is everything, or a category, perhaps within a range of prices. Each of
# these has a statement of its own, whose plan never has to be made again: making it took longer
# than carrying it out. A category's places stand in the order of each sort, so a page costs what
# is on it, however large the category. Such a plan is kept where it looks no dearer than one made
# for the limit that is asked for: the planner is told of the highest, and nobody reads so far.
_CATEGORY_OF = {
    "category_id": "${0}::uuid",
    "category_path": """coalesce(
        (SELECT category.id FROM category WHERE category.path = ${0}),
        (SELECT former.category_id FROM category_former_path AS former
         WHERE former.path = ${0}))""",
}
_PRICE_MAX = 2**62
_BROWSED = ("newest", "price", "-price", "rating", "best_selling")


def _range(sort: str, table: str, first: int) -> str:
    at_least, at_most = _bounded(sort, table)
    prices = f"{at_least} >= ${first + 1} AND {at_most} <= ${first + 2}"
    return f"{table}.currency = ${first} AND {prices}"


def _shelf(sort: str, category: str | None, *, by_price: bool) -> str:
    if category is None:
        where = f"card.visible AND {_range(sort, 'card', 1)}" if by_price else "card.visible"
        return _list(sort, where=where, first=1 + 3 * by_price, most=str(MAX_LIMIT))
    key, kind, direction = _SORTS[sort]
    key, beyond = key.replace("card.", "place."), "<" if direction == "DESC" else ">"
    first = 2 + 3 * by_price
    narrowed = f"WHERE {_range(sort, 'place', 2)}" if by_price else ""
    # Else behind the order: the planner thinks that prices narrow a lot, and would sort them all.
    in_order = "price" in sort
    listed = f"""
        SELECT place.product_id, place.key
        FROM (
            SELECT place.*, {key} AS key
            FROM category_place AS place
            WHERE place.category_id = {_CATEGORY_OF[category].format(1)}
              AND ({key}, place.product_id)
                  {beyond} ({_cursor_key(kind, f"${first}")}, ${first + 1}::uuid)
              {narrowed.replace("WHERE", "AND") if in_order else ""}
            ORDER BY key {direction}, place.product_id {direction}
            OFFSET 0
        ) AS place
        {"" if in_order else narrowed}
        ORDER BY place.key {direction}, place.product_id {direction}
        LIMIT {MAX_LIMIT} + 1"""
    # Not joined: only what is on the page is looked up then, and nothing carries cards along.
    card = "(SELECT card.card FROM product_card AS card WHERE card.product_id = page.product_id)"
    return _page(sort, listed, first=first, card=card)


SHELVES: dict[tuple[str, str | None, bool], str] = {
    (sort, category, by_price): _shelf(sort, category, by_price=by_price)
    for sort in _BROWSED
    for category in (None, *_CATEGORY_OF)
    for by_price in (False, True)
}

_FIRST_ID, _LAST_ID = UUID(int=0), UUID(int=2**128 - 1)
# Beyond every key: the end of the year 9999 in microseconds for times, and every id.
_FROM_THE_TOP = (253_402_300_799_999_999, _LAST_ID)
_FROM_THE_BOTTOM = (-1, _FIRST_ID)


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

    @property
    def shelf(self) -> tuple[str | None, bool, tuple[Any, ...]] | None:
        """How `SHELVES` calls what these narrow to, with its arguments; None where more is asked.

        The name of the field that names the category, if any, and whether prices are limited.
        """
        category = (
            "category_id" if self.category_id else "category_path" if self.category_path else None
        )
        by_price = self.min_price_minor is not None or self.max_price_minor is not None
        of_shelf = ProductFilters(
            category_id=self.category_id,
            category_path=self.category_path,
            currency=self.currency if by_price else None,
            min_price_minor=self.min_price_minor,
            max_price_minor=self.max_price_minor,
        )
        if self != of_shelf or (by_price and self.currency is None):
            return None
        arguments: tuple[Any, ...] = () if category is None else (getattr(self, category),)
        if by_price:
            arguments += (
                self.currency,
                self.min_price_minor or 0,
                _PRICE_MAX if self.max_price_minor is None else self.max_price_minor,
            )
        return category, by_price, arguments


NO_FILTERS = ProductFilters()


@dataclass(frozen=True, slots=True)
class CardPage:
    """Cards as one JSON list, and the sort key and id of the last one where there are more."""

    items: bytes
    next_after: tuple[int, UUID] | None


def start(
    sort: Sort, filters: ProductFilters, *, after: tuple[int, UUID] | None
) -> tuple[int, UUID]:
    """The key and id behind which a page begins: the last one seen, or before every card's.

    In the order of prices it is no earlier than the prices asked for: an index is entered by this
    alone, and would be read from its beginning to the first card that isn't too cheap.
    """
    lowest, highest = filters.min_price_minor, filters.max_price_minor
    if _SORTS[sort][2] == "DESC":
        begins = after or _FROM_THE_TOP
        return begins if sort != "-price" or highest is None else min(begins, (highest, _LAST_ID))
    begins = after or _FROM_THE_BOTTOM
    return begins if sort != "price" or lowest is None else max(begins, (lowest, _FIRST_ID))


async def list_cards(
    connection: Connection,
    *,
    filters: ProductFilters,
    sort: Sort,
    after: tuple[int, UUID] | None,
    limit: int,
) -> CardPage:
    """A page of cards. `after` is the key (microseconds for times) and id of the last one seen."""
    begins = start(sort, filters, after=after)
    shelf = filters.shelf
    if shelf is not None and sort in _BROWSED:
        category, by_price, arguments = shelf
        row = await connection.fetchrow(
            SHELVES[sort, category, by_price], *arguments, *begins, limit
        )
    else:
        row = await connection.fetchrow(_FILTERED_LISTS[sort], *filters.arguments, *begins, limit)
    assert row is not None  # noqa: S101 - an aggregate without GROUP BY gives one row
    more = row["rows"] > limit
    return CardPage(row["items"], (row["last_key"], row["last_id"]) if more else None)
