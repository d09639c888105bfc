"""Signing keys: rotated with overlap, revoked at once, unreadable without the secret."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import httpx2
import jwt
import pytest

from gosellr.core.clock import ManualClock
from gosellr.core.db import Connection, Database
from gosellr.core.encryption import UnreadableSecret, Vault
from gosellr.core.errors import NotFound
from gosellr.core.tokens import new_key_pair
from gosellr.flows.key_ring import KeyRing
from gosellr.resources import Resources, build_gate
from gosellr.services import key_service
from gosellr.services.key_service import OVERLAP


@pytest.fixture
async def resources(resources: Resources, db: Database) -> Resources:
    """Resources whose keys are read in the test's own transaction."""
    ring = KeyRing(db, resources.vault)
    return replace(resources, ring=ring, tokens=build_gate(resources.settings, ring, None))


async def register(client: httpx2.AsyncClient, email: str) -> dict[str, Any]:
    body = {"email": email, "password": "a fine long phrase", "name": "Ada"}
    tokens: dict[str, Any] = (await client.post("/api/v1/auth/register", json=body)).json()
    return tokens


def kid_of(tokens: dict[str, Any]) -> str:
    return str(jwt.get_unverified_header(tokens["access_token"])["kid"])


async def status_of(client: httpx2.AsyncClient, tokens: dict[str, Any]) -> int:
    headers = {"Authorization": f"Bearer {tokens['access_token']}"}
    return (await client.get("/api/v1/auth/me", headers=headers)).status_code


async def published(client: httpx2.AsyncClient) -> list[str]:
    keys = (await client.get("/.well-known/jwks.json")).json()["keys"]
    return [key["kid"] for key in keys]


async def test_rotation_overlaps(
    client: httpx2.AsyncClient, connection: Connection, resources: Resources, clock: ManualClock
) -> None:
    before = await register(client, "a@example.com")
    clock.advance(timedelta(minutes=1))
    new = await key_service.rotate_signing_key(
        connection, new=new_key_pair(), vault=resources.vault, now=clock.now()
    )
    after = await register(client, "b@example.com")
    assert kid_of(after) == new.kid != kid_of(before)
    assert await status_of(client, before) == 200
    assert await status_of(client, after) == 200
    assert await published(client) == [new.kid, kid_of(before)]
    clock.advance(OVERLAP)
    assert await published(client) == [new.kid]


async def test_revocation_takes_effect_at_once(
    client: httpx2.AsyncClient, connection: Connection, resources: Resources, clock: ManualClock
) -> None:
    before = await register(client, "a@example.com")
    assert await status_of(client, before) == 200
    spare = new_key_pair()
    revoke = {"kid": kid_of(before), "spare": spare, "vault": resources.vault}
    await key_service.revoke_signing_key(connection, **revoke, now=clock.now())
    assert await status_of(client, before) == 401
    after = await register(client, "b@example.com")
    assert kid_of(after) == spare.kid
    assert await status_of(client, after) == 200
    assert kid_of(before) not in await published(client)
    with pytest.raises(NotFound):
        await key_service.revoke_signing_key(connection, **revoke, now=clock.now())


async def test_a_key_made_elsewhere_is_found(
    client: httpx2.AsyncClient, connection: Connection, resources: Resources, clock: ManualClock
) -> None:
    await register(client, "a@example.com")
    elsewhere = KeyRing(resources.db, resources.vault)
    await key_service.rotate_signing_key(
        connection, new=new_key_pair(), vault=resources.vault, now=clock.now()
    )
    key = await elsewhere.signing_key(None, now=clock.now())
    assert await resources.ring.find(key.kid, now=clock.now()) is None
    # Names that nobody knows are looked up once a second, not as often as they are sent.
    clock.advance(timedelta(seconds=1))
    assert await resources.ring.find(key.kid, now=clock.now()) is not None


async def test_private_keys_need_the_secret(
    client: httpx2.AsyncClient, resources: Resources, clock: ManualClock
) -> None:
    await register(client, "a@example.com")
    stranger = KeyRing(resources.db, Vault(["another secret"]))
    with pytest.raises(UnreadableSecret):
        await stranger.signing_key(None, now=clock.now())
