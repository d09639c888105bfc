"""Gift cards sent to somebody, through the API and on the pages."""

import re

import httpx2
import pytest

from gosellr.core.db import Connection
from gosellr.flows import checkout, gift_deliveries
from gosellr.resources import Resources
from tests.factories.gift_sales import buy_card, offer_cards, purchase_of
from tests.factories.letters import mails, open_room, send, text_of, write
from tests.web.people import assert_sound
from tests.web.visitor import Visitor

API = "/api/v1/gift-cards"
GRACE = "grace@example.com"
LINK = re.compile(r"http://localhost:4004(/gift-cards/claims/([0-9a-f-]{36})\?token=(\S+))")
CODE = re.compile(r"<code>([0-9A-Z]{4}(?:-[0-9A-Z]{4}){3})</code>")


async def link_of(resources: Resources, connection: Connection) -> re.Match[str]:
    await gift_deliveries.deliver_due(db=resources.db, clock=resources.clock)
    await write(resources, connection)
    await send(resources)
    [mail] = [one for one in mails(resources) if "for-you" in str(one["Message-ID"])]
    found = LINK.search(text_of(mail))
    assert found is not None
    return found


async def test_bought_sent_again_and_claimed_through_the_api(
    client: httpx2.AsyncClient, resources: Resources, connection: Connection
) -> None:
    await offer_cards(resources)
    await open_room(resources, connection)
    body = {
        "amount": {"amount": 5000, "currency": "EUR"},
        "payment_method": "sandbox",
        "payment_token": "tok_ok",
        "email": "giver@example.com",
        "recipient_email": GRACE,
    }
    bad = await client.post(
        f"{API}/purchases",
        json={**body, "deliver_at": "2020-01-01T00:00:00Z"},
        headers={"Idempotency-Key": "bad"},
    )
    assert (bad.status_code, bad.json()["errors"][0]["field"]) == (422, "deliver_at")
    placed = await client.post(f"{API}/purchases", json=body, headers={"Idempotency-Key": "one"})
    assert placed.status_code == 201, placed.text
    order = placed.json()
    mine = {"X-Order-Token": order["access_token"]}
    found = await link_of(resources, connection)
    path = f"{API}/purchases/{order['id']}"
    stands = (await client.get(path, headers=mine)).json()
    assert (stands["recipient_email"], stands["sent_count"]) == (GRACE, 1)
    for count in (2, 3):
        sent = await client.post(f"{path}/send", json={}, headers=mine)
        assert (sent.status_code, sent.json()["sent_count"]) == (200, count)
    enough = await client.post(f"{path}/send", json={}, headers=mine)
    assert (enough.status_code, enough.json()["code"]) == (409, "gift_card_sent_enough")
    assert (await client.post(f"{path}/send", json={})).status_code == 404
    claim = {"claim_id": found[2], "token": found[3]}
    wrong = await client.post(f"{API}/claims", json={**claim, "token": "x"})
    assert wrong.status_code == 404
    told = await client.post(f"{API}/claims", json=claim)
    assert told.status_code == 201
    assert told.json()["balance"] == {"amount": 5000, "currency": "EUR"}
    again = await client.post(f"{API}/claims", json=claim)
    assert (again.status_code, again.json()["code"]) == (409, "gift_card_code_told")


@pytest.fixture
def visitor(client: httpx2.AsyncClient) -> Visitor:
    return Visitor(client)


async def test_the_form_says_whom_and_when_and_keeps_what_was_typed(
    visitor: Visitor, resources: Resources, connection: Connection
) -> None:
    await offer_cards(resources)
    await visitor.go("/gift-cards")
    typed = {
        "chosen": "5000",
        "email": "giver@example.com",
        "recipient_email": GRACE,
        "payment_token": "tok_ok",
    }
    await visitor.send("/gift-cards", **{**typed, "deliver_on": "2020-01-01"})
    assert visitor.page.status_code == 422
    assert 'id="deliver_on-error"' in visitor.text
    assert visitor.form("/gift-cards").values["recipient_email"] == GRACE
    assert_sound(visitor.text)
    day = f"{resources.clock.now():%Y-%m-%d}"
    await visitor.send("/gift-cards", **{**typed, "deliver_on": day})
    assert visitor.path.startswith("/orders/GS-"), visitor.text
    await visitor.go(f"{visitor.path}/gift-card")
    assert GRACE in visitor.text
    assert_sound(visitor.text)
    await visitor.send(f"{visitor.path}/send", recipient_email="other@example.com")
    assert "other@example.com" in visitor.text
    assert "We have written down where the card goes." in visitor.text


async def test_whoever_got_the_letter_sees_the_code_once(
    visitor: Visitor, resources: Resources, connection: Connection
) -> None:
    await offer_cards(resources)
    await open_room(resources, connection)
    order = await buy_card(resources, 5000, recipient_email=GRACE, message="Happy birthday")
    found = await link_of(resources, connection)
    await visitor.go(found[1])
    assert "A gift card over €50.00" in visitor.text
    assert "Happy birthday" in visitor.text
    assert_sound(visitor.text)
    action = found[1].partition("?")[0]
    await visitor.send(action)
    code = CODE.search(visitor.text)
    assert code is not None
    assert_sound(visitor.text)
    await visitor.go(found[1])
    assert code[1] not in visitor.text
    assert "Its code was shown already." in visitor.text
    assert (await visitor.go(f"{action}?token=wrong")).status_code == 404
    token = checkout.order_token(resources.checkout, order.id)
    await visitor.go(f"/orders/GS-{10_000 + order.number}?token={token}")
    purchase = await purchase_of(resources, order)
    assert purchase.card is not None
    assert purchase.card.last_four == code[1][-4:]
