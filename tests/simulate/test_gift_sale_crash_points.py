"""Death at every step of buying a gift card and of taking one back: one card, each cent once."""

from gosellr.core.transact import ask
from gosellr.flows import checkout, gift_sales, refunds
from gosellr.resources import Resources
from gosellr.services import order_service
from gosellr.services.idempotency_service import KeptAnswer
from gosellr.utils.viewer import GUEST
from tests.factories.gift_sales import a_wish, buy_card, offer_cards, purchase_of
from tests.factories.sales import a_key
from tests.factories.stored_value import operator
from tests.simulate.stage import Scene, Stage, card, die_everywhere, orders_of, sweep


async def test_a_purchase_cut_off_anywhere_makes_one_card(stage: Stage) -> None:
    await offer_cards(stage.market)

    async def scene() -> Scene:
        key = a_key()
        wish = a_wish(5000, tender=card("tok_timeout_then_ok"), reference=key.key)

        async def play(market: Resources) -> None:
            placed = await gift_sales.buy_gift_card(
                market.checkout, viewer=GUEST, wish=wish, key=key
            )
            if placed.order is not None:
                kept = KeptAnswer(request=key, status=201, body=str(placed.order.id).encode())
                await checkout.keep_answer(market.checkout, answer=kept)

        async def check(market: Resources) -> None:
            await play(market)
            await sweep(stage, market)
            [order] = await orders_of(market, key.key)
            assert order.status == "paid"
            bought = await purchase_of(market, order)
            assert bought.card is not None
            assert bought.card.balance_minor == 5000

        return Scene(play, check)

    assert await die_everywhere(stage, scene) >= 8


async def test_a_card_taken_back_cut_off_anywhere_is_refunded_once(stage: Stage) -> None:
    await offer_cards(stage.market)
    viewer = await operator(stage.market)

    async def scene() -> Scene:
        order = await buy_card(stage.market, 5000)
        key = a_key()

        async def play(market: Resources) -> None:
            done = await gift_sales.take_back(
                market.refunds, viewer=viewer, order_id=order.id, reason="not wanted", key=key
            )
            if done.refund is not None:
                body = str(done.refund.id).encode()
                await refunds.keep_answer(market.refunds, key=key, status=201, body=body)

        async def check(market: Resources) -> None:
            await play(market)
            await sweep(stage, market)
            after = await ask(market.db, order_service.load_order, order_id=order.id)
            assert [(one.status, one.amount_minor) for one in after.refunds] == [
                ("succeeded", 5000)
            ]
            bought = await purchase_of(market, after)
            assert bought.card is not None
            assert bought.card.balance_minor == 0

        return Scene(play, check)

    assert await die_everywhere(stage, scene) >= 8
