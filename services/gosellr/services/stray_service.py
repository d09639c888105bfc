"""Captures that pay for nothing: on their way back, and out of suspense once they are there."""

from datetime import datetime

from gosellr.core.db import Connection
from gosellr.models.refund_values import DueReturn
from gosellr.queries import payments
from gosellr.services import ledger_service
from gosellr.services.ledger_service import Booking
from gosellr.services.refund_outcome import check_again_at
from gosellr.utils.postings import stray_return
from gosellr.utils.states import RefundStatus


async def due_returns(connection: Connection, *, now: datetime, limit: int) -> list[DueReturn]:
    """Captures that are to be sent back, or asked after, now."""
    return await payments.due_returns(connection, now=now, limit=limit)


async def record_answer(
    connection: Connection,
    *,
    back: DueReturn,
    status: RefundStatus,
    gateway_reference: str | None,
    now: datetime,
) -> None:
    """Write down what a gateway said; once it has the money sent, the books say so, once.

    Refused money stays in suspense, where a person finds it.
    """
    is_open = status is RefundStatus.UNKNOWN
    settled = await payments.write_return(
        connection,
        return_id=back.id,
        status=status.value,
        gateway_reference=gateway_reference,
        check_at=check_again_at(check_count=back.check_count, now=now) if is_open else None,
    )
    if not settled or status is not RefundStatus.SUCCEEDED:
        return
    booking = Booking(
        draft=stray_return(
            gateway=back.method, amount_minor=back.amount_minor, currency=back.currency
        ),
        cause_type="payment",
        cause_id=back.payment_id,
        idempotency_key=str(back.id),
        order_id=back.order_id,
        actor=f"gateway:{back.method}",
        effective_at=now,
    )
    await ledger_service.book(connection, bookings=[booking], now=now)
