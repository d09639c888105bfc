"""What went on from gift cards that can't be spent, through the API."""

import httpx2

from gosellr.core.db import Connection
from gosellr.core.transact import transact
from gosellr.flows import checkout
from gosellr.resources import Resources
from gosellr.services import stored_value_service
from tests.factories.sales import buy, make_commission, make_shop, refund
from tests.factories.stored_value import by_card, make_card, operator


async def test_a_guest_asks_for_the_new_cards_code_once(
    client: httpx2.AsyncClient, resources: Resources, connection: Connection
) -> None:
    await make_commission(connection)
    shop = await make_shop(connection, price_minor=1000)
    card_id, code = await make_card(resources, 1000)
    order = await buy(resources, (shop, 1), tenders=(by_card(code),))
    await transact(
        resources.db,
        stored_value_service.deactivate,
        viewer=await operator(resources),
        card_id=card_id,
        now=resources.clock.now(),
    )
    await refund(resources, order, shop, units=1)
    token = checkout.order_token(resources.checkout, order.id)
    headers = {"X-Order-Token": token}
    path = f"/api/v1/orders/{order.id}"
    told = (await client.get(f"{path}/value-moves", headers=headers)).json()
    [move] = told["items"]
    assert move["amount"] == {"amount": 1000, "currency": "EUR"}
    assert move["to"] == "gift_card"
    assert move["gift_card"] == {
        "id": move["gift_card"]["id"],
        "last_four": None,
        "balance": {"amount": 1000, "currency": "EUR"},
        "code_told": False,
    }
    new = f"{path}/replacement-cards/{move['gift_card']['id']}/code"
    assert (await client.post(new)).status_code == 404
    answer = await client.post(new, headers=headers)
    assert answer.status_code == 201, answer.text
    assert answer.json()["balance"] == {"amount": 1000, "currency": "EUR"}
    again = await client.post(new, headers=headers)
    assert (again.status_code, again.json()["code"]) == (409, "gift_card_code_told")
    assert answer.json()["code"] not in again.text
    old = await client.post(f"{path}/replacement-cards/{card_id}/code", headers=headers)
    assert old.status_code == 404
