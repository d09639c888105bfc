"""A capture that took another amount than it was to take: it waits in suspense, and goes back."""

from datetime import datetime
from typing import Any

from gosellr.core.db import Connection
from gosellr.models.capture_values import PaymentCapture
from gosellr.models.order_values import Order
from gosellr.queries import payment_returns
from gosellr.queries.payment_returns import NewReturn
from gosellr.services import ledger_service
from gosellr.services.ledger_service import Booking
from gosellr.services.settlement_service import SHORT_PAYMENT
from gosellr.utils.postings import provider_fee, stray_capture


async def send_back(
    connection: Connection,
    *,
    order: Order,
    capture: PaymentCapture,
    taken_minor: int,
    fee_minor: int,
    now: datetime,
) -> None:
    """Note what a capture of a locked order took in vain, as a case, and book where it waits; and
    what its gateway kept of it."""
    [payment] = [one for one in order.payments if one.id == capture.payment_id]
    back = NewReturn(
        payment_id=payment.id,
        capture_id=capture.id,
        amount_minor=taken_minor,
        reason=SHORT_PAYMENT,
        is_case=True,
    )
    await payment_returns.insert(connection, returns=[back], now=now)
    method, currency = payment.method, order.currency
    common: dict[str, Any] = {
        "cause_type": "capture",
        "cause_id": capture.id,
        "idempotency_key": str(capture.id),
        "order_id": order.id,
        "effective_at": now,
    }
    stray = stray_capture(gateway=method, amount_minor=taken_minor, currency=currency)
    facts = {"reason": SHORT_PAYMENT}
    bookings = [Booking(draft=stray, actor="payment", facts=facts, **common)]
    if fee_minor:
        kept = provider_fee(gateway=method, amount_minor=fee_minor, currency=currency)
        bookings.append(Booking(draft=kept, actor=f"gateway:{method}", **common))
    await ledger_service.book(connection, bookings=bookings, now=now)
