"""A gift card with much on it is taken back by the word of two."""

from dataclasses import replace

import httpx2
import pytest

from gosellr.core.db import Connection
from gosellr.flows import bank_transfers
from gosellr.models.order_values import Order
from gosellr.resources import Resources
from tests.api.by_two.desk import LIMIT, Call, calls
from tests.factories.accounts import User, make_operator
from tests.factories.gift_sales import buy_card, code_of, offer_cards, purchase_of
from tests.factories.payouts import wrong_with
from tests.factories.sales import NOW, Shop, buy, read
from tests.factories.stored_value import by_card
from tests.factories.transfers import BY_TRANSFER, arrive, offline, transfer_of
from tests.web.people import enter, open_page
from tests.web.visitor import Visitor

REASON = {"reason": "The buyer has changed their mind"}


@pytest.fixture
def market(resources: Resources) -> Resources:
    """Above 49.99 of an order a second person has to agree."""
    market = offline(resources)
    limit = {"refund_approval_over": {"EUR": LIMIT}}
    return replace(market, settings=market.settings.model_copy(update=limit))


async def take_back(who: Call, order: Order, key: str = "once") -> httpx2.Response:
    return await who(f"/gift-cards/purchases/{order.id}/refund", REASON, key=key)


def refused(answer: httpx2.Response) -> tuple[int, str]:
    """How it was refused."""
    return answer.status_code, answer.json()["code"]


async def test_two_people_take_back_a_card_with_much_on_it(
    market: Resources, connection: Connection, first: Call, second: Call
) -> None:
    await offer_cards(market)
    order = await buy_card(market)
    bought = await purchase_of(market, order)
    assert bought.card is not None
    answer = await take_back(first, order)
    assert answer.status_code == 202, answer.text
    made = answer.json()
    assert (made["kind"], made["subject"]) == ("gift_card_refund", f"gift_card:{bought.card.id}")
    assert (made["wish"]["amount_minor"], made["reason"]) == (5_000, REASON["reason"])
    assert made["wish"]["card_last_four"] == bought.card.last_four
    assert await purchase_of(market, order) == bought, "it can be spent meanwhile"
    again = await take_back(first, order)
    assert (again.status_code, again.json()) == (202, made)
    assert refused(await first(f"/proposals/{made['id']}/approve")) == (403, "not_allowed")
    assert (await second(f"/proposals/{made['id']}/approve")).status_code == 200
    assert (await second(f"/proposals/{made['id']}/approve")).status_code == 200
    after = await read(market, order)
    assert [(str(one.id), one.status, one.amount_minor) for one in after.refunds] == [
        (made["id"], "succeeded", 5_000)
    ]
    assert await wrong_with(connection, market) == []


async def test_what_was_spent_of_a_card_meanwhile_does_not_go_back(
    market: Resources, connection: Connection, first: Call, second: Call, shop: Shop
) -> None:
    await offer_cards(market)
    order = await buy_card(market, 10_000)
    made = (await take_back(first, order)).json()
    await buy(market, (shop, 1), tenders=[by_card(await code_of(market, order))])
    spent = await purchase_of(market, order)
    assert refused(await second(f"/proposals/{made['id']}/approve")) == (409, "refund_changed")
    assert await purchase_of(market, order) == spent, "it wasn't stopped either"
    assert refused(await take_back(second, order)) == (409, "proposal_waits")
    assert (await second(f"/proposals/{made['id']}/reject", REASON)).status_code == 200
    assert (await read(market, order)).refunds == ()
    assert await wrong_with(connection, market) == []


async def test_a_card_with_little_on_it_takes_one_who_did_not_buy_it(
    web: httpx2.AsyncClient, market: Resources, connection: Connection, first: Call
) -> None:
    await offer_cards(market)
    buyer = await make_operator(connection, now=NOW)
    small = await buy_card(market, 2_500, buyer=buyer)
    side = calls(web, market, buyer)
    assert refused(await take_back(side, small)) == (403, "not_allowed")
    assert (await take_back(first, small)).json()["status"] == "succeeded"
    large = await buy_card(market, 5_000, buyer=buyer)
    made = (await take_back(first, large, key="large")).json()
    assert refused(await side(f"/proposals/{made['id']}/approve")) == (403, "not_allowed")
    [kept] = (await read(market, small)).refunds
    assert kept.given_alone_minor == 2_500


async def test_on_the_pages(
    web: httpx2.AsyncClient, market: Resources, people: tuple[User, User]
) -> None:
    await offer_cards(market)
    order = await buy_card(market)
    bought = await purchase_of(market, order)
    assert bought.card is not None
    page = f"/operator/gift-cards/{bought.card.id}"
    visitor = await enter(Visitor(web), market, people[0])
    await open_page(visitor, page)
    await visitor.send(f"{page}/take-back", **REASON)
    proposal = visitor.path
    assert proposal.startswith("/operator/proposals/")
    assert "waits for a second person: gift card that is taken" in await open_page(visitor, page)
    await enter(visitor, market, people[1])
    text = await open_page(visitor, proposal)
    for words in (
        "Gift card that is taken back",
        "€50.00",
        bought.card.last_four,
        *REASON.values(),
    ):
        assert words in text, words
    await visitor.send(f"{proposal}/approve")
    assert "It is approved, and done." in visitor.text
    assert [one.status for one in (await read(market, order)).refunds] == ["succeeded"]


async def test_of_an_empty_card_nothing_is_proposed(
    market: Resources, connection: Connection, first: Call, second: Call, shop: Shop
) -> None:
    await offer_cards(market)
    order = await buy_card(market, 5_000, tender=BY_TRANSFER[0])
    await arrive(market, 5_000, text=transfer_of(order).gateway_reference or "")
    made = (await take_back(first, order)).json()
    assert (await second(f"/proposals/{made['id']}/approve")).status_code == 200
    [waiting] = (await bank_transfers.list_to_send(market.transfers, cursor=None, limit=10)).items
    path = f"/bank-transfers/refunds/{waiting.refund.id}/failed"
    assert (await first(path, {"reason": "The account is closed"})).status_code == 200
    # One word has said it of all, so that what comes takes two; and all of it is spent.
    await buy(market, (shop, 1), tenders=[by_card(await code_of(market, order))])
    answer = await take_back(first, order, key="again")
    assert refused(answer) == (409, "gift_card_empty"), answer.text
    assert await wrong_with(connection, market) == []
