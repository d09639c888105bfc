"""Pages as they are served: addresses, errors, headers, forms from elsewhere, statements."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import httpx2
import pytest

from gosellr.core.db import Connection
from gosellr.jobs.demo.shops import EMAIL_DOMAIN
from gosellr.main import build
from gosellr.resources import Resources
from gosellr.services import category_service, product_edit_service, seller_service
from gosellr.utils.permissions import Role
from gosellr.utils.viewer import Viewer
from gosellr.web.forms import clean, email_error, local_path
from tests.factories.accounts import make_seller, make_user
from tests.factories.catalogue import (
    NOW,
    MadeProduct,
    make_category,
    make_product,
    make_shelf_seller,
    variant_draft,
)
from tests.factories.terms import make_delivery
from tests.web.visitor import HTML, Visitor, put_in_bag, reach_payment

OPERATOR = Viewer(roles=frozenset({Role.OPERATOR}))
HOSTILE = '"><script>alert(1)</script><img src=x onerror=alert(2)>{{99991*99989}}'


@pytest.fixture
def visitor(client: httpx2.AsyncClient) -> Visitor:
    return Visitor(client)


@pytest.fixture
async def pot(connection: Connection) -> MadeProduct:
    seller_id = await make_shelf_seller(connection, name="Kettle")
    await make_delivery(connection, seller_id=seller_id)
    kitchen = await make_category(connection, name="Kitchen")
    pots = await make_category(connection, name="Pots", parent_id=kitchen)
    return await make_product(
        connection,
        seller=seller_id,
        title="Tea pot",
        category_id=pots,
        variants=[
            variant_draft(price_minor=2500, options={"Colour": "Sand"}),
            variant_draft(price_minor=2700, options={"Colour": "Moss"}),
            variant_draft(price_minor=2700, options={"Colour": "Rust"}, stock=0),
        ],
    )


async def test_a_product_shows_the_variant_of_its_address(
    visitor: Visitor, pot: MadeProduct
) -> None:
    await visitor.go("/p/tea-pot")
    assert visitor.form("/bag/items").values["variant_id"] == str(pot.variant_ids[0])
    assert "€25.00" in visitor.text
    await visitor.go(f"/p/tea-pot?variant={pot.variant_ids[1]}")
    assert visitor.form("/bag/items").values["variant_id"] == str(pot.variant_ids[1])
    assert "€27.00" in visitor.text
    assert "<s>Rust</s>" in visitor.text
    await visitor.go(f"/p/tea-pot?variant={pot.variant_ids[2]}")
    assert [form.action for form in visitor.forms()].count("/bag/items") == 0
    assert "Sold out" in visitor.text


async def test_a_part_of_a_page_is_given_to_whoever_asks_for_a_part(
    client: httpx2.AsyncClient, pot: MadeProduct
) -> None:
    part = await client.get(
        f"/p/tea-pot?variant={pot.variant_ids[1]}",
        headers={"HX-Request": "true", "HX-Target": "div#purchase"},
    )
    assert part.text.strip().startswith('<div id="purchase"')
    listing = await client.get(
        "/search?q=tea&min_price=&max_price=40&in_stock=true&sort=",
        headers={"HX-Request": "true", "HX-Target": "div#results"},
    )
    assert listing.text.strip().startswith('<div id="results"')
    assert listing.headers["hx-push-url"] == "/search?q=tea&max_price=40&in_stock=true"


async def test_filters_narrow_and_come_off_again(visitor: Visitor, pot: MadeProduct) -> None:
    await visitor.go("/search?q=pot&max_price=30")
    assert "Up to 30 EUR" in visitor.text
    assert "Tea pot" in visitor.text
    await visitor.go("/search?q=pot&max_price=3")
    assert "Nothing matches all of those filters" in visitor.text
    assert 'href="/search?q=pot"' in visitor.text
    await visitor.go("/search?q=pot&max_price=cheap")
    assert "Write a price as a number" in visitor.text
    assert "Tea pot" in visitor.text
    await visitor.go("/search?cursor=nonsense")
    assert visitor.page.status_code == 200


async def test_the_icon_is_also_where_browsers_look_for_it_unasked(
    client: httpx2.AsyncClient,
) -> None:
    found = await client.get("/favicon.ico", follow_redirects=True)
    assert found.status_code == 200
    assert found.headers["content-type"] == "image/svg+xml"


async def test_old_addresses_lead_to_the_new_ones(
    client: httpx2.AsyncClient, connection: Connection, pot: MadeProduct
) -> None:
    listed = await client.get("/c/kitchen/pots?sort=price", headers=HTML)
    assert "Tea pot" in listed.text
    await product_edit_service.update_product(
        connection,
        viewer=OPERATOR,
        product_id=pot.id,
        changes={"slug": "teapot"},
        review="off",
        now=NOW,
    )
    old = await client.get("/p/tea-pot?variant=1", headers=HTML)
    assert (old.status_code, old.headers["location"]) == (301, "/p/teapot?variant=1")
    by_id = await client.get(f"/p/{pot.id}", headers=HTML)
    assert (by_id.status_code, by_id.headers["location"]) == (301, "/p/teapot")


async def test_an_old_category_leads_on_after_a_while(
    client: httpx2.AsyncClient, connection: Connection, pot: MadeProduct, clock: Any
) -> None:
    await category_service.update_category(
        connection, category_id=pot.category_id, changes={"slug": "tea"}, now=NOW
    )
    moved = await client.get("/c/kitchen/pots?sort=price", headers=HTML)
    assert (moved.status_code, moved.headers["location"]) == (301, "/c/kitchen/tea?sort=price")


async def test_what_is_not_there_is_a_page_with_ways_on(
    visitor: Visitor, client: httpx2.AsyncClient, pot: MadeProduct
) -> None:
    await visitor.go("/p/tea-kettle")
    assert visitor.page.status_code == 404
    assert "Nothing lives here" in visitor.text
    assert 'href="/p/tea-pot"' in visitor.text
    for path in (
        "/nothing",
        "/c/none",
        "/s/none",
        "/s/%00",
        "/orders/GS-99999",
        "/orders/x",
        "/demo",
    ):
        assert (await client.get(path, headers=HTML)).status_code == 404
    for path in ("/nothing", "/api/v1/nothing"):
        machine = await client.get(path, headers={"Accept": "application/json"})
        assert machine.headers["content-type"] == "application/problem+json"
    api = await client.get("/api/v1/nothing", headers=HTML)
    assert api.headers["content-type"] == "application/problem+json"


async def test_a_shop_shows_its_own_things(
    visitor: Visitor, connection: Connection, pot: MadeProduct
) -> None:
    seller = await make_seller(connection, now=NOW, name="Nordlys")
    await make_product(connection, seller=seller.id, title="Lamp")
    await visitor.go("/s/nordlys")
    assert "Lamp" in visitor.text
    assert "Tea pot" not in visitor.text
    await seller_service.move_seller(
        connection,
        viewer=OPERATOR,
        seller_id=seller.id,
        step=seller_service.SellerStep.SUSPEND,
        reason="for a test",
        now=NOW,
    )
    assert (await visitor.go("/s/nordlys")).status_code == 404


async def test_headers_of_pages(visitor: Visitor, pot: MadeProduct) -> None:
    await visitor.go("/")
    policy = visitor.page.headers["content-security-policy"]
    assert "frame-ancestors 'none'" in policy
    assert "form-action 'self'" in policy
    assert "unsafe-eval" not in policy
    assert visitor.page.headers["x-content-type-options"] == "nosniff"
    assert visitor.page.headers["referrer-policy"] == "strict-origin-when-cross-origin"
    await put_in_bag(visitor, "/p/tea-pot")
    for path in ("/bag", "/checkout", "/sign-in", "/register", "/nothing"):
        await visitor.go(path)
        assert visitor.page.headers["cache-control"] == "no-store", path
        assert "content-security-policy" in visitor.page.headers


async def test_cookies_are_out_of_reach(
    client: httpx2.AsyncClient, resources: Resources, pot: MadeProduct
) -> None:
    first = await client.get("/p/tea-pot", headers=HTML)
    [cookie] = first.headers.get_list("set-cookie")
    assert cookie.startswith("visitor=")
    for word in ("HttpOnly", "SameSite=lax", "Path=/"):
        assert word in cookie
    assert "Secure" not in cookie
    settings = resources.settings.model_copy(update={"public_url": "https://shop.example"})
    app = build(settings, open_resources=None)  # type: ignore[arg-type]
    app.state.resources = replace(resources, settings=settings)
    async with httpx2.AsyncClient(
        transport=httpx2.ASGITransport(app=app), base_url="https://shop.example"
    ) as secure:
        page = await secure.get("/", headers=HTML)
        [cookie] = page.headers.get_list("set-cookie")
        assert cookie.startswith("__Host-visitor=")
        assert "Secure" in cookie
        assert "max-age=31536000" in page.headers["strict-transport-security"]


@pytest.mark.parametrize("kept", ["x" * 101, '"a\\000b"', ""])
async def test_a_browser_s_name_is_one_that_we_gave_it(
    client: httpx2.AsyncClient, kept: str
) -> None:
    page = await client.get("/", headers={**HTML, "Cookie": f"visitor={kept}"})
    [cookie] = page.headers.get_list("set-cookie")
    assert len(cookie.partition(";")[0]) == len("visitor=") + 43


async def test_what_breaks_is_a_page_with_a_number_and_no_secret(resources: Resources) -> None:
    app = build(resources.settings, open_resources=None)  # type: ignore[arg-type]
    app.state.resources = resources

    @app.get("/broken")
    async def break_down() -> None:
        raise RuntimeError("the secret is 42")

    transport = httpx2.ASGITransport(app=app, raise_app_exceptions=False)
    async with httpx2.AsyncClient(transport=transport, base_url="http://market.test") as caller:
        page = await caller.get("/broken", headers={**HTML, "X-Request-ID": "req-1"})
    assert page.status_code == 500
    assert "That did not work" in page.text
    assert "req-1" in page.text
    assert "secret" not in page.text


async def test_the_demo_s_doors_open_on_this_computer_only(
    resources: Resources, connection: Connection
) -> None:
    settings = resources.settings.model_copy(update={"demo": True})
    app = build(settings, open_resources=None)  # type: ignore[arg-type]
    app.state.resources = replace(resources, settings=settings)
    await make_user(connection, now=NOW, email="ada@demo.gosellr.test", name="Ada Lindqvist")

    async def doors(caller: str, host: str) -> httpx2.Response:
        transport = httpx2.ASGITransport(app=app, client=(caller, 4711))
        async with httpx2.AsyncClient(transport=transport, base_url=f"http://{host}") as client:
            page = await client.get("/demo", headers=HTML)
            if page.status_code != 200:
                return page
            visitor = Visitor(client, page)
            values = visitor.form("/demo/buyer").values
            assert [form.action for form in visitor.forms()].count("/demo/operator") == 0
            entered = await client.post("/demo/buyer", data=values, headers=HTML)
            assert entered.status_code == 303
            return await client.get("/", headers=HTML)

    inside = await doors("127.0.0.1", "localhost:4004")
    assert "Ada" in inside.text
    assert (await doors("203.0.113.7", "localhost:4004")).status_code == 404
    assert (await doors("127.0.0.1", "rebound.example")).status_code == 404


@pytest.mark.parametrize(
    ("headers", "changes", "status"),
    [
        ({}, {"csrf_token": ""}, 403),
        ({}, {"csrf_token": "x" * 43}, 403),
        ({"Sec-Fetch-Site": "cross-site"}, {}, 403),
        ({"Sec-Fetch-Site": "same-site"}, {}, 403),
        ({"Origin": "https://evil.example"}, {}, 403),
        ({"Origin": "null"}, {}, 403),
        ({"Origin": "http://["}, {}, 403),
        ({"Origin": "http://market.test"}, {}, 303),
    ],
)
async def test_a_form_from_elsewhere_changes_nothing(
    visitor: Visitor,
    client: httpx2.AsyncClient,
    connection: Connection,
    pot: MadeProduct,
    headers: dict[str, str],
    changes: dict[str, str],
    status: int,
) -> None:
    await visitor.go("/p/tea-pot")
    values = {**visitor.form("/bag/items").values, **changes}
    answer = await client.post(
        "/bag/items", data=values, headers={"Accept": "text/html", **headers}
    )
    assert answer.status_code == status
    assert await connection.fetchval("SELECT count(*) FROM cart_item") == (status == 303)


async def test_a_form_s_token_is_of_one_browser_and_of_one_sign_in(
    visitor: Visitor, client: httpx2.AsyncClient, connection: Connection, pot: MadeProduct
) -> None:
    await visitor.go("/p/tea-pot")
    stolen = visitor.form("/bag/items").values
    await visitor.go("/register")
    await visitor.send(
        "/register", name="Ada", email="ada@example.com", password="a quiet green kettle"
    )
    stale = await client.post("/bag/items", data=stolen, headers={"Accept": "text/html"})
    assert stale.status_code == 403
    assert "load it again" in stale.text
    client.cookies.clear()
    other = await client.post("/bag/items", data=stolen, headers={"Accept": "text/html"})
    assert other.status_code == 403


async def test_a_form_comes_back_whatever_is_said_of_where_it_was(visitor: Visitor) -> None:
    await visitor.go("/sign-in")
    values = visitor.form("/sign-in").values
    headers = {**HTML, "Referer": "http://["}
    answer = await visitor.client.post("/sign-in", data=values, headers=headers)
    assert answer.status_code == 422
    assert 'id="email-error"' in answer.text


async def test_what_is_no_form_is_refused(client: httpx2.AsyncClient) -> None:
    answer = await client.post("/bag/items", json={"variant_id": "1"}, headers=HTML)
    assert answer.status_code == 415
    long = await client.post("/bag/items", data={"a": "b" * 70_000}, headers=HTML)
    assert long.status_code == 413


async def test_the_theme_is_kept_and_nothing_but_a_theme(
    visitor: Visitor, client: httpx2.AsyncClient
) -> None:
    await visitor.go("/search")
    await visitor.send("/theme", theme="dark")
    assert visitor.path == "/search"
    assert 'data-theme="dark"' in visitor.text
    await visitor.send("/theme", theme='"><b>')
    assert 'data-theme="dark"' in visitor.text
    await visitor.send("/theme", theme="light", next="https://evil.example/")
    assert str(visitor.page.request.url) == "http://market.test/"


@pytest.mark.parametrize(
    "text",
    ["//evil.example", "/\\evil.example", "https://evil.example", "javascript:alert(1)",
     "/a\r\nSet-Cookie: x=y", "", "evil", "/\t/evil.example", "\\\\evil.example"],
)  # fmt: skip
def test_a_redirect_never_leaves_the_site(text: str) -> None:
    assert local_path(text) == "/"
    assert local_path("/orders?cursor=x") == "/orders?cursor=x"


def test_a_typed_line_holds_what_can_be_read_and_kept() -> None:
    typed = " a\0b\ud800c\udfff\u202ed\U0001f600 "
    assert ascii(clean(typed)) == r"'abcd\U0001f600'"  # Half a pair can't even be printed.


@pytest.mark.case(67)
async def test_case_67_what_people_write_stays_text(
    visitor: Visitor, connection: Connection
) -> None:
    seller = await make_seller(connection, now=NOW, name=f"Shop {HOSTILE}"[:100])
    await connection.execute(
        "UPDATE seller SET description = $2, slug = 'evil' WHERE id = $1", seller.id, HOSTILE
    )
    category = await make_category(connection, name=f"Room {HOSTILE}"[:80])
    await make_product(
        connection,
        seller=seller.id,
        title=f"Pot {HOSTILE}"[:120],
        slug="pot",
        category_id=category,
        description=f"<p onclick=alert(3)>Fine</p>{HOSTILE}",
        brand=HOSTILE,
        variants=[variant_draft(options={f"Colour {HOSTILE}"[:60]: HOSTILE[:80]})],
    )
    path = await connection.fetchval("SELECT path FROM category WHERE id = $1", category)
    pages = [await visitor.go(one) for one in ("/", "/search", "/s/evil", f"/c/{path}", "/p/pot")]
    pages.append(await visitor.go("/search", params={"q": HOSTILE, "seller": HOSTILE}))
    await put_in_bag(visitor, "/p/pot")
    pages.append(visitor.page)
    evil = {"name": HOSTILE, "line1": HOSTILE, "city": HOSTILE, "phone": HOSTILE[:40]}
    await visitor.go("/checkout")
    await visitor.send("/checkout", to="/checkout/address", **evil, email=HOSTILE, country="DE")
    pages.append(visitor.page)
    await reach_payment(visitor, **evil)
    pages.append(visitor.page)
    await visitor.send("/checkout")
    pages.append(visitor.page)
    assert "Thank you" in visitor.text
    for page in pages:
        assert "<script>alert" not in page.text, page.request.url
        assert "<img src=x" not in page.text
        assert "onclick" not in page.text
        # What a template engine would make of it: longer than any id holds by chance.
        assert "9998000099" not in page.text


async def test_statements_per_page(
    visitor: Visitor, query_count: Callable[[], int], pot: MadeProduct
) -> None:
    """The tree of categories is read once in half a minute: by the first page here."""
    await visitor.go("/")
    budgets = {"/": 4, "/search": 3, "/c/kitchen": 3, "/s/none": 1, "/p/tea-pot": 2}
    for path, most in budgets.items():
        query_count()
        await visitor.go(path)
        assert query_count() <= most, path
    await put_in_bag(visitor, "/p/tea-pot")
    for path, most in budgets.items():
        query_count()
        await visitor.go(path)
        assert query_count() <= most + 1, f"{path} with a bag"


@pytest.mark.parametrize("name", ["ada", "ingrid", "tomas", "olu"])
def test_the_forms_take_the_addresses_of_the_demo(name: str) -> None:
    """Whoever types what the first start has printed gets in, and can check out."""
    assert email_error(f"{name}@{EMAIL_DOMAIN}") == ""


@pytest.mark.parametrize("door", ["/sign-in", "/register"])
async def test_the_page_to_come_back_to_stays_the_same_from_door_to_door(
    client: httpx2.AsyncClient, door: str
) -> None:
    answer = await client.get(f"{door}?next=/c/pots", headers=HTML)
    assert answer.status_code == 200
    assert 'href="/sign-in?next=/c/pots"' in answer.text
    assert "next%3D" not in answer.text
