"""What the books say of an order, a payout, a seller or an account, in plain words."""

from typing import Annotated

from fastapi import Query
from starlette.responses import Response

from gosellr.core.errors import NotFound
from gosellr.core.late_routes import LateRouter
from gosellr.core.transact import ask
from gosellr.services import explanation_service, seller_names
from gosellr.services.explanation_service import Explanation
from gosellr.utils.lazy_dataclasses import replace
from gosellr.utils.moments import InvalidMoment, end_of
from gosellr.utils.permissions import Permission
from gosellr.web import forms
from gosellr.web.binding import explanations
from gosellr.web.binding import shops as shop_binding
from gosellr.web.money_views import ExplainView
from gosellr.web.operator import shops
from gosellr.web.operator.frame import show, staff
from gosellr.web.pages import Page
from gosellr.web.views import FormView

router = LateRouter(prefix="/operator", include_in_schema=False)

Reading = Annotated[Page, staff(Permission.LEDGER_READ)]

_MOVEMENTS_SHOWN = 50


@router.get("/explain")
async def explain(
    page: Reading,
    subject: Annotated[str | None, Query(max_length=200)] = None,
    at: Annotated[str | None, Query(max_length=40)] = None,
) -> Response:
    """Look something up by its number, id or name, as it is or as it was."""
    form = _form(forms.clean(subject or ""), forms.clean(at or ""))
    view, status = ExplainView(form), 422 if form.errors else 200
    if form.value("subject") and not form.errors:
        try:
            found = await _found(page, form)
            view = explanations.explained(found, form=form)
        except NotFound as refusal:
            refused = FormView(form.values, {"subject": refusal.detail})
            view, status = ExplainView(refused), 404
    told = replace(view, shops=await shops.offered(page))
    return await show(page, "operator/explain.html", current="/explain", status=status, told=told)


async def _found(page: Page, form: FormView) -> Explanation:
    """What the books know under that name; what they don't know may be a shop's."""
    subject = form.value("subject")
    try:
        return await _explained(page, form, subject)
    except NotFound as unknown:
        meant = await ask(page.market.db, seller_names.meant_by, texts=[subject])
        seller_id, wrong = shop_binding.pick(subject, meant)
        if seller_id is None:
            raise (NotFound(wrong) if meant[subject] else unknown) from None
    return await _explained(page, form, str(seller_id))


async def _explained(page: Page, form: FormView, subject: str) -> Explanation:
    return await ask(
        page.market.db,
        explanation_service.explain,
        subject=subject,
        limit=_MOVEMENTS_SHOWN,
        at=end_of(form.value("at")) if form.value("at") else None,
    )


def _form(subject: str, at: str) -> FormView:
    values = {"subject": subject, "at": at}
    try:
        if at:
            end_of(at)
    except InvalidMoment:
        return FormView(values, {"at": "Write it like 2026-03-02 09:00"})
    return FormView(values)
