"""The operator's pages of letters: found by where they stand, read, and sent again."""

import httpx2

from gosellr.core.db import Connection
from gosellr.jobs import letters
from gosellr.resources import Resources
from tests.factories.accounts import make_operator
from tests.factories.letters import open_room, write, written
from tests.factories.sales import NOW, buy, make_shop
from tests.web.people import assert_sound, enter, open_page
from tests.web.visitor import HTML, Visitor

BASE = "/operator/letters"


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
