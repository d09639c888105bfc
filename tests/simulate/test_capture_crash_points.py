"""Death at every step of a parcel whose money is taken first: taken once, and never unbooked."""

from contextlib import suppress
from datetime import timedelta

import pytest

from gosellr.core.transact import ask, transact
from gosellr.jobs import upkeep
from gosellr.models.order_values import Order
from gosellr.resources import Resources
from gosellr.services import order_service, stray_service
from gosellr.services.order_steps import TransitionRefused
from gosellr.services.payment_captures import CaptureDeclined, CapturePending
from gosellr.services.shipment_service import NothingLeftToShip
from gosellr.utils.permissions import Role
from gosellr.utils.viewer import Viewer
from tests.factories.captures import at_shipment, charge_of
from tests.factories.sales import Shop, buy, cancel, make_shop, part_of, ship
from tests.simulate.stage import PRICE, Scene, Stage, card, die_everywhere, sweep

OPERATOR = Viewer(roles=frozenset({Role.OPERATOR}))


async def tidy(stage: Stage, market: Resources) -> None:
    stage.clock.advance(timedelta(seconds=30))
    for _ in range(2):
        await upkeep.resume_captures(market)
        await upkeep.resume_payments(market)
    await sweep(stage, market)


async def reread(market: Resources, order: Order) -> Order:
    return await ask(market.db, order_service.load_order, order_id=order.id)


async def check_taken(market: Resources, order: Order, taken_minor: int, state: str) -> None:
    after = await reread(market, order)
    found = await market.gateways["sandbox"].lookup(attempt_id=str(charge_of(after).id))
    assert (found.captured_minor, found.state) == (taken_minor, state)
    assert after.captured_minor == taken_minor
    async with market.db.connection() as connection:
        in_books = await connection.fetchval(
            "SELECT COALESCE(sum(amount_minor), 0) FROM ledger_entry JOIN ledger_transaction"
            " AS head ON head.id = transaction_id WHERE head.order_id = $1 AND head.kind = 'sale'"
            " AND account LIKE 'gateway_clearing:%'",
            order.id,
        )
    assert in_books == taken_minor


async def two_shops(stage: Stage, token: str) -> tuple[Order, Shop]:
    other = await transact(stage.market.db, make_shop, price_minor=PRICE)
    order = await buy(
        at_shipment(stage.market), (stage.shop, 1), (other, 1), tenders=(card(token),)
    )
    return order, other


async def ship_in_the_end(stage: Stage, market: Resources, order: Order) -> None:
    """A seller who tries again until the parcel is gone, or learns that it was."""
    with suppress(NothingLeftToShip):
        try:
            await ship(market, order, stage.shop)
        except CapturePending:
            await tidy(stage, market)
            await ship(market, order, stage.shop)
    await tidy(stage, market)


@pytest.mark.case(8)
@pytest.mark.parametrize(
    "token", ["tok_ok", "tok_capture_timeout_then_ok", "tok_capture_timeout_before"]
)
async def test_case_8_a_parcel_cut_off_anywhere_is_paid_for_once(stage: Stage, token: str) -> None:
    async def scene() -> Scene:
        order, other = await two_shops(stage, token)

        async def play(market: Resources) -> None:
            with suppress(CapturePending):
                await ship(market, order, stage.shop)

        async def check(market: Resources) -> None:
            await tidy(stage, market)
            await ship_in_the_end(stage, market, order)
            await check_taken(market, order, PRICE, "authorized")
            assert part_of(await reread(market, order), stage.shop).status == "shipped"
            # What the other seller doesn't ship is let go of.
            await cancel(market, order, viewer=OPERATOR, shop=other)
            await check_taken(market, order, PRICE, "captured")

        return Scene(play, check)

    assert await die_everywhere(stage, scene) >= 15


@pytest.mark.case(27)
async def test_case_27_a_short_share_cut_off_anywhere_goes_back_once(stage: Stage) -> None:
    async def scene() -> Scene:
        order, other = await two_shops(stage, "tok_captures_half")

        async def play(market: Resources) -> None:
            with suppress(CaptureDeclined):
                await ship(market, order, stage.shop)
            await upkeep.resume_returns(market)

        async def check(market: Resources) -> None:
            await tidy(stage, market)
            if not (await reread(market, order)).payments[0].returns:
                # It was cut off before anything was asked for.
                with suppress(CaptureDeclined):
                    await ship(market, order, stage.shop)
            await tidy(stage, market)
            for shop in (stage.shop, other):
                await cancel(market, order, viewer=OPERATOR, shop=shop)
            await tidy(stage, market)
            after = await reread(market, order)
            assert (after.status, after.captured_minor, after.paid_at) == ("cancelled", 0, None)
            [payment] = after.payments
            assert (payment.taken_minor, payment.given_back_minor) == (PRICE // 2, PRICE // 2)
            found = await market.gateways["sandbox"].lookup(attempt_id=str(payment.id))
            assert found.captured_minor == PRICE // 2
            cases = await ask(market.db, stray_service.open_cases)
            assert [one.order_id for one in cases].count(order.id) == 1

        return Scene(play, check)

    assert await die_everywhere(stage, scene) >= 15


async def test_the_last_part_s_end_cut_off_anywhere_lets_the_rest_go(stage: Stage) -> None:
    async def scene() -> Scene:
        order, other = await two_shops(stage, "tok_ok")
        await ship(stage.market, order, stage.shop)

        async def play(market: Resources) -> None:
            await cancel(market, order, viewer=OPERATOR, shop=other)

        async def check(market: Resources) -> None:
            with suppress(TransitionRefused):
                await cancel(market, order, viewer=OPERATOR, shop=other)
            await tidy(stage, market)
            await check_taken(market, order, PRICE, "captured")
            assert part_of(await reread(market, order), other).status == "cancelled"

        return Scene(play, check)

    assert await die_everywhere(stage, scene) >= 8
