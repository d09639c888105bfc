"""A debt of a case or of its refund, written off: each is paid once by what undoes it."""

from dataclasses import replace
from datetime import timedelta

import pytest

from gosellr.core.clock import ManualClock
from gosellr.core.db import Connection
from gosellr.jobs import upkeep
from gosellr.resources import Resources
from gosellr.services.basket_service import Tender
from tests.factories.accounts import User
from tests.factories.balances import approve, write_off
from tests.factories.disputes import accept, decide, open_case, reread
from tests.factories.payouts import earn, pay, set_account, wrong_with
from tests.factories.sales import (
    Shop,
    balances,
    make_buyer,
    make_commission,
    make_shop,
    seller_owes,
)
from tests.factories.terms import make_tax

NET = 10_800
FAILING = (Tender(method="sandbox", token="tok_refund_timeout_then_declined"),)


@pytest.fixture
async def shop(connection: Connection, resources: Resources) -> Shop:
    """Each piece that it sells brings it `NET`; it is paid to an account."""
    await make_tax(connection, rate_bps=2000)
    await make_commission(connection)
    shop = await make_shop(connection, price_minor=12_000)
    await set_account(resources, shop)
    return shop


@pytest.fixture
async def buyer(connection: Connection) -> User:
    return await make_buyer(connection)


def keeping_commission(resources: Resources) -> Resources:
    """The market gives no commission back with refunds from now on."""
    settings = resources.settings.model_copy(update={"commission_on_refunds": "none"})
    return replace(resources, settings=settings)


async def test_a_case_and_its_refund_have_debts_of_their_own(
    connection: Connection, resources: Resources, clock: ManualClock, shop: Shop, buyer: User
) -> None:
    order = await earn(resources, shop, buyer=buyer, tenders=FAILING)
    await pay(resources, shop)
    case = await open_case(resources, order, shop, viewer=buyer.viewer)
    await approve(resources, (await write_off(resources, shop, NET)).id)
    # The refund takes the commission too, and of that nothing is frozen.
    await accept(keeping_commission(resources), case, viewer=shop.viewer)
    assert await seller_owes(connection, shop) == {"receivable": 1_200}
    await approve(resources, (await write_off(resources, shop, 1_200)).id)
    clock.advance(timedelta(days=1))
    await upkeep.resume_refunds(resources)
    await upkeep.work_off_disputes(resources)
    assert (await reread(resources, case)).dispute.status == "under_review"
    assert await seller_owes(connection, shop) == {"reserve": NET}
    assert (await balances(connection))["bad_debt"] == NET
    await decide(resources, case, share_bps=0)
    assert await seller_owes(connection, shop) == {}
    assert "bad_debt" not in await balances(connection)
    assert await wrong_with(connection, resources) == []


async def test_what_a_case_holds_is_not_paid_for_by_its_refund(
    connection: Connection, resources: Resources, clock: ManualClock, shop: Shop, buyer: User
) -> None:
    order = await earn(resources, shop, buyer=buyer, tenders=FAILING)
    await pay(resources, shop)
    case = await open_case(resources, order, shop, viewer=buyer.viewer)
    await approve(resources, (await write_off(resources, shop, NET)).id)
    await earn(resources, shop)
    await accept(keeping_commission(resources), case, viewer=shop.viewer)
    assert await seller_owes(connection, shop) == {"available": NET - 1_200}
    clock.advance(timedelta(days=1))
    await upkeep.resume_refunds(resources)
    # What the refund had taken of another sale is the seller's; the case is as it was.
    assert await seller_owes(connection, shop) == {"available": NET, "reserve": NET}
    assert (await balances(connection))["bad_debt"] == NET
    assert await wrong_with(connection, resources) == []
