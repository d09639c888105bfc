"""Whose bag it is: guests, buyers, and guests who become buyers."""

import asyncio
from typing import Any

import httpx2
import pytest

from gosellr.core.clock import ManualClock
from gosellr.core.db import Connection
from gosellr.resources import Resources
from tests.factories.accounts import bearer, make_user
from tests.factories.carts import ADDRESS, Bag, make_bag
from tests.factories.catalogue import MadeProduct, make_product, make_shelf_seller
from tests.factories.terms import make_coupon


@pytest.fixture
async def buyer(connection: Connection, resources: Resources, clock: ManualClock) -> dict[str, str]:
    return await bearer(resources, await make_user(connection, now=clock.now()))


@pytest.fixture
async def goods(connection: Connection) -> list[MadeProduct]:
    seller_id = await make_shelf_seller(connection)
    return [await make_product(connection, seller=seller_id, stock=50) for _ in range(3)]


def quantities(cart: dict[str, Any]) -> dict[str, int]:
    return {
        item["variant_id"]: item["quantity"]
        for parcel in cart["parcels"]
        for item in parcel["items"]
    }


async def test_a_buyer_has_one_open_bag_per_currency_and_needs_no_token(
    client: httpx2.AsyncClient, buyer: dict[str, str], goods: list[MadeProduct]
) -> None:
    first = await make_bag(client, headers=buyer)
    await first.put(goods[0].variant_id)
    again = await make_bag(client, headers=buyer)
    assert again.id == first.id
    assert "token" not in (await client.post("/api/v1/carts", headers=buyer)).json()
    dollars = await make_bag(client, headers=buyer, currency="USD")
    assert dollars.id != first.id
    assert (await make_bag(client, headers=buyer, currency="EUR")).id == first.id


@pytest.mark.case(60)
async def test_case_60_a_bag_of_somebody_else_is_not_there(
    client: httpx2.AsyncClient,
    connection: Connection,
    resources: Resources,
    clock: ManualClock,
    buyer: dict[str, str],
    goods: list[MadeProduct],
) -> None:
    mine = await make_bag(client, headers=buyer)
    [item] = (await mine.put(goods[0].variant_id))["parcels"][0]["items"]
    stranger = await bearer(resources, await make_user(connection, now=clock.now()))
    guest = await make_bag(client)
    variant_id = str(goods[0].variant_id)
    calls: list[tuple[str, str, Any]] = [
        ("GET", "", None),
        ("GET", "/shipping-options", None),
        ("POST", "/items", {"variant_id": variant_id, "quantity": 1}),
        ("PATCH", f"/items/{item['id']}", {"quantity": 2}),
        ("DELETE", f"/items/{item['id']}", None),
        ("PUT", "/addresses", {"shipping_address": ADDRESS}),
        ("PUT", "/shipping", {"choices": {item["id"]: item["id"]}}),
        ("POST", "/coupons", {"code": "ANY"}),
        ("DELETE", "/coupons", None),
        ("POST", "/acknowledge", None),
        ("POST", "/merge", None),
    ]
    before = await mine.show()
    for headers in (stranger, guest.headers):
        thief = Bag(client, {"id": mine.id}, headers)
        for method, path, body in calls:
            answer = await thief.call(method, path, json=body)
            expected = 401 if path == "/merge" and headers is guest.headers else 404
            assert answer.status_code == expected, (method, path)
    # An item of another bag isn't reached through one's own.
    assert (await guest.call("DELETE", f"/items/{item['id']}")).status_code == 404
    assert await mine.show() == before


async def test_a_guests_bag_goes_into_the_buyers_own_and_nothing_counts_twice(
    client: httpx2.AsyncClient,
    connection: Connection,
    buyer: dict[str, str],
    goods: list[MadeProduct],
) -> None:
    own, guest = await make_bag(client, headers=buyer), await make_bag(client)
    await own.put(goods[0].variant_id, 2)
    await own.put(goods[1].variant_id, 1)
    await guest.put(goods[1].variant_id, 4)
    await guest.put(goods[2].variant_id, 5)
    code = await make_coupon(connection)
    await guest.change("POST", "/coupons", json={"code": code})
    await guest.change("PUT", "/addresses", json={"shipping_address": ADDRESS})
    both = Bag(client, {"id": guest.id}, {**buyer, **guest.headers})
    merged = await both.change("POST", "/merge")
    assert merged["id"] == own.id
    assert quantities(merged) == {
        str(made.variant_id): quantity for made, quantity in zip(goods, (2, 5, 5), strict=True)
    }
    assert merged["shipping_address"]["city"] == "Berlin"
    assert [coupon["code"] for coupon in merged["coupons"]] == [code]
    assert await both.change("POST", "/merge") == merged
    assert await own.show() == merged
    left = await guest.show()
    assert (left["status"], left["parcels"]) == ("merged", [])
    refused = await guest.refused(
        "POST", "/items", json={"variant_id": str(goods[0].variant_id), "quantity": 1}
    )
    assert refused["code"] == "cart_closed"


async def test_a_guests_bag_goes_to_one_buyer_only(
    client: httpx2.AsyncClient,
    connection: Connection,
    resources: Resources,
    clock: ManualClock,
    buyer: dict[str, str],
    goods: list[MadeProduct],
) -> None:
    guest = await make_bag(client)
    await guest.put(goods[0].variant_id, 3)
    first = Bag(client, {"id": guest.id}, {**buyer, **guest.headers})
    assert list(quantities(await first.change("POST", "/merge")).values()) == [3]
    other = await bearer(resources, await make_user(connection, now=clock.now()))
    answer = await Bag(client, {"id": guest.id}, {**other, **guest.headers}).call("POST", "/merge")
    assert (answer.status_code, answer.json()["code"]) == (409, "cart_closed")


async def test_merging_ones_own_bag_changes_nothing(
    client: httpx2.AsyncClient, buyer: dict[str, str], goods: list[MadeProduct]
) -> None:
    own = await make_bag(client, headers=buyer)
    before = await own.put(goods[0].variant_id, 2)
    assert await own.change("POST", "/merge") == before


async def test_a_sum_beyond_one_line_stops_at_its_most(
    client: httpx2.AsyncClient,
    connection: Connection,
    buyer: dict[str, str],
) -> None:
    made = await make_product(
        connection, seller=await make_shelf_seller(connection), price_minor=1, stock=10_000
    )
    own, guest = await make_bag(client, headers=buyer), await make_bag(client)
    await own.put(made.variant_id, 9_999)
    await guest.put(made.variant_id, 9_999)
    both = Bag(client, {"id": guest.id}, {**buyer, **guest.headers})
    assert quantities(await both.change("POST", "/merge")) == {str(made.variant_id): 10_000}


async def test_an_ordered_bag_is_closed(
    client: httpx2.AsyncClient, connection: Connection, goods: list[MadeProduct]
) -> None:
    bag = await make_bag(client)
    await bag.put(goods[0].variant_id)
    await connection.execute("UPDATE cart SET status = 'ordered' WHERE id = $1", bag.id)
    answer = await bag.refused("POST", "/coupons", json={"code": "ANY"})
    assert answer["code"] == "cart_closed"
    assert (await bag.show())["status"] == "ordered"


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"email": "nobody"}, "email"),
        ({"shipping_address": {**ADDRESS, "country": "XX"}}, "shipping_address.country"),
        ({"shipping_address": {**ADDRESS, "country": "de"}}, "shipping_address.country"),
        ({"shipping_address": {**ADDRESS, "name": ""}}, "shipping_address.name"),
        ({"shipping_address": {**ADDRESS, "city": "x" * 121}}, "shipping_address.city"),
        ({"shipping_address": {**ADDRESS, "line1": "a\x00b"}}, "shipping_address.line1"),
        ({"billing_address": {"name": "Ada"}}, "billing_address.line1"),
        ({"paid": True}, "paid"),
    ],
)
async def test_addresses_are_looked_at(
    client: httpx2.AsyncClient, body: dict[str, Any], field: str
) -> None:
    bag = await make_bag(client)
    answer = await bag.refused("PUT", "/addresses", json=body)
    assert answer["status"] == 422
    assert field in {error["field"] for error in answer["errors"]}


async def test_addresses_left_out_stay_and_null_empties(client: httpx2.AsyncClient) -> None:
    bag = await make_bag(client)
    await bag.change(
        "PUT",
        "/addresses",
        json={"email": "ada@example.com", "shipping_address": ADDRESS, "billing_address": ADDRESS},
    )
    cart = await bag.change("PUT", "/addresses", json={"billing_address": None})
    assert cart["email"] == "ada@example.com"
    assert cart["shipping_address"]["line1"] == ADDRESS["line1"]
    assert cart["billing_address"] is None


async def test_two_changes_at_once_both_count(
    client: httpx2.AsyncClient, goods: list[MadeProduct]
) -> None:
    bag = await make_bag(client)
    await asyncio.gather(*(bag.put(goods[0].variant_id) for _ in range(5)))
    cart = await bag.show()
    assert quantities(cart) == {str(goods[0].variant_id): 5}
    assert cart["version"] == 6
