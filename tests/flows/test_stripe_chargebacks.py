"""A chargeback at Stripe, whose report names nothing of ours, through the door to the books."""

from dataclasses import replace

import pytest

from gosellr.core.clock import ManualClock
from gosellr.core.db import Connection
from gosellr.core.errors import ServiceUnavailable
from gosellr.flows import webhooks
from gosellr.jobs import upkeep
from gosellr.resources import Resources
from gosellr.services.checkout_service import Tender
from tests.factories.disputes import cases_of, delivered, say
from tests.factories.sales import balances, make_buyer, make_shop, read, seller_owes
from tests.integrations.stripe_api.account import GOOD, Account
from tests.integrations.stripe_api.server import NO_CONNECTION, FakeStripe, make_gateway


async def report_all(market: Resources, server: FakeStripe) -> None:
    for _, headers, body in server.deliveries():
        await webhooks.receive(
            db=market.db,
            gateways=market.gateways,
            clock=market.clock,
            policy=market.policy,
            payout_powers=market.payouts,
            gateway="stripe",
            headers=headers,
            body=body,
        )


@pytest.mark.parametrize("status", ["won", "lost"])
async def test_it_is_opened_answered_and_decided(
    resources: Resources, connection: Connection, clock: ManualClock, status: str
) -> None:
    server = FakeStripe(Account(clock))
    market = replace(resources, gateways={"stripe": make_gateway(server, clock)})
    shop = await make_shop(connection, price_minor=10_000)
    buyer = await make_buyer(connection)
    tender = Tender(method="stripe", token=GOOD)
    order = await delivered(market, (shop, 1), buyer=buyer, tenders=[tender])
    before = await balances(connection)
    [intent] = server.account.intents.values()
    dispute = server.account.dispute(intent)
    server.down = NO_CONNECTION
    with pytest.raises(ServiceUnavailable):
        await report_all(market, server)
    server.down = None
    await report_all(market, server)
    await report_all(market, server)
    assert (await read(market, order)).payment_status == "disputed"
    assert await seller_owes(connection, shop) == {"reserve": 10_000}
    [case] = await cases_of(market, order)
    assert (case.dispute.reason, case.dispute.amount_minor) == ("not_delivered", 10_000)
    await say(market, case, viewer=shop.viewer, answer=True)
    await upkeep.send_dispute_evidence(market)
    assert dispute["evidence"]["shipping_tracking_number"] == "JD0001"
    server.account.close_dispute(dispute, status)
    await report_all(market, server)
    [case] = await cases_of(market, order)
    assert case.dispute.status == "closed"
    fee = {"gateway_clearing": before["gateway_clearing"] - 1500}
    fee["gateway_fee"] = before["gateway_fee"] + 1500
    if status == "won":
        assert await balances(connection) == before | fee
        return
    assert (await read(market, order)).payment_status == "refunded"
    fee["gateway_clearing"] -= 10_000
    assert await balances(connection) == fee
    # What comes back after that is its seller's and the market's again, in part as well.
    server.account.reinstate(dispute, 6000)
    await report_all(market, server)
    await report_all(market, server)
    [case] = await cases_of(market, order)
    assert case.chargeback is not None
    assert (case.chargeback.status, case.chargeback.reinstated_minor) == ("lost", 6000)
    fee["gateway_clearing"] += 6000
    assert await balances(connection) == fee | {"seller_available": -6000}
