"""Orders as the operator reads them, and units called off before they are paid for."""

from typing import Annotated
from uuid import UUID

from fastapi import Query
from starlette.responses import Response

from gosellr.core.errors import NotAllowed
from gosellr.core.late_routes import LateRouter
from gosellr.core.transact import ask
from gosellr.models.order_values import Order
from gosellr.services import capture_verdicts, dispute_questions, order_service
from gosellr.services.order_service import OrderFilters
from gosellr.utils.ids import order_number
from gosellr.utils.lazy_dataclasses import replace
from gosellr.utils.permissions import Permission, may
from gosellr.utils.states import Actor
from gosellr.web import call_off_doors, form_keys, forms, notices
from gosellr.web.binding import captures, histories
from gosellr.web.binding import console_orders as binding
from gosellr.web.call_off_doors import Asked
from gosellr.web.console_order_views import CallOffView, SoldListView
from gosellr.web.operator.frame import show, staff
from gosellr.web.pages import Page
from gosellr.web.views import FormView, LinkView

router = LateRouter(prefix="/operator/orders", include_in_schema=False)

Reading = Annotated[Page, staff(Permission.ORDER_READ)]
CallingOff = Annotated[Page, staff(Permission.ORDER_CANCEL)]

_SHOWN = 24
_BASE = "/operator/orders"
_BACK = LinkView("Orders", _BASE)


@router.get("")
async def list_orders(
    page: Reading,
    status: Annotated[str, Query(max_length=20)] = "",
    q: Annotated[str, Query(max_length=100)] = "",
    cursor: Annotated[str | None, Query(max_length=1000)] = None,
) -> Response:
    """All orders, newest first."""
    asked, wanted = histories.chosen_of(status, dict(binding.CHIPS)), forms.clean(q)
    chosen = asked.value
    found = await ask(
        page.market.db,
        order_service.list_orders,
        viewer=page.viewer,
        filters=OrderFilters(as_="operator", status=chosen or None, q=wanted or None),
        cursor=cursor,
        limit=_SHOWN,
    )
    kept = [(name, value) for name, value in (("status", chosen), ("q", wanted)) if value]
    view = SoldListView(
        action=_BASE,
        form=FormView({"q": wanted, "status": chosen}),
        orders=tuple(binding.row(one, base=_BASE, with_names=True) for one in found.items),
        chips=histories.chips(_BASE, binding.CHIPS, name="status", chosen=chosen, kept=kept),
        is_filtered=bool(kept),
        pager=histories.pager(_BASE, kept, found.next_cursor, is_first=cursor is None),
    )
    return await show(
        page,
        "console/orders.html",
        current="/orders",
        order_list=view,
        notice=asked.notice,
        status=asked.status,
    )


@router.get("/{number}")
async def show_order(page: Reading, number: str) -> Response:
    """An order: its parts, its money, and where to look on."""
    found = await _order(page, number)
    may_settle = may(page.viewer.roles, Permission.RECONCILIATION_DECIDE)
    view = binding.order(
        found,
        found.parts,
        back=_BACK,
        actor=_actor(page),
        whole=True,
        may_refund=may(page.viewer.roles, Permission.REFUND_CREATE),
        may_settle=may_settle,
        charged_back=await ask(page.market.db, dispute_questions.is_charged_back, order=found),
        links=_links(page, found),
    )
    if may_settle:
        taking = await ask(page.market.db, capture_verdicts.open_captures, order_id=found.id)
        rows = captures.open_rows(found, taking, path=f"{_BASE}/{number}")
        view = replace(view, money=(*view.money, *rows))
    return await show(page, "console/order.html", current="/orders", order=view)


@router.get("/{number}/parts/{part_id}/call-off")
async def write(page: CallingOff, number: str, part_id: UUID) -> Response:
    """The form that calls units of a part off."""
    return await _show_form(page, await _order_to_change(page, number), part_id, Asked(FormView()))


@router.post("/{number}/parts/{part_id}/call-off/preview")
async def preview(page: CallingOff, number: str, part_id: UUID) -> Response:
    """What that would change; nothing happens."""
    found = await _order_to_change(page, number)
    asked = await call_off_doors.preview(page, found, call_off_doors.part_in(found, part_id))
    return await _show_form(page, found, part_id, asked)


@router.post("/{number}/parts/{part_id}/call-off")
async def call_off(page: CallingOff, number: str, part_id: UUID) -> Response:
    """Call them off; the same form twice does it once."""
    found = await _order_to_change(page, number)
    asked = await call_off_doors.call_off(page, found, call_off_doors.part_in(found, part_id))
    if asked.is_done:
        return page.go(f"{_BASE}/{number}", notice=notices.CALLED_OFF)
    return await _show_form(page, found, part_id, asked)


def _links(page: Page, found: Order) -> tuple[LinkView, ...]:
    """Where more is said of an order, as far as this person may read it."""
    number = order_number(found.number)
    ways = (
        ("What the books say of it", f"/operator/explain?subject={number}", Permission.LEDGER_READ),
        ("Cases", "/operator/cases", Permission.DISPUTE_READ),
    )
    return tuple(
        LinkView(label, href)
        for label, href, permission in ways
        if may(page.viewer.roles, permission)
        and (permission is not Permission.DISPUTE_READ or found.open_dispute_count)
    )


def _actor(page: Page) -> Actor | None:
    return Actor.OPERATOR if page.viewer.is_operator else None


async def _order_to_change(page: Page, number: str) -> Order:
    # Support cancels for buyers; what a sale comes to is changed by those who run the market.
    if not page.viewer.is_operator:
        raise NotAllowed
    return await _order(page, number)


async def _order(page: Page, number: str) -> Order:
    return await ask(
        page.market.db, order_service.find_order_by_number, viewer=page.viewer, number=number
    )


async def _show_form(page: Page, found: Order, part_id: UUID, asked: Asked) -> Response:
    number = order_number(found.number)
    part = call_off_doors.part_in(found, part_id)
    path = f"{_BASE}/{number}"
    view = CallOffView(
        part=binding.part(found, part, path=path, actor=_actor(page), whole=True),
        path=f"{path}/parts/{part_id}/call-off",
        back=LinkView(number, path),
        form=asked.form,
        key=form_keys.key_to_send(page, asked.form),
        preview=None
        if asked.planned is None
        else binding.reduction(asked.planned, form=asked.form),
    )
    return await show(
        page, "console/call_off.html", current="/orders", status=asked.status, call_off=view
    )
