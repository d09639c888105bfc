"""What the marketplace owes tax authorities: a period looked at, handed in and paid."""

from collections.abc import Mapping
from typing import Annotated, Any
from uuid import UUID

from fastapi import Query
from starlette.responses import Response

from gosellr.core.errors import Conflict, InvalidInput
from gosellr.core.late_routes import LateRouter
from gosellr.core.transact import transact
from gosellr.flows import documents
from gosellr.flows.documents import Form
from gosellr.services import tax_filing_service
from gosellr.utils.permissions import Permission, may
from gosellr.utils.tax_periods import TaxPeriod
from gosellr.web import forms, notices
from gosellr.web.binding import tax_returns as binding
from gosellr.web.forms import Field
from gosellr.web.history_answers import file_answer
from gosellr.web.operator.frame import show, staff
from gosellr.web.pages import Page
from gosellr.web.views import FormView, NoticeView

router = LateRouter(prefix="/operator", include_in_schema=False)

Reading = Annotated[Page, staff(Permission.LEDGER_READ)]
Filing = Annotated[Page, staff(Permission.LEDGER_ADJUST)]

_BASE = "/operator/tax-returns"
_FILED = (
    Field("jurisdiction", 40, "Choose one of those that are shown"),
    Field("currency", 3, "Choose one of those that are shown"),
    Field("reference", 120),
)
_FORMS: dict[str, Form] = {"csv": "csv", "xlsx": "xlsx"}


@router.get("/tax-returns")
async def show_period(
    page: Reading,
    period: Annotated[str, Query(max_length=10)] = "",
    form: Annotated[str | None, Query(alias="format", max_length=8)] = None,
) -> Response:
    """A quarter or a month of every jurisdiction, by rate, as the ledger has it."""
    chosen, asked = binding.period_of(forms.clean(period), now=page.now)
    content = await documents.tax_return(page.market.documents, period=chosen)
    # A file doesn't say that another period was meant: the page does.
    if form is not None and not asked.errors:
        if form not in _FORMS:
            raise InvalidInput.at("format", "format_unknown", "There are files as csv and as xlsx")
        made = await documents.make_file(
            page.market.documents, content, form=_FORMS[form], name=f"tax-{chosen.name}"
        )
        return file_answer(made.content, media_type=made.media_type, name=made.name)
    return await _show(page, chosen, asked, content=content)


@router.post("/tax-returns/{period}/file")
async def file(page: Filing, period: str) -> Response:
    """Write down that a period was handed in; sent twice, the second is told that it was."""
    chosen, asked = binding.period_of(forms.clean(period)[:10], now=page.now)
    typed = forms.read(_FILED, page.form)
    if asked.errors or typed.errors:
        notice = NoticeView("The reference is too long.", "warn", "Nothing was written down")
        return await _show(page, chosen, asked, notice=notice, status=422)
    try:
        await transact(
            page.market.db,
            tax_filing_service.file,
            viewer=page.viewer,
            period=chosen,
            jurisdiction=typed.value("jurisdiction"),
            currency=typed.value("currency"),
            reference=typed.value("reference"),
            vat_jurisdiction=page.market.policy.commission_vat_jurisdiction,
            now=page.now,
        )
    except Conflict as refusal:
        notice = NoticeView(refusal.detail, "warn", "Nothing was written down")
        return await _show(page, chosen, asked, notice=notice, status=refusal.status)
    return page.go(f"{_BASE}?period={chosen.name}", notice=notices.TAX_FILED)


@router.post("/tax-returns/{tax_return_id}/pay")
async def pay(page: Filing, tax_return_id: UUID) -> Response:
    """Prepare its payment; nothing is booked before a second person agrees."""
    chosen, asked = binding.period_of(forms.clean(page.form.get("period", ""))[:10], now=page.now)
    try:
        filed = await transact(
            page.market.db,
            tax_filing_service.pay,
            viewer=page.viewer,
            tax_return_id=tax_return_id,
            kept_for=page.market.policy.idempotency_kept_for,
            now=page.now,
        )
    except Conflict as refusal:
        notice = NoticeView(refusal.detail, "warn", "Nothing was prepared")
        return await _show(page, chosen, asked, notice=notice, status=refusal.status)
    return page.go(f"/operator/adjustments/{filed.adjustment_id}", notice=notices.PREPARED)


async def _show(
    page: Page,
    chosen: TaxPeriod,
    asked: FormView,
    *,
    content: Mapping[str, Any] | None = None,
    notice: NoticeView | None = None,
    status: int = 200,
) -> Response:
    view = binding.page(
        content or await documents.tax_return(page.market.documents, period=chosen),
        form=asked,
        action=_BASE,
        may_file=may(page.viewer.roles, Permission.LEDGER_ADJUST),
        now=page.now,
    )
    return await show(
        page,
        "operator/tax_returns.html",
        current="/tax-returns",
        status=422 if asked.errors else status,
        notice=notice,
        taxes=view,
    )
