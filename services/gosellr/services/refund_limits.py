"""How much of one order's money rests on operators' single words: up to the market's limit, all of
them together, whatever it is cut into.

The limit is about those who work for the market: what a shop gives back of its own sales is its
own.
"""

from collections.abc import Iterable
from uuid import UUID

from gosellr.core.db import Connection
from gosellr.models.order_values import Order, Refund, SellerOrder
from gosellr.queries import disputes
from gosellr.utils.payouts import needs_approval
from gosellr.utils.permissions import MemberRole
from gosellr.utils.policy import MarketPolicy
from gosellr.utils.states import RefundStatus
from gosellr.utils.viewer import Viewer


def is_of_staff(viewer: Viewer, part: SellerOrder, *, by_marketplace: bool) -> bool:
    """Whether giving back is the market's word and not the shop's own.

    An operator speaks for a shop that they own; in every other role there an operator alone may
    have put them.
    """
    owns = viewer.memberships.get(part.seller_id) is MemberRole.OWNER
    return viewer.is_operator and (by_marketplace or not owns)


def takes_two(order: Order, *, amount_minor: int, policy: MarketPolicy) -> bool:
    """Whether an operator's word isn't enough to give this back of an order, in minor units of its
    currency, with all that rests on single words already."""
    return _is_above(order, amount_minor, policy, others=order.refunds)


async def takes_two_now(
    connection: Connection,
    order: Order,
    *,
    amount_minor: int,
    policy: MarketPolicy,
    besides: UUID | None = None,
) -> bool:
    """The same, counting what operators alone awarded in cases of the order that may still be
    appealed, but not in the case `besides`."""
    if order.currency not in policy.refund_approval_over:
        return False
    pending_minor = await disputes.awarded_alone_minor(
        connection, order_id=order.id, besides=besides
    )
    return takes_two(order, amount_minor=amount_minor + pending_minor, policy=policy)


async def takes_two_to_settle(
    connection: Connection,
    order: Order,
    refund: Refund,
    *,
    open_minor: int,
    policy: MarketPolicy,
) -> bool:
    """Whether an operator's word isn't enough to say what became of the `open_minor` of a refund;
    where one alone gave it, that is one word about the same money. What operators alone awarded
    in cases counts as in `takes_two_now`."""
    if order.currency not in policy.refund_approval_over:
        return False
    pending_minor = await disputes.awarded_alone_minor(connection, order_id=order.id, besides=None)
    said_minor = max(open_minor, _alone_minor(refund))
    others = [one for one in order.refunds if one.id != refund.id]
    return _is_above(order, said_minor + pending_minor, policy, others=others)


def _is_above(
    order: Order, amount_minor: int, policy: MarketPolicy, *, others: Iterable[Refund]
) -> bool:
    total_minor = amount_minor + sum(_alone_minor(one) for one in others)
    return needs_approval(total_minor, order.currency, policy.refund_approval_over)


def _alone_minor(refund: Refund) -> int:
    """What of it rests on one word. What its provider refused went nowhere; what an operator alone
    says has failed may have arrived."""
    given_minor = 0 if refund.status == RefundStatus.FAILED else refund.given_alone_minor
    return max(given_minor, refund.settled_alone_minor)
