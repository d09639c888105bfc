"""What the pages are told: finished, plain, frozen values; never a row, never a question.

Money stays integer minor units until the template's `money` filter writes it; moments are
UTC-aware. Addresses (`href`) are finished: a template never builds one out of parts.
"""

from dataclasses import field
from datetime import date, datetime
from decimal import Decimal
from typing import Literal

from markupsafe import Markup

from gosellr.utils.lazy_dataclasses import dataclass
from gosellr.utils.money import Money

BadgeKind = Literal["", "ok", "warn", "bad", "info", "saffron"]
Theme = Literal["", "light", "dark"]


@dataclass(frozen=True, slots=True)
class LinkView:
    label: str
    href: str
    current: bool = False


@dataclass(frozen=True, slots=True)
class PictureView:
    """A picture with its true size in pixels. `hue` (0–359) tints the tile behind a cut-out.

    `cutout` tells a transparent picture, which sits on the tile, from a photograph, which
    fills it. `alt` stays empty where a title next to the picture says the same.
    """

    src: str
    alt: str = ""
    width: int = 256
    height: int = 256
    srcset: str = ""
    hue: int = 160
    cutout: bool = True


@dataclass(frozen=True, slots=True)
class CategoryView:
    name: str
    href: str
    picture: PictureView | None = None
    current: bool = False


@dataclass(frozen=True, slots=True)
class ViewerView:
    """The signed-in person, and the pages beside the storefront that are theirs."""

    name: str
    email: str
    areas: tuple[LinkView, ...] = ()


@dataclass(frozen=True, slots=True)
class NoticeView:
    """One message at the top of a page, such as the outcome of the form just sent."""

    text: str
    kind: Literal["ok", "warn", "bad", "info"] = "ok"
    title: str = ""


@dataclass(frozen=True, slots=True)
class LayoutView:
    """What surrounds every page of the storefront."""

    csrf_token: str
    path: str = "/"
    theme: Theme = ""
    bag_count: int = 0
    viewer: ViewerView | None = None
    categories: tuple[CategoryView, ...] = ()
    search_query: str = ""
    search_hint: str = ""
    notice: NoticeView | None = None
    canonical_url: str = ""
    market_name: str = "GoSellr"
    demo: bool = False


@dataclass(frozen=True, slots=True)
class RatingView:
    average: Decimal
    count: int


@dataclass(frozen=True, slots=True)
class SellerView:
    """A shop as it stands beside a product or on its own card."""

    name: str
    href: str
    city: str = ""
    rating: RatingView | None = None
    ships_on_time: bool = False
    since: date | None = None
    tagline: str = ""
    logo: PictureView | None = None
    hue: int = 160


@dataclass(frozen=True, slots=True)
class ProductCardView:
    id: str
    title: str
    href: str
    price: Money
    seller_name: str
    picture: PictureView | None = None
    seller_city: str = ""
    price_is_from: bool = False
    compare_at: Money | None = None
    discount_bps: int = 0
    rating: RatingView | None = None
    available: int = 0
    few_left: bool = False
    delivery_note: str = ""


@dataclass(frozen=True, slots=True)
class HomeView:
    trending: tuple[ProductCardView, ...]
    categories: tuple[CategoryView, ...]
    shops: tuple[SellerView, ...]
    recent: tuple[ProductCardView, ...] = ()
    hero: tuple[PictureView, ...] = ()


@dataclass(frozen=True, slots=True)
class FacetOptionView:
    label: str
    value: str
    count: int
    checked: bool = False


@dataclass(frozen=True, slots=True)
class FacetView:
    """One group of tick boxes; `key` is the query parameter they send."""

    key: str
    label: str
    options: tuple[FacetOptionView, ...]


@dataclass(frozen=True, slots=True)
class PriceFacetView:
    """The price limits as typed (major units), and what the results span."""

    currency: str
    minimum: str = ""
    maximum: str = ""
    lowest: str = ""
    highest: str = ""
    error: str = ""


@dataclass(frozen=True, slots=True)
class ChoiceView:
    """One entry of a select box or a set of radio buttons."""

    value: str
    label: str
    selected: bool = False


@dataclass(frozen=True, slots=True)
class SuggestionView:
    """A way out of an empty result: drop one filter, or spell it differently."""

    label: str
    href: str
    count: int | None = None


@dataclass(frozen=True, slots=True)
class PagerView:
    """Cursor pages know their neighbours and nothing else."""

    next_href: str = ""
    previous_href: str = ""


@dataclass(frozen=True, slots=True)
class ListingView:
    """A category or a search with its filters and one page of results."""

    title: str
    action: str
    products: tuple[ProductCardView, ...]
    total: int
    has_more_than_total: bool = False
    query: str = ""
    lead: str = ""
    breadcrumb: tuple[LinkView, ...] = ()
    children: tuple[LinkView, ...] = ()
    facets: tuple[FacetView, ...] = ()
    price: PriceFacetView | None = None
    in_stock_only: bool = False
    chips: tuple[LinkView, ...] = ()
    clear_href: str = ""
    sorts: tuple[ChoiceView, ...] = ()
    pager: PagerView = field(default_factory=PagerView)
    corrected_query: str = ""
    suggestions: tuple[SuggestionView, ...] = ()


@dataclass(frozen=True, slots=True)
class OptionValueView:
    """One value of an option as a link to the variant it leads to."""

    label: str
    href: str
    selected: bool = False
    available: bool = True


@dataclass(frozen=True, slots=True)
class OptionView:
    name: str
    values: tuple[OptionValueView, ...]


@dataclass(frozen=True, slots=True)
class OfferView:
    """An item at one of the shops that have it; `current` marks the one that is looked at.

    `total` is the price there, delivery not included.
    """

    seller: SellerView
    variant_id: str
    total: Money
    arrives: str
    href: str
    available: int
    current: bool = False


@dataclass(frozen=True, slots=True)
class RatingBarView:
    stars: int
    percent: int


@dataclass(frozen=True, slots=True)
class ReviewView:
    id: str
    author: str
    written_at: datetime
    stars: int
    title: str
    body: str
    verified: bool = False
    reply: str = ""
    replied_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class AttributeView:
    label: str
    value: str


@dataclass(frozen=True, slots=True)
class ProductView:
    """One listing with the variant that is chosen by `?variant=`.

    `description_html` has been sanitised by the caller; it is the one value that is not escaped.
    """

    id: str
    title: str
    href: str
    variant_id: str
    price: Money
    seller: SellerView
    available: int
    compare_at: Money | None = None
    tax_included: bool = True
    pictures: tuple[PictureView, ...] = ()
    breadcrumb: tuple[LinkView, ...] = ()
    options: tuple[OptionView, ...] = ()
    maximum_quantity: int = 10
    rating: RatingView | None = None
    rating_bars: tuple[RatingBarView, ...] = ()
    reviews: tuple[ReviewView, ...] = ()
    reviews_pager: PagerView = field(default_factory=PagerView)
    offers: tuple[OfferView, ...] = ()
    description_html: Markup = field(default_factory=Markup)
    attributes: tuple[AttributeView, ...] = ()
    arrives: str = ""
    order_within: str = ""
    delivery_note: str = ""
    returns_note: str = ""
    structured_data: dict[str, object] = field(default_factory=dict)
    similar: tuple[ProductCardView, ...] = ()


@dataclass(frozen=True, slots=True)
class ShopView:
    seller: SellerView
    story: str
    listing: ListingView
    policies: tuple[AttributeView, ...] = ()
    closed_until: date | None = None


@dataclass(frozen=True, slots=True)
class FormView:
    """What was typed and what to change, by field name; a form never comes back empty."""

    values: dict[str, str] = field(default_factory=dict)
    errors: dict[str, str] = field(default_factory=dict)

    def value(self, name: str) -> str:
        return self.values.get(name, "")

    def error(self, name: str) -> str:
        return self.errors.get(name, "")


@dataclass(frozen=True, slots=True)
class LoginView:
    """The sign-in and the register page."""

    form: FormView = field(default_factory=FormView)
    next_path: str = "/"


@dataclass(frozen=True, slots=True)
class DoorView:
    """One of the demo's three doors; opening it signs its person in."""

    role: Literal["buyer", "seller", "operator"]
    title: str
    person: str
    email: str
    picture: PictureView
    things_to_try: tuple[str, ...]
    enter_path: str


@dataclass(frozen=True, slots=True)
class DemoView:
    doors: tuple[DoorView, ...]
    password: str = ""


@dataclass(frozen=True, slots=True)
class ErrorView:
    """A page for an expected failure: what happened, and the way back."""

    status: int
    title: str
    message: str
    request_id: str = ""
    suggestions: tuple[LinkView, ...] = ()
