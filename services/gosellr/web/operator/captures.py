"""What became of money that is taken as goods leave, where no provider says so."""

from typing import Annotated
from uuid import UUID

from starlette.responses import Response

from gosellr.core.errors import Conflict
from gosellr.core.late_routes import LateRouter
from gosellr.core.transact import ask
from gosellr.flows import captures
from gosellr.models.order_values import Order
from gosellr.services import capture_verdicts, order_service
from gosellr.services.capture_verdicts import CaptureSettled
from gosellr.utils.ids import order_number
from gosellr.utils.permissions import Permission
from gosellr.web import forms, notices
from gosellr.web.binding import captures as binding
from gosellr.web.console_order_views import CaptureOutcomeView
from gosellr.web.forms import Field
from gosellr.web.operator.frame import show, staff
from gosellr.web.pages import Page
from gosellr.web.views import FormView, LinkView, NoticeView

_FORM = "/{number}/parts/{part_id}/capture"
_SETTLING = (Field("reason", 500, "Say how you know"), Field("capture_id", 40))
_NOTICES = {"taken": notices.CAPTURE_TAKEN, "failed": notices.CAPTURE_FAILED}

router = LateRouter(prefix="/operator/orders", include_in_schema=False)

Deciding = Annotated[Page, staff(Permission.RECONCILIATION_DECIDE)]


@router.get(_FORM)
async def write(page: Deciding, number: str, part_id: UUID) -> Response:
    """The form that says whether the money for a part was taken, where a person has to."""
    return await _show(page, await _order(page, number), part_id, FormView())


@router.post(_FORM)
async def settle(page: Deciding, number: str, part_id: UUID) -> Response:
    """Say that it was taken, or that it wasn't; its provider is asked once more before."""
    found = await _order(page, number)
    form = forms.read(_SETTLING, page.form)
    outcome = page.form.get("outcome", "")
    if form.errors or outcome not in _NOTICES:
        return await _show(page, found, part_id, form, status=422)
    try:
        spoken_of = await ask(
            page.market.db,
            capture_verdicts.find_settleable,
            viewer=page.viewer,
            order=found,
            seller_order_id=part_id,
            now=page.now,
        )
        if str(spoken_of.id) != form.value("capture_id"):
            # What was shown is known by now, and the money was asked for once more since.
            raise CaptureSettled
        await captures.settle(
            page.market.captures,
            viewer=page.viewer,
            order_id=found.id,
            seller_order_id=part_id,
            taken=outcome == "taken",
            reason=form.value("reason"),
        )
    except Conflict as refusal:
        return await _show(page, await _order(page, number), part_id, form, refusal=refusal)
    return page.go(f"{router.prefix}/{number}", notice=_NOTICES[outcome])


async def _order(page: Page, number: str) -> Order:
    return await ask(
        page.market.db, order_service.find_order_by_number, viewer=page.viewer, number=number
    )


async def _show(
    page: Page,
    found: Order,
    part_id: UUID,
    form: FormView,
    *,
    refusal: Conflict | None = None,
    status: int = 200,
) -> Response:
    number = order_number(found.number)
    path = f"{router.prefix}/{number}"
    form_path, back = binding.outcome_path(path, part_id), LinkView(number, path)
    view = CaptureOutcomeView(form_path, back, form)
    try:
        capture = await ask(
            page.market.db,
            capture_verdicts.find_settleable,
            viewer=page.viewer,
            order=found,
            seller_order_id=part_id,
            now=page.now,
        )
    except Conflict as stands:
        refusal = stands
    else:
        view = binding.outcome(found, capture, path=form_path, back=back, form=form)
    notice = None
    if refusal is not None:
        notice, status = NoticeView(refusal.detail or refusal.title, "warn"), refusal.status
    return await show(
        page,
        "operator/capture_outcome.html",
        current="/orders",
        outcome=view,
        notice=notice,
        status=status,
    )
