"""Many at once who spend the same gift card or credit: no more than there is, each cent once."""

import asyncio
from collections import Counter
from datetime import timedelta
from typing import Any
from uuid import UUID

import httpx2
import pytest

from gosellr.core.clock import ManualClock
from gosellr.core.transact import ask, transact
from gosellr.jobs import upkeep
from gosellr.jobs.audit import audit_market
from gosellr.resources import Resources
from gosellr.services import order_service, seller_credit_service, stored_value_service
from tests.factories.orders import order_body, place
from tests.factories.payouts import earn, pay, set_account
from tests.factories.sales import (
    Shop,
    a_key,
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
)
from tests.factories.stored_value import (
    by_bank,
    by_card,
    by_credit,
    credit_of,
    grant_credit,
    held_for_orders,
    left_on,
    make_card,
    operator,
    pay_again,
)
from tests.races.test_refund_races import outcomes

BUYERS = 32


async def is_sound(live: Resources) -> None:
    found = await audit_market(
        live.db,
        gateways=live.gateways,
        payout_providers=live.payout_providers,
        now=live.clock.now(),
    )
    assert found == []


async def a_shop(live: Resources) -> Shop:
    return await transact(live.db, make_shop, price_minor=1000)


@pytest.mark.case(49)
@pytest.mark.parametrize("amount_minor", [None, 300])
async def test_case_49_a_card_is_never_overspent(
    live: Resources, live_client: httpx2.AsyncClient, amount_minor: int | None
) -> None:
    shop = await a_shop(live)
    card_id, code = await make_card(live, 5000 if amount_minor is None else 1000)
    tender: Any = [{"method": "gift_card", "token": code}]
    if amount_minor is not None:
        tender[0]["amount"] = {"amount": amount_minor, "currency": "EUR"}
        tender.append({"method": "sandbox", "token": "tok_ok"})
    answers = await asyncio.gather(
        *(
            place(
                live_client,
                {
                    key: value
                    for key, value in order_body(
                        (shop.product.variant_id, 1),
                        email=f"buyer-{number}@example.com",
                        payment_method=tender,
                    ).items()
                    if key != "payment_token"
                },
            )
            for number in range(BUYERS)
        )
    )
    lucky = 5 if amount_minor is None else 3
    assert Counter(one.status_code for one in answers) == {201: lucky, 409: BUYERS - lucky}
    codes = {one.json()["code"] for one in answers if one.status_code == 409}
    assert codes == {"insufficient_balance"}
    assert await left_on(live, card_id) == (0 if amount_minor is None else 100)
    async with live.db.connection() as connection:
        assert await connection.fetchval("SELECT count(*) FROM orders") == lucky
        assert await held_for_orders(connection) == 0
    await is_sound(live)


async def test_two_cards_in_either_order_never_block_each_other(live: Resources) -> None:
    shop = await a_shop(live)
    first, code = await make_card(live, 10_000)
    second, other = await make_card(live, 10_000)
    seen = await outcomes(
        *(
            buy(
                live,
                (shop, 1),
                tenders=[by_card(one, 500) for one in ((code, other), (other, code))[number % 2]],
            )
            for number in range(20)
        )
    )
    assert sum(seen.values()) == 20
    assert (await left_on(live, first), await left_on(live, second)) == (0, 0)
    await is_sound(live)


async def test_gifts_payouts_and_refunds_share_what_a_shop_has(live: Resources) -> None:
    shop = await a_shop(live)
    await set_account(live, shop)
    buyer = await transact(live.db, make_buyer)
    order = await earn(live, shop, buyer=buyer)
    part = part_of(order, shop)
    gift = {
        "viewer": shop.viewer, "order_id": order.id, "seller_order_id": part.id,
        "amount_minor": 150, "currency": "EUR", "reason": "sorry", "policy": live.policy,
        "now": live.clock.now(),
    }  # fmt: skip
    seen = await outcomes(
        *(transact(live.db, seller_credit_service.give, key=a_key(), **gift) for _ in range(8)),
        refund(live, order, shop, amount_minor=400),
        pay(live, shop),
    )
    assert seen["done"] + seen["insufficient_balance"] + seen["nothing_to_pay_out"] == 10
    given = (await credit_of(live, buyer)).get("EUR", 0)
    assert given % 150 == 0
    async with live.db.connection() as connection:
        owed = await seller_owes(connection, shop)
    # 10.00 were earned: refunded, given away, paid out, and nothing is left or it is owed.
    assert owed.get("available", 0) >= 0
    await is_sound(live)


async def test_expiry_cancellation_and_payment_meet_and_value_is_spent_or_back(
    live: Resources, clock: ManualClock
) -> None:
    shop = await a_shop(live)
    buyer = await transact(live.db, make_buyer)
    await grant_credit(live, buyer, 6000)
    orders = [
        await buy(
            live,
            (shop, 1),
            buyer=buyer,
            tenders=(by_credit(600), by_bank("tok_timeout_then_ok")),
        )
        for _ in range(10)
    ]
    assert await credit_of(live, buyer) == {}
    clock.advance(timedelta(minutes=16))
    await outcomes(
        *(cancel(live, one, viewer=buyer.viewer) for one in orders),
        *(upkeep.expire_holds(live) for _ in range(3)),
        *(upkeep.resume_payments(live) for _ in range(3)),
    )
    for _ in range(3):
        clock.advance(timedelta(minutes=1))
        await upkeep.resume_payments(live)
        await upkeep.expire_holds(live)
        await upkeep.resume_returns(live)
        await upkeep.resume_refunds(live)
    after = [await read(live, one) for one in orders]
    assert {one.status for one in after} <= {"paid", "cancelled"}
    kept = [one for one in after if one.paid_at is not None and not one.refunded_minor]
    assert await credit_of(live, buyer) == (
        {"EUR": 6000 - 600 * len(kept)} if len(kept) < 10 else {}
    )
    async with live.db.connection() as connection:
        assert await held_for_orders(connection) == 0
    await is_sound(live)


async def test_a_card_that_is_stopped_is_spent_by_nobody_after_that(live: Resources) -> None:
    shop = await a_shop(live)
    viewer = await operator(live)
    for _ in range(4):
        card_id, code = await make_card(live, 8000)

        async def stop(card_id: UUID = card_id) -> int:
            await transact(
                live.db,
                stored_value_service.deactivate,
                viewer=viewer,
                card_id=card_id,
                now=live.clock.now(),
            )
            return await left_on(live, card_id)

        spending = [buy(live, (shop, 1), tenders=(by_card(code),)) for _ in range(8)]
        left, *_ = await asyncio.gather(stop(), *spending, return_exceptions=True)
        # What it held when it was stopped it holds for good.
        assert await left_on(live, card_id) == left
    await is_sound(live)


async def test_refunds_that_meet_give_back_what_was_paid_and_no_more(live: Resources) -> None:
    shop = await a_shop(live)
    card_id, code = await make_card(live, 3000)
    order = await buy(live, (shop, 5), tenders=(by_card(code), by_bank()))
    await ship(live, order, shop)
    seen = await outcomes(*(refund(live, order, shop, units=1) for _ in range(9)))
    assert sum(seen.values()) == 9
    after = await ask(live.db, order_service.load_order, order_id=order.id)
    assert [one.refunded_minor for one in after.payments] == [3000, 2000]
    assert await left_on(live, card_id) == 3000
    assert await ask(live.db, balances) == {"promotion_cost": 3000, "gift_card": -3000}
    await is_sound(live)


async def test_retries_that_meet_pay_once(live: Resources) -> None:
    shop = await a_shop(live)
    _, code = await make_card(live, 400)
    order = await buy(live, (shop, 1), tenders=(by_card(code), by_bank("tok_declined")))
    await outcomes(*(pay_again(live, order, by_bank()) for _ in range(6)))
    after = await read(live, order)
    assert (after.status, after.captured_minor) == ("paid", 1000)
    await is_sound(live)
