"""The rolling reserve: kept back at the release, given to buyers, released on its day and once."""

from datetime import timedelta
from typing import Any

import pytest

from gosellr.core.clock import ManualClock
from gosellr.core.db import Connection
from gosellr.core.errors import InvalidInput, VersionConflict
from gosellr.core.transact import ask, transact
from gosellr.flows import refunds
from gosellr.resources import Resources
from gosellr.services import period_figures, reserve_rule_service, statement_service
from gosellr.services.checkout_service import Tender
from gosellr.services.statement_service import SellerBalance
from gosellr.utils.order_states import OrderStatus
from gosellr.utils.reserves import RiskMeasure
from tests.factories.balances import agree, holds, make_rule, release_reserves
from tests.factories.catalogue import make_category, make_product, variant_draft
from tests.factories.payouts import an_operator, earn, pay, set_account, wrong_with
from tests.factories.sales import (
    Shop,
    buy,
    make_commission,
    make_shop,
    refund,
    seller_owes,
    ship,
    step,
)
from tests.factories.terms import make_tax

DAY = timedelta(days=1)
# 120.00 a piece with 20 % tax inside, 10 % commission and its VAT.
NET = 10_800


@pytest.fixture
async def shop(connection: Connection) -> Shop:
    """Each piece that it sells brings it `NET`."""
    await make_tax(connection, rate_bps=2000)
    await make_commission(connection)
    return await make_shop(connection, price_minor=12_000)


async def balance_of(resources: Resources, shop: Shop) -> SellerBalance:
    [found] = await ask(
        resources.db,
        statement_service.seller_balances,
        viewer=shop.viewer,
        seller_id=shop.seller.id,
        policy=resources.policy,
        now=resources.clock.now(),
    )
    return found


async def test_a_tenth_is_kept_back_for_thirty_days_and_then_released_once(
    connection: Connection, resources: Resources, clock: ManualClock, shop: Shop
) -> None:
    await set_account(resources, shop)
    await make_rule(resources)
    await earn(resources, shop)
    assert await seller_owes(connection, shop) == {"available": 9720, "reserve": 1080}
    [head] = await connection.fetch("SELECT rule, release_at FROM reserve_hold")
    assert head["release_at"] == clock.now() + 30 * DAY
    assert head["rule"] == {
        "scope": "market", "rate_bps": 1000, "days": 30, "cap_minor": None, "base_minor": NET,
    }  # fmt: skip
    [dated] = (await balance_of(resources, shop)).coming
    assert (dated.day, dated.amount_minor) == ((clock.now() + 30 * DAY).date().isoformat(), 1080)
    assert (dated.source, dated.is_estimate) == ("reserve", False)
    assert (await pay(resources, shop)).amount_minor == 9720
    assert await wrong_with(connection, resources) == []

    clock.advance(30 * DAY - timedelta(seconds=1))
    assert await release_reserves(resources) == 0
    clock.advance(timedelta(seconds=1))
    assert await release_reserves(resources) == 1
    assert await release_reserves(resources) == 0
    assert await seller_owes(connection, shop) == {"available": 1080}
    assert await holds(connection, shop) == [(1080, 0, 1080)]
    told = "SELECT count(*) FROM outbox_event WHERE type = 'reserve_hold.released'"
    assert await connection.fetchval(told) == 1
    assert (await pay(resources, shop)).amount_minor == 1080
    [month] = await period_figures.read(
        connection, seller_id=shop.seller.id, since=clock.now() - 90 * DAY,
        until=clock.now() + DAY, vat_jurisdiction="marketplace",
    )  # fmt: skip
    pots = {one.name: (one.in_minor, one.out_minor) for one in month.figures.pots}
    assert (pots["reserved"], month.figures.closing_minor) == ((1080, 1080), 0)
    assert await wrong_with(connection, resources) == []


async def test_a_changed_rule_touches_no_sale_that_was_released(
    connection: Connection, resources: Resources, clock: ManualClock, shop: Shop
) -> None:
    listed = await make_rule(resources, caps={"EUR": 3000})
    await earn(resources, shop)
    before = await connection.fetchrow("SELECT * FROM reserve_hold")
    change: dict[str, Any] = {"rate_bps": 5000, "days": 90, "name": "harder"}
    changed = await transact(
        resources.db,
        reserve_rule_service.change_rule,
        viewer=an_operator(),
        rule_id=listed.rule.id,
        version=1,
        changes=change,
        now=clock.now(),
    )
    assert (changed.version, changed.rule.rate_bps, changed.name) == (2, 5000, "harder")
    with pytest.raises(VersionConflict):
        await transact(
            resources.db, reserve_rule_service.change_rule, viewer=an_operator(),
            rule_id=listed.rule.id, version=1, changes=change, now=clock.now(),
        )  # fmt: skip
    assert await connection.fetchrow("SELECT * FROM reserve_hold") == before
    # Half of it would be 5400; the cap leaves room for 1920 beside what is kept back already.
    await earn(resources, shop)
    assert await holds(connection, shop) == [(1080, 0, 0), (1920, 0, 0)]
    await earn(resources, shop)
    assert len(await holds(connection, shop)) == 2
    await transact(
        resources.db,
        reserve_rule_service.archive_rule,
        viewer=an_operator(),
        rule_id=listed.rule.id,
        now=clock.now(),
    )
    clock.advance(100 * DAY)
    await release_reserves(resources)
    assert await seller_owes(connection, shop) == {"available": 3 * NET}
    assert await wrong_with(connection, resources) == []


async def test_rules_look_at_sellers_categories_age_and_risk(
    connection: Connection, resources: Resources, clock: ManualClock, shop: Shop
) -> None:
    above = await make_category(connection, name="Home")
    below = await make_category(connection, name="Lamps", parent_id=above)
    lamp = await make_product(
        connection,
        seller=shop.seller,
        category_id=below,
        variants=[variant_draft(price_minor=12_000, stock=100)],
    )
    shop = Shop(shop.seller, lamp)
    await make_rule(resources, "category", category_id=above, rate_bps=2000)
    await make_rule(resources, "risk", measure=RiskMeasure.REFUNDS, above_bps=0, rate_bps=3000)
    first = await earn(resources, shop)
    assert await holds(connection, shop) == [(2160, 0, 0)]
    await refund(resources, first, shop, amount_minor=1200)
    await earn(resources, shop)
    assert (await holds(connection, shop))[1] == (3240, 0, 0)
    other = await make_shop(connection, price_minor=12_000)
    await earn(resources, other)
    assert await holds(connection, other) == []
    # An operator's word about one seller stands above all others, also where it is milder.
    await make_rule(resources, "seller", seller_id=shop.seller.id, rate_bps=0)
    await earn(resources, shop)
    assert len(await holds(connection, shop)) == 2
    await make_rule(resources, "new_account", younger_than_days=365, rate_bps=100)
    await earn(resources, other)
    assert await holds(connection, other) == [(108, 0, 0)]
    with pytest.raises(InvalidInput):
        await make_rule(resources, "category", category_id=shop.seller.id)
    assert await wrong_with(connection, resources) == []


@pytest.mark.parametrize("token", ["tok_ok", "tok_refund_timeout_then_declined"])
async def test_a_refund_takes_of_the_reserve_and_gives_back_when_it_fails(
    connection: Connection, resources: Resources, clock: ManualClock, shop: Shop, token: str
) -> None:
    await set_account(resources, shop)
    await make_rule(resources, rate_bps=5000)
    await earn(resources, shop)
    second = await earn(resources, shop, tenders=(Tender(method="sandbox", token=token),))
    await pay(resources, shop)
    given = await refund(resources, second, shop, amount_minor=9600)
    # 96.00 of 120.00: 86.40 of the seller's side, of its own sale's hold first.
    taken = {"reserve_minor": 8640, "available_minor": 0, "receivable_minor": 0}
    assert taken.items() <= given.effects["seller"].items()
    assert await holds(connection, shop) == [(5400, 3240, 0), (5400, 5400, 0)]
    clock.advance(31 * DAY)
    await release_reserves(resources)
    left = {"available": 2160}
    if token == "tok_refund_timeout_then_declined":
        # Refused after the time was over: what it had taken is released as well, and once.
        await refunds.resume_refunds(resources.refunds)
        assert await holds(connection, shop) == [(5400, 0, 2160), (5400, 0, 0)]
        for _ in range(2):
            await release_reserves(resources)
        assert await holds(connection, shop) == [(5400, 0, 5400), (5400, 0, 5400)]
        left = {"available": 10_800}
    assert await seller_owes(connection, shop) == left
    assert await wrong_with(connection, resources) == []


async def test_what_is_released_pays_a_debt_as_its_plan_says(
    connection: Connection, resources: Resources, clock: ManualClock, shop: Shop
) -> None:
    await set_account(resources, shop)
    order = await earn(resources, shop, 2)
    await make_rule(resources, rate_bps=5000)
    await earn(resources, shop)
    await pay(resources, shop)
    await refund(resources, order, shop, units=2)
    assert await seller_owes(connection, shop) == {"receivable": 2 * NET - 5400}
    await agree(resources, shop, share_bps=2500)
    await earn(resources, shop)
    # A quarter of it goes to the debt, half of the rest is kept back.
    assert await seller_owes(connection, shop) == {
        "receivable": 2 * NET - 5400 - 2700, "reserve": 4050, "available": 4050,
    }  # fmt: skip
    assert (await pay(resources, shop)).amount_minor == 4050
    clock.advance(31 * DAY)
    await release_reserves(resources)
    # A quarter of 4050 is 1012.5, rounded half up.
    assert await seller_owes(connection, shop) == {"receivable": 13_500 - 1013, "available": 3037}
    plan = (await balance_of(resources, shop)).plan
    assert plan is not None
    assert plan.plan.recovered_minor == 2700 + 1013
    assert await wrong_with(connection, resources) == []


async def test_a_balance_dates_what_comes_and_says_what_is_an_estimate(
    connection: Connection, resources: Resources, clock: ManualClock, shop: Shop
) -> None:
    await set_account(resources, shop)
    order = await buy(resources, (shop, 1))
    [unsent] = (await balance_of(resources, shop)).coming
    assert (unsent.amount_minor, unsent.source, unsent.is_estimate) == (NET, "pending", True)
    await ship(resources, order, shop)
    [sent] = (await balance_of(resources, shop)).coming
    assert sent.is_estimate
    assert sent.day is not None
    await step(resources, order, OrderStatus.DELIVERED, viewer=shop.viewer)
    balance = await balance_of(resources, shop)
    assert [(one.day, one.amount_minor, one.source, one.is_estimate) for one in balance.coming] == [
        ((clock.now() + 7 * DAY).date().isoformat(), NET, "pending", False)
    ]
    assert balance.pending_minor == NET
    assert balance.next_payout_at is not None
