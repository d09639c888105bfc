"""The tree moves as a whole, old paths keep leading somewhere, rules come down from above."""

import json
from collections.abc import Sequence
from typing import Any
from uuid import UUID, uuid4

import pytest

from gosellr.core.db import Connection
from gosellr.core.errors import InvalidInput, NotFound, VersionConflict
from gosellr.services import category_service, product_service
from gosellr.services.category_service import (
    AttributeInherited,
    CategoryExists,
    CategoryInUse,
    CategoryRing,
)
from gosellr.utils.catalogue import AttributeRule
from gosellr.utils.viewer import GUEST
from tests.factories.catalogue import NOW, make_category, make_product, make_shelf_seller


async def find(connection: Connection, reference: UUID | str) -> Any:
    found = await category_service.category_document(connection, reference=str(reference))
    return found if isinstance(found, str) else json.loads(found)


async def change(connection: Connection, category_id: UUID, **changes: Any) -> None:
    version = changes.pop("version", None)
    async with connection.transaction():
        await category_service.update_category(
            connection,
            category_id=category_id,
            changes=changes,  # type: ignore[arg-type]
            version=version,
            now=NOW,
        )


async def chain(connection: Connection, names: Sequence[str]) -> list[UUID]:
    """Categories each below the one before."""
    made: list[UUID] = []
    for name in names:
        made.append(
            await make_category(connection, name=name, parent_id=made[-1] if made else None)
        )
    return made


async def test_a_subtree_moves_and_its_old_paths_lead_to_it(connection: Connection) -> None:
    home, kitchen, pots = await chain(connection, ["Home", "Kitchen", "Pots"])
    [garden] = await chain(connection, ["Garden"])
    made = await make_product(
        connection, seller=await make_shelf_seller(connection), category_id=pots
    )
    await change(connection, kitchen, parent_id=garden)
    assert (await find(connection, pots))["path"] == "garden/kitchen/pots"
    assert await find(connection, "home/kitchen/pots") == "garden/kitchen/pots"
    assert await find(connection, "home/kitchen") == "garden/kitchen"
    row = await connection.fetchrow(
        "SELECT category_ids, card FROM product_card WHERE product_id = $1", made.id
    )
    assert row is not None
    assert row["category_ids"] == [garden, kitchen, pots]
    assert json.loads(row["card"])["category"]["path"] == "garden/kitchen/pots"
    assert [(await find(connection, one))["product_count"] for one in (home, garden)] == [0, 1]
    await change(connection, kitchen, parent_id=home)
    assert (await find(connection, "home/kitchen/pots"))["id"] == str(pots)
    assert await find(connection, "garden/kitchen/pots") == "home/kitchen/pots"
    await change(connection, kitchen, parent_id=None, slug="Küche")
    assert await find(connection, "garden/kitchen/pots") == "kuche/pots"
    ancestors = await connection.fetchval("SELECT ancestor_ids FROM category WHERE id = $1", pots)
    assert ancestors == [kitchen, pots]


async def test_a_path_of_before_may_be_taken_by_another(connection: Connection) -> None:
    [lamps] = await chain(connection, ["Lamps"])
    await change(connection, lamps, slug="lights")
    [new] = await chain(connection, ["Lamps"])
    assert (await find(connection, "lamps"))["id"] == str(new)


async def test_places_are_taken_once_and_rings_are_refused(connection: Connection) -> None:
    home, kitchen, pots = await chain(connection, ["Home", "Kitchen", "Pots"])
    with pytest.raises(CategoryExists):
        await make_category(connection, name="kitchen", parent_id=home)
    with pytest.raises(CategoryRing):
        await change(connection, home, parent_id=pots)
    with pytest.raises(CategoryRing):
        await change(connection, home, parent_id=home)
    with pytest.raises(InvalidInput):
        await change(connection, home, parent_id=uuid4())
    with pytest.raises(VersionConflict):
        await change(connection, kitchen, name="X", version=9)
    with pytest.raises(NotFound):
        await change(connection, uuid4(), name="X")
    assert (await find(connection, kitchen))["version"] == 1


async def test_rules_are_inherited_and_never_doubled(connection: Connection) -> None:
    home, kitchen, pots = await chain(connection, ["Home", "Kitchen", "Pots"])
    material = AttributeRule(key="material", label="Material", type="text", required=True)
    litres = AttributeRule(key="litres", label="Volume", type="number", unit="l")
    await change(connection, home, attributes=[material])
    await change(connection, pots, attributes=[litres])
    rules = (await find(connection, pots))["attributes"]
    assert [(rule["key"], rule["inherited_from"]) for rule in rules] == [
        ("material", str(home)),
        ("litres", None),
    ]
    with pytest.raises(AttributeInherited):
        await change(connection, pots, attributes=[material])
    with pytest.raises(AttributeInherited):
        await change(connection, kitchen, attributes=[litres])
    [garden] = await chain(connection, ["Garden"])
    await change(connection, garden, attributes=[litres])
    with pytest.raises(AttributeInherited):
        await change(connection, kitchen, parent_id=garden)
    assert (await find(connection, kitchen))["path"] == "home/kitchen"
    await change(connection, pots, attributes=[])
    await change(connection, kitchen, parent_id=garden)
    assert [rule["key"] for rule in (await find(connection, pots))["attributes"]] == ["litres"]


async def test_a_category_in_use_goes_only_with_a_place_for_what_is_in_it(
    connection: Connection,
) -> None:
    home, kitchen, pots = await chain(connection, ["Home", "Kitchen", "Pots"])
    [rest] = await chain(connection, ["Rest"])
    made = await make_product(
        connection, seller=await make_shelf_seller(connection), category_id=kitchen
    )
    with pytest.raises(CategoryInUse) as refusal:
        await category_service.delete_category(connection, category_id=kitchen, now=NOW)
    assert refusal.value.extras == {"children": 1, "products": 1}
    with pytest.raises(CategoryRing):
        await category_service.delete_category(
            connection, category_id=kitchen, move_to=pots, now=NOW
        )
    await category_service.delete_category(connection, category_id=kitchen, move_to=rest, now=NOW)
    with pytest.raises(NotFound):
        await find(connection, kitchen)
    assert await find(connection, "home/kitchen") == "rest"
    assert await find(connection, "home/kitchen/pots") == "rest/pots"
    product = json.loads(
        await product_service.product_document(connection, viewer=GUEST, product_id=made.id)
    )
    assert product["category"]["path"] == "rest"
    assert (await find(connection, rest))["product_count"] == 1
    await category_service.delete_category(connection, category_id=home, now=NOW)
    again = await make_category(connection, name="Home")
    assert (await find(connection, "home"))["id"] == str(again)


async def test_the_tree_comes_parents_first_with_counts(connection: Connection) -> None:
    home, kitchen, pots = await chain(connection, ["Home", "Kitchen", "Pots"])
    seller = await make_shelf_seller(connection)
    for category_id in (pots, kitchen):
        await make_product(connection, seller=seller, category_id=category_id)
    await make_product(connection, seller=seller, category_id=pots, active=False)
    nodes = await category_service.category_tree(connection)
    assert [(node.id, node.product_count) for node in nodes] == [
        (home, 2),
        (kitchen, 2),
        (pots, 1),
    ]
    items, cursor = await category_service.list_categories(connection, cursor=None, limit=2)
    assert [item["path"] for item in json.loads(items)] == ["home", "home/kitchen"]
    items, cursor = await category_service.list_categories(connection, cursor=cursor, limit=2)
    assert ([item["product_count"] for item in json.loads(items)], cursor) == ([1], None)
