"""What would narrow a search, counted and finished as JSON: each facet where it is asked for.

A facet counts as if its own filter weren't there: a card that misses one filter only counts in the
facet of that filter. Where nothing is filtered every hit counts in all of them.
"""

from collections.abc import Collection
from typing import Any, Literal

from gosellr.core.db import Connection
from gosellr.queries.product_lists import CONDITIONS, ProductFilters
from gosellr.utils.lazy_dataclasses import dataclass
from gosellr.utils.ranking import COUNTED_HITS_MAX

FacetName = Literal["category", "brand", "seller", "price", "rating", "attribute"]

# Prices are counted between 1, 2 and 5 times the powers of ten.
PRICE_STEPS: tuple[int, ...] = tuple(
    step * 10**power for power in range(2, 13) for step in (1, 2, 5)
)
_STEPS_SQL = f"ARRAY[{', '.join(map(str, PRICE_STEPS))}]::bigint[]"

# The sets of facets that there are statements for; who asks for others gets the next larger.
NONE: tuple[FacetName, ...] = ()
FEW: tuple[FacetName, ...] = ("category", "price")
ALL: tuple[FacetName, ...] = ("category", "brand", "seller", "price", "rating", "attribute")
FACET_SETS = (NONE, FEW, ALL)

# What the facets read of a card.
COLUMNS: dict[tuple[FacetName, ...], str] = {
    NONE: "",
    FEW: ", card.category_id, card.currency, card.price_minor",
    ALL: """, card.category_id, card.currency, card.price_minor, card.seller_id, card.brand,
           card.rating_hundredths, card.attributes""",
}

_OF_CATEGORY = """of_category AS (
    SELECT above.id, sum(above.cards) AS cards
    FROM (SELECT unnest(category.ancestor_ids) AS id, own.cards
          FROM (SELECT category_id, count(*)::int AS cards FROM {source} WHERE {category}
                GROUP BY category_id) AS own
          JOIN category ON category.id = own.category_id) AS above
    GROUP BY above.id
)"""

_OF_VALUE = """of_value AS (
    SELECT attribute.key, attribute.word, count(*) AS cards
    FROM (
        SELECT pair.key, jsonb_array_elements_text(pair.value) AS word
        FROM {source} CROSS JOIN LATERAL jsonb_each({source}.attributes) AS pair
        WHERE {attribute}
    ) AS attribute
    GROUP BY attribute.key, attribute.word
), of_key AS (
    SELECT of_value.key, sum(of_value.cards) AS cards FROM of_value
    GROUP BY of_value.key ORDER BY cards DESC, of_value.key LIMIT 12
)"""

# A list of JSON objects as bytes. The price stays a table of steps: ranges are made of it later.
_LIST = "SELECT convert_to('[' || coalesce(string_agg(({row})::text, ',' ORDER BY {order}), '')"
_LIST += " || ']', 'UTF8')"

# Few searches have hits in more categories than are shown: only then they are sorted out.
_CATEGORY_ROW = """'{{"count":' || top.cards || ',' || substr(category.summary, 2)"""
_CATEGORY = f"""({_LIST.format(row=_CATEGORY_ROW, order="category.path")}
     FROM of_category AS top JOIN category ON category.id = top.id
     WHERE (SELECT count(*) FROM of_category) <= 200
        OR top.id IN (SELECT id FROM of_category ORDER BY cards DESC, id LIMIT 200))"""

_BRAND = f"""({
    _LIST.format(
        row="json_build_object('value', top.brand, 'count', top.cards)",
        order="top.cards DESC, top.brand",
    )
}
     FROM (SELECT min(brand) AS brand, count(*) AS cards FROM {{source}}
           WHERE {{brand}} AND brand IS NOT NULL
           GROUP BY lower(brand) ORDER BY cards DESC, brand LIMIT 50) AS top)"""

_SELLER = f"""({
    _LIST.format(
        row='''json_build_object(
         'id', seller.id, 'name', seller.name, 'slug', seller.slug, 'count', top.cards)''',
        order="top.cards DESC, seller.name, seller.id",
    )
}
     FROM (SELECT seller_id, count(*) AS cards FROM {{source}} WHERE {{seller}}
           GROUP BY seller_id ORDER BY cards DESC, seller_id LIMIT 50) AS top
     JOIN seller ON seller.id = top.seller_id)"""

_PRICE = f"""(SELECT json_agg(json_build_array(step.place, step.cards, step.lowest, step.highest))
     FROM (SELECT width_bucket(price_minor, {_STEPS_SQL}) AS place, count(*) AS cards,
                  min(price_minor) AS lowest, max(price_minor) AS highest
           FROM {{source}} WHERE {{price}} AND currency = {{currency}} GROUP BY place) AS step)"""

_STARS = ", ".join(
    f"json_build_object('rating_min', {stars}, 'count',"
    f" count(*) FILTER (WHERE rating_hundredths >= {stars}00))"
    for stars in (4, 3, 2, 1)
)
_RATING = f"""(SELECT convert_to(json_build_array({_STARS})::text, 'UTF8')
     FROM {{source}} WHERE {{rating}})"""

_ATTRIBUTE = f"""({
    _LIST.format(
        row='''json_build_object(
         'key', top.key,
         'label', coalesce(
             (SELECT rule.label FROM category_attribute AS rule JOIN of_category
                ON of_category.id = rule.category_id
              WHERE rule.key = top.key ORDER BY of_category.cards DESC, rule.id LIMIT 1), top.key),
         'values', (SELECT json_agg(json_build_object('value', most.word, 'count', most.cards)
                                    ORDER BY most.cards DESC, most.word)
                    FROM (SELECT of_value.word, of_value.cards FROM of_value
                          WHERE of_value.key = top.key
                          ORDER BY of_value.cards DESC, of_value.word LIMIT 20) AS most))''',
        order="top.cards DESC, top.key",
    )
}
     FROM of_key AS top)"""

_ONE: dict[FacetName, str] = {
    "category": _CATEGORY,
    "brand": _BRAND,
    "seller": _SELLER,
    "price": _PRICE,
    "rating": _RATING,
    "attribute": _ATTRIBUTE,
}

# Which rows of `matched` count in which facet.
_OWN = {
    "category": "(number = 0 OR NOT category)",
    "brand": "(number = 0 OR NOT of_brand)",
    "seller": "(number = 0 OR NOT seller)",
    "price": "(number = 0 OR NOT price)",
    "rating": "(number = 0 OR NOT rating)",
    "attribute": "(number = 0 OR keys = ARRAY[pair.key])",
}
_EVERY_ROW = dict.fromkeys(_OWN, "true")


def counted(
    names: Collection[FacetName], *, source: str, filtered: bool, currency: str
) -> tuple[str, str]:
    """SQL of facets of the rows of `source`: common tables, and columns named like the facets.

    Each begins with a comma where there is any. `currency` is that of the prices.
    """
    rows = _OWN if filtered else _EVERY_ROW
    tables = [_OF_CATEGORY] if "category" in names else []
    tables += [_OF_VALUE] if "attribute" in names else []
    columns = [f"{_ONE[name]} AS {name}" for name in names]
    return tuple(
        "".join(", " + part.format(source=source, currency=currency, **rows) for part in parts)
        for parts in (tables, columns)
    )  # type: ignore[return-value]


# The attributes of all goods of a market together say nothing: they are told apart once there are
# words or a category.
def _facets(names: tuple[FacetName, ...], *, words: str, narrow: str, most: str = "") -> str:
    tables, columns = counted(names, source="matched", filtered=True, currency="$15::bpchar")
    return f"""
WITH matched AS MATERIALIZED (
    SELECT numbered.* FROM (
        SELECT fits.*, 5 + cardinality(fits.keys) - fits.category::int - fits.seller::int
               - fits.of_brand::int - fits.price::int - fits.rating::int AS number
        FROM (
            SELECT card.category_id, card.seller_id, card.brand, card.currency, card.price_minor,
                   card.rating_hundredths,
                   {
        f"CASE WHEN {narrow} THEN card.attributes END" if "attribute" in names else "NULL::jsonb"
    } AS attributes,
                   {CONDITIONS["category"]} AS category,
                   {CONDITIONS["seller"]} AS seller,
                   coalesce({CONDITIONS["brand"]}, false) AS of_brand,
                   {CONDITIONS["price"]} AS price,
                   {CONDITIONS["rating"]} AS rating,
                   CASE WHEN $12::jsonb IS NULL THEN '{{}}' ELSE ARRAY(
                       SELECT wanted.key FROM jsonb_each($12) AS wanted
                       WHERE NOT coalesce(card.attributes -> wanted.key ?| ARRAY(
                           SELECT jsonb_array_elements_text(wanted.value)), false)) END AS keys
            FROM product_card AS card
            WHERE card.visible AND {words} AND $1::text IS NULL
              AND {CONDITIONS["currency"]} AND {CONDITIONS["stock"]}
              AND $13::text IS NULL AND $14::uuid[] IS NULL
            OFFSET 0
        ) AS fits
    ) AS numbered
    WHERE numbered.number <= 1
    {most}
){tables}
SELECT (SELECT count(*) FROM matched WHERE number = 0) AS total{columns}
"""


FACETS_OF_WORDS: dict[tuple[FacetName, ...], str] = {
    names: _facets(names, words="card.search_vector @@ $16::text::tsquery", narrow="true")
    for names in (FEW, ALL)
}
# Where there are more hits than are counted, as many of the cards that fit are.
FACETS_OF_MANY: dict[tuple[FacetName, ...], str] = {
    names: _facets(
        names,
        words="card.search_vector @@ (SELECT $16::text::tsquery)",
        narrow="true",
        most=f"LIMIT {COUNTED_HITS_MAX}",
    )
    for names in (FEW, ALL)
}
FACETS_OF_ALL: dict[tuple[FacetName, ...], str] = {
    names: _facets(
        names,
        words="true",
        narrow="($2::uuid IS NOT NULL OR $3::text IS NOT NULL OR $12::jsonb IS NOT NULL)",
    )
    for names in (FEW, ALL)
}


@dataclass(frozen=True, slots=True, kw_only=True)
class FacetRows:
    """What was counted: finished lists as JSON by facet, and prices as (index into the steps,
    count, lowest, highest)."""

    lists: dict[FacetName, bytes]
    prices: list[tuple[int, int, int, int]]


def set_for(names: Collection[FacetName]) -> tuple[FacetName, ...]:
    """The smallest set that has these facets."""
    return next(known for known in FACET_SETS if set(known).issuperset(names))


def facet_rows(row: Any, names: Collection[FacetName]) -> FacetRows:
    """The facets in a statement's row."""
    return FacetRows(
        lists={name: row[name] for name in names if name != "price"},
        prices=(row["price"] or []) if "price" in names else [],
    )


async def find_facets(
    connection: Connection,
    *,
    filters: ProductFilters,
    words: str | None,
    names: Collection[FacetName],
    currency: str,
    many: bool = False,
) -> tuple[int, FacetRows]:
    """How many cards fit, and what would narrow them.

    `words` is what was looked for as PostgreSQL writes it, None for everything on sale; prices are
    those in `currency`. Where there are `many` hits, more than are counted, some are counted here.
    """
    chosen = set_for(names)
    if words is None:
        row = await connection.fetchrow(FACETS_OF_ALL[chosen], *filters.arguments, currency)
    else:
        row = await connection.fetchrow(
            FACETS_OF_MANY[chosen] if many else FACETS_OF_WORDS[chosen],
            *filters.arguments,
            currency,
            words,
        )
    assert row is not None  # noqa: S101 - scalars make one row
    return row["total"], facet_rows(row, names)
