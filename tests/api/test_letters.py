"""Letters by the API: listed, read, and sent again by operators alone."""

import httpx2
import pytest

from gosellr.core.db import Connection
from gosellr.core.identity import new_id
from gosellr.jobs import letters
from gosellr.resources import Resources
from gosellr.utils.permissions import Role
from tests.conftest import START
from tests.factories.accounts import bearer, make_operator, make_support
from tests.factories.letters import open_room, write
from tests.factories.sales import Shop, buy, make_shop

URL = "/api/v1/letters"


@pytest.fixture
async def shop(connection: Connection) -> Shop:
    return await make_shop(connection)


@pytest.fixture
async def operator(resources: Resources, connection: Connection) -> dict[str, str]:
    olga = await make_operator(connection, now=START)
    return await bearer(resources, olga)


async def test_letters_are_listed_read_and_sent_again(
    client: httpx2.AsyncClient,
    resources: Resources,
    connection: Connection,
    shop: Shop,
    operator: dict[str, str],
) -> None:
    await open_room(resources, connection)
    await buy(resources, (shop, 1))
    await write(resources, connection)
    await connection.execute(
        "UPDATE letter SET recipient = 'ada+declined@example.com' WHERE kind = 'order_confirmed'"
    )
    await letters.send_letters(resources)

    listed = (await client.get(URL, headers=operator)).json()
    assert [one["kind"] for one in listed["items"]] == ["order_to_ship", "order_confirmed"]
    assert [one["status"] for one in listed["items"]] == ["sent", "dead"]
    first = (await client.get(URL, headers=operator, params={"limit": 1})).json()
    after = {"limit": 1, "cursor": first["next_cursor"]}
    second = (await client.get(URL, headers=operator, params=after)).json()
    assert [*first["items"], *second["items"]] == listed["items"]
    assert second["next_cursor"] is None
    for query, kinds in (
        ({"status": "dead"}, ["order_confirmed"]),
        ({"kind": "order_to_ship"}, ["order_to_ship"]),
        ({"status": "dead", "kind": "order_to_ship"}, []),
    ):
        found = (await client.get(URL, headers=operator, params=query)).json()
        assert [one["kind"] for one in found["items"]] == kinds

    dead = listed["items"][1]
    address = f"{URL}/{dead['id']}"
    shown = (await client.get(address, headers=operator)).json()
    assert {name: shown[name] for name in dead} == dead
    assert shown["subject"].startswith("Your order GS-")
    assert shown["text"].startswith("Hello Ada Lovelace,\n")
    assert shown["html"].startswith("<!doctype html>")
    assert "token" not in shown["text"] + shown["html"]

    again = await client.post(f"{address}/resend", headers=operator)
    assert (again.status_code, again.json()["status"]) == (200, "queued")
    twice = await client.post(f"{address}/resend", headers=operator)
    assert (twice.status_code, twice.json()["code"]) == (409, "letter_not_dead")


@pytest.mark.parametrize("query", [{"status": "lost"}, {"kind": "any"}, {"cursor": "x"}])
async def test_what_no_letter_can_be_asked_by_is_refused(
    client: httpx2.AsyncClient, operator: dict[str, str], query: dict[str, str]
) -> None:
    assert (await client.get(URL, headers=operator, params=query)).status_code == 422


async def test_whoever_runs_no_market_learns_nothing(
    client: httpx2.AsyncClient,
    resources: Resources,
    connection: Connection,
    shop: Shop,
) -> None:
    support = await bearer(resources, await make_support(connection, now=START))
    seller = await bearer(resources, shop.seller.owner)
    for path, method in ((URL, "GET"), (f"{URL}/{new_id()}", "GET"),
                         (f"{URL}/{new_id()}/resend", "POST")):  # fmt: skip
        assert (await client.request(method, path)).status_code == 401
        for headers in (support, seller):
            assert (await client.request(method, path, headers=headers)).status_code == 403
    assert Role.OPERATOR not in shop.seller.owner.roles


async def test_the_description_shows_a_letter(client: httpx2.AsyncClient) -> None:
    document = (await client.get("/openapi.json")).json()
    for name in ("LetterOut", "LetterPreviewOut"):
        assert document["components"]["schemas"][name]["examples"][0]["kind"] == "payout_failed"
