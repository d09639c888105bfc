"""The reconciliation inbox: what providers moved and the books don't know, explained by people."""

from collections.abc import Awaitable, Callable, Sequence
from typing import Annotated, Any
from uuid import UUID

from fastapi import Query
from starlette.responses import Response

from gosellr.core.errors import (
    Conflict,
    DomainError,
    InvalidInput,
    NotAllowed,
    ServiceUnavailable,
)
from gosellr.core.late_routes import LateRouter
from gosellr.core.transact import ask, transact
from gosellr.flows import reconciliation
from gosellr.integrations.payments.port import TellsMovements
from gosellr.models.proposal_values import Proposal
from gosellr.models.reconciliation_values import GatewayStanding, Movement
from gosellr.services import (
    provider_refund_service,
    reconciliation_questions,
    reconciliation_service,
    stray_service,
    transfer_proposals,
)
from gosellr.utils.permissions import Permission, may
from gosellr.utils.reconciliation import MovementStatus, Resolution
from gosellr.web import forms, notices
from gosellr.web.binding import histories, payment_returns
from gosellr.web.binding import reconciliation as binding
from gosellr.web.binding.proposals import PROPOSALS
from gosellr.web.forms import Field
from gosellr.web.money_views import InboxView
from gosellr.web.operator.frame import show, staff
from gosellr.web.pages import Page
from gosellr.web.views import FormView, NoticeView

router = LateRouter(prefix="/operator/reconciliation", include_in_schema=False)

Reading = Annotated[Page, staff(Permission.RECONCILIATION_READ)]
Running = Annotated[Page, staff(Permission.RECONCILIATION_RUN)]
Deciding = Annotated[Page, staff(Permission.RECONCILIATION_DECIDE)]

_SHOWN = 24
_BASE = "/operator/reconciliation"
_RESOLVING = (
    Field("resolution", 20, "Choose what it is"),
    Field("note", 500, "Write how you know"),
)
_NOTE = (Field("note", 500, "Write how it was dealt with"),)
_CLEARING = (Field("resolution", 20, "Choose what it was"),)


@router.get("")
async def open_inbox(
    page: Reading,
    status: Annotated[str, Query(max_length=20)] = "unmatched",
    cursor: Annotated[str | None, Query(max_length=1000)] = None,
) -> Response:
    """Each provider's figures beside ours, and what waits to be explained."""
    return await show_inbox(page, status=status, cursor=cursor)


@router.post("/pull")
async def pull(page: Running) -> Response:
    """Fetch what a provider tells, and match it."""
    try:
        await reconciliation.pull(
            page.market.db,
            gateways=page.market.gateways,
            gateway=page.form.get("gateway", ""),
            viewer=page.viewer,
            now=page.now,
        )
    except (Conflict, InvalidInput, ServiceUnavailable) as refusal:
        notice = NoticeView(refusal.detail, "warn", "Nothing was fetched")
        return await show_inbox(page, notice=notice, code=refusal.status)
    return page.go(_BASE, notice=notices.MOVEMENTS_FETCHED)


@router.post("/refunds/{told_id}/resolve")
async def resolve_given_back(page: Deciding, told_id: UUID) -> Response:
    """Say how what went back at a provider was dealt with."""
    form = forms.read(_NOTE, page.form)
    if form.errors:
        return await show_inbox(page, form=_at_row(told_id, form), code=422)
    try:
        await transact(
            page.market.db,
            provider_refund_service.resolve,
            viewer=page.viewer,
            told_id=told_id,
            note=form.value("note"),
            now=page.now,
        )
    except Conflict as refusal:
        notice = NoticeView(refusal.detail, "warn", "Nothing was changed")
        return await show_inbox(page, notice=notice, code=refusal.status)
    return page.go(_BASE, notice=notices.GIVEN_BACK_RESOLVED)


@router.post("/payment-returns/{return_id}/resolve")
async def resolve_payment_return(page: Deciding, return_id: UUID) -> Response:
    """Say how a capture that paid for nothing was dealt with."""
    form = forms.read(_NOTE, page.form)
    if form.errors:
        return await show_inbox(page, form=_at_row(return_id, form), code=422)
    try:
        await transact(
            page.market.db,
            stray_service.close_case,
            viewer=page.viewer,
            return_id=return_id,
            note=form.value("note"),
            now=page.now,
        )
    except Conflict as refusal:
        notice = NoticeView(refusal.detail, "warn", "Nothing was changed")
        return await show_inbox(page, notice=notice, code=refusal.status)
    return page.go(_BASE, notice=notices.GIVEN_BACK_RESOLVED)


def _at_row(waiting_id: UUID, form: FormView) -> FormView:
    """The note as the form of the row that it was written in: each row has one."""
    field = payment_returns.note_field(waiting_id)
    wrong = form.error("note")
    return FormView({field: form.value("note")}, {field: wrong} if wrong else {})


@router.post("/match")
async def match_again(page: Running) -> Response:
    """Hold what waits of a provider against the books as they are now."""
    gateway = page.form.get("gateway", "")
    standing = await ask(page.market.db, reconciliation_questions.standing, now=page.now)
    if gateway not in tellers_of(page, standing):
        notice = NoticeView("Say of which provider", "warn", "Nothing was matched")
        return await show_inbox(page, notice=notice, code=422)
    await transact(
        page.market.db,
        reconciliation_service.match_again,
        gateway=gateway,
        now=page.now,
    )
    return page.go(_BASE, notice=notices.MATCHED_AGAIN)


@router.get("/{movement_id}")
async def show_movement(page: Reading, movement_id: UUID) -> Response:
    """A movement, why it isn't matched, and what may be said about it."""
    return await _show_movement(page, movement_id)


@router.post("/{movement_id}/resolve")
async def resolve(page: Deciding, movement_id: UUID) -> Response:
    """Say what it is; above the tolerance a second person has to agree."""
    form = forms.read(_RESOLVING, page.form)
    resolution = _resolution(form)
    if form.errors or resolution is None:
        return await _show_movement(page, movement_id, form=_unsaid(form), status=422)
    return await _carry_out(
        page,
        movement_id,
        reconciliation_service.resolve,
        form=form,
        viewer=page.viewer,
        resolution=resolution,
        note=form.value("note"),
        policy=page.market.policy,
        now=page.now,
    )


@router.post("/{movement_id}/approve")
async def approve(page: Deciding, movement_id: UUID) -> Response:
    """Let another's explanation stand."""
    return await _carry_out(
        page, movement_id, reconciliation_service.approve, viewer=page.viewer, now=page.now
    )


@router.post("/{movement_id}/reject")
async def reject(page: Deciding, movement_id: UUID) -> Response:
    """Drop an explanation that waits; the movement waits again."""
    return await _carry_out(
        page, movement_id, reconciliation_service.reject, notice=notices.MOVEMENT_REJECTED
    )


@router.post("/{movement_id}/clear")
async def clear(page: Deciding, movement_id: UUID) -> Response:
    """Say what it was that waited in suspense, as a second person."""
    form = forms.read(_CLEARING, page.form)
    resolution = _resolution(form)
    if form.errors or resolution is None:
        return await _show_movement(page, movement_id, form=_unsaid(form), status=422)
    return await _carry_out(
        page,
        movement_id,
        transfer_proposals.clear,
        form=form,
        viewer=page.viewer,
        resolution=resolution,
        policy=page.market.policy,
        now=page.now,
    )


def _resolution(form: FormView) -> Resolution | None:
    value = form.value("resolution")
    return Resolution(value) if value in set(Resolution) else None


def _unsaid(form: FormView) -> FormView:
    missing = {} if _resolution(form) else {"resolution": "Choose what it is"}
    return FormView(form.values, {**form.errors, **missing})


async def _carry_out(
    page: Page,
    movement_id: UUID,
    command: Callable[..., Awaitable[Movement | Proposal]],
    *,
    form: FormView | None = None,
    notice: str = "",
    **arguments: Any,
) -> Response:
    """Do it and say what came of it; what is refused is told on the movement's page."""
    try:
        found = await transact(page.market.db, command, movement_id=movement_id, **arguments)
    except (Conflict, InvalidInput, NotAllowed) as refusal:
        return await _refused(page, movement_id, refusal, form)
    if isinstance(found, Proposal):
        return page.go(f"{PROPOSALS}/{found.id}", notice=notices.PROPOSED)
    waits = found.status is MovementStatus.PROPOSED
    said = notice or (notices.MOVEMENT_PROPOSED if waits else notices.MOVEMENT_BOOKED)
    return page.go(f"{_BASE}/{movement_id}", notice=said)


async def _refused(
    page: Page, movement_id: UUID, refusal: DomainError, form: FormView | None
) -> Response:
    if isinstance(refusal, InvalidInput):
        told = forms.with_errors(form or FormView(), refusal, {"resolution": "resolution"})
        return await _show_movement(page, movement_id, form=told, status=422)
    notice = NoticeView(refusal.detail, "warn", "Nothing was changed")
    return await _show_movement(page, movement_id, form=form, notice=notice, status=refusal.status)


async def show_inbox(
    page: Page,
    *,
    status: str = "unmatched",
    cursor: str | None = None,
    notice: NoticeView | None = None,
    form: FormView | None = None,
    code: int = 200,
) -> Response:
    """The inbox as it stands; with the form that came back, where one did."""
    wanted = histories.chosen_of(status, binding.VIEWS, first="unmatched")
    chosen = wanted.value
    standing = await ask(page.market.db, reconciliation_questions.standing, now=page.now)
    found = await ask(
        page.market.db,
        reconciliation_questions.list_movements,
        gateway=None,
        status=chosen if chosen in set(MovementStatus) else None,
        currency=None,
        suspended=True if chosen == "suspended" else None,
        cursor=cursor,
        limit=_SHOWN,
    )
    asked = frozenset(
        name for name, one in page.market.gateways.items() if isinstance(one, TellsMovements)
    )
    may_run = may(page.viewer.roles, Permission.RECONCILIATION_RUN)
    may_decide = may(page.viewer.roles, Permission.RECONCILIATION_DECIDE)
    view = InboxView(
        standings=tuple(map(binding.standing, standing)),
        moves=tuple(binding.row(one, base=_BASE) for one in found.items),
        chips=histories.chips(_BASE, binding.VIEWS.items(), name="status", chosen=chosen),
        gateways=tuple(sorted(asked | {one.gateway for one in standing})) if may_run else (),
        asked=asked,
        tellers=tuple(sorted(tellers_of(page, standing))) if may_run else (),
        form=form or FormView(),
        pager=histories.pager(
            _BASE, [("status", chosen)], found.next_cursor, is_first=cursor is None
        ),
        given_back=binding.given_back(
            await ask(page.market.db, provider_refund_service.waiting),
            base=_BASE,
            may_decide=may_decide,
        ),
        astray=payment_returns.cases(
            await ask(page.market.db, stray_service.open_cases), base=_BASE, may_decide=may_decide
        ),
    )
    return await show(
        page, "operator/reconciliation.html", current="/reconciliation",
        status=max(code, wanted.status), notice=notice or wanted.notice, inbox=view,
    )  # fmt: skip


def tellers_of(page: Page, standing: Sequence[GatewayStanding]) -> set[str]:
    """Who tells of movements: who is paid through, and who told of something before."""
    return set(page.market.gateways) | {one.gateway for one in standing}


async def _show_movement(
    page: Page,
    movement_id: UUID,
    *,
    form: FormView | None = None,
    notice: NoticeView | None = None,
    status: int = 200,
) -> Response:
    found = await ask(
        page.market.db, reconciliation_questions.find_movement, movement_id=movement_id
    )
    view = binding.movement(
        found,
        base=_BASE,
        viewer_id=page.viewer.user_id,
        may_decide=may(page.viewer.roles, Permission.RECONCILIATION_DECIDE),
        form=form,
    )
    return await show(
        page, "operator/movement.html", current="/reconciliation", status=status, notice=notice,
        movement=view,
    )  # fmt: skip
