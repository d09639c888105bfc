"""Gift cards bought, told, spent and taken back by many at once: one card, one code, each cent."""

import asyncio
from datetime import timedelta

from gosellr.core.clock import ManualClock
from gosellr.core.errors import DomainError
from gosellr.core.transact import ask
from gosellr.flows import gift_sales
from gosellr.flows.gift_sales import ToldGiftCard
from gosellr.jobs import upkeep
from gosellr.models.order_values import Refund
from gosellr.resources import Resources
from gosellr.services.gift_sale_service import CodeToldAlready
from gosellr.utils.viewer import GUEST
from tests.factories.gift_sales import (
    a_wish,
    buy_card,
    code_of,
    holder_of,
    offer_cards,
    purchase_of,
    take_back,
)
from tests.factories.sales import a_key, balances, buy, read
from tests.factories.stored_value import by_bank, by_card, operator
from tests.races.test_refund_races import outcomes
from tests.races.test_stored_value_races import a_shop, is_sound


async def made(live: Resources) -> int:
    async with live.db.connection() as connection:
        count: int = await connection.fetchval("SELECT count(*) FROM gift_card")
        return count


async def test_a_capture_that_is_told_many_times_makes_one_card(
    live: Resources, clock: ManualClock
) -> None:
    await offer_cards(live)
    order = await buy_card(live, tender=by_bank("tok_timeout_then_ok"))
    assert (order.status, await made(live)) == ("pending_payment", 0)
    clock.advance(timedelta(minutes=1))
    await outcomes(
        *(upkeep.resume_payments(live) for _ in range(4)),
        *(upkeep.deliver_sandbox_reports(live) for _ in range(4)),
    )
    await upkeep.resume_payments(live)
    assert ((await read(live, order)).status, await made(live)) == ("paid", 1)
    assert await ask(live.db, balances) == {"gateway_clearing": 5000, "gift_card": -5000}
    await is_sound(live)


async def test_one_request_many_times_buys_one_card(live: Resources) -> None:
    await offer_cards(live)
    key = a_key("the same")
    await outcomes(
        *(
            gift_sales.buy_gift_card(live.checkout, viewer=GUEST, wish=a_wish(), key=key)
            for _ in range(6)
        )
    )
    async with live.db.connection() as connection:
        assert await connection.fetchval("SELECT count(*) FROM orders") == 1
    assert await made(live) == 1
    await is_sound(live)


async def test_a_code_is_told_to_the_first_who_asks(live: Resources) -> None:
    await offer_cards(live)
    shop = await a_shop(live)
    order = await buy_card(live)
    viewer = holder_of(live, order.id)
    told = await asyncio.gather(
        *(
            gift_sales.tell_code(live.stored_value, viewer=viewer, order_id=order.id)
            for _ in range(8)
        ),
        return_exceptions=True,
    )
    [first] = [one for one in told if isinstance(one, ToldGiftCard)]
    assert sum(isinstance(one, CodeToldAlready) for one in told) == 7
    assert (await buy(live, (shop, 5), tenders=(by_card(first.code),))).status == "paid"
    await is_sound(live)


async def test_what_is_taken_back_is_what_nobody_has_spent(live: Resources) -> None:
    await offer_cards(live)
    shop = await a_shop(live)
    viewer = await operator(live)
    for _ in range(4):
        order = await buy_card(live, 5000)
        code = await code_of(live, order)
        done = await asyncio.gather(
            *(buy(live, (shop, 1), tenders=(by_card(code),)) for _ in range(3)),
            *(take_back(live, order, viewer=viewer) for _ in range(2)),
            *(buy(live, (shop, 1), tenders=(by_card(code),)) for _ in range(3)),
            return_exceptions=True,
        )
        refused = [one for one in done if isinstance(one, BaseException)]
        assert all(isinstance(one, DomainError) for one in refused), refused
        [back] = [one for one in done if isinstance(one, Refund)]
        spent = len(done) - len(refused) - 1
        assert back.amount_minor == 5000 - 1000 * spent
        card = (await purchase_of(live, order)).card
        assert card is not None
        assert (card.balance_minor, back.status) == (0, "succeeded")
    await is_sound(live)
