"""Baskets of requests that come at the same time: read by one statement, each as if alone."""

import asyncio
from typing import Any

import pytest

from gosellr.core.db import Connection
from gosellr.core.errors import DomainError, InvalidInput, NotFound, VersionConflict
from gosellr.core.identity import fingerprint, new_id
from gosellr.core.transact import ask_together
from gosellr.flows import carts
from gosellr.queries.cart_views import SHOW
from gosellr.queries.offers import OF_REQUESTS
from gosellr.resources import Resources
from gosellr.services import basket_service
from gosellr.services.basket_service import (
    CheckoutRequest,
    EmptyBasket,
    ReadBasket,
    Tender,
    WantedBasket,
)
from gosellr.utils.viewer import GUEST, Viewer
from tests.factories.carts import ADDRESS, make_goods_of_two_shops
from tests.factories.catalogue import MadeProduct

PLANS = "SELECT generic_plans, custom_plans FROM pg_prepared_statements WHERE name = 'asked'"


@pytest.fixture
async def goods(connection: Connection) -> list[MadeProduct]:
    return await make_goods_of_two_shops(connection)


def wanted_of(resources: Resources, *, viewer: Viewer = GUEST, **request: Any) -> WantedBasket:
    return WantedBasket(
        viewer=viewer,
        request=CheckoutRequest(tenders=(Tender(method="sandbox", token="tok_ok"),), **request),
        context=resources.carts.context(None),
    )


def naming(resources: Resources, *lines: tuple[Any, int], **request: Any) -> WantedBasket:
    said = {"email": "ada@example.com", "shipping_address": ADDRESS, **request}
    return wanted_of(resources, items=lines, **said)


async def filled_bag(resources: Resources, *products: MadeProduct) -> dict[str, Any]:
    """A guest's bag with an address, and who may open it."""
    view = await carts.create_cart(resources.carts, viewer=GUEST, currency=None)
    viewer = Viewer(cart_token_hash=fingerprint(view.token or ""))
    mine: dict[str, Any] = {"viewer": viewer, "cart_id": view.cart.id}
    for product in products:
        await carts.add_item(resources.carts, variant_id=product.variant_id, quantity=2, **mine)
    await carts.set_addresses(
        resources.carts, changes={"shipping_address": ADDRESS, "email": "bag@example.com"}, **mine
    )
    return mine


def told(read: ReadBasket | DomainError) -> Any:
    if isinstance(read, DomainError):
        return type(read), read.detail, read.errors, read.extras
    return read


async def test_each_is_read_as_if_it_had_come_alone(
    resources: Resources, connection: Connection, goods: list[MadeProduct]
) -> None:
    lamp, chair = (product.variant_id for product in goods)
    first, second = [await filled_bag(resources, *goods), await filled_bag(resources, goods[1])]
    wanted = [
        naming(resources, (lamp, 2), (chair, 1)),
        wanted_of(resources, **first),
        naming(resources, (lamp, 1), (lamp, 3)),
        naming(resources, (lamp, 1), (new_id(), 1)),
        wanted_of(resources, **second),
        naming(resources, (chair, 9), currency="USD"),
        wanted_of(resources, viewer=second["viewer"], cart_id=first["cart_id"]),
        naming(resources),
        naming(resources, (chair, 4), email=None),
        wanted_of(resources, cart_version=1, **first),
        naming(resources, (chair, 4)),
    ]
    together = await basket_service.read_baskets(connection, wanted)
    alone = [(await basket_service.read_baskets(connection, [one]))[0] for one in wanted]
    assert [told(one) for one in together] == [told(one) for one in alone]

    lines = [
        None
        if isinstance(one, DomainError)
        else [
            (offer.variant_id, offer.quantity, offer.unit_price_minor)
            for offer in one.basket.offers
        ]
        for one in together
    ]
    assert lines == [
        [(lamp, 2, 1999), (chair, 1, 5000)],
        [(lamp, 2, 1999), (chair, 2, 5000)],
        [(lamp, 4, 1999)],
        None,
        [(chair, 2, 5000)],
        [(chair, 9, None)],
        None,
        [],
        None,
        None,
        [(chair, 4, 5000)],
    ]
    assert [type(one) for one in together if isinstance(one, DomainError)] == [
        InvalidInput,
        NotFound,
        InvalidInput,
        VersionConflict,
    ]
    unknown, empty = together[3], together[7]
    assert isinstance(unknown, InvalidInput)
    assert [error.field for error in unknown.errors] == ["items.1.variant_id"]
    assert isinstance(empty, ReadBasket)
    with pytest.raises(EmptyBasket):
        basket_service.price(empty, request=wanted[7].request, context=wanted[7].context)


async def test_those_who_come_at_once_are_read_by_one_statement_each_kind(
    resources: Resources, connection: Connection, goods: list[MadeProduct]
) -> None:
    bag = await filled_bag(resources, *goods)
    wanted = [naming(resources, (product.variant_id, 1)) for product in goods for _ in range(4)]
    # What is sold under is read once, and kept.
    await basket_service.read_baskets(connection, wanted[:1] + wanted[-1:])
    await basket_service.read_baskets(connection, [wanted_of(resources, **bag)])
    asked: list[str] = []

    def note(record: Any) -> None:
        asked.append(record.query)

    connection.add_query_logger(note)
    try:
        read = await asyncio.gather(
            *(
                ask_together(resources.db, basket_service.read_baskets, one)
                for one in [*wanted, *(wanted_of(resources, **bag) for _ in range(3))]
            )
        )
    finally:
        connection.remove_query_logger(note)
    assert asked == [OF_REQUESTS, SHOW]
    assert [len(one.basket.offers) for one in read if isinstance(one, ReadBasket)] == [1] * 8 + [
        2
    ] * 3


async def test_one_plan_serves_all_requests(connection: Connection) -> None:
    """A plan that is made anew each time costs more than the statement."""
    await connection.execute(f"PREPARE asked (int[], uuid[], int[], text[]) AS {OF_REQUESTS}")
    for number in range(1, 8):
        ids = ", ".join(["gen_random_uuid()"] * number)
        ones = ", ".join(["1"] * number)
        await connection.execute(
            f"EXECUTE asked (ARRAY[{ones}], ARRAY[{ids}], ARRAY[{ones}], "
            f"array_fill('EUR'::text, ARRAY[{number}]))"
        )
    plans = await connection.fetchrow(PLANS)
    await connection.execute("DEALLOCATE asked")
    assert plans is not None
    assert tuple(plans) == (2, 5)
