"""Captures that pay for nothing: on their way back, and out of suspense once they are there.

One of another amount than was asked for is a case besides, and so is one that can't be sent back:
a person looks at it, and says how it was dealt with.
"""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from gosellr.core.db import Connection
from gosellr.core.errors import Conflict, NotFound
from gosellr.models.refund_values import DueReturn
from gosellr.queries import payment_returns
from gosellr.queries.payment_returns import ReturnCase
from gosellr.services import ledger_service
from gosellr.services.ledger_service import Booking
from gosellr.services.refund_outcome import check_again_at
from gosellr.utils.postings import stray_return
from gosellr.utils.states import RefundStatus
from gosellr.utils.viewer import Viewer

__all__ = ["CaseClosed", "ReturnCase", "ReturnUnderWay", "close_case", "due_returns", "open_cases",
           "record_answer"]  # fmt: skip


class CaseClosed(Conflict):
    """Somebody else was quicker."""

    code = "return_case_closed"
    title = "Somebody has dealt with this already"


class ReturnUnderWay(Conflict):
    """Nobody knows yet what becomes of the money, so nothing can be said of it for good."""

    code = "return_under_way"
    title = "What was taken is still on its way back"

    def __init__(self) -> None:
        super().__init__("The provider is asked by itself. Close the case once it has answered")


async def due_returns(connection: Connection, *, now: datetime, limit: int) -> list[DueReturn]:
    """Captures that are to be sent back, or asked after, now."""
    return await payment_returns.due(connection, now=now, limit=limit)


async def record_answer(
    connection: Connection,
    *,
    back: DueReturn,
    status: RefundStatus,
    gateway_reference: str | None,
    now: datetime,
) -> None:
    """Write down what a gateway said; once it has the money sent, the books say so, once.

    Refused money stays in suspense, and is a case for a person.
    """
    is_open = status is RefundStatus.UNKNOWN
    settled = await payment_returns.write(
        connection,
        return_id=back.id,
        status=status.value,
        gateway_reference=gateway_reference,
        check_at=check_again_at(check_count=back.check_count, now=now) if is_open else None,
        now=now,
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


async def open_cases(connection: Connection, *, limit: int = 200) -> Sequence[ReturnCase]:
    """Captures that a person has to look at, the oldest first."""
    return await payment_returns.open_cases(connection, limit=limit)


async def close_case(
    connection: Connection, *, viewer: Viewer, return_id: UUID, note: str, now: datetime
) -> ReturnCase:
    """A person has dealt with it, and says how. Nothing is booked by that.

    Raises:
        NotFound: there is no such case.
        ReturnUnderWay: the money is still on its way back.
        CaseClosed: it was dealt with.
    """
    closed = await payment_returns.close_case(
        connection, return_id=return_id, note=note, user_id=viewer.user_id, now=now
    )
    found = await payment_returns.find_case(connection, return_id=return_id)
    if found is None:
        raise NotFound
    if not closed:
        raise CaseClosed if found.closed_at is not None else ReturnUnderWay
    return found
