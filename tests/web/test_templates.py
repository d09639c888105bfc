"""Every page renders from plain values, escapes what people wrote, and stays small."""

import re
from dataclasses import fields, is_dataclass, replace
from html.parser import HTMLParser
from typing import Any

import brotli
import pytest
from markupsafe import Markup
from starlette.requests import Request
from starlette.responses import HTMLResponse

from gosellr.utils.money import Money
from gosellr.web.rendering import Renderer, client_events, theme_of, wanted_fragment
from gosellr.web.views import FormView, LayoutView
from tests.web.sample_views import ASSETS, BAG, CHECKOUT, LAYOUT, LISTING, ORDER, PAGES, PRODUCT

RENDERER = Renderer(ASSETS)
HOSTILE = "\"><script>alert(1)</script><img src=x onerror=alert(2)>'{{191*193}}"
HANDLER = re.compile(r"\son[a-z]+\s*=|\shx-on|javascript:", re.IGNORECASE)

KEY_TEXTS = {
    "home": ("Good things, straight from the people who make them", "Trending this week", "€49.00"),
    "home_empty": ("The first shops open soon", "Sign in"),
    "listing": ("4,310", "remove filter", "Price, low first", 'rel="next"', "Only 3 left"),
    "listing_empty": ("Nothing matches all of those filters", "Without Kettle &amp; Co"),
    "product": ("Add to bag", "2 shops offer this", "Verified purchase", "was </span>€59.00"),
    "product_sold_out": ("Sold out", "Another shop below still has it."),
    "shop": ("This shop is on holiday", "Two people, one kiln"),
    "bag": ("Parcel 1 from", "<s>€9.90</s>", "€11.90", "−€5.00", "€757.80\N{NO-BREAK SPACE}EUR"),
    "bag_empty": ("Your bag is empty",),
    "checkout": ("To continue, change 1 thing", "Pay €757.80", "tok_declined", "Please look again"),
    "checkout_address": ("Go on to delivery and payment", "Come next, as soon as"),
    "checkout_blocked": ("Change your bag", "no longer for sale", "only 2 left"),
    "pay": ("The payment was declined", "The bank said no.", "Pay €757.80", "Ireland"),
    "sandbox_pay": ("The test bank asks you", "€757.80", "No money moves"),
    "order": ("Thank you, Ada.", "What you paid", "−€11.90", "(next)", "21 Nov 2026, 18:04"),
    "order_list": ("Order GS-10482", "On the way"),
    "order_list_empty": ("No orders yet",),
    "sign_in": ('autocomplete="current-password"', "Write the whole address"),
    "register": ('autocomplete="new-password"',),
    "demo": ("Three doors into the market", "made-on-this-machine"),
    "error_403": ("This page is not yours",),
    "error_404": ("Nothing lives here", "Back to the market"),
    "error_500": ("That did not work", "req-1"),
}


def render(name: str, renderer: Renderer = RENDERER, **changes: object) -> HTMLResponse:
    template, layout, values = PAGES[name]
    return renderer.page(template, layout=layout, **{**values, **changes})


def text_of(response: HTMLResponse) -> str:
    return bytes(response.body).decode()


def request_with(**headers: str) -> Request:
    raw = [
        (key.replace("_", "-").lower().encode(), value.encode()) for key, value in headers.items()
    ]
    return Request({"type": "http", "method": "GET", "path": "/", "headers": raw})


class Page(HTMLParser):
    """Counts what a page is made of, and remembers what labels and ids promise."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def all(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for name, attributes in self.tags if name == tag]


def poisoned(value: Any) -> Any:
    """The same view with hostile text in every free text; addresses and ids stay usable."""
    if isinstance(value, str):
        return value if isinstance(value, Markup) else HOSTILE
    if isinstance(value, tuple):
        return tuple(poisoned(item) for item in value)
    if isinstance(value, FormView):
        return FormView(*(dict.fromkeys(part, HOSTILE) for part in (value.values, value.errors)))
    if isinstance(value, dict):
        return {key: poisoned(item) for key, item in value.items()}
    if isinstance(value, Money) or not is_dataclass(value) or isinstance(value, type):
        return value
    kept = {"kind", "icon", "method", "stars", "theme"}
    changes = {
        part.name: poisoned(getattr(value, part.name))
        for part in fields(value)
        if part.name not in kept
    }
    return replace(value, **changes)


@pytest.mark.parametrize("name", PAGES)
def test_page_says_what_it_is_for(name: str) -> None:
    html = text_of(render(name))
    assert html.startswith("<!doctype html>")
    for expected in KEY_TEXTS[name]:
        assert expected in html, expected


@pytest.mark.parametrize("name", PAGES)
def test_page_has_one_heading_one_main_and_no_double_id(name: str) -> None:
    page = Page(text_of(render(name)))
    assert len(page.all("h1")) == 1
    assert len(page.all("main")) == 1
    ids = [attributes["id"] for _, attributes in page.tags if "id" in attributes]
    assert len(ids) == len(set(ids)), sorted(ids)


@pytest.mark.parametrize("name", PAGES)
def test_every_form_that_writes_carries_the_token(name: str) -> None:
    html = text_of(render(name))
    forms = re.findall(r"<form[^>]*method=\"post\"[^>]*>.*?</form>", html, re.DOTALL)
    assert all('name="csrf_token"' in form for form in forms)
    assert html.count('method="post"') == len(forms)


@pytest.mark.parametrize("name", PAGES)
def test_every_picture_has_a_size_and_every_description_exists(name: str) -> None:
    page = Page(text_of(render(name)))
    for image in page.all("img"):
        assert image["width"]
        assert image["height"]
        assert "alt" in image
    ids = {attributes["id"] for _, attributes in page.tags if "id" in attributes}
    for _, attributes in page.tags:
        for reference in (attributes.get("aria-describedby") or "").split():
            assert reference in ids


@pytest.mark.case(67)
@pytest.mark.parametrize("name", PAGES)
def test_case_67_hostile_text_stays_text(name: str) -> None:
    template, layout, values = PAGES[name]
    poisoned_values = {key: poisoned(value) for key, value in values.items()}
    html = text_of(RENDERER.page(template, layout=poisoned(layout), **poisoned_values))
    assert "alert(1)" in html
    assert "<script>alert" not in html
    assert "<img src=x" not in html
    assert "36863" not in html
    page = Page(html)
    handlers = [a for _, attributes in page.tags for a in attributes if a.startswith("on")]
    assert handlers == []
    assert all(attributes.get("src") != "x" for attributes in page.all("img"))


@pytest.mark.case(67)
def test_case_67_structured_data_cannot_close_its_script() -> None:
    html = text_of(render("product"))
    data = re.search(r"<script type=\"application/ld\+json\"[^>]*>(.*?)</script>", html, re.DOTALL)
    assert data is not None
    assert "\\u003c/script\\u003e" in data[1]


@pytest.mark.parametrize("name", PAGES)
def test_page_runs_nothing_inline(name: str) -> None:
    response = render(name)
    html = text_of(response)
    assert HANDLER.search(html) is None
    policy = response.headers["content-security-policy"]
    for script in Page(html).all("script"):
        assert "src" in script or f"'nonce-{script['nonce']}'" in policy
    assert "<style" not in html
    assert "http://" not in html
    assert set(re.findall(r"https://([^/\"<]+)", html)) <= {"carrier.example", "schema.org"}


@pytest.mark.parametrize("name", PAGES)
def test_page_stays_within_its_budget(name: str) -> None:
    body = bytes(render(name).body)
    assert len(brotli.compress(body, quality=5)) <= 10 * 1024
    assert len(Page(body.decode()).tags) <= 1_200


def test_files_of_every_page_stay_within_their_budgets() -> None:
    assert len(ASSETS.get("app.css").brotli) <= 10 * 1024
    scripts = sum(len(ASSETS.get(name).brotli) for name in ("htmx.js", "app.js"))
    assert scripts <= 20 * 1024
    assert len(ASSETS.get("figtree.woff2").body) <= 21 * 1024
    assert len(ASSETS.get("icons.svg").brotli) <= 5 * 1024


def test_every_icon_of_the_templates_is_in_the_sprite() -> None:
    known = set(re.findall(r'<symbol id="([\w-]+)"', ASSETS.get("icons.svg").body.decode()))
    used = {
        match
        for name in PAGES
        for match in re.findall(r"icons\.\w+\.svg#([\w-]+)", text_of(render(name)))
    }
    assert used
    assert used <= known


def test_a_list_says_where_it_has_more_than_were_counted() -> None:
    assert '<b class="num">4,310</b>' in text_of(render("listing"))
    many = replace(LISTING, total=10_000, has_more_than_total=True)
    assert '<b class="num">10,000+</b>' in text_of(render("listing", listing=many))


def test_a_fragment_is_the_block_of_its_own_page() -> None:
    template, layout, values = PAGES["listing"]
    whole = text_of(RENDERER.page(template, layout=layout, **values))
    part = text_of(RENDERER.block(template, "results", layout=layout, **values))
    assert part.strip().startswith('<div id="results"')
    assert part.strip() in whole
    assert "<html" not in part


@pytest.mark.parametrize(
    ("template", "block", "values"),
    [
        ("store/product.html", "purchase", {"product": PRODUCT}),
        ("store/bag.html", "bag", {"bag": BAG}),
        ("store/checkout.html", "checkout", {"checkout": CHECKOUT}),
        ("store/order.html", "order", {"order": ORDER}),
        ("store/listing.html", "results", {"listing": LISTING}),
    ],
)
def test_a_fragment_bears_its_block_s_name_as_id(
    template: str, block: str, values: dict[str, object]
) -> None:
    html = text_of(RENDERER.block(template, block, layout=LAYOUT, **values))
    assert f'id="{block}"' in html.strip().splitlines()[0]


def test_only_an_htmx_request_for_a_known_target_gets_a_fragment() -> None:
    known = frozenset({"results"})
    ask = {"HX_Request": "true", "HX_Target": "div#results"}
    assert wanted_fragment(request_with(**ask), known) == "results"
    assert wanted_fragment(request_with(), known) is None
    assert wanted_fragment(request_with(**{**ask, "HX_Target": "div#head"}), known) is None
    restoring = {**ask, "HX_History_Restore_Request": "true"}
    assert wanted_fragment(request_with(**restoring), known) is None


def test_headers_of_a_page() -> None:
    first, second = render("home"), render("home")
    policy = first.headers["content-security-policy"]
    for directive in (
        "default-src 'self'",
        "object-src 'none'",
        "base-uri 'none'",
        "frame-ancestors 'none'",
        "form-action 'self'",
        "img-src 'self' data:",
        "style-src 'self';",
    ):
        assert directive in policy
    assert "unsafe-eval" not in policy
    assert "script-src 'self' 'unsafe-inline'" not in policy
    assert policy != second.headers["content-security-policy"]
    assert first.headers["cache-control"] == "private, no-cache"
    assert "HX-Target" in first.headers["vary"]
    assert first.headers["x-content-type-options"] == "nosniff"
    assert "strict-transport-security" not in first.headers
    secure = render("home", Renderer(ASSETS, https=True))
    assert secure.headers["strict-transport-security"].startswith("max-age=31536000")


def test_a_personal_page_is_stored_nowhere() -> None:
    template, layout, values = PAGES["bag"]
    response = RENDERER.page(template, layout=layout, personal=True, **values)
    assert response.headers["cache-control"] == "no-store"


def test_theme_comes_from_the_cookie_and_nothing_else() -> None:
    assert theme_of(request_with(Cookie="theme=dark")) == "dark"
    assert theme_of(request_with(Cookie='theme="><b>')) == ""
    template, layout, values = PAGES["home"]
    html = text_of(RENDERER.page(template, layout=replace(layout, theme="dark"), **values))
    assert '<html lang="en" dir="ltr" data-theme="dark">' in html


def test_an_arabic_page_runs_from_right_to_left() -> None:
    html = text_of(render("product", Renderer(ASSETS, locale="ar_EG")))
    assert '<html lang="ar" dir="rtl">' in html


def test_a_form_keeps_what_was_typed_but_never_a_password() -> None:
    login = replace(PAGES["sign_in"][2]["login"], form=FormView({"email": "a@b", "password": "p"}))
    html = text_of(render("sign_in", login=login))
    assert 'value="a@b"' in html
    assert 'value="p"' not in html


def test_a_page_without_its_values_fails_loudly() -> None:
    with pytest.raises(Exception, match="'bag' is undefined"):
        RENDERER.page("store/bag.html", layout=LayoutView(csrf_token=""))


def test_client_events_travel_as_plain_ascii() -> None:
    header = client_events(toast="Grüße", bag_count=2)["HX-Trigger"]
    assert header.isascii()
    assert '"bag": {"count": 2}' in header
    assert client_events() == {}


def test_htmx_puts_a_page_it_did_not_expect_in_place_of_the_whole_body() -> None:
    template, layout, values = PAGES["error_404"]
    asked = request_with(HX_Request="true", HX_Target="div#results")
    response = RENDERER.respond(asked, template, layout=layout, status=404, **values)
    assert response.status_code == 404
    assert response.headers["hx-retarget"] == "body"
    plain = RENDERER.respond(request_with(), template, layout=layout, status=404, **values)
    assert "hx-retarget" not in plain.headers
