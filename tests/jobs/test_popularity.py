"""What is bought, on the cards: counted anew for what the feed tells of, and for nothing else."""

from datetime import timedelta

import pytest

from gosellr.core.clock import ManualClock
from gosellr.core.db import Connection
from gosellr.flows import popularity
from gosellr.jobs import upkeep
from gosellr.resources import Resources
from gosellr.services import popularity_service
from gosellr.utils.permissions import Role
from gosellr.utils.viewer import Viewer
from tests.factories.sales import Shop, buy, cancel, make_shop, refund

OPERATOR = Viewer(roles=frozenset({Role.OPERATOR}))

# The relay sees what is committed, and nothing is here.
TELL = """
INSERT INTO outbox_feed (position, event_sequence)
SELECT (SELECT coalesce(max(position), 0) FROM outbox_feed) + row_number() OVER (ORDER BY sequence),
       sequence
FROM outbox_event WHERE sequence NOT IN (SELECT event_sequence FROM outbox_feed)
"""


@pytest.fixture
async def shops(connection: Connection) -> tuple[Shop, Shop]:
    """Two of one product each."""
    return await make_shop(connection), await make_shop(connection)


async def look(
    resources: Resources, connection: Connection, *shops: Shop
) -> list[tuple[int, bool]]:
    """Tell all facts, do the work, which takes no time here; then what each card says: pieces sold,
    and if it trends."""
    await connection.execute(TELL)
    await popularity.refresh(db=resources.db, clock=resources.clock, timer=lambda: 0.0)
    rows = await connection.fetch(
        "SELECT product_id, card.sold_count, product.sold_count AS own,"
        " trending_score > 0 AS trends"
        " FROM product_card AS card JOIN product ON product.id = product_id"
    )
    assert all(row["own"] == row["sold_count"] for row in rows)
    said = {row["product_id"]: (row["sold_count"], row["trends"]) for row in rows}
    return [said[shop.product.id] for shop in shops]


async def test_follows_what_is_bought_given_back_and_called_off(
    resources: Resources, connection: Connection, clock: ManualClock, shops: tuple[Shop, Shop]
) -> None:
    first, second = shops
    assert await look(resources, connection, *shops) == [(0, False), (0, False)]
    both = await buy(resources, (first, 3), (second, 1))
    assert await look(resources, connection, *shops) == [(3, True), (1, True)]

    clock.advance(timedelta(minutes=1))
    await refund(resources, both, first, units=1, viewer=OPERATOR)
    assert await look(resources, connection, *shops) == [(2, True), (1, True)]

    clock.advance(timedelta(minutes=1))
    await cancel(resources, both, viewer=OPERATOR, shop=second)
    assert await look(resources, connection, *shops) == [(2, True), (0, False)]


async def test_a_purchase_leaves_the_window_without_a_word(
    resources: Resources, connection: Connection, clock: ManualClock, shops: tuple[Shop, Shop]
) -> None:
    await buy(resources, (shops[0], 2))
    assert await look(resources, connection, shops[0]) == [(2, True)]
    clock.advance(timedelta(days=6, hours=23))
    assert await look(resources, connection, shops[0]) == [(2, True)]
    clock.advance(timedelta(hours=2))
    assert await look(resources, connection, shops[0]) == [(2, False)]


async def test_counts_nothing_that_nobody_told_of(
    resources: Resources, connection: Connection, clock: ManualClock, shops: tuple[Shop, Shop]
) -> None:
    quiet, busy = shops
    await buy(resources, (quiet, 1), (busy, 1))
    await look(resources, connection)
    await connection.execute("UPDATE product SET sold_count = 7")
    await connection.execute("UPDATE product_card SET sold_count = 7")
    clock.advance(timedelta(minutes=1))
    await buy(resources, (busy, 1))
    assert await look(resources, connection, *shops) == [(7, True), (2, True)]


async def test_whoever_wrote_many_cards_rests(
    resources: Resources, connection: Connection, clock: ManualClock, shops: tuple[Shop, Shop]
) -> None:
    await buy(resources, (shops[0], 1), (shops[1], 1))
    await look(resources, connection)
    await buy(resources, (shops[0], 1))
    assert await look(resources, connection, *shops) == [(1, True), (1, True)]
    # Two cards are worth two tenths of a second; what was told meanwhile isn't lost.
    clock.advance(timedelta(milliseconds=199))
    assert await look(resources, connection, *shops) == [(1, True), (1, True)]
    clock.advance(timedelta(milliseconds=1))
    assert await look(resources, connection, *shops) == [(2, True), (1, True)]


async def test_counts_more_than_its_first_portion(
    resources: Resources, connection: Connection
) -> None:
    many = [await make_shop(connection) for _ in range(2 * popularity_service.FIRST_PORTION + 3)]
    for shop in many:
        await buy(resources, (shop, 1))
    await connection.execute(TELL)
    await upkeep.refresh_popularity(resources)
    # Nothing is left to look at, so that this only reads.
    assert await look(resources, connection, *many) == [(1, True)] * len(many)


async def test_counting_what_was_sold_often_may_take_longer_than_a_request(
    resources: Resources, connection: Connection, shops: tuple[Shop, Shop]
) -> None:
    assert await connection.fetchval("SHOW statement_timeout") == "15s"
    await buy(resources, (shops[0], 1))
    await look(resources, connection)
    assert await connection.fetchval("SHOW statement_timeout") == "5min"


@pytest.mark.parametrize(
    ("size", "seconds", "following"),
    [(8, 0.01, 16), (128, 0.2, 200), (64, 0.5, 64), (64, 1.5, 16), (3, 9.0, 1), (1, 9.0, 1)],
)
def test_a_portion_that_took_long_is_followed_by_a_smaller_one(
    size: int, seconds: float, following: int
) -> None:
    assert popularity_service.next_portion(size, seconds=seconds) == following


@pytest.mark.parametrize(
    ("products", "seconds", "rest"),
    [(2, 0.001, 0.2), (2, 1.0, 40.0), (200, 60.0, 1_200.0), (20_000, 1.0, 2_000.0), (0, 0.0, 0.0)],
)
def test_the_longer_it_took_the_longer_the_cards_are_left_alone(
    products: int, seconds: float, rest: float
) -> None:
    assert popularity_service.rest_after(products, seconds=seconds).total_seconds() == rest
