"""Sellers at the door: registering, being seen, changing, and what operators decide."""

import asyncio
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any
from uuid import uuid4

import httpx2
import pytest

from gosellr.config import Settings
from gosellr.core.clock import ManualClock
from gosellr.core.db import Connection
from gosellr.core.identity import new_id
from gosellr.resources import Resources
from gosellr.utils.permissions import MemberRole
from tests.factories.accounts import (
    add_member,
    bearer,
    make_operator,
    make_seller,
    make_support,
    make_user,
)

APPLICATION = {
    "name": "Ærø Lamps & Söhne",
    "legal_name": "Ærø Lamps ApS",
    "email": "hello@aero.example",
    "country": "DK",
}
PRIVATE = ("email", "status_reason")


async def facts_of(connection: Connection, seller_id: Any) -> list[str]:
    rows = await connection.fetch(
        "SELECT type FROM outbox_event WHERE aggregate_id = $1 ORDER BY sequence", seller_id
    )
    return [row["type"] for row in rows]


async def test_whoever_registers_owns_the_seller_from_the_next_request_on(
    client: httpx2.AsyncClient, connection: Connection, resources: Resources, clock: ManualClock
) -> None:
    headers = await bearer(resources, await make_user(connection, now=clock.now()))
    answer = await client.post("/api/v1/sellers/register", json=APPLICATION, headers=headers)
    assert answer.status_code == 201
    seller = answer.json()
    assert seller == {
        **APPLICATION,
        "id": seller["id"],
        "slug": "aero-lamps-sohne",
        "status": "applied",
        "status_reason": None,
        "description": "",
        "logo": None,
        "rating": {"average": 0, "count": 0},
        "policies": {},
        "created_at": "2026-03-02T09:00:00.000000Z",
        "approved_at": None,
        "version": 1,
    }
    me = (await client.get("/api/v1/auth/me", headers=headers)).json()
    assert me["roles"] == ["buyer", "seller"]
    assert me["memberships"] == [{"seller_id": seller["id"], "role": "owner"}]
    # Its owner's old token opens the seller's doors; nobody else sees it before it is approved.
    change = {"description": "Lamps"}
    path = f"/api/v1/sellers/{seller['id']}"
    assert (await client.put(path, json=change, headers=headers)).status_code == 200
    assert (await client.get(path, headers=headers)).status_code == 200
    assert (await client.get(path)).status_code == 404
    places = await connection.fetch(
        "SELECT name, is_default FROM stock_location WHERE seller_id = $1", seller["id"]
    )
    assert [tuple(place) for place in places] == [("Main", True)]
    assert await facts_of(connection, seller["id"]) == ["seller.registered", "seller.updated"]


class TestAutomaticApproval:
    """GOSELLR_SELLER_APPROVAL=auto."""

    @pytest.fixture
    def settings(self, settings: Settings) -> Settings:
        """The test's settings, with automatic approval."""
        return settings.model_copy(update={"seller_approval": "auto"})

    async def test_sellers_are_on_sale_at_once(
        self,
        client: httpx2.AsyncClient,
        connection: Connection,
        resources: Resources,
        clock: ManualClock,
    ) -> None:
        headers = await bearer(resources, await make_user(connection, now=clock.now()))
        answer = await client.post("/api/v1/sellers/register", json=APPLICATION, headers=headers)
        seller = answer.json()
        assert (seller["status"], seller["approved_at"]) == ("active", seller["created_at"])
        assert (await client.get(f"/api/v1/sellers/{seller['id']}")).status_code == 200
        assert await facts_of(connection, seller["id"]) == ["seller.registered", "seller.approved"]


async def test_slugs_are_numbered_when_taken(connection: Connection, clock: ManualClock) -> None:
    for _ in range(3):
        await make_seller(connection, now=clock.now(), name="Blue Lamp")
    await make_seller(connection, now=clock.now(), name="★☆★")
    slugs = await connection.fetch("SELECT slug FROM seller ORDER BY slug")
    assert [row["slug"] for row in slugs] == ["blue-lamp", "blue-lamp-2", "blue-lamp-3", "shop"]


@pytest.mark.case(66)
@pytest.mark.parametrize("method", ["POST", "PUT"])
@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("id", "833e62a5-200f-40c9-89d4-6c7f0c16e975"),
        ("slug", "mine"), ("status", "active"), ("status_reason", "x"),
        ("rating_sum", 500), ("rating_count", 100), ("rating", {"average": 5, "count": 9}),
        ("created_at", "2020-01-01T00:00:00Z"), ("updated_at", "2020-01-01T00:00:00Z"),
        ("approved_at", "2020-01-01T00:00:00Z"),
        ("owner_id", "439de3e0-4e47-4380-a11e-2d6fc8ec429a"),
        ("members", []),
        ("user_id", "6f2d5a8e-5b5d-4c7a-9c57-0d3b8f1c2e11"),
        ("role", "owner"), ("commission_bps", 0),
    ],
)  # fmt: skip
async def test_case_66_columns_cant_be_assigned(
    client: httpx2.AsyncClient,
    connection: Connection,
    resources: Resources,
    clock: ManualClock,
    method: str,
    field: str,
    value: Any,
) -> None:
    seller = await make_seller(connection, now=clock.now())
    headers = await bearer(resources, seller.owner)
    before = await connection.fetch("SELECT * FROM seller")
    path = "/api/v1/sellers/register" if method == "POST" else f"/api/v1/sellers/{seller.id}"
    answer = await client.request(method, path, json={**APPLICATION, field: value}, headers=headers)
    assert answer.status_code == 422
    assert [error["field"] for error in answer.json()["errors"]] == [field]
    assert await connection.fetch("SELECT * FROM seller") == before


@pytest.mark.parametrize(
    "change",
    [
        {"country": "XX"}, {"country": "de"}, {"country": "DEU"}, {"name": None}, {"name": " "},
        {"email": "nobody"}, {"description": None}, {"policies": None}, {"policies": {"x": "y"}},
        {"policies": {"returns": 3}}, {"version": 0}, {"version": True}, {"version": "1"},
        {"version": 1.0}, {"name": "a\u202eb"}, {"logo_media_id": "x"},
        {"logo_media_id": str(uuid4())},
    ],
)  # fmt: skip
async def test_malformed_changes_are_refused(
    client: httpx2.AsyncClient,
    connection: Connection,
    resources: Resources,
    clock: ManualClock,
    change: dict[str, Any],
) -> None:
    seller = await make_seller(connection, now=clock.now())
    headers = await bearer(resources, seller.owner)
    answer = await client.put(f"/api/v1/sellers/{seller.id}", json=change, headers=headers)
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["field"].split(".")[0] == next(iter(change))


async def test_changes_merge_and_versions_guard_them(
    client: httpx2.AsyncClient, connection: Connection, resources: Resources, clock: ManualClock
) -> None:
    seller = await make_seller(connection, now=clock.now())
    headers = await bearer(resources, seller.owner)
    path = f"/api/v1/sellers/{seller.id}"
    before = (await client.get(path, headers=headers)).json()
    first = {"name": "Green Lamp", "policies": {"returns": "30 days"}, "version": 1}
    changed = await client.put(path, json=first, headers=headers)
    assert changed.json() == {
        **before,
        "name": "Green Lamp",
        "policies": {"returns": "30 days"},
        "version": 2,
    }
    stale = await client.put(path, json={"name": "Red Lamp", "version": 1}, headers=headers)
    assert (stale.status_code, stale.json()["code"], stale.json()["version"]) == (
        409,
        "version_conflict",
        2,
    )
    stale = await client.put(path, json={"name": "Red"}, headers={**headers, "If-Match": '"1"'})
    assert stale.status_code == 409
    second = await client.put(
        path, json={"policies": {"shipping": "Fast"}}, headers={**headers, "If-Match": '"2"'}
    )
    assert second.json() == {
        **changed.json(),
        "policies": {"returns": "30 days", "shipping": "Fast"},
        "version": 3,
    }


@pytest.mark.case(62)
async def test_case_62_a_seller_is_changed_by_its_own_only(
    client: httpx2.AsyncClient, connection: Connection, resources: Resources, clock: ManualClock
) -> None:
    now = clock.now()
    seller = await make_seller(connection, now=now)
    rival = await make_seller(connection, now=now, name="Rival")
    people = {
        "owner": seller.owner,
        "manager": await add_member(connection, now=now, seller=seller, role=MemberRole.MANAGER),
        "viewer": await add_member(connection, now=now, seller=seller, role=MemberRole.VIEWER),
        "rival": rival.owner,
        "buyer": await make_user(connection, now=now),
        "support": await make_support(connection, now=now),
        "operator": await make_operator(connection, now=now),
    }
    own, absent = f"/api/v1/sellers/{seller.id}", f"/api/v1/sellers/{new_id()}"
    answers = {}
    for who, user in people.items():
        headers = await bearer(resources, user)
        answers[who] = tuple(
            [
                (await client.put(path, json={"description": who}, headers=headers)).status_code
                for path in (own, absent)
            ]
        )
    assert answers == {
        "owner": (200, 404),
        "manager": (200, 404),
        "viewer": (403, 404),
        "rival": (404, 404),
        "buyer": (403, 403),
        "support": (403, 403),
        "operator": (200, 404),
    }
    description = await connection.fetchval(
        "SELECT description FROM seller WHERE id = $1", seller.id
    )
    assert description == "operator"


async def test_somebody_of_support_who_sells_changes_only_their_own(
    client: httpx2.AsyncClient, connection: Connection, resources: Resources, clock: ManualClock
) -> None:
    helper = await make_support(connection, now=clock.now())
    await make_seller(connection, now=clock.now(), name="Sideline", owner=helper)
    other = await make_seller(connection, now=clock.now())
    headers = await bearer(resources, helper)
    path = f"/api/v1/sellers/{other.id}"
    assert (await client.get(f"{path}/members", headers=headers)).status_code == 200
    assert (await client.put(path, json={"name": "X"}, headers=headers)).status_code == 404


async def test_the_public_sees_who_sells_and_not_how_to_write_to_them(
    client: httpx2.AsyncClient, connection: Connection, resources: Resources, clock: ManualClock
) -> None:
    seller = await make_seller(connection, now=clock.now())
    path = f"/api/v1/sellers/{seller.id}"
    public = (await client.get(path)).json()
    assert [public[field] for field in PRIVATE] == [None, None]
    assert public["legal_name"] == "Blue Lamp GmbH"
    operator = await make_operator(connection, now=clock.now())
    for user in (seller.owner, operator):
        seen = (await client.get(path, headers=await bearer(resources, user))).json()
        assert seen == {**public, "email": seller.owner.email}


async def test_the_list_pages_through_what_is_on_sale(
    client: httpx2.AsyncClient,
    connection: Connection,
    clock: ManualClock,
    query_count: Callable[[], int],
) -> None:
    made: list[tuple[datetime, str]] = []
    for number in range(5):
        # Two are made in the same moment: the id decides between them.
        clock.advance(timedelta(seconds=number % 2))
        seller = await make_seller(connection, now=clock.now(), name=f"S{number}")
        made.append((clock.now(), str(seller.id)))
    await make_seller(connection, now=clock.now(), name="Waiting", status="applied")
    await make_seller(connection, now=clock.now(), name="Gone", status="suspended")
    seen: list[str] = []
    cursor = None
    for size in (2, 2, 1):
        await asyncio.sleep(0)
        query_count()
        query = {"limit": 2} | ({"cursor": cursor} if cursor else {})
        page = (await client.get("/api/v1/sellers/", params=query)).json()
        await asyncio.sleep(0)
        assert query_count() == 1
        assert len(page["items"]) == size
        seen += [seller["id"] for seller in page["items"]]
        cursor = page["next_cursor"]
        # What is added meanwhile comes before the first page and moves nothing.
        clock.advance(timedelta(seconds=1))
        await make_seller(connection, now=clock.now(), name="Newcomer")
    assert cursor is None
    assert seen == [seller_id for _, seller_id in sorted(made, reverse=True)]


async def test_the_list_finds_by_name_and_for_operators_by_status(
    client: httpx2.AsyncClient, connection: Connection, resources: Resources, clock: ManualClock
) -> None:
    now = clock.now()
    await make_seller(connection, now=now, name="Café Noir")
    await make_seller(connection, now=now, name="100% Lamp")
    await make_seller(connection, now=now, name="Late Café", status="suspended")

    async def names(query: str, headers: dict[str, str] | None = None) -> list[str]:
        answer = await client.get(f"/api/v1/sellers?{query}", headers=headers)
        return sorted(seller["name"] for seller in answer.json()["items"])

    assert await names("q=CAFE") == ["Café Noir"]
    assert await names("q=%25") == ["100% Lamp"]
    assert await names("q=_") == []
    assert await names("status=active") == ["100% Lamp", "Café Noir"]
    refused = await client.get("/api/v1/sellers/?status=suspended")
    assert refused.status_code == 403
    operator = await bearer(resources, await make_operator(connection, now=now))
    assert await names("status=suspended", operator) == ["Late Café"]
    assert await names("q=cafe", operator) == ["Café Noir", "Late Café"]


@pytest.mark.parametrize(
    "query",
    [
        "limit=0", "limit=101", "limit=x", "cursor=x", "cursor=WyJhIiwiYiJd", "status=open",
        "colour=red", "cursor=WyIyMDI2LTAzLTAyVDA5OjAwOjAwIiwiMDEiXQ",
    ],
)  # fmt: skip
async def test_malformed_queries_are_refused(client: httpx2.AsyncClient, query: str) -> None:
    assert (await client.get(f"/api/v1/sellers/?{query}")).status_code == 422
