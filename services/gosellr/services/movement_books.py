"""What people say that providers' movements are, in the books.

Money that paid for nothing, that its provider refused to send back, and that somebody sent back by
hand there: the movement that tells of it is what waited in suspense.
"""

from dataclasses import replace
from datetime import datetime
from uuid import UUID

from gosellr.core.db import Connection
from gosellr.core.errors import InvalidInput
from gosellr.models.reconciliation_values import Movement
from gosellr.queries import locks, payment_returns, reconciliation
from gosellr.services import ledger_service
from gosellr.services.ledger_service import Booking
from gosellr.utils.ledger import TransactionDraft
from gosellr.utils.reconciliation import Clearing, Resolution, explained
from gosellr.utils.viewer import Viewer


async def hold_order(connection: Connection, *, movement_id: UUID) -> None:
    """Keep a bank from taking the same money meanwhile, where a movement is about such; before the
    movement itself is held."""
    about = await payment_returns.sent_by_hand(connection, movement_id=movement_id)
    if about is not None:
        await locks.order(connection, order_id=about[0])


async def book_explained(
    connection: Connection,
    movement: Movement,
    resolution: Resolution,
    *,
    viewer: Viewer,
    now: datetime,
) -> None:
    """Book what a movement is that stands as explained."""
    draft = explanation(movement, resolution)
    if draft is None:
        return
    booked = booking(movement, draft, actor=actor_of(viewer), now=now)
    if resolution is Resolution.SUSPENSE:
        await _book_waiting(
            connection, movement=movement, booking=booked, user_id=viewer.user_id, now=now
        )
    else:
        await ledger_service.book(connection, bookings=[booked], now=now)


async def _book_waiting(
    connection: Connection,
    *,
    movement: Movement,
    booking: Booking,
    user_id: UUID | None,
    now: datetime,
) -> None:
    """Book what a person has put into suspense. Where just that waited there, because it couldn't
    be sent back, nothing waits any more, for anybody."""
    about = await payment_returns.sent_by_hand(connection, movement_id=movement.id)
    if about is not None:
        order_id, payment_id = about
        # As it stands already, the movement counts in what is held.
        if await payment_returns.held_minor(connection, payment_id=payment_id) >= 0:
            booking = replace(booking, order_id=order_id)
            await reconciliation.clear(
                connection, movement_id=movement.id, resolution=Clearing.RETURNED,
                user_id=user_id, now=now,
            )  # fmt: skip
    await ledger_service.book(connection, bookings=[booking], now=now)


def booking(movement: Movement, draft: TransactionDraft, *, actor: str, now: datetime) -> Booking:
    """What a movement books, once."""
    return Booking(
        draft=draft,
        cause_type="provider_movement",
        cause_id=movement.id,
        idempotency_key=str(movement.id),
        actor=actor,
        effective_at=now,
        facts={"reference": movement.reference, "gateway": movement.gateway},
    )


def explanation(movement: Movement, resolution: Resolution) -> TransactionDraft | None:
    """What is booked of a movement that is taken for something; None where nothing is.

    Raises:
        InvalidInput: that contradicts the direction of the money.
    """
    try:
        return explained(
            gateway=movement.gateway,
            unexplained_minor=movement.unexplained_minor,
            currency=movement.currency,
            resolution=resolution,
        )
    except ValueError as error:
        raise InvalidInput.at("resolution", "resolution_contradicts", str(error)) from None


def actor_of(viewer: Viewer) -> str:
    """Whose word it is, as the journal names them."""
    return "system" if viewer.user_id is None else f"user:{viewer.user_id}"
