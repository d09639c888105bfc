"""What a provider holds is taken for ours only in our currency, and set aside only in full."""

from dataclasses import replace
from typing import Any

import pytest

from gosellr.core.clock import ManualClock
from gosellr.core.db import Connection
from gosellr.flows import payments
from gosellr.resources import Resources
from gosellr.services.checkout_service import Tender
from tests.factories.sales import balances, buy, make_buyer, make_shop, read
from tests.integrations.paypal_api.account import Account, Document, money
from tests.integrations.paypal_api.server import FakePayPal, make_gateway


async def waiting(
    resources: Resources, connection: Connection, clock: ManualClock, *, capture: str
) -> tuple[Resources, Any, Document]:
    """An order of 100.00 EUR whose buyer has just said yes at PayPal."""
    server = FakePayPal(Account(clock))
    settings = resources.settings.model_copy(update={"capture": capture})
    market = replace(resources, settings=settings, gateways={"paypal": make_gateway(server, clock)})
    shop = await make_shop(connection, price_minor=10_000)
    order = await buy(
        market, (shop, 1), buyer=await make_buyer(connection), tenders=[Tender(method="paypal")]
    )
    [document] = server.account.orders.values()
    server.account.approve(document)
    return market, order, document


async def look(market: Resources, order: Any) -> Any:
    await payments.advance(
        db=market.db, gateways=market.gateways, clock=market.clock, policy=market.policy,
        order_id=order.id, curious=True,
    )  # fmt: skip
    return await read(market, order)


@pytest.mark.parametrize("told", [money(10_000, "EUR"), money(9_999, "EUR"), money(10_000, "USD")])
async def test_only_all_of_it_is_set_aside_for_an_order(
    resources: Resources, connection: Connection, clock: ManualClock, told: Document
) -> None:
    market, order, document = await waiting(resources, connection, clock, capture="at_shipment")
    document["purchase_units"][0]["amount"] = told
    after = await look(market, order)
    is_ours = told == money(10_000, "EUR")
    assert (after.payments[0].secured_at is not None) is is_ours
    assert (after.payments[0].status == "authorized") is is_ours
    assert (after.status == "pending_payment") is not is_ours
    assert await balances(connection) == {}


@pytest.mark.parametrize("told", [money(10_000, "EUR"), money(10_000, "USD")])
async def test_only_money_in_its_currency_pays_an_order(
    resources: Resources, connection: Connection, clock: ManualClock, told: Document
) -> None:
    market, order, document = await waiting(resources, connection, clock, capture="at_order")
    document["purchase_units"][0]["amount"] = told
    after = await look(market, order)
    is_ours = told == money(10_000, "EUR")
    assert (after.paid_at is not None) is is_ours
    assert bool(await balances(connection)) is is_ours
