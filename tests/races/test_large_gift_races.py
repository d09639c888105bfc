"""Much given away at once: agreed to once, and no more by one person's word than the limit."""

import asyncio
from dataclasses import replace
from typing import Any

import pytest

from gosellr.core.transact import transact
from gosellr.flows import proposals
from gosellr.jobs.audit import audit_market
from gosellr.models.proposal_values import Proposal
from gosellr.models.stored_value_values import StoreCreditGrant
from gosellr.resources import Resources
from gosellr.services import value_requests
from gosellr.services.stored_value_service import Made
from gosellr.utils.viewer import Viewer
from tests.factories.accounts import User, make_user
from tests.factories.payouts import earn
from tests.factories.sales import NOW, a_key, make_shop
from tests.factories.stored_value import ask_to_give, credit_of, operator
from tests.races.test_refund_races import outcomes


@pytest.fixture
def market(live: Resources) -> Resources:
    """One person gives away 49.99 within a day at most."""
    limits: dict[str, Any] = {"gift_approval_over": {"EUR": 4_999}}
    return replace(live, settings=live.settings.model_copy(update=limits))


async def a_buyer(market: Resources) -> User:
    async with market.db.connection() as connection:
        return await make_user(connection, now=NOW)


async def grant(
    market: Resources, viewer: Viewer, buyer: User, amount_minor: int
) -> Made[StoreCreditGrant] | Proposal:
    return await transact(
        market.db,
        value_requests.grant,
        viewer=viewer,
        user_id=buyer.id,
        amount_minor=amount_minor,
        currency="EUR",
        reason="a late parcel",
        key=a_key(),
        policy=market.policy,
        now=market.clock.now(),
    )


async def approve(market: Resources, viewer: Viewer, made: Proposal) -> Proposal:
    return await proposals.approve(
        market.transfers, market.payouts, market.refunds, viewer=viewer, proposal_id=made.id
    )


async def test_two_who_agree_at_once_grant_once(market: Resources) -> None:
    one, *others = [await operator(market) for _ in range(4)]
    buyer = await a_buyer(market)
    made = await grant(market, one, buyer, 10_000)
    assert isinstance(made, Proposal)
    seen = await outcomes(*(approve(market, each, made) for each in (*others, *others)))
    # Whoever did it may say so again.
    assert seen == {"done": 2, "proposal_not_open": 4}
    assert await credit_of(market, buyer) == {"EUR": 10_000}
    assert await audit_market(market.db, gateways=market.gateways, now=market.clock.now()) == []


async def test_many_small_gifts_at_once_are_no_more_than_one_may_give(market: Resources) -> None:
    one = await operator(market)
    buyers = [await a_buyer(market) for _ in range(6)]
    told = await asyncio.gather(*(grant(market, one, each, 2_000) for each in buyers))
    assert sum(isinstance(each, Proposal) for each in told) == 4
    credit = [await credit_of(market, each) for each in buyers]
    assert sorted(map(len, credit)) == [0, 0, 0, 0, 1, 1]
    assert await audit_market(market.db, gateways=market.gateways, now=market.clock.now()) == []


async def test_agreed_to_beside_another_gift_gives_no_more_than_there_is(live: Resources) -> None:
    limits: dict[str, Any] = {"payout_approval_over": {"EUR": 1_000}}
    market = replace(live, settings=live.settings.model_copy(update=limits))
    second = await operator(market)
    for turn in range(4):
        shop = await transact(market.db, make_shop)
        buyer = await a_buyer(market)
        order = await earn(market, shop, buyer=buyer)
        made = await ask_to_give(market, order, shop, 4_500)
        assert isinstance(made, Proposal)
        rivals = [approve(market, second, made), ask_to_give(market, order, shop, 900)]
        seen = await outcomes(*(rivals if turn % 2 else reversed(rivals)))
        assert seen == {"done": 1, "insufficient_balance": 1}
        assert await credit_of(market, buyer) in ({"EUR": 4_500}, {"EUR": 900})
    assert await audit_market(market.db, gateways=market.gateways, now=market.clock.now()) == []
