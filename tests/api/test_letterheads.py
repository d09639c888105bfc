"""What stands on a shop's papers: said by its people, read by all of them, refused by field."""

from typing import Any

import httpx2
import pytest

from gosellr.core.clock import ManualClock
from gosellr.core.db import Connection
from gosellr.resources import Resources
from gosellr.utils.permissions import MemberRole
from tests.factories.accounts import add_member, bearer, make_operator, make_support
from tests.factories.sales import Shop, make_shop

Headers = dict[str, str]
V1 = "/api/v1"
ADDRESS = {"line1": "Lindenallee 4", "postal_code": "10115", "city": "Berlin"}
SAID: dict[str, Any] = {
    "address": {**ADDRESS, "line2": " Hof 2 "},
    "tax_id": "de 123.456.789",
    "registration_number": "HRB 12345, Amtsgericht Charlottenburg",
    "email": "Papers@Lampo.example",
}


@pytest.fixture
async def shop(connection: Connection) -> Shop:
    return await make_shop(connection, price_minor=10_000)


@pytest.fixture
def path(shop: Shop) -> str:
    return f"{V1}/sellers/{shop.seller.id}/letterhead"


@pytest.fixture
async def owner(resources: Resources, shop: Shop) -> Headers:
    return await bearer(resources, shop.seller.owner)


async def test_it_is_said_changed_in_part_and_read_again(
    client: httpx2.AsyncClient, connection: Connection, shop: Shop, path: str, owner: Headers
) -> None:
    before = (await client.get(path, headers=owner)).json()
    name, country = before.pop("legal_name"), before.pop("country")
    assert before == {
        "seller_id": str(shop.seller.id), "address": None, "tax_id": None,
        "registration_number": None, "email": None, "version": None, "updated_at": None,
    }  # fmt: skip
    said = await client.put(path, json=SAID, headers=owner)
    assert said.status_code == 200, said.text
    assert said.json() == {
        "seller_id": str(shop.seller.id), "legal_name": name, "country": country,
        "address": {**ADDRESS, "line2": "Hof 2", "region": ""}, "tax_id": "DE123456789",
        "registration_number": "HRB 12345, Amtsgericht Charlottenburg",
        "email": "Papers@lampo.example", "version": 1, "updated_at": said.json()["updated_at"],
    }  # fmt: skip
    assert (await client.get(path, headers=owner)).json() == said.json()
    stale = await client.put(path, json={"tax_id": None, "version": 7}, headers=owner)
    assert (stale.status_code, stale.json()["code"]) == (409, "version_conflict")
    assert stale.json()["version"] == 1
    # What is left out stays, null takes off, and an address is one thing.
    some = {"tax_id": "30/123/45678", "registration_number": None, "address": ADDRESS}
    again = await client.put(path, json=some, headers={**owner, "If-Match": '"1"'})
    assert again.json() == said.json() | {
        "address": {**ADDRESS, "line2": "", "region": ""}, "tax_id": "30/123/45678",
        "registration_number": None, "version": 2, "updated_at": again.json()["updated_at"],
    }  # fmt: skip
    facts = await connection.fetch("SELECT data FROM outbox_event WHERE type LIKE '%letterhead%'")
    by = str(shop.seller.owner.id)
    assert [row["data"] for row in facts] == [
        {"fields": ["line1", "line2", "postal_code", "city", "tax_id", "registration_number",
                    "email"], "changed_by": by, "version": 1},
        {"fields": ["line2", "tax_id", "registration_number"], "changed_by": by, "version": 2},
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("body", "wrong"),
    [
        (SAID | {"tax_id": "DE12"}, {"tax_id": "number_wrong"}),
        (SAID | {"tax_id": "?"}, {"tax_id": "number_wrong"}),
        (SAID | {"registration_number": "none"}, {"registration_number": "number_wrong"}),
        # Nothing stands there yet, so the address can't be left out.
        ({"tax_id": "DE123456789"}, {"address.line1": "missing", "address.city": "missing"}),
        (SAID | {"address": {"line1": "4"}}, {"address.city": "missing"}),
        (SAID | {"address": {**ADDRESS, "line1": "x" * 201}},
         {"address.line1": "string_too_long"}),
        (SAID | {"address": {**ADDRESS, "country": "FR"}}, {"address.country": "extra_forbidden"}),
        (SAID | {"email": "nobody"}, {"email": "value_error"}),
        (SAID | {"tax_id": "4111 1111 1111 1111"}, {"tax_id": "value_error"}),
        (SAID | {"registration_number": "4111111111111111"},
         {"registration_number": "value_error"}),
        (SAID | {"address": {**ADDRESS, "line2": "4111-1111-1111-1111"}},
         {"address.line2": "value_error"}),
        (SAID | {"address": None}, {"address": "model_attributes_type"}),
    ],
)  # fmt: skip
async def test_what_is_wrong_is_told_by_field_and_nothing_is_kept(
    client: httpx2.AsyncClient,
    connection: Connection,
    path: str,
    owner: Headers,
    body: dict[str, Any],
    wrong: dict[str, str],
) -> None:
    refused = await client.put(path, json=body, headers=owner)
    assert refused.status_code == 422
    assert refused.headers["content-type"] == "application/problem+json"
    assert {one["field"]: one["code"] for one in refused.json()["errors"]} == wrong
    assert await connection.fetchval("SELECT count(*) FROM seller_letterhead") == 0
    told = "SELECT count(*) FROM outbox_event WHERE type LIKE '%letterhead%'"
    assert await connection.fetchval(told) == 0


async def test_its_people_read_it_owner_and_managers_say_it_and_nobody_of_the_market(
    client: httpx2.AsyncClient,
    connection: Connection,
    resources: Resources,
    clock: ManualClock,
    shop: Shop,
    path: str,
    owner: Headers,
) -> None:
    now = clock.now()
    callers = {"owner": owner}
    for role in MemberRole:
        if role is not MemberRole.OWNER:
            user = await add_member(connection, now=now, seller=shop.seller, role=role)
            callers[role.value] = await bearer(resources, user)
    callers["operator"] = await bearer(resources, await make_operator(connection, now=now))
    callers["support"] = await bearer(resources, await make_support(connection, now=now))
    callers["stranger"] = await bearer(resources, (await make_shop(connection)).seller.owner)
    callers["nobody"] = {}
    answers = {}
    for name, headers in callers.items():
        read = await client.get(path, headers=headers)
        written = await client.put(path, json=SAID, headers=headers)
        answers[name] = (read.status_code, written.status_code)
    assert answers == {
        "owner": (200, 200), "manager": (200, 200), "fulfilment": (200, 403),
        "finance": (200, 403), "viewer": (200, 403), "operator": (200, 403),
        "support": (200, 403), "stranger": (404, 404), "nobody": (401, 401),
    }  # fmt: skip
