"""Withdrawing a new payout account by the letter's link, and letting payouts go on."""

import re

import httpx2

from gosellr.core.db import Connection
from gosellr.integrations.payouts.sandbox import Behaviour
from gosellr.resources import Resources
from tests.factories.letters import mails, open_room, send, text_of, write
from tests.factories.payouts import ACCOUNTS, set_account
from tests.factories.sales import make_shop
from tests.web.people import assert_sound, enter
from tests.web.visitor import Visitor

OLD, NEW = Behaviour.PAY, Behaviour.SLOW
PASSWORD = "a lamp for every window"
LINK = re.compile(r"http://localhost:4004(/payout-changes/([0-9a-f-]{36})\?token=(\S+))")


async def test_whoever_has_the_letter_withdraws_and_an_owner_lets_go(
    client: httpx2.AsyncClient, resources: Resources, connection: Connection
) -> None:
    visitor = Visitor(client)
    shop = await make_shop(connection)
    await set_account(resources, shop, OLD)
    await open_room(resources, connection)
    await set_account(resources, shop, NEW)
    await write(resources, connection)
    await send(resources)
    found = LINK.search(text_of(mails(resources)[0]))
    assert found is not None
    action = found[1].partition("?")[0]
    wrong = await client.post(f"/api/v1{action}/withdraw", json={"token": "wrong"})
    assert wrong.status_code == 404
    await visitor.go(found[1])
    assert ACCOUNTS[NEW][-4:] in visitor.text
    assert_sound(visitor.text)
    # Looking changes nothing.
    row = "SELECT last_four FROM payout_destination WHERE replaced_at IS NULL"
    assert await connection.fetchval(row) == ACCOUNTS[NEW][-4:]
    await visitor.send(action)
    assert "The change is withdrawn" in visitor.text
    assert_sound(visitor.text)
    assert await connection.fetchval(row) == ACCOUNTS[OLD][-4:]
    again = await client.post(f"/api/v1{action}/withdraw", json={"token": found[3]})
    assert (again.status_code, again.json()["code"]) == (409, "payout_change_settled")
    await enter(visitor, resources, shop.seller.owner)
    await connection.execute(
        "UPDATE user_account SET password_hash = $2 WHERE id = $1",
        shop.seller.owner.id,
        await resources.passwords.hash(PASSWORD),
    )
    page = f"/seller/{shop.seller.id}/payout-settings"
    await visitor.go(page)
    assert "Let payouts go on" in visitor.text
    assert_sound(visitor.text)
    await visitor.send(f"{page}/confirm", own_password="not it")
    assert visitor.page.status_code == 422
    await visitor.send(f"{page}/confirm", own_password=PASSWORD)
    assert "Your payouts go on." in visitor.text
    assert "Let payouts go on" not in visitor.text
