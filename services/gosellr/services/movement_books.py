"""What people say that providers' movements are, in the books.

Money that paid for nothing, that its provider refused to send back, and that somebody sent back by
hand there: the movement that tells of it is what waited in suspense.
"""

from datetime import datetime
from uuid import UUID

from gosellr.core.db import Connection
from gosellr.core.errors import InvalidInput
from gosellr.models.reconciliation_values import Movement
from gosellr.queries import locks, payment_returns, reconciliation
from gosellr.services import ledger_service
from gosellr.services.ledger_service import Booking
from gosellr.utils.lazy_dataclasses import replace
from gosellr.utils.ledger import TransactionDraft
from gosellr.utils.reconciliation import (
    Clearing,
    Resolution,
    explained,
    sent_made_good,
    suspense_cleared,
)
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
    """Book what a movement is that stands as explained. As far as it is what waited in suspense
    because it couldn't be sent back, it meets that, whatever it is taken for, and nothing of it
    waits any more, for anybody.

    Raises:
        InvalidInput: the provider may still send the same by itself, and then this is a loss.
    """
    draft = explanation(movement, resolution)
    if draft is None:
        return
    order_id, waiting_minor = None, 0
    about = await payment_returns.sent_by_hand(connection, movement_id=movement.id)
    if about is not None:
        waiting_minor = await payment_returns.waiting_minor(connection, payment_id=about[1])
        if resolution is not Resolution.SUSPENSE:
            await _check_answered(connection, payment_id=about[1])
        if waiting_minor > 0:
            order_id = about[0]
            draft = explanation(movement, resolution, waiting_minor=waiting_minor) or draft
    booked = booking(movement, draft, actor=actor_of(viewer), now=now)
    await ledger_service.book(connection, bookings=[replace(booked, order_id=order_id)], now=now)
    is_met = 0 < -movement.unexplained_minor <= waiting_minor
    if is_met and resolution is Resolution.SUSPENSE:
        await reconciliation.clear(
            connection, movement_id=movement.id, resolution=Clearing.RETURNED,
            user_id=viewer.user_id, now=now,
        )  # fmt: skip


async def taken_out(
    connection: Connection, movement: Movement, resolution: Resolution
) -> tuple[Resolution | Clearing, TransactionDraft | None]:
    """What a movement that waits in suspense stands as when it is taken out as something, and what
    is booked by that. What met money that waited there to be sent back was that.

    Raises:
        InvalidInput: that is no answer, contradicts the direction of the money, or the provider
            may still send the same by itself.
    """
    unexplained_minor = movement.unexplained_minor
    try:
        draft = suspense_cleared(
            unexplained_minor=unexplained_minor, currency=movement.currency, resolution=resolution
        )
    except ValueError as error:
        raise InvalidInput.at("resolution", "resolution_contradicts", str(error)) from None
    about = await payment_returns.sent_by_hand(connection, movement_id=movement.id)
    if about is None:
        return resolution, draft
    await _check_answered(connection, payment_id=about[1])
    # The movement itself counts in it.
    waiting_minor = await payment_returns.waiting_minor(connection, payment_id=about[1])
    rest_minor = min(-unexplained_minor, max(0, -waiting_minor))
    if not rest_minor:
        return Clearing.RETURNED, None
    return resolution, suspense_cleared(
        unexplained_minor=-rest_minor, currency=movement.currency, resolution=resolution
    )


async def make_good(
    connection: Connection, *, payment_id: UUID, order_id: UUID, number: str, now: datetime
) -> None:
    """Let what waits to be sent back of a payment of a locked order make good what was sent of it
    by hand before, at the market's cost: its buyer has it already. `number` tells this time from
    others."""
    for movement_id, account, taken_minor in await payment_returns.taken_for_else(
        connection, payment_id=payment_id
    ):
        waiting_minor = await payment_returns.waiting_minor(connection, payment_id=payment_id)
        movement = await reconciliation.find(connection, movement_id=movement_id)
        good_minor = min(taken_minor, waiting_minor)
        if movement is None or good_minor <= 0:
            continue
        draft = sent_made_good(account=account, amount_minor=good_minor, currency=movement.currency)
        booked = replace(
            booking(movement, draft, actor=f"gateway:{movement.gateway}", now=now),
            idempotency_key=f"{movement_id}/{number}/{account}", order_id=order_id,
        )  # fmt: skip
        await ledger_service.book(connection, bookings=[booked], now=now)


async def _check_answered(connection: Connection, *, payment_id: UUID) -> None:
    """Whether it is known what became of all that a payment took in vain: if that arrives as well,
    what was sent by hand is lost, and else it is what waited."""
    if await payment_returns.is_under_way(connection, payment_id=payment_id):
        raise InvalidInput.at(
            "resolution", "return_under_way",
            "What it is about is on its way back: it waits in suspense until that is answered",
        )  # fmt: skip


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


def explanation(
    movement: Movement, resolution: Resolution, *, waiting_minor: int = 0
) -> TransactionDraft | None:
    """What is booked of a movement that is taken for something, of which so much waited in
    suspense; None where nothing is.

    Raises:
        InvalidInput: that contradicts the direction of the money.
    """
    try:
        return explained(
            gateway=movement.gateway,
            unexplained_minor=movement.unexplained_minor,
            currency=movement.currency,
            resolution=resolution,
            waiting_minor=waiting_minor,
        )
    except ValueError as error:
        raise InvalidInput.at("resolution", "resolution_contradicts", str(error)) from None


def actor_of(viewer: Viewer) -> str:
    """Whose word it is, as the journal names them."""
    return "system" if viewer.user_id is None else f"user:{viewer.user_id}"
