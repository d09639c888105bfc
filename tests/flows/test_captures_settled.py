"""A capture of which no gateway says clearly whether it took the money: a person does."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from gosellr.core.clock import ManualClock
from gosellr.core.db import Connection
from gosellr.core.errors import NotAllowed, NotFound
from gosellr.core.identity import new_id
from gosellr.flows import captures
from gosellr.integrations.payments.port import CaptureRequest, MovementResult
from gosellr.integrations.payments.sandbox import SandboxGateway
from gosellr.models.order_values import Order
from gosellr.resources import Resources
from gosellr.services.capture_verdicts import CaptureSettled, CaptureUnderWay
from gosellr.services.payment_captures import CapturePending
from gosellr.utils.permissions import Role
from gosellr.utils.viewer import Viewer
from tests.factories.captures import at_shipment, sandbox_of
from tests.factories.payouts import an_operator, wrong_with
from tests.factories.sales import (
    Shop,
    balances,
    buy,
    make_commission,
    make_shop,
    part_of,
    read,
    seller_owes,
    ship,
)

HOUR = timedelta(hours=1)


class AnswersInDollars:
    """A gateway that says of every capture that it took dollars."""

    def __init__(self, gateway: SandboxGateway) -> None:
        self._gateway = gateway

    def __getattr__(self, name: str) -> Any:
        return getattr(self._gateway, name)

    async def capture(self, request: CaptureRequest) -> MovementResult:
        return replace(await self._gateway.capture(request), currency="USD")

    async def lookup_capture(self, **asked: Any) -> MovementResult:
        return replace(await self._gateway.lookup_capture(**asked), currency="USD")


@pytest.fixture
async def shop(connection: Connection) -> Shop:
    await make_commission(connection, rate_bps=0, vat_bps=0)
    return await make_shop(connection, price_minor=1000)


@pytest.fixture
def market(resources: Resources) -> Resources:
    odd: Any = AnswersInDollars(sandbox_of(resources))
    return at_shipment(replace(resources, gateways={**resources.gateways, "sandbox": odd}))


async def settle(
    market: Resources, order: Order, shop: Shop, *, taken: bool, viewer: Viewer | None = None
) -> None:
    await captures.settle(
        market.captures, viewer=viewer or an_operator(), order_id=order.id,
        seller_order_id=part_of(order, shop).id, taken=taken,
        reason="The provider was asked on the phone",
    )  # fmt: skip


async def unclear(market: Resources, shop: Shop, clock: ManualClock) -> Order:
    """An order whose parcel can't leave, because nobody says whether it is paid for."""
    order = await buy(market, (shop, 3))
    for _ in range(3):
        with pytest.raises(CapturePending):
            await ship(market, order, shop)
        clock.advance(timedelta(minutes=19))
        await captures.resume_captures(market.captures)
    return order


async def test_what_was_taken_is_booked_as_it_was_asked_for(
    resources: Resources, market: Resources, connection: Connection, shop: Shop, clock: ManualClock
) -> None:
    order = await unclear(market, shop, clock)
    # As long as its gateway may still say it clearly, nobody else does.
    with pytest.raises(CaptureUnderWay):
        await settle(market, order, shop, taken=True)
    clock.advance(HOUR)
    await settle(market, order, shop, taken=True)
    assert await balances(connection) == {"gateway_clearing": 3000, "seller_pending": -3000}
    after = await read(market, order)
    assert after.captured_minor == 3000
    [said] = [one for one in after.events if one.kind == "capture_settled"]
    assert (said.actor, said.data["taken"]) == ("operator", True)
    await ship(market, order, shop)
    with pytest.raises(CaptureSettled):
        await settle(market, order, shop, taken=False)
    assert await wrong_with(connection, resources) == []


async def test_what_was_not_taken_pays_for_nothing(
    market: Resources, connection: Connection, shop: Shop, clock: ManualClock
) -> None:
    order = await unclear(market, shop, clock)
    clock.advance(HOUR)
    # Whoever found that out has the provider undo it.
    await settle(market, order, shop, taken=False)
    assert await balances(connection) == {}
    assert await seller_owes(connection, shop) == {}
    [said] = [one for one in (await read(market, order)).events if one.kind == "capture_settled"]
    assert said.data["taken"] is False
    with pytest.raises(CaptureSettled):
        await settle(market, order, shop, taken=True)


async def test_a_gateway_that_says_so_after_all_is_believed(
    resources: Resources, market: Resources, connection: Connection, shop: Shop, clock: ManualClock
) -> None:
    order = await unclear(market, shop, clock)
    clock.advance(HOUR)
    with pytest.raises(CaptureSettled):
        await settle(at_shipment(resources), order, shop, taken=False)
    assert await balances(connection) == {"gateway_clearing": 3000, "seller_pending": -3000}


async def test_nobody_says_so_of_what_they_sold_or_of_nothing(
    market: Resources, shop: Shop, clock: ManualClock
) -> None:
    order = await unclear(market, shop, clock)
    clock.advance(HOUR)
    both = replace(shop.viewer, roles=frozenset({Role.OPERATOR}))
    for viewer in (shop.viewer, both):
        with pytest.raises(NotAllowed):
            await settle(market, order, shop, taken=True, viewer=viewer)
    with pytest.raises(NotFound):
        await captures.settle(
            market.captures, viewer=an_operator(), order_id=order.id, seller_order_id=new_id(),
            taken=True, reason="Of another order",
        )  # fmt: skip
