"""Changes to listings: what isn't said stays, variants merge, orders and addresses live on."""

import asyncio
import json
from typing import Any
from uuid import UUID, uuid4

import pytest

from gosellr.core.db import Connection
from gosellr.core.errors import InvalidInput, NotAllowed, NotFound, VersionConflict
from gosellr.services import product_edit_service, product_service
from gosellr.services.inventory_service import StockPromised
from gosellr.services.product_service import SkuTaken, SlugTaken, StatusNotAllowed
from gosellr.utils.catalogue import OptionAxis, Price
from gosellr.utils.permissions import MemberRole, Role
from gosellr.utils.viewer import GUEST, Viewer
from tests.factories.catalogue import (
    NOW,
    MadeProduct,
    make_product,
    make_shelf_seller,
    variant_draft,
)

OPERATOR = Viewer(user_id=uuid4(), roles=frozenset({Role.OPERATOR}))


def member(seller_id: UUID, role: MemberRole = MemberRole.OWNER) -> Viewer:
    return Viewer(user_id=uuid4(), roles=frozenset({Role.SELLER}), memberships={seller_id: role})


async def document(connection: Connection, product_id: UUID, viewer: Viewer = GUEST) -> Any:
    return json.loads(
        await product_service.product_document(connection, viewer=viewer, product_id=product_id)
    )


async def update(connection: Connection, made: MadeProduct, **changes: Any) -> Any:
    settings = {key: changes.pop(key) for key in ("version", "review") if key in changes}
    viewer = changes.pop("viewer", member(made.seller_id))
    await product_edit_service.update_product(
        connection,
        viewer=viewer,
        product_id=made.id,
        changes=changes,
        now=NOW,
        **settings,
    )
    return await document(connection, made.id, viewer)


@pytest.fixture
async def shirt(connection: Connection) -> MadeProduct:
    """Two sizes of a shirt."""
    return await make_product(
        connection,
        seller=await make_shelf_seller(connection),
        title="Shirt",
        brand="Vela",
        variants=[
            variant_draft(sku="S", options={"Size": "S"}, price_minor=1000, stock=5),
            variant_draft(sku="M", options={"Size": "M"}, price_minor=1200, stock=5),
        ],
    )


async def test_what_is_not_said_stays(connection: Connection, shirt: MadeProduct) -> None:
    before = await document(connection, shirt.id)
    after = await update(connection, shirt, title="Linen shirt")
    assert after.pop("title") == "Linen shirt"
    assert after.pop("version") == 2
    assert {**before, "title": None, "version": None} == {**after, "title": None, "version": None}


async def test_a_stale_version_changes_nothing(connection: Connection, shirt: MadeProduct) -> None:
    await update(connection, shirt, title="One", version=1)
    with pytest.raises(VersionConflict):
        await update(connection, shirt, title="Two", version=1)
    assert (await document(connection, shirt.id))["title"] == "One"


async def test_variants_are_merged_by_sku_or_id(connection: Connection, shirt: MadeProduct) -> None:
    after = await update(
        connection,
        shirt,
        variants=(
            {"sku": "S", "price": Price(currency="USD", amount_minor=1100), "stock": 9},
            {"id": shirt.variant_ids[1], "archived": True},
            {
                "sku": "L",
                "price": Price(currency="EUR", amount_minor=1300),
                "options": {"Size": "L"},
                "stock": 4,
            },
        ),
    )
    small, large = after["variants"]
    assert (small["sku"], small["available"]) == ("S", 9)
    assert [(price["amount"], price["currency"]) for price in small["prices"]] == [
        (1000, "EUR"),
        (1100, "USD"),
    ]
    assert (large["sku"], large["available"], large["price"]["amount"]) == ("L", 4, 1300)
    assert after["options"] == [{"name": "Size", "values": ["S", "M", "L"]}]
    journal = await connection.fetch(
        "SELECT kind, delta FROM stock_movement WHERE variant_id = $1 ORDER BY id",
        shirt.variant_ids[0],
    )
    assert [tuple(row) for row in journal] == [("received", 5), ("adjusted", 4)]
    card = json.loads(
        await connection.fetchval("SELECT card FROM product_card WHERE product_id = $1", shirt.id)
    )
    assert (card["price"]["amount"], card["variants"], card["price_is_from"]) == (1000, 2, True)


async def test_a_variant_in_orders_stays_readable_when_it_leaves_the_shelf(
    connection: Connection, shirt: MadeProduct
) -> None:
    await update(connection, shirt, variants=({"sku": "M", "archived": True},))
    row = await connection.fetchrow(
        "SELECT sku, options, archived_at FROM variant WHERE id = $1", shirt.variant_ids[1]
    )
    assert row is not None
    assert (row["sku"], row["options"], row["archived_at"]) == ("M", {"Size": "M"}, NOW)


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"variants": ({"sku": "L", "options": {"Size": "L"}},)}, "variants.0.price"),
        ({"variants": ({"id": uuid4()},)}, "variants.0"),
        ({"variants": ({"sku": "S", "options": {"Size": "M"}},)}, "variants.1.options"),
        ({"options": (OptionAxis("Size", ("S",)),)}, "variants.1.options.Size"),
        ({"category_id": uuid4()}, "category_id"),
        ({"attributes": {"colour": "red"}}, "attributes.colour"),
        (
            {"variants": ({"sku": "S", "archived": True}, {"sku": "M", "archived": True})},
            "variants",
        ),
        (
            {"variants": ({"sku": "S", "prices": (Price(currency="USD", amount_minor=1),)},)},
            "variants.0.price",
        ),
    ],
)
async def test_a_change_that_cannot_be_names_its_field(
    connection: Connection, shirt: MadeProduct, changes: dict[str, Any], field: str
) -> None:
    with pytest.raises(InvalidInput) as refusal:
        await update(connection, shirt, **changes)
    assert refusal.value.errors[0].field == field


async def test_a_sku_of_another_product_is_refused(
    connection: Connection, shirt: MadeProduct
) -> None:
    await make_product(connection, seller=shirt.seller_id, variants=[variant_draft(sku="OTHER")])
    with pytest.raises(SkuTaken):
        await update(connection, shirt, variants=({"id": shirt.variant_ids[0], "sku": "OTHER"},))


async def test_stock_can_not_be_set_below_what_is_promised(
    connection: Connection, shirt: MadeProduct
) -> None:
    await connection.execute(
        "UPDATE stock_level SET reserved = 3 WHERE variant_id = $1", shirt.variant_id
    )
    async with connection.transaction():
        await update(connection, shirt, variants=({"sku": "S", "stock": 3},))
    with pytest.raises(StockPromised):
        async with connection.transaction():
            await update(connection, shirt, variants=({"sku": "S", "stock": 2},))
    assert (await document(connection, shirt.id))["variants"][0]["available"] == 0


async def test_old_addresses_lead_to_the_new_one(
    connection: Connection, shirt: MadeProduct
) -> None:
    await update(connection, shirt, slug="linen-shirt")
    for slug in ("shirt", "linen-shirt"):
        found = await product_service.product_by_slug(connection, viewer=GUEST, slug=slug)
        if slug == "shirt":
            assert found == "linen-shirt"
        else:
            assert isinstance(found, bytes)
            assert json.loads(found)["id"] == str(shirt.id)
    other = await make_product(connection, seller=shirt.seller_id, title="Shirt")
    assert (await document(connection, other.id))["slug"] == f"shirt-{str(other.id)[-8:]}"
    with pytest.raises(SlugTaken):
        await update(connection, other, slug="linen shirt")


async def test_another_sellers_listing_is_not_there(
    connection: Connection, shirt: MadeProduct
) -> None:
    stranger = member(await make_shelf_seller(connection))
    for viewer, error in [
        (stranger, NotFound),
        (Viewer(user_id=uuid4(), roles=frozenset({Role.BUYER})), NotFound),
        (member(shirt.seller_id, MemberRole.FULFILMENT), NotAllowed),
    ]:
        with pytest.raises(error):
            await product_edit_service.update_product(
                connection, viewer=viewer, product_id=shirt.id, changes={"title": "X"}, now=NOW
            )
        with pytest.raises(error):
            await product_service.archive_product(
                connection, viewer=viewer, product_id=shirt.id, now=NOW
            )
    assert (await document(connection, shirt.id))["version"] == 1


async def test_with_reviews_a_change_to_what_buyers_read_is_looked_at_first(
    connection: Connection, shirt: MadeProduct
) -> None:
    same_words = await update(connection, shirt, review="all", variants=({"sku": "S", "stock": 2},))
    assert same_words["status"] == "active"
    assert (await update(connection, shirt, review="all", title="New"))["status"] == (
        "pending_review"
    )
    with pytest.raises(NotFound):
        await document(connection, shirt.id)
    await product_service.step(
        connection,
        viewer=OPERATOR,
        product_id=shirt.id,
        target=product_service.ProductStatus.REJECTED,
        permission=product_service.Permission.PRODUCT_REJECT,
        review="all",
        reason="Not your brand",
        now=NOW,
    )
    found = await document(connection, shirt.id, member(shirt.seller_id))
    assert (found["status"], found["status_reason"]) == ("rejected", "Not your brand")
    with pytest.raises(StatusNotAllowed) as refusal:
        await update(connection, shirt, review="all", active=False)
    assert refusal.value.extras["allowed"] == ["pending_review", "archived"]
    await product_service.submit_product(
        connection, viewer=member(shirt.seller_id), product_id=shirt.id, review="all", now=NOW
    )
    found = await document(connection, shirt.id, member(shirt.seller_id))
    assert (found["status"], found["status_reason"]) == ("pending_review", None)


@pytest.mark.case(59)
async def test_case_59_an_archived_listing_leaves_the_public_and_keeps_its_rows(
    connection: Connection, shirt: MadeProduct
) -> None:
    await product_service.archive_product(
        connection, viewer=member(shirt.seller_id), product_id=shirt.id, now=NOW
    )
    for viewer in (GUEST, member(shirt.seller_id), OPERATOR):
        with pytest.raises(NotFound):
            await document(connection, shirt.id, viewer)
    row = await connection.fetchrow(
        "SELECT product.status, variant.archived_at, product_card.visible FROM product"
        " JOIN variant ON variant.product_id = product.id"
        " JOIN product_card ON product_card.product_id = product.id WHERE product.id = $1",
        shirt.id,
    )
    assert row is not None
    assert tuple(row) == ("archived", NOW, False)
    with pytest.raises(NotFound):
        await update(connection, shirt, title="Back")


async def test_an_update_takes_few_statements(
    connection: Connection, shirt: MadeProduct, query_count: Any
) -> None:
    viewer = member(shirt.seller_id)
    await asyncio.sleep(0)  # The driver tells of a statement in the loop's next turn.
    query_count()
    await product_edit_service.update_product(
        connection, viewer=viewer, product_id=shirt.id, changes={"title": "T"}, now=NOW
    )
    await asyncio.sleep(0)
    assert query_count() == 5
