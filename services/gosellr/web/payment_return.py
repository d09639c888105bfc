"""Where a payment gateway sends the buyer back to, with good news, bad news or none."""

from typing import Annotated
from uuid import UUID

from starlette.responses import Response

from gosellr.core.errors import NotFound
from gosellr.core.late_routes import LateRouter
from gosellr.core.transact import ask
from gosellr.flows.payments import advance
from gosellr.services import webhook_service
from gosellr.utils.ids import order_number
from gosellr.utils.order_states import OrderStatus
from gosellr.utils.permissions import Permission
from gosellr.web import notices
from gosellr.web.binding.orders import order_href
from gosellr.web.pages import Page, admit

router = LateRouter(prefix="/payments", include_in_schema=False)

# Declined, or given up: nothing is under way, and the goods are still held.
_MAY_PAY_AGAIN = frozenset({"failed", "unpaid"})

Returning = Annotated[Page, admit(Permission.ORDER_PAY)]


@router.get("/return/{attempt_id}")
async def come_back(page: Returning, attempt_id: UUID) -> Response:
    """Ask the gateway what became of the attempt, and show the order as it stands now.

    Nothing in the address is believed: whoever opens it learns no more than where the order's own
    page is, and that shows itself to its buyer alone.
    """
    market = page.market
    order_id = await ask(market.db, webhook_service.order_of, payment_id=attempt_id)
    if order_id is None:
        raise NotFound
    order = await advance(
        db=market.db,
        gateways=market.gateways,
        clock=market.clock,
        policy=market.policy,
        order_id=order_id,
        curious=True,
    )
    href = order_href(order_number(order.number))
    if order.payment_status in _MAY_PAY_AGAIN and order.status == OrderStatus.PENDING_PAYMENT:
        return page.go(f"{href}/pay")
    # Money that is set aside until the goods leave is as good a beginning as money that was taken.
    is_placed = order.paid_at is not None or order.status == OrderStatus.PROCESSING
    return page.go(href, notice=notices.PLACED if is_placed else "")
