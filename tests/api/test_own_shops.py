"""Whoever runs the market and a shop of their own decides nothing that is that shop's alone."""

from typing import Any

import httpx2
import pytest

from gosellr.core.clock import ManualClock
from gosellr.core.db import Connection
from gosellr.resources import Resources
from tests.factories.accounts import TestSeller, bearer, make_operator, make_seller

Headers = dict[str, str]
API = "/api/v1"


@pytest.fixture
async def shop(connection: Connection, clock: ManualClock) -> TestSeller:
    """A shop of an operator's own."""
    now = clock.now()
    return await make_seller(connection, now=now, owner=await make_operator(connection, now=now))


@pytest.fixture
async def own(resources: Resources, shop: TestSeller) -> Headers:
    return await bearer(resources, shop.owner)


@pytest.fixture
async def other(resources: Resources, connection: Connection, clock: ManualClock) -> Headers:
    return await bearer(resources, await make_operator(connection, now=clock.now()))


async def test_a_reserve_of_ones_own_shop_is_for_others_to_set(
    client: httpx2.AsyncClient, shop: TestSeller, own: Headers, other: Headers
) -> None:
    path = f"{API}/reserve-rules"
    terms = {"scope": "seller", "seller_id": str(shop.id), "rate_bps": 0, "days": 1}
    refused = await client.post(path, json=terms, headers=own)
    assert (refused.status_code, refused.json()["code"]) == (403, "not_allowed")
    made = (await client.post(path, json={**terms, "rate_bps": 2000}, headers=other)).json()
    one = f"{path}/{made['id']}"
    assert (await client.patch(one, json={"rate_bps": 0}, headers=own)).status_code == 403
    assert (await client.delete(one, headers=own)).status_code == 403
    [kept] = (await client.get(path, headers=own)).json()["items"]
    assert (kept["rate_bps"], kept["version"]) == (2000, 1)
    # What is about everybody may be said by anybody who runs the market.
    everybody = {"scope": "market", "rate_bps": 1000, "days": 30}
    assert (await client.post(path, json=everybody, headers=own)).status_code == 201
    assert (await client.delete(one, headers=other)).status_code == 204


@pytest.mark.parametrize(
    "funding",
    [{"funded_by": "marketplace"}, {"funded_by": "shared", "marketplace_share_bps": 5000}],
)
async def test_the_market_pays_for_no_coupon_of_ones_own_shop(
    client: httpx2.AsyncClient,
    connection: Connection,
    shop: TestSeller,
    own: Headers,
    other: Headers,
    funding: dict[str, Any],
) -> None:
    path = f"{API}/promotions"
    coupon = {"code": "MINE", "kind": "percent", "value_bps": 9000, "seller_id": str(shop.id)}
    refused = await client.post(path, json={**coupon, **funding}, headers=own)
    assert (refused.status_code, refused.json()["code"]) == (403, "not_allowed")
    assert await connection.fetchval("SELECT count(*) FROM coupon") == 0
    made = await client.post(path, json={**coupon, **funding, "value_bps": 500}, headers=other)
    assert made.status_code == 201
    one = f"{path}/{made.json()['id']}"
    assert (await client.patch(one, json={"value_bps": 9000}, headers=own)).status_code == 403
    assert await connection.fetchval("SELECT value_bps FROM coupon") == 500
    # At the shop's own cost it is the shop's own affair.
    cheap = {**coupon, "code": "OURS", "funded_by": "seller"}
    assert (await client.post(path, json=cheap, headers=own)).status_code == 201
