"""Buying through the door: one answer per request, one effect per intent."""

import asyncio
from collections.abc import Callable
from datetime import timedelta
from typing import Any
from uuid import UUID

import httpx2
import pytest

from gosellr.core.clock import ManualClock
from gosellr.core.db import Connection
from gosellr.flows import payments
from gosellr.resources import Resources
from tests.factories.catalogue import MadeProduct, make_product, make_shelf_seller
from tests.factories.orders import order_body, place

BALANCES = """
SELECT split_part(account, ':', 1) AS account, sum(
    CASE direction WHEN 'debit' THEN amount_minor ELSE -amount_minor END)::bigint AS net
FROM ledger_entry GROUP BY 1
"""


async def balances(connection: Connection) -> dict[str, int]:
    return {row["account"]: row["net"] for row in await connection.fetch(BALANCES)}


async def stock(connection: Connection, product: MadeProduct) -> tuple[int, int]:
    row = await connection.fetchrow(
        "SELECT on_hand, reserved FROM stock_level WHERE variant_id = $1", product.variant_id
    )
    assert row is not None
    return row["on_hand"], row["reserved"]


@pytest.fixture
async def lamp(connection: Connection) -> MadeProduct:
    seller_id = await make_shelf_seller(connection)
    return await make_product(connection, seller=seller_id, price_minor=2500, stock=3)


async def test_one_payment_for_two_sellers(
    client: httpx2.AsyncClient, connection: Connection, lamp: MadeProduct
) -> None:
    other = await make_product(
        connection, seller=await make_shelf_seller(connection), price_minor=1000, stock=5
    )
    answer = await place(client, order_body((lamp.variant_id, 2), (other.variant_id, 1)))
    assert answer.status_code == 201, answer.text
    order = answer.json()
    assert order["status"] == "paid"
    assert order["payment_status"] == "paid"
    assert order["total"] == {"amount": 6000, "currency": "EUR"}
    assert [part["totals"]["total"]["amount"] for part in order["seller_orders"]] == [5000, 1000]
    assert {part["status"] for part in order["seller_orders"]} == {"paid"}
    assert [payment["status"] for payment in order["payments"]] == ["captured"]
    assert await stock(connection, lamp) == (3, 2)
    assert await balances(connection) == {"gateway_clearing": 6000, "seller_pending": -6000}
    kinds = [event["kind"] for event in order["timeline"]]
    assert kinds == ["placed", "paid", "status_changed", "status_changed"]


async def test_a_guest_reads_the_order_with_its_token_only(
    client: httpx2.AsyncClient, lamp: MadeProduct
) -> None:
    order = (await place(client, order_body((lamp.variant_id, 1)))).json()
    path = f"/api/v1/orders/{order['id']}"
    assert (await client.get(path)).status_code == 404
    assert (await client.get(path, headers={"X-Order-Token": "x" * 43})).status_code == 404
    seen = await client.get(path, headers={"X-Order-Token": order["access_token"]})
    assert seen.status_code == 200
    assert seen.json()["email"] == "ada@example.com"
    assert "commission" not in seen.json()["seller_orders"][0]


async def test_same_key_same_answer(
    client: httpx2.AsyncClient, connection: Connection, lamp: MadeProduct
) -> None:
    body = order_body((lamp.variant_id, 1))
    first = await place(client, body, key="k-1")
    again = await place(client, body, key="k-1")
    assert first.status_code == again.status_code == 201
    assert again.content == first.content
    assert again.headers["idempotency-replayed"] == "true"
    assert await connection.fetchval("SELECT count(*) FROM orders") == 1
    other = await place(client, order_body((lamp.variant_id, 2)), key="k-1")
    assert (other.status_code, other.json()["code"]) == (422, "idempotency_key_reused")
    unkeyed = await client.post("/api/v1/orders/create", json=body)
    assert (unkeyed.status_code, unkeyed.json()["code"]) == (400, "idempotency_key_required")


async def test_sold_out_changes_nothing_and_says_what_is_left(
    client: httpx2.AsyncClient, connection: Connection, lamp: MadeProduct
) -> None:
    answer = await place(client, order_body((lamp.variant_id, 4)), key="k-2")
    assert (answer.status_code, answer.json()["code"]) == (409, "out_of_stock")
    assert answer.json()["variants"] == [
        {"variant_id": str(lamp.variant_id), "wanted": 4, "available": 3}
    ]
    for table in ("orders", "payment", "stock_reservation", "idempotency_key"):
        assert await connection.fetchval(f"SELECT count(*) FROM {table}") == 0
    assert await stock(connection, lamp) == (3, 0)


@pytest.mark.case(3)
async def test_case_3_two_lines_of_one_variant_are_judged_together(
    client: httpx2.AsyncClient, connection: Connection, lamp: MadeProduct
) -> None:
    answer = await place(client, order_body((lamp.variant_id, 2), (lamp.variant_id, 2)))
    assert (answer.status_code, answer.json()["code"]) == (409, "out_of_stock")
    assert await stock(connection, lamp) == (3, 0)


@pytest.mark.case(13)
async def test_case_13_declined_keeps_the_hold_and_can_be_paid_again(
    client: httpx2.AsyncClient, connection: Connection, lamp: MadeProduct
) -> None:
    body = order_body((lamp.variant_id, 3), token="tok_declined")
    declined = await place(client, body, key="k-3")
    assert (declined.status_code, declined.json()["code"]) == (402, "payment_declined")
    assert declined.json()["request_id"] == declined.headers["x-request-id"]
    assert (await place(client, body, key="k-3")).content == declined.content
    order_id, token = declined.json()["order_id"], declined.json()["access_token"]
    assert await stock(connection, lamp) == (3, 3)
    paid = await client.post(
        f"/api/v1/orders/{order_id}/payments",
        json={"payment_method": "sandbox", "payment_token": "tok_ok"},
        headers={"Idempotency-Key": "again", "X-Order-Token": token},
    )
    assert paid.status_code == 201, paid.text
    assert paid.json()["status"] == "paid"
    assert [payment["status"] for payment in paid.json()["payments"]] == ["declined", "captured"]
    assert await stock(connection, lamp) == (3, 3)
    assert await balances(connection) == {"gateway_clearing": 7500, "seller_pending": -7500}
    twice = await client.post(
        f"/api/v1/orders/{order_id}/payments",
        json={"payment_method": "sandbox", "payment_token": "tok_ok"},
        headers={"Idempotency-Key": "once more", "X-Order-Token": token},
    )
    assert (twice.status_code, twice.json()["code"]) == (409, "not_payable")


@pytest.mark.case(13)
async def test_case_13_an_unpaid_order_expires_once(
    client: httpx2.AsyncClient,
    connection: Connection,
    resources: Resources,
    clock: ManualClock,
    lamp: MadeProduct,
) -> None:
    await place(client, order_body((lamp.variant_id, 3), token="tok_declined"))
    powers = _powers(resources)
    assert await payments.expire_due(**powers) == 0
    clock.advance(timedelta(minutes=16))
    assert await payments.expire_due(**powers) == 1
    assert await payments.expire_due(**powers) == 0
    assert await stock(connection, lamp) == (3, 0)
    assert await connection.fetchval("SELECT status FROM orders") == "cancelled"
    assert await connection.fetchval("SELECT cancel_reason FROM seller_order") == "payment_expired"


def _powers(resources: Resources) -> dict[str, Any]:
    return {
        "db": resources.db,
        "gateways": resources.gateways,
        "clock": resources.clock,
        "policy": resources.policy,
    }


async def test_an_action_has_to_be_done_at_the_gateway(
    client: httpx2.AsyncClient,
    connection: Connection,
    resources: Resources,
    clock: ManualClock,
    lamp: MadeProduct,
) -> None:
    answer = await place(client, order_body((lamp.variant_id, 1), token="tok_requires_action"))
    assert answer.status_code == 201
    order = answer.json()
    assert order["status"] == "pending_payment"
    payment_id = order["payments"][0]["id"]
    url = f"{resources.settings.base_url}/sandbox/pay/{payment_id}"
    assert url.startswith("http://")
    assert order["next_action"] == order["payments"][0]["next_action"] == {"url": url}
    seen = await client.get(
        f"/api/v1/orders/{order['id']}", headers={"X-Order-Token": order["access_token"]}
    )
    assert seen.json()["next_action"] == {"url": url}
    sandbox: Any = resources.gateways["sandbox"]
    await sandbox.complete_action(attempt_id=payment_id, approve=True)
    paid = await payments.advance(**_powers(resources), order_id=UUID(order["id"]), curious=True)
    assert paid.status == "paid"
    assert await balances(connection) == {"gateway_clearing": 2500, "seller_pending": -2500}


@pytest.mark.case(14)
async def test_case_14_whoever_never_acts_loses_the_hold_and_can_t_pay_later(
    client: httpx2.AsyncClient,
    connection: Connection,
    resources: Resources,
    clock: ManualClock,
    lamp: MadeProduct,
) -> None:
    answer = await place(client, order_body((lamp.variant_id, 1), token="tok_requires_action"))
    payment_id = answer.json()["payments"][0]["id"]
    clock.advance(timedelta(minutes=16))
    assert await payments.expire_due(**_powers(resources)) == 1
    sandbox: Any = resources.gateways["sandbox"]
    late = await sandbox.complete_action(attempt_id=payment_id, approve=True)
    assert late.captured_minor == 0
    assert await stock(connection, lamp) == (3, 0)
    assert await connection.fetchval("SELECT count(*) FROM ledger_entry") == 0


@pytest.mark.case(21)
@pytest.mark.parametrize(
    ("token", "status", "payment_status"),
    [
        ("tok_timeout_then_ok", "paid", "paid"),
        ("tok_timeout_then_declined", "pending_payment", "failed"),
        ("tok_timeout_before", "pending_payment", "unpaid"),
    ],
)
async def test_case_21_a_lost_answer_is_asked_for_and_never_charged_twice(
    client: httpx2.AsyncClient,
    connection: Connection,
    resources: Resources,
    clock: ManualClock,
    lamp: MadeProduct,
    token: str,
    status: str,
    payment_status: str,
) -> None:
    answer = await place(client, order_body((lamp.variant_id, 1), token=token))
    assert answer.status_code == 202
    assert answer.json()["payment_status"] == "pending"
    assert await payments.resume_due(**_powers(resources)) == 0
    clock.advance(timedelta(seconds=30))
    assert await payments.resume_due(**_powers(resources)) == 1
    if token == "tok_timeout_before":
        # The gateway never heard of it: sent once more, and lost once more.
        sent = await connection.fetchrow("SELECT status, sent_count FROM payment")
        assert sent is not None
        assert tuple(sent) == ("unknown", 2)
        clock.advance(timedelta(minutes=1))
        assert await payments.resume_due(**_powers(resources)) == 1
    row = await connection.fetchrow("SELECT status, payment_status FROM orders")
    assert row is not None
    assert (row["status"], row["payment_status"]) == (status, payment_status)
    sandbox: Any = resources.gateways["sandbox"]
    captured = 2500 if status == "paid" else 0
    assert sum(charge.captured_minor for charge in await sandbox.journal()) == captured
    assert (await balances(connection)).get("gateway_clearing", 0) == captured


async def test_whoever_asks_again_for_what_was_given_up_isn_t_told_yes(
    client: httpx2.AsyncClient,
    connection: Connection,
    resources: Resources,
    clock: ManualClock,
    lamp: MadeProduct,
) -> None:
    body = order_body((lamp.variant_id, 1), token="tok_timeout_before")
    assert (await place(client, body, key="k-4")).status_code == 202
    # The first request was cut off before its answer was kept.
    await connection.execute(
        "UPDATE idempotency_key SET response_status = NULL, response_body = NULL"
    )
    for _ in range(2):
        clock.advance(timedelta(minutes=1))
        assert await payments.resume_due(**_powers(resources)) == 1
    again = await place(client, body, key="k-4")
    assert (again.status_code, again.json()["code"]) == (402, "payment_declined")
    assert again.json()["decline_codes"] == []
    paid = await client.post(
        f"/api/v1/orders/{again.json()['order_id']}/payments",
        json={"payment_method": "sandbox", "payment_token": "tok_ok"},
        headers={"Idempotency-Key": "other", "X-Order-Token": again.json()["access_token"]},
    )
    assert (paid.status_code, paid.json()["status"]) == (201, "paid")


@pytest.mark.case(27)
async def test_case_27_an_underpayment_pays_for_nothing_and_goes_back(
    client: httpx2.AsyncClient, connection: Connection, lamp: MadeProduct
) -> None:
    answer = await place(client, order_body((lamp.variant_id, 1), token="tok_captures_half"))
    assert answer.status_code in (201, 402)
    assert await connection.fetchval("SELECT status FROM orders") == "pending_payment"
    row = await connection.fetchrow("SELECT amount_minor, reason FROM payment_return")
    assert row is not None
    assert (row["amount_minor"], row["reason"]) == (1250, "short_payment")
    assert await balances(connection) == {"gateway_clearing": 1250, "suspense": -1250}


async def test_mixed_tender_takes_all_parts_or_none(
    client: httpx2.AsyncClient, connection: Connection, lamp: MadeProduct
) -> None:
    def parts(second: str) -> list[dict[str, Any]]:
        first_amount = {"amount": 2000, "currency": "EUR"}
        second_amount = {"amount": 500, "currency": "EUR"}
        return [
            {"method": "sandbox", "amount": first_amount, "token": "tok_ok"},
            {"method": "sandbox", "amount": second_amount, "token": second},
        ]

    paid = await place(
        client,
        {**order_body((lamp.variant_id, 1)), "payment_method": parts("tok_ok")}
        | {"payment_token": None},
    )
    assert paid.status_code == 201, paid.text
    assert [payment["captured"]["amount"] for payment in paid.json()["payments"]] == [2000, 500]
    failed = await place(
        client,
        {**order_body((lamp.variant_id, 1)), "payment_method": parts("tok_declined")}
        | {"payment_token": None},
    )
    assert failed.status_code == 402, failed.text
    statuses = await connection.fetch(
        "SELECT status FROM payment WHERE order_id = $1 ORDER BY part",
        UUID(failed.json()["order_id"]),
    )
    assert [row["status"] for row in statuses] == ["voided", "declined"]
    assert await balances(connection) == {"gateway_clearing": 2500, "seller_pending": -2500}


@pytest.mark.parametrize("field", ["payment_token", "reference"])
async def test_a_card_s_number_is_refused_and_said_to_nobody(
    client: httpx2.AsyncClient,
    connection: Connection,
    lamp: MadeProduct,
    field: str,
    capsys: pytest.CaptureFixture[str],
) -> None:
    answer = await place(client, order_body((lamp.variant_id, 1)) | {field: "4242 4242 4242 4242"})
    assert answer.status_code == 422, answer.text
    [error] = answer.json()["errors"]
    assert error["field"] == field
    assert "number of a card" in error["message"]
    # The request's own id is random, and may hold any four digits.
    request_id = answer.headers["X-Request-ID"]
    for told in (answer.text, *capsys.readouterr()):
        assert "4242" not in told.replace(request_id, "")
    assert await connection.fetchval("SELECT count(*) FROM orders") == 0


async def test_the_total_must_be_the_one_that_was_shown(
    client: httpx2.AsyncClient, connection: Connection, lamp: MadeProduct
) -> None:
    body = order_body((lamp.variant_id, 1), expected_total={"amount": 2400, "currency": "EUR"})
    answer = await place(client, body)
    assert (answer.status_code, answer.json()["code"]) == (409, "total_changed")
    assert answer.json()["quote"]["total"] == {"amount": 2500, "currency": "EUR"}
    assert await connection.fetchval("SELECT count(*) FROM orders") == 0


@pytest.mark.case(64)
@pytest.mark.parametrize(
    "field", ["unit_price", "total", "tax", "seller_id", "discount", "shipping_total", "paid"]
)
async def test_case_64_prices_are_the_server_s_alone(
    client: httpx2.AsyncClient, lamp: MadeProduct, field: str
) -> None:
    answer = await place(client, {**order_body((lamp.variant_id, 1)), field: 1})
    assert (answer.status_code, answer.json()["errors"][0]["code"]) == (422, "extra_forbidden")


@pytest.mark.case(65)
@pytest.mark.parametrize("quantity", [-5, 0, 1.5, "2", True, 2**31 - 1, 2**63, 1e21, None])
async def test_case_65_a_quantity_is_a_small_whole_number(
    client: httpx2.AsyncClient, connection: Connection, lamp: MadeProduct, quantity: Any
) -> None:
    body = order_body((lamp.variant_id, 1))
    body["items"][0]["quantity"] = quantity
    assert (await place(client, body)).status_code == 422
    assert await stock(connection, lamp) == (3, 0)


async def test_statements_per_order(
    client: httpx2.AsyncClient, query_count: Callable[[], int], lamp: MadeProduct
) -> None:
    """Offers are read; the order is placed by one statement and settled by another."""
    body = order_body((lamp.variant_id, 1))
    # The first order of a connection also asks PostgreSQL about its types, and loads the terms.
    assert (await place(client, body)).status_code == 201
    await asyncio.sleep(0)
    query_count()
    assert (await place(client, body)).status_code == 201
    await asyncio.sleep(0)
    assert query_count() == 3


async def test_the_answer_is_what_is_read_afterwards(
    client: httpx2.AsyncClient, lamp: MadeProduct
) -> None:
    """The answer is made without reading the order again, and says the same to the letter."""
    answered = (await place(client, order_body((lamp.variant_id, 2)))).json()
    token = answered.pop("access_token")
    read = await client.get(f"/api/v1/orders/{answered['id']}", headers={"X-Order-Token": token})
    assert answered["status"] == "paid"
    assert read.json() == answered
