"""A page of a search with more hits than are counted: a bounded number of them is ranked, and of
any other order exactly the page is looked for.

What is ranked comes by an index of words and appeal together: hits whose title, brand or category
has the words before all others, of both the most appealing first. A rank grows with the appeal,
so the best are among them. Any other order is that of an index, in which the words are looked for
from the cursor on: where they are common, a page is soon full. Where they are rare among what
comes first (the cheapest goods of all are no sofas), every hit is put in order by its key alone.
"""

from gosellr.core.db import Connection
from gosellr.queries.asked_words import WORDS
from gosellr.queries.product_lists import FILTERED, index_order, start
from gosellr.queries.search import SORTS, Hits, Question, page_columns, page_table
from gosellr.utils.lazy_dataclasses import replace
from gosellr.utils.ranking import RANKED_HITS_MAX

# An appeal is 1.3 at most, so the highest of its twentieths is the 26th.
_APPEAL_STEP = "(card.appeal * 20)::int"
_HIGHEST_STEP = 26

# How many entries of an index by price, date or the like are held against the words.
_WALKED_MAX = 20_000


def _by_appeal(vector: str, *, beside: str) -> str:
    # Behind OFFSET 0 stands what the index of words finds. Whatever else is asked of a hit would be
    # looked up in other indexes for each step anew.
    return f"""
        SELECT card.* FROM generate_series({_HIGHEST_STEP}, 0, -1) AS step CROSS JOIN LATERAL (
            SELECT card.* FROM product_card AS card
            WHERE card.visible AND card.{vector} @@ {WORDS} AND {_APPEAL_STEP} = step
            OFFSET 0
        ) AS card
        WHERE {beside}"""


def _ranked(narrowed: str) -> str:
    # A word that is excluded may stand in what doesn't lead.
    leading = _by_appeal("lead_vector", beside=f"card.search_vector @@ {WORDS} {narrowed}")
    others = _by_appeal("search_vector", beside=f"NOT card.lead_vector @@ {WORDS} {narrowed}")
    return f"""found AS (
    SELECT card.product_id, {SORTS["relevance"][0]} AS key
    FROM ({leading}
        UNION ALL{others}
        LIMIT {RANKED_HITS_MAX}
    ) AS card
)"""


def _ordered(sort: str, narrowed: str, *, last_key: str, last_id: str, limit: str) -> str:
    column, direction, place = index_order(sort, last_key)
    key = SORTS[sort][0]
    beyond = "<" if direction == "DESC" else ">"
    behind = f"({column}, card.product_id) {beyond} ((SELECT {place}), (SELECT {last_id}::uuid))"
    order = f"ORDER BY {column} {direction}, card.product_id {direction}"
    return f"""walked AS MATERIALIZED (
    SELECT card.product_id, {key} AS key
    FROM (
        SELECT card.* FROM product_card AS card
        WHERE card.visible AND {behind}
        {order} LIMIT {_WALKED_MAX}
    ) AS card
    WHERE card.search_vector @@ {WORDS} {narrowed}
    {order} LIMIT (SELECT {limit}::int + 1)
), found AS (
    SELECT walked.* FROM walked WHERE (SELECT count(*) FROM walked) > {limit}
    UNION ALL
    SELECT card.product_id, {key}
    FROM (
        SELECT card.* FROM product_card AS card
        WHERE card.visible AND card.search_vector @@ {WORDS}
        OFFSET 0
    ) AS card
    WHERE (SELECT count(*) FROM walked) <= {limit} AND {behind} {narrowed}
)"""


def _broad(sort: str, *, filtered: bool) -> str:
    """Arguments, behind those of the filters: the words as PostgreSQL writes them, key and id of
    the last hit seen or an extreme key, and the limit."""
    first = 15 if filtered else 1
    words, last_key, last_id, limit = (f"${first + number}" for number in range(4))
    narrowed = f"AND {FILTERED} AND $13::text IS NULL AND $14::uuid[] IS NULL" if filtered else ""
    found = (
        _ranked(narrowed)
        if sort == "relevance"
        else _ordered(sort, narrowed, last_key=last_key, last_id=last_id, limit=limit)
    )
    page = page_table(
        "found", direction=SORTS[sort][1], last_key=last_key, last_id=last_id, limit=limit
    )
    return f"""
WITH chosen AS MATERIALIZED (SELECT {words}::text::tsquery AS words), {found}, {page}
SELECT {page_columns(limit)}
FROM page JOIN product_card AS card ON card.product_id = page.product_id
"""


BROAD_HITS: dict[tuple[str, bool], str] = {
    (sort, filtered): _broad(sort, filtered=filtered)
    for sort in SORTS
    for filtered in (False, True)
}


async def find_broad(connection: Connection, question: Question, counted: Hits) -> Hits:
    """The page of hits that were found to be too many to count."""
    row = await connection.fetchrow(
        BROAD_HITS[question.sort, question.shape is None],
        *question.filter_arguments,
        counted.words,
        *start(question.sort, question.filters, after=question.after),
        question.limit,
    )
    assert row is not None  # noqa: S101 - an aggregate without GROUP BY gives one row
    more = row["rows"] > question.limit
    return replace(
        counted,
        items=row["items"],
        next_after=(row["last_key"], row["last_id"]) if more else None,
    )
