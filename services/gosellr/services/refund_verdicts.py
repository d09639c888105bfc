"""What became of refunds of which no provider says so: one operator says it, and above the market's
limit a second one agrees. Their providers are asked before each word."""

from datetime import datetime
from uuid import UUID

from gosellr.core.db import Connection
from gosellr.models.order_values import Order, Refund
from gosellr.models.proposal_values import Proposal
from gosellr.queries import refunds
from gosellr.services import order_steps, proposal_service, refund_answers, refund_limits
from gosellr.utils.ids import order_number
from gosellr.utils.lazy_dataclasses import dataclass
from gosellr.utils.policy import MarketPolicy
from gosellr.utils.proposals import REFUND_VERDICTS, ProposalKind
from gosellr.utils.viewer import Viewer


@dataclass(frozen=True, slots=True, kw_only=True)
class Settleable:
    """A refund of which a person may say what became of it; `takes_two` where a second one has to
    agree, and `waiting` what somebody has said already."""

    refund: Refund
    takes_two: bool
    waiting: Proposal | None


def subject_of(refund_id: UUID) -> str:
    """What a proposal about the outcome of a refund is about."""
    return f"refund:{refund_id}"


async def find_settleable(
    connection: Connection,
    *,
    viewer: Viewer,
    order: Order,
    refund_id: UUID,
    policy: MarketPolicy,
    now: datetime,
) -> Settleable:
    """The refund, where its viewer may say what became of it. Raises as `settle`."""
    refund, parts = await refund_answers.unanswered(
        connection, viewer=viewer, order=order, refund_id=refund_id, now=now
    )
    return Settleable(
        refund=refund,
        takes_two=await refund_limits.takes_two_to_settle(
            connection,
            order,
            refund,
            open_minor=sum(one.amount_minor for one in parts),
            policy=policy,
        ),
        waiting=await proposal_service.find_waiting(connection, subject=subject_of(refund_id)),
    )


async def settle(
    connection: Connection,
    *,
    viewer: Viewer,
    order_id: UUID,
    refund_id: UUID,
    arrived: bool,
    reason: str,
    policy: MarketPolicy,
    now: datetime,
) -> Proposal | None:
    """Say what became of a refund, or propose to say so where one alone may not; gives the
    proposal then.

    Raises:
        NotFound, NotAllowed, RefundSettled, RefundUnderWay: as `refund_answers.settle`.
        ProposalWaits: something is proposed about this refund already.
    """
    order = (await order_steps.take_order(connection, viewer=viewer, order_id=order_id)).order
    refund, parts = await refund_answers.unanswered(
        connection, viewer=viewer, order=order, refund_id=refund_id, now=now
    )
    open_minor = sum(one.amount_minor for one in parts)
    if await refund_limits.takes_two_to_settle(
        connection, order, refund, open_minor=open_minor, policy=policy
    ):
        return await proposal_service.prepare(
            connection,
            viewer=viewer,
            kind=ProposalKind.REFUND_ARRIVED if arrived else ProposalKind.REFUND_FAILED,
            subject=subject_of(refund_id),
            reason=reason,
            wish={
                "order_id": str(order.id),
                "order_number": order_number(order.number),
                "buyer_id": None if order.user_id is None else str(order.user_id),
                "amount_minor": open_minor,
                "currency": order.currency,
                "refund_reason": refund.reason,
                "opened_at": refund.created_at.isoformat(),
            },
            seller_ids=[one.seller_id for one in order.parts if one.id == refund.seller_order_id],
            now=now,
        )
    await refund_answers.settle(
        connection, viewer=viewer, order_id=order_id, refund_id=refund_id, arrived=arrived,
        reason=reason, policy=policy, now=now,
    )  # fmt: skip
    await refunds.note_settled_alone(connection, refund_id=refund_id, amount_minor=open_minor)
    return None


def refund_named(held: Proposal) -> tuple[UUID, UUID]:
    """The order, and its refund, that such a proposal is about."""
    return UUID(held.wish["order_id"]), UUID(held.subject.partition(":")[2])


async def settle_as_proposed(
    connection: Connection, held: Proposal, *, viewer: Viewer, policy: MarketPolicy, now: datetime
) -> None:
    """Book what somebody else said became of a refund, held by its second person.

    Raises:
        NotAllowed: the viewer bought it.
        RefundSettled, RefundUnderWay: its provider has said so since, or may yet.
    """
    if held.kind not in REFUND_VERDICTS:
        raise ValueError(f"{held.kind} says nothing of a refund")
    order_id, refund_id = refund_named(held)
    await refund_answers.settle(
        connection,
        viewer=viewer,
        order_id=order_id,
        refund_id=refund_id,
        arrived=held.kind == ProposalKind.REFUND_ARRIVED,
        reason=held.reason,
        policy=policy,
        now=now,
    )
