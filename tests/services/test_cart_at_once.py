"""Changes to a bag by one statement: the same bag as step by step, or nothing at all."""

from collections.abc import Awaitable, Callable
from typing import Any
from uuid import UUID

import pytest

from gosellr.api.schemas.carts import cart_document
from gosellr.core.db import Connection, Database
from gosellr.core.identity import fingerprint, new_id
from gosellr.core.transact import transact, write
from gosellr.flows import carts
from gosellr.queries.cart_views import ADD_ITEM, SHOW
from gosellr.resources import Resources
from gosellr.services import cart_at_once, cart_change_service, cart_service
from gosellr.services.cart_service import CartView
from gosellr.utils.viewer import Viewer
from tests.conftest import StatementwiseDatabase
from tests.factories.carts import ADDRESS, make_goods_of_two_shops
from tests.factories.catalogue import (
    MadeProduct,
    make_products,
    make_shelf_seller,
    variant_draft,
)

WHOLE = """
SELECT to_jsonb(cart) AS cart, (SELECT jsonb_agg(to_jsonb(item) ORDER BY item.id)
                                FROM cart_item AS item WHERE item.cart_id = cart.id) AS items
FROM cart WHERE id = $1
"""
OWN = ("id", "token")


@pytest.fixture
def db(connection: Connection) -> Database:
    """What can't be put in at once fails by itself."""
    return StatementwiseDatabase(connection)


@pytest.fixture
async def goods(connection: Connection) -> list[MadeProduct]:
    return await make_goods_of_two_shops(connection)


async def begun(resources: Resources) -> tuple[Viewer, UUID]:
    view = await carts.create_cart(resources.carts, viewer=Viewer(), currency=None)
    assert view.token is not None
    return Viewer(cart_token_hash=fingerprint(view.token)), view.cart.id


def told(view: CartView) -> Any:
    """The bag's document without what names this bag and no other."""

    def plain(value: Any) -> Any:
        if isinstance(value, dict):
            return {name: plain(part) for name, part in value.items() if name not in OWN}
        if isinstance(value, list | tuple):
            return [plain(part) for part in value]
        return value

    return plain(cart_document(view))


Change = Callable[..., Awaitable[CartView]]


async def filled_by(
    resources: Resources, goods: list[MadeProduct], add: Change, place: Change, choose: Change
) -> list[Any]:
    """What a guest is told who fills a bag."""
    viewer, cart_id = await begun(resources)
    mine: dict[str, Any] = {"viewer": viewer, "cart_id": cart_id}
    views = [
        await add(variant_id=goods[0].variant_id, quantity=2, **mine),
        await add(variant_id=goods[1].variant_id, quantity=1, version=2, **mine),
        await add(variant_id=goods[0].variant_id, quantity=3, **mine),
        await place(changes={"shipping_address": ADDRESS}, **mine),
        await place(changes={"email": "ada@example.com"}, version=5, **mine),
        await place(changes={"email": None, "billing_address": ADDRESS}, **mine),
        await place(changes={"billing_address": None}, **mine),
    ]
    option = views[-1].parcels[0].options[-1]
    views.append(await choose(choices={views[-1].parcels[0].seller_id: option.id}, **mine))
    views.append(await carts.show(resources.carts, cart_service.show_cart, **mine))
    assert views[-1].cart == views[-2].cart
    return [told(view) for view in views]


async def test_a_bag_filled_at_once_is_the_one_filled_step_by_step(
    resources: Resources, goods: list[MadeProduct]
) -> None:
    powers = resources.carts

    async def by_steps(command: Change, **wanted: Any) -> CartView:
        return await carts.change(powers, command, **wanted)

    at_once = await filled_by(
        resources,
        goods,
        lambda **wanted: carts.add_item(powers, **wanted),
        lambda **wanted: carts.set_addresses(powers, **wanted),
        lambda **wanted: carts.choose_shipping(powers, **wanted),
    )
    step_by_step = await filled_by(
        resources,
        goods,
        lambda **wanted: by_steps(cart_change_service.add_item, **wanted),
        lambda **wanted: by_steps(cart_change_service.set_addresses, **wanted),
        lambda **wanted: by_steps(cart_change_service.choose_shipping, **wanted),
    )
    assert at_once == step_by_step
    assert [each["version"] for each in at_once] == [2, 3, 4, 5, 6, 7, 8, 9, 9]


@pytest.mark.parametrize(
    ("wanted", "arranged"),
    [
        ({"variant_id": new_id()}, ""),
        ({"quantity": 10}, ""),
        ({"version": 7}, ""),
        ({"cart_id": new_id()}, ""),
        ({"viewer": Viewer(cart_token_hash=b"another's")}, ""),
        ({"viewer": Viewer()}, ""),
        ({}, "UPDATE cart SET status = 'ordered' WHERE id = $1"),
        ({}, "UPDATE cart SET currency = 'USD' WHERE id = $1"),
        ({}, "UPDATE product SET status = 'draft' WHERE $1::uuid IS NOT NULL"),
        ({}, "UPDATE variant_price SET amount_minor = 10^15 WHERE $1::uuid IS NOT NULL"),
    ],
)
async def test_what_cannot_be_put_in_at_once_writes_nothing(
    resources: Resources,
    connection: Connection,
    goods: list[MadeProduct],
    wanted: dict[str, Any],
    arranged: str,
) -> None:
    viewer, cart_id = await begun(resources)
    asked = {
        "viewer": viewer,
        "cart_id": cart_id,
        "variant_id": goods[0].variant_id,
        "quantity": 1,
        "now": resources.clock.now(),
    }
    if arranged:
        await connection.execute(arranged, cart_id)
    before = await connection.fetchrow(WHOLE, cart_id)
    assert await write(resources.db, cart_at_once.add_item, **{**asked, **wanted}) is None
    assert await connection.fetchrow(WHOLE, cart_id) == before


async def test_a_bag_with_too_many_lines_is_left_to_the_steps(
    resources: Resources, connection: Connection, goods: list[MadeProduct]
) -> None:
    viewer, cart_id = await begun(resources)
    asked: dict[str, Any] = {"viewer": viewer, "cart_id": cart_id, "quantity": 1}
    at_once = {**asked, "now": resources.clock.now()}
    many = await make_products(
        connection,
        seller=await make_shelf_seller(connection),
        drafts=[{"title": f"Lamp {n}", "variants": (variant_draft(),)} for n in range(200)],
    )
    await connection.execute(
        "INSERT INTO cart_item (id, cart_id, variant_id, quantity, created_at)"
        " SELECT gen_random_uuid(), $1, id, 1, now() FROM unnest($2::uuid[]) AS id",
        cart_id, [made.variant_id for made in many],
    )  # fmt: skip
    one = goods[0].variant_id
    assert await write(resources.db, cart_at_once.add_item, variant_id=one, **at_once) is None
    with pytest.raises(cart_change_service.CartFull):
        await carts.add_item(resources.carts, variant_id=one, **asked)


async def test_ways_of_delivery_are_kept_only_for_the_bag_that_was_priced(
    resources: Resources, goods: list[MadeProduct]
) -> None:
    viewer, cart_id = await begun(resources)
    view = await carts.add_item(
        resources.carts,
        viewer=viewer,
        cart_id=cart_id,
        variant_id=goods[0].variant_id,
        quantity=1,
    )
    now = resources.clock.now()
    await transact(
        resources.db,
        cart_change_service.acknowledge_prices,
        viewer=viewer,
        cart_id=cart_id,
        context=resources.carts.context(None),
    )
    assert await write(resources.db, cart_at_once.keep_choices, view=view, now=now) is None


@pytest.mark.parametrize("statement", [ADD_ITEM, SHOW], ids=["add", "show"])
async def test_one_plan_serves_all_bags(connection: Connection, statement: str) -> None:
    """A plan that is made anew each time costs more than the statement."""
    kinds = {
        ADD_ITEM: "uuid, bytea, uuid, timestamptz, int, uuid, uuid, int, int, int, bigint",
        SHOW: "uuid[], bytea[], uuid[]",
    }[statement]
    values = {
        ADD_ITEM: "gen_random_uuid(), '', NULL, now(), NULL, gen_random_uuid(), gen_random_uuid(),"
        " 1, 100, 100, 1000",
        SHOW: "ARRAY[gen_random_uuid()], '{NULL}', ARRAY[gen_random_uuid()]",
    }[statement]
    await connection.execute(f"PREPARE asked ({kinds}) AS {statement}")
    for _ in range(7):
        await connection.execute(f"EXECUTE asked ({values})")
    plans = await connection.fetchrow(
        "SELECT generic_plans, custom_plans FROM pg_prepared_statements WHERE name = 'asked'"
    )
    await connection.execute("DEALLOCATE asked")
    assert plans is not None
    assert tuple(plans) == (2, 5)
