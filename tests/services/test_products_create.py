"""Listing products: what is written, what is refused, in how many statements."""

import asyncio
import json
from collections.abc import Callable

import pytest

from gosellr.core.db import Connection
from gosellr.core.errors import InvalidInput, NotAllowed, NotFound
from gosellr.services import product_service
from gosellr.services.product_service import ItemAlreadyListed, SkuTaken
from gosellr.utils.catalogue import AttributeRule, OptionAxis, Price, ProductDraft, VariantDraft
from gosellr.utils.permissions import MemberRole, Role
from gosellr.utils.viewer import GUEST, Viewer
from tests.factories.catalogue import (
    NOW,
    make_category,
    make_product,
    make_products,
    make_shelf_seller,
    variant_draft,
)


async def document(connection: Connection, product_id, *, viewer=GUEST) -> dict:
    return json.loads(
        await product_service.product_document(connection, viewer=viewer, product_id=product_id)
    )


def member(seller_id, role: MemberRole = MemberRole.OWNER) -> Viewer:
    return Viewer(roles=frozenset({Role.SELLER}), memberships={seller_id: role})


async def test_a_product_has_its_matrix_prices_and_stock(connection: Connection) -> None:
    seller = await make_shelf_seller(connection)
    home = await make_category(connection, name="Home")
    made = await make_product(
        connection,
        seller=seller,
        title="  Linen\nshirt ",
        brand="Vela",
        category_id=await make_category(connection, name="Shirts", parent_id=home),
        description="**Soft** linen",
        variants=[
            VariantDraft(
                sku="SHIRT-S",
                prices=(
                    Price(currency="EUR", amount_minor=4900, compare_at_minor=5900),
                    Price(currency="USD", amount_minor=5500),
                ),
                stock=7,
                options={"Size": "S"},
                weight_grams=300,
                dimensions_mm=(300, 200, 20),
                gtin="4006381333931",
            ),
            variant_draft(sku="SHIRT-M", price_minor=5100, stock=2, options={"Size": "M"}),
        ],
    )
    found = await document(connection, made.id)
    assert found["title"] == "Linen shirt"
    assert found["description"] == "**Soft** linen"
    assert found["description_html"] == "<p><strong>Soft</strong> linen</p>"
    assert found["category"]["path"] == "home/shirts"
    assert [step["name"] for step in found["breadcrumb"]] == ["Home", "Shirts"]
    assert found["options"] == [{"name": "Size", "values": ["S", "M"]}]
    small, medium = found["variants"]
    assert small == {
        "id": str(made.variant_ids[0]),
        "sku": "SHIRT-S",
        "gtin": "4006381333931",
        "options": {"Size": "S"},
        "price": {"amount": 4900, "currency": "EUR"},
        "prices": [
            {"amount": 4900, "currency": "EUR", "compare_at_amount": 5900},
            {"amount": 5500, "currency": "USD", "compare_at_amount": None},
        ],
        "compare_at_price": {"amount": 5900, "currency": "EUR"},
        "weight_grams": 300,
        "dimensions_mm": [300, 200, 20],
        "available": 7,
        "low_stock": False,
    }
    assert (medium["available"], medium["low_stock"]) == (2, True)
    assert (found["status"], found["version"], found["offers"]) == ("active", 1, [])
    assert found["created_at"] == "2026-03-02T09:00:00.000000Z"


async def test_the_first_stock_is_in_the_journal(connection: Connection) -> None:
    made = await make_product(connection, seller=await make_shelf_seller(connection), stock=7)
    [row] = await connection.fetch(
        "SELECT kind, delta, cause_type, cause_id FROM stock_movement WHERE variant_id = $1",
        made.variant_id,
    )
    assert tuple(row) == ("received", 7, "product", made.id)


async def test_creating_takes_a_fixed_number_of_statements(
    connection: Connection, query_count: Callable[[], int]
) -> None:
    seller = await make_shelf_seller(connection)
    category = await make_category(connection)
    drafts = [{"title": f"Bowl {number}", "variants": (variant_draft(),)} for number in range(40)]
    await make_products(connection, seller=seller, category_id=category, drafts=drafts[:1])
    await asyncio.sleep(0)  # The driver tells of a statement in the loop's next turn.
    query_count()
    await make_products(connection, seller=seller, category_id=category, drafts=drafts[1:2])
    await asyncio.sleep(0)
    assert query_count() == 5
    await make_products(connection, seller=seller, category_id=category, drafts=drafts[2:])
    await asyncio.sleep(0)
    assert query_count() == 5


async def test_equal_titles_get_slugs_of_their_own(connection: Connection) -> None:
    seller = await make_shelf_seller(connection)
    drafts = [{"title": "Tea pot", "variants": (variant_draft(),)} for _ in range(3)]
    made = await make_products(connection, seller=seller, drafts=drafts)
    made.append(await make_product(connection, seller=seller, title="Tea pot"))
    slugs = [(await document(connection, one.id))["slug"] for one in made]
    assert slugs[0] == "tea-pot"
    assert slugs[1:] == [f"tea-pot-{str(one.id)[-8:]}" for one in made[1:]]


async def test_a_sku_is_a_sellers_own_and_comes_back_with_the_shelf(connection: Connection) -> None:
    seller, other = await make_shelf_seller(connection), await make_shelf_seller(connection)
    made = await make_product(connection, seller=seller, variants=[variant_draft(sku="A-1")])
    await make_product(connection, seller=other, variants=[variant_draft(sku="A-1")])
    with pytest.raises(SkuTaken) as refusal:
        await make_product(connection, seller=seller, variants=[variant_draft(sku="A-1")])
    assert refusal.value.extras == {"skus": ["A-1"]}
    await product_service.archive_product(
        connection, viewer=member(seller), product_id=made.id, now=NOW
    )
    await make_product(connection, seller=seller, variants=[variant_draft(sku="A-1")])


async def test_every_flaw_is_named_by_its_field(connection: Connection) -> None:
    seller = await make_shelf_seller(connection)
    root = await make_category(
        connection,
        attributes=[
            AttributeRule(key="material", label="Material", type="text", required=True),
            AttributeRule(key="watts", label="Watts", type="number", unit="W"),
        ],
    )
    leaf = await make_category(
        connection,
        parent_id=root,
        attributes=[
            AttributeRule(key="socket", label="Socket", type="enum", options=("E14", "E27"))
        ],
    )
    with pytest.raises(InvalidInput) as refusal:
        await make_product(
            connection,
            seller=seller,
            category_id=leaf,
            options=(OptionAxis("Size", ("S", "M")),),
            attributes={"watts": "7", "socket": "B22", "colour": "red"},
            variants=[
                variant_draft(sku="X", options={"Size": "S"}, gtin="4006381333930"),
                variant_draft(sku="X", options={"Size": "S"}),
                variant_draft(currency="USD", options={"Size": "XL"}),
                variant_draft(),
            ],
        )
    assert [(error.field, error.code) for error in refusal.value.errors] == [
        ("attributes.colour", "attribute_unknown"),
        ("attributes.material", "attribute_required"),
        ("attributes.watts", "attribute_type"),
        ("attributes.socket", "attribute_type"),
        ("variants.0.gtin", "gtin_invalid"),
        ("variants.1.sku", "sku_duplicate"),
        ("variants.2.price", "price_missing"),
        ("variants.1.options", "variant_duplicate"),
        ("variants.2.options.Size", "option_unknown"),
        ("variants.3.options.Size", "option_missing"),
    ]
    assert await connection.fetchval("SELECT count(*) FROM product") == 0


async def test_equal_listings_of_several_sellers_are_offers_of_one_item(
    connection: Connection,
) -> None:
    first, second = await make_shelf_seller(connection), await make_shelf_seller(connection)
    one = await make_product(connection, seller=first, price_minor=2000)
    two = await make_product(connection, seller=second, price_minor=1800, item_id=one.item_id)
    found = await document(connection, one.id)
    assert [offer["product_id"] for offer in found["offers"]] == [str(two.id), str(one.id)]
    assert found["offers"][0]["price"] == {"amount": 1800, "currency": "EUR"}
    with pytest.raises(ItemAlreadyListed):
        await make_product(connection, seller=first, item_id=one.item_id)


@pytest.mark.parametrize("review", ["off", "all"])
async def test_review_decides_whether_a_seller_publishes(
    connection: Connection, review: product_service.ReviewMode
) -> None:
    seller = await make_shelf_seller(connection)
    draft = ProductDraft(
        title="Cup",
        category_id=await make_category(connection),
        variants=(variant_draft(),),
        active=True,
    )
    created = await product_service.create_product(
        connection, viewer=member(seller), draft=draft, review=review, now=NOW
    )
    assert created.status == ("active" if review == "off" else "pending_review")
    if review == "all":
        with pytest.raises(NotFound):
            await document(connection, created.id)
        assert (await document(connection, created.id, viewer=member(seller)))["id"]


async def test_only_members_with_the_right_list_for_a_seller(connection: Connection) -> None:
    seller, other = await make_shelf_seller(connection), await make_shelf_seller(connection)
    draft = ProductDraft(
        title="Cup", category_id=await make_category(connection), variants=(variant_draft(),)
    )
    for viewer, error in [
        (member(seller, MemberRole.VIEWER), NotAllowed),
        (member(other), NotFound),
        (Viewer(roles=frozenset({Role.BUYER})), NotFound),
    ]:
        with pytest.raises(error):
            await product_service.create_product(
                connection, viewer=viewer, draft=draft, seller_id=seller, now=NOW
            )
    with pytest.raises(InvalidInput):
        await product_service.create_product(
            connection, viewer=Viewer(roles=frozenset({Role.OPERATOR})), draft=draft, now=NOW
        )
