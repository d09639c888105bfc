"""What can't be put into a bag: said where one is."""

import httpx2
import pytest

from gosellr.core.db import Connection, Database
from tests.conftest import StatementwiseDatabase
from tests.factories.catalogue import MadeProduct, make_product, make_shelf_seller
from tests.web.visitor import Visitor


@pytest.fixture
def db(connection: Connection) -> Database:
    """What can't be put in at once fails, and is looked at step by step then."""
    return StatementwiseDatabase(connection)


@pytest.fixture
def visitor(client: httpx2.AsyncClient) -> Visitor:
    return Visitor(client)


@pytest.fixture
async def pot(connection: Connection) -> MadeProduct:
    seller_id = await make_shelf_seller(connection, name="Kettle")
    return await make_product(connection, seller=seller_id, title="Tea pot", stock=10)


async def test_adding_with_scripts_says_so_and_stays(
    visitor: Visitor, client: httpx2.AsyncClient, pot: MadeProduct
) -> None:
    await visitor.go("/p/tea-pot")
    values = visitor.form("/bag/items").values
    htmx = {"HX-Request": "true", "HX-Target": "form"}
    added = await client.post("/bag/items", data=values, headers=htmx)
    assert added.status_code == 200
    assert added.text == ""
    assert '"bag": {"count": 1}' in added.headers["hx-trigger"]
    refused = await client.post("/bag/items", data={**values, "quantity": "50"}, headers=htmx)
    assert refused.status_code == 409
    assert "Only 10 of Tea pot are left" in refused.headers["hx-trigger"]
