"""Tokens of the main system: accepted as configured, and nothing else."""

import asyncio
import base64
import hashlib
import hmac
from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import httpx2
import jwt
import orjson
import pytest

from gosellr.config import Settings
from gosellr.core.clock import ManualClock
from gosellr.core.db import Connection, Database
from gosellr.core.tokens import NewKeyPair, new_key_pair, public_jwk, read_signing_key
from gosellr.providers import build_foreign_keys
from gosellr.resources import Resources, build_gate
from tests.factories.accounts import make_seller

SECRET = "a secret that both systems share, and nobody else"
ISSUER = "https://id.example.com"
PAIR, ROTATED = new_key_pair(), new_key_pair()
PERSON = {"name": "Grace", "email": "grace@example.com", "roles": ["staff", "unheard-of"]}


class KeyServer:
    """A main system's key set over HTTP, on the loopback."""

    def __init__(self) -> None:
        self.pairs: list[NewKeyPair] = [PAIR]
        self.status = 200
        self.requests = 0

    async def answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One request, one answer."""
        await reader.readuntil(b"\r\n\r\n")
        self.requests += 1
        keys = [public_jwk(pair.kid, pair.public_pem, algorithm="RS256") for pair in self.pairs]
        # What a careless system publishes beside its keys must not be taken for one.
        keys.append({"kty": "oct", "kid": "secret", "alg": "HS256", "k": "c2VjcmV0"})
        body = orjson.dumps({"keys": keys})
        head = (
            f"HTTP/1.1 {self.status} X\r\nContent-Length: {len(body)}\r\nConnection: close\r\n\r\n"
        )
        writer.write(head.encode() + body)
        await writer.drain()
        writer.close()
        await writer.wait_closed()


@pytest.fixture
async def key_server() -> AsyncIterator[tuple[KeyServer, str]]:
    """A key server, and its address."""
    keys = KeyServer()
    server = await asyncio.start_server(keys.answer, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    yield keys, f"http://127.0.0.1:{port}/keys"
    server.close()
    await server.wait_closed()


async def _with_main_system(
    resources: Resources, settings: Settings, **changes: Any
) -> AsyncIterator[Resources]:
    changed = settings.model_copy(
        update={
            "main_system_issuer": ISSUER,
            "main_system_audience": "market",
            "main_system_role_map": {"staff": "operator", "helpdesk": "support"},
            **changes,
        }
    )
    foreign = build_foreign_keys(changed)
    assert foreign is not None
    yield replace(resources, settings=changed, tokens=build_gate(changed, resources.ring, foreign))
    if hasattr(foreign, "close"):
        await foreign.close()


def claims(now: datetime, **changes: Any) -> dict[str, Any]:
    at = int(now.timestamp())
    whole = {
        "iss": ISSUER, "aud": "market", "sub": "grace-1", "iat": at, "exp": at + 3600, **PERSON,
        **changes,
    }  # fmt: skip
    return {name: value for name, value in whole.items() if value is not ...}


def by_secret(now: datetime, *, secret: str = SECRET, **changes: Any) -> dict[str, str]:
    token = jwt.encode(claims(now, **changes), secret, algorithm="HS256")
    return {"Authorization": f"Bearer {token}"}


def by_key(now: datetime, *, pair: NewKeyPair = PAIR, **changes: Any) -> dict[str, str]:
    key = read_signing_key(pair.kid, pair.private_pem)
    token = jwt.encode(
        claims(now, **changes), key.private_key, algorithm="RS256", headers={"kid": pair.kid}
    )
    return {"Authorization": f"Bearer {token}"}


class TestSharedSecret:
    """HS256 by configuration."""

    @pytest.fixture
    async def resources(self, resources: Resources, settings: Settings) -> AsyncIterator[Resources]:
        """With a main system that signs by a shared secret."""
        async for changed in _with_main_system(resources, settings, main_system_secret=SECRET):
            yield changed

    async def test_first_seen_people_are_provisioned_once(
        self,
        client: httpx2.AsyncClient,
        connection: Connection,
        clock: ManualClock,
        query_count: Callable[[], int],
    ) -> None:
        first = await client.get("/api/v1/auth/me", headers=by_secret(clock.now()))
        assert first.status_code == 200
        assert {**first.json(), "id": None} == {
            "id": None,
            "email": "grace@example.com",
            "name": "Grace",
            "roles": ["buyer", "operator"],
            "memberships": [],
        }
        await asyncio.sleep(0)
        query_count()
        second = await client.get("/api/v1/auth/me", headers=by_secret(clock.now()))
        await asyncio.sleep(0)
        assert query_count() == 1
        assert second.json() == first.json()
        rows = await connection.fetch("SELECT issuer, subject, password_hash FROM user_account")
        assert [tuple(row) for row in rows] == [(ISSUER, "grace-1", None)]

    async def test_the_same_subject_or_address_of_ours_is_somebody_else(
        self, client: httpx2.AsyncClient, clock: ManualClock
    ) -> None:
        body = {"email": "grace@example.com", "password": "a fine long phrase", "name": "G"}
        local = (await client.post("/api/v1/auth/register", json=body)).json()["user"]["id"]
        foreign = await client.get("/api/v1/auth/me", headers=by_secret(clock.now(), sub=local))
        assert foreign.json()["id"] != local

    async def test_roles_follow_the_token_each_time(
        self, client: httpx2.AsyncClient, connection: Connection, clock: ManualClock
    ) -> None:
        listing = "/api/v1/sellers/?status=applied"
        await make_seller(connection, now=clock.now(), status="applied")
        answers = {
            roles: await client.get(listing, headers=by_secret(clock.now(), roles=claim))
            for roles, claim in {
                "staff": "staff", "helpdesk": ["helpdesk"], "both": "helpdesk staff",
                "none": [], "left out": ..., "other": {"staff": 1}, "ours": ["operator"],
            }.items()
        }  # fmt: skip
        assert {roles: answer.status_code for roles, answer in answers.items()} == {
            "staff": 200, "helpdesk": 200, "both": 200,
            "none": 403, "left out": 403, "other": 403, "ours": 403,
        }  # fmt: skip

    async def test_a_ban_here_holds_against_the_main_system(
        self, client: httpx2.AsyncClient, connection: Connection, clock: ManualClock
    ) -> None:
        await client.get("/api/v1/auth/me", headers=by_secret(clock.now()))
        await connection.execute("UPDATE user_account SET status = 'banned'")
        again = await client.get("/api/v1/auth/me", headers=by_secret(clock.now()))
        assert again.status_code == 401

    @pytest.mark.case(69)
    @pytest.mark.parametrize(
        "changes",
        [
            {"iss": "https://other.example.com"}, {"iss": ...}, {"aud": "another-service"},
            {"aud": ...}, {"sub": ...}, {"exp": ...},
            {"secret": "another secret, of somebody else!!"},
            {"nonce": "n"}, {"token_use": "id"}, {"token_use": "refresh"}, {"typ": "Refresh"},
            {"token_type": "refresh"}, {"at_hash": "x"},
        ],
    )  # fmt: skip
    async def test_case_69_other_tokens_are_refused(
        self,
        client: httpx2.AsyncClient,
        connection: Connection,
        clock: ManualClock,
        changes: dict[str, Any],
    ) -> None:
        answer = await client.get("/api/v1/auth/me", headers=by_secret(clock.now(), **changes))
        assert (answer.status_code, answer.json()["code"]) == (401, "token_invalid")
        assert await connection.fetchval("SELECT count(*) FROM user_account") == 0

    async def test_expired_and_other_algorithms_are_refused(
        self, client: httpx2.AsyncClient, clock: ManualClock
    ) -> None:
        late = clock.now() - timedelta(hours=1, seconds=60)
        assert (await client.get("/api/v1/auth/me", headers=by_secret(late))).status_code == 401
        nearly = clock.now() - timedelta(hours=1, seconds=59)
        assert (await client.get("/api/v1/auth/me", headers=by_secret(nearly))).status_code == 200
        by_other = by_key(clock.now())
        assert (await client.get("/api/v1/auth/me", headers=by_other)).status_code == 401
        for algorithm in ("HS384", "HS512"):
            token = jwt.encode(claims(clock.now()), SECRET * 2, algorithm=algorithm)
            headers = {"Authorization": f"Bearer {token}"}
            assert (await client.get("/api/v1/auth/me", headers=headers)).status_code == 401


class TestPublishedKeys:
    """RS256 by a key set."""

    @pytest.fixture
    async def resources(
        self, resources: Resources, settings: Settings, key_server: tuple[KeyServer, str]
    ) -> AsyncIterator[Resources]:
        """With a main system that publishes its keys."""
        async for changed in _with_main_system(
            resources, settings, main_system_jwks_url=key_server[1]
        ):
            yield changed

    async def status(self, client: httpx2.AsyncClient, headers: dict[str, str]) -> int:
        return (await client.get("/api/v1/auth/me", headers=headers)).status_code

    async def test_keys_are_fetched_once(
        self, client: httpx2.AsyncClient, clock: ManualClock, key_server: tuple[KeyServer, str]
    ) -> None:
        assert key_server[0].requests == 0
        for _ in range(3):
            assert await self.status(client, by_key(clock.now())) == 200
        assert key_server[0].requests == 1

    async def test_a_new_key_is_found_and_inventions_cost_one_look_a_minute(
        self, client: httpx2.AsyncClient, clock: ManualClock, key_server: tuple[KeyServer, str]
    ) -> None:
        server, _address = key_server
        assert await self.status(client, by_key(clock.now())) == 200
        server.pairs.append(ROTATED)
        for _ in range(5):
            assert await self.status(client, by_key(clock.now(), pair=ROTATED)) == 401
        assert server.requests == 1
        clock.advance(timedelta(minutes=1))
        assert await self.status(client, by_key(clock.now(), pair=ROTATED)) == 200
        assert await self.status(client, by_key(clock.now())) == 200
        assert server.requests == 2

    async def test_a_key_that_was_withdrawn_is_refused_in_ten_minutes(
        self, client: httpx2.AsyncClient, clock: ManualClock, key_server: tuple[KeyServer, str]
    ) -> None:
        assert await self.status(client, by_key(clock.now())) == 200
        key_server[0].pairs = [ROTATED]
        clock.advance(timedelta(minutes=10))
        assert await self.status(client, by_key(clock.now())) == 401

    async def test_while_the_address_is_silent_the_last_keys_hold_for_a_day(
        self, client: httpx2.AsyncClient, clock: ManualClock, key_server: tuple[KeyServer, str]
    ) -> None:
        server, _address = key_server
        assert await self.status(client, by_key(clock.now())) == 200
        server.status = 500
        clock.advance(timedelta(hours=24))
        assert await self.status(client, by_key(clock.now())) == 200
        clock.advance(timedelta(minutes=1))
        answer = await client.get("/api/v1/auth/me", headers=by_key(clock.now()))
        assert (answer.status_code, answer.headers["Retry-After"]) == (503, "10")
        server.status = 200
        clock.advance(timedelta(minutes=1))
        assert await self.status(client, by_key(clock.now())) == 200

    @pytest.mark.case(69)
    async def test_case_69_secrets_are_no_keys_here(
        self, client: httpx2.AsyncClient, clock: ManualClock
    ) -> None:
        for secret, kid in ((b"secret", "secret"), (PAIR.public_pem.encode(), PAIR.kid)):
            parts = ({"alg": "HS256", "kid": kid}, claims(clock.now()))
            signed = ".".join(
                base64.urlsafe_b64encode(orjson.dumps(part)).decode().rstrip("=") for part in parts
            )
            digest = hmac.new(secret, signed.encode(), hashlib.sha256).digest()
            token = f"{signed}.{base64.urlsafe_b64encode(digest).decode().rstrip('=')}"
            assert await self.status(client, {"Authorization": f"Bearer {token}"}) == 401


async def test_without_configuration_nobody_else_is_believed(
    client: httpx2.AsyncClient, clock: ManualClock, db: Database
) -> None:
    answer = await client.get("/api/v1/auth/me", headers=by_secret(clock.now()))
    assert answer.status_code == 401
