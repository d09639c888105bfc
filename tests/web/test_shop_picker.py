"""Where an operator names a shop: by its name or address, and what is said if it fits none."""

import httpx2
import pytest

from gosellr.core.db import Connection
from gosellr.resources import Resources
from tests.factories.accounts import TestSeller, make_operator, make_seller
from tests.factories.sales import NOW
from tests.web.people import assert_sound, enter, open_page
from tests.web.visitor import Visitor

RESERVES, ADJUSTMENTS = "/operator/reserve-rules", "/operator/adjustments"
COMMISSION, EXPLAIN = "/operator/commission-rules", "/operator/explain"


@pytest.fixture
async def visitor(
    client: httpx2.AsyncClient, resources: Resources, connection: Connection
) -> Visitor:
    return await enter(Visitor(client), resources, await make_operator(connection, now=NOW))


@pytest.fixture
async def shops(connection: Connection) -> dict[str, TestSeller]:
    """Two lamp shops, and one whose whole name is a part of another's."""
    names = ("Blå Lampe", "Lampe & Co", "Blå")
    return {name: await make_seller(connection, now=NOW, name=name) for name in names}


@pytest.mark.parametrize(
    ("typed", "name"),
    [
        ("Lampe & Co", "Lampe & Co"),
        ("lampe-co", "Lampe & Co"),
        ("& co", "Lampe & Co"),
        ("bla lampe", "Blå Lampe"),
        # The whole name of one stands before a part of another's.
        ("BLÅ", "Blå"),
    ],
)
async def test_a_shop_is_meant_by_its_name_its_address_or_a_part_of_it(
    visitor: Visitor, connection: Connection, shops: dict[str, TestSeller], typed: str, name: str
) -> None:
    await open_page(visitor, COMMISSION)
    await visitor.send(COMMISSION, name="Spring", rate="5", seller_id=typed)
    assert visitor.page.status_code == 200, visitor.text
    assert await connection.fetchval("SELECT seller_id FROM commission_rule") == shops[name].id
    path = f"{COMMISSION}/{await connection.fetchval('SELECT id FROM commission_rule')}"
    await open_page(visitor, path)
    slug = await connection.fetchval("SELECT slug FROM seller WHERE id = $1", shops[name].id)
    assert visitor.form(path).values["seller_id"] == slug
    # What stands there is the same shop: nothing is different.
    await visitor.send(path)
    assert "Nothing is different" in visitor.text


async def test_none_or_several_are_said_and_what_was_typed_stays(
    visitor: Visitor, connection: Connection, shops: dict[str, TestSeller]
) -> None:
    assert len(shops) == 3
    typed = {"scope": "seller", "rate": "10", "days": "30"}
    await open_page(visitor, RESERVES)
    await visitor.send(RESERVES, changes=typed, seller_id="amp")
    assert visitor.page.status_code == 422
    assert_sound(visitor.text)
    assert "It could be Blå Lampe (bla-lampe), Lampe &amp; Co (lampe-co)" in visitor.text
    assert visitor.form(RESERVES).values["seller_id"] == "amp"
    await visitor.send(RESERVES, seller_id="Chairs")
    assert "There is no such shop" in visitor.text
    assert visitor.form(RESERVES).values["seller_id"] == "Chairs"
    assert await connection.fetchval("SELECT count(*) FROM reserve_rule") == 0


async def test_an_adjustment_names_shops_row_by_row(
    visitor: Visitor, connection: Connection, shops: dict[str, TestSeller]
) -> None:
    await open_page(visitor, f"{ADJUSTMENTS}/new")
    typed = {
        "account-0": "goodwill_cost", "amount-0": "5", "reason": "a gift",
        "account-1": "seller_available", "owner-1": "lamp", "amount-1": "5",
    }  # fmt: skip
    await visitor.send(ADJUSTMENTS, changes=typed)
    assert visitor.page.status_code == 422
    assert_sound(visitor.text)
    assert 'id="owner-1-error"' in visitor.text
    assert visitor.form(ADJUSTMENTS).values["owner-1"] == "lamp"
    await visitor.send(ADJUSTMENTS, to=f"{ADJUSTMENTS}/rows", changes={"sum": "1", "owner-1": "co"})
    assert "They balance" in visitor.text
    await visitor.send(ADJUSTMENTS)
    assert "It is prepared." in visitor.text
    kept = await connection.fetchval("SELECT entries FROM adjustment")
    accounts = [one["account"] for one in kept]
    assert accounts == ["goodwill_cost", f"seller_available:{shops['Lampe & Co'].id}"]


async def test_the_books_are_asked_by_the_name_of_a_shop(
    visitor: Visitor, shops: dict[str, TestSeller]
) -> None:
    text = await open_page(visitor, f"{EXPLAIN}?subject=lampe-co")
    assert "<h1>Lampe &amp; Co</h1>" in text
    assert f"/operator/balances/{shops['Lampe & Co'].id}" in text
    text = await open_page(visitor, f"{EXPLAIN}?subject=lampe", status=404)
    assert "It could be Blå Lampe (bla-lampe), Lampe &amp; Co (lampe-co)" in text
    text = await open_page(visitor, f"{EXPLAIN}?subject=nothing", status=404)
    assert "is called nothing" in text
