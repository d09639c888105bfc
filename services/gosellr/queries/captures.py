"""Money set aside and taken piece by piece: secured, captured, watched, given back."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from gosellr.core.db import Connection, Record
from gosellr.models.capture_values import DueCapture, PaymentCapture, WatchedAuthorization
from gosellr.queries.sweep_delays import has_its_turn

FREEZE = "UPDATE orders SET capture_at = 'at_shipment' WHERE id = $1"

# The order is as firm as a paid one: its holds are permanent and its sellers may ship.
SECURE = """
WITH secured AS (
    UPDATE orders
    SET status = 'processing', payment_status = 'authorized', expires_at = NULL,
        version = version + 1
    WHERE id = $1 AND status = 'pending_payment' AND capture_at = 'at_shipment'
    RETURNING id
), parts AS (
    UPDATE seller_order
    SET status = 'processing', ship_by = $3, version = version + 1
    FROM secured
    WHERE seller_order.order_id = secured.id AND seller_order.status = 'pending_payment'
), holds AS (
    UPDATE stock_reservation SET expires_at = NULL
    FROM secured
    WHERE stock_reservation.order_id = secured.id
      AND shipped_quantity + released_quantity < quantity
), attempts AS (
    UPDATE payment
    SET secured_at = $2, check_at = NULL, updated_at = $2,
        authorized_until = CASE WHEN account IS NULL THEN $5::timestamptz END,
        watch_at = CASE WHEN account IS NULL THEN $6::timestamptz END,
        captures_many = account IS NULL AND $7
    FROM secured
    WHERE payment.order_id = secured.id AND payment.id = ANY($4::uuid[])
)
SELECT id FROM secured
"""

_CAPTURES = """
SELECT id, order_id, payment_id, seller_order_ids, amount_minor, stored_minor, stored, final,
       status, check_count, created_at
FROM payment_capture
"""
OF_ORDER = f"{_CAPTURES} WHERE order_id = $1 ORDER BY created_at, id"
FIND = f"{_CAPTURES} WHERE id = $1"

INSERT = """
INSERT INTO payment_capture (id, order_id, payment_id, seller_order_ids, amount_minor,
                             stored_minor, stored, final, created_at, check_at)
SELECT id, order_id, payment_id, seller_order_ids, amount_minor, stored_minor, stored, final,
       created_at, check_at
FROM jsonb_populate_record(NULL::payment_capture, $1)
"""

# Once, whoever comes to it: what the gateway took, and for whom.
SUCCEED = """
WITH done AS (
    UPDATE payment_capture
    SET status = 'succeeded', fee_minor = $2, gateway_reference = $3, finished_at = $4,
        check_at = NULL, check_count = check_count + 1
    WHERE id = $1 AND status IN ('pending', 'unknown')
    RETURNING *
), taken AS (
    UPDATE payment
    SET captured_minor = captured_minor + share.minor,
        fee_minor = payment.fee_minor + CASE WHEN payment.id = done.payment_id THEN $2 ELSE 0 END,
        updated_at = $4
    FROM done, LATERAL (
        SELECT done.payment_id AS id, done.amount_minor AS minor WHERE done.amount_minor > 0
        UNION ALL
        SELECT key::uuid, value::bigint FROM jsonb_each_text(done.stored)
    ) AS share
    WHERE payment.id = share.id
), parts AS (
    UPDATE seller_order AS part
    SET captured_at = $4, pending_minor = part.net_minor, version = part.version + 1
    FROM done
    WHERE part.order_id = done.order_id AND part.id = ANY(done.seller_order_ids)
      AND part.captured_at IS NULL AND part.status <> 'cancelled'
    RETURNING part.id
), whole AS (
    UPDATE orders
    SET captured_minor = captured_minor + done.amount_minor + done.stored_minor,
        version = version + 1
    FROM done WHERE orders.id = done.order_id
)
SELECT count(*) FROM parts
"""

# What a gateway kept of money that it took in vain was a cost all the same.
FAIL = """
WITH done AS (
    UPDATE payment_capture
    SET status = 'failed', decline_code = $2, fee_minor = $3, gateway_reference = $4,
        finished_at = $5, check_at = NULL, check_count = check_count + 1
    WHERE id = $1 AND status IN ('pending', 'unknown')
    RETURNING id, payment_id
), cost AS (
    UPDATE payment SET fee_minor = payment.fee_minor + $3, updated_at = $5
    FROM done WHERE payment.id = done.payment_id AND $3 > 0
)
SELECT id FROM done
"""

ASK_LATER = """
UPDATE payment_capture
SET status = 'unknown', check_at = $2, check_count = check_count + 1
WHERE id = $1 AND status IN ('pending', 'unknown')
"""

_DUE = """
SELECT capture.id, capture.order_id, capture.payment_id, payment.method, capture.amount_minor,
       payment.currency, capture.final, payment.gateway_reference
FROM payment_capture AS capture JOIN payment ON payment.id = capture.payment_id
"""
DUE = f"""{_DUE}
WHERE capture.check_at <= $1 AND {has_its_turn("captures", "capture.id")}
ORDER BY capture.check_at LIMIT $2"""
DUE_ONE = f"{_DUE} WHERE capture.id = $1 AND capture.status IN ('pending', 'unknown')"

# Nothing more is to be taken. What a gateway still keeps aside is called back.
CONCLUDE = """
WITH whole AS (
    UPDATE orders
    SET paid_at = CASE WHEN $4 THEN COALESCE(paid_at, $2) END,
        payment_status = $3, version = version + 1
    WHERE id = $1
)
UPDATE payment
SET watch_at = NULL, updated_at = $2,
    status = CASE
        WHEN status <> 'authorized' THEN status
        WHEN account IS NOT NULL AND captured_minor > 0 THEN 'captured'
        WHEN account IS NOT NULL THEN 'voided'
        WHEN captured_minor = amount_minor THEN 'captured' ELSE status END,
    check_at = CASE WHEN account IS NULL AND captured_minor < amount_minor
                     AND status = 'authorized' THEN COALESCE(check_at, $2) END
WHERE order_id = $1 AND secured_at IS NOT NULL AND (status = 'authorized' OR watch_at IS NOT NULL)
"""

# Its gateway says that nothing is set aside any more, though something is still to be taken.
NOTE_END = """
UPDATE payment SET watch_at = $2
WHERE order_id = $1 AND secured_at IS NOT NULL AND account IS NULL AND status <> 'authorized'
  AND watch_at IS NOT NULL
"""

WATCHED = f"""
SELECT payment.id, payment.order_id, payment.method, payment.status, payment.amount_minor,
       payment.captured_minor, payment.currency, payment.gateway_reference,
       payment.authorized_until
FROM payment
WHERE payment.watch_at <= $1 AND {has_its_turn("authorizations", "payment.id")}
ORDER BY payment.watch_at LIMIT $2
"""

WATCH_AGAIN = """
UPDATE payment SET authorized_until = $2, watch_at = $3, updated_at = $4 WHERE id = $1
"""


async def freeze(connection: Connection, *, order_id: UUID) -> None:
    """Let a new order's money be taken as its goods leave."""
    await connection.execute(FREEZE, order_id)


async def secure(
    connection: Connection,
    *,
    order_id: UUID,
    payment_ids: Sequence[UUID],
    ship_by: datetime,
    authorized_until: datetime,
    watch_at: datetime,
    captures_many: bool,
    now: datetime,
) -> bool:
    """The money is set aside by these attempts; False when the order doesn't wait for it."""
    secured = await connection.fetchval(
        SECURE,
        order_id,
        now,
        ship_by,
        list(payment_ids),
        authorized_until,
        watch_at,
        captures_many,
    )
    return secured is not None


def _capture(row: Record) -> PaymentCapture:
    return PaymentCapture(**row)


async def of_order(connection: Connection, *, order_id: UUID) -> list[PaymentCapture]:
    """Every capture of an order, oldest first."""
    return [_capture(row) for row in await connection.fetch(OF_ORDER, order_id)]


async def find(connection: Connection, *, capture_id: UUID) -> PaymentCapture | None:
    """A capture."""
    row = await connection.fetchrow(FIND, capture_id)
    return None if row is None else _capture(row)


async def insert(connection: Connection, *, capture: Mapping[str, Any]) -> None:
    """Write a capture down before its gateway is asked."""
    await connection.execute(INSERT, capture)


async def succeed(
    connection: Connection,
    *,
    capture_id: UUID,
    fee_minor: int,
    gateway_reference: str | None,
    now: datetime,
) -> int:
    """The money was taken; gives for how many parts. 0 when that was written before."""
    count: int = await connection.fetchval(SUCCEED, capture_id, fee_minor, gateway_reference, now)
    return count


async def fail(
    connection: Connection,
    *,
    capture_id: UUID,
    decline_code: str | None,
    fee_minor: int,
    gateway_reference: str | None,
    now: datetime,
) -> bool:
    """Nothing was paid for by it; False when something was written before."""
    failed = await connection.fetchval(
        FAIL, capture_id, decline_code, fee_minor, gateway_reference, now
    )
    return failed is not None


async def ask_later(connection: Connection, *, capture_id: UUID, check_at: datetime) -> None:
    """The gateway said nothing."""
    await connection.execute(ASK_LATER, capture_id, check_at)


async def due(connection: Connection, *, now: datetime, limit: int) -> list[DueCapture]:
    """Captures whose gateway has to be asked."""
    return [DueCapture(**_due(row)) for row in await connection.fetch(DUE, now, limit)]


async def due_one(connection: Connection, *, capture_id: UUID) -> DueCapture | None:
    """One of them; None when it is settled."""
    row = await connection.fetchrow(DUE_ONE, capture_id)
    return None if row is None else DueCapture(**_due(row))


def _due(row: Record) -> dict[str, Any]:
    named = dict(row)
    reference = named.pop("gateway_reference")
    return {**named, "charge_reference": reference}


async def conclude(
    connection: Connection,
    *,
    order_id: UUID,
    payment_status: str,
    is_paid: bool,
    now: datetime,
) -> None:
    """Nothing more will be taken for an order; `is_paid` says that something was."""
    await connection.execute(CONCLUDE, order_id, now, payment_status, is_paid)


async def note_end(connection: Connection, *, order_id: UUID, now: datetime) -> None:
    """Let somebody look soon at what is no longer set aside."""
    await connection.execute(NOTE_END, order_id, now)


async def watched(
    connection: Connection, *, now: datetime, limit: int
) -> list[WatchedAuthorization]:
    """Money that is set aside and that somebody has to look at."""
    rows = await connection.fetch(WATCHED, now, limit)
    return [WatchedAuthorization(**_watched(row)) for row in rows]


def _watched(row: Record) -> dict[str, Any]:
    named = dict(row)
    payment_id = named.pop("id")
    return {**named, "payment_id": payment_id}


async def watch_again(
    connection: Connection,
    *,
    payment_id: UUID,
    authorized_until: datetime,
    watch_at: datetime | None,
    now: datetime,
) -> None:
    """Say until when it is set aside, and when to look again."""
    await connection.execute(WATCH_AGAIN, payment_id, authorized_until, watch_at, now)
