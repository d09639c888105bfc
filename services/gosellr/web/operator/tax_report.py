"""The report of sellers (DAC7): a year looked at before it is handed in, and as a file."""

from typing import Annotated

from fastapi import Query
from starlette.responses import Response

from gosellr.core.errors import InvalidInput
from gosellr.core.late_routes import LateRouter
from gosellr.core.transact import ask
from gosellr.flows import documents
from gosellr.flows.documents import Form
from gosellr.services import tax_request_service
from gosellr.utils.permissions import Permission
from gosellr.web import forms
from gosellr.web.binding import tax_reports as binding
from gosellr.web.history_answers import file_answer
from gosellr.web.operator.frame import show, staff
from gosellr.web.pages import Page

router = LateRouter(prefix="/operator", include_in_schema=False)

Reading = Annotated[Page, staff(Permission.LEDGER_READ)]

_BASE = "/operator/tax-report"
_FORMS: dict[str, Form] = {"csv": "csv", "xlsx": "xlsx", "pdf": "pdf"}
_SELLERS_MAX = 10_000_000


@router.get("/tax-report")
async def show_report(
    page: Reading,
    year: Annotated[str, Query(max_length=10)] = "",
    form: Annotated[str | None, Query(alias="format", max_length=8)] = None,
    cursor: Annotated[str | None, Query(max_length=20)] = None,
    state: Annotated[str, Query(max_length=20)] = "",
) -> Response:
    """A year of all sellers by quarter, as the journal has it, with what isn't known of them. Who
    they are stands in the files, for who may read it."""
    chosen, asked = binding.year_of(forms.clean(year), now=page.now)
    begin = _place(cursor)
    content = await documents.tax_report(page.market.documents, year=chosen, reader=page.viewer)
    which = binding.state_of(forms.clean(state))
    # A file doesn't say that another year was meant: the page does.
    if form is not None and not asked.errors:
        made = await documents.make_file(
            page.market.documents, content, form=_form(form), name=f"dac7-{chosen}"
        )
        return file_answer(made.content, media_type=made.media_type, name=made.name)
    unsaid = binding.unsaid_of(content)
    requests = await ask(page.market.db, tax_request_service.of_sellers, seller_ids=unsaid)
    view = binding.report(
        content,
        form=asked,
        action=_BASE,
        begin=begin,
        now=page.now,
        state=which,
        requests=requests,
    )
    return await show(
        page,
        "operator/tax_report.html",
        current="/tax-report",
        status=422 if asked.errors else which.status,
        notice=which.notice,
        report=view,
    )


def _place(cursor: str | None) -> int:
    place = forms.whole_number(cursor or "0", lowest=0, highest=_SELLERS_MAX)
    if place is None:
        raise InvalidInput.at("cursor", "cursor_unknown", "This cursor isn't one of ours")
    return place


def _form(text: str) -> Form:
    if text not in _FORMS:
        raise InvalidInput.at("format", "format_unknown", "There are files as csv, xlsx and pdf")
    return _FORMS[text]
