"""Cases of a seller whose money a rule keeps back: that is taken before anything is owed."""

from datetime import timedelta

import pytest

from gosellr.core.clock import ManualClock
from gosellr.core.db import Connection
from gosellr.flows import refunds
from gosellr.resources import Resources
from gosellr.services.basket_service import Tender
from tests.factories.accounts import User
from tests.factories.balances import holds, make_rule, release_reserves
from tests.factories.disputes import (
    accept,
    bank_decides,
    decide,
    open_case,
    pass_deadline,
    take_back,
)
from tests.factories.payouts import earn, pay, set_account, wrong_with
from tests.factories.sales import (
    Shop,
    make_buyer,
    make_commission,
    make_shop,
    read,
    refund,
    seller_owes,
)
from tests.factories.terms import make_tax

DAY = timedelta(days=1)
# 120.00 a piece with 20 % tax inside, 10 % commission and its VAT.
NET = 10_800
HALF = NET // 2


@pytest.fixture
async def shop(connection: Connection, resources: Resources) -> Shop:
    """Each piece brings it `NET`, of which half is kept back for thirty days."""
    await make_tax(connection, rate_bps=2000)
    await make_commission(connection)
    shop = await make_shop(connection, price_minor=12_000)
    await set_account(resources, shop)
    await make_rule(resources, rate_bps=5000)
    return shop


@pytest.fixture
async def buyer(connection: Connection) -> User:
    return await make_buyer(connection)


async def test_a_case_freezes_what_a_rule_keeps_back_before_it_makes_a_debt(
    resources: Resources, connection: Connection, shop: Shop, buyer: User, clock: ManualClock
) -> None:
    await earn(resources, shop)
    order = await earn(resources, shop, buyer=buyer)
    await pay(resources, shop)
    assert await seller_owes(connection, shop) == {"reserve": NET}
    case = await open_case(resources, order, shop, viewer=buyer.viewer)
    pots = case.dispute.frozen_from
    assert (pots.pending_minor, pots.available_minor, pots.reserve_minor) == (0, 0, NET)
    assert pots.receivable_minor == 0
    # Nothing was booked: it was in the reserve, and is there for another reason.
    assert case.dispute.booking_count == 1
    kind = "SELECT count(*) FROM ledger_transaction WHERE kind = 'dispute_frozen'"
    assert await connection.fetchval(kind) == 0
    assert await holds(connection, shop) == [(HALF, HALF, 0), (HALF, HALF, 0)]
    assert await wrong_with(connection, resources) == []

    after = await accept(resources, case, viewer=shop.viewer)
    assert (after.dispute.status, after.dispute.frozen_minor) == ("closed", 0)
    assert await seller_owes(connection, shop) == {}
    clock.advance(31 * DAY)
    assert await release_reserves(resources) == 0
    assert await wrong_with(connection, resources) == []


async def test_what_the_buyer_isn_t_awarded_is_kept_back_again_until_its_day(
    resources: Resources, connection: Connection, shop: Shop, buyer: User, clock: ManualClock
) -> None:
    await earn(resources, shop)
    order = await earn(resources, shop, buyer=buyer)
    await pay(resources, shop)
    case = await open_case(resources, order, shop, viewer=buyer.viewer)
    await decide(resources, case, share_bps=2500)
    after = await pass_deadline(resources, case)
    assert after.dispute.status == "closed"
    # A quarter of 108.00 went; three quarters are back, to the sale's own hold first.
    assert await holds(connection, shop) == [(HALF, NET // 4, 0), (HALF, 0, 0)]
    assert await seller_owes(connection, shop) == {"reserve": NET - NET // 4}
    assert await wrong_with(connection, resources) == []
    clock.advance(31 * DAY)
    await release_reserves(resources)
    assert await seller_owes(connection, shop) == {"available": NET - NET // 4}
    assert await wrong_with(connection, resources) == []


async def test_a_hold_whose_day_passes_during_the_case_is_released_after_it_and_once(
    resources: Resources, connection: Connection, shop: Shop, buyer: User, clock: ManualClock
) -> None:
    order = await earn(resources, shop, buyer=buyer)
    await pay(resources, shop)
    reference = await take_back(resources, order)
    # 54.00 were kept back, 54.00 are owed.
    assert await seller_owes(connection, shop) == {"reserve": NET, "receivable": HALF}
    assert await holds(connection, shop) == [(HALF, HALF, 0)]
    clock.advance(31 * DAY)
    assert await release_reserves(resources) == 0
    await bank_decides(resources, order, reference, won=True)
    assert await seller_owes(connection, shop) == {"reserve": HALF}
    assert await release_reserves(resources) == 1
    assert await release_reserves(resources) == 0
    assert await seller_owes(connection, shop) == {"available": HALF}
    assert await wrong_with(connection, resources) == []


async def test_a_lost_chargeback_leaves_a_debt_only_for_what_nothing_covers(
    resources: Resources, connection: Connection, shop: Shop, buyer: User, clock: ManualClock
) -> None:
    order = await earn(resources, shop, buyer=buyer)
    await pay(resources, shop)
    reference = await take_back(resources, order)
    await bank_decides(resources, order, reference, won=False)
    assert await seller_owes(connection, shop) == {"receivable": HALF}
    assert (await read(resources, order)).payment_status == "refunded"
    clock.advance(31 * DAY)
    assert await release_reserves(resources) == 0
    assert await wrong_with(connection, resources) == []


async def test_a_refund_beside_a_case_takes_the_same_money_once(
    resources: Resources, connection: Connection, shop: Shop, buyer: User
) -> None:
    order = await earn(resources, shop, 2, buyer=buyer)
    await pay(resources, shop)
    await open_case(resources, order, shop, viewer=buyer.viewer, units=1)
    assert await holds(connection, shop) == [(NET, NET, 0)]
    await refund(resources, order, shop, units=2)
    # One unit out of what is kept back, the other is owed.
    assert await seller_owes(connection, shop) == {"receivable": NET}
    assert await holds(connection, shop) == [(NET, NET, 0)]
    assert await wrong_with(connection, resources) == []


async def test_a_refused_refund_of_a_case_is_frozen_again_as_it_was(
    resources: Resources, connection: Connection, shop: Shop, buyer: User, clock: ManualClock
) -> None:
    declined = (Tender(method="sandbox", token="tok_refund_timeout_then_declined"),)
    order = await earn(resources, shop, buyer=buyer, tenders=declined)
    await pay(resources, shop)
    case = await open_case(resources, order, shop, viewer=buyer.viewer)
    await accept(resources, case, viewer=shop.viewer)
    assert await wrong_with(connection, resources) == []
    clock.advance(timedelta(minutes=1))
    await refunds.resume_refunds(resources.refunds)
    assert await seller_owes(connection, shop) == {"reserve": NET, "receivable": HALF}
    assert await holds(connection, shop) == [(HALF, HALF, 0)]
    assert await wrong_with(connection, resources) == []
