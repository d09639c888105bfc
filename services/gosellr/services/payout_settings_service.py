"""When and where a seller is paid: its own wishes, an operator's hold, and a guarded account."""

from collections.abc import Mapping
from datetime import datetime
from uuid import UUID

from gosellr.core.db import Connection
from gosellr.core.errors import Conflict, InvalidInput, NotAllowed, NotFound, VersionConflict
from gosellr.models.events import Fact, FactType
from gosellr.models.payout_values import PayoutDestination, PayoutSettings
from gosellr.queries import ledger, outbox, payout_settings
from gosellr.services import payout_terms, tax_request_service
from gosellr.services.seller_scope import require_in_seller, require_no_part, require_of_shop
from gosellr.utils.lazy_dataclasses import dataclass
from gosellr.utils.payouts import (
    DEFAULT_SCHEDULE,
    InvalidSchedule,
    Schedule,
    ScheduleKind,
    next_due,
)
from gosellr.utils.permissions import Permission
from gosellr.utils.policy import MarketPolicy
from gosellr.utils.tax_requests import TAX_HOLD_REASON
from gosellr.utils.viewer import Viewer


class TaxHoldStays(Conflict):
    """The payouts wait until the seller says who it is: whoever lets them go says so of that."""

    code = "tax_hold_stays"
    title = "These payouts wait until the seller says who it is to the tax authorities"


@dataclass(frozen=True, slots=True, kw_only=True)
class NewDestination:
    """An account to be paid to, encrypted for the row that it will be."""

    destination_id: UUID
    method: str
    account_encrypted: bytes
    last_four: str


async def find_settings(
    connection: Connection, *, viewer: Viewer, seller_id: UUID
) -> PayoutSettings:
    """A seller's settings, or the defaults.

    Raises:
        NotFound, NotAllowed: that isn't for the viewer to know.
    """
    await _require_reader(connection, viewer, seller_id, Permission.PAYOUT_READ)
    settings = await payout_settings.find(connection, seller_id=seller_id)
    return settings or payout_terms.default_settings(seller_id)


async def find_destination(
    connection: Connection, *, viewer: Viewer, seller_id: UUID
) -> PayoutDestination:
    """Where a seller is paid to.

    Raises:
        NotFound, NotAllowed: there is none, or that isn't for the viewer to know.
    """
    await _require_reader(connection, viewer, seller_id, Permission.PAYOUT_ACCOUNT_READ)
    destination = await payout_settings.current_destination(connection, seller_id=seller_id)
    if destination is None:
        raise NotFound
    return destination


async def change_settings(
    connection: Connection,
    *,
    viewer: Viewer,
    seller_id: UUID,
    changes: Mapping[str, object],
    minimums: Mapping[str, int] | None,
    expected_version: int | None,
    now: datetime,
) -> PayoutSettings:
    """Change when a seller is paid. Naming a schedule replaces the one before as a whole.

    Raises:
        NotFound, NotAllowed: that isn't for the viewer to do.
        InvalidInput: the schedule contradicts itself.
        VersionConflict: it was changed meanwhile.
    """
    require_in_seller(viewer, seller_id=seller_id, permission=Permission.PAYOUT_ACCOUNT_WRITE)
    if viewer.is_operator and not await ledger.seller_exists(connection, seller_id=seller_id):
        raise NotFound
    before = await _locked(connection, seller_id=seller_id, now=now)
    if expected_version not in (None, before.version):
        raise VersionConflict
    schedule = _schedule(changes) if "schedule" in changes else before.schedule
    next_due_at = before.next_due_at
    if schedule != before.schedule:
        next_due_at = next_due(schedule, after=now)
    await payout_settings.change(
        connection,
        seller_id=seller_id,
        schedule=schedule,
        minimums=before.minimums if minimums is None else minimums,
        next_due_at=next_due_at,
        now=now,
    )
    fields = sorted([*changes, *([] if minimums is None else ["minimums"])])
    await _tell(connection, seller_id, {"fields": fields}, viewer=viewer, now=now)
    return await _found(connection, seller_id=seller_id)


def _schedule(changes: Mapping[str, object]) -> Schedule:
    weekday, day_of_month = changes.get("weekday"), changes.get("day_of_month")
    try:
        return Schedule(
            ScheduleKind(str(changes["schedule"])),
            weekday if isinstance(weekday, int) else None,
            day_of_month if isinstance(day_of_month, int) else None,
        )
    except InvalidSchedule:
        raise InvalidInput.at(
            "schedule",
            "schedule_contradicts_itself",
            "weekly needs a weekday, monthly a day of the month, and the others neither",
        ) from None


async def hold(
    connection: Connection, *, viewer: Viewer, seller_id: UUID, reason: str | None, now: datetime
) -> PayoutSettings:
    """Stop a seller's payouts for a reason that the seller may read; without one, let them go on.

    Raises:
        NotFound, NotAllowed: there is no such seller, or the viewer runs no market or acts for it.
        TaxHoldStays: what holds them is that the seller hasn't said who it is.
    """
    if not viewer.is_operator:
        raise NotAllowed
    require_no_part(viewer, seller_id=seller_id)
    if not await ledger.seller_exists(connection, seller_id=seller_id):
        raise NotFound
    before = await _locked(connection, seller_id=seller_id, now=now)
    await payout_settings.hold(
        connection, seller_id=seller_id, reason=reason, user_id=viewer.user_id, now=now
    )
    said = {"fields": ["hold"], "is_held": reason is not None}
    await _tell(connection, seller_id, said, viewer=viewer, now=now)
    if reason is None:
        # What is withheld by law isn't let go with it.
        is_withheld = await tax_request_service.take_over(connection, seller_id=seller_id, now=now)
        if is_withheld and before.hold_reason == TAX_HOLD_REASON:
            raise TaxHoldStays
    return await _found(connection, seller_id=seller_id)


async def change_destination(
    connection: Connection,
    *,
    viewer: Viewer,
    seller_id: UUID,
    new: NewDestination,
    policy: MarketPolicy,
    now: datetime,
) -> PayoutDestination:
    """Pay a seller to another account from now on, or after a while where it replaces one.

    Whoever could be reached under the old one is told by the fact, which names both.

    Raises:
        NotFound, NotAllowed: that isn't for the viewer to do; it is for no operator.
    """
    require_of_shop(viewer, seller_id=seller_id)
    await _locked(connection, seller_id=seller_id, now=now)
    old = await payout_settings.retire_destination(connection, seller_id=seller_id, now=now)
    destination = PayoutDestination(
        id=new.destination_id,
        seller_id=seller_id,
        method=new.method,
        last_four=new.last_four,
        created_at=now,
        usable_from=now if old is None else now + policy.payout_change_hold,
        created_by=viewer.user_id,
    )
    await payout_settings.add_destination(
        connection, destination=destination, account_encrypted=new.account_encrypted
    )
    about = {
        "seller_id": str(seller_id),
        "changed_by": None if viewer.user_id is None else str(viewer.user_id),
        "last_four": destination.last_four,
        "previous_last_four": None if old is None else old.last_four,
        "usable_from": destination.usable_from.isoformat(),
    }
    fact = Fact(FactType.PAYOUT_DESTINATION_CHANGED, destination.id, about)
    await outbox.append(connection, [fact], now=now)
    return destination


async def _locked(connection: Connection, *, seller_id: UUID, now: datetime) -> PayoutSettings:
    return await payout_settings.lock(
        connection,
        seller_id=seller_id,
        default=DEFAULT_SCHEDULE,
        next_due_at=next_due(DEFAULT_SCHEDULE, after=now),
        now=now,
    )


async def _found(connection: Connection, *, seller_id: UUID) -> PayoutSettings:
    settings = await payout_settings.find(connection, seller_id=seller_id)
    if settings is None:
        raise RuntimeError(f"the settings of seller {seller_id} are gone")
    return settings


async def _require_reader(
    connection: Connection, viewer: Viewer, seller_id: UUID, permission: Permission
) -> None:
    if not viewer.may_as_staff(permission):
        require_in_seller(viewer, seller_id=seller_id, permission=permission)
    elif not await ledger.seller_exists(connection, seller_id=seller_id):
        raise NotFound


async def _tell(
    connection: Connection,
    seller_id: UUID,
    said: Mapping[str, object],
    *,
    viewer: Viewer,
    now: datetime,
) -> None:
    by = None if viewer.user_id is None else str(viewer.user_id)
    fact = Fact(FactType.PAYOUT_SETTINGS_CHANGED, seller_id, {**said, "changed_by": by})
    await outbox.append(connection, [fact], now=now)
