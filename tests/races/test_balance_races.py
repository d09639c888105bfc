"""Two who decide, and money that is given back, released and paid out at once: each cent once."""

import asyncio
from collections.abc import Sequence
from datetime import timedelta
from uuid import UUID

from gosellr.core.clock import ManualClock
from gosellr.core.db import Connection
from gosellr.core.transact import ask, transact
from gosellr.flows import bank_files
from gosellr.resources import Resources
from gosellr.services import adjustment_service, ledger_service
from gosellr.utils.ledger import seller_available
from tests.factories.balances import (
    agree,
    approve,
    holds,
    make_rule,
    prepare,
    release_reserves,
    write_off,
)
from tests.factories.disputes import accept, cases_of, open_case
from tests.factories.payouts import an_operator, earn, pay, set_account, set_schedule
from tests.factories.sales import Shop, a_key, make_buyer, make_shop, refund
from tests.flows.test_bank_files import set_bank, with_bank
from tests.races.test_card_races import WAITERS
from tests.races.test_payout_races import is_sound, owes
from tests.races.test_refund_races import outcomes

ROUNDS = 5


async def a_shop(live: Resources) -> Shop:
    shop = await transact(live.db, make_shop, price_minor=1000)
    await set_account(live, shop)
    await set_schedule(live, shop, "manual")
    return shop


async def booked(live: Resources, kind: str) -> int:
    async def count(connection: Connection) -> int:
        found: int = await connection.fetchval(
            "SELECT count(*) FROM ledger_transaction WHERE kind = $1", kind
        )
        return found

    return await ask(live.db, count)


async def test_an_adjustment_is_decided_once_however_many_decide(live: Resources) -> None:
    shop = await a_shop(live)
    await earn(live, shop)
    for turn in range(1, ROUNDS + 1):
        found = await prepare(
            live, ("goodwill_cost", "debit", 7), (f"seller_available:{shop.seller.id}", "credit", 7)
        )
        seen = await outcomes(
            *(approve(live, found.id) for _ in range(3)), *_rejections(live, found.id)
        )
        assert seen == {"done": 1, "adjustment_not_open": 5}
        booked_here = await booked(live, "adjusted")
        assert await owes(live, shop) == {"available": 1000 + 7 * booked_here}
        assert booked_here <= turn
    await is_sound(live)


def _rejections(live: Resources, adjustment_id: UUID) -> Sequence[object]:
    return [
        transact(
            live.db,
            adjustment_service.reject,
            viewer=an_operator(),
            adjustment_id=adjustment_id,
            reason="no",
            now=live.clock.now(),
        )
        for _ in range(3)
    ]


async def test_write_offs_at_once_never_give_up_more_than_is_owed(
    live: Resources, clock: ManualClock
) -> None:
    """While the debt is recovered by a release at the same time."""
    for _ in range(ROUNDS):
        shop = await a_shop(live)
        order = await earn(live, shop, 2)
        await pay(live, shop)
        await refund(live, order, shop, units=2)
        await agree(live, shop, share_bps=5000)
        found = [await write_off(live, shop, 1500) for _ in range(3)]
        seen = await outcomes(*(approve(live, one.id) for one in found), earn(live, shop))
        assert seen == {"done": 2, "more_than_owed": 2}
        held = await owes(live, shop)
        assert held.get("available", 0) - held.get("receivable", 0) == 500
    await is_sound(live)


async def test_a_reserve_is_given_to_a_buyer_or_released_and_never_both(
    live: Resources, clock: ManualClock
) -> None:
    await make_rule(live, rate_bps=5000)
    for turn in range(ROUNDS):
        shop = await a_shop(live)
        order = await earn(live, shop, 2)
        await pay(live, shop)
        clock.advance(timedelta(days=31))
        rivals = [
            refund(live, order, shop, units=1),
            *(release_reserves(live) for _ in range(3)),
            pay(live, shop),
            refund(live, order, shop, amount_minor=300),
        ]
        if turn % 2:
            rivals.reverse()
        seen = await outcomes(*rivals)
        assert seen["done"] >= 5
        [(kept, taken, released)] = await ask(live.db, holds, shop=shop)
        held = await owes(live, shop)
        assert kept == 1000
        assert held.get("reserve", 0) == kept - taken - released
        # Paid at first, and now perhaps once more. A unit gives less where some of it was given.
        paid, given = await _paid_and_given(live, shop)
        assert given in {1150, 1300}
        left = held.get("available", 0) + held.get("reserve", 0) - held.get("receivable", 0)
        assert paid + left == 2000 - given
    await is_sound(live)


async def _paid_and_given(live: Resources, shop: Shop) -> tuple[int, int]:
    async def totals(connection: Connection) -> tuple[int, int]:
        row = await connection.fetchrow(
            "SELECT (SELECT sum(amount_minor)::bigint FROM payout"
            " WHERE seller_id = $1 AND status = 'paid'), (SELECT sum(amount_minor)::bigint"
            " FROM refund WHERE seller_id = $1 AND status = 'succeeded')",
            shop.seller.id,
        )
        assert row is not None
        return row[0], row[1]

    return await ask(live.db, totals)


async def test_files_made_at_once_name_each_payout_once(live: Resources) -> None:
    market = with_bank(live)
    for _ in range(3):
        shop = await transact(live.db, make_shop, price_minor=1000)
        await set_bank(market, shop)
        await earn(market, shop)
        await pay(market, shop)
    seen = await outcomes(
        *(bank_files.make_file(market.payouts, viewer=an_operator(), key=a_key()) for _ in range(4))
    )
    assert seen["done"] >= 1
    assert sum(seen.values()) == 4

    async def files(connection: Connection) -> list[UUID]:
        rows = await connection.fetch("SELECT id FROM bank_file")
        return [row["id"] for row in rows]

    made = await ask(live.db, files)
    await asyncio.gather(
        *(
            bank_files.execute_file(market.payouts, viewer=an_operator(), file_id=one, failed={})
            for one in made * 2
        )
    )
    await is_sound(market)


async def test_what_a_rule_keeps_back_is_taken_once_by_cases_refunds_and_its_day(
    live: Resources, clock: ManualClock
) -> None:
    """A case is opened, another sale refunded and the reserve's day come, all at once."""
    buyer = await transact(live.db, make_buyer)
    rule = await make_rule(live, rate_bps=5000, days=1)
    for turn in range(ROUNDS):
        shop = await a_shop(live)
        disputed = await earn(live, shop, buyer=buyer)
        other = await earn(live, shop)
        await pay(live, shop)
        clock.advance(timedelta(days=2))
        rivals = [
            open_case(live, disputed, shop, viewer=buyer.viewer),
            refund(live, other, shop, units=1),
            release_reserves(live),
        ]
        rivals = [*rivals[turn % 3 :], *rivals[: turn % 3]]
        assert await outcomes(*rivals) == {"done": 3}
        # Of two sales of 10.00 half was paid out, and both are asked back: 10.00 are owed.
        owed = await owes(live, shop)
        pots = owed.get("reserve", 0) + owed.get("available", 0) - owed.get("receivable", 0)
        assert (owed["reserve"], pots) == (1000, 0)
        await is_sound(live)
        [case] = await cases_of(live, disputed)
        await accept(live, case, viewer=buyer.viewer)
        await release_reserves(live)
        await is_sound(live)
    assert rule.rule.rate_bps == 5000


async def test_a_file_holds_balances_before_its_payouts(live: Resources) -> None:
    """As whoever fails a payout does: else the two would wait for each other."""
    market = with_bank(live)
    shop = await transact(live.db, make_shop, price_minor=1000)
    await set_bank(market, shop)
    await earn(market, shop)
    payout = await pay(market, shop)
    made = await bank_files.make_file(market.payouts, viewer=an_operator(), key=a_key())

    async def hold(connection: Connection) -> None:
        await ledger_service.locked_balances(
            connection, accounts=[seller_available(shop.seller.id)], currency="EUR"
        )

    async with live.db.connection() as writing, writing.transaction():
        await hold(writing)
        executing = asyncio.create_task(
            bank_files.execute_file(
                market.payouts, viewer=an_operator(), file_id=made.value.id,
                failed={payout.id: "closed"},
            )
        )  # fmt: skip
        async with live.db.connection() as looking:
            while not await looking.fetchval(WAITERS):  # noqa: ASYNC110 - nobody tells us
                await asyncio.sleep(0.01)
        free = await writing.fetchval(
            "SELECT id FROM payout WHERE id = $1 FOR UPDATE SKIP LOCKED", payout.id
        )
    await executing
    assert free == payout.id
    assert await owes(live, shop) == {"available": 1000}
    await is_sound(market)
