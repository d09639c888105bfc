"""Refunds that an operator asks for: looked at first, then sent; and what became of them, where no
provider says so."""

from typing import Annotated
from uuid import UUID

from starlette.responses import Response

from gosellr.core.errors import Conflict
from gosellr.core.late_routes import LateRouter
from gosellr.core.transact import ask
from gosellr.flows import refunds
from gosellr.models.order_values import Order
from gosellr.models.proposal_values import Proposal
from gosellr.services import order_service, refund_requests, refund_verdicts
from gosellr.utils.ids import order_number
from gosellr.utils.lazy_dataclasses import replace
from gosellr.utils.money import Money
from gosellr.utils.permissions import Permission
from gosellr.web import form_keys, forms, notices, refund_doors
from gosellr.web.binding import console_refunds as binding
from gosellr.web.binding.proposals import PROPOSALS, waits_notice
from gosellr.web.call_off_doors import part_in
from gosellr.web.console_refund_views import RefundOutcomeView
from gosellr.web.forms import Field
from gosellr.web.operator.frame import show, staff
from gosellr.web.pages import Page
from gosellr.web.refund_doors import Asked
from gosellr.web.views import FormView, LinkView, NoticeView

_FORM = "/{number}/parts/{part_id}/refund"
_OUTCOME = "/{number}/refunds/{refund_id}/outcome"
_SETTLING = (Field("reason", 500, "Say how you know"),)
_NOTICES = {"arrived": notices.REFUND_SETTLED, "failed": notices.REFUND_FAILED}

router = LateRouter(prefix="/operator/orders", include_in_schema=False)

Deciding = Annotated[Page, staff(Permission.RECONCILIATION_DECIDE)]
Refunding = Annotated[Page, staff(Permission.REFUND_CREATE)]


@router.get(_FORM)
async def write(page: Refunding, number: str, part_id: UUID) -> Response:
    """The form that refunds a part of an order."""
    return await _show_form(page, await _order(page, number), part_id, Asked(FormView()))


@router.post(_FORM + "/preview")
async def preview(page: Refunding, number: str, part_id: UUID) -> Response:
    """What that would take from whom; nothing happens."""
    found = await _order(page, number)
    asked = await refund_doors.preview(page, found, part_in(found, part_id))
    return await _show_form(page, found, part_id, asked)


@router.post(_FORM)
async def refund(page: Refunding, number: str, part_id: UUID) -> Response:
    """Send it back, or propose it; the same form twice does it once."""
    found = await _order(page, number)
    asked = await refund_doors.refund(page, found, part_in(found, part_id))
    if asked.proposal_id is not None:
        return page.go(f"{PROPOSALS}/{asked.proposal_id}", notice=notices.PROPOSED)
    if asked.notice:
        return page.go(f"{router.prefix}/{number}", notice=asked.notice)
    return await _show_form(page, found, part_id, asked)


@router.get(_OUTCOME)
async def write_outcome(page: Deciding, number: str, refund_id: UUID) -> Response:
    """The form that says what became of a refund, where a person has to."""
    return await _show_outcome(page, await _order(page, number), refund_id, FormView())


@router.post(_OUTCOME)
async def settle(page: Deciding, number: str, refund_id: UUID) -> Response:
    """Say that it arrived, or that it failed; its provider is asked once more before."""
    found = await _order(page, number)
    form = forms.read(_SETTLING, page.form)
    outcome = page.form.get("outcome", "")
    if form.errors or outcome not in _NOTICES:
        return await _show_outcome(page, found, refund_id, form, status=422)
    try:
        told = await refunds.settle(
            page.market.refunds,
            viewer=page.viewer,
            order_id=found.id,
            refund_id=refund_id,
            arrived=outcome == "arrived",
            reason=form.value("reason"),
        )
    except Conflict:
        # The page says why.
        return await _show_outcome(page, await _order(page, number), refund_id, form)
    if isinstance(told, Proposal):
        return page.go(f"{PROPOSALS}/{told.id}", notice=notices.PROPOSED)
    return page.go(f"{router.prefix}/{number}", notice=_NOTICES[outcome])


async def _show_outcome(
    page: Page, found: Order, refund_id: UUID, form: FormView, *, status: int = 200
) -> Response:
    number = order_number(found.number)
    path = f"{router.prefix}/{number}"
    view = RefundOutcomeView(f"{path}/refunds/{refund_id}/outcome", LinkView(number, path), form)
    notice = None
    try:
        asked = await ask(
            page.market.db,
            refund_verdicts.find_settleable,
            viewer=page.viewer,
            order=found,
            refund_id=refund_id,
            policy=page.market.policy,
            now=page.now,
        )
    except Conflict as refusal:
        notice, status = NoticeView(refusal.detail or refusal.title, "warn"), refusal.status
    else:
        refund, notice = asked.refund, waits_notice(asked.waiting)
        if asked.waiting is None:
            amount = Money(refund.amount_minor, refund.currency)
            view = replace(view, amount=amount, reason=refund.reason, takes_two=asked.takes_two)
    return await show(
        page,
        "operator/refund_outcome.html",
        current="/orders",
        outcome=view,
        notice=notice,
        status=status,
    )


async def _order(page: Page, number: str) -> Order:
    return await ask(
        page.market.db, order_service.find_order_by_number, viewer=page.viewer, number=number
    )


async def _show_form(page: Page, found: Order, part_id: UUID, asked: Asked) -> Response:
    number = order_number(found.number)
    path = f"{router.prefix}/{number}"
    waiting = await ask(page.market.db, refund_requests.find_waiting, seller_order_id=part_id)
    view = binding.refund_form(
        found,
        part_in(found, part_id),
        path=f"{path}/parts/{part_id}/refund",
        back=LinkView(number, path),
        form=asked.form,
        key=form_keys.key_to_send(page, asked.form),
        is_operator=True,
        preview=None
        if asked.preview is None
        else binding.refund_preview(asked.preview, form=asked.form),
        limits=page.market.policy.refund_approval_over,
    )
    return await show(
        page,
        "console/refund.html",
        current="/orders",
        status=asked.status,
        notice=waits_notice(waiting),
        refund=view,
    )
