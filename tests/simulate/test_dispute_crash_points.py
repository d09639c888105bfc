"""Death at every step of a case: whatever is cut off, the money goes one way, once."""

from contextlib import suppress
from datetime import timedelta
from uuid import uuid4

import pytest

from gosellr.core.transact import transact
from gosellr.flows import webhooks
from gosellr.jobs import upkeep
from gosellr.resources import Resources
from gosellr.services.checkout_service import Tender
from gosellr.services.dispute_steps import DisputeStepRefused
from tests.factories.disputes import (
    accept,
    cases_of,
    delivered,
    network,
    open_case,
    reread,
    take_back,
)
from tests.factories.sales import Shop, make_buyer, make_shop, part_of, read, seller_owes
from tests.simulate.stage import PRICE, Scene, Stage, die_everywhere, sweep

NET = PRICE - 420 - 84


async def a_shop(stage: Stage) -> Shop:
    return await transact(stage.market.db, make_shop, price_minor=PRICE)


async def settle_everything(stage: Stage, market: Resources) -> None:
    await sweep(stage, market)
    await upkeep.work_off_disputes(market)
    await upkeep.apply_parked_reports(market)


async def owes(market: Resources, shop: Shop) -> dict[str, int]:
    async with market.db.connection() as connection:
        return await seller_owes(connection, shop)


async def test_a_case_whose_opening_is_cut_off_is_opened_once(stage: Stage) -> None:
    buyer = await transact(stage.market.db, make_buyer)

    async def scene() -> Scene:
        shop, key = await a_shop(stage), uuid4().hex
        order = await delivered(stage.market, (shop, 1), buyer=buyer)

        async def play(market: Resources) -> None:
            await open_case(market, order, shop, viewer=buyer.viewer, key=key)

        async def check(market: Resources) -> None:
            await play(market)
            assert await owes(market, shop) == {"reserve": NET}
            [case] = await cases_of(market, order)
            # The next scene's clock must not find a deadline that nobody acted on.
            await accept(market, case, viewer=buyer.viewer)

        return Scene(play, check)

    assert await die_everywhere(stage, scene) >= 10


@pytest.mark.parametrize("token", ["tok_ok", "tok_refund_timeout_then_ok"])
async def test_a_seller_who_gives_in_is_cut_off_anywhere(stage: Stage, token: str) -> None:
    buyer = await transact(stage.market.db, make_buyer)

    async def scene() -> Scene:
        shop = await a_shop(stage)
        tender = Tender(method="sandbox", token=token)
        order = await delivered(stage.market, (shop, 1), buyer=buyer, tenders=[tender])
        case = await open_case(stage.market, order, shop, viewer=buyer.viewer)

        async def play(market: Resources) -> None:
            await accept(market, case, viewer=shop.viewer)

        async def check(market: Resources) -> None:
            with suppress(DisputeStepRefused):
                await play(market)
            await settle_everything(stage, market)
            after = await reread(market, case)
            assert (after.dispute.status, after.dispute.outcome) == ("closed", "accepted")
            assert [one.status for one in after.refunds] == ["succeeded"]
            assert (await read(market, order)).refunded_minor == PRICE
            assert await owes(market, shop) == {}

        return Scene(play, check)

    assert await die_everywhere(stage, scene) >= 15


async def test_a_deadline_is_acted_on_by_whoever_lives(stage: Stage) -> None:
    buyer = await transact(stage.market.db, make_buyer)

    async def scene() -> Scene:
        shop = await a_shop(stage)
        order = await delivered(stage.market, (shop, 1), buyer=buyer)
        case = await open_case(stage.market, order, shop, viewer=buyer.viewer)
        stage.clock.advance(timedelta(days=7))
        await upkeep.work_off_disputes(stage.market)
        assert (await reread(stage.market, case)).dispute.status == "decided"
        stage.clock.advance(timedelta(days=7))

        async def check(market: Resources) -> None:
            await upkeep.work_off_disputes(market)
            await settle_everything(stage, market)
            after = await reread(market, case)
            assert (after.dispute.status, after.dispute.outcome) == ("closed", "for_buyer")
            assert (await read(market, order)).refunded_minor == PRICE
            assert await owes(market, shop) == {}

        return Scene(upkeep.work_off_disputes, check)

    assert await die_everywhere(stage, scene) >= 15


@pytest.mark.parametrize("won", [True, False])
async def test_a_banks_word_is_heard_though_its_report_is_cut_off(stage: Stage, won: bool) -> None:
    buyer = await transact(stage.market.db, make_buyer)

    async def scene() -> Scene:
        shop = await a_shop(stage)
        order = await delivered(stage.market, (shop, 1), buyer=buyer)
        reference = await take_back(stage.market, order, fee_minor=15)
        await upkeep.deliver_sandbox_reports(stage.market)
        await network(stage.market).disputes.decide(reference=reference, won=won)
        [report] = await network(stage.market).pending_webhooks()

        async def play(market: Resources) -> None:
            await webhooks.receive(
                db=market.db, gateways=market.gateways, clock=market.clock, policy=market.policy,
                payout_powers=market.payouts, gateway="sandbox", headers=report.headers,
                body=report.body,
            )  # fmt: skip

        async def check(market: Resources) -> None:
            # A gateway sends again what wasn't answered.
            await upkeep.deliver_sandbox_reports(market)
            await settle_everything(stage, market)
            [case] = await cases_of(market, order)
            assert case.dispute.status == "closed"
            assert await owes(market, shop) == ({"pending": NET} if won else {})
            after = await read(market, order)
            assert part_of(after, shop).refunded_minor == (0 if won else PRICE)

        return Scene(play, check)

    assert await die_everywhere(stage, scene) >= 10
