"""The ways to pay on their page: what each can do, as its own gateway says."""

from dataclasses import replace
from datetime import timedelta

import httpx2

from gosellr.core.clock import ManualClock
from gosellr.core.db import Connection
from gosellr.integrations.payments.rules_port import InParts, SendsRefunds
from gosellr.integrations.payments.stripe_amounts import STEPS_MINOR as STRIPE_STEPS
from gosellr.resources import Resources
from tests.factories.accounts import make_operator, make_support
from tests.factories.sales import NOW, make_shop
from tests.factories.transfers import doors, offline
from tests.integrations.stripe_api.account import Account
from tests.integrations.stripe_api.server import FakeStripe, make_gateway
from tests.web.people import enter, leads_to_sign_in, open_page, statuses
from tests.web.visitor import Visitor

PAGE = "/operator/payment-ways"


async def test_each_way_says_what_it_can_do(
    resources: Resources, connection: Connection, clock: ManualClock
) -> None:
    market = offline(resources)
    stripe = make_gateway(FakeStripe(Account(clock)), clock)
    market = replace(market, gateways={**market.gateways, "stripe": stripe})
    async with doors(market) as caller:
        visitor = Visitor(caller)
        await enter(visitor, market, await make_operator(connection, now=NOW))
        text = await open_page(visitor, PAGE)
        assert f'href="{PAGE}"' in text
    await stripe.aclose()
    assert "when it is ordered" in text
    cards = {
        name: card
        for card in text.split('<section class="card')[1:]
        for name in ("Bank transfer", "Cash on delivery", "Sandbox", "Stripe")
        if f">{name}</h2>" in card
    }
    assert "Bank transfer" in cards
    assert "A person of the market, by hand" in cards["Bank transfer"]
    assert ">EUR</p>" in cards["Bank transfer"]
    assert "Set aside for" not in cards["Bank transfer"]
    assert "The shop that collected it" in cards["Cash on delivery"]
    assert "Every one" in cards["Cash on delivery"]
    assert "7 days" in cards["Sandbox"]
    assert "As it says of each payment; 7 days where it doesn" in cards["Stripe"]
    assert f"<bdi>{len(STRIPE_STEPS)}</bdi>" in cards["Stripe"]
    told = "Yes: they are fetched, answered and booked here"
    assert {name for name, card in cards.items() if told in card} == {"Sandbox", "Stripe"}


def test_rules_agree_with_what_gateways_do(resources: Resources) -> None:
    gateways = offline(resources).gateways
    rules = {name: one.rules for name, one in gateways.items()}  # type: ignore[attr-defined]
    assert rules["sandbox"].holds_for == timedelta(days=7)
    assert rules["sandbox"].in_parts is InParts.IF_ALLOWED
    assert rules["bank_transfer"].currencies == {"EUR"}
    assert {name for name, one in rules.items() if one.takes_later} == {"sandbox"}
    assert {name: one.sends_refunds for name, one in rules.items()} == {
        "sandbox": SendsRefunds.GATEWAY,
        "bank_transfer": SendsRefunds.MARKET,
        "cash_on_delivery": SendsRefunds.SELLER,
    }
    assert all(one.refunds_parts for one in rules.values())


async def test_only_who_reads_the_settings_sees_the_ways(
    client: httpx2.AsyncClient, resources: Resources, connection: Connection
) -> None:
    visitor = Visitor(client)
    assert await leads_to_sign_in(visitor, [PAGE])
    shop = await make_shop(connection)
    for user in (shop.seller.owner, await make_support(connection, now=NOW)):
        await enter(visitor, resources, user)
        assert await statuses(visitor, [PAGE]) == {403}
