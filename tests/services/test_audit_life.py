"""Whatever an order goes through, the audit finds nothing at any step."""

from datetime import timedelta
from typing import Any
from uuid import uuid4

import httpx2
import pytest

from gosellr.core.clock import ManualClock
from gosellr.core.db import Connection
from gosellr.core.transact import transact
from gosellr.integrations.payments.sandbox import SandboxGateway
from gosellr.jobs import upkeep
from gosellr.resources import Resources
from gosellr.services.audit_service import GatewayCharge, audit
from gosellr.services.release_service import release_due
from tests.factories.accounts import User, bearer, make_operator
from tests.factories.catalogue import MadeProduct, make_product, make_shelf_seller
from tests.factories.orders import order_body, place


class Market:
    """Acts as an operator, and audits after every act."""

    def __init__(
        self,
        client: httpx2.AsyncClient,
        connection: Connection,
        resources: Resources,
        operator: User,
        goods: list[MadeProduct],
    ) -> None:
        self._client = client
        self._connection = connection
        self._resources = resources
        self._operator = operator
        self._goods = goods

    async def order(self, pays_with: str = "tok_ok") -> dict[str, Any]:
        """Two units of one seller's product and two of the other's, in one order."""
        items = [(product.variant_id, 2) for product in self._goods]
        answer = await place(self._client, order_body(*items, token=pays_with))
        await self.is_clean()
        order: dict[str, Any] = answer.json()
        return order

    async def act(self, method: str, path: str, body: dict[str, Any]) -> dict[str, Any]:
        signed_in = await bearer(self._resources, self._operator)
        headers = {**signed_in, "Idempotency-Key": uuid4().hex}
        answer = await self._client.request(
            method, f"/api/v1/orders/{path}", json=body, headers=headers
        )
        assert answer.status_code in (200, 201), answer.text
        await self.is_clean()
        document: dict[str, Any] = answer.json()
        return document

    async def is_clean(self) -> None:
        gateway = self._resources.gateways["sandbox"]
        assert isinstance(gateway, SandboxGateway)
        charges = [
            GatewayCharge(
                each.attempt_id,
                each.currency,
                each.captured_minor,
                each.refunded_minor,
                each.fee_minor,
            )
            for each in await gateway.journal()
        ]
        now = self._resources.clock.now()
        journals = {"sandbox": charges}
        assert await audit(self._connection, now=now, gateway_journals=journals) == []


@pytest.fixture
async def market(
    client: httpx2.AsyncClient, connection: Connection, resources: Resources
) -> Market:
    goods = [
        await make_product(
            connection, seller=await make_shelf_seller(connection), price_minor=price, stock=30
        )
        for price in (2_500, 1_000)
    ]
    operator = await make_operator(connection, now=resources.clock.now())
    return Market(client, connection, resources, operator, goods)


async def test_shipped_delivered_released_and_refunded_in_parts(
    market: Market, resources: Resources, clock: ManualClock
) -> None:
    order = await market.order()
    first, second = order["seller_orders"]
    refunds = f"{order['id']}/refunds"
    of_first = {"seller_order_id": first["id"], "reason": "as agreed"}
    line_id = first["items"][0]["id"]
    units = [{"order_item_id": line_id, "quantity": 1}]
    await market.act("POST", refunds, {**of_first, "items": units})
    parcel = {"seller_order_id": first["id"], "carrier": "dhl", "tracking_number": "1"}
    shipment = await market.act("POST", f"{order['id']}/shipments", parcel)
    url = f"{order['id']}/shipments/{shipment['id']}"
    await market.act("PATCH", url, {"status": "delivered"})
    cancelled = {"seller_order_id": second["id"], "reason": "sold out"}
    await market.act("POST", f"{order['id']}/cancel", cancelled)
    clock.advance(timedelta(days=8))
    assert await transact(resources.db, release_due, now=clock.now()) == 1
    await market.is_clean()
    amount = {"amount": 700, "currency": "EUR"}
    await market.act("POST", refunds, {**of_first, "amount": amount})
    amount = {"amount": 100, "currency": "EUR"}
    goodwill = {**of_first, "amount": amount, "borne_by": "marketplace"}
    await market.act("POST", refunds, goodwill)


async def test_cancelled_whole(market: Market) -> None:
    order = await market.order()
    await market.act("POST", f"{order['id']}/cancel", {"reason": "changed my mind"})


@pytest.mark.parametrize(
    "token",
    ["tok_declined", "tok_timeout_then_ok", "tok_timeout_then_declined", "tok_requires_action"],
)
async def test_paid_late_or_never(
    market: Market, resources: Resources, clock: ManualClock, token: str
) -> None:
    await market.order(token)
    for _ in range(2):
        clock.advance(timedelta(minutes=30))
        await upkeep.resume_payments(resources)
        await market.is_clean()
        await upkeep.expire_holds(resources)
        await market.is_clean()
