"""The operator says what became of a refund, where its provider doesn't."""

from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta
from typing import Any

import httpx2
import pytest

from gosellr.core.clock import ManualClock
from gosellr.core.db import Connection
from gosellr.resources import Resources
from gosellr.utils.ids import order_number
from tests.factories.accounts import make_operator, make_support
from tests.factories.applications import caller_of
from tests.factories.disputes import network
from tests.factories.payouts import wrong_with
from tests.factories.sales import NOW, Shop, buy, make_commission, make_shop, read, refund
from tests.flows.test_refunds_settled import AnswersOtherwise
from tests.web.people import enter, open_page, post_without_token, statuses
from tests.web.visitor import Visitor


@pytest.fixture
def market(resources: Resources) -> Resources:
    """A market whose gateway says of each refund that a cent less went back."""
    odd: Any = AnswersOtherwise(network(resources), 4999, "EUR")
    return replace(resources, gateways={**resources.gateways, "sandbox": odd})


@pytest.fixture
async def client(market: Resources) -> AsyncIterator[httpx2.AsyncClient]:
    async with caller_of(market) as caller:
        yield caller


@pytest.fixture
async def shop(connection: Connection) -> Shop:
    await make_commission(connection)
    return await make_shop(connection, price_minor=5000)


@pytest.mark.parametrize(
    ("button", "status", "told"),
    [
        ("arrived", "succeeded", "The refund is marked as arrived."),
        ("failed", "failed", "The refund is marked as failed"),
    ],
)
async def test_a_refund_that_nobody_answers_for(
    resources: Resources,
    market: Resources,
    connection: Connection,
    clock: ManualClock,
    client: httpx2.AsyncClient,
    shop: Shop,
    button: str,
    status: str,
    told: str,
) -> None:
    order = await buy(market, (shop, 1))
    given = await refund(market, order, shop, units=1)
    assert given.status == "unknown"
    page = f"/operator/orders/{order_number(order.number)}"
    path = f"{page}/refunds/{given.id}/outcome"
    visitor = await enter(Visitor(client), market, await make_operator(connection, now=NOW))
    assert f'href="{path}"' in await open_page(visitor, page)
    # It was asked for a moment ago: the provider may still say.
    early = await open_page(visitor, path, status=409)
    assert "still on its way" in early
    assert f'action="{path}"' not in early
    clock.advance(timedelta(hours=1))
    assert "€50.00" in await open_page(visitor, path)
    await visitor.send(path, reason="", outcome=button)
    assert visitor.page.status_code == 422
    assert "Say how you know" in visitor.text
    await visitor.send(path, reason="They said so on the phone")
    assert visitor.page.status_code == 422, "no button was pressed"
    assert visitor.form(path).values["reason"] == "They said so on the phone"
    await visitor.send(path, reason="They said so on the phone", outcome=button)
    assert visitor.path == page
    assert told in visitor.text
    assert f'href="{path}"' not in visitor.text
    [settled] = (await read(market, order)).refunds
    assert settled.status == status
    assert "It is known already" in await open_page(visitor, path, status=409)
    wrong = [one.number for one in await wrong_with(connection, resources)]
    # The gateway's own journal says that all of it went back.
    assert wrong == ([] if status == "succeeded" else [7])


async def test_who_runs_no_market_says_nothing(
    market: Resources, connection: Connection, client: httpx2.AsyncClient, shop: Shop
) -> None:
    order = await buy(market, (shop, 1))
    given = await refund(market, order, shop, units=1)
    page = f"/operator/orders/{order_number(order.number)}"
    path = f"{page}/refunds/{given.id}/outcome"
    visitor = await enter(Visitor(client), market, await make_support(connection, now=NOW))
    assert f'href="{path}"' not in await open_page(visitor, page)
    assert await statuses(visitor, [path]) == {403}
    await enter(visitor, market, await make_operator(connection, now=NOW))
    assert (await post_without_token(visitor, path)).status_code == 403
