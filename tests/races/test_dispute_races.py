"""Cases against everything that moves the same money: whoever is first, it leaves once."""

import asyncio
from datetime import timedelta

from gosellr.core.clock import ManualClock
from gosellr.core.db import Connection
from gosellr.core.transact import ask, transact
from gosellr.jobs import upkeep
from gosellr.jobs.audit import audit_market
from gosellr.models.order_values import Order
from gosellr.resources import Resources
from gosellr.services.release_service import release_due
from gosellr.utils.order_states import OrderStatus
from tests.factories.accounts import User
from tests.factories.disputes import (
    accept,
    bank_decides,
    cases_of,
    decide,
    delivered,
    escalate,
    hear,
    open_case,
    reread,
    take_back,
)
from tests.factories.payouts import HOLD, pay, set_account, set_schedule
from tests.factories.sales import (
    Shop,
    make_buyer,
    make_shop,
    read,
    refund,
    seller_owes,
    step,
)
from tests.races.test_refund_races import outcomes

ROUNDS = 6


async def a_shop(live: Resources) -> Shop:
    shop = await transact(live.db, make_shop, price_minor=1000)
    await set_account(live, shop)
    await set_schedule(live, shop, "manual")
    return shop


async def owes(live: Resources, shop: Shop) -> dict[str, int]:
    return await ask(live.db, seller_owes, shop=shop)


async def is_sound(live: Resources) -> None:
    # Days go by here, and the clock's own work with them.
    await upkeep.work_off_disputes(live)
    found = await audit_market(
        live.db,
        gateways=live.gateways,
        payout_providers=live.payout_providers,
        now=live.clock.now(),
    )
    assert found == []


async def paid(live: Resources, shop: Shop) -> int:
    async def total(connection: Connection) -> int:
        minor: int = await connection.fetchval(
            "SELECT COALESCE(sum(amount_minor), 0)::bigint FROM payout"
            " WHERE seller_id = $1 AND status = 'paid'",
            shop.seller.id,
        )
        return minor

    return await ask(live.db, total)


async def test_a_case_and_the_release_of_its_sale(live: Resources, clock: ManualClock) -> None:
    buyer = await transact(live.db, make_buyer)
    for turn in range(ROUNDS):
        shop = await a_shop(live)
        order = await delivered(live, (shop, 3), buyer=buyer)
        clock.advance(HOLD)
        rivals = [
            open_case(live, order, shop, viewer=buyer.viewer, units=1),
            *(transact(live.db, release_due, now=clock.now()) for _ in range(3)),
        ]
        if turn % 2:
            rivals.reverse()
        assert await outcomes(*rivals) == {"done": 4}
        await transact(live.db, release_due, now=clock.now())
        assert await owes(live, shop) == {"available": 2000, "reserve": 1000}
    await is_sound(live)


async def test_a_case_and_a_payout_of_the_same_money(live: Resources, clock: ManualClock) -> None:
    buyer = await transact(live.db, make_buyer)
    for turn in range(ROUNDS):
        shop = await a_shop(live)
        order = await delivered(live, (shop, 3), buyer=buyer)
        clock.advance(HOLD)
        await transact(live.db, release_due, now=clock.now())
        rivals = [
            open_case(live, order, shop, viewer=buyer.viewer, units=2),
            *(pay(live, shop) for _ in range(2)),
        ]
        if turn % 2:
            rivals.reverse()
        seen = await outcomes(*rivals)
        assert seen["done"] >= 2
        held, sent = await owes(live, shop), await paid(live, shop)
        assert held["reserve"] == 2000
        assert sent - held.get("receivable", 0) + held.get("available", 0) == 1000
        # What is frozen is never paid: a payout before the case left a debt, one after it less.
        assert (sent, held.get("receivable", 0)) in {(3000, 2000), (1000, 0)}
    await is_sound(live)


async def test_a_line_gets_one_case_of_many(live: Resources) -> None:
    buyer = await transact(live.db, make_buyer)
    shop = await a_shop(live)
    order = await delivered(live, (shop, 2), buyer=buyer)
    seen = await outcomes(
        *(open_case(live, order, shop, viewer=buyer.viewer, units=1) for _ in range(6))
    )
    assert seen == {"done": 1, "dispute_exists": 5}
    assert await owes(live, shop) == {"pending": 1000, "reserve": 1000}
    await is_sound(live)


async def test_a_case_beside_refunds_gives_back_each_unit_once(live: Resources) -> None:
    buyer = await transact(live.db, make_buyer)
    for turn in range(ROUNDS):
        shop = await a_shop(live)
        order = await delivered(live, (shop, 3), buyer=buyer)
        case = await open_case(live, order, shop, viewer=buyer.viewer, units=2)
        rivals = [
            accept(live, case, viewer=shop.viewer),
            *(refund(live, order, shop, units=1) for _ in range(2)),
        ]
        if turn % 2:
            rivals.reverse()
        seen = await outcomes(*rivals)
        assert seen["done"] >= 2
        after = await read(live, order)
        assert after.lines[0].refunded_quantity == after.refunded_minor // 1000 <= 3
        left = 3000 - after.refunded_minor
        assert await owes(live, shop) == ({"pending": left} if left else {})
        assert (await reread(live, case)).dispute.frozen_minor == 0
    await is_sound(live)


async def test_given_in_withdrawn_or_decided_but_one_of_them(live: Resources) -> None:
    buyer = await transact(live.db, make_buyer)
    for _ in range(ROUNDS):
        shop = await a_shop(live)
        order = await delivered(live, (shop, 1), buyer=buyer)
        case = await open_case(live, order, shop, viewer=buyer.viewer)
        await escalate(live, case, viewer=shop.viewer)
        seen = await outcomes(
            accept(live, case, viewer=shop.viewer),
            accept(live, case, viewer=buyer.viewer),
            accept(live, case, viewer=shop.viewer),
            decide(live, case, share_bps=10_000),
        )
        assert seen == {"done": 1, "dispute_step_not_allowed": 3}
    await is_sound(live)


async def test_many_workers_act_on_a_deadline_once(live: Resources, clock: ManualClock) -> None:
    buyer = await transact(live.db, make_buyer)
    shop = await a_shop(live)
    orders = [await delivered(live, (shop, 1), buyer=buyer) for _ in range(4)]
    cases = [await open_case(live, one, shop, viewer=buyer.viewer) for one in orders]
    for reached in ("decided", "closed"):
        clock.advance(timedelta(days=7))
        await asyncio.gather(*(upkeep.work_off_disputes(live) for _ in range(4)))
        # Whoever comes second finds a new deadline, and leaves it alone.
        assert {(await reread(live, case)).dispute.status for case in cases} == {reached}
    for case, order in zip(cases, orders, strict=True):
        after = await reread(live, case)
        assert (after.dispute.status, after.dispute.outcome) == ("closed", "for_buyer")
        assert [one.amount_minor for one in after.refunds] == [1000]
        assert (await read(live, order)).refunded_minor == 1000
    assert await owes(live, shop) == {}
    await is_sound(live)


async def test_a_chargeback_heard_by_many_is_booked_once(live: Resources) -> None:
    buyer = await transact(live.db, make_buyer)
    for won in (True, False):
        shop = await a_shop(live)
        order = await delivered(live, (shop, 1), buyer=buyer)
        reference = await take_back(live, order, heard=False)
        assert await outcomes(*(hear(live, order) for _ in range(6))) == {"done": 6}
        assert await owes(live, shop) == {"reserve": 1000}
        await bank_decides(live, order, reference, won=won, heard=False)
        assert await outcomes(*(hear(live, order) for _ in range(6))) == {"done": 6}
        assert await owes(live, shop) == ({"pending": 1000} if won else {})
        assert len(await cases_of(live, order)) == 1
    await is_sound(live)


async def test_a_chargeback_a_case_a_refund_and_a_release_at_once(
    live: Resources, clock: ManualClock
) -> None:
    """Whatever order they come in, the seller gives the money once, and nobody gets it twice."""
    buyer: User = await transact(live.db, make_buyer)
    orders: list[tuple[Shop, Order, str]] = []
    for turn in range(ROUNDS):
        shop = await a_shop(live)
        order = await delivered(live, (shop, 2), buyer=buyer)
        clock.advance(HOLD)
        reference = await take_back(live, order, heard=False)
        rivals = [
            hear(live, order),
            open_case(live, order, shop, viewer=buyer.viewer, units=1),
            refund(live, order, shop, units=1),
            transact(live.db, release_due, now=clock.now()),
        ]
        if turn % 2:
            rivals.reverse()
        seen = await outcomes(*rivals)
        assert set(seen) <= {"done", "under_chargeback", "refund_exceeds_paid", "already_refunded"}
        orders.append((shop, order, reference))
    await is_sound(live)
    for shop, order, reference in orders:
        await bank_decides(live, order, reference, won=False)
        after = await read(live, order)
        assert after.refunded_minor == 2000
        assert await owes(live, shop) == {}
    await is_sound(live)


async def test_chargebacks_over_the_same_sellers_never_wait_in_a_circle(live: Resources) -> None:
    buyer = await transact(live.db, make_buyer)
    one, two = await a_shop(live), await a_shop(live)
    orders = [
        await delivered(live, *parts, buyer=buyer)
        for parts in [((one, 1), (two, 1)), ((two, 1), (one, 1))] * 3
    ]
    references = [await take_back(live, order, heard=False) for order in orders]
    assert await outcomes(*(hear(live, order) for order in orders)) == {"done": 6}
    for order, reference in zip(orders, references, strict=True):
        await bank_decides(live, order, reference, won=False, heard=False)
    assert await outcomes(*(hear(live, order) for order in orders)) == {"done": 6}
    assert await owes(live, one) == await owes(live, two) == {}
    await is_sound(live)


async def test_a_buyer_confirms_while_complaining(live: Resources) -> None:
    """Completion releases at once; the case takes its share before or after, never both."""
    buyer = await transact(live.db, make_buyer)
    for turn in range(ROUNDS):
        shop = await a_shop(live)
        order = await delivered(live, (shop, 2), buyer=buyer)
        rivals = [
            step(live, order, OrderStatus.COMPLETED, viewer=buyer.viewer, shop=shop),
            open_case(live, order, shop, viewer=buyer.viewer, units=1),
        ]
        if turn % 2:
            rivals.reverse()
        assert await outcomes(*rivals) == {"done": 2}
        assert await owes(live, shop) == {"available": 1000, "reserve": 1000}
    await is_sound(live)
