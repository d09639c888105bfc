"""Many at once who open an account, call a payout back, and read on: each happens once."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

import pytest

from gosellr.core.clock import ManualClock
from gosellr.core.db import Connection
from gosellr.core.transact import ask, transact
from gosellr.flows import connected_accounts, payout_recalls, payouts
from gosellr.flows.connected_accounts import WaysBack
from gosellr.jobs import upkeep
from gosellr.resources import Resources
from gosellr.services.checkout_service import Tender
from tests.factories.payouts import an_operator, earn, pay, reread
from tests.factories.sales import Shop, a_key, make_shop, seller_owes
from tests.flows.test_provider_lists import Market as StripeMarket
from tests.integrations.stripe_api.account import GOOD, Account
from tests.integrations.stripe_api.server import FakeStripe, make_gateway, make_payouts
from tests.races.test_refund_races import outcomes


@dataclass(frozen=True, slots=True)
class Market:
    """A live market that pays by Stripe, and a shop in it."""

    live: Resources
    server: FakeStripe
    shop: Shop


@pytest.fixture
async def market(live: Resources, clock: ManualClock) -> AsyncIterator[Market]:
    server = FakeStripe(Account(clock))
    gateway, provider = make_gateway(server, clock), make_payouts(server, clock)
    resources = replace(live, gateways={"stripe": gateway}, payout_providers={"stripe": provider})
    shop = await transact(live.db, make_shop, price_minor=10_000)
    yield Market(resources, server, shop)
    await gateway.aclose()
    await provider.aclose()


async def counted(connection: Connection, *, statement: str) -> Any:
    return await connection.fetchval(statement)


async def test_an_account_that_is_asked_for_at_once_is_opened_once(market: Market) -> None:
    ways = WaysBack(base_url="https://market.test")
    opened = await asyncio.gather(
        *(
            connected_accounts.connect(
                market.live.payouts, ways, viewer=market.shop.viewer,
                seller_id=market.shop.seller.id, provider="stripe",
            )
            for _ in range(6)
        )
    )  # fmt: skip
    [account] = market.server.sellers.accounts
    assert {one.account.reference for one in opened} == {account}
    assert len({one.url for one in opened}) == 6


async def test_a_payout_that_many_call_back_comes_back_once(market: Market) -> None:
    live, server = market.live, market.server
    async with live.db.connection() as connection:
        await StripeMarket(live, connection, server, market.shop).be_paid_by_stripe()
    await earn(live, market.shop, tenders=[Tender(method="stripe", token=GOOD)])
    payout = await pay(live, market.shop)
    assert payout.status == "paid"
    seen = await outcomes(
        *(
            payout_recalls.recall_payout(
                live.payouts, viewer=an_operator(), payout_id=payout.id, reason="wrong",
                key=a_key(),
            )
            for _ in range(6)
        ),
        *(payout_recalls.call_back(live.payouts, payout_id=payout.id) for _ in range(3)),
        *(payouts.send_payout(live.payouts, payout_id=payout.id) for _ in range(3)),
    )  # fmt: skip
    assert set(seen) <= {"done", "payout_not_paid"}
    clock = live.clock
    assert isinstance(clock, ManualClock)
    clock.advance(timedelta(minutes=5))
    await upkeep.resume_payouts(live)
    assert (await reread(live, payout)).status == "failed"
    assert len(server.sellers.reversals) == 1
    assert await ask(live.db, seller_owes, shop=market.shop) == {"available": 10_000}
    waiting = "SELECT count(*) FROM payout_recall WHERE status = 'pending'"
    assert await ask(live.db, counted, statement=waiting) == 0


async def test_what_several_read_at_once_is_imported_once(market: Market) -> None:
    live = market.live
    for _ in range(3):
        await earn(live, market.shop, tenders=[Tender(method="stripe", token=GOOD)])
    clock = live.clock
    assert isinstance(clock, ManualClock)
    clock.advance(timedelta(hours=1))
    await asyncio.gather(*(upkeep.read_movements(live) for _ in range(4)))
    whole = "SELECT count(*) FROM provider_movement WHERE status = 'matched'"
    assert await ask(live.db, counted, statement=whole) == 3
    news = "SELECT sum(new_count) FROM provider_statement"
    assert await ask(live.db, counted, statement=news) == 3
