"""A bank transfer in the books: in suspense while nobody knows enough, out of it when it pays."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from gosellr.core.db import Connection
from gosellr.models.events import Fact, FactType
from gosellr.models.order_values import Order, Payment
from gosellr.queries import orders, outbox, receipts
from gosellr.queries.receipts import Waiting
from gosellr.services import ledger_service, payment_service
from gosellr.services.ledger_service import Booking
from gosellr.services.payment_answers import GatewayAnswer
from gosellr.utils.ledger import TransactionDraft
from gosellr.utils.policy import MarketPolicy
from gosellr.utils.receipts import out_of_suspense
from gosellr.utils.states import PaymentStatus


async def use_up(
    connection: Connection,
    *,
    used: Sequence[tuple[Waiting, int]],
    payment: Payment,
    now: datetime,
    paid_by: UUID | None = None,
) -> None:
    """Take out of suspense what waited for the rest; `paid_by` is the piece that completed it."""
    if not used:
        return
    left = [
        (one.id, one.minor - minor, payment.id if one.id == paid_by else None)
        for one, minor in used
    ]
    if await receipts.apply(connection, left=left, now=now) != len(left):
        raise RuntimeError(f"what waited for payment {payment.id} moved under its lock")
    for one, minor in used:
        draft = out_of_suspense(amount_minor=minor, currency=payment.currency)
        await book(connection, draft, receipt_id=one.id, key=f"{one.id}:used", now=now)


async def record(
    connection: Connection, *, order: Order, payment: Payment, policy: MarketPolicy, now: datetime
) -> None:
    """The attempt is paid: from here on as if a gateway had said so."""
    await payment_service.record(
        connection,
        order_id=order.id,
        answers=[
            GatewayAnswer(
                payment_id=payment.id,
                status=PaymentStatus.CAPTURED,
                captured_minor=payment.amount_minor,
            )
        ],
        policy=policy,
        now=now,
    )


async def book(
    connection: Connection, draft: TransactionDraft, *, receipt_id: UUID, key: str, now: datetime
) -> None:
    """Book what a transfer did, once by its key."""
    booking = Booking(
        draft=draft,
        cause_type="provider_movement",
        cause_id=receipt_id,
        idempotency_key=key,
        actor="gateway:bank_transfer",
        effective_at=now,
    )
    await ledger_service.book(connection, bookings=[booking], now=now)


async def tell_part(
    connection: Connection, order: Order, payment: Payment, *, arrived_minor: int, now: datetime
) -> None:
    """The buyer may still send the rest, while the goods are held."""
    said = {
        "arrived": {"amount": arrived_minor, "currency": payment.currency},
        "missing": {
            "amount": payment.amount_minor - arrived_minor,
            "currency": payment.currency,
        },
    }
    event = {"kind": "transfer_part_arrived", "actor": "payment", "data": said}
    await orders.append_events(connection, order_id=order.id, events=[event], now=now)
    fact = Fact(FactType.ORDER_TRANSFER_PART_ARRIVED, order.id, {"order_id": str(order.id), **said})
    await outbox.append(connection, [fact], now=now)
