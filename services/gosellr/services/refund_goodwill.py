"""Goodwill of the marketplace that is on its way: nothing returns it before it has arrived."""

from gosellr.core.errors import Conflict
from gosellr.models.order_values import Order, SellerOrder
from gosellr.services.refund_plan import PlannedRefund


class GoodwillUnderWay(Conflict):
    """This would return to the marketplace what it gave the buyer, and whether that reaches them
    isn't known yet."""

    code = "goodwill_under_way"
    title = "What the marketplace gave the buyer is still on its way"


def is_under_way(order: Order, part: SellerOrder) -> bool:
    """Whether goodwill of a part is neither back with the buyer nor refused."""
    return any(
        one.borne_by == "marketplace" and one.seller_order_id == part.id and one.is_under_way
        for one in order.refunds
    )


def check(order: Order, planned: PlannedRefund) -> None:
    """Let a refund return only goodwill that has arrived: of what is refused after that, the
    seller would have given more than the buyer got. Raises `GoodwillUnderWay`."""
    if planned.goodwill_returned_minor and is_under_way(order, planned.part):
        raise GoodwillUnderWay
