"""A paid payout called back on its page: looked at, asked for with a reason, and told."""

from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta

import httpx2
import pytest

from gosellr.config import Settings
from gosellr.core.clock import ManualClock
from gosellr.core.db import Connection
from gosellr.jobs import upkeep
from gosellr.resources import Resources
from tests.factories.accounts import make_operator, make_support
from tests.factories.payouts import earn, pay, reread, set_account, wrong_with
from tests.factories.sales import NOW, make_shop, seller_owes
from tests.flows.test_connected_accounts import Market
from tests.integrations.stripe_api.account import Account
from tests.integrations.stripe_api.server import (
    NO_CONNECTION,
    SECRET,
    FakeStripe,
    make_gateway,
    make_payouts,
)
from tests.web.people import enter, open_page, post_without_token
from tests.web.visitor import HTML, Visitor

COUNT = "SELECT count(*) FROM payout_recall"


@pytest.fixture
def settings(settings: Settings) -> Settings:
    """A market that pays by Stripe."""
    return settings.model_copy(
        update={
            "stripe_secret_key": "sk_test_x", "stripe_webhook_secrets": (SECRET,),
            "stripe_connect": True,
        }
    )  # fmt: skip


@pytest.fixture
def server(clock: ManualClock) -> FakeStripe:
    return FakeStripe(Account(clock))


@pytest.fixture
async def resources(
    resources: Resources, server: FakeStripe, clock: ManualClock
) -> AsyncIterator[Resources]:
    """The market before an empty account at Stripe."""
    gateway, provider = make_gateway(server, clock), make_payouts(server, clock)
    yield replace(
        resources,
        gateways={**resources.gateways, "stripe": gateway},
        payout_providers={**resources.payout_providers, "stripe": provider},
    )
    await gateway.aclose()
    await provider.aclose()


@pytest.fixture
async def market(resources: Resources, connection: Connection, server: FakeStripe) -> Market:
    market = Market(resources, connection, server, await make_shop(connection, price_minor=5_000))
    await market.ready()
    return market


@pytest.fixture
def visitor(client: httpx2.AsyncClient) -> Visitor:
    return Visitor(client)


async def test_a_payout_is_looked_at_and_called_back_once(
    visitor: Visitor, market: Market, connection: Connection
) -> None:
    await earn(market.resources, market.shop)
    payout = await pay(market.resources, market.shop)
    await enter(visitor, market.resources, await make_operator(connection, now=NOW))
    page = f"/operator/payouts/{payout.id}"
    await open_page(visitor, page)
    await visitor.send(f"{page}/recall", recall="")
    assert visitor.page.status_code == 422
    assert 'id="recall-error"' in visitor.text
    await visitor.send(f"{page}/recall", recall="the wrong shop")
    assert visitor.page.status_code == 200
    assert "Taken from the seller&#39;s account at stripe" in visitor.text
    assert 'value="the wrong shop"' in visitor.text
    assert await connection.fetchval(COUNT) == 0
    form = visitor.form(f"{page}/recall")
    await visitor.send(f"{page}/recall", sure="yes")
    assert visitor.path == page
    assert "The provider gave it back" in visitor.text
    assert "It was called back" in visitor.text
    assert "the wrong shop" in visitor.text
    assert f'action="{page}/recall"' not in visitor.text
    assert (await reread(market.resources, payout)).failure_reason == "called_back"
    assert await seller_owes(connection, market.shop) == {"available": 5_000}
    again = {**form.values, "sure": "yes"}
    answer = await visitor.client.post(f"{page}/recall", data=again, headers=HTML)
    assert (answer.status_code, answer.headers["location"]) == (303, page)
    assert await connection.fetchval(COUNT) == 1
    assert len(market.server.sellers.reversals) == 1
    assert await wrong_with(connection, market.resources) == []


async def test_what_waits_or_is_refused_is_said(
    visitor: Visitor, market: Market, connection: Connection, clock: ManualClock
) -> None:
    await earn(market.resources, market.shop)
    payout = await pay(market.resources, market.shop)
    market.server.sellers.balances[market.opened["id"], "eur"] = 4_999
    await enter(visitor, market.resources, await make_operator(connection, now=NOW))
    page = f"/operator/payouts/{payout.id}"
    await open_page(visitor, page)
    await visitor.send(f"{page}/recall", recall="fraud")
    market.server.down = NO_CONNECTION
    await visitor.send(f"{page}/recall", sure="yes")
    assert "It is being called back" in visitor.text
    assert f'action="{page}/recall"' not in visitor.text
    market.server.down = None
    clock.advance(timedelta(minutes=1))
    await upkeep.resume_payouts(market.resources)
    text = await open_page(visitor, page)
    assert "be called back: balance insufficient" in text
    # It may be asked for again, when the account has it.
    market.server.sellers.balances[market.opened["id"], "eur"] = 5_000
    await visitor.send(f"{page}/recall", recall="fraud")
    await visitor.send(f"{page}/recall", sure="yes")
    assert "It was called back" in visitor.text
    assert await connection.fetchval(COUNT) == 2


async def test_only_what_gives_back_is_called_back_and_only_by_operators(
    visitor: Visitor, market: Market, connection: Connection
) -> None:
    other = await make_shop(connection, price_minor=5_000)
    await set_account(market.resources, other)
    await earn(market.resources, other)
    payout = await pay(market.resources, other)
    page = f"/operator/payouts/{payout.id}"
    await enter(visitor, market.resources, await make_operator(connection, now=NOW))
    assert f'action="{page}/recall"' not in await open_page(visitor, page)
    await enter(visitor, market.resources, await make_support(connection, now=NOW))
    assert f'action="{page}/recall"' not in await open_page(visitor, page)
    assert (await post_without_token(visitor, f"{page}/recall")).status_code == 403
    assert await connection.fetchval(COUNT) == 0
