"""The operator's pages of letters: found by where they stand, read, and sent again."""

import re

import httpx2

from gosellr.core.db import Connection
from gosellr.jobs import letters
from gosellr.resources import Resources
from tests.factories.accounts import make_operator
from tests.factories.disputes import delivered, open_case, take_back
from tests.factories.letters import mails, open_room, text_of, write, written
from tests.factories.payouts import set_account
from tests.factories.sales import NOW, buy, make_buyer, make_shop
from tests.web.people import assert_sound, enter, open_page
from tests.web.visitor import HTML, Visitor

BASE = "/operator/letters"
LINK = re.compile(r"^https?://\S+$", re.M)


async def test_a_letter_that_was_given_up_is_found_read_and_sent_again(
    client: httpx2.AsyncClient, resources: Resources, connection: Connection
) -> None:
    visitor = Visitor(client)
    await enter(visitor, resources, await make_operator(connection, now=NOW))
    assert "No letters here" in await open_page(visitor, BASE)

    shop = await make_shop(connection)
    await open_room(resources, connection)
    await buy(resources, (shop, 1))
    await write(resources, connection)
    await connection.execute(
        "UPDATE letter SET recipient = 'ada+declined@example.com' WHERE kind = 'order_confirmed'"
    )
    await letters.send_letters(resources)
    confirmed, to_ship = await written(connection)

    page = await open_page(visitor, BASE)
    assert_sound(page)
    assert f'href="{BASE}/{confirmed["id"]}"' in page
    assert f'href="{BASE}/{to_ship["id"]}"' in page
    for query in ("?status=dead", "?kind=order_confirmed", "?status=dead&kind=order_confirmed"):
        page = await open_page(visitor, BASE + query)
        assert f'href="{BASE}/{confirmed["id"]}"' in page
        assert str(to_ship["id"]) not in page

    path = f"{BASE}/{confirmed['id']}"
    page = await open_page(visitor, path)
    assert_sound(page)
    assert "Hello Ada Lovelace," in page
    assert f'<a href="{BASE}">Letters</a></p>' in page
    assert "declined: told to say declined" in page
    assert "token=" not in page.partition("<pre")[2].partition("</pre>")[0]

    form = visitor.form(f"{path}/resend")
    await visitor.send(f"{path}/resend")
    assert visitor.path == path
    assert "The letter is on its way again." in visitor.text
    assert f'action="{path}/resend"' not in visitor.text
    # Sent once more from a page that stood open.
    again = await client.post(
        form.action, data=form.values, headers={**HTML, "Origin": "http://market.test"}
    )
    assert again.status_code == 409
    assert "it goes out by itself, or went" in again.text


async def test_every_reader_gets_in_by_the_link_of_a_letter(
    client: httpx2.AsyncClient, resources: Resources, connection: Connection
) -> None:
    operator = await make_operator(connection, now=NOW, email="olga@people.gosellr")
    buyer = await make_buyer(connection)
    shop = await make_shop(connection)
    await open_room(resources, connection)
    # A guest's order, a buyer's case, what a bank took back, and another account to be paid to.
    guests = await buy(resources, (shop, 1))
    order = await delivered(resources, (shop, 1), buyer=buyer)
    await connection.execute("UPDATE orders SET email = $1 WHERE id = $2", buyer.email, order.id)
    await open_case(resources, order, shop, viewer=buyer.viewer)
    await take_back(resources, guests)
    await set_account(resources, shop)
    await write(resources, connection)
    await letters.send_letters(resources)
    found = {
        (str(mail["Message-ID"]).split(".")[1], str(mail["To"])): LINK.findall(text_of(mail))[-1]
        for mail in mails(resources)
    }
    visitor = Visitor(client)
    for kind, reader in (
        ("order-confirmed", None),
        ("order-confirmed", buyer),
        ("part-shipped", buyer),
        ("case-opened", buyer),
        ("order-to-ship", shop.seller.owner),
        ("case-to-answer", shop.seller.owner),
        ("payout-account-changed", shop.seller.owner),
        ("chargeback-opened", operator),
    ):
        link = found[kind, "ada@example.com" if reader is None else reader.email]
        client.cookies.clear()
        if reader is not None:
            assert "token" not in link
            await enter(visitor, resources, reader)
        await open_page(visitor, link.removeprefix(resources.settings.base_url))
