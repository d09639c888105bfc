"""Lists of products: what an address asks for, and the page that answers it."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import field
from urllib.parse import urlencode

from starlette.datastructures import QueryParams

from gosellr.services.product_list_service import Sort
from gosellr.services.search_service import (
    AttributeFacet,
    Facets,
    PriceFacet,
    SearchResult,
    Suggestion,
)
from gosellr.utils.lazy_dataclasses import dataclass
from gosellr.utils.money import InvalidAmount, parse_decimal, to_decimal_string
from gosellr.web import forms
from gosellr.web.binding.attributes import Rules, number_of, spoken
from gosellr.web.binding.categories import category_href
from gosellr.web.binding.products import cards, product_href
from gosellr.web.views import (
    ChoiceView,
    FacetOptionView,
    FacetView,
    LinkView,
    ListingView,
    PagerView,
    PriceFacetView,
    SuggestionView,
)

QUERY_LENGTH_MAX = 200
_VALUES_MAX = 20
_ATTRIBUTES_MAX = 10
_OPTIONS_SHOWN_MAX = 12
# How a list comes where nobody searched and nobody chose.
DEFAULT_SORT: Sort = "best_selling"
_SORTS: dict[Sort, str] = {
    DEFAULT_SORT: "Best selling",
    "newest": "Newest",
    "price": "Price, low first",
    "-price": "Price, high first",
    "rating": "Best rated",
}

Pair = tuple[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """What a listing's address asks for, as far as we understand it."""

    query: str = ""
    sellers: tuple[str, ...] = ()
    brands: tuple[str, ...] = ()
    attributes: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
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
        pairs = [("q", self.query)]
        pairs += [("seller", value) for value in self.sellers]
        pairs += [("brand", value) for value in self.brands]
        pairs += [
            (attribute_parameter(key), value)
            for key, values in self.attributes.items()
            for value in values
        ]
        pairs += [("min_price", self.minimum), ("max_price", self.maximum)]
        pairs += [("in_stock", "true" if self.in_stock else ""), ("sort", self.sort or "")]
        return [(name, value) for name, value in pairs if value]


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Which list it is: its title, its address, the way to it, and how attributes read there."""

    title: str
    path: str
    lead: str = ""
    breadcrumb: tuple[LinkView, ...] = ()
    children: tuple[LinkView, ...] = ()
    rules: Rules = field(default_factory=dict)


def question(parameters: QueryParams, *, currency: str) -> Question:
    """Read an address; what it says wrongly is left out, and a wrong price is told."""
    minimum, maximum = (_line(parameters.get(name)) for name in ("min_price", "max_price"))
    low, high = _minor(minimum, currency), _minor(maximum, currency)
    wrong = (minimum and low is None) or (maximum and high is None)
    example = forms.example(currency, hundredths=1250)
    return Question(
        query=_line(parameters.get("q")),
        sellers=_values(parameters, "seller"),
        brands=_values(parameters, "brand"),
        attributes=_attributes(parameters),
        minimum=minimum,
        maximum=maximum,
        min_price_minor=low,
        max_price_minor=high,
        price_error=f"Write a price as a number, such as {example}" if wrong else "",
        in_stock=parameters.get("in_stock") == "true",
        sort=next((known for known in _SORTS if known == parameters.get("sort")), None),
        cursor=parameters.get("cursor") or None,
        currency=currency,
    )


def attribute_parameter(key: str) -> str:
    """The parameter that asks for values of an attribute."""
    return f"attributes[{key}]"


def listing(
    place: Place, asked: Question, found: SearchResult, *, shop: bool = False
) -> ListingView:
    """The page of a list; that of one `shop` has nothing to choose shops by."""
    facets = () if found.facets is None else _facets(found.facets, asked, place.rules, shop=shop)
    narrowing = [pair for pair in asked.pairs if pair[0] not in {"q", "sort"}]
    chips = tuple(
        LinkView(_chip(pair, facets, asked), address(place.path, _without(asked.pairs, pair)))
        for pair in narrowing
    )
    next_pairs = [*asked.pairs, ("cursor", found.next_cursor or "")]
    return ListingView(
        title=place.title,
        action=place.path,
        products=cards(found.items),
        total=found.total,
        has_more_than_total=found.total_relation == "gte",
        query=asked.query,
        lead=place.lead,
        breadcrumb=place.breadcrumb,
        children=place.children or _rooms(found, asked),
        facets=facets,
        price=_price(asked, None if found.facets is None else found.facets.price),
        in_stock_only=asked.in_stock,
        chips=chips,
        clear_href=address(place.path, [pair for pair in asked.pairs if pair[0] == "q"]),
        sorts=_sorts(asked),
        pager=PagerView(
            next_href=address(place.path, next_pairs) if found.next_cursor else "",
            previous_href=address(place.path, asked.pairs) if asked.cursor else "",
        ),
        corrected_query=found.corrected_query or "",
        suggestions=(
            *(_suggestion(one) for one in found.suggestions),
            *(SuggestionView(f"Without {chip.label}", chip.href) for chip in chips),
        ),
    )


def address(path: str, pairs: Iterable[Pair]) -> str:
    """An address with parameters, none of them empty."""
    query = urlencode([(name, value) for name, value in pairs if value])
    return f"{path}?{query}" if query else path


def clean_address(path: str, parameters: QueryParams) -> str:
    """The address as it should read: what people didn't fill in is left out."""
    return address(path, parameters.multi_items())


def _facets(facets: Facets, asked: Question, rules: Rules, *, shop: bool) -> tuple[FacetView, ...]:
    """What narrows the list by ticking; a group of one value narrows nothing."""
    sellers = [
        FacetOptionView(one.name, one.slug, one.count, one.slug in asked.sellers)
        for one in facets.seller
    ]
    brands = [
        FacetOptionView(one.value, one.value, one.count, one.value in asked.brands)
        for one in facets.brand
    ]
    groups = [
        FacetView("seller", "Shop", () if shop else tuple(sellers[:_OPTIONS_SHOWN_MAX])),
        FacetView("brand", "Brand", tuple(brands[:_OPTIONS_SHOWN_MAX])),
        *(_attribute_facet(one, asked, rules) for one in facets.attribute),
    ]
    return tuple(
        group
        for group in groups
        if len(group.options) > 1 or any(option.checked for option in group.options)
    )


def _attribute_facet(facet: AttributeFacet, asked: Question, rules: Rules) -> FacetView:
    """The values of one attribute as people read them; numbers come by size, not by count."""
    ticked = asked.attributes.get(facet.key, ())
    values = list(facet.values[:_OPTIONS_SHOWN_MAX])
    if (rule := rules.get(facet.key)) is not None and rule.type == "number":
        values.sort(key=lambda one: number_of(one.value) or 0)
    return FacetView(
        attribute_parameter(facet.key),
        facet.label,
        tuple(
            FacetOptionView(
                spoken(facet.key, one.value, rules), one.value, one.count, one.value in ticked
            )
            for one in values
        ),
    )


def _price(asked: Question, facet: PriceFacet | None) -> PriceFacetView:
    low = None if facet is None else facet.lowest_minor
    high = None if facet is None else facet.highest_minor
    return PriceFacetView(
        currency=asked.currency,
        minimum=asked.minimum,
        maximum=asked.maximum,
        lowest="" if low is None else to_decimal_string(low, asked.currency),
        highest="" if high is None else to_decimal_string(high, asked.currency),
        error=asked.price_error,
    )


def _rooms(found: SearchResult, asked: Question) -> tuple[LinkView, ...]:
    """The categories on top that hold hits, where the list is of none of them."""
    if found.facets is None or not asked.query:
        return ()
    return tuple(
        LinkView(f"{one.name} ({one.count})", address(category_href(one.path), asked.pairs))
        for one in found.facets.category
        if "/" not in one.path and one.count
    )


def _suggestion(one: Suggestion) -> SuggestionView:
    href = category_href(one.path) if one.kind == "category" else product_href(one.path)
    return SuggestionView(one.text, href)


def _without(pairs: Sequence[Pair], pair: Pair) -> list[Pair]:
    return [one for one in pairs if one != pair]


def _sorts(asked: Question) -> tuple[ChoiceView, ...]:
    """The orders to choose from; the one that needs no saying comes first and stays unsaid."""
    unsaid = None if asked.query else DEFAULT_SORT
    first = ChoiceView(
        "", "Best match" if unsaid is None else _SORTS[unsaid], asked.sort in {None, unsaid}
    )
    rest = (value for value in _SORTS if value != unsaid)
    return (first, *(ChoiceView(value, _SORTS[value], asked.sort == value) for value in rest))


def _chip(pair: Pair, facets: Iterable[FacetView], asked: Question) -> str:
    name, value = pair
    match name:
        case "min_price":
            return f"From {value} {asked.currency}"
        case "max_price":
            return f"Up to {value} {asked.currency}"
        case "in_stock":
            return "In stock"
        case _:
            found = next((facet for facet in facets if facet.key == name), None)
            options = () if found is None else found.options
            label = next((one.label for one in options if one.value == value), value)
            # "Yes" alone says nothing.
            return f"{found.label}: {label}" if found and label in {"Yes", "No"} else label


def _attributes(parameters: QueryParams) -> dict[str, tuple[str, ...]]:
    """The ticked values of attributes, as `attributes[Colour]=Sand`."""
    ticked: dict[str, tuple[str, ...]] = {}
    for name in dict.fromkeys(parameters):
        key = _line(name.removeprefix("attributes[").removesuffix("]"))
        values = _values(parameters, name)
        if name == attribute_parameter(key) and values and len(ticked) < _ATTRIBUTES_MAX:
            ticked[key] = values
    return ticked


def _values(parameters: QueryParams, name: str) -> tuple[str, ...]:
    values = dict.fromkeys(map(_line, parameters.getlist(name)))
    return tuple(value for value in values if value)[:_VALUES_MAX]


def _line(text: str | None) -> str:
    return "".join(sign for sign in text or "" if sign.isprintable()).strip()[:QUERY_LENGTH_MAX]


def _minor(text: str, currency: str) -> int | None:
    try:
        amount_minor = parse_decimal(text.replace(",", "."), currency) if text else None
    except InvalidAmount:
        return None
    return None if amount_minor is None or amount_minor < 0 else amount_minor
