"""What is done every few seconds reads what is new, however much is behind it."""

from collections.abc import AsyncIterator, Callable
from datetime import timedelta
from pathlib import Path

import pytest

from gosellr.config import Settings
from gosellr.core.db import Connection
from gosellr.core.embedded_postgres import Cluster
from gosellr.queries.ledger_upkeep import ROLL_UP
from gosellr.queries.trending import CHANGED
from gosellr.resources import Resources, open_resources
from gosellr.services.ledger_service import book
from tests.factories.ledger import BOOKED_AT, Sold
from tests.factories.plans import rows_read
from tests.factories.sales import buy, make_shop

PAST, NEW = 4_000, 3

# Each row is the same but for its ids, and for the writer of the newest.
COPY_LEDGER = f"""
WITH copied AS (
    SELECT number, gen_random_uuid() AS id FROM generate_series(1, {PAST}) AS number
), head AS (
    INSERT INTO ledger_transaction
    SELECT (jsonb_populate_record(booked, jsonb_build_object(
        'id', copied.id, 'idempotency_key', copied.id, 'order_id', copied.id,
        'written_by', CASE WHEN copied.number <= {NEW} THEN '200' ELSE '100' END))).*
    FROM copied CROSS JOIN ledger_transaction AS booked WHERE booked.id = $1
)
INSERT INTO ledger_entry OVERRIDING SYSTEM VALUE
SELECT (jsonb_populate_record(entry, jsonb_build_object(
    'id', 1000000 + row_number() OVER (), 'transaction_id', copied.id))).*
FROM copied CROSS JOIN ledger_entry AS entry WHERE entry.transaction_id = $1
"""

COPY_ORDERS = f"""
WITH copied AS (
    SELECT gen_random_uuid() AS id, number FROM generate_series(1, {PAST}) AS number
), placed AS (
    INSERT INTO orders
    SELECT (jsonb_populate_record(orders, jsonb_build_object(
        'id', copied.id, 'number', 1000000 + copied.number, 'reference', NULL, 'placed_at',
        orders.placed_at - interval '90 days' - copied.number * interval '1 minute'))).*
    FROM copied CROSS JOIN orders WHERE orders.id = $1
)
INSERT INTO order_line
SELECT (jsonb_populate_record(line, jsonb_build_object(
    'id', gen_random_uuid(), 'order_id', copied.id, 'seller_order_id', copied.id))).*
FROM copied CROSS JOIN order_line AS line WHERE line.order_id = $1
"""


@pytest.fixture
async def opened(
    cluster: Cluster, fresh_database: Callable[[str], str], tmp_path: Path
) -> AsyncIterator[Resources]:
    """An empty market, reached as its owner."""
    settings = Settings(
        home=tmp_path,
        database_url=cluster.dsn(database=fresh_database("upkeep plans")),
        secret_key="a secret of the test run, long enough to be taken",
        rate_limits=False,
        sandbox_repeats=0,
        demo=False,
    )
    async with open_resources(settings) as resources:
        yield resources


@pytest.fixture
async def connection(opened: Resources) -> AsyncIterator[Connection]:
    """The owner's, on which rows can be copied as they are."""
    async with opened.db.connection() as owner:
        yield owner


async def test_rolling_up_reads_the_entries_of_what_is_new(connection: Connection) -> None:
    async with connection.transaction():
        [booked] = await book(connection, bookings=[Sold().sale()], now=BOOKED_AT)
    await connection.execute("SET session_replication_role = replica")
    await connection.execute(COPY_LEDGER, booked.transaction_id)
    await connection.execute("ANALYZE ledger_transaction, ledger_entry")
    each = await connection.fetchval(
        "SELECT count(*) FROM ledger_entry WHERE transaction_id = $1", booked.transaction_id
    )
    read = await rows_read(connection, ROLL_UP, 200, 5_000, of="ledger_entry")
    # The one that was copied is new as well, once nobody beside the test writes any more.
    assert read in (each * NEW, each * (NEW + 1))


async def test_what_was_bought_is_found_without_the_lines_of_all_orders(
    opened: Resources, connection: Connection
) -> None:
    order = await buy(opened, (await make_shop(connection), 1))
    await connection.execute("SET session_replication_role = replica")
    await connection.execute(COPY_ORDERS, order.id)
    await connection.execute("ANALYZE orders, order_line")
    now = opened.clock.now()
    spans = [[now - timedelta(days=day)] * 3 for day in (1, -1)]
    assert await rows_read(connection, CHANGED, 0, 200_000, *spans, of="order_line") <= 3
    assert await rows_read(connection, CHANGED, 0, 200_000, *spans, of="orders") <= 3
