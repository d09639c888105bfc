"""Questions about refunds under way."""

from datetime import datetime
from uuid import UUID

from gosellr.core.db import Connection
from gosellr.queries import refunds
from gosellr.queries.refunds import RefundPart as RefundPart


async def open_parts(connection: Connection, *, refund_id: UUID) -> list[RefundPart]:
    """What of a refund has yet to be answered by a gateway."""
    parts = await refunds.parts_of(connection, refund_id=refund_id)
    return [part for part in parts if part.is_open]


async def open_parts_of_payment(connection: Connection, *, payment_id: UUID) -> list[RefundPart]:
    """What is on its way back through a payment."""
    return await refunds.open_parts_of_payment(connection, payment_id=payment_id)


async def due_parts(connection: Connection, *, now: datetime, limit: int) -> list[RefundPart]:
    """What is to be sent or asked after now, the longest waiting first."""
    return await refunds.due_parts(connection, now=now, limit=limit)
