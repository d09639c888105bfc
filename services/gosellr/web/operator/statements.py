"""What is told by a file: a provider's report and the bank's statement, taken up in the inbox."""

from typing import Annotated

from starlette.responses import Response

from gosellr.core.errors import Conflict, DomainError, InvalidInput, NotAllowed
from gosellr.core.late_routes import LateRouter
from gosellr.core.transact import ask
from gosellr.flows import reconciliation, told_by_hand, told_files
from gosellr.services import reconciliation_questions
from gosellr.utils.permissions import Permission
from gosellr.web import forms
from gosellr.web.binding import reconciliation as binding
from gosellr.web.forms import Field
from gosellr.web.operator.frame import staff
from gosellr.web.operator.reconciliation import show_inbox, tellers_of
from gosellr.web.pages import Page
from gosellr.web.views import FormView, NoticeView

router = LateRouter(prefix="/operator/reconciliation", include_in_schema=False)

# With the rest of its form it has to stay below what any request may bring.
TOLD_BYTES_MAX = 3 * 1024 * 1024

Taking = Annotated[Page, staff(Permission.RECONCILIATION_RUN, file_bytes_max=TOLD_BYTES_MAX)]

_REPORT = (Field("gateway", 40, "Choose whose report it is"),)


@router.post("/reports")
async def take_report(page: Taking) -> Response:
    """Take a provider's report; what was told before changes nothing."""
    form = forms.read(_REPORT, page.form)
    errors = dict(form.errors)
    standing = await ask(page.market.db, reconciliation_questions.standing, now=page.now)
    if not errors and form.value("gateway") not in tellers_of(page, standing):
        errors["gateway"] = "Choose whose report it is"
    if page.file is None:
        errors["report"] = "Choose a file first"
    if errors or page.file is None:
        return await show_inbox(page, form=FormView(form.values, errors), code=422)
    try:
        taken = await reconciliation.import_told(
            page.market.db,
            gateways=page.market.gateways,
            gateway=form.value("gateway"),
            movements=told_files.movements_of(
                page.file.content,
                gateway=form.value("gateway"),
                gateways=page.market.gateways,
            ),
            viewer=page.viewer,
            now=page.now,
        )
    except (Conflict, InvalidInput) as refusal:
        return await _refused(page, form, refusal, "report")
    return await show_inbox(page, notice=NoticeView(binding.report_words(taken)))


@router.post("/statements")
async def take_statement(page: Taking) -> Response:
    """Take a bank's statement, each line once; what it completes is paid with that."""
    form = FormView()
    if page.file is None:
        told = FormView({}, {"statement": "Choose a file first"})
        return await show_inbox(page, form=told, code=422)
    try:
        taken = await told_by_hand.take_statement(
            page.market.transfers,
            viewer=page.viewer,
            lines=told_files.bank_lines_of(page.file.content),
        )
    except (Conflict, InvalidInput, NotAllowed) as refusal:
        return await _refused(page, form, refusal, "statement")
    return await show_inbox(page, notice=NoticeView(binding.statement_words(taken)))


async def _refused(page: Page, form: FormView, refusal: DomainError, field: str) -> Response:
    """The inbox with what of the file can't be taken, at the field it was chosen in."""
    told = FormView(form.values, {field: binding.file_error(refusal)})
    return await show_inbox(page, form=told, code=refusal.status)
