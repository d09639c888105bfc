"""Many at once who pay, give back, change and stop: every cent leaves once."""

import asyncio
from collections import Counter
from dataclasses import replace
from datetime import timedelta

import pytest

from gosellr.core.clock import ManualClock
from gosellr.core.db import Connection
from gosellr.core.transact import ask, transact
from gosellr.flows import payout_runs, payouts
from gosellr.integrations.payouts.sandbox import Behaviour
from gosellr.jobs import upkeep
from gosellr.jobs.audit import audit_market
from gosellr.resources import Resources
from gosellr.services import payout_questions, payout_service, payout_settings_service
from gosellr.services.payout_questions import PayoutFilters
from gosellr.services.release_service import release_due
from gosellr.utils.order_states import OrderStatus
from gosellr.utils.payouts import PayoutStatus
from tests.factories.payouts import (
    HOLD,
    an_operator,
    earn,
    pay,
    reread,
    set_account,
    set_schedule,
    transfers,
)
from tests.factories.sales import Shop, a_key, buy, make_shop, refund, seller_owes, ship, step
from tests.races.test_refund_races import outcomes

ROUNDS = 6


async def a_shop(live: Resources, behaviour: Behaviour = Behaviour.PAY) -> Shop:
    shop = await transact(live.db, make_shop, price_minor=1000)
    await set_account(live, shop, behaviour)
    await set_schedule(live, shop, "manual")
    return shop


async def owes(live: Resources, shop: Shop) -> dict[str, int]:
    return await ask(live.db, seller_owes, shop=shop)


async def amounts(live: Resources, shop: Shop) -> list[int]:
    """What the live payouts of a shop are of."""
    page = await ask(
        live.db,
        payout_questions.list_payouts,
        viewer=an_operator(),
        filters=PayoutFilters(seller_id=shop.seller.id, status="paid"),
        cursor=None,
        limit=100,
    )
    return [one.amount_minor for one in page.items]


async def is_sound(live: Resources) -> None:
    found = await audit_market(
        live.db,
        gateways=live.gateways,
        payout_providers=live.payout_providers,
        now=live.clock.now(),
    )
    assert found == []


@pytest.mark.case(44)
async def test_case_44_eight_at_once_make_one_payout(live: Resources) -> None:
    for _ in range(ROUNDS):
        shop = await a_shop(live)
        await earn(live, shop, 3)
        seen = await outcomes(
            *(pay(live, shop) for _ in range(5)),
            *(pay(live, shop, viewer=an_operator()) for _ in range(3)),
        )
        assert seen == {"done": 1, "nothing_to_pay_out": 7}
        assert await amounts(live, shop) == [3000]
        assert await owes(live, shop) == {}
    assert [one.amount_minor for one in await transfers(live)] == [3000] * ROUNDS
    await is_sound(live)


async def test_the_same_request_eight_times_makes_one_payout(live: Resources) -> None:
    shop = await a_shop(live)
    await earn(live, shop)
    seen = await outcomes(*(pay(live, shop, key="once") for _ in range(8)))
    # Whoever comes when it is done already is told the same once more.
    assert (seen["done"] >= 1, seen.total()) == (True, 8)
    assert set(seen) <= {"done", "idempotency_in_progress"}
    assert await amounts(live, shop) == [1000]
    await is_sound(live)


@pytest.mark.case(44)
async def test_case_44_two_schedulers_and_a_person_at_once_make_one_payout(
    live: Resources, clock: ManualClock
) -> None:
    shops = [await a_shop(live) for _ in range(3)]
    for shop in shops:
        await earn(live, shop)
        await set_schedule(live, shop, "daily")
    clock.advance(HOLD)
    await outcomes(
        *(upkeep.pay_scheduled(live) for _ in range(4)), *(pay(live, shop) for shop in shops)
    )
    for shop in shops:
        assert await amounts(live, shop) == [1000]
    assert len(await transfers(live)) == 3
    await is_sound(live)


async def test_refunds_and_releases_while_a_payout_claims(
    live: Resources, clock: ManualClock
) -> None:
    """Whoever is first: what was earned is paid out, given back or owed, and nothing twice."""
    for turn in range(ROUNDS):
        shop = await a_shop(live)
        order = await earn(live, shop, 4)
        waiting = await buy(live, (shop, 1))
        await ship(live, waiting, shop)
        await step(live, waiting, OrderStatus.DELIVERED, viewer=shop.viewer)
        clock.advance(HOLD)
        rivals = [
            pay(live, shop),
            refund(live, order, shop, units=1),
            refund(live, order, shop, units=1),
            transact(live.db, release_due, now=clock.now()),
        ]
        if turn % 2:
            rivals.reverse()
        assert await outcomes(*rivals) == {"done": 4}
        paid, held = sum(await amounts(live, shop)), await owes(live, shop)
        assert paid + held.get("available", 0) - held.get("receivable", 0) == 5000 - 2000
        assert set(held) <= {"available", "receivable"}
    await is_sound(live)


@pytest.mark.case(44)
async def test_case_44_an_answer_heard_by_many_is_booked_once(live: Resources) -> None:
    for behaviour in (Behaviour.LOSE_ANSWER, Behaviour.LOSE_ANSWER_THEN_DECLINE):
        shop = await a_shop(live, behaviour)
        await earn(live, shop)
        payout = await pay(live, shop)
        assert payout.status is PayoutStatus.UNKNOWN
        seen = await outcomes(
            *(payouts.send_payout(live.payouts, payout_id=payout.id) for _ in range(10))
        )
        assert seen == {"done": 10}
        paid = behaviour is Behaviour.LOSE_ANSWER
        after = await reread(live, payout)
        assert after.status is (PayoutStatus.PAID if paid else PayoutStatus.FAILED)
        assert await owes(live, shop) == ({} if paid else {"available": 1000})
    assert len(await transfers(live)) == 2
    await is_sound(live)


async def test_what_failed_is_claimed_by_one_of_many(live: Resources) -> None:
    """The failure frees the claims while others already ask for them."""
    shop = await a_shop(live, Behaviour.LOSE_ANSWER_THEN_DECLINE)
    await earn(live, shop)
    payout = await pay(live, shop)
    await outcomes(
        payouts.send_payout(live.payouts, payout_id=payout.id),
        *(pay(live, shop) for _ in range(6)),
        payouts.send_payout(live.payouts, payout_id=payout.id),
    )

    async def live_claims(connection: Connection) -> int:
        count: int = await connection.fetchval(
            "SELECT count(*) FROM payout_entry WHERE released_at IS NULL"
        )
        return count

    assert await ask(live.db, live_claims) <= 1
    await is_sound(live)


async def test_approved_or_called_back_but_never_both(live: Resources) -> None:
    limits = {"payout_approval_over": {"EUR": 0}}
    careful = replace(live, settings=live.settings.model_copy(update=limits))
    seen: Counter[str] = Counter()
    for _ in range(ROUNDS):
        shop = await a_shop(live)
        await earn(live, shop)
        payout = await pay(careful, shop)
        await outcomes(
            *(
                payouts.approve_payout(live.payouts, viewer=an_operator(), payout_id=payout.id)
                for _ in range(2)
            ),
            *(
                payouts.cancel_payout(
                    live.payouts, viewer=an_operator(), payout_id=payout.id, reason="too much"
                )
                for _ in range(2)
            ),
        )
        after = await reread(live, payout)
        seen[after.status] += 1
        expected = {} if after.status is PayoutStatus.PAID else {"available": 1000}
        assert await owes(live, shop) == expected
    assert set(seen) <= {PayoutStatus.PAID, PayoutStatus.CANCELLED}
    await is_sound(live)


async def test_a_hold_and_a_payout_at_once_leave_no_payout_after_the_hold(
    live: Resources,
) -> None:
    for _ in range(ROUNDS):
        shop = await a_shop(live)
        await earn(live, shop)
        seen = await outcomes(
            *(pay(live, shop) for _ in range(3)),
            transact(
                live.db,
                payout_settings_service.hold,
                viewer=an_operator(),
                seller_id=shop.seller.id,
                reason="papers are missing",
                now=live.clock.now(),
            ),
        )
        assert seen["done"] <= 2
        before = await amounts(live, shop)
        assert await outcomes(pay(live, shop)) == {"payouts_held": 1}
        assert await amounts(live, shop) == before
    await is_sound(live)


_WAITS = """
SELECT EXISTS (SELECT FROM pg_stat_activity
               WHERE datname = current_database() AND wait_event_type = 'Lock')
"""


async def waits_or_ends(live: Resources, task: asyncio.Task[object]) -> None:
    """Until the task has come as far as it can while somebody holds what it needs."""
    async with live.db.connection() as connection:
        while not task.done():
            if await connection.fetchval(_WAITS):
                return
            await asyncio.sleep(0.01)


async def test_whoever_asks_while_a_hold_is_written_is_held(live: Resources) -> None:
    shop = await a_shop(live)
    await earn(live, shop)
    async with live.db.connection() as connection, connection.transaction():
        await payout_settings_service.hold(
            connection,
            viewer=an_operator(),
            seller_id=shop.seller.id,
            reason="papers are missing",
            now=live.clock.now(),
        )
        asking = asyncio.create_task(outcomes(pay(live, shop)))
        await waits_or_ends(live, asking)
    assert await asking == {"payouts_held": 1}
    assert await transfers(live) == []


async def test_a_scheduler_passes_over_whom_another_has_taken(
    live: Resources, clock: ManualClock
) -> None:
    shop = await a_shop(live)
    await earn(live, shop)
    await set_schedule(live, shop, "daily")
    clock.advance(HOLD)

    async def open_due(connection: Connection) -> int:
        opened = await payout_service.open_scheduled(
            connection, seller_id=shop.seller.id, policy=live.policy, now=clock.now()
        )
        return len(opened)

    async with live.db.connection() as connection, connection.transaction():
        assert await open_due(connection) == 1
        second = asyncio.create_task(transact(live.db, open_due))
        await waits_or_ends(live, second)
        assert second.done()
        assert await second == 0
    assert await payouts.pay_scheduled(live.payouts) == 0
    # The first scheduler died before it sent: the sweeper does.
    clock.advance(timedelta(seconds=20))
    await payouts.resume_payouts(live.payouts)
    assert await amounts(live, shop) == [1000]
    await is_sound(live)


async def test_batches_at_once_pay_each_seller_once(live: Resources) -> None:
    shops = [await a_shop(live) for _ in range(4)]
    for shop in shops:
        await earn(live, shop)
    seen = await outcomes(
        *(
            payout_runs.run_batch(live.payouts, viewer=an_operator(), currency=None, key=a_key())
            for _ in range(3)
        )
    )
    assert seen == {"done": 3}
    await asyncio.gather(*(payouts.resume_payouts(live.payouts) for _ in range(3)))
    for shop in shops:
        assert await amounts(live, shop) == [1000]
    assert len(await transfers(live)) == 4
    await is_sound(live)
