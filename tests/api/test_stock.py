"""Stock at the door."""

import httpx2
import pytest

from gosellr.core.clock import ManualClock
from gosellr.core.db import Connection
from gosellr.resources import Resources
from tests.factories.accounts import TestSeller, bearer, make_seller
from tests.factories.catalogue import make_product


@pytest.fixture
async def seller(connection: Connection, clock: ManualClock) -> TestSeller:
    """An active seller."""
    return await make_seller(connection, now=clock.now())


async def test_stock_is_counted_and_told(
    client: httpx2.AsyncClient, connection: Connection, resources: Resources, seller: TestSeller
) -> None:
    headers = await bearer(resources, seller.owner)
    made = await make_product(connection, seller=seller, stock=4)
    path = f"/api/v1/variants/{made.variant_id}/stock"
    changed = await client.put(path, json={"delta": -1, "reason": "broken"}, headers=headers)
    assert changed.status_code == 200, changed.text
    assert changed.json()["locations"] == [
        {
            "location_id": str(seller.location_id),
            "name": changed.json()["locations"][0]["name"],
            "on_hand": 3,
            "reserved": 0,
            "available": 3,
        }
    ]
    assert (await client.get(path, headers=headers)).json() == changed.json()
    page = await client.get(f"{path}/movements?limit=1", headers=headers)
    assert [(one["delta"], one["reason"]) for one in page.json()["items"]] == [(-1, "broken")]
    rest = await client.get(
        f"{path}/movements?cursor={page.json()['next_cursor']}", headers=headers
    )
    assert [one["kind"] for one in rest.json()["items"]] == ["received"]
    over = await client.put(path, json={"delta": -4, "reason": "lost"}, headers=headers)
    assert (over.status_code, over.json()["code"]) == (409, "stock_promised")
    assert over.json()["variants"][0]["possible"] == -3
    place = await client.post("/api/v1/stock-locations", json={"name": "Annex"}, headers=headers)
    assert (place.status_code, place.json()["is_default"]) == (201, False)
    places = (await client.get("/api/v1/stock-locations", headers=headers)).json()
    assert [one["id"] for one in places["items"]] == [str(seller.location_id), place.json()["id"]]


@pytest.mark.parametrize("delta", [0, 1.5, "1", True, None, 2**31, -(2**63), 1e21])
@pytest.mark.case(65)
async def test_case_65_a_movement_is_a_whole_number_within_bounds(
    client: httpx2.AsyncClient,
    connection: Connection,
    resources: Resources,
    seller: TestSeller,
    delta: object,
) -> None:
    made = await make_product(connection, seller=seller)
    refused = await client.put(
        f"/api/v1/variants/{made.variant_id}/stock",
        json={"delta": delta, "reason": "counted"},
        headers=await bearer(resources, seller.owner),
    )
    assert refused.status_code == 422
    on_hand = await connection.fetchval(
        "SELECT on_hand FROM stock_level WHERE variant_id = $1", made.variant_id
    )
    assert on_hand == 10


async def test_the_same_movement_under_one_key_happens_once(
    client: httpx2.AsyncClient, connection: Connection, resources: Resources, seller: TestSeller
) -> None:
    headers = {**await bearer(resources, seller.owner), "Idempotency-Key": "delivery 7"}
    made = await make_product(connection, seller=seller, stock=4)
    path = f"/api/v1/variants/{made.variant_id}/stock"
    body = {"delta": 5, "reason": "delivery"}
    first = await client.put(path, json=body, headers=headers)
    again = await client.put(path, json=body, headers=headers)
    assert (again.status_code, again.json()) == (200, first.json())
    assert again.headers["idempotency-replayed"] == "true"
    assert again.json()["on_hand"] == 9
    other = await client.put(path, json={**body, "delta": 6}, headers=headers)
    assert (other.status_code, other.json()["code"]) == (422, "idempotency_key_reused")
    assert (await client.get(path, headers=headers)).json()["on_hand"] == 9


async def test_another_sellers_stock_is_not_there(
    client: httpx2.AsyncClient,
    connection: Connection,
    resources: Resources,
    seller: TestSeller,
    clock: ManualClock,
) -> None:
    made = await make_product(connection, seller=seller)
    other = await make_seller(connection, now=clock.now(), name="Red Chair")
    theirs = await bearer(resources, other.owner)
    for variant_id in (made.variant_id, "0192d6c4-0000-7000-8000-000000000000"):
        path = f"/api/v1/variants/{variant_id}/stock"
        body = {"delta": 1, "reason": "mine"}
        assert (await client.get(path, headers=theirs)).status_code == 404
        assert (await client.put(path, json=body, headers=theirs)).status_code == 404
        assert (await client.get(f"{path}/movements", headers=theirs)).status_code == 404
        assert (await client.get(path)).status_code == 401
    foreign = await client.get(f"/api/v1/stock-locations?seller_id={seller.id}", headers=theirs)
    assert foreign.status_code == 404
