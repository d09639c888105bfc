"""What one person may let leave: small payouts of one day are a large one."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta

import pytest

from gosellr.core.clock import ManualClock
from gosellr.core.db import Connection
from gosellr.core.transact import transact
from gosellr.flows import payouts
from gosellr.resources import Resources
from gosellr.services import release_service
from gosellr.utils.order_states import OrderStatus
from gosellr.utils.payouts import PayoutStatus
from tests.factories.payouts import HOLD, an_operator, pay, set_account
from tests.factories.sales import Shop, buy, make_commission, make_shop, ship, step
from tests.factories.terms import make_tax

STATUS = PayoutStatus


@pytest.fixture
async def shop(connection: Connection) -> Shop:
    await make_tax(connection, rate_bps=2000)
    await make_commission(connection)
    return await make_shop(connection, price_minor=12_000)


@pytest.fixture
def careful(resources: Resources) -> Resources:
    limit = {"payout_approval_over": {"EUR": 21_600}}
    return replace(resources, settings=resources.settings.model_copy(update=limit))


async def deliver_apart(
    market: Resources, clock: ManualClock, shop: Shop, pauses: Sequence[timedelta]
) -> None:
    """One order after the other, with a pause before each; the hold of the first is over then."""
    await set_account(market, shop)
    for pause in pauses:
        clock.advance(pause)
        order = await buy(market, (shop, 1))
        await ship(market, order, shop)
        await step(market, order, OrderStatus.DELIVERED, viewer=shop.viewer)
    clock.advance(HOLD - sum(pauses[1:], timedelta()))


async def paid_after(
    market: Resources, clock: ManualClock, shop: Shop, pauses: Sequence[timedelta]
) -> list[PayoutStatus]:
    """What becomes of a payout asked for after each pause, by an operator."""
    found = []
    for pause in pauses:
        clock.advance(pause)
        await transact(market.db, release_service.release_due, now=clock.now())
        found.append((await pay(market, shop, viewer=an_operator())).status)
    return found


async def test_what_is_asked_for_within_a_day_counts_together(
    careful: Resources, clock: ManualClock, shop: Shop
) -> None:
    hour, day = timedelta(hours=1), timedelta(hours=24)
    pauses = [timedelta(), hour, hour, day]
    await deliver_apart(careful, clock, shop, pauses)
    assert await paid_after(careful, clock, shop, pauses) == [
        STATUS.PAID,
        STATUS.PAID,
        STATUS.AWAITING_APPROVAL,
        STATUS.PAID,
    ]


async def test_what_another_person_agreed_to_counts_no_more(
    careful: Resources, clock: ManualClock, shop: Shop
) -> None:
    hour = timedelta(hours=1)
    pauses = [timedelta(), hour, hour, hour]
    await deliver_apart(careful, clock, shop, pauses)
    assert await paid_after(careful, clock, shop, pauses[:2]) == [STATUS.PAID, STATUS.PAID]
    clock.advance(hour)
    await transact(careful.db, release_service.release_due, now=clock.now())
    waiting = await pay(careful, shop, viewer=an_operator())
    assert waiting.status is STATUS.AWAITING_APPROVAL
    await payouts.approve_payout(careful.payouts, viewer=an_operator(), payout_id=waiting.id)
    # Of the last day one payout is left that one person alone wanted; the limit isn't passed.
    assert await paid_after(careful, clock, shop, [timedelta(hours=22)]) == [STATUS.PAID]
