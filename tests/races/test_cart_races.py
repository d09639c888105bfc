"""A bag that is filled from two sides at once: nothing is lost, and every answer is whole."""

import asyncio
from typing import Any
from uuid import UUID

from gosellr.core.transact import transact, write
from gosellr.flows import carts
from gosellr.resources import Resources
from gosellr.services import cart_at_once, cart_change_service
from gosellr.services.cart_service import CartView
from gosellr.utils.viewer import Viewer
from tests.factories.catalogue import MadeProduct, make_product, make_shelf_seller
from tests.races.test_card_races import meet


async def a_bag(live: Resources) -> tuple[Viewer, UUID, list[MadeProduct]]:
    """A guest's empty bag and two things to put into it."""

    async def made(connection: Any) -> list[MadeProduct]:
        seller_id = await make_shelf_seller(connection)
        return [await make_product(connection, seller=seller_id, stock=500) for _ in range(2)]

    products = await transact(live.db, made)
    view = await carts.create_cart(live.carts, viewer=Viewer(), currency=None)
    async with live.db.connection() as looking:
        token_hash = await looking.fetchval(
            "SELECT token_hash FROM cart WHERE id = $1", view.cart.id
        )
    return Viewer(cart_token_hash=token_hash), view.cart.id, products


def quantities(view: CartView) -> dict[UUID, int]:
    return {line.variant_id: line.quantity for parcel in view.parcels for line in parcel.lines}


async def test_who_waits_for_a_rival_answers_with_what_the_rival_put_in(live: Resources) -> None:
    viewer, cart_id, [lamp, cup] = await a_bag(live)
    rival = carts.add_item(
        live.carts, viewer=viewer, cart_id=cart_id, variant_id=cup.variant_id, quantity=2
    )
    late = asyncio.get_running_loop().create_future()

    async def answered() -> None:
        late.set_result(await rival)

    await meet(
        live,
        lambda connection: cart_change_service.add_item(
            connection,
            viewer=viewer,
            cart_id=cart_id,
            variant_id=lamp.variant_id,
            quantity=1,
            context=live.carts.context(None),
        ),
        answered(),
    )
    view = await late
    assert quantities(view) == {lamp.variant_id: 1, cup.variant_id: 2}
    assert view.cart.version == 3


async def test_who_waited_wrote_nothing_at_once(live: Resources) -> None:
    viewer, cart_id, [lamp, cup] = await a_bag(live)
    told: list[Any] = []

    async def at_once() -> None:
        told.append(
            await write(
                live.db,
                cart_at_once.add_item,
                viewer=viewer,
                cart_id=cart_id,
                variant_id=cup.variant_id,
                quantity=2,
                now=live.clock.now(),
            )
        )

    await meet(
        live,
        lambda connection: cart_at_once.add_item(
            connection,
            viewer=viewer,
            cart_id=cart_id,
            variant_id=lamp.variant_id,
            quantity=1,
            now=live.clock.now(),
        ),
        at_once(),
    )
    assert told == [None]
    async with live.db.connection() as looking:
        rows = await looking.fetch("SELECT variant_id FROM cart_item WHERE cart_id = $1", cart_id)
    assert [row["variant_id"] for row in rows] == [lamp.variant_id]


async def test_units_that_many_add_at_once_all_add_up(live: Resources) -> None:
    viewer, cart_id, [lamp, _] = await a_bag(live)
    views = await asyncio.gather(
        *(
            carts.add_item(
                live.carts, viewer=viewer, cart_id=cart_id, variant_id=lamp.variant_id, quantity=1
            )
            for _ in range(20)
        )
    )
    assert sorted(view.cart.version for view in views) == list(range(2, 22))
    # Each answer tells the bag of its own version.
    assert all(quantities(view) == {lamp.variant_id: view.cart.version - 1} for view in views)
