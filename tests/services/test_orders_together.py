"""Orders that come at the same time: written and settled by one statement, each as if alone."""

from collections.abc import Sequence
from dataclasses import asdict
from datetime import timedelta
from typing import Any

import pytest

from gosellr.core.db import Connection
from gosellr.core.gathering import NotTogether
from gosellr.core.identity import new_id
from gosellr.core.transact import attempt
from gosellr.models.order_values import Order
from gosellr.resources import Resources
from gosellr.services import (
    audit_service,
    basket_service,
    idempotency_service,
    order_at_once,
    order_service,
    settlement_service,
)
from gosellr.services.basket_service import CheckoutRequest, Tender, WantedBasket
from gosellr.services.idempotency_service import KeptAnswer, RequestKey
from gosellr.services.order_at_once import OrderDraft
from gosellr.services.payment_answers import GatewayAnswer
from gosellr.services.pricing_service import PricingContext
from gosellr.utils.states import PaymentStatus
from gosellr.utils.viewer import GUEST
from tests.factories.orders import ADDRESS
from tests.factories.sales import Shop, a_key, make_commission, make_shop, stock
from tests.factories.terms import make_delivery, make_tax

# Fields that name this order and no other, and where one stands among all.
OWN = ("id", "order_id", "seller_order_id", "number", "placed_at", "created_at", "updated_at", "at")

HELD = "SELECT quantity FROM stock_reservation WHERE order_id = $1"


@pytest.fixture
async def shop(connection: Connection) -> Shop:
    await make_tax(connection, rate_bps=1900)
    await make_delivery(connection)
    await make_commission(connection, fixed_minor=30, on_shipping=True, currency="EUR")
    return await make_shop(connection, price_minor=1999, stock=9)


def wanted_of(
    resources: Resources, *shops: Shop, quantity: int = 2, seconds: int = 0, **request: Any
) -> WantedBasket:
    said = {
        "items": tuple((shop.product.variant_id, quantity) for shop in shops),
        "email": "ada@example.com",
        "shipping_address": ADDRESS,
        **request,
    }
    return WantedBasket(
        viewer=GUEST,
        request=CheckoutRequest(tenders=(Tender(method="sandbox", token="tok_ok"),), **said),
        context=PricingContext(
            policy=resources.policy,
            now=resources.clock.now() + timedelta(seconds=seconds),
            terms_shelf=resources.terms_shelf,
        ),
    )


async def drafted(
    resources: Resources,
    connection: Connection,
    *shops: Shop,
    quantity: int = 2,
    key: RequestKey | None = None,
    seconds: int = 0,
) -> OrderDraft:
    wanted = wanted_of(resources, *shops, quantity=quantity, seconds=seconds)
    (read,) = await basket_service.read_baskets(connection, [wanted])
    draft = order_at_once.draft(
        read,
        order_id=new_id(),
        viewer=wanted.viewer,
        request=wanted.request,
        key=key or a_key(),
        token_hash=None,
        context=wanted.context,
    )
    assert draft is not None
    return draft


async def placed(connection: Connection, *drafts: OrderDraft) -> list[Order | None]:
    # What is refused is undone, as it would be outside of a test's transaction.
    transaction = connection.transaction()
    await transaction.start()
    opened = await order_at_once.place(connection, drafts)
    await (transaction.rollback() if None in opened else transaction.commit())
    return [None if one is None else one.order for one in opened]


async def all_placed(connection: Connection, *drafts: OrderDraft) -> list[Order]:
    orders = [order for order in await placed(connection, *drafts) if order is not None]
    assert len(orders) == len(drafts)
    return orders


def common(value: Any) -> Any:
    """A value without what is its own."""
    if isinstance(value, dict):
        return {name: common(part) for name, part in value.items() if name not in OWN}
    if isinstance(value, (list, tuple)):
        return [common(part) for part in value]
    return value


def captured(order: Order) -> list[GatewayAnswer]:
    return [
        GatewayAnswer(
            payment_id=payment.id,
            status=PaymentStatus.CAPTURED,
            sent=True,
            captured_minor=payment.amount_minor,
            fee_minor=41,
            gateway_reference=f"ref-{payment.part}",
        )
        for payment in order.payments
    ]


async def read(connection: Connection, order: Order) -> Order:
    return await order_service.load_order(connection, order_id=order.id)


async def settled(
    resources: Resources, connection: Connection, orders: Sequence[Order], *, seconds: int = 5
) -> list[Order | None]:
    drafts = []
    for place, order in enumerate(orders):
        draft = settlement_service.draft(
            order,
            captured(order),
            policy=resources.policy,
            now=resources.clock.now() + timedelta(seconds=seconds + place),
        )
        assert draft is not None
        drafts.append(draft)
    done = await settlement_service.settle_drafted(connection, drafts)
    return [None if one is None else one.order for one in done]


async def test_together_each_reads_as_if_it_had_come_alone(
    resources: Resources, connection: Connection, shop: Shop
) -> None:
    other = await make_shop(connection)
    baskets = ((shop,), (other, shop), (other,), (shop, other))
    orders: list[list[Order]] = []
    for together in (True, False):
        drafts = [
            await drafted(resources, connection, *shops, quantity=1, seconds=place)
            for place, shops in enumerate(baskets)
        ]
        if together:
            opened = await all_placed(connection, *drafts)
            paid = await settled(resources, connection, opened)
        else:
            opened, paid = [], []
            for place, draft in enumerate(drafts):
                opened += await all_placed(connection, draft)
                paid += await settled(resources, connection, opened[-1:], seconds=5 + place)
        found = [await read(connection, order) for order in opened]
        assert found == paid
        orders.append(found)
    assert [common(asdict(order)) for order in orders[0]] == [
        common(asdict(order)) for order in orders[1]
    ]
    assert [order.placed_at for order in orders[0]] == [order.placed_at for order in orders[1]]
    assert (await stock(connection, shop), await stock(connection, other)) == ((9, 6), (100, 6))
    broken = await audit_service.audit(connection, now=resources.clock.now(), gateway_journals={})
    assert broken == []


async def test_what_falls_short_for_all_is_written_for_none(
    resources: Resources, connection: Connection, shop: Shop
) -> None:
    drafts = [await drafted(resources, connection, shop, quantity=4) for _ in range(3)]
    with pytest.raises(NotTogether):
        await attempt(connection, order_at_once.place, drafts)
    assert await connection.fetchval("SELECT count(*) FROM orders") == 0
    assert await connection.fetchval("SELECT count(*) FROM idempotency_key") == 0
    assert await stock(connection, shop) == (9, 0)
    assert await placed(connection, drafts[0]) != [None]
    assert await placed(connection, drafts[1]) != [None]
    assert await placed(connection, drafts[2]) == [None]
    assert await stock(connection, shop) == (9, 8)


async def test_a_request_that_was_claimed_before_is_found_out_among_others(
    resources: Resources, connection: Connection, shop: Shop
) -> None:
    key = a_key()
    [first] = await all_placed(connection, await drafted(resources, connection, shop, key=key))
    drafts = [
        await drafted(resources, connection, shop, key=key),
        await drafted(resources, connection, shop),
    ]
    with pytest.raises(NotTogether):
        await attempt(connection, order_at_once.place, drafts)
    assert await placed(connection, drafts[0]) == [None]
    assert await placed(connection, drafts[1]) != [None]
    assert await stock(connection, shop) == (9, 4)
    earlier = await idempotency_service.find(connection, request=key)
    assert earlier is not None
    assert earlier.resource_id == str(first.id)


async def in_two_places(connection: Connection, shop: Shop, *, units: int) -> None:
    """So many units here, and so many elsewhere."""
    await connection.execute(
        "UPDATE stock_level SET on_hand = $2 WHERE variant_id = $1", shop.product.variant_id, units
    )
    elsewhere = new_id()
    await connection.execute(
        """
        INSERT INTO stock_location (id, seller_id, name, created_at)
        SELECT $1, seller_id, 'Elsewhere', created_at FROM stock_location WHERE id = $2
        """,
        elsewhere,
        shop.seller.location_id,
    )
    await connection.execute(
        """
        INSERT INTO stock_level (variant_id, location_id, bucket, on_hand, reserved)
        VALUES ($1, $2, 0, $3, 0)
        """,
        shop.product.variant_id,
        elsewhere,
        units,
    )


async def parcels(connection: Connection, *orders: Order) -> list[list[int]]:
    """The units that each order holds at each place."""
    return [[row["quantity"] for row in await connection.fetch(HELD, order.id)] for order in orders]


async def test_each_order_holds_what_is_its_own(
    resources: Resources, connection: Connection, shop: Shop
) -> None:
    await in_two_places(connection, shop, units=3)
    drafts = [await drafted(resources, connection, shop, quantity=3) for _ in range(2)]
    orders = await all_placed(connection, *drafts)
    assert await parcels(connection, *orders) == [[3], [3]]
    reserved = await connection.fetch("SELECT on_hand, reserved FROM stock_level")
    assert [tuple(row) for row in reserved] == [(3, 3), (3, 3)]


async def test_no_order_is_sent_in_more_parcels_for_having_come_with_others(
    resources: Resources, connection: Connection, shop: Shop
) -> None:
    """Two times three out of five here and five there: side by side the second would be torn."""
    await in_two_places(connection, shop, units=5)
    drafts = [await drafted(resources, connection, shop, quantity=3) for _ in range(2)]
    with pytest.raises(NotTogether):
        await attempt(connection, order_at_once.place, drafts)
    orders = [order for draft in drafts for order in await all_placed(connection, draft)]
    assert await parcels(connection, *orders) == [[3], [3]]


async def test_one_that_somebody_came_to_first_is_left_to_the_long_way(
    resources: Resources, connection: Connection, shop: Shop
) -> None:
    drafts = [await drafted(resources, connection, shop) for _ in range(3)]
    first, overtaken, last = await all_placed(connection, *drafts)
    await connection.execute("UPDATE orders SET version = version + 1 WHERE id = $1", overtaken.id)
    before = await read(connection, overtaken)
    paid = await settled(resources, connection, [first, overtaken, last])
    assert [order is not None for order in paid] == [True, False, True]
    assert await read(connection, overtaken) == before
    assert [await read(connection, one) for one in (first, last)] == [paid[0], paid[2]]
    booked = await connection.fetch("SELECT DISTINCT order_id FROM ledger_transaction")
    assert {row["order_id"] for row in booked} == {first.id, last.id}
    told = await connection.fetch(
        "SELECT aggregate_id FROM outbox_event WHERE type = 'order.paid' ORDER BY sequence"
    )
    assert {row["aggregate_id"] for row in told} == {first.id, last.id}


async def test_each_buyer_is_kept_the_own_answer_if_there_is_one(
    resources: Resources, connection: Connection, shop: Shop
) -> None:
    keys = [a_key() for _ in range(4)]
    drafts = [await drafted(resources, connection, shop, key=key) for key in keys]
    orders = await all_placed(connection, *drafts)
    now = resources.clock.now()

    def kept(key: RequestKey, body: bytes) -> KeptAnswer:
        return KeptAnswer(request=key, status=201, body=body)

    settling = [
        settlement_service.draft(
            order,
            captured(order),
            tell=None if place == 1 else lambda _, key=key, place=place: kept(key, b"%d" % place),
            policy=resources.policy,
            now=now,
        )
        for place, (order, key) in enumerate(zip(orders, keys, strict=True))
    ]
    await connection.execute("UPDATE orders SET version = version + 1 WHERE id = $1", orders[3].id)
    await settlement_service.settle_drafted(connection, [one for one in settling if one])
    found = [await idempotency_service.find(connection, request=key) for key in keys]
    assert [(one.status, one.body) for one in found if one is not None] == [
        (201, b"0"),
        (None, None),
        (201, b"2"),
        (None, None),
    ]
