"""The search: one statement for hits and their number, one for facets, one for typing mistakes.

The words are found in `product_card.search_vector`. Arguments 1 to 14 are those of
`ProductFilters`, whose words stay empty here: what is looked for comes behind them.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from gosellr.core.db import Connection
from gosellr.queries.product_lists import CONDITIONS, FILTERED, ProductFilters, Sort, rank

# Prices are counted between 1, 2 and 5 times the powers of ten.
PRICE_STEPS: tuple[int, ...] = tuple(
    step * 10**power for power in range(2, 13) for step in (1, 2, 5)
)

# Words as they stand; where no product on sale has them, the last one may be a beginning.
_ASKED = """
WITH asked AS MATERIALIZED (
    SELECT websearch_to_tsquery('market', $15) AS whole,
           websearch_to_tsquery('market', $16) && to_tsquery('market', $17) AS begun
), chosen AS MATERIALIZED (
    SELECT CASE WHEN asked.begun IS NULL OR EXISTS (
               SELECT FROM product_card AS card
               WHERE card.visible AND card.search_vector @@ asked.whole)
           THEN asked.whole ELSE asked.begun END AS words,
           NULL::text AS corrected
    FROM asked
)"""

# Words that no product on sale has become the likest ones of a title or a brand, or go. The
# index finds what is like enough by a setting, so a word is only looked up behind it. Trigrams
# think little of swapped letters, the commonest slip: the same letters come first. Any other wrong
# letter spoils three of n + 1 trigrams, so that (n - 2) / (n + 4) of all remain in common.
_CORRECTED = """
WITH typed AS MATERIALIZED (
    SELECT typed.word, typed.place, typed.threshold,
           numnode(plainto_tsquery('market', typed.word)) = 0 OR EXISTS (
               SELECT FROM product_card AS card WHERE card.visible
                 AND card.search_vector @@ plainto_tsquery('market', typed.word)) AS known,
           set_config('pg_trgm.similarity_threshold', $17::text, true) AS loosened
    FROM unnest($15::text[], $16::float8[]) WITH ORDINALITY AS typed (word, threshold, place)
), spelt AS MATERIALIZED (
    SELECT typed.place, typed.known,
           CASE WHEN typed.known THEN typed.word ELSE likest.word END AS word
    FROM typed LEFT JOIN LATERAL (
        SELECT near.word
        FROM (
            SELECT guess.* FROM (
                SELECT search_word.word, similarity(typed.word, search_word.word) AS likeness,
                       length(search_word.word) = length(typed.word)
                       AND ARRAY(SELECT unnest(string_to_array(search_word.word, NULL)) ORDER BY 1)
                           = ARRAY(SELECT unnest(string_to_array(typed.word, NULL)) ORDER BY 1)
                           AS swapped
                FROM search_word
                WHERE NOT typed.known AND typed.threshold IS NOT NULL
                  AND typed.loosened IS NOT NULL AND search_word.word % typed.word
                OFFSET 0
            ) AS guess
            WHERE guess.likeness > CASE WHEN guess.swapped THEN typed.threshold
                  ELSE least(0.5, (length(typed.word) - 2.0) / (length(typed.word) + 4)) END - 0.001
            ORDER BY guess.swapped DESC, guess.likeness DESC,
                     abs(length(guess.word) - length(typed.word)), guess.word
            LIMIT 8
        ) AS near
        CROSS JOIN LATERAL (
            SELECT count(*) AS cards FROM product_card AS card
            WHERE card.visible AND card.search_vector @@ plainto_tsquery('market', near.word)
        ) AS sold
        WHERE sold.cards > 0
        ORDER BY near.swapped DESC, near.likeness DESC, abs(length(near.word) - length(typed.word)),
                 sold.cards DESC, near.word
        LIMIT 1
    ) AS likest ON true
), chosen AS MATERIALIZED (
    SELECT plainto_tsquery('market', query.text) AS words, query.text AS corrected
    FROM (
        SELECT string_agg(spelt.word, ' ' ORDER BY spelt.place) AS text FROM spelt
        HAVING NOT bool_and(spelt.known)
    ) AS query
)"""

_WORDS = "(SELECT chosen.words FROM chosen)"

# Where little is found, ways on: categories that begin so, and titles like the words.
_SUGGESTED = """CASE WHEN (SELECT count(*) FROM found) < 5 THEN (
    SELECT jsonb_agg(jsonb_build_object('kind', way.kind, 'text', way.text, 'path', way.path)
                     ORDER BY way.kind, way.likeness DESC, way.text)
    FROM (
        (SELECT 'category' AS kind, category.name AS text, category.path,
                word_similarity(f_unaccent(lower(category.name)), {0}) AS likeness
         FROM category
         WHERE category.archived_at IS NULL
           AND (word_similarity(f_unaccent(lower(category.name)), {0}) >= 0.6
                OR starts_with(f_unaccent(lower(category.name)), {0}))
           AND EXISTS (SELECT FROM product_card AS card
                       WHERE card.visible AND card.category_ids @> ARRAY[category.id])
         ORDER BY likeness DESC, category.path LIMIT 3)
        UNION ALL
        (SELECT 'product', product.title, product.slug, near.likeness
         FROM (SELECT card.product_id, word_similarity({0}, card.search_text) AS likeness
               FROM product_card AS card
               WHERE card.visible AND {0} <% card.search_text
                 AND word_similarity({0}, card.search_text) >= 0.5
                 AND card.product_id NOT IN (SELECT found.product_id FROM found)
               ORDER BY likeness DESC, card.product_id LIMIT 5) AS near
         JOIN product ON product.id = near.product_id)
    ) AS way) END"""

# The whole number each order sorts by, and its direction; the id decides between equals.
_SORTS = {
    "relevance": (rank(_WORDS), "DESC"),
    "newest": ("(extract(epoch FROM card.created_at) * 1000000)::bigint", "DESC"),
    "price": ("card.price_minor", "ASC"),
    "-price": ("card.price_minor", "DESC"),
    "rating": ("card.rating_hundredths::bigint", "DESC"),
    "best_selling": ("card.sold_count", "DESC"),
}


def _hits(sort: str, *, words: str) -> str:
    key, direction = _SORTS[sort]
    beyond = "<" if direction == "DESC" else ">"
    return f"""{words}, found AS MATERIALIZED (
    SELECT card.product_id, {key} AS key
    FROM product_card AS card
    WHERE card.visible AND card.search_vector @@ {_WORDS}
    AND {FILTERED}
    AND $13::text IS NULL AND $14::uuid[] IS NULL
), page AS (
    SELECT following.*,
           row_number() OVER (ORDER BY key {direction}, product_id {direction}) AS place
    FROM (
        SELECT found.product_id, found.key FROM found
        WHERE $18::bigint IS NULL OR (found.key, found.product_id) {beyond} ($18, $19::uuid)
        ORDER BY found.key {direction}, found.product_id {direction}
        LIMIT $20 + 1
    ) AS following
)
SELECT convert_to('[' || coalesce(string_agg(card.card, ',' ORDER BY page.place)
                                  FILTER (WHERE page.place <= $20), '') || ']', 'UTF8') AS items,
       count(*) AS rows,
       max(page.key) FILTER (WHERE page.place = $20) AS last_key,
       (array_agg(page.product_id) FILTER (WHERE page.place = $20))[1] AS last_id,
       (SELECT count(*) FROM found) AS total,
       (SELECT chosen.words::text FROM chosen) AS words,
       (SELECT chosen.corrected FROM chosen) AS corrected,
       {_SUGGESTED.format("$21::text")} AS suggestions
FROM page JOIN product_card AS card ON card.product_id = page.product_id
"""


HITS: dict[str, str] = {sort: _hits(sort, words=_ASKED) for sort in _SORTS}
CORRECTED_HITS: dict[str, str] = {sort: _hits(sort, words=_CORRECTED) for sort in _SORTS}

COUNT_ALL = f"""
SELECT count(*) FROM product_card AS card
WHERE card.visible AND {FILTERED} AND $13::text IS NULL AND $14::uuid[] IS NULL
"""

_STEPS_SQL = f"ARRAY[{', '.join(map(str, PRICE_STEPS))}]::bigint[]"

# A card that misses one filter only counts in the facet of that filter. The attributes of all
# goods of a market together say nothing: they are told apart once there are words or a category.
_FACETS = f"""
WITH matched AS MATERIALIZED (
    SELECT numbered.* FROM (
        SELECT fits.*, 5 + cardinality(fits.keys) - fits.category::int - fits.seller::int
               - fits.of_brand::int - fits.price::int - fits.rating::int AS number
        FROM (
            SELECT card.category_id, card.seller_id, card.brand, card.currency, card.price_minor,
                   card.rating_hundredths,
                   CASE WHEN %(narrow)s THEN card.attributes END AS attributes,
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
            WHERE card.visible AND %(words)s AND $1::text IS NULL
              AND {CONDITIONS["currency"]} AND {CONDITIONS["stock"]}
              AND $13::text IS NULL AND $14::uuid[] IS NULL
            OFFSET 0
        ) AS fits
    ) AS numbered
    WHERE numbered.number <= 1
), of_category AS (
    SELECT ancestor.id, sum(own.cards) AS cards
    FROM (SELECT matched.category_id, count(*) AS cards FROM matched
          WHERE matched.number = 0 OR NOT matched.category
          GROUP BY matched.category_id) AS own
    JOIN category ON category.id = own.category_id
    CROSS JOIN LATERAL unnest(category.ancestor_ids) AS ancestor (id)
    GROUP BY ancestor.id
), of_value AS (
    SELECT attribute.key, attribute.word, count(*) AS cards
    FROM (
        SELECT pair.key, jsonb_array_elements_text(pair.value) AS word
        FROM matched CROSS JOIN LATERAL jsonb_each(matched.attributes) AS pair
        WHERE matched.number = 0 OR matched.keys = ARRAY[pair.key]
    ) AS attribute
    GROUP BY attribute.key, attribute.word
), of_key AS (
    SELECT of_value.key, sum(of_value.cards) AS cards FROM of_value
    GROUP BY of_value.key ORDER BY cards DESC, of_value.key LIMIT 12
)
SELECT
    (SELECT count(*) FROM matched WHERE number = 0) AS total,
    (SELECT jsonb_agg(jsonb_build_array(category.id, category.name, category.path, top.cards)
                      ORDER BY category.path)
     FROM (SELECT * FROM of_category ORDER BY cards DESC, id LIMIT 200) AS top
     JOIN category ON category.id = top.id) AS category,
    (SELECT jsonb_agg(jsonb_build_array(top.brand, top.cards) ORDER BY top.cards DESC, top.brand)
     FROM (SELECT min(brand) AS brand, count(*) AS cards FROM matched
           WHERE (number = 0 OR NOT of_brand) AND brand IS NOT NULL
           GROUP BY lower(brand) ORDER BY cards DESC, brand LIMIT 50) AS top) AS brand,
    (SELECT jsonb_agg(jsonb_build_array(seller.id, seller.name, seller.slug, top.cards)
                      ORDER BY top.cards DESC, seller.name, seller.id)
     FROM (SELECT seller_id, count(*) AS cards FROM matched
           WHERE number = 0 OR NOT matched.seller
           GROUP BY seller_id ORDER BY cards DESC, seller_id LIMIT 50) AS top
     JOIN seller ON seller.id = top.seller_id) AS seller,
    (SELECT jsonb_agg(jsonb_build_array(step.place, step.cards, step.lowest, step.highest)
                      ORDER BY step.place)
     FROM (SELECT width_bucket(price_minor, {_STEPS_SQL}) AS place, count(*) AS cards,
                  min(price_minor) AS lowest, max(price_minor) AS highest
           FROM matched WHERE (number = 0 OR NOT matched.price) AND currency = $15::text
           GROUP BY place) AS step) AS price,
    (SELECT jsonb_build_array(
         count(*) FILTER (WHERE rating_hundredths >= 100),
         count(*) FILTER (WHERE rating_hundredths >= 200),
         count(*) FILTER (WHERE rating_hundredths >= 300),
         count(*) FILTER (WHERE rating_hundredths >= 400))
     FROM matched WHERE number = 0 OR NOT matched.rating) AS rating,
    (SELECT jsonb_agg(jsonb_build_array(
         top.key,
         (SELECT rule.label FROM category_attribute AS rule JOIN of_category
            ON of_category.id = rule.category_id
          WHERE rule.key = top.key ORDER BY of_category.cards DESC, rule.id LIMIT 1),
         (SELECT jsonb_agg(jsonb_build_array(most.word, most.cards)
                           ORDER BY most.cards DESC, most.word)
          FROM (SELECT of_value.word, of_value.cards FROM of_value
                WHERE of_value.key = top.key
                ORDER BY of_value.cards DESC, of_value.word LIMIT 20) AS most))
         ORDER BY top.cards DESC, top.key)
     FROM of_key AS top) AS attribute
"""

FACETS_OF_WORDS = _FACETS % {
    "words": "card.search_vector @@ $16::text::tsquery",
    "narrow": "true",
}
FACETS_OF_ALL = _FACETS % {
    "words": "true",
    "narrow": "($2::uuid IS NOT NULL OR $3::text IS NOT NULL OR $12::jsonb IS NOT NULL)",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Hits:
    """A page of cards as a JSON list; the key and id of the last one where there are more.

    `words` is what was looked for as PostgreSQL writes it, for the facets. `corrected` is the
    query in the words of the market. `suggestions` are there where little was found.
    """

    items: bytes
    total: int
    next_after: tuple[int, UUID] | None
    words: str | None
    corrected: str | None
    suggestions: list[dict[str, str]]


@dataclass(frozen=True, slots=True, kw_only=True)
class FacetRows:
    """Numbers of cards by what would narrow them, as lists of plain values.

    category (id, name, path, count), brand (name, count), seller (id, name, slug, count), price
    (index into the steps, count, lowest, highest), rating (count from 1, 2, 3, 4 stars upward),
    attribute (key, label or None, values with counts).
    """

    total: int
    category: list[Any]
    brand: list[Any]
    seller: list[Any]
    price: list[Any]
    rating: list[int]
    attribute: list[Any]


async def find_hits(
    connection: Connection,
    *,
    filters: ProductFilters,
    words: str,
    head: str | None,
    last: str | None,
    sort: Sort,
    after: tuple[int, UUID] | None,
    limit: int,
) -> Hits:
    """Cards with these words, a web search; `last` is the tsquery of the last word's beginning
    and `head` what stands before it, both None where it must be whole."""
    row = await connection.fetchrow(
        HITS[sort], *filters.arguments, words, head, last, *(after or (None, None)), limit, words
    )
    return _hits_of(row, limit=limit)


async def find_corrected(
    connection: Connection,
    *,
    filters: ProductFilters,
    words: Sequence[str],
    thresholds: Sequence[float | None],
    sort: Sort,
    after: tuple[int, UUID] | None,
    limit: int,
) -> Hits:
    """Cards with the words that were probably meant. A threshold is the least trigram similarity
    that still is a typo of its word, None where the word is too short to tell."""
    loosest = min((known for known in thresholds if known is not None), default=1.0)
    row = await connection.fetchrow(
        CORRECTED_HITS[sort],
        *filters.arguments,
        list(words),
        list(thresholds),
        str(max(0.0, loosest - 0.001)),
        *(after or (None, None)),
        limit,
        " ".join(words),
    )
    return _hits_of(row, limit=limit)


async def count_all(connection: Connection, *, filters: ProductFilters) -> int:
    """How many products on sale fit the filters."""
    number: int = await connection.fetchval(COUNT_ALL, *filters.arguments)
    return number


async def find_facets(
    connection: Connection, *, filters: ProductFilters, words: str | None, currency: str
) -> FacetRows:
    """What would narrow a search, each facet counted as if its own filter weren't there.

    `words` are those of `Hits`, None for everything on sale; prices are those in `currency`.
    """
    row = (
        await connection.fetchrow(FACETS_OF_ALL, *filters.arguments, currency)
        if words is None
        else await connection.fetchrow(FACETS_OF_WORDS, *filters.arguments, currency, words)
    )
    assert row is not None  # noqa: S101 - scalars make one row
    return FacetRows(**{name: [] if value is None else value for name, value in row.items()})


def _hits_of(row: Any, *, limit: int) -> Hits:
    assert row is not None  # noqa: S101 - an aggregate without GROUP BY gives one row
    return Hits(
        items=row["items"],
        total=row["total"],
        next_after=(row["last_key"], row["last_id"]) if row["rows"] > limit else None,
        words=row["words"],
        corrected=row["corrected"],
        suggestions=row["suggestions"] or [],
    )
