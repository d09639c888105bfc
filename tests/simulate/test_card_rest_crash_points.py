"""Death at every step of what becomes of gift cards that are over, or are somebody's present."""

from contextlib import suppress
from dataclasses import replace
from datetime import timedelta

from gosellr.core.transact import ask, transact
from gosellr.flows import card_releases, gift_deliveries
from gosellr.jobs import letters
from gosellr.resources import Resources
from gosellr.services import gift_sale_service, order_service, stored_value_service
from gosellr.services.letter_post import HELD_FOR
from gosellr.services.order_steps import TransitionRefused
from tests.factories.gift_sales import buy_card, offer_cards, purchase_of
from tests.factories.letters import TELL
from tests.factories.sales import buy, cancel, make_buyer
from tests.factories.stored_value import by_card, credit_of, left_on, make_card, operator
from tests.simulate.stage import OPERATOR, PRICE, Scene, Stage, die_everywhere, sweep

DAY = timedelta(days=1)


async def test_a_release_cut_off_anywhere_is_made_once(stage: Stage) -> None:
    offer = await offer_cards(stage.market)
    await transact(
        stage.market.db,
        gift_sale_service.set_offer,
        viewer=await operator(stage.market),
        offer=replace(offer, released_after_days=0),
    )

    async def scene() -> Scene:
        card_id, _ = await make_card(stage.market, 700, expires_at=stage.clock.now() + DAY)
        stage.clock.advance(DAY)

        async def play(market: Resources) -> None:
            await card_releases.release_due(db=market.db, clock=market.clock)

        async def check(market: Resources) -> None:
            # What failed waits for its next turn.
            stage.clock.advance(timedelta(hours=1))
            await play(market)
            await play(market)
            assert await left_on(market, card_id) == 0
            async with market.db.connection() as connection:
                rows = await connection.fetch(
                    "SELECT released.amount_minor, count(booked.id) AS booked"
                    " FROM gift_card_release AS released LEFT JOIN ledger_transaction AS booked"
                    " ON booked.cause_id = released.id WHERE released.card_id = $1 GROUP BY 1",
                    card_id,
                )
            assert [tuple(row) for row in rows] == [(700, 1)]

        return Scene(play, check)

    assert await die_everywhere(stage, scene) >= 8


async def test_a_refund_to_a_stopped_card_cut_off_anywhere_goes_on_once(stage: Stage) -> None:
    viewer = await operator(stage.market)

    async def scene() -> Scene:
        buyer = await transact(stage.market.db, make_buyer)
        card_id, code = await make_card(stage.market, PRICE)
        order = await buy(stage.market, (stage.shop, 1), buyer=buyer, tenders=(by_card(code),))
        await transact(
            stage.market.db,
            stored_value_service.deactivate,
            viewer=viewer,
            card_id=card_id,
            now=stage.clock.now(),
        )

        async def play(market: Resources) -> None:
            await cancel(market, order, viewer=OPERATOR)

        async def check(market: Resources) -> None:
            with suppress(TransitionRefused):
                await play(market)
            await sweep(stage, market)
            after = await ask(market.db, order_service.load_order, order_id=order.id)
            assert [(one.status, one.amount_minor) for one in after.refunds] == [
                ("succeeded", PRICE)
            ]
            assert await credit_of(market, buyer) == {"EUR": PRICE}
            assert await left_on(market, card_id) == 0
            async with market.db.connection() as connection:
                moved = await connection.fetch(
                    "SELECT amount_minor FROM stored_value_move WHERE order_id = $1", order.id
                )
            assert [row["amount_minor"] for row in moved] == [PRICE]

        return Scene(play, check)

    assert await die_everywhere(stage, scene) >= 8


async def test_a_present_cut_off_anywhere_is_one_letter(stage: Stage) -> None:
    await offer_cards(stage.market)
    async with stage.market.db.connection() as connection:
        await connection.execute(TELL)
    await letters.write_letters(stage.market)

    async def tell(market: Resources) -> None:
        async with market.db.connection() as connection:
            await connection.execute(TELL)

    async def scene() -> Scene:
        order = await buy_card(
            stage.market, 5000, recipient_name="Grace", recipient_email="grace@example.com"
        )

        async def play(market: Resources) -> None:
            await gift_deliveries.deliver_due(db=market.db, clock=market.clock)
            await tell(stage.market)
            await letters.write_letters(market)
            await letters.send_letters(market)

        async def check(market: Resources) -> None:
            stage.clock.advance(max(HELD_FOR, timedelta(hours=1)))
            for _ in range(2):
                await play(market)
            assert (await purchase_of(market, order)).sent_count == 1
            async with market.db.connection() as connection:
                rows = await connection.fetch(
                    "SELECT status, recipient FROM letter"
                    " WHERE order_id = $1 AND kind = 'gift_card_for_you'",
                    order.id,
                )
            assert [tuple(row) for row in rows] == [("sent", "grace@example.com")]

        return Scene(play, check)

    assert await die_everywhere(stage, scene) >= 15
