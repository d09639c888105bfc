"""From payment to completion: units leave once, arrive once, and release the money once."""

import asyncio
from collections.abc import Callable
from datetime import timedelta
from uuid import uuid4

import pytest

from gosellr.core.clock import ManualClock
from gosellr.core.db import Connection
from gosellr.core.errors import NotAllowed, NotFound, VersionConflict
from gosellr.core.transact import transact
from gosellr.models.order_values import Order
from gosellr.resources import Resources
from gosellr.services import fulfilment_service, shipment_service
from gosellr.services.fulfilment_service import StatusRequest
from gosellr.services.order_steps import TransitionRefused
from gosellr.services.release_service import release_due
from gosellr.services.shipment_service import NothingLeftToShip, Parcel
from gosellr.utils.order_states import OrderStatus
from gosellr.utils.permissions import MemberRole, Role
from gosellr.utils.states import ShipmentStatus
from gosellr.utils.viewer import Viewer
from tests.factories.accounts import add_member, make_support
from tests.factories.sales import (
    NOW,
    Shop,
    buy,
    make_buyer,
    make_shop,
    part_of,
    read,
    refund,
    seller_owes,
    ship,
    step,
    stock,
)

OPERATOR = Viewer(roles=frozenset({Role.OPERATOR}))


@pytest.fixture
async def shop(connection: Connection) -> Shop:
    return await make_shop(connection, price_minor=1000, stock=10)


async def report(
    resources: Resources, order: Order, shop: Shop, status: ShipmentStatus, *, index: int = 0
) -> None:
    """Say where the shop's parcel is."""
    current = part_of(await read(resources, order), shop)
    await transact(
        resources.db,
        shipment_service.report,
        viewer=shop.viewer,
        order_id=order.id,
        shipment_id=current.shipments[index].id,
        status=status,
        policy=resources.policy,
        now=resources.clock.now(),
    )


async def test_parcels_leave_until_nothing_is_owed(
    resources: Resources, connection: Connection, shop: Shop
) -> None:
    order = await buy(resources, (shop, 3))
    await ship(resources, order, shop, units=1)
    first = await read(resources, order)
    assert (first.status, part_of(first, shop).status) == ("partially_shipped",) * 2
    assert await stock(connection, shop) == (9, 2)
    with pytest.raises(NothingLeftToShip) as refusal:
        await ship(resources, order, shop, units=3)
    assert refusal.value.extras == {"items": [{"order_item_id": order.lines[0].id, "left": 2}]}
    assert await stock(connection, shop) == (9, 2)
    await ship(resources, order, shop)
    second = await read(resources, order)
    assert (second.status, second.lines[0].shipped_quantity) == ("shipped", 3)
    assert [parcel.items[0]["quantity"] for parcel in part_of(second, shop).shipments] == [1, 2]
    assert await stock(connection, shop) == (7, 0)
    with pytest.raises(NothingLeftToShip):
        await ship(resources, order, shop)
    journal = await connection.fetch(
        "SELECT delta, cause_type FROM stock_movement WHERE kind = 'shipped' ORDER BY id"
    )
    assert [tuple(row) for row in journal] == [(-1, "shipment"), (-2, "shipment")]


async def test_refunded_units_are_not_shipped(
    resources: Resources, connection: Connection, shop: Shop
) -> None:
    order = await buy(resources, (shop, 3))
    await refund(resources, order, shop, units=1)
    with pytest.raises(NothingLeftToShip):
        await ship(resources, order, shop, units=3)
    await ship(resources, order, shop)
    after = await read(resources, order)
    assert (after.status, after.lines[0].shipped_quantity) == ("shipped", 2)
    assert await stock(connection, shop) == (8, 0)


async def test_the_last_owed_units_refunded_end_the_shipping(
    resources: Resources, shop: Shop
) -> None:
    order = await buy(resources, (shop, 2))
    await ship(resources, order, shop, units=1)
    await report(resources, order, shop, ShipmentStatus.DELIVERED)
    assert (await read(resources, order)).status == "partially_shipped"
    await refund(resources, order, shop, units=1)
    after = await read(resources, order)
    assert after.status == "delivered"
    steps = [event.to_status for event in after.events if event.kind == "status_changed"]
    assert steps == ["paid", "partially_shipped", "shipped", "delivered"]
    assert part_of(after, shop).release_due_at == NOW + timedelta(days=7)


async def test_reports_climb_and_never_fall(resources: Resources, shop: Shop) -> None:
    order = await buy(resources, (shop, 1))
    await ship(resources, order, shop)
    for status, expected in (
        (ShipmentStatus.LOST, "lost"),
        (ShipmentStatus.DELIVERED, "delivered"),
        (ShipmentStatus.IN_TRANSIT, "delivered"),
        (ShipmentStatus.DELIVERED, "delivered"),
        (ShipmentStatus.LOST, "delivered"),
    ):
        await report(resources, order, shop, status)
        part = part_of(await read(resources, order), shop)
        assert part.shipments[0].status == expected
    after = await read(resources, order)
    assert (after.status, after.lines[0].delivered_quantity) == ("delivered", 1)
    assert [event.to_status for event in after.events].count("delivered") == 1


async def test_whole_way_by_statuses(
    resources: Resources, connection: Connection, clock: ManualClock, shop: Shop
) -> None:
    buyer = await make_buyer(connection)
    order = await buy(resources, (shop, 2), buyer=buyer)
    await step(resources, order, OrderStatus.PROCESSING, viewer=shop.viewer)
    await step(resources, order, OrderStatus.SHIPPED, viewer=shop.viewer)
    await step(resources, order, OrderStatus.DELIVERED, viewer=shop.viewer)
    await step(resources, order, OrderStatus.DELIVERED, viewer=shop.viewer)
    delivered = part_of(await read(resources, order), shop)
    assert delivered.delivered_at == clock.now()
    assert delivered.release_due_at == clock.now() + timedelta(days=7)
    assert await seller_owes(connection, shop) == {"pending": 2000}
    await step(resources, order, OrderStatus.COMPLETED, viewer=buyer.viewer)
    after = await read(resources, order)
    assert after.status == "completed"
    assert part_of(after, shop).released_at == clock.now()
    assert await seller_owes(connection, shop) == {"available": 2000}
    clock.advance(timedelta(days=30))
    assert await transact(resources.db, release_due, now=clock.now()) == 0


async def test_money_is_released_when_the_hold_is_over_and_once(
    resources: Resources, connection: Connection, clock: ManualClock, shop: Shop
) -> None:
    order = await buy(resources, (shop, 1))
    await ship(resources, order, shop)
    await report(resources, order, shop, ShipmentStatus.DELIVERED)
    clock.advance(timedelta(days=7) - timedelta(seconds=1))
    assert await transact(resources.db, release_due, now=clock.now()) == 0
    clock.advance(timedelta(seconds=1))
    assert await transact(resources.db, release_due, now=clock.now()) == 1
    assert await seller_owes(connection, shop) == {"available": 1000}
    assert await transact(resources.db, release_due, now=clock.now()) == 0
    part = part_of(await read(resources, order), shop)
    assert (part.pending_minor, part.released_at) == (0, clock.now())


async def test_many_sales_are_released_by_as_many_statements_as_one(
    resources: Resources,
    connection: Connection,
    clock: ManualClock,
    shop: Shop,
    query_count: Callable[[], int],
) -> None:
    counts = []
    for orders in (1, 5):
        for _ in range(orders):
            order = await buy(resources, (shop, 1))
            await ship(resources, order, shop)
            await report(resources, order, shop, ShipmentStatus.DELIVERED)
        clock.advance(timedelta(days=7))
        query_count()
        assert await release_due(connection, now=clock.now()) == orders
        counts.append(query_count())
    assert counts == [7, 7]


@pytest.mark.parametrize(
    ("status", "allowed"),
    [
        (OrderStatus.DELIVERED, ["processing", "shipped"]),
        (OrderStatus.COMPLETED, ["processing", "shipped"]),
        (OrderStatus.PAID, ["processing", "shipped"]),
        (OrderStatus.CANCELLED, ["processing", "shipped"]),
    ],
)
async def test_only_listed_steps_are_taken(
    resources: Resources, shop: Shop, status: OrderStatus, allowed: list[str]
) -> None:
    order = await buy(resources, (shop, 1))
    before = await read(resources, order)
    with pytest.raises(TransitionRefused) as refusal:
        await step(resources, order, status, viewer=shop.viewer)
    assert refusal.value.extras["allowed"] == allowed
    assert await read(resources, order) == before


async def test_who_may_take_a_step(
    resources: Resources, connection: Connection, shop: Shop
) -> None:
    other = await make_shop(connection)
    buyer = await make_buyer(connection)
    order = await buy(resources, (shop, 1), (other, 1), buyer=buyer)
    watcher = await add_member(connection, now=NOW, seller=shop.seller, role=MemberRole.VIEWER)
    watching = Viewer(
        user_id=watcher.id,
        roles=frozenset({Role.SELLER}),
        memberships={shop.seller.id: MemberRole.VIEWER},
    )
    with pytest.raises(NotAllowed):
        await step(resources, order, OrderStatus.PROCESSING, viewer=watching)
    with pytest.raises(NotAllowed):
        await ship(resources, order, shop, viewer=watching)
    for seller, foreign in ((other, shop), (shop, other)):
        with pytest.raises(NotFound):
            await step(resources, order, OrderStatus.PROCESSING, viewer=seller.viewer, shop=foreign)
    with pytest.raises(NotFound):
        await ship(resources, order, shop, viewer=other.viewer)
    support = await make_support(connection, now=NOW)
    with pytest.raises(NotFound):
        await ship(resources, order, shop, viewer=support.viewer)
    with pytest.raises(TransitionRefused):
        await step(resources, order, OrderStatus.PROCESSING, viewer=buyer.viewer)
    await step(resources, order, OrderStatus.PROCESSING, viewer=shop.viewer)
    after = await read(resources, order)
    assert (part_of(after, shop).status, part_of(after, other).status) == ("processing", "paid")
    assert after.status == "paid"
    await step(resources, order, OrderStatus.SHIPPED, viewer=OPERATOR)
    assert (await read(resources, order)).status == "shipped"


async def test_an_item_of_a_sibling_is_not_found(
    resources: Resources, connection: Connection, shop: Shop
) -> None:
    other = await make_shop(connection)
    order = await buy(resources, (shop, 1), (other, 1))
    before = await stock(connection, shop), await stock(connection, other)
    own, foreign = part_of(order, shop), part_of(order, other)
    for items in (((own.lines[0].id, 1), (foreign.lines[0].id, 1)), ((uuid4(), 1),)):
        with pytest.raises(NotFound):
            await transact(
                resources.db,
                shipment_service.ship,
                viewer=shop.viewer,
                order_id=order.id,
                parcel=Parcel(seller_order_id=own.id, carrier="dhl", items=items),
                policy=resources.policy,
                now=NOW,
            )
    assert (await stock(connection, shop), await stock(connection, other)) == before


async def test_a_stale_version_moves_nothing(resources: Resources, shop: Shop) -> None:
    order = await buy(resources, (shop, 1))
    with pytest.raises(VersionConflict):
        await transact(
            resources.db,
            fulfilment_service.request_status,
            viewer=shop.viewer,
            order_id=order.id,
            request=StatusRequest(status=OrderStatus.PROCESSING, version=order.version + 1),
            policy=resources.policy,
            now=NOW,
        )
    assert (await read(resources, order)).status == "paid"


async def test_a_parcel_costs_a_fixed_number_of_statements(
    resources: Resources, shop: Shop, query_count: Callable[[], int]
) -> None:
    order = await buy(resources, (shop, 3))
    await asyncio.sleep(0)  # The driver tells of a statement a turn later.
    query_count()
    await ship(resources, order, shop)
    await asyncio.sleep(0)
    assert query_count() == 11
