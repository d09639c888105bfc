"""Orders: placed by one statement, read by one statement, changed under the order's own lock."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from gosellr.core.db import Connection
from gosellr.core.rows import from_row
from gosellr.models.events import Fact
from gosellr.models.order_values import (
    Order,
    OrderEvent,
    OrderLine,
    Refund,
    SellerOrder,
    Shipment,
)
from gosellr.queries import outbox
from gosellr.queries.payments import ATTEMPT, attempt
from gosellr.utils.viewer import Viewer

_ORDER_COLUMNS = """
id, user_id, token_hash, cart_id, email, currency, tax_included, subtotal_minor, discount_minor,
shipping_minor, tax_minor, total_minor, shipping_address, billing_address, coupon_codes,
reference, ip_address, placed_at, expires_at, event_count
"""
_PART_COLUMNS = """
id, order_id, seller_id, index, currency, subtotal_minor, discount_minor, shipping_minor,
tax_minor, total_minor, shipping_option, shipping_seller_discount_minor,
shipping_marketplace_discount_minor, shipping_goods_minor, shipping_tax_rate_bps,
shipping_tax_remitted_to, shipping_tax_minor, shipping_total_minor, shipping_commission,
shipping_commission_minor, shipping_commission_vat_minor, commission_minor, commission_vat_minor,
net_minor
"""
_LINE_COLUMNS = """
id, order_id, seller_order_id, seller_id, variant_id, product_id, position, sku, title, options,
picture, category_id, quantity, unit_price_minor, gross_minor, seller_discount_minor,
marketplace_discount_minor, goods_minor, tax_class, tax_rate_bps, tax_remitted_to, tax_minor,
total_minor, weight_grams, commission, commission_minor, commission_vat_minor
"""
_PAYMENT_COLUMNS = """
id, order_id, method, part, tender, amount_minor, currency, token, created_at, updated_at,
check_at
"""

# The CTEs that write new orders with all that belongs to them, for a statement that does nothing
# else and for one that places them.
PLACING = f"""
placed AS (
    INSERT INTO orders (number, {_ORDER_COLUMNS})
    SELECT nextval('order_number'), {_ORDER_COLUMNS}
    FROM jsonb_populate_recordset(NULL::orders, {{orders}}) WHERE {{condition}}
    RETURNING id, number
), parts AS (
    INSERT INTO seller_order ({_PART_COLUMNS})
    SELECT {_PART_COLUMNS} FROM jsonb_populate_recordset(NULL::seller_order, {{parts}})
    WHERE {{condition}}
), lines AS (
    INSERT INTO order_line ({_LINE_COLUMNS})
    SELECT {_LINE_COLUMNS} FROM jsonb_populate_recordset(NULL::order_line, {{lines}})
    WHERE {{condition}}
), attempts AS (
    INSERT INTO payment ({_PAYMENT_COLUMNS})
    SELECT {_PAYMENT_COLUMNS} FROM jsonb_populate_recordset(NULL::payment, {{payments}})
    WHERE {{condition}}
), history AS (
    INSERT INTO order_event (order_id, sequence, seller_order_id, kind, from_status, to_status,
                             actor, actor_id, data, at)
    SELECT order_id, sequence, seller_order_id, kind, from_status, to_status, actor, actor_id,
           data, at
    FROM jsonb_populate_recordset(NULL::order_event, {{events}})
    WHERE {{condition}}
), facts AS (
    INSERT INTO outbox_event (id, type, aggregate_type, aggregate_id, data, occurred_at)
    SELECT id, type, aggregate_type, aggregate_id, data, occurred_at
    FROM unnest({{facts}}) AS fact (id, type, aggregate_type, aggregate_id, data, occurred_at)
    WHERE {{condition}}
)
"""

INSERT_ORDER = f"""
WITH {
    PLACING.format(
        orders="$1",
        parts="$2",
        lines="$3",
        payments="$4",
        events="$5",
        facts="$6::uuid[], $7::text[], $8::text[], $9::uuid[], $10::jsonb[], $11::timestamptz[]",
        condition="true",
    )
}
SELECT number FROM placed
"""

INSERT_PAYMENTS = f"""
INSERT INTO payment ({_PAYMENT_COLUMNS})
SELECT {_PAYMENT_COLUMNS} FROM jsonb_populate_recordset(NULL::payment, $1)
"""

# Who asks is hidden from the planner: seeing it, it would make another plan for each who asks, and
# that costs more than the answer.
_GRAPH = f"""
WITH asking AS MATERIALIZED (
    SELECT $1::boolean AS everything, $2::uuid AS user_id, $3::bytea AS token_hash,
           $4::uuid[] AS seller_ids
)
SELECT json_build_object(
  'order', to_jsonb(o) - 'token_hash' - 'ip_address',
  'whole', w.whole,
  'parts', (
    SELECT json_agg(json_build_object(
        'part', to_jsonb(part) || jsonb_build_object(
            'seller_name', seller.name, 'seller_slug', seller.slug,
            'charged_back', o.open_dispute_count > 0 AND EXISTS (
                SELECT FROM dispute
                WHERE dispute.order_id = o.id AND dispute.seller_order_id = part.id
                  AND dispute.kind = 'chargeback' AND dispute.status <> 'closed')),
        'lines', (SELECT json_agg(to_jsonb(line) ORDER BY line.position)
                  FROM order_line AS line WHERE line.seller_order_id = part.id),
        'shipments', (
            SELECT json_agg(to_jsonb(parcel) || jsonb_build_object('items', (
                SELECT jsonb_agg(jsonb_build_object(
                    'order_item_id', item.order_line_id, 'quantity', item.quantity)
                    ORDER BY item.order_line_id)
                FROM shipment_item AS item WHERE item.shipment_id = parcel.id))
                ORDER BY parcel.created_at, parcel.id)
            FROM shipment AS parcel WHERE parcel.seller_order_id = part.id)
      ) ORDER BY part.index)
    FROM seller_order AS part JOIN seller ON seller.id = part.seller_id
    WHERE part.order_id = o.id AND (w.whole OR part.seller_id = ANY(w.seller_ids))),
  'payments', (
    SELECT json_agg({ATTEMPT} ORDER BY payment.created_at, payment.part, payment.id)
    FROM payment WHERE payment.order_id = o.id AND w.whole),
  'events', (
    SELECT json_agg(to_jsonb(event) ORDER BY event.sequence)
    FROM order_event AS event
    WHERE event.order_id = o.id
      AND (w.whole OR event.seller_order_id IN (
        SELECT own.id FROM seller_order AS own
        WHERE own.order_id = o.id AND own.seller_id = ANY(w.seller_ids)))),
  'refunds', (
    SELECT json_agg(to_jsonb(refund) || jsonb_build_object('lines', (
        SELECT jsonb_agg(to_jsonb(share) ORDER BY share.order_line_id)
        FROM refund_line AS share WHERE share.refund_id = refund.id))
        ORDER BY refund.created_at, refund.id)
    FROM refund
    WHERE refund.order_id = o.id AND (w.whole OR refund.seller_id = ANY(w.seller_ids)))
)
FROM orders AS o
CROSS JOIN LATERAL (
    SELECT seller_ids, everything OR COALESCE(o.user_id = asking.user_id, false)
           OR COALESCE(o.token_hash = asking.token_hash, false) AS whole
    FROM asking
) AS w
"""

GRAPH_BY_ID = f"""{_GRAPH}
WHERE o.id = $5 AND (w.whole OR EXISTS (
    SELECT 1 FROM seller_order AS mine
    WHERE mine.order_id = o.id AND mine.seller_id = ANY(w.seller_ids)))
"""

GRAPH_BY_NUMBER = f"""{_GRAPH}
WHERE o.number = $5 AND (w.whole OR EXISTS (
    SELECT 1 FROM seller_order AS mine
    WHERE mine.order_id = o.id AND mine.seller_id = ANY(w.seller_ids)))
"""

FIND_OF_CART = """
SELECT id FROM orders WHERE cart_id = $1 AND status <> 'cancelled'
"""

APPEND_EVENTS = """
WITH counted AS (
    UPDATE orders SET event_count = event_count + $2, version = version + 1
    WHERE id = $1 RETURNING event_count - $2 AS before
)
INSERT INTO order_event (order_id, sequence, seller_order_id, kind, from_status, to_status,
                         actor, actor_id, data, at)
SELECT $1, counted.before + row.position, row.seller_order_id, row.kind, row.from_status,
       row.to_status, row.actor, row.actor_id, row.data, $8
FROM counted, ROWS FROM (
    unnest($3::uuid[]), unnest($4::text[]), unnest($5::text[]), unnest($6::text[]),
    unnest($7::text[]), unnest($9::uuid[]), unnest($10::jsonb[])
) WITH ORDINALITY AS row (seller_order_id, kind, from_status, to_status, actor, actor_id, data,
                          position)
"""


def _part(row: Mapping[str, Any]) -> SellerOrder:
    return from_row(
        SellerOrder,
        row["part"],
        lines=tuple(from_row(OrderLine, line) for line in row["lines"]),
        shipments=tuple(
            from_row(Shipment, {**parcel, "items": parcel["items"] or []})
            for parcel in row["shipments"] or ()
        ),
    )


def _order(graph: Mapping[str, Any]) -> Order:
    return from_row(
        Order,
        graph["order"],
        whole=graph["whole"],
        parts=tuple(_part(part) for part in graph["parts"] or ()),
        payments=tuple(attempt(payment) for payment in graph["payments"] or ()),
        events=tuple(from_row(OrderEvent, event) for event in graph["events"] or ()),
        refunds=tuple(
            from_row(Refund, {**refund, "lines": refund["lines"] or []})
            for refund in graph["refunds"] or ()
        ),
    )


async def _find(
    connection: Connection, statement: str, viewer: Viewer, key: UUID | int
) -> Order | None:
    graph = await connection.fetchval(
        statement,
        viewer.sees_everything,
        viewer.user_id,
        viewer.order_token_hash,
        viewer.seller_ids,
        key,
    )
    return None if graph is None else _order(graph)


async def find(connection: Connection, *, viewer: Viewer, order_id: UUID) -> Order | None:
    """The order as far as the viewer may see it; None where that is nothing."""
    return await _find(connection, GRAPH_BY_ID, viewer, order_id)


async def find_by_number(connection: Connection, *, viewer: Viewer, number: int) -> Order | None:
    """The order with this number, as far as the viewer may see it."""
    return await _find(connection, GRAPH_BY_NUMBER, viewer, number)


async def load(connection: Connection, *, order_id: UUID) -> Order | None:
    """The whole order, for the system's own work."""
    graph = await connection.fetchval(GRAPH_BY_ID, True, None, None, [], order_id)
    return None if graph is None else _order(graph)


async def find_of_cart(connection: Connection, *, cart_id: UUID) -> UUID | None:
    """The live order that was made of a cart."""
    order_id: UUID | None = await connection.fetchval(FIND_OF_CART, cart_id)
    return order_id


async def insert(
    connection: Connection,
    *,
    order: Mapping[str, Any],
    parts: Sequence[Mapping[str, Any]],
    lines: Sequence[Mapping[str, Any]],
    payments: Sequence[Mapping[str, Any]],
    events: Sequence[Mapping[str, Any]],
    facts: Sequence[Fact],
    now: datetime,
) -> int:
    """Write a new order with all that belongs to it; gives its number."""
    number: int = await connection.fetchval(
        INSERT_ORDER,
        [order],
        parts,
        lines,
        payments,
        events,
        *outbox.columns_of(facts),
        [now] * len(facts),
    )
    return number


async def insert_payments(connection: Connection, *, payments: Sequence[Mapping[str, Any]]) -> None:
    """Add attempts to an order that exists."""
    await connection.execute(INSERT_PAYMENTS, payments)


async def append_events(
    connection: Connection,
    *,
    order_id: UUID,
    events: Sequence[Mapping[str, Any]],
    now: datetime,
) -> None:
    """Go on with the history of an order whose row is locked; sequences stay gapless."""
    if events:
        await connection.execute(
            APPEND_EVENTS,
            order_id,
            len(events),
            [event.get("seller_order_id") for event in events],
            [event["kind"] for event in events],
            [event.get("from_status") for event in events],
            [event.get("to_status") for event in events],
            [event["actor"] for event in events],
            now,
            [event.get("actor_id") for event in events],
            [event.get("data", {}) for event in events],
        )
