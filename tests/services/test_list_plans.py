"""A page of a category costs what is on it: nothing else is read, and nothing from the table."""

import json
from collections.abc import Iterator
from typing import Any, cast
from uuid import UUID

import pytest

from gosellr.core.db import Connection
from gosellr.queries.product_lists import SHELVES, ProductFilters, Sort, list_cards

PLACES = 20_000
# Pages of the index, from its root to the leaves that are asked for, of more than a hundred.
FEW = 6
CATEGORY = UUID(int=7)
NARROWED = [sort for sort, category, by_price in SHELVES if category == "category_id" and by_price]

FILL = """
INSERT INTO category_place
SELECT uuidv7(), $1, 'EUR', number, 0, 0, now() FROM generate_series(1, $2::int) AS number
"""


class Heard:
    """A connection that is only told what to ask."""

    asked: tuple[Any, ...] = ()

    async def fetchrow(self, *asked: Any) -> dict[str, Any]:
        self.asked = asked
        return {"items": b"[]", "rows": 0}


def _nodes(node: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield node
    for below in node.get("Plans", ()):
        yield from _nodes(below)


async def scan_of(
    connection: Connection,
    sort: Sort,
    lowest: int | None,
    highest: int | None,
    *,
    after: tuple[int, UUID] | None = None,
) -> dict[str, Any]:
    """How a page finds its places."""
    filters = ProductFilters(
        category_id=CATEGORY, currency="EUR", min_price_minor=lowest, max_price_minor=highest
    )
    heard = Heard()
    await list_cards(cast("Connection", heard), filters=filters, sort=sort, after=after, limit=24)
    statement, *arguments = heard.asked
    await connection.execute("SET LOCAL enable_seqscan = off; SET LOCAL enable_bitmapscan = off")
    await connection.execute("SET LOCAL plan_cache_mode = force_generic_plan")
    told = await connection.fetchval(
        f"EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) {statement}", *arguments
    )
    [root] = json.loads(told) if isinstance(told, str) else told
    [scan] = [
        node for node in _nodes(root["Plan"]) if node.get("Relation Name") == "category_place"
    ]
    return scan


def pages_of(scan: dict[str, Any]) -> int:
    """How many pages of its index were read."""
    read: int = scan["Shared Hit Blocks"] + scan["Shared Read Blocks"] - scan["Heap Fetches"]
    return read


@pytest.mark.parametrize("sort", NARROWED)
async def test_what_is_narrowed_by_stands_in_the_index(connection: Connection, sort: Sort) -> None:
    """Else a page of a narrow range reads a page of the table for each place it passes over."""
    scan = await scan_of(connection, sort, 100, 200)
    assert scan["Node Type"] == "Index Only Scan"


@pytest.mark.parametrize(
    ("sort", "lowest", "highest"), [("price", PLACES - 9, None), ("-price", None, 10)]
)
async def test_prices_are_entered_where_they_begin(
    connection: Connection, sort: Sort, lowest: int | None, highest: int | None
) -> None:
    """Else a page reads all of the category that is too cheap, or too dear, entry by entry."""
    await connection.execute(FILL, CATEGORY, PLACES)
    scan = await scan_of(connection, sort, lowest, highest)
    assert scan["Actual Rows"] == 10
    assert pages_of(scan) <= FEW


@pytest.mark.parametrize(("sort", "place"), [("price", PLACES - 9), ("-price", 11)])
async def test_a_later_page_is_entered_where_the_last_one_ended(
    connection: Connection, sort: Sort, place: int
) -> None:
    """Else the last page of a category reads all pages before it."""
    await connection.execute(FILL, CATEGORY, PLACES)
    scan = await scan_of(connection, sort, 1, PLACES, after=(place, UUID(int=place)))
    assert scan["Actual Rows"] == 10
    assert pages_of(scan) <= FEW
