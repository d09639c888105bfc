"""Buying a gift card on the pages, by plain forms, and seeing its code once."""

import re
from uuid import UUID

import httpx2
import pytest

from gosellr.core.db import Connection
from gosellr.resources import Resources
from gosellr.utils.ids import order_number
from tests.factories.accounts import make_operator, make_support
from tests.factories.gift_sales import buy_card, offer_cards, purchase_of
from tests.factories.sales import NOW, balances
from tests.factories.stored_value import left_on, make_card
from tests.web.people import assert_sound, enter
from tests.web.visitor import Visitor

CODE = re.compile(r"<code>([0-9A-Z]{4}(?:-[0-9A-Z]{4}){3})</code>")


@pytest.fixture
def visitor(client: httpx2.AsyncClient) -> Visitor:
    return Visitor(client)


async def test_nothing_is_for_sale_until_the_market_says_so(
    visitor: Visitor, connection: Connection
) -> None:
    await visitor.go("/gift-cards")
    assert "No gift cards are for sale" in visitor.text


async def test_a_guest_buys_a_card_and_sees_its_code_once(
    visitor: Visitor, resources: Resources, connection: Connection
) -> None:
    await offer_cards(resources, valid_days=365)
    await visitor.go("/gift-cards")
    assert "From €10.00 to €200.00." in visitor.text
    assert "It is good for 365 days." in visitor.text
    assert_sound(visitor.text)
    await visitor.send(
        "/gift-cards",
        chosen="another",
        amount="40,00",
        recipient_name="Grace",
        message="Happy birthday",
        email="giver@example.com",
        payment_token="tok_ok",
    )
    assert visitor.path.startswith("/orders/GS-"), visitor.text
    assert "packing" not in visitor.text
    number = visitor.path
    await visitor.go(f"{number}/gift-card")
    for words in ("Gift card over €40.00", "Grace", "Happy birthday", "Show the code"):
        assert words in visitor.text
    await visitor.send(f"{number}/gift-card")
    found = CODE.search(visitor.text)
    assert found is not None
    assert_sound(visitor.text)
    await visitor.go(f"{number}/gift-card")
    assert found[1] not in visitor.text
    assert "Show the code" not in visitor.text
    assert found[1][-4:] in visitor.text
    assert await connection.fetchval("SELECT count(*) FROM gift_card") == 1


async def test_what_isnt_offered_is_told_at_its_field(
    visitor: Visitor, resources: Resources, connection: Connection
) -> None:
    await offer_cards(resources)
    await visitor.go("/gift-cards")
    await visitor.send("/gift-cards", chosen="another", amount="5.00", email="giver@example.com")
    assert visitor.page.status_code == 422
    assert 'id="amount-error"' in visitor.text
    assert visitor.form("/gift-cards").values["email"] == "giver@example.com"
    await visitor.send("/gift-cards", chosen="2500", amount="", email="")
    assert 'id="email-error"' in visitor.text
    for currency in ("", "zzz", "USD"):
        await visitor.send(
            "/gift-cards",
            currency=currency,
            chosen="another",
            amount="40.00",
            email="g@example.com",
        )
        assert visitor.page.status_code == 422
        assert 'id="amount-error"' in visitor.text
        assert visitor.form("/gift-cards").values["currency"] == "EUR"
    assert await connection.fetchval("SELECT count(*) FROM orders") == 0


async def test_after_a_declined_card_another_is_tried_and_no_gift_card(
    visitor: Visitor, resources: Resources, connection: Connection
) -> None:
    await offer_cards(resources)
    _, code = await make_card(resources, 9000)
    await visitor.go("/gift-cards")
    await visitor.send(
        "/gift-cards", chosen="5000", email="giver@example.com", payment_token="tok_declined"
    )
    assert visitor.path.endswith("/pay"), visitor.text
    assert "gift_card_code" not in visitor.text
    pay_page = visitor.path
    await visitor.send(pay_page, gift_card_code=code, payment_token="tok_ok")
    assert visitor.page.status_code == 422
    assert "Choose one way to pay that isn&#39;t a gift card" in visitor.text
    await visitor.send(pay_page, payment_token="tok_ok")
    assert "Look at the card" in visitor.text
    assert code not in visitor.text


async def test_another_card_is_bought_after_going_back(
    visitor: Visitor, resources: Resources, connection: Connection
) -> None:
    await offer_cards(resources)
    await visitor.go("/gift-cards")
    shown = visitor.page
    told = {"chosen": "another", "email": "giver@example.com", "message": "Happy birthday"}
    await visitor.send("/gift-cards", amount="40.00", changes=told)
    visitor.page = shown
    await visitor.send("/gift-cards", amount="30.00", changes=told)
    assert visitor.page.status_code == 422
    assert "You sent this form already" in visitor.text
    assert visitor.form("/gift-cards").values["message"] == "Happy birthday"
    await visitor.send("/gift-cards")
    assert visitor.path.startswith("/orders/GS-"), visitor.text
    totals = await connection.fetch("SELECT total_minor FROM orders ORDER BY number")
    assert [row["total_minor"] for row in totals] == [4000, 3000]


async def test_an_operator_puts_cards_on_sale_and_takes_them_off(
    visitor: Visitor, resources: Resources, connection: Connection
) -> None:
    await enter(visitor, resources, await make_operator(connection, now=NOW))
    page = "/operator/gift-card-offers"
    await visitor.go(page)
    await visitor.send(page, amounts="25 half", minimum="10")
    assert visitor.page.status_code == 422
    assert 'id="amounts-error"' in visitor.text
    assert_sound(visitor.text)
    assert await connection.fetchval("SELECT count(*) FROM gift_card_offer") == 0
    await visitor.send(page, amounts="25 50,00", minimum="10", maximum="200", valid_days="1095")
    assert "For sale" in visitor.text
    assert "What is for sale is saved." in visitor.text
    assert_sound(visitor.text)
    row = await connection.fetchrow(
        "SELECT currency, amounts_minor, minimum_minor, maximum_minor, valid_days, on_sale"
        " FROM gift_card_offer"
    )
    assert row is not None
    assert tuple(row) == ("EUR", [2500, 5000], 1000, 20000, 1095, True)


async def test_an_operator_takes_back_what_is_left(
    visitor: Visitor, resources: Resources, connection: Connection
) -> None:
    await offer_cards(resources)
    order = await buy_card(resources, 5000)
    card_id = (await purchase_of(resources, order)).card_id
    page = f"/operator/gift-cards/{card_id}"
    await enter(visitor, resources, await make_support(connection, now=NOW))
    await visitor.go(page)
    bought = f"/operator/orders/{order_number(order.number)}"
    assert f'href="{bought}"' in visitor.text
    assert (await visitor.go(bought)).status_code == 200
    await enter(visitor, resources, await make_operator(connection, now=NOW))
    await visitor.go(page)
    assert_sound(visitor.text)
    await visitor.send(f"{page}/take-back", reason="x" * 501)
    assert visitor.page.status_code == 422
    assert 'id="reason-error"' in visitor.text
    assert visitor.form(f"{page}/take-back").values["reason"] == "x" * 501
    await visitor.send(f"{page}/take-back", reason="not wanted")
    assert "is taken back" in visitor.text
    assert_sound(visitor.text)
    assert f"{page}/take-back" not in visitor.text
    assert await left_on(resources, UUID(str(card_id))) == 0
    assert await balances(connection) == {}
