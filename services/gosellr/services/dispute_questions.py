"""Questions about cases: which there are, what is in each, and which wait to be worked on."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from uuid import UUID

from gosellr.core.db import Connection
from gosellr.core.errors import NotFound
from gosellr.core.pagination import Page, decode_cursor, decode_moment_cursor, encode_cursor
from gosellr.models.dispute_values import (
    Chargeback,
    Dispute,
    DisputeFile,
    DisputeFolder,
    ListedChargeback,
)
from gosellr.models.order_values import Order
from gosellr.queries import chargebacks, dispute_folders, dispute_reviews, disputes
from gosellr.utils.disputes import DisputeAction, DisputeKind, allowed_actions
from gosellr.utils.lazy_dataclasses import dataclass
from gosellr.utils.permissions import Permission, may, may_as_member
from gosellr.utils.states import Actor
from gosellr.utils.viewer import Viewer


@dataclass(frozen=True, slots=True, kw_only=True)
class DisputeFilters:
    """Which cases; None for any."""

    status: str | None = None
    seller_id: UUID | None = None
    order_id: UUID | None = None
    kind: str | None = None
    # Any of these.
    statuses: tuple[str, ...] | None = None
    # Only those of the viewer's own orders.
    as_buyer: bool = False
    # Only those in which an operator has to do something.
    waits_for_market: bool = False


@dataclass(frozen=True, slots=True)
class ListedDispute:
    """A case in a list, with its order's number, and of a chargeback how far it has gone."""

    dispute: Dispute
    order_number: int
    is_buyer: bool
    stage: str | None


async def is_charged_back(connection: Connection, *, order: Order) -> bool:
    """Whether a bank has taken money of an order back and hasn't decided yet."""
    if not order.open_dispute_count:
        return False
    cases = await disputes.open_of_order(connection, order_id=order.id)
    return any(case.is_chargeback for case in cases)


async def find_case(connection: Connection, *, viewer: Viewer, dispute_id: UUID) -> DisputeFolder:
    """A case with all that belongs to it.

    Raises:
        NotFound: there is none for the viewer.
    """
    folder = await dispute_folders.find(connection, viewer=viewer, dispute_id=dispute_id)
    if folder is None:
        raise NotFound
    return folder


async def find_file(
    connection: Connection, *, viewer: Viewer, dispute_id: UUID, file_id: UUID
) -> DisputeFile:
    """A file of a case that the viewer may read.

    Raises:
        NotFound: there is none for the viewer.
    """
    folder = await find_case(connection, viewer=viewer, dispute_id=dispute_id)
    for file in folder.files:
        if file.id == file_id:
            return file
    raise NotFound


async def list_cases(
    connection: Connection,
    *,
    viewer: Viewer,
    filters: DisputeFilters,
    cursor: str | None,
    limit: int,
) -> Page[ListedDispute]:
    """Cases that the viewer may read, newest first; whoever runs the market sees what waits for
    operators too long before all others.

    Raises:
        InvalidInput: the cursor isn't one of ours.
    """
    rows = await dispute_folders.page(
        connection,
        viewer=viewer,
        status=filters.status,
        seller_id=filters.seller_id,
        order_id=filters.order_id,
        kind=filters.kind,
        statuses=filters.statuses,
        as_buyer=filters.as_buyer,
        waits_for_market=filters.waits_for_market,
        after=None if cursor is None else _place(cursor),
        limit=limit + 1,
    )
    items = [ListedDispute(*row) for row in rows[:limit]]
    if len(rows) <= limit:
        return Page(items, None)
    last = items[-1].dispute
    stands_first = viewer.sees_everything and last.review_overdue_at is not None
    return Page(items, encode_cursor(last.opened_at.isoformat(), str(last.id), int(stands_first)))


def _place(cursor: str) -> tuple[datetime, UUID, bool]:
    moment, identity, stands_first = decode_cursor(cursor, kinds=(str, str, int))
    return *decode_moment_cursor(encode_cursor(moment, identity)), bool(stands_first)


_ASKS_FOR = {
    DisputeAction.MESSAGE: Permission.DISPUTE_MESSAGE,
    DisputeAction.ANSWER: Permission.DISPUTE_MESSAGE,
    DisputeAction.EVIDENCE: Permission.DISPUTE_MESSAGE,
    DisputeAction.ACCEPT: Permission.DISPUTE_ACCEPT,
    DisputeAction.ESCALATE: Permission.DISPUTE_ESCALATE,
    DisputeAction.DECIDE: Permission.DISPUTE_DECIDE,
}


def actions_of(viewer: Viewer, *, dispute: Dispute, is_buyer: bool) -> list[DisputeAction]:
    """What the viewer may do with a case now."""
    role = None if dispute.seller_id is None else viewer.memberships.get(dispute.seller_id)
    held = {
        Actor.OPERATOR: viewer.sees_everything
        and not viewer.is_party(dispute.seller_id, is_buyer=is_buyer),
        Actor.SELLER: role is not None,
        Actor.BUYER: is_buyer,
    }
    found: dict[DisputeAction, None] = {}
    for actor in (one for one, has in held.items() if has):
        own = allowed_actions(
            kind=DisputeKind(dispute.kind),
            status=dispute.stands,
            actor=actor,
            is_final=dispute.is_final,
            is_of_card=dispute.is_of_card,
        )
        for action in own:
            permission = _ASKS_FOR[action]
            by_role = actor is not Actor.SELLER or (
                role is not None and may_as_member(role, permission)
            )
            if by_role and may(viewer.roles, permission):
                found[action] = None
    return list(found)


def sees_money(viewer: Viewer, dispute: Dispute) -> bool:
    """Whether what is frozen of the seller's is the viewer's to know."""
    return viewer.sees_everything or dispute.seller_id in viewer.memberships


async def due_cases(connection: Connection, *, now: datetime, limit: int) -> list[UUID]:
    """Cases in which somebody let a deadline pass."""
    return await disputes.due(connection, now=now, limit=limit)


async def unreviewed_cases(
    connection: Connection, *, now: datetime, reminder: timedelta, limit: int
) -> list[UUID]:
    """Cases that operators are to be reminded of, or have left lying too long."""
    return await dispute_reviews.due(connection, now=now, reminder=reminder, limit=limit)


async def settled_cases(connection: Connection, *, after: UUID, limit: int) -> list[UUID]:
    """Cases whose refund was answered and which aren't closed yet."""
    return await disputes.settling(connection, after=after, limit=limit)


async def due_evidence(connection: Connection, *, now: datetime, limit: int) -> list[Chargeback]:
    """Chargebacks whose evidence is to be sent now."""
    return await chargebacks.due(connection, now=now, limit=limit)


async def chargebacks_otherwise(
    connection: Connection, *, gateway: str, standing: Mapping[str, ListedChargeback]
) -> set[str]:
    """Those of the chargebacks that a gateway lists, each with how it stands there, that stand
    otherwise here or aren't known."""
    return await chargebacks.otherwise(connection, gateway=gateway, standing=standing)


async def cases_of_chargeback(
    connection: Connection, *, viewer: Viewer, chargeback_id: UUID
) -> Sequence[DisputeFolder]:
    """Every case of a chargeback with all that belongs to it, for who sees everything."""
    cases = await disputes.of_chargeback(connection, chargeback_id=chargeback_id)
    return [await find_case(connection, viewer=viewer, dispute_id=case.id) for case in cases]
