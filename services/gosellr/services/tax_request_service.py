"""Sellers who don't say who they are to the tax authorities: asked, reminded, and paid later.

Who is asked is who stands in the report: everybody who sold something in a year that is still to be
reported. Each step is written down together with the fact that its letter follows from, so that
none is told twice, and counts from the one before, so that a market that stood still for months
begins where it stopped and skips nothing. What is withheld is an ordinary hold of payouts in the
market's own words. Another one has the first word; when it ends, this one takes its place again.
"""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from gosellr.core.db import Connection
from gosellr.core.errors import NotAllowed, NotFound
from gosellr.models.events import Fact, FactType
from gosellr.models.tax_identity_values import TaxRequest
from gosellr.queries import outbox, payout_settings, payout_withdrawals, tax_requests
from gosellr.services.seller_scope import require_no_part
from gosellr.utils.payouts import DEFAULT_SCHEDULE, next_due
from gosellr.utils.permissions import Permission
from gosellr.utils.statement_figures import SALE_KINDS
from gosellr.utils.tax_requests import (
    LAST_NOTICE,
    REMINDED_AFTER,
    TAX_HOLD_REASON,
    WITHHELD_AFTER,
    RequestStep,
    reported_since,
    withheld_from,
)
from gosellr.utils.viewer import Viewer


async def ask(connection: Connection, *, withholds: bool, limit: int, now: datetime) -> int:
    """Ask the next sellers for the first time; gives how many. `withholds` says whether the market
    will keep payouts back, which the letter then tells."""
    asked = await tax_requests.ask(
        connection, kinds=sorted(SALE_KINDS), since=reported_since(now), limit=limit, now=now
    )
    await _tell(connection, asked, RequestStep.ASKED, withholds=withholds, now=now)
    return len(asked)


async def remind(connection: Connection, *, withholds: bool, limit: int, now: datetime) -> int:
    """Remind the next sellers whose time has come, of each kind of reminder as many; gives how
    many. Nobody is reminded twice by one call."""
    again = await tax_requests.remind_again(
        connection, reminded_by=now - REMINDED_AFTER, limit=limit, now=now
    )
    await _tell(connection, again, RequestStep.REMINDED_AGAIN, withholds=withholds, now=now)
    first = await tax_requests.remind(
        connection, asked_by=now - REMINDED_AFTER, limit=limit, now=now
    )
    await _tell(connection, first, RequestStep.REMINDED, withholds=withholds, now=now)
    return max(len(again), len(first))


async def due_to_withhold(connection: Connection, *, limit: int, now: datetime) -> list[UUID]:
    """Sellers whose payouts are to wait from now on."""
    return await tax_requests.due_to_withhold(
        connection, asked_by=now - WITHHELD_AFTER, reminded_by=now - LAST_NOTICE, limit=limit
    )


async def withhold(connection: Connection, *, seller_id: UUID, now: datetime) -> bool:
    """Pay a seller nothing until it says who it is; False where it has said it meanwhile."""
    await payout_settings.lock(
        connection,
        seller_id=seller_id,
        default=DEFAULT_SCHEDULE,
        next_due_at=next_due(DEFAULT_SCHEDULE, after=now),
        now=now,
    )
    request = await tax_requests.withhold(
        connection,
        seller_id=seller_id,
        asked_by=now - WITHHELD_AFTER,
        reminded_by=now - LAST_NOTICE,
        now=now,
    )
    if request is None:
        return False
    await take_over(connection, seller_id=seller_id, now=now)
    await _tell(connection, [request], RequestStep.WITHHELD, withholds=True, now=now)
    return True


async def take_over(connection: Connection, *, seller_id: UUID, now: datetime) -> bool:
    """Where another hold has just ended, hold the payouts that are withheld; whether they are.

    The caller holds the lock of the seller's payout settings.
    """
    if not await tax_requests.hold(
        connection, seller_id=seller_id, reason=TAX_HOLD_REASON, now=now
    ):
        return False
    await _tell_hold(connection, seller_id, is_held=True, now=now)
    return True


async def withheld(connection: Connection, *, limit: int) -> list[UUID]:
    """Sellers whose payouts wait."""
    return await tax_requests.withheld(connection, limit=limit)


async def stop(connection: Connection, *, seller_id: UUID, now: datetime) -> bool:
    """Withhold nothing of a seller any more, because the market doesn't; False where it didn't."""
    await tax_requests.lock_settings(connection, seller_id=seller_id)
    request = await tax_requests.stop(connection, seller_id=seller_id)
    if request is None:
        return False
    await _let_go(connection, request, now=now)
    return True


async def end(connection: Connection, *, seller_id: UUID, now: datetime) -> None:
    """A seller has said who it is: it is asked no more, and what was withheld goes on at once."""
    await tax_requests.lock_settings(connection, seller_id=seller_id)
    request = await tax_requests.end(connection, seller_id=seller_id, now=now)
    if request is not None and request.withheld_at is not None:
        await _let_go(connection, request, now=now)


async def lift(
    connection: Connection, *, viewer: Viewer, seller_id: UUID, reason: str, now: datetime
) -> TaxRequest:
    """Let a seller's payouts go on though it hasn't said who it is, for a reason that it may read,
    until somebody takes that back. Said again, also by somebody else, it changes nothing.

    Raises:
        NotAllowed: the viewer runs no market, or acts for the seller.
        NotFound: nothing is asked of such a seller.
    """
    user_id = _operator(viewer, seller_id=seller_id)
    await tax_requests.lock_settings(connection, seller_id=seller_id)
    request = await tax_requests.lift(
        connection, seller_id=seller_id, user_id=user_id, reason=reason, now=now
    )
    if request is None:
        return await _open(connection, seller_id=seller_id)
    about = {"by": str(user_id), "reason": reason}
    fact = Fact(FactType.SELLER_TAX_HOLD_LIFTED, seller_id, about)
    await outbox.append(connection, [fact], now=now)
    await _let_go(connection, request, now=now)
    return request


async def restore(
    connection: Connection, *, viewer: Viewer, seller_id: UUID, withholds: bool, now: datetime
) -> TaxRequest:
    """Take that back: where the market withholds, and the seller's time is over, nothing is paid
    from now on. Where nobody had let them go, nothing changes.

    Raises:
        NotAllowed: the viewer runs no market, or acts for the seller.
        NotFound: nothing is asked of such a seller.
    """
    user_id = _operator(viewer, seller_id=seller_id)
    await tax_requests.lock_settings(connection, seller_id=seller_id)
    if await tax_requests.restore(connection, seller_id=seller_id) is not None:
        fact = Fact(FactType.SELLER_TAX_HOLD_RESTORED, seller_id, {"by": str(user_id)})
        await outbox.append(connection, [fact], now=now)
        if withholds:
            await withhold(connection, seller_id=seller_id, now=now)
    return await _open(connection, seller_id=seller_id)


async def of_sellers(
    connection: Connection, *, seller_ids: Sequence[UUID]
) -> dict[UUID, TaxRequest]:
    """How often each of these sellers was asked. Whoever asks may read it of all of them."""
    found = await tax_requests.find(connection, seller_ids=seller_ids)
    return {one.seller_id: one for one in found}


async def find_open(
    connection: Connection, *, viewer: Viewer, seller_id: UUID
) -> TaxRequest | None:
    """How often a shop was asked that still hasn't said it; None where nothing is asked of it.

    Raises:
        NotFound: for whoever is neither of the shop nor of the market.
    """
    if seller_id not in viewer.memberships and not viewer.may_as_staff(
        Permission.TAX_IDENTITY_READ
    ):
        raise NotFound
    return await tax_requests.find_open(connection, seller_id=seller_id)


async def find_for_operator(
    connection: Connection, *, viewer: Viewer, seller_id: UUID
) -> TaxRequest:
    """The same for whoever decides about it. Raises `NotFound` where nothing is asked of it."""
    _operator(viewer, seller_id=None)
    return await _open(connection, seller_id=seller_id)


def _operator(viewer: Viewer, *, seller_id: UUID | None) -> UUID:
    if not viewer.is_operator or viewer.user_id is None:
        raise NotAllowed
    if seller_id is not None:
        require_no_part(viewer, seller_id=seller_id)
    return viewer.user_id


async def _open(connection: Connection, *, seller_id: UUID) -> TaxRequest:
    found = await tax_requests.find_open(connection, seller_id=seller_id)
    if found is None:
        raise NotFound
    return found


async def _let_go(connection: Connection, request: TaxRequest, *, now: datetime) -> None:
    # A person's hold stays, and so does any other of the market.
    if await payout_withdrawals.let_go(
        connection, seller_id=request.seller_id, reason=TAX_HOLD_REASON, now=now
    ):
        await _tell_hold(connection, request.seller_id, is_held=False, now=now)
        await _tell(connection, [request], RequestStep.LET_GO, withholds=False, now=now)


async def _tell(
    connection: Connection,
    requests: Sequence[TaxRequest],
    step: RequestStep,
    *,
    withholds: bool,
    now: datetime,
) -> None:
    facts = []
    for one in requests:
        waits_from = withheld_from(asked_at=one.asked_at, reminded_again_at=one.reminded_again_at)
        about = {
            "step": step.value,
            "asked_at": one.asked_at.isoformat(),
            "withheld_from": waits_from.isoformat() if withholds and not one.lifted_at else None,
        }
        facts.append(Fact(FactType.SELLER_TAX_IDENTITY_ASKED, one.seller_id, about))
    if facts:
        await outbox.append(connection, facts, now=now)


async def _tell_hold(
    connection: Connection, seller_id: UUID, *, is_held: bool, now: datetime
) -> None:
    about = {"fields": ["hold"], "is_held": is_held, "changed_by": None}
    fact = Fact(FactType.PAYOUT_SETTINGS_CHANGED, seller_id, about)
    await outbox.append(connection, [fact], now=now)
