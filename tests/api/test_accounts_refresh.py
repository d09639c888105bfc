"""Refresh tokens: rotated, repeated within the grace, and a stolen one ends the family."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import timedelta
from typing import Any

import httpx2
import pytest

from gosellr.api.application import create_app
from gosellr.config import Settings
from gosellr.core.clock import ManualClock
from gosellr.core.db import Connection
from gosellr.core.embedded_postgres import APPLICATION_ROLE, Cluster
from gosellr.core.passwords import PasswordCosts
from gosellr.resources import Resources, open_resources

REGISTRATION = {"email": "ada@example.com", "password": "a fine long phrase", "name": "Ada"}
CHEAP = PasswordCosts(rounds=1, memory_kib=64, lanes=1)


async def refresh(client: httpx2.AsyncClient, token: str) -> httpx2.Response:
    return await client.post("/api/v1/auth/refresh", json={"refresh_token": token})


async def register(client: httpx2.AsyncClient) -> dict[str, Any]:
    answer = await client.post("/api/v1/auth/register", json=REGISTRATION)
    tokens: dict[str, Any] = answer.json()
    return tokens


async def is_good(client: httpx2.AsyncClient, tokens: dict[str, Any]) -> bool:
    headers = {"Authorization": f"Bearer {tokens['access_token']}"}
    return (await client.get("/api/v1/auth/me", headers=headers)).status_code == 200


async def test_a_refresh_gives_a_new_pair(
    client: httpx2.AsyncClient, connection: Connection, clock: ManualClock
) -> None:
    first = await register(client)
    clock.advance(timedelta(minutes=10))
    second = (await refresh(client, first["refresh_token"])).json()
    assert second["user"] == first["user"]
    assert second["refresh_token"] != first["refresh_token"]
    assert second["access_token"] != first["access_token"]
    assert await is_good(client, second)
    kept = await connection.fetch("SELECT token_hash FROM refresh_token")
    stored = b"".join(row["token_hash"] for row in kept)
    assert first["refresh_token"].encode() not in stored
    assert second["refresh_token"].encode() not in stored


@pytest.mark.case(70)
async def test_case_70_within_the_grace_the_same_pair_comes_again(
    client: httpx2.AsyncClient, clock: ManualClock
) -> None:
    first = await register(client)
    second = (await refresh(client, first["refresh_token"])).json()
    clock.advance(timedelta(seconds=30))
    again = await refresh(client, first["refresh_token"])
    assert again.status_code == 200
    assert again.json() == {**second, "expires_in": 870}
    third = await refresh(client, second["refresh_token"])
    assert third.status_code == 200


@pytest.mark.case(70)
async def test_case_70_after_the_grace_a_replay_ends_the_family(
    client: httpx2.AsyncClient, connection: Connection, clock: ManualClock
) -> None:
    first = await register(client)
    other = await client.post(
        "/api/v1/auth/token",
        data={"username": REGISTRATION["email"], "password": REGISTRATION["password"]},
    )
    second = (await refresh(client, first["refresh_token"])).json()
    clock.advance(timedelta(seconds=31))
    replay = await refresh(client, first["refresh_token"])
    assert (replay.status_code, replay.json()["code"]) == (401, "token_invalid")
    assert (await refresh(client, second["refresh_token"])).status_code == 401
    assert not await is_good(client, first)
    assert not await is_good(client, second)
    # Another sign-in of the same person is another family.
    assert await is_good(client, other.json())
    facts = await connection.fetch(
        "SELECT data FROM outbox_event WHERE type = 'account.sessions_revoked'"
    )
    assert [fact["data"]["reason"] for fact in facts] == ["refresh_token_reused"]


@pytest.mark.parametrize("token", ["unknown", "x" * 200, "ü"])
async def test_unknown_tokens_give_nothing(client: httpx2.AsyncClient, token: str) -> None:
    answer = await refresh(client, token)
    assert (answer.status_code, answer.json()["code"]) == (401, "token_invalid")


async def test_an_access_token_is_no_refresh_token_nor_the_other_way(
    client: httpx2.AsyncClient,
) -> None:
    tokens = await register(client)
    swapped = {"access_token": tokens["refresh_token"]}
    assert not await is_good(client, swapped)
    assert (await refresh(client, tokens["access_token"])).status_code == 422


@pytest.fixture
async def live(
    settings: Settings, cluster: Cluster, fresh_database: Callable[[str], str], clock: ManualClock
) -> AsyncIterator[tuple[httpx2.AsyncClient, Resources]]:
    """The application on a database of its own, with real connections and commits."""
    dsn = cluster.dsn(role=APPLICATION_ROLE, database=fresh_database("refresh"))
    own = settings.model_copy(update={"database_url": dsn})
    async with open_resources(own, password_costs=CHEAP) as opened:
        resources = replace(opened, clock=clock)

        @asynccontextmanager
        async def open_nothing() -> AsyncIterator[Resources]:
            yield resources

        app = create_app(settings=own, open_resources=open_nothing)
        app.state.resources = resources
        transport = httpx2.ASGITransport(app=app)
        async with httpx2.AsyncClient(transport=transport, base_url="http://market.test") as caller:
            yield caller, resources


@pytest.mark.case(70)
async def test_case_70_ten_at_once_get_one_new_pair(
    live: tuple[httpx2.AsyncClient, Resources],
) -> None:
    client, resources = live
    token = (await register(client))["refresh_token"]
    for _ in range(10):
        answers = await asyncio.gather(*(refresh(client, token) for _ in range(10)))
        assert [answer.status_code for answer in answers] == [200] * 10
        pairs = [answer.json() for answer in answers]
        assert pairs == [pairs[0]] * 10
        token = pairs[0]["refresh_token"]
    async with resources.db.connection() as connection:
        rows = await connection.fetch(
            "SELECT count(*) AS tokens, count(rotated_at) AS rotated FROM refresh_token"
        )
        assert [tuple(row) for row in rows] == [(11, 10)]
        revoked = await connection.fetchval("SELECT count(revoked_at) FROM user_session")
    assert revoked == 0


async def test_processes_that_start_at_once_make_one_key(
    settings: Settings, cluster: Cluster, fresh_database: Callable[[str], str], clock: ManualClock
) -> None:
    dsn = cluster.dsn(role=APPLICATION_ROLE, database=fresh_database("keys"))
    own = settings.model_copy(update={"database_url": dsn})
    async with (
        open_resources(own) as one,
        open_resources(own) as two,
        open_resources(own) as three,
    ):
        published = await asyncio.gather(
            *(each.ring.published(now=clock.now()) for each in (one, two, three))
        )
        assert len(published[0]) == 1
        assert published == [published[0]] * 3
        async with one.db.connection() as connection:
            kept = await connection.fetch("SELECT private_pem_encrypted FROM signing_key")
    assert len(kept) == 1
    assert b"PRIVATE" not in kept[0]["private_pem_encrypted"]
