"""Adjustments and write-offs: what one person prepared, a second one books or turns down."""

from typing import Annotated
from uuid import UUID

from fastapi import Query
from starlette.responses import Response

from gosellr.core.errors import Conflict, NotAllowed
from gosellr.core.late_routes import LateRouter
from gosellr.core.transact import ask, transact
from gosellr.services import adjustment_service
from gosellr.utils.balance_postings import ENTRIES_MAX
from gosellr.utils.lazy_dataclasses import replace
from gosellr.utils.money import EXPONENTS
from gosellr.utils.permissions import Permission, may
from gosellr.web import form_keys, forms, notices
from gosellr.web.balance_views import AdjustmentListView, EntryFormView
from gosellr.web.binding import balances as binding
from gosellr.web.binding import entry_forms, histories
from gosellr.web.binding.entry_forms import TypedEntries
from gosellr.web.binding.shops import Meant
from gosellr.web.forms import Field
from gosellr.web.operator import shops
from gosellr.web.operator.frame import show, staff
from gosellr.web.pages import Page
from gosellr.web.views import FormView, NoticeView

router = LateRouter(prefix="/operator/adjustments", include_in_schema=False)

Reading = Annotated[Page, staff(Permission.LEDGER_READ)]
Preparing = Annotated[Page, staff(Permission.LEDGER_ADJUST)]
Deciding = Annotated[Page, staff(Permission.LEDGER_APPROVE)]

_SHOWN = 24
_BASE = "/operator/adjustments"
_REASON = (Field("reason", 500, "Say why not"),)


@router.get("")
async def list_adjustments(
    page: Reading,
    status: Annotated[str, Query(max_length=20)] = "prepared",
    cursor: Annotated[str | None, Query(max_length=1000)] = None,
) -> Response:
    """What waits for a second person first."""
    return await _show_list(page, chosen=status, cursor=cursor)


@router.post("")
async def prepare(page: Preparing) -> Response:
    """Prepare entries that balance; nothing is booked yet. The same form twice is one."""
    typed = entry_forms.checked(entry_forms.read(page.form, meant=await _meant(page)))
    form = typed.form
    if form.errors:
        return await _show_form(page, typed, status=422)
    try:
        prepared = await transact(
            page.market.db,
            adjustment_service.prepare,
            viewer=page.viewer,
            entries=typed.entries,
            reason=form.value("reason"),
            key=form_keys.request_key(page, "adjustment", form),
            kept_for=page.market.policy.idempotency_kept_for,
            now=page.now,
        )
    except form_keys.REFUSALS as refusal:
        told = form_keys.with_refusal(form, refusal, {})
        return await _show_form(page, replace(typed, form=told), status=refusal.status)
    return page.go(f"{_BASE}/{prepared.value.id}", notice=notices.PREPARED)


@router.get("/new")
async def write(page: Preparing) -> Response:
    """The form that prepares one."""
    return await _show_form(page, entry_forms.empty(page.market.settings.default_currency))


@router.post("/rows")
async def resize(page: Preparing) -> Response:
    """The form with a row more, or without one, and what is typed in it summed up."""
    return await _show_form(page, entry_forms.resized(page.form, meant=await _meant(page)))


@router.get("/{adjustment_id}")
async def show_adjustment(page: Reading, adjustment_id: UUID) -> Response:
    """What would be booked, why, and by whose word."""
    return await _show(page, adjustment_id)


@router.post("/{adjustment_id}/approve")
async def approve(page: Deciding, adjustment_id: UUID) -> Response:
    """Book what somebody else prepared."""
    try:
        await transact(
            page.market.db,
            adjustment_service.approve,
            viewer=page.viewer,
            adjustment_id=adjustment_id,
            now=page.now,
        )
    except (Conflict, NotAllowed) as refusal:
        notice = NoticeView(refusal.detail, "warn", "Nothing was changed")
        return await _show(page, adjustment_id, notice=notice, status=refusal.status)
    return page.go(f"{_BASE}/{adjustment_id}", notice=notices.ADJUSTMENT_BOOKED)


@router.post("/{adjustment_id}/reject")
async def reject(page: Deciding, adjustment_id: UUID) -> Response:
    """Turn down what somebody else prepared."""
    form = forms.read(_REASON, page.form)
    if form.errors:
        return await _show(page, adjustment_id, form=form, status=422)
    try:
        await transact(
            page.market.db,
            adjustment_service.reject,
            viewer=page.viewer,
            adjustment_id=adjustment_id,
            reason=form.value("reason"),
            now=page.now,
        )
    except (Conflict, NotAllowed) as refusal:
        notice = NoticeView(refusal.detail, "warn", "Nothing was changed")
        return await _show(page, adjustment_id, form=form, notice=notice, status=refusal.status)
    return page.go(f"{_BASE}/{adjustment_id}", notice=notices.ADJUSTMENT_REJECTED)


async def _meant(page: Page) -> Meant:
    return await shops.meant(page, entry_forms.shop_fields(page.form))


async def _show_form(page: Page, typed: TypedEntries, *, status: int = 200) -> Response:
    view = EntryFormView(
        form=typed.form,
        # What comes back is the same wish.
        key=form_keys.key_to_send(page, typed.form),
        row_count=typed.row_count,
        rows_max=ENTRIES_MAX,
        accounts=binding.account_choices(),
        sides=binding.choices(entry_forms.SIDES),
        currencies=binding.currency_choices(sorted(EXPONENTS)),
        shops=await shops.offered(page),
        sums=typed.sums,
    )
    return await show(
        page, "operator/adjustment_new.html", current="/adjustments", status=status, entry_form=view
    )


async def _show_list(
    page: Page,
    *,
    chosen: str = "prepared",
    cursor: str | None = None,
) -> Response:
    asked = histories.chosen_of(chosen, dict(binding.ADJUSTMENT_CHIPS), first="prepared")
    chosen = asked.value
    found = await ask(
        page.market.db,
        adjustment_service.list_adjustments,
        status=None if chosen == "all" else chosen,
        kind=None,
        cursor=cursor,
        limit=_SHOWN,
    )
    view = AdjustmentListView(
        rows=tuple(
            binding.adjustment_row(one, base=_BASE, viewer_id=page.viewer.user_id)
            for one in found.items
        ),
        chips=histories.chips(_BASE, binding.ADJUSTMENT_CHIPS, name="status", chosen=chosen),
        may_prepare=may(page.viewer.roles, Permission.LEDGER_ADJUST),
        pager=histories.pager(
            _BASE, [("status", chosen)], found.next_cursor, is_first=cursor is None
        ),
    )
    return await show(
        page,
        "operator/adjustments.html",
        current="/adjustments",
        adjustment_list=view,
        notice=asked.notice,
        status=asked.status,
    )


async def _show(
    page: Page,
    adjustment_id: UUID,
    *,
    form: FormView | None = None,
    notice: NoticeView | None = None,
    status: int = 200,
) -> Response:
    found = await ask(page.market.db, adjustment_service.find, adjustment_id=adjustment_id)
    view = binding.adjustment(
        found,
        base=_BASE,
        viewer_id=page.viewer.user_id,
        may_decide=may(page.viewer.roles, Permission.LEDGER_APPROVE),
        form=form,
    )
    return await show(
        page,
        "operator/adjustment.html",
        current="/adjustments",
        status=status,
        notice=notice,
        adjustment=view,
    )
