"""A payout that was made and not sent yet, whose seller may not be paid any more."""

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from gosellr.core.clock import ManualClock
from gosellr.core.db import Connection
from gosellr.core.identity import new_id
from gosellr.core.transact import ask, transact
from gosellr.flows import payout_runs, payouts
from gosellr.flows.payouts import account_place
from gosellr.integrations.payouts.sandbox import Behaviour
from gosellr.models.payout_values import Payout
from gosellr.resources import Resources
from gosellr.services import payout_questions, payout_settings_service
from gosellr.services.payout_settings_service import NewDestination
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
from tests.factories.sales import Shop, a_key, make_shop, seller_owes
from tests.integrations.paypal_api import account as paypal_account
from tests.integrations.paypal_api.server import FakePayPal, make_payouts

LATER = timedelta(hours=5)


@pytest.fixture
async def shop(connection: Connection) -> Shop:
    return await make_shop(connection, price_minor=1000)


async def hold(resources: Resources, shop: Shop) -> None:
    await transact(
        resources.db,
        payout_settings_service.hold,
        viewer=an_operator(),
        seller_id=shop.seller.id,
        reason="We look into it",
        now=resources.clock.now(),
    )


async def a_run(resources: Resources, connection: Connection, shop: Shop) -> Payout:
    """A payout of a batch, which the sweeper will send."""
    await set_account(resources, shop)
    await earn(resources, shop)
    await payout_runs.run_batch(
        resources.payouts, viewer=an_operator(), currency=None, key=a_key(None)
    )
    payout_id = await connection.fetchval("SELECT id FROM payout WHERE status = 'pending'")
    assert await transfers(resources) == []
    return await ask(
        resources.db, payout_questions.find_payout, viewer=an_operator(), payout_id=payout_id
    )


async def test_a_held_seller_keeps_what_was_not_sent(
    connection: Connection, resources: Resources, clock: ManualClock, shop: Shop
) -> None:
    payout = await a_run(resources, connection, shop)
    await hold(resources, shop)
    clock.advance(LATER)
    await payouts.resume_payouts(resources.payouts)
    after = await reread(resources, payout)
    assert (after.status, after.failure_reason) == (PayoutStatus.FAILED, "payouts_held")
    assert await transfers(resources) == []
    assert await seller_owes(connection, shop) == {"available": 1000}
    assert await wrong_with(connection, resources) == []


async def test_nothing_goes_to_an_account_that_was_given_up(
    connection: Connection, resources: Resources, clock: ManualClock, shop: Shop
) -> None:
    payout = await a_run(resources, connection, shop)
    await set_account(resources, shop)
    clock.advance(timedelta(days=4))
    await payouts.resume_payouts(resources.payouts)
    after = await reread(resources, payout)
    assert (after.status, after.failure_reason) == (PayoutStatus.FAILED, "payout_account_replaced")
    assert await transfers(resources) == []
    await pay(resources, shop)
    assert len(await transfers(resources)) == 1
    assert await wrong_with(connection, resources) == []


async def test_a_lost_request_is_not_sent_again_to_a_held_seller(
    connection: Connection, resources: Resources, clock: ManualClock, shop: Shop
) -> None:
    await set_account(resources, shop, Behaviour.LOSE_REQUEST)
    await earn(resources, shop)
    payout = await pay(resources, shop)
    assert payout.status is PayoutStatus.UNKNOWN
    await hold(resources, shop)
    clock.advance(LATER)
    await payouts.resume_payouts(resources.payouts)
    after = await reread(resources, payout)
    assert (after.status, after.failure_reason) == (PayoutStatus.FAILED, "payouts_held")
    assert await transfers(resources) == []
    assert await wrong_with(connection, resources) == []


async def pay_by_paypal(market: Resources, shop: Shop) -> Payout:
    destination_id = new_id()
    plain = json.dumps({"holder": "Shop", "email": "shop@example.com"}).encode()
    await transact(
        market.db,
        payout_settings_service.change_destination,
        viewer=shop.viewer,
        seller_id=shop.seller.id,
        new=NewDestination(
            destination_id=destination_id,
            method="paypal",
            account_encrypted=market.vault.encrypt(plain, place=account_place(destination_id)),
            last_four="s…@e",
        ),
        policy=market.policy,
        now=market.clock.now(),
    )
    await earn(market, shop)
    return await pay(market, shop)


async def test_what_a_provider_may_have_forgotten_is_made_anew(
    connection: Connection, resources: Resources, clock: ManualClock, shop: Shop
) -> None:
    """PayPal knows for thirty days what it has seen. Who agrees later finds it never sent."""
    server = FakePayPal(paypal_account.Account(clock))
    market = replace(
        resources,
        settings=resources.settings.model_copy(update={"payout_approval_over": {"EUR": 0}}),
        payout_providers={**resources.payout_providers, "paypal": make_payouts(server, clock)},
    )
    # Ids are made by the system's clock: let the market's stand there, too.
    clock.advance(datetime.now(UTC) - clock.now())
    waiting = await pay_by_paypal(market, shop)
    assert waiting.status is PayoutStatus.AWAITING_APPROVAL
    clock.advance(timedelta(days=26))
    approved = await payouts.approve_payout(
        market.payouts, viewer=an_operator(), payout_id=waiting.id
    )
    assert (approved.status, approved.failure_reason) == (PayoutStatus.FAILED, "made_too_long_ago")
    assert server.account.batches == {}
    assert await seller_owes(connection, shop) == {"available": 1000}


async def test_what_only_sending_would_tell_stays_open(
    connection: Connection, resources: Resources, clock: ManualClock, shop: Shop
) -> None:
    """Nobody knows whether PayPal has it, and to a held seller it isn't sent to find out."""
    server = FakePayPal(paypal_account.Account(clock))
    market = replace(
        resources,
        payout_providers={**resources.payout_providers, "paypal": make_payouts(server, clock)},
    )
    clock.advance(datetime.now(UTC) - clock.now())
    server.down = "lost request"
    payout = await pay_by_paypal(market, shop)
    assert payout.status is PayoutStatus.UNKNOWN
    server.down = None
    await hold(market, shop)
    clock.advance(LATER)
    await payouts.resume_payouts(market.payouts)
    assert (await reread(market, payout)).status is PayoutStatus.UNKNOWN
    assert server.account.batches == {}
    await transact(
        market.db,
        payout_settings_service.hold,
        viewer=an_operator(),
        seller_id=shop.seller.id,
        reason=None,
        now=clock.now(),
    )
    clock.advance(LATER)
    await payouts.resume_payouts(market.payouts)
    assert len(server.account.batches) == 1
    assert await seller_owes(connection, shop) == {}
