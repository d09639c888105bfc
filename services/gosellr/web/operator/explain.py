"""What the books say of an order, a payout, a seller or an account, in plain words."""

from typing import Annotated

from fastapi import APIRouter, Query
from starlette.responses import Response

from gosellr.core.errors import NotFound
from gosellr.core.transact import ask
from gosellr.services import seller_service, statement_service
from gosellr.utils.permissions import Permission
from gosellr.web import forms
from gosellr.web.binding import explanations
from gosellr.web.money_views import ExplainView
from gosellr.web.operator.frame import show, staff
from gosellr.web.pages import Page
from gosellr.web.views import FormView

router = APIRouter(prefix="/operator", include_in_schema=False)

Reading = Annotated[Page, staff(Permission.LEDGER_READ)]

_MOVEMENTS_SHOWN = 50


@router.get("/explain")
async def explain(
    page: Reading, subject: Annotated[str | None, Query(max_length=200)] = None
) -> Response:
    """Look something up by its number, id or name."""
    wanted = forms.clean(subject or "")
    view, status = ExplainView(FormView({"subject": wanted})), 200
    if wanted:
        try:
            found = await ask(
                page.market.db,
                statement_service.explain,
                subject=wanted,
                limit=_MOVEMENTS_SHOWN,
            )
            names = await ask(
                page.market.db,
                seller_service.names_of,
                seller_ids=sorted(explanations.sellers_in(found)),
            )
            view = explanations.explained(found, subject=wanted, names=names)
        except NotFound as refusal:
            form = FormView({"subject": wanted}, {"subject": refusal.detail})
            view, status = ExplainView(form), 404
    return await show(page, "operator/explain.html", current="/explain", status=status, told=view)
