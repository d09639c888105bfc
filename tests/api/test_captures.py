"""Money taken as goods leave, through the doors: what callers see of it, and what is refused."""

from collections.abc import AsyncIterator
from typing import Any
from uuid import UUID

import httpx2
import pytest

from gosellr.core.db import Connection
from gosellr.core.transact import transact
from gosellr.flows import reconciliation
from gosellr.models.order_values import Order
from gosellr.models.reconciliation_values import NewMovement
from gosellr.resources import Resources
from gosellr.services import reconciliation_service, sales_documents
from gosellr.utils.reconciliation import MovementKind
from gosellr.utils.viewer import GUEST
from tests.factories.accounts import bearer
from tests.factories.applications import caller_of
from tests.factories.captures import at_shipment, charge_of
from tests.factories.sales import (
    Shop,
    buy,
    make_commission,
    make_shop,
    part_of,
    read,
    ship,
)
from tests.factories.sales import Tender as TenderOf


@pytest.fixture
def market(resources: Resources) -> Resources:
    return at_shipment(resources)


@pytest.fixture
async def door(market: Resources) -> AsyncIterator[httpx2.AsyncClient]:
    """The application of a market that takes money later."""
    async with caller_of(market) as caller:
        yield caller


@pytest.fixture
async def shops(connection: Connection) -> tuple[Shop, Shop]:
    await make_commission(connection)
    first = await make_shop(connection, price_minor=5000)
    return first, await make_shop(connection, price_minor=3000)


async def shipped(
    door: httpx2.AsyncClient, market: Resources, order: Order, shop: Shop
) -> httpx2.Response:
    return await door.post(
        f"/api/v1/orders/{order.id}/shipments",
        json={
            "seller_order_id": str(part_of(order, shop).id),
            "carrier": "dhl",
            "tracking_number": "JD1",
        },
        headers=await bearer(market, shop.seller.owner),
    )


async def seen(door: httpx2.AsyncClient, market: Resources, order: Order, shop: Shop) -> Any:
    answer = await door.get(
        f"/api/v1/orders/{order.id}", headers=await bearer(market, shop.seller.owner)
    )
    return answer.json()


async def test_a_parcel_is_paid_for_as_it_leaves(
    door: httpx2.AsyncClient, market: Resources, shops: tuple[Shop, Shop]
) -> None:
    one, two = shops
    order = await buy(market, (one, 1), (two, 1))
    before = await seen(door, market, order, one)
    assert (before["status"], before["payment_status"]) == ("processing", "authorized")
    assert before["seller_orders"][0]["captured_at"] is None
    assert (await shipped(door, market, order, one)).status_code == 201
    after = await seen(door, market, order, one)
    assert after["seller_orders"][0]["captured_at"] is not None
    # The other one asks for the status, in the version that it has seen.
    version = (await seen(door, market, order, two))["version"]
    moved = await door.put(
        f"/api/v1/orders/{order.id}/status",
        json={"status": "shipped", "version": version},
        headers=await bearer(market, two.seller.owner),
    )
    assert moved.status_code == 200, moved.text
    assert (await read(market, order)).payment_status == "paid"


@pytest.mark.parametrize(
    ("token", "code"),
    [
        ("tok_capture_declined", "capture_declined"),
        ("tok_capture_timeout_then_ok", "capture_pending"),
    ],
)
async def test_what_isn_t_paid_for_isn_t_shipped(
    door: httpx2.AsyncClient, market: Resources, shops: tuple[Shop, Shop], token: str, code: str
) -> None:
    one, _ = shops
    order = await buy(market, (one, 1), tenders=(TenderOf(method="sandbox", token=token),))
    refused = await shipped(door, market, order, one)
    assert (refused.status_code, refused.json()["code"]) == (409, code)
    assert refused.headers["content-type"] == "application/problem+json"
    assert ("Retry-After" in refused.headers) is (code == "capture_pending")
    assert (await seen(door, market, order, one))["seller_orders"][0]["shipments"] == []


async def test_each_share_has_its_invoice_and_its_movement(
    market: Resources, connection: Connection, shops: tuple[Shop, Shop]
) -> None:
    one, two = shops
    order = await buy(market, (one, 1), (two, 1))
    await ship(market, order, one)
    issue = sales_documents.issue_invoices
    now = market.clock.now()
    [first] = await transact(market.db, issue, order_ids=[order.id], now=now)
    await ship(market, order, two)
    both = await transact(market.db, issue, order_ids=[order.id], now=now)
    assert first in both
    assert len(both) == 2

    # Every capture of the one charge is matched by its own key.
    [told] = await reconciliation.pull(
        market.db, gateways=market.gateways, gateway="sandbox", viewer=GUEST, now=now
    )
    assert (told.movements, told.matched, told.waiting) == (2, 2, 0)
    matched = {row["subject_id"] for row in await connection.fetch("TABLE provider_movement")}
    taken = {row["id"] for row in await connection.fetch("SELECT id FROM payment_capture")}
    assert matched == taken


async def test_captures_that_bear_the_charge_s_name_alone_are_told_apart(
    market: Resources, connection: Connection, shops: tuple[Shop, Shop]
) -> None:
    one, two = shops
    order = await buy(market, (one, 1), (two, 1))
    await ship(market, order, one)
    await ship(market, order, two)
    name = charge_of(await read(market, order)).gateway_reference

    async def tell(reference: str, amount_minor: int) -> tuple[int, int]:
        told = await transact(
            market.db,
            reconciliation_service.import_movements,
            gateway="sandbox",
            source="document",
            movements=[
                NewMovement(
                    reference=f"{reference}-{number}", kind=MovementKind.CHARGE, currency="EUR",
                    amount_minor=amount_minor, fee_minor=0, related=name, key=None,
                    occurred_at=market.clock.now(),
                )
                for number in range(2)
            ],
            imported_by=None,
            now=market.clock.now(),
        )  # fmt: skip
        return told.matched, told.waiting

    # Each is matched once, whatever order they come in; the same once more is nobody's.
    assert await tell("small", 3000) == (1, 1)
    assert await tell("big", 5000) == (1, 2)
    rows = await connection.fetch(
        "SELECT amount_minor, subject_id FROM provider_movement WHERE status = 'matched'"
    )
    ours = await connection.fetch("SELECT amount_minor, id FROM payment_capture")
    assert {tuple(row) for row in rows} == {tuple(row) for row in ours}
    assert len({UUID(str(row["subject_id"])) for row in rows}) == 2
