"""Payment attempts: answers written down, sales settled, and what is due to be asked again."""

from collections.abc import Mapping, Sequence
from dataclasses import fields
from datetime import datetime
from typing import Any
from uuid import UUID

from gosellr.core.db import Connection
from gosellr.core.rows import from_row
from gosellr.models.events import Fact
from gosellr.models.order_values import CaptureReturn, Payment
from gosellr.queries import outbox
from gosellr.queries.sweep_delays import has_its_turn
from gosellr.utils.lazy_dataclasses import dataclass

# The CTEs that write down what became of attempts. Who read the order before sees by its version
# that something has moved.
ANSWERING = """
answered AS (
    UPDATE payment
    SET status = answer.status, part = answer.part, captured_minor = answer.captured_minor,
        fee_minor = answer.fee_minor,
        gateway_reference = COALESCE(answer.gateway_reference, payment.gateway_reference),
        decline_code = answer.decline_code, action_url = answer.action_url,
        check_at = answer.check_at, check_count = payment.check_count + 1,
        sent_count = answer.sent_count, updated_at = {now}
    FROM jsonb_to_recordset({answers})
         AS answer (payment_id uuid, status text, part int, captured_minor bigint,
                    fee_minor bigint, gateway_reference text, decline_code text,
                    action_url text, check_at timestamptz, sent_count int)
    {source}
    WHERE payment.id = answer.payment_id {condition}
)
"""

WRITE_ANSWERS = f"""
WITH {ANSWERING.format(answers="$2", now="$3", source="", condition="")}
UPDATE orders SET version = version + 1 WHERE id = $1
"""

# The CTEs that mark orders paid, for a statement that does nothing else and for one that settles
# them. `due` names them, and what is said of each.
# The steps come from the rows themselves: the order's own, then one for each part, gapless.
PAYING = """
paid AS (
    UPDATE orders
    SET status = 'paid', payment_status = 'paid', captured_minor = due.captured_minor,
        paid_at = due.paid_at, expires_at = NULL, version = orders.version + 1,
        event_count = event_count + 1 + (
            SELECT count(*) FROM seller_order
            WHERE seller_order.order_id = orders.id AND seller_order.status = 'pending_payment')
    FROM due
    -- Told so, the planner finds the orders by their key. By the index of all that wait for their
    -- money it would walk over every one that has lately got it.
    WHERE orders.id = due.order_id AND CASE status WHEN 'pending_payment' THEN {condition} END
    RETURNING orders.id, event_count, due.paid_at, due.ship_by, due.data
), parts AS (
    UPDATE seller_order
    SET status = 'paid', pending_minor = net_minor, ship_by = paid.ship_by, version = version + 1
    FROM paid
    WHERE seller_order.order_id = paid.id AND seller_order.status = 'pending_payment'
    RETURNING seller_order.id, seller_order.order_id, seller_order.index
), holds AS (
    UPDATE stock_reservation SET expires_at = NULL
    FROM paid
    WHERE stock_reservation.order_id = paid.id
      AND shipped_quantity + released_quantity < quantity
), step AS (
    SELECT id AS order_id, NULL::uuid AS seller_order_id, 'paid' AS kind, data, 0 AS place
    FROM paid
    UNION ALL
    SELECT order_id, id, 'status_changed', '{{}}',
           row_number() OVER (PARTITION BY order_id ORDER BY index)
    FROM parts
), history AS (
    INSERT INTO order_event (order_id, sequence, seller_order_id, kind, from_status, to_status,
                             actor, data, at)
    SELECT paid.id, paid.event_count + step.place - (
               SELECT count(*) FROM parts WHERE parts.order_id = paid.id),
           step.seller_order_id, step.kind, 'pending_payment', 'paid', 'payment', step.data,
           paid.paid_at
    FROM paid JOIN step ON step.order_id = paid.id
), told AS (
    INSERT INTO outbox_event (id, type, aggregate_type, aggregate_id, data, occurred_at)
    SELECT fact.id, fact.type, fact.aggregate_type, fact.aggregate_id, fact.data, paid.paid_at
    FROM unnest({facts}) AS fact (id, type, aggregate_type, aggregate_id, data)
    JOIN paid ON paid.id = fact.aggregate_id
)
"""

MARK_PAID = f"""
WITH due AS (
    SELECT $1::uuid AS order_id, $2::bigint AS captured_minor, $3::timestamptz AS paid_at,
           $4::timestamptz AS ship_by, $5::jsonb AS data
), {
    PAYING.format(
        facts="$6::uuid[], $7::text[], $8::text[], $9::uuid[], $10::jsonb[]", condition="true"
    )
}
SELECT id FROM paid
"""

MARK_ABANDONED = """
WITH parts AS (
    UPDATE seller_order
    SET status = 'cancelled', cancelled_at = $3, cancel_reason = $2, version = version + 1
    WHERE order_id = $1 AND status <> 'cancelled'
)
UPDATE orders SET status = 'cancelled', payment_status = CASE payment_status
    WHEN 'failed' THEN 'failed' ELSE 'unpaid' END, expires_at = NULL
WHERE id = $1
"""

SET_PAYMENT_STATUS = """
UPDATE orders SET payment_status = $2, version = version + 1 WHERE id = $1
"""

# An attempt with what of it goes back: all that it took, or what single captures took in vain.
ATTEMPT = """
to_jsonb(payment) || jsonb_build_object(
    'returned', EXISTS (
        SELECT FROM payment_return AS back
        WHERE back.payment_id = payment.id AND back.capture_id IS NULL),
    'returns', COALESCE((
        SELECT jsonb_agg(jsonb_build_object(
            'asked_minor', COALESCE(piece.amount_minor, payment.amount_minor),
            'fee_minor', COALESCE(piece.fee_minor, 0),
            'amount_minor', back.amount_minor, 'reason', back.reason, 'status', back.status,
            'capture_id', back.capture_id, 'created_at', back.created_at,
            'seller_order_ids', COALESCE(to_jsonb(piece.seller_order_ids), '[]'),
            'case_is_open', back.case_opened_at IS NOT NULL AND back.case_closed_at IS NULL)
            ORDER BY back.created_at, back.id)
        FROM payment_return AS back LEFT JOIN payment_capture AS piece ON piece.id = back.capture_id
        WHERE back.payment_id = payment.id), '[]'))
"""

# What has to be known to say what to ask next, and no more.
STANDING = f"""
SELECT json_build_object(
    'status', orders.status, 'paid_at', orders.paid_at, 'total_minor', orders.total_minor,
    'expires_at', orders.expires_at, 'capture_at', orders.capture_at,
    'captured_minor', orders.captured_minor,
    'awaits_capture', CASE orders.capture_at WHEN 'at_order' THEN orders.paid_at IS NULL
        ELSE EXISTS (SELECT FROM seller_order AS part
                     WHERE part.order_id = orders.id AND part.status <> 'cancelled'
                       AND part.captured_at IS NULL) END,
    'payments', (
        SELECT json_agg({ATTEMPT} ORDER BY payment.created_at, payment.part, payment.id)
        FROM payment WHERE payment.order_id = orders.id))
FROM orders WHERE orders.id = $1
"""

DUE_PAYMENTS = f"""
SELECT order_id FROM (
    SELECT order_id FROM payment WHERE check_at <= $1
    UNION
    -- An order over nothing has no attempt; only a crash leaves it waiting.
    SELECT id FROM orders
    WHERE status = 'pending_payment' AND total_minor = 0 AND placed_at <= $1 - interval '20 seconds'
) AS due
WHERE {has_its_turn("payments", "due.order_id")}
ORDER BY 1 LIMIT $2
"""

ORDER_OF_PAYMENT = "SELECT order_id FROM payment WHERE id = $1"

REFERENCE_OF_PAYMENT = "SELECT gateway_reference FROM payment WHERE id = $1"


@dataclass(frozen=True, slots=True, kw_only=True)
class AttemptAnswer:
    """What an attempt has become. `check_at` is when to ask again, None for never.

    `part` is the part of the tender it stands for, which only one live attempt can.
    """

    payment_id: UUID
    part: int
    sent_count: int
    status: str
    captured_minor: int
    fee_minor: int
    gateway_reference: str | None
    decline_code: str | None
    action_url: str | None
    check_at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """How it stands with the money of an order."""

    status: str
    paid_at: datetime | None
    total_minor: int
    expires_at: datetime | None
    capture_at: str
    captured_minor: int
    awaits_capture: bool
    payments: tuple[Payment, ...]


def attempt(row: Mapping[str, Any]) -> Payment:
    """An attempt from what `ATTEMPT` reads."""
    returns = tuple(
        from_row(CaptureReturn, back, seller_order_ids=tuple(map(UUID, back["seller_order_ids"])))
        for back in row["returns"]
    )
    return from_row(Payment, row, returns=returns)


async def standing(connection: Connection, *, order_id: UUID) -> Standing | None:
    """How it stands with the money of an order; None when there is no such order."""
    row = await connection.fetchval(STANDING, order_id)
    if row is None:
        return None
    attempts = tuple(attempt(payment) for payment in row["payments"] or ())
    return from_row(Standing, row, payments=attempts)


_ANSWER = tuple(field.name for field in fields(AttemptAnswer))


def documents(answers: Sequence[AttemptAnswer]) -> list[dict[str, Any]]:
    """Answers as the documents that `ANSWERING` reads."""
    return [{name: getattr(answer, name) for name in _ANSWER} for answer in answers]


async def write_answers(
    connection: Connection, *, order_id: UUID, answers: Sequence[AttemptAnswer], now: datetime
) -> None:
    """Write down what became of attempts to pay an order that is locked."""
    await connection.execute(WRITE_ANSWERS, order_id, documents(answers), now)


async def mark_paid(
    connection: Connection,
    *,
    order_id: UUID,
    captured_minor: int,
    methods: Sequence[str],
    facts: Sequence[Fact],
    ship_by: datetime,
    now: datetime,
) -> bool:
    """The order is paid: its holds are permanent, its sellers may ship, its history says so."""
    paid = await connection.fetchval(
        MARK_PAID,
        order_id,
        captured_minor,
        now,
        ship_by,
        {"methods": list(methods)},
        *outbox.columns_of(facts),
    )
    return paid is not None


async def mark_abandoned(
    connection: Connection, *, order_id: UUID, reason: str, now: datetime
) -> None:
    """The order is over without ever having been paid; its cart may be ordered again."""
    await connection.execute(MARK_ABANDONED, order_id, reason, now)


async def set_payment_status(
    connection: Connection, *, order_id: UUID, payment_status: str
) -> None:
    """Say what the money of an order is doing."""
    await connection.execute(SET_PAYMENT_STATUS, order_id, payment_status)


async def due_orders(connection: Connection, *, now: datetime, limit: int) -> list[UUID]:
    """Orders with attempts that have to be asked after."""
    return [row["order_id"] for row in await connection.fetch(DUE_PAYMENTS, now, limit)]


async def order_of_payment(connection: Connection, *, payment_id: UUID) -> UUID | None:
    """The order that an attempt pays for."""
    order_id: UUID | None = await connection.fetchval(ORDER_OF_PAYMENT, payment_id)
    return order_id


async def reference_of_payment(connection: Connection, *, payment_id: UUID) -> str | None:
    """What its gateway calls an attempt, where that was heard."""
    reference: str | None = await connection.fetchval(REFERENCE_OF_PAYMENT, payment_id)
    return reference
