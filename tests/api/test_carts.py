"""The bag at its door: what is put in, what it costs, who may look."""

from typing import Any
from uuid import UUID

import httpx2
import pytest

from gosellr.core.db import Connection, Database
from gosellr.core.identity import new_id
from tests.conftest import StatementwiseDatabase
from tests.factories.carts import ADDRESS, Bag, amounts, make_bag
from tests.factories.catalogue import make_product, make_shelf_seller
from tests.factories.terms import make_delivery


@pytest.fixture
def db(connection: Connection) -> Database:
    """What can't be put in at once fails, and is looked at step by step then."""
    return StatementwiseDatabase(connection)


async def test_a_guest_gets_the_token_once_and_nobody_sees_the_cart_without_it(
    client: httpx2.AsyncClient,
) -> None:
    made = (await client.post("/api/v1/carts", json={"currency": "USD"})).json()
    assert made["currency"] == "USD"
    assert made["parcels"] == []
    assert made["total"] == {"amount": 0, "currency": "USD"}
    bag = Bag(client, made)
    assert "token" not in await bag.show()
    for headers in ({}, {"X-Cart-Token": "wrong"}):
        response = await client.get(f"/api/v1/carts/{bag.id}", headers=headers)
        assert response.status_code == 404
        absent = await client.get(f"/api/v1/carts/{new_id()}", headers=headers)
        assert absent.json() | {"request_id": ""} == response.json() | {"request_id": ""}


async def test_the_token_is_kept_as_a_fingerprint_only(
    client: httpx2.AsyncClient, connection: Connection
) -> None:
    made = (await client.post("/api/v1/carts", json={})).json()
    row = await connection.fetchrow("SELECT cart::text AS all FROM cart WHERE id = $1", made["id"])
    assert row is not None
    assert made["token"] not in row["all"]


async def test_three_sellers_make_three_parcels_and_every_total_is_a_sum(
    client: httpx2.AsyncClient, connection: Connection
) -> None:
    bag = await make_bag(client)
    expected = {}
    for number, price in enumerate((1999, 350, 12_000), start=1):
        seller_id = await make_shelf_seller(connection, name=f"Shop {number}")
        made = await make_product(connection, seller=seller_id, price_minor=price)
        slow = await make_delivery(connection, seller_id=seller_id, price_minor=number * 100)
        fast = await make_delivery(
            connection, seller_id=seller_id, price_minor=number * 500, name="Express"
        )
        expected[str(seller_id)] = (price, number, slow, fast)
        await bag.put(made.variant_id, 2)
    cart = await bag.change(
        "PUT", "/addresses", json={"email": "ada@example.com", "shipping_address": ADDRESS}
    )
    for parcel in cart["parcels"]:
        price, number, slow, fast = expected[parcel["seller"]["id"]]
        assert parcel["seller"]["name"] == f"Shop {number}"
        assert [option["id"] for option in parcel["shipping"]["options"]] == [str(slow), str(fast)]
        assert parcel["shipping"]["chosen"] == str(slow)
        assert amounts(parcel, "subtotal", "shipping_total", "total") == [
            2 * price, number * 100, 2 * price + number * 100,
        ]  # fmt: skip
    second = cart["parcels"][1]["seller"]["id"]
    cart = await bag.change(
        "PUT", "/shipping", json={"choices": {second: str(expected[second][3])}}
    )
    assert [parcel["shipping"]["chosen"] for parcel in cart["parcels"]] == [
        str(expected[parcel["seller"]["id"]][3 if parcel["seller"]["id"] == second else 2])
        for parcel in cart["parcels"]
    ]
    for total, part in (
        ("subtotal", "subtotal"),
        ("discount_total", "discount"),
        ("shipping_total", "shipping_total"),
        ("tax_total", "tax_total"),
        ("total", "total"),
    ):
        assert cart[total]["amount"] == sum(parcel[part]["amount"] for parcel in cart["parcels"])
    assert cart["total"]["amount"] == 2 * (1999 + 350 + 12_000) + 100 + 1000 + 300
    assert cart["issues"] == []
    options = await bag.change("GET", "/shipping-options")
    assert [parcel["chosen"] for parcel in options["parcels"]] == [
        parcel["shipping"]["chosen"] for parcel in cart["parcels"]
    ]


async def test_the_same_variant_adds_up_and_a_version_rises_with_each_change(
    client: httpx2.AsyncClient, connection: Connection
) -> None:
    seller_id = await make_shelf_seller(connection)
    made = await make_product(connection, seller=seller_id, price_minor=500, stock=9)
    bag = await make_bag(client)
    assert (await bag.put(made.variant_id, 2))["version"] == 2
    cart = await bag.put(made.variant_id, 3)
    [item] = cart["parcels"][0]["items"]
    assert (item["quantity"], item["total"]["amount"], item["available"]) == (5, 2500, 9)
    assert cart["version"] == 3
    cart = await bag.change("PATCH", f"/items/{item['id']}", json={"quantity": 1, "version": 3})
    assert cart["total"]["amount"] == 500
    stale = await bag.refused("PATCH", f"/items/{item['id']}", json={"quantity": 2, "version": 3})
    assert (stale["code"], stale["version"]) == ("version_conflict", 4)
    cart = await bag.change("DELETE", f"/items/{item['id']}")
    assert cart["parcels"] == []
    assert (await bag.refused("DELETE", f"/items/{item['id']}"))["code"] == "not_found"


async def test_what_cannot_be_bought_cannot_be_put_in(
    client: httpx2.AsyncClient, connection: Connection
) -> None:
    seller_id = await make_shelf_seller(connection)
    scarce = await make_product(connection, seller=seller_id, stock=3)
    draft = await make_product(connection, seller=seller_id, active=False)
    foreign = await make_product(connection, seller=seller_id, currency="USD")
    bag = await make_bag(client)

    async def answer_to(variant_id: UUID, quantity: int = 1) -> dict[str, Any]:
        return await bag.refused(
            "POST", "/items", json={"variant_id": str(variant_id), "quantity": quantity}
        )

    problem = await answer_to(scarce.variant_id, 4)
    assert problem["code"] == "insufficient_stock"
    assert (problem["wanted"], problem["available"]) == (4, 3)
    await bag.put(scarce.variant_id, 2)
    assert (await answer_to(scarce.variant_id, 2))["wanted"] == 4
    hidden, absent = await answer_to(draft.variant_id), await answer_to(new_id())
    assert hidden["code"] == "unavailable"
    assert hidden | {"request_id": ""} == absent | {"request_id": ""}
    assert (await answer_to(foreign.variant_id))["code"] == "no_price_in_currency"


@pytest.mark.case(65)
@pytest.mark.parametrize(
    "quantity", [-5, 0, 1.5, 2.0, 2**31 - 1, 2**63, 1e21, True, "1", None, 10_001]
)
async def test_case_65_a_quantity_is_a_whole_number_within_bounds(
    client: httpx2.AsyncClient, connection: Connection, quantity: Any
) -> None:
    made = await make_product(connection, seller=await make_shelf_seller(connection))
    bag = await make_bag(client)
    problem = await bag.refused(
        "POST", "/items", json={"variant_id": str(made.variant_id), "quantity": quantity}
    )
    assert problem["status"] == 422
    assert problem["errors"][0]["field"] == "quantity"


@pytest.mark.case(65)
async def test_case_65_derived_amounts_are_bounded_too(
    client: httpx2.AsyncClient, connection: Connection
) -> None:
    made = await make_product(
        connection,
        seller=await make_shelf_seller(connection),
        price_minor=10**12,
        stock=20_000,
    )
    bag = await make_bag(client)
    await bag.put(made.variant_id, 1000)
    problem = await bag.refused(
        "POST", "/items", json={"variant_id": str(made.variant_id), "quantity": 1}
    )
    assert (problem["status"], problem["errors"][0]["code"]) == (422, "amount_out_of_bounds")
    problem = await bag.refused(
        "POST", "/items", json={"variant_id": str(made.variant_id), "quantity": 9_001}
    )
    assert problem["errors"][0]["code"] == "quantity_too_large"


@pytest.mark.case(64)
@pytest.mark.parametrize("field", ["unit_price", "price", "total", "currency", "seller_id", "tax"])
async def test_case_64_a_price_from_outside_is_refused(
    client: httpx2.AsyncClient, connection: Connection, field: str
) -> None:
    made = await make_product(connection, seller=await make_shelf_seller(connection))
    bag = await make_bag(client)
    problem = await bag.refused(
        "POST", "/items", json={"variant_id": str(made.variant_id), "quantity": 1, field: 1}
    )
    assert (problem["status"], problem["errors"][0]["field"]) == (422, field)


async def test_a_price_change_is_told_old_and_new_until_it_was_seen(
    client: httpx2.AsyncClient, connection: Connection
) -> None:
    made = await make_product(
        connection, seller=await make_shelf_seller(connection), price_minor=1000
    )
    bag = await make_bag(client)
    cart = await bag.put(made.variant_id)
    [item] = cart["parcels"][0]["items"]

    async def change_price(amount_minor: int) -> dict[str, Any]:
        await connection.execute(
            "UPDATE variant_price SET amount_minor = $2 WHERE variant_id = $1",
            made.variant_id,
            amount_minor,
        )
        return await bag.show()

    cart = await change_price(1250)
    [issue] = cart["issues"]
    assert (issue["code"], issue["item_id"], issue["blocks"]) == (
        "price_changed",
        item["id"],
        False,
    )
    assert (issue["old"]["amount"], issue["new"]["amount"]) == (1000, 1250)
    assert cart["total"]["amount"] == 1250
    assert (await bag.show())["issues"] == [issue], "looking at it settles nothing"
    assert (await bag.change("POST", "/acknowledge"))["issues"] == []
    assert (await change_price(900))["issues"][0]["old"]["amount"] == 1250
    cart = await bag.change("PATCH", f"/items/{item['id']}", json={"quantity": 2})
    assert cart["issues"] == []


@pytest.mark.case(59)
async def test_case_59_a_withdrawn_product_stays_visible_and_out_of_the_total(
    client: httpx2.AsyncClient, connection: Connection
) -> None:
    seller_id = await make_shelf_seller(connection)
    gone = await make_product(connection, seller=seller_id, price_minor=700, title="Vase")
    kept = await make_product(connection, seller=seller_id, price_minor=300)
    bag = await make_bag(client)
    await bag.put(gone.variant_id)
    await bag.put(kept.variant_id)
    await connection.execute("UPDATE product SET status = 'archived' WHERE id = $1", gone.id)
    cart = await bag.show()
    [parcel] = cart["parcels"]
    lines = {item["title"]: item for item in parcel["items"]}
    assert lines["Vase"]["total"] is None
    assert lines["Vase"]["available"] == 0
    assert cart["total"]["amount"] == 300
    [issue] = cart["issues"]
    assert (issue["code"], issue["item_id"]) == ("unavailable", lines["Vase"]["id"])
    assert issue["blocks"]
    cart = await bag.change("DELETE", f"/items/{lines['Vase']['id']}")
    assert cart["issues"] == []


async def test_stock_that_went_meanwhile_is_an_issue(
    client: httpx2.AsyncClient, connection: Connection
) -> None:
    made = await make_product(connection, seller=await make_shelf_seller(connection), stock=5)
    bag = await make_bag(client)
    await bag.put(made.variant_id, 5)
    for left, code in ((2, "insufficient_stock"), (0, "out_of_stock")):
        await connection.execute(
            "UPDATE stock_level SET on_hand = $2 WHERE variant_id = $1", made.variant_id, left
        )
        [issue] = (await bag.show())["issues"]
        assert (issue["code"], issue["available"], issue["blocks"]) == (code, left, True)
