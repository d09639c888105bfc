"""Cash on delivery through its doors: sellers say whether, buyers choose it, sellers collect it."""

from collections.abc import AsyncIterator
from typing import Any

import httpx2
import pytest

from gosellr.core.db import Connection
from gosellr.resources import Resources
from tests.factories.accounts import bearer
from tests.factories.orders import ADDRESS
from tests.factories.payouts import wrong_with
from tests.factories.sales import Shop, make_buyer, make_commission, make_shop
from tests.factories.transfers import doors, offline

V1 = "/api/v1"


@pytest.fixture
def market(resources: Resources) -> Resources:
    return offline(resources)


@pytest.fixture
async def web(market: Resources) -> AsyncIterator[httpx2.AsyncClient]:
    async with doors(market) as caller:
        yield caller


@pytest.fixture
async def shop(connection: Connection) -> Shop:
    await make_commission(connection)
    return await make_shop(connection)


def eur(amount: int) -> dict[str, Any]:
    return {"amount": amount, "currency": "EUR"}


async def test_from_the_sellers_word_to_the_cash_handed_back(
    web: httpx2.AsyncClient, market: Resources, connection: Connection, shop: Shop
) -> None:
    buyer = await bearer(market, await make_buyer(connection))
    seller = await bearer(market, shop.seller.owner)
    terms = f"{V1}/sellers/{shop.seller.id}/cash-on-delivery"
    body = {
        "items": [{"variant_id": str(shop.product.variant_id), "quantity": 1}],
        "email": "ada@example.com",
        "shipping_address": ADDRESS,
        "payment_method": "cash_on_delivery",
    }

    async def order(key: str) -> httpx2.Response:
        headers = {**buyer, "Idempotency-Key": key}
        return await web.post(f"{V1}/orders/create", headers=headers, json=body)

    refused = await order("one")
    assert (refused.status_code, refused.json()["code"]) == (409, "cash_not_taken")
    for wrong in ([eur(1), eur(2)], [eur(0)], [eur(-1)], [{"amount": 1, "currency": "XXQ"}]):
        answer = await web.put(terms, headers=seller, json={"limits": wrong})
        assert answer.status_code == 422, wrong
    assert (await web.put(terms, headers=buyer, json={"limits": []})).status_code in (403, 404)
    said = await web.put(terms, headers=seller, json={"limits": [eur(5000)]})
    assert said.json() == {"limits": [eur(5000)], "market": [eur(50_000)]}
    assert (await web.get(terms, headers=seller)).json() == said.json()

    placed = await order("two")
    assert placed.status_code == 201, placed.text
    assert (await order("two")).headers["Idempotency-Replayed"] == "true"
    found = placed.json()
    assert (found["status"], found["payment_status"]) == ("processing", "authorized")
    assert found["next_action"] is None
    part = found["seller_orders"][0]["id"]
    path = f"{V1}/orders/{found['id']}"
    cash = {"seller_order_id": part, "amount": eur(5000)}
    early = await web.post(f"{path}/cash-received", headers=seller, json=cash)
    assert (early.status_code, early.json()["code"]) == (409, "transition_not_allowed")
    shipped = await web.put(f"{path}/status", headers=seller, json={"status": "shipped"})
    assert shipped.status_code == 200, shipped.text
    assert (await web.post(f"{path}/cash-received", headers=buyer, json=cash)).status_code in (
        403,
        404,
    )
    less = {**cash, "amount": eur(4999)}
    assert (await web.post(f"{path}/cash-received", headers=seller, json=less)).status_code == 422
    done = await web.post(f"{path}/cash-received", headers=seller, json=cash)
    assert (done.status_code, done.json()["status"]) == (200, "delivered")
    twice = await web.post(f"{path}/cash-received", headers=seller, json=cash)
    assert twice.json()["code"] == "no_cash_awaited"
    balance = await web.get(f"{V1}/sellers/{shop.seller.id}/balance", headers=seller)
    assert [one["receivable"] for one in balance.json()["balances"]] == [eur(600)]

    asked = await web.post(
        f"{path}/refunds",
        headers={**seller, "Idempotency-Key": "back"},
        json={"seller_order_id": part, "amount": eur(2500), "reason": "a scratch"},
    )
    assert (asked.status_code, asked.json()["status"]) == (201, "pending")
    back = f"{path}/refunds/{asked.json()['id']}/handed-back"
    assert (await web.post(back, headers=buyer)).status_code in (403, 404)
    assert (await web.post(back, headers=seller)).status_code == 200
    after = (await web.get(path, headers=buyer)).json()
    assert (after["payment_status"], after["refunded_total"]) == (
        "partially_refunded",
        eur(2500),
    )
    assert await wrong_with(connection, market) == []


async def test_a_parcel_that_is_refused(
    web: httpx2.AsyncClient, market: Resources, connection: Connection, shop: Shop
) -> None:
    seller = await bearer(market, shop.seller.owner)
    terms = f"{V1}/sellers/{shop.seller.id}/cash-on-delivery"
    await web.put(terms, headers=seller, json={"limits": [eur(50_000)]})
    placed = await web.post(
        f"{V1}/orders/create",
        headers={"Idempotency-Key": "guest"},
        json={
            "items": [{"variant_id": str(shop.product.variant_id), "quantity": 3}],
            "email": "guest@example.com",
            "shipping_address": ADDRESS,
            "payment_method": "cash_on_delivery",
        },
    )
    assert placed.status_code == 201, placed.text
    found = placed.json()
    path = f"{V1}/orders/{found['id']}"
    await web.put(f"{path}/status", headers=seller, json={"status": "shipped"})
    said = {"seller_order_id": found["seller_orders"][0]["id"], "reason": "nobody was there"}
    guest = {"X-Order-Token": found["access_token"]}
    assert (await web.post(f"{path}/parcel-refused", headers=guest, json=said)).status_code in (
        401,
        403,
    )
    refused = await web.post(f"{path}/parcel-refused", headers=seller, json=said)
    assert refused.status_code == 200, refused.text
    after = (await web.get(path, headers=guest)).json()
    assert (after["status"], after["payment_status"]) == ("cancelled", "unpaid")
    assert after["seller_orders"][0]["cancel_reason"] == "nobody was there"
    assert await connection.fetchval("SELECT count(*) FROM ledger_transaction") == 0
    assert await wrong_with(connection, market) == []
