"""The search: what was typed, what was probably meant, and what would narrow it."""

from collections.abc import Collection, Mapping, Sequence
from typing import Any, Literal
from uuid import UUID

import orjson

from gosellr.core.db import Connection
from gosellr.core.errors import InvalidInput
from gosellr.core.pagination import decode_cursor, encode_cursor
from gosellr.queries import asked_words, broad_search, product_lists
from gosellr.queries import search as queries
from gosellr.queries.product_lists import ProductFilters, Sort
from gosellr.queries.search import Hits, Question
from gosellr.queries.search_facets import ALL as FACET_NAMES
from gosellr.queries.search_facets import PRICE_STEPS, FacetName, FacetRows, find_facets
from gosellr.services.market_size import MarketSize
from gosellr.utils.lazy_dataclasses import dataclass, replace
from gosellr.utils.money import MAX_AMOUNT_MINOR
from gosellr.utils.ranking import COUNTED_HITS_MAX, normalise_query, similarity_threshold
from gosellr.utils.search_words import beginning, is_plain, plain_words, ways_to_write

__all__ = [
    "FACET_NAMES",
    "AttributeFacet",
    "CategoryCount",
    "FacetName",
    "Facets",
    "PriceFacet",
    "PriceRange",
    "SearchResult",
    "SellerCount",
    "Suggestion",
    "TotalRelation",
    "ValueCount",
    "price_ranges",
    "search",
]

QUERY_LENGTH_MAX = 200
_PRICE_RANGES_MAX = 6
_CORRECTED_WORDS_MAX = 10
# A key of our own making is a rank, a price, a count or a moment before the year 10000.
_KEYS = range(-1, 2**58)
_EVERYTHING = ("everything",)
_WAYS = ("asked", "begun", "corrected")

Key = tuple[int, UUID]
TotalRelation = Literal["eq", "gte"]


@dataclass(frozen=True, slots=True, kw_only=True)
class CategoryCount:
    """A category with the hits in it and below it; parents come before their children."""

    id: UUID
    name: str
    path: str
    count: int


@dataclass(frozen=True, slots=True, kw_only=True)
class SellerCount:
    """A seller and its hits."""

    id: UUID
    name: str
    slug: str
    count: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ValueCount:
    """A brand or an attribute's value, as the filter takes it, and its hits."""

    value: str
    count: int


@dataclass(frozen=True, slots=True, kw_only=True)
class PriceRange:
    """Hits from `minimum_minor` to `maximum_minor`, both included."""

    minimum_minor: int
    maximum_minor: int
    count: int


@dataclass(frozen=True, slots=True, kw_only=True)
class PriceFacet:
    """What the hits with a price in this currency span; None and empty where there are none."""

    currency: str
    lowest_minor: int | None
    highest_minor: int | None
    ranges: tuple[PriceRange, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class AttributeFacet:
    """An attribute or option and the hits by its values."""

    key: str
    label: str
    values: tuple[ValueCount, ...]


class Facets:
    """What would narrow the result; every facet counts as if its own filter weren't set.

    Lists are there as finished JSON for those who pass them on, and as values for those who don't.
    A facet that wasn't asked for is empty.
    """

    __slots__ = ("lists", "price")

    def __init__(self, *, lists: Mapping[FacetName, bytes], price: PriceFacet) -> None:
        self.lists = lists
        self.price = price

    @property
    def category(self) -> tuple[CategoryCount, ...]:
        """Hits by category."""
        return tuple(
            CategoryCount(**{**each, "id": UUID(each["id"])}) for each in self._read("category")
        )

    @property
    def brand(self) -> tuple[ValueCount, ...]:
        """Hits by brand."""
        return tuple(ValueCount(**each) for each in self._read("brand"))

    @property
    def seller(self) -> tuple[SellerCount, ...]:
        """Hits by seller."""
        return tuple(
            SellerCount(**{**each, "id": UUID(each["id"])}) for each in self._read("seller")
        )

    @property
    def attribute(self) -> tuple[AttributeFacet, ...]:
        """Hits by the values of attributes and options."""
        return tuple(
            AttributeFacet(
                key=each["key"],
                label=each["label"],
                values=tuple(ValueCount(**value) for value in each["values"]),
            )
            for each in self._read("attribute")
        )

    def _read(self, name: FacetName) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = orjson.loads(self.lists.get(name, b"[]"))
        return found


@dataclass(frozen=True, slots=True, kw_only=True)
class Suggestion:
    """A way on where little was found: a category by its path, or a product by its slug."""

    kind: Literal["category", "product"]
    text: str
    path: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SearchResult:
    """A page of product cards as a JSON list, and everything around it.

    `total` is exact up to `COUNTED_HITS_MAX`; where there are more hits it is that, and
    `total_relation` says so. `corrected_query` is what was searched for instead, when no product
    has the words as typed.
    """

    items: bytes
    total: int
    total_relation: TotalRelation
    next_cursor: str | None
    facets: Facets | None = None
    suggestions: tuple[Suggestion, ...] = ()
    corrected_query: str | None = None


async def search(
    connection: Connection,
    *,
    query: str,
    filters: ProductFilters,
    sort: Sort | None = None,
    limit: int,
    cursor: str | None = None,
    facets: Collection[FacetName] = FACET_NAMES,
    currency: str,
    market_size: MarketSize,
) -> SearchResult:
    """Products on sale with these words, with the facets that are asked for: one statement, one
    more for facets of what is filtered, one more where there are more hits than are counted, and
    where there is nothing, one that takes the last word for a beginning and one that takes what was
    typed for mistaken.

    Of more hits than `COUNTED_HITS_MAX` facets count as many, and by relevance there are
    `RANKED_HITS_MAX`: those whose title, brand or category has the words before others, and the
    most appealing first. Every other order has all of them.

    `query` understands "quoted words", -without and or; the filters' own `q` is not asked for.
    Nothing to look for lists everything. `currency` is that of the facet by price where no filter
    says another. Without a sort, hits come by relevance, and everything newest first. By
    `market_size` words are looked for one by one or all at once; the hits say it anew.

    Raises:
        InvalidInput: for a cursor of another list.
    """
    words = normalise_query(query, max_length=QUERY_LENGTH_MAX)
    if filters.q or filters.status or filters.seller_ids:
        filters = replace(filters, q=None, status=None, seller_ids=None)
    chosen: Sort = sort or "relevance"
    if not words and chosen == "relevance":
        chosen = "newest"
    way, after = _after(cursor, sort=chosen, ways=_WAYS if words else _EVERYTHING)
    question = Question(
        filters=filters,
        sort=chosen,
        after=after,
        limit=limit,
        facets=facets,
        currency=filters.currency or currency,
    )
    if not words:
        return await _list_everything(connection, question)
    apart = market_size.is_large
    hits = await _hits(connection, question, words=words, way=way, apart=apart)
    market_size.is_large = hits.in_large_market
    if hits.total == 0 and cursor is None:
        for way in _other_ways(question, words):
            meant = await _hits(connection, question, words=words, way=way, apart=apart)
            if way == "begun" or meant.corrected or not hits.suggestions:
                hits = meant
            if hits.total:
                break
    if hits.total > COUNTED_HITS_MAX:
        hits = await broad_search.find_broad(connection, question, hits)
    rows = await _facet_rows(connection, question, hits)
    total, relation = _counted(hits.total)
    return SearchResult(
        items=hits.items,
        total=total,
        total_relation=relation,
        next_cursor=_cursor(hits.next_after, sort=chosen, way=way),
        facets=_facets_of(rows, currency=question.currency) if facets and rows else None,
        suggestions=tuple(Suggestion(**each) for each in hits.suggestions),  # type: ignore[arg-type]
        corrected_query=hits.corrected,
    )


async def count_words(connection: Connection) -> None:
    """Learn which words are common, by what the planner counted: searches begin with the others."""
    await asked_words.count_words(connection)


async def _facet_rows(connection: Connection, question: Question, hits: Hits) -> FacetRows | None:
    if hits.facets is not None or not question.facets:
        return hits.facets
    _, rows = await find_facets(
        connection,
        filters=question.filters,
        words=hits.words or "",
        names=question.facets,
        currency=question.currency,
        many=hits.total > COUNTED_HITS_MAX,
    )
    return rows


async def _hits(
    connection: Connection, question: Question, *, words: str, way: str, apart: bool
) -> Hits:
    if way == "corrected":
        typed = plain_words(words)[:_CORRECTED_WORDS_MAX]
        return await queries.find_corrected(
            connection,
            question,
            words=typed,
            thresholds=[similarity_threshold(word) for word in typed],
        )
    head, last = beginning(words)
    questions = len(words.split()) if apart and way == "asked" and is_plain(words) else 1
    if way == "asked" and question.shape is not None:
        # Ways on are for those who get no further by the beginning of a word.
        fewest = 0 if last is None else 1
        head = last = None
    else:
        fewest = 0
    return await queries.find_hits(
        connection,
        question,
        ways=ways_to_write(words),
        head=head,
        last=last,
        fewest=fewest,
        questions=questions,
    )


def _other_ways(question: Question, words: str) -> Sequence[str]:
    """How to look for words that nothing has."""
    if question.shape is None or beginning(words)[1] is None:
        return ("corrected",)
    return ("begun", "corrected")


async def _list_everything(connection: Connection, question: Question) -> SearchResult:
    filters = question.filters
    page = await product_lists.list_cards(
        connection,
        filters=filters,
        sort=question.sort,
        after=question.after,
        limit=question.limit,
    )
    next_cursor = _cursor(page.next_after, sort=question.sort, way=_EVERYTHING[0])
    rows = None
    if question.facets:
        found, rows = await find_facets(
            connection,
            filters=filters,
            words=None,
            names=question.facets,
            currency=question.currency,
        )
    else:
        found = await queries.count_all(connection, filters=filters)
    total, relation = _counted(found)
    return SearchResult(
        items=page.items,
        total=total,
        total_relation=relation,
        next_cursor=next_cursor,
        facets=_facets_of(rows, currency=question.currency) if rows else None,
    )


def _counted(hits: int) -> tuple[int, TotalRelation]:
    return (hits, "eq") if hits <= COUNTED_HITS_MAX else (COUNTED_HITS_MAX, "gte")


def _facets_of(rows: FacetRows, *, currency: str) -> Facets:
    prices = rows.prices
    return Facets(
        lists=rows.lists,
        price=PriceFacet(
            currency=currency,
            lowest_minor=min((lowest for _, _, lowest, _ in prices), default=None),
            highest_minor=max((highest for _, _, _, highest in prices), default=None),
            ranges=price_ranges([(place, count) for place, count, _, _ in prices]),
        ),
    )


def price_ranges(counts: Sequence[tuple[int, int]]) -> tuple[PriceRange, ...]:
    """Few ranges out of many steps: neighbours with the fewest hits together become one.

    `counts` holds (step, hits), where step n is from `PRICE_STEPS[n - 1]` to below the next.
    """
    ranges = [(place, place, count) for place, count in sorted(counts)]
    while len(ranges) > _PRICE_RANGES_MAX:
        at = min(range(len(ranges) - 1), key=lambda n: ranges[n][2] + ranges[n + 1][2])
        (first, _, count), (_, last, more) = ranges[at : at + 2]
        ranges[at : at + 2] = [(first, last, count + more)]
    return tuple(
        PriceRange(
            minimum_minor=PRICE_STEPS[first - 1] if first else 0,
            maximum_minor=PRICE_STEPS[last] - 1 if last < len(PRICE_STEPS) else MAX_AMOUNT_MINOR,
            count=count,
        )
        for first, last, count in ranges
    )


def _cursor(after: Key | None, *, sort: Sort, way: str) -> str | None:
    return None if after is None else encode_cursor(sort, way, after[0], str(after[1]))


def _after(cursor: str | None, *, sort: Sort, ways: Sequence[str]) -> tuple[str, Key | None]:
    if cursor is None:
        return ways[0], None
    cursor_sort, way, key, product_id = decode_cursor(cursor, kinds=(str, str, int, str))
    try:
        product_uuid = UUID(product_id)
    except ValueError:
        product_uuid = None
    if cursor_sort != sort or way not in ways or product_uuid is None or key not in _KEYS:
        raise InvalidInput.at("cursor", "cursor_unknown", "This cursor is of another list")
    return way, (key, product_uuid)
