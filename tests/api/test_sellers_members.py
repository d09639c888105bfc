"""The people who act for a seller."""

import asyncio
from collections.abc import Callable

import httpx2
import pytest

from gosellr.core.clock import ManualClock
from gosellr.core.db import Connection, Database
from gosellr.core.embedded_postgres import APPLICATION_ROLE, Cluster
from gosellr.core.transact import transact
from gosellr.resources import Resources
from gosellr.services import seller_member_service
from gosellr.services.seller_member_service import LastOwner
from gosellr.utils.permissions import MemberRole
from gosellr.utils.viewer import Viewer
from tests.factories.accounts import add_member, bearer, make_operator, make_seller, make_user


async def test_members_come_and_go_at_once(
    client: httpx2.AsyncClient, connection: Connection, resources: Resources, clock: ManualClock
) -> None:
    seller = await make_seller(connection, now=clock.now())
    owner = await bearer(resources, seller.owner)
    helper = await make_user(connection, now=clock.now(), email="Helper@example.com", name="Hal")
    headers = await bearer(resources, helper)
    path = f"/api/v1/sellers/{seller.id}/members"
    assert (await client.get(path, headers=headers)).status_code == 403

    body = {"email": "helper@EXAMPLE.com", "role": "manager"}
    added = await client.post(path, json=body, headers=owner)
    assert added.status_code == 201
    assert added.json() == {
        "user_id": str(helper.id),
        "name": "Hal",
        "email": "Helper@example.com",
        "role": "manager",
        "created_at": "2026-03-02T09:00:00Z",
    }
    listed = await client.get(path, headers=headers)
    assert [(one["name"], one["role"]) for one in listed.json()["items"]] == [
        ("Owner of Blue Lamp", "owner"),
        ("Hal", "manager"),
    ]
    assert listed.json()["next_cursor"] is None
    # A manager works, and lets nobody in.
    assert (await client.post(path, json=body, headers=headers)).status_code == 403
    again = await client.post(path, json=body, headers=owner)
    assert (again.status_code, again.json()["code"]) == (409, "already_member")

    changed = await client.patch(f"{path}/{helper.id}", json={"role": "viewer"}, headers=owner)
    assert (changed.status_code, changed.json()["role"]) == (200, "viewer")
    me = (await client.get("/api/v1/auth/me", headers=headers)).json()
    assert me["memberships"] == [{"seller_id": str(seller.id), "role": "viewer"}]

    gone = await client.delete(f"{path}/{helper.id}", headers=owner)
    assert (gone.status_code, gone.content) == (204, b"")
    me = (await client.get("/api/v1/auth/me", headers=headers)).json()
    assert (me["memberships"], me["roles"]) == ([], ["buyer"])
    assert (await client.delete(f"{path}/{helper.id}", headers=owner)).status_code == 404


async def test_anybody_may_leave(
    client: httpx2.AsyncClient, connection: Connection, resources: Resources, clock: ManualClock
) -> None:
    seller = await make_seller(connection, now=clock.now())
    viewer = await add_member(connection, now=clock.now(), seller=seller, role=MemberRole.VIEWER)
    headers = await bearer(resources, viewer)
    path = f"/api/v1/sellers/{seller.id}/members"
    assert (await client.delete(f"{path}/{seller.owner.id}", headers=headers)).status_code == 403
    assert (await client.delete(f"{path}/{viewer.id}", headers=headers)).status_code == 204


async def test_the_last_owner_stays(
    client: httpx2.AsyncClient, connection: Connection, resources: Resources, clock: ManualClock
) -> None:
    seller = await make_seller(connection, now=clock.now())
    operator = await bearer(resources, await make_operator(connection, now=clock.now()))
    owner = await bearer(resources, seller.owner)
    path = f"/api/v1/sellers/{seller.id}/members/{seller.owner.id}"
    for headers in (owner, operator):
        for answer in (
            await client.delete(path, headers=headers),
            await client.patch(path, json={"role": "viewer"}, headers=headers),
        ):
            assert (answer.status_code, answer.json()["code"]) == (409, "last_owner")
    await add_member(connection, now=clock.now(), seller=seller, role=MemberRole.OWNER)
    assert (await client.patch(path, json={"role": "viewer"}, headers=owner)).status_code == 200


async def test_strangers_learn_nothing(
    client: httpx2.AsyncClient, connection: Connection, resources: Resources, clock: ManualClock
) -> None:
    seller = await make_seller(connection, now=clock.now())
    rival = await make_seller(connection, now=clock.now(), name="Rival")
    headers = await bearer(resources, rival.owner)
    path = f"/api/v1/sellers/{seller.id}/members"
    body = {"email": rival.owner.email, "role": "owner"}
    answers = [
        await client.get(path, headers=headers),
        await client.post(path, json=body, headers=headers),
        await client.patch(f"{path}/{seller.owner.id}", json={"role": "viewer"}, headers=headers),
        await client.delete(f"{path}/{seller.owner.id}", headers=headers),
        # Nor does naming oneself help.
        await client.delete(f"{path}/{rival.owner.id}", headers=headers),
    ]
    assert [answer.status_code for answer in answers] == [404] * 5


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"email": "nobody@example.com", "role": "viewer"}, "email"),
        ({"email": "nobody@example.com", "role": "king"}, "role"),
        ({"email": "nobody@example.com"}, "role"),
        ({"email": "a@example.com", "role": "viewer", "seller_id": "x"}, "seller_id"),
    ],
)
async def test_malformed_invitations_are_refused(
    client: httpx2.AsyncClient,
    connection: Connection,
    resources: Resources,
    clock: ManualClock,
    body: dict[str, str],
    field: str,
) -> None:
    seller = await make_seller(connection, now=clock.now())
    headers = await bearer(resources, seller.owner)
    answer = await client.post(f"/api/v1/sellers/{seller.id}/members", json=body, headers=headers)
    assert answer.status_code == 422
    assert [error["field"] for error in answer.json()["errors"]] == [field]


async def test_two_owners_who_remove_each_other_at_once_leave_one(
    cluster: Cluster, fresh_database: Callable[[str], str], clock: ManualClock
) -> None:
    dsn = cluster.dsn(role=APPLICATION_ROLE, database=fresh_database("owners"))
    db = await Database.connect(dsn, max_size=4)
    try:
        for _ in range(5):
            async with db.connection() as connection:
                one = await make_seller(connection, now=clock.now())
                other = await add_member(
                    connection, now=clock.now(), seller=one, role=MemberRole.OWNER
                )
            others_view = Viewer(
                user_id=other.id, roles=other.roles, memberships={one.id: MemberRole.OWNER}
            )
            outcomes = await asyncio.gather(
                *(
                    transact(
                        db,
                        seller_member_service.remove_member,
                        viewer=viewer,
                        seller_id=one.id,
                        user_id=user_id,
                        now=clock.now(),
                    )
                    for viewer, user_id in ((one.viewer, other.id), (others_view, one.owner.id))
                ),
                return_exceptions=True,
            )
            assert sorted(str(type(outcome).__name__) for outcome in outcomes) == [
                LastOwner.__name__,
                "NoneType",
            ]
    finally:
        await db.close()
