"""What the market earns: the rules in their order, added, changed and ended, by two where asked."""

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Annotated, Any, Final
from uuid import UUID

from fastapi import Query
from starlette.responses import Response

from gosellr.core.db import Connection
from gosellr.core.errors import Conflict, InvalidInput, NotAllowed, VersionConflict
from gosellr.core.late_routes import LateRouter
from gosellr.core.transact import ask
from gosellr.models.proposal_values import Proposal
from gosellr.models.term_values import ListedRule
from gosellr.services import (
    category_service,
    commission_proposals,
    commission_service,
    proposal_service,
)
from gosellr.services.idempotency_service import EarlierRequest
from gosellr.utils.money import EXPONENTS
from gosellr.utils.permissions import Permission, may
from gosellr.utils.proposals import ProposalKind
from gosellr.web import form_keys, forms, notices
from gosellr.web.binding import balances, histories
from gosellr.web.binding import commission as binding
from gosellr.web.binding import proposals as proposal_binding
from gosellr.web.binding.commission_simulation import SIMULATE
from gosellr.web.operator import shops
from gosellr.web.operator.frame import show, staff
from gosellr.web.operator.proposals import names_of
from gosellr.web.pages import Page
from gosellr.web.proposal_views import (
    CommissionEditView,
    CommissionFormView,
    CommissionListView,
    ProposalRowView,
)
from gosellr.web.views import ChoiceView, FormView, NoticeView

router = LateRouter(prefix=binding.COMMISSION, include_in_schema=False)

Reading = Annotated[Page, staff(Permission.COMMISSION_READ)]
Writing = Annotated[Page, staff(Permission.COMMISSION_WRITE)]

_SHOWN = 100
_WAITING_SHOWN = 100
_YES_NO: Final = (ChoiceView("no", "No"), ChoiceView("yes", "Yes"))
_KINDS: Final = (
    ProposalKind.COMMISSION_RULE_NEW,
    ProposalKind.COMMISSION_RULE_CHANGE,
    ProposalKind.COMMISSION_RULE_END,
)
_REFUSALS: Final = (Conflict, InvalidInput, NotAllowed)


@router.get("")
async def list_rules(
    page: Reading, cursor: Annotated[str | None, Query(max_length=1000)] = None
) -> Response:
    """The rules as they are asked, what waits for a second person, and the form that adds one."""
    return await _show_list(page, _empty(page), cursor=cursor)


@router.post("")
async def add(page: Writing) -> Response:
    """Add a rule, or propose to; the same form twice is one."""
    form, typed = binding.read(page.form, meant=await shops.meant(page, ["seller_id"]))
    if typed is None:
        return await _show_list(page, form, status=422)
    name, position = typed.pop("name"), typed.pop("position")
    try:
        made = await form_keys.once(
            page,
            partial(
                commission_proposals.create,
                viewer=page.viewer,
                policy=page.market.policy,
                position=position,
                name=name,
                terms=typed,
                reason=form.value("reason"),
                now=page.now,
            ),
            key=form_keys.request_key(page, "commission_rule", form),
            made=_proposal_of,
        )
    except form_keys.REFUSALS as refusal:
        told = form_keys.with_refusal(form, refusal, binding.NAMES)
        return await _show_list(page, told, status=refusal.status)
    return _went(page, made, notices.COMMISSION_CHANGED)


@router.get("/{rule_id}")
async def show_rule(page: Reading, rule_id: UUID) -> Response:
    """A rule, with the form that changes it."""
    return await _show_rule(page, rule_id)


@router.post("/{rule_id}")
async def change(page: Writing, rule_id: UUID) -> Response:
    """Change a rule, or propose to; the same form twice is one change."""
    form, typed = binding.read(page.form, meant=await shops.meant(page, ["seller_id"]))
    if typed is None:
        return await _show_rule(page, rule_id, form, status=422)
    try:
        made = await form_keys.once(
            page,
            partial(_change, page=page, rule_id=rule_id, form=form, typed=typed),
            key=form_keys.repeat_key(page, f"commission_rule:{rule_id}", form),
            made=_proposal_of,
        )
    except VersionConflict as refusal:
        return await _show_rule(page, rule_id, notice=notices.CHANGED_FIRST, status=refusal.status)
    except form_keys.REFUSALS as refusal:
        told = form_keys.with_refusal(form, refusal, binding.NAMES)
        return await _show_rule(page, rule_id, told, status=refusal.status)
    return _went(page, made, notices.COMMISSION_CHANGED)


@router.post("/{rule_id}/end")
async def end(page: Writing, rule_id: UUID) -> Response:
    """Take a rule out of force, or propose to."""
    try:
        made = await form_keys.once(
            page,
            partial(
                commission_proposals.end,
                viewer=page.viewer,
                policy=page.market.policy,
                rule_id=rule_id,
                reason="",
                now=page.now,
            ),
            key=form_keys.request_key(page, f"end_commission_rule:{rule_id}", b""),
            made=_proposal_of,
        )
    except _REFUSALS as refusal:
        notice = NoticeView(refusal.detail, "warn", "Nothing was changed")
        return await _show_list(page, _empty(page), notice=notice, status=refusal.status)
    return _went(page, made, notices.COMMISSION_ENDED)


async def _change(
    connection: Connection, page: Page, rule_id: UUID, form: FormView, typed: Mapping[str, Any]
) -> ListedRule | Proposal:
    """The change of what is different by now from what stands there."""
    listed = await commission_service.find_rule(connection, rule_id=rule_id)
    changes = binding.changes_of(listed, typed)
    if not changes:
        raise InvalidInput("Nothing is different from what stands there")
    return await commission_proposals.change(
        connection,
        viewer=page.viewer,
        policy=page.market.policy,
        rule_id=rule_id,
        version=forms.whole_number(page.form.get("version"), lowest=1, highest=2**31 - 1),
        changes=changes,
        reason=form.value("reason"),
        now=page.now,
    )


def _proposal_of(made: ListedRule | Proposal | None) -> str:
    return str(made.id) if isinstance(made, Proposal) else ""


def _went(page: Page, made: ListedRule | Proposal | EarlierRequest | None, notice: str) -> Response:
    waits = made.resource_id if isinstance(made, EarlierRequest) else _proposal_of(made)
    if waits:
        return page.go(f"{proposal_binding.PROPOSALS}/{waits}", notice=notices.PROPOSED)
    return page.go(binding.COMMISSION, notice=notice)


def _empty(page: Page) -> FormView:
    return FormView({"currency": page.market.settings.default_currency})


async def _waiting(page: Page) -> Sequence[Proposal]:
    """What is proposed about rules, for those who may read it."""
    if not may(page.viewer.roles, Permission.PROPOSAL_READ):
        return ()
    found = await ask(
        page.market.db,
        proposal_service.list_proposals,
        status="prepared",
        kinds=_KINDS,
        cursor=None,
        limit=_WAITING_SHOWN,
    )
    return found.items


async def fields_of(
    page: Page, form: FormView, *, key: str = "", version: str = ""
) -> CommissionFormView:
    """The fields of a rule, with what they offer."""
    tree = await ask(page.market.db, category_service.category_tree)
    categories = {str(one.id): one.name for one in tree}
    # What a rule is about stays: left out here, it would be about every category once it is sent.
    if chosen := form.value("category_id"):
        categories.setdefault(chosen, "One that there isn't any more")
    return CommissionFormView(
        form=form,
        categories=balances.choices(categories.items(), first="Every one"),
        currencies=balances.currency_choices(sorted(EXPONENTS)),
        yes_no=_YES_NO,
        shops=await shops.offered(page),
        takes_two=page.market.policy.commission_approval,
        key=key,
        version=version,
    )


async def _show_list(
    page: Page,
    form: FormView,
    *,
    cursor: str | None = None,
    notice: NoticeView | None = None,
    status: int = 200,
) -> Response:
    found = await ask(
        page.market.db,
        commission_service.list_rules,
        viewer=page.viewer,
        cursor=cursor,
        limit=_SHOWN,
    )
    waiting = await _waiting(page)
    named = {one.rule.seller_id for one in found.items if one.rule.seller_id is not None}
    for one in waiting:
        named |= proposal_binding.sellers_named(one)
    names = await names_of(page, named)
    rows: dict[str, ProposalRowView] = {
        one.subject: proposal_binding.row(one, names=names, viewer_id=page.viewer.user_id)
        for one in waiting
    }
    rules = []
    for listed in found.items:
        proposed = rows.get(f"commission_rule:{listed.rule.id}")
        href = "" if proposed is None else proposed.href
        rules.append(binding.rule(listed, names=names, now=page.now, waits_href=href))
    view = CommissionListView(
        rules=tuple(rules),
        waiting=tuple(rows.values()),
        fields=await fields_of(page, form, key=form_keys.key_to_send(page, form)),
        may_write=may(page.viewer.roles, Permission.COMMISSION_WRITE),
        simulate_href=SIMULATE if may(page.viewer.roles, Permission.COMMISSION_SIMULATE) else "",
        pager=histories.pager(binding.COMMISSION, [], found.next_cursor, is_first=cursor is None),
    )
    return await show(
        page,
        "operator/commission_rules.html",
        current="/commission-rules",
        status=status,
        notice=notice,
        commission=view,
    )


async def _show_rule(
    page: Page,
    rule_id: UUID,
    form: FormView | None = None,
    *,
    notice: NoticeView | None = None,
    status: int = 200,
) -> Response:
    listed = await ask(page.market.db, commission_service.find_rule, rule_id=rule_id)
    seller_id = listed.rule.seller_id
    names = await names_of(page, set() if seller_id is None else {seller_id})
    proposed = [
        proposal_binding.row(one, names=names, viewer_id=page.viewer.user_id)
        for one in await _waiting(page)
        if one.subject == f"commission_rule:{rule_id}"
    ]
    typed = form or binding.typed_of(
        listed,
        currency=page.market.settings.default_currency,
        shop="" if seller_id is None else await shops.typed_as(page, seller_id),
    )
    # A form that comes back is meant for the version that it was written about.
    version = str(listed.version) if form is None else page.form.get("version", "")
    view = CommissionEditView(
        rule=binding.rule(
            listed, names=names, now=page.now, waits_href=proposed[0].href if proposed else ""
        ),
        fields=await fields_of(page, typed, key=form_keys.key_to_send(page, form), version=version),
        may_write=may(page.viewer.roles, Permission.COMMISSION_WRITE),
    )
    return await show(
        page,
        "operator/commission_rule.html",
        current="/commission-rules",
        status=status,
        notice=notice,
        commission=view,
    )
