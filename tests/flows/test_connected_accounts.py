"""Sellers paid through accounts at Stripe: opened, held back until ready, paid, called back."""

from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

import pytest

from gosellr.config import Settings
from gosellr.core.clock import ManualClock
from gosellr.core.db import Connection
from gosellr.core.errors import InvalidInput, NotAllowed, NotFound, ServiceUnavailable
from gosellr.core.transact import ask
from gosellr.flows import connected_accounts, payout_accounts, payout_recalls, webhooks
from gosellr.flows.connected_accounts import Onboarding, WaysBack
from gosellr.flows.payout_accounts import TypedAccount
from gosellr.jobs import upkeep
from gosellr.models.connected_values import SellerAccount
from gosellr.resources import Resources
from gosellr.services import connected_account_service, payout_recall_service
from gosellr.services.payout_recall_service import CantBeCalledBack, PayoutNotPaid
from gosellr.services.payout_terms import NoPayoutDestination, PayoutAccountNotReady
from gosellr.utils.permissions import MemberRole
from gosellr.utils.viewer import Viewer
from tests.factories.payouts import an_operator, earn, pay, reread, set_account, wrong_with
from tests.factories.sales import Shop, a_key, balances, make_shop, seller_owes
from tests.integrations.stripe_api.account import Account, Document
from tests.integrations.stripe_api.server import (
    LOST_ANSWER,
    NO_CONNECTION,
    SECRET,
    FakeStripe,
    make_gateway,
    make_payouts,
)

PASSWORD = "a quiet grey kettle"
WAYS = WaysBack(base_url="https://market.test")


@pytest.fixture
def settings(settings: Settings) -> Settings:
    """A market that pays by Stripe."""
    return settings.model_copy(
        update={
            "stripe_secret_key": "sk_test_x", "stripe_webhook_secrets": (SECRET,),
            "stripe_connect": True,
        }
    )  # fmt: skip


@dataclass(frozen=True, slots=True)
class Market:
    """A market, a shop in it, and Stripe."""

    resources: Resources
    connection: Connection
    server: FakeStripe
    shop: Shop

    async def connect(self, *, viewer: Viewer | None = None) -> Onboarding:
        """The shop opens its account."""
        return await connected_accounts.connect(
            self.resources.payouts, WAYS, viewer=viewer or self.shop.viewer,
            seller_id=self.shop.seller.id, provider="stripe",
        )  # fmt: skip

    async def account(self) -> SellerAccount:
        """What the shop reads of it."""
        return await ask(
            self.resources.db, connected_account_service.find_account,
            viewer=self.shop.viewer, seller_id=self.shop.seller.id, provider="stripe",
        )  # fmt: skip

    async def name_it(self, **more: Any) -> None:
        """The shop wants to be paid to it."""
        await self.connection.execute(
            "UPDATE user_account SET password_hash = $2 WHERE id = $1",
            self.shop.seller.owner.id, await self.resources.passwords.hash(PASSWORD),
        )  # fmt: skip
        typed = TypedAccount(method="stripe", holder="Lampo", password=PASSWORD, **more)
        await payout_accounts.change_destination(
            self.resources.payouts, self.resources.passwords, viewer=self.shop.viewer,
            seller_id=self.shop.seller.id, typed=typed,
        )  # fmt: skip

    async def report(self) -> None:
        """Stripe tells all it has to tell, twice."""
        for _ in range(2):
            for _, headers, body in self.server.deliveries():
                await webhooks.receive(
                    db=self.resources.db, gateways=self.resources.gateways,
                    clock=self.resources.clock, policy=self.resources.policy,
                    payout_powers=self.resources.payouts, gateway="stripe", headers=headers,
                    body=body,
                )  # fmt: skip

    @property
    def opened(self) -> Document:
        """The account at Stripe."""
        [opened] = self.server.sellers.accounts.values()
        return opened

    async def facts(self, kind: str) -> int:
        """How often something was told."""
        count: int = await self.connection.fetchval(
            "SELECT count(*) FROM outbox_event WHERE type = $1", kind
        )
        return count

    async def ready(self) -> None:
        """The shop is connected, has told all, and is paid there."""
        await self.connect()
        self.server.sellers.tell(self.opened)
        await self.report()
        self.server.account.events.clear()
        await self.name_it()


@pytest.fixture
async def market(
    resources: Resources, connection: Connection, clock: ManualClock
) -> AsyncIterator[Market]:
    """The market before an empty account at Stripe."""
    assert set(resources.payout_providers) == {"sandbox", "stripe"}
    server = FakeStripe(Account(clock))
    gateway, provider = make_gateway(server, clock), make_payouts(server, clock)
    yield Market(
        replace(
            resources,
            gateways={**resources.gateways, "stripe": gateway},
            payout_providers={**resources.payout_providers, "stripe": provider},
        ),
        connection,
        server,
        await make_shop(connection, price_minor=5_000),
    )
    await gateway.aclose()
    await provider.aclose()


async def test_a_seller_tells_stripe_who_it_is_and_is_paid_then(market: Market) -> None:
    onboarding = await market.connect()
    account = onboarding.account
    assert onboarding.url.endswith(f"{account.reference}/1")
    assert (account.country, account.is_ready, account.missing[0]) == (
        "DE", False, "external_account",
    )  # fmt: skip
    assert market.server.sellers.links[0]["return_url"] == (
        f"https://market.test/payout-accounts/{account.id}/return"
    )
    # Once more leads to the same account, by a fresh page.
    assert (await market.connect()).url.endswith(f"{account.reference}/2")
    assert len(market.server.sellers.accounts) == 1
    await market.name_it()
    await earn(market.resources, market.shop)
    with pytest.raises(PayoutAccountNotReady) as refusal:
        await pay(market.resources, market.shop)
    assert refusal.value.extras["missing"] == ["external_account", "tos_acceptance.date"]
    assert await market.connection.fetchval("SELECT count(*) FROM payout") == 0
    market.server.sellers.tell(market.opened)
    told = await market.facts("payout_account.changed")
    await market.report()
    assert await market.facts("payout_account.changed") == told + 1
    assert (await market.account()).is_ready
    payout = await pay(market.resources, market.shop)
    assert (payout.status, payout.provider, payout.last_four) == (
        "paid", "stripe", market.opened["id"][-4:],
    )  # fmt: skip
    assert market.server.sellers.balances == {(market.opened["id"], "eur"): 5_000}
    assert await seller_owes(market.connection, market.shop) == {}
    [funding] = await market.connection.fetch(
        "SELECT amount_minor FROM ledger_entry WHERE account = 'gateway_clearing:stripe'"
    )
    assert funding["amount_minor"] == 5_000
    # Stripe's word about the transfer is asked after, and changes nothing.
    await market.report()
    assert (await reread(market.resources, payout)).status == "paid"
    assert await wrong_with(market.connection, market.resources) == []


async def test_an_answer_that_was_lost_opens_one_account(
    market: Market, clock: ManualClock
) -> None:
    market.server.faults.extend([None, LOST_ANSWER])
    with pytest.raises(ServiceUnavailable):
        await market.connect()
    assert (await market.account()).reference is None
    with pytest.raises(InvalidInput):
        await market.name_it()
    clock.advance(timedelta(days=2))
    assert (await market.connect()).account.reference == market.opened["id"]


async def test_a_payout_whose_answer_was_lost_is_made_once(
    market: Market, clock: ManualClock
) -> None:
    await market.ready()
    await earn(market.resources, market.shop)
    market.server.faults.extend([None, LOST_ANSWER])
    payout = await pay(market.resources, market.shop)
    assert payout.status == "unknown"
    clock.advance(timedelta(minutes=1))
    await upkeep.resume_payouts(market.resources)
    assert (await reread(market.resources, payout)).status == "paid"
    assert len(market.server.account.transfers) == 1


async def test_what_isn_t_covered_fails_and_is_available_again(market: Market) -> None:
    await market.ready()
    await earn(market.resources, market.shop)
    market.server.sellers.available = {"eur": 4_999}
    payout = await pay(market.resources, market.shop)
    assert (payout.status, payout.failure_reason) == ("failed", "balance_insufficient")
    assert await seller_owes(market.connection, market.shop) == {"available": 5_000}
    market.server.sellers.available = {"eur": 5_000}
    assert (await pay(market.resources, market.shop)).status == "paid"
    assert len(market.server.account.transfers) == 1


async def test_doubts_hold_the_money_and_a_bank_that_sends_it_back_is_told(
    market: Market,
) -> None:
    await market.ready()
    await earn(market.resources, market.shop)
    market.server.sellers.doubt(market.opened, "company.tax_id")
    market.server.sellers.bank(market.opened, 700, failure="account_closed")
    await market.report()
    account = await market.account()
    assert (account.is_ready, account.missing) == (False, ("company.tax_id",))
    assert (account.disabled_reason, account.bank_failure) == (
        "requirements.past_due", "account_closed",
    )  # fmt: skip
    assert await market.facts("payout_account.bank_failed") == 1
    with pytest.raises(PayoutAccountNotReady):
        await pay(market.resources, market.shop)
    market.server.account.events.clear()
    market.server.sellers.tell(market.opened)
    market.server.sellers.bank(market.opened, 700)
    await market.report()
    assert (await market.account()).bank_failure is None
    assert (await pay(market.resources, market.shop)).status == "paid"
    market.server.account.events.clear()
    market.server.sellers.leave(market.opened)
    await market.report()
    gone = await market.account()
    assert (gone.is_ready, gone.disabled_reason) == (False, "deauthorized")


async def test_a_shop_that_took_its_account_away_opens_another(
    market: Market, clock: ManualClock
) -> None:
    await market.ready()
    await earn(market.resources, market.shop)
    market.server.account.events.clear()
    market.server.sellers.leave(market.opened)
    await market.report()
    gone = await market.account()
    assert gone.disabled_reason == "deauthorized"
    clock.advance(timedelta(hours=1))
    onboarding = await market.connect()
    anew = await market.account()
    assert anew.id == onboarding.account.id != gone.id
    assert anew.reference is not None
    assert anew.reference != gone.reference
    assert (anew.disabled_reason, anew.is_ready) == ("requirements.past_due", False)
    # Asked for once more, it is the same.
    assert (await market.connect()).account.id == anew.id
    market.server.sellers.tell(market.server.sellers.accounts[anew.reference])
    await market.report()
    assert (await market.account()).is_ready
    # What was named is the old one: nothing is sent there.
    with pytest.raises(NoPayoutDestination, match="name the new one"):
        await pay(market.resources, market.shop)
    await market.name_it()
    clock.advance(timedelta(hours=72))
    payout = await pay(market.resources, market.shop)
    assert (payout.status, payout.amount_minor) == ("paid", 5_000)
    [transfer] = market.server.account.transfers.values()
    assert transfer["destination"] == anew.reference
    assert await wrong_with(market.connection, market.resources) == []


async def test_a_report_that_can_t_be_asked_after_is_sent_again(market: Market) -> None:
    await market.connect()
    market.server.sellers.tell(market.opened)
    market.server.down = NO_CONNECTION
    with pytest.raises(ServiceUnavailable):
        await market.report()
    assert not (await market.account()).is_ready
    market.server.down = None
    await market.report()
    assert (await market.account()).is_ready


async def test_a_payout_is_called_back_once(market: Market, clock: ManualClock) -> None:
    await market.ready()
    await earn(market.resources, market.shop)
    payout = await pay(market.resources, market.shop)
    before = await balances(market.connection)
    market.server.faults.extend([None, LOST_ANSWER])
    operator, powers = an_operator(), market.resources.payouts
    for key in ("once", "once"):
        after, replayed = await payout_recalls.recall_payout(
            powers, viewer=operator, payout_id=payout.id, reason="the wrong shop", key=a_key(key)
        )
        if key == "once" and not replayed:
            assert after.status == "paid"
    assert (after.status, after.failure_reason) == ("failed", "called_back")
    assert await seller_owes(market.connection, market.shop) == {"available": 5_000}
    assert (await balances(market.connection))["gateway_clearing"] == (
        before.get("gateway_clearing", 0) + 5_000
    )
    assert len(market.server.sellers.reversals) == 1
    rows = await market.connection.fetch("SELECT status, check_at FROM payout_recall")
    assert [tuple(row) for row in rows] == [("done", None)]
    clock.advance(timedelta(hours=1))
    await upkeep.resume_payouts(market.resources)
    await market.report()
    assert (await reread(market.resources, payout)).status == "failed"
    assert await wrong_with(market.connection, market.resources) == []
    with pytest.raises(PayoutNotPaid):
        await payout_recalls.recall_payout(
            powers, viewer=operator, payout_id=payout.id, reason="x", key=a_key()
        )


async def test_what_the_seller_has_spent_can_t_be_called_back(
    market: Market, clock: ManualClock
) -> None:
    await market.ready()
    await earn(market.resources, market.shop)
    payout = await pay(market.resources, market.shop)
    market.server.sellers.balances[market.opened["id"], "eur"] = 4_999
    before = await market.connection.fetchval("SELECT count(*) FROM ledger_transaction")
    operator, powers = an_operator(), market.resources.payouts
    market.server.down = NO_CONNECTION
    await payout_recalls.recall_payout(
        powers, viewer=operator, payout_id=payout.id, reason="fraud", key=a_key()
    )
    waiting = await ask(market.resources.db, payout_recall_service.pending, payout_id=payout.id)
    assert waiting is not None
    market.server.down = None
    clock.advance(timedelta(minutes=1))
    await upkeep.resume_payouts(market.resources)
    recall = await ask(
        market.resources.db, payout_recall_service.latest, viewer=operator, payout_id=payout.id
    )
    assert recall is not None
    assert (recall.status, recall.refusal) == ("refused", "balance_insufficient")
    assert await market.facts("payout.recall_refused") == 1
    assert (await reread(market.resources, payout)).status == "paid"
    assert await market.connection.fetchval("SELECT count(*) FROM ledger_transaction") == before
    # Later the account has it again: another recall may be asked for.
    market.server.sellers.balances[market.opened["id"], "eur"] = 5_000
    after, _ = await payout_recalls.recall_payout(
        powers, viewer=operator, payout_id=payout.id, reason="fraud", key=a_key()
    )
    assert after.status == "failed"


async def test_who_may_and_what_may_be_called_back(market: Market) -> None:
    await set_account(market.resources, market.shop)
    await earn(market.resources, market.shop)
    payout = await pay(market.resources, market.shop)
    powers = market.resources.payouts
    with pytest.raises(NotAllowed):
        await payout_recalls.recall_payout(
            powers, viewer=market.shop.viewer, payout_id=payout.id, reason="x", key=a_key()
        )
    with pytest.raises(CantBeCalledBack):
        await payout_recalls.recall_payout(
            powers, viewer=an_operator(), payout_id=payout.id, reason="x", key=a_key()
        )
    assert await market.connection.fetchval("SELECT count(*) FROM payout_recall") == 0
    finance = replace(market.shop.viewer, memberships={market.shop.seller.id: MemberRole.FINANCE})
    with pytest.raises(NotAllowed):
        await market.connect(viewer=finance)
    with pytest.raises(NotFound):
        await market.connect(viewer=(await make_shop(market.connection, price_minor=1)).viewer)
    assert await market.connection.fetchval("SELECT count(*) FROM connected_account") == 0
    with pytest.raises(InvalidInput):
        await market.name_it(email="shop@example.com")
