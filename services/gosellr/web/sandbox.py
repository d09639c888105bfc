"""The sandbox gateway's own page, where its test bank asks the buyer; absent without it."""

from typing import Annotated
from uuid import UUID

from starlette.responses import Response

from gosellr.core.errors import NotFound
from gosellr.core.late_routes import LateRouter
from gosellr.core.transact import ask
from gosellr.flows.payments import advance
from gosellr.integrations.payments.port import PaymentState
from gosellr.integrations.payments.sandbox import SandboxGateway
from gosellr.integrations.payments.sandbox_results import action_path
from gosellr.models.order_values import Order
from gosellr.services import order_service, webhook_service
from gosellr.utils.ids import order_number
from gosellr.utils.money import Money
from gosellr.utils.permissions import Permission
from gosellr.web import notices
from gosellr.web.binding.orders import order_href
from gosellr.web.order_views import SandboxPayView
from gosellr.web.pages import Page, admit

router = LateRouter(prefix="/sandbox", include_in_schema=False)

# As at a real bank, whoever holds the address of this one attempt may answer it.
Answering = Annotated[Page, admit(Permission.ORDER_PAY)]


@router.get("/pay/{attempt_id}")
async def show_question(page: Answering, attempt_id: UUID) -> Response:
    """The bank's question."""
    gateway = _sandbox(page)
    order = await _order_of(page, attempt_id)
    charge = await gateway.lookup(attempt_id=str(attempt_id))
    if charge.state is not PaymentState.ACTION_REQUIRED or charge.currency is None:
        return page.go(order_href(order_number(order.number)))
    view = SandboxPayView(
        action=action_path(str(attempt_id)),
        amount=Money(charge.amount_minor, charge.currency),
        number=order_number(order.number),
    )
    return await page.show("store/sandbox_pay.html", personal=True, question=view)


@router.post("/pay/{attempt_id}")
async def answer_question(page: Answering, attempt_id: UUID) -> Response:
    """The buyer's answer; the order goes on from there."""
    gateway = _sandbox(page)
    order = await _order_of(page, attempt_id)
    approve = page.form.get("answer") == "approve"
    await gateway.complete_action(attempt_id=str(attempt_id), approve=approve)
    market = page.market
    now = await advance(
        db=market.db,
        gateways=market.gateways,
        clock=market.clock,
        policy=market.policy,
        order_id=order.id,
        curious=True,
    )
    href = order_href(order_number(now.number))
    if now.payment_status == "failed":
        return page.go(f"{href}/pay")
    return page.go(href, notice=notices.PLACED)


def _sandbox(page: Page) -> SandboxGateway:
    gateway = page.market.gateways.get(SandboxGateway.name)
    if not isinstance(gateway, SandboxGateway):
        raise NotFound
    return gateway


async def _order_of(page: Page, attempt_id: UUID) -> Order:
    order_id = await ask(page.market.db, webhook_service.order_of, payment_id=attempt_id)
    if order_id is None:
        raise NotFound
    return await ask(page.market.db, order_service.load_order, order_id=order_id)
