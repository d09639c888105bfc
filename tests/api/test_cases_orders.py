"""Cases of the catalogue about orders, asked through the doors."""

from datetime import timedelta
from uuid import uuid4

import asyncpg
import httpx2
import pytest

from gosellr.core.clock import ManualClock
from gosellr.core.db import Connection
from gosellr.jobs import upkeep
from gosellr.queries.audit import REFUNDS_WITHIN_CAPTURED, find_offences
from gosellr.resources import Resources
from tests.factories.accounts import bearer
from tests.factories.carts import ADDRESS, Bag, make_bag
from tests.factories.orders import order_body, place
from tests.factories.sales import Shop, buy, cancel, make_shop, part_of, ship, stock
from tests.factories.sales import refund as send_back

PLANTED = """
INSERT INTO refund_part (id, refund_id, payment_id, amount_minor, status, created_at)
SELECT $1, refund_id, payment_id, 1, 'succeeded', created_at FROM refund_part
"""


@pytest.fixture
async def shop(connection: Connection) -> Shop:
    return await make_shop(connection, stock=1)


async def order_bag(bag: Bag, *, token: str) -> httpx2.Response:
    """Order what is in the bag, under a key of its own."""
    return await bag.client.post(
        "/api/v1/orders/create",
        json={"cart_id": bag.id, "payment_method": "sandbox", "payment_token": token},
        headers={**bag.headers, "Idempotency-Key": uuid4().hex},
    )


async def filled_bag(client: httpx2.AsyncClient, shop: Shop) -> Bag:
    bag = await make_bag(client)
    await bag.put(shop.product.variant_id)
    await bag.change(
        "PUT", "/addresses", json={"email": "ada@example.com", "shipping_address": ADDRESS}
    )
    return bag


@pytest.mark.case(12)
async def test_case_12_whoever_holds_the_last_unit_isn_t_told_that_it_is_gone(
    client: httpx2.AsyncClient, connection: Connection, shop: Shop
) -> None:
    bag = await filled_bag(client, shop)
    declined = await order_bag(bag, token="tok_declined")
    assert declined.status_code == 402
    # The checkout is opened again, in another window, with another key.
    again = await order_bag(bag, token="tok_ok")
    assert again.status_code == 402
    assert again.json()["order_id"] == declined.json()["order_id"]
    assert await stock(connection, shop) == (1, 1)
    paid = await client.post(
        f"/api/v1/orders/{declined.json()['order_id']}/payments",
        json={"payment_method": "sandbox", "payment_token": "tok_ok"},
        headers={"Idempotency-Key": "pay", "X-Order-Token": again.json()["access_token"]},
    )
    assert (paid.status_code, paid.json()["status"]) == (201, "paid")
    assert await connection.fetchval("SELECT count(*) FROM stock_reservation") == 1
    assert await stock(connection, shop) == (1, 1)


@pytest.mark.case(12)
async def test_case_12_after_the_hold_ran_out_the_same_bag_can_be_ordered(
    client: httpx2.AsyncClient,
    connection: Connection,
    resources: Resources,
    clock: ManualClock,
    shop: Shop,
) -> None:
    bag = await filled_bag(client, shop)
    declined = await order_bag(bag, token="tok_declined")
    clock.advance(timedelta(minutes=16))
    await upkeep.expire_holds(resources)
    assert await stock(connection, shop) == (1, 0)
    paid = await order_bag(bag, token="tok_ok")
    assert (paid.status_code, paid.json()["status"]) == (201, "paid")
    assert paid.json()["id"] != declined.json()["order_id"]
    assert await stock(connection, shop) == (1, 1)


@pytest.mark.case(40)
async def test_case_40_more_refunded_than_captured_is_found(
    resources: Resources, connection: Connection
) -> None:
    shop = await make_shop(connection)
    order = await buy(resources, (shop, 1))
    await send_back(resources, order, shop, units=1)
    assert await find_offences(connection, REFUNDS_WITHIN_CAPTURED) == []
    await connection.execute(PLANTED, uuid4())
    found = await find_offences(connection, REFUNDS_WITHIN_CAPTURED)
    assert [one.row for one in found] == [f"payment {order.payments[0].id}"]
    assert f"of its refunds {order.total_minor + 1} succeeded" in found[0].problem


@pytest.mark.case(63)
async def test_case_63_without_its_token_a_guest_s_order_isn_t_there(
    client: httpx2.AsyncClient, resources: Resources, connection: Connection, shop: Shop
) -> None:
    order = (await place(client, order_body((shop.product.variant_id, 1)))).json()
    other = await make_shop(connection)
    theirs = (await place(client, order_body((other.product.variant_id, 1)))).json()
    stranger = await bearer(resources, other.seller.owner)

    async def seen(order_id: str, headers: dict[str, str]) -> tuple[int, dict[str, object]]:
        answer = await client.get(f"/api/v1/orders/{order_id}", headers=headers)
        said = answer.json()
        said.pop("request_id", None)
        return answer.status_code, said

    for headers in (
        {},
        {"X-Order-Token": "x" * 43},
        {"X-Order-Token": theirs["access_token"]},
        stranger,
    ):
        hidden = await seen(order["id"], headers)
        assert hidden == await seen(str(uuid4()), headers)
        assert hidden[0] == 404
        assert "ada@example.com" not in str(hidden)
    assert (await seen(order["id"], {"X-Order-Token": order["access_token"]}))[0] == 200


@pytest.mark.case(58)
async def test_case_58_a_parcel_of_a_cancelled_order_is_noted_not_lost(
    client: httpx2.AsyncClient, resources: Resources, connection: Connection, shop: Shop
) -> None:
    order = await buy(resources, (shop, 1))
    await cancel(resources, order, viewer=shop.viewer)
    headers = await bearer(resources, shop.seller.owner)
    parcel = {
        "seller_order_id": str(part_of(order, shop).id),
        "carrier": "dhl",
        "tracking_number": "JD0001",
    }
    for _ in range(2):
        late = await client.post(
            f"/api/v1/orders/{order.id}/shipments", json=parcel, headers=headers
        )
        assert late.status_code == 409
    seen = (await client.get(f"/api/v1/orders/{order.id}", headers=headers)).json()
    assert seen["status"] == "cancelled"
    noted = [event for event in seen["timeline"] if event["kind"] == "shipped_after_cancel"]
    assert len(noted) == 1
    assert noted[0]["data"] == {"carrier": "dhl", "tracking_number": "JD0001"}
    assert await stock(connection, shop) == (1, 0)


@pytest.mark.case(58)
async def test_case_58_what_was_shipped_is_never_cancelled_by_any_hand(
    resources: Resources, connection: Connection, shop: Shop
) -> None:
    order = await buy(resources, (shop, 1))
    await ship(resources, order, shop)
    with pytest.raises(asyncpg.IntegrityConstraintViolationError):
        await connection.execute("UPDATE seller_order SET status = 'cancelled'")
