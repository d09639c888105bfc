"""Lists of products: what an address asks for, and the page that answers it."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from urllib.parse import urlencode

from starlette.datastructures import QueryParams

from gosellr.services.product_list_service import Sort
from gosellr.utils.money import InvalidAmount, parse_decimal
from gosellr.web.views import (
    ChoiceView,
    FacetOptionView,
    FacetView,
    LinkView,
    ListingView,
    PagerView,
    PriceFacetView,
    ProductCardView,
    SuggestionView,
)

QUERY_LENGTH_MAX = 200
_VALUES_MAX = 20
_LABELS = {"seller": "Shop", "brand": "Brand"}
_SORTS: dict[Sort, str] = {
    "newest": "Newest",
    "price": "Price, low first",
    "-price": "Price, high first",
    "rating": "Best rated",
    "best_selling": "Best selling",
}

Pair = tuple[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """What a listing's address asks for, as far as we understand it."""

    query: str = ""
    sellers: tuple[str, ...] = ()
    brands: tuple[str, ...] = ()
    minimum: str = ""
    maximum: str = ""
    min_price_minor: int | None = None
    max_price_minor: int | None = None
    price_error: str = ""
    in_stock: bool = False
    sort: Sort | None = None
    cursor: str | None = None
    currency: str = "EUR"

    @property
    def pairs(self) -> list[Pair]:
        """The parameters that narrow the list, as an address holds them."""
        pairs = [("q", self.query)] if self.query else []
        pairs += [("seller", value) for value in self.sellers]
        pairs += [("brand", value) for value in self.brands]
        pairs += [("min_price", self.minimum), ("max_price", self.maximum)]
        pairs += [("in_stock", "true" if self.in_stock else ""), ("sort", self.sort or "")]
        return [(name, value) for name, value in pairs if value]


def question(parameters: QueryParams, *, currency: str) -> Question:
    """Read an address; what it says wrongly is left out, and a wrong price is told."""
    minimum, maximum = (_line(parameters.get(name)) for name in ("min_price", "max_price"))
    low, high = _minor(minimum, currency), _minor(maximum, currency)
    wrong = (minimum and low is None) or (maximum and high is None)
    return Question(
        query=_line(parameters.get("q")),
        sellers=_values(parameters, "seller"),
        brands=_values(parameters, "brand"),
        minimum=minimum,
        maximum=maximum,
        min_price_minor=low,
        max_price_minor=high,
        price_error="Write a price as a number, such as 12.50" if wrong else "",
        in_stock=parameters.get("in_stock") == "true",
        sort=next((known for known in _SORTS if known == parameters.get("sort")), None),
        cursor=parameters.get("cursor") or None,
        currency=currency,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Which list it is: its title, its address, and the way to it."""

    title: str
    path: str
    lead: str = ""
    breadcrumb: tuple[LinkView, ...] = ()
    children: tuple[LinkView, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Results:
    """What was found for a question."""

    products: tuple[ProductCardView, ...]
    total: int | None
    next_cursor: str | None = None
    options: Mapping[str, Sequence[FacetOptionView]] = field(default_factory=dict)
    corrected_query: str = ""


def listing(place: Place, asked: Question, results: Results) -> ListingView:
    """The page of a list."""
    narrowing = [pair for pair in asked.pairs if pair[0] not in {"q", "sort"}]
    chips = tuple(
        LinkView(_chip(pair, results, asked), address(place.path, without(asked.pairs, pair)))
        for pair in narrowing
    )
    next_pairs = [*asked.pairs, ("cursor", results.next_cursor or "")]
    return ListingView(
        title=place.title,
        action=place.path,
        products=results.products,
        total=results.total,
        query=asked.query,
        lead=place.lead,
        breadcrumb=place.breadcrumb,
        children=place.children,
        facets=tuple(
            FacetView(key, _LABELS[key], tuple(options))
            for key, options in results.options.items()
            if key in _LABELS and options
        ),
        price=PriceFacetView(
            currency=asked.currency,
            minimum=asked.minimum,
            maximum=asked.maximum,
            error=asked.price_error,
        ),
        in_stock_only=asked.in_stock,
        chips=chips,
        clear_href=address(place.path, [pair for pair in asked.pairs if pair[0] == "q"]),
        sorts=_sorts(asked),
        pager=PagerView(
            next_href=address(place.path, next_pairs) if results.next_cursor else "",
            previous_href=address(place.path, asked.pairs) if asked.cursor else "",
        ),
        corrected_query=results.corrected_query,
        suggestions=tuple(SuggestionView(f"Without {chip.label}", chip.href) for chip in chips),
    )


def address(path: str, pairs: Iterable[Pair]) -> str:
    """An address with parameters, none of them empty."""
    query = urlencode([(name, value) for name, value in pairs if value])
    return f"{path}?{query}" if query else path


def without(pairs: Sequence[Pair], pair: Pair) -> list[Pair]:
    """The parameters without one of them."""
    return [one for one in pairs if one != pair]


def clean_address(path: str, parameters: QueryParams) -> str:
    """The address as it should read: what people didn't fill in is left out."""
    return address(path, [pair for pair in parameters.multi_items() if pair[1]])


def _sorts(asked: Question) -> tuple[ChoiceView, ...]:
    first = [ChoiceView("", "Best match", not asked.sort)] if asked.query else []
    known = (ChoiceView(value, label, asked.sort == value) for value, label in _SORTS.items())
    return (*first, *known)


def _chip(pair: Pair, results: Results, asked: Question) -> str:
    name, value = pair
    match name:
        case "min_price":
            return f"From {value} {asked.currency}"
        case "max_price":
            return f"Up to {value} {asked.currency}"
        case "in_stock":
            return "In stock"
        case _:
            options = results.options.get(name, ())
            return next((one.label for one in options if one.value == value), value)


def _values(parameters: QueryParams, name: str) -> tuple[str, ...]:
    values = dict.fromkeys(_line(value) for value in parameters.getlist(name))
    return tuple(value for value in values if value)[:_VALUES_MAX]


def _line(text: str | None) -> str:
    return "".join(sign for sign in text or "" if sign.isprintable()).strip()[:QUERY_LENGTH_MAX]


def _minor(text: str, currency: str) -> int | None:
    try:
        amount_minor = parse_decimal(text.replace(",", "."), currency) if text else None
    except InvalidAmount:
        return None
    return None if amount_minor is None or amount_minor < 0 else amount_minor
