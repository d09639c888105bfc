"""What guests do by the shorter way is what the route does, and says."""

import re
from collections.abc import AsyncIterator, Callable
from typing import Any
from uuid import uuid4

import httpx2
import orjson
import pytest

from gosellr.api import carts, orders
from gosellr.api.guest_ways import guest_way
from gosellr.api.short_ways import WAY
from gosellr.core.db import Connection
from gosellr.utils.permissions import Permission
from tests.factories.catalogue import MadeProduct, make_product, make_shelf_seller
from tests.factories.orders import ADDRESS, order_body

PLAIN = "application/json"
# Says the same, in a form that only the route understands.
LONG_WAY = "application/json; charset=utf-8"
# What differs between two who do the same: ids, tokens, numbers, moments, and what is left.
PRIVATE = re.compile(
    rb'"(?:[0-9a-f]{8}-[0-9a-f-]{27,30}|GS-\d+|[\w-]{43}|\d{4}-\d\d-\d\dT[\d:.+Z]+)(?:-\d)?"'
    rb"|sandbox_[0-9a-f]+|[0-9a-f]{32}"
    rb'|"available":[0-9]+'
)
ENDPOINTS = (
    orders.create_order,
    orders.get_order,
    carts.create_cart,
    carts.get_cart,
    carts.add_cart_item,
    carts.update_cart_addresses,
    carts.choose_cart_shipping,
)


@pytest.fixture
async def lamp(connection: Connection) -> MadeProduct:
    seller_id = await make_shelf_seller(connection)
    return await make_product(connection, seller=seller_id, price_minor=2500, stock=50)


@pytest.fixture
def taken(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What was answered by a shorter way."""
    names: list[str] = []

    def watch(endpoint: Callable[..., Any]) -> None:
        way = getattr(endpoint, WAY)

        async def noted(request: httpx2.Request) -> Any:
            response = await way(request)
            if response is not None:
                names.append(endpoint.__name__)
            return response

        monkeypatch.setattr(endpoint, WAY, noted)

    for endpoint in ENDPOINTS:
        watch(endpoint)
    return names


def told(response: httpx2.Response) -> tuple[int, dict[str, str], bytes]:
    headers = {
        name: value
        for name, value in response.headers.items()
        if name not in ("x-request-id", "content-length")
    }
    return response.status_code, headers, PRIVATE.sub(b"*", response.content)


class Guest:
    """Somebody who says everything in one way."""

    def __init__(self, client: httpx2.AsyncClient, content_type: str) -> None:
        self.client = client
        self.content_type = content_type

    async def say(
        self, method: str, path: str, body: Any = None, **headers: str
    ) -> httpx2.Response:
        """One request."""
        return await self.client.request(
            method,
            f"/api/v1{path}",
            content=body if isinstance(body, bytes) else orjson.dumps(body),
            headers={"Content-Type": self.content_type}
            | {name.replace("_", "-"): value for name, value in headers.items()},
        )


async def fill_and_buy(guest: Guest, lamp: MadeProduct) -> list[httpx2.Response]:
    """A whole purchase, with everything that is answered on the way."""
    said = [await guest.say("POST", "/carts", {})]
    cart = said[0].json()
    holds, path = {"X_Cart_Token": cart["token"]}, f"/carts/{cart['id']}"
    said.append(
        await guest.say(
            "POST",
            f"{path}/items",
            {"variant_id": str(lamp.variant_id), "quantity": 2},
            **holds,
        )
    )
    address = {"email": "Ada@example.com", "shipping_address": ADDRESS}
    said.append(await guest.say("PUT", f"{path}/addresses", address, **holds))
    seller = said[-1].json()["parcels"][0]
    choice = {seller["seller"]["id"]: seller["shipping"]["options"][0]["id"]}
    said.append(await guest.say("PUT", f"{path}/shipping", {"choices": choice}, **holds))
    said.append(await guest.say("GET", path, b"", **holds))
    order = {
        "cart_id": cart["id"],
        "payment_method": "sandbox",
        "payment_token": "tok_ok",
        "expected_total": said[-1].json()["total"],
    }
    said.append(await guest.say("POST", "/orders/create", order, **holds, Idempotency_Key="one"))
    said.append(await guest.say("POST", "/orders/create", order, **holds, Idempotency_Key="one"))
    placed = said[-1].json()
    said.append(
        await guest.say("GET", f"/orders/{placed['id']}", b"", X_Order_Token=placed["access_token"])
    )
    return said


async def test_a_purchase_is_the_same(
    client: httpx2.AsyncClient, lamp: MadeProduct, taken: list[str]
) -> None:
    short = await fill_and_buy(Guest(client, PLAIN), lamp)
    assert taken == [
        "create_cart",
        "add_cart_item",
        "update_cart_addresses",
        "choose_cart_shipping",
        "get_cart",
        "create_order",
        "create_order",
        "get_order",
    ]
    taken.clear()
    long = await fill_and_buy(Guest(client, LONG_WAY), lamp)
    # What has no body to be read is short in any case.
    assert taken == ["get_cart", "get_order"]
    assert [one.status_code for one in short] == [201, 200, 200, 200, 200, 201, 201, 200]
    assert [told(one) for one in short] == [told(one) for one in long]
    assert short[-2].headers["Idempotency-Replayed"] == "true"
    assert short[-2].content == short[-3].content


@pytest.mark.parametrize(
    "change",
    [
        {"email": "nobody"},
        {"items": []},
        {"shipping_address": None},
        {"items": [{"variant_id": "x", "quantity": 1}]},
        {"items": [{"variant_id": str(uuid4()), "quantity": 1}]},
        {"payment_method": "shells"},
        {"colour": "red"},
        {"currency": "EURO"},
        {"expected_total": {"amount": 1, "currency": "EUR"}},
        {"payment_token": "tok_declined"},
    ],
)
async def test_what_is_wrong_is_said_as_the_route_says_it(
    client: httpx2.AsyncClient, lamp: MadeProduct, change: dict[str, Any]
) -> None:
    body = {**order_body((lamp.variant_id, 1)), **change}
    short, long = [
        await Guest(client, kind).say("POST", "/orders/create", body, Idempotency_Key=kind)
        for kind in (PLAIN, LONG_WAY)
    ]
    assert short.status_code >= 400
    assert told(short) == told(long)


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b"null", b"\xff", b'{"email": "\\ud800"}'])
async def test_what_is_no_body_is_said_as_the_route_says_it(
    client: httpx2.AsyncClient, body: bytes
) -> None:
    for method, path in (("POST", "/orders/create"), ("PUT", f"/carts/{uuid4()}/addresses")):
        short, long = [
            await Guest(client, kind).say(method, path, body, Idempotency_Key=kind)
            for kind in (PLAIN, LONG_WAY)
        ]
        assert 400 <= short.status_code < 500
        assert told(short) == told(long)


async def test_a_body_in_pieces_is_read_whole(client: httpx2.AsyncClient, taken: list[str]) -> None:
    async def pieces() -> AsyncIterator[bytes]:
        yield b'{"curr'
        yield b""
        yield b'ency": "USD"}'

    made = await client.post("/api/v1/carts", content=pieces(), headers={"Content-Type": PLAIN})
    assert (made.status_code, made.json()["currency"]) == (201, "USD")
    assert taken == ["create_cart"]


async def test_who_signs_in_or_asks_in_the_address_takes_the_route(
    client: httpx2.AsyncClient, lamp: MadeProduct, taken: list[str]
) -> None:
    guest = Guest(client, PLAIN)
    body = order_body((lamp.variant_id, 1))
    forged = await guest.say("POST", "/orders/create", body, Authorization="Bearer x")
    asked = await guest.say("POST", "/orders/create?colour=red", body)
    keyless = await guest.say("POST", "/orders/create", body)
    assert [one.status_code for one in (forged, asked, keyless)] == [401, 422, 400]
    assert taken == []


async def test_what_no_plain_request_says_has_no_way() -> None:
    async def endpoint(colour: str) -> None:
        """Wants something out of nowhere."""

    with pytest.raises(TypeError):
        guest_way(permission=Permission.ORDER_CREATE)(endpoint)
