"""Past saturation callers are sent away at the door, lookers before buyers, and nothing is lost."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager

import httpx2
import pytest

from gosellr.api import load_shedding
from gosellr.api.load_shedding import Doorkeeper
from gosellr.core.db import KEPT_AHEAD, Database
from gosellr.resources import Resources
from tests.core.test_db import until_waiting

PAGE = "/api/v1/products/0c0ffee0-7b0d-4d6e-9a1b-5e0a3c2f1d90"


@asynccontextmanager
async def queue_of(db: Database, number: int) -> AsyncIterator[None]:
    """All connections that they may have are taken, and so many wait for one."""

    async def wait() -> None:
        async with db.connection():
            pass

    async with AsyncExitStack() as taken:
        for _ in range(6 - KEPT_AHEAD):
            await taken.enter_async_context(db.connection())
        waiting = [asyncio.create_task(wait()) for _ in range(number)]
        await until_waiting(db, number)
        try:
            yield
        finally:
            for one in waiting:
                one.cancel()


@pytest.fixture(autouse=True)
def patience(monkeypatch: pytest.MonkeyPatch) -> None:
    """Only the length of the queue decides: a clock has no place in a test."""
    monkeypatch.setattr(load_shedding, "LOOKERS", (60.0, 4))
    monkeypatch.setattr(load_shedding, "BUYERS", (60.0, 8))


async def test_lookers_are_sent_away_first(
    live: Resources, live_client: httpx2.AsyncClient
) -> None:
    async with queue_of(live.db, 4):
        answer = await live_client.get(PAGE)
        assert (answer.status_code, answer.headers["Retry-After"]) == (503, "1")
        assert answer.headers["Content-Type"] == "application/problem+json"
        assert answer.json()["code"] == "service_unavailable"
        assert answer.json()["request_id"] == answer.headers["X-Request-ID"]
        assert answer.headers["Cache-Control"] == "no-store"
        buying = asyncio.create_task(live_client.post("/api/v1/carts"))
        await until_waiting(live.db, 5)
    assert (await buying).status_code == 201


async def test_buyers_are_sent_away_when_even_they_are_too_many(
    live: Resources, live_client: httpx2.AsyncClient
) -> None:
    async with queue_of(live.db, 8):
        answer = await live_client.post("/api/v1/carts")
    assert (answer.status_code, answer.headers["Retry-After"]) == (503, "1")
    assert (await live_client.post("/api/v1/carts")).status_code == 201


async def test_whoever_has_waited_too_long_closes_the_door(
    live: Resources, live_client: httpx2.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(load_shedding, "LOOKERS", (0.0, 1000))
    assert (await live_client.get(PAGE)).status_code == 404
    async with queue_of(live.db, 1):
        assert (await live_client.get(PAGE)).status_code == 503


async def test_some_wait_inside_before_anybody_is_sent_away(
    live: Resources, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(load_shedding, "WAITING", (60.0, 1))
    keeper = Doorkeeper(live)
    assert not keeper.is_waited_inside()
    async with queue_of(live.db, 1):
        assert keeper.is_waited_inside()
        assert keeper.refusal(b"POST", b"/api/v1/orders", []) is None


async def test_what_needs_no_database_is_answered(
    live: Resources, live_client: httpx2.AsyncClient
) -> None:
    async with queue_of(live.db, 20):
        assert (await live_client.get("/healthz")).status_code == 200
        assert (await live_client.get("/static/nothing.css")).status_code == 404


async def test_a_person_sees_a_page(live: Resources, live_client: httpx2.AsyncClient) -> None:
    async with queue_of(live.db, 20):
        answer = await live_client.get("/", headers={"Accept": "text/html"})
    assert (answer.status_code, answer.headers["Retry-After"]) == (503, "1")
    assert "Please try again in a moment" in answer.text


async def test_the_doorkeeper_answers_as_the_application_would(
    live: Resources, live_client: httpx2.AsyncClient
) -> None:
    keeper = Doorkeeper(live)
    async with queue_of(live.db, 8):
        refusals = [keeper.refusal(b"POST", b"/api/v1/carts", []) for _ in range(2)]
        answer = await live_client.post("/api/v1/carts")
    ids = set()
    for refusal in refusals:
        assert refusal is not None
        status, *lines = refusal.head.decode().removesuffix("\r\n").split("\r\n")
        headers = httpx2.Headers([line.split(": ", 1) for line in lines])  # type: ignore[misc]
        document = json.loads(refusal.body)
        assert status == f"HTTP/1.1 {answer.status_code} Service Unavailable"
        assert int(headers["Content-Length"]) == len(refusal.body)
        assert document["request_id"] == headers["X-Request-ID"]
        ids.add(document["request_id"])
        own = {"x-request-id": answer.headers["X-Request-ID"]}
        assert dict(headers) | own == dict(answer.headers)
        assert document | {"request_id": own["x-request-id"]} == answer.json()
    assert len(ids) == 2
    assert keeper.refusal(b"POST", b"/api/v1/carts", []) is None


@pytest.mark.parametrize(
    ("method", "url", "header"),
    [
        (b"GET", b"/api/v1/products", b"accept"),
        (b"HEAD", b"/api/v1/products", b"accept"),
        (b"OPTIONS", b"/api/v1/carts", b"accept"),
        (b"POST", b"/cart/items", b"accept"),
        (b"POST", b"/api/v1/carts", b"x-request-id"),
        (b"POST", b"/api/v1/carts", b"origin"),
    ],
)
async def test_whom_the_doorkeeper_leaves_to_the_application(
    live: Resources, method: bytes, url: bytes, header: bytes
) -> None:
    async with queue_of(live.db, 8):
        keeper = Doorkeeper(live)
        assert keeper.refusal(b"DELETE", b"/api/v1/carts", [(b"accept", b"1")]) is not None
        assert keeper.refusal(method, url, [(header, b"1")]) is None
