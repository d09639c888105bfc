"""Store credit of a shop through the doors: a page, an operation, and what its buyer reads."""

from typing import Any
from uuid import uuid4

import httpx2
import pytest

from gosellr.core.db import Connection
from gosellr.resources import Resources
from gosellr.utils.ids import order_number
from tests.factories.accounts import User, bearer, make_operator
from tests.factories.payouts import earn, wrong_with
from tests.factories.sales import NOW, Shop, buy, make_buyer, make_shop, part_of, seller_owes
from tests.factories.stored_value import credit_of
from tests.web.people import assert_sound, enter, open_page
from tests.web.visitor import HTML, Visitor

SORRY = "Sorry for the scratch"


@pytest.fixture
async def shop(connection: Connection) -> Shop:
    """50.00 a piece."""
    return await make_shop(connection)


@pytest.fixture
async def buyer(connection: Connection) -> User:
    return await make_buyer(connection)


def eur(amount: int) -> dict[str, Any]:
    return {"amount": amount, "currency": "EUR"}


async def test_it_is_given_once_and_read_by_its_buyer(
    client: httpx2.AsyncClient,
    resources: Resources,
    connection: Connection,
    shop: Shop,
    buyer: User,
) -> None:
    order = await earn(resources, shop, buyer=buyer)
    path = f"/api/v1/orders/{order.id}/store-credit"

    async def send(amount: int, user: User = shop.seller.owner, key: str = "") -> httpx2.Response:
        headers = await bearer(resources, user) | {"Idempotency-Key": key or uuid4().hex}
        body = {
            "seller_order_id": str(part_of(order, shop).id), "amount": eur(amount), "reason": SORRY,
        }  # fmt: skip
        return await client.post(path, json=body, headers=headers)

    too_much = await send(5001)
    assert (too_much.status_code, too_much.json()["code"], too_much.json()["left"]) == (
        409, "insufficient_balance", eur(5000),
    )  # fmt: skip
    assert (await send(0)).status_code == 422
    assert (await send(100, buyer)).status_code == 403
    assert (await send(100, await make_operator(connection, now=NOW))).status_code == 403
    made = await send(700, key="once")
    assert made.status_code == 201, made.text
    again = await send(700, key="once")
    assert (again.json(), again.headers["idempotency-replayed"]) == (made.json(), "true")
    told = made.json()
    assert (told["amount"], told["seller_id"], told["granted_by"]) == (
        eur(700), str(shop.seller.id), str(shop.seller.owner.id),
    )  # fmt: skip
    own = await client.get("/api/v1/me/store-credit", headers=await bearer(resources, buyer))
    [read] = own.json()["grants"]
    assert own.json()["balances"] == [eur(700)]
    assert (read["reason"], read["seller_id"], read["granted_by"]) == (
        SORRY, str(shop.seller.id), None,
    )  # fmt: skip
    assert await seller_owes(connection, shop) == {"available": 4300}
    assert await wrong_with(connection, resources) == []


async def test_the_page_of_an_order_leads_to_it(
    client: httpx2.AsyncClient,
    resources: Resources,
    connection: Connection,
    shop: Shop,
    buyer: User,
) -> None:
    order = await earn(resources, shop, buyer=buyer)
    page = f"/seller/{shop.seller.id}/orders/{order_number(order.number)}"
    form = f"{page}/parts/{part_of(order, shop).id}/credit"
    visitor = Visitor(client)
    await enter(visitor, resources, shop.seller.owner)
    assert f'href="{form}"' in await open_page(visitor, page)
    text = await open_page(visitor, form)
    assert "€50.00" in text
    assert "is available to you" in text
    for changes, words in (
        ({"amount": "", "reason": SORRY}, "Write how much"),
        ({"amount": "x", "reason": SORRY}, "Write an amount in EUR"),
        ({"amount": "5.00", "reason": ""}, "Say why"),
        ({"amount": "50.01", "reason": SORRY}, "No more than €50.00 is available to you"),
    ):
        await visitor.send(form, changes=changes)
        assert visitor.page.status_code in {409, 422}, words
        assert_sound(visitor.text)
        assert words in visitor.text
    sent = visitor.form(form).values | {"amount": "5.00", "reason": SORRY}
    await visitor.send(form, changes={"amount": "5.00", "reason": SORRY})
    assert visitor.path == page
    assert "The credit is granted" in visitor.text
    again = await visitor.client.post(form, data=sent, headers=HTML)
    assert again.status_code == 303
    assert await credit_of(resources, buyer) == {"EUR": 500}
    history = await open_page(visitor, f"/seller/{shop.seller.id}/transactions")
    assert "Store credit given to a buyer" in history

    # A guest has no account that could hold any, so nothing leads there.
    guests = await buy(resources, (shop, 1))
    page = f"/seller/{shop.seller.id}/orders/{order_number(guests.number)}"
    assert "/credit" not in await open_page(visitor, page)

    await enter(visitor, resources, buyer)
    assert "Given by a shop" in await open_page(visitor, "/account")
    assert await wrong_with(connection, resources) == []
