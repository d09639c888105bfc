"""What is bought right now, and the tree of what there is."""

import asyncio
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import httpx2
import pytest

from gosellr.core.clock import ManualClock
from gosellr.core.db import Connection
from gosellr.core.identity import new_id
from gosellr.services import card_service, popularity_service
from gosellr.services.popularity_service import WINDOWS
from gosellr.utils.ranking import Purchase, trending_score
from tests.factories.accounts import make_seller
from tests.factories.catalogue import MadeProduct, make_category, make_product, make_shelf_seller
from tests.factories.orders import order_body, place

TRENDING = "/api/v1/marketplace/trending"
TREE = "/api/v1/marketplace/categories"

WANTED = "(SELECT * FROM unnest($2::uuid[], $3::text[], $4::timestamptz[]) AS one (id, email, at))"
COPY_ORDERS = f"""
INSERT INTO orders SELECT copy.* FROM orders AS model CROSS JOIN {WANTED} AS wanted
CROSS JOIN LATERAL jsonb_populate_record(model, jsonb_build_object(
    'id', wanted.id, 'email', wanted.email, 'placed_at', wanted.at,
    'number', nextval('order_number'), 'cart_id', NULL)) AS copy
WHERE model.id = $1
"""
COPY_PARTS = """
INSERT INTO seller_order SELECT copy.* FROM seller_order AS model
CROSS JOIN unnest($2::uuid[]) AS new_id
CROSS JOIN LATERAL jsonb_populate_record(model, jsonb_build_object(
    'id', new_id, 'order_id', new_id)) AS copy
WHERE model.order_id = $1
"""
COPY_LINES = """
INSERT INTO order_line SELECT copy.* FROM order_line AS model
CROSS JOIN unnest($2::uuid[]) AS new_id
CROSS JOIN LATERAL jsonb_populate_record(model, jsonb_build_object(
    'id', new_id, 'order_id', new_id, 'seller_order_id', new_id)) AS copy
WHERE model.order_id = $1
"""


async def buy_again(
    connection: Connection, order_id: UUID, purchases: Sequence[tuple[str, datetime]]
) -> list[UUID]:
    """The same order once more for each address and moment, without paying each by itself."""
    ids = [new_id() for _ in purchases]
    emails, moments = [email for email, _ in purchases], [at for _, at in purchases]
    await connection.execute(COPY_ORDERS, order_id, ids, emails, moments)
    await connection.execute(COPY_PARTS, order_id, ids)
    await connection.execute(COPY_LINES, order_id, ids)
    return ids


async def bought(
    client: httpx2.AsyncClient, product: MadeProduct, email: str = "ada@example.com", **more: Any
) -> dict[str, Any]:
    """One paid order of one piece."""
    answer = await place(client, order_body((product.variant_id, 1), email=email, **more))
    assert answer.status_code in {201, 402}, answer.text
    order: dict[str, Any] = answer.json()
    return order


async def refresh(connection: Connection, clock: ManualClock) -> None:
    everything = [row["id"] for row in await connection.fetch("SELECT id FROM product")]
    await popularity_service.refresh(connection, product_ids=everything, now=clock.now())


async def trending(client: httpx2.AsyncClient, **parameters: Any) -> list[str]:
    answer = await client.get(TRENDING, params=parameters)
    assert answer.status_code == 200, answer.text
    await asyncio.sleep(0)
    return [item["title"] for item in answer.json()["items"]]


@pytest.fixture
async def products(connection: Connection) -> list[MadeProduct]:
    """Three products, each newer than the one before."""
    seller_id = await make_shelf_seller(connection)
    return [
        await make_product(connection, seller=seller_id, title=title, stock=100)
        for title in ("Oldest", "Middle", "Newest")
    ]


async def test_sql_and_python_score_alike(
    client: httpx2.AsyncClient,
    connection: Connection,
    clock: ManualClock,
    products: list[MadeProduct],
) -> None:
    now, (window, half_life) = clock.now(), WINDOWS["7d"]
    first = await bought(client, products[0], email="a@example.com")
    purchases = [
        ("b@example.com", now - timedelta(hours=5)),
        ("B@Example.com", now - timedelta(hours=7)),
        ("b+again@example.com", now - timedelta(hours=3, minutes=20)),
        ("c@example.com", now - timedelta(days=6, hours=23)),
        ("late@example.com", now - window),
        ("future@example.com", now + timedelta(seconds=1)),
    ]
    await buy_again(connection, UUID(first["id"]), purchases)
    await refresh(connection, clock)
    key = await connection.fetchval(
        "SELECT trending_score FROM product_card WHERE product_id = $1", products[0].id
    )
    expected = trending_score(
        [
            Purchase("a", now, 1),
            *(Purchase(email[0].lower(), at, 1) for email, at in purchases),
        ],
        now=now,
        window=window,
        half_life=half_life,
    )
    score = 2.0 ** (key / 1e6 - now.timestamp() / half_life.total_seconds())
    assert score == pytest.approx(expected, rel=2e-6)
    assert expected == pytest.approx(1 + 2 ** -(10 / 3 / 48) + 2 ** -(167 / 48))


async def test_one_buyer_counts_once_however_often(
    client: httpx2.AsyncClient,
    connection: Connection,
    clock: ManualClock,
    products: list[MadeProduct],
) -> None:
    loved, pushed, _ = products
    again = await bought(client, pushed, email="mallory@example.com")
    await buy_again(connection, UUID(again["id"]), [("mallory@example.com", clock.now())] * 99)
    for email in ("ada@example.com", "bob@example.com"):
        await bought(client, loved, email=email)
    await refresh(connection, clock)
    assert await trending(client) == ["Oldest", "Middle"]
    for window in ("1d", "30d"):
        assert await trending(client, window=window) == ["Oldest", "Middle"]
    sold = "SELECT array_agg(sold_count ORDER BY product_id) FROM product_card"
    assert await connection.fetchval(sold) == [2, 100, 0]


async def test_unpaid_and_cancelled_orders_dont_count(
    client: httpx2.AsyncClient,
    connection: Connection,
    clock: ManualClock,
    products: list[MadeProduct],
) -> None:
    cancelled, declined, kept = products
    order = await bought(client, cancelled)
    answer = await client.post(
        f"/api/v1/orders/{order['id']}/cancel",
        json={"reason": "changed my mind"},
        headers={"X-Order-Token": order["access_token"]},
    )
    assert answer.status_code == 200, answer.text
    await bought(client, declined, token="tok_declined")
    await bought(client, kept)
    await refresh(connection, clock)
    assert await trending(client) == await trending(client, window="1d") == ["Newest"]


async def test_time_passes(
    client: httpx2.AsyncClient,
    connection: Connection,
    clock: ManualClock,
    products: list[MadeProduct],
) -> None:
    past, fresh, _ = products
    order = await bought(client, past)
    await buy_again(connection, UUID(order["id"]), [("bob@example.com", clock.now())])
    await refresh(connection, clock)
    clock.advance(timedelta(days=5))
    await bought(client, fresh)
    await refresh(connection, clock)
    # Two buyers of five days ago weigh 2 * 2 ** -2.5 = 0.35 of one of now.
    assert await trending(client) == ["Middle", "Oldest"]
    clock.advance(timedelta(days=3))
    await refresh(connection, clock)
    assert await trending(client) == ["Middle"]
    # With a half-life of seven days: 2 * 2 ** (-8 / 7) = 0.91 against 2 ** (-3 / 7) = 0.74.
    assert await trending(client, window="30d") == ["Oldest", "Middle"]
    # Nobody bought today, so the best sellers are listed.
    assert await trending(client, window="1d") == ["Oldest", "Middle", "Newest"]


async def test_a_second_look_writes_nothing(
    client: httpx2.AsyncClient,
    connection: Connection,
    clock: ManualClock,
    products: list[MadeProduct],
) -> None:
    await bought(client, products[0])
    await refresh(connection, clock)
    places = "SELECT array_agg(ctid::text ORDER BY product_id) FROM product_card"
    before = await connection.fetchval(places)
    clock.advance(timedelta(days=1))
    await refresh(connection, clock)
    assert await connection.fetchval(places) == before


async def test_where_nobody_bought_the_newest_come_first(
    client: httpx2.AsyncClient, products: list[MadeProduct], query_count: Callable[[], int]
) -> None:
    query_count()
    assert await trending(client) == ["Newest", "Middle", "Oldest"]
    assert query_count() == 1
    assert await trending(client, window="1d", limit=2) == ["Newest", "Middle"]
    assert query_count() == 1


async def test_only_what_is_on_sale_trends(
    client: httpx2.AsyncClient,
    connection: Connection,
    clock: ManualClock,
    products: list[MadeProduct],
) -> None:
    await bought(client, products[0])
    await refresh(connection, clock)
    await connection.execute("UPDATE seller SET status = 'suspended'")
    await card_service.refresh_sellers(
        connection, seller_ids=[products[0].seller_id], now=clock.now()
    )
    for window in WINDOWS:
        assert await trending(client, window=window) == []


@pytest.mark.parametrize(
    "parameters", [{"window": "2d"}, {"window": ""}, {"limit": 0}, {"limit": 101}, {"q": "lamp"}]
)
async def test_refused(client: httpx2.AsyncClient, parameters: dict[str, Any]) -> None:
    assert (await client.get(TRENDING, params=parameters)).status_code == 422


async def test_the_tree_counts_everything_below(
    client: httpx2.AsyncClient,
    connection: Connection,
    clock: ManualClock,
    query_count: Callable[[], int],
) -> None:
    seller = await make_seller(connection, now=clock.now())
    home = await make_category(connection, name="Home")
    lamps = await make_category(connection, name="Lamps", parent_id=home)
    desk = await make_category(connection, name="Desk lamps", parent_id=lamps)
    await make_category(connection, name="Empty")
    for category_id in (home, desk, desk):
        await make_product(connection, seller=seller, category_id=category_id)
    await make_product(connection, seller=seller, category_id=desk, active=False)
    await asyncio.sleep(0)
    query_count()
    answer = await client.get(TREE)
    await asyncio.sleep(0)
    assert query_count() == 1
    empty, root = answer.json()["items"]
    assert (empty["name"], empty["product_count"], empty["children"]) == ("Empty", 0, [])
    [below] = root["children"]
    [leaf] = below["children"]
    assert [(node["path"], node["product_count"]) for node in (root, below, leaf)] == [
        ("home", 3),
        ("home/lamps", 2),
        ("home/lamps/desk-lamps", 2),
    ]
    assert leaf["parent_id"] == below["id"] == str(lamps)


@pytest.mark.parametrize("path", [TREE, TRENDING, f"{TRENDING}?window=1d"])
async def test_public_reads_are_asked_about_by_their_tag(
    client: httpx2.AsyncClient, products: list[MadeProduct], path: str
) -> None:
    answer = await client.get(path)
    assert answer.headers["cache-control"] == "public, max-age=0, must-revalidate"
    again = await client.get(path, headers={"If-None-Match": answer.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")
