"""Payouts for those who run the market: let go by a second person, called back, tried again."""

from collections.abc import Awaitable, Callable
from typing import Annotated
from uuid import UUID

from fastapi import Query
from starlette.responses import Response

from gosellr.core.errors import Conflict, DomainError, NotAllowed
from gosellr.core.late_routes import LateRouter
from gosellr.core.transact import ask, transact
from gosellr.flows import bank_files, payout_recalls, payout_verdicts, payouts
from gosellr.models.connected_values import PayoutRecall
from gosellr.models.payout_values import Payout, PayoutSettings
from gosellr.services import (
    payout_questions,
    payout_recall_service,
    payout_settings_service,
    proposal_service,
    seller_service,
)
from gosellr.services.payout_questions import PayoutFilters
from gosellr.services.payout_verdicts import subject_of
from gosellr.utils.payouts import BY_FILE, PayoutStatus
from gosellr.utils.permissions import Permission, may
from gosellr.utils.proposals import ProposalKind
from gosellr.web import form_keys, forms, notices
from gosellr.web.binding import histories
from gosellr.web.binding import payouts as binding
from gosellr.web.binding.payout_runs import RUN_CURRENCIES
from gosellr.web.binding.proposals import PROPOSALS, waits_notice
from gosellr.web.forms import Field
from gosellr.web.money_views import PayoutListView
from gosellr.web.operator.frame import show, staff
from gosellr.web.pages import Page
from gosellr.web.views import FormView, NoticeView

router = LateRouter(prefix="/operator", include_in_schema=False)

Reading = Annotated[Page, staff(Permission.PAYOUT_READ)]
Approving = Annotated[Page, staff(Permission.PAYOUT_APPROVE)]
Cancelling = Annotated[Page, staff(Permission.PAYOUT_CANCEL)]
Retrying = Annotated[Page, staff(Permission.PAYOUT_RETRY)]
Failing = Annotated[Page, staff(Permission.BANK_FILE_WRITE)]
Cursor = Annotated[str | None, Query(max_length=1000)]

_SHOWN = 24
_ENTRIES_SHOWN = 100
_REASON = (Field("reason", 500, "Say why: the seller reads it"),)
_FAILURE = (Field("failure", 500, "Say why it failed: the seller reads it"),)
_RECALL = (Field("recall", 500, "Say why it is called back"),)
_UNSENT = (Field("unsent", 500, "Say how you know"),)
_PAID = (Field("paid", 500, "Say how you know"),)
_BASE = "/operator/payouts"
# What undoes a payout for a reason, in the powers of payouts.
_Ends = Callable[..., Awaitable[Payout]]
# Where a person may say that a payment by file didn't arrive.
_BY_HAND = frozenset({PayoutStatus.PENDING, PayoutStatus.PAID})


@router.get("/payouts")
async def list_payouts(
    page: Reading,
    status: Annotated[str | None, Query(max_length=40)] = None,
    cursor: Cursor = None,
) -> Response:
    """All payouts, newest first."""
    asked = histories.chosen_of(status, set(PayoutStatus))
    chosen = asked.value
    found = await ask(
        page.market.db,
        payout_questions.list_payouts,
        viewer=page.viewer,
        filters=PayoutFilters(status=chosen or None),
        cursor=cursor,
        limit=_SHOWN,
    )
    names = await ask(
        page.market.db,
        seller_service.names_of,
        seller_ids=list({one.seller_id for one in found.items}),
    )
    kept = [("status", chosen)] if chosen else []
    view = PayoutListView(
        tuple(
            binding.row(one, base=_BASE, who=names.get(one.seller_id, "")) for one in found.items
        ),
        chips=histories.chips(_BASE, binding.CHIPS, name="status", chosen=chosen),
        may_run=may(page.viewer.roles, Permission.PAYOUT_APPROVE),
        currencies=RUN_CURRENCIES,
        pager=histories.pager(_BASE, kept, found.next_cursor, is_first=cursor is None),
    )
    return await show(
        page,
        "operator/payouts.html",
        current="/payouts",
        payout_list=view,
        notice=asked.notice,
        status=asked.status,
    )


@router.get("/payouts/{payout_id}")
async def show_payout(page: Reading, payout_id: UUID, cursor: Cursor = None) -> Response:
    """A payout: what made it, what was booked of it, and what may be done with it."""
    return await _show(page, payout_id, cursor=cursor)


@router.post("/payouts/{payout_id}/approve")
async def approve(page: Approving, payout_id: UUID) -> Response:
    """Let a large payout go, as a second person."""
    try:
        await payouts.approve_payout(page.market.payouts, viewer=page.viewer, payout_id=payout_id)
    except (Conflict, NotAllowed) as refusal:
        return await _refused(page, payout_id, refusal)
    return page.go(f"{_BASE}/{payout_id}", notice=notices.PAYOUT_APPROVED)


@router.post("/payouts/{payout_id}/cancel")
async def cancel(page: Cancelling, payout_id: UUID) -> Response:
    """Call back a payout that waits for approval."""
    return await _end(
        page, payout_id, _REASON, by=payouts.cancel_payout, notice=notices.PAYOUT_CANCELLED
    )


@router.post("/payouts/{payout_id}/recall")
async def recall(page: Cancelling, payout_id: UUID) -> Response:
    """Show what calling a paid payout back would do; ask for it only where that is what was
    pressed. The same form twice asks once."""
    form = forms.read(_RECALL, page.form)
    is_sure = page.form.get("sure") == "yes"
    if form.errors or not is_sure:
        status = 422 if form.errors else 200
        return await _show(page, payout_id, form=form, status=status, is_asked=not form.errors)
    try:
        found, _ = await payout_recalls.recall_payout(
            page.market.payouts,
            viewer=page.viewer,
            payout_id=payout_id,
            reason=form.value("recall"),
            key=form_keys.request_key(page, f"recall_payout:{payout_id}", form),
        )
    except (Conflict, NotAllowed) as refusal:
        return await _refused(page, payout_id, refusal, form)
    except form_keys.REFUSALS as refusal:
        told = form_keys.with_refusal(form, refusal, {})
        return await _show(page, payout_id, form=told, status=refusal.status)
    # What came of it stands on the page; where there is no answer yet, that it is waited for.
    came_back = found.status is PayoutStatus.FAILED
    return page.go(f"{_BASE}/{payout_id}", notice=notices.PAYOUT_RECALLED if came_back else "")


@router.post("/payouts/{payout_id}/retry")
async def retry(page: Retrying, payout_id: UUID) -> Response:
    """Make a new payout in place of one that failed; the same form twice makes one."""
    key = form_keys.request_key(page, f"retry_payout:{payout_id}", payout_id.bytes)
    try:
        requested = await payouts.retry_payout(
            page.market.payouts, viewer=page.viewer, payout_id=payout_id, key=key
        )
    except Conflict as refusal:
        return await _refused(page, payout_id, refusal)
    if requested.payout is None:
        return page.go(_BASE)
    body = str(requested.payout.id).encode()
    await payouts.keep_answer(page.market.payouts, key=key, status=201, body=body)
    return page.go(f"{_BASE}/{requested.payout.id}", notice=notices.PAYOUT_RETRIED)


@router.post("/payouts/{payout_id}/hold")
async def hold(page: Approving, payout_id: UUID) -> Response:
    """Stop all payouts of this one's seller, for a reason that the seller reads."""
    found = await _find(page, payout_id)
    form = forms.read(_REASON, page.form)
    if form.errors:
        return await _show(page, payout_id, form=form, status=422)
    await _hold(page, found.seller_id, reason=form.value("reason"))
    return page.go(f"{_BASE}/{payout_id}", notice=notices.PAYOUTS_HELD)


@router.post("/payouts/{payout_id}/unhold")
async def unhold(page: Approving, payout_id: UUID) -> Response:
    """Let the payouts of this one's seller go on."""
    found = await _find(page, payout_id)
    try:
        settings = await _hold(page, found.seller_id, reason=None)
    except Conflict as refusal:
        return await _refused(page, payout_id, refusal)
    # What is withheld until it says who it is may have taken this hold's place, as the page says.
    is_free = settings.held_at is None
    return page.go(f"{_BASE}/{payout_id}", notice=notices.PAYOUTS_FREED if is_free else "")


@router.post("/payouts/{payout_id}/fail")
async def fail(page: Failing, payout_id: UUID) -> Response:
    """A payment by bank file came back, or can't be sent: its money is the seller's again."""
    return await _end(
        page, payout_id, _FAILURE, by=bank_files.fail_payout, notice=notices.PAYOUT_FAILED
    )


@router.post("/payouts/{payout_id}/never-sent")
async def never_sent(page: Approving, payout_id: UUID) -> Response:
    """Say that a payout without an answer was never sent, for somebody else to agree."""
    return await _say(page, payout_id, _UNSENT, kind=ProposalKind.PAYOUT_NEVER_SENT)


@router.post("/payouts/{payout_id}/was-paid")
async def was_paid(page: Approving, payout_id: UUID) -> Response:
    """Say that a payout without an answer was paid, for somebody else to agree."""
    return await _say(page, payout_id, _PAID, kind=ProposalKind.PAYOUT_WAS_PAID)


async def _say(
    page: Page, payout_id: UUID, fields: tuple[forms.Field], *, kind: ProposalKind
) -> Response:
    """Propose what became of a payout, known as the form's one field says."""
    [field] = fields
    form = forms.read(fields, page.form)
    if form.errors:
        return await _show(page, payout_id, form=form, status=422)
    try:
        made = await payout_verdicts.propose(
            page.market.payouts,
            viewer=page.viewer,
            payout_id=payout_id,
            kind=kind,
            reason=form.value(field.name),
        )
    except (Conflict, NotAllowed) as refusal:
        return await _refused(page, payout_id, refusal, form)
    return page.go(f"{PROPOSALS}/{made.id}", notice=notices.PROPOSED)


async def _end(
    page: Page, payout_id: UUID, fields: tuple[forms.Field], *, by: _Ends, notice: str
) -> Response:
    """Undo a payout for the reason in the form's one field."""
    [field] = fields
    form = forms.read(fields, page.form)
    if form.errors:
        return await _show(page, payout_id, form=form, status=422)
    try:
        await by(
            page.market.payouts,
            viewer=page.viewer,
            payout_id=payout_id,
            reason=form.value(field.name),
        )
    except Conflict as refusal:
        return await _refused(page, payout_id, refusal, form)
    return page.go(f"{_BASE}/{payout_id}", notice=notice)


async def _hold(page: Page, seller_id: UUID, *, reason: str | None) -> PayoutSettings:
    return await transact(
        page.market.db,
        payout_settings_service.hold,
        viewer=page.viewer,
        seller_id=seller_id,
        reason=reason,
        now=page.now,
    )


async def _find(page: Page, payout_id: UUID) -> Payout:
    return await ask(
        page.market.db, payout_questions.find_payout, viewer=page.viewer, payout_id=payout_id
    )


async def _refused(
    page: Page, payout_id: UUID, refusal: DomainError, form: FormView | None = None
) -> Response:
    notice = NoticeView(refusal.detail, "warn", "Nothing was changed")
    return await _show(page, payout_id, form=form, notice=notice, status=refusal.status)


async def _show(
    page: Page,
    payout_id: UUID,
    *,
    cursor: str | None = None,
    form: FormView | None = None,
    notice: NoticeView | None = None,
    status: int = 200,
    is_asked: bool = False,
) -> Response:
    market = page.market
    found = await _find(page, payout_id)
    entries = await ask(
        market.db,
        payout_questions.list_entries,
        viewer=page.viewer,
        payout_id=payout_id,
        cursor=cursor,
        limit=_ENTRIES_SHOWN,
    )
    settings = await ask(
        market.db,
        payout_settings_service.find_settings,
        viewer=page.viewer,
        seller_id=found.seller_id,
    )
    reads_books = may(page.viewer.roles, Permission.LEDGER_READ)
    booked = (
        await ask(market.db, payout_questions.payout_ledger, payout_id=payout_id)
        if reads_books
        else []
    )
    waiting = await ask(market.db, proposal_service.find_waiting, subject=subject_of(payout_id))
    names = await ask(market.db, seller_service.names_of, seller_ids=[found.seller_id])
    asked = await ask(
        market.db, payout_recall_service.latest, viewer=page.viewer, payout_id=payout_id
    )
    recall_key = form_keys.key_to_send(page, form)
    path = f"{_BASE}/{payout_id}"
    view = binding.payout(
        found,
        entries.items,
        path=path,
        orders="/operator/orders",
        booked=booked,
        can=_can(page, found, asked) - ({"unsent"} if waiting else set()),
        recall=binding.recall(asked, found, key=recall_key, is_asked=is_asked),
        form=form,
        settings=settings,
        seller=(
            names.get(found.seller_id, ""),
            f"/operator/explain?subject={found.seller_id}" if reads_books else "",
        ),
        pager=histories.pager(path, [], entries.next_cursor, is_first=cursor is None),
    )
    return await show(
        page,
        "operator/payout.html",
        current="/payouts",
        status=status,
        notice=notice or waits_notice(waiting),
        payout=view,
    )


def _can(page: Page, found: Payout, recall: PayoutRecall | None) -> frozenset[str]:
    """What this person may do with it; whoever asked for it can't also let it go."""
    roles, can = page.viewer.roles, set()
    if found.status is PayoutStatus.AWAITING_APPROVAL:
        if may(roles, Permission.PAYOUT_APPROVE):
            is_own = found.requested_by == page.viewer.user_id
            can.add("await_other" if is_own else "approve")
        if may(roles, Permission.PAYOUT_CANCEL):
            can.add("cancel")
    gives_back = found.provider in payout_recalls.recallable(page.market.payouts)
    is_waiting = recall is not None and recall.finished_at is None
    if found.status is PayoutStatus.PAID and gives_back and not is_waiting:
        can |= {"recall"} if may(roles, Permission.PAYOUT_CANCEL) else set()
    if found.status is PayoutStatus.FAILED and may(roles, Permission.PAYOUT_RETRY):
        can.add("retry")
    if may(roles, Permission.PAYOUT_APPROVE):
        can.add("hold")
        if found.status is PayoutStatus.UNKNOWN:
            can.add("unsent")
    if found.provider in BY_FILE and found.status in _BY_HAND:
        can |= {"fail"} if may(roles, Permission.BANK_FILE_WRITE) else set()
    return frozenset(can)
