"""Registering, signing in and out, at the door."""

import asyncio
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import httpx2
import jwt
import pytest

from gosellr.core.clock import ManualClock
from gosellr.core.db import Connection
from gosellr.resources import Resources
from gosellr.services import account_service
from gosellr.utils.permissions import Role
from tests.factories.accounts import bearer, make_operator, make_user

PASSWORD = "a fine long phrase"
REGISTRATION = {"email": "Ada@Example.com", "password": PASSWORD, "name": "Ada"}


async def register(client: httpx2.AsyncClient, **changes: str) -> dict[str, Any]:
    answer = await client.post("/api/v1/auth/register", json={**REGISTRATION, **changes})
    assert answer.status_code == 201, answer.text
    tokens: dict[str, Any] = answer.json()
    return tokens


def carrying(tokens: dict[str, Any]) -> dict[str, str]:
    return {"Authorization": f"Bearer {tokens['access_token']}"}


async def sign_in(client: httpx2.AsyncClient, email: str, password: str) -> httpx2.Response:
    form = {"username": email, "password": password}
    return await client.post("/api/v1/auth/token", data=form)


async def test_registering_signs_in(client: httpx2.AsyncClient, connection: Connection) -> None:
    tokens = await register(client)
    user = tokens.pop("user")
    assert set(tokens) == {"access_token", "refresh_token", "token_type", "expires_in"}
    assert (tokens["token_type"], tokens["expires_in"]) == ("bearer", 900)
    me = await client.get("/api/v1/auth/me", headers=carrying(tokens))
    assert (me.status_code, me.json()) == (200, user)
    assert user == {
        "id": user["id"],
        "email": "Ada@example.com",
        "name": "Ada",
        "roles": ["buyer"],
        "memberships": [],
    }
    kept = await connection.fetchrow("SELECT * FROM user_account WHERE id = $1", user["id"])
    assert kept is not None
    assert kept["password_hash"].startswith("$argon2id$")
    assert (kept["issuer"], kept["subject"]) == ("gosellr", user["id"])
    facts = await connection.fetch(
        "SELECT type FROM outbox_event WHERE aggregate_id = $1", user["id"]
    )
    assert [fact["type"] for fact in facts] == ["account.registered"]


async def test_an_address_registers_once_whatever_its_case(client: httpx2.AsyncClient) -> None:
    await register(client)
    again = await client.post(
        "/api/v1/auth/register", json={**REGISTRATION, "email": "ADA@example.com"}
    )
    assert (again.status_code, again.json()["code"]) == (409, "email_taken")


@pytest.mark.parametrize(
    ("password", "code"),
    [
        ("seven77", "password_length"),
        ("x1" * 65, "password_length"),
        ("Password123", "password_common"),
        ("aaaaaaaaaa", "password_common"),
        ("ada@example.com", "password_personal"),
    ],
)
async def test_weak_passwords_are_refused(
    client: httpx2.AsyncClient, connection: Connection, password: str, code: str
) -> None:
    answer = await client.post("/api/v1/auth/register", json={**REGISTRATION, "password": password})
    assert answer.status_code == 422
    assert [(error["field"], error["code"]) for error in answer.json()["errors"]] == [
        ("password", code)
    ]
    assert await connection.fetchval("SELECT count(*) FROM user_account") == 0


@pytest.mark.parametrize(
    "change",
    [{"email": "no address"}, {"name": ""}, {"name": "a\u0000b"}, {"name": 7}, {"email": None}],
)
async def test_malformed_registrations_are_refused(
    client: httpx2.AsyncClient, change: dict[str, Any]
) -> None:
    answer = await client.post("/api/v1/auth/register", json={**REGISTRATION, **change})
    assert (answer.status_code, answer.json()["code"]) == (422, "invalid_input")


@pytest.mark.case(66)
@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("id", "01a202d0-b661-7999-ac6d-5d4720ae940d"), ("issuer", "x"), ("subject", "x"),
        ("password_hash", "x"), ("roles", ["operator"]), ("status", "active"),
        ("token_version", 9), ("email_verified_at", "2026-01-01T00:00:00Z"),
        ("created_at", "2026-01-01T00:00:00Z"), ("updated_at", "2026-01-01T00:00:00Z"),
        ("version", 9),
    ],
)  # fmt: skip
async def test_case_66_columns_cant_be_assigned_by_registering(
    client: httpx2.AsyncClient, connection: Connection, field: str, value: Any
) -> None:
    answer = await client.post("/api/v1/auth/register", json={**REGISTRATION, field: value})
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["field"] == field
    assert await connection.fetchval("SELECT count(*) FROM user_account") == 0


async def test_signing_in_by_password(client: httpx2.AsyncClient) -> None:
    user = (await register(client))["user"]
    answer = await sign_in(client, "ada@EXAMPLE.com", PASSWORD)
    assert (answer.status_code, answer.json()["user"]) == (200, user)
    assert answer.headers["Cache-Control"] == "no-store"


async def test_unknown_wrong_and_closed_look_the_same(
    client: httpx2.AsyncClient, connection: Connection, clock: ManualClock
) -> None:
    banned = await register(client, email="banned@example.com")
    await account_service.ban_account(connection, user_id=banned["user"]["id"], now=clock.now())
    await register(client)
    answers = [
        await sign_in(client, "ada@example.com", "not the phrase"),
        await sign_in(client, "nobody@example.com", PASSWORD),
        await sign_in(client, "banned@example.com", PASSWORD),
        await sign_in(client, "ada@example.com", PASSWORD + "x" * 200),
    ]
    bodies = [answer.json() for answer in answers]
    for body in bodies:
        body.pop("request_id")
    assert [answer.status_code for answer in answers] == [401] * 4
    assert bodies == [bodies[0]] * 4
    assert bodies[0]["code"] == "wrong_credentials"


@pytest.mark.parametrize("email", ["", " ", "\x00", "ada@example.com\x00"])
async def test_what_is_no_line_is_nobody_s_address(client: httpx2.AsyncClient, email: str) -> None:
    answer = await sign_in(client, email, PASSWORD)
    assert (answer.status_code, answer.json()["errors"][0]["field"]) == (422, "username")


async def test_me_is_one_statement(
    client: httpx2.AsyncClient, query_count: Callable[[], int]
) -> None:
    headers = carrying(await register(client))
    await client.get("/api/v1/auth/me", headers=headers)
    await asyncio.sleep(0)
    query_count()
    assert (await client.get("/api/v1/auth/me", headers=headers)).status_code == 200
    await asyncio.sleep(0)
    assert query_count() == 1


async def test_sign_in_and_refresh_are_few_statements(
    client: httpx2.AsyncClient, query_count: Callable[[], int]
) -> None:
    tokens = await register(client)
    await asyncio.sleep(0)
    query_count()
    await sign_in(client, "ada@example.com", PASSWORD)
    await asyncio.sleep(0)
    # The credentials; and the session with its token, between BEGIN and COMMIT.
    assert query_count() == 4
    await client.post("/api/v1/auth/refresh", json={"refresh_token": tokens["refresh_token"]})
    await asyncio.sleep(0)
    assert query_count() == 3


async def test_a_token_without_the_right_costs_no_read(
    client: httpx2.AsyncClient,
    connection: Connection,
    resources: Resources,
    clock: ManualClock,
    query_count: Callable[[], int],
) -> None:
    headers = await bearer(resources, await make_user(connection, now=clock.now()))
    target = "/api/v1/sellers/01a202d0-b661-7999-ac6d-5d4720ae940d/approve"
    await asyncio.sleep(0)
    query_count()
    answer = await client.post(target, headers=headers)
    await asyncio.sleep(0)
    assert (answer.status_code, answer.json()["code"]) == (403, "not_allowed")
    assert query_count() == 0


async def test_logout_takes_effect_at_once_and_here_only(client: httpx2.AsyncClient) -> None:
    phone = await register(client)
    laptop = (await sign_in(client, "ada@example.com", PASSWORD)).json()
    out = await client.post("/api/v1/auth/logout", headers=carrying(phone))
    assert (out.status_code, out.content) == (204, b"")
    refused = await client.get("/api/v1/auth/me", headers=carrying(phone))
    assert (refused.status_code, refused.json()["code"]) == (401, "token_invalid")
    assert refused.headers["WWW-Authenticate"] == 'Bearer error="invalid_token"'
    refresh = {"refresh_token": phone["refresh_token"]}
    assert (await client.post("/api/v1/auth/refresh", json=refresh)).status_code == 401
    assert (await client.get("/api/v1/auth/me", headers=carrying(laptop))).status_code == 200


async def test_logout_everywhere(client: httpx2.AsyncClient, connection: Connection) -> None:
    phone = await register(client)
    laptop = (await sign_in(client, "ada@example.com", PASSWORD)).json()
    out = await client.post(
        "/api/v1/auth/logout", headers=carrying(phone), json={"everywhere": True}
    )
    assert out.status_code == 204
    for tokens in (phone, laptop):
        assert (await client.get("/api/v1/auth/me", headers=carrying(tokens))).status_code == 401
    reason = await connection.fetchval(
        "SELECT data ->> 'reason' FROM outbox_event WHERE type = 'account.sessions_revoked'"
    )
    assert reason == "signed_out"
    assert (await sign_in(client, "ada@example.com", PASSWORD)).status_code == 200


async def test_a_ban_takes_effect_at_once(
    client: httpx2.AsyncClient, connection: Connection, clock: ManualClock
) -> None:
    tokens = await register(client)
    await account_service.ban_account(connection, user_id=tokens["user"]["id"], now=clock.now())
    assert (await client.get("/api/v1/auth/me", headers=carrying(tokens))).status_code == 401


async def test_a_role_taken_away_is_gone_at_once(
    client: httpx2.AsyncClient, connection: Connection, resources: Resources, clock: ManualClock
) -> None:
    operator = await make_operator(connection, now=clock.now())
    headers = await bearer(resources, operator)
    listing = await client.get("/api/v1/sellers/?status=applied", headers=headers)
    assert listing.status_code == 200
    await connection.execute("UPDATE user_account SET roles = '{buyer}' WHERE id = $1", operator.id)
    target = "/api/v1/sellers/01a202d0-b661-7999-ac6d-5d4720ae940d/approve"
    assert (await client.post(target, headers=headers)).status_code == 403


async def test_access_tokens_live_for_a_quarter_of_an_hour(
    client: httpx2.AsyncClient, clock: ManualClock
) -> None:
    tokens = await register(client)
    clock.advance(timedelta(minutes=15, seconds=4))
    assert (await client.get("/api/v1/auth/me", headers=carrying(tokens))).status_code == 200
    clock.advance(timedelta(seconds=1))
    assert (await client.get("/api/v1/auth/me", headers=carrying(tokens))).status_code == 401


async def test_a_session_ends_after_thirty_days_however_often_it_is_refreshed(
    client: httpx2.AsyncClient, clock: ManualClock
) -> None:
    tokens = await register(client)
    clock.advance(timedelta(days=29, hours=23, minutes=55))
    refreshed = await client.post(
        "/api/v1/auth/refresh", json={"refresh_token": tokens["refresh_token"]}
    )
    assert refreshed.json()["expires_in"] == 300
    clock.advance(timedelta(minutes=5))
    late = {"refresh_token": refreshed.json()["refresh_token"]}
    assert (await client.post("/api/v1/auth/refresh", json=late)).status_code == 401


async def test_the_key_set_verifies_our_tokens(client: httpx2.AsyncClient) -> None:
    tokens = await register(client)
    answer = await client.get("/.well-known/jwks.json")
    assert answer.headers["Cache-Control"] == "public, max-age=300"
    (key,) = answer.json()["keys"]
    assert set(key) == {"kty", "use", "alg", "kid", "n", "e"}
    header = jwt.get_unverified_header(tokens["access_token"])
    assert header == {"alg": "RS256", "typ": "at+jwt", "kid": key["kid"]}
    claims = jwt.decode(
        tokens["access_token"], jwt.PyJWK(key).key, algorithms=["RS256"], audience="gosellr",
        options={"verify_exp": False, "verify_iat": False},
    )  # fmt: skip
    assert claims["exp"] - claims["iat"] == 900
    assert (claims["iss"], claims["roles"], claims["ver"]) == (
        "http://localhost:4004",
        ["buyer"],
        1,
    )
    assert set(claims) == {"iss", "aud", "sub", "sid", "ver", "roles", "iat", "exp", "jti"}


@pytest.mark.case(62)
@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/auth/me"), ("POST", "/auth/logout"),
        ("POST", "/sellers/register"), ("PUT", "/sellers/{id}"),
        ("POST", "/sellers/{id}/approve"), ("POST", "/sellers/{id}/reject"),
        ("POST", "/sellers/{id}/suspend"), ("POST", "/sellers/{id}/reinstate"),
        ("GET", "/sellers/{id}/members"), ("POST", "/sellers/{id}/members"),
        ("PATCH", "/sellers/{id}/members/{id}"), ("DELETE", "/sellers/{id}/members/{id}"),
    ],
)  # fmt: skip
@pytest.mark.parametrize(
    "header", [None, "Bearer ", "Bearer nonsense", "Bearer a.b.c", "Basic YTpi"]
)
async def test_case_62_nobody_gets_in_anonymously(
    client: httpx2.AsyncClient, method: str, path: str, header: str | None
) -> None:
    target = "/api/v1" + path.replace("{id}", "01a202d0-b661-7999-ac6d-5d4720ae940d")
    headers = {"Authorization": header} if header else {}
    answer = await client.request(method, target, headers=headers)
    assert answer.status_code == 401
    assert answer.headers["Content-Type"] == "application/problem+json"


async def test_making_an_operator_out_of_a_buyer_ends_their_sessions(
    client: httpx2.AsyncClient, connection: Connection, resources: Resources, clock: ManualClock
) -> None:
    tokens = await register(client)
    password_hash = await resources.passwords.hash("another fine phrase")
    account, is_new = await account_service.create_operator(
        connection, email="ada@example.com", name="", password_hash=password_hash, now=clock.now()
    )
    assert (str(account.id), is_new) == (tokens["user"]["id"], False)
    assert (await client.get("/api/v1/auth/me", headers=carrying(tokens))).status_code == 401
    again = await sign_in(client, "ada@example.com", "another fine phrase")
    assert again.json()["user"]["roles"] == [Role.BUYER, Role.OPERATOR]
