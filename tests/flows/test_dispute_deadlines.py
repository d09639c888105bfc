"""A deadline decides when it passes, not when the clock's work is done."""

from datetime import timedelta

import pytest

from gosellr.core.clock import ManualClock
from gosellr.core.db import Connection
from gosellr.jobs import upkeep
from gosellr.models.dispute_values import DisputeFolder
from gosellr.resources import Resources
from gosellr.services.dispute_steps import DisputeStepRefused
from tests.factories.accounts import User
from tests.factories.disputes import (
    accept,
    decide,
    delivered,
    escalate,
    open_case,
    pass_deadline,
    reread,
    say,
)
from tests.factories.payouts import wrong_with
from tests.factories.sales import Shop, make_buyer, make_shop, read

A_SECOND = timedelta(seconds=1)


@pytest.fixture
async def shop(connection: Connection) -> Shop:
    return await make_shop(connection, price_minor=12_000)


@pytest.fixture
async def buyer(connection: Connection) -> User:
    return await make_buyer(connection)


def pass_time(clock: ManualClock, case: DisputeFolder, *, left: timedelta = timedelta()) -> None:
    """Until a case's deadline, or shortly before it."""
    assert case.dispute.due_at is not None
    clock.set(case.dispute.due_at - left)


async def test_a_seller_answers_in_time_and_no_later(
    resources: Resources, connection: Connection, clock: ManualClock, shop: Shop, buyer: User
) -> None:
    order = await delivered(resources, (shop, 2), buyer=buyer)
    case = await open_case(resources, order, shop, viewer=buyer.viewer, units=1)
    pass_time(clock, case)
    with pytest.raises(DisputeStepRefused, match="time for it") as refusal:
        await say(resources, case, viewer=shop.viewer, answer=True)
    assert refusal.value.extras == {"current": "awaiting_seller", "allowed": []}
    with pytest.raises(DisputeStepRefused, match="time for it"):
        await escalate(resources, case, viewer=shop.viewer)
    after = await reread(resources, case)
    assert (after.dispute, len(after.messages)) == (case.dispute, 1)
    # Nobody is kept from speaking, and the silence is decided upon as ever.
    await say(resources, case, viewer=shop.viewer)
    await upkeep.work_off_disputes(resources)
    decided = await reread(resources, case)
    assert (decided.dispute.status, decided.dispute.outcome) == ("decided", "for_buyer")
    # The decision can be appealed until its own deadline.
    pass_time(clock, decided, left=A_SECOND)
    appealed = await escalate(resources, case, viewer=shop.viewer)
    assert appealed.dispute.status == "appealed"
    assert await wrong_with(connection, resources) == []


async def test_a_buyer_contests_in_time_and_no_later(
    resources: Resources, clock: ManualClock, shop: Shop, buyer: User
) -> None:
    order = await delivered(resources, (shop, 1), buyer=buyer)
    case = await open_case(resources, order, shop, viewer=buyer.viewer)
    pass_time(clock, case, left=A_SECOND)
    answered = await say(resources, case, viewer=shop.viewer, answer=True)
    assert answered.dispute.status == "awaiting_buyer"
    pass_time(clock, answered)
    with pytest.raises(DisputeStepRefused, match="time for it"):
        await escalate(resources, case, viewer=buyer.viewer)
    await upkeep.work_off_disputes(resources)
    assert (await reread(resources, case)).dispute.outcome == "for_seller"


async def test_a_decision_is_final_from_its_deadline_on(
    resources: Resources, clock: ManualClock, shop: Shop, buyer: User
) -> None:
    order = await delivered(resources, (shop, 1), buyer=buyer)
    case = await open_case(resources, order, shop, viewer=buyer.viewer)
    decided = await decide(resources, case, amount_minor=2000)
    pass_time(clock, decided)
    for viewer in (shop.viewer, buyer.viewer):
        with pytest.raises(DisputeStepRefused, match="time for it"):
            await escalate(resources, case, viewer=viewer)
    closed = await pass_deadline(resources, case)
    assert (closed.dispute.status, closed.dispute.award_minor) == ("closed", 2000)
    assert (await read(resources, order)).refunded_minor == 2000


async def test_whoever_gives_in_may_do_so_late_and_an_operator_isnt_bound(
    resources: Resources, clock: ManualClock, shop: Shop, buyer: User
) -> None:
    order = await delivered(resources, (shop, 1), buyer=buyer)
    case = await open_case(resources, order, shop, viewer=buyer.viewer)
    pass_time(clock, case)
    given = await accept(resources, case, viewer=shop.viewer)
    assert (given.dispute.status, given.dispute.outcome) == ("closed", "accepted")
    second = await delivered(resources, (shop, 1), buyer=buyer)
    case = await open_case(resources, second, shop, viewer=buyer.viewer)
    pass_time(clock, case)
    assert (await decide(resources, case, share_bps=0)).dispute.status == "decided"
