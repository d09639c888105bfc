"""What an award would do, said before it is given."""

from dataclasses import dataclass
from uuid import UUID

from gosellr.core.db import Connection
from gosellr.core.errors import NotFound
from gosellr.queries import orders
from gosellr.services import dispute_argument, dispute_claims, dispute_questions, dispute_steps
from gosellr.services.dispute_argument import Award
from gosellr.utils.policy import MarketPolicy
from gosellr.utils.viewer import Viewer


@dataclass(frozen=True, slots=True, kw_only=True)
class AwardPreview:
    """Amounts in minor units. `buyer_minor` is what the buyer gets; the rest says who gives it,
    and `thawed_minor` what the seller gets back of what is frozen."""

    currency: str
    award_minor: int
    buyer_minor: int
    seller_minor: int
    commission_minor: int
    promotion_minor: int
    thawed_minor: int


async def preview(
    connection: Connection,
    *,
    viewer: Viewer,
    dispute_id: UUID,
    award: Award,
    policy: MarketPolicy,
) -> AwardPreview:
    """Say what an award would move if it became final now; changes nothing and locks nothing.

    Raises:
        NotFound: there is no such case for the viewer, or it is a bank's.
        InvalidInput: more is awarded than is argued about.
    """
    folder = await dispute_questions.find_case(connection, viewer=viewer, dispute_id=dispute_id)
    dispute = folder.dispute
    order = await orders.load(connection, order_id=dispute.order_id)
    if order is None or dispute.order_line_id is None or dispute.quantity is None:
        raise NotFound
    award_minor = dispute_argument.awarded_minor(dispute, award)
    planned = dispute_claims.awarded(
        order,
        dispute_steps.part_of(order, dispute),
        line_id=dispute.order_line_id,
        quantity=dispute.quantity,
        award_minor=award_minor,
        reversal=policy.commission_reversal,
    )
    seller_minor = 0 if planned is None else planned.seller_minor
    total = None if planned is None else planned.total
    return AwardPreview(
        currency=dispute.currency,
        award_minor=award_minor,
        buyer_minor=0 if planned is None else planned.amount_minor,
        seller_minor=seller_minor,
        commission_minor=0
        if total is None
        else total.commission_reversed_minor + total.commission_vat_reversed_minor,
        promotion_minor=0 if total is None else total.promotion_minor,
        thawed_minor=max(0, dispute.frozen_minor - seller_minor),
    )
