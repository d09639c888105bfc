"""Lists of orders: one statement a page, scoped to whoever looks, keyset by time and id."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from gosellr.core.db import Connection
from gosellr.models.order_values import ListedOrder

# A seller sees its own parts only, with their totals; a buyer and an operator the whole.
PAGE = """
SELECT o.id, o.number, o.status, o.payment_status, o.email, o.currency, o.subtotal_minor,
       o.discount_minor, o.shipping_minor, o.tax_minor, o.total_minor, o.refunded_minor,
       o.tax_included, o.placed_at, o.reference, o.version,
       COALESCE((SELECT jsonb_agg(jsonb_build_object(
            'id', part.id, 'index', part.index, 'status', part.status,
            'seller', jsonb_build_object('id', seller.id, 'name', seller.name,
                                         'slug', seller.slug),
            'subtotal_minor', part.subtotal_minor, 'discount_minor', part.discount_minor,
            'shipping_minor', part.shipping_minor, 'tax_minor', part.tax_minor,
            'total_minor', part.total_minor, 'refunded_minor', part.refunded_minor,
            'net_minor', part.net_minor, 'item_count', items.count,
            'pictures', items.pictures) ORDER BY part.index)
        FROM seller_order AS part
        JOIN seller ON seller.id = part.seller_id
        CROSS JOIN LATERAL (
            SELECT sum(line.quantity) AS count,
                   (array_agg(jsonb_build_object('path', line.picture,
                                                 'product_id', line.product_id)
                              ORDER BY line.id) FILTER (WHERE line.picture IS NOT NULL))[:3]
                       AS pictures
            FROM order_line AS line WHERE line.seller_order_id = part.id) AS items
        WHERE part.order_id = o.id AND ($1 <> 'seller' OR part.seller_id = ANY($3::uuid[]))
       ), '[]') AS parts
FROM orders AS o
WHERE CASE $1
        WHEN 'operator' THEN true
        WHEN 'seller' THEN EXISTS (
            SELECT 1 FROM seller_order AS mine
            WHERE mine.order_id = o.id AND mine.seller_id = ANY($3::uuid[])
              AND ($4::text IS NULL OR mine.status = $4))
        ELSE o.user_id = $2
      END
  AND ($4::text IS NULL OR $1 = 'seller' OR o.status = $4)
  AND ($5::uuid IS NULL OR EXISTS (
        SELECT 1 FROM seller_order AS wanted
        WHERE wanted.order_id = o.id AND wanted.seller_id = $5
          -- A seller never learns who else sold in its buyers' orders.
          AND ($1 <> 'seller' OR wanted.seller_id = ANY($3::uuid[]))))
  AND ($7::text IS NULL
       OR o.number = $6 OR ($1 <> 'seller' AND lower(o.email) = lower($7)) OR o.reference = $7)
  AND ($8::timestamptz IS NULL OR o.placed_at >= $8)
  AND ($9::timestamptz IS NULL OR o.placed_at < $9)
  AND ($10::timestamptz IS NULL OR (o.placed_at, o.id) < ($10, $11::uuid))
ORDER BY o.placed_at DESC, o.id DESC
LIMIT $12
"""


async def page(
    connection: Connection,
    *,
    capacity: str,
    user_id: UUID | None,
    seller_ids: Sequence[UUID],
    status: str | None,
    seller_id: UUID | None,
    number: int | None,
    text: str | None,
    placed_from: datetime | None,
    placed_to: datetime | None,
    after: tuple[datetime, UUID] | None,
    limit: int,
) -> list[ListedOrder]:
    """One page of orders, newest first, behind `after`."""
    rows = await connection.fetch(
        PAGE,
        capacity,
        user_id,
        list(seller_ids),
        status,
        seller_id,
        number,
        text,
        placed_from,
        placed_to,
        None if after is None else after[0],
        None if after is None else after[1],
        limit,
    )
    return [ListedOrder(*row) for row in rows]
