"""A change of the account that a seller is paid to, withdrawn by whoever was told of it in time.

The account before takes its place again, and nothing is paid until an owner of the shop has proven
again who they are: somebody was in the shop's account who shouldn't have been, or will say so.
"""

from datetime import datetime
from uuid import UUID

from gosellr.core.db import Connection
from gosellr.core.errors import Conflict, NotFound
from gosellr.models.events import Fact, FactType
from gosellr.models.payout_values import DestinationChange
from gosellr.queries import outbox, payout_settings, payout_withdrawals
from gosellr.services import tax_request_service
from gosellr.services.seller_scope import require_of_shop
from gosellr.utils.payouts import DEFAULT_SCHEDULE, WITHDRAWN_HOLD_REASON, next_due
from gosellr.utils.tax_requests import TAX_HOLD_REASON
from gosellr.utils.viewer import Viewer


class TooLateToWithdraw(Conflict):
    """The account is paid to already, or another one took its place, or it was withdrawn."""

    code = "payout_change_settled"
    title = "This change can't be withdrawn any more"


class NotHeldForOwner(Conflict):
    """Nothing waits for the shop's own word."""

    code = "payouts_not_held"
    title = "The payouts aren't held for that"


async def find_change(connection: Connection, *, destination_id: UUID) -> DestinationChange:
    """A change of an account. Whoever calls has proven that it was told of it.

    Raises:
        NotFound: there is none.
    """
    change = await payout_withdrawals.find(connection, destination_id=destination_id)
    if change is None:
        raise NotFound
    return change


async def withdraw(
    connection: Connection, *, destination_id: UUID, now: datetime
) -> DestinationChange:
    """Undo a change of an account, once and while the account waits, and hold the shop's payouts.

    Raises:
        NotFound, TooLateToWithdraw.
    """
    change = await find_change(connection, destination_id=destination_id)
    settings = await payout_settings.lock(
        connection,
        seller_id=change.seller_id,
        default=DEFAULT_SCHEDULE,
        next_due_at=next_due(DEFAULT_SCHEDULE, after=now),
        now=now,
    )
    # Read again: whoever came first has written.
    change = await find_change(connection, destination_id=destination_id)
    if change.previous_id is None or not change.may_withdraw(now):
        raise TooLateToWithdraw
    if not await payout_withdrawals.withdraw(connection, destination_id=change.id, now=now):
        raise RuntimeError(f"account {change.id} moved under its seller's lock")
    if not await payout_withdrawals.restore(connection, destination_id=change.previous_id):
        raise RuntimeError(f"account {change.previous_id} was withdrawn before it was replaced")
    # What is withheld until the shop says who it is ends with that; this hold must not.
    made_way = await payout_withdrawals.let_go(
        connection, seller_id=change.seller_id, reason=TAX_HOLD_REASON, now=now
    )
    if settings.held_at is None or made_way:
        await payout_settings.hold(
            connection, seller_id=change.seller_id, reason=WITHDRAWN_HOLD_REASON, user_id=None,
            now=now,
        )  # fmt: skip
    about = {
        "seller_id": str(change.seller_id),
        "last_four": change.last_four,
        "restored_last_four": change.previous_last_four,
    }
    fact = Fact(FactType.PAYOUT_DESTINATION_WITHDRAWN, change.id, about)
    await outbox.append(connection, [fact], now=now)
    return await find_change(connection, destination_id=destination_id)


async def let_go(connection: Connection, *, viewer: Viewer, seller_id: UUID, now: datetime) -> None:
    """Let payouts go on that are held since a change was withdrawn. Whoever calls has proven again
    that they are who they say.

    Raises:
        NotFound, NotAllowed: that isn't for the viewer to do.
        NotHeldForOwner: they aren't held, or an operator holds them.
    """
    require_of_shop(viewer, seller_id=seller_id)
    if not await payout_withdrawals.let_go(
        connection, seller_id=seller_id, reason=WITHDRAWN_HOLD_REASON, now=now
    ):
        raise NotHeldForOwner
    about = {
        "fields": ["hold"],
        "is_held": False,
        "changed_by": None if viewer.user_id is None else str(viewer.user_id),
    }
    fact = Fact(FactType.PAYOUT_SETTINGS_CHANGED, seller_id, about)
    await outbox.append(connection, [fact], now=now)
    await tax_request_service.take_over(connection, seller_id=seller_id, now=now)
