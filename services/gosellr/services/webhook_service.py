"""Reports of gateways: taken in once, settled once."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from gosellr.core.db import Connection
from gosellr.models.webhook_values import NewReport, ParkedReport
from gosellr.queries import payments, webhooks


async def take_in(
    connection: Connection,
    *,
    gateway: str,
    event_id: str,
    kind: str,
    attempt_id: str,
    payload: bytes,
    now: datetime,
) -> bool:
    """Store a verified report as it came; whether one of its payment waits to be acted on."""
    try:
        payment_id = UUID(attempt_id)
    except ValueError:
        payment_id = None
    return await webhooks.take_in(
        connection,
        gateway=gateway,
        event_id=event_id,
        kind=kind,
        payment_id=payment_id,
        payload=payload,
        now=now,
    )


async def take_in_known(
    connection: Connection, *, gateway: str, reports: Sequence[NewReport], now: datetime
) -> set[int]:
    """Store those of several verified reports that ask for nothing, because they say what is known
    and none of their payment waits; gives their places. The others are to be taken in singly."""
    return await webhooks.take_in_known(connection, gateway=gateway, reports=reports, now=now)


async def parked(
    connection: Connection,
    *,
    payment_id: UUID | None,
    given_up_before: datetime,
    now: datetime,
    limit: int,
) -> list[ParkedReport]:
    """Reports to act on: of payments that we know, or taken in before a moment."""
    return await webhooks.parked(
        connection, payment_id=payment_id, given_up_before=given_up_before, now=now, limit=limit
    )


async def order_of(connection: Connection, *, payment_id: UUID | None) -> UUID | None:
    """The order that a reported payment belongs to, once we know it."""
    if payment_id is None:
        return None
    return await payments.order_of_payment(connection, payment_id=payment_id)


async def reference_of(connection: Connection, *, payment_id: UUID) -> str | None:
    """What its gateway calls a payment."""
    return await payments.reference_of_payment(connection, payment_id=payment_id)


async def payload_of(connection: Connection, *, report: ParkedReport) -> bytes:
    """A report as it came."""
    return await webhooks.payload_of(connection, report=report)


async def settle(
    connection: Connection, *, report: ParkedReport, outcome: str, now: datetime
) -> None:
    """Note what became of a report, so that it isn't looked at again."""
    await webhooks.settle(connection, report=report, outcome=outcome, now=now)
