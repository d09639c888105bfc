"""Gift cards bought through the doors: by whom, how often, and who is told the code."""

from typing import Any
from uuid import uuid4

import httpx2
import pytest

from gosellr.core.db import Connection
from gosellr.resources import Resources
from tests.factories.accounts import User, bearer, make_operator, make_support, make_user
from tests.factories.gift_sales import offer_cards
from tests.factories.sales import NOW, balances

V1 = "/api/v1"
BUY = {
    "amount": {"amount": 5000, "currency": "EUR"},
    "payment_method": "sandbox",
    "payment_token": "tok_ok",
    "email": "giver@example.com",
    "recipient_name": "Grace",
    "message": "Happy\nbirthday",
}


def money(amount: int, currency: str = "EUR") -> dict[str, object]:
    return {"amount": amount, "currency": currency}


@pytest.fixture
async def operator(connection: Connection) -> User:
    return await make_operator(connection, now=NOW)


@pytest.fixture
def call(client: httpx2.AsyncClient, resources: Resources) -> Any:
    async def ask(
        method: str,
        path: str,
        user: User | None = None,
        body: Any = None,
        key: str = "",
        token: str = "",
    ) -> httpx2.Response:
        headers = {} if user is None else await bearer(resources, user)
        headers["Idempotency-Key"] = key or uuid4().hex
        if token:
            headers["X-Order-Token"] = token
        return await client.request(method, f"{V1}{path}", json=body, headers=headers)

    return ask


async def test_the_market_says_what_is_for_sale(
    call: Any, connection: Connection, operator: User
) -> None:
    assert (await call("GET", "/gift-cards/offers")).json()["items"] == []
    offer = {
        "amounts": [money(2500), money(5000)],
        "minimum": money(1000),
        "maximum": money(20000),
        "valid_days": 1095,
    }
    set_ = await call("PUT", "/gift-cards/offers/EUR", operator, offer)
    assert (set_.status_code, set_.json()) == (
        200,
        {"currency": "EUR", **offer, "released_after_days": None, "on_sale": True},
    )
    assert (await call("GET", "/gift-cards/offers")).json()["items"] == [set_.json()]
    paused = await call("PUT", "/gift-cards/offers/EUR", operator, {**offer, "on_sale": False})
    assert paused.json()["on_sale"] is False
    assert (await call("GET", "/gift-cards/offers")).json()["items"] == []
    assert (await call("GET", "/gift-cards/offers", operator)).json()["items"] == [paused.json()]


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"amounts": [money(0)]},
        {"amounts": [money(5000), money(5000)]},
        {"amounts": [money(5000, "USD")]},
        {"amounts": [money(5000), money(5000, "USD")]},
        {"minimum": money(1000)},
        {"minimum": money(2000), "maximum": money(1000)},
        {"amounts": [money(5000)], "valid_days": 0},
        {"amounts": [money(5000)], "on_sale": 1},
    ],
)
async def test_an_offer_that_makes_no_sense_changes_nothing(
    call: Any, connection: Connection, operator: User, body: Any
) -> None:
    refused = await call("PUT", "/gift-cards/offers/EUR", operator, body)
    assert refused.status_code == 422
    assert await connection.fetchval("SELECT count(*) FROM gift_card_offer") == 0


async def test_a_guest_buys_one_and_is_told_its_code_once(
    call: Any, resources: Resources, connection: Connection, operator: User
) -> None:
    await offer_cards(resources)
    bought = await call("POST", "/gift-cards/purchases", None, BUY, "a key")
    order = bought.json()
    assert (bought.status_code, order["status"], order["total"]) == (201, "paid", money(5000))
    assert (order["seller_orders"], order["tax_total"]) == ([], money(0))
    assert order["shipping_address"] is None
    token, path = order["access_token"], f"/gift-cards/purchases/{order['id']}"
    again = await call("POST", "/gift-cards/purchases", None, BUY, "a key")
    assert (again.status_code, again.json()) == (201, order)
    assert again.headers["Idempotency-Replayed"] == "true"
    assert await connection.fetchval("SELECT count(*) FROM gift_card") == 1

    for blind in ({}, {"token": "another"}, {"user": await make_user(connection, now=NOW)}):
        assert (await call("GET", path, **blind)).status_code == 404
        assert (await call("POST", f"{path}/code", **blind)).status_code == 404
    seen = (await call("GET", path, token=token)).json()
    assert (seen["status"], seen["recipient_name"], seen["message"]) == (
        "ready",
        "Grace",
        "Happy\nbirthday",
    )
    assert seen["card"]["last_four"] is None
    for staff in (operator, await make_support(connection, now=NOW)):
        assert (await call("GET", path, staff)).json() == seen
        assert (await call("POST", f"{path}/code", staff)).status_code == 403
    told = await call("POST", f"{path}/code", token=token)
    assert told.status_code == 201
    code = told.json()["code"]
    assert told.json() == {
        "code": code,
        "last_four": code[-4:],
        "balance": money(5000),
        "expires_at": None,
    }
    once_more = await call("POST", f"{path}/code", token=token)
    assert (once_more.status_code, once_more.json()["code"]) == (409, "gift_card_code_told")
    assert (await call("GET", path, token=token)).json()["status"] == "told"
    checked = await call("POST", "/gift-cards/check", None, {"code": code})
    assert checked.json()["balance"] == money(5000)
    for table in ("gift_card", "gift_card_purchase", "idempotency_key", "outbox_event", "orders"):
        rows = await connection.fetch(f"SELECT to_jsonb(row)::text FROM {table} AS row")
        assert not [row for row in rows if code in row[0] or code.replace("-", "") in row[0]]


async def test_a_card_that_is_declined_is_no_gift_card(
    call: Any, resources: Resources, connection: Connection
) -> None:
    await offer_cards(resources)
    declined = await call(
        "POST", "/gift-cards/purchases", None, {**BUY, "payment_token": "tok_declined"}
    )
    problem = declined.json()
    assert (declined.status_code, problem["code"]) == (402, "payment_declined")
    path, token = f"/gift-cards/purchases/{problem['order_id']}", problem["access_token"]
    waiting = (await call("GET", path, token=token)).json()
    assert (waiting["status"], waiting["card"]) == ("awaits_payment", None)
    refused = await call("POST", f"{path}/code", token=token)
    assert (refused.status_code, refused.json()["code"]) == (409, "gift_card_not_paid")
    paid = await call(
        "POST",
        f"/orders/{problem['order_id']}/payments",
        body={"payment_method": "sandbox", "payment_token": "tok_ok"},
        token=token,
    )
    assert paid.status_code == 201
    assert (await call("GET", path, token=token)).json()["status"] == "ready"
    assert await balances(connection) == {"gateway_clearing": 5000, "gift_card": -5000}


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"amount": money(999)}, "gift_card_not_offered"),
        ({"amount": money(5000, "USD")}, "gift_card_not_offered"),
        ({"payment_method": "gift_card", "payment_token": "x"}, "gift_card_not_paid_so"),
        ({"payment_method": "store_credit"}, "gift_card_not_paid_so"),
        ({"payment_method": "cash_on_delivery"}, "gift_card_not_paid_so"),
        ({"payment_method": "paypal"}, "payment_method_unavailable"),
        ({"email": None}, "invalid_input"),
        ({"message": "4111 1111 1111 1111"}, "invalid_input"),
    ],
)
async def test_what_cant_be_bought_leaves_nothing(
    call: Any, resources: Resources, connection: Connection, change: Any, code: str
) -> None:
    await offer_cards(resources)
    refused = await call("POST", "/gift-cards/purchases", None, {**BUY, **change})
    assert (refused.status_code, refused.json()["code"]) == (422, code)
    for table in ("orders", "payment", "gift_card_purchase", "gift_card"):
        assert await connection.fetchval(f"SELECT count(*) FROM {table}") == 0


async def test_the_market_takes_a_card_back_once_for_one_key(
    call: Any, resources: Resources, connection: Connection, operator: User
) -> None:
    await offer_cards(resources)
    buyer = await make_user(connection, now=NOW)
    order = (await call("POST", "/gift-cards/purchases", buyer, BUY)).json()
    path = f"/gift-cards/purchases/{order['id']}/refund"
    body = {"reason": "not wanted"}
    assert (await call("POST", path, buyer, body)).status_code == 403
    back = await call("POST", path, operator, body, "back")
    assert (back.status_code, back.json()["status"], back.json()["amount"]) == (
        201,
        "succeeded",
        money(5000),
    )
    assert back.json()["seller_order_id"] is None
    again = await call("POST", path, operator, body, "back")
    assert (again.json(), again.headers["Idempotency-Replayed"]) == (back.json(), "true")
    empty = await call("POST", path, operator, body)
    assert (empty.status_code, empty.json()["code"]) == (409, "gift_card_empty")
    assert await balances(connection) == {}
    listed = (await call("GET", f"/orders/{order['id']}/refunds", buyer)).json()["items"]
    assert [one["id"] for one in listed] == [back.json()["id"]]
    [shown] = (await call("GET", "/orders/", buyer)).json()["items"]
    assert (shown["payment_status"], shown["seller_orders"]) == ("refunded", [])
    moves = (await call("GET", "/me/transactions", buyer)).json()["items"]
    assert [(one["kind"], one["amount"]) for one in moves] == [
        ("refund_confirmed", money(-5000)),
        ("gift_card_sold", money(5000)),
    ]
