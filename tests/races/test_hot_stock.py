"""A product that everybody wants at once: spread by itself, sold to the last unit, never over."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Awaitable
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from structlog.testing import capture_logs

from gosellr.core.clock import ManualClock
from gosellr.core.db import Connection, Database
from gosellr.core.transact import transact
from gosellr.jobs import upkeep
from gosellr.jobs.audit import audit_market
from gosellr.models.order_values import Order
from gosellr.resources import Resources
from gosellr.services import inventory_service
from gosellr.services.reservation_service import OutOfStock
from gosellr.utils.permissions import Role
from gosellr.utils.viewer import Viewer
from tests.factories.buckets import Bucket, buckets, spread
from tests.factories.sales import Shop, buy, cancel, make_shop, ship

OPERATOR = Viewer(roles=frozenset({Role.OPERATOR}))
RIVALS = 20

WAITING = """
SELECT count(*) FROM pg_stat_activity
WHERE datname = current_database() AND wait_event_type = 'Lock'
"""


@pytest.fixture
async def crowd(live: Resources) -> AsyncIterator[Resources]:
    """The market of a process with room for many buyers at once."""
    db = await Database.connect(live.settings.database_url, max_size=RIVALS)
    try:
        yield replace(live, db=db)
    finally:
        await live.hot_stock.settle()
        await db.close()


@asynccontextmanager
async def another_process(market: Resources) -> AsyncIterator[Resources]:
    """The same market where orders are written by statements of their own, which wait for those
    that are written here."""
    db = await Database.connect(market.settings.database_url, max_size=RIVALS)
    try:
        yield replace(market, db=db)
    finally:
        await db.close()


async def tried(purchase: Awaitable[Order]) -> Order | None:
    """The order, or None where there wasn't enough."""
    try:
        return await purchase
    except OutOfStock:
        return None


async def sold(purchases: list[Awaitable[Order]]) -> list[Order]:
    """Everybody at once: who got something."""
    orders = await asyncio.gather(*(tried(purchase) for purchase in purchases))
    return [order for order in orders if order is not None]


def totals(rows: list[Bucket]) -> tuple[int, int]:
    return sum(row.on_hand for row in rows), sum(row.reserved for row in rows)


async def assert_all_is_well(market: Resources) -> None:
    assert await audit_market(market.db, gateways=market.gateways, now=market.clock.now()) == []


async def until_somebody_waits(market: Resources) -> None:
    async with market.db.connection() as connection:
        while await connection.fetchval(WAITING) == 0:  # noqa: ASYNC110  (PostgreSQL tells nobody)
            await asyncio.sleep(0.01)


@asynccontextmanager
async def spreading(market: Resources, shop: Shop) -> AsyncIterator[Connection]:
    """Stock is being spread by somebody who commits at the end."""
    async with market.db.connection() as connection, connection.transaction():
        await inventory_service.spread_stock(
            connection, variant_id=shop.product.variant_id, now=market.clock.now()
        )
        yield connection


async def recount(market: Resources, shop: Shop, units: int) -> None:
    await transact(
        market.db,
        inventory_service.set_stock,
        product_id=shop.product.id,
        location_id=shop.seller.location_id,
        units={shop.product.variant_id: units},
        reason="import",
        actor_id=None,
        now=market.clock.now(),
    )


async def test_a_hundred_buyers_of_sixty_units(crowd: Resources) -> None:
    shop = await transact(crowd.db, make_shop, stock=60)
    assert len(await spread(crowd, shop)) == 7
    orders = await sold([buy(crowd, (shop, 1)) for _ in range(100)])
    assert len(orders) == 60
    assert totals(await buckets(crowd, shop)) == (60, 60)
    await assert_all_is_well(crowd)


async def test_the_last_units_are_sold_whatever_the_quantities(crowd: Resources) -> None:
    """Everybody asks for three, and no bucket holds a multiple of it."""
    shop = await transact(crowd.db, make_shop, stock=64)
    assert len(await spread(crowd, shop)) == 8
    orders = await sold([buy(crowd, (shop, 3)) for _ in range(40)])
    assert len(orders) == 21
    assert totals(await buckets(crowd, shop)) == (64, 63)
    [last] = await sold([buy(crowd, (shop, 1)) for _ in range(4)])
    assert last.paid_at is not None
    await assert_all_is_well(crowd)


async def test_more_than_any_bucket_holds_is_sold_to_one_of_two(crowd: Resources) -> None:
    shop = await transact(crowd.db, make_shop, stock=60)
    await spread(crowd, shop)
    answers = await asyncio.gather(
        *(buy(crowd, (shop, 35)) for _ in range(2)), return_exceptions=True
    )
    [refusal] = [answer for answer in answers if isinstance(answer, OutOfStock)]
    [short] = refusal.extras["variants"]
    assert (short["variant_id"], short["available"]) == (shop.product.variant_id, 25)
    assert totals(await buckets(crowd, shop)) == (60, 35)
    await assert_all_is_well(crowd)


@pytest.mark.parametrize("stock", [64, 24])
async def test_two_hot_products_bought_together_in_both_orders(
    crowd: Resources, stock: int
) -> None:
    one = await transact(crowd.db, make_shop, stock=stock)
    other = await transact(crowd.db, make_shop, stock=stock)
    await spread(crowd, one)
    await spread(crowd, other)
    both: list[tuple[Shop, Shop]] = [(one, other), (other, one)] * 24
    orders = await sold([buy(crowd, (first, 1), (second, 1)) for first, second in both])
    assert len(orders) == min(stock, 48)
    for shop in (one, other):
        assert totals(await buckets(crowd, shop)) == (stock, len(orders))
    await assert_all_is_well(crowd)


async def test_selling_shipping_counting_and_spreading_at_once(crowd: Resources) -> None:
    shop = await transact(crowd.db, make_shop, stock=200)
    await spread(crowd, shop)
    ends = Counter[str]()

    async def life(number: int) -> None:
        order = await tried(buy(crowd, (shop, 1 + number % 3)))
        if order is None:
            ends["none"] += 1
        elif number % 3 == 0:
            await ship(crowd, order, shop)
            ends["shipped"] += 1 + number % 3
        elif number % 3 == 1:
            await cancel(crowd, order, viewer=OPERATOR)
            ends["cancelled"] += 1
        else:
            ends["held"] += 1 + number % 3

    def meanwhile(number: int) -> list[Awaitable[Any]]:
        return [life(number)] + ([spread(crowd, shop)] if number % 9 == 0 else [])

    await asyncio.gather(*(work for number in range(90) for work in meanwhile(number)))
    assert ends == {"shipped": 30, "cancelled": 30, "held": 90}
    assert totals(await buckets(crowd, shop)) == (170, 90)
    await recount(crowd, shop, 90)
    assert totals(await buckets(crowd, shop)) == (90, 90)
    await assert_all_is_well(crowd)


async def test_who_waited_while_stock_was_spread_finds_all_of_it(crowd: Resources) -> None:
    shop = await transact(crowd.db, make_shop, stock=60)
    async with spreading(crowd, shop):
        buying = asyncio.create_task(buy(crowd, (shop, 30)))
        await until_somebody_waits(crowd)
    assert (await buying).paid_at is not None
    assert totals(await buckets(crowd, shop)) == (60, 30)


async def test_who_takes_all_buckets_also_finds_those_just_made(crowd: Resources) -> None:
    shop = await transact(crowd.db, make_shop, stock=16)
    assert len(await spread(crowd, shop)) == 2
    await recount(crowd, shop, 116)
    async with spreading(crowd, shop):
        # More than any bucket holds, so that it begins with all of them.
        buying = asyncio.create_task(buy(crowd, (shop, 110)))
        await until_somebody_waits(crowd)
    assert (await buying).paid_at is not None
    assert totals(await buckets(crowd, shop)) == (116, 110)


@pytest.mark.parametrize("units", [50, 70])
async def test_who_counted_while_stock_was_spread_counts_all_of_it(
    crowd: Resources, units: int
) -> None:
    shop = await transact(crowd.db, make_shop, stock=60)
    async with spreading(crowd, shop):
        counting = asyncio.create_task(recount(crowd, shop, units))
        await until_somebody_waits(crowd)
    await counting
    assert totals(await buckets(crowd, shop)) == (units, 0)


async def test_two_who_spread_at_once_make_each_bucket_once(crowd: Resources) -> None:
    shop = await transact(crowd.db, make_shop, stock=1000)
    async with spreading(crowd, shop):
        again = asyncio.create_task(spread(crowd, shop))
        await until_somebody_waits(crowd)
    assert [row.on_hand for row in await again] == [63] * 8 + [62] * 8


async def test_a_rush_spreads_a_product_and_its_end_gathers_it(
    crowd: Resources, clock: ManualClock
) -> None:
    shop = await transact(crowd.db, make_shop, stock=400)
    orders: list[Order] = []
    async with another_process(crowd) as other:
        while len(await buckets(crowd, shop)) == 1:
            orders += await sold([buy(one, (shop, 1)) for _ in range(16) for one in (crowd, other)])
            await crowd.hot_stock.settle()
            assert len(orders) < 400
    split = await buckets(crowd, shop)
    assert len(split) == 16
    assert totals(split) == (400, len(orders))
    orders += await sold([buy(crowd, (shop, 1)) for _ in range(32)])
    await upkeep.gather_stock(crowd)
    assert len(await buckets(crowd, shop)) == 16
    clock.advance(timedelta(minutes=3))
    await upkeep.gather_stock(crowd)
    gathered = await buckets(crowd, shop)
    assert gathered[0].free == 400 - len(orders)
    assert {row.free for row in gathered[1:]} == {0}
    await assert_all_is_well(crowd)
    for order in orders:
        await ship(crowd, order, shop)
    clock.advance(timedelta(minutes=3))
    await upkeep.gather_stock(crowd)
    assert await buckets(crowd, shop) == [Bucket(0, 400 - len(orders), 0)]
    await assert_all_is_well(crowd)


async def test_who_comes_one_after_the_other_makes_no_rush(crowd: Resources) -> None:
    shop = await transact(crowd.db, make_shop, stock=400)
    for _ in range(12):
        await buy(crowd, (shop, 1))
    await crowd.hot_stock.settle()
    assert await buckets(crowd, shop) == [Bucket(0, 400, 12)]


async def test_spreading_that_fails_is_no_buyer_s_business(
    crowd: Resources,
) -> None:
    shop = await transact(crowd.db, make_shop, stock=400)
    gone = await Database.connect(crowd.settings.database_url, max_size=1)
    await gone.close()
    with capture_logs() as logged:
        for _ in range(7):
            crowd.hot_stock.notice([shop.product.variant_id], db=gone, clock=crowd.clock)
        await crowd.hot_stock.settle()
        assert logged == []
        crowd.hot_stock.notice([shop.product.variant_id], db=gone, clock=crowd.clock)
        await crowd.hot_stock.settle()
    assert [line["event"] for line in logged] == ["stock not spread"]
    assert (await buy(crowd, (shop, 1))).paid_at is not None
    assert await buckets(crowd, shop) == [Bucket(0, 400, 1)]
