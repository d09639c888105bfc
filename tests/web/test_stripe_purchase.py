"""Buying with Stripe through the whole application, by page and by program, without network."""

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
from gosellr.jobs.audit import read_journals
from gosellr.resources import Resources
from gosellr.services import audit_service
from gosellr.services.audit_service import GatewayCharge
from gosellr.services.basket_service import Tender
from tests.factories.accounts import make_operator
from tests.factories.catalogue import make_product, make_shelf_seller
from tests.factories.orders import order_body, place
from tests.factories.sales import Shop, buy, make_shop, read, refund
from tests.integrations.stripe_api.account import DECLINED, Account, Document
from tests.integrations.stripe_api.server import NO_CONNECTION, SECRET, FakeStripe, make_gateway
from tests.web.people import enter
from tests.web.visitor import Visitor, put_in_bag, reach_payment

BALANCES = """
SELECT split_part(account, ':', 1) AS account, sum(
    CASE direction WHEN 'debit' THEN amount_minor ELSE -amount_minor END)::bigint AS net
FROM ledger_entry GROUP BY 1 HAVING sum(
    CASE direction WHEN 'debit' THEN amount_minor ELSE -amount_minor END) <> 0
"""
REPORTS = "/api/v1/payments/webhooks/stripe"


@pytest.fixture
def settings(settings: Settings) -> Settings:
    """A market that offers Stripe."""
    return settings.model_copy(
        update={"stripe_secret_key": "sk_test_x", "stripe_webhook_secrets": (SECRET,)}
    )


@pytest.fixture
def server(clock: ManualClock) -> FakeStripe:
    """Stripe with an empty account."""
    return FakeStripe(Account(clock))


@pytest.fixture
async def resources(
    resources: Resources, server: FakeStripe, clock: ManualClock
) -> AsyncIterator[Resources]:
    """The market before that account."""
    assert set(resources.gateways) == {"sandbox", "stripe"}
    gateway = make_gateway(server, clock)
    yield replace(resources, gateways={**resources.gateways, "stripe": gateway})
    await gateway.aclose()


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


def the_page(server: FakeStripe) -> Document:
    [page] = server.account.sessions.values()
    return page


async def create(client: httpx2.AsyncClient, variant_id: UUID) -> dict[str, Any]:
    body = order_body((variant_id, 1), payment_method="stripe", payment_token=None)
    placed = await place(client, body)
    assert placed.status_code == 201, placed.text
    document: dict[str, Any] = placed.json()
    return document


async def report(client: httpx2.AsyncClient, server: FakeStripe, *, times: int = 1) -> None:
    """Stripe posts all it has to say."""
    for _ in range(times):
        for _, headers, body in server.deliveries():
            taken = await client.post(REPORTS, content=body, headers=headers)
            assert taken.status_code == 204, taken.text


async def check_books(resources: Resources, server: FakeStripe) -> None:
    """The audit finds nothing, also when it reads what Stripe has."""
    charges = [
        GatewayCharge(
            attempt_id=intent["metadata"]["gosellr_attempt"],
            currency=intent["currency"].upper(),
            captured_minor=intent["amount_received"],
            refunded_minor=charge["amount_refunded"],
            fee_minor=(charge["balance_transaction"] or {}).get("fee", 0),
        )
        for intent in server.account.intents.values()
        for charge in [server.account.charges.get(intent["latest_charge"])]
        if charge is not None
    ]
    found = await ask(
        resources.db,
        audit_service.audit,
        now=resources.clock.now(),
        gateway_journals={"stripe": charges},
    )
    assert found == []
    journals, unread = await read_journals(resources.gateways)
    by_attempt = {one.attempt_id: one for one in charges if one.captured_minor}
    assert {one.attempt_id: one for one in journals["stripe"]} == by_attempt
    assert unread == []


async def balances(connection: Connection) -> dict[str, int]:
    return {row["account"]: row["net"] for row in await connection.fetch(BALANCES)}


@pytest.mark.case(17)
@pytest.mark.case(31)
async def test_case_17_case_31_a_program_s_order_is_paid_by_the_report_once(
    client: httpx2.AsyncClient,
    connection: Connection,
    resources: Resources,
    server: FakeStripe,
    variant_id: UUID,
) -> None:
    order = await create(client, variant_id)
    assert order["payment_status"] == "pending"
    assert order["next_action"] == {"url": the_page(server)["url"]}
    assert await balances(connection) == {}
    server.account.pay_page(the_page(server), DECLINED)
    await report(client, server)
    assert await connection.fetchval("SELECT status FROM orders") == "pending_payment"
    server.account.pay_page(the_page(server))
    await report(client, server, times=3)
    assert await connection.fetchval("SELECT status FROM orders") == "paid"
    row = await connection.fetchrow(
        "SELECT status, captured_minor, fee_minor, gateway_reference, token FROM payment"
    )
    [intent_id] = server.account.intents
    assert row is not None
    assert tuple(row) == ("captured", 900, 43, intent_id, None)
    # 9.00 came in, Stripe kept 0.43 of it, the seller has earned all of it.
    assert await balances(connection) == {
        "gateway_clearing": 857, "gateway_fee": 43, "seller_pending": -900,
    }  # fmt: skip
    await check_books(resources, server)


@pytest.fixture
def visitor(client: httpx2.AsyncClient) -> Visitor:
    return Visitor(client)


async def test_a_guest_pays_on_stripe_s_page_and_comes_back(
    visitor: Visitor,
    connection: Connection,
    resources: Resources,
    server: FakeStripe,
    variant_id: UUID,
) -> None:
    await put_in_bag(visitor, "/p/tea-pot")
    await reach_payment(visitor)
    assert "You pay on the secure page of Stripe" in visitor.text
    # Browsers look at where a form leads in the end.
    policy = visitor.page.headers["content-security-policy"]
    assert "form-action 'self' https://checkout.stripe.com https://hooks.stripe.com" in policy
    await visitor.send("/checkout", payment_method="stripe")
    assert str(visitor.page.request.url) == the_page(server)["url"]
    [asked] = [form for name, form in server.sent if name == "post /v1/checkout/sessions"]
    back = httpx2.URL(asked["success_url"])
    assert back.host == "market.test"
    # Back without having paid: the order waits, and leads there again.
    await visitor.go(back.path)
    assert visitor.path.startswith("/orders/GS-")
    assert "This order is not paid yet" in visitor.text
    assert f'href="{the_page(server)["url"]}"' in visitor.text
    server.account.pay_page(the_page(server))
    await visitor.go(back.path)
    assert "Thank you, Ada." in visitor.text
    assert "Paid with Stripe" in visitor.text
    assert await connection.fetchval("SELECT status FROM orders") == "paid"
    await check_books(resources, server)
    lost = await visitor.go("/payments/return/0192f000-0000-7000-8000-000000000000")
    assert lost.status_code == 404


async def test_a_report_and_a_return_at_once_pay_once(
    client: httpx2.AsyncClient,
    connection: Connection,
    resources: Resources,
    server: FakeStripe,
    variant_id: UUID,
) -> None:
    await create(client, variant_id)
    server.account.pay_page(the_page(server))
    back = f"/payments/return/{await connection.fetchval('SELECT id FROM payment')}"
    await asyncio.gather(report(client, server), client.get(back), report(client, server))
    assert await connection.fetchval("SELECT count(*) FROM ledger_transaction") == 2
    await check_books(resources, server)


async def test_an_order_that_isn_t_paid_in_time_closes_its_page(
    client: httpx2.AsyncClient,
    connection: Connection,
    resources: Resources,
    server: FakeStripe,
    clock: ManualClock,
    variant_id: UUID,
) -> None:
    await create(client, variant_id)
    clock.advance(timedelta(minutes=16))
    await upkeep.expire_holds(resources)
    assert the_page(server)["status"] == "expired"
    assert await connection.fetchval("SELECT status FROM orders") == "cancelled"
    await report(client, server)
    await check_books(resources, server)


async def test_while_stripe_can_t_be_reached_the_buyer_may_pay_another_way(
    client: httpx2.AsyncClient,
    connection: Connection,
    server: FakeStripe,
    variant_id: UUID,
) -> None:
    server.down = NO_CONNECTION
    body = order_body((variant_id, 1), payment_method="stripe", payment_token=None)
    placed = (await place(client, body)).json()
    assert await connection.fetchval("SELECT status FROM payment") == "expired"
    again = await client.post(
        f"/api/v1/orders/{placed['order_id']}/payments",
        json={"payment_method": "sandbox", "payment_token": "tok_ok"},
        headers={"Idempotency-Key": "2", "X-Order-Token": placed["access_token"]},
    )
    assert again.status_code == 201, again.text
    assert await connection.fetchval("SELECT status FROM orders") == "paid"


async def test_while_stripe_gives_no_answer_the_page_says_so_and_offers_it_last(
    client: httpx2.AsyncClient, server: FakeStripe, clock: ManualClock, variant_id: UUID
) -> None:
    server.down = NO_CONNECTION
    for _ in range(5):
        body = order_body((variant_id, 1), payment_method="stripe", payment_token=None)
        assert (await place(client, body)).status_code == 402
    visitor = Visitor(client)
    await put_in_bag(visitor, "/p/tea-pot")
    await reach_payment(visitor)
    assert visitor.text.index('value="sandbox"') < visitor.text.index('value="stripe"')
    assert "It gives no answer just now." in visitor.text
    # Whoever reads a page doesn't use up the one try after the pause.
    clock.advance(timedelta(seconds=11))
    server.down = None
    await visitor.go("/checkout")
    assert "It gives no answer just now." not in visitor.text
    await place(client, order_body((variant_id, 1), payment_method="stripe", payment_token=None))
    assert len(server.account.sessions) == 1


async def test_the_inbox_says_that_stripe_can_t_be_read(
    client: httpx2.AsyncClient, connection: Connection, resources: Resources, server: FakeStripe
) -> None:
    visitor = Visitor(client)
    await enter(visitor, resources, await make_operator(connection, now=resources.clock.now()))
    await visitor.go("/operator/reconciliation")
    server.down = NO_CONNECTION
    await visitor.send("/operator/reconciliation/pull", gateway="stripe")
    assert visitor.page.status_code == 503
    assert "Nothing was fetched" in visitor.text
    assert "Fetch from stripe" in visitor.text


async def test_a_lost_answer_is_resumed_by_asking(
    client: httpx2.AsyncClient,
    connection: Connection,
    resources: Resources,
    server: FakeStripe,
    clock: ManualClock,
    variant_id: UUID,
) -> None:
    server.faults.append("lost answer")
    body = order_body((variant_id, 1), payment_method="stripe", payment_token="pm_card_visa")
    assert (await place(client, body)).status_code == 202
    clock.advance(timedelta(seconds=30))
    await upkeep.resume_payments(resources)
    assert await connection.fetchval("SELECT status FROM orders") == "paid"
    assert len(server.account.intents) == 1
    await check_books(resources, server)


@pytest.mark.case(39)
@pytest.mark.parametrize("ends", ["succeeded", "failed"])
async def test_case_39_a_refund_that_takes_its_time_ends_by_its_report(
    *,
    client: httpx2.AsyncClient,
    connection: Connection,
    resources: Resources,
    server: FakeStripe,
    shop: Shop,
    ends: str,
) -> None:
    tender = Tender(method="stripe", token="pm_card_visa")
    order = await buy(resources, (shop, 2), tenders=(tender,))
    assert order.status == "paid"
    server.account.refund_status = "pending"
    asked = await refund(resources, order, shop, units=1)
    assert asked.status == "unknown"
    [made] = server.account.refunds.values()
    server.account.finish_refund(made, ends)
    await report(client, server, times=2)
    [known] = (await read(resources, order)).refunds
    assert known.status == ends
    assert len(server.account.refunds) == 1
    await check_books(resources, server)


async def test_kinds_that_mean_nothing_are_taken_and_not_kept(
    client: httpx2.AsyncClient, connection: Connection, server: FakeStripe
) -> None:
    server.account._report("charge.something.new", {"id": "ch_1", "metadata": {}})
    await report(client, server)
    assert await connection.fetchval("SELECT count(*) FROM webhook_event") == 0
    forged = await client.post(REPORTS, content=b"{}", headers={"Stripe-Signature": "t=1,v1=00"})
    assert (forged.status_code, forged.json()["code"]) == (400, "webhook_refused")


async def test_the_audit_reads_what_stripe_has(
    client: httpx2.AsyncClient, resources: Resources, server: FakeStripe, variant_id: UUID
) -> None:
    await create(client, variant_id)
    server.account.pay_page(the_page(server))
    await report(client, server)
    [charge] = server.account.charges.values()
    charge["amount_refunded"] = 100
    journals, unread = await read_journals(resources.gateways)
    found = await ask(
        resources.db, audit_service.audit, now=resources.clock.now(), gateway_journals=journals
    )
    [intent] = server.account.intents.values()
    assert [(one.number, row.row) for one in found for row in one.rows] == [
        (7, f"payment {intent['metadata']['gosellr_attempt']}")
    ]
    assert unread == []
    # What can't be read proves nothing, and least of all that all is well.
    server.down = NO_CONNECTION
    journals, unread = await read_journals(resources.gateways)
    assert set(journals) == {"sandbox"}
    assert [one.row for one in unread] == ["gateway stripe"]
