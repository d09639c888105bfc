"""An operator's word in a case: it stands at once, or is proposed, where it gives the buyer more
than one operator alone may give back of an order.

A proposal stops no clock. Both sides go on, what silence decides is decided, and whoever reviews is
reminded. The time to appeal begins when somebody has agreed.
"""

from datetime import datetime
from typing import Any
from uuid import UUID

from gosellr.core.db import Connection
from gosellr.core.errors import Conflict
from gosellr.core.identity import new_id
from gosellr.models.order_values import Order
from gosellr.models.proposal_values import Proposal
from gosellr.services import (
    dispute_argument,
    dispute_claims,
    dispute_steps,
    idempotency_service,
    proposal_service,
)
from gosellr.services.dispute_argument import Award
from gosellr.services.dispute_steps import CaseInHand
from gosellr.services.idempotency_service import EarlierRequest, RequestKey
from gosellr.utils.disputes import DisputeAction
from gosellr.utils.ids import order_number
from gosellr.utils.permissions import Permission
from gosellr.utils.policy import MarketPolicy
from gosellr.utils.proposals import ProposalKind, award_subject
from gosellr.utils.viewer import Viewer


class AwardChanged(Conflict):
    """The case has moved on: the same decision would be another one."""

    code = "award_changed"
    title = "The case isn't what it was when this was proposed: turn it down, and decide anew"


async def decide(
    connection: Connection,
    *,
    viewer: Viewer,
    dispute_id: UUID,
    award: Award,
    policy: MarketPolicy,
    now: datetime,
    key: RequestKey | None = None,
) -> UUID | EarlierRequest | Proposal | None:
    """An operator's decision: it may be appealed once, and is final after that. Gives the refund
    to send, where it is final at once, or the proposal, where it takes two.

    Raises:
        NotFound, NotAllowed, DisputeStepRefused, IdempotencyKeyReused.
        InvalidInput: more is awarded than is argued about, or in another currency.
        ProposalWaits: another decision of this case is proposed, and so would this be.
    """
    hand = await _take(connection, viewer=viewer, dispute_id=dispute_id)
    earlier = await dispute_argument.claimed(connection, hand, key=key, policy=policy, now=now)
    if earlier is not None:
        if earlier.resource_id == str(dispute_id):
            return earlier
        return await proposal_service.find(connection, proposal_id=UUID(earlier.resource_id or ""))
    actor = hand.require(DisputeAction.DECIDE)
    award_minor = dispute_argument.awarded_minor(hand.order, hand.dispute, award)
    if await dispute_claims.takes_two(
        connection, hand.order, hand.dispute, award_minor=award_minor, policy=policy
    ):
        return await _propose(
            connection, hand, award_minor=award_minor, reason=award.reason, key=key,
            policy=policy, now=now,
        )  # fmt: skip
    return await dispute_argument.put_in_force(
        connection, hand=hand, actor=actor, award_minor=award_minor, reason=award.reason,
        actor_id=viewer.user_id, is_sole_word=True, policy=policy, now=now,
    )  # fmt: skip


async def decide_as_proposed(
    connection: Connection, held: Proposal, *, viewer: Viewer, policy: MarketPolicy, now: datetime
) -> UUID | None:
    """Decide as somebody else proposed to, held by its second person. Gives the refund to send,
    where that is final at once.

    Raises:
        NotFound, NotAllowed: the viewer has a part in it.
        DisputeStepRefused, AwardChanged: silence, a side or somebody else has decided since, or
            it is about something else by now.
    """
    hand = await _take(connection, viewer=viewer, dispute_id=dispute_named(held))
    actor = hand.require(DisputeAction.DECIDE)
    stands = _standing(hand, award_minor=held.wish["award_minor"], policy=policy)
    # One that is older than what is kept of them now is decided anew as well.
    if any(held.wish.get(name) != told for name, told in stands.items()):
        raise AwardChanged
    return await dispute_argument.put_in_force(
        connection, hand=hand, actor=actor, award_minor=held.wish["award_minor"],
        reason=held.reason, actor_id=held.prepared_by, is_sole_word=False, policy=policy, now=now,
    )  # fmt: skip


async def find_waiting(connection: Connection, *, dispute_id: UUID) -> Proposal | None:
    """The decision of this case that waits for a second person, if one does. For operators."""
    return await proposal_service.find_waiting(connection, subject=award_subject(dispute_id))


def dispute_named(held: Proposal) -> UUID:
    """The case that such a proposal is about."""
    return UUID(held.subject.partition(":")[2])


async def _take(connection: Connection, *, viewer: Viewer, dispute_id: UUID) -> CaseInHand:
    return await dispute_steps.take_case(
        connection, viewer=viewer, dispute_id=dispute_id, permission=Permission.DISPUTE_DECIDE
    )


async def _propose(
    connection: Connection,
    hand: CaseInHand,
    *,
    award_minor: int,
    reason: str,
    key: RequestKey | None,
    policy: MarketPolicy,
    now: datetime,
) -> Proposal:
    order, dispute = hand.order, hand.dispute
    made = await proposal_service.prepare(
        connection,
        viewer=hand.viewer,
        kind=ProposalKind.DISPUTE_AWARD,
        subject=award_subject(dispute.id),
        reason=reason,
        wish={**_about(order), "award_minor": award_minor, "amount_minor": award_minor,
              **_standing(hand, award_minor=award_minor, policy=policy)},
        seller_ids=[] if dispute.seller_id is None else [dispute.seller_id],
        proposal_id=new_id(),
        now=now,
    )  # fmt: skip
    if key is not None:
        await idempotency_service.point_at(connection, request=key, resource_id=str(made.id))
    return made


def _about(order: Order) -> dict[str, Any]:
    return {
        "order_id": str(order.id),
        "order_number": order_number(order.number),
        "buyer_id": None if order.user_id is None else str(order.user_id),
        "currency": order.currency,
    }


def _standing(hand: CaseInHand, *, award_minor: int, policy: MarketPolicy) -> dict[str, Any]:
    """What of the case somebody agrees to: what it is about, what went back of it, what the award
    would give the buyer now, with what went back beside it, and whether it may still be
    appealed."""
    planned = dispute_claims.awarded(
        hand.order,
        hand.part,
        case=hand.dispute,
        award_minor=award_minor,
        reversal=policy.commission_reversal,
    )
    return {
        "gives_minor": 0 if planned is None else planned.amount_minor,
        "argued_minor": hand.dispute.amount_minor,
        "given_minor": dispute_claims.given_minor(hand.order, hand.dispute),
        "is_final": dispute_argument.ends_with(hand.dispute),
    }
