"""Bank transfers: expected, in need of a decision, and what a person has to send back."""

from datetime import UTC, datetime, time
from typing import Annotated
from uuid import UUID

from fastapi import Query
from starlette.responses import Response

from gosellr.core.errors import Conflict, InvalidInput, NotAllowed, NotFound
from gosellr.core.late_routes import LateRouter
from gosellr.core.transact import ask
from gosellr.flows import bank_transfers, told_by_hand
from gosellr.flows.bank_transfers import TypedAccount
from gosellr.models.proposal_values import Proposal
from gosellr.services import (
    awaited_service,
    hand_refund_proposals,
    proposal_service,
    reconciliation_questions,
    transfer_proposals,
)
from gosellr.services.hand_refund_service import SentTransfer
from gosellr.services.receipt_service import TakenReceipt
from gosellr.utils.creditor_reference import InvalidReference, parse_reference
from gosellr.utils.offline import BANK_TRANSFER
from gosellr.utils.permissions import Permission, may
from gosellr.web import forms, notices
from gosellr.web.awaited_views import AwaitedListView, AwaitedRowView, AwaitedView
from gosellr.web.binding import awaited as binding
from gosellr.web.binding import histories
from gosellr.web.binding.proposals import PROPOSALS, waits_notice
from gosellr.web.forms import Field
from gosellr.web.operator.frame import show, staff
from gosellr.web.pages import Page
from gosellr.web.views import FormView, NoticeView

router = LateRouter(prefix=binding.TRANSFERS, include_in_schema=False)

Reading = Annotated[Page, staff(Permission.RECONCILIATION_READ)]
Running = Annotated[Page, staff(Permission.RECONCILIATION_RUN)]
Deciding = Annotated[Page, staff(Permission.RECONCILIATION_DECIDE)]

_SHOWN = 24
_NO_REFERENCE = "Look at the reference once more: it begins with RF and two digits"


def _reference_error(value: str) -> str:
    try:
        parse_reference(value)
    except InvalidReference:
        return _NO_REFERENCE
    return ""


_NAMING = (
    Field("reference", 60, "Write the reference that the order was given", _reference_error),
)
_SENDING = (
    Field("transaction_id", 200, "Write the bank's own name of the transfer"),
    Field("sent_on", 10, "Say on which day"),
    Field("iban", 60),
    Field("holder", 140),
)
_FAILING = (Field("reason", 500, "Say why"),)


@router.get("")
async def list_awaited(
    page: Reading,
    view: Annotated[str, Query(max_length=20)] = "",
    cursor: Annotated[str | None, Query(max_length=1000)] = None,
) -> Response:
    """What is expected, what waits for a decision, or what has to be sent back."""
    asked = histories.chosen_of(view, binding.EMPTY)
    chosen = asked.value
    rows, next_cursor = await _rows(page, chosen, cursor)
    empty, at_label = binding.EMPTY[chosen]
    kept = [("view", chosen)] if chosen else []
    shown = AwaitedListView(
        rows=rows,
        chips=histories.chips(binding.TRANSFERS, binding.CHIPS, name="view", chosen=chosen),
        at_label=at_label,
        empty=empty,
        pager=histories.pager(binding.TRANSFERS, kept, next_cursor, is_first=cursor is None),
    )
    return await show(
        page,
        "operator/transfers.html",
        current="/transfers",
        awaited=shown,
        notice=asked.notice,
        status=asked.status,
    )


async def _rows(
    page: Page, chosen: str, cursor: str | None
) -> tuple[tuple[AwaitedRowView, ...], str | None]:
    market = page.market
    if chosen == "refunds":
        to_send = await bank_transfers.list_to_send(market.transfers, cursor=cursor, limit=_SHOWN)
        return tuple(map(binding.refund_row, to_send.items)), to_send.next_cursor
    if chosen == "suspense":
        waiting = await ask(
            market.db,
            reconciliation_questions.list_movements,
            gateway=BANK_TRANSFER,
            status=None,
            currency=None,
            suspended=True,
            cursor=cursor,
            limit=_SHOWN,
        )
        return tuple(map(binding.receipt_row, waiting.items)), waiting.next_cursor
    expected = await ask(market.db, awaited_service.list_transfers, cursor=cursor, limit=_SHOWN)
    rows = tuple(binding.transfer(one, now=page.now) for one in expected.items)
    return rows, expected.next_cursor


@router.get("/receipts/{receipt_id}")
async def show_receipt(page: Reading, receipt_id: UUID) -> Response:
    """A transfer that arrived, and what of it waits for a decision."""
    return await _show_receipt(page, receipt_id)


@router.post("/receipts/{receipt_id}/assign")
async def assign(page: Deciding, receipt_id: UUID) -> Response:
    """Say which order it was meant for, and use it."""
    form = forms.read(_NAMING, page.form)
    if form.errors:
        return await _show_receipt(page, receipt_id, form, status=422)
    try:
        done = await told_by_hand.assign(
            page.market.transfers,
            viewer=page.viewer,
            receipt_id=receipt_id,
            reference=parse_reference(form.value("reference")),
        )
    except (Conflict, InvalidInput, NotAllowed) as refusal:
        told = FormView(form.values, {"reference": refusal.detail})
        return await _show_receipt(page, receipt_id, told, status=refusal.status)
    return _went(page, receipt_id, done, notices.RECEIPT_ASSIGNED)


@router.post("/receipts/{receipt_id}/returned")
async def give_back(page: Deciding, receipt_id: UUID) -> Response:
    """Say that what of it waited was sent back."""
    form, sent = _read_sent(page)
    if sent is None:
        return await _show_receipt(page, receipt_id, form, status=422)
    try:
        done = await told_by_hand.give_back(
            page.market.transfers, viewer=page.viewer, receipt_id=receipt_id, sent=sent
        )
    except Conflict as refusal:
        told = FormView(form.values, {"transaction_id": refusal.detail})
        return await _show_receipt(page, receipt_id, told, status=refusal.status)
    return _went(page, receipt_id, done, notices.RECEIPT_RETURNED)


def _went(page: Page, receipt_id: UUID, done: TakenReceipt | Proposal, notice: str) -> Response:
    if isinstance(done, Proposal):
        return page.go(f"{PROPOSALS}/{done.id}", notice=notices.PROPOSED)
    return page.go(f"{binding.TRANSFERS}/receipts/{receipt_id}", notice=notice)


@router.get("/refunds/{hand_refund_id}")
async def show_refund(page: Reading, hand_refund_id: UUID) -> Response:
    """Money that a person has to send back, and where it goes."""
    return await _show_refund(page, hand_refund_id)


@router.post("/refunds/{hand_refund_id}/sent")
async def mark_sent(page: Running, hand_refund_id: UUID) -> Response:
    """Say that it was sent; the same again changes nothing."""
    form, sent = _read_sent(page)
    iban, holder = form.value("iban"), form.value("holder")
    if iban and not holder:
        form = FormView(form.values, {**form.errors, "holder": "Write whose account it is"})
    if sent is None or form.errors:
        return await _show_refund(page, hand_refund_id, form, status=422)
    try:
        done = await bank_transfers.mark_sent(
            page.market.transfers,
            viewer=page.viewer,
            hand_refund_id=hand_refund_id,
            sent=sent,
            account=TypedAccount(iban=iban, holder=holder) if iban else None,
        )
    except InvalidInput as refusal:
        told = forms.with_errors(form, refusal, {"iban": "iban"})
        return await _show_refund(page, hand_refund_id, told, status=422)
    except Conflict as refusal:
        return await _refused(page, hand_refund_id, refusal, form)
    if isinstance(done, Proposal):
        return page.go(f"{PROPOSALS}/{done.id}", notice=notices.PROPOSED)
    return page.go(f"{binding.TRANSFERS}/refunds/{hand_refund_id}", notice=notices.REFUND_SENT)


@router.post("/refunds/{hand_refund_id}/failed")
async def mark_failed(page: Running, hand_refund_id: UUID) -> Response:
    """Say that it can't be sent; what it had taken goes back."""
    form = forms.read(_FAILING, page.form)
    if form.errors:
        return await _show_refund(page, hand_refund_id, form, status=422)
    try:
        await bank_transfers.mark_failed(
            page.market.transfers, hand_refund_id=hand_refund_id, reason=form.value("reason")
        )
    except Conflict as refusal:
        return await _refused(page, hand_refund_id, refusal, form)
    return page.go(f"{binding.TRANSFERS}/refunds/{hand_refund_id}", notice=notices.REFUND_FAILED)


def _read_sent(page: Page) -> tuple[FormView, SentTransfer | None]:
    """The transfer that was typed; None where it can't be one, and the form says why."""
    form = forms.read(_SENDING, page.form)
    sent_on = forms.day(form.value("sent_on"))
    if sent_on is None or sent_on > page.now.date():
        words = form.error("sent_on") or "Write the day on which it left, such as 2027-12-31"
        form = FormView(form.values, {**form.errors, "sent_on": words})
    if form.errors or sent_on is None:
        return form, None
    return form, SentTransfer(
        transaction_id=form.value("transaction_id"),
        sent_at=datetime.combine(sent_on, time.min, tzinfo=UTC),
    )


async def _refused(page: Page, hand_refund_id: UUID, refusal: Conflict, form: FormView) -> Response:
    notice = NoticeView(refusal.detail, "warn", "Nothing was changed")
    return await _show_refund(page, hand_refund_id, form, notice=notice, status=refusal.status)


async def _show_receipt(
    page: Page, receipt_id: UUID, form: FormView | None = None, *, status: int = 200
) -> Response:
    found = await ask(
        page.market.db, reconciliation_questions.find_movement, movement_id=receipt_id
    )
    if found.gateway != BANK_TRANSFER or found.amount_minor <= 0:
        raise NotFound
    may_decide = may(page.viewer.roles, Permission.RECONCILIATION_DECIDE)
    view = binding.receipt(found, may_decide=may_decide, form=form)
    proposed = await ask(
        page.market.db,
        proposal_service.find_waiting,
        subject=transfer_proposals.subject_of(receipt_id),
    )
    return await _show(page, view, notice=waits_notice(proposed), status=status)


async def _show_refund(
    page: Page,
    hand_refund_id: UUID,
    form: FormView | None = None,
    *,
    notice: NoticeView | None = None,
    status: int = 200,
) -> Response:
    found = await bank_transfers.find_to_send(page.market.transfers, hand_refund_id=hand_refund_id)
    may_send = may(page.viewer.roles, Permission.RECONCILIATION_RUN)
    view = binding.refund(found, may_send=may_send, form=form)
    proposed = await ask(
        page.market.db,
        proposal_service.find_waiting,
        subject=hand_refund_proposals.subject_of(hand_refund_id),
    )
    return await _show(page, view, notice=notice or waits_notice(proposed), status=status)


async def _show(
    page: Page, view: AwaitedView, *, notice: NoticeView | None = None, status: int = 200
) -> Response:
    return await show(
        page,
        "operator/transfer.html",
        current="/transfers",
        status=status,
        notice=notice,
        awaited=view,
    )
