"""The end of a case: what was awarded is refunded out of the frozen money, the rest released."""

from datetime import datetime
from uuid import UUID

from gosellr.core.db import Connection
from gosellr.core.identity import new_id
from gosellr.models.dispute_values import Dispute
from gosellr.models.order_values import Order
from gosellr.queries import disputes, proposals
from gosellr.services import (
    dispute_claims,
    dispute_freeze,
    dispute_steps,
    order_steps,
    refund_service,
)
from gosellr.services.dispute_steps import Verdict
from gosellr.utils.disputes import DisputeStatus
from gosellr.utils.policy import MarketPolicy
from gosellr.utils.proposals import award_subject
from gosellr.utils.states import Actor


async def settle(
    connection: Connection,
    *,
    order: Order,
    dispute: Dispute,
    verdict: Verdict,
    actor: Actor,
    actor_id: UUID | None,
    is_sole_word: bool,
    policy: MarketPolicy,
    now: datetime,
) -> UUID | None:
    """Carry a final decision out: gives the refund that is to be sent, None where there is none.
    `is_sole_word`: it rests on one operator alone.

    The rest of the frozen money is the seller's again at once. Without a refund the case is
    closed with that; else when its gateway has answered.
    """
    dispute = await dispute_steps.move(
        connection,
        dispute=dispute,
        target=DisputeStatus.SETTLING,
        actor=actor,
        actor_id=actor_id,
        policy=policy,
        now=now,
        verdict=verdict,
        is_final=True,
    )
    refund_id = await _refund(
        connection,
        order=order,
        dispute=dispute,
        award_minor=verdict.award_minor,
        actor=actor,
        actor_id=actor_id,
        is_sole_word=is_sole_word,
        policy=policy,
        now=now,
    )
    await release_rest(connection, dispute_id=dispute.id, now=now)
    if refund_id is None:
        await conclude(connection, dispute_id=dispute.id, policy=policy, now=now)
    return refund_id


async def _refund(
    connection: Connection,
    *,
    order: Order,
    dispute: Dispute,
    award_minor: int,
    actor: Actor,
    actor_id: UUID | None,
    is_sole_word: bool,
    policy: MarketPolicy,
    now: datetime,
) -> UUID | None:
    part = dispute_steps.part_of(order, dispute)
    planned = dispute_claims.awarded(
        order,
        part,
        case=dispute,
        award_minor=award_minor,
        reversal=policy.commission_reversal,
    )
    if planned is None:
        return None
    refund_id = new_id()
    order = await refund_service.carry_out(
        connection,
        order=order,
        planned=planned,
        refund_id=refund_id,
        reason=f"Dispute: {dispute.reason.replace('_', ' ')}",
        restock=True,
        actor=actor,
        actor_id=actor_id,
        policy=policy,
        now=now,
        case=dispute,
        is_sole_word=is_sole_word,
    )
    await refund_service.end_what_is_empty(
        connection,
        order=order,
        part_id=part.id,
        actor=Actor.SYSTEM,
        actor_id=None,
        policy=policy,
        now=now,
    )
    return refund_id


async def is_decided_alone(connection: Connection, *, dispute: Dispute) -> bool:
    """Whether what is decided in a case, and could be appealed until now, is one operator's
    word."""
    if dispute.decided_by != Actor.OPERATOR.value:
        return False
    return not await proposals.is_agreed(connection, subject=award_subject(dispute.id))


async def release_rest(connection: Connection, *, dispute_id: UUID, now: datetime) -> None:
    """Give the seller back what is still frozen under a case and not spent."""
    dispute = await dispute_steps.loaded(connection, dispute_id=dispute_id)
    if dispute.frozen_minor:
        order = await order_steps.load_locked(connection, order_id=dispute.order_id)
        await dispute_freeze.thaw(
            connection,
            dispute=dispute,
            part=dispute_steps.part_of(order, dispute),
            amount_minor=dispute.frozen_minor,
            now=now,
        )


async def conclude(
    connection: Connection, *, dispute_id: UUID, policy: MarketPolicy, now: datetime
) -> bool:
    """Close a settled case whose refund was answered; whether anything was to be done.

    What a gateway refused is frozen again, and an operator has to say what becomes of it. Safe to
    call at any time, twice too.
    """
    hand = await dispute_steps.lock_case(connection, dispute_id=dispute_id)
    dispute = hand.dispute
    if dispute.stands is not DisputeStatus.SETTLING:
        return False
    status = await disputes.refund_status(connection, dispute_id=dispute_id)
    if status in {"pending", "unknown"}:
        return False
    if dispute.frozen_minor:
        await dispute_steps.move(
            connection,
            dispute=dispute,
            target=DisputeStatus.UNDER_REVIEW,
            actor=Actor.SYSTEM,
            actor_id=None,
            policy=policy,
            now=now,
            is_final=True,
            data={"reason": "refund_failed"},
        )
    else:
        await dispute_steps.close(
            connection, dispute=dispute, actor=Actor.SYSTEM, policy=policy, now=now
        )
    return True
