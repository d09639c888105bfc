"""Sellers paid by PayPal through the whole application: named, sent, reported, sent back."""

from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta

import httpx2
import pytest

from gosellr.config import Settings
from gosellr.core.clock import ManualClock
from gosellr.core.db import Connection
from gosellr.core.errors import InvalidInput
from gosellr.flows import payout_accounts
from gosellr.flows.payout_accounts import TypedAccount
from gosellr.jobs import upkeep
from gosellr.resources import Resources
from tests.factories.payouts import earn, pay, reread, set_account
from tests.factories.sales import Shop, make_shop
from tests.integrations.paypal_api.account import MERCHANT, Account
from tests.integrations.paypal_api.server import (
    LOST_ANSWER,
    WEBHOOK_ID,
    FakePayPal,
    make_gateway,
    make_payouts,
)

REPORTS = "/api/v1/payments/webhooks/paypal"
PASSWORD = "a quiet grey kettle"


@pytest.fixture
def settings(settings: Settings) -> Settings:
    """A market that pays by PayPal."""
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
async def shop(connection: Connection) -> Shop:
    return await make_shop(connection, price_minor=5_000)


async def report(client: httpx2.AsyncClient, server: FakePayPal, *, times: int = 1) -> None:
    """PayPal posts all it has to say."""
    for _ in range(times):
        for _, headers, body in server.deliveries():
            taken = await client.post(REPORTS, content=body, headers=headers)
            assert taken.status_code == 204, taken.text


async def name_paypal(connection: Connection, resources: Resources, shop: Shop) -> None:
    """The shop wants to be paid to its account at PayPal."""
    await connection.execute(
        "UPDATE user_account SET password_hash = $2 WHERE id = $1",
        shop.seller.owner.id,
        await resources.passwords.hash(PASSWORD),
    )
    named = await payout_accounts.change_destination(
        resources.payouts,
        resources.passwords,
        viewer=shop.viewer,
        seller_id=shop.seller.id,
        typed=TypedAccount(
            method="paypal", holder="Ada", email="shop@example.com", password=PASSWORD
        ),
    )
    assert (named.method, named.last_four) == ("paypal", "s…@e")


async def test_a_seller_is_paid_out_of_what_paypal_holds(
    client: httpx2.AsyncClient,
    connection: Connection,
    resources: Resources,
    server: FakePayPal,
    shop: Shop,
) -> None:
    await name_paypal(connection, resources, shop)
    await earn(resources, shop)
    server.account.transfer_status = "PENDING"
    payout = await pay(resources, shop)
    assert payout.status == "sent"
    [batch] = server.account.batches.values()
    [item] = batch["items"]
    assert item["payout_item"]["receiver"] == "shop@example.com"
    assert item["payout_item"]["amount"] == {"currency": "EUR", "value": "50.00"}
    server.account.change_transfer(batch, "SUCCESS")
    await report(client, server, times=2)
    assert (await reread(resources, payout)).status == "paid"
    in_transit = "SELECT coalesce(sum(amount_minor), 0) FROM ledger_entry WHERE account = $1"
    assert await connection.fetchval(in_transit, "gateway_clearing:paypal") == 5_000
    # And back: what a report says of a payout that was paid is asked after as well.
    server.account.change_transfer(batch, "RETURNED", error="RECEIVER_UNREGISTERED")
    await report(client, server)
    after = await reread(resources, payout)
    assert (after.status, after.failure_reason) == ("failed", "receiver_unregistered")
    assert len(server.account.batches) == 1


async def test_a_payout_whose_answer_was_lost_is_made_once(
    connection: Connection,
    resources: Resources,
    server: FakePayPal,
    clock: ManualClock,
    shop: Shop,
) -> None:
    await name_paypal(connection, resources, shop)
    await earn(resources, shop)
    server.faults.append(LOST_ANSWER)
    payout = await pay(resources, shop)
    assert payout.status == "unknown"
    clock.advance(timedelta(minutes=1))
    await upkeep.resume_payouts(resources)
    assert (await reread(resources, payout)).status == "paid"
    assert len(server.account.batches) == 1


async def test_a_report_of_a_payout_that_nobody_knows_does_nothing(
    client: httpx2.AsyncClient, connection: Connection, server: FakePayPal, shop: Shop
) -> None:
    item = {
        "sender_item_id": "gosellr.0192f000-0000-7000-8000-000000000000",
        "amount": {"currency": "EUR", "value": "1.00"},
    }  # fmt: skip
    server.account._report("PAYMENT.PAYOUTS-ITEM.FAILED", "payouts_item", {"payout_item": item})
    await report(client, server)
    assert server.sent == []
    assert await connection.fetchval("SELECT count(*) FROM payout") == 0


async def test_an_account_has_to_be_of_the_kind_that_is_paid_to(
    connection: Connection, resources: Resources, shop: Shop
) -> None:
    await set_account(resources, shop)
    before = await connection.fetch("SELECT * FROM payout_destination")
    for typed, field in (
        (TypedAccount(method="paypal", holder="Ada", iban="DE89370400440532013000", password="x"),
         "email"),
        (TypedAccount(method="paypal", holder="Ada", email=f"{'a' * 120}@example.com",
                      password="x"), "email"),
        (TypedAccount(method="sandbox", holder="Ada", email="a@example.com", password="x"), "iban"),
    ):  # fmt: skip
        with pytest.raises(InvalidInput) as refusal:
            await payout_accounts.change_destination(
                resources.payouts,
                resources.passwords,
                viewer=shop.viewer,
                seller_id=shop.seller.id,
                typed=typed,
            )
        assert refusal.value.errors[0].field == field
    assert await connection.fetch("SELECT * FROM payout_destination") == before
