"""A change of a payout account that is withdrawn while it is used, replaced, or withdrawn by
somebody else: one account is paid to, and nothing leaves after the word."""

import asyncio
from datetime import timedelta
from uuid import UUID

import pytest

from gosellr.core.clock import ManualClock
from gosellr.core.db import Connection
from gosellr.core.transact import transact
from gosellr.flows import payouts
from gosellr.integrations.payouts.sandbox import Behaviour
from gosellr.resources import Resources
from gosellr.services import payout_service, payout_withdrawal_service
from gosellr.services.payout_withdrawal_service import TooLateToWithdraw
from tests.factories.payouts import ACCOUNTS, earn, pay, set_account, set_schedule
from tests.factories.sales import Shop
from tests.races.test_dead_card_races import half_done
from tests.races.test_payout_races import a_shop, amounts, is_sound, waits_or_ends
from tests.races.test_refund_races import outcomes

OLD, NEW = Behaviour.PAY, Behaviour.SLOW
LATE = TooLateToWithdraw.code


async def changed(live: Resources, shop: Shop) -> UUID:
    """The shop's first account made way for another one, an hour ago."""
    clock = live.clock
    assert isinstance(clock, ManualClock)
    clock.advance(timedelta(hours=1))
    destination = await set_account(live, shop, NEW)
    clock.advance(timedelta(hours=1))
    return destination.id


async def withdraw(
    live: Resources, destination_id: UUID, *, early: timedelta = timedelta()
) -> None:
    await transact(
        live.db,
        payout_withdrawal_service.withdraw,
        destination_id=destination_id,
        now=live.clock.now() - early,
    )


async def accounts(live: Resources, shop: Shop) -> list[tuple[str, bool, bool]]:
    """The shop's accounts by their age: the last four signs, whether it is paid there, and
    whether that was withdrawn."""
    async with live.db.connection() as connection:
        rows = await connection.fetch(
            "SELECT last_four, replaced_at IS NULL, withdrawn_at IS NOT NULL"
            " FROM payout_destination WHERE seller_id = $1 ORDER BY created_at, id",
            shop.seller.id,
        )
    return [tuple(row) for row in rows]


async def told(live: Resources) -> int:
    async with live.db.connection() as connection:
        count: int = await connection.fetchval(
            "SELECT count(*) FROM outbox_event WHERE type = 'payout_destination.withdrawn'"
        )
    return count


BACK = [(ACCOUNTS[OLD][-4:], True, False), (ACCOUNTS[NEW][-4:], False, True)]


async def test_withdrawn_by_many_at_once_it_is_withdrawn_once(live: Resources) -> None:
    shop = await a_shop(live, OLD)
    await earn(live, shop)
    destination_id = await changed(live, shop)
    seen = await outcomes(*(withdraw(live, destination_id) for _ in range(6)))
    assert seen == {"done": 1, LATE: 5}
    assert (await accounts(live, shop), await told(live)) == (BACK, 1)
    assert await outcomes(pay(live, shop)) == {"payouts_held": 1}


@pytest.mark.parametrize("withdrawn_first", [True, False])
async def test_a_withdrawal_meets_the_next_change(live: Resources, withdrawn_first: bool) -> None:
    shop = await a_shop(live, OLD)
    destination_id = await changed(live, shop)

    async def word(connection: Connection) -> None:
        await payout_withdrawal_service.withdraw(
            connection, destination_id=destination_id, now=live.clock.now()
        )

    async def change() -> None:
        await set_account(live, shop, Behaviour.DECLINE)

    if withdrawn_first:
        async with half_done(live, word):
            late = asyncio.create_task(outcomes(change()))
            await waits_or_ends(live, late)
            assert not late.done()
        assert await late == {"done": 1}
    else:
        seen = await outcomes(change(), withdraw(live, destination_id))
        assert seen["done"] + seen[LATE] == 2
        withdrawn_first = seen["done"] == 2
    third = (ACCOUNTS[Behaviour.DECLINE][-4:], True, False)
    before = [(ACCOUNTS[OLD][-4:], False, False), (ACCOUNTS[NEW][-4:], False, withdrawn_first)]
    assert await accounts(live, shop) == [*before, third]
    # Held since the word, and as long as no owner says otherwise.
    refused = "payouts_held" if withdrawn_first else "payout_destination_too_new"
    assert await outcomes(pay(live, shop)) == {refused: 1}


async def test_a_run_that_meets_the_word_pays_nothing(live: Resources, clock: ManualClock) -> None:
    """The account may be paid to from now on, and whoever was told of it has just said no."""
    shop = await a_shop(live, OLD)
    await earn(live, shop)
    destination_id = await changed(live, shop)
    await set_schedule(live, shop, "daily")
    clock.advance(timedelta(hours=72))

    async def word(connection: Connection) -> None:
        await payout_withdrawal_service.withdraw(
            connection, destination_id=destination_id, now=clock.now() - timedelta(hours=2)
        )

    async def run() -> int:
        opened = await transact(
            live.db,
            payout_service.open_scheduled,
            seller_id=shop.seller.id,
            policy=live.policy,
            now=clock.now(),
        )
        return len(opened)

    async with half_done(live, word):
        running = asyncio.create_task(run())
        asking = asyncio.create_task(outcomes(pay(live, shop)))
        await waits_or_ends(live, asking)
    assert (await running, await asking) == (0, {"payouts_held": 1})
    assert (await accounts(live, shop), await amounts(live, shop)) == (BACK, [])
    await is_sound(live)


async def test_the_word_and_runs_at_once_leave_nothing_after_the_word(
    live: Resources, clock: ManualClock
) -> None:
    for _ in range(3):
        shop = await a_shop(live, OLD)
        await earn(live, shop)
        destination_id = await changed(live, shop)
        clock.advance(timedelta(hours=72))
        seen = await outcomes(
            pay(live, shop),
            withdraw(live, destination_id, early=timedelta(hours=2)),
            pay(live, shop),
        )
        assert seen["done"] in {1, 2}
        assert await accounts(live, shop) == BACK
        assert await outcomes(pay(live, shop)) == {"payouts_held": 1}
        # What left before the word arrives, slowly.
        clock.advance(timedelta(days=1))
        await payouts.resume_payouts(live.payouts)
    await is_sound(live)
