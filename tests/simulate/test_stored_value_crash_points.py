"""Death at every step of an order that gift cards pay, or a part of it: spent or back, once."""

from dataclasses import replace
from datetime import timedelta
from uuid import UUID

import pytest

from gosellr.core.transact import ask
from gosellr.flows import refunds
from gosellr.jobs import upkeep
from gosellr.resources import Resources
from gosellr.services import order_service
from gosellr.services.refund_plan import RefundRequest
from tests.factories.sales import a_key, buy, ship
from tests.factories.stored_value import by_card, held_for_orders, left_on, make_card
from tests.simulate.crashing import Died, Fuse, numbered
from tests.simulate.stage import (
    PRICE,
    Purchase,
    Scene,
    Stage,
    basket,
    card,
    check_at_rest,
    check_market,
    die_everywhere,
    orders_of,
    purchase_scene,
    sweep,
)

TOTAL = 2 * PRICE


async def nothing_held(market: Resources) -> None:
    async with market.db.connection() as connection:
        assert await held_for_orders(connection) == 0


def with_card(scene: Scene, *, card_id: UUID, left: int) -> Scene:
    """The same story, and what is left on the card in the end."""

    async def check(market: Resources) -> None:
        await scene.check(market)
        assert await left_on(market, card_id) == left
        await nothing_held(market)

    return replace(scene, check=check)


@pytest.mark.case(18)
@pytest.mark.parametrize("way", ["card alone", "card and bank", "two cards", "no answer"])
async def test_case_18_a_purchase_by_gift_card_cut_off_anywhere(stage: Stage, way: str) -> None:
    async def scene() -> Scene:
        card_id, code = await make_card(stage.market, TOTAL if way == "card alone" else 1000)
        tenders = {
            "card alone": [by_card(code)],
            "card and bank": [by_card(code), card()],
            "no answer": [by_card(code), card("tok_timeout_then_ok")],
        }.get(way)
        if tenders is None:
            _, other = await make_card(stage.market, TOTAL)
            tenders = [by_card(code), by_card(other)]
        purchase = Purchase(basket(stage, *tenders))
        return with_card(purchase_scene(stage, purchase, paid=True), card_id=card_id, left=0)

    assert await die_everywhere(stage, scene) >= 15


@pytest.mark.case(13)
async def test_case_13_a_declined_rest_cut_off_anywhere_gives_the_value_back(stage: Stage) -> None:
    async def scene() -> Scene:
        card_id, code = await make_card(stage.market, 1000)
        purchase = Purchase(basket(stage, by_card(code), card("tok_declined")))
        scene = purchase_scene(stage, purchase, paid=False)
        return with_card(scene, card_id=card_id, left=1000)

    assert await die_everywhere(stage, scene) >= 15


@pytest.mark.case(14)
async def test_case_14_an_expiry_cut_off_anywhere_gives_value_back_once(stage: Stage) -> None:
    async def scene() -> Scene:
        card_id, code = await make_card(stage.market, 1000)
        order = await buy(
            stage.market, (stage.shop, 2), tenders=(by_card(code), card("tok_requires_action"))
        )
        stage.clock.advance(timedelta(minutes=16))

        async def check(market: Resources) -> None:
            await sweep(stage, market)
            after = await ask(market.db, order_service.load_order, order_id=order.id)
            assert after.status == "cancelled"
            await check_at_rest(market, after)

        return with_card(Scene(upkeep.expire_holds, check), card_id=card_id, left=1000)

    assert await die_everywhere(stage, scene) >= 10


@pytest.mark.case(18)
async def test_case_18_a_refund_over_bank_and_card_cut_off_anywhere(stage: Stage) -> None:
    async def scene() -> Scene:
        card_id, code = await make_card(stage.market, 1000)
        order = await buy(stage.market, (stage.shop, 2), tenders=(by_card(code), card()))
        await ship(stage.market, order, stage.shop)
        [part] = order.parts
        key = a_key()

        async def play(market: Resources) -> None:
            requested = await refunds.request_refund(
                market.refunds,
                viewer=stage.shop.viewer,
                order_id=order.id,
                request=RefundRequest(
                    seller_order_id=part.id, reason="broken", items=((part.lines[0].id, 2),)
                ),
                key=key,
            )
            if requested.refund is not None:
                body = str(requested.refund.id).encode()
                await refunds.keep_answer(market.refunds, key=key, status=201, body=body)

        async def check(market: Resources) -> None:
            await play(market)
            await sweep(stage, market)
            after = await ask(market.db, order_service.load_order, order_id=order.id)
            assert [(one.status, one.amount_minor) for one in after.refunds] == [
                ("succeeded", TOTAL)
            ]
            assert [one.refunded_minor for one in after.payments] == [1000, TOTAL - 1000]

        return with_card(Scene(play, check), card_id=card_id, left=1000)

    assert await die_everywhere(stage, scene) >= 15


@pytest.mark.case(18)
async def test_case_18_an_order_that_value_alone_pays_is_finished_by_the_next_sweep(
    stage: Stage,
) -> None:
    _, code = await make_card(stage.market, TOTAL)
    purchase = Purchase(basket(stage, by_card(code)))
    fuse = Fuse(at=1, after=True, counts=lambda step: step == "COMMIT")
    with pytest.raises(Died):
        await purchase.make(numbered(stage.restarted(), fuse))
    market = stage.restarted()
    [order] = await orders_of(market, purchase.key)
    assert order.status == "pending_payment"
    stage.clock.advance(timedelta(seconds=30))
    await upkeep.resume_payments(market)
    [order] = await orders_of(market, purchase.key)
    assert order.status == "paid"
    await check_at_rest(market, order)
    await nothing_held(market)
    await check_market(stage, market)
