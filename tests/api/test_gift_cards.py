"""Gift cards and store credit through the doors: issued once, told once, spent by whom they are."""

from dataclasses import replace
from typing import Any
from uuid import uuid4

import httpx2
import pytest

from gosellr.core.db import Connection
from gosellr.flows import limits
from gosellr.resources import Resources
from tests.factories.accounts import User, bearer, make_operator, make_support, make_user
from tests.factories.orders import order_body, place
from tests.factories.sales import NOW, Shop, balances, make_shop
from tests.factories.stored_value import grant_credit, make_card

V1 = "/api/v1"


def money(amount: int, currency: str = "EUR") -> dict[str, object]:
    return {"amount": amount, "currency": currency}


@pytest.fixture
async def operator(connection: Connection) -> User:
    return await make_operator(connection, now=NOW)


@pytest.fixture
async def shop(connection: Connection) -> Shop:
    """50.00 a piece."""
    return await make_shop(connection)


@pytest.fixture
def call(client: httpx2.AsyncClient, resources: Resources) -> Any:
    async def ask(
        method: str, path: str, user: User | None = None, body: Any = None, key: str = ""
    ) -> httpx2.Response:
        headers = {} if user is None else await bearer(resources, user)
        headers["Idempotency-Key"] = key or uuid4().hex
        return await client.request(method, f"{V1}{path}", json=body, headers=headers)

    return ask


def by_value(shop: Shop, method: Any, **more: Any) -> dict[str, Any]:
    """An order for one piece."""
    body = order_body((shop.product.variant_id, 1), payment_method=method, **more)
    if "payment_token" not in more:
        del body["payment_token"]
    return body


async def test_a_card_is_made_once_and_its_code_told_once(
    call: Any, connection: Connection, operator: User
) -> None:
    body = {
        "amount": money(5000),
        "note": "for a lost parcel",
        "expires_at": "2027-01-01T00:00:00Z",
    }
    made = await call("POST", "/gift-cards", operator, body, "a key")
    assert made.status_code == 201
    card = made.json()
    assert (card["status"], card["amount"], card["balance"]) == ("active", money(5000), money(5000))
    code = card["code"]
    assert code[-4:] == card["last_four"]
    again = await call("POST", "/gift-cards", operator, body, "a key")
    assert again.status_code == 201
    assert again.headers["Idempotency-Replayed"] == "true"
    assert again.json() == {**card, "code": None}
    other = await call("POST", "/gift-cards", operator, {"amount": money(1)}, "a key")
    assert (other.status_code, other.json()["code"]) == (422, "idempotency_key_reused")
    assert await balances(connection) == {"promotion_cost": 5000, "gift_card": -5000}
    listed = (await call("GET", "/gift-cards", operator)).json()["items"]
    assert listed == [{**card, "code": None}]
    # Neither the code nor what it is typed as stands in any table.
    bare = code.replace("-", "")
    for table in ("gift_card", "idempotency_key", "ledger_transaction", "outbox_event"):
        rows = await connection.fetch(f"SELECT to_jsonb(t)::text AS row FROM {table} AS t")
        assert not [row for row in rows if code in row["row"] or bare in row["row"]], table


@pytest.mark.parametrize(
    "body",
    [
        {"amount": money(0)},
        {"amount": money(-1)},
        {"amount": {"amount": "5", "currency": "EUR"}},
        {"amount": money(5, "XXX")},
        {"amount": money(5), "expires_at": "2020-01-01T00:00:00Z"},
        {"amount": money(5), "code": "MYOWN"},
        {},
    ],
)
async def test_what_is_no_card_makes_none(
    call: Any, connection: Connection, operator: User, body: Any
) -> None:
    answer = await call("POST", "/gift-cards", operator, body)
    assert answer.status_code == 422
    assert await connection.fetchval("SELECT count(*) FROM gift_card") == 0
    assert await balances(connection) == {}


async def test_who_knows_the_code_sees_what_is_left_and_nobody_else_learns_anything(
    call: Any, resources: Resources, operator: User
) -> None:
    card_id, code = await make_card(resources, 5000)
    seen = await call("POST", "/gift-cards/check", None, {"code": code.replace("-", " ").lower()})
    assert seen.json() == {"last_four": code[-4:], "balance": money(5000), "expires_at": None}
    stopped = await call("POST", f"/gift-cards/{card_id}/deactivate", operator)
    assert stopped.json()["status"] == "deactivated"
    refusals = [
        await call("POST", "/gift-cards/check", None, {"code": typed})
        for typed in (code, "0000-0000-0000-0000")
    ]
    assert [one.status_code for one in refusals] == [422, 422]
    first, second = [{**one.json(), "request_id": ""} for one in refusals]
    assert first == second
    assert first["code"] == "gift_card_refused"


async def test_codes_cant_be_tried_again_and_again(
    client: httpx2.AsyncClient, resources: Resources
) -> None:
    limited = resources.settings.model_copy(update={"rate_limits": True})
    app = client._transport.app  # type: ignore[attr-defined]
    app.state.resources = replace(resources, settings=limited)
    _, code = await make_card(resources, 5000)
    statuses = [
        (
            await client.post(f"{V1}/gift-cards/check", json={"code": "0000-0000-0000-0000"})
        ).status_code
        for _ in range(limits.CODE_PER_ADDRESS.amount)
    ]
    assert set(statuses) == {422}
    right = await client.post(f"{V1}/gift-cards/check", json={"code": code})
    assert right.status_code == 429
    assert int(right.headers["Retry-After"]) > 0


async def test_an_order_shows_each_part_and_no_code(
    client: httpx2.AsyncClient, resources: Resources, connection: Connection, shop: Shop
) -> None:
    _, code = await make_card(resources, 2000)
    tenders = [
        {"method": "gift_card", "token": code, "amount": money(2000)},
        {"method": "sandbox", "token": "tok_ok", "amount": money(3000)},
    ]
    key = uuid4().hex
    placed = await place(client, by_value(shop, tenders), key=key)
    assert placed.status_code == 201, placed.text
    order = placed.json()
    assert order["payment_status"] == "paid"
    assert [(one["method"], one["status"], one["amount"]) for one in order["payments"]] == [
        ("gift_card", "captured", money(2000)),
        ("sandbox", "captured", money(3000)),
    ]
    assert code not in placed.text
    again = await place(client, by_value(shop, tenders), key=key)
    assert again.headers["Idempotency-Replayed"] == "true"
    assert again.content == placed.content
    assert await connection.fetchval("SELECT count(*) FROM orders") == 1
    kept = await connection.fetch("SELECT to_jsonb(payment)::text AS row FROM payment")
    assert not [row for row in kept if code in row["row"] or code.replace("-", "") in row["row"]]


async def test_a_declined_rest_is_paid_another_way_and_the_value_kept(
    client: httpx2.AsyncClient, resources: Resources, shop: Shop
) -> None:
    _, code = await make_card(resources, 2000)
    tenders = [
        {"method": "gift_card", "token": code},
        {"method": "sandbox", "token": "tok_declined"},
    ]
    declined = await place(client, by_value(shop, tenders))
    assert (declined.status_code, declined.json()["code"]) == (402, "payment_declined")
    headers = {"X-Order-Token": declined.json()["access_token"], "Idempotency-Key": uuid4().hex}
    path = f"{V1}/orders/{declined.json()['order_id']}"
    wrong = await client.post(
        f"{path}/payments",
        json={"payment_method": [{"method": "sandbox", "token": "tok_ok", "amount": money(5000)}]},
        headers=headers,
    )
    assert wrong.status_code == 422
    paid = await client.post(
        f"{path}/payments",
        json={"payment_method": "sandbox", "payment_token": "tok_ok"},
        headers={**headers, "Idempotency-Key": uuid4().hex},
    )
    assert paid.status_code == 201
    assert [
        (one["method"], one["status"], one["amount"]["amount"]) for one in paid.json()["payments"]
    ] == [
        ("gift_card", "captured", 2000),
        ("sandbox", "declined", 3000),
        ("sandbox", "captured", 3000),
    ]


@pytest.mark.parametrize(
    ("method", "status", "code"),
    [
        ("store_credit", 422, "invalid_input"),
        ([{"method": "gift_card", "token": "0000-0000-0000-0000"}], 422, "gift_card_refused"),
        (
            [{"method": "gift_card"}, {"method": "sandbox", "token": "tok_ok"}],
            422,
            "gift_card_refused",
        ),
    ],
)
async def test_value_that_isnt_the_callers_buys_nothing(
    client: httpx2.AsyncClient,
    connection: Connection,
    shop: Shop,
    method: Any,
    status: int,
    code: str,
) -> None:
    answer = await place(client, by_value(shop, method))
    assert (answer.status_code, answer.json()["code"]) == (status, code)
    assert await connection.fetchval("SELECT count(*) FROM orders") == 0


async def test_credit_is_granted_once_read_by_its_owner_and_spent(
    call: Any, client: httpx2.AsyncClient, resources: Resources, connection: Connection,
    operator: User, shop: Shop,
) -> None:  # fmt: skip
    buyer = await make_user(connection, now=NOW)
    body = {"amount": money(6000), "reason": "a late parcel"}
    path = f"/users/{buyer.id}/store-credit"
    for _ in range(2):
        granted = await call("POST", path, operator, body, "one")
        assert granted.status_code == 201
    assert granted.headers["Idempotency-Replayed"] == "true"
    own = (await call("GET", "/me/store-credit", buyer)).json()
    assert own["balances"] == [money(6000)]
    assert [(one["reason"], one["granted_by"]) for one in own["grants"]] == [
        ("a late parcel", None)
    ]
    headers = await bearer(resources, buyer)
    paid = await place(client, by_value(shop, "store_credit"), headers=headers)
    assert paid.status_code == 201
    assert (await call("GET", "/me/store-credit", buyer)).json()["balances"] == [money(1000)]
    short = await place(client, by_value(shop, "store_credit"), headers=headers)
    assert (short.status_code, short.json()["code"]) == (409, "insufficient_balance")
    assert short.json()["balance"] == money(1000)


async def test_who_may_do_what(call: Any, connection: Connection, operator: User) -> None:
    buyer, other = [await make_user(connection, now=NOW) for _ in range(2)]
    support = await make_support(connection, now=NOW)
    body = {"amount": money(100), "reason": "because"}
    path = f"/users/{other.id}/store-credit"
    for user, read, grant in (
        (buyer, 403, 403),
        (support, 200, 403),
        (operator, 200, 201),
        (None, 401, 401),
    ):
        assert (await call("GET", path, user)).status_code == read
        assert (await call("POST", path, user, body)).status_code == grant
        issued = await call("POST", "/gift-cards", user, {"amount": money(100)})
        assert issued.status_code == grant
        assert (await call("GET", "/gift-cards", user)).status_code == read
    missing = await call("POST", f"/users/{uuid4()}/store-credit", operator, body)
    assert missing.status_code == 404
    assert (await call("GET", f"/users/{uuid4()}/store-credit", operator)).status_code == 404


async def test_a_refund_may_come_as_credit(
    call: Any, client: httpx2.AsyncClient, resources: Resources, connection: Connection,
    operator: User, shop: Shop,
) -> None:  # fmt: skip
    buyer = await make_user(connection, now=NOW)
    await grant_credit(resources, buyer, 1000)
    headers = await bearer(resources, buyer)
    tenders = [{"method": "store_credit"}, {"method": "sandbox", "token": "tok_ok"}]
    order = (await place(client, by_value(shop, tenders), headers=headers)).json()
    [part] = order["seller_orders"]
    refund = {
        "seller_order_id": part["id"],
        "items": [{"order_item_id": part["items"][0]["id"], "quantity": 1}],
        "reason": "broken",
        "to": "store_credit",
    }
    given = await call("POST", f"/orders/{order['id']}/refunds", operator, refund)
    assert (given.status_code, given.json()["status"]) == (201, "succeeded")
    assert (await call("GET", "/me/store-credit", buyer)).json()["balances"] == [money(5000)]
    ledger = (await call("GET", f"/orders/{order['id']}/ledger", operator)).json()["transactions"]
    assert "as store credit" in " ".join(one["explanation"] for one in ledger)
