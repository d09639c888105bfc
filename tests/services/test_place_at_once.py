"""An order placed by one statement: the same rows as step by step, or none at all."""

from dataclasses import asdict
from typing import Any, cast
from uuid import UUID

import pytest

from gosellr.core.db import Connection
from gosellr.core.errors import DomainError
from gosellr.core.identity import new_id
from gosellr.core.transact import ask, transact, write_together
from gosellr.models.order_values import Order
from gosellr.queries.placements import PLACE
from gosellr.resources import Resources
from gosellr.services import (
    basket_service,
    checkout_service,
    idempotency_service,
    order_at_once,
    order_service,
)
from gosellr.services.basket_service import CheckoutRequest, ReadBasket, Tender, WantedBasket
from gosellr.services.idempotency_service import RequestKey
from gosellr.services.opened_order import OpenedOrder
from gosellr.services.pricing_service import PricingContext
from gosellr.utils.viewer import GUEST
from tests.factories.orders import ADDRESS
from tests.factories.sales import Shop, a_key, make_commission, make_shop, stock
from tests.factories.terms import make_coupon, make_delivery, make_tax

# What placing writes beside the order itself, without what is new each time.
WRITTEN = (
    """
    SELECT sku, reservation.quantity, reservation.expires_at, reservation.created_at,
           reservation.bucket
    FROM stock_reservation AS reservation
    JOIN order_line AS line ON line.id = reservation.order_line_id
    WHERE reservation.order_id = $1 ORDER BY line.position
    """,
    "SELECT type, aggregate_type, occurred_at FROM outbox_event WHERE aggregate_id = $1",
    """
    SELECT scope, response_status, created_at, expires_at, finished_at
    FROM idempotency_key WHERE resource_id = $1::uuid::text
    """,
    "SELECT check_at, check_count FROM payment WHERE order_id = $1",
    "SELECT token_hash, ip_address FROM orders WHERE id = $1",
)
# Fields that name this order and no other.
OWN = ("id", "order_id", "seller_order_id", "number", "cart_id")


@pytest.fixture
async def shops(connection: Connection) -> list[Shop]:
    await make_tax(connection, rate_bps=1900)
    await make_delivery(connection)
    await make_commission(connection)
    return [await make_shop(connection, price_minor=1999, stock=9), await make_shop(connection)]


def intent(
    resources: Resources, shops: list[Shop], *, quantity: int = 2, key: RequestKey | None = None
) -> dict[str, Any]:
    """What a guest means by an order."""
    return {
        "order_id": new_id(),
        "viewer": GUEST,
        "request": CheckoutRequest(
            tenders=(Tender(method="sandbox", token="tok_ok"),),
            items=tuple((shop.product.variant_id, quantity) for shop in shops),
            email="ada@example.com",
            shipping_address=ADDRESS,
        ),
        "key": key or a_key(),
        "token_hash": b"\x01\x02",
        "context": PricingContext(
            policy=resources.policy,
            now=resources.clock.now(),
            terms_shelf=resources.terms_shelf,
        ),
    }


async def read_of(connection: Connection, said: dict[str, Any]) -> ReadBasket | DomainError:
    wanted = WantedBasket(**{name: said[name] for name in ("viewer", "request", "context")})
    (read,) = await basket_service.read_baskets(connection, [wanted])
    return read


async def open_at_once(resources: Resources, **said: Any) -> OpenedOrder | None:
    if not order_at_once.is_plain(said["request"], resources.policy):
        return None
    draft = order_at_once.draft(await ask(resources.db, read_of, said), **said)
    if draft is None:
        return None
    return await write_together(resources.db, order_at_once.place, draft)


def common(value: Any) -> Any:
    """A value without what is its own."""
    if isinstance(value, dict):
        return {name: common(part) for name, part in value.items() if name not in OWN}
    if isinstance(value, (list, tuple)):
        return [common(part) for part in value]
    return value


async def test_it_writes_what_the_steps_write(
    resources: Resources, connection: Connection, shops: list[Shop]
) -> None:
    placed: list[Order] = []
    rows: list[Any] = []
    for at_once in (True, False):
        said = intent(resources, shops)
        if at_once:
            opened = await open_at_once(resources, **said)
        else:
            opened = await transact(resources.db, checkout_service.open_order, **said)
        assert isinstance(opened, OpenedOrder)
        assert opened.order is not None
        read = await ask(resources.db, order_service.load_order, order_id=opened.order_id)
        assert read == opened.order
        placed.append(read)
        written = [
            [tuple(row) for row in await connection.fetch(statement, opened.order_id)]
            for statement in WRITTEN
        ]
        assert all(written)
        rows.append(written)
    assert common(asdict(placed[0])) == common(asdict(placed[1]))
    assert rows[0] == rows[1]
    assert await stock(connection, shops[0]) == (9, 4)


async def test_what_was_claimed_before_writes_nothing(
    resources: Resources, connection: Connection, shops: list[Shop]
) -> None:
    said = intent(resources, shops)
    first = await open_at_once(resources, **said)
    assert first is not None
    again = {**said, "order_id": new_id()}
    assert await open_at_once(resources, **again) is None
    assert await connection.fetchval("SELECT count(*) FROM orders") == 1
    assert await connection.fetchval("SELECT count(*) FROM order_line") == 2
    assert await stock(connection, shops[0]) == (9, 2)
    earlier = await ask(resources.db, idempotency_service.find, request=said["key"])
    assert earlier is not None
    assert earlier.resource_id == str(said["order_id"])


class Overtaken:
    """A connection on which somebody is faster, just before the order is placed."""

    def __init__(self, connection: Connection, variant_id: UUID) -> None:
        self._connection = connection
        self._variant_id = variant_id

    def __getattr__(self, name: str) -> Any:
        return getattr(self._connection, name)

    async def fetchrow(self, statement: str, *values: Any) -> Any:
        """The last ones are sold, then the statement runs."""
        if statement == PLACE:
            await self._connection.execute(
                "UPDATE stock_level SET on_hand = 4 WHERE variant_id = $1", self._variant_id
            )
        return await self._connection.fetchrow(statement, *values)


async def test_what_falls_short_leaves_no_trace(
    resources: Resources, connection: Connection, shops: list[Shop]
) -> None:
    said = intent(resources, shops, quantity=5)
    overtaken = cast("Connection", Overtaken(connection, shops[0].product.variant_id))
    # The connection of a test is in a transaction, where a failed statement ends it all.
    transaction = connection.transaction()
    await transaction.start()
    draft = order_at_once.draft(await read_of(overtaken, said), **said)
    assert draft is not None
    assert await order_at_once.place(overtaken, [draft]) == [None]
    await transaction.rollback()
    assert await connection.fetchval("SELECT count(*) FROM orders") == 0
    assert await ask(resources.db, idempotency_service.find, request=said["key"]) is None
    assert [await stock(connection, shop) for shop in shops] == [(9, 0), (100, 0)]


async def test_coupons_and_errors_take_the_steps(
    resources: Resources, connection: Connection, shops: list[Shop]
) -> None:
    coupon = await make_coupon(connection)
    with_coupon = intent(resources, shops)
    with_coupon["request"] = CheckoutRequest(
        tenders=with_coupon["request"].tenders,
        items=with_coupon["request"].items,
        email="ada@example.com",
        shipping_address=ADDRESS,
        coupons=(coupon,),
    )
    for said in (with_coupon, intent(resources, shops, quantity=10)):
        assert await open_at_once(resources, **said) is None
    assert await connection.fetchval("SELECT count(*) FROM orders") == 0
    assert await connection.fetchval("SELECT count(*) FROM idempotency_key") == 0
