"""Cash at the door: which parcels wait for it, and what happened there."""

from typing import Annotated
from uuid import UUID

from fastapi import Query
from starlette.responses import Response

from gosellr.core.errors import Conflict, DomainError, InvalidInput
from gosellr.core.late_routes import LateRouter
from gosellr.core.transact import ask, transact
from gosellr.services import awaited_service, door_service
from gosellr.utils.permissions import Permission, may
from gosellr.web import forms, notices
from gosellr.web.awaited_views import AwaitedListView
from gosellr.web.binding import awaited as binding
from gosellr.web.binding import histories
from gosellr.web.forms import Field
from gosellr.web.operator.frame import show, staff
from gosellr.web.pages import Page
from gosellr.web.views import FormView

router = LateRouter(prefix=binding.CASH, include_in_schema=False)

Reading = Annotated[Page, staff(Permission.ORDER_READ)]
Handing = Annotated[Page, staff(Permission.SHIPMENT_UPDATE)]

_SHOWN = 24
_RECEIVED = (Field("amount", 20, "Write what was collected"),)
_REFUSED = (Field("reason", 500, "Say why it was refused"),)


@router.get("")
async def list_cash(
    page: Reading, cursor: Annotated[str | None, Query(max_length=1000)] = None
) -> Response:
    """Parcels that are paid at the door, the oldest first."""
    found = await ask(page.market.db, awaited_service.list_cash, cursor=cursor, limit=_SHOWN)
    view = AwaitedListView(
        rows=tuple(map(binding.cash_row, found.items)),
        chips=(),
        at_label="Placed",
        empty="No cash is awaited",
        pager=histories.pager(binding.CASH, [], found.next_cursor, is_first=cursor is None),
    )
    return await show(page, "operator/transfers.html", current="/cash", awaited=view)


@router.get("/{seller_order_id}")
async def show_parcel(page: Reading, seller_order_id: UUID) -> Response:
    """A parcel that is paid at the door."""
    return await _show(page, seller_order_id)


@router.post("/{seller_order_id}/received")
async def receive(page: Handing, seller_order_id: UUID) -> Response:
    """Say that it was handed over against its cash."""
    parcel = await ask(page.market.db, awaited_service.find_cash, seller_order_id=seller_order_id)
    form = forms.read(_RECEIVED, page.form)
    minor = forms.amount_minor(form.value("amount"), parcel.currency)
    if form.errors or minor is None:
        example = forms.example(parcel.currency)
        words = form.error("amount") or f"Write an amount in {parcel.currency}, such as {example}"
        told = FormView(form.values, {"amount": words})
        return await _show(page, seller_order_id, told, status=422)
    try:
        await transact(
            page.market.db,
            door_service.record_cash,
            viewer=page.viewer,
            order_id=parcel.order_id,
            seller_order_id=seller_order_id,
            amount_minor=minor,
            currency=parcel.currency,
            policy=page.market.policy,
            now=page.now,
        )
    except InvalidInput:
        told = FormView(form.values, {"amount": "That isn't the amount that was due"})
        return await _show(page, seller_order_id, told, status=422)
    except Conflict as refusal:
        return await _refused(page, seller_order_id, form, refusal)
    return page.go(binding.CASH, notice=notices.CASH_RECEIVED)


@router.post("/{seller_order_id}/refused")
async def refuse(page: Handing, seller_order_id: UUID) -> Response:
    """Say that the buyer refused it: it is called off, and its goods are back."""
    parcel = await ask(page.market.db, awaited_service.find_cash, seller_order_id=seller_order_id)
    form = forms.read(_REFUSED, page.form)
    if form.errors:
        return await _show(page, seller_order_id, form, status=422)
    try:
        await transact(
            page.market.db,
            door_service.refuse,
            viewer=page.viewer,
            order_id=parcel.order_id,
            seller_order_id=seller_order_id,
            reason=form.value("reason"),
            policy=page.market.policy,
            now=page.now,
        )
    except (Conflict, InvalidInput) as refusal:
        return await _refused(page, seller_order_id, form, refusal)
    return page.go(binding.CASH, notice=notices.PARCEL_REFUSED)


async def _refused(
    page: Page, seller_order_id: UUID, form: FormView, refusal: DomainError
) -> Response:
    told = forms.with_errors(form, refusal, {})
    return await _show(page, seller_order_id, told, status=refusal.status)


async def _show(
    page: Page, seller_order_id: UUID, form: FormView | None = None, *, status: int = 200
) -> Response:
    found = await ask(page.market.db, awaited_service.find_cash, seller_order_id=seller_order_id)
    view = binding.cash(
        found, may_hand=may(page.viewer.roles, Permission.SHIPMENT_UPDATE), form=form
    )
    return await show(page, "operator/cash.html", current="/cash", status=status, awaited=view)
