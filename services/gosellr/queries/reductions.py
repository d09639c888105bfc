"""Units called off before their money was taken: line, part and order become smaller."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from gosellr.core.db import Connection
from gosellr.utils.lazy_dataclasses import dataclass

# The holds of the units have ended, by which they count as withdrawn; now they were never ordered.
REDUCE = """
WITH change AS (
    SELECT * FROM jsonb_to_recordset($3) AS line (
        id uuid, called_off int, quantity int, gross_minor bigint, seller_discount_minor bigint,
        marketplace_discount_minor bigint, goods_minor bigint, tax_minor bigint,
        total_minor bigint, commission jsonb, commission_minor bigint,
        commission_vat_minor bigint)
), lines AS (
    UPDATE order_line AS line
    SET quantity = change.quantity,
        withdrawn_quantity = line.withdrawn_quantity - change.called_off,
        called_off_quantity = line.called_off_quantity + change.called_off,
        gross_minor = change.gross_minor,
        seller_discount_minor = change.seller_discount_minor,
        marketplace_discount_minor = change.marketplace_discount_minor,
        goods_minor = change.goods_minor, tax_minor = change.tax_minor,
        total_minor = change.total_minor, commission = change.commission,
        commission_minor = change.commission_minor,
        commission_vat_minor = change.commission_vat_minor
    FROM change
    WHERE line.id = change.id AND line.seller_order_id = $2
      AND line.quantity = change.quantity + change.called_off AND line.refunded_quantity = 0
    RETURNING line.id
), part AS (
    UPDATE seller_order
    SET subtotal_minor = subtotal_minor - $4, discount_minor = discount_minor - $5,
        tax_minor = tax_minor - $6, total_minor = total_minor - $7,
        commission_minor = commission_minor - $8,
        commission_vat_minor = commission_vat_minor - $9, net_minor = net_minor - $10,
        version = version + 1
    WHERE id = $2 AND order_id = $1 AND captured_at IS NULL AND refunded_minor = 0
      AND pending_minor = 0
    RETURNING id
), whole AS (
    UPDATE orders
    SET subtotal_minor = subtotal_minor - $4, discount_minor = discount_minor - $5,
        tax_minor = tax_minor - $6, total_minor = total_minor - $7, version = version + 1
    WHERE id = $1 AND paid_at IS NULL
    RETURNING id
), asked AS (
    UPDATE payment
    SET amount_minor = amount_minor - $7, action_url = COALESCE($12, action_url), updated_at = $13
    WHERE id = $11 AND order_id = $1 AND captured_minor = 0
      AND status IN ('action_required', 'authorized')
    RETURNING id
)
SELECT (SELECT count(*) FROM lines), (SELECT count(*) FROM part), (SELECT count(*) FROM whole),
       (SELECT count(*) FROM asked)
"""

INSERT = """
INSERT INTO order_reduction (id, reduction_id, order_id, seller_order_id, seller_id,
                             order_line_id, quantity, amount_minor, before, reason, actor,
                             requested_by, created_at)
SELECT id, reduction_id, order_id, seller_order_id, seller_id, order_line_id, quantity,
       amount_minor, before, reason, actor, requested_by, created_at
FROM jsonb_populate_recordset(NULL::order_reduction, $1)
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """By how much the figures of a part, and so of its order, fall."""

    gross_minor: int
    discount_minor: int
    tax_minor: int
    total_minor: int
    commission_minor: int
    commission_vat_minor: int
    net_minor: int


async def reduce(
    connection: Connection,
    *,
    order_id: UUID,
    seller_order_id: UUID,
    lines: Sequence[Mapping[str, Any]],
    by: Difference,
    payment_id: UUID | None,
    action_url: str | None,
    now: datetime,
) -> bool:
    """Write lines as they are without some units, of a part whose money wasn't taken.

    `payment_id` names an attempt that asks for so much less, where one has to. False where
    something isn't as it was read; the transaction must end with that.
    """
    row = await connection.fetchrow(
        REDUCE,
        order_id,
        seller_order_id,
        lines,
        by.gross_minor,
        by.discount_minor,
        by.tax_minor,
        by.total_minor,
        by.commission_minor,
        by.commission_vat_minor,
        by.net_minor,
        payment_id,
        action_url,
        now,
    )
    return row is not None and tuple(row) == (len(lines), 1, 1, int(payment_id is not None))


async def insert(connection: Connection, *, rows: Sequence[Mapping[str, Any]]) -> None:
    """Write down what was called off, line by line."""
    await connection.execute(INSERT, rows)
