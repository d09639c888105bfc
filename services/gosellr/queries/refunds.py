"""Refunds: written with their shares, counted on everything they take from, settled once."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from gosellr.core.db import Connection
from gosellr.models.refund_values import RefundPart
from gosellr.queries.sweep_delays import has_its_turn
from gosellr.utils.lazy_dataclasses import dataclass
from gosellr.utils.refunds import RefundShares

_LINE_COLUMNS = """
id, refund_id, order_line_id, quantity, amount_minor, goods_minor, tax_minor,
marketplace_discount_minor, commission_minor, commission_vat_minor, commission_reversed_minor,
commission_vat_reversed_minor
"""

INSERT = f"""
WITH made AS (
    INSERT INTO refund (id, order_id, seller_order_id, seller_id, amount_minor, currency, reason,
                        status, borne_by, effects, requested_by, created_at, dispute_id,
                        given_alone_minor)
    SELECT id, order_id, seller_order_id, seller_id, amount_minor, currency, reason,
           'pending', borne_by, effects, requested_by, created_at, dispute_id,
           COALESCE(given_alone_minor, 0)
    FROM jsonb_populate_record(NULL::refund, $1)
), lines AS (
    INSERT INTO refund_line ({_LINE_COLUMNS})
    SELECT {_LINE_COLUMNS} FROM jsonb_populate_recordset(NULL::refund_line, $2)
)
INSERT INTO refund_part (id, refund_id, payment_id, amount_minor, credited_account, created_at,
                         check_at)
SELECT id, refund_id, payment_id, amount_minor, credited_account, created_at, check_at
FROM jsonb_populate_recordset(NULL::refund_part, $3)
"""

# Deltas: up when a refund begins, down when it fails. None ever leaves its bounds.
COUNT = """
WITH line AS (
    UPDATE order_line AS line
    SET refunded_quantity = line.refunded_quantity + change.quantity,
        refunded_minor = line.refunded_minor + change.buyer_minor,
        refunded_goods_minor = line.refunded_goods_minor + change.goods_minor,
        refunded_tax_minor = line.refunded_tax_minor + change.tax_minor,
        refunded_marketplace_discount_minor =
            line.refunded_marketplace_discount_minor + change.promotion_minor,
        refunded_commission_minor = line.refunded_commission_minor + change.commission_minor,
        refunded_commission_vat_minor =
            line.refunded_commission_vat_minor + change.commission_vat_minor
    FROM unnest($2::uuid[], $3::int[], $4::bigint[], $5::bigint[], $6::bigint[], $7::bigint[],
                $8::bigint[], $9::bigint[])
         AS change (id, quantity, buyer_minor, goods_minor, tax_minor, promotion_minor,
                    commission_minor, commission_vat_minor)
    WHERE line.id = change.id
      AND line.refunded_quantity + change.quantity BETWEEN 0 AND line.quantity
      AND line.refunded_minor + change.buyer_minor BETWEEN 0 AND line.total_minor
    RETURNING line.id
), part AS (
    UPDATE seller_order
    SET refunded_minor = refunded_minor + $11,
        pending_minor = pending_minor + $12,
        shipping_refunded_minor = shipping_refunded_minor + $13,
        shipping_refunded_goods_minor = shipping_refunded_goods_minor + $14,
        shipping_refunded_tax_minor = shipping_refunded_tax_minor + $15,
        shipping_refunded_marketplace_discount_minor =
            shipping_refunded_marketplace_discount_minor + $16,
        shipping_refunded_commission_minor = shipping_refunded_commission_minor + $17,
        shipping_refunded_commission_vat_minor = shipping_refunded_commission_vat_minor + $18,
        version = version + 1
    WHERE id = $10
      AND refunded_minor + $11 BETWEEN 0 AND total_minor
      AND pending_minor + $12 >= 0
      AND shipping_refunded_minor + $13 BETWEEN 0 AND shipping_total_minor
    RETURNING id
), paid AS (
    UPDATE payment SET refunded_minor = payment.refunded_minor + change.amount_minor
    FROM unnest($19::uuid[], $20::bigint[]) AS change (id, amount_minor)
    WHERE payment.id = change.id
      AND payment.refunded_minor + change.amount_minor BETWEEN 0 AND payment.captured_minor
    RETURNING payment.id
), whole AS (
    UPDATE orders SET refunded_minor = refunded_minor + $11
    WHERE id = $1 AND refunded_minor + $11 BETWEEN 0 AND captured_minor
    RETURNING id
)
SELECT (SELECT count(*) FROM line) + (SELECT count(*) FROM part)
     + (SELECT count(*) FROM paid) + (SELECT count(*) FROM whole)
"""

SETTLE_PART = """
UPDATE refund_part AS part
SET status = $2, gateway_reference = COALESCE($3, part.gateway_reference), check_at = $4,
    check_count = part.check_count + 1
FROM payment
WHERE part.id = $1 AND part.status IN ('pending', 'unknown') AND payment.id = part.payment_id
RETURNING part.refund_id, part.payment_id, part.amount_minor, payment.method
"""

FINISH = """
UPDATE refund
SET status = $2, amount_minor = $3, effects = $4, failure_reason = COALESCE($5, failure_reason),
    finished_at = $6
WHERE id = $1
"""

NOTE_SETTLED_ALONE = """
UPDATE refund SET settled_alone_minor = settled_alone_minor + $2 WHERE id = $1
"""

LOWER_LINES = """
UPDATE refund_line AS line
SET amount_minor = line.amount_minor - change.amount_minor,
    goods_minor = line.goods_minor - change.goods_minor,
    tax_minor = line.tax_minor - change.tax_minor,
    marketplace_discount_minor = line.marketplace_discount_minor - change.promotion_minor,
    commission_minor = line.commission_minor - change.commission_minor,
    commission_vat_minor = line.commission_vat_minor - change.commission_vat_minor,
    commission_reversed_minor =
        line.commission_reversed_minor - change.commission_reversed_minor,
    commission_vat_reversed_minor =
        line.commission_vat_reversed_minor - change.commission_vat_reversed_minor
FROM jsonb_to_recordset($1) AS change (
    id uuid, amount_minor bigint, goods_minor bigint, tax_minor bigint, promotion_minor bigint,
    commission_minor bigint, commission_vat_minor bigint, commission_reversed_minor bigint,
    commission_vat_reversed_minor bigint)
WHERE line.id = change.id
"""

_PARTS = """
SELECT part.id, part.refund_id, refund.order_id, part.payment_id, part.amount_minor,
       refund.currency, payment.method, part.status, part.check_count, part.created_at,
       part.credited_account, payment.gateway_reference
FROM refund_part AS part
JOIN refund ON refund.id = part.refund_id
JOIN payment ON payment.id = part.payment_id
"""
PARTS_OF_REFUND = f"{_PARTS} WHERE part.refund_id = $1 ORDER BY part.id"
PART = f"{_PARTS} WHERE part.id = $1"
OPEN_PARTS_OF_PAYMENT = f"""{_PARTS}
WHERE part.payment_id = $1 AND part.status IN ('pending', 'unknown') ORDER BY part.id"""
DUE_PARTS = f"""{_PARTS}
WHERE part.check_at <= $1 AND {has_its_turn("refunds", "part.id")}
ORDER BY part.check_at LIMIT $2"""


@dataclass(frozen=True, slots=True)
class SettledPart:
    """A part whose answer was written down just now."""

    refund_id: UUID
    payment_id: UUID
    amount_minor: int
    method: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """By how much a refund moves the counters of what it takes from."""

    order_id: UUID
    # None where a gift card is taken back.
    seller_order_id: UUID | None
    amount_minor: int
    pending_minor: int
    lines: Mapping[UUID, RefundShares]
    shipping: RefundShares
    payments: Mapping[UUID, int]

    @property
    def rows(self) -> int:
        """How many rows move."""
        parts = 0 if self.seller_order_id is None else 1
        return 1 + parts + len(self.lines) + len(self.payments)


async def insert(
    connection: Connection,
    *,
    refund: Mapping[str, Any],
    lines: Sequence[Mapping[str, Any]],
    parts: Sequence[Mapping[str, Any]],
) -> None:
    """Write a refund with its shares and the payments it goes back through."""
    await connection.execute(INSERT, refund, lines, parts)


async def count(connection: Connection, *, change: Change, sign: int) -> bool:
    """Raise the counters (`sign` 1) or lower them (-1); False when one would leave its bounds.

    The transaction must end with a False.
    """
    shares = list(change.lines.values())
    one = change.shipping
    moved = await connection.fetchval(
        COUNT,
        change.order_id,
        list(change.lines),
        [sign * share.quantity for share in shares],
        [sign * share.buyer_minor for share in shares],
        [sign * share.goods_minor for share in shares],
        [sign * share.tax_minor for share in shares],
        [sign * share.promotion_minor for share in shares],
        [sign * share.commission_minor for share in shares],
        [sign * share.commission_vat_minor for share in shares],
        change.seller_order_id,
        sign * change.amount_minor,
        # What a refund takes is pending no more.
        -sign * change.pending_minor,
        sign * one.buyer_minor,
        sign * one.goods_minor,
        sign * one.tax_minor,
        sign * one.promotion_minor,
        sign * one.commission_minor,
        sign * one.commission_vat_minor,
        list(change.payments),
        [sign * amount_minor for amount_minor in change.payments.values()],
    )
    return bool(moved == change.rows)


async def settle_part(
    connection: Connection,
    *,
    part_id: UUID,
    status: str,
    gateway_reference: str | None,
    check_at: datetime | None,
) -> SettledPart | None:
    """Write down what a gateway said; None when that had been said before."""
    row = await connection.fetchrow(SETTLE_PART, part_id, status, gateway_reference, check_at)
    return None if row is None else SettledPart(*row)


async def finish(
    connection: Connection,
    *,
    refund_id: UUID,
    status: str,
    amount_minor: int,
    effects: Mapping[str, Any],
    failure_reason: str | None,
    finished_at: datetime | None,
) -> None:
    """Write what a refund has become."""
    await connection.execute(
        FINISH, refund_id, status, amount_minor, effects, failure_reason, finished_at
    )


async def note_settled_alone(connection: Connection, *, refund_id: UUID, amount_minor: int) -> None:
    """Keep how much of it one operator alone said something of."""
    await connection.execute(NOTE_SETTLED_ALONE, refund_id, amount_minor)


async def lower_lines(connection: Connection, *, changes: Sequence[Mapping[str, Any]]) -> None:
    """Take from a refund's shares what didn't reach the buyer."""
    await connection.execute(LOWER_LINES, changes)


async def parts_of(connection: Connection, *, refund_id: UUID) -> list[RefundPart]:
    """All parts of a refund."""
    return [RefundPart(*row) for row in await connection.fetch(PARTS_OF_REFUND, refund_id)]


async def find_part(connection: Connection, *, part_id: UUID) -> RefundPart | None:
    """One part."""
    row = await connection.fetchrow(PART, part_id)
    return None if row is None else RefundPart(*row)


async def due_parts(connection: Connection, *, now: datetime, limit: int) -> list[RefundPart]:
    """Parts that are to be sent or asked after now."""
    return [RefundPart(*row) for row in await connection.fetch(DUE_PARTS, now, limit)]


async def open_parts_of_payment(connection: Connection, *, payment_id: UUID) -> list[RefundPart]:
    """Parts on their way back through a payment."""
    return [RefundPart(*row) for row in await connection.fetch(OPEN_PARTS_OF_PAYMENT, payment_id)]
