"""Large awards at once: agreed to once, and never beside what else ends the case."""

from dataclasses import replace
from typing import Any

import pytest

from gosellr.core.transact import transact
from gosellr.flows import disputes, proposals
from gosellr.jobs.audit import audit_market
from gosellr.models.dispute_values import DisputeFolder
from gosellr.models.order_values import Order
from gosellr.models.proposal_values import Proposal
from gosellr.resources import Resources
from gosellr.services.dispute_argument import Award
from gosellr.utils.viewer import Viewer
from tests.factories.disputes import accept, decide, delivered, escalate, open_case, reread, say
from tests.factories.sales import Shop, a_key, make_buyer, make_shop, read
from tests.factories.stored_value import operator
from tests.races.test_refund_races import outcomes


@pytest.fixture
def market(live: Resources) -> Resources:
    """Above 49.99 of an order a second person has to agree."""
    limits: dict[str, Any] = {"refund_approval_over": {"EUR": 4_999}}
    return replace(live, settings=live.settings.model_copy(update=limits))


async def argued(market: Resources) -> tuple[Shop, Order, DisputeFolder, Viewer]:
    """100.00 that are argued about, and who bought them."""
    shop = await transact(market.db, make_shop)
    buyer = await transact(market.db, make_buyer)
    order = await delivered(market, (shop, 2), buyer=buyer)
    case = await open_case(market, order, shop, viewer=buyer.viewer)
    await say(market, case, viewer=shop.viewer, answer=True)
    return shop, order, await escalate(market, case, viewer=buyer.viewer), buyer.viewer


async def propose(market: Resources, case: DisputeFolder) -> Proposal:
    made = await disputes.decide_once(
        market.disputes,
        viewer=await operator(market),
        dispute_id=case.dispute.id,
        award=Award(amount_minor=8_000, reason="The picture shows it"),
        key=a_key(),
    )
    assert isinstance(made, Proposal)
    return made


async def approve(market: Resources, viewer: Viewer, made: Proposal) -> Proposal:
    return await proposals.approve(
        market.transfers, market.payouts, market.refunds, viewer=viewer, proposal_id=made.id
    )


async def test_two_who_agree_at_once_decide_once(market: Resources) -> None:
    _, order, case, buyer = await argued(market)
    await decide(market, case, amount_minor=0, viewer=await operator(market))
    case = await escalate(market, case, viewer=buyer)
    made = await propose(market, case)
    others = [await operator(market) for _ in range(3)]
    seen = await outcomes(*(approve(market, each, made) for each in (*others, *others)))
    # Whoever did it may say so again.
    assert seen == {"done": 2, "proposal_not_open": 4}
    assert [one.amount_minor for one in (await read(market, order)).refunds] == [8_000]
    assert (await reread(market, case)).dispute.status == "closed"
    assert await audit_market(market.db, gateways=market.gateways, now=market.clock.now()) == []


async def test_agreed_to_as_the_shop_gives_in_the_case_ends_once(market: Resources) -> None:
    second = await operator(market)
    for turn in range(4):
        shop, order, case, _ = await argued(market)
        made = await propose(market, case)
        rivals: list[Any] = [
            approve(market, second, made),
            accept(market, case, viewer=shop.viewer),
        ]
        seen = await outcomes(*(rivals if turn % 2 else reversed(rivals)))
        assert seen == {"done": 1, "dispute_step_not_allowed": 1}
        given = [one.amount_minor for one in (await read(market, order)).refunds]
        decided = (await reread(market, case)).dispute.status == "decided"
        assert given == ([] if decided else [10_000])
    assert await audit_market(market.db, gateways=market.gateways, now=market.clock.now()) == []
