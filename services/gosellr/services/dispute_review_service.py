"""Cases that wait for an operator: reminded of the day before the promised end, and put first
in the queue when it has passed.

An operator's silence decides nothing: they speak for neither side.
"""

from datetime import datetime
from uuid import UUID

from gosellr.core.db import Connection
from gosellr.models.events import Fact, FactType
from gosellr.queries import dispute_reviews, disputes, outbox
from gosellr.services import dispute_steps
from gosellr.utils.disputes import REVIEWED_STATUSES, ReviewStep, review_step
from gosellr.utils.policy import MarketPolicy
from gosellr.utils.states import Actor

_TOLD = {
    ReviewStep.REMIND: ("review_reminded", FactType.DISPUTE_REVIEW_DUE),
    ReviewStep.ESCALATE: ("review_overdue", FactType.DISPUTE_REVIEW_OVERDUE),
}


async def remind(
    connection: Connection, *, dispute_id: UUID, policy: MarketPolicy, now: datetime
) -> ReviewStep | None:
    """Do what the end of a review says; before that, and a second time, nothing.

    Raises:
        NotFound: there is no such case.
    """
    hand = await dispute_steps.lock_case(connection, dispute_id=dispute_id)
    dispute = hand.dispute
    if dispute.stands not in REVIEWED_STATUSES or dispute.due_at is None:
        return None
    step = review_step(
        now=now,
        due_at=dispute.due_at,
        is_reminded=dispute.review_reminded_at is not None,
        is_overdue=dispute.review_overdue_at is not None,
        terms=policy.disputes,
    )
    if step is None:
        return None
    is_overdue = step is ReviewStep.ESCALATE
    await dispute_reviews.mark(connection, dispute_id=dispute_id, is_overdue=is_overdue, now=now)
    kind, fact_type = _TOLD[step]
    await disputes.append_event(
        connection,
        dispute_id=dispute_id,
        kind=kind,
        actor=Actor.SYSTEM.value,
        actor_id=None,
        data={"due_at": dispute.due_at.isoformat()},
        now=now,
    )
    about = {
        **dispute_steps.whom_it_concerns(dispute),
        "due_at": dispute.due_at.isoformat(),
        "amount": {"amount": dispute.amount_minor, "currency": dispute.currency},
    }
    await outbox.append(connection, [Fact(fact_type, dispute_id, about)], now=now)
    return step
