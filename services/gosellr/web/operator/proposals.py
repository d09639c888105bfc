"""What takes two people: one has proposed it, another one approves it or turns it down."""

from typing import Annotated
from uuid import UUID

from fastapi import Query
from starlette.responses import Response

from gosellr.core.errors import Conflict, InvalidInput, NotAllowed
from gosellr.core.late_routes import LateRouter
from gosellr.core.transact import ask, transact
from gosellr.flows import proposals
from gosellr.services import (
    account_service,
    category_service,
    proposal_approval,
    proposal_service,
    seller_service,
)
from gosellr.utils.permissions import Permission, may
from gosellr.web import forms, notices
from gosellr.web.binding import histories
from gosellr.web.binding import proposals as binding
from gosellr.web.forms import Field
from gosellr.web.operator.frame import show, staff
from gosellr.web.pages import Page
from gosellr.web.proposal_views import ProposalListView
from gosellr.web.views import FormView, NoticeView

router = LateRouter(prefix=binding.PROPOSALS, include_in_schema=False)

Reading = Annotated[Page, staff(Permission.PROPOSAL_READ)]
Deciding = Annotated[Page, staff(Permission.PROPOSAL_DECIDE)]

_SHOWN = 24
_REASON = (Field("reason", 500, "Say why not"),)
_DECIDED_BEFORE = NoticeView("You sent that form before: this is what became of it.", "info")


@router.get("")
async def list_proposals(
    page: Reading,
    status: Annotated[str, Query(max_length=20)] = "prepared",
    cursor: Annotated[str | None, Query(max_length=1000)] = None,
) -> Response:
    """What waits for a second person first."""
    asked = histories.chosen_of(status, dict(binding.CHIPS), first="prepared")
    chosen = asked.value
    found = await ask(
        page.market.db,
        proposal_service.list_proposals,
        status=None if chosen == "all" else chosen,
        kinds=None,
        cursor=cursor,
        limit=_SHOWN,
    )
    names = await names_of(
        page, {one for each in found.items for one in binding.sellers_named(each)}
    )
    view = ProposalListView(
        rows=tuple(
            binding.row(one, names=names, viewer_id=page.viewer.user_id) for one in found.items
        ),
        chips=histories.chips(binding.PROPOSALS, binding.CHIPS, name="status", chosen=chosen),
        pager=histories.pager(
            binding.PROPOSALS, [("status", chosen)], found.next_cursor, is_first=cursor is None
        ),
    )
    return await show(
        page,
        "operator/proposals.html",
        current="/proposals",
        proposal_list=view,
        notice=asked.notice,
        status=asked.status,
    )


@router.get("/{proposal_id}")
async def show_proposal(page: Reading, proposal_id: UUID) -> Response:
    """What would change, why, and by whose word."""
    return await _show(page, proposal_id)


@router.post("/{proposal_id}/approve")
async def approve(page: Deciding, proposal_id: UUID) -> Response:
    """Do what somebody else proposed."""
    try:
        await proposals.approve(
            page.market.transfers, page.market.payouts, page.market.refunds, viewer=page.viewer,
            proposal_id=proposal_id,
        )  # fmt: skip
    except (Conflict, InvalidInput, NotAllowed) as refusal:
        notice = NoticeView(refusal.detail, "warn", "Nothing was changed")
        return await _show(page, proposal_id, notice=notice, status=refusal.status)
    return page.go(f"{binding.PROPOSALS}/{proposal_id}", notice=notices.PROPOSAL_APPROVED)


@router.post("/{proposal_id}/reject")
async def reject(page: Deciding, proposal_id: UUID) -> Response:
    """Turn down what somebody else proposed."""
    form = forms.read(_REASON, page.form)
    if form.errors:
        return await _show(page, proposal_id, form=form, status=422)
    try:
        await transact(
            page.market.db,
            proposal_service.reject,
            viewer=page.viewer,
            proposal_id=proposal_id,
            reason=form.value("reason"),
            now=page.now,
        )
    except (Conflict, NotAllowed) as refusal:
        notice = NoticeView(refusal.detail, "warn", "Nothing was changed")
        return await _show(page, proposal_id, form=form, notice=notice, status=refusal.status)
    return page.go(f"{binding.PROPOSALS}/{proposal_id}", notice=notices.PROPOSAL_REJECTED)


async def names_of(page: Page, seller_ids: set[UUID]) -> dict[str, str]:
    """What these sellers, and all categories, are called, by their ids."""
    sellers = await ask(page.market.db, seller_service.names_of, seller_ids=sorted(seller_ids))
    tree = await ask(page.market.db, category_service.category_tree)
    return {
        **{str(one.id): one.name for one in tree},
        **{str(seller_id): name for seller_id, name in sellers.items()},
    }


async def _show(
    page: Page,
    proposal_id: UUID,
    *,
    form: FormView | None = None,
    notice: NoticeView | None = None,
    status: int = 200,
) -> Response:
    found = await ask(page.market.db, proposal_service.find, proposal_id=proposal_id)
    hindrance = await ask(
        page.market.db,
        proposal_approval.hindrance,
        held=found,
        viewer=page.viewer,
        policy=page.market.policy,
        now=page.now,
    )
    if notice is None and found.status != "prepared" and page.visit.notice == notices.PROPOSED:
        # A form that comes again after its proposal was decided proposes nothing.
        notice = _DECIDED_BEFORE
    if notice is None and hindrance is not None:
        notice = NoticeView(hindrance.detail, "warn", "It can't be approved any more")
    names = await names_of(page, binding.sellers_named(found))
    person = binding.person_named(found)
    if person is not None:
        address = await ask(page.market.db, account_service.address_of, user_id=person)
        names[str(person)] = address
    view = binding.proposal(
        found,
        names=names,
        viewer_id=page.viewer.user_id,
        may_decide=may(page.viewer.roles, Permission.PROPOSAL_DECIDE),
        form=form,
    )
    return await show(
        page,
        "operator/proposal.html",
        current="/proposals",
        status=status,
        notice=notice,
        proposal=view,
    )
