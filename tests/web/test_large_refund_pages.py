"""Large refunds on the operator's pages: proposed as they were shown, and agreed to by another."""

from dataclasses import replace
from datetime import timedelta
from typing import Any
from uuid import UUID

import httpx2
import pytest

from gosellr.core.clock import ManualClock
from gosellr.core.db import Connection
from gosellr.models.order_values import Order
from gosellr.resources import Resources
from gosellr.utils.ids import order_number
from tests.factories.accounts import User, make_operator
from tests.factories.applications import caller_of
from tests.factories.disputes import network
from tests.factories.payouts import wrong_with
from tests.factories.sales import (
    NOW,
    Shop,
    buy,
    make_buyer,
    make_commission,
    make_shop,
    part_of,
    read,
    refund,
)
from tests.flows.test_refunds_settled import AnswersOtherwise
from tests.web.people import assert_sound, enter, open_page
from tests.web.visitor import HTML, Visitor

LIMIT = 4_999
NEEDS = "This needs a second person"


@pytest.fixture(autouse=True)
def limited(resources: Resources, monkeypatch: pytest.MonkeyPatch) -> None:
    """Above 49.99 of an order a second person has to agree."""
    limits = {"EUR": LIMIT}
    monkeypatch.setitem(resources.settings.__dict__, "refund_approval_over", limits)


@pytest.fixture
def visitor(client: httpx2.AsyncClient) -> Visitor:
    return Visitor(client)


@pytest.fixture
async def shop(connection: Connection) -> Shop:
    """50.00 a piece, of which 6.00 are commission with its tax."""
    await make_commission(connection)
    return await make_shop(connection, price_minor=5000)


@pytest.fixture
async def people(connection: Connection) -> tuple[User, User]:
    return await make_operator(connection, now=NOW), await make_operator(connection, now=NOW)


def form_of(order: Order, shop: Shop) -> tuple[str, str]:
    """The form that refunds the shop's part, and the name of its field."""
    part = part_of(order, shop)
    page = f"/operator/orders/{order_number(order.number)}/parts/{part.id}/refund"
    return page, f"units-{part.lines[0].id}"


async def propose(
    visitor: Visitor, order: Order, shop: Shop, *, units: str
) -> tuple[UUID, dict[str, str]]:
    """Ask for units on the form; gives the proposal that comes of it, and what was sent."""
    form, field = form_of(order, shop)
    text = await open_page(visitor, form)
    assert "Operators alone give back €49.99 of an order at most" in text
    await visitor.send(f"{form}/preview", changes={field: units, "reason": "All of it broken"})
    assert_sound(visitor.text)
    assert NEEDS in visitor.text
    sent = dict(visitor.form(form).values)
    await visitor.send(form)
    assert visitor.path.startswith("/operator/proposals/")
    assert "It is proposed. Nothing changes before a second person agrees." in visitor.text
    return UUID(visitor.path.rsplit("/", 1)[1]), sent


async def test_a_large_refund_is_proposed_and_agreed_to(
    visitor: Visitor,
    resources: Resources,
    connection: Connection,
    people: tuple[User, User],
    shop: Shop,
) -> None:
    order = await buy(resources, (shop, 2), buyer=await make_buyer(connection))
    await enter(visitor, resources, people[0])
    made, sent = await propose(visitor, order, shop, units="2")
    assert await read(resources, order) == order
    page, (form, _) = f"/operator/proposals/{made}", form_of(order, shop)
    # Whoever comes back to the form, or sends it again, is led to what waits.
    assert "waits for a second person: refund" in await open_page(visitor, form)
    again = await visitor.client.post(form, data=sent, headers=HTML)
    assert (again.status_code, again.headers["location"].split("?")[0]) == (303, page)

    assert "You proposed it" in await open_page(visitor, page)
    title = part_of(order, shop).lines[0].title
    await enter(visitor, resources, people[1])
    assert "Refund" in await open_page(visitor, "/operator/proposals")
    text = await open_page(visitor, page)
    for words in (
        order_number(order.number), "The buyer gets", "€100.00", f"Of {title}", "×2, €100.00",
        "The shop, of what isn&#39;t available yet", "€88.00", "of its commission", "€10.00",
        "of the VAT on it", "€2.00", "By Test card", "2, back on sale", "All of it broken",
    ):  # fmt: skip
        assert words in text, words
    await visitor.send(f"{page}/approve")
    assert (visitor.path, visitor.page.status_code) == (page, 200)
    assert "It is approved, and done." in visitor.text
    [given] = (await read(resources, order)).refunds
    assert (given.id, given.status, given.amount_minor) == (made, "succeeded", 10_000)
    assert await wrong_with(connection, resources) == []


async def test_a_proposal_says_why_it_cannot_be_agreed_to_any_more(
    visitor: Visitor,
    resources: Resources,
    people: tuple[User, User],
    shop: Shop,
) -> None:
    order = await buy(resources, (shop, 2))
    await enter(visitor, resources, people[0])
    made, _ = await propose(visitor, order, shop, units="2")
    await refund(resources, order, shop, units=1)
    moved = await read(resources, order)
    await enter(visitor, resources, people[1])
    page = f"/operator/proposals/{made}"
    assert "It can&#39;t be approved any more" in await open_page(visitor, page)
    await visitor.send(f"{page}/approve")
    assert visitor.page.status_code == 409
    assert "Nothing was changed" in visitor.text
    assert await read(resources, order) == moved
    await visitor.send(f"{page}/reject", reason="One went back")
    assert "It is turned down; nothing was changed." in visitor.text
    assert "approved any more" not in visitor.text


async def test_what_is_small_or_the_shop_s_own_takes_one(
    visitor: Visitor, resources: Resources, people: tuple[User, User], shop: Shop
) -> None:
    order = await buy(resources, (shop, 2))
    form, field = form_of(order, shop)
    await enter(visitor, resources, people[0])
    await open_page(visitor, form)
    await visitor.send(f"{form}/preview", changes={"amount": "49.99", "reason": "late"})
    assert NEEDS not in visitor.text
    await visitor.send(form)
    assert "The refund is made" in visitor.text
    await enter(visitor, resources, shop.seller.owner)
    form = form.replace("/operator/", f"/seller/{shop.seller.id}/")
    assert "second person" not in await open_page(visitor, form)
    await visitor.send(f"{form}/preview", changes={field: "", "amount": "50.00", "reason": "late"})
    assert NEEDS not in visitor.text
    await visitor.send(form)
    assert "The refund is made" in visitor.text
    assert (await read(resources, order)).refunded_minor == 9_999


async def test_what_became_of_a_large_refund_is_proposed(
    resources: Resources, clock: ManualClock, people: tuple[User, User], shop: Shop
) -> None:
    odd: Any = AnswersOtherwise(network(resources), 4999, "EUR")
    market = replace(resources, gateways={**resources.gateways, "sandbox": odd})
    order = await buy(market, (shop, 1))
    given = await refund(market, order, shop, units=1)
    clock.advance(timedelta(hours=1))
    path = f"/operator/orders/{order_number(order.number)}/refunds/{given.id}/outcome"
    async with caller_of(market) as client:
        visitor = await enter(Visitor(client), market, people[0])
        assert "It is more than one person may say" in await open_page(visitor, path)
        await visitor.send(path, reason="They said so on the phone", outcome="failed")
        page = visitor.path
        assert page.startswith("/operator/proposals/")
        text = await open_page(visitor, path)
        assert "waits for a second person: refund that failed" in text
        assert f'action="{path}"' not in text
        await enter(visitor, market, people[1])
        text = await open_page(visitor, page)
        for words in (order_number(order.number), "€50.00", "They said so on the phone", "broken"):
            assert words in text, words
        await visitor.send(f"{page}/approve")
        assert "It is approved, and done." in visitor.text
    assert [one.status for one in (await read(market, order)).refunds] == ["failed"]
