"""The category tree at the door."""

import httpx2
import pytest

from gosellr.core.clock import ManualClock
from gosellr.core.db import Connection
from gosellr.resources import Resources
from tests.factories.accounts import bearer, make_operator, make_seller

Headers = dict[str, str]
PATH = "/api/v1/categories"


@pytest.fixture
async def headers(resources: Resources, connection: Connection, clock: ManualClock) -> Headers:
    """Calls as an operator."""
    return await bearer(resources, await make_operator(connection, now=clock.now()))


async def test_a_tree_grows_moves_and_redirects(
    client: httpx2.AsyncClient, headers: Headers
) -> None:
    rule = {"key": "watts", "label": "Watts", "type": "number", "required": True, "unit": "W"}
    home = await client.post(PATH, json={"name": "Home", "attributes": [rule]}, headers=headers)
    assert home.status_code == 201, home.text
    lamps = await client.post(
        PATH, json={"name": "Lamps", "parent_id": home.json()["id"]}, headers=headers
    )
    assert lamps.json() == {
        "id": lamps.json()["id"],
        "parent_id": home.json()["id"],
        "name": "Lamps",
        "slug": "lamps",
        "path": "home/lamps",
        "description": "",
        "picture": None,
        "position": 0,
        "product_count": 0,
        "attributes": [{**rule, "options": [], "inherited_from": home.json()["id"]}],
        "version": 1,
    }
    changed = await client.patch(
        f"{PATH}/{home.json()['id']}", json={"slug": "Wohnen & Licht"}, headers=headers
    )
    assert (changed.json()["path"], changed.json()["version"]) == ("wohnen-licht", 2)
    old = await client.get(f"{PATH}/home/lamps")
    assert (old.status_code, old.headers["location"]) == (301, f"{PATH}/wohnen-licht/lamps")
    found = await client.get(old.headers["location"])
    assert found.json()["id"] == lamps.json()["id"]
    listed = (await client.get(PATH)).json()
    assert [one["path"] for one in listed["items"]] == ["wohnen-licht", "wohnen-licht/lamps"]
    full = await client.delete(f"{PATH}/{home.json()['id']}", headers=headers)
    assert (full.status_code, full.json()["code"]) == (409, "category_in_use")
    for one in (lamps, home):
        gone = await client.delete(f"{PATH}/{one.json()['id']}", headers=headers)
        assert gone.status_code == 204
    assert (await client.get(f"{PATH}/home/lamps")).status_code == 404


async def test_only_operators_change_the_tree(
    client: httpx2.AsyncClient,
    connection: Connection,
    resources: Resources,
    headers: Headers,
    clock: ManualClock,
) -> None:
    home = (await client.post(PATH, json={"name": "Home"}, headers=headers)).json()
    seller = await make_seller(connection, now=clock.now())
    selling = await bearer(resources, seller.owner)
    for caller, status in ((selling, 403), ({}, 401)):
        path = f"{PATH}/{home['id']}"
        assert (await client.post(PATH, json={"name": "X"}, headers=caller)).status_code == status
        changed = await client.patch(path, json={"name": "X"}, headers=caller)
        assert changed.status_code == status
        assert (await client.delete(path, headers=caller)).status_code == status
    assert (await client.get(f"{PATH}/home")).json() == home


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"name": ""},
        {"name": "X", "path": "x"},
        {"name": "X", "product_count": 4},
        {"name": "X", "parent_id": "0192d6c4-0000-7000-8000-000000000000"},
        {"name": "X", "position": "1"},
        {"name": "X", "attributes": [{"key": "Bad Key", "label": "L", "type": "text"}]},
        {"name": "X", "attributes": [{"key": "kind", "label": "L", "type": "enum"}]},
        {"name": "X", "attributes": [{"key": "k", "label": "L", "type": "text"}] * 2},
    ],
)
async def test_a_category_that_cannot_be_is_refused(
    client: httpx2.AsyncClient, connection: Connection, headers: Headers, body: object
) -> None:
    refused = await client.post(PATH, json=body, headers=headers)
    assert refused.status_code == 422, refused.text
    assert await connection.fetchval("SELECT count(*) FROM category") == 0
