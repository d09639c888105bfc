"""Calling units off through the door: looked at first, done once, and seen in the order."""

from collections.abc import AsyncIterator

import httpx2
import pytest

from gosellr.core.db import Connection
from gosellr.resources import Resources
from tests.factories.accounts import bearer
from tests.factories.applications import caller_of
from tests.factories.captures import at_shipment
from tests.factories.sales import buy, make_buyer, make_commission, make_shop, part_of, read, ship


@pytest.fixture
def market(resources: Resources) -> Resources:
    return at_shipment(resources)


@pytest.fixture
async def door(market: Resources) -> AsyncIterator[httpx2.AsyncClient]:
    async with caller_of(market) as caller:
        yield caller


async def test_a_buyer_calls_off_a_unit(
    door: httpx2.AsyncClient, market: Resources, connection: Connection
) -> None:
    await make_commission(connection)
    shop = await make_shop(connection, price_minor=5000)
    buyer = await make_buyer(connection)
    order = await buy(market, (shop, 3), buyer=buyer)
    part = part_of(order, shop)
    at = f"/api/v1/orders/{order.id}"
    body = {
        "seller_order_id": str(part.id),
        "items": [{"order_item_id": str(part.lines[0].id), "quantity": 1}],
        "reason": "two will do",
    }
    own = await bearer(market, buyer)
    looked = await door.post(f"{at}/reductions/preview", json=body, headers=own)
    assert looked.status_code == 200
    assert looked.json()["amount"] == {"amount": 5000, "currency": "EUR"}
    assert looked.json()["total"] == {"amount": 10000, "currency": "EUR"}
    unnamed = await door.post(f"{at}/reductions", json=body, headers=own)
    assert (unnamed.status_code, unnamed.json()["code"]) == (400, "idempotency_key_required")
    empty = await door.post(f"{at}/reductions/preview", json={**body, "items": []}, headers=own)
    assert empty.status_code == 422
    assert await read(market, order) == order

    named = {**own, "Idempotency-Key": "two-will-do"}
    made = await door.post(f"{at}/reductions", json=body, headers=named)
    assert made.status_code == 201
    assert made.json() == {"id": made.json()["id"], **looked.json()}
    again = await door.post(f"{at}/reductions", json=body, headers=named)
    assert (again.status_code, again.json()) == (201, made.json())
    assert again.headers["Idempotency-Replayed"] == "true"
    seen = (await door.get(at, headers=own)).json()
    [item] = seen["seller_orders"][0]["items"]
    assert (item["quantity"], item["called_off_quantity"]) == (2, 1)
    assert seen["total"] == {"amount": 10000, "currency": "EUR"}

    await ship(market, order, shop)
    late = await door.post(f"{at}/reductions", json=body, headers={**named, "Idempotency-Key": "b"})
    assert (late.status_code, late.json()["code"]) == (409, "money_taken")
