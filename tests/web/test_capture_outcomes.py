"""The operator says whether money was taken as a parcel leaves, where its provider doesn't."""

from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta
from typing import Any

import httpx2
import pytest

from gosellr.core.clock import ManualClock
from gosellr.core.db import Connection
from gosellr.flows import captures
from gosellr.integrations.payments.port import CaptureRequest, MovementResult, Outcome, PaymentState
from gosellr.models.order_values import Order
from gosellr.resources import Resources
from gosellr.services.payment_captures import CapturePending
from gosellr.utils.ids import order_number
from tests.factories.accounts import make_operator, make_support
from tests.factories.applications import caller_of
from tests.factories.captures import at_shipment, sandbox_of
from tests.factories.payouts import wrong_with
from tests.factories.sales import (
    NOW,
    Shop,
    balances,
    buy,
    make_commission,
    make_shop,
    part_of,
    read,
    ship,
)
from tests.factories.stored_value import by_bank, by_card, make_card
from tests.flows.test_captures_settled import AnswersInDollars
from tests.web.people import assert_sound, enter, open_page, post_without_token, statuses
from tests.web.visitor import HTML, Visitor

HOUR = timedelta(hours=1)


class SaysNothing(AnswersInDollars):
    """A gateway that takes nothing, and doesn't say so."""

    async def capture(self, request: CaptureRequest) -> MovementResult:
        return _nothing(request.capture_id)

    async def lookup_capture(self, **asked: Any) -> MovementResult:
        return _nothing(asked["capture_id"])


def _nothing(capture_id: str) -> MovementResult:
    return MovementResult(
        outcome=Outcome.UNKNOWN, state=PaymentState.AUTHORIZED, movement_id=capture_id,
        gateway_reference=None, amount_minor=0, currency=None,
    )  # fmt: skip


def with_gateway(resources: Resources, odd: Any) -> Resources:
    return at_shipment(replace(resources, gateways={**resources.gateways, "sandbox": odd}))


@pytest.fixture
def market(resources: Resources) -> Resources:
    """A market whose gateway says of each capture that it took dollars."""
    return with_gateway(resources, AnswersInDollars(sandbox_of(resources)))


@pytest.fixture
async def client(market: Resources) -> AsyncIterator[httpx2.AsyncClient]:
    async with caller_of(market) as caller:
        yield caller


@pytest.fixture
async def shop(connection: Connection) -> Shop:
    """50.00 a piece, of which 6.00 are commission with its tax."""
    await make_commission(connection)
    return await make_shop(connection, price_minor=5000)


async def ask_for(market: Resources, order: Order, shop: Shop) -> None:
    """Try to send a part, whose money nobody then says was taken."""
    with pytest.raises(CapturePending):
        await ship(market, order, shop)
    await captures.resume_captures(market.captures)


def paths(order: Order, shop: Shop) -> tuple[str, str]:
    page = f"/operator/orders/{order_number(order.number)}"
    return page, f"{page}/parts/{part_of(order, shop).id}/capture"


async def test_money_that_was_taken_is_booked_as_it_was_shown(
    resources: Resources,
    market: Resources,
    connection: Connection,
    clock: ManualClock,
    client: httpx2.AsyncClient,
    shop: Shop,
) -> None:
    _, code = await make_card(market, 2_000)
    order = await buy(market, (shop, 1), tenders=[by_card(code), by_bank()])
    page, path = paths(order, shop)
    visitor = await enter(Visitor(client), market, await make_operator(connection, now=NOW))
    assert path not in await open_page(visitor, page), "nothing is being taken"
    await ask_for(market, order, shop)
    assert f'href="{path}"' in await open_page(visitor, page)
    # It was asked for a moment ago: the provider may still say.
    early = await open_page(visitor, path, status=409)
    assert "still being taken" in early
    assert f'action="{path}"' not in early
    clock.advance(HOUR)
    text = await open_page(visitor, path)
    assert_sound(text)
    for words in (
        "Test card", "€30.00", "Gift card, set aside", "€20.00", "The buyer pays", "€50.00",
        "Commission", "-€5.00", "VAT on commission", "-€1.00", "The shop earns", "€44.00",
    ):  # fmt: skip
        assert words in text.replace("\u2212", "-"), words
    await visitor.send(path, reason="", outcome="taken")
    assert visitor.page.status_code == 422
    assert "Say how you know" in visitor.text
    await visitor.send(path, reason="They said so on the phone")
    assert visitor.page.status_code == 422, "no button was pressed"
    assert visitor.form(path).values["reason"] == "They said so on the phone"
    await visitor.send(path, outcome="taken")
    assert visitor.path == page
    assert "The money is booked as taken" in visitor.text
    assert path not in visitor.text
    after = await read(market, order)
    assert after.captured_minor == 5_000
    [said] = [one for one in after.events if one.kind == "capture_settled"]
    assert (said.data["taken"], said.data["reason"]) == (True, "They said so on the phone")
    assert (await balances(connection))["seller_pending"] == -4_400
    assert "It is known already" in await open_page(visitor, path, status=409)
    await ship(market, order, shop)
    assert await wrong_with(connection, resources) == []


async def test_money_that_was_not_taken_is_asked_for_once_more(
    resources: Resources, connection: Connection, clock: ManualClock, shop: Shop
) -> None:
    market = with_gateway(resources, SaysNothing(sandbox_of(resources)))
    order = await buy(market, (shop, 1))
    page, path = paths(order, shop)
    await ask_for(market, order, shop)
    clock.advance(HOUR)
    async with caller_of(market) as client:
        visitor = await enter(Visitor(client), market, await make_operator(connection, now=NOW))
        await open_page(visitor, path)
        old = {**visitor.form(path).values, "reason": "On the phone", "outcome": "failed"}
        await visitor.send(path, reason="On the phone", outcome="failed")
        assert (visitor.path, "Nothing was taken" in visitor.text) == (page, True)
        # The page that is still open speaks of the first time, and says nothing of the second.
        await ask_for(market, order, shop)
        clock.advance(HOUR)
        stale = await client.post(path, data=old, headers=HTML)
        assert stale.status_code == 409
        assert "It is known already" in stale.text
    assert await balances(connection) == {}
    events = (await read(market, order)).events
    assert [one.data["taken"] for one in events if one.kind == "capture_settled"] == [False]


async def test_only_those_who_explain_money_say_so(
    market: Resources, connection: Connection, client: httpx2.AsyncClient, shop: Shop,
    clock: ManualClock,
) -> None:  # fmt: skip
    order = await buy(market, (shop, 1))
    page, path = paths(order, shop)
    await ask_for(market, order, shop)
    clock.advance(HOUR)
    visitor = await enter(Visitor(client), market, await make_support(connection, now=NOW))
    assert path not in await open_page(visitor, page)
    assert await statuses(visitor, [path]) == {403}
    await enter(visitor, market, shop.seller.owner)
    assert await statuses(visitor, [path]) == {403}
    await enter(visitor, market, await make_operator(connection, now=NOW))
    assert (await post_without_token(visitor, path)).status_code == 403
    assert await balances(connection) == {}
