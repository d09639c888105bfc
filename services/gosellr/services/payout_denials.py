"""Payouts of which nobody ever heard, by the word of two: one says that it was never sent, another
agrees, and its money is the seller's again.

Their provider is asked before either word, and has to know nothing. While the word of the first
waits nobody sends the payout: what was on its way by then is known before the second may speak.
"""

from datetime import datetime
from uuid import UUID

from gosellr.core.db import Connection
from gosellr.core.errors import Conflict, NotFound
from gosellr.models.payout_values import Payout
from gosellr.models.proposal_values import Proposal
from gosellr.queries import payouts, proposals
from gosellr.services import payout_outcome, proposal_service
from gosellr.utils.payouts import SENT_BY_THEN, PayoutStatus
from gosellr.utils.proposals import ProposalKind
from gosellr.utils.viewer import Viewer


class PayoutNotUnknown(Conflict):
    """What became of it is known by now, or it was never begun."""

    code = "payout_not_unknown"
    title = "This payout isn't one without an answer"


class PayoutHeardOf(Conflict):
    """Its provider has it, or doesn't say whether it has."""

    code = "payout_heard_of"
    title = "The provider doesn't say that it knows nothing of this payout"


class PayoutJustSaid(Conflict):
    """When the first of the two said so, it may just have been on its way."""

    code = "payout_just_said"
    title = "It may have been on its way when this was proposed: agree in a minute"


def subject_of(payout_id: UUID) -> str:
    """What a proposal about a payout is about."""
    return f"payout:{payout_id}"


def payout_named(held: Proposal) -> UUID:
    """The payout that such a proposal is about."""
    return UUID(held.subject.partition(":")[2])


async def check_proposable(connection: Connection, *, viewer: Viewer, payout_id: UUID) -> None:
    """Whether this person may say that a payout was never sent, before anybody is asked about it.

    Raises:
        NotFound: there is no such payout.
        NotAllowed: the viewer lets no payouts go, or acts for its seller.
        PayoutNotUnknown.
    """
    payout = await _payout(connection, payout_id)
    proposal_service.require_decider(
        viewer, kind=ProposalKind.PAYOUT_NEVER_SENT, seller_ids=[payout.seller_id]
    )
    if payout.status is not PayoutStatus.UNKNOWN:
        raise PayoutNotUnknown


async def propose(
    connection: Connection, *, viewer: Viewer, payout_id: UUID, reason: str, now: datetime
) -> Proposal:
    """Say that a payout was never sent, of which its provider has just said that it knows nothing.

    Raises:
        NotFound, NotAllowed, PayoutNotUnknown: as `check_proposable`.
        ProposalWaits: somebody else has said so already.
    """
    await check_proposable(connection, viewer=viewer, payout_id=payout_id)
    payout = await _payout(connection, payout_id)
    return await proposal_service.prepare(
        connection,
        viewer=viewer,
        kind=ProposalKind.PAYOUT_NEVER_SENT,
        subject=subject_of(payout_id),
        reason=reason,
        wish={
            "amount_minor": payout.amount_minor,
            "currency": payout.currency,
            "provider": payout.provider,
            "opened_at": payout.created_at.isoformat(),
        },
        seller_ids=[payout.seller_id],
        now=now,
    )


async def is_proposed(connection: Connection, *, payout_id: UUID) -> bool:
    """Whether somebody said of it that it was never sent, and nobody has answered yet."""
    return await proposals.waiting(connection, subject=subject_of(payout_id)) is not None


async def fail_as_proposed(
    connection: Connection,
    held: Proposal,
    *,
    unheard_id: UUID | None,
    viewer: Viewer,
    now: datetime,
) -> None:
    """Give back what somebody else said was never sent, held by its second person.

    `unheard_id` is the payout of which its provider has just said that it knows nothing.

    Raises:
        PayoutHeardOf, PayoutJustSaid, PayoutNotUnknown: and then nothing was changed.
    """
    payout = await _payout(connection, payout_named(held))
    if payout.id != unheard_id:
        raise PayoutHeardOf
    if now - held.prepared_at < SENT_BY_THEN:
        raise PayoutJustSaid
    if not await payout_outcome.deny(
        connection, payout=payout, reason=held.reason, actor=f"user:{viewer.user_id}", now=now
    ):
        raise PayoutNotUnknown


async def _payout(connection: Connection, payout_id: UUID) -> Payout:
    payout = await payouts.load(connection, payout_id=payout_id)
    if payout is None:
        raise NotFound
    return payout
