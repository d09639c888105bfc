"""Stock that many hands touch at once: what is promised is there, and promised once."""

import asyncio
import random
from collections import Counter
from datetime import timedelta
from typing import Any
from uuid import UUID

import asyncpg
import httpx2
import pytest

from gosellr.core.clock import ManualClock
from gosellr.core.transact import transact
from gosellr.flows import refunds
from gosellr.jobs import upkeep
from gosellr.jobs.audit import audit_market
from gosellr.queries.reservations import Wanted
from gosellr.resources import Resources
from gosellr.services import inventory_service, reservation_service, shipment_service
from gosellr.services.inventory_service import StockPromised
from gosellr.services.shipment_service import Parcel
from gosellr.utils.permissions import Role
from gosellr.utils.viewer import Viewer
from tests.factories.catalogue import make_products, make_shelf_seller, variant_draft
from tests.factories.orders import order_body, place
from tests.factories.sales import Shop, buy, make_commission, make_shop, stock
from tests.factories.terms import make_delivery, make_tax

OPERATOR = Viewer(roles=frozenset({Role.OPERATOR}))
ORDERS = 1000
AT_ONCE = 8

WAITS = """
SELECT EXISTS (SELECT FROM pg_stat_activity
               WHERE datname = current_database() AND wait_event_type = 'Lock')
"""
UNCOVERED = """
SELECT line.id FROM order_line AS line JOIN seller_order AS part ON part.id = line.seller_order_id
LEFT JOIN stock_reservation AS hold ON hold.order_line_id = line.id
GROUP BY line.id, line.quantity, part.status
HAVING COALESCE(sum(hold.quantity - hold.released_quantity), 0)
    <> CASE part.status WHEN 'cancelled' THEN 0 ELSE line.quantity END
"""
HELD = """
SELECT COALESCE(sum(quantity - shipped_quantity - released_quantity), 0)::bigint
FROM stock_reservation
"""


async def adjust(live: Resources, shop: Shop, delta: int) -> bool:
    """Count units up or down, as the seller does; False where they are promised."""
    try:
        await transact(
            live.db,
            inventory_service.adjust_stock,
            viewer=shop.viewer,
            variant_id=shop.product.variant_id,
            delta=delta,
            reason="count",
            now=live.clock.now(),
        )
    except StockPromised:
        return False
    return True


async def recount(live: Resources, shop: Shop, units: int) -> bool:
    """Set the count, as an import does; False where more is promised."""
    try:
        await transact(
            live.db,
            inventory_service.set_stock,
            product_id=shop.product.id,
            location_id=shop.seller.location_id,
            units={shop.product.variant_id: units},
            reason="import",
            actor_id=None,
            now=live.clock.now(),
        )
    except StockPromised:
        return False
    return True


async def levels(live: Resources, shop: Shop) -> tuple[int, int, int]:
    """On hand, reserved, and what the holds make."""
    async with live.db.connection() as connection:
        return (*await stock(connection, shop), await connection.fetchval(HELD))


@pytest.mark.case(2)
async def test_case_2_what_is_held_can_t_be_counted_away_before_it_is_paid(
    live: Resources, live_client: httpx2.AsyncClient
) -> None:
    shop = await transact(live.db, make_shop, stock=5)
    body = order_body((shop.product.variant_id, 3), token="tok_declined")
    declined = (await place(live_client, body)).json()
    assert not await recount(live, shop, 0)
    assert not await adjust(live, shop, -5)
    assert await adjust(live, shop, -2)
    paid = await live_client.post(
        f"/api/v1/orders/{declined['order_id']}/payments",
        json={"payment_method": "sandbox", "payment_token": "tok_ok"},
        headers={"Idempotency-Key": "pay", "X-Order-Token": declined["access_token"]},
    )
    assert paid.json()["status"] == "paid"
    assert await levels(live, shop) == (3, 3, 3)


@pytest.mark.case(2)
async def test_case_2_selling_and_counting_away_at_once(
    live: Resources, live_client: httpx2.AsyncClient
) -> None:
    shop = await transact(live.db, make_shop, stock=20)
    body = order_body((shop.product.variant_id, 1))
    buying = [place(live_client, body) for _ in range(20)]
    counting = [adjust(live, shop, -1) for _ in range(20)]
    answers = await asyncio.gather(
        *(one for pair in zip(buying, counting, strict=True) for one in pair)
    )
    sold = sum(getattr(answer, "status_code", 0) == 201 for answer in answers)
    taken = sum(answer is True for answer in answers)
    assert sold + taken == 20
    assert await levels(live, shop) == (sold, sold, sold)


async def test_an_order_that_waited_for_a_delivery_takes_what_was_delivered(
    live: Resources,
) -> None:
    shop = await transact(live.db, make_shop, stock=1)
    order = await buy(live, (shop, 1))
    [line] = order.lines
    wanted = Wanted(line.id, order.parts[0].id, line.variant_id, 2)
    async with live.db.connection() as counting, live.db.connection() as looking:
        async with counting.transaction():
            await counting.execute(
                "UPDATE stock_level SET on_hand = 3 WHERE variant_id = $1", line.variant_id
            )
            holding = asyncio.create_task(
                transact(
                    live.db,
                    reservation_service.hold,
                    order_id=order.id,
                    wanted=[wanted],
                    expires_at=None,
                    now=live.clock.now(),
                )
            )
            while not await looking.fetchval(WAITS):  # noqa: ASYNC110 - nobody tells us
                await asyncio.sleep(0.01)
        await holding
    assert await levels(live, shop) == (3, 3, 3)


@pytest.mark.case(4)
async def test_case_4_orders_worker_and_import_move_one_sku_at_once(
    live: Resources, live_client: httpx2.AsyncClient, clock: ManualClock
) -> None:
    shop = await transact(live.db, make_shop, stock=40)
    variant_id = shop.product.variant_id
    for _ in range(10):
        await place(live_client, order_body((variant_id, 1), token="tok_declined"))
    assert await levels(live, shop) == (40, 10, 10)
    clock.advance(timedelta(minutes=16))
    work: list[Any] = []
    for number in range(20):
        work += [
            place(live_client, order_body((variant_id, 2))),
            adjust(live, shop, 1 if number % 2 else -1),
            recount(live, shop, 30 + number),
        ]
        if number % 5 == 0:
            work.append(upkeep.expire_holds(live))
    answers = await asyncio.gather(*work)
    await upkeep.expire_holds(live)
    sold = sum(getattr(answer, "status_code", 0) == 201 for answer in answers)
    refused = {one.status_code for one in answers if isinstance(one, httpx2.Response)} - {201}
    assert refused <= {409}
    on_hand, reserved, held = await levels(live, shop)
    assert (reserved, held) == (2 * sold, 2 * sold)
    assert on_hand >= reserved
    assert await audit_market(live.db, gateways=live.gateways, now=clock.now()) == []


@pytest.mark.case(6)
async def test_case_6_a_failed_payment_gives_back_one_unit_and_never_less_than_none(
    live: Resources, live_client: httpx2.AsyncClient, clock: ManualClock
) -> None:
    shop = await transact(live.db, make_shop, stock=1)
    variant_id = shop.product.variant_id
    for token in ("tok_declined", "tok_timeout_before", "tok_requires_action", "tok_ok"):
        answers = await asyncio.gather(
            *(place(live_client, order_body((variant_id, 1), token=token)) for _ in range(6))
        )
        codes = Counter(answer.json().get("code") for answer in answers)
        assert codes["out_of_stock"] == 5
        assert await levels(live, shop) == (1, 1, 1)
        clock.advance(timedelta(minutes=16))
        await asyncio.gather(*(upkeep.expire_holds(live) for _ in range(3)))
        await upkeep.resume_payments(live)
        await upkeep.expire_holds(live)
        left = 1 if token == "tok_ok" else 0
        assert await levels(live, shop) == (1, left, left)
    # Nobody can write a promise of what isn't there, however it is tried.
    async with live.db.connection() as connection:
        for change in ("reserved = reserved + 1", "on_hand = 0", "reserved = -1"):
            with pytest.raises(asyncpg.CheckViolationError):
                await connection.execute(
                    f"UPDATE stock_level SET {change} WHERE variant_id = $1", variant_id
                )


async def many_goods(live: Resources) -> list[UUID]:
    """Twelve products of three sellers, some of them scarce."""
    variants: list[UUID] = []
    await transact(live.db, make_tax, rate_bps=1900)
    await transact(live.db, make_commission)
    for number in range(3):
        seller_id = await transact(live.db, make_shelf_seller)
        await transact(live.db, make_delivery, seller_id=seller_id, price_minor=490)
        drafts = [
            {
                "title": f"Thing {number}-{place_}",
                "variants": (variant_draft(stock=(40, 150, 500, 2000)[place_]),),
            }
            for place_ in range(4)
        ]
        made = await transact(live.db, make_products, seller=seller_id, drafts=drafts)
        variants += [product.variant_id for product in made]
    return variants


async def one_life(
    live: Resources, client: httpx2.AsyncClient, dice: random.Random, goods: list[UUID]
) -> str:
    """An order, and perhaps what follows it."""
    items = [(one, dice.randint(1, 3)) for one in dice.sample(goods, dice.choice((1, 1, 2, 3)))]
    token = dice.choice(("tok_ok",) * 6 + ("tok_declined", "tok_timeout_then_ok"))
    after = dice.choice(("none", "none", "cancel", "ship"))
    answer = await place(client, order_body(*items, token=token))
    if answer.status_code != 201:
        return str(answer.json().get("code", "waits"))
    order = answer.json()
    order_id = UUID(order["id"])
    if after == "cancel":
        await refunds.cancel_order(
            live.refunds, viewer=OPERATOR, order_id=order_id, seller_order_id=None, reason="no"
        )
    elif after == "ship":
        part = order["seller_orders"][0]
        await transact(
            live.db,
            shipment_service.ship,
            viewer=OPERATOR,
            order_id=order_id,
            parcel=Parcel(seller_order_id=UUID(part["id"]), carrier="dhl", tracking_number="JD1"),
            policy=live.policy,
            now=live.clock.now(),
        )
    return after


@pytest.mark.case(9)
async def test_case_9_every_live_line_of_many_mixed_orders_is_covered(
    live: Resources, live_client: httpx2.AsyncClient, clock: ManualClock
) -> None:
    goods = await many_goods(live)
    dice = random.Random(9)
    ends = Counter[str]()
    for _ in range(ORDERS // AT_ONCE):
        lives = (one_life(live, live_client, dice, goods) for _ in range(AT_ONCE))
        ends.update(await asyncio.gather(*lives))
    assert min(ends[end] for end in ("none", "cancel", "ship", "payment_declined", "waits")) > 0
    assert set(ends) <= {
        "none", "cancel", "ship", "payment_declined", "waits", "out_of_stock"
    }  # fmt: skip
    async with live.db.connection() as connection:
        assert await connection.fetch(UNCOVERED) == []
    clock.advance(timedelta(minutes=20))
    await upkeep.resume_payments(live)
    await upkeep.expire_holds(live)
    async with live.db.connection() as connection:
        assert await connection.fetch(UNCOVERED) == []
        reserved = await connection.fetchval("SELECT sum(reserved) FROM stock_level")
        assert reserved == await connection.fetchval(HELD)
    assert await audit_market(live.db, gateways=live.gateways, now=clock.now()) == []
