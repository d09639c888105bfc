"""What a bag costs: coupons, tax and delivery, as the buyer sees them."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid5

import httpx2
import pytest

from gosellr.core.clock import ManualClock
from gosellr.core.db import Connection
from gosellr.core.identity import new_id
from tests.factories.carts import ADDRESS, Bag, amounts, make_bag
from tests.factories.catalogue import make_product, make_shelf_seller
from tests.factories.terms import NOW, make_coupon, make_delivery, make_rate, make_tax, make_zone


async def filled(
    client: httpx2.AsyncClient,
    connection: Connection,
    *prices: int,
    address: dict[str, Any] | None = None,
    **product: Any,
) -> tuple[Bag, list[UUID]]:
    """A bag with one unit from each of as many new sellers, and their ids."""
    bag, seller_ids = await make_bag(client), []
    for price in prices:
        seller_id = await make_shelf_seller(connection)
        made = await make_product(connection, seller=seller_id, price_minor=price, **product)
        await bag.put(made.variant_id)
        seller_ids.append(seller_id)
    if address is not None:
        await bag.change("PUT", "/addresses", json={"shipping_address": {**ADDRESS, **address}})
    return bag, seller_ids


async def coupon(bag: Bag, code: str) -> dict[str, Any]:
    return await bag.change("POST", "/coupons", json={"code": code})


async def test_a_code_works_in_any_case_once_and_comes_out_again(
    client: httpx2.AsyncClient, connection: Connection
) -> None:
    bag, _ = await filled(client, connection, 1000, 3000)
    await make_coupon(connection, code="Spring-26", value_bps=2500)
    for spelling in ("SPRING-26", "spring-26"):
        cart = await coupon(bag, spelling)
        assert amounts(cart, "subtotal", "discount_total", "total") == [4000, 1000, 3000]
        assert [parcel["discount"]["amount"] for parcel in cart["parcels"]] == [250, 750]
        assert cart["coupons"] == [
            {"code": "Spring-26", "discount": {"amount": 1000, "currency": "EUR"}, "refusal": None}
        ]
    cart = await bag.change("DELETE", "/coupons?code=sPRING-26")
    assert (cart["coupons"], cart["total"]["amount"]) == ([], 4000)
    await coupon(bag, "spring-26")
    assert (await bag.change("DELETE", "/coupons"))["coupons"] == []


@pytest.mark.parametrize(
    ("funding", "share"), [("seller", 0), ("marketplace", 0), ("shared", 4000)]
)
async def test_who_bears_a_coupon_decides_the_tax_and_not_the_price(
    client: httpx2.AsyncClient, connection: Connection, funding: str, share: int
) -> None:
    await make_tax(connection, rate_bps=2000)
    bag, _ = await filled(client, connection, 12_000, address={})
    code = await make_coupon(connection, funded_by=funding, marketplace_share_bps=share)
    cart = await coupon(bag, code)
    # Only what the seller bears lowers the goods: 108.00, 120.00 and 112.80, a sixth of it tax.
    tax = {"seller": 1800, "marketplace": 2000, "shared": 1880}[funding]
    assert amounts(cart, "discount_total", "tax_total", "total") == [1200, tax, 10_800]


async def test_a_sellers_coupon_touches_that_sellers_parcel_only(
    client: httpx2.AsyncClient, connection: Connection
) -> None:
    bag, (first, _) = await filled(client, connection, 1000, 1000)
    code = await make_coupon(
        connection, kind="amount", amount_minor=300, currency="EUR", seller_id=first,
        funded_by="seller",
    )  # fmt: skip
    cart = await coupon(bag, code)
    assert {parcel["seller"]["id"]: parcel["total"]["amount"] for parcel in cart["parcels"]} == {
        str(first): 700,
        cart["parcels"][1]["seller"]["id"]: 1000,
    }


@pytest.mark.case(50)
async def test_case_50_a_coupon_worth_more_than_the_bag_pays_nothing_out(
    client: httpx2.AsyncClient, connection: Connection
) -> None:
    await make_delivery(connection, price_minor=490)
    bag, _ = await filled(client, connection, 176, 24, address={})
    code = await make_coupon(connection, kind="amount", amount_minor=1000, currency="EUR")
    free = await make_coupon(connection, kind="free_shipping")
    cart = await coupon(bag, code)
    assert amounts(cart, "subtotal", "discount_total", "total") == [200, 200, 980]
    cart = await coupon(bag, free)
    assert amounts(cart, "discount_total", "shipping_total", "total") == [1180, 980, 0]
    for parcel in cart["parcels"]:
        cart = await bag.change("DELETE", f"/items/{parcel['items'][0]['id']}")
        assert cart["total"]["amount"] == 0


async def test_refused_codes_look_alike(
    client: httpx2.AsyncClient, connection: Connection, clock: ManualClock
) -> None:
    bag, _ = await filled(client, connection, 1000)
    await bag.change("PUT", "/addresses", json={"email": "Ada@Example.com"})
    day = timedelta(days=1)
    codes = [
        "NEVER-SEEN",
        await make_coupon(connection, valid_to=NOW),
        await make_coupon(connection, valid_from=NOW + day),
        await make_coupon(connection, archived_at=NOW),
        await make_coupon(connection, currency="USD"),
        await make_coupon(connection, limit_total=3, used_count=3),
    ]
    personal = await make_coupon(connection, limit_per_customer=1)
    await connection.execute(
        "INSERT INTO coupon_customer (coupon_id, customer_key, used_count)"
        " SELECT id, 'ada@example.com', 1 FROM coupon WHERE code = $1",
        personal,
    )
    answers = [
        await bag.refused("POST", "/coupons", json={"code": code}) for code in (*codes, personal)
    ]
    assert answers[0]["code"] == "coupon_refused"
    for answer in answers:
        assert answer | {"request_id": ""} == answers[0] | {"request_id": ""}
    too_dear = await make_coupon(connection, currency="EUR", minimum_minor=1001)
    answer = await bag.refused("POST", "/coupons", json={"code": too_dear})
    assert (answer["code"], answer["reason"]) == ("coupon_refused", "minimum_not_reached")
    assert (await coupon(bag, await make_coupon(connection, currency="EUR", minimum_minor=1000)))[
        "total"
    ]["amount"] == 900


async def test_a_code_that_ends_meanwhile_blocks_until_it_is_taken_out(
    client: httpx2.AsyncClient, connection: Connection, clock: ManualClock
) -> None:
    bag, _ = await filled(client, connection, 1000)
    code = await make_coupon(connection, valid_to=NOW + timedelta(hours=1))
    assert (await coupon(bag, code))["issues"] == []
    clock.advance(timedelta(hours=1))
    cart = await bag.show()
    [issue] = cart["issues"]
    assert (issue["code"], issue["coupon"], issue["blocks"]) == ("coupon_refused", code, True)
    assert cart["total"]["amount"] == 1000


@pytest.mark.parametrize(
    ("country", "included", "total", "tax"),
    [("DE", True, 2490, 397), ("US", False, 2744, 254), ("FR", True, 2490, 0)],
)
async def test_tax_is_inside_or_on_top_by_destination(
    client: httpx2.AsyncClient,
    connection: Connection,
    country: str,
    included: bool,
    total: int,
    tax: int,
) -> None:
    await make_tax(connection, rate_bps=1900)
    await make_tax(connection, country="US", region="US-CA", rate_bps=1020, included=False)
    await make_tax(connection, country="US", region="OR", rate_bps=9900, included=False)
    await make_delivery(connection, countries=("*",))
    bag, _ = await filled(client, connection, 2000, address={"country": country, "region": "ca"})
    cart = await bag.show()
    assert cart["tax_included"] is included
    assert amounts(cart, "subtotal", "shipping_total", "tax_total", "total") == [
        2000, 490, tax, total,
    ]  # fmt: skip


async def test_classes_of_goods_and_delivery_have_rates_of_their_own(
    client: httpx2.AsyncClient, connection: Connection
) -> None:
    for tax_class, rate_bps in (("standard", 1900), ("books", 700), ("shipping", 0)):
        await make_tax(connection, rate_bps=rate_bps, tax_class=tax_class)
    await make_delivery(connection)
    bag, _ = await filled(client, connection, 1070, address={}, tax_class="books")
    assert (await bag.show())["tax_total"]["amount"] == 70


async def test_a_market_without_delivery_sends_free_of_charge(
    client: httpx2.AsyncClient, connection: Connection
) -> None:
    bag, (seller_id,) = await filled(client, connection, 1000)
    assert (await bag.change("GET", "/shipping-options"))["parcels"][0]["options"] == []
    await bag.change("PUT", "/addresses", json={"shipping_address": ADDRESS})
    [parcel] = (await bag.change("GET", "/shipping-options"))["parcels"]
    assert parcel["seller"]["id"] == str(seller_id)
    assert parcel["options"] == [
        {
            "id": str(UUID(int=0)),
            "name": "Standard delivery",
            "price": {"amount": 0, "currency": "EUR"},
            "delivery_days": [2, 5],
        }
    ]
    # Another shop's zones don't change what this one offers.
    other = await make_shelf_seller(connection)
    await make_delivery(connection, seller_id=other)
    await bag.put((await make_product(connection, seller=other)).variant_id)
    cart = await bag.show()
    assert [parcel["shipping_total"]["amount"] for parcel in cart["parcels"]] == [0, 490]


async def test_delivery_by_weight_and_free_from_what_is_left_after_discounts(
    client: httpx2.AsyncClient, connection: Connection
) -> None:
    await make_delivery(
        connection, by="weight", brackets=((1000, 300), (5000, 700)), free_over_minor=4000
    )
    bag, _ = await filled(client, connection, 1000, address={}, weight_grams=500)
    [item] = (await bag.show())["parcels"][0]["items"]

    async def delivery(quantity: int) -> int:
        cart = await bag.change("PATCH", f"/items/{item['id']}", json={"quantity": quantity})
        assert cart["issues"] == []
        amount: int = cart["shipping_total"]["amount"]
        return amount

    assert [await delivery(quantity) for quantity in (1, 2, 3, 4)] == [300, 300, 700, 0]
    cart = await coupon(bag, await make_coupon(connection))
    assert amounts(cart, "subtotal", "discount_total", "shipping_total") == [4000, 400, 700]


async def test_nobody_sends_there(client: httpx2.AsyncClient, connection: Connection) -> None:
    await make_delivery(connection, by="weight", brackets=((1000, 300),), countries=("DE",))
    bag, (seller_id,) = await filled(client, connection, 1000, address={"country": "FR"})
    [issue] = (await bag.show())["issues"]
    assert (issue["code"], issue["seller_id"], issue["blocks"]) == (
        "no_shipping_option", str(seller_id), True,
    )  # fmt: skip
    await bag.change("PUT", "/addresses", json={"shipping_address": ADDRESS})
    assert (await bag.show())["issues"] == []


async def test_an_option_that_is_not_offered_is_refused_and_one_that_went_is_told(
    client: httpx2.AsyncClient, connection: Connection
) -> None:
    zone_id = await make_zone(connection)
    slow = await make_rate(connection, zone_id=zone_id)
    fast = await make_rate(connection, zone_id=zone_id, name="Express", price_minor=990)
    bag, (seller_id,) = await filled(client, connection, 1000, address={})
    stranger = str(new_id())
    for choices in ({str(seller_id): stranger}, {stranger: str(fast)}):
        answer = await bag.refused("PUT", "/shipping", json={"choices": choices})
        assert (answer["status"], answer["errors"][0]["code"]) == (422, "option_unknown")
    cart = await bag.change("PUT", "/shipping", json={"choices": {str(seller_id): str(fast)}})
    assert cart["shipping_total"]["amount"] == 990
    await connection.execute("UPDATE shipping_rate SET archived_at = $2 WHERE id = $1", fast, NOW)
    cart = await bag.show()
    assert cart["parcels"][0]["shipping"]["chosen"] == str(slow)
    assert [issue["code"] for issue in cart["issues"]] == ["delivery_changed"]


async def test_a_carrier_is_asked_for_its_price(
    client: httpx2.AsyncClient, connection: Connection
) -> None:
    zone_id = await make_zone(connection)
    rate_id = await make_rate(connection, zone_id=zone_id, carrier="sandbox", price_minor=0)
    listed = await make_rate(connection, zone_id=zone_id, name="Own van", price_minor=700)
    bag, (seller_id,) = await filled(client, connection, 1000, address={}, weight_grams=1500)
    [parcel] = (await bag.change("GET", "/shipping-options"))["parcels"]
    assert [
        (option["id"], option["name"], option["price"]["amount"]) for option in parcel["options"]
    ] == [
        (str(uuid5(rate_id, "standard")), "Standard parcel", 570),
        (str(listed), "Own van", 700),
        (str(uuid5(rate_id, "express")), "Express parcel", 1250),
    ]
    cart = await bag.change(
        "PUT",
        "/shipping",
        json={"choices": {str(seller_id): str(uuid5(rate_id, "express"))}},
    )
    assert (cart["total"]["amount"], cart["version"]) == (2250, 4)
    await connection.execute("UPDATE shipping_rate SET carrier = 'away' WHERE id = $1", rate_id)
    cart = await bag.show()
    assert cart["shipping_total"]["amount"] == 700


async def test_a_bag_costs_few_statements_however_full_it_is(
    client: httpx2.AsyncClient, connection: Connection, query_count: Callable[[], int]
) -> None:
    await make_delivery(connection)
    counts = []
    for size in (1, 8):
        bag, _ = await filled(client, connection, *[1000] * size, address={})
        made = await make_product(connection, seller=await make_shelf_seller(connection))
        query_count()
        await bag.show()
        looking = query_count()
        adding = []
        for _ in range(2):
            await bag.put(made.variant_id)
            adding.append(query_count())
        counts.append((looking, *adding))
    # One each, change and lines together. A seller who is met for the first time brings another
    # for the terms.
    assert counts == [(1, 2, 1)] * 2


async def test_a_bag_reads_coupons_whenever_it_has_some(
    client: httpx2.AsyncClient, connection: Connection, query_count: Callable[[], int]
) -> None:
    await make_delivery(connection)
    bag, _ = await filled(client, connection, 1000, address={})
    await coupon(bag, await make_coupon(connection, code="Once", limit_total=1))
    query_count()
    assert (await bag.show())["discount_total"]["amount"] == 100
    assert query_count() == 2
    await connection.execute("UPDATE coupon SET used_count = 1 WHERE code = 'Once'")
    assert (await bag.show())["discount_total"]["amount"] == 0
