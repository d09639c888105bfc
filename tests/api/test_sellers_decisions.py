"""What operators decide about sellers, and what becomes of their offers."""

from uuid import UUID

import httpx2
import pytest

from gosellr.core.clock import ManualClock
from gosellr.core.db import Connection
from gosellr.core.identity import new_id
from gosellr.resources import Resources
from tests.factories.accounts import bearer, make_operator, make_seller
from tests.factories.catalogue import make_product

STEPS = ("approve", "reject", "suspend", "reinstate")


async def test_an_application_is_approved(
    client: httpx2.AsyncClient, connection: Connection, resources: Resources, clock: ManualClock
) -> None:
    seller = await make_seller(connection, now=clock.now(), status="applied")
    headers = await bearer(resources, await make_operator(connection, now=clock.now()))
    answer = await client.post(f"/api/v1/sellers/{seller.id}/approve", headers=headers)
    assert answer.status_code == 200
    assert answer.json()["status"] == "active"
    assert answer.json()["approved_at"] == "2026-03-02T09:00:00.000000Z"
    assert answer.json()["version"] == 2
    fact = await connection.fetchrow(
        "SELECT type, data FROM outbox_event WHERE aggregate_id = $1 ORDER BY sequence DESC",
        seller.id,
    )
    assert fact is not None
    assert (fact["type"], fact["data"]["from"]) == ("seller.approved", "applied")


async def test_whoever_is_turned_down_learns_why(
    client: httpx2.AsyncClient, connection: Connection, resources: Resources, clock: ManualClock
) -> None:
    seller = await make_seller(connection, now=clock.now(), status="applied")
    headers = await bearer(resources, await make_operator(connection, now=clock.now()))
    path = f"/api/v1/sellers/{seller.id}/reject"
    silent = await client.post(path, headers=headers)
    assert (silent.status_code, silent.json()["errors"][0]["code"]) == (422, "reason_needed")
    answer = await client.post(path, headers=headers, json={"reason": "No imprint"})
    assert answer.json()["status"] == "rejected"
    owner = await bearer(resources, seller.owner)
    seen = (await client.get(f"/api/v1/sellers/{seller.id}", headers=owner)).json()
    assert (seen["status"], seen["status_reason"]) == ("rejected", "No imprint")
    assert (await client.get(f"/api/v1/sellers/{seller.id}")).status_code == 404


async def test_suspending_hides_every_offer_and_reinstating_shows_the_active_ones(
    client: httpx2.AsyncClient, connection: Connection, resources: Resources, clock: ManualClock
) -> None:
    now = clock.now()
    seller = await make_seller(connection, now=now)
    other = await make_seller(connection, now=now, name="Other")
    active = (await make_product(connection, seller=seller, now=now)).id
    draft = (await make_product(connection, seller=seller, now=now, active=False)).id
    others = (await make_product(connection, seller=other, now=now)).id
    headers = await bearer(resources, await make_operator(connection, now=now))

    async def visible() -> set[UUID]:
        rows = await connection.fetch("SELECT product_id FROM product_card WHERE visible")
        return {row["product_id"] for row in rows}

    assert await visible() == {active, others}
    path = f"/api/v1/sellers/{seller.id}"
    body = {"reason": "Complaints"}
    suspended = await client.post(f"{path}/suspend", headers=headers, json=body)
    assert suspended.json()["status"] == "suspended"
    assert await visible() == {others}
    assert (await client.get(path)).status_code == 404
    reinstated = await client.post(f"{path}/reinstate", headers=headers)
    assert (reinstated.json()["status"], reinstated.json()["status_reason"]) == ("active", None)
    assert await visible() == {active, others}
    assert draft not in await visible()


@pytest.mark.parametrize(
    ("status", "allowed"),
    [
        ("applied", {"approve", "reject"}), ("in_review", {"approve", "reject"}),
        ("active", {"suspend"}), ("on_holiday", {"suspend"}), ("suspended", {"reinstate"}),
        ("rejected", set()), ("terminated", set()),
    ],
)  # fmt: skip
async def test_only_listed_steps_are_taken(
    client: httpx2.AsyncClient,
    connection: Connection,
    resources: Resources,
    clock: ManualClock,
    status: str,
    allowed: set[str],
) -> None:
    seller = await make_seller(connection, now=clock.now())
    headers = await bearer(resources, await make_operator(connection, now=clock.now()))
    for step in STEPS:
        await connection.execute("UPDATE seller SET status = $2 WHERE id = $1", seller.id, status)
        answer = await client.post(
            f"/api/v1/sellers/{seller.id}/{step}", headers=headers, json={"reason": "for a test"}
        )
        if step in allowed:
            assert answer.status_code == 200
            continue
        assert (answer.status_code, answer.json()["code"]) == (409, "transition_not_allowed")
        assert set(answer.json()["allowed"]) == allowed
        kept = await connection.fetchval("SELECT status FROM seller WHERE id = $1", seller.id)
        assert kept == status


@pytest.mark.parametrize("step", STEPS)
async def test_sellers_dont_decide_about_themselves(
    client: httpx2.AsyncClient,
    connection: Connection,
    resources: Resources,
    clock: ManualClock,
    step: str,
) -> None:
    seller = await make_seller(connection, now=clock.now(), status="applied")
    headers = await bearer(resources, seller.owner)
    answer = await client.post(
        f"/api/v1/sellers/{seller.id}/{step}", headers=headers, json={"reason": "please"}
    )
    assert answer.status_code == 403


@pytest.mark.parametrize("step", STEPS)
async def test_absent_sellers_are_not_found(
    client: httpx2.AsyncClient,
    connection: Connection,
    resources: Resources,
    clock: ManualClock,
    step: str,
) -> None:
    headers = await bearer(resources, await make_operator(connection, now=clock.now()))
    answer = await client.post(
        f"/api/v1/sellers/{new_id()}/{step}", headers=headers, json={"reason": "please"}
    )
    assert answer.status_code == 404
