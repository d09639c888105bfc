"""Stock in several buckets is the same stock: to buyers, sellers, parcels and the journal."""

import asyncio
import json
from collections.abc import Callable
from datetime import timedelta

import pytest

from gosellr.core.clock import ManualClock
from gosellr.core.db import Connection, Database
from gosellr.core.transact import ask, transact
from gosellr.jobs import upkeep
from gosellr.queries import product_cards
from gosellr.resources import Resources
from gosellr.services import inventory_service
from gosellr.services.inventory_service import StockPromised
from gosellr.services.reservation_service import OutOfStock
from gosellr.utils.permissions import Role
from gosellr.utils.viewer import Viewer
from tests.conftest import StatementwiseDatabase
from tests.factories.buckets import Bucket, buckets, spread
from tests.factories.sales import Shop, buy, cancel, make_shop, refund, ship

OPERATOR = Viewer(roles=frozenset({Role.OPERATOR}))
STATEMENTS_MAX = 18


@pytest.fixture
def db(connection: Connection) -> Database:
    """Placing an order at once fails where no bucket has enough, and is done step by step then."""
    return StatementwiseDatabase(connection)


@pytest.fixture
async def shop(connection: Connection) -> Shop:
    """A shop with sixty of its product."""
    return await make_shop(connection, stock=60)


async def adjust(resources: Resources, shop: Shop, delta: int) -> dict[str, object]:
    document = await transact(
        resources.db,
        inventory_service.adjust_stock,
        viewer=shop.viewer,
        variant_id=shop.product.variant_id,
        delta=delta,
        reason="count",
        now=resources.clock.now(),
    )
    assert isinstance(document, bytes)
    stock: dict[str, object] = json.loads(document)
    return stock


async def recount(resources: Resources, shop: Shop, units: int) -> None:
    await transact(
        resources.db,
        inventory_service.set_stock,
        product_id=shop.product.id,
        location_id=shop.seller.location_id,
        units={shop.product.variant_id: units},
        reason="import",
        actor_id=None,
        now=resources.clock.now(),
    )


async def gather_later(resources: Resources, clock: ManualClock, shop: Shop) -> list[Bucket]:
    clock.advance(timedelta(minutes=3))
    await upkeep.gather_stock(resources)
    return await buckets(resources, shop)


@pytest.mark.parametrize(
    ("units", "shares"),
    [
        (15, [15]),
        (16, [8, 8]),
        (60, [9, 9, 9, 9, 8, 8, 8]),
        (1000, [63] * 8 + [62] * 8),
    ],
)
async def test_free_units_are_shared_out_evenly(
    connection: Connection, resources: Resources, units: int, shares: list[int]
) -> None:
    shop = await make_shop(connection, stock=units)
    expected = [Bucket(number, share, 0) for number, share in enumerate(shares)]
    assert await spread(resources, shop) == expected
    # Once more changes nothing.
    assert await spread(resources, shop) == expected


async def test_reserved_units_stay_where_their_holds_name_them(
    resources: Resources, shop: Shop
) -> None:
    await buy(resources, (shop, 44))
    assert await spread(resources, shop) == [Bucket(0, 52, 44), Bucket(1, 8, 0)]


async def test_spreading_again_evens_out_a_delivery(resources: Resources, shop: Shop) -> None:
    await spread(resources, shop)
    await buy(resources, (shop, 8))
    await adjust(resources, shop, 60)
    assert (await buckets(resources, shop))[0].free >= 60
    again = await spread(resources, shop)
    assert [bucket.free for bucket in again] == [8] * 8 + [8] * 6
    assert sum(bucket.reserved for bucket in again) == 8


async def test_every_reader_sees_the_sum(resources: Resources, shop: Shop) -> None:
    async def seen() -> tuple[dict[str, object], bytes, str | None, tuple[str, bool]]:
        async with resources.db.connection() as connection:
            now = resources.clock.now()
            await product_cards.refresh_availability(connection, [shop.product.id], now)
            row = await connection.fetchrow(
                "SELECT card, in_stock FROM product_card WHERE product_id = $1", shop.product.id
            )
            assert row is not None
            document = await inventory_service.stock_document(
                connection, viewer=shop.viewer, variant_id=shop.product.variant_id
            )
            items, cursor = await inventory_service.stock_movements(
                connection,
                viewer=shop.viewer,
                variant_id=shop.product.variant_id,
                cursor=None,
                limit=10,
            )
            return json.loads(document), items, cursor, (row["card"], row["in_stock"])

    before = await seen()
    assert (before[0]["on_hand"], before[0]["available"]) == (60, 60)
    assert len(await spread(resources, shop)) == 7
    # The seller's list doesn't tell of buckets either.
    assert await seen() == before


async def test_counting_reaches_every_bucket(resources: Resources, shop: Shop) -> None:
    await spread(resources, shop)
    await buy(resources, (shop, 5))
    assert (await adjust(resources, shop, -40))["available"] == 15
    await recount(resources, shop, 35)
    assert sum(bucket.on_hand for bucket in await buckets(resources, shop)) == 35
    with pytest.raises(StockPromised):
        await recount(resources, shop, 4)
    await recount(resources, shop, 5)
    assert [bucket.free for bucket in await buckets(resources, shop) if bucket.free] == []


async def test_more_than_any_bucket_has_is_sold_while_the_sum_suffices(
    resources: Resources, shop: Shop
) -> None:
    await spread(resources, shop)
    order = await buy(resources, (shop, 25))
    assert order.paid_at is not None
    assert sum(bucket.reserved for bucket in await buckets(resources, shop)) == 25
    with pytest.raises(OutOfStock) as refusal:
        await buy(resources, (shop, 36))
    assert refusal.value.extras["variants"][0]["available"] == 35
    await buy(resources, (shop, 35))
    assert sum(bucket.free for bucket in await buckets(resources, shop)) == 0


async def test_parcels_leave_out_of_the_buckets_of_their_line(
    resources: Resources, clock: ManualClock, shop: Shop
) -> None:
    await spread(resources, shop)
    order = await buy(resources, (shop, 25))
    await ship(resources, order, shop, units=10)
    now = await buckets(resources, shop)
    assert (sum(one.on_hand for one in now), sum(one.reserved for one in now)) == (50, 15)
    await ship(resources, order, shop)
    now = await buckets(resources, shop)
    assert (sum(one.on_hand for one in now), sum(one.reserved for one in now)) == (35, 0)
    assert await gather_later(resources, clock, shop) == [Bucket(0, 35, 0)]


async def test_what_is_cancelled_or_refunded_goes_back_to_its_buckets(
    resources: Resources, clock: ManualClock, shop: Shop
) -> None:
    await spread(resources, shop)
    first, second = await buy(resources, (shop, 20)), await buy(resources, (shop, 20))
    await cancel(resources, first, viewer=OPERATOR)
    now = await buckets(resources, shop)
    assert (sum(one.on_hand for one in now), sum(one.reserved for one in now)) == (60, 20)
    await refund(resources, second, shop, units=12, viewer=OPERATOR, restock=True)
    now = await buckets(resources, shop)
    assert (sum(one.on_hand for one in now), sum(one.reserved for one in now)) == (60, 8)
    await refund(resources, second, shop, units=8, viewer=OPERATOR, restock=False)
    assert await gather_later(resources, clock, shop) == [Bucket(0, 52, 0)]


async def test_stock_is_gathered_when_nobody_buys_it_any_more(
    resources: Resources, clock: ManualClock, shop: Shop
) -> None:
    async def gather() -> list[Bucket]:
        await upkeep.gather_stock(resources)
        return await buckets(resources, shop)

    split = await spread(resources, shop)
    assert await gather() == split
    clock.advance(timedelta(minutes=3))
    orders = [await buy(resources, (shop, 1)) for _ in range(16)]
    selling = await buckets(resources, shop)
    assert await gather() == selling
    clock.advance(timedelta(minutes=1, seconds=59))
    assert await gather() == selling
    # Then what is promised is all that is left in the other buckets.
    clock.advance(timedelta(seconds=2))
    gathered = await gather()
    assert gathered[0].free == 44
    assert [bucket.free for bucket in gathered[1:]] == [0] * (len(gathered) - 1)
    assert len(gathered) > 1
    for order in orders:
        await cancel(resources, order, viewer=OPERATOR)
    assert await gather_later(resources, clock, shop) == [Bucket(0, 60, 0)]


async def test_spreading_keeps_every_place_by_itself(resources: Resources, shop: Shop) -> None:
    async with resources.db.connection() as connection:
        annex = json.loads(
            await inventory_service.create_location(
                connection, viewer=shop.viewer, name="Annex", now=resources.clock.now()
            )
        )
        await inventory_service.adjust_stock(
            connection,
            viewer=shop.viewer,
            variant_id=shop.product.variant_id,
            delta=17,
            reason="count",
            location_id=annex["id"],
            now=resources.clock.now(),
        )
    assert len(await spread(resources, shop)) == 7 + 2
    document = json.loads(
        await ask(
            resources.db,
            inventory_service.stock_document,
            viewer=shop.viewer,
            variant_id=shop.product.variant_id,
        )
    )
    assert [(one["name"], one["on_hand"]) for one in document["locations"]] == [
        ("Main", 60),
        ("Annex", 17),
    ]


async def test_buying_takes_as_many_statements_as_ever(
    resources: Resources, shop: Shop, query_count: Callable[[], int]
) -> None:
    """One bucket or many: only who needs all of them asks again."""
    await buy(resources, (shop, 1))
    counts = []
    for is_spread in (False, True):
        if is_spread:
            await spread(resources, shop)
        await asyncio.sleep(0)  # The driver tells of a statement in the loop's next turn.
        query_count()
        await buy(resources, (shop, 1))
        await asyncio.sleep(0)
        counts.append(query_count())
    assert counts[1] == counts[0] <= STATEMENTS_MAX
