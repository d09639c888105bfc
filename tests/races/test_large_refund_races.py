"""Large refunds at once: agreed to once, never more than is left, and no more by single words than
operators may."""

import asyncio
from dataclasses import replace
from typing import Any

import pytest

from gosellr.core.transact import ask, transact
from gosellr.flows import proposals, refunds
from gosellr.flows.refunds import RequestedRefund
from gosellr.jobs.audit import audit_market
from gosellr.models.order_values import Order
from gosellr.models.proposal_values import Proposal
from gosellr.resources import Resources
from gosellr.services import proposal_service
from gosellr.services.refund_plan import RefundRequest
from gosellr.utils.viewer import Viewer
from tests.factories.sales import (
    Shop,
    a_key,
    buy,
    make_commission,
    make_shop,
    part_of,
    read,
    refund,
    ship,
)
from tests.factories.stored_value import operator
from tests.races.test_refund_races import outcomes

LIMIT = 4_999
ROUNDS = 6


@pytest.fixture
async def market(live: Resources) -> Resources:
    """Above 49.99 of an order a second person has to agree."""
    await transact(live.db, make_commission)
    limits: dict[str, Any] = {"refund_approval_over": {"EUR": LIMIT}}
    return replace(live, settings=live.settings.model_copy(update=limits))


@pytest.fixture
async def shop(market: Resources) -> Shop:
    """50.00 a piece."""
    return await transact(market.db, make_shop)


async def request(
    market: Resources, viewer: Viewer, order: Order, shop: Shop, amount_minor: int
) -> RequestedRefund:
    return await refunds.request_refund(
        market.refunds,
        viewer=viewer,
        order_id=order.id,
        request=RefundRequest(
            seller_order_id=part_of(order, shop).id, reason="broken", amount_minor=amount_minor
        ),
        key=a_key(),
    )


async def proposed(
    market: Resources, viewer: Viewer, order: Order, shop: Shop, amount_minor: int
) -> Proposal:
    made = (await request(market, viewer, order, shop, amount_minor)).proposal
    assert made is not None
    return made


async def approve(market: Resources, viewer: Viewer, made: Proposal) -> Proposal:
    return await proposals.approve(
        market.transfers, market.payouts, market.refunds, viewer=viewer, proposal_id=made.id
    )


async def sold(market: Resources, shop: Shop) -> Order:
    """100.00 that were sold and have left."""
    order = await buy(market, (shop, 2))
    await ship(market, order, shop)
    return order


async def is_sound(market: Resources) -> bool:
    return await audit_market(market.db, gateways=market.gateways, now=market.clock.now()) == []


async def test_two_who_agree_at_once_refund_once(market: Resources, shop: Shop) -> None:
    one, *others = [await operator(market) for _ in range(4)]
    order = await sold(market, shop)
    made = await proposed(market, one, order, shop, 10_000)
    seen = await outcomes(*(approve(market, each, made) for each in (*others, *others)))
    # Whoever did it may say so again.
    assert seen == {"done": 2, "proposal_not_open": 4}
    after = await read(market, order)
    assert [(each.id, each.status) for each in after.refunds] == [(made.id, "succeeded")]
    assert (after.refunded_minor, after.payments[0].refunded_minor) == (10_000, 10_000)
    assert await is_sound(market)


async def test_agreed_to_beside_another_refund_gives_no_more_than_is_left(
    market: Resources, shop: Shop
) -> None:
    one, second = await operator(market), await operator(market)
    for turn in range(ROUNDS):
        order = await sold(market, shop)
        made = await proposed(market, one, order, shop, 6_000)
        rivals = [
            approve(market, second, made),
            refund(market, order, shop, amount_minor=5_000),
        ]
        seen = await outcomes(*(rivals if turn % 2 else reversed(rivals)))
        assert seen == {"done": 1, "refund_exceeds_paid": 1}
        after = await read(market, order)
        stands = await ask(market.db, proposal_service.find, proposal_id=made.id)
        given_minor = 6_000 if stands.status == "approved" else 5_000
        assert (after.refunded_minor, len(after.refunds)) == (given_minor, 1)
    assert await is_sound(market)


async def test_many_small_ones_at_once_are_no_more_than_one_may_give(
    market: Resources, shop: Shop
) -> None:
    people = [await operator(market) for _ in range(3)]
    order = await sold(market, shop)
    told = await asyncio.gather(
        *(request(market, each, order, shop, 2_000) for each in people * 2),
        return_exceptions=True,
    )
    given = [one for one in told if isinstance(one, RequestedRefund) and one.refund is not None]
    waiting = {
        one.proposal.id
        for one in told
        if isinstance(one, RequestedRefund) and one.proposal is not None
    }
    assert (len(given), len(waiting)) == (2, 1)
    assert (await read(market, order)).refunded_minor == 4_000
    assert await is_sound(market)
