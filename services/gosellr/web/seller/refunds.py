"""Refunds that a shop asks for out of its own parts: looked at first, then sent."""

from typing import Annotated
from uuid import UUID

from starlette.responses import Response

from gosellr.core.errors import NotAuthenticated, NotFound
from gosellr.core.late_routes import LateRouter
from gosellr.core.transact import ask
from gosellr.models.order_values import Order, SellerOrder
from gosellr.services import order_service
from gosellr.utils.ids import order_number
from gosellr.utils.permissions import Permission
from gosellr.web import form_keys, refund_doors
from gosellr.web.binding import console_refunds as binding
from gosellr.web.pages import Page, admit
from gosellr.web.refund_doors import Asked
from gosellr.web.seller.shop import Shop, shop_of, show
from gosellr.web.views import FormView, LinkView

_FORM = "/{number}/parts/{part_id}/refund"

router = LateRouter(prefix="/seller/{seller_id}/orders", include_in_schema=False)

Refunding = Annotated[Page, admit(Permission.REFUND_CREATE)]


@router.get(_FORM)
async def write(page: Refunding, seller_id: UUID, number: str, part_id: UUID) -> Response:
    """The form that refunds the shop's part of an order."""
    shop, found, part = await _part(page, seller_id, number, part_id)
    return await _show_form(page, shop, found, part, Asked(FormView()))


@router.post(_FORM + "/preview")
async def preview(page: Refunding, seller_id: UUID, number: str, part_id: UUID) -> Response:
    """What that would take from whom; nothing happens."""
    shop, found, part = await _part(page, seller_id, number, part_id)
    return await _show_form(page, shop, found, part, await refund_doors.preview(page, found, part))


@router.post(_FORM)
async def refund(page: Refunding, seller_id: UUID, number: str, part_id: UUID) -> Response:
    """Send it back; the same form twice does it once."""
    shop, found, part = await _part(page, seller_id, number, part_id)
    asked = await refund_doors.refund(page, found, part)
    if asked.notice:
        return page.go(f"{shop.href}/orders/{number}", notice=asked.notice)
    return await _show_form(page, shop, found, part, asked)


async def _part(
    page: Page, seller_id: UUID, number: str, part_id: UUID
) -> tuple[Shop, Order, SellerOrder]:
    """The shop and its own part. Raises NotFound, NotAllowed, NotAuthenticated."""
    # A guest may read an order whose key they hold, and nothing here.
    if page.viewer.is_guest:
        raise NotAuthenticated
    shop = await shop_of(page, seller_id, Permission.REFUND_CREATE)
    found = await ask(
        page.market.db, order_service.find_order_by_number, viewer=page.viewer, number=number
    )
    for part in found.parts:
        if part.id == part_id and part.seller_id == shop.id:
            return shop, found, part
    raise NotFound


async def _show_form(
    page: Page, shop: Shop, found: Order, part: SellerOrder, asked: Asked
) -> Response:
    number = order_number(found.number)
    path = f"{shop.href}/orders/{number}"
    view = binding.refund_form(
        found,
        part,
        path=f"{path}/parts/{part.id}/refund",
        back=LinkView(number, path),
        form=asked.form,
        key=form_keys.key_to_send(page, asked.form),
        is_operator=False,
        preview=None
        if asked.preview is None
        else binding.refund_preview(asked.preview, form=asked.form),
    )
    return await show(
        page, shop, "console/refund.html", current="orders", status=asked.status, refund=view
    )
