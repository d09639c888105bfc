"""An account that its seller has given up is paid to no more, whatever waited for it."""

from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import timedelta

import pytest

from gosellr.core.clock import ManualClock
from gosellr.core.db import Connection
from gosellr.core.errors import NotAllowed
from gosellr.core.transact import transact
from gosellr.flows import payouts
from gosellr.resources import Resources
from gosellr.services import payout_settings_service, seller_service
from gosellr.services.bank_file_service import NothingToFile
from gosellr.services.payout_terms import PayoutAccountReplaced
from gosellr.services.seller_service import SellerStep
from gosellr.utils.payouts import PayoutStatus
from tests.factories.payouts import (
    an_operator,
    earn,
    pay,
    reread,
    set_account,
    transfers,
    wrong_with,
)
from tests.factories.sales import Shop, make_shop, seller_owes
from tests.flows.test_bank_files import a_shop, fail, make, set_bank, with_bank

STATUS = PayoutStatus
AFTER_THE_HOLD = timedelta(hours=73)


def careful(resources: Resources) -> Resources:
    """The same market, in which every payout waits for a second person."""
    limit = {"payout_approval_over": {"EUR": 0}}
    return replace(resources, settings=resources.settings.model_copy(update=limit))


async def test_what_waits_for_approval_goes_to_no_account_that_was_replaced(
    connection: Connection, resources: Resources, clock: ManualClock
) -> None:
    market = careful(resources)
    shop = await make_shop(connection, price_minor=1000)
    await set_account(market, shop)
    await earn(market, shop)
    waiting = await pay(market, shop)
    await set_account(market, shop)
    clock.advance(AFTER_THE_HOLD)
    with pytest.raises(PayoutAccountReplaced):
        await payouts.approve_payout(market.payouts, viewer=an_operator(), payout_id=waiting.id)
    assert (await reread(market, waiting)).status is STATUS.AWAITING_APPROVAL
    assert await transfers(market) == []
    await payouts.cancel_payout(
        market.payouts, viewer=an_operator(), payout_id=waiting.id, reason="another account"
    )
    again = await pay(market, shop)
    assert again.destination_id != waiting.destination_id
    approved = await payouts.approve_payout(
        market.payouts, viewer=an_operator(), payout_id=again.id
    )
    assert approved.status is STATUS.PAID
    assert await wrong_with(connection, market) == []


async def test_nobody_approves_payouts_to_an_account_that_they_named(
    connection: Connection, resources: Resources
) -> None:
    market = careful(resources)
    shop = await make_shop(connection, price_minor=1000)
    one = an_operator()
    owner = replace(
        shop, seller=replace(shop.seller, owner=replace(shop.seller.owner, id=one.user_id))
    )
    await set_account(market, owner)
    await earn(market, shop)
    waiting = await pay(market, shop)
    with pytest.raises(NotAllowed, match="named"):
        await payouts.approve_payout(market.payouts, viewer=one, payout_id=waiting.id)
    assert await transfers(market) == []
    approved = await payouts.approve_payout(
        market.payouts, viewer=an_operator(), payout_id=waiting.id
    )
    assert approved.status is STATUS.PAID


async def _replace(market: Resources, shop: Shop) -> None:
    await set_bank(market, shop)


async def _hold(market: Resources, shop: Shop) -> None:
    await transact(
        market.db,
        payout_settings_service.hold,
        viewer=an_operator(),
        seller_id=shop.seller.id,
        reason="papers are missing",
        now=market.clock.now(),
    )


async def _suspend(market: Resources, shop: Shop) -> None:
    await transact(
        market.db,
        seller_service.move_seller,
        viewer=an_operator(),
        seller_id=shop.seller.id,
        step=SellerStep.SUSPEND,
        reason="for a test",
        now=market.clock.now(),
    )


@pytest.mark.parametrize("stop", [_replace, _hold, _suspend])
async def test_what_waits_for_a_bank_file_stays_out_of_it_once_it_may_not_leave(
    connection: Connection,
    resources: Resources,
    clock: ManualClock,
    stop: Callable[[Resources, Shop], Awaitable[None]],
) -> None:
    market = with_bank(resources)
    stopped, other = await a_shop(connection, market), await a_shop(connection, market)
    left_out = await pay(market, stopped)
    await stop(market, stopped)
    clock.advance(AFTER_THE_HOLD)
    with pytest.raises(NothingToFile, match="1 can't stand in one: ") as refusal:
        await make(market)
    [told] = refusal.value.extras["unfit"]
    assert told["payout_id"] == str(left_out.id)
    paid = await pay(market, other)
    made = await make(market)
    assert made.value.payment_count == 1
    assert [one.payout_id for one in made.unfit] == [left_out.id]
    assert (await reread(market, paid)).status is STATUS.SENT
    assert (await reread(market, left_out)).status is STATUS.PENDING
    # A person says that it can't be sent, and the money is the seller's again.
    assert (await fail(market, left_out)).status is STATUS.FAILED
    assert await seller_owes(connection, stopped) == {"available": 1000}
    assert await wrong_with(connection, market) == []
