"""Gift cards that run out, are stopped, extended and spent at one moment: no cent stays where
nobody can spend it, and none is spent twice."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import datetime, timedelta
from uuid import UUID

import pytest

from gosellr.core.clock import ManualClock
from gosellr.core.db import Connection
from gosellr.core.transact import ask, transact
from gosellr.flows import card_releases
from gosellr.models.order_values import Order
from gosellr.resources import Resources
from gosellr.services import card_release_service, gift_sale_service, stored_value_service
from tests.factories.accounts import User
from tests.factories.disputes import bank_decides, take_back
from tests.factories.gift_sales import buy_card, code_of, offer_cards, purchase_of
from tests.factories.sales import Shop, balances, buy, cancel, make_buyer, refund
from tests.factories.stored_value import by_bank, by_card, credit_of, left_on, make_card, operator
from tests.races.test_payout_races import waits_or_ends
from tests.races.test_refund_races import outcomes
from tests.races.test_stored_value_races import a_shop, is_sound

DAY = timedelta(days=1)
ROUNDS = 2


async def policy(live: Resources) -> None:
    """What is left on a card is owed no more as soon as it runs out."""
    offer = await offer_cards(live, valid_days=10)
    await transact(
        live.db,
        gift_sale_service.set_offer,
        viewer=await operator(live),
        offer=replace(offer, released_after_days=0),
    )


async def run(live: Resources) -> int:
    return await card_releases.release_due(db=live.db, clock=live.clock)


async def extend(live: Resources, card_id: UUID) -> None:
    await transact(
        live.db,
        card_release_service.extend,
        viewer=await operator(live),
        card_id=card_id,
        expires_at=live.clock.now() + 100 * DAY,
        now=live.clock.now(),
    )


async def released(live: Resources) -> list[tuple[int, bool]]:
    """What was released, and whether that stands."""
    async with live.db.connection() as connection:
        rows = await connection.fetch(
            "SELECT amount_minor, restored_at IS NULL FROM gift_card_release ORDER BY id"
        )
    return [tuple(row) for row in rows]


async def spent_in_part(
    live: Resources, shop: Shop, buyer: User, *, ends_at: timedelta = DAY
) -> tuple[Order, UUID]:
    """A card of 15.00 that has paid 10.00 and is about to run out."""
    card_id, code = await make_card(live, 1500, expires_at=live.clock.now() + ends_at)
    return await buy(live, (shop, 1), buyer=buyer, tenders=(by_card(code),)), card_id


@asynccontextmanager
async def half_done(
    live: Resources, command: Callable[[Connection], Awaitable[object]]
) -> AsyncIterator[None]:
    """What is done in this while is done while the command's transaction is open."""
    async with live.db.connection() as connection, connection.transaction():
        await command(connection)
        yield


async def test_a_refund_that_meets_the_release_of_its_card_goes_on(
    live: Resources, clock: ManualClock
) -> None:
    await policy(live)
    shop = await a_shop(live)
    buyer = await transact(live.db, make_buyer)
    order, card_id = await spent_in_part(live, shop, buyer)
    clock.advance(DAY)

    async def release(connection: Connection) -> None:
        assert await card_release_service.release(connection, card_id=card_id, now=clock.now())

    async with half_done(live, release):
        refunding = asyncio.create_task(refund(live, order, shop, units=1))
        await waits_or_ends(live, refunding)
        assert not refunding.done()
    await refunding
    assert (await left_on(live, card_id), await credit_of(live, buyer)) == (0, {"EUR": 1000})
    assert await released(live) == [(500, True)]
    await is_sound(live)


async def test_a_refund_that_meets_whoever_stops_its_card_goes_on(live: Resources) -> None:
    shop = await a_shop(live)
    buyer = await transact(live.db, make_buyer)
    order, card_id = await spent_in_part(live, shop, buyer)
    viewer = await operator(live)

    async def stop(connection: Connection) -> None:
        await stored_value_service.deactivate(
            connection, viewer=viewer, card_id=card_id, now=live.clock.now()
        )

    async with half_done(live, stop):
        refunding = asyncio.create_task(refund(live, order, shop, units=1))
        await waits_or_ends(live, refunding)
        assert not refunding.done()
    await refunding
    assert (await left_on(live, card_id), await credit_of(live, buyer)) == (500, {"EUR": 1000})
    await is_sound(live)


async def test_releases_refunds_and_extensions_meet_and_each_cent_is_somewhere(
    live: Resources, clock: ManualClock
) -> None:
    await policy(live)
    shop = await a_shop(live)
    buyer = await transact(live.db, make_buyer)
    for number in range(ROUNDS):
        order, card_id = await spent_in_part(live, shop, buyer)
        clock.advance(DAY)
        seen = await outcomes(
            run(live), refund(live, order, shop, units=1), run(live),
            *([extend(live, card_id)] if number % 2 else []),
            run(live),
        )  # fmt: skip
        assert sum(seen.values()) == seen["done"], seen
        # By its end a card is spent by whoever holds it, or has nothing on it.
        clock.advance(100 * DAY)
        await run(live)
        assert await left_on(live, card_id) == 0
    standing = sum(minor for minor, stands in await released(live) if stands)
    moved = (await credit_of(live, buyer)).get("EUR", 0)
    assert standing + moved == 1500 * ROUNDS
    assert await ask(live.db, balances) == {
        "promotion_cost": moved,
        **({"store_credit": -moved} if moved else {}),
    }
    await is_sound(live)


async def test_cards_are_released_once_however_many_release_them(
    live: Resources, clock: ManualClock
) -> None:
    await policy(live)
    for _ in range(6):
        await make_card(live, 700, expires_at=clock.now() + DAY)
    clock.advance(DAY)
    done = await asyncio.gather(*(run(live) for _ in range(6)))
    assert sum(done) == 6
    assert await released(live) == [(700, True)] * 6
    assert await ask(live.db, balances) == {}
    await is_sound(live)


async def test_what_is_extended_many_times_is_owed_once_again(
    live: Resources, clock: ManualClock
) -> None:
    await policy(live)
    card_id, _ = await make_card(live, 700, expires_at=clock.now() + DAY)
    clock.advance(DAY)
    assert await run(live) == 1
    seen = await outcomes(*(extend(live, card_id) for _ in range(6)), run(live), run(live))
    # All but one ask for the day that it has by then.
    assert seen == {"done": 3, "invalid_input": 5}
    assert (await left_on(live, card_id), await released(live)) == (700, [(700, False)])
    await is_sound(live)


async def test_a_card_is_spent_or_released_and_never_both(
    live: Resources, clock: ManualClock
) -> None:
    """Buyers whose clocks say that it is still good meet the run that says that it isn't."""
    await policy(live)
    shop = await a_shop(live)
    for _ in range(ROUNDS):
        before = await released(live)
        card_id, code = await make_card(live, 3000, expires_at=clock.now() + DAY)
        late = clock.now() + DAY

        async def release(card_id: UUID = card_id, late: datetime = late) -> bool:
            return await transact(live.db, card_release_service.release, card_id=card_id, now=late)

        seen = await outcomes(
            *(buy(live, (shop, 1), tenders=(by_card(code),)) for _ in range(2)),
            release(),
            *(buy(live, (shop, 1), tenders=(by_card(code),)) for _ in range(2)),
            release(),
        )
        assert set(seen) <= {"done", "insufficient_balance", "gift_card_refused"}
        bought = seen["done"] - 2
        new = (await released(live))[len(before) :]
        assert new == ([(3000 - 1000 * bought, True)] if bought < 3 else [])
        assert await left_on(live, card_id) == 0
    await is_sound(live)


@pytest.mark.parametrize("held_first", [True, False])
async def test_an_unpaid_order_s_end_meets_the_release_of_its_card(
    live: Resources, clock: ManualClock, held_first: bool
) -> None:
    await policy(live)
    shop = await a_shop(live)
    buyer = await transact(live.db, make_buyer)
    card_id, code = await make_card(live, 1500, expires_at=clock.now() + DAY)
    order = await buy(
        live, (shop, 2), buyer=buyer, tenders=(by_card(code, 1000), by_bank("tok_requires_action"))
    )
    clock.advance(DAY)

    async def release(connection: Connection) -> None:
        await card_release_service.release(connection, card_id=card_id, now=clock.now())

    if held_first:
        async with half_done(live, release):
            ending = asyncio.create_task(cancel(live, order, viewer=buyer.viewer))
            await waits_or_ends(live, ending)
        await ending
    else:
        await cancel(live, order, viewer=buyer.viewer)
        await run(live)
    clock.advance(100 * DAY)
    await run(live)
    assert await left_on(live, card_id) == 0
    credit = (await credit_of(live, buyer)).get("EUR", 0)
    # Released first, what comes back goes on; back first, the card is good for a while, and that
    # has passed.
    assert (credit, await released(live)) == (
        (1000, [(500, True)]) if held_first else (0, [(1500, True)])
    )
    await is_sound(live)


async def test_refunds_that_meet_the_bank_s_word_make_its_loss_good(live: Resources) -> None:
    """Before it they lie on the frozen card, after it they make the loss good: the same cents."""
    await offer_cards(live)
    shop = await a_shop(live)
    for _ in range(ROUNDS):
        bought = await buy_card(live, 5000)
        code = await code_of(live, bought)
        orders = [await buy(live, (shop, 1), tenders=(by_card(code),)) for _ in range(4)]
        reference = await take_back(live, bought)
        seen = await outcomes(
            *(refund(live, one, shop, units=1) for one in orders[:2]),
            bank_decides(live, bought, reference, won=False),
            *(refund(live, one, shop, units=1) for one in orders[2:]),
        )
        assert seen == {"done": 5}
        purchase = await purchase_of(live, bought)
        assert purchase.card is not None
        assert (purchase.lost_minor, purchase.card.balance_minor) == (5000, 0)
    assert await ask(live.db, balances) == {}
    await is_sound(live)
