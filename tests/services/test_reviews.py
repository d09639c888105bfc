"""Reviews: one per delivered line, by its buyer, moving the averages by exactly one."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest

from gosellr.core.clock import ManualClock
from gosellr.core.db import Connection
from gosellr.core.errors import InvalidInput, NotFound
from gosellr.core.transact import ask, transact
from gosellr.models.order_values import Order
from gosellr.models.review_values import Review
from gosellr.resources import Resources
from gosellr.services import review_service
from gosellr.services.review_service import (
    AlreadyReviewed,
    NewReview,
    NotDelivered,
    OwnProduct,
    WindowClosed,
    shown_name,
)
from gosellr.utils.order_states import OrderStatus
from gosellr.utils.reviews import RatingAggregate
from gosellr.utils.viewer import GUEST, Viewer
from tests.factories.sales import Shop, buy, make_buyer, make_shop, part_of, read, ship, step


async def delivered(resources: Resources, shop: Shop, **more: Any) -> Order:
    """An order that has arrived."""
    order = await buy(resources, (shop, 1), **more)
    await ship(resources, order, shop)
    await step(resources, order, OrderStatus.DELIVERED, viewer=shop.viewer)
    return order


async def post(
    resources: Resources,
    viewer: Viewer,
    product_id: UUID,
    *,
    rating: int = 5,
    line: UUID | None = None,
    body: str = "Very bright",
) -> Review:
    """Write a review."""
    return await transact(
        resources.db,
        review_service.post_review,
        viewer=viewer,
        product_id=product_id,
        review=NewReview(rating=rating, title="Good", body=body, order_line_id=line),
        now=resources.clock.now(),
    )


async def ratings(connection: Connection, shop: Shop) -> list[tuple[int, int]]:
    """Count and sum of the product and of its seller."""
    rows = await connection.fetch(
        "SELECT rating_count, rating_sum FROM product WHERE id = $1"
        " UNION ALL SELECT rating_count, rating_sum FROM seller WHERE id = $2",
        shop.product.id,
        shop.seller.id,
    )
    return [tuple(row) for row in rows]


async def test_a_buyer_reviews_each_line_once(resources: Resources, connection: Connection) -> None:
    shop = await make_shop(connection)
    buyer = await make_buyer(connection)
    await delivered(resources, shop, buyer=buyer)
    written = await post(resources, buyer.viewer, shop.product.id, rating=4)
    assert written.author_name == "Ada L."
    with pytest.raises(AlreadyReviewed):
        await post(resources, buyer.viewer, shop.product.id)
    assert await ratings(connection, shop) == [(1, 4), (1, 4)]
    await delivered(resources, shop, buyer=buyer)
    await post(resources, buyer.viewer, shop.product.id, rating=5)
    assert await ratings(connection, shop) == [(2, 9), (2, 9)]
    card = await connection.fetchval(
        "SELECT card::json -> 'rating' FROM product_card WHERE product_id = $1", shop.product.id
    )
    assert card == {"average": 4.5, "count": 2}
    fact = await connection.fetchrow(
        "SELECT aggregate_id, data FROM outbox_event WHERE type = 'review.posted' LIMIT 1"
    )
    assert fact is not None
    assert fact["aggregate_id"] == written.id
    assert fact["data"]["rating"] == 4


async def test_only_what_has_arrived_is_reviewed(
    resources: Resources, connection: Connection, clock: ManualClock
) -> None:
    shop = await make_shop(connection)
    buyer = await make_buyer(connection)
    with pytest.raises(NotDelivered):
        await post(resources, buyer.viewer, shop.product.id)
    order = await buy(resources, (shop, 1), buyer=buyer)
    await ship(resources, order, shop)
    with pytest.raises(NotDelivered):
        await post(resources, buyer.viewer, shop.product.id)
    await step(resources, order, OrderStatus.DELIVERED, viewer=shop.viewer)
    clock.advance(timedelta(days=100, seconds=1))
    with pytest.raises(WindowClosed):
        await post(resources, buyer.viewer, shop.product.id)
    clock.advance(timedelta(seconds=-1))
    await post(resources, buyer.viewer, shop.product.id)


async def test_nobody_reviews_for_others_or_oneself(
    resources: Resources, connection: Connection
) -> None:
    shop = await make_shop(connection)
    order = await delivered(resources, shop, buyer=shop.seller.owner)
    line = part_of(order, shop).lines[0].id
    with pytest.raises(OwnProduct):
        await post(resources, shop.viewer, shop.product.id)
    stranger = await make_buyer(connection)
    for viewer in (stranger.viewer, GUEST):
        with pytest.raises(NotFound):
            await post(resources, viewer, shop.product.id, line=line)
        with pytest.raises(NotDelivered):
            await post(resources, viewer, shop.product.id)
    with pytest.raises(NotFound):
        await post(resources, stranger.viewer, uuid4())
    assert await ratings(connection, shop) == [(0, 0), (0, 0)]


async def test_a_guest_reviews_by_the_token_of_the_order(
    resources: Resources, connection: Connection
) -> None:
    shop = await make_shop(connection)
    order = await delivered(resources, shop)
    token_hash = await connection.fetchval("SELECT token_hash FROM orders WHERE id = $1", order.id)
    guest = Viewer(order_token_hash=token_hash)
    line = (await read(resources, order)).lines[0].id
    written = await post(resources, guest, shop.product.id, line=line, body=" a \u202e b ")
    assert (written.author_name, written.body) == ("Ada L.", "a b")
    with pytest.raises(AlreadyReviewed):
        await post(resources, guest, shop.product.id)


async def test_a_text_that_is_too_long_is_named(
    resources: Resources, connection: Connection
) -> None:
    shop = await make_shop(connection)
    buyer = await make_buyer(connection)
    await delivered(resources, shop, buyer=buyer)
    with pytest.raises(InvalidInput) as refusal:
        await post(resources, buyer.viewer, shop.product.id, body="x" * 5001)
    assert [(error.field, error.code) for error in refusal.value.errors] == [("body", "too_long")]


async def test_reviews_are_listed_newest_first_by_as_many_statements_for_any_number(
    resources: Resources,
    connection: Connection,
    clock: ManualClock,
    query_count: Callable[[], int],
) -> None:
    shop = await make_shop(connection)
    buyer = await make_buyer(connection)
    written = []
    for rating in (5, 3, 4):
        await delivered(resources, shop, buyer=buyer)
        written.append((await post(resources, buyer.viewer, shop.product.id, rating=rating)).id)
        clock.advance(timedelta(minutes=1))
    query_count()
    first = await ask(
        resources.db,
        review_service.list_reviews,
        product_id=shop.product.id,
        limit=2,
        cursor=None,
    )
    assert query_count() == 2
    rest = await ask(
        resources.db,
        review_service.list_reviews,
        product_id=shop.product.id,
        limit=2,
        cursor=first.page.next_cursor,
    )
    assert [one.id for one in (*first.page.items, *rest.page.items)] == written[::-1]
    assert rest.page.next_cursor is None
    assert first.rating == RatingAggregate(3, 12)
    with pytest.raises(InvalidInput):
        await ask(
            resources.db,
            review_service.list_reviews,
            product_id=shop.product.id,
            limit=2,
            cursor="WyJhIiwiYiJd",
        )


@pytest.mark.parametrize(
    ("name", "shown"),
    [("Ada Lovelace", "Ada L."), ("Ada", "Ada"), ("Ada King Lovelace", "Ada L."), (" ", "A buyer")],
)
def test_strangers_read_half_a_name(name: str, shown: str) -> None:
    assert shown_name(name) == shown
