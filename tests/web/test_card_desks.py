"""Gift cards as the market sees them: what ran out, a longer life, a bank that wants a price."""

from dataclasses import replace
from datetime import timedelta

import httpx2
import pytest

from gosellr.core.clock import ManualClock
from gosellr.core.db import Connection
from gosellr.core.transact import transact
from gosellr.flows import card_releases
from gosellr.resources import Resources
from gosellr.services import gift_sale_service
from tests.factories.accounts import make_operator
from tests.factories.disputes import cases_of, take_back
from tests.factories.gift_sales import buy_card, offer_cards, purchase_of
from tests.factories.sales import NOW, balances
from tests.factories.stored_value import make_card, operator
from tests.web.people import assert_sound, enter
from tests.web.visitor import Visitor


@pytest.fixture
def visitor(client: httpx2.AsyncClient) -> Visitor:
    return Visitor(client)


async def test_what_ran_out_is_released_listed_and_extended(
    visitor: Visitor, resources: Resources, connection: Connection, clock: ManualClock
) -> None:
    offer = await offer_cards(resources, valid_days=10)
    await transact(
        resources.db,
        gift_sale_service.set_offer,
        viewer=await operator(resources),
        offer=replace(offer, released_after_days=0),
    )
    order = await buy_card(resources, 5000)
    await make_card(resources, 700, expires_at=clock.now() + timedelta(days=1))
    card_id = (await purchase_of(resources, order)).card_id
    await enter(visitor, resources, await make_operator(connection, now=NOW))
    await visitor.go("/operator/gift-card-releases")
    assert "Nothing was released" in visitor.text
    assert_sound(visitor.text)
    clock.advance(timedelta(days=10))
    await card_releases.release_due(db=resources.db, clock=resources.clock)
    await visitor.go("/operator/gift-card-releases")
    assert "Income, of cards that were sold" in visitor.text
    assert "Less cost, of cards that were given away" in visitor.text
    assert "€50.00" in visitor.text
    assert "€7.00" in visitor.text
    assert_sound(visitor.text)
    page = f"/operator/gift-cards/{card_id}"
    await visitor.go(page)
    assert "Ran out, owed no more" in visitor.text
    assert_sound(visitor.text)
    await visitor.send(f"{page}/extend", expires_on="2020-01-01")
    assert visitor.page.status_code == 422
    assert "Name a day after the one it has" in visitor.text
    assert 'value="2020-01-01"' in visitor.text
    ends = await connection.fetchval("SELECT expires_at FROM gift_card WHERE id = $1", card_id)
    await visitor.send(f"{page}/extend", expires_on="")
    assert visitor.page.status_code == 422
    assert 'id="expires_on-error"' in visitor.text
    assert_sound(visitor.text)
    now = await connection.fetchval("SELECT expires_at FROM gift_card WHERE id = $1", card_id)
    assert now == ends
    await visitor.send(f"{page}/extend", expires_on="9999-12-31")
    assert visitor.page.status_code == 422
    await visitor.send(f"{page}/extend", expires_on="2030-01-01")
    assert "with all that was left on it" in visitor.text
    assert "Good again, owed once more" in visitor.text
    assert_sound(visitor.text)
    assert await balances(connection) == {"gateway_clearing": 5000, "gift_card": -5000}
    await visitor.go("/operator/gift-card-releases")
    assert "Owed again since" in visitor.text
    await visitor.go(page)
    await visitor.send(f"{page}/extend", expires_on="2031-01-01", endless="1")
    assert "Either a day, or no end" in visitor.text
    await visitor.send(f"{page}/extend", expires_on="", endless="1")
    assert "with all that was left on it" in visitor.text
    now = await connection.fetchval("SELECT expires_at FROM gift_card WHERE id = $1", card_id)
    assert now is None


async def test_the_offer_says_after_how_many_days(
    visitor: Visitor, resources: Resources, connection: Connection
) -> None:
    await enter(visitor, resources, await make_operator(connection, now=NOW))
    page = "/operator/gift-card-offers"
    await visitor.go(page)
    await visitor.send(page, amounts="25", released_after_days="soon")
    assert 'id="released_after_days-error"' in visitor.text
    await visitor.send(page, amounts="25", released_after_days="1095")
    assert "1095 days after its end" in visitor.text
    assert_sound(visitor.text)
    days = "SELECT released_after_days FROM gift_card_offer"
    assert await connection.fetchval(days) == 1095


async def test_an_operator_answers_the_bank_for_a_card(
    visitor: Visitor, resources: Resources, connection: Connection
) -> None:
    await offer_cards(resources)
    order = await buy_card(resources, 5000)
    await take_back(resources, order)
    [case] = await cases_of(resources, order)
    await enter(visitor, resources, await make_operator(connection, now=NOW))
    await visitor.go("/operator/cases")
    assert "Chargeback: gift card" in visitor.text
    assert_sound(visitor.text)
    page = f"/operator/cases/{case.dispute.id}"
    await visitor.go(page)
    assert "We have sold the card" in visitor.text
    assert_sound(visitor.text)
    await visitor.send(f"{page}/messages", body="The code was shown to its buyer", answer="1")
    assert "At the bank" in visitor.text
    assert_sound(visitor.text)
    [case] = await cases_of(resources, order)
    assert case.dispute.status == "awaiting_provider"
