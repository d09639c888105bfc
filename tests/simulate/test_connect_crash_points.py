"""Death at every step of a transfer to a seller's account, and of its taking back: each once."""

from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from typing import Any
from uuid import uuid4

import pytest

from gosellr.core.db import Connection
from gosellr.core.transact import ask, transact
from gosellr.flows import payout_recalls
from gosellr.models.payout_values import Payout
from gosellr.resources import Resources
from gosellr.services.basket_service import Tender
from gosellr.services.terms_shelf import TermsShelf
from gosellr.utils.payouts import PayoutStatus
from tests.factories.payouts import an_operator, earn, pay, reread, set_schedule
from tests.factories.sales import Shop, a_key, make_shop, seller_owes
from tests.flows.test_provider_lists import Market as StripeMarket
from tests.integrations.stripe_api.account import GOOD, Account, Document
from tests.integrations.stripe_api.server import (
    LOST_ANSWER,
    LOST_REQUEST,
    FakeStripe,
    make_gateway,
    make_payouts,
)
from tests.simulate.stage import PRICE, Scene, Stage, die_everywhere, sweep
from tests.simulate.test_payout_crash_points import NET, payouts_of, request

# The account's transfers are looked through, then one is made; or it is read, then taken back.
SECOND = [[], [None, LOST_ANSWER], [None, LOST_REQUEST]]


@dataclass(slots=True)
class StripeStage(Stage):
    """A market that is paid and pays by Stripe alone, which outlives every process."""

    server: FakeStripe

    def restarted(self) -> Resources:
        return replace(self.market, terms_shelf=TermsShelf())

    def transfers_of(self, payout: Payout) -> list[Document]:
        """What Stripe moved under a payout's name."""
        sent = self.server.account.transfers.values()
        return [one for one in sent if one["metadata"]["gosellr_payout"] == str(payout.id)]


@pytest.fixture
async def connected(stage: Stage) -> AsyncIterator[StripeStage]:
    server = FakeStripe(Account(stage.clock))
    gateway, provider = make_gateway(server, stage.clock), make_payouts(server, stage.clock)
    market = replace(
        stage.market, gateways={"stripe": gateway}, payout_providers={"stripe": provider}
    )
    yield StripeStage(market, stage.clock, stage.shop, server)
    await gateway.aclose()
    await provider.aclose()


async def earned(stage: StripeStage) -> Shop:
    """A shop of its own for each scene, with one sale to be paid to its account."""
    market = stage.market
    shop = await transact(market.db, make_shop, price_minor=PRICE)
    async with market.db.connection() as connection:
        await StripeMarket(market, connection, stage.server, shop).be_paid_by_stripe()
    await set_schedule(market, shop, "manual")
    await earn(market, shop, tenders=[Tender(method="stripe", token=GOOD)])
    return shop


@pytest.mark.case(44)
@pytest.mark.parametrize("faults", SECOND)
async def test_case_44_a_transfer_cut_off_anywhere_is_made_once(
    connected: StripeStage, faults: list[Any]
) -> None:
    async def scene() -> Scene:
        shop, key = await earned(connected), uuid4().hex
        connected.server.faults.extend(faults)

        async def play(market: Resources) -> None:
            await request(market, shop, key)

        async def check(market: Resources) -> None:
            await play(market)
            await sweep(connected, market)
            [payout] = await payouts_of(market, shop)
            assert (payout.status, payout.amount_minor) == (PayoutStatus.PAID, NET)
            [sent] = connected.transfers_of(payout)
            assert (sent["amount"], sent["amount_reversed"]) == (NET, 0)
            assert await ask(market.db, seller_owes, shop=shop) == {}

        return Scene(play, check)

    assert await die_everywhere(connected, scene) >= 20


async def recalls(connection: Connection, *, payout_id: object) -> list[tuple[Any, ...]]:
    rows = await connection.fetch(
        "SELECT status, refusal, (SELECT count(*) FROM outbox_event WHERE aggregate_id = payout_id"
        " AND type = 'payout.recall_refused') FROM payout_recall WHERE payout_id = $1",
        payout_id,
    )
    return [tuple(row) for row in rows]


@pytest.mark.case(43)
@pytest.mark.parametrize(("faults", "covered"), [*((one, True) for one in SECOND), ([], False)])
async def test_case_43_a_taking_back_cut_off_anywhere(
    connected: StripeStage, faults: list[Any], covered: bool
) -> None:
    operator = an_operator()

    async def scene() -> Scene:
        shop, key = await earned(connected), uuid4().hex
        payout = await pay(connected.market, shop)
        assert payout.status is PayoutStatus.PAID
        place = connected.transfers_of(payout)[0]["destination"], "eur"
        connected.server.sellers.balances[place] = NET if covered else NET - 1
        connected.server.faults.extend(faults)

        async def play(market: Resources) -> None:
            await payout_recalls.recall_payout(
                market.payouts, viewer=operator, payout_id=payout.id, reason="wrong",
                key=a_key(key),
            )  # fmt: skip

        async def check(market: Resources) -> None:
            await play(market)
            await sweep(connected, market)
            after = await reread(market, payout)
            [sent] = connected.transfers_of(payout)
            told = await ask(market.db, recalls, payout_id=payout.id)
            owes = await ask(market.db, seller_owes, shop=shop)
            if covered:
                assert (after.status, sent["amount_reversed"]) == (PayoutStatus.FAILED, NET)
                assert (told, owes) == ([("done", None, 0)], {"available": NET})
            else:
                assert (after.status, sent["amount_reversed"]) == (PayoutStatus.PAID, 0)
                assert (told, owes) == ([("refused", "balance_insufficient", 1)], {})

        return Scene(play, check)

    assert await die_everywhere(connected, scene) >= 15
