"""Cases for those who run the market: decided by any split, after a look at what it would move."""

from typing import Annotated
from uuid import UUID

from fastapi import Query
from starlette.responses import Response

from gosellr.core.errors import Conflict, InvalidInput
from gosellr.core.late_routes import LateRouter
from gosellr.core.transact import ask
from gosellr.flows import disputes
from gosellr.models.dispute_values import Dispute, DisputeFolder
from gosellr.models.proposal_values import Proposal
from gosellr.services import dispute_awards, dispute_preview, dispute_questions, seller_service
from gosellr.services.dispute_argument import Award
from gosellr.services.dispute_preview import AwardPreview
from gosellr.services.dispute_questions import DisputeFilters
from gosellr.services.idempotency_service import IdempotencyKeyReused
from gosellr.utils.disputes import ARGUED_STATUSES
from gosellr.utils.evidence import EVIDENCE_BYTES_MAX
from gosellr.utils.ids import order_number
from gosellr.utils.permissions import Permission
from gosellr.web import case_doors, form_keys, forms, notices
from gosellr.web.binding import cases, histories
from gosellr.web.binding.proposals import PROPOSALS, waits_notice
from gosellr.web.case_doors import Door
from gosellr.web.case_export import case_file
from gosellr.web.case_views import CaseListView, CaseView
from gosellr.web.forms import Field
from gosellr.web.operator.frame import show, staff
from gosellr.web.pages import Page
from gosellr.web.views import FormView

router = LateRouter(prefix="/operator/cases", include_in_schema=False)

Reading = Annotated[Page, staff(Permission.DISPUTE_READ)]
Saying = Annotated[Page, staff(Permission.DISPUTE_MESSAGE)]
HandingIn = Annotated[Page, staff(Permission.DISPUTE_MESSAGE, file_bytes_max=EVIDENCE_BYTES_MAX)]
Deciding = Annotated[Page, staff(Permission.DISPUTE_DECIDE)]

_SHOWN = 24
_BASE = "/operator/cases"
_CHIPS = (
    ("", "To decide"),
    ("open", "All that are open"),
    ("chargebacks", "Chargebacks"),
    ("all", "All"),
)
_VIEWS: dict[str, DisputeFilters] = {
    "": DisputeFilters(waits_for_market=True),
    "open": DisputeFilters(statuses=tuple(sorted(ARGUED_STATUSES))),
    "chargebacks": DisputeFilters(kind="chargeback"),
    "all": DisputeFilters(),
}
# Why it is decided so may be said after the look at what it moves.
_AWARD = (Field("amount", 20, "Write how much of it the buyer gets"), Field("decision", 500))
_REASON = (Field("decision", 500, "Say why: both sides read it"),)


@router.get("")
async def list_cases(
    page: Reading,
    view: Annotated[str, Query(max_length=20)] = "",
    cursor: Annotated[str | None, Query(max_length=1000)] = None,
) -> Response:
    """The queue: what waits for a decision first."""
    asked = histories.chosen_of(view, _VIEWS)
    chosen = asked.value
    found = await ask(
        page.market.db,
        dispute_questions.list_cases,
        viewer=page.viewer,
        filters=_VIEWS[chosen],
        cursor=cursor,
        limit=_SHOWN,
    )
    sellers = list({one.dispute.seller_id for one in found.items if one.dispute.seller_id})
    names = await ask(page.market.db, seller_service.names_of, seller_ids=sellers)
    kept = [("view", chosen)] if chosen else []
    case_list = CaseListView(
        cases.rows(
            found.items,
            side="operator",
            base=_BASE,
            names={str(seller_id): name for seller_id, name in names.items()},
        ),
        chips=histories.chips(_BASE, _CHIPS, name="view", chosen=chosen),
        pager=histories.pager(_BASE, kept, found.next_cursor, is_first=cursor is None),
    )
    return await show(
        page,
        "operator/cases.html",
        current="/cases",
        case_list=case_list,
        notice=asked.notice,
        status=asked.status,
    )


@router.get("/{dispute_id}")
async def show_case(page: Reading, dispute_id: UUID) -> Response:
    """A case with all that belongs to it."""
    return await _show_case(page, dispute_id)


@router.post("/{dispute_id}/messages")
async def say(page: Saying, dispute_id: UUID) -> Response:
    """Say something to both sides."""
    return await _take(page, dispute_id, case_doors.say)


@router.post("/{dispute_id}/evidence")
async def hand_in(page: HandingIn, dispute_id: UUID) -> Response:
    """Put a file into the case."""
    return await _take(page, dispute_id, case_doors.hand_in)


@router.post("/{dispute_id}/accept")
async def accept(page: Deciding, dispute_id: UUID) -> Response:
    """Say nothing to the bank that took back what a gift card was paid with."""
    return await _take(page, dispute_id, case_doors.accept)


@router.post("/{dispute_id}/decide")
async def decide(page: Deciding, dispute_id: UUID) -> Response:
    """Show what an award would move; decide only where that is what was pressed."""
    folder = await disputes.find(page.market.disputes, viewer=page.viewer, dispute_id=dispute_id)
    form, award = _read_award(page, folder.dispute)
    if award is None:
        return await _show_case(page, dispute_id, form, status=422)
    is_sure = page.form.get("sure") == "yes"
    missing = forms.read(_REASON, page.form).errors if is_sure else {}
    try:
        # What was decided can't be looked at any more, so a form that comes twice is decided first.
        if is_sure and not missing:
            decided = await disputes.decide_once(
                page.market.disputes,
                viewer=page.viewer,
                dispute_id=dispute_id,
                award=award,
                key=form_keys.request_key(page, f"decide:{dispute_id}", form),
            )
            if isinstance(decided, Proposal):
                return page.go(f"{PROPOSALS}/{decided.id}", notice=notices.PROPOSED)
            return page.go(f"{_BASE}/{dispute_id}", notice=notices.DECIDED)
        preview = await ask(
            page.market.db,
            dispute_preview.preview_award,
            viewer=page.viewer,
            dispute_id=dispute_id,
            award=award,
            policy=page.market.policy,
        )
    except (Conflict, InvalidInput, IdempotencyKeyReused) as refusal:
        told = form_keys.with_refusal(form, refusal, {"amount.amount": "amount"})
        return await _show_case(page, dispute_id, told, status=refusal.status)
    told = FormView(form.values, missing)
    status = 422 if missing else 200
    return await _show_case(page, dispute_id, told, preview=preview, status=status)


@router.get("/{dispute_id}/export")
async def export(page: Reading, dispute_id: UUID) -> Response:
    """All of the case as one file."""
    folder = await disputes.find(page.market.disputes, viewer=page.viewer, dispute_id=dispute_id)
    return await case_file(page, folder, await _view(page, folder))


@router.get("/{dispute_id}/evidence/{file_id}")
async def show_file(page: Reading, dispute_id: UUID, file_id: UUID) -> Response:
    """A file of the case."""
    return await case_doors.show_file(
        page, viewer=page.viewer, dispute_id=dispute_id, file_id=file_id
    )


def _read_award(page: Page, dispute: Dispute) -> tuple[FormView, Award | None]:
    """The award that was typed; None where it can't be one, and the form says why."""
    form = forms.read(_AWARD, page.form)
    minor = forms.amount_minor(form.value("amount"), dispute.currency)
    if minor is None and not form.error("amount"):
        example = forms.example(dispute.currency, hundredths=1250)
        words = f"Write an amount in {dispute.currency}, such as {example}"
        form = FormView(form.values, {**form.errors, "amount": words})
    if form.errors or minor is None:
        return form, None
    reason = form.value("decision") or "Not said yet"
    return form, Award(amount_minor=minor, currency=dispute.currency, reason=reason)


async def _take(page: Page, dispute_id: UUID, door: Door) -> Response:
    """Take a step in a case, and show what came of it."""
    taken = await door(page, viewer=page.viewer, dispute_id=dispute_id)
    if taken.form is None:
        return page.go(f"{_BASE}/{dispute_id}", notice=taken.notice)
    return await _show_case(page, dispute_id, taken.form, status=taken.status)


async def _show_case(
    page: Page,
    dispute_id: UUID,
    form: FormView | None = None,
    *,
    preview: AwardPreview | None = None,
    status: int = 200,
) -> Response:
    folder = await disputes.find(page.market.disputes, viewer=page.viewer, dispute_id=dispute_id)
    view = await _view(page, folder, form, preview=preview)
    waiting = await ask(page.market.db, dispute_awards.find_waiting, dispute_id=dispute_id)
    return await show(
        page,
        "operator/case.html",
        current="/cases",
        status=status,
        notice=waits_notice(waiting),
        case=view,
    )


async def _view(
    page: Page,
    folder: DisputeFolder,
    form: FormView | None = None,
    *,
    preview: AwardPreview | None = None,
) -> CaseView:
    seller_id = folder.dispute.seller_id
    # A case about a gift card's price is about no shop.
    shops = [] if seller_id is None else [seller_id]
    names = await ask(page.market.db, seller_service.names_of, seller_ids=shops)
    return cases.case(
        folder,
        side="operator",
        path=f"{_BASE}/{folder.dispute.id}",
        key=form_keys.key_to_send(page, form),
        order_href=f"/operator/orders/{order_number(folder.order_number)}",
        actions=dispute_questions.actions_of(
            page.viewer, dispute=folder.dispute, is_buyer=folder.is_buyer
        ),
        sees_money=True,
        sees_bank=True,
        shop=", ".join(names.values()),
        form=form,
        preview=preview,
    )
