"""Limits that slide, by themselves and at the door."""

from datetime import UTC, datetime, timedelta

import httpx2
import pytest

from gosellr.config import Settings
from gosellr.core import rate_limit
from gosellr.core.clock import ManualClock
from gosellr.core.db import Connection
from gosellr.core.rate_limit import (
    RateLimit,
    headers_of,
    network_of,
    usage_of,
    window_at,
)
from gosellr.services import rate_limit_service
from tests.web.visitor import Visitor

NOW = datetime(2026, 3, 2, 9, 0, 10, tzinfo=UTC)
TEN_A_MINUTE = RateLimit("ten", 10, 60)


def test_a_window_names_nobody() -> None:
    window = window_at(TEN_A_MINUTE, subject="ada@example.com", now=NOW)
    assert "ada" not in window.key
    assert window.seconds_left == 50
    assert window.expires_at == NOW + timedelta(seconds=110)
    following = window_at(TEN_A_MINUTE, subject="ada@example.com", now=NOW + timedelta(seconds=50))
    assert following.previous_key == window.key
    assert window_at(TEN_A_MINUTE, subject="bob", now=NOW).key != window.key


def test_the_window_before_counts_for_what_it_still_covers() -> None:
    window = window_at(TEN_A_MINUTE, subject="ada", now=NOW)
    usage = usage_of(window, hits=2, previous_hits=9)
    assert (usage.used, usage.remaining, usage.is_exceeded) == (2 + 9 * 50 // 60, 1, False)
    assert usage_of(window, hits=4, previous_hits=9).is_exceeded
    assert usage_of(window, hits=10, previous_hits=0).is_exceeded is False


def test_headers_tell_all_limits() -> None:
    window = window_at(TEN_A_MINUTE, subject="ada", now=NOW)
    usages = [usage_of(window, hits=2, previous_hits=0), usage_of(window, hits=99, previous_hits=0)]
    assert headers_of(usages) == {
        "RateLimit-Policy": '"ten";q=10;w=60, "ten";q=10;w=60',
        "RateLimit": '"ten";r=8;t=50, "ten";r=0;t=50',
    }


@pytest.mark.parametrize(
    ("address", "network"),
    [
        ("203.0.113.7", "203.0.113.7"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("2001:db8:1:2:ffff::", "2001:db8:1:2::/64"),
        ("::ffff:203.0.113.7", "203.0.113.7"),
        ("", "unknown"),
        (None, "unknown"),
        ("testclient", "unknown"),
    ],
)
def test_households_are_one_subject(address: str | None, network: str) -> None:
    assert network_of(address) == network


def test_what_somebody_may_write_at_will_is_not_kept() -> None:
    long = "fe80::1%" + "x" * 5_000
    before = rate_limit._known_network.cache_info().currsize
    assert network_of(long) == "fe80::/64"
    assert network_of("x" * 5_000) == "unknown"
    assert rate_limit._known_network.cache_info().currsize == before
    assert rate_limit._known_network.cache_info().maxsize == 4_096


async def test_counting_is_per_limit_and_subject(connection: Connection) -> None:
    other = RateLimit("other", 2, 60)

    async def used(subject: str, *, now: datetime = NOW) -> list[int]:
        subjects = [(TEN_A_MINUTE, subject), (other, "everybody")]
        usages = await rate_limit_service.count(connection, subjects=subjects, now=now)
        return [usage.used for usage in usages]

    assert await used("ada") == [1, 1]
    assert await used("ada") == [2, 2]
    assert await used("bob") == [1, 3]
    # 50 seconds on, a new window begins, and the whole of the old one is still in sight.
    assert await used("ada", now=NOW + timedelta(seconds=50)) == [1 + 2, 1 + 3]
    assert await used("ada", now=NOW + timedelta(seconds=170)) == [1, 1]


async def test_passed_windows_are_forgotten(connection: Connection) -> None:
    await rate_limit_service.count(connection, subjects=[(TEN_A_MINUTE, "ada")], now=NOW)
    await rate_limit_service.forget_expired(connection, now=NOW + timedelta(seconds=110))
    assert await connection.fetchval("SELECT count(*) FROM rate_window") == 1
    await rate_limit_service.forget_expired(connection, now=NOW + timedelta(seconds=111))
    assert await connection.fetchval("SELECT count(*) FROM rate_window") == 0


class TestAtTheDoor:
    """With limits switched on."""

    @pytest.fixture
    def settings(self, settings: Settings) -> Settings:
        """The test's settings, with limits."""
        return settings.model_copy(update={"rate_limits": True})

    async def test_failed_sign_ins_count_and_end(
        self, client: httpx2.AsyncClient, clock: ManualClock
    ) -> None:
        form = {"username": "ada@example.com", "password": "a guess"}
        for number in range(10):
            answer = await client.post("/api/v1/auth/token", data=form)
            assert answer.status_code == 401
            assert f'"login-account";r={9 - number};' in answer.headers["RateLimit"]
        blocked = await client.post(
            "/api/v1/auth/token", data=form | {"username": "ADA@example.com"}
        )
        assert (blocked.status_code, blocked.json()["code"]) == (429, "too_many_requests")
        assert blocked.headers["Retry-After"] == "900"
        assert '"login-account";q=10;w=900' in blocked.headers["RateLimit-Policy"]
        others = await client.post(
            "/api/v1/auth/token", data=form | {"username": "bob@example.com"}
        )
        assert others.status_code == 401
        clock.advance(timedelta(minutes=30))
        assert (await client.post("/api/v1/auth/token", data=form)).status_code == 401

    async def test_right_passwords_lock_nobody_out(self, client: httpx2.AsyncClient) -> None:
        someone = {"email": "ada@example.com", "password": "correct horse battery staple"}
        made = await client.post("/api/v1/auth/register", json=someone | {"name": "Ada"})
        assert made.status_code == 201
        right = {"username": someone["email"], "password": someone["password"]}
        for _ in range(12):
            answer = await client.post("/api/v1/auth/token", data=right)
            assert answer.status_code == 200
        for _ in range(12):
            client.cookies.clear()
            visitor = Visitor(client)
            await visitor.go("/sign-in")
            await visitor.send("/sign-in", **someone)
            assert visitor.page.status_code == 200
            assert visitor.path != "/sign-in"
        client.cookies.clear()
        guess = right | {"password": "a guess"}
        for number in range(10):
            answer = await client.post("/api/v1/auth/token", data=guess)
            assert answer.status_code == 401
            assert f'"login-account";r={9 - number};' in answer.headers["RateLimit"]
        # They give nothing back to who guesses.
        assert (await client.post("/api/v1/auth/token", data=right)).status_code == 429

    async def test_registering_is_limited_per_address(self, client: httpx2.AsyncClient) -> None:
        statuses = [
            (await client.post("/api/v1/auth/register", json={})).status_code for _ in range(21)
        ]
        assert statuses == [422] * 20 + [429]


async def test_without_limits_nothing_is_counted(
    client: httpx2.AsyncClient, connection: Connection
) -> None:
    form = {"username": "ada@example.com", "password": "a guess"}
    answer = await client.post("/api/v1/auth/token", data=form)
    assert "RateLimit" not in answer.headers
    assert await connection.fetchval("SELECT count(*) FROM rate_window") == 0
