"""The search: hits, their number and ways on in one statement, their facets too where nothing is
filtered. Where there are more hits than are counted it says so, and `broad_search` finds the page.

The words are found in `product_card.search_vector`. Where something is filtered, arguments 1 to 14
are those of `ProductFilters`, whose words stay empty here: what is looked for comes behind them.
"""

from collections.abc import Collection, Sequence
from functools import cached_property
from typing import Any
from uuid import UUID

from gosellr.core.db import Connection
from gosellr.queries.asked_words import (
    APART_MAX,
    ASKED,
    ASKED_FILTERED,
    CORRECTED,
    IS_LARGE,
    WORDS,
    apart,
    has_words,
)
from gosellr.queries.product_lists import FILTERED, NO_FILTERS, ProductFilters, Sort, rank
from gosellr.queries.search_facets import (
    COLUMNS,
    FACET_SETS,
    NONE,
    FacetName,
    FacetRows,
    counted,
    facet_rows,
    set_for,
)
from gosellr.utils.lazy_dataclasses import dataclass
from gosellr.utils.ranking import COUNTED_HITS_MAX

# Where little is found, ways on: categories whose name is about in the words or begins so; where
# nothing is, titles with about these words as well. "About" is six trigrams of ten; an index leaves
# out names that share none. Whether a category has anything on sale is asked for by one card: the
# index of all cards by all their categories would list every card first. What would make the plan
# of one search look cheaper than that of all stands in a sub-select: planning costs more than it
# saves.
_SUGGESTED = """CASE WHEN (SELECT size.hits FROM size) BETWEEN {1} AND 4 THEN (
    SELECT jsonb_agg(jsonb_build_object('kind', way.kind, 'text', way.text, 'path', way.path)
                     ORDER BY way.kind, way.likeness DESC, way.text)
    FROM (
        (SELECT 'category' AS kind, category.name AS text, category.path,
                word_similarity(category.plain_name, {0}) AS likeness
         FROM category
         WHERE show_trgm(category.plain_name) && (SELECT show_trgm({0}))
           AND (category.plain_name <% {0} OR starts_with(category.plain_name, {0}))
           AND category.archived_at IS NULL
           AND (SELECT true FROM category AS below CROSS JOIN LATERAL (
                    SELECT FROM product
                    JOIN product_card AS card ON card.product_id = product.id AND card.visible
                    WHERE product.category_id = below.id LIMIT 1) AS one
                WHERE below.ancestor_ids @> ARRAY[category.id] LIMIT 1)
         ORDER BY likeness DESC, category.path LIMIT 3)
        UNION ALL
        (SELECT 'product', product.title, product.slug, near.likeness
         FROM (SELECT card.product_id, word_similarity({0}, card.search_text) AS likeness
               FROM product_card AS card
               WHERE card.visible AND card.search_text %> (SELECT {0})
                 AND NOT EXISTS (SELECT FROM found)
               ORDER BY likeness DESC, card.product_id LIMIT 5) AS near
         JOIN product ON product.id = near.product_id)
    ) AS way) END"""

# The whole number each order sorts by, and its direction; the id decides between equals.
SORTS = {
    "relevance": (rank(WORDS), "DESC"),
    "newest": ("(extract(epoch FROM card.created_at) * 1000000)::bigint", "DESC"),
    "price": ("card.price_minor", "ASC"),
    "-price": ("card.price_minor", "DESC"),
    "rating": ("card.rating_hundredths::bigint", "DESC"),
    "best_selling": ("card.sold_count", "DESC"),
}


# Which facets are counted along; None where something is filtered, for then a card that is no hit
# may count in a facet, and others count them.
Shape = tuple[FacetName, ...] | None


def page_table(source: str, *, direction: str, last_key: str, last_id: str, limit: str) -> str:
    """SQL of `page`: the hits of `source` behind the last one seen, in order, and one more.

    Their keys are worked out once, behind OFFSET 0, and not where they are compared as well.
    """
    beyond = "<" if direction == "DESC" else ">"
    return f"""page AS (
    SELECT following.*,
           row_number() OVER (ORDER BY key {direction}, product_id {direction}) AS place
    FROM (
        SELECT keyed.* FROM (SELECT product_id, key FROM {source} OFFSET 0) AS keyed
        WHERE {last_key}::bigint IS NULL
           OR (keyed.key, keyed.product_id) {beyond} ({last_key}, {last_id}::uuid)
        ORDER BY keyed.key {direction}, keyed.product_id {direction}
        LIMIT (SELECT {limit}::int + 1)
    ) AS following
)"""


def page_columns(limit: str) -> str:
    """SQL of what is told of `page`, joined with its cards."""
    return f"""convert_to('[' || coalesce(string_agg(card.card, ',' ORDER BY page.place)
                                  FILTER (WHERE page.place <= {limit}), '') || ']', 'UTF8')
           AS items,
       count(*) AS rows,
       max(page.key) FILTER (WHERE page.place = {limit}) AS last_key,
       (array_agg(page.product_id) FILTER (WHERE page.place = {limit}))[1] AS last_id"""


def _hits(sort: str, shape: Shape, *, words: str, questions: int = 1) -> str:
    """Arguments, behind those of the filters: three of `words`, key and id of the last hit seen,
    the limit, the query for suggestions and the fewest hits that call for some, and the currency
    of prices where facets are counted."""
    key, direction = SORTS[sort]
    first = 15 if shape is None else 1
    one, two, three, last_key, last_id, limit, query, fewest, currency = (
        f"${number}" for number in range(first, first + 9)
    )
    filtered = f"AND {FILTERED}\n    AND $13::text IS NULL AND $14::uuid[] IS NULL"
    tables, columns = counted(
        shape or NONE, source="faceted", filtered=False, currency=f"{currency}::bpchar"
    )
    page = page_table(
        f"found WHERE (SELECT size.hits FROM size) <= {COUNTED_HITS_MAX}",
        direction=direction,
        last_key=last_key,
        last_id=last_id,
        limit=limit,
    )
    return f"""
WITH {words.format(one, two, three)}, {apart(questions)}found AS MATERIALIZED (
    SELECT card.product_id, {key} AS key{COLUMNS[shape or NONE]}
    FROM product_card AS card
    WHERE card.visible AND {has_words(questions)}
    {filtered if shape is None else ""}
    LIMIT {COUNTED_HITS_MAX + 1}
), size AS MATERIALIZED (
    SELECT count(*) AS hits FROM found
), faceted AS NOT MATERIALIZED (
    SELECT found.* FROM found LIMIT {COUNTED_HITS_MAX}
), {page}{tables}
SELECT {page_columns(limit)},
       (SELECT size.hits FROM size) AS total,
       (SELECT chosen.words::text FROM chosen) AS words,
       (SELECT chosen.corrected FROM chosen) AS corrected,
       {IS_LARGE} AS in_large_market,
       {_SUGGESTED.format(f"{query}::text", f"{fewest}::int")} AS suggestions{columns}
FROM page JOIN product_card AS card ON card.product_id = page.product_id
"""


_SHAPES: tuple[Shape, ...] = (None, *FACET_SETS)
HITS: dict[tuple[str, Shape, int], str] = {
    (sort, shape, questions): _hits(
        sort, shape, words=ASKED_FILTERED if shape is None else ASKED, questions=questions
    )
    for sort in SORTS
    for shape in _SHAPES
    for questions in range(1, APART_MAX + 1)
}
CORRECTED_HITS: dict[tuple[str, Shape], str] = {
    (sort, shape): _hits(sort, shape, words=CORRECTED) for sort in SORTS for shape in _SHAPES
}

COUNT_ALL = f"""
SELECT count(*) FROM (
    SELECT FROM product_card AS card
    WHERE card.visible AND {FILTERED} AND $13::text IS NULL AND $14::uuid[] IS NULL
    LIMIT {COUNTED_HITS_MAX + 1}
) AS counted
"""


@dataclass(frozen=True, kw_only=True)
class Question:
    """What hits are asked for: which, in which order, behind which key and id, how many, and with
    which facets, prices in `currency`."""

    filters: ProductFilters
    sort: Sort
    after: tuple[int, UUID] | None
    limit: int
    facets: Collection[FacetName]
    currency: str

    @cached_property
    def shape(self) -> Shape:
        """The statement that answers it."""
        return set_for(self.facets) if self.filters == NO_FILTERS else None

    @property
    def filter_arguments(self) -> tuple[Any, ...]:
        """The first arguments of the statement that answers it."""
        return self.filters.arguments if self.shape is None else ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Hits:
    """A page of cards as a JSON list; the key and id of the last one where there are more.

    A `total` beyond what is counted comes without cards: `broad_search` finds them.

    `words` is what was looked for as PostgreSQL writes it. `corrected` is the query in the words
    of the market. `suggestions` are there where little was found. `facets` are None where they
    have to be counted by `search_facets.find_facets`. `in_large_market` is whether the next search
    should ask for each word by itself.
    """

    items: bytes
    total: int
    next_after: tuple[int, UUID] | None
    words: str | None
    corrected: str | None
    suggestions: list[dict[str, str]]
    facets: FacetRows | None
    in_large_market: bool


async def find_hits(
    connection: Connection,
    question: Question,
    *,
    ways: Sequence[str],
    head: str | None,
    last: str | None,
    fewest: int = 0,
    questions: int = 1,
) -> Hits:
    """Cards with the words of one of these web searches, the first as it was typed; `last` is the
    tsquery of the last word's beginning and `head` what stands before it, both None where it must
    be whole.

    Where nothing is filtered, a beginning is looked for if there is one. Where something is, only
    if no product on sale has the words: there the words are asked for in the same statement.
    `questions` is how many words there are, where each is asked for by itself.
    """
    row = await connection.fetchrow(
        HITS[question.sort, question.shape, min(questions, APART_MAX)],
        *_arguments(question, (list(ways), head, last), query=" ".join(ways), fewest=fewest),
    )
    return _hits_of(row, question)


async def find_corrected(
    connection: Connection,
    question: Question,
    *,
    words: Sequence[str],
    thresholds: Sequence[float | None],
) -> Hits:
    """Cards with the words that were probably meant. A threshold is the least trigram similarity
    that still is a typo of its word, None where the word is too short to tell."""
    loosest = min((known for known in thresholds if known is not None), default=1.0)
    meant = (list(words), list(thresholds), str(max(0.0, loosest - 0.001)))
    row = await connection.fetchrow(
        CORRECTED_HITS[question.sort, question.shape],
        *_arguments(question, meant, query=" ".join(words)),
    )
    return _hits_of(row, question)


async def count_all(connection: Connection, *, filters: ProductFilters) -> int:
    """How many products on sale fit the filters, or one more than are counted."""
    number: int = await connection.fetchval(COUNT_ALL, *filters.arguments)
    return number


def _arguments(
    question: Question, words: tuple[Any, ...], *, query: str, fewest: int = 0
) -> tuple[Any, ...]:
    return (
        *question.filter_arguments,
        *words,
        *(question.after or (None, None)),
        question.limit,
        query,
        fewest,
        *((question.currency,) if question.shape and "price" in question.shape else ()),
    )


def _hits_of(row: Any, question: Question) -> Hits:
    assert row is not None  # noqa: S101 - an aggregate without GROUP BY gives one row
    return Hits(
        items=row["items"],
        total=row["total"],
        next_after=(row["last_key"], row["last_id"]) if row["rows"] > question.limit else None,
        words=row["words"],
        corrected=row["corrected"],
        suggestions=row["suggestions"] or [],
        facets=None if question.shape is None else facet_rows(row, question.facets),
        in_large_market=row["in_large_market"],
    )
