"""Units called off before they are paid for."""

from gosellr.core.transact import transact
from gosellr.models.order_values import Order
from gosellr.resources import Resources
from gosellr.services import reduction_service
from gosellr.services.reduction_plan import Reduction, ReductionRequest
from gosellr.utils.viewer import Viewer
from tests.factories.sales import Shop, a_key, part_of, read


def wanted(order: Order, shop: Shop, units: int) -> ReductionRequest:
    part = part_of(order, shop)
    return ReductionRequest(
        seller_order_id=part.id, reason="one is enough", items=((part.lines[0].id, units),)
    )


def told(reduction: Reduction) -> bytes:
    return str(reduction.amount_minor).encode()


async def call_off(
    market: Resources,
    order: Order,
    shop: Shop,
    units: int = 1,
    *,
    viewer: Viewer | None = None,
    key: str | None = None,
) -> Order:
    """The order after units of the shop's only line were called off."""
    await transact(
        market.db,
        reduction_service.call_off,
        viewer=viewer or shop.viewer,
        order_id=order.id,
        request=wanted(order, shop, units),
        key=a_key(key),
        tell=told,
        policy=market.policy,
        now=market.clock.now(),
    )
    return await read(market, order)
