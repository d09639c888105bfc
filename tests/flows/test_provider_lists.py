"""What Stripe says it moved, read on by itself: all of it matched, each once, and nothing left."""

from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

import pytest

from gosellr.core.clock import ManualClock
from gosellr.core.db import Connection
from gosellr.core.errors import ServiceUnavailable
from gosellr.core.identity import new_id
from gosellr.core.transact import ask, transact
from gosellr.flows import reconciliation
from gosellr.flows.payouts import account_place
from gosellr.jobs import upkeep
from gosellr.resources import Resources
from gosellr.services import payout_settings_service, reconciliation_questions
from gosellr.services.checkout_service import Tender
from gosellr.services.payout_settings_service import NewDestination
from tests.factories.disputes import OPERATOR
from tests.factories.payouts import earn, pay
from tests.factories.sales import Shop, balances, buy, make_shop, refund
from tests.integrations.stripe_api.account import GOOD, Account
from tests.integrations.stripe_api.server import (
    NO_CONNECTION,
    FakeStripe,
    make_gateway,
    make_payouts,
)


@dataclass(frozen=True, slots=True)
class Market:
    """A market that is paid and pays by Stripe alone."""

    resources: Resources
    connection: Connection
    server: FakeStripe
    shop: Shop

    async def movements(self) -> list[tuple[Any, ...]]:
        """What was imported, in order."""
        rows = await self.connection.fetch(
            "SELECT kind, status, amount_minor, fee_minor, unexplained_minor"
            " FROM provider_movement ORDER BY occurred_at, reference"
        )
        return [tuple(row) for row in rows]

    async def count(self, table: str) -> int:
        """How many rows there are."""
        count: int = await self.connection.fetchval(f"SELECT count(*) FROM {table}")
        return count

    async def read_on(self) -> None:
        """An hour passes, and the clock's work is done."""
        assert isinstance(self.resources.clock, ManualClock)
        self.resources.clock.advance(timedelta(hours=1))
        await upkeep.read_movements(self.resources)

    async def be_paid_by_stripe(self) -> None:
        """The shop has an account there, and has told all."""
        self.server.sellers.accounts["acct_1"] = {
            "id": "acct_1", "capabilities": {"transfers": "active"},
        }  # fmt: skip
        destination_id = new_id()
        sealed = self.resources.vault.encrypt(
            b'{"holder": "Lampo", "connected": "acct_1"}', place=account_place(destination_id)
        )
        await transact(
            self.resources.db, payout_settings_service.change_destination,
            viewer=self.shop.viewer, seller_id=self.shop.seller.id,
            new=NewDestination(destination_id=destination_id, method="stripe",
                               account_encrypted=sealed, last_four="ct_1"),
            policy=self.resources.policy, now=self.resources.clock.now(),
        )  # fmt: skip


@pytest.fixture
async def market(
    resources: Resources, connection: Connection, clock: ManualClock
) -> AsyncIterator[Market]:
    server = FakeStripe(Account(clock))
    gateway, provider = make_gateway(server, clock), make_payouts(server, clock)
    yield Market(
        replace(resources, gateways={"stripe": gateway}, payout_providers={"stripe": provider}),
        connection,
        server,
        await make_shop(connection, price_minor=10_000),
    )
    await gateway.aclose()
    await provider.aclose()


BY_STRIPE = [Tender(method="stripe", token=GOOD)]


async def test_a_life_is_matched_to_the_last_cent(market: Market, clock: ManualClock) -> None:
    resources, server = market.resources, market.server
    await market.be_paid_by_stripe()
    await earn(resources, market.shop, tenders=BY_STRIPE)
    order = await earn(resources, market.shop, tenders=BY_STRIPE)
    clock.advance(timedelta(minutes=20))
    payout = await pay(resources, market.shop)
    assert payout.status == "paid"
    await buy(resources, (market.shop, 1), tenders=BY_STRIPE)
    await refund(resources, order, market.shop, amount_minor=1_000)
    server.account.keep_movement("payout", -500, "eur", None)
    await market.read_on()
    assert await market.movements() == [
        ("charge", "matched", 10_000, 225, 0),
        ("charge", "matched", 10_000, 225, 0),
        ("payout", "matched", -20_000, 0, 0),
        ("charge", "matched", 10_000, 225, 0),
        ("refund", "matched", -1_000, 0, 0),
        ("settlement", "matched", -500, 0, 0),
    ]
    [standing] = await ask(resources.db, reconciliation_questions.standing, now=clock.now())
    assert (standing.provider_minor, standing.clearing_minor) == (7_825, 7_825)
    assert (standing.untold_minor, standing.waiting_count) == (0, 0)
    assert (await balances(market.connection))["gateway_clearing"] == 7_825


async def test_each_movement_is_imported_once_however_often_it_is_read(
    market: Market, clock: ManualClock
) -> None:
    for _ in range(3):
        await buy(market.resources, (market.shop, 1), tenders=BY_STRIPE)
        await market.read_on()
        await market.read_on()
    assert await market.movements() == [("charge", "matched", 10_000, 225, 0)] * 3
    # A page of nothing but what is known leaves no trace.
    assert await market.count("provider_statement") == 3
    clock.advance(timedelta(days=30))
    server_asked = len(market.server.sent)
    await market.read_on()
    # The newest, one window of a day from a day before the last on, and whatever lies behind.
    assert len(market.server.sent) - server_asked < 12
    assert await market.count("provider_movement") == 3


async def test_a_movement_of_nothing_stops_no_other(market: Market, clock: ManualClock) -> None:
    for _ in range(2):
        market.server.account.keep_movement("adjustment", 0, "eur", None)
        clock.advance(timedelta(days=40))
        await buy(market.resources, (market.shop, 1), tenders=BY_STRIPE)
    await market.read_on()
    assert await market.movements() == [("charge", "matched", 10_000, 225, 0)] * 2


async def test_what_happened_just_now_waits_for_the_next_time(market: Market) -> None:
    await buy(market.resources, (market.shop, 1), tenders=BY_STRIPE)
    await upkeep.read_movements(market.resources)
    assert await market.movements() == []
    await market.read_on()
    assert await market.movements() == [("charge", "matched", 10_000, 225, 0)]


async def test_what_was_told_late_is_found_and_what_we_learn_later_is_matched(
    market: Market, clock: ManualClock
) -> None:
    await buy(market.resources, (market.shop, 1), tenders=BY_STRIPE)
    clock.advance(timedelta(hours=5))
    await buy(market.resources, (market.shop, 1), tenders=BY_STRIPE)
    late = dict(list(market.server.account.movements.items())[:1])
    [name] = late
    market.server.account.movements.pop(name)
    await market.read_on()
    assert len(await market.movements()) == 1
    market.server.account.movements = late | market.server.account.movements
    await market.connection.execute(
        "UPDATE payment SET captured_minor = 0 WHERE id = (SELECT min(id::text)::uuid FROM payment)"
    )
    await market.read_on()
    assert [row[1] for row in await market.movements()] == ["unmatched", "matched"]
    await market.connection.execute("UPDATE payment SET captured_minor = 10000")
    await market.read_on()
    assert [row[1] for row in await market.movements()] == ["matched", "matched"]


async def test_a_chargeback_that_nobody_reported_is_found(
    market: Market, clock: ManualClock
) -> None:
    await earn(market.resources, market.shop, tenders=BY_STRIPE)
    before = await balances(market.connection)
    [intent] = market.server.account.intents.values()
    dispute = market.server.account.dispute(intent)
    # The report was lost: Stripe's movement finds nothing in the books, until it is asked.
    await market.read_on()
    assert (await market.movements())[1] == ("chargeback", "unmatched", -10_000, 1_500, -11_500)
    await upkeep.find_chargebacks(market.resources)
    await market.read_on()
    assert (await market.movements())[1] == ("chargeback", "matched", -10_000, 1_500, 0)
    held = await balances(market.connection)
    assert held["gateway_clearing"] == before["gateway_clearing"] - 11_500
    # Nothing new: nobody is asked about a charge.
    market.server.sent.clear()
    await upkeep.find_chargebacks(market.resources)
    assert market.server.operations == ["get /v1/disputes"]
    dispute["status"] = "won"
    market.server.account.close_dispute(dispute, "won")
    await upkeep.find_chargebacks(market.resources)
    await market.read_on()
    assert (await market.movements())[2] == ("chargeback", "matched", 10_000, 0, 0)
    after = await balances(market.connection)
    assert after["gateway_clearing"] == before["gateway_clearing"] - 1_500
    assert "dispute_receivable" not in after


async def test_a_fee_that_stripe_gives_back_with_the_money_is_booked_and_matched(
    market: Market,
) -> None:
    await earn(market.resources, market.shop, tenders=BY_STRIPE)
    before = await balances(market.connection)
    account = market.server.account
    [intent] = account.intents.values()
    dispute = account.dispute(intent)
    await upkeep.find_chargebacks(market.resources)
    back = {"amount": intent["amount"], "currency": intent["currency"], "fee": -1500}
    dispute |= {"status": "won", "balance_transactions": [*dispute["balance_transactions"], back]}
    account.keep_movement(
        "adjustment", intent["amount"], intent["currency"], dispute, fee=-1500,
        category="dispute_reversal",
    )  # fmt: skip
    await upkeep.find_chargebacks(market.resources)
    await market.read_on()
    assert (await market.movements())[1:] == [
        ("chargeback", "matched", -10_000, 1_500, 0), ("chargeback", "matched", 11_500, 0, 0),
    ]  # fmt: skip
    after = await balances(market.connection)
    assert after["gateway_clearing"] == before["gateway_clearing"]
    assert after.get("gateway_fee") == before.get("gateway_fee")


async def test_a_provider_that_is_silent_is_asked_again(market: Market) -> None:
    await buy(market.resources, (market.shop, 1), tenders=BY_STRIPE)
    market.server.down = NO_CONNECTION
    await market.read_on()
    await upkeep.find_chargebacks(market.resources)
    with pytest.raises(ServiceUnavailable):
        await reconciliation.pull(
            market.resources.db, gateways=market.resources.gateways, gateway="stripe",
            viewer=OPERATOR, now=market.resources.clock.now(),
        )  # fmt: skip
    assert await market.movements() == []
    market.server.down = None
    await market.read_on()
    assert len(await market.movements()) == 1


async def test_a_contradiction_keeps_the_place_and_imports_nothing(market: Market) -> None:
    await buy(market.resources, (market.shop, 1), tenders=BY_STRIPE)
    await market.read_on()
    await buy(market.resources, (market.shop, 1), tenders=BY_STRIPE)
    first = next(iter(market.server.account.movements.values()))
    first["amount"] += 1
    place = "SELECT read_until FROM provider_cursor"
    before = await market.connection.fetchval(place)
    await market.read_on()
    assert await market.connection.fetchval(place) == before
    assert len(await market.movements()) == 1
    first["amount"] -= 1
    await market.read_on()
    assert len(await market.movements()) == 2
