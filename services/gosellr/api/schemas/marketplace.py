"""Shapes of the market as a whole: its numbers, its tree, the search and what is bought."""

from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import Field

from gosellr.api.schemas.common import (
    AmountMinor,
    AnswerModel,
    Currency,
    Filters,
    Flag,
    MoneyOut,
    Name,
    RequestModel,
    ShortText,
    line,
    lines,
)
from gosellr.api.schemas.product_answers import ProductCardOut
from gosellr.core.pagination import DEFAULT_LIMIT, MAX_LIMIT
from gosellr.services.marketplace_service import DEFAULT_WINDOW, Window
from gosellr.services.product_list_service import Sort
from gosellr.services.search_service import FACET_NAMES, FacetName, TotalRelation

Limit = Annotated[int, Field(strict=True, ge=1, le=MAX_LIMIT)]
Reference = Annotated[str, line(500)]
AttributeWord = ShortText | Flag | Annotated[int, Field(strict=True)]


class StatsOut(AnswerModel):
    """The market in numbers, each amount by currency."""

    orders: int = Field(description="Orders that were sold, refunded ones included.")
    gmv: list[MoneyOut] = Field(
        description="What sales were worth: paid through gateways, out of stored value, and given"
        " by the marketplace as a promotion; with delivery and tax, before refunds."
    )
    commission: list[MoneyOut] = Field(
        description="What the marketplace earned by commission, less what refunds gave back."
    )
    sellers_active: int
    products_active: int
    refunded: list[MoneyOut] = Field(description="What reached buyers as refunds.")
    as_of: datetime


class CategoryNodeOut(AnswerModel):
    """A category of the tree; `product_count` includes everything below it."""

    id: UUID
    parent_id: UUID | None
    name: str
    slug: str
    path: str
    picture: str | None
    product_count: int
    children: list["CategoryNodeOut"]


class CategoryTreeOut(AnswerModel):
    """All categories: those at the root, each with its children."""

    items: list[CategoryNodeOut]


class TrendingFilters(Filters):
    """How far back purchases count, and how many products are listed."""

    window: Window = DEFAULT_WINDOW
    limit: Annotated[int, Field(ge=1, le=MAX_LIMIT)] = DEFAULT_LIMIT


class TrendingOut(AnswerModel):
    """Products with the most buyers lately, as cards."""

    window: Window
    items: list[ProductCardOut]
    next_cursor: None


class SearchFilters(RequestModel):
    """What narrows a search: ids, paths or slugs, and minor units. Of several any will do."""

    category: Reference | None = Field(
        default=None, description="An id or a path such as `home/lamps`; includes all below it"
    )
    seller: Reference | Annotated[list[Reference], Field(max_length=50)] | None = None
    brand: Name | Annotated[list[Name], Field(max_length=50)] | None = None
    currency: Currency | None = None
    min_price: AmountMinor | None = None
    max_price: AmountMinor | None = None
    in_stock: Flag | None = None
    rating_min: Annotated[int, Field(strict=True, ge=1, le=5)] | None = None
    attributes: Annotated[
        dict[
            Annotated[str, line(48)],
            AttributeWord | Annotated[list[AttributeWord], Field(min_length=1, max_length=50)],
        ],
        Field(max_length=20, examples=[{"material": ["linen", "wool"]}]),
    ] = Field(default_factory=dict)

    def words_by_attribute(self) -> dict[str, list[str]]:
        """Wanted values by attribute, as cards hold them."""
        return {
            key: [_word(one) for one in (value if isinstance(value, list) else [value])]
            for key, value in self.attributes.items()
        }


def _word(value: str | bool | int) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


class SearchIn(RequestModel):
    """What to look for. `query` understands "quoted words", -without and or; empty is everything.

    `facets` says whether to count what would narrow the result, or which of it.
    """

    query: Annotated[str, lines(1000)] = Field(default="", examples=["linen shirt"])
    filters: SearchFilters = Field(default_factory=SearchFilters)
    sort: Sort | None = None
    limit: Limit = DEFAULT_LIMIT
    cursor: Annotated[str, line(1000)] | None = None
    facets: Flag | Annotated[list[FacetName], Field(max_length=6)] = True

    def facet_names(self) -> tuple[FacetName, ...]:
        """The facets that are wanted."""
        if isinstance(self.facets, bool):
            return FACET_NAMES if self.facets else ()
        return tuple(name for name in FACET_NAMES if name in self.facets)


class CategoryCountOut(AnswerModel):
    """Hits in a category and below it."""

    id: UUID
    name: str
    path: str
    count: int


class ValueCountOut(AnswerModel):
    """Hits of a brand or of an attribute's value."""

    value: str
    count: int


class SellerCountOut(AnswerModel):
    """Hits of a seller."""

    id: UUID
    name: str
    slug: str
    count: int


class PriceRangeOut(AnswerModel):
    """Hits from one price to another, both included: as `min_price` and `max_price` take them."""

    min_price: int
    max_price: int
    count: int


class PriceFacetOut(AnswerModel):
    """What hits cost, in minor units of one currency."""

    currency: str
    lowest: int | None
    highest: int | None
    ranges: list[PriceRangeOut]


class RatingCountOut(AnswerModel):
    """Hits rated so many stars or better."""

    rating_min: int
    count: int


class AttributeFacetOut(AnswerModel):
    """Hits by the values of an attribute or an option."""

    key: str
    label: str
    values: list[ValueCountOut]


class FacetsOut(AnswerModel):
    """What would narrow the result; each facet counts as if its own filter weren't set.

    Of more than 10,000 hits of words, facets count any 10,000.
    """

    category: list[CategoryCountOut] | None = None
    brand: list[ValueCountOut] | None = None
    seller: list[SellerCountOut] | None = None
    price: PriceFacetOut | None = None
    rating: list[RatingCountOut] | None = None
    attribute: list[AttributeFacetOut] | None = None


class SuggestionOut(AnswerModel):
    """A way on where little was found: a category's path, or a product's slug."""

    kind: Literal["category", "product"]
    text: str
    path: str


class SearchOut(AnswerModel):
    """Hits as cards and what surrounds them; facets that weren't asked for are left out.

    `corrected_query` is what was searched for instead, where nothing has the words as typed.

    Of more than 10,000 hits, 4,000 are put in order of relevance, and pages end with them: those
    with the words in title, brand or category before others, the most appealing first. In any
    other order pages go on to the last hit.
    """

    items: list[ProductCardOut]
    total: int = Field(description="How many hits there are; 10000 where there are more.")
    total_relation: TotalRelation = Field(
        description="`eq` where `total` is exact, `gte` where there are more hits than that."
    )
    facets: FacetsOut
    suggestions: list[SuggestionOut]
    corrected_query: str | None
    next_cursor: str | None


SEARCH_EXAMPLES: list[dict[str, Any]] = [
    {"query": "linen shirt"},
    {
        "query": "lamp",
        "filters": {"category": "home/lamps", "max_price": 5000, "in_stock": True},
        "sort": "price",
        "facets": ["brand", "price"],
    },
]
