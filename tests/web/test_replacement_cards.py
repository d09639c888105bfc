"""What came back to a gift card that can't be spent, on the order's page and by letter."""

import re
from uuid import UUID

import httpx2
import pytest

from gosellr.core.db import Connection
from gosellr.core.transact import transact
from gosellr.flows import checkout
from gosellr.models.order_values import Order
from gosellr.resources import Resources
from gosellr.services import stored_value_service
from gosellr.utils.ids import order_number
from tests.factories.letters import mails, open_room, send, text_of, to_whom, write
from tests.factories.sales import Shop, buy, make_buyer, make_commission, make_shop, refund
from tests.factories.stored_value import by_card, make_card, operator
from tests.web.people import assert_sound, enter
from tests.web.visitor import Visitor

CODE = re.compile(r"<code>([0-9A-Z]{4}(?:-[0-9A-Z]{4}){3})</code>")


@pytest.fixture
def visitor(client: httpx2.AsyncClient) -> Visitor:
    return Visitor(client)


@pytest.fixture
async def shop(connection: Connection) -> Shop:
    await make_commission(connection)
    return await make_shop(connection, price_minor=1000)


async def stop(resources: Resources, card_id: UUID) -> None:
    await transact(
        resources.db,
        stored_value_service.deactivate,
        viewer=await operator(resources),
        card_id=card_id,
        now=resources.clock.now(),
    )


async def given_back(resources: Resources, shop: Shop, **more: object) -> Order:
    """Paid with a card that was stopped before a refund came back to it."""
    card_id, code = await make_card(resources, 1000)
    order = await buy(resources, (shop, 1), tenders=(by_card(code),), **more)  # type: ignore[arg-type]
    await stop(resources, card_id)
    await refund(resources, order, shop, units=1)
    return order


async def test_a_guest_sees_the_new_card_and_its_code_once(
    visitor: Visitor, resources: Resources, connection: Connection, shop: Shop
) -> None:
    await open_room(resources, connection)
    order = await given_back(resources, shop)
    token = checkout.order_token(resources.checkout, order.id)
    number = f"/orders/{order_number(order.number)}"
    await visitor.go(f"{number}?token={token}")
    assert "In place of your gift card" in visitor.text
    [href] = set(re.findall(rf'href="({number}/replacement-cards/[0-9a-f-]+)"', visitor.text))
    assert_sound(visitor.text)
    await visitor.go(href)
    assert "A new gift card over €10.00" in visitor.text
    await visitor.send(href)
    found = CODE.search(visitor.text)
    assert found is not None
    assert_sound(visitor.text)
    await visitor.go(href)
    assert found[1] not in visitor.text
    assert found[1][-4:] in visitor.text
    assert "Show the code" not in visitor.text
    await write(resources, connection)
    assert ("value_moved", "ada@example.com") in await to_whom(connection)
    await send(resources)
    [mail] = [one for one in mails(resources) if "value-moved" in str(one["Message-ID"])]
    assert "€10.00 EUR are yours to spend" in str(mail["Subject"])
    assert "So it is on a new gift card." in text_of(mail)
    assert f"{number}?token={token}" in text_of(mail)
    assert found[1] not in text_of(mail)


async def test_a_known_buyer_is_shown_the_way_to_the_credit(
    visitor: Visitor, resources: Resources, connection: Connection, shop: Shop
) -> None:
    buyer = await make_buyer(connection)
    order = await given_back(resources, shop, buyer=buyer)
    await enter(visitor, resources, buyer)
    await visitor.go(f"/orders/{order_number(order.number)}")
    assert "In place of your gift card" in visitor.text
    assert "Store credit" in visitor.text
    assert 'href="/account"' in visitor.text
    assert_sound(visitor.text)
    await visitor.go("/account")
    assert "€10.00" in visitor.text
    assert "Moved from a gift card" in visitor.text
