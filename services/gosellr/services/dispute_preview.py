"""What an award would do, before anybody confirms it: read from the same plan that carries it out.

Nothing is locked and nothing changes, so what happens in between may change what it says.
"""

from typing import Any
from uuid import UUID

from gosellr.core.db import Connection
from gosellr.core.errors import NotAllowed, NotFound
from gosellr.models.dispute_values import Dispute
from gosellr.queries import disputes, orders
from gosellr.services import (
    dispute_argument,
    dispute_claims,
    dispute_freeze,
    ledger_service,
    refund_books,
    refund_fees,
)
from gosellr.services.dispute_argument import Award
from gosellr.services.dispute_steps import CaseInHand, part_of
from gosellr.services.refund_plan import PlannedRefund
from gosellr.utils.disputes import DisputeAction
from gosellr.utils.lazy_dataclasses import dataclass
from gosellr.utils.policy import MarketPolicy
from gosellr.utils.postings import seller_sources
from gosellr.utils.states import Actor
from gosellr.utils.viewer import Viewer


@dataclass(frozen=True, slots=True, kw_only=True)
class AwardPreview:
    """What would be refunded, None for nothing, out of which pots, and what of the frozen money
    is the seller's again. `is_final`: nobody could appeal any more. `takes_two`: one operator's
    word isn't enough, it would be proposed."""

    dispute: Dispute
    award_minor: int
    planned: PlannedRefund | None
    effects: dict[str, Any] | None
    released_minor: int
    is_final: bool
    takes_two: bool


async def preview_award(
    connection: Connection,
    *,
    viewer: Viewer,
    dispute_id: UUID,
    award: Award,
    policy: MarketPolicy,
) -> AwardPreview:
    """Say what a decision would take from whom, if it stood; changes nothing and locks nothing.

    Raises:
        NotFound, NotAllowed, DisputeStepRefused, InvalidInput: as `dispute_argument.decide`.
    """
    if not viewer.is_operator:
        raise NotAllowed
    dispute = await disputes.load(connection, dispute_id=dispute_id)
    order = None
    if dispute is not None:
        order = await orders.load(connection, order_id=dispute.order_id)
    if dispute is None or order is None:
        raise NotFound
    is_buyer = viewer.is_buyer_of(order.user_id, sees_whole=False)
    is_party = viewer.is_party(dispute.seller_id, is_buyer=is_buyer)
    judges = () if is_party else (Actor.OPERATOR,)
    hand = CaseInHand(dispute=dispute, order=order, viewer=viewer, actors=judges)
    hand.require(DisputeAction.DECIDE)
    award_minor = dispute_argument.awarded_minor(order, dispute, award)
    is_final = dispute_argument.ends_with(dispute)
    takes_two = await dispute_claims.takes_two(
        connection, order, dispute, award_minor=award_minor, policy=policy
    )
    part = part_of(order, dispute)
    planned = dispute_claims.awarded(
        order,
        part,
        case=dispute,
        award_minor=award_minor,
        reversal=policy.commission_reversal,
    )
    if planned is None:
        return AwardPreview(
            dispute=dispute, award_minor=award_minor, planned=None, effects=None,
            released_minor=dispute.frozen_minor, is_final=is_final, takes_two=takes_two,
        )  # fmt: skip
    planned = refund_fees.with_expected_fees(order, planned, policy=policy)
    available, reserve = refund_books.pots_of(part)
    held = await ledger_service.balances(connection, accounts=[available, reserve])
    sources = seller_sources(
        planned.seller_minor,
        case_reserve_minor=dispute.frozen_minor,
        pending_minor=part.pending_minor,
        available_minor=held.get((available, order.currency), 0),
        reserve_minor=await dispute_freeze.own_reserve(
            connection, part=part, reserve_minor=held.get((reserve, order.currency), 0)
        ),
    )
    return AwardPreview(
        dispute=dispute,
        award_minor=award_minor,
        planned=planned,
        effects=refund_books.effects_of_plan(planned, sources),
        released_minor=dispute.frozen_minor - sources.case_reserve_minor,
        is_final=is_final,
        takes_two=takes_two,
    )
