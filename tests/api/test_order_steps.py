"""What follows a sale, through the doors: parcels, statuses, refunds, cancelling, reviews."""

from typing import Any
from uuid import uuid4

import httpx2
import pytest

from gosellr.core.db import Connection
from gosellr.integrations.payments.sandbox import SandboxGateway
from gosellr.resources import Resources
from gosellr.utils.permissions import MemberRole
from tests.factories.accounts import add_member, bearer, make_operator
from tests.factories.orders import order_body, place
from tests.factories.sales import NOW, Shop, balances, make_buyer, make_commission, make_shop


class Desk:
    """Calls about one order, as its seller, its buyer or an operator."""

    def __init__(
        self,
        client: httpx2.AsyncClient,
        order: dict[str, Any],
        headers: dict[str, dict[str, str]],
    ) -> None:
        self._client = client
        self.order = order
        self.headers = headers
        self.part_id = order["seller_orders"][0]["id"]
        self.item_id = order["seller_orders"][0]["items"][0]["id"]

    async def call(
        self, who: str, method: str, path: str, body: Any = None, *, key: str | None = None
    ) -> httpx2.Response:
        """A response about this order."""
        headers = dict(self.headers.get(who, {}))
        if key is not None:
            headers["Idempotency-Key"] = key
        address = f"/api/v1/orders/{self.order['id']}{path}"
        return await self._client.request(method, address, json=body, headers=headers)


@pytest.fixture
async def shop(connection: Connection) -> Shop:
    await make_commission(connection, vat_bps=0)
    return await make_shop(connection, price_minor=5000, stock=10)


@pytest.fixture
async def desk(
    client: httpx2.AsyncClient, resources: Resources, connection: Connection, shop: Shop
) -> Desk:
    """An order over three units of one seller, placed by a guest."""
    placed = await place(client, order_body((shop.product.variant_id, 3)))
    order = placed.json()
    headers = {
        "seller": await bearer(resources, shop.seller.owner),
        "operator": await bearer(resources, await make_operator(connection, now=NOW)),
        "stranger": await bearer(resources, await make_buyer(connection)),
        "buyer": {"X-Order-Token": order["access_token"]},
    }
    return Desk(client, order, headers)


async def test_parcels_through_the_door(desk: Desk) -> None:
    body = {
        "seller_order_id": desk.part_id,
        "items": [{"order_item_id": desk.item_id, "quantity": 1}],
        "carrier": "dhl",
        "tracking_number": "JD0001",
    }
    sent = await desk.call("seller", "POST", "/shipments", body, key="parcel")
    assert sent.status_code == 201, sent.text
    assert sent.json()["status"] == "in_transit"
    assert sent.json()["items"] == [{"order_item_id": desk.item_id, "quantity": 1}]
    page = "https://www.dhl.com/global-en/home/tracking.html?tracking-id=JD0001&submit=1"
    assert sent.json()["tracking_url"] == page
    again = await desk.call("seller", "POST", "/shipments", body, key="parcel")
    assert again.json() == sent.json()
    assert again.headers["idempotency-replayed"] == "true"
    much = {**body, "items": [{"order_item_id": desk.item_id, "quantity": 3}]}
    refused = await desk.call("seller", "POST", "/shipments", much)
    assert (refused.status_code, refused.json()["code"]) == (409, "nothing_left_to_ship")
    assert refused.json()["items"] == [{"order_item_id": desk.item_id, "left": 2}]
    path = f"/shipments/{sent.json()['id']}"
    for _ in range(2):
        arrived = await desk.call("seller", "PATCH", path, {"status": "delivered"})
        assert (arrived.status_code, arrived.json()["status"]) == (200, "delivered")
    renumbered = await desk.call("seller", "PATCH", path, {"tracking_number": "JD 2"})
    assert renumbered.json()["tracking_url"] == page.replace("JD0001", "JD%202")
    own = {"tracking_url": "https://shop.example.com/parcel"}
    assert (await desk.call("seller", "PATCH", path, own)).json()["tracking_url"] == own[
        "tracking_url"
    ]
    for who, status in (("stranger", 403), ("buyer", 401)):
        assert (await desk.call(who, "PATCH", path, {"status": "lost"})).status_code == status
    shown = (await desk.call("buyer", "GET", "")).json()
    assert (shown["status"], len(shown["seller_orders"][0]["shipments"])) == (
        "partially_shipped",
        1,
    )


async def test_a_label_is_bought_and_brings_its_number(desk: Desk) -> None:
    body = {"seller_order_id": desk.part_id, "carrier": "sandbox", "buy_label": True}
    sent = await desk.call("seller", "POST", "/shipments", body)
    assert sent.status_code == 201, sent.text
    assert sent.json()["status"] == "label_created"
    assert sent.json()["tracking_number"]
    assert sent.json()["tracking_url"].endswith(sent.json()["tracking_number"])
    unknown = await desk.call("seller", "POST", "/shipments", {**body, "carrier": "pigeon"})
    assert (unknown.status_code, unknown.json()["code"]) == (422, "invalid_input")
    other = await desk.call("seller", "POST", "/shipments", {**body, "service": "by_balloon"})
    assert (other.status_code, other.json()["code"]) == (409, "label_refused")


async def test_statuses_through_the_door(desk: Desk) -> None:
    refused = await desk.call("seller", "PUT", "/status", {"status": "completed"})
    assert (refused.status_code, refused.json()["code"]) == (409, "transition_not_allowed")
    assert refused.json()["allowed"] == ["processing", "shipped"]
    for status in ("processing", "shipped", "delivered"):
        moved = await desk.call("seller", "PUT", "/status", {"status": status, "note": "today"})
        assert (moved.status_code, moved.json()["status"]) == (200, status), moved.text
    assert (
        await desk.call("stranger", "PUT", "/status", {"status": "completed"})
    ).status_code == 404
    done = await desk.call("operator", "PUT", "/status", {"status": "completed"})
    assert done.json()["status"] == "completed"
    unknown = await desk.call("seller", "PUT", "/status", {"status": "lost"})
    assert unknown.status_code == 422


async def test_refunds_through_the_door(desk: Desk, connection: Connection) -> None:
    body = {
        "seller_order_id": desk.part_id,
        "items": [{"order_item_id": desk.item_id, "quantity": 1}],
        "reason": "broken",
    }
    before = await balances(connection)
    preview = await desk.call("seller", "POST", "/refunds/preview", body)
    assert preview.status_code == 200, preview.text
    assert await balances(connection) == before
    unkeyed = await desk.call("seller", "POST", "/refunds", body)
    assert (unkeyed.status_code, unkeyed.json()["code"]) == (400, "idempotency_key_required")
    given = await desk.call("seller", "POST", "/refunds", body, key="r-1")
    assert given.status_code == 201, given.text
    refund = given.json()
    assert (refund["status"], refund["amount"]) == (
        "succeeded",
        {"amount": 5000, "currency": "EUR"},
    )
    assert refund["lines"] == preview.json()["lines"]
    assert refund["effects"] == preview.json()["effects"]
    assert refund["effects"]["seller"]["pending"] == {"amount": 4500, "currency": "EUR"}
    assert refund["effects"]["commission"] == {"amount": 500, "currency": "EUR"}
    again = await desk.call("seller", "POST", "/refunds", body, key="r-1")
    assert again.content == given.content
    assert again.headers["idempotency-replayed"] == "true"
    changed = {**body, "reason": "other"}
    reused = await desk.call("seller", "POST", "/refunds", changed, key="r-1")
    assert (reused.status_code, reused.json()["code"]) == (422, "idempotency_key_reused")
    assert (await balances(connection))["gateway_clearing"] == 10_000
    seen = (await desk.call("buyer", "GET", "/refunds")).json()["items"]
    assert [(one["status"], "effects" in one) for one in seen] == [("succeeded", False)]
    mine = (await desk.call("seller", "GET", "/refunds")).json()["items"]
    assert mine == [refund]


@pytest.mark.case(37)
@pytest.mark.parametrize("amount", [-1, 0, None, "NaN", 1e30, 10**30, 1.5, True, "5"])
async def test_case_37_an_amount_that_is_none_is_refused(
    desk: Desk, connection: Connection, amount: Any
) -> None:
    before = await balances(connection)
    body = {
        "seller_order_id": desk.part_id,
        "amount": {"amount": amount, "currency": "EUR"},
        "reason": "broken",
    }
    refused = await desk.call("seller", "POST", "/refunds", body, key=uuid4().hex)
    assert (refused.status_code, refused.json()["code"]) == (422, "invalid_input")
    assert await balances(connection) == before


async def test_what_a_refund_may_not_be(desk: Desk, connection: Connection) -> None:
    base = {"seller_order_id": desk.part_id, "reason": "broken"}
    money = {"amount": 100, "currency": "EUR"}
    for body, status, code in (
        (base, 422, "invalid_input"),
        ({**base, "amount": money, "shipping": True}, 422, "invalid_input"),
        ({**base, "amount": {**money, "currency": "USD"}}, 422, "invalid_input"),
        ({**base, "amount": {**money, "amount": 15_001}}, 409, "refund_exceeds_paid"),
        ({**base, "amount": money, "borne_by": "marketplace"}, 403, "not_allowed"),
        ({**base, "amount": money, "seller_order_id": str(uuid4())}, 404, "not_found"),
        (
            {**base, "items": [{"order_item_id": desk.item_id, "quantity": 4}]},
            409,
            "refund_exceeds_paid",
        ),
        (
            {**base, "items": [{"order_item_id": str(uuid4()), "quantity": 1}]},
            404,
            "not_found",
        ),
    ):
        refused = await desk.call("seller", "POST", "/refunds", body, key=uuid4().hex)
        assert (refused.status_code, refused.json()["code"]) == (status, code), body
    body = {**base, "amount": money}
    for who, status in (("stranger", 403), ("buyer", 401)):
        answer = await desk.call(who, "POST", "/refunds", body, key=uuid4().hex)
        assert answer.status_code == status
    assert await connection.fetchval("SELECT count(*) FROM refund") == 0


async def test_a_member_without_the_right_refunds_nothing(
    desk: Desk, resources: Resources, connection: Connection, shop: Shop
) -> None:
    packer = await add_member(connection, now=NOW, seller=shop.seller, role=MemberRole.FULFILMENT)
    desk.headers["packer"] = await bearer(resources, packer)
    body = {
        "seller_order_id": desk.part_id,
        "amount": {"amount": 1, "currency": "EUR"},
        "reason": "x",
    }
    refused = await desk.call("packer", "POST", "/refunds", body, key="p")
    assert (refused.status_code, refused.json()["code"]) == (403, "not_allowed")


async def test_cancelling_through_the_door(desk: Desk, connection: Connection) -> None:
    assert (await desk.call("stranger", "POST", "/cancel", {"reason": "x"})).status_code == 404
    gone = await desk.call("buyer", "POST", "/cancel", {"reason": "too late"})
    assert gone.status_code == 200, gone.text
    assert (gone.json()["status"], gone.json()["payment_status"]) == ("cancelled", "refunded")
    assert gone.json()["refunded_total"] == {"amount": 15_000, "currency": "EUR"}
    assert await balances(connection) == {}
    again = await desk.call("buyer", "POST", "/cancel", {"reason": "too late"})
    assert (again.status_code, again.json()["code"]) == (409, "transition_not_allowed")


async def test_reviews_through_the_door(desk: Desk, client: httpx2.AsyncClient, shop: Shop) -> None:
    path = f"/api/v1/products/{shop.product.id}/reviews"
    body = {"rating": 5, "title": "Bright", "body": "Lights the room"}
    early = await client.post(path, json=body, headers=desk.headers["buyer"])
    assert (early.status_code, early.json()["code"]) == (409, "not_delivered")
    for status in ("shipped", "delivered"):
        await desk.call("seller", "PUT", "/status", {"status": status})
    written = await client.post(path, json=body, headers=desk.headers["buyer"])
    assert written.status_code == 201, written.text
    twice = await client.post(path, json=body, headers=desk.headers["buyer"])
    assert (twice.status_code, twice.json()["code"]) == (409, "already_reviewed")
    for rating in (0, 6, 4.5, "5", True):
        wrong = await client.post(path, json={"rating": rating}, headers=desk.headers["buyer"])
        assert wrong.status_code == 422
    listed = (await client.get(path)).json()
    assert listed["rating"] == {"average": 5.0, "count": 1}
    assert listed["items"] == [written.json()]
    assert listed["items"][0]["author"] == "Ada L."
    assert (await client.get(f"/api/v1/products/{uuid4()}/reviews")).status_code == 404
    assert (await client.get(path, params={"page": 2})).status_code == 422


@pytest.mark.case(39)
async def test_case_39_the_report_of_a_refund_settles_it_once(
    client: httpx2.AsyncClient, resources: Resources, connection: Connection, shop: Shop
) -> None:
    body = order_body((shop.product.variant_id, 1), token="tok_refund_timeout_then_ok")
    order = (await place(client, body)).json()
    headers = {
        **(await bearer(resources, shop.seller.owner)),
        "Idempotency-Key": "refund",
    }
    asked = {
        "seller_order_id": order["seller_orders"][0]["id"],
        "items": [{"order_item_id": order["seller_orders"][0]["items"][0]["id"], "quantity": 1}],
        "reason": "broken",
    }
    path = f"/api/v1/orders/{order['id']}/refunds"
    given = await client.post(path, json=asked, headers=headers)
    assert given.json()["status"] == "unknown"
    gateway = resources.gateways["sandbox"]
    assert isinstance(gateway, SandboxGateway)
    for _ in range(2):
        for delivery in await gateway.pending_webhooks():
            heard = await client.post(
                "/api/v1/payments/webhooks/sandbox",
                content=delivery.body,
                headers=delivery.headers,
            )
            assert heard.status_code == 204
    [settled] = (await client.get(path, headers=headers)).json()["items"]
    assert settled["status"] == "succeeded"
    assert await balances(connection) == {}
    kinds = await connection.fetch("SELECT kind FROM ledger_transaction ORDER BY kind")
    assert [row["kind"] for row in kinds] == ["refund_confirmed", "refund_intent", "sale"]
