"""Where a shop's money goes is said by the shop alone; and nobody who runs the market becomes its
owner, or makes anybody one, by themselves."""

from typing import Any
from uuid import UUID

import httpx2
import pytest

from gosellr.core.clock import ManualClock
from gosellr.core.db import Connection
from gosellr.resources import Resources
from gosellr.utils.permissions import MemberRole
from tests.factories.accounts import User, add_member, bearer, make_operator, make_seller, make_user

Headers = dict[str, str]
V1 = "/api/v1"
PASSWORD = "a long pass phrase"
ACCOUNT = {
    "method": "sandbox", "holder": "Ada", "iban": "DE66999999990000000002", "password": PASSWORD,
}  # fmt: skip


@pytest.fixture
async def people(connection: Connection, clock: ManualClock) -> tuple[User, User]:
    now = clock.now()
    return await make_operator(connection, now=now), await make_operator(connection, now=now)


async def knows_password(connection: Connection, resources: Resources, user: User) -> Headers:
    # A session that was opened before: the password is asked for again.
    headers = await bearer(resources, user)
    await connection.execute(
        "UPDATE user_account SET password_hash = $2 WHERE id = $1",
        user.id,
        await resources.passwords.hash(PASSWORD),
    )
    return headers


async def owners(connection: Connection, seller_id: UUID) -> set[UUID]:
    rows = await connection.fetch(
        "SELECT user_id FROM seller_member WHERE seller_id = $1 AND role = 'owner'", seller_id
    )
    return {row["user_id"] for row in rows}


async def test_no_operator_says_where_a_shops_money_goes(
    client: httpx2.AsyncClient,
    connection: Connection,
    resources: Resources,
    clock: ManualClock,
    people: tuple[User, User],
) -> None:
    seller = await make_seller(connection, now=clock.now())
    operator = await knows_password(connection, resources, people[0])
    path = f"{V1}/sellers/{seller.id}/payout-destination"
    refused = await client.put(path, json=ACCOUNT, headers=operator)
    assert (refused.status_code, refused.json()["code"]) == (403, "not_allowed")
    assert await connection.fetchval("SELECT count(*) FROM payout_destination") == 0
    for way in ("payout-accounts/stripe", "payout-accounts/stripe/onboarding"):
        answer = await client.post(f"{V1}/sellers/{seller.id}/{way}", headers=operator)
        assert answer.status_code == 403
    assert await connection.fetchval("SELECT count(*) FROM connected_account") == 0
    owner = await knows_password(connection, resources, seller.owner)
    assert (await client.put(path, json=ACCOUNT, headers=owner)).status_code == 200
    # When it is paid, the market may still say for it; and it reads where to.
    when = await client.put(
        f"{V1}/sellers/{seller.id}/payout-settings", json={"schedule": "daily"}, headers=operator
    )
    assert when.status_code == 200
    assert (await client.get(path, headers=operator)).json()["last_four"] == "0002"


@pytest.mark.parametrize("is_member", [False, True])
async def test_an_owner_is_made_by_owners_or_by_two_who_run_the_market(
    client: httpx2.AsyncClient,
    connection: Connection,
    resources: Resources,
    clock: ManualClock,
    people: tuple[User, User],
    is_member: bool,
) -> None:
    now = clock.now()
    seller = await make_seller(connection, now=now)
    first, second = [await bearer(resources, one) for one in people]
    path = f"{V1}/sellers/{seller.id}/members"
    if is_member:
        heir = await add_member(connection, now=now, seller=seller, role=MemberRole.VIEWER)
    else:
        heir = await make_user(connection, now=now, name="Heir")

    async def name(headers: Headers, user: User) -> httpx2.Response:
        if is_member:
            return await client.patch(f"{path}/{user.id}", json={"role": "owner"}, headers=headers)
        body = {"email": user.email, "role": "owner"}
        return await client.post(path, json=body, headers=headers)

    proposed = await name(first, heir)
    assert proposed.status_code == 202, proposed.text
    found: dict[str, Any] = proposed.json()
    assert (found["kind"], found["wish"]["user_id"]) == ("shop_owner", str(heir.id))
    assert await owners(connection, seller.id) == {seller.owner.id}
    approve = f"{V1}/proposals/{found['id']}/approve"
    assert (await client.post(approve, headers=first)).status_code == 403
    assert await owners(connection, seller.id) == {seller.owner.id}
    for _ in range(2):
        assert (await client.post(approve, headers=second)).status_code == 200
    assert await owners(connection, seller.id) == {seller.owner.id, heir.id}


async def test_nobody_makes_themselves_an_owner(
    client: httpx2.AsyncClient,
    connection: Connection,
    resources: Resources,
    clock: ManualClock,
    people: tuple[User, User],
) -> None:
    seller = await make_seller(connection, now=clock.now())
    first, second = [await bearer(resources, one) for one in people]
    path = f"{V1}/sellers/{seller.id}/members"
    own = await client.post(path, json={"email": people[0].email, "role": "owner"}, headers=first)
    assert own.status_code == 403
    other = await client.post(path, json={"email": people[1].email, "role": "owner"}, headers=first)
    assert other.status_code == 202
    approve = f"{V1}/proposals/{other.json()['id']}/approve"
    assert (await client.post(approve, headers=second)).status_code == 403
    assert await owners(connection, seller.id) == {seller.owner.id}
    # Other roles the market may give, as it could; an owner makes owners alone.
    helper = {"email": people[1].email, "role": "finance"}
    assert (await client.post(path, json=helper, headers=first)).status_code == 201
    owner = await bearer(resources, seller.owner)
    heir = await make_user(connection, now=clock.now(), name="Heir")
    named = await client.post(path, json={"email": heir.email, "role": "owner"}, headers=owner)
    assert named.status_code == 201
    assert await owners(connection, seller.id) == {seller.owner.id, heir.id}
