"""Stock that lies in several buckets, and how to look at it."""

from dataclasses import dataclass
from uuid import UUID

from gosellr.core.db import Connection
from gosellr.core.transact import ask, transact
from gosellr.resources import Resources
from gosellr.services import inventory_service
from tests.factories.sales import Shop

_BUCKETS = """
SELECT level.bucket, level.on_hand, level.reserved,
       (SELECT COALESCE(sum(delta), 0)::bigint FROM stock_movement AS movement
        WHERE movement.variant_id = level.variant_id
          AND movement.location_id = level.location_id AND movement.bucket = level.bucket)
           AS journal,
       (SELECT COALESCE(sum(quantity - shipped_quantity - released_quantity), 0)::bigint
        FROM stock_reservation AS hold
        WHERE hold.variant_id = level.variant_id
          AND hold.location_id = level.location_id AND hold.bucket = level.bucket) AS held
FROM stock_level AS level WHERE level.variant_id = $1
ORDER BY level.location_id, level.bucket
"""


@dataclass(frozen=True, slots=True)
class Bucket:
    """One row of stock."""

    number: int
    on_hand: int
    reserved: int

    @property
    def free(self) -> int:
        """What can be sold of it."""
        return self.on_hand - self.reserved


async def find_buckets(connection: Connection, variant_id: UUID) -> list[Bucket]:
    """The rows of a variant's stock. Each is what its journal and its holds make of it."""
    rows = await connection.fetch(_BUCKETS, variant_id)
    assert [(row["journal"], row["held"]) for row in rows] == [
        (row["on_hand"], row["reserved"]) for row in rows
    ]
    return [Bucket(row["bucket"], row["on_hand"], row["reserved"]) for row in rows]


async def buckets(resources: Resources, shop: Shop) -> list[Bucket]:
    """The rows of the stock of a shop's product."""
    return await ask(resources.db, find_buckets, shop.product.variant_id)


async def spread(resources: Resources, shop: Shop) -> list[Bucket]:
    """Spread the stock of a shop's product, as when many buy it at once."""
    await transact(
        resources.db,
        inventory_service.spread_stock,
        variant_id=shop.product.variant_id,
        now=resources.clock.now(),
    )
    return await buckets(resources, shop)
