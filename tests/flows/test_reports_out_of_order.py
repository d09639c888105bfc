"""What a provider tells late, or of something else: what is known better stays as it is."""

from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from gosellr.core.clock import ManualClock
from gosellr.flows import connected_accounts
from gosellr.integrations.payouts.port import AccountResult
from gosellr.integrations.payouts.stripe import StripePayouts
from gosellr.jobs import upkeep
from tests.factories.payouts import earn, pay, reread, wrong_with
from tests.factories.sales import balances, seller_owes
from tests.flows.test_connected_accounts import Market, market, settings
from tests.integrations.stripe_api.server import LOST_ANSWER

__all__ = ["market", "settings"]  # fixtures


class Overtaken(StripePayouts):
    """Its first answer about an account is still on its way while something else happens."""

    meanwhile: Callable[[], Awaitable[None]] | None = None

    async def find_account(self, *, reference: str) -> AccountResult:
        """See `ConnectsSellers.find_account`."""
        answer = await super().find_account(reference=reference)
        meanwhile, self.meanwhile = self.meanwhile, None
        if meanwhile is not None:
            await meanwhile()
        return answer


async def test_an_answer_that_was_overtaken_is_asked_for_again(
    market: Market, clock: ManualClock
) -> None:
    await market.ready()
    slow = Overtaken("sk_test_x", clock=clock, transport=market.server.transport)
    powers = replace(market.resources.payouts, providers={"stripe": slow})

    async def doubts() -> None:
        market.server.sellers.doubt(market.opened, "company.tax_id")
        await market.report()

    slow.meanwhile = doubts
    seen = await connected_accounts.look_again(powers, account=await market.account())
    assert (seen.is_ready, seen.missing) == (False, ("company.tax_id",))
    assert not (await market.account()).is_ready
    assert await market.facts("payout_account.changed") == 3
    await slow.aclose()


async def test_a_farewell_that_comes_late_is_no_farewell(market: Market) -> None:
    await market.ready()
    opened = market.opened
    market.server.sellers.leave(opened)
    market.server.sellers.accounts[opened["id"]] = opened
    await market.report()
    assert (await market.account()).is_ready
    market.server.account.events.clear()
    market.server.sellers.leave(opened)
    await market.report()
    assert (await market.account()).disabled_reason == "deauthorized"


async def test_a_bank_s_older_word_is_not_its_last(market: Market, clock: ManualClock) -> None:
    await market.ready()
    events = market.server.account.events
    market.server.sellers.bank(market.opened, 700, failure="account_closed")
    clock.advance(timedelta(minutes=1))
    market.server.sellers.bank(market.opened, 700)
    events.reverse()
    await market.report()
    assert (await market.account()).bank_failure is None
    assert await market.facts("payout_account.bank_failed") == 0
    events.clear()
    market.server.sellers.bank(market.opened, 700, failure="account_closed")
    await market.report()
    assert (await market.account()).bank_failure == "account_closed"
    assert await market.facts("payout_account.bank_failed") == 1


@pytest.mark.parametrize(
    "other",
    [
        {"destination": "acct_somebody"},
        {"amount": 4_999},
        {"currency": "usd"},
        {"amount": 4_999, "amount_reversed": 4_999, "reversed": True},
        {"destination": "acct_somebody", "amount_reversed": 5_000, "reversed": True},
    ],
)
async def test_what_bears_a_payout_s_name_and_isn_t_it_is_left_to_a_person(
    market: Market, clock: ManualClock, other: dict[str, Any]
) -> None:
    await market.ready()
    await earn(market.resources, market.shop)
    market.server.faults.extend([None, LOST_ANSWER])
    payout = await pay(market.resources, market.shop)
    [sent] = market.server.account.transfers.values()
    own = dict(sent)
    sent |= other
    booked = await balances(market.connection)
    clock.advance(timedelta(minutes=1))
    await upkeep.resume_payouts(market.resources)
    assert (await reread(market.resources, payout)).status == "unknown"
    told = "SELECT provider_reference FROM payout WHERE id = $1"
    assert await market.connection.fetchval(told, payout.id) is None
    assert await balances(market.connection) == booked
    assert await seller_owes(market.connection, market.shop) == {"payout_in_transit": 5_000}
    assert len(market.server.account.transfers) == 1
    sent |= own
    clock.advance(timedelta(hours=1))
    await upkeep.resume_payouts(market.resources)
    assert (await reread(market.resources, payout)).status == "paid"
    assert await wrong_with(market.connection, market.resources) == []
