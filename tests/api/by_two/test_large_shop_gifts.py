"""Store credit at a shop's cost: above what leaves it on one word in a day, the market agrees."""

from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any

import httpx2
import pytest

from gosellr.core.db import Connection
from gosellr.core.transact import transact
from gosellr.models.order_values import Order
from gosellr.resources import Resources
from gosellr.services import payout_settings_service, seller_member_service
from gosellr.utils.ids import order_number
from gosellr.utils.permissions import MemberRole
from tests.api.by_two.desk import V1, Call, calls
from tests.factories.accounts import User, add_member, bearer, make_operator
from tests.factories.payouts import an_operator, earn, wrong_with
from tests.factories.sales import NOW, Shop, make_buyer, make_shop, part_of, seller_owes
from tests.factories.stored_value import credit_of, give_credit
from tests.factories.transfers import doors
from tests.web.people import assert_sound, enter, open_page
from tests.web.visitor import Visitor

SORRY = "Sorry for the scratch"


@pytest.fixture
def market(resources: Resources) -> Resources:
    """10.00 leave a shop on one person's word within a day at most."""
    limits: dict[str, Any] = {"payout_approval_over": {"EUR": 1_000}}
    return replace(resources, settings=resources.settings.model_copy(update=limits))


@pytest.fixture
async def web(market: Resources) -> AsyncIterator[httpx2.AsyncClient]:
    async with doors(market) as caller:
        yield caller


@pytest.fixture
async def shop(connection: Connection) -> Shop:
    """50.00 a piece, without commission."""
    return await make_shop(connection)


@pytest.fixture
async def buyer(connection: Connection) -> User:
    return await make_buyer(connection)


@pytest.fixture
def owner(web: httpx2.AsyncClient, market: Resources, shop: Shop) -> Call:
    return calls(web, market, shop.seller.owner)


async def give(who: Call, order: Order, shop: Shop, amount: int, key: str) -> httpx2.Response:
    body = {
        "seller_order_id": str(part_of(order, shop).id),
        "amount": {"amount": amount, "currency": "EUR"},
        "reason": SORRY,
    }
    return await who(f"/orders/{order.id}/store-credit", body, key=key)


def refused(answer: httpx2.Response) -> tuple[int, str]:
    return answer.status_code, answer.json()["code"]


async def test_the_market_agrees_to_a_large_gift(
    web: httpx2.AsyncClient,
    market: Resources,
    connection: Connection,
    shop: Shop,
    buyer: User,
    owner: Call,
    second: Call,
) -> None:
    order = await earn(market, shop, buyer=buyer)
    answer = await give(owner, order, shop, 2_000, "once")
    assert answer.status_code == 202, answer.text
    made = answer.json()
    part = part_of(order, shop)
    assert (made["kind"], made["subject"]) == ("seller_credit", f"seller_credit:{part.id}")
    assert made["wish"] == {
        "order_id": str(order.id), "order_number": order_number(order.number),
        "seller_order_id": str(part.id), "amount_minor": 2_000, "currency": "EUR",
    }  # fmt: skip
    # No shop is told which account bought it.
    headers = await bearer(market, shop.seller.owner)
    seen = await web.get(f"{V1}/orders/{order.id}", headers=headers)
    assert seen.json()["buyer"]["id"] is None
    assert str(buyer.id) not in answer.text
    assert (made["reason"], made["prepared_by"]) == (SORRY, str(shop.seller.owner.id))
    assert await credit_of(market, buyer) == {}
    for key in ("once", "twice"):
        assert (await give(owner, order, shop, 2_000, key)).json() == made
    assert refused(await give(owner, order, shop, 2_001, "more")) == (409, "proposal_waits")
    path = f"/proposals/{made['id']}/approve"
    assert refused(await owner(path)) == (403, "not_allowed")
    partner = await add_member(connection, now=NOW, seller=shop.seller, role=MemberRole.MANAGER)
    await connection.execute(
        "UPDATE user_account SET roles = '{operator}' WHERE id = $1", partner.id
    )
    assert refused(await calls(web, market, partner)(path)) == (403, "not_allowed")
    for _ in range(2):
        assert (await second(path)).status_code == 200
    assert await credit_of(market, buyer) == {"EUR": 2_000}
    assert await seller_owes(connection, shop) == {"available": 3_000}
    again = await give(owner, order, shop, 2_000, "once")
    assert (again.status_code, again.json()["id"]) == (201, made["id"])
    # What two agreed to rests on nobody's sole word.
    await give_credit(market, order, shop, 1_000)
    assert (await give(owner, order, shop, 1, "next")).status_code == 202
    facts = await connection.fetch(
        "SELECT aggregate_id::text AS id FROM outbox_event WHERE type = 'store_credit.given'"
    )
    assert made["id"] in {one["id"] for one in facts}
    assert await wrong_with(connection, market) == []


async def test_what_can_not_be_given_any_more_is_not_given(
    market: Resources, connection: Connection, shop: Shop, buyer: User, owner: Call, second: Call
) -> None:
    order = await earn(market, shop, buyer=buyer)
    assert refused(await give(owner, order, shop, 5_001, "much")) == (409, "insufficient_balance")
    made = (await give(owner, order, shop, 4_500, "once")).json()
    path = f"/proposals/{made['id']}/approve"
    hold: Any = {"viewer": an_operator(), "seller_id": shop.seller.id, "now": market.clock.now()}
    await transact(market.db, payout_settings_service.hold, reason="papers", **hold)
    assert refused(await second(path)) == (409, "payouts_held")
    await transact(market.db, payout_settings_service.hold, reason=None, **hold)
    await give_credit(market, order, shop, 501)
    assert refused(await second(path)) == (409, "insufficient_balance")
    assert (await second(f"/proposals/{made['id']}/reject", {"reason": "no"})).status_code == 200
    told = (await give(owner, order, shop, 4_500, "once")).json()
    assert (told["status"], told["decision_note"], told["decided_by"]) == ("rejected", "no", None)
    assert await credit_of(market, buyer) == {"EUR": 501}


async def test_who_left_the_shop_gives_nothing_of_it(
    web: httpx2.AsyncClient,
    market: Resources,
    connection: Connection,
    shop: Shop,
    buyer: User,
    second: Call,
) -> None:
    order = await earn(market, shop, buyer=buyer)
    helper = await add_member(connection, now=NOW, seller=shop.seller, role=MemberRole.FINANCE)
    made = (await give(calls(web, market, helper), order, shop, 2_000, "once")).json()
    await seller_member_service.remove_member(
        connection, viewer=shop.viewer, seller_id=shop.seller.id, user_id=helper.id, now=NOW
    )
    path = f"/proposals/{made['id']}/approve"
    assert refused(await second(path)) == (409, "giver_left")
    assert await credit_of(market, buyer) == {}
    assert await seller_owes(connection, shop) == {"available": 5_000}


async def test_on_the_pages(
    web: httpx2.AsyncClient, market: Resources, connection: Connection, shop: Shop, buyer: User
) -> None:
    order = await earn(market, shop, buyer=buyer)
    page = f"/seller/{shop.seller.id}/orders/{order_number(order.number)}"
    form = f"{page}/parts/{part_of(order, shop).id}/credit"
    visitor = await enter(Visitor(web), market, shop.seller.owner)
    await open_page(visitor, form)
    await visitor.send(form, amount="20.00", reason=SORRY)
    assert visitor.path == page
    assert "the marketplace has to agree first" in visitor.text
    text = await open_page(visitor, form)
    assert_sound(text)
    assert "€20.00 is proposed, and waits for the marketplace to agree" in text
    made = await connection.fetchval("SELECT id FROM proposal")
    desk = f"/operator/proposals/{made}"
    operator = await make_operator(connection, now=NOW)
    await enter(visitor, market, operator)
    text = await open_page(visitor, desk)
    for words in (
        "Store credit at a shop&#39;s cost", "€20.00", buyer.email, shop.seller.name, "For order",
        order_number(order.number), SORRY,
    ):  # fmt: skip
        assert words in text, words
    await visitor.send(f"{desk}/reject", reason="Rather refund it")
    assert "It is turned down; nothing was changed." in visitor.text
    await enter(visitor, market, shop.seller.owner)
    text = await open_page(visitor, form)
    assert "€20.00 was turned down" in text
    assert "Rather refund it" in text
    assert await credit_of(market, buyer) == {}


async def test_a_form_whose_gift_was_turned_down_is_no_new_wish(
    web: httpx2.AsyncClient,
    market: Resources,
    connection: Connection,
    shop: Shop,
    buyer: User,
    second: Call,
) -> None:
    order = await earn(market, shop, buyer=buyer)
    page = f"/seller/{shop.seller.id}/orders/{order_number(order.number)}"
    form = f"{page}/parts/{part_of(order, shop).id}/credit"
    visitor = await enter(Visitor(web), market, shop.seller.owner)
    await open_page(visitor, form)
    typed = {**visitor.form(form).values, "amount": "20.00", "reason": SORRY}
    await visitor.send(form, changes=typed)
    made = await connection.fetchval("SELECT id FROM proposal")
    reason = {"reason": "Rather refund it"}
    assert (await second(f"/proposals/{made}/reject", reason)).status_code == 200
    # The browser's Back, and the same form once more.
    await open_page(visitor, form)
    await visitor.send(form, changes=typed)
    assert visitor.page.status_code == 409
    assert_sound(visitor.text)
    assert "the marketplace has to agree first" not in visitor.text
    for words in ("€20.00 was turned down", "You sent this form already", 'value="20.00"', SORRY):
        assert words in visitor.text, words
    await visitor.send(form)
    assert "the marketplace has to agree first" in visitor.text
    assert await connection.fetchval("SELECT count(*) FROM proposal") == 2
