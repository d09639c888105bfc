"""How lists and products read: units, yes and no, free delivery, what comes first."""

from typing import Any

import httpx2
import pytest

from gosellr.core.db import Connection
from gosellr.utils.catalogue import AttributeRule
from gosellr.utils.pricing import Totals
from gosellr.web.binding.attributes import Rule, agreed, label, spoken
from gosellr.web.binding.bags import summary
from gosellr.web.binding.products import cards, distinct
from tests.factories.catalogue import (
    MadeProduct,
    make_category,
    make_product,
    make_shelf_seller,
)
from tests.web.visitor import Visitor

RULES = {
    "capacity": Rule("capacity", "Capacity", "number", "ml"),
    "safe": Rule("safe", "Dishwasher safe", "boolean"),
    "note": Rule("note", "Note", "text"),
}


@pytest.fixture
def visitor(client: httpx2.AsyncClient) -> Visitor:
    return Visitor(client)


@pytest.fixture
async def pots(connection: Connection) -> list[MadeProduct]:
    """Three pots, smallest first; their category is below the one that is looked at."""
    safe = AttributeRule(key="safe", label="Dishwasher safe", type="boolean")
    capacity = AttributeRule(key="capacity", label="Capacity", type="number", unit="ml")
    kitchen = await make_category(connection, name="Kitchen", attributes=[safe])
    shelf = await make_category(connection, name="Pots", parent_id=kitchen, attributes=[capacity])
    seller_id = await make_shelf_seller(connection, name="Kettle")
    return [
        await make_product(
            connection,
            seller=seller_id,
            category_id=shelf,
            title=title,
            attributes={"capacity": millilitres, "safe": is_safe},
        )
        for title, millilitres, is_safe in (
            ("Small pot", 80, True),
            ("Middle pot", 350, True),
            ("Large pot", 1100, False),
        )
    ]


@pytest.mark.parametrize(
    ("key", "value", "text"),
    [
        ("capacity", 1100, "1,100\N{NO-BREAK SPACE}ml"),
        ("capacity", "0.5", "0.5\N{NO-BREAK SPACE}ml"),
        ("capacity", "-3", "\N{MINUS SIGN}3\N{NO-BREAK SPACE}ml"),
        ("capacity", "about a litre", "about a litre\N{NO-BREAK SPACE}ml"),
        ("capacity", "NaN", "NaN\N{NO-BREAK SPACE}ml"),
        ("safe", "true", "Yes"),
        ("safe", False, "No"),
        ("note", "true", "true"),
        ("note", "1100", "1100"),
        ("unknown", ["Wood", "Glass"], "Wood, Glass"),
    ],
)
def test_a_value_reads_as_its_category_means_it(key: str, value: Any, text: str) -> None:
    assert spoken(key, value, RULES) == text


def test_a_key_without_a_rule_reads_as_words() -> None:
    assert (label("safe", RULES), label("made_of", RULES)) == ("Dishwasher safe", "Made of")


def test_a_key_that_means_two_things_has_no_rule_across_categories() -> None:
    other = Rule("capacity", "Capacity", "number", "l")
    assert agreed([*RULES.values(), other]) == {key: RULES[key] for key in ("safe", "note")}


async def test_filters_read_with_units_and_numbers_by_size(
    visitor: Visitor, pots: list[MadeProduct]
) -> None:
    await visitor.go("/c/kitchen")
    small, middle, large = (
        visitor.text.index(f'value="{value}"><span>{shown}\N{NO-BREAK SPACE}ml</span>')
        for value, shown in (("80", "80"), ("350", "350"), ("1100", "1,100"))
    )
    assert small < middle < large
    assert 'value="true"><span>Yes</span>' in visitor.text
    assert 'value="false"><span>No</span>' in visitor.text


async def test_a_filter_in_use_says_what_is_so(visitor: Visitor, pots: list[MadeProduct]) -> None:
    await visitor.go("/c/kitchen?attributes[safe]=true&attributes[capacity]=80")
    assert "Dishwasher safe: Yes<svg" in visitor.text
    assert ">80\N{NO-BREAK SPACE}ml<svg" in visitor.text
    assert "Small pot" in visitor.text
    assert "Large pot" not in visitor.text


async def test_a_product_tells_its_attributes_in_words(
    visitor: Visitor, pots: list[MadeProduct]
) -> None:
    await visitor.go("/p/large-pot")
    assert ">Capacity</th><td>1,100\N{NO-BREAK SPACE}ml</td>" in visitor.text
    assert ">Dishwasher safe</th><td>No</td>" in visitor.text


async def test_what_sells_comes_first_unless_one_asks_otherwise(
    visitor: Visitor, connection: Connection, pots: list[MadeProduct]
) -> None:
    await connection.execute(
        "UPDATE product_card SET sold_count = 9 WHERE product_id = $1", pots[1].id
    )
    await connection.execute(
        "UPDATE product_card SET sold_count = 5 WHERE product_id = $1", pots[0].id
    )

    def order() -> list[str]:
        titles = ("Small pot", "Middle pot", "Large pot")
        return sorted(titles, key=lambda title: visitor.text.index(f"<bdi>{title}</bdi>"))

    slug = await connection.fetchval("SELECT slug FROM seller")
    for path in ("/c/kitchen", "/search", f"/s/{slug}", "/search?sort=best_selling"):
        await visitor.go(path)
        assert order() == ["Middle pot", "Small pot", "Large pot"], path
        assert '<option value="" selected>Best selling</option>' in visitor.text, path
        assert visitor.text.count(">Best selling</option>") == 1
    await visitor.go("/c/kitchen?sort=newest")
    assert '<option value="newest" selected>' in visitor.text
    assert '<option value="">Best selling</option>' in visitor.text
    await visitor.go("/search?q=pot")
    assert ">Best match</option>" in visitor.text


async def test_where_nothing_is_found_there_is_nothing_to_narrow(visitor: Visitor) -> None:
    await visitor.go("/search?q=zzqqxx")
    assert "Nothing found" in visitor.text
    assert 'id="facets"' not in visitor.text
    await visitor.go("/search?q=zzqqxx&in_stock=true")
    assert 'id="facets"' in visitor.text


@pytest.mark.parametrize(("shipping_minor", "word"), [(0, "Free"), (1, "")])
def test_a_delivery_that_costs_nothing_is_free(shipping_minor: int, word: str) -> None:
    totals = Totals(
        subtotal_minor=1000,
        discount_total_minor=0,
        shipping_total_minor=shipping_minor,
        tax_total_minor=0,
        total_minor=1000 + shipping_minor,
    )
    view = summary(totals, currency="EUR", tax_included=True, units=1, parcel_count=1)
    assert [(row.label, row.word) for row in view.rows] == [
        ("Items, 1", ""),
        ("Delivery, 1 parcel", word),
    ]


async def test_one_thing_of_several_shops_stands_once_where_room_is_short(
    connection: Connection,
) -> None:
    for name in ("One", "Two"):
        seller_id = await make_shelf_seller(connection, name=name)
        await make_product(connection, seller=seller_id, title="Kettle")
    items = await connection.fetchval(
        "SELECT convert_to('[' || string_agg(card, ',' ORDER BY product_id) || ']', 'UTF8')"
        " FROM product_card"
    )
    found = cards(items)
    assert [one.seller_name for one in found] == ["One", "Two"]
    assert [one.seller_name for one in distinct(found)] == ["One"]
