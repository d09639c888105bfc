"""What takes two people: one proposes, another one approves or rejects, and nobody about their own
shop.

Nothing changes before the second person's word. What approving does is known to the service of the
proposal's kind: `proposal_approval` asks `second` for the proposal, lets that service do it, and
says `approved`, in one transaction.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from gosellr.core.db import Connection
from gosellr.core.errors import Conflict, NotAllowed, NotFound
from gosellr.core.identity import new_id
from gosellr.core.pagination import Page, after_moment, page_by_moment
from gosellr.models.events import Fact, FactType
from gosellr.models.proposal_values import Proposal
from gosellr.queries import outbox, proposals
from gosellr.services.seller_scope import require_no_part, require_of_shop
from gosellr.utils.permissions import Permission
from gosellr.utils.proposals import SECOND_PERSON_PERMISSIONS, ProposalKind
from gosellr.utils.viewer import Viewer


class ProposalNotOpen(Conflict):
    """Somebody has decided about it before."""

    code = "proposal_not_open"
    title = "This proposal is decided already"


class ProposalWaits(Conflict):
    """One at a time is proposed about one thing; `proposal_id` names it."""

    code = "proposal_waits"
    title = "A change of this waits for a second person already"


def require_decider(viewer: Viewer, *, kind: ProposalKind, seller_ids: Iterable[UUID]) -> UUID:
    """Whoever may do such a thing for the market, and has no part in any of these sellers.

    Raises:
        NotAllowed: for everybody else.
    """
    if viewer.user_id is None or not viewer.may_as_staff(SECOND_PERSON_PERMISSIONS[kind]):
        raise NotAllowed
    for seller_id in seller_ids:
        require_no_part(viewer, seller_id=seller_id)
    return viewer.user_id


async def prepare(
    connection: Connection,
    *,
    viewer: Viewer,
    kind: ProposalKind,
    subject: str,
    wish: Mapping[str, Any],
    seller_ids: Iterable[UUID] = (),
    reason: str = "",
    proposal_id: UUID | None = None,
    secret_encrypted: bytes | None = None,
    now: datetime,
) -> Proposal:
    """Write down a wish for somebody else to approve. The same wish of the same person again, for
    the same reason, is the one that waits.

    Raises:
        NotAllowed: the viewer runs no market, or acts for a seller that it is about.
        ProposalWaits: something is proposed about this subject already.
    """
    named = sorted(set(seller_ids))
    user_id = require_decider(viewer, kind=kind, seller_ids=named)
    return await _write_down(
        connection, user_id=user_id, kind=kind, subject=subject, wish=wish, seller_ids=named,
        reason=reason, proposal_id=proposal_id or new_id(), secret_encrypted=secret_encrypted,
        now=now,
    )  # fmt: skip


async def prepare_for_shop(
    connection: Connection,
    *,
    viewer: Viewer,
    permission: Permission,
    seller_id: UUID,
    kind: ProposalKind,
    subject: str,
    wish: Mapping[str, Any],
    reason: str,
    proposal_id: UUID,
    now: datetime,
) -> Proposal:
    """Write down what one of a shop's people, with this permission there, wants to do with what is
    the shop's own, for somebody who runs the market to approve. Otherwise as `prepare`.

    Raises:
        NotAllowed, NotFound: as `seller_scope.require_of_shop`.
        ProposalWaits: something is proposed about this subject already.
    """
    require_of_shop(viewer, seller_id=seller_id, permission=permission)
    if viewer.user_id is None:
        raise NotAllowed
    return await _write_down(
        connection, user_id=viewer.user_id, kind=kind, subject=subject, wish=wish,
        seller_ids=[seller_id], reason=reason, proposal_id=proposal_id, secret_encrypted=None,
        now=now,
    )  # fmt: skip


async def _write_down(
    connection: Connection,
    *,
    user_id: UUID,
    kind: ProposalKind,
    subject: str,
    wish: Mapping[str, Any],
    seller_ids: Sequence[UUID],
    reason: str,
    proposal_id: UUID,
    secret_encrypted: bytes | None,
    now: datetime,
) -> Proposal:
    added = await proposals.add(
        connection,
        proposal_id=proposal_id,
        kind=kind,
        subject=subject,
        reason=reason,
        wish=wish,
        secret_encrypted=secret_encrypted,
        seller_ids=seller_ids,
        user_id=user_id,
        now=now,
    )
    if not added:
        held = await proposals.waiting(connection, subject=subject)
        if held is not None and _said(held) == (kind, wish, reason, user_id):
            return held
        raise ProposalWaits(extras={} if held is None else {"proposal_id": str(held.id)})
    prepared = await find(connection, proposal_id=proposal_id)
    await _tell(connection, FactType.PROPOSAL_PREPARED, prepared, user_id, now=now)
    return prepared


def _said(held: Proposal) -> tuple[str, Mapping[str, Any], str, UUID]:
    """All that makes it one wish and no other: why it is wished is read by those it is about."""
    return held.kind, held.wish, held.reason, held.prepared_by


async def second(connection: Connection, *, viewer: Viewer, proposal_id: UUID) -> Proposal:
    """The proposal, held for whoever may decide about it. Said again by the one who approved it,
    it is what it is: approved.

    Raises:
        NotFound: there is no such proposal.
        NotAllowed: it is the viewer's own, or is about a seller that the viewer acts for, or about
            what the viewer bought or would be given.
        ProposalNotOpen: it was decided before.
    """
    held = await proposals.lock(connection, proposal_id=proposal_id)
    if held is None:
        raise NotFound
    user_id = _decider(viewer, held)
    if held.status == "approved" and held.decided_by == user_id:
        return held
    if held.status != "prepared":
        raise ProposalNotOpen
    if held.prepared_by == user_id:
        raise NotAllowed("Somebody else has to decide about what you proposed")
    return held


async def approved(
    connection: Connection, *, held: Proposal, viewer: Viewer, now: datetime
) -> Proposal:
    """What was held by `second` is done now, in this transaction."""
    return await _decide(
        connection, held, viewer, status="approved", fact=FactType.PROPOSAL_APPROVED, now=now
    )


async def reject(
    connection: Connection, *, viewer: Viewer, proposal_id: UUID, reason: str, now: datetime
) -> Proposal:
    """Turn down what somebody else proposed; nothing changes.

    Raises:
        NotFound, NotAllowed, ProposalNotOpen: as `second`.
    """
    held = await second(connection, viewer=viewer, proposal_id=proposal_id)
    if held.status != "prepared":
        raise ProposalNotOpen
    return await _decide(
        connection, held, viewer, status="rejected", fact=FactType.PROPOSAL_REJECTED, note=reason,
        now=now,
    )  # fmt: skip


async def find(connection: Connection, *, proposal_id: UUID) -> Proposal:
    """A proposal as it stands. For operators. Raises `NotFound`."""
    found = await proposals.find(connection, proposal_id=proposal_id)
    if found is None:
        raise NotFound
    return found


async def find_waiting(connection: Connection, *, subject: str) -> Proposal | None:
    """What waits about this, if anything does. For operators."""
    return await proposals.waiting(connection, subject=subject)


async def list_proposals(
    connection: Connection,
    *,
    status: str | None,
    kinds: Sequence[str] | None,
    cursor: str | None,
    limit: int,
) -> Page[Proposal]:
    """Proposals, newest first. For operators.

    Raises:
        InvalidInput: the cursor isn't one of ours.
    """
    rows = await proposals.list_proposals(
        connection,
        status=status,
        kinds=kinds,
        after=after_moment(cursor),
        limit=limit + 1,
    )
    return page_by_moment(rows, limit=limit, key_of=lambda one: (one.prepared_at, one.id))


def _decider(viewer: Viewer, held: Proposal) -> UUID:
    user_id = require_decider(viewer, kind=ProposalKind(held.kind), seller_ids=held.seller_ids)
    if held.wish.get("buyer_id") == str(user_id):
        raise NotAllowed("Nobody decides about what they bought themselves")
    if held.wish.get("receiver_id") == str(user_id):
        raise NotAllowed("Nobody decides about what they would be given")
    return user_id


async def _decide(
    connection: Connection,
    held: Proposal,
    viewer: Viewer,
    *,
    status: str,
    fact: FactType,
    note: str | None = None,
    now: datetime,
) -> Proposal:
    user_id = _decider(viewer, held)
    if not await proposals.decide(
        connection, proposal_id=held.id, status=status, user_id=user_id, note=note, now=now
    ):
        raise RuntimeError(f"proposal {held.id} was decided under its lock")
    await _tell(connection, fact, held, user_id, now=now)
    return await find(connection, proposal_id=held.id)


async def _tell(
    connection: Connection, kind: FactType, held: Proposal, user_id: UUID, *, now: datetime
) -> None:
    said = {"kind": held.kind, "subject": held.subject, "by": str(user_id)}
    await outbox.append(connection, [Fact(kind, held.id, said)], now=now)
