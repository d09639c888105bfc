"""Balances that a provider has no amount for: what it can send leaves, the rest waits for more."""

from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from datetime import timedelta

import pytest

from gosellr.core.clock import ManualClock
from gosellr.core.db import Connection
from gosellr.core.errors import Conflict
from gosellr.core.transact import ask, transact
from gosellr.flows import payout_runs
from gosellr.flows.payout_runs import Batch
from gosellr.models.payout_values import Payout
from gosellr.resources import Resources
from gosellr.services import payout_forecast, payout_questions, payout_settings_service
from gosellr.services.audit_service import audit
from gosellr.services.payout_forecast import Forecast
from gosellr.utils.ledger import seller_available, seller_receivable
from gosellr.utils.payouts import PayoutStatus
from tests.factories.applications import caller_of
from tests.factories.balances import approve, prepare
from tests.factories.payouts import an_operator, name_account, pay, reread
from tests.factories.sales import Shop, a_key, make_shop
from tests.integrations.paypal_api import account as paypal_account
from tests.integrations.paypal_api.server import FakePayPal
from tests.integrations.paypal_api.server import make_payouts as make_paypal_payouts
from tests.integrations.stripe_api.account import Account
from tests.integrations.stripe_api.server import FakeStripe, make_payouts
from tests.web.people import enter, open_page
from tests.web.visitor import Visitor


@dataclass(frozen=True, slots=True)
class Market:
    """A market that pays its sellers by Stripe and PayPal."""

    resources: Resources
    connection: Connection
    stripe: FakeStripe
    paypal: FakePayPal

    async def shop(self, *, by: str = "stripe") -> Shop:
        """A shop that is paid in this way."""
        shop = await make_shop(self.connection, price_minor=10_000)
        if by == "paypal":
            email = "shop@example.com"
            await name_account(self.resources, shop, by, last_four="s…@e", email=email)
        else:
            name = self.known(shop)
            await name_account(self.resources, shop, by, last_four=name[-4:], connected=name)
        return shop

    def known(self, shop: Shop) -> str:
        """Stripe keeps an account for the shop, which has told all; gives its name."""
        name = f"acct_{shop.seller.id.hex[-8:]}"
        self.stripe.sellers.accounts[name] = {
            "id": name, "capabilities": {"transfers": "active"}
        }  # fmt: skip
        return name

    async def give(self, shop: Shop, minor: int, currency: str) -> None:
        """So much is available to the shop."""
        to = (seller_available(shop.seller.id), "credit", minor)
        prepared = await prepare(self.resources, ("bank", "debit", minor), to, currency=currency)
        await approve(self.resources, prepared.id)

    async def owe(self, shop: Shop, minor: int, currency: str) -> None:
        """The shop owes so much."""
        owed = (seller_receivable(shop.seller.id), "debit", minor)
        prepared = await prepare(
            self.resources, owed, ("fee_income", "credit", minor), currency=currency
        )
        await approve(self.resources, prepared.id)

    async def available(self, shop: Shop, currency: str) -> int:
        """What is available to the shop now."""
        minor: int = await self.connection.fetchval(
            "SELECT balance_minor FROM ledger_balance WHERE account = $1 AND currency = $2",
            seller_available(shop.seller.id),
            currency,
        )
        return minor

    async def claims(self, payout: Payout) -> list[int]:
        """What a payout claims, in minor units."""
        page = await ask(
            self.resources.db, payout_questions.list_entries, viewer=an_operator(),
            payout_id=payout.id, cursor=None, limit=50,
        )  # fmt: skip
        return [one.change_minor for one in page.items]

    async def foresee(self) -> Forecast:
        """What a run would do."""
        return await ask(
            self.resources.db, payout_forecast.foresee, viewer=an_operator(), currency=None,
            sellers_max=100, policy=self.resources.policy, now=self.resources.clock.now(),
        )  # fmt: skip

    async def assert_sound(self) -> None:
        """Every invariant holds."""
        found = await audit(
            self.connection, now=self.resources.clock.now(), gateway_journals={},
            provider_journals={},
        )  # fmt: skip
        assert found == []


@pytest.fixture
async def market(
    resources: Resources, connection: Connection, clock: ManualClock
) -> AsyncIterator[Market]:
    stripe, paypal = FakeStripe(Account(clock)), FakePayPal(paypal_account.Account(clock))
    providers = {
        "stripe": make_payouts(stripe, clock), "paypal": make_paypal_payouts(paypal, clock)
    }  # fmt: skip
    yield Market(
        replace(resources, gateways={}, payout_providers=providers), connection, stripe, paypal
    )
    for one in providers.values():
        await one.aclose()


async def test_a_fils_that_stripe_has_no_amount_for_waits_for_the_next_payout(
    market: Market,
) -> None:
    shop = await market.shop()
    await market.give(shop, 10_001, "KWD")
    first = await pay(market.resources, shop, currency="KWD")
    assert (first.status, first.amount_minor) == (PayoutStatus.PAID, 10_000)
    assert await market.claims(first) == [10_001, -1]
    assert await market.available(shop, "KWD") == 1
    await market.give(shop, 12, "KWD")
    second = await pay(market.resources, shop, currency="KWD")
    assert (second.status, second.amount_minor) == (PayoutStatus.PAID, 10)
    assert await market.claims(second) == [1, 12, -3]
    await market.give(shop, 7, "KWD")
    third = await pay(market.resources, shop, currency="KWD")
    assert (third.amount_minor, await market.claims(third)) == (10, [3, 7])
    assert await market.available(shop, "KWD") == 0
    await market.assert_sound()


async def test_hundredths_of_a_forint_wait_for_paypal(market: Market) -> None:
    shop = await market.shop(by="paypal")
    await market.give(shop, 111_060, "HUF")
    payout = await pay(market.resources, shop, currency="HUF")
    assert (payout.amount_minor, await market.claims(payout)) == (111_000, [111_060, -60])
    assert payout.failure_reason is None
    [batch] = market.paypal.account.batches.values()
    assert batch["items"][0]["payout_item"]["amount"] == {"value": "1110", "currency": "HUF"}
    assert await market.available(shop, "HUF") == 60
    await market.assert_sound()


async def test_less_than_can_be_sent_opens_nothing_and_counts_nobody(market: Market) -> None:
    small, other = await market.shop(), await market.shop()
    await market.give(small, 9, "KWD")
    await market.give(other, 15, "KWD")
    with pytest.raises(Conflict) as refusal:
        await pay(market.resources, small, currency="KWD")
    assert refusal.value.code == "below_payout_step"
    assert refusal.value.extras == {"available": {"amount": 9, "currency": "KWD"}}
    forecast = await market.foresee()
    told = {one.seller_id: (one.outcome, one.amount_minor, one.left_minor)
            for one in forecast.sellers}  # fmt: skip
    assert told == {
        small.seller.id: ("below_payout_step", 0, 9), other.seller.id: ("paid", 10, 5)
    }  # fmt: skip
    assert [(one.count, one.amount_minor) for one in forecast.totals()] == [(1, 10)]
    run = await payout_runs.run_batch(
        market.resources.payouts, viewer=an_operator(), currency=None, key=a_key("night")
    )
    assert isinstance(run, Batch)
    assert list(run.totals) == forecast.totals()
    assert [(one.seller_id, one.code) for one in run.skipped] == [
        (small.seller.id, "below_payout_step")
    ]
    assert (await market.available(small, "KWD"), await market.available(other, "KWD")) == (9, 5)
    await market.assert_sound()


async def test_a_debt_comes_first_and_a_minimum_looks_at_what_would_leave(market: Market) -> None:
    shop = await market.shop()
    await market.give(shop, 10_001, "KWD")
    await market.owe(shop, 996, "KWD")
    [foreseen] = (await market.foresee()).sellers
    assert (foreseen.recovered_minor, foreseen.amount_minor, foreseen.left_minor) == (996, 9000, 5)
    await transact(
        market.resources.db, payout_settings_service.change_settings, viewer=shop.viewer,
        seller_id=shop.seller.id, changes={}, minimums={"KWD": 9001}, expected_version=None,
        now=market.resources.clock.now(),
    )  # fmt: skip
    with pytest.raises(Conflict) as refusal:
        await pay(market.resources, shop, currency="KWD")
    assert refusal.value.code == "below_payout_minimum"
    assert await market.available(shop, "KWD") == 10_001
    await market.give(shop, 5, "KWD")
    payout = await pay(market.resources, shop, currency="KWD")
    assert (payout.amount_minor, await market.claims(payout)) == (9010, [10_001, 5, -996])
    await market.assert_sound()


async def test_what_failed_is_claimed_with_what_it_had_left(market: Market) -> None:
    shop = await market.shop()
    await market.give(shop, 10_001, "KWD")
    market.stripe.sellers.accounts.clear()
    failed = await pay(market.resources, shop, currency="KWD")
    assert failed.status is PayoutStatus.FAILED
    assert await market.available(shop, "KWD") == 10_001
    await market.assert_sound()
    market.known(shop)
    await market.give(shop, 9, "KWD")
    payout = await pay(market.resources, shop, currency="KWD")
    assert (payout.status, payout.amount_minor) == (PayoutStatus.PAID, 10_010)
    assert await market.claims(payout) == [10_001, -1, 1, 9]
    assert (await reread(market.resources, failed)).status is PayoutStatus.FAILED
    await market.assert_sound()


async def test_a_currency_that_can_t_be_sent_makes_no_payout_that_fails(market: Market) -> None:
    shop = await market.shop()
    await market.give(shop, 10_000, "IQD")
    with pytest.raises(Conflict) as refusal:
        await pay(market.resources, shop, currency="IQD")
    assert (refusal.value.code, refusal.value.detail) == (
        "currency_not_paid", "IQD can't be sent by stripe"
    )  # fmt: skip
    assert await market.connection.fetchval("SELECT count(*) FROM payout") == 0


async def test_the_shop_reads_what_would_leave_and_what_stays(
    market: Market, clock: ManualClock
) -> None:
    shop = await market.shop()
    await market.give(shop, 10_001, "KWD")
    await market.give(shop, 10_000, "IQD")
    async with caller_of(market.resources) as caller:
        visitor = Visitor(caller)
        await enter(visitor, market.resources, shop.seller.owner)
        money = f"/seller/{shop.seller.id}/money"
        text = await open_page(visitor, money)
        assert "Pay out KWD\u00a010.000" in text
        assert "KWD\u00a00.001 is less than can be sent, and stays for the next payout." in text
        assert "Pay out IQD" not in text
        clock.advance(timedelta(minutes=1))
        await pay(market.resources, shop, currency="KWD")
        text = await open_page(visitor, money)
        assert "Pay out" not in text
        moves = await open_page(visitor, f"/seller/{shop.seller.id}/transactions?currency=KWD")
        for words in ("Paid out", "Less than can be sent", "Left for the next payout"):
            assert words in moves, words
