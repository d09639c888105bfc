"""Death at every step of what a provider gave back without us: booked once, as it says."""

from dataclasses import dataclass, replace

import pytest

from gosellr.core.transact import transact
from gosellr.flows import webhooks
from gosellr.jobs import upkeep
from gosellr.models.order_values import Order
from gosellr.resources import Resources
from gosellr.services.checkout_service import Tender
from gosellr.utils.order_states import OrderStatus
from tests.factories.disputes import cases_of
from tests.factories.sales import Shop, buy, make_buyer, make_shop, read, seller_owes, ship, step
from tests.integrations.paypal_api.account import Account, money
from tests.integrations.paypal_api.server import FakePayPal, make_gateway
from tests.simulate.stage import Scene, Stage, die_everywhere, sweep

PRICE, GIVEN_BACK = 10_000, 3_333
# 19 % tax within, 10 % commission on the rest, and 20 % VAT on that: 100.00 less 8.40 and 1.68 was
# the seller's. Of 33.33 it gives what 2.80 and 0.56 of them don't.
LEFT = 10_000 - 840 - 168 - (3_333 - 280 - 56)


@dataclass(slots=True)
class AtPayPal(Stage):
    """A market that is paid at PayPal, too."""

    server: FakePayPal

    def restarted(self) -> Resources:
        """With a connection of its own to the same PayPal."""
        market = Stage.restarted(self)
        paypal = make_gateway(self.server, self.clock)
        return replace(market, gateways={**market.gateways, "paypal": paypal})


async def hear_last(market: Resources, server: FakePayPal) -> None:
    """PayPal's newest report comes in."""
    _, headers, body = server.delivery(server.account.events[-1])
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


async def sold(stage: AtPayPal) -> tuple[Order, Shop]:
    """A delivered order of 100.00, paid at PayPal."""
    market = stage.restarted()
    shop = await transact(market.db, make_shop, price_minor=PRICE)
    buyer = await transact(market.db, make_buyer)
    order = await buy(market, (shop, 1), buyer=buyer, tenders=[Tender(method="paypal")])
    stage.server.account.approve(list(stage.server.account.orders.values())[-1])
    await hear_last(market, stage.server)
    order = await read(market, order)
    assert order.paid_at is not None
    await ship(market, order, shop)
    await step(market, order, OrderStatus.DELIVERED, viewer=shop.viewer, shop=shop)
    return order, shop


# A part of it: what is left over shows whether anything was booked twice. Many points, each with an
# order of its own.
@pytest.mark.timeout(600)
@pytest.mark.parametrize("kind", ["REFUNDED", "REVERSED"])
async def test_what_went_back_at_a_provider_is_booked_once_wherever_we_die(
    stage: Stage, kind: str
) -> None:
    at_paypal = AtPayPal(stage.market, stage.clock, stage.shop, FakePayPal(Account(stage.clock)))

    async def scene() -> Scene:
        order, shop = await sold(at_paypal)
        account = at_paypal.server.account
        account.refund_kind = kind
        [unit] = account.orders[order.payments[0].gateway_reference]["purchase_units"]
        [capture] = unit["payments"]["captures"]
        name = account.refund(capture["id"], {"amount": money(GIVEN_BACK, "EUR")})["id"]

        async def play(market: Resources) -> None:
            await hear_last(market, at_paypal.server)

        async def check(market: Resources) -> None:
            # Nobody said that it was heard: PayPal reports it once more, and then again.
            await play(market)
            await sweep(at_paypal, market)
            await upkeep.apply_parked_reports(market)
            await upkeep.find_chargebacks(market)
            await play(market)
            await check_booked(market, order, shop, name, is_reversal=kind == "REVERSED")

        return Scene(play, check)

    assert await die_everywhere(at_paypal, scene) >= 20


async def check_booked(
    market: Resources, order: Order, shop: Shop, name: str, *, is_reversal: bool
) -> None:
    after = await read(market, order)
    assert after.refunded_minor == GIVEN_BACK
    # A bank takes money back of a payment that was never refunded.
    assert after.payments[0].refunded_minor == (0 if is_reversal else GIVEN_BACK)
    [made] = after.refunds
    assert (made.status, made.amount_minor) == ("succeeded", GIVEN_BACK)
    async with market.db.connection() as connection:
        kept = await connection.fetch(
            "SELECT gateway_reference, status FROM provider_refund WHERE payment_id = $1",
            after.payments[0].id,
        )
        moved = await connection.fetchval(
            "SELECT sum(amount_minor)::bigint FROM ledger_entry JOIN ledger_transaction AS head"
            " ON head.id = transaction_id WHERE head.order_id = $1 AND direction = 'credit'"
            " AND account = 'gateway_clearing:paypal' AND head.kind <> 'provider_fee'",
            order.id,
        )
        owes = await seller_owes(connection, shop)
    assert moved == GIVEN_BACK
    assert sum(owes.values()) == LEFT
    cases = await cases_of(market, order)
    if is_reversal:
        [case] = cases
        assert case.chargeback is not None
        assert (case.chargeback.gateway_reference, case.chargeback.status) == (name, "lost")
    else:
        assert cases == []
        assert [tuple(row) for row in kept] == [(name, "booked")]
