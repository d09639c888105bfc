"""Payouts without an answer, by the word of two: one says what became of it, another agrees. Either
it was never sent, and its money is the seller's again; or it was paid, and is booked so.

Their provider is asked before either word, and must not say otherwise. While the word of the first
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
from gosellr.utils.lazy_dataclasses import dataclass
from gosellr.utils.payouts import SENT_BY_THEN, PayoutStatus
from gosellr.utils.proposals import PAYOUT_VERDICTS, ProposalKind
from gosellr.utils.viewer import Viewer


class PayoutNotUnknown(Conflict):
    """What became of it is known by now, or it was never begun."""

    code = "payout_not_unknown"
    title = "This payout isn't one without an answer"


class PayoutHeardOf(Conflict):
    """Its provider has it, or doesn't say whether it has."""

    code = "payout_heard_of"
    title = "The provider doesn't say that it knows nothing of this payout"


class PayoutAnswered(Conflict):
    """Its provider says what became of it, and that is booked by itself."""

    code = "payout_answered"
    title = "The provider itself says what became of this payout"


class PayoutJustSaid(Conflict):
    """When the first of the two said so, it may just have been on its way."""

    code = "payout_just_said"
    title = "It may have been on its way when this was proposed: agree in a minute"


@dataclass(frozen=True, slots=True, kw_only=True)
class AskedPayout:
    """A payout whose provider was asked just now, and doesn't contradict what is said of it;
    `funding` is the account that its money would have come out of."""

    payout_id: UUID
    funding: str


def subject_of(payout_id: UUID) -> str:
    """What a proposal about a payout is about."""
    return f"payout:{payout_id}"


def payout_named(held: Proposal) -> UUID:
    """The payout that such a proposal is about."""
    return UUID(held.subject.partition(":")[2])


async def check_proposable(
    connection: Connection, *, viewer: Viewer, payout_id: UUID, kind: ProposalKind
) -> None:
    """Whether this person may say what became of a payout, before anybody is asked about it.

    Raises:
        NotFound: there is no such payout.
        NotAllowed: the viewer lets no payouts go, or acts for its seller.
        PayoutNotUnknown.
    """
    payout = await _payout(connection, payout_id)
    proposal_service.require_decider(viewer, kind=kind, seller_ids=[payout.seller_id])
    if payout.status is not PayoutStatus.UNKNOWN:
        raise PayoutNotUnknown


async def propose(
    connection: Connection,
    *,
    viewer: Viewer,
    payout_id: UUID,
    kind: ProposalKind,
    reason: str,
    now: datetime,
) -> Proposal:
    """Say what became of a payout, of which its provider has just not said otherwise. `kind` is one
    of `PAYOUT_VERDICTS`.

    Raises:
        NotFound, NotAllowed, PayoutNotUnknown: as `check_proposable`.
        ProposalWaits: somebody has said something of it already.
    """
    await check_proposable(connection, viewer=viewer, payout_id=payout_id, kind=kind)
    payout = await _payout(connection, payout_id)
    return await proposal_service.prepare(
        connection,
        viewer=viewer,
        kind=kind,
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
    """Whether somebody said what became of it, and nobody has answered yet."""
    return await proposals.waiting(connection, subject=subject_of(payout_id)) is not None


async def end_as_proposed(
    connection: Connection,
    held: Proposal,
    *,
    asked: AskedPayout | None,
    viewer: Viewer,
    now: datetime,
) -> None:
    """Give back what somebody else said was never sent, or book as paid what they said was paid;
    the proposal is held by its second person.

    Raises:
        PayoutHeardOf, PayoutJustSaid, PayoutNotUnknown: and then nothing was changed.
    """
    if held.kind not in PAYOUT_VERDICTS:
        raise ValueError(f"{held.kind} says nothing of a payout")
    payout = await _payout(connection, payout_named(held))
    if asked is None or payout.id != asked.payout_id:
        raise PayoutHeardOf
    if now - held.prepared_at < SENT_BY_THEN:
        raise PayoutJustSaid
    actor = f"user:{viewer.user_id}"
    if held.kind == ProposalKind.PAYOUT_NEVER_SENT:
        done = await payout_outcome.deny(
            connection, payout=payout, reason=held.reason, actor=actor, now=now
        )
    else:
        done = await payout_outcome.affirm(
            connection, payout=payout, funding=asked.funding, reason=held.reason, actor=actor,
            now=now,
        )  # fmt: skip
    if not done:
        raise PayoutNotUnknown


async def _payout(connection: Connection, payout_id: UUID) -> Payout:
    payout = await payouts.load(connection, payout_id=payout_id)
    if payout is None:
        raise NotFound
    return payout
