"""While a bank decides about an order's money: the shop is warned before it sends anything, the
buyer reads why nothing can be done, and the API says so of the part."""

from typing import Any

import httpx2
import pytest

from gosellr.core.db import Connection
from gosellr.models.order_values import Order
from gosellr.resources import Resources
from gosellr.utils.ids import order_number
from tests.factories.accounts import User, bearer, make_operator
from tests.factories.disputes import bank_decides, take_back
from tests.factories.sales import NOW, Shop, buy, make_buyer, make_commission, make_shop, ship
from tests.web.people import assert_sound, enter, open_page
from tests.web.visitor import Visitor

WARNING = "Think before you send this"
WHY = "It has the money while it decides, so until then this order can neither be cancelled nor"


@pytest.fixture
def visitor(client: httpx2.AsyncClient) -> Visitor:
    return Visitor(client)


@pytest.fixture
async def shop(connection: Connection) -> Shop:
    await make_commission(connection)
    return await make_shop(connection, price_minor=5000)


@pytest.fixture
async def buyer(connection: Connection) -> User:
    return await make_buyer(connection)


async def part_of_api(visitor: Visitor, resources: Resources, order: Order, shop: Shop) -> Any:
    answer = await visitor.client.get(
        f"/api/v1/orders/{order.id}", headers=await bearer(resources, shop.seller.owner)
    )
    [part] = answer.json()["seller_orders"]
    return part


@pytest.mark.parametrize("won", [True, False])
async def test_the_shop_is_warned_before_it_sends_while_the_bank_decides(
    visitor: Visitor,
    resources: Resources,
    connection: Connection,
    shop: Shop,
    buyer: User,
    *,
    won: bool,
) -> None:
    order = await buy(resources, (shop, 2), buyer=buyer)
    number = order_number(order.number)
    page = f"/seller/{shop.seller.id}/orders/{number}"
    await enter(visitor, resources, shop.seller.owner)
    assert WARNING not in await open_page(visitor, page)
    assert (await part_of_api(visitor, resources, order, shop))["charged_back"] is False

    reference = await take_back(resources, order)
    text = await open_page(visitor, page)
    assert_sound(text)
    assert WARNING in text
    assert "the bank decides for the buyer, you have neither goods nor money" in text
    assert (await part_of_api(visitor, resources, order, shop))["charged_back"] is True
    await enter(visitor, resources, await make_operator(connection, now=NOW))
    assert "the shop has neither goods nor money" in await open_page(
        visitor, f"/operator/orders/{number}"
    )
    await enter(visitor, resources, buyer)
    text = await open_page(visitor, f"/orders/{number}")
    assert_sound(text)
    assert WHY in text
    assert "Cancel" not in text

    await bank_decides(resources, order, reference, won=won)
    await enter(visitor, resources, shop.seller.owner)
    assert WARNING not in await open_page(visitor, page)
    assert (await part_of_api(visitor, resources, order, shop))["charged_back"] is False
    await enter(visitor, resources, buyer)
    assert WHY not in await open_page(visitor, f"/orders/{number}")


async def test_nobody_is_warned_of_what_has_left(
    visitor: Visitor, resources: Resources, connection: Connection, shop: Shop, buyer: User
) -> None:
    order = await buy(resources, (shop, 1), buyer=buyer)
    await ship(resources, order, shop)
    await take_back(resources, order)
    await enter(visitor, resources, shop.seller.owner)
    page = f"/seller/{shop.seller.id}/orders/{order_number(order.number)}"
    text = await open_page(visitor, page)
    assert "Taken back by the bank" in text
    assert WARNING not in text
