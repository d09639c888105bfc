"""What a chargeback books, whatever it is: its gateway's word, and its own name as the cause."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from uuid import UUID

from gosellr.core.db import Connection
from gosellr.models.dispute_values import Chargeback
from gosellr.models.events import Fact, FactType
from gosellr.queries import outbox
from gosellr.services import recovery_service, write_off_recovery
from gosellr.services.ledger_service import Booking
from gosellr.utils.ledger import TransactionDraft


async def book(
    connection: Connection,
    draft: TransactionDraft,
    *,
    chargeback: Chargeback,
    number: object = None,
    facts: Mapping[str, str] | None = None,
    undoes: Sequence[UUID] = (),
    now: datetime,
) -> None:
    """Book what a chargeback of a locked order moves, and end the plans of sellers who owe nothing
    any more by that. `number` tells bookings of one kind apart: without one, it is the only one.
    `undoes` are causes whose debts it undoes: what of those was written off is kept."""
    key = str(chargeback.id) if number is None else f"{chargeback.id}/{number}"
    booking = Booking(
        draft=draft,
        cause_type="chargeback",
        cause_id=chargeback.id,
        idempotency_key=key,
        order_id=chargeback.order_id,
        actor=f"gateway:{chargeback.gateway}",
        effective_at=now,
        facts={"reason": chargeback.reason, **(facts or {})},
    )
    await write_off_recovery.book(connection, booking, causes=undoes, now=now)
    await recovery_service.end_settled_plans(connection, draft.entries, now=now)


async def tell(
    connection: Connection,
    kind: FactType,
    *,
    chargeback: Chargeback,
    amount_minor: int | None = None,
    now: datetime,
) -> None:
    """Tell a fact of it, about its amount or another one."""
    minor = chargeback.amount_minor if amount_minor is None else amount_minor
    about = {
        "order_id": str(chargeback.order_id),
        "payment_id": str(chargeback.payment_id),
        "amount": {"amount": minor, "currency": chargeback.currency},
    }
    await outbox.append(connection, [Fact(kind, chargeback.id, about)], now=now)
