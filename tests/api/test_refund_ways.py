"""The way of a refund through the doors: shown before it is made, and made as it was shown."""

from typing import Any
from uuid import uuid4

import httpx2
import pytest

from gosellr.core.db import Connection
from gosellr.resources import Resources
from gosellr.utils.ids import order_number
from tests.factories.accounts import bearer, make_operator
from tests.factories.payouts import wrong_with
from tests.factories.sales import NOW, Shop, buy, make_buyer, make_shop, part_of, read
from tests.factories.stored_value import by_bank, by_card, make_card
from tests.web.people import assert_sound, enter, open_page
from tests.web.visitor import Visitor


@pytest.fixture
async def shop(connection: Connection) -> Shop:
    """50.00 a piece."""
    return await make_shop(connection)


def eur(amount: int) -> dict[str, Any]:
    return {"amount": amount, "currency": "EUR"}


async def test_named_ways_are_shown_and_then_taken(
    client: httpx2.AsyncClient, resources: Resources, connection: Connection, shop: Shop
) -> None:
    _, code = await make_card(resources, 4000)
    buyer = await make_buyer(connection)
    order = await buy(resources, (shop, 2), buyer=buyer, tenders=(by_card(code), by_bank()))
    part = part_of(order, shop)
    card, bank = (str(one.id) for one in order.payments)
    headers = await bearer(resources, await make_operator(connection, now=NOW))
    asked = {
        "seller_order_id": str(part.id),
        "items": [{"order_item_id": str(part.lines[0].id), "quantity": 1}],
        "reason": "broken",
    }
    path = f"/api/v1/orders/{order.id}/refunds"

    async def send(where: str, who: dict[str, str] = headers, **more: Any) -> httpx2.Response:
        return await client.post(
            where, json=asked | more, headers={**who, "Idempotency-Key": uuid4().hex}
        )

    def ways(answer: httpx2.Response) -> list[tuple[str, str, int]]:
        assert answer.status_code == 200, answer.text
        return [
            (w["payment_id"], w["goes_to"], w["amount"]["amount"]) for w in answer.json()["ways"]
        ]

    assert ways(await send(f"{path}/preview")) == [(bank, "sandbox", 5000)]
    assert ways(await send(f"{path}/preview", to="first_paid")) == [
        (card, "gift_card", 4000), (bank, "sandbox", 1000),
    ]  # fmt: skip
    in_turn = [{"payment_id": card}, {"payment_id": bank, "amount": eur(2000)}]
    assert ways(await send(f"{path}/preview", ways=in_turn)) == [
        (card, "gift_card", 3000), (bank, "sandbox", 2000),
    ]  # fmt: skip
    assert ways(await send(f"{path}/preview", ways=in_turn, to="store_credit")) == [
        (card, "gift_card", 3000), (bank, "store_credit", 2000),
    ]  # fmt: skip

    for where in (f"{path}/preview", path):
        too_much = await send(
            where, ways=[{"payment_id": card, "amount": eur(4001)}, {"payment_id": bank}]
        )
        assert too_much.status_code == 422
        told = too_much.json()
        assert (told["errors"][0]["field"], told["errors"][0]["code"], told["left"]) == (
            "ways.0.amount", "exceeds_left", eur(4000),
        )  # fmt: skip
        both = await send(where, ways=in_turn, to="first_paid")
        assert both.status_code == 422
        own = await send(where, await bearer(resources, shop.seller.owner), ways=in_turn)
        assert own.status_code == 403
    assert (await read(resources, order)).refunded_minor == 0

    made = await send(path, ways=in_turn)
    assert made.status_code == 201, made.text
    assert [one.refunded_minor for one in (await read(resources, order)).payments] == [3000, 2000]
    assert await wrong_with(connection, resources) == []


async def test_the_operators_form_names_the_ways(
    client: httpx2.AsyncClient, resources: Resources, connection: Connection, shop: Shop
) -> None:
    _, code = await make_card(resources, 4000)
    buyer = await make_buyer(connection)
    order = await buy(resources, (shop, 2), buyer=buyer, tenders=(by_card(code), by_bank()))
    part = part_of(order, shop)
    card, bank = (f"way-{one.id}" for one in order.payments)
    units = f"units-{part.lines[0].id}"
    tail = f"orders/{order_number(order.number)}/parts/{part.id}/refund"
    form = f"/operator/{tail}"
    visitor = Visitor(client)
    await enter(visitor, resources, await make_operator(connection, now=NOW))
    text = await open_page(visitor, form)
    assert "Back to: Gift card" in text
    assert "Up to €60.00" in text
    told = {units: "1", "reason": "broken"}
    for changes, words in (
        ({card: "40.01", bank: "9.99"}, "No more than €40.00 is left of it"),
        ({card: "30", bank: "19.99"}, "The ways that you name take €49.99, and €50.00 goes back"),
        ({card: "x", bank: ""}, "Write an amount in EUR"),
        ({card: "30", bank: "20", "to": "first_paid"}, "Either in this order, or by the amounts"),
    ):
        await visitor.send(f"{form}/preview", changes={**told, "to": "original", **changes})
        assert visitor.page.status_code == 422, words
        assert_sound(visitor.text)
        assert words in visitor.text
    await visitor.send(
        f"{form}/preview", changes={**told, "to": "original", card: "30", bank: "20"}
    )
    assert visitor.page.status_code == 200
    shown = visitor.text.partition("The way it goes back")[2].partition("</dl>")[0]
    assert "<dt>Gift card</dt><dd>€30.00</dd>" in shown
    assert "<dt>Test card</dt><dd>€20.00</dd>" in shown
    await visitor.send(form)
    assert "The refund is made" in visitor.text
    assert [one.refunded_minor for one in (await read(resources, order)).payments] == [3000, 2000]

    # A shop says in which order, and not by what: it doesn't see how its buyer paid.
    form = f"/seller/{shop.seller.id}/{tail}"
    await enter(visitor, resources, shop.seller.owner)
    text = await open_page(visitor, form)
    assert "Back to:" not in text
    await visitor.send(
        f"{form}/preview", changes={units: "1", "reason": "broken", "to": "first_paid"}
    )
    await visitor.send(form)
    assert [one.refunded_minor for one in (await read(resources, order)).payments] == [4000, 6000]
    assert await wrong_with(connection, resources) == []
