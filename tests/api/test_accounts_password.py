"""Changing one's own password, through the API and on its page."""

import httpx2

from gosellr.core.db import Connection
from gosellr.resources import Resources
from tests.factories.letters import open_room, to_whom, write
from tests.web.people import assert_sound
from tests.web.visitor import Visitor

AUTH = "/api/v1/auth"
OLD, NEW = "a lamp for every window", "a window for every lamp"
EMAIL = "ada@example.com"


async def registered(client: httpx2.AsyncClient) -> dict[str, str]:
    """The tokens of a new account."""
    answer = await client.post(
        f"{AUTH}/register", json={"email": EMAIL, "name": "Ada", "password": OLD}
    )
    assert answer.status_code == 201, answer.text
    tokens: dict[str, str] = answer.json()
    return tokens


async def test_another_password_ends_every_session_and_is_told(
    client: httpx2.AsyncClient, resources: Resources, connection: Connection
) -> None:
    tokens = await registered(client)
    await open_room(resources, connection)
    mine = {"Authorization": f"Bearer {tokens['access_token']}"}
    path = f"{AUTH}/password"
    for body, field in (
        ({"current_password": "guessed", "new_password": NEW}, "current_password"),
        ({"current_password": OLD, "new_password": "password"}, "new_password"),
    ):
        refused = await client.post(path, json=body, headers=mine)
        assert (refused.status_code, refused.json()["errors"][0]["field"]) == (422, field)
    body = {"current_password": OLD, "new_password": NEW}
    assert (await client.post(path, json=body)).status_code == 401
    changed = await client.post(path, json=body, headers=mine)
    assert changed.status_code == 204, changed.text
    assert (await client.get(f"{AUTH}/me", headers=mine)).status_code == 401
    refresh = {"refresh_token": tokens["refresh_token"]}
    assert (await client.post(f"{AUTH}/refresh", json=refresh)).status_code == 401
    for password, status in ((OLD, 401), (NEW, 200)):
        form = {"username": EMAIL, "password": password}
        assert (await client.post(f"{AUTH}/token", data=form)).status_code == status
    await write(resources, connection)
    assert await to_whom(connection) == [("password_changed", EMAIL)]


async def test_on_its_page(
    client: httpx2.AsyncClient, resources: Resources, connection: Connection
) -> None:
    visitor = Visitor(client)
    await visitor.go("/register")
    await visitor.send("/register", name="Ada", email=EMAIL, password=OLD)
    page = "/account/password"
    await visitor.go(page)
    assert_sound(visitor.text)
    await visitor.send(page, current_password="guessed", new_password=NEW)
    assert visitor.page.status_code == 422
    assert 'id="current_password-error"' in visitor.text
    assert NEW not in visitor.text
    assert_sound(visitor.text)
    await visitor.send(page, current_password=OLD, new_password=NEW)
    assert visitor.path == "/sign-in"
    assert "Your password is changed." in visitor.text
    await visitor.send("/sign-in", email=EMAIL, password=OLD)
    assert visitor.page.status_code == 422
    await visitor.send("/sign-in", email=EMAIL, password=NEW)
    await visitor.go("/account")
    assert "Your store credit" in visitor.text
