"""What a run of payouts would do is told before, and then it does just that."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta

import pytest

from gosellr.core.clock import ManualClock
from gosellr.core.db import Connection
from gosellr.core.errors import NotAllowed
from gosellr.core.transact import ask, transact
from gosellr.flows import payout_runs, payouts
from gosellr.flows.payout_runs import Batch
from gosellr.integrations.payouts.sandbox import Behaviour
from gosellr.resources import Resources
from gosellr.services import payout_forecast, payout_settings_service
from gosellr.services.payout_forecast import AWAITS_APPROVAL, PAID, Forecast
from gosellr.utils.viewer import Viewer
from tests.factories.payouts import an_operator, earn, pay, set_account, wrong_with
from tests.factories.sales import Shop, a_key, balances, make_commission, make_shop, refund
from tests.factories.terms import make_tax

_WRITTEN = ("payout", "payout_entry", "ledger_transaction", "outbox_event", "recovery_plan")


async def foresee(
    market: Resources, *, viewer: Viewer | None = None, currency: str | None = None, most: int = 100
) -> Forecast:
    return await ask(
        market.db,
        payout_forecast.foresee,
        viewer=viewer or an_operator(),
        currency=currency,
        sellers_max=most,
        policy=market.policy,
        now=market.clock.now(),
    )


async def set_minimum(market: Resources, shop: Shop, minor: int) -> None:
    await transact(
        market.db,
        payout_settings_service.change_settings,
        viewer=shop.viewer,
        seller_id=shop.seller.id,
        changes={"schedule": "manual"},
        minimums={"EUR": minor},
        expected_version=None,
        now=market.clock.now(),
    )


async def hold(market: Resources, shop: Shop) -> None:
    await transact(
        market.db,
        payout_settings_service.hold,
        viewer=an_operator(),
        seller_id=shop.seller.id,
        reason="papers are missing",
        now=market.clock.now(),
    )


async def come_back_owing(
    market: Resources, clock: ManualClock, shops: Sequence[tuple[Shop, int]]
) -> None:
    """Each is paid, a unit of its sale is refunded, and the bank sends the payout back."""
    for shop, units in shops:
        await set_account(market, shop, Behaviour.RETURN)
        order = await earn(market, shop, units)
        await pay(market, shop)
        await refund(market, order, shop, units=1)
    clock.advance(timedelta(days=2))
    await payouts.resume_payouts(market.payouts)


async def test_what_is_foreseen_is_what_the_run_does(
    connection: Connection, resources: Resources, clock: ManualClock
) -> None:
    market = replace(
        resources,
        settings=resources.settings.model_copy(update={"payout_approval_over": {"EUR": 43_199}}),
    )
    await make_tax(connection, rate_bps=2000)
    await make_commission(connection)
    shops = [await make_shop(connection, price_minor=12_000) for _ in range(7)]
    owing, sunk, plain, large, small, homeless, held = shops
    await come_back_owing(market, clock, [(owing, 3), (sunk, 1)])
    for shop, units in ((plain, 1), (large, 4), (small, 1), (homeless, 1), (held, 1)):
        if shop is not homeless:
            await set_account(market, shop)
        await earn(market, shop, units)
    await set_minimum(market, small, 10_801)
    await hold(market, held)

    before = await balances(connection)
    counts = f"SELECT {', '.join(f'(SELECT count(*) FROM {name})' for name in _WRITTEN)}"
    rows = await connection.fetchrow(counts)
    with pytest.raises(NotAllowed):
        await foresee(market, viewer=plain.viewer)
    forecast = await foresee(market)
    by_seller = {one.seller_id: one for one in forecast.sellers}
    told = [by_seller[shop.seller.id] for shop in shops]
    minors = ("available_minor", "recovered_minor", "amount_minor", "left_minor")
    assert [(one.outcome, *(getattr(one, name) for name in minors)) for one in told] == [
        (PAID, 32_400, 10_800, 21_600, 0),
        ("nothing_to_pay_out", 10_800, 0, 0, 10_800),
        (PAID, 10_800, 0, 10_800, 0),
        (AWAITS_APPROVAL, 43_200, 0, 43_200, 0),
        ("below_payout_minimum", 10_800, 0, 0, 10_800),
        ("no_payout_destination", 10_800, 0, 0, 10_800),
        ("payouts_held", 10_800, 0, 0, 10_800),
    ]
    assert told[-1].why == "On hold: papers are missing"
    assert [(one.currency, one.count, one.amount_minor) for one in forecast.totals()] == [
        ("EUR", 3, 75_600)
    ]
    assert await connection.fetchrow(counts) == rows
    assert await balances(connection) == before

    run = await payout_runs.run_batch(
        market.payouts, viewer=an_operator(), currency=None, key=a_key("night")
    )
    assert isinstance(run, Batch)
    assert list(run.totals) == forecast.totals()
    made = await connection.fetch(
        "SELECT seller_id, currency, amount_minor, status FROM payout WHERE batch_id = $1", run.id
    )
    waits = {AWAITS_APPROVAL: "awaiting_approval", PAID: "pending"}
    assert {tuple(row.values()) for row in made} == {
        (one.seller_id, one.currency, one.amount_minor, waits[one.outcome])
        for one in forecast.sellers
        if one.is_opened
    }
    assert {(one.seller_id, one.code) for one in run.skipped} == {
        (one.seller_id, one.outcome) for one in forecast.sellers if not one.is_opened
    }
    held_now = await connection.fetch("SELECT account, balance_minor FROM ledger_balance")
    left = {row["account"]: row["balance_minor"] for row in held_now}
    for one in forecast.sellers:
        assert left[f"seller_available:{one.seller_id}"] == one.left_minor
    again = await foresee(market)
    assert [one.outcome for one in again.sellers if one.is_opened] == []
    assert await wrong_with(connection, market) == []


async def test_it_is_bounded_as_the_run_is_and_by_currency(
    connection: Connection, resources: Resources
) -> None:
    for _ in range(3):
        shop = await make_shop(connection, price_minor=1000)
        await set_account(resources, shop)
        await earn(resources, shop)
    seen = [await foresee(resources, most=most) for most in (2, 3)]
    assert [(len(one.sellers), one.more) for one in seen] == [(2, True), (3, False)]
    assert (await foresee(resources, currency="USD")).sellers == []
