"""Refunds that an operator asks for: looked at first, then sent."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter
from starlette.responses import Response

from gosellr.core.transact import ask
from gosellr.models.order_values import Order
from gosellr.services import order_service
from gosellr.utils.ids import order_number
from gosellr.utils.permissions import Permission
from gosellr.web import form_keys, refund_doors
from gosellr.web.binding import console_refunds as binding
from gosellr.web.call_off_doors import part_in
from gosellr.web.operator.frame import show, staff
from gosellr.web.pages import Page
from gosellr.web.refund_doors import Asked
from gosellr.web.views import FormView, LinkView

_FORM = "/{number}/parts/{part_id}/refund"

router = APIRouter(prefix="/operator/orders", include_in_schema=False)

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
    """Send it back; the same form twice does it once."""
    found = await _order(page, number)
    asked = await refund_doors.refund(page, found, part_in(found, part_id))
    if asked.notice:
        return page.go(f"{router.prefix}/{number}", notice=asked.notice)
    return await _show_form(page, found, part_id, asked)


async def _order(page: Page, number: str) -> Order:
    return await ask(
        page.market.db, order_service.find_order_by_number, viewer=page.viewer, number=number
    )


async def _show_form(page: Page, found: Order, part_id: UUID, asked: Asked) -> Response:
    number = order_number(found.number)
    path = f"{router.prefix}/{number}"
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
    )
    return await show(
        page, "console/refund.html", current="/orders", status=asked.status, refund=view
    )
