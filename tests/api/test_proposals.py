"""What takes two people: proposed at one door, decided by somebody else, and never by one's own
hand."""

from functools import cached_property
from typing import Any

import asyncpg
import httpx2
import pytest

from gosellr.core.clock import ManualClock
from gosellr.core.db import Connection
from gosellr.core.errors import NotAllowed
from gosellr.core.identity import new_id
from gosellr.resources import Resources
from gosellr.services import proposal_service
from gosellr.utils.proposals import ProposalKind
from gosellr.utils.viewer import Viewer
from tests.factories.accounts import (
    TestSeller,
    User,
    bearer,
    make_operator,
    make_seller,
    make_support,
)
from tests.factories.catalogue import make_product

Headers = dict[str, str]
API = "/api/v1"
RULES = f"{API}/commission-rules"


@pytest.fixture
async def people(connection: Connection, clock: ManualClock) -> tuple[User, User]:
    now = clock.now()
    return await make_operator(connection, now=now), await make_operator(connection, now=now)


@pytest.fixture
async def first(resources: Resources, people: tuple[User, User]) -> Headers:
    return await bearer(resources, people[0])


@pytest.fixture
async def second(resources: Resources, people: tuple[User, User]) -> Headers:
    return await bearer(resources, people[1])


@pytest.fixture
async def shop(connection: Connection, clock: ManualClock, people: tuple[User, User]) -> TestSeller:
    """A shop of the second operator's own."""
    return await make_seller(connection, now=clock.now(), owner=people[1])


def started_anew(resources: Resources, monkeypatch: pytest.MonkeyPatch, *, two: bool) -> None:
    """The market asks for a second person or doesn't, which it reads when it is started."""
    monkeypatch.setitem(resources.settings.__dict__, "commission_approval", two)
    for name, one in vars(Resources).items():
        if isinstance(one, cached_property):
            vars(resources).pop(name, None)


@pytest.fixture
def takes_two(resources: Resources, monkeypatch: pytest.MonkeyPatch) -> None:
    """The market asks for a second person."""
    started_anew(resources, monkeypatch, two=True)


async def rules(client: httpx2.AsyncClient, headers: Headers) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = (await client.get(RULES, headers=headers)).json()["items"]
    return found


async def propose(
    client: httpx2.AsyncClient, headers: Headers, **body: Any
) -> tuple[int, dict[str, Any]]:
    answer = await client.post(RULES, json=body, headers=headers)
    return answer.status_code, answer.json()


async def decide(
    client: httpx2.AsyncClient, headers: Headers, proposal_id: str, word: str = "approve"
) -> httpx2.Response:
    body = {"reason": "too low"} if word == "reject" else None
    return await client.post(f"{API}/proposals/{proposal_id}/{word}", json=body, headers=headers)


async def facts(connection: Connection, kind: str) -> list[dict[str, Any]]:
    rows = await connection.fetch(
        "SELECT data FROM outbox_event WHERE type = $1 ORDER BY sequence", kind
    )
    return [row["data"] for row in rows]


@pytest.mark.usefixtures("takes_two")
async def test_a_rule_is_in_force_by_the_word_of_a_second_person(
    client: httpx2.AsyncClient,
    connection: Connection,
    people: tuple[User, User],
    first: Headers,
    second: Headers,
) -> None:
    body = {"rate_bps": 500, "name": "Spring", "match": {"valid_from": "2030-01-01T00:00:00Z"}}
    status, proposed = await propose(client, first, **body, reason="agreed by phone")
    assert status == 202
    assert (proposed["kind"], proposed["status"]) == ("commission_rule_new", "prepared")
    assert proposed["prepared_by"] == str(people[0].id)
    assert proposed["reason"] == "agreed by phone"
    assert proposed["wish"]["terms"]["rate_bps"] == 500
    assert await rules(client, first) == []
    own = await decide(client, first, proposed["id"])
    assert (own.status_code, own.json()["code"]) == (403, "not_allowed")
    assert (await decide(client, first, proposed["id"], "reject")).status_code == 403
    assert await rules(client, first) == []
    waiting = await client.get(f"{API}/proposals?status=prepared", headers=second)
    assert waiting.json()["items"] == [proposed]
    agreed = await decide(client, second, proposed["id"])
    assert agreed.status_code == 200, agreed.text
    assert agreed.json()["status"] == "approved"
    assert agreed.json()["decided_by"] == str(people[1].id)
    [rule] = await rules(client, first)
    assert (rule["rate_bps"], rule["name"], rule["position"]) == (500, "Spring", 1)
    assert rule["match"]["valid_from"] == "2030-01-01T00:00:00Z"
    # Said again by the same person, and by the other one.
    assert (await decide(client, second, proposed["id"])).json() == agreed.json()
    again = await decide(client, first, proposed["id"])
    assert (again.status_code, again.json()["code"]) == (409, "proposal_not_open")
    assert len(await rules(client, first)) == 1
    [told] = await facts(connection, "commission_rule.created")
    assert (told["by"], told["approved_by"]) == (str(people[0].id), str(people[1].id))
    assert (told["reason"], told["after"]["rate_bps"]) == ("agreed by phone", 500)
    assert [one["by"] for one in await facts(connection, "proposal.approved")] == [
        str(people[1].id)
    ]


async def test_changes_and_ends_wait_as_well_and_one_at_a_time(
    client: httpx2.AsyncClient,
    connection: Connection,
    resources: Resources,
    monkeypatch: pytest.MonkeyPatch,
    first: Headers,
    second: Headers,
) -> None:
    status, rule = await propose(client, first, rate_bps=1000)
    assert status == 201
    started_anew(resources, monkeypatch, two=True)
    path = f"{RULES}/{rule['id']}"
    changed = await client.patch(path, json={"rate_bps": 1}, headers=first)
    assert changed.status_code == 202
    assert changed.json()["wish"]["before"]["rate_bps"] == 1000
    assert (await rules(client, first))[0]["rate_bps"] == 1000
    ended = await client.delete(path, headers=second)
    assert (ended.status_code, ended.json()["code"]) == (409, "proposal_waits")
    assert ended.json()["proposal_id"] == changed.json()["id"]
    refused = await decide(client, second, changed.json()["id"], "reject")
    assert (refused.status_code, refused.json()["decision_note"]) == (200, "too low")
    assert (await rules(client, first))[0] == rule
    assert (await decide(client, second, changed.json()["id"])).status_code == 409
    # What was proposed about another version isn't what anybody agrees to.
    stale = (await client.patch(path, json={"rate_bps": 900}, headers=first)).json()
    started_anew(resources, monkeypatch, two=False)
    assert (await client.patch(path, json={"rate_bps": 950}, headers=second)).status_code == 200
    started_anew(resources, monkeypatch, two=True)
    late = await decide(client, second, stale["id"])
    assert (late.status_code, late.json()["code"]) == (409, "version_conflict")
    assert (await rules(client, first))[0]["rate_bps"] == 950
    await decide(client, second, stale["id"], "reject")
    ended = await client.delete(path, headers=first)
    assert ended.status_code == 202
    assert len(await rules(client, first)) == 1
    assert (await decide(client, second, ended.json()["id"])).status_code == 200
    assert await rules(client, first) == []
    [told] = await facts(connection, "commission_rule.ended")
    assert told["before"]["rate_bps"] == 950


@pytest.mark.usefixtures("takes_two")
async def test_a_rule_is_ended_as_it_stood_when_that_was_proposed(
    client: httpx2.AsyncClient,
    resources: Resources,
    monkeypatch: pytest.MonkeyPatch,
    first: Headers,
    second: Headers,
) -> None:
    started_anew(resources, monkeypatch, two=False)
    _, rule = await propose(client, first, rate_bps=1000)
    started_anew(resources, monkeypatch, two=True)
    path = f"{RULES}/{rule['id']}"
    ended = (await client.delete(path, headers=first)).json()
    started_anew(resources, monkeypatch, two=False)
    assert (await client.patch(path, json={"rate_bps": 950}, headers=first)).status_code == 200
    started_anew(resources, monkeypatch, two=True)
    late = await decide(client, second, ended["id"])
    assert (late.status_code, late.json()["code"]) == (409, "version_conflict")
    assert [one["rate_bps"] for one in await rules(client, first)] == [950]
    assert (await client.get(f"{API}/proposals/{ended['id']}", headers=first)).json() == ended


@pytest.mark.parametrize("two", [False, True])
async def test_nobody_sets_what_their_own_shop_pays(
    client: httpx2.AsyncClient,
    connection: Connection,
    resources: Resources,
    monkeypatch: pytest.MonkeyPatch,
    clock: ManualClock,
    shop: TestSeller,
    first: Headers,
    second: Headers,
    two: bool,
) -> None:
    started_anew(resources, monkeypatch, two=two)
    product = await make_product(connection, seller=shop, now=clock.now())
    own = [{"seller_id": str(shop.id)}, {"product_id": str(product.id)}]
    for match in own:
        status, refused = await propose(client, second, rate_bps=1, match=match)
        assert (status, refused["code"]) == (403, "not_allowed")
    assert await connection.fetchval("SELECT count(*) FROM proposal") == 0
    assert await rules(client, first) == []
    status, made = await propose(client, first, rate_bps=800, match=own[0])
    if two:
        assert (status, made["seller_ids"]) == (202, [str(shop.id)])
        for word in ("approve", "reject"):
            assert (await decide(client, second, made["id"], word)).status_code == 403
        assert await rules(client, first) == []
        return
    assert status == 201
    path = f"{RULES}/{made['id']}"
    assert (await client.patch(path, json={"rate_bps": 1}, headers=second)).status_code == 403
    assert (await client.delete(path, headers=second)).status_code == 403
    _, everybody = await propose(client, second, rate_bps=900)
    moved = await client.patch(f"{RULES}/{everybody['id']}", json={"match": own[0]}, headers=second)
    assert moved.status_code == 403
    assert [one["rate_bps"] for one in await rules(client, first)] == [800, 900]


@pytest.mark.usefixtures("takes_two")
async def test_the_database_refuses_what_one_person_decides(
    client: httpx2.AsyncClient, connection: Connection, people: tuple[User, User], first: Headers
) -> None:
    _, proposed = await propose(client, first, rate_bps=500)
    decided = "UPDATE proposal SET status = 'approved', decided_by = $1, decided_at = now()"
    with pytest.raises(asyncpg.CheckViolationError, match="decided_by_another"):
        async with connection.transaction():
            await connection.execute(decided, people[0].id)
    for half in ("status = 'approved'", "decided_by = gen_random_uuid()", "decided_at = now()"):
        with pytest.raises(asyncpg.CheckViolationError, match="decided_by_somebody"):
            async with connection.transaction():
                await connection.execute(f"UPDATE proposal SET {half}")
    with pytest.raises(asyncpg.CheckViolationError, match="secret_while_it_waits"):
        async with connection.transaction():
            await connection.execute(f"{decided}, secret_encrypted = 'x'", people[1].id)
    columns = {
        "id": "gen_random_uuid()",
        "kind": "'receipt'",
        "subject": "'receipt:IN-1'",
        "reason": "'another one'",
        "wish": "'{}'",
        "seller_ids": "ARRAY[gen_random_uuid()]",
        "prepared_by": "gen_random_uuid()",
        "prepared_at": "now() + interval '1 hour'",
        "secret_encrypted": "'x'",
    }
    for rewritten in (
        *(f"UPDATE proposal SET {name} = {value}" for name, value in columns.items()),
        "DELETE FROM proposal",
    ):
        with pytest.raises(asyncpg.RestrictViolationError, match=proposed["id"]):
            async with connection.transaction():
                await connection.execute(rewritten)
    await connection.execute(decided, people[1].id)
    with pytest.raises(asyncpg.RestrictViolationError):
        async with connection.transaction():
            await connection.execute("UPDATE proposal SET decided_by = gen_random_uuid()")


@pytest.mark.usefixtures("takes_two")
async def test_proposals_are_for_operators(
    client: httpx2.AsyncClient,
    connection: Connection,
    resources: Resources,
    clock: ManualClock,
    first: Headers,
) -> None:
    _, proposed = await propose(client, first, rate_bps=500)
    path = f"{API}/proposals"
    support = await bearer(resources, await make_support(connection, now=clock.now()))
    owner = await bearer(
        resources, (await make_seller(connection, now=clock.now(), name="Red Lamp")).owner
    )
    for headers in (support, owner):
        assert (await client.get(path, headers=headers)).status_code == 403
        assert (await client.get(f"{path}/{proposed['id']}", headers=headers)).status_code == 403
        assert (await decide(client, headers, proposed["id"])).status_code == 403
    assert (await decide(client, first, str(new_id()))).status_code == 404
    assert (await client.get(f"{path}/{proposed['id']}", headers=first)).json() == proposed
    page = await client.get(f"{path}?limit=1&kind=commission_rule_end", headers=first)
    assert page.json() == {"items": [], "next_cursor": None}
    assert (await client.get(f"{path}?cursor=x", headers=first)).status_code == 422


@pytest.mark.parametrize("kind", list(ProposalKind))
async def test_nobody_proposes_what_they_may_not_do(
    connection: Connection, clock: ManualClock, kind: ProposalKind
) -> None:
    """Whatever their door lets pass: support reads all of this, and an owner runs a shop."""
    support = await make_support(connection, now=clock.now())
    owner = (await make_seller(connection, now=clock.now())).owner
    for viewer in (support.viewer, owner.viewer, Viewer()):
        with pytest.raises(NotAllowed):
            await proposal_service.prepare(
                connection, viewer=viewer, kind=kind, subject="x", wish={}, now=clock.now()
            )
    assert await connection.fetchval("SELECT count(*) FROM proposal") == 0
