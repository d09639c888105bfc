"""Stock is moved by one statement, never below what is promised, and the journal adds up."""

import asyncio
import json
from collections.abc import Callable
from typing import Any
from uuid import UUID, uuid4

import pytest

from gosellr.core.db import Connection, Database
from gosellr.core.embedded_postgres import APPLICATION_ROLE, Cluster
from gosellr.core.errors import InvalidInput, NotAllowed, NotFound
from gosellr.core.transact import transact
from gosellr.services import inventory_service
from gosellr.services.inventory_service import StockPromised
from gosellr.utils.permissions import MemberRole, Role
from gosellr.utils.viewer import Viewer
from tests.factories.catalogue import NOW, MadeProduct, make_product, make_shelf_seller

JOURNAL_AND_LEVEL = """
SELECT (SELECT coalesce(sum(delta), 0) FROM stock_movement WHERE variant_id = $1) AS journal,
       (SELECT coalesce(sum(on_hand), 0) FROM stock_level WHERE variant_id = $1) AS level
"""


def member(seller_id: UUID, role: MemberRole = MemberRole.FULFILMENT) -> Viewer:
    return Viewer(user_id=uuid4(), roles=frozenset({Role.SELLER}), memberships={seller_id: role})


@pytest.fixture
async def lamp(connection: Connection) -> MadeProduct:
    """Ten lamps."""
    return await make_product(connection, seller=await make_shelf_seller(connection), stock=10)


async def adjust(connection: Connection, made: MadeProduct, delta: int, **more: Any) -> Any:
    viewer = more.pop("viewer", member(made.seller_id))
    async with connection.transaction():
        document = await inventory_service.adjust_stock(
            connection,
            viewer=viewer,
            variant_id=made.variant_id,
            delta=delta,
            reason="counted",
            now=NOW,
            **more,
        )
    return json.loads(document)


async def journal_and_level(connection: Connection, made: MadeProduct) -> tuple[int, int]:
    row = await connection.fetchrow(JOURNAL_AND_LEVEL, made.variant_id)
    assert row is not None
    return int(row["journal"]), int(row["level"])


async def word(connection: Connection, made: MadeProduct) -> tuple[str, bool]:
    row = await connection.fetchrow(
        "SELECT card, in_stock FROM product_card WHERE product_id = $1", made.id
    )
    assert row is not None
    return json.loads(row["card"])["availability"], row["in_stock"]


async def test_units_come_and_go_and_the_journal_adds_up(
    connection: Connection, lamp: MadeProduct
) -> None:
    assert (await adjust(connection, lamp, 5))["on_hand"] == 15
    assert (await adjust(connection, lamp, -13))["available"] == 2
    assert await journal_and_level(connection, lamp) == (2, 2)
    assert await word(connection, lamp) == ("low_stock", True)
    await adjust(connection, lamp, -2)
    assert await word(connection, lamp) == ("sold_out", False)
    assert await journal_and_level(connection, lamp) == (0, 0)
    items, cursor = await inventory_service.stock_movements(
        connection,
        viewer=member(lamp.seller_id),
        variant_id=lamp.variant_id,
        cursor=None,
        limit=3,
    )
    assert [line["delta"] for line in json.loads(items)] == [-2, -13, 5]
    items, cursor = await inventory_service.stock_movements(
        connection,
        viewer=member(lamp.seller_id),
        variant_id=lamp.variant_id,
        cursor=cursor,
        limit=3,
    )
    [first] = json.loads(items)
    assert (first["kind"], first["delta"], cursor) == ("received", 10, None)
    assert first["cause"] == {"type": "product", "id": str(lamp.id)}


async def test_what_is_promised_stays(connection: Connection, lamp: MadeProduct) -> None:
    await connection.execute(
        "UPDATE stock_level SET reserved = 4 WHERE variant_id = $1", lamp.variant_id
    )
    with pytest.raises(StockPromised) as refusal:
        await adjust(connection, lamp, -7)
    assert refusal.value.extras["variants"] == [
        {"variant_id": lamp.variant_id, "wanted": -7, "possible": -6}
    ]
    assert await journal_and_level(connection, lamp) == (10, 10)
    assert (await adjust(connection, lamp, -6))["available"] == 0


async def test_units_are_taken_from_every_bucket_of_a_hot_variant(
    connection: Connection, lamp: MadeProduct
) -> None:
    await connection.execute(
        "INSERT INTO stock_level (variant_id, location_id, bucket, on_hand, reserved)"
        " SELECT variant_id, location_id, number, 5, 2 FROM stock_level,"
        " generate_series(1, 3) AS number WHERE variant_id = $1",
        lamp.variant_id,
    )
    assert (await adjust(connection, lamp, -18))["available"] == 1
    levels = await connection.fetch(
        "SELECT on_hand FROM stock_level WHERE variant_id = $1 ORDER BY bucket", lamp.variant_id
    )
    assert [row["on_hand"] for row in levels] == [0, 2, 2, 3]


async def test_stock_lies_in_several_places(connection: Connection, lamp: MadeProduct) -> None:
    viewer = member(lamp.seller_id)
    place = json.loads(
        await inventory_service.create_location(connection, viewer=viewer, name="Annex", now=NOW)
    )
    assert place["is_default"] is False
    stock = await adjust(connection, lamp, 3, location_id=UUID(place["id"]))
    assert [(one["name"], one["on_hand"]) for one in stock["locations"]] == [
        ("Main", 10),
        ("Annex", 3),
    ]
    stranger = member(await make_shelf_seller(connection))
    foreign = json.loads(
        await inventory_service.create_location(
            connection, viewer=stranger, name="Theirs", is_default=True, now=NOW
        )
    )
    with pytest.raises(InvalidInput):
        await adjust(connection, lamp, 1, location_id=UUID(foreign["id"]))
    await inventory_service.create_location(
        connection, viewer=viewer, name="Hub", is_default=True, now=NOW
    )
    places = json.loads(await inventory_service.stock_locations(connection, viewer=viewer))
    assert [(one["name"], one["is_default"]) for one in places] == [
        ("Main", False),
        ("Annex", False),
        ("Hub", True),
    ]


async def test_stock_is_its_sellers_own_business(connection: Connection, lamp: MadeProduct) -> None:
    for viewer, error in [
        (member(await make_shelf_seller(connection)), NotFound),
        (Viewer(), NotFound),
        (member(lamp.seller_id, MemberRole.VIEWER), NotAllowed),
    ]:
        with pytest.raises(error):
            await adjust(connection, lamp, 1, viewer=viewer)
    with pytest.raises(NotFound):
        await inventory_service.stock_document(
            connection, viewer=Viewer(), variant_id=lamp.variant_id
        )
    with pytest.raises(NotFound):
        await inventory_service.stock_movements(
            connection, viewer=Viewer(), variant_id=lamp.variant_id, cursor=None, limit=1
        )


async def test_an_adjustment_takes_few_statements(
    connection: Connection, lamp: MadeProduct, query_count: Callable[[], int]
) -> None:
    await asyncio.sleep(0)  # The driver tells of a statement in the loop's next turn.
    query_count()
    await inventory_service.adjust_stock(
        connection,
        viewer=member(lamp.seller_id),
        variant_id=lamp.variant_id,
        delta=1,
        reason="found",
        now=NOW,
    )
    await asyncio.sleep(0)
    assert query_count() == 6


async def test_rivals_never_take_more_than_there_is(
    cluster: Cluster, fresh_database: Callable[[str], str]
) -> None:
    dsn = cluster.dsn(role=APPLICATION_ROLE, database=fresh_database("stock-rivals"))
    db = await Database.connect(dsn, max_size=4)
    try:
        async with db.connection() as connection, connection.transaction():
            made = await make_product(
                connection, seller=await make_shelf_seller(connection), stock=10
            )

        async def take() -> bool:
            try:
                await transact(
                    db,
                    inventory_service.adjust_stock,
                    viewer=member(made.seller_id),
                    variant_id=made.variant_id,
                    delta=-3,
                    reason="broken",
                    now=NOW,
                )
            except StockPromised:
                return False
            return True

        taken = await asyncio.gather(*(take() for _ in range(12)))
        assert sum(taken) == 3
        async with db.connection() as connection:
            assert await journal_and_level(connection, made) == (1, 1)
    finally:
        await db.close()
