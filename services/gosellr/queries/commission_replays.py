"""Sales of a period as they were frozen, for whoever asks what other rules would have earned."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import datetime
from uuid import UUID

from gosellr.core.db import Connection, Record
from gosellr.utils.commission_replay import Earned, Returned, SoldLine, SoldParcel, SoldPart
from gosellr.utils.lazy_dataclasses import dataclass
from gosellr.utils.refunds import SHIPPING_KEY

COUNT = """
SELECT count(*) FROM (
    SELECT FROM orders WHERE placed_at >= $1 AND placed_at < $2 AND paid_at IS NOT NULL LIMIT $3
) AS counted
"""

ORDERS = """
SELECT id, placed_at, tax_included FROM orders
WHERE placed_at >= $1 AND placed_at < $2 AND paid_at IS NOT NULL
  AND (placed_at, id) > ($3, $4::uuid)
ORDER BY placed_at, id LIMIT $5
"""

# A part that was cancelled before its money came, or refused at the door, was never sold, whatever
# the others of its order were.
PARCELS = """
SELECT part.id, part.order_id, part.seller_id, part.currency, part.shipping_goods_minor,
       part.shipping_tax_minor, part.shipping_marketplace_discount_minor,
       part.shipping_commission_minor, part.shipping_commission_vat_minor
FROM seller_order AS part JOIN orders ON orders.id = part.order_id
WHERE part.order_id = ANY($1::uuid[])
  AND COALESCE((SELECT bool_and(collected.status <> 'voided') FROM payment AS collected
                WHERE collected.seller_order_id = part.id),
               orders.capture_at <> 'at_shipment' OR part.captured_at IS NOT NULL)
ORDER BY part.order_id, part.index LIMIT $2
"""

# A category's ancestors are those of today: a line keeps its category, not the way to it. A rule
# was chosen by what was ordered, before anything was called off; goods only become less by that.
LINES = """
SELECT line.id, line.seller_order_id, line.product_id, line.quantity, line.goods_minor,
       line.tax_minor, line.marketplace_discount_minor, line.commission_minor,
       line.commission_vat_minor,
       COALESCE((line.commission ->> 'fixed_minor')::bigint, 0) AS fixed_minor,
       CASE WHEN line.called_off_quantity = 0 THEN line.goods_minor ELSE (
           SELECT max((taken.before ->> 'goods_minor')::bigint)
           FROM order_reduction AS taken WHERE taken.order_line_id = line.id
       ) END AS ordered_minor,
       COALESCE(category.ancestor_ids, '{}') AS category_ids
FROM order_line AS line LEFT JOIN category ON category.id = line.category_id
WHERE line.order_id = ANY($1::uuid[]) ORDER BY line.seller_order_id, line.position LIMIT $2
"""

RETURNS = """
SELECT refund.seller_order_id, share.order_line_id, share.quantity, share.amount_minor,
       share.marketplace_discount_minor, share.commission_reversed_minor,
       share.commission_vat_reversed_minor
FROM refund JOIN refund_line AS share ON share.refund_id = refund.id
WHERE refund.order_id = ANY($1::uuid[]) AND refund.status <> 'failed'
ORDER BY refund.created_at, refund.id LIMIT $2
"""

# What a bank gave back of lost chargebacks is earned again, whatever its refunds say, unless
# another one took it.
REINSTATED = """
SELECT entry.seller_order_id, entry.order_line_id,
       COALESCE(sum(moved.minor) FILTER (WHERE entry.account = 'commission'), 0)::bigint
           AS commission_minor,
       COALESCE(sum(moved.minor) FILTER (WHERE entry.account ~ '^tax_payable:[^A-Z]'), 0)::bigint
           AS vat_minor
FROM ledger_transaction AS head JOIN ledger_entry AS entry ON entry.transaction_id = head.id,
     LATERAL (SELECT CASE entry.direction WHEN 'credit' THEN entry.amount_minor
                          ELSE -entry.amount_minor END AS minor) AS moved
WHERE head.order_id = ANY($1::uuid[])
  AND head.kind IN ('chargeback_reinstated', 'chargeback_lost_again')
  AND entry.seller_order_id IS NOT NULL
GROUP BY 1, 2 LIMIT $2
"""

# An order has at most some hundred lines, and a batch a thousand orders.
_ROWS_MAX = 1_000_000


@dataclass(frozen=True, slots=True)
class PlacedOrder:
    """A paid order, and what of it its parcels share."""

    id: UUID
    placed_at: datetime
    tax_included: bool


async def count_orders(
    connection: Connection, *, since: datetime, until: datetime, limit: int
) -> int:
    """How many paid orders were placed in a period, up to a limit."""
    count: int = await connection.fetchval(COUNT, since, until, limit)
    return count


async def orders_after(
    connection: Connection,
    *,
    since: datetime,
    until: datetime,
    after: tuple[datetime, UUID],
    limit: int,
) -> list[PlacedOrder]:
    """The next paid orders of a period in the order in which they were placed."""
    rows = await connection.fetch(ORDERS, since, until, *after, limit)
    return [PlacedOrder(*row) for row in rows]


async def parcels_of(connection: Connection, *, orders: Sequence[PlacedOrder]) -> list[SoldParcel]:
    """What was sold in these orders, with its refunds but those that failed."""
    ids = [order.id for order in orders]
    returns = await _returns_of(connection, ids)
    again = {
        (row["seller_order_id"], row["order_line_id"]): Earned(
            commission_minor=row["commission_minor"], vat_minor=row["vat_minor"]
        )
        for row in await connection.fetch(REINSTATED, ids, _ROWS_MAX)
    }
    lines: defaultdict[UUID, list[SoldLine]] = defaultdict(list)
    for row in await connection.fetch(LINES, ids, _ROWS_MAX):
        lines[row["seller_order_id"]].append(_line(row, returns, again))
    known = {order.id: order for order in orders}
    return [
        SoldParcel(
            seller_id=row["seller_id"],
            currency=row["currency"],
            tax_included=known[row["order_id"]].tax_included,
            placed_at=known[row["order_id"]].placed_at,
            lines=tuple(lines[row["id"]]),
            shipping=SoldPart(
                key=SHIPPING_KEY,
                quantity=1,
                goods_minor=row["shipping_goods_minor"],
                tax_minor=row["shipping_tax_minor"],
                promotion_minor=row["shipping_marketplace_discount_minor"],
                booked=Earned(
                    commission_minor=row["shipping_commission_minor"],
                    vat_minor=row["shipping_commission_vat_minor"],
                ),
                returns=tuple(returns.get((row["id"], None), ())),
                reinstated=again.get((row["id"], None), Earned()),
            ),
        )
        for row in await connection.fetch(PARCELS, ids, _ROWS_MAX)
    ]


_Returns = dict[tuple[UUID, UUID | None], list[Returned]]


async def _returns_of(connection: Connection, order_ids: Sequence[UUID]) -> _Returns:
    """What went back, by seller order and line, None for the delivery."""
    found: _Returns = {}
    for row in await connection.fetch(RETURNS, list(order_ids), _ROWS_MAX):
        found.setdefault((row["seller_order_id"], row["order_line_id"]), []).append(
            Returned(
                quantity=row["quantity"],
                buyer_minor=row["amount_minor"],
                promotion_minor=row["marketplace_discount_minor"],
                commission_reversed=Earned(
                    commission_minor=row["commission_reversed_minor"],
                    vat_minor=row["commission_vat_reversed_minor"],
                ),
            )
        )
    return found


def _line(
    row: Record, returns: _Returns, again: Mapping[tuple[UUID, UUID | None], Earned]
) -> SoldLine:
    return SoldLine(
        part=SoldPart(
            key=row["id"],
            quantity=row["quantity"],
            goods_minor=row["goods_minor"],
            tax_minor=row["tax_minor"],
            promotion_minor=row["marketplace_discount_minor"],
            booked=Earned(
                commission_minor=row["commission_minor"], vat_minor=row["commission_vat_minor"]
            ),
            fixed_minor=row["fixed_minor"],
            returns=tuple(returns.get((row["seller_order_id"], row["id"]), ())),
            reinstated=again.get((row["seller_order_id"], row["id"]), Earned()),
        ),
        product_id=row["product_id"],
        ordered_minor=row["ordered_minor"],
        category_ids=frozenset(row["category_ids"]),
    )
