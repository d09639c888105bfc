"""The feed and the dead letters, at the door."""

from uuid import UUID

import httpx2
import pytest

from gosellr.core.clock import ManualClock
from gosellr.core.db import Connection
from gosellr.core.identity import new_id
from gosellr.models.events import Fact, FactType
from gosellr.queries import outbox
from gosellr.resources import Resources
from tests.factories.accounts import bearer, make_operator, make_user

ORDER_ID = new_id()


@pytest.fixture
async def operator(
    resources: Resources, connection: Connection, clock: ManualClock
) -> dict[str, str]:
    """The headers of an operator."""
    user = await make_operator(connection, now=clock.now())
    return await bearer(resources, user)


async def _tell(connection: Connection, clock: ManualClock) -> list[UUID]:
    """Three facts, already numbered: the relay itself can't see what isn't committed."""
    kinds = (FactType.ORDER_PLACED, FactType.ORDER_PAID, FactType.ORDER_PLACED)
    facts = [Fact(kind, ORDER_ID, {"total": 5}) for kind in kinds]
    await outbox.append(connection, facts, now=clock.now())
    rows = await connection.fetch(
        "SELECT sequence, id FROM outbox_event WHERE aggregate_id = $1 ORDER BY sequence", ORDER_ID
    )
    await outbox.number(
        connection, event_sequences=[row["sequence"] for row in rows], after_position=0
    )
    return [row["id"] for row in rows]


async def test_feed_is_read_page_by_page(
    client: httpx2.AsyncClient, connection: Connection, clock: ManualClock, operator: dict[str, str]
) -> None:
    ids = await _tell(connection, clock)
    answer = await client.get("/api/v1/events?limit=2", headers=operator)
    assert answer.status_code == 200
    assert answer.json()["items"][1] == {
        "sequence": 2,
        "id": str(ids[1]),
        "type": "order.paid",
        "aggregate_type": "order",
        "aggregate_id": str(ORDER_ID),
        "data": {"total": 5},
        "occurred_at": "2026-03-02T09:00:00Z",
    }
    assert answer.json()["next_after"] == 2
    rest = (await client.get("/api/v1/events?after=2", headers=operator)).json()
    assert [item["sequence"] for item in rest["items"]] == [3]
    end = (await client.get("/api/v1/events?after=3", headers=operator)).json()
    assert end == {"items": [], "next_after": 3}


async def test_feed_is_filtered_by_types(
    client: httpx2.AsyncClient, connection: Connection, clock: ManualClock, operator: dict[str, str]
) -> None:
    await _tell(connection, clock)
    answer = await client.get(
        "/api/v1/events?types=order.placed&types=order.expired", headers=operator
    )
    assert [item["sequence"] for item in answer.json()["items"]] == [1, 3]


@pytest.mark.parametrize(
    "question", ["after=-1", "after=x", "types=order.lost", "limit=0", "limit=501", "page=1"]
)
async def test_feed_refuses_what_it_does_not_know(
    client: httpx2.AsyncClient, operator: dict[str, str], question: str
) -> None:
    answer = await client.get(f"/api/v1/events?{question}", headers=operator)
    assert answer.status_code == 422


async def _dead_job(connection: Connection, clock: ManualClock, number: int) -> int:
    job_id: int = await connection.fetchval(
        "INSERT INTO procrastinate_jobs (queue_name, task_name, queueing_lock, status, attempts)"
        " VALUES ('market', 'reaction.mail', $1, 'failed', 8) RETURNING id",
        f"reaction.mail:{number}",
    )
    await connection.execute(
        "INSERT INTO job_failure VALUES ($1, 8, 'OSError: closed', $2)", job_id, clock.now()
    )
    return job_id


async def test_dead_letters_are_listed_and_sent_again(
    client: httpx2.AsyncClient, connection: Connection, clock: ManualClock, operator: dict[str, str]
) -> None:
    older, newer = [await _dead_job(connection, clock, number) for number in (1, 2)]
    first = (await client.get("/api/v1/jobs/dead?limit=1", headers=operator)).json()
    assert first["items"] == [
        {
            "id": newer,
            "task": "reaction.mail",
            "args": {},
            "attempts": 8,
            "error": "OSError: closed",
            "failed_at": "2026-03-02T09:00:00Z",
        }
    ]
    second = await client.get(
        "/api/v1/jobs/dead", params={"cursor": first["next_cursor"]}, headers=operator
    )
    assert [job["id"] for job in second.json()["items"]] == [older]
    assert second.json()["next_cursor"] is None

    sent = await client.post(f"/api/v1/jobs/{older}/retry", headers=operator)
    assert (sent.status_code, sent.content) == (204, b"")
    again = await client.post(f"/api/v1/jobs/{older}/retry", headers=operator)
    assert (again.status_code, again.json()["code"]) == (409, "job_not_dead")
    missing = await client.post("/api/v1/jobs/999999999/retry", headers=operator)
    assert missing.status_code == 404
    left = (await client.get("/api/v1/jobs/dead", headers=operator)).json()
    assert [job["id"] for job in left["items"]] == [newer]


@pytest.mark.parametrize("call", ["GET /events", "GET /jobs/dead", "POST /jobs/1/retry"])
async def test_only_operators(
    client: httpx2.AsyncClient, resources: Resources, connection: Connection, call: str
) -> None:
    method, path = call.split()
    assert (await client.request(method, f"/api/v1{path}")).status_code == 401
    buyer = await make_user(connection, now=resources.clock.now())
    headers = await bearer(resources, buyer)
    assert (await client.request(method, f"/api/v1{path}", headers=headers)).status_code == 403
