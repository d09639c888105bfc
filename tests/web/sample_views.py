"""One believable market in plain values, for tests of the templates and for looking at them."""

from dataclasses import replace
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

from markupsafe import Markup

from gosellr.utils.money import Money
from gosellr.web.assets import Assets
from gosellr.web.order_views import (
    ActionView,
    AmountRowView,
    BadgeView,
    BagView,
    CheckoutView,
    CouponView,
    DeliveryOptionView,
    IssueView,
    LineView,
    OrderListView,
    OrderParcelView,
    OrderRowView,
    OrderView,
    ParcelView,
    PaymentMethodView,
    PayView,
    RefundView,
    SandboxPayView,
    SummaryView,
    TimelineStepView,
)
from gosellr.web.views import (
    AttributeView,
    CategoryView,
    ChoiceView,
    DemoView,
    DoorView,
    ErrorView,
    FacetOptionView,
    FacetView,
    FormView,
    HomeView,
    LayoutView,
    LinkView,
    ListingView,
    LoginView,
    OfferView,
    OptionValueView,
    OptionView,
    PagerView,
    PictureView,
    PriceFacetView,
    ProductCardView,
    ProductView,
    RatingBarView,
    RatingView,
    ReviewView,
    SellerView,
    ShopView,
    SuggestionView,
    ViewerView,
)

ASSETS = Assets.load()


def euro(amount_minor: int) -> Money:
    return Money(amount_minor, "EUR")


def picture(name: str, hue: int = 160) -> PictureView:
    return PictureView(src=ASSETS.url(f"demo/{name}.webp"), hue=hue)


def category(name: str, slug: str, image: str, hue: int) -> CategoryView:
    return CategoryView(name=name, href=f"/c/{slug}", picture=picture(image, hue))


CATEGORIES = (
    category("Home & living", "home-living", "sofa", 45),
    category("Kitchen & table", "kitchen-table", "teapot", 90),
    category("Plants & garden", "plants-garden", "potted-plant", 135),
    category("Clothing & bags", "clothing-bags", "handbag", 180),
    category("Audio & photo", "audio-photo", "headphones", 225),
    category("Toys & games", "toys-games", "teddy-bear", 270),
    category("Food & pantry", "food-pantry", "honey", 315),
    category("Craft supplies", "craft-supplies", "yarn", 0),
)
KETTLE = SellerView(
    name="Kettle & Co",
    href="/s/kettle-co",
    city="Leeds, UK",
    rating=RatingView(Decimal("4.7"), 611),
    ships_on_time=True,
    since=date(2019, 4, 1),
    tagline="Stoneware and cast iron for every day.",
    hue=10,
)
CASA = SellerView(
    name="Casa Verde",
    href="/s/casa-verde",
    city="Lisbon, PT",
    rating=RatingView(Decimal("4.8"), 932),
    since=date(2021, 9, 1),
    hue=140,
)
NORDLYS = SellerView(
    name="Nordlys Studio", href="/s/nordlys", city="Bergen, NO", ships_on_time=True, hue=250
)
GOODS = (
    ("teapot", "Stoneware teapot, 1.1 L", KETTLE, 4900, 3, 0),
    ("potted-plant", "Monstera in clay pot", CASA, 3200, 0, 0),
    ("headphones", "Studio headphones HX-1", NORDLYS, 15900, 2, 0),
    ("running-shoe", "Trail running shoe", NORDLYS, 11900, 40, 1666),
    ("backpack", "Canvas day pack, 18 L", NORDLYS, 8450, 12, 0),
    ("camera", "35 mm film camera, refurbished", NORDLYS, 23900, 1, 0),
    ("chair", "Ash wood chair", CASA, 17900, 8, 0),
    ("yarn", "Merino yarn, 100 g", CASA, 1190, 340, 0),
    ("honey", "عسل السدر الجبلي", CASA, 2450, 60, 0),
    (
        "guitar",
        "Parlour guitar in solid spruce, " + "with a very long name " * 5,
        KETTLE,
        64900,
        5,
        0,
    ),
)


def card(index: int) -> ProductCardView:
    image, title, seller, price, available, discount = GOODS[index % len(GOODS)]
    return ProductCardView(
        id=f"p{index}",
        title=title,
        href=f"/p/{image}-{index}",
        price=euro(price),
        compare_at=euro(price * 12 // 10) if discount else None,
        discount_bps=discount,
        price_is_from=index % 5 == 4,
        seller_name=seller.name,
        seller_city=seller.city,
        picture=picture(image, index * 45 % 360),
        rating=RatingView(Decimal("4.5"), 187 + index) if index % 3 else None,
        available=available,
        delivery_note="Free delivery",
    )


VIEWER = ViewerView(name="Ada Byron", email="ada@demo.gosellr.test")
LAYOUT = LayoutView(
    csrf_token="csrf-sample",
    viewer=VIEWER,
    bag_count=3,
    categories=CATEGORIES,
    search_hint="Search 240 products from 14 shops",
    demo=True,
)
VISITOR = replace(LAYOUT, viewer=None, bag_count=0)

HOME = HomeView(
    trending=tuple(card(index) for index in range(5)),
    categories=CATEGORIES,
    shops=(KETTLE, CASA, NORDLYS),
    hero=(picture("teapot"), picture("potted-plant"), picture("headphones"), picture("teddy-bear")),
)
LISTING = ListingView(
    title="Everything",
    action="/search",
    products=tuple(card(index) for index in range(24)),
    total=4310,
    query="tea",
    breadcrumb=(LinkView("Home", "/"), LinkView("Everything", "/search")),
    facets=(
        FacetView(
            key="seller",
            label="Shop",
            options=(
                FacetOptionView("Kettle & Co", "kettle-co", 5, checked=True),
                FacetOptionView("Casa Verde", "casa-verde", 6),
                FacetOptionView("Nordlys Studio", "nordlys", 4),
            ),
        ),
        FacetView(key="brand", label="Brand", options=(FacetOptionView("HX", "HX", 2),)),
    ),
    price=PriceFacetView(currency="EUR", lowest="9", highest="649"),
    chips=(LinkView("Kettle & Co", "/search?q=tea"),),
    clear_href="/search",
    sorts=(
        ChoiceView("relevance", "Best match", selected=True),
        ChoiceView("price", "Price, low first"),
    ),
    pager=PagerView(next_href="/search?q=tea&cursor=abc"),
)
NOTHING_FOUND = replace(
    LISTING,
    products=(),
    total=0,
    suggestions=(SuggestionView("Without Kettle & Co", "/search?q=tea", 12),),
    pager=PagerView(),
)
PRODUCT = ProductView(
    id="p1",
    title="Stoneware teapot, 1.1 L",
    href="/p/teapot",
    variant_id="v1",
    price=euro(4900),
    compare_at=euro(5900),
    seller=KETTLE,
    available=3,
    pictures=tuple(picture("teapot", hue) for hue in (10, 100, 190, 280)),
    breadcrumb=(
        LinkView("Home", "/"),
        LinkView("Kitchen & table", "/c/kitchen-table"),
        LinkView("Stoneware teapot, 1.1 L", "/p/teapot"),
    ),
    options=(
        OptionView(
            "Colour",
            (
                OptionValueView("Sand", "/p/teapot?variant=v1", selected=True),
                OptionValueView("Moss", "/p/teapot?variant=v2"),
                OptionValueView("Rust", "/p/teapot?variant=v3", available=False),
            ),
        ),
    ),
    rating=RatingView(Decimal("4.5"), 187),
    rating_bars=tuple(
        RatingBarView(stars, percent)
        for stars, percent in ((5, 72), (4, 19), (3, 6), (2, 2), (1, 1))
    ),
    reviews=(
        ReviewView(
            id="r1",
            author="Marta",
            written_at=datetime(2026, 11, 12, 9, 0, tzinfo=UTC),
            stars=5,
            title="The glaze is even nicer in daylight",
            body="Arrived two days early, packed in wood wool.",
            verified=True,
            reply="A 1.6 litre is in the kiln right now.",
            replied_at=datetime(2026, 11, 13, 9, 0, tzinfo=UTC),
        ),
    ),
    offers=(
        OfferView(KETTLE, "v1", euro(4900), "Wed 26 Nov", "/p/teapot", 3),
        OfferView(CASA, "v9", euro(5210), "Fri 28 Nov", "/p/teapot-casa", 30),
    ),
    description_html=Markup("<p>Thrown by hand, glazed twice.</p>"),
    attributes=(AttributeView("Material", "Stoneware"), AttributeView("Volume", "1.1 L")),
    arrives="Wed 26 Nov",
    order_within="4 h 12 min",
    delivery_note="Delivery from €3.90",
    returns_note="30 days to return, paid by the shop",
    structured_data={"@context": "https://schema.org", "@type": "Product", "name": "</script>"},
    similar=tuple(card(index) for index in range(1, 6)),
)
SHOP = ShopView(
    seller=KETTLE,
    story="Two people, one kiln, since 2019.",
    listing=replace(LISTING, title="Kettle & Co", query="", action="/s/kettle-co", chips=()),
    policies=(AttributeView("Returns", "30 days"),),
    closed_until=date(2026, 12, 1),
)


def line(index: int, quantity: int = 1) -> LineView:
    product = card(index)
    return LineView(
        id=f"line-{index}",
        title=product.title,
        href=product.href,
        quantity=quantity,
        unit_price=product.price,
        total=euro(product.price.amount * quantity),
        available=product.available,
        picture=product.picture,
        options="Colour: Sand",
    )


PARCELS = (
    ParcelView(
        number=1,
        seller=KETTLE,
        lines=(line(0, 2), line(9)),
        delivery_field="delivery_kettle",
        delivery=(
            DeliveryOptionView("standard", "Standard", euro(0), "Wed 26 Nov", chosen=True),
            DeliveryOptionView("express", "Express", euro(790), "Tomorrow"),
        ),
    ),
    ParcelView(
        number=2,
        seller=CASA,
        lines=(line(7),),
        delivery_field="delivery_casa",
        delivery=(DeliveryOptionView("post", "Post", euro(390), "Fri 28 Nov", chosen=True),),
    ),
)
SUMMARY = SummaryView(
    rows=(
        AmountRowView("Items, 4", euro(75890)),
        AmountRowView("Delivery, 2 parcels", euro(390)),
        AmountRowView("Discount", euro(-500), note="WELCOME5"),
    ),
    total=euro(75780),
    tax_note="€126.30 VAT included",
)
BAG = BagView(
    parcels=PARCELS,
    summary=SUMMARY,
    coupons=(CouponView("WELCOME5", "€5 off"),),
    issues=(
        IssueView("price", "Merino yarn, 100 g", old_price=euro(990), new_price=euro(1190)),
        IssueView("stock", "Stoneware teapot, 1.1 L", left=2),
        IssueView("gone", "Ash wood chair"),
    ),
    item_count=4,
)
EMPTY_BAG = BagView(parcels=(), summary=None)
CHECKOUT = CheckoutView(
    form=FormView(
        values={"email": "ada@demo.gosellr.test", "name": "Ada Byron", "country": "IE"},
        errors={"city": "Write the town your parcel goes to"},
    ),
    parcels=(PARCELS[0], replace(PARCELS[1], delivery=())),
    summary=SUMMARY,
    countries=(ChoiceView("DE", "Germany"), ChoiceView("IE", "Ireland")),
    payment_methods=(
        PaymentMethodView(
            "sandbox",
            "Card",
            "credit-card",
            chosen=True,
            tokens=(ChoiceView("tok_ok", "Pays"), ChoiceView("tok_declined", "Is declined")),
        ),
        PaymentMethodView("bank_transfer", "Bank transfer", "landmark", "We hold it for 5 days."),
    ),
    idempotency_key="key-1",
    cart_version=7,
    expected_total_minor=75780,
    notice="The total is another one than you saw.",
    issues=BAG.issues[:1],
)
ORDER = OrderView(
    number="GS-10482",
    placed_at=datetime(2026, 11, 21, 18, 4, tzinfo=UTC),
    badge=BadgeView("On the way", "info", "truck"),
    parcels=(
        OrderParcelView(
            number=1,
            seller=KETTLE,
            badge=BadgeView("On the way", "info", "truck"),
            lines=PARCELS[0].lines,
            timeline=(
                TimelineStepView("Delivery expected Wed 26 Nov", note="10 to 14", upcoming=True),
                TimelineStepView(
                    "Left the depot in Leeds", datetime(2026, 11, 22, 6, 41, tzinfo=UTC)
                ),
                TimelineStepView("Paid", datetime(2026, 11, 21, 18, 4, tzinfo=UTC)),
            ),
            tracking=LinkView("Track parcel", "https://carrier.example/T1"),
            actions=(ActionView("Report a problem", "/orders/GS-10482/problems", kind="quiet"),),
        ),
        OrderParcelView(
            number=2,
            seller=CASA,
            badge=BadgeView("Being packed", "warn", "package"),
            lines=PARCELS[1].lines,
            timeline=(TimelineStepView("Ships by Tue 24 Nov", upcoming=True),),
            actions=(
                ActionView(
                    "Cancel parcel",
                    "/orders/GS-10482/cancel",
                    method="post",
                    icon="x",
                    fields=(("seller_order_id", "so-2"),),
                ),
            ),
        ),
    ),
    summary=SUMMARY,
    paid_with="a sandbox card",
    email="ada@demo.gosellr.test",
    first_name="Ada",
    address_lines=("Ada Byron", "1 Quay Street", "Dublin", "Ireland"),
    refunds=(
        RefundView(
            datetime(2026, 11, 22, 9, 0, tzinfo=UTC),
            euro(-1190),
            "Yarn came in the wrong colour",
            BadgeView("Sent back", "ok", "undo-2"),
        ),
    ),
    celebrate=True,
)
ORDER_LIST = OrderListView(
    orders=(
        OrderRowView(
            number="GS-10482",
            href="/orders/GS-10482",
            placed_on=date(2026, 11, 21),
            badge=BadgeView("On the way", "info", "truck"),
            total=euro(75780),
            parcel_count=2,
            pictures=(picture("teapot", 10), picture("yarn", 40)),
            what="Stoneware teapot, 1.1 L and 2 more",
        ),
    ),
)
LOGIN = LoginView(
    form=FormView(values={"email": "ada@"}, errors={"email": "Write the whole address"}),
    next_path="/checkout",
)


def door(role: Any, title: str, person: str, image: str, thing: str) -> DoorView:
    email = f"{person.lower()}@demo.gosellr.test"
    return DoorView(role, title, person, email, picture(image), (thing,), f"/demo/{role}")


DEMO = DemoView(
    doors=(
        door("buyer", "Buy", "Ada", "shopping-bags", "Buy from two shops at once"),
        door("seller", "Sell", "Ingrid", "shop", "Send what is due today"),
        door("operator", "Run it", "Olu", "scales", "Approve a new shop"),
    ),
    password="made-on-this-machine",
)
UNADDRESSED = replace(CHECKOUT, has_address=False, notice="", form=FormView())
BLOCKED = replace(CHECKOUT, blocked=True, issues=BAG.issues)
PAY = PayView(
    number="GS-10482",
    pay_path="/orders/GS-10482/pay",
    order_href="/orders/GS-10482",
    parcels=PARCELS,
    summary=SUMMARY,
    payment_methods=CHECKOUT.payment_methods,
    form=FormView(),
    idempotency_key="key-2",
    left=SUMMARY.total,
    declined="The bank said no.",
    held_until=datetime(2026, 11, 21, 18, 19, tzinfo=UTC),
    email="ada@demo.gosellr.test",
    address_lines=("Ada Byron", "12 Analytical Row", "D01 Dublin", "Ireland"),
)
QUESTION = SandboxPayView(action="/sandbox/pay/1", amount=euro(75780), number="GS-10482")
ERRORS = {
    403: ErrorView(403, "This page is not yours", "Sign in as somebody who may see it."),
    404: ErrorView(
        404,
        "Nothing lives here",
        "The address has a typing mistake, or the product is gone.",
        suggestions=(LinkView("Kitchen & table", "/c/kitchen-table"),),
    ),
    500: ErrorView(500, "That did not work", "We have been told.", request_id="req-1"),
}
PAGES: dict[str, tuple[str, LayoutView, dict[str, object]]] = {
    "home": ("store/home.html", LAYOUT, {"home": HOME}),
    "home_empty": ("store/home.html", VISITOR, {"home": HomeView((), CATEGORIES, ())}),
    "listing": ("store/listing.html", LAYOUT, {"listing": LISTING}),
    "listing_empty": ("store/listing.html", VISITOR, {"listing": NOTHING_FOUND}),
    "product": ("store/product.html", LAYOUT, {"product": PRODUCT}),
    "product_sold_out": (
        "store/product.html",
        VISITOR,
        {"product": replace(PRODUCT, available=0, pictures=(), reviews=(), rating=None)},
    ),
    "shop": ("store/shop.html", LAYOUT, {"shop": SHOP, "listing": SHOP.listing}),
    "bag": ("store/bag.html", LAYOUT, {"bag": BAG}),
    "bag_empty": ("store/bag.html", VISITOR, {"bag": EMPTY_BAG}),
    "checkout": ("store/checkout.html", VISITOR, {"checkout": CHECKOUT}),
    "checkout_address": ("store/checkout.html", VISITOR, {"checkout": UNADDRESSED}),
    "checkout_blocked": ("store/checkout.html", LAYOUT, {"checkout": BLOCKED}),
    "pay": ("store/pay.html", VISITOR, {"pay": PAY}),
    "sandbox_pay": ("store/sandbox_pay.html", VISITOR, {"question": QUESTION}),
    "order": ("store/order.html", LAYOUT, {"order": ORDER}),
    "order_list": ("store/order_list.html", LAYOUT, {"order_list": ORDER_LIST}),
    "order_list_empty": ("store/order_list.html", LAYOUT, {"order_list": OrderListView(())}),
    "sign_in": ("store/sign_in.html", VISITOR, {"login": LOGIN}),
    "register": ("store/register.html", VISITOR, {"login": LOGIN}),
    "demo": ("store/demo.html", VISITOR, {"demo": DEMO}),
    "error_403": ("store/error.html", VISITOR, {"error": ERRORS[403]}),
    "error_404": ("store/error.html", LAYOUT, {"error": ERRORS[404]}),
    "error_500": ("store/error.html", LayoutView(csrf_token=""), {"error": ERRORS[500]}),
}
