"""The papers of an order on its page: linked once they are issued, opened by their buyer alone."""

import re

import httpx2
import pytest

from gosellr.core.db import Connection
from gosellr.flows import documents
from gosellr.resources import Resources
from tests.factories.catalogue import make_product, make_shelf_seller
from tests.factories.orders import order_body, place

HTML = {"Accept": "text/html", "Sec-Fetch-Site": "same-origin"}


@pytest.fixture
async def page(
    client: httpx2.AsyncClient, connection: Connection, resources: Resources
) -> tuple[str, str]:
    """The page of a guest's order from two shops, and its id."""
    lamps, pots = await make_shelf_seller(connection), await make_shelf_seller(connection)
    lamp = await make_product(connection, seller=lamps, title="Lamp", stock=5)
    pot = await make_product(connection, seller=pots, title="Pot", stock=5)
    order = (await place(client, order_body((lamp.variant_id, 1), (pot.variant_id, 1)))).json()
    return f"/orders/{order['number']}?token={order['access_token']}", order["id"]


async def test_invoices_are_linked_from_their_parcels(
    client: httpx2.AsyncClient, resources: Resources, page: tuple[str, str]
) -> None:
    address, order_id = page
    before = await client.get(address, headers=HTML, follow_redirects=True)
    assert before.status_code == 200
    assert "/documents/" not in before.text
    await documents.issue_invoices(resources.documents, order_ids=[order_id])
    shown = await client.get(address, headers=HTML, follow_redirects=True)
    links = re.findall(r'href="(/orders/[^"]+/documents/[^"]+)"[^>]*>([^<]+)<', shown.text)
    assert [label for _, label in links] == ["Invoice INV-2026-00001"] * 2
    for href, _ in links:
        paper = await client.get(href, headers=HTML)
        assert paper.content.startswith(b"%PDF-")
        assert paper.headers["content-disposition"] == 'inline; filename="INV-2026-00001.pdf"'
        assert paper.headers["cache-control"] == "no-store"
    client.cookies.clear()
    for href, _ in links:
        assert (await client.get(href, headers=HTML)).status_code == 404
