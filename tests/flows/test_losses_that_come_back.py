"""What else follows from a lost chargeback that came back, and from a fee that sellers bear."""

from dataclasses import replace
from datetime import timedelta

import pytest

from gosellr.core.clock import ManualClock
from gosellr.core.db import Connection
from gosellr.core.transact import ask
from gosellr.integrations.payments.sandbox import SandboxGateway
from gosellr.models.order_values import Order
from gosellr.resources import Resources
from gosellr.services import commission_simulation, explanation_service
from gosellr.services.commission_simulation import SimulationRequest
from gosellr.services.payment_captures import CaptureDeclined
from gosellr.services.refund_books import provider_fee_minor
from gosellr.utils.explanations import explain
from gosellr.utils.refunds import CommissionReversal
from tests.factories.captures import at_shipment, sandbox_of
from tests.factories.disputes import bank_decides, delivered, hear, network, take_back
from tests.factories.payouts import wrong_with
from tests.factories.sales import (
    Shop,
    balances,
    buy,
    make_buyer,
    make_commission,
    make_shop,
    refund,
    seller_owes,
    ship,
)
from tests.factories.stored_value import by_bank
from tests.factories.terms import make_tax


@pytest.fixture
def market(resources: Resources, clock: ManualClock) -> Resources:
    """Card payments cost something, and sellers bear that when they refund."""
    gateway = SandboxGateway(
        resources.settings.home, production=False, fee_bps=290, fee_fixed_minor=25, clock=clock
    )
    settings = resources.settings.model_copy(update={"refund_fee_borne_by": "seller"})
    gateways = {**resources.gateways, "sandbox": gateway}
    return replace(resources, settings=settings, gateways=gateways)


@pytest.fixture
async def shop(connection: Connection) -> Shop:
    await make_tax(connection, rate_bps=2000, remitted_by="marketplace")
    await make_commission(connection)
    return await make_shop(connection, price_minor=12_000)


async def lost_and_back(market: Resources, connection: Connection, shop: Shop) -> Order:
    buyer = await make_buyer(connection)
    order = await delivered(market, (shop, 1), buyer=buyer)
    reference = await take_back(market, order)
    await bank_decides(market, order, reference, won=False)
    await network(market).disputes.reinstate(reference=reference)
    await hear(market, order)
    return order


async def test_another_chargeback_of_what_came_back_is_a_debt_of_its_seller(
    connection: Connection, resources: Resources, shop: Shop
) -> None:
    order = await lost_and_back(resources, connection, shop)
    assert await seller_owes(connection, shop) == {"available": 8_800}
    second = await take_back(resources, order)
    await bank_decides(resources, order, second, won=False)
    owed = await seller_owes(connection, shop)
    assert owed.get("available", 0) - owed.get("receivable", 0) == 0
    assert await balances(connection) == {}
    assert await wrong_with(connection, resources) == []


async def test_what_was_kept_of_money_taken_in_vain_is_no_sellers(
    connection: Connection, market: Resources, shop: Shop
) -> None:
    market = at_shipment(market)
    other = await make_shop(connection, price_minor=6_000)
    order = await buy(market, (shop, 1), (other, 1), tenders=(by_bank("tok_captures_half"),))
    with pytest.raises(CaptureDeclined):
        await ship(market, order, shop)
    await sandbox_of(market)._file.write(  # From now on it captures all.
        lambda file: file.execute("UPDATE charge SET token = 'tok_ok'")
    )
    await ship(market, order, other)
    given = await refund(market, order, other, units=1)
    # 2.9 % of 60.00 and 0.25; the same went for half a lamp that nobody got.
    assert provider_fee_minor(given.effects) == 199


async def test_the_simulator_tells_what_was_booked_of_a_loss_that_came_back(
    connection: Connection, resources: Resources, shop: Shop
) -> None:
    since = resources.clock.now() - timedelta(days=1)
    await lost_and_back(resources, connection, shop)
    assert (await balances(connection))["commission"] == -1_000
    told = await ask(
        resources.db,
        commission_simulation.simulate,
        request=SimulationRequest(since=since, until=since + timedelta(days=2)),
        reversal=CommissionReversal.FULL,
    )
    assert told.totals[0].booked.commission_minor == 1_000


async def test_words_account_for_all_that_came_back(
    connection: Connection, market: Resources, shop: Shop
) -> None:
    order = await lost_and_back(market, connection, shop)
    told = await ask(market.db, explanation_service.explain, subject=str(order.id), limit=50)
    [one] = [one for one in told.transactions if one.kind == "chargeback_reinstated"]
    assert explain(one.kind, one.entries) == (
        "The bank gave 120.00 EUR of the lost chargeback back: sellers owe 3.73 EUR less, 88.00 EUR"
        " can be paid out, the marketplace keeps 10.00 EUR of commission, 22.00 EUR is tax that the"
        " marketplace passes on, it bears 3.73 EUR of the payment provider's fee again."
    )
