"""A dispute at PayPal, through the door to the books, and one whose report was lost."""

from dataclasses import replace

import pytest

from gosellr.core.clock import ManualClock
from gosellr.core.db import Connection
from gosellr.flows import chargebacks, webhooks
from gosellr.jobs import upkeep
from gosellr.models.order_values import Order
from gosellr.resources import Resources
from gosellr.services.checkout_service import Tender
from gosellr.utils.order_states import OrderStatus
from tests.factories.disputes import accept, cases_of, say
from tests.factories.sales import (
    Shop,
    balances,
    buy,
    make_buyer,
    make_shop,
    read,
    seller_owes,
    ship,
    step,
)
from tests.integrations.paypal_api.account import Account, money
from tests.integrations.paypal_api.quarrels import decide, quarrel
from tests.integrations.paypal_api.server import FakePayPal, make_gateway


async def report_all(market: Resources, server: FakePayPal) -> None:
    for _, headers, body in server.deliveries():
        await webhooks.receive(
            db=market.db,
            gateways=market.gateways,
            clock=market.clock,
            policy=market.policy,
            payout_powers=market.payouts,
            gateway="paypal",
            headers=headers,
            body=body,
        )


async def delivered(
    resources: Resources, connection: Connection, clock: ManualClock
) -> tuple[Resources, FakePayPal, Shop, Order]:
    """Bought for 100.00 at PayPal, sent and arrived."""
    server = FakePayPal(Account(clock))
    market = replace(resources, gateways={"paypal": make_gateway(server, clock)})
    shop = await make_shop(connection, price_minor=10_000)
    order = await buy(
        market, (shop, 1), buyer=await make_buyer(connection), tenders=[Tender(method="paypal")]
    )
    server.account.approve(next(iter(server.account.orders.values())))
    await report_all(market, server)
    await ship(market, order, shop)
    await step(market, order, OrderStatus.DELIVERED, viewer=shop.viewer, shop=shop)
    return market, server, shop, order


@pytest.mark.parametrize(
    ("outcome", "refunded_minor", "lost_minor"),
    [
        ("RESOLVED_SELLER_FAVOUR", None, 0),
        ("RESOLVED_BUYER_FAVOUR", None, 10_000),
        ("RESOLVED_BUYER_FAVOUR", 2_501, 2_501),
    ],
)
async def test_it_is_opened_answered_and_decided(
    resources: Resources,
    connection: Connection,
    clock: ManualClock,
    outcome: str,
    refunded_minor: int | None,
    lost_minor: int,
) -> None:
    market, server, shop, order = await delivered(resources, connection, clock)
    before = await balances(connection)
    dispute = quarrel(server.account, server.account.captures()[0])
    await report_all(market, server)
    await report_all(market, server)
    assert (await read(market, order)).payment_status == "disputed"
    assert await seller_owes(connection, shop) == {"reserve": 10_000}
    [case] = await cases_of(market, order)
    assert (case.dispute.reason, case.dispute.amount_minor) == ("not_delivered", 10_000)
    await say(market, case, viewer=shop.viewer, answer=True)
    await upkeep.send_dispute_evidence(market)
    [row] = dispute["evidences"]
    assert row["evidence_info"]["tracking_info"][0]["tracking_number"] == "JD0001"
    refunded = None if refunded_minor is None else money(refunded_minor, "EUR")
    decide(server.account, dispute, outcome, refunded=refunded)
    await report_all(market, server)
    await report_all(market, server)
    assert {one.dispute.status for one in await cases_of(market, order)} == {"closed"}
    after = await balances(connection)
    moved = 1_500 + lost_minor
    assert after["gateway_clearing"] == before["gateway_clearing"] - moved
    assert after["gateway_fee"] == before["gateway_fee"] + 1_500
    if not lost_minor:
        unchanged = {"gateway_clearing", "gateway_fee"}
        assert {k: v for k, v in after.items() if k not in unchanged} == {
            k: v for k, v in before.items() if k not in unchanged
        }
    assert sum((await seller_owes(connection, shop)).values()) == (10_000 - lost_minor)


async def test_one_whose_report_was_lost_is_found_and_one_given_in_to_is_accepted(
    resources: Resources, connection: Connection, clock: ManualClock
) -> None:
    market, server, shop, order = await delivered(resources, connection, clock)
    since = clock.now()
    dispute = quarrel(server.account, server.account.captures()[0])
    assert await chargebacks.find_unheard(market.refunds, since=since) == 1
    assert await chargebacks.find_unheard(market.refunds, since=since) == 0
    [case] = await cases_of(market, order)
    await accept(market, case, viewer=shop.viewer)
    await upkeep.send_dispute_evidence(market)
    await upkeep.send_dispute_evidence(market)
    assert dispute["dispute_outcome"]["outcome_code"] == "ACCEPTED"
    assert sum(name.endswith("accept-claim") for name in server.operations) == 1
    assert await chargebacks.find_unheard(market.refunds, since=since) == 1
    assert (await read(market, order)).payment_status == "refunded"
