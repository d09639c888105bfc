"""Files of payouts for the market's bank: made, downloaded, and what the bank did with them."""

from typing import Annotated
from uuid import UUID

from fastapi import Query
from starlette.responses import Response

from gosellr.core.errors import Conflict, InvalidInput
from gosellr.core.identity import new_secret
from gosellr.core.late_routes import LateRouter
from gosellr.core.transact import ask
from gosellr.flows import bank_files
from gosellr.services import bank_file_service
from gosellr.services.idempotency_service import IdempotencyKeyReused
from gosellr.utils.permissions import Permission, may
from gosellr.web import form_keys, forms, notices
from gosellr.web.binding import bank_files as binding
from gosellr.web.binding import histories
from gosellr.web.filing_views import BankFileListView
from gosellr.web.forms import Field
from gosellr.web.operator.frame import show, staff
from gosellr.web.pages import Page
from gosellr.web.views import FormView, NoticeView

router = LateRouter(prefix="/operator", include_in_schema=False)

Reading = Annotated[Page, staff(Permission.BANK_FILE_READ)]
Writing = Annotated[Page, staff(Permission.BANK_FILE_WRITE)]

_SHOWN = 24
_BASE = "/operator/bank-files"
_REASON = (Field("reason", 500, "Say why the bank refused it"),)
_REASON_LENGTH_MAX = 500


@router.get("/bank-files")
async def list_files(
    page: Reading,
    status: Annotated[str, Query(max_length=20)] = "",
    cursor: Annotated[str | None, Query(max_length=1000)] = None,
) -> Response:
    """Files, newest first, and the button that makes another."""
    return await _show_list(page, chosen=status, cursor=cursor)


@router.post("/bank-files")
async def make(page: Writing) -> Response:
    """Put the payouts that wait for the bank into a file; the same form twice makes one."""
    try:
        made = await bank_files.make_file(
            page.market.payouts,
            viewer=page.viewer,
            key=form_keys.request_key(page, "bank_file", b""),
        )
    except (Conflict, IdempotencyKeyReused) as refusal:
        notice = NoticeView(refusal.detail, "warn", "No file was made")
        return await _show_list(page, notice=notice, code=refusal.status)
    if made.unfit:
        notice = NoticeView(binding.unfit_words(made.unfit), "warn", "The file is made")
        return await _show(page, made.value.id, notice=notice)
    return page.go(f"{_BASE}/{made.value.id}", notice=notices.FILE_MADE)


@router.get("/bank-files/{file_id}")
async def show_file(page: Reading, file_id: UUID) -> Response:
    """A file with its payments, and what the bank did with it."""
    return await _show(page, file_id)


@router.get("/bank-files/{file_id}/document")
async def download(page: Reading, file_id: UUID) -> Response:
    """The file itself, the same bytes each time."""
    content = await bank_files.read_file(page.market.payouts, file_id=file_id)
    return Response(
        content,
        media_type="application/xml",
        headers={
            "Cache-Control": "no-store",
            "Content-Disposition": f'attachment; filename="payouts-{file_id}.xml"',
            "X-Content-Type-Options": "nosniff",
        },
    )


@router.post("/bank-files/{file_id}/execute")
async def execute(page: Writing, file_id: UUID) -> Response:
    """The bank has carried it out, but for those payments that bear a reason."""
    payments = await ask(page.market.db, bank_file_service.payments_of, file_id=file_id)
    fields = [
        Field(binding.failure_field(one.payout_id), _REASON_LENGTH_MAX)
        for one in payments[: binding.FAILURES_AT_ONCE]
    ]
    form = forms.read(fields, page.form)
    if form.errors:
        return await _show(page, file_id, form=form, status=422)
    failed = {one.payout_id: form.value(binding.failure_field(one.payout_id)) for one in payments}
    try:
        await bank_files.execute_file(
            page.market.payouts,
            viewer=page.viewer,
            file_id=file_id,
            failed={payout_id: reason for payout_id, reason in failed.items() if reason},
        )
    except (Conflict, InvalidInput) as refusal:
        notice = NoticeView(refusal.detail, "warn", "Nothing was changed")
        return await _show(page, file_id, form=form, notice=notice, status=refusal.status)
    return page.go(f"{_BASE}/{file_id}", notice=notices.FILE_EXECUTED)


@router.post("/bank-files/{file_id}/reject")
async def reject(page: Writing, file_id: UUID) -> Response:
    """The bank took it not at all: the money is the sellers' again."""
    form = forms.read(_REASON, page.form)
    if form.errors:
        return await _show(page, file_id, form=form, status=422)
    try:
        await bank_files.reject_file(
            page.market.payouts, viewer=page.viewer, file_id=file_id, reason=form.value("reason")
        )
    except Conflict as refusal:
        notice = NoticeView(refusal.detail, "warn", "Nothing was changed")
        return await _show(page, file_id, form=form, notice=notice, status=refusal.status)
    return page.go(f"{_BASE}/{file_id}", notice=notices.FILE_REJECTED)


async def _show_list(
    page: Page,
    *,
    chosen: str = "",
    cursor: str | None = None,
    notice: NoticeView | None = None,
    code: int = 200,
) -> Response:
    asked = histories.chosen_of(chosen, dict(binding.CHIPS))
    chosen = asked.value
    found = await ask(
        page.market.db,
        bank_file_service.list_files,
        status=chosen or None,
        cursor=cursor,
        limit=_SHOWN,
    )
    may_make = may(page.viewer.roles, Permission.BANK_FILE_WRITE)
    has_account = page.market.payouts.debtor is not None
    kept = [("status", chosen)] if chosen else []
    view = BankFileListView(
        files=tuple(binding.row(one, base=_BASE) for one in found.items),
        chips=histories.chips(_BASE, binding.CHIPS, name="status", chosen=chosen),
        key=new_secret() if may_make and has_account else "",
        has_account=has_account,
        pager=histories.pager(_BASE, kept, found.next_cursor, is_first=cursor is None),
    )
    return await show(
        page,
        "operator/bank_files.html",
        current="/bank-files",
        status=max(code, asked.status),
        notice=notice or asked.notice,
        file_list=view,
    )


async def _show(
    page: Page,
    file_id: UUID,
    *,
    form: FormView | None = None,
    notice: NoticeView | None = None,
    status: int = 200,
) -> Response:
    file = await ask(page.market.db, bank_file_service.find, file_id=file_id)
    payments = await ask(page.market.db, bank_file_service.payments_of, file_id=file_id)
    view = binding.file_page(
        file,
        payments,
        base=_BASE,
        may_decide=may(page.viewer.roles, Permission.BANK_FILE_WRITE),
        form=form,
    )
    return await show(
        page,
        "operator/bank_file.html",
        current="/bank-files",
        status=status,
        notice=notice,
        file=view,
    )
