"""Market terms at their doors: delivery, tax, coupons and commission, and who may set them."""

from typing import Any
from uuid import UUID

import httpx2
import pytest
from pydantic import BaseModel

from gosellr.api.schemas.commission import RuleOut
from gosellr.api.schemas.promotions import CouponOut
from gosellr.api.schemas.shipping import RateOut, ZoneOut
from gosellr.api.schemas.taxes import TaxRateOut
from gosellr.core.clock import ManualClock
from gosellr.core.db import Connection
from gosellr.core.identity import new_id
from gosellr.resources import Resources
from gosellr.utils.permissions import MemberRole
from tests.factories.accounts import TestSeller, add_member, bearer, make_operator, make_seller
from tests.factories.catalogue import make_category

Headers = dict[str, str]
SHAPES: dict[str, type[BaseModel]] = {
    "shipping-zones": ZoneOut,
    "shipping-rates": RateOut,
    "tax-rates": TaxRateOut,
    "promotions": CouponOut,
    "commission-rules": RuleOut,
}


class Terms:
    """One kind of terms, called over HTTP."""

    def __init__(self, client: httpx2.AsyncClient, path: str) -> None:
        self.client = client
        self.path = f"/api/v1/{path}"

    async def add(self, headers: Headers, **body: Any) -> dict[str, Any]:
        response = await self.client.post(self.path, json=body, headers=headers)
        assert response.status_code == 201, response.text
        made: dict[str, Any] = response.json()
        shape = SHAPES[self.path.rsplit("/", 1)[1]].model_validate(made)
        assert shape.model_dump(mode="json", by_alias=True).keys() == made.keys()
        return made

    async def set(self, headers: Headers, term_id: str, **body: Any) -> dict[str, Any]:
        response = await self.client.patch(f"{self.path}/{term_id}", json=body, headers=headers)
        assert response.status_code == 200, response.text
        changed: dict[str, Any] = response.json()
        return changed

    async def drop(self, headers: Headers, term_id: str) -> int:
        return (await self.client.delete(f"{self.path}/{term_id}", headers=headers)).status_code

    async def all(self, headers: Headers, **query: Any) -> list[dict[str, Any]]:
        response = await self.client.get(self.path, headers=headers, params=query)
        assert response.status_code == 200, response.text
        items: list[dict[str, Any]] = response.json()["items"]
        return items

    async def refused(
        self, headers: Headers, term_id: str | None = None, **body: Any
    ) -> tuple[int, str, list[str]]:
        """Status, code and fields of an answer that changed nothing."""
        before = await self.all(headers)
        method, path = ("PATCH", f"{self.path}/{term_id}") if term_id else ("POST", self.path)
        response = await self.client.request(method, path, json=body, headers=headers)
        problem = response.json()
        assert response.status_code >= 400, response.text
        assert await self.all(headers) == before
        fields = [error["field"] for error in problem.get("errors", [])]
        return response.status_code, problem["code"], fields


@pytest.fixture
async def operator(connection: Connection, resources: Resources, clock: ManualClock) -> Headers:
    return await bearer(resources, await make_operator(connection, now=clock.now()))


@pytest.fixture
async def shop(connection: Connection, clock: ManualClock) -> TestSeller:
    return await make_seller(connection, now=clock.now())


@pytest.fixture
async def owner(resources: Resources, shop: TestSeller) -> Headers:
    return await bearer(resources, shop.owner)


@pytest.fixture
async def rival(connection: Connection, resources: Resources, clock: ManualClock) -> Headers:
    other = await make_seller(connection, now=clock.now(), name="Red Lamp")
    return await bearer(resources, other.owner)


def euros(amount: int) -> dict[str, Any]:
    return {"amount": amount, "currency": "EUR"}


async def test_zones_and_rates_of_a_shop_and_of_the_market(
    client: httpx2.AsyncClient, operator: Headers, owner: Headers, rival: Headers, shop: TestSeller
) -> None:
    zones, rates = Terms(client, "shipping-zones"), Terms(client, "shipping-rates")
    everywhere = await zones.add(operator, name="World", countries=["*"])
    own = await zones.add(
        owner, name="Berlin", countries=["DE"], regions=["BE"], postal_patterns=["10*"]
    )
    assert (everywhere["seller_id"], own["seller_id"]) == (None, str(shop.id))
    flat = await rates.add(
        owner, zone_id=own["id"], name="Bike", price=euros(390), delivery_days=[0, 1],
        free_over=euros(5000),
    )  # fmt: skip
    assert flat == {
        "id": flat["id"], "zone_id": own["id"], "seller_id": str(shop.id), "name": "Bike",
        "carrier": None, "currency": "EUR", "by": "flat", "price": euros(390), "brackets": [],
        "free_over": euros(5000), "delivery_days": [0, 1],
    }  # fmt: skip
    heavy = await rates.add(
        operator, zone_id=everywhere["id"], name="Post", by="weight", delivery_days=[3, 9],
        brackets=[{"up_to": 1000, "price": euros(500)}, {"up_to": None, "price": euros(900)}],
    )  # fmt: skip
    assert heavy["price"] is None
    assert heavy["brackets"][1] == {"up_to": None, "price": euros(900)}
    # A shop sees its own and the market's; a rival doesn't see the shop's.
    assert [zone["id"] for zone in await zones.all(owner)] == [everywhere["id"], own["id"]]
    assert [zone["id"] for zone in await zones.all(rival)] == [everywhere["id"]]
    assert [rate["id"] for rate in await rates.all(rival)] == [heavy["id"]]
    assert [rate["id"] for rate in await rates.all(owner, zone_id=own["id"])] == [flat["id"]]

    changed = await rates.set(owner, flat["id"], price=euros(450), free_over=None)
    assert (changed["price"], changed["free_over"]) == (euros(450), None)
    assert (await zones.set(owner, own["id"], name="City"))["postal_patterns"] == ["10*"]
    for headers, term_id in ((rival, own["id"]), (owner, everywhere["id"]), (owner, str(new_id()))):
        assert await zones.refused(headers, term_id, name="Mine") == (404, "not_found", [])
        assert await zones.drop(headers, term_id) == 404
    assert (await rates.refused(rival, flat["id"], name="Mine"))[0] == 404
    status, _, _ = await rates.refused(
        rival, zone_id=own["id"], name="Mine", price=euros(0), delivery_days=[1, 2]
    )
    assert status == 404
    assert await zones.drop(owner, own["id"]) == 204
    assert await rates.all(owner, seller_id=shop.id) == []
    assert await zones.drop(owner, own["id"]) == 404


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"countries": []}, "countries"),
        ({"countries": ["XX"]}, "countries.0"),
        ({"countries": ["*"], "regions": ["BE"]}, "countries"),
        ({"countries": ["DE"], "postal_patterns": ["10*", "2*3*"]}, "postal_patterns.1"),
        ({"countries": ["DE"], "postal_patterns": ["900-100"]}, "postal_patterns.0"),
        ({"countries": ["DE"], "archived_at": None}, "archived_at"),
    ],
)
async def test_a_zone_that_never_matches_is_refused(
    client: httpx2.AsyncClient, owner: Headers, body: dict[str, Any], field: str
) -> None:
    status, _, fields = await Terms(client, "shipping-zones").refused(owner, name="Zone", **body)
    assert (status, fields) == (422, [field])


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({}, "currency"),
        ({"currency": "EUR"}, "price"),
        ({"price": euros(-1)}, "price.amount"),
        ({"price": {"amount": 1.5, "currency": "EUR"}}, "price.amount"),
        ({"price": euros(1), "free_over": {"amount": 1, "currency": "USD"}}, "price"),
        ({"price": euros(1), "delivery_days": [4, 2]}, "delivery_days"),
        ({"price": euros(1), "by": "weight"}, "brackets"),
        ({"price": euros(1), "carrier": "pigeon"}, "carrier"),
        (
            {
                "by": "items",
                "brackets": [
                    {"up_to": 5, "price": euros(1)},
                    {"up_to": 3, "price": euros(2)},
                ],
            },
            "brackets",
        ),
    ],
)
async def test_a_rate_that_cannot_be_read_in_one_way_is_refused(
    client: httpx2.AsyncClient, owner: Headers, body: dict[str, Any], field: str
) -> None:
    zone = await Terms(client, "shipping-zones").add(owner, name="Zone", countries=["DE"])
    status, _, fields = await Terms(client, "shipping-rates").refused(
        owner, **{"zone_id": zone["id"], "name": "Rate", "delivery_days": [1, 2], **body}
    )
    assert (status, fields) == (422, [field])


async def test_a_rate_by_carrier_and_its_currency_that_stays(
    client: httpx2.AsyncClient, owner: Headers
) -> None:
    zone = await Terms(client, "shipping-zones").add(owner, name="Zone", countries=["DE"])
    rates = Terms(client, "shipping-rates")
    rate = await rates.add(
        owner, zone_id=zone["id"], name="Parcel", carrier="sandbox", currency="EUR",
        delivery_days=[1, 3],
    )  # fmt: skip
    assert (rate["carrier"], rate["price"], rate["currency"]) == ("sandbox", None, "EUR")
    refused = await rates.refused(owner, rate["id"], price={"amount": 1, "currency": "USD"})
    assert refused == (422, "invalid_input", ["price"])


async def test_a_member_without_the_right_is_told_so(
    client: httpx2.AsyncClient,
    connection: Connection,
    resources: Resources,
    clock: ManualClock,
    shop: TestSeller,
) -> None:
    member = await add_member(connection, now=clock.now(), seller=shop, role=MemberRole.FULFILMENT)
    headers = await bearer(resources, member)
    zones = Terms(client, "shipping-zones")
    refused = await zones.refused(headers, name="Zone", countries=["DE"])
    assert refused == (403, "not_allowed", [])


async def test_tax_rates_are_the_operators(
    client: httpx2.AsyncClient, operator: Headers, owner: Headers
) -> None:
    taxes = Terms(client, "tax-rates")
    body = {"country": "DE", "class": "standard", "rate_bps": 1900, "included": True}
    assert (await taxes.refused(owner, **body))[0] == 403
    rate = await taxes.add(operator, **body)
    assert rate == {
        "id": rate["id"], "country": "DE", "region": None, "class": "standard", "rate_bps": 1900,
        "included": True, "remitted_by": "seller", "valid_from": "2026-03-02T09:00:00Z",
        "valid_to": None, "version": 1,
    }  # fmt: skip
    remitted = await taxes.set(operator, rate["id"], remitted_by="marketplace", version=1)
    assert remitted == rate | {"remitted_by": "marketplace", "version": 2}
    stale = await taxes.refused(operator, rate["id"], rate_bps=1800, version=1)
    assert stale[:2] == (409, "version_conflict")
    stale = await taxes.refused({**operator, "If-Match": '"1"'}, rate["id"], rate_bps=1800)
    assert stale[:2] == (409, "version_conflict")
    assert (await taxes.refused(operator, rate["id"], remitted_by="buyer"))[0] == 422
    later = {**body, "rate_bps": 1600, "valid_from": "2027-01-01T01:00:00+01:00"}
    assert (await taxes.refused(operator, **later))[:2] == (409, "tax_rate_overlaps")
    mixed = {**body, "class": "books", "included": False}
    assert (await taxes.refused(operator, **mixed))[:2] == (409, "tax_rate_overlaps")
    early = {"valid_to": "2026-03-02T09:00:00Z"}
    assert (await taxes.refused(operator, rate["id"], **early))[2] == ["valid_to"]
    ended = await taxes.set(operator, rate["id"], valid_to="2027-01-01T00:00:00Z")
    assert ended["valid_to"] == "2027-01-01T00:00:00Z"
    assert (await taxes.add(operator, **later))["valid_from"] == "2027-01-01T00:00:00Z"
    assert (await taxes.refused(operator, rate["id"], valid_to=None))[0] == 409
    await taxes.add(operator, **{**body, "region": "BY"})
    assert [one["rate_bps"] for one in await taxes.all(owner, country="DE")] == [1900, 1600, 1900]
    assert await taxes.all(owner, country="FR") == []
    for moment in ("2027-01-01T00:00:00", 1_800_000_000, "0001-01-01T00:00:00+14:00", "soon"):
        assert (await taxes.refused(operator, **{**body, "valid_from": moment}))[0] == 422


async def test_coupons_of_a_shop_are_its_own_and_at_its_own_cost(
    client: httpx2.AsyncClient, operator: Headers, owner: Headers, rival: Headers, shop: TestSeller
) -> None:
    coupons = Terms(client, "promotions")
    own = await coupons.add(owner, code="Lamp-10", kind="percent", value_bps=1000)
    assert own == {
        "id": own["id"], "code": "Lamp-10", "kind": "percent", "value_bps": 1000, "amount": None,
        "minimum": None, "seller_id": str(shop.id), "funded_by": "seller",
        "marketplace_share_bps": None, "limit_total": None, "limit_per_customer": None,
        "used_count": 0, "valid_from": None, "valid_to": None,
    }  # fmt: skip
    again = {"code": "LAMP-10", "kind": "percent", "value_bps": 500}
    assert (await coupons.refused(rival, **again))[:2] == (409, "code_taken")
    for funding, share in (("marketplace", None), ("shared", 5000)):
        status, _, fields = await coupons.refused(
            owner, code="FREE-LUNCH", kind="percent", value_bps=1000, funded_by=funding,
            marketplace_share_bps=share,
        )  # fmt: skip
        assert (status, fields) == (422, ["funded_by"])
    assert (await coupons.refused(rival, own["id"], limit_total=1))[0] == 404
    elsewhere = {"seller_id": str(shop.id), "code": "LAMP-20", "kind": "free_shipping"}
    assert (await coupons.refused(rival, **elsewhere))[0] == 404
    shared = await coupons.add(
        operator, code="TOGETHER", kind="amount", amount=euros(500), minimum=euros(2000),
        seller_id=str(shop.id), funded_by="shared", marketplace_share_bps=4000, limit_total=100,
        limit_per_customer=1, valid_from="2026-03-01T00:00:00Z", valid_to="2026-04-01T00:00:00Z",
    )  # fmt: skip
    assert (shared["amount"], shared["minimum"]) == (euros(500), euros(2000))
    # The market pays for a part of it: the shop sees it and leaves it alone.
    assert [one["code"] for one in await coupons.all(owner)] == ["Lamp-10", "TOGETHER"]
    assert (await coupons.refused(owner, shared["id"], amount=euros(9000)))[0] == 403
    assert await coupons.all(rival) == []
    changed = await coupons.set(operator, shared["id"], amount=euros(700), minimum=None)
    assert (changed["amount"], changed["minimum"], changed["limit_total"]) == (
        euros(700), None, 100,
    )  # fmt: skip
    assert await coupons.drop(owner, own["id"]) == 204
    assert await coupons.drop(owner, own["id"]) == 404


async def test_a_limit_is_not_lowered_below_what_was_used(
    client: httpx2.AsyncClient, connection: Connection, owner: Headers
) -> None:
    coupons = Terms(client, "promotions")
    made = await coupons.add(owner, code="TEN", kind="percent", value_bps=1000, limit_total=10)
    await connection.execute("UPDATE coupon SET used_count = 4 WHERE id = $1", UUID(made["id"]))
    assert (await coupons.refused(owner, made["id"], limit_total=3))[:2] == (
        409, "limit_below_use",
    )  # fmt: skip
    assert (await coupons.set(owner, made["id"], limit_total=4))["used_count"] == 4


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"kind": "percent"}, "value_bps"),
        ({"kind": "percent", "value_bps": 10_001}, "value_bps"),
        ({"kind": "percent", "value_bps": 0}, "value_bps"),
        ({"kind": "percent", "value_bps": 10, "amount": euros(1)}, "value_bps"),
        ({"kind": "amount"}, "amount"),
        ({"kind": "amount", "amount": euros(0)}, "amount"),
        ({"kind": "free_shipping", "value_bps": 10}, "amount"),
        (
            {"kind": "amount", "amount": euros(1), "minimum": {"amount": 1, "currency": "USD"}},
            "minimum",
        ),
        ({"kind": "percent", "value_bps": 10, "code": "a b"}, "code"),
        ({"kind": "percent", "value_bps": 10, "funded_by": "shared"}, "marketplace_share_bps"),
        (
            {"kind": "percent", "value_bps": 10, "marketplace_share_bps": 1},
            "marketplace_share_bps",
        ),
        ({"kind": "percent", "value_bps": 10, "limit_total": 0}, "limit_total"),
        ({"kind": "percent", "value_bps": 10, "used_count": 0}, "used_count"),
        (
            {
                "kind": "percent",
                "value_bps": 10,
                "valid_from": "2026-04-01T00:00:00Z",
                "valid_to": "2026-04-01T00:00:00Z",
            },
            "valid_to",
        ),
    ],
)
async def test_a_coupon_that_contradicts_itself_is_refused(
    client: httpx2.AsyncClient, operator: Headers, body: dict[str, Any], field: str
) -> None:
    status, _, fields = await Terms(client, "promotions").refused(
        operator, **{"code": "CODE", **body}
    )
    assert (status, fields) == (422, [field])


async def test_rules_are_asked_in_their_order_and_move(
    client: httpx2.AsyncClient, operator: Headers
) -> None:
    rules = Terms(client, "commission-rules")

    async def names() -> str:
        items = await rules.all(operator)
        assert [item["position"] for item in items] == list(range(1, len(items) + 1))
        return "".join(item["name"] for item in items)

    made = {name: await rules.add(operator, name=name, rate_bps=1000) for name in "abcd"}
    assert await names() == "abcd"
    made["e"] = await rules.add(operator, name="e", rate_bps=1, position=2)
    assert await names() == "aebcd"
    await rules.set(operator, made["d"]["id"], position=1)
    assert await names() == "daebc"
    moved = await rules.set(operator, made["a"]["id"], position=99, rate_bps=500)
    assert (moved["position"], moved["rate_bps"], moved["version"]) == (5, 500, 2)
    assert await names() == "debca"
    stale = await rules.refused(operator, made["a"]["id"], version=1, rate_bps=1)
    assert stale[:2] == (409, "version_conflict")
    assert await rules.drop(operator, made["b"]["id"]) == 204
    assert await names() == "deca"
    assert await rules.drop(operator, made["b"]["id"]) == 404
    # Page by page it is the same order.
    page = (await client.get(f"{rules.path}?limit=3", headers=operator)).json()
    rest = (
        await client.get(f"{rules.path}?limit=3&cursor={page['next_cursor']}", headers=operator)
    ).json()
    assert "".join(item["name"] for item in page["items"] + rest["items"]) == "deca"
    assert rest["next_cursor"] is None


async def test_a_rule_with_everything(
    client: httpx2.AsyncClient,
    connection: Connection,
    operator: Headers,
    owner: Headers,
    rival: Headers,
    shop: TestSeller,
) -> None:
    rules = Terms(client, "commission-rules")
    category_id = await make_category(connection)
    match = {
        "seller_id": str(shop.id), "category_id": str(category_id), "product_id": None,
        "value_from": euros(0), "value_to": euros(5000), "valid_from": "2026-01-01T00:00:00Z",
        "valid_to": None,
    }  # fmt: skip
    rule = await rules.add(
        operator, name="Launch", match=match, rate_bps=800, fixed=euros(30), minimum=euros(50),
        cap=euros(900), vat_bps=1900, on_shipping=True,
    )  # fmt: skip
    assert rule == {
        "id": rule["id"], "position": 1, "name": "Launch", "match": match, "rate_bps": 800,
        "fixed": euros(30), "minimum": euros(50), "cap": euros(900), "vat_bps": 1900,
        "on_shipping": True, "version": 1,
    }  # fmt: skip
    assert await rules.all(owner) == [rule]
    assert await rules.all(rival) == []
    assert (await rules.refused(owner, rule["id"], rate_bps=1))[0] == 403
    changed = await rules.set(operator, rule["id"], match={}, fixed=None, minimum=None, cap=None)
    assert changed["match"] == dict.fromkeys(match)
    assert changed["fixed"] is None
    assert await rules.all(rival) == [changed]


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"minimum": euros(2), "cap": euros(1)}, "minimum"),
        ({"fixed": euros(1), "cap": {"amount": 1, "currency": "USD"}}, "fixed"),
        ({"match": {"value_from": euros(2), "value_to": euros(2)}}, "match.value_to"),
        ({"match": {"seller_id": str(UUID(int=1))}}, "match.seller_id"),
        ({"match": {"category_id": str(UUID(int=1))}}, "match.category_id"),
        ({"match": {"product_id": str(UUID(int=1))}}, "match.product_id"),
        ({"match": {"brand": "x"}}, "match.brand"),
        ({"vat_bps": 10_001}, "vat_bps"),
        ({"position": 0}, "position"),
    ],
)
async def test_a_rule_that_contradicts_itself_is_refused(
    client: httpx2.AsyncClient, operator: Headers, body: dict[str, Any], field: str
) -> None:
    status, _, fields = await Terms(client, "commission-rules").refused(
        operator, **{"rate_bps": 1000, **body}
    )
    assert (status, fields) == (422, [field])


@pytest.mark.parametrize(
    "path", ["shipping-zones", "shipping-rates", "tax-rates", "promotions", "commission-rules"]
)
async def test_guests_and_odd_questions_are_turned_away(
    client: httpx2.AsyncClient, operator: Headers, path: str
) -> None:
    assert (await client.get(f"/api/v1/{path}")).status_code == 401
    assert (await client.post(f"/api/v1/{path}", json={})).status_code == 401
    for query in ("colour=red", "limit=0", "cursor=abc", "cursor=WyJ4Il0"):
        response = await client.get(f"/api/v1/{path}?{query}", headers=operator)
        assert response.status_code == 422, query
