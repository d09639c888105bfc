"""Death at every step of a payout: whatever is cut off, the money leaves once or not at all."""

from contextlib import suppress
from dataclasses import replace
from datetime import timedelta
from uuid import uuid4

import pytest

from gosellr.core.transact import ask, transact
from gosellr.flows import payouts
from gosellr.integrations.payouts.port import TransferOutcome
from gosellr.integrations.payouts.sandbox import Behaviour
from gosellr.jobs import upkeep
from gosellr.models.payout_values import Payout
from gosellr.resources import Resources
from gosellr.services import payout_questions
from gosellr.services.payout_questions import PayoutFilters
from gosellr.services.payout_service import PayoutNotWaiting
from gosellr.utils.payouts import PayoutStatus
from tests.factories.payouts import an_operator, earn, set_account, set_schedule, transfers
from tests.factories.sales import Shop, a_key, make_shop, seller_owes
from tests.simulate.stage import PRICE, Scene, Stage, die_everywhere, sweep

# Less a commission of 10 % and its VAT of 20 %: the shop's goods have 19 % inside.
NET = PRICE - 420 - 84


async def earned(
    stage: Stage, behaviour: Behaviour = Behaviour.PAY, *, schedule: str = "manual"
) -> Shop:
    """A shop of its own for each scene, with one sale to be paid."""
    shop = await transact(stage.market.db, make_shop, price_minor=PRICE)
    await set_account(stage.market, shop, behaviour)
    await set_schedule(stage.market, shop, schedule)
    await earn(stage.market, shop)
    return shop


async def payouts_of(market: Resources, shop: Shop) -> list[Payout]:
    page = await ask(
        market.db,
        payout_questions.list_payouts,
        viewer=an_operator(),
        filters=PayoutFilters(seller_id=shop.seller.id),
        cursor=None,
        limit=100,
    )
    return page.items


async def request(market: Resources, shop: Shop, key: str) -> None:
    """Ask as the door does, the answer kept."""
    requested = await payouts.request_payout(
        market.payouts,
        viewer=shop.viewer,
        seller_id=shop.seller.id,
        currency="EUR",
        key=a_key(key),
    )
    if requested.payout is not None:
        body = str(requested.payout.id).encode()
        await payouts.keep_answer(market.payouts, key=a_key(key), status=201, body=body)


async def check_paid_once(market: Resources, shop: Shop) -> None:
    """One payout, one transfer, nothing left, nothing on its way."""
    [payout] = await payouts_of(market, shop)
    assert (payout.status, payout.amount_minor) == (PayoutStatus.PAID, NET)
    sent = [one for one in await transfers(market) if one.transfer_id == str(payout.id)]
    assert [(one.outcome, one.amount_minor) for one in sent] == [(TransferOutcome.ACCEPTED, NET)]
    async with market.db.connection() as connection:
        assert await seller_owes(connection, shop) == {}


@pytest.mark.case(44)
@pytest.mark.parametrize(
    "behaviour", [Behaviour.PAY, Behaviour.LOSE_ANSWER, Behaviour.LOSE_REQUEST]
)
async def test_case_44_a_payout_cut_off_anywhere_is_one_transfer(
    stage: Stage, behaviour: Behaviour
) -> None:
    async def scene() -> Scene:
        shop, key = await earned(stage, behaviour), uuid4().hex

        async def play(market: Resources) -> None:
            await request(market, shop, key)

        async def check(market: Resources) -> None:
            await play(market)
            await sweep(stage, market)
            await check_paid_once(market, shop)

        return Scene(play, check)

    assert await die_everywhere(stage, scene) >= 20


@pytest.mark.case(43)
async def test_case_43_a_refused_payout_cut_off_anywhere_frees_what_it_claimed(
    stage: Stage,
) -> None:
    async def scene() -> Scene:
        shop, key = await earned(stage, Behaviour.DECLINE), uuid4().hex

        async def play(market: Resources) -> None:
            await request(market, shop, key)

        async def check(market: Resources) -> None:
            await play(market)
            await sweep(stage, market)
            [payout] = await payouts_of(market, shop)
            assert payout.status is PayoutStatus.FAILED
            async with market.db.connection() as connection:
                assert await seller_owes(connection, shop) == {"available": NET}

        return Scene(play, check)

    assert await die_everywhere(stage, scene) >= 20


@pytest.mark.case(43)
async def test_case_43_a_return_by_the_bank_cut_off_anywhere(stage: Stage) -> None:
    async def scene() -> Scene:
        shop = await earned(stage, Behaviour.RETURN)
        await request(stage.market, shop, uuid4().hex)
        [before] = await payouts_of(stage.market, shop)
        assert before.status is PayoutStatus.PAID
        stage.clock.advance(timedelta(days=2))

        async def check(market: Resources) -> None:
            await sweep(stage, market)
            [payout] = await payouts_of(market, shop)
            assert payout.status is PayoutStatus.FAILED
            async with market.db.connection() as connection:
                assert await seller_owes(connection, shop) == {"available": NET}

        return Scene(upkeep.resume_payouts, check)

    assert await die_everywhere(stage, scene) >= 12


@pytest.mark.case(44)
async def test_case_44_a_scheduled_payout_cut_off_anywhere(stage: Stage) -> None:
    async def scene() -> Scene:
        shop = await earned(stage, schedule="daily")

        async def check(market: Resources) -> None:
            stage.clock.advance(timedelta(days=1))
            await upkeep.pay_scheduled(market)
            await sweep(stage, market)
            await check_paid_once(market, shop)
            # The next scene's scheduler has that scene's shop to look at, and no more.
            await set_schedule(stage.market, shop, "manual")

        return Scene(upkeep.pay_scheduled, check)

    assert await die_everywhere(stage, scene) >= 15


@pytest.mark.case(44)
@pytest.mark.parametrize("word", ["approved", "cancelled"])
async def test_case_44_a_second_persons_word_cut_off_anywhere(stage: Stage, word: str) -> None:
    limits = {"payout_approval_over": {"EUR": 0}}
    settings = stage.market.settings.model_copy(update=limits)
    stage.market = replace(stage.market, settings=settings)

    async def scene() -> Scene:
        shop, second = await earned(stage), an_operator()
        await request(stage.market, shop, uuid4().hex)
        [payout] = await payouts_of(stage.market, shop)
        assert payout.status is PayoutStatus.AWAITING_APPROVAL

        async def play(market: Resources) -> None:
            if word == "approved":
                await payouts.approve_payout(market.payouts, viewer=second, payout_id=payout.id)
                return
            await payouts.cancel_payout(
                market.payouts, viewer=second, payout_id=payout.id, reason="too much"
            )

        async def check(market: Resources) -> None:
            with suppress(PayoutNotWaiting):
                await play(market)
            await sweep(stage, market)
            if word == "approved":
                await check_paid_once(market, shop)
                return
            [after] = await payouts_of(market, shop)
            assert after.status is PayoutStatus.CANCELLED
            async with market.db.connection() as connection:
                assert await seller_owes(connection, shop) == {"available": NET}

        return Scene(play, check)

    assert await die_everywhere(stage, scene) >= 10
