"""Buying with PayPal through the whole application, by page and by program, without network."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta
from typing import Any
from uuid import UUID

import httpx2
import pytest

from gosellr.config import Settings
from gosellr.core.clock import ManualClock
from gosellr.core.db import Connection
from gosellr.core.transact import ask
from gosellr.jobs import upkeep
from gosellr.resources import Resources
from gosellr.services import audit_service
from gosellr.services.audit_service import GatewayCharge
from gosellr.services.basket_service import Tender
from tests.factories.catalogue import make_product, make_shelf_seller
from tests.factories.orders import order_body, place
from tests.factories.sales import Shop, buy, make_shop, read, refund
from tests.integrations.paypal_api.account import MERCHANT, Account, Document, units
from tests.integrations.paypal_api.server import (
    LOST_ANSWER,
    NO_CONNECTION,
    WEBHOOK_ID,
    FakePayPal,
    make_gateway,
    make_payouts,
)
from tests.web.visitor import Visitor, put_in_bag, reach_payment

BALANCES = """
SELECT split_part(account, ':', 1) AS account, sum(
    CASE direction WHEN 'debit' THEN amount_minor ELSE -amount_minor END)::bigint AS net
FROM ledger_entry GROUP BY 1 HAVING sum(
    CASE direction WHEN 'debit' THEN amount_minor ELSE -amount_minor END) <> 0
"""
REPORTS = "/api/v1/payments/webhooks/paypal"


@pytest.fixture
def settings(settings: Settings) -> Settings:
    """A market that offers PayPal."""
    return settings.model_copy(
        update={
            "paypal_client_id": "client", "paypal_client_secret": "hunter2",
            "paypal_merchant_id": MERCHANT, "paypal_webhook_id": WEBHOOK_ID,
            "paypal_mode": "sandbox", "paypal_payouts": True,
        }
    )  # fmt: skip


@pytest.fixture
def server(clock: ManualClock) -> FakePayPal:
    """PayPal with an empty account."""
    return FakePayPal(Account(clock))


@pytest.fixture
async def resources(
    resources: Resources, server: FakePayPal, clock: ManualClock
) -> AsyncIterator[Resources]:
    """The market before that account."""
    assert set(resources.gateways) == {"sandbox", "paypal"}
    assert set(resources.payout_providers) == {"sandbox", "paypal"}
    gateway, provider = make_gateway(server, clock), make_payouts(server, clock)
    yield replace(
        resources,
        gateways={**resources.gateways, "paypal": gateway},
        payout_providers={**resources.payout_providers, "paypal": provider},
    )
    await gateway.aclose()
    await provider.aclose()


@pytest.fixture
async def variant_id(connection: Connection) -> UUID:
    seller_id = await make_shelf_seller(connection)
    product = await make_product(
        connection, seller=seller_id, title="Tea pot", price_minor=900, stock=9
    )
    return product.variant_id


@pytest.fixture
async def shop(connection: Connection) -> Shop:
    return await make_shop(connection, price_minor=5_000)


@pytest.fixture
def visitor(client: httpx2.AsyncClient) -> Visitor:
    return Visitor(client)


def the_order(server: FakePayPal) -> Document:
    [order] = server.account.orders.values()
    return order


async def create(client: httpx2.AsyncClient, variant_id: UUID) -> dict[str, Any]:
    body = order_body((variant_id, 1), payment_method="paypal", payment_token=None)
    placed = await place(client, body)
    assert placed.status_code == 201, placed.text
    document: dict[str, Any] = placed.json()
    return document


async def report(client: httpx2.AsyncClient, server: FakePayPal, *, times: int = 1) -> None:
    """PayPal posts all it has to say."""
    for _ in range(times):
        for _, headers, body in server.deliveries():
            taken = await client.post(REPORTS, content=body, headers=headers)
            assert taken.status_code == 204, taken.text


async def check_books(resources: Resources, server: FakePayPal) -> None:
    """The audit finds nothing, also when it reads what PayPal has."""
    charges = []
    for order in server.account.orders.values():
        [unit] = order["purchase_units"]
        payments = unit.get("payments", {})
        for capture in payments.get("captures", []):
            refunds = [one for one in payments.get("refunds", []) if one["status"] == "COMPLETED"]
            charges.append(
                GatewayCharge(
                    attempt_id=unit["invoice_id"],
                    currency=unit["amount"]["currency_code"],
                    captured_minor=units(capture["amount"]),
                    refunded_minor=sum(units(one["amount"]) for one in refunds),
                    fee_minor=units(capture["seller_receivable_breakdown"]["paypal_fee"]),
                )
            )
    found = await ask(
        resources.db,
        audit_service.audit,
        now=resources.clock.now(),
        gateway_journals={"paypal": charges},
    )
    assert found == []


async def balances(connection: Connection) -> dict[str, int]:
    return {row["account"]: row["net"] for row in await connection.fetch(BALANCES)}


@pytest.mark.case(17)
@pytest.mark.case(31)
async def test_case_17_case_31_a_program_s_order_is_paid_by_the_report_once(
    client: httpx2.AsyncClient,
    connection: Connection,
    resources: Resources,
    server: FakePayPal,
    variant_id: UUID,
) -> None:
    order = await create(client, variant_id)
    assert order["payment_status"] == "pending"
    url = f"https://www.sandbox.paypal.com/checkoutnow?token={the_order(server)['id']}"
    assert order["next_action"] == {"url": url}
    assert await balances(connection) == {}
    server.account.approve(the_order(server))
    await report(client, server, times=3)
    assert await connection.fetchval("SELECT status FROM orders") == "paid"
    row = await connection.fetchrow(
        "SELECT status, captured_minor, fee_minor, gateway_reference, token FROM payment"
    )
    assert row is not None
    assert tuple(row) == ("captured", 900, 53, the_order(server)["id"], None)
    # 9.00 came in, PayPal kept 0.53 of it, the seller has earned all of it.
    assert await balances(connection) == {
        "gateway_clearing": 847, "gateway_fee": 53, "seller_pending": -900,
    }  # fmt: skip
    assert len(server.account.captures()) == 1
    await check_books(resources, server)


async def test_a_program_hears_that_the_provider_is_down_and_pays_another_way(
    client: httpx2.AsyncClient, connection: Connection, server: FakePayPal, variant_id: UUID
) -> None:
    server.down = NO_CONNECTION
    body = order_body((variant_id, 1), payment_method="paypal", payment_token=None)
    refused = await place(client, body)
    said = refused.json()
    assert (refused.status_code, said["code"]) == (402, "payment_declined")
    assert said["title"] == "This way to pay can't be reached"
    assert said["detail"] == (
        "Nothing was taken. Try again in a moment, or another way to pay; your goods are held"
    )
    assert said["decline_codes"] == ["gateway_unreachable"]
    row = await connection.fetchrow("SELECT status, decline_code FROM payment")
    assert row is not None
    assert tuple(row) == ("expired", "gateway_unreachable")
    again = {"Idempotency-Key": "again", "X-Order-Token": said["access_token"]}
    path = f"/api/v1/orders/{said['order_id']}/payments"
    card = {"payment_method": "sandbox", "payment_token": "tok_declined"}
    declined = (await client.post(path, json=card, headers=again)).json()
    # Of several tries the last one is told of.
    assert declined["title"] == "The payment was declined"
    assert declined["decline_codes"] == ["gateway_unreachable", "card_declined"]
    card["payment_token"] = "tok_ok"
    paid = await client.post(path, json=card, headers=again | {"Idempotency-Key": "third"})
    assert (paid.status_code, paid.json()["status"]) == (201, "paid")


async def test_a_guest_reads_that_the_provider_is_down(
    visitor: Visitor, server: FakePayPal, variant_id: UUID
) -> None:
    await put_in_bag(visitor, "/p/tea-pot")
    await reach_payment(visitor)
    server.down = NO_CONNECTION
    await visitor.send("/checkout", payment_method="paypal")
    assert visitor.path.endswith("/pay")
    text = visitor.text.replace("&#39;", "'")
    assert "This way to pay can't be reached" in text
    assert "Nothing was charged. Your things are still held for you" in text
    assert "was declined" not in text
    await visitor.send(visitor.path, payment_method="sandbox", payment_token="tok_ok")
    assert "Thank you, Ada." in visitor.text


@pytest.mark.usefixtures("variant_id")
async def test_after_a_declined_card_another_card_is_tried_and_not_paypal(visitor: Visitor) -> None:
    await put_in_bag(visitor, "/p/tea-pot")
    await reach_payment(visitor)
    assert visitor.form("/checkout").values["payment_method"] == "paypal"
    await visitor.send("/checkout", payment_method="sandbox", payment_token="tok_declined")
    assert visitor.path.endswith("/pay")
    assert visitor.form(visitor.path).values["payment_method"] == "sandbox"


async def test_a_guest_says_yes_at_paypal_comes_back_and_is_given_the_money_back(
    visitor: Visitor,
    connection: Connection,
    resources: Resources,
    server: FakePayPal,
    variant_id: UUID,
) -> None:
    await put_in_bag(visitor, "/p/tea-pot")
    await reach_payment(visitor)
    assert "You say yes on PayPal's page" in visitor.text.replace("&#39;", "'")
    # Browsers look at where a form leads in the end.
    policy = visitor.page.headers["content-security-policy"]
    assert "form-action 'self' https://www.sandbox.paypal.com" in policy
    await visitor.send("/checkout", payment_method="paypal")
    order = the_order(server)
    url = f"https://www.sandbox.paypal.com/checkoutnow?token={order['id']}"
    assert str(visitor.page.request.url) == url
    [asked] = [body for name, body in server.sent if name == "post /v2/checkout/orders"]
    context = asked["payment_source"]["paypal"]["experience_context"]
    back = httpx2.URL(context["return_url"])
    assert back.host == "market.test"
    # Back without a yes: the order waits, and leads there again.
    await visitor.go(back.path)
    assert visitor.path.startswith("/orders/GS-")
    assert "This order is not paid yet" in visitor.text
    assert f'href="{url}"' in visitor.text
    server.account.approve(order)
    # What PayPal puts behind the address is not believed, and does no harm.
    await visitor.go(f"{back.path}?token={order['id']}&PayerID=MALLORY")
    assert "Thank you, Ada." in visitor.text
    assert "Paid with PayPal" in visitor.text
    assert await connection.fetchval("SELECT status FROM orders") == "paid"
    await check_books(resources, server)
    await visitor.send(visitor.path.partition("?")[0] + "/cancel")
    assert await connection.fetchval("SELECT status FROM refund") == "succeeded"
    [made] = server.account.refunds()
    assert made["amount"] == {"currency_code": "EUR", "value": "9.00"}
    await check_books(resources, server)


async def test_a_report_and_a_return_at_once_pay_once(
    client: httpx2.AsyncClient,
    connection: Connection,
    resources: Resources,
    server: FakePayPal,
    variant_id: UUID,
) -> None:
    await create(client, variant_id)
    server.account.approve(the_order(server))
    back = f"/payments/return/{await connection.fetchval('SELECT id FROM payment')}"
    await asyncio.gather(report(client, server), client.get(back), report(client, server))
    assert await connection.fetchval("SELECT count(*) FROM ledger_transaction") == 2
    assert len(server.account.captures()) == 1
    await check_books(resources, server)


async def test_a_wallet_that_says_no_lets_the_buyer_pay_another_way(
    client: httpx2.AsyncClient,
    connection: Connection,
    resources: Resources,
    server: FakePayPal,
    variant_id: UUID,
) -> None:
    placed = await create(client, variant_id)
    server.account.approve(the_order(server))
    server.account.decline = "INSTRUMENT_DECLINED"
    back = f"/payments/return/{await connection.fetchval('SELECT id FROM payment')}"
    led = await client.get(back)
    assert led.headers["location"].endswith("/pay")
    row = await connection.fetchrow("SELECT status, decline_code FROM payment")
    assert row is not None
    assert tuple(row) == ("voided", "instrument_declined")
    await report(client, server, times=2)
    again = await client.post(
        f"/api/v1/orders/{placed['id']}/payments",
        json={"payment_method": "sandbox", "payment_token": "tok_ok"},
        headers={"Idempotency-Key": "2", "X-Order-Token": placed["access_token"]},
    )
    assert again.status_code == 201, again.text
    assert await connection.fetchval("SELECT status FROM orders") == "paid"
    assert server.account.captures() == []


@pytest.mark.parametrize("late", [True, False])
async def test_an_order_that_isn_t_paid_in_time_is_never_captured(
    *,
    client: httpx2.AsyncClient,
    connection: Connection,
    resources: Resources,
    server: FakePayPal,
    clock: ManualClock,
    variant_id: UUID,
    late: bool,
) -> None:
    await create(client, variant_id)
    clock.advance(timedelta(minutes=16))
    await upkeep.expire_holds(resources)
    assert await connection.fetchval("SELECT status FROM orders") == "cancelled"
    if late:
        # The buyer says yes after all, and another process hears of it.
        server.account.approve(the_order(server))
        await report(client, server, times=2)
        [unit] = the_order(server)["purchase_units"]
        assert unit["custom_id"].endswith(".voided")
    assert server.account.captures() == []
    assert await balances(connection) == {}
    await check_books(resources, server)


async def test_while_paypal_can_t_be_reached_the_buyer_may_pay_another_way(
    client: httpx2.AsyncClient,
    connection: Connection,
    server: FakePayPal,
    variant_id: UUID,
) -> None:
    server.down = NO_CONNECTION
    body = order_body((variant_id, 1), payment_method="paypal", payment_token=None)
    placed = (await place(client, body)).json()
    assert await connection.fetchval("SELECT status FROM payment") == "expired"
    again = await client.post(
        f"/api/v1/orders/{placed['order_id']}/payments",
        json={"payment_method": "sandbox", "payment_token": "tok_ok"},
        headers={"Idempotency-Key": "2", "X-Order-Token": placed["access_token"]},
    )
    assert again.status_code == 201, again.text
    assert await connection.fetchval("SELECT status FROM orders") == "paid"


async def test_a_lost_answer_is_resumed_by_asking(
    client: httpx2.AsyncClient,
    connection: Connection,
    resources: Resources,
    server: FakePayPal,
    clock: ManualClock,
    variant_id: UUID,
) -> None:
    server.faults.append(LOST_ANSWER)
    body = order_body((variant_id, 1), payment_method="paypal", payment_token=None)
    assert (await place(client, body)).status_code == 202
    clock.advance(timedelta(seconds=30))
    await upkeep.resume_payments(resources)
    row = await connection.fetchrow("SELECT status, action_url FROM payment")
    assert row is not None
    assert row["status"] == "action_required"
    assert row["action_url"].endswith(the_order(server)["id"])
    server.account.approve(the_order(server))
    server.faults.extend([None, None, LOST_ANSWER])
    await report(client, server)
    clock.advance(timedelta(minutes=5))
    await upkeep.resume_payments(resources)
    assert await connection.fetchval("SELECT status FROM orders") == "paid"
    assert len(server.account.captures()) == 1
    await check_books(resources, server)


async def buy_by_paypal(resources: Resources, server: FakePayPal, shop: Shop) -> Any:
    """An order for two that its buyer said yes to."""
    order = await buy(resources, (shop, 2), tenders=(Tender(method="paypal", token=""),))
    server.account.approve(the_order(server))
    return order


@pytest.mark.parametrize("decline", [None, "PAYER_CANNOT_PAY"])
async def test_a_part_by_paypal_is_set_aside_and_taken_with_the_other_part(
    *,
    client: httpx2.AsyncClient,
    connection: Connection,
    resources: Resources,
    server: FakePayPal,
    shop: Shop,
    decline: str | None,
) -> None:
    tenders = (
        Tender(method="paypal", token="", amount_minor=4_000),
        Tender(method="sandbox", token="tok_ok", amount_minor=6_000),
    )
    await buy(resources, (shop, 2), tenders=tenders)
    order = the_order(server)
    assert order["intent"] == "AUTHORIZE"
    server.account.approve(order)
    assert await connection.fetchval("SELECT sum(captured_minor) FROM payment") == 0
    if decline is not None:
        # The money is set aside, and then can't be taken.
        await server_lookup(resources, connection)
        server.account.decline = decline
    await report(client, server, times=2)
    rows = await connection.fetch(
        "SELECT method, status, captured_minor FROM payment ORDER BY method"
    )
    if decline is None:
        assert [tuple(row) for row in rows] == [
            ("paypal", "captured", 4_000), ("sandbox", "captured", 6_000),
        ]  # fmt: skip
        assert await connection.fetchval("SELECT status FROM orders") == "paid"
        [authorization] = order["purchase_units"][0]["payments"]["authorizations"]
        assert authorization["status"] == "CAPTURED"
        await check_books(resources, server)
    else:
        assert tuple(rows[0]) == ("paypal", "voided", 0)
        assert server.account.captures() == []
        assert await connection.fetchval("SELECT status FROM orders") == "pending_payment"


async def server_lookup(resources: Resources, connection: Connection) -> None:
    """The gateway is asked, as after a return."""
    row = await connection.fetchrow(
        "SELECT id, gateway_reference FROM payment WHERE method = 'paypal'"
    )
    assert row is not None
    await resources.gateways["paypal"].lookup(
        attempt_id=str(row["id"]), gateway_reference=row["gateway_reference"]
    )


@pytest.mark.case(39)
@pytest.mark.parametrize("ends", ["COMPLETED", "FAILED"])
async def test_case_39_a_refund_that_takes_its_time_ends_by_its_report(
    *,
    client: httpx2.AsyncClient,
    resources: Resources,
    server: FakePayPal,
    clock: ManualClock,
    shop: Shop,
    ends: str,
) -> None:
    order = await buy_by_paypal(resources, server, shop)
    await report(client, server)
    server.account.refund_status = "PENDING"
    # The process that took the money is gone; what was written down has to do.
    other = replace(
        resources, gateways={**resources.gateways, "paypal": make_gateway(server, clock)}
    )
    asked = await refund(other, order, shop, units=1)
    assert asked.status == "unknown"
    [made] = server.account.refunds()
    server.account.finish_refund(made, ends)
    await report(client, server, times=2)
    [known] = (await read(resources, order)).refunds
    assert known.status == ("succeeded" if ends == "COMPLETED" else "failed")
    assert len(server.account.refunds()) == 1
    await check_books(resources, server)


async def test_kinds_that_mean_nothing_are_taken_and_not_kept(
    client: httpx2.AsyncClient, connection: Connection, server: FakePayPal
) -> None:
    server.account._report("CUSTOMER.ACCOUNT.CREATED", "dispute", {"dispute_id": "PP-D-1"})
    await report(client, server)
    assert await connection.fetchval("SELECT count(*) FROM webhook_event") == 0
    _, headers, _ = server.deliveries()[0]
    forged = await client.post(REPORTS, content=b"{}", headers=headers)
    assert (forged.status_code, forged.json()["code"]) == (400, "webhook_refused")
