"""Reviews: who may write one, written with the ratings they move, and listed."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

from gosellr.core.db import Connection
from gosellr.models.review_values import Review
from gosellr.utils.lazy_dataclasses import dataclass

# A buyer of a product meets a handful of its lines; the newest delivery comes first.
LINES_OF_BUYER = """
SELECT line.id, line.seller_id, arrived.at AS delivered_at,
       EXISTS (SELECT 1 FROM review WHERE review.order_line_id = line.id) AS reviewed,
       COALESCE(author.name, orders.shipping_address ->> 'name') AS name
FROM order_line AS line
JOIN orders ON orders.id = line.order_id
LEFT JOIN user_account AS author ON author.id = orders.user_id
CROSS JOIN LATERAL (
    SELECT max(parcel.delivered_at) AS at
    FROM shipment_item AS item JOIN shipment AS parcel ON parcel.id = item.shipment_id
    WHERE item.order_line_id = line.id
) AS arrived
WHERE line.product_id = $1
  AND (orders.user_id = $2 OR orders.token_hash = $3)
  AND ($4::uuid IS NULL OR line.id = $4)
ORDER BY arrived.at DESC NULLS LAST, line.id
LIMIT 100
"""

PRODUCT = """
SELECT product.seller_id, product.rating_sum, product.rating_count,
       product.status = 'active' AND seller.status = 'active' AS is_public
FROM product JOIN seller ON seller.id = product.seller_id
WHERE product.id = $1
"""

# The line's own unique row decides between two who write at once; ratings follow only the one.
INSERT = """
WITH written AS (
    INSERT INTO review (id, product_id, seller_id, order_line_id, user_id, author_name, rating,
                        title, body, created_at)
    SELECT id, product_id, seller_id, order_line_id, user_id, author_name, rating, title, body,
           created_at
    FROM jsonb_populate_record(NULL::review, $1)
    ON CONFLICT (order_line_id) DO NOTHING
    RETURNING product_id, seller_id, rating
), of_product AS (
    UPDATE product
    SET rating_sum = rating_sum + written.rating, rating_count = rating_count + 1
    FROM written WHERE product.id = written.product_id
), of_seller AS (
    UPDATE seller
    SET rating_sum = seller.rating_sum + written.rating, rating_count = seller.rating_count + 1
    FROM written WHERE seller.id = written.seller_id
)
SELECT count(*) FROM written
"""

PAGE = """
SELECT id, rating, title, body, author_name, created_at
FROM review
WHERE product_id = $1
  AND ($2::timestamptz IS NULL OR (created_at, id) < ($2, $3::uuid))
ORDER BY created_at DESC, id DESC
LIMIT $4
"""


@dataclass(frozen=True, slots=True)
class BoughtLine:
    """A line of a product in an order of the person who asks. `name` is that person's."""

    id: UUID
    seller_id: UUID
    delivered_at: datetime | None
    reviewed: bool
    name: str | None


@dataclass(frozen=True, slots=True)
class ReviewedProduct:
    """Whose product it is, how it is rated, and whether everybody may see it."""

    seller_id: UUID
    rating_sum: int
    rating_count: int
    is_public: bool


async def lines_of_buyer(
    connection: Connection,
    *,
    user_id: UUID | None,
    order_token_hash: bytes | None,
    product_id: UUID,
    order_line_id: UUID | None,
) -> list[BoughtLine]:
    """The lines of a product that this person bought, the latest delivery first."""
    rows = await connection.fetch(
        LINES_OF_BUYER, product_id, user_id, order_token_hash, order_line_id
    )
    return [BoughtLine(*row) for row in rows]


async def product(connection: Connection, *, product_id: UUID) -> ReviewedProduct | None:
    """The product that reviews are about."""
    row = await connection.fetchrow(PRODUCT, product_id)
    return None if row is None else ReviewedProduct(*row)


async def insert(connection: Connection, *, review: Mapping[str, Any]) -> bool:
    """Write a review and move the ratings by it; False when its line has one already."""
    return bool(await connection.fetchval(INSERT, review))


async def page(
    connection: Connection,
    *,
    product_id: UUID,
    after: tuple[datetime, UUID] | None,
    limit: int,
) -> list[Review]:
    """One page of a product's reviews, newest first, behind `after`."""
    at, review_id = after or (None, None)
    return [Review(*row) for row in await connection.fetch(PAGE, product_id, at, review_id, limit)]
