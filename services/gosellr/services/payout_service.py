"""Payouts, first step: what leaves is claimed and booked before a provider is told."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from gosellr.core.db import Connection
from gosellr.core.errors import Conflict, NotAllowed, NotFound
from gosellr.core.identity import new_id
from gosellr.models.payout_values import Payout, PayoutSettings
from gosellr.queries import payout_settings, payouts
from gosellr.services import (
    idempotency_service,
    payout_opening,
    payout_outcome,
    payout_terms,
    seller_scope,
)
from gosellr.services.idempotency_service import EarlierRequest, RequestKey
from gosellr.services.payout_opening import Opened, PayoutRequest, Skipped
from gosellr.services.payout_terms import DestinationTooNew, PayoutAccountNotReady, PayoutsHeld
from gosellr.services.reconciliation_service import PayoutsStopped
from gosellr.utils.payouts import BY_FILE, PayoutStatus, Schedule, ScheduleKind, next_due
from gosellr.utils.permissions import Permission
from gosellr.utils.policy import MarketPolicy
from gosellr.utils.viewer import Viewer

# What keeps a seller's money only for a while: its day isn't over with that.
_PASSING = (PayoutsHeld, DestinationTooNew, PayoutAccountNotReady)


class PayoutNotWaiting(Conflict):
    """It was approved or cancelled before, or never had to wait."""

    code = "payout_not_waiting"
    title = "This payout isn't waiting for approval"


class PayoutNotFailed(Conflict):
    """Only what failed is tried again; what has no answer yet is asked after by itself."""

    code = "payout_not_failed"
    title = "This payout didn't fail"


async def open_payout(
    connection: Connection,
    *,
    viewer: Viewer,
    seller_id: UUID | None,
    currency: str,
    key: RequestKey,
    policy: MarketPolicy,
    now: datetime,
) -> Opened | EarlierRequest:
    """Make a payout of all that is available to a seller in one currency.

    Raises:
        NotFound, NotAllowed, InvalidInput, IdempotencyKeyReused, and the refusals of
        `payout_terms`: and then nothing was changed.
    """
    seller_id = seller_scope.seller_acted_for(
        viewer, seller_id=seller_id, permission=Permission.PAYOUT_CREATE
    )
    payout_id = new_id()
    earlier = await idempotency_service.claim(
        connection,
        request=key,
        resource_id=str(payout_id),
        now=now,
        kept_for=policy.idempotency_kept_for,
    )
    if earlier is not None:
        return earlier
    terms = await payout_terms.keep(connection, seller_id=seller_id, now=now)
    request = PayoutRequest(
        seller_id=seller_id, currency=currency, origin="requested", requested_by=viewer.user_id
    )
    return await payout_opening.open_one(
        connection, request, payout_id=payout_id, terms=terms, policy=policy, now=now
    )


async def open_again(
    connection: Connection,
    *,
    viewer: Viewer,
    payout_id: UUID,
    key: RequestKey,
    policy: MarketPolicy,
    now: datetime,
) -> Opened | EarlierRequest:
    """Make a new payout in place of one that failed: of all that is available by now.

    Raises:
        NotFound, PayoutNotFailed, and what `open_payout` raises.
    """
    failed = await payouts.find(connection, viewer=viewer, payout_id=payout_id)
    if failed is None:
        raise NotFound
    if failed.status is not PayoutStatus.FAILED:
        raise PayoutNotFailed
    return await open_payout(
        connection,
        viewer=viewer,
        seller_id=failed.seller_id,
        currency=failed.currency,
        key=key,
        policy=policy,
        now=now,
    )


async def open_scheduled(
    connection: Connection, *, seller_id: UUID, policy: MarketPolicy, now: datetime
) -> list[Opened]:
    """Make a seller's payouts if its schedule says so, and move the schedule on: to its next day,
    or, where something stands in the way that may be over tomorrow, to tomorrow.

    Any number of schedulers may do so at once: one of them finds the seller due.
    """
    settings = await payout_settings.take_due(connection, seller_id=seller_id, now=now)
    if settings is None:
        return []
    try:
        terms = await payout_terms.keep(connection, seller_id=seller_id, now=now, settings=settings)
    except Conflict as obstacle:
        await _move_on(connection, settings, is_late=isinstance(obstacle, _PASSING), now=now)
        return []
    request = PayoutRequest(seller_id=seller_id, currency="", origin="scheduled")
    opened, skipped = await payout_opening.open_each(
        connection, request, terms=terms, policy=policy, now=now
    )
    is_late = not opened and any(one.code == PayoutsStopped.code for one in skipped)
    await _move_on(connection, settings, is_late=is_late, now=now)
    return opened


async def _move_on(
    connection: Connection, settings: PayoutSettings, *, is_late: bool, now: datetime
) -> None:
    schedule = Schedule(ScheduleKind.DAILY) if is_late else settings.schedule
    await payout_settings.move_on(
        connection, seller_id=settings.seller_id, next_due_at=next_due(schedule, after=now)
    )


async def begin_batch(
    connection: Connection,
    *,
    viewer: Viewer,
    key: RequestKey,
    policy: MarketPolicy,
    now: datetime,
) -> UUID | EarlierRequest:
    """Claim the key of a batch; gives the batch's id.

    Raises:
        NotAllowed, IdempotencyKeyReused.
    """
    if not viewer.is_operator:
        raise NotAllowed
    batch_id = new_id()
    earlier = await idempotency_service.claim(
        connection,
        request=key,
        resource_id=str(batch_id),
        now=now,
        kept_for=policy.idempotency_kept_for,
    )
    return earlier or batch_id


async def open_in_batch(
    connection: Connection,
    *,
    viewer: Viewer,
    seller_id: UUID,
    batch_id: UUID,
    currency: str | None,
    policy: MarketPolicy,
    now: datetime,
) -> tuple[list[Opened], list[Skipped]]:
    """Make a seller's payouts, whatever its schedule; gives them, and what was passed over, and
    why."""
    try:
        terms = await payout_terms.keep(connection, seller_id=seller_id, now=now)
    except Conflict as refusal:
        return [], [Skipped(seller_id, currency, refusal.code)]
    request = PayoutRequest(
        seller_id=seller_id,
        currency=currency or "",
        origin="batch",
        requested_by=viewer.user_id,
        batch_id=batch_id,
    )
    return await payout_opening.open_each(connection, request, terms=terms, policy=policy, now=now)


async def approve(
    connection: Connection, *, viewer: Viewer, payout_id: UUID, now: datetime
) -> None:
    """Let a large payout go: a second operator's word, who has no part in the seller.

    Said again by the same person, it changes nothing.

    Raises:
        NotFound: there is no such payout.
        NotAllowed: the viewer asked for it, acts for its seller, or named the account.
        PayoutNotWaiting, and the holds of `payout_terms`.
        PayoutAccountReplaced: the seller is paid elsewhere by now.
    """
    payout = await _payout_of(connection, viewer=viewer, payout_id=payout_id)
    if payout.approved_by is not None and payout.approved_by == viewer.user_id:
        return
    if viewer.user_id is None or viewer.user_id == payout.requested_by:
        raise NotAllowed("Somebody else has to approve what you asked for")
    if payout.seller_id in viewer.memberships:
        raise NotAllowed("Nobody approves payouts of their own shop")
    terms = await payout_terms.keep(connection, seller_id=payout.seller_id, now=now)
    if payout.status is PayoutStatus.AWAITING_APPROVAL:
        payout_terms.check_destination(payout, terms)
    if terms.destination.created_by == viewer.user_id:
        raise NotAllowed("Somebody else has to approve payouts to an account that you named")
    if not await payouts.approve(
        connection,
        payout_id=payout_id,
        user_id=viewer.user_id,
        check_at=None if payout.provider in BY_FILE else now + payout_opening.FIRST_CHECK_AFTER,
        now=now,
    ):
        raise PayoutNotWaiting


async def cancel(
    connection: Connection, *, viewer: Viewer, payout_id: UUID, reason: str, now: datetime
) -> None:
    """Call back a payout that still waits for approval; its money is available again.

    Raises:
        NotFound: there is no such payout.
        PayoutNotWaiting: it was let go, or called back before.
    """
    payout = await _payout_of(connection, viewer=viewer, payout_id=payout_id)
    if not await payout_outcome.call_back(
        connection, payout=payout, reason=reason, actor=f"user:{viewer.user_id}", now=now
    ):
        raise PayoutNotWaiting


async def _payout_of(connection: Connection, *, viewer: Viewer, payout_id: UUID) -> Payout:
    if not viewer.is_operator:
        raise NotAllowed
    payout = await payouts.load(connection, payout_id=payout_id)
    if payout is None:
        raise NotFound
    return payout


async def due_sellers(connection: Connection, *, now: datetime, limit: int) -> Sequence[UUID]:
    """Sellers whose schedule says that it is time."""
    return await payout_settings.due_sellers(connection, now=now, limit=limit)


async def payable_sellers(
    connection: Connection, *, after: UUID, currency: str | None, limit: int
) -> list[UUID]:
    """The next sellers, by id, with something to be paid."""
    return await payouts.payable(connection, after=after, currency=currency, limit=limit)
