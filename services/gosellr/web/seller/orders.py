"""A shop's orders: its own parts of them, and units called off before they are paid for."""

from typing import Annotated
from uuid import UUID

from fastapi import Query
from starlette.responses import Response

from gosellr.core.errors import NotAuthenticated, NotFound
from gosellr.core.late_routes import LateRouter
from gosellr.core.transact import ask
from gosellr.models.order_values import Order, SellerOrder
from gosellr.services import dispute_questions, order_service
from gosellr.services.order_service import OrderFilters
from gosellr.utils.ids import order_number
from gosellr.utils.permissions import Permission
from gosellr.utils.states import Actor
from gosellr.web import call_off_doors, form_keys, forms, notices
from gosellr.web.binding import console_orders as binding
from gosellr.web.binding import histories
from gosellr.web.call_off_doors import Asked
from gosellr.web.console_order_views import CallOffView, SoldListView
from gosellr.web.pages import Page, admit
from gosellr.web.seller.shop import Shop, shop_of, show
from gosellr.web.views import FormView, LinkView

router = LateRouter(prefix="/seller/{seller_id}/orders", include_in_schema=False)

Reading = Annotated[Page, admit(Permission.ORDER_READ)]
CallingOff = Annotated[Page, admit(Permission.ORDER_CANCEL)]

_SHOWN = 24


@router.get("")
async def list_orders(
    page: Reading,
    seller_id: UUID,
    status: Annotated[str, Query(max_length=20)] = "",
    q: Annotated[str, Query(max_length=100)] = "",
    cursor: Annotated[str | None, Query(max_length=1000)] = None,
) -> Response:
    """The shop's orders, newest first."""
    shop = await _shop(page, seller_id, Permission.ORDER_READ)
    base = f"{shop.href}/orders"
    asked, wanted = histories.chosen_of(status, dict(binding.CHIPS)), forms.clean(q)
    chosen = asked.value
    found = await ask(
        page.market.db,
        order_service.list_orders,
        viewer=page.viewer,
        filters=OrderFilters(
            as_="seller", seller_id=shop.id, status=chosen or None, q=wanted or None
        ),
        cursor=cursor,
        limit=_SHOWN,
    )
    kept = [(name, value) for name, value in (("status", chosen), ("q", wanted)) if value]
    view = SoldListView(
        action=base,
        form=FormView({"q": wanted, "status": chosen}),
        orders=tuple(binding.row(one, base=base, with_names=False) for one in found.items),
        chips=histories.chips(base, binding.CHIPS, name="status", chosen=chosen, kept=kept),
        is_filtered=bool(kept),
        pager=histories.pager(base, kept, found.next_cursor, is_first=cursor is None),
    )
    return await show(
        page,
        shop,
        "console/orders.html",
        current="orders",
        order_list=view,
        notice=asked.notice,
        status=asked.status,
    )


@router.get("/{number}")
async def show_order(page: Reading, seller_id: UUID, number: str) -> Response:
    """The shop's part of an order."""
    shop = await _shop(page, seller_id, Permission.ORDER_READ)
    found, parts = await _order(page, shop, number)
    ways = (
        ("Movements of your money", "transactions", Permission.TRANSACTION_READ),
        ("Invoices and statements", "papers", Permission.STATEMENT_READ),
        ("Cases", "cases?view=open", Permission.DISPUTE_READ),
    )
    view = binding.order(
        found,
        parts,
        back=LinkView("Orders", f"{shop.href}/orders"),
        actor=Actor.SELLER if shop.may(Permission.ORDER_CANCEL) else None,
        whole=False,
        may_refund=shop.may(Permission.REFUND_CREATE),
        may_give=shop.may(Permission.STORE_CREDIT_GIVE),
        charged_back=await ask(page.market.db, dispute_questions.is_charged_back, order=found),
        links=tuple(
            LinkView(label, f"{shop.href}/{path}")
            for label, path, permission in ways
            if shop.may(permission)
        ),
    )
    return await show(page, shop, "console/order.html", current="orders", order=view)


@router.get("/{number}/parts/{part_id}/call-off")
async def write(page: CallingOff, seller_id: UUID, number: str, part_id: UUID) -> Response:
    """The form that calls units off."""
    shop = await _shop(page, seller_id, Permission.ORDER_CANCEL)
    found, part = await _part(page, shop, number, part_id)
    return await _show_form(page, shop, found, part, Asked(FormView()))


@router.post("/{number}/parts/{part_id}/call-off/preview")
async def preview(page: CallingOff, seller_id: UUID, number: str, part_id: UUID) -> Response:
    """What that would change; nothing happens."""
    shop = await _shop(page, seller_id, Permission.ORDER_CANCEL)
    found, part = await _part(page, shop, number, part_id)
    asked = await call_off_doors.preview(page, found, part)
    return await _show_form(page, shop, found, part, asked)


@router.post("/{number}/parts/{part_id}/call-off")
async def call_off(page: CallingOff, seller_id: UUID, number: str, part_id: UUID) -> Response:
    """Call them off; the same form twice does it once."""
    shop = await _shop(page, seller_id, Permission.ORDER_CANCEL)
    found, part = await _part(page, shop, number, part_id)
    asked = await call_off_doors.call_off(page, found, part)
    if asked.is_done:
        return page.go(f"{shop.href}/orders/{number}", notice=notices.CALLED_OFF)
    return await _show_form(page, shop, found, part, asked)


async def _shop(page: Page, seller_id: UUID, permission: Permission) -> Shop:
    # A guest may read an order whose key they hold, and nothing here.
    if page.viewer.is_guest:
        raise NotAuthenticated
    return await shop_of(page, seller_id, permission)


async def _order(page: Page, shop: Shop, number: str) -> tuple[Order, list[SellerOrder]]:
    """An order with the shop's own parts. Whoever also bought it, or runs the market, sees no more
    of it here."""
    found = await ask(
        page.market.db, order_service.find_order_by_number, viewer=page.viewer, number=number
    )
    parts = [part for part in found.parts if part.seller_id == shop.id]
    if not parts:
        raise NotFound
    return found, parts


async def _part(page: Page, shop: Shop, number: str, part_id: UUID) -> tuple[Order, SellerOrder]:
    found, parts = await _order(page, shop, number)
    for part in parts:
        if part.id == part_id:
            return found, part
    raise NotFound


async def _show_form(
    page: Page, shop: Shop, found: Order, part: SellerOrder, asked: Asked
) -> Response:
    number = order_number(found.number)
    path = f"{shop.href}/orders/{number}"
    view = CallOffView(
        part=binding.part(found, part, path=path, actor=Actor.SELLER, whole=False),
        path=f"{path}/parts/{part.id}/call-off",
        back=LinkView(number, path),
        form=asked.form,
        key=form_keys.key_to_send(page, asked.form),
        preview=None
        if asked.planned is None
        else binding.reduction(asked.planned, form=asked.form),
    )
    return await show(
        page, shop, "console/call_off.html", current="orders", status=asked.status, call_off=view
    )
