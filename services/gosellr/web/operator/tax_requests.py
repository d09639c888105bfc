"""A seller who hasn't said who it is to the tax authorities: asked, withheld, and let go."""

from typing import Annotated
from uuid import UUID

from starlette.responses import Response

from gosellr.core.errors import NotAllowed
from gosellr.core.late_routes import LateRouter
from gosellr.core.transact import ask, transact
from gosellr.services import seller_service, tax_request_service
from gosellr.utils.permissions import Permission, may
from gosellr.web import forms, notices
from gosellr.web.binding import tax_requests as binding
from gosellr.web.forms import Field
from gosellr.web.operator.frame import show, staff
from gosellr.web.pages import Page
from gosellr.web.views import FormView, NoticeView

router = LateRouter(prefix="/operator", include_in_schema=False)

Reading = Annotated[Page, staff(Permission.LEDGER_READ)]
Deciding = Annotated[Page, staff(Permission.PAYOUT_APPROVE)]

_REASON = (Field("reason", 500, "Say why: the seller reads it"),)


@router.get("/tax-report/sellers/{seller_id}")
async def show_request(page: Reading, seller_id: UUID) -> Response:
    """How far asking a seller has come, and whether its payouts wait for it."""
    return await _show(page, seller_id)


@router.post("/tax-report/sellers/{seller_id}/unhold")
async def unhold(page: Deciding, seller_id: UUID) -> Response:
    """Let its payouts go on though it hasn't said it."""
    form = forms.read(_REASON, page.form)
    if form.errors:
        return await _show(page, seller_id, form=form, status=422)
    try:
        await transact(
            page.market.db,
            tax_request_service.lift,
            viewer=page.viewer,
            seller_id=seller_id,
            reason=form.value("reason"),
            now=page.now,
        )
    except NotAllowed as refusal:
        return await _refused(page, seller_id, refusal, form)
    return page.go(binding.request_href(seller_id), notice=notices.TAX_HOLD_LIFTED)


@router.post("/tax-report/sellers/{seller_id}/hold")
async def hold(page: Deciding, seller_id: UUID) -> Response:
    """Take that back."""
    try:
        await transact(
            page.market.db,
            tax_request_service.restore,
            viewer=page.viewer,
            seller_id=seller_id,
            withholds=page.market.settings.tax_identity_requests == "withhold",
            now=page.now,
        )
    except NotAllowed as refusal:
        return await _refused(page, seller_id, refusal, None)
    return page.go(binding.request_href(seller_id), notice=notices.TAX_HOLD_RESTORED)


async def _refused(
    page: Page, seller_id: UUID, refusal: NotAllowed, form: FormView | None
) -> Response:
    notice = NoticeView(refusal.detail, "warn", "Nothing was changed")
    return await _show(page, seller_id, form=form, notice=notice, status=refusal.status)


async def _show(
    page: Page,
    seller_id: UUID,
    *,
    form: FormView | None = None,
    notice: NoticeView | None = None,
    status: int = 200,
) -> Response:
    found = await ask(
        page.market.db,
        tax_request_service.find_for_operator,
        viewer=page.viewer,
        seller_id=seller_id,
    )
    names = await ask(page.market.db, seller_service.names_of, seller_ids=[seller_id])
    view = binding.request(
        found,
        name=names.get(seller_id, ""),
        mode=page.market.settings.tax_identity_requests,
        viewer_id=page.viewer.user_id,
        may_decide=may(page.viewer.roles, Permission.PAYOUT_APPROVE),
        form=form,
    )
    return await show(
        page,
        "operator/tax_request.html",
        current="/tax-report",
        status=status,
        notice=notice,
        asked=view,
    )
