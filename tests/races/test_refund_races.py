"""After the sale, many at once: money goes back once, goods leave or come back, never both."""

import asyncio
from collections import Counter
from collections.abc import Awaitable

import pytest

from gosellr.core.db import Connection
from gosellr.core.transact import transact
from gosellr.flows import refunds
from gosellr.resources import Resources
from gosellr.services import review_service
from gosellr.services.checkout_service import Tender
from gosellr.services.refund_ways import NamedPayment, Override
from gosellr.services.release_service import release_due
from gosellr.services.review_service import NewReview
from gosellr.utils.order_states import OrderStatus
from gosellr.utils.permissions import Role
from gosellr.utils.policy import MarketPolicy
from gosellr.utils.viewer import Viewer
from tests.factories.sales import (
    balances,
    buy,
    cancel,
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
from tests.factories.stored_value import by_bank, by_card, make_card, operator

OPERATOR = Viewer(roles=frozenset({Role.OPERATOR}))
ROUNDS = 12


async def outcomes(*attempts: Awaitable[object]) -> Counter[str]:
    """Run all at once; count who went through, and why the others didn't."""
    results = await asyncio.gather(*attempts, return_exceptions=True)
    return Counter(
        getattr(type(result), "code", type(result).__name__)
        if isinstance(result, BaseException)
        else "done"
        for result in results
    )


@pytest.mark.case(36)
async def test_case_36_two_refunds_of_sixty_on_a_hundred(live: Resources) -> None:
    shop = await transact(live.db, make_shop, price_minor=100)
    for _ in range(ROUNDS):
        order = await buy(live, (shop, 1))
        await ship(live, order, shop)
        seen = await outcomes(
            *(refund(live, order, shop, amount_minor=60) for _ in range(2)),
            *(refund(live, order, shop, viewer=OPERATOR, amount_minor=60) for _ in range(2)),
        )
        assert seen == {"done": 1, "refund_exceeds_paid": 3}
        after = await read(live, order)
        assert (after.refunded_minor, after.payments[0].refunded_minor) == (60, 60)
    async with live.db.connection() as connection:
        assert await balances(connection) == {
            "gateway_clearing": 40 * ROUNDS,
            "seller_pending": -40 * ROUNDS,
        }


@pytest.mark.case(36)
async def test_case_36_many_name_the_same_payment_and_it_gives_once(live: Resources) -> None:
    shop = await transact(live.db, make_shop, price_minor=100)
    desk = await operator(live)
    for _ in range(ROUNDS // 2):
        _, code = await make_card(live, 60)
        order = await buy(live, (shop, 1), tenders=(by_card(code), by_bank()))
        await ship(live, order, shop)
        card = NamedPayment(payment_id=order.payments[0].id, amount_minor=40)
        ways = Override(named=(card,))
        seen = await outcomes(
            *(refund(live, order, shop, viewer=desk, amount_minor=40, override=ways) for _ in "abc")
        )
        assert seen == {"done": 1, "invalid_input": 2}
        after = await read(live, order)
        assert [one.refunded_minor for one in after.payments] == [40, 0]


@pytest.mark.case(57)
async def test_case_57_cancel_and_ship_exactly_one_wins(live: Resources) -> None:
    shop = await transact(live.db, make_shop, price_minor=1000, stock=ROUNDS)
    shipped = 0
    for turn in range(ROUNDS):
        order = await buy(live, (shop, 1))
        rivals = [ship(live, order, shop), cancel(live, order, viewer=OPERATOR)]
        if turn % 2:
            rivals.reverse()
        seen = await outcomes(*rivals)
        assert seen == {"done": 1, "transition_not_allowed": 1}
        after = await read(live, order)
        left = part_of(after, shop).lines[0].shipped_quantity
        assert (after.status, after.refunded_minor) == (
            ("shipped", 0) if left else ("cancelled", 1000)
        )
        shipped += left
    async with live.db.connection() as connection:
        assert await stock(connection, shop) == (ROUNDS - shipped, 0)


@pytest.mark.case(10)
async def test_case_10_cancelled_by_many_at_once_gives_back_once(live: Resources) -> None:
    shop = await transact(live.db, make_shop, price_minor=1000, stock=5)
    order = await buy(live, (shop, 2))
    seen = await outcomes(
        *(cancel(live, order, viewer=OPERATOR) for _ in range(4)),
        *(cancel(live, order, viewer=shop.viewer, shop=shop) for _ in range(4)),
    )
    assert seen == {"done": 1, "transition_not_allowed": 7}
    async with live.db.connection() as connection:
        assert await stock(connection, shop) == (5, 0)
        assert await balances(connection) == {}


async def test_refunds_and_parcels_never_share_a_unit(live: Resources) -> None:
    shop = await transact(live.db, make_shop, price_minor=1000, stock=50)
    order = await buy(live, (shop, 6))
    seen = await outcomes(
        *(ship(live, order, shop, units=2) for _ in range(3)),
        *(refund(live, order, shop, units=1) for _ in range(3)),
    )
    assert set(seen) <= {"done", "nothing_left_to_ship"}
    line = (await read(live, order)).lines[0]
    assert line.refunded_quantity == 3
    assert line.shipped_quantity + line.withdrawn_quantity <= 6
    async with live.db.connection() as connection:
        on_hand, reserved = await stock(connection, shop)
    assert on_hand == 50 - line.shipped_quantity
    assert reserved == 6 - line.shipped_quantity - line.withdrawn_quantity


async def test_an_answer_heard_by_many_is_booked_once(live: Resources) -> None:
    shop = await transact(live.db, make_shop, price_minor=1000)
    order = await buy(
        live, (shop, 1), tenders=[Tender(method="sandbox", token="tok_refund_timeout_then_ok")]
    )
    given = await refund(live, order, shop, units=1)
    payment_id = order.payments[0].id
    seen = await outcomes(
        *(refunds.hear(live.refunds, payment_id=payment_id) for _ in range(5)),
        *(refunds.send_refund(live.refunds, refund_id=given.id) for _ in range(5)),
    )
    assert seen == {"done": 10}
    async with live.db.connection() as connection:
        assert await balances(connection) == {}
        count = "SELECT count(*) FROM ledger_transaction WHERE kind = 'refund_confirmed'"
        assert await connection.fetchval(count) == 1


async def test_workers_release_each_sale_once(live: Resources) -> None:
    shops = [await transact(live.db, make_shop, price_minor=1000) for _ in range(3)]
    for shop in shops * 4:
        order = await buy(live, (shop, 1))
        await ship(live, order, shop)
        await step(live, order, OrderStatus.DELIVERED, viewer=shop.viewer)
    now = live.clock.now() + MarketPolicy().release_after

    async def work() -> int:
        released = 0
        while batch := await transact(live.db, release_due, now=now, limit=2):
            released += batch
        return released

    released = await asyncio.gather(*(work() for _ in range(4)))
    released.append(await work())
    assert sum(released) == 12
    async with live.db.connection() as connection:
        for shop in shops:
            assert await seller_owes(connection, shop) == {"available": 4000}


async def test_one_line_reviewed_by_many_clicks_counts_once(live: Resources) -> None:
    shop = await transact(live.db, make_shop, price_minor=1000)
    buyer = await transact(live.db, make_buyer)
    order = await buy(live, (shop, 1), buyer=buyer)
    await ship(live, order, shop)
    await step(live, order, OrderStatus.DELIVERED, viewer=shop.viewer)
    seen = await outcomes(
        *(
            transact(
                live.db,
                review_service.post_review,
                viewer=buyer.viewer,
                product_id=shop.product.id,
                review=NewReview(rating=4),
                now=live.clock.now(),
            )
            for _ in range(6)
        )
    )
    assert seen == {"done": 1, "already_reviewed": 5}

    async def rated(connection: Connection) -> tuple[int, int]:
        row = await connection.fetchrow(
            "SELECT rating_count, rating_sum FROM product WHERE id = $1", shop.product.id
        )
        assert row is not None
        return row[0], row[1]

    async with live.db.connection() as connection:
        assert await rated(connection) == (1, 4)
