"""What was sold, read for invoices: of all that an order holds, what stands on one."""

from collections.abc import Sequence
from uuid import UUID

from gosellr.core.db import Connection, Record
from gosellr.models.sold_values import SoldLine, SoldPart

# The columns in the order of `SoldPart` and `SoldLine`: made into JSON under their names, whole
# rows cost nine times as much here and four times as much where they are read.
SOLD = """
SELECT placed.id, placed.number, placed.currency::text, placed.tax_included,
       placed.shipping_address, placed.billing_address, placed.capture_at, placed.placed_at,
       placed.paid_at, part.id, part.seller_id, part.index, part.total_minor,
       part.shipping_option, part.shipping_seller_discount_minor,
       part.shipping_marketplace_discount_minor, part.shipping_goods_minor,
       part.shipping_tax_rate_bps, part.shipping_tax_remitted_to, part.shipping_tax_minor,
       part.captured_at,
       ARRAY(SELECT payment.status FROM payment
             WHERE payment.order_id = placed.id AND payment.seller_order_id = part.id),
       (SELECT json_agg(json_build_array(
            line.sku, line.title, line.options, line.quantity, line.unit_price_minor,
            line.seller_discount_minor, line.marketplace_discount_minor, line.goods_minor,
            line.tax_rate_bps, line.tax_remitted_to, line.tax_minor) ORDER BY line.position)
        FROM order_line AS line WHERE line.seller_order_id = part.id)
FROM orders AS placed JOIN seller_order AS part ON part.order_id = placed.id
WHERE placed.id = ANY($1::uuid[])
ORDER BY placed.id, part.index
"""


async def of_orders(connection: Connection, *, order_ids: Sequence[UUID]) -> list[SoldPart]:
    """The parts of orders, by order and index; orders that don't exist are left out."""
    return [_part(row) for row in await connection.fetch(SOLD, list(order_ids))]


def _part(row: Record) -> SoldPart:
    *told, collected, lines = row
    values = [*told, tuple(collected), tuple(SoldLine(*line) for line in lines or ())]
    return SoldPart(*values)
