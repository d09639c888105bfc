"""Listing, finding, changing and taking away products, at the door."""

import asyncio
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import Any
from uuid import UUID

import httpx2
import pytest

from gosellr.core.clock import ManualClock
from gosellr.core.db import Connection
from gosellr.resources import Resources
from gosellr.utils.catalogue import AttributeRule
from tests.factories.accounts import TestSeller, bearer, make_operator, make_seller, make_user
from tests.factories.catalogue import make_category, make_product, make_products, variant_draft

Headers = dict[str, str]


@pytest.fixture
async def seller(connection: Connection, clock: ManualClock) -> TestSeller:
    """An active seller."""
    return await make_seller(connection, now=clock.now())


@pytest.fixture
async def headers(resources: Resources, seller: TestSeller) -> Headers:
    """Calls as the seller's owner."""
    return await bearer(resources, seller.owner)


async def body_of(connection: Connection, **changes: Any) -> dict[str, Any]:
    category_id = changes.pop("category_id", None) or await make_category(connection)
    return {
        "title": "Linen shirt",
        "description": "Soft",
        "category_id": str(category_id),
        "variants": [
            {
                "sku": "SHIRT-S",
                "price": {"amount": 4900, "currency": "EUR"},
                "stock": 7,
                "options": {"Size": "S"},
            }
        ],
        "status": "active",
        **changes,
    }


async def create(client: httpx2.AsyncClient, headers: Headers, body: Any) -> httpx2.Response:
    return await client.post("/api/v1/products/create", json=body, headers=headers)


async def test_a_product_is_listed_found_changed_and_gone(
    client: httpx2.AsyncClient, connection: Connection, headers: Headers
) -> None:
    made = await create(client, headers, await body_of(connection))
    assert made.status_code == 201, made.text
    product = made.json()
    assert product["status"] == "active"
    path = f"/api/v1/products/{product['id']}"
    assert (await client.get(path)).json() == product
    listed = (await client.get("/api/v1/products/")).json()
    assert [card["id"] for card in listed["items"]] == [product["id"]]
    assert listed["next_cursor"] is None
    changed = await client.put(path, json={"title": "Shirt", "version": 1}, headers=headers)
    assert (changed.status_code, changed.json()["title"]) == (200, "Shirt")
    assert changed.json()["description"] == "Soft"
    stale = await client.put(path, json={"title": "X", "version": 1}, headers=headers)
    assert (stale.status_code, stale.json()["code"]) == (409, "version_conflict")
    stale = await client.put(path, json={"title": "X"}, headers={**headers, "If-Match": '"1"'})
    assert stale.status_code == 409
    assert (await client.delete(path, headers=headers)).status_code == 204
    assert (await client.get(path)).status_code == 404
    assert (await client.get(path, headers=headers)).status_code == 404
    assert (await client.get("/api/v1/products/")).json()["items"] == []


async def test_a_sku_in_use_is_named(
    client: httpx2.AsyncClient, connection: Connection, headers: Headers
) -> None:
    body = await body_of(connection)
    await create(client, headers, body)
    again = await create(client, headers, body)
    assert (again.status_code, again.json()["code"]) == (409, "sku_taken")
    assert again.json()["skus"] == ["SHIRT-S"]


@pytest.mark.parametrize(
    "change",
    [
        {"price": 100},
        {"price": {"amount": 100, "currency": "EUR"}},
        {"unit_price": {"amount": 1, "currency": "EUR"}},
        {"seller": {"id": "x"}},
        {"rating": {"average": 5, "count": 100}},
        {"version": 9},
        {"published_at": "2020-01-01T00:00:00Z"},
        {"sold_count": 10},
        {"rating_sum": 5},
        {"id": "0192d6c4-0000-7000-8000-000000000000"},
    ],
)
@pytest.mark.case(64)
@pytest.mark.case(66)
async def test_case_64_case_66_what_is_not_the_callers_to_say_is_refused(
    client: httpx2.AsyncClient, connection: Connection, headers: Headers, change: dict[str, Any]
) -> None:
    refused = await create(client, headers, await body_of(connection, **change))
    assert refused.status_code == 422
    assert refused.json()["errors"][0]["code"] == "extra_forbidden"
    assert await connection.fetchval("SELECT count(*) FROM product") == 0


@pytest.mark.parametrize("stock", [-1, 1.5, "3", True, 2**31, 2**63, 1e21, None])
@pytest.mark.case(65)
async def test_case_65_stock_is_a_whole_number_within_bounds(
    client: httpx2.AsyncClient, connection: Connection, headers: Headers, stock: Any
) -> None:
    body = await body_of(connection)
    body["variants"][0]["stock"] = stock
    assert (await create(client, headers, body)).status_code == 422
    price = await body_of(connection)
    price["variants"][0]["price"]["amount"] = -5 if stock is None else stock
    expected = 201 if stock in (2**31,) else 422
    assert (await create(client, headers, price)).status_code == expected


HOSTILE = [
    "<script>alert(1)</script>",
    "<img src=x onerror=alert(1)>",
    "<svg onload=alert(1)>",
    '<a href="javascript:alert(1)">x</a>',
    '<p style="background:url(javascript:alert(1))" onclick="alert(1)">x</p>',
    "<iframe srcdoc='<script>alert(1)</script>'></iframe>",
    "<math><mtext><table><mglyph><style><img src=x onerror=alert(1)>",
    "[x](javascript:alert(1))",
    "![x](x onerror=alert(1))",
    "<scr<script>ipt>alert(1)</scr</script>ipt>",
    "<b>fine</b><object data=x></object>",
]


@pytest.mark.parametrize("hostile", HOSTILE)
@pytest.mark.case(67)
async def test_case_67_descriptions_hold_nothing_that_runs(
    client: httpx2.AsyncClient, connection: Connection, headers: Headers, hostile: str
) -> None:
    made = await create(client, headers, await body_of(connection, description=hostile))
    html = made.json()["description_html"].lower()
    for token in ("<script", "<img", "<svg", "<iframe", "<object", "<style", "<math", "style="):
        assert token not in html
    assert 'href="javascript' not in html
    assert "<p onclick" not in html
    kept = made.json()["description"]
    again = await client.put(
        f"/api/v1/products/{made.json()['id']}", json={"description": kept}, headers=headers
    )
    assert again.json()["description"] == kept


async def test_strangers_get_the_same_answer_as_for_what_does_not_exist(
    client: httpx2.AsyncClient,
    connection: Connection,
    resources: Resources,
    seller: TestSeller,
    clock: ManualClock,
) -> None:
    made = await make_product(connection, seller=seller, active=False)
    other = await make_seller(connection, now=clock.now(), name="Red Chair")
    theirs = await bearer(resources, other.owner)
    buyer = await bearer(resources, await make_user(connection, now=clock.now()))
    path = f"/api/v1/products/{made.id}"
    absent = "/api/v1/products/0192d6c4-0000-7000-8000-000000000000"
    for where in (path, absent):
        assert (await client.get(where)).status_code == 404
        assert (await client.get(where, headers=theirs)).status_code == 404
        changed = await client.put(where, json={"title": "X"}, headers=theirs)
        assert changed.status_code == 404
        assert (await client.delete(where, headers=theirs)).status_code == 404
        assert (await client.post(f"{where}/submit", headers=theirs)).status_code == 404
    assert (await client.delete(path)).status_code == 401
    assert (await client.delete(path, headers=buyer)).status_code == 403
    assert (await client.post(f"{path}/approve", headers=theirs)).status_code == 403


async def test_a_review_stands_between_a_seller_and_the_shelf(
    client: httpx2.AsyncClient,
    connection: Connection,
    resources: Resources,
    seller: TestSeller,
    headers: Headers,
    clock: ManualClock,
) -> None:
    made = await make_product(connection, seller=seller, active=False)
    path = f"/api/v1/products/{made.id}"
    operator = await bearer(resources, await make_operator(connection, now=clock.now()))
    reviewed = replace(
        resources, settings=resources.settings.model_copy(update={"product_review": "all"})
    )
    client._transport.app.state.resources = reviewed  # type: ignore[attr-defined]
    submitted = await client.post(f"{path}/submit", headers=headers)
    assert submitted.json()["status"] == "pending_review"
    rejected = await client.post(f"{path}/reject", json={"reason": "Blurred"}, headers=operator)
    assert (rejected.json()["status"], rejected.json()["status_reason"]) == ("rejected", "Blurred")
    assert (await client.post(f"{path}/submit", headers=headers)).status_code == 200
    approved = await client.post(f"{path}/approve", headers=operator)
    assert approved.json()["status"] == "active"
    again = await client.post(f"{path}/approve", headers=operator)
    assert (again.status_code, again.json()["code"]) == (409, "transition_not_allowed")


async def test_caches_ask_and_are_told_when_nothing_changed(
    client: httpx2.AsyncClient, connection: Connection, seller: TestSeller
) -> None:
    made = await make_product(connection, seller=seller)
    for path in (f"/api/v1/products/{made.id}", "/api/v1/products/", "/api/v1/categories"):
        first = await client.get(path)
        assert first.headers["cache-control"] == "public, max-age=0, must-revalidate"
        known = {"If-None-Match": first.headers["etag"]}
        again = await client.get(path, headers=known)
        assert (again.status_code, again.content) == (304, b"")
    await connection.execute(
        "UPDATE stock_level SET reserved = 1 WHERE variant_id = $1", made.variant_id
    )
    path = f"/api/v1/products/{made.id}"
    fresh = await client.get(path, headers=known)
    assert fresh.json()["variants"][0]["available"] == 9


async def test_what_was_read_is_changed_by_its_tag(
    client: httpx2.AsyncClient, connection: Connection, headers: Headers
) -> None:
    made = await create(client, headers, await body_of(connection))
    path = f"/api/v1/products/{made.json()['id']}"
    for reader, weak in ((headers, ""), ({}, ""), (headers, "W/")):
        tag = (await client.get(path, headers=reader)).headers["etag"]
        # What was bought meanwhile is no change of what stands there to be sold.
        await connection.execute("UPDATE stock_level SET on_hand = on_hand + 1")
        known = {**headers, "If-Match": f"{weak}{tag}"}
        changed = await client.put(path, json={"title": "Shirt"}, headers=known)
        assert changed.status_code == 200, changed.text
        stale = await client.put(path, json={"title": "X"}, headers=known)
        assert (stale.status_code, stale.json()["code"]) == (409, "version_conflict")
    for wrong in ('"x"', '"1-"', f'"1-{"g" * 32}"', f'"{"0" * 32}"'):
        refused = await client.put(
            path, json={"title": "X"}, headers={**headers, "If-Match": wrong}
        )
        assert (refused.status_code, refused.json()["errors"][0]["code"]) == (
            422, "version_unknown"
        )  # fmt: skip
    tag = (await client.get(path)).headers["etag"]
    gone = await client.delete(path, headers={**headers, "If-Match": tag})
    assert gone.status_code == 204


async def test_a_category_is_changed_by_the_tag_that_it_was_read_with(
    client: httpx2.AsyncClient, connection: Connection, resources: Resources
) -> None:
    category = await make_category(connection, name="Home")
    operator = await bearer(resources, await make_operator(connection, now=resources.clock.now()))
    path = f"/api/v1/categories/{category}"
    known = {**operator, "If-Match": (await client.get(path)).headers["etag"]}
    changed = await client.patch(path, json={"position": 7}, headers=known)
    assert changed.status_code == 200, changed.text
    stale = await client.patch(path, json={"position": 8}, headers=known)
    assert (stale.status_code, stale.json()["code"]) == (409, "version_conflict")


async def make_lamps(connection: Connection, seller: TestSeller) -> tuple[UUID, UUID]:
    """Seven lamps of four prices in a category of their own, and a chair: category and chair."""
    home = await make_category(
        connection,
        name="Home",
        attributes=[AttributeRule(key="material", label="Material", type="text")],
    )
    lamps = await make_category(connection, name="Lamps", parent_id=home)
    await make_products(
        connection,
        seller=seller,
        category_id=lamps,
        drafts=[
            {
                "title": f"Désk lamp {number}",
                "brand": "Vela" if number % 2 else "Nori",
                "attributes": {"material": "brass" if number < 3 else "oak"},
                "variants": (
                    variant_draft(
                        price_minor=1000 + number // 2, stock=number % 3, options={"Size": "S"}
                    ),
                ),
            }
            for number in range(7)
        ],
    )
    other = await make_product(connection, seller=seller, title="Chair", price_minor=9000)
    return lamps, other.id


async def titles_of(client: httpx2.AsyncClient, **query: Any) -> list[str]:
    """The last letters of the titles on a page."""
    answer = await client.get("/api/v1/products/", params=query)
    assert answer.status_code == 200, answer.text
    return [card["title"][-1] for card in answer.json()["items"]]


async def test_lists_are_narrowed(
    client: httpx2.AsyncClient, connection: Connection, seller: TestSeller
) -> None:
    lamps, chair = await make_lamps(connection, seller)
    titles = partial(titles_of, client)
    assert sorted(await titles(q="desk lamps")) == sorted(await titles(category=str(lamps)))
    assert sorted(await titles(category="home")) == list("0123456")
    assert await titles(category="home/chairs") == []
    assert sorted(await titles(brand="vela")) == list("135")
    assert sorted(await titles(in_stock="true", category="home/lamps")) == list("1245")
    assert sorted(await titles(min_price=1002, max_price=1003)) == list("456")
    assert await titles(min_price=1, currency="USD") == []
    assert sorted(await titles(**{"attributes[material]": "brass"})) == list("012")
    assert sorted(await titles(**{"attributes[material]": ["brass", "oak"]})) == list("0123456")
    assert sorted(await titles(**{"attributes[Size]": "S"})) == list("0123456")
    assert await titles(rating_min=1) == []
    assert await titles(seller="blue-lamp", sort="-price", limit=1) == ["r"]
    assert await titles(seller=str(chair)) == []


async def test_pages_of_every_order_add_up_to_the_list(
    client: httpx2.AsyncClient, connection: Connection, seller: TestSeller
) -> None:
    await make_lamps(connection, seller)
    titles = partial(titles_of, client)
    # Of the prices from 1000 to 1003, at each end of a range two products have the same.
    prices = {"min_price": 1000, "max_price": 1002}
    narrowed: list[tuple[dict[str, Any], int]] = [
        ({}, 8),
        ({"q": "lamp", "seller": "blue-lamp"}, 7),
        (prices, 6),
        ({"category": "home", **prices}, 6),
        ({"q": "lamp", **prices}, 6),
    ]
    for sort in ("newest", "price", "-price", "rating", "best_selling", "relevance"):
        for query, number in narrowed:
            whole = await titles(sort=sort, **query)
            paged: list[str] = []
            cursor: dict[str, str] = {}
            while True:
                page = await client.get(
                    "/api/v1/products/", params={"sort": sort, "limit": 3, **query, **cursor}
                )
                paged += [card["title"][-1] for card in page.json()["items"]]
                if page.json()["next_cursor"] is None:
                    break
                cursor = {"cursor": page.json()["next_cursor"]}
            assert paged == whole
            assert len(whole) == number


@pytest.mark.parametrize(
    "query",
    [
        "unknown=1",
        "attributes=1",
        "attributes[]=1",
        "limit=0",
        "limit=101",
        "sort=random()",
        "cursor=xyz",
        "min_price=-1",
        "rating_min=6",
        "category=%00",
        "attributes[a]=%00",
        "attributes[%00]=a",
    ],
)
async def test_a_query_that_is_not_understood_is_refused(
    client: httpx2.AsyncClient, query: str
) -> None:
    answer = await client.get(f"/api/v1/products/?{query}")
    assert answer.status_code == 422, answer.text


async def test_a_seller_lists_its_own_by_status(
    client: httpx2.AsyncClient,
    connection: Connection,
    seller: TestSeller,
    headers: Headers,
    clock: ManualClock,
) -> None:
    draft = await make_product(connection, seller=seller, active=False)
    await make_product(connection, seller=seller)
    other = await make_seller(connection, now=clock.now(), name="Red Chair")
    await make_product(connection, seller=other, active=False)
    path = f"/api/v1/sellers/{seller.id}/products"
    assert len((await client.get(path)).json()["items"]) == 1
    own = await client.get("/api/v1/products/", params={"status": "draft"}, headers=headers)
    assert [card["id"] for card in own.json()["items"]] == [str(draft.id)]
    assert own.headers["cache-control"] == "private, no-cache"
    everything = await client.get(path, params={"status": "all"}, headers=headers)
    assert len(everything.json()["items"]) == 2
    assert (await client.get(path, params={"status": "draft"})).status_code == 401
    theirs = f"/api/v1/sellers/{other.id}/products"
    hidden = await client.get(theirs, params={"status": "draft"}, headers=headers)
    assert hidden.json()["items"] == []


@pytest.mark.case(72)
async def test_case_72_lists_and_details_take_one_statement_however_long(
    client: httpx2.AsyncClient,
    connection: Connection,
    seller: TestSeller,
    query_count: Callable[[], int],
) -> None:
    made = []
    for size in (10, 190):
        made += await make_products(
            connection,
            seller=seller,
            drafts=[{"title": f"Lamp {n}", "variants": (variant_draft(),)} for n in range(size)],
        )
        for path in (
            "/api/v1/products/?limit=100",
            "/api/v1/products/?limit=100&q=lamp&in_stock=true",
            f"/api/v1/sellers/{seller.id}/products?limit=100",
            f"/api/v1/products/{made[0].id}",
            "/api/v1/categories",
        ):
            await asyncio.sleep(0)  # The driver tells of a statement in the loop's next turn.
            query_count()
            assert (await client.get(path)).status_code == 200
            await asyncio.sleep(0)
            assert query_count() == 1, path


async def test_an_operator_lists_for_a_seller(
    client: httpx2.AsyncClient,
    connection: Connection,
    resources: Resources,
    seller: TestSeller,
    clock: ManualClock,
) -> None:
    operator = await bearer(resources, await make_operator(connection, now=clock.now()))
    nobody = await create(client, operator, await body_of(connection))
    assert nobody.json()["errors"][0]["field"] == "seller_id"
    made = await create(client, operator, await body_of(connection, seller_id=str(seller.id)))
    assert (made.status_code, made.json()["seller"]["id"]) == (201, str(seller.id))
