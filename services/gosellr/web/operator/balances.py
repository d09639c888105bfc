"""What sellers owe: by age, paid back by plans, or given up by two persons."""

from datetime import UTC, datetime, time
from functools import partial
from typing import Annotated, Any
from uuid import UUID

from fastapi import Query
from starlette.responses import Response

from gosellr.core.errors import NotFound
from gosellr.core.late_routes import LateRouter
from gosellr.core.transact import ask, transact
from gosellr.services import (
    adjustment_service,
    recovery_service,
    seller_service,
)
from gosellr.utils.money import EXPONENTS
from gosellr.utils.permissions import Permission, may
from gosellr.utils.recovery import PlanKind
from gosellr.web import form_keys, forms, notices
from gosellr.web.balance_views import DebtListView, DebtorView
from gosellr.web.binding import balances as binding
from gosellr.web.binding import histories
from gosellr.web.forms import Field
from gosellr.web.operator.frame import show, staff
from gosellr.web.pages import Page
from gosellr.web.views import FormView

router = LateRouter(prefix="/operator/balances", include_in_schema=False)

Reading = Annotated[Page, staff(Permission.RECOVERY_READ)]
Agreeing = Annotated[Page, staff(Permission.RECOVERY_WRITE)]
Preparing = Annotated[Page, staff(Permission.LEDGER_ADJUST)]

_SHOWN = 24
_DEBTS_OF_ONE = 50
_BASE = "/operator/balances"
_PLAN = (
    Field("plan_currency", 3, "Choose a currency"),
    Field("kind", 20, "Choose how it is paid back"),
    Field("share", 10),
    Field("instalment", 20),
    Field("every_days", 3),
    Field("starts_on", 10),
    Field("plan_note", 200),
)
_WRITE_OFF = (
    Field("amount", 20, "Write how much is given up"),
    Field("currency", 3, "Choose a currency"),
    Field("reason", 500, "Say why: whoever approves it reads it"),
)
_PLAN_FIELDS = {
    "kind": "kind",
    "starts_at": "starts_on",
    "currency": "plan_currency",
    "share_bps": "share",
}


@router.get("")
async def list_debts(
    page: Reading, cursor: Annotated[str | None, Query(max_length=1000)] = None
) -> Response:
    """Who owes how much, and for how long."""
    found = await ask(
        page.market.db,
        recovery_service.ageing_report,
        seller_id=None,
        cursor=cursor,
        limit=_SHOWN,
        now=page.now,
    )
    view = DebtListView(
        tuple(binding.debt(one, base=_BASE) for one in found.items),
        pager=histories.pager(_BASE, [], found.next_cursor, is_first=cursor is None),
    )
    return await show(page, "operator/balances.html", current="/balances", debt_list=view)


@router.get("/{seller_id}")
async def show_debtor(page: Reading, seller_id: UUID) -> Response:
    """What a seller owes, by which plan it pays, and what may be done."""
    return await _show(page, seller_id)


@router.post("/{seller_id}/plan")
async def agree(page: Agreeing, seller_id: UUID) -> Response:
    """Let the seller pay back by a plan, in place of the one before; the same form twice is one."""
    form, terms = _read_plan(page)
    if terms is None:
        return await _show(page, seller_id, form, status=422)
    starts = forms.day(form.value("starts_on"))
    try:
        await form_keys.once(
            page,
            partial(
                recovery_service.agree,
                viewer=page.viewer,
                seller_id=seller_id,
                currency=form.value("plan_currency").upper(),
                terms=terms,
                starts_at=None if starts is None else datetime.combine(starts, time(), tzinfo=UTC),
                note=form.value("plan_note"),
                now=page.now,
            ),
            key=form_keys.request_key(page, f"plan:{seller_id}", form),
            made=lambda kept: str(kept.plan.id),
        )
    except form_keys.REFUSALS as refusal:
        told = form_keys.with_refusal(form, refusal, _PLAN_FIELDS)
        return await _show(page, seller_id, told, status=refusal.status)
    return page.go(f"{_BASE}/{seller_id}", notice=notices.PLAN_AGREED)


@router.post("/{seller_id}/plan/end")
async def end(page: Agreeing, seller_id: UUID) -> Response:
    """End a plan: all that becomes available goes to the debt first again."""
    currency = page.form.get("currency", "").upper()
    if currency not in EXPONENTS:
        raise NotFound
    await form_keys.once(
        page,
        partial(
            recovery_service.end_plan,
            viewer=page.viewer,
            seller_id=seller_id,
            currency=currency,
            now=page.now,
        ),
        key=form_keys.request_key(page, f"end_plan:{seller_id}", currency.encode()),
        made=lambda _: str(seller_id),
    )
    return page.go(f"{_BASE}/{seller_id}", notice=notices.PLAN_ENDED)


@router.post("/{seller_id}/write-offs")
async def prepare_write_off(page: Preparing, seller_id: UUID) -> Response:
    """Prepare giving up a part of a debt; a second person books it. Sent twice it is one."""
    form, money = forms.money_of(forms.read(_WRITE_OFF, page.form))
    if form.errors or money is None:
        return await _show(page, seller_id, form, status=422)
    try:
        prepared = await transact(
            page.market.db,
            adjustment_service.prepare_write_off,
            viewer=page.viewer,
            seller_id=seller_id,
            amount_minor=money.amount,
            currency=money.currency,
            reason=form.value("reason"),
            key=form_keys.request_key(page, f"write_off:{seller_id}", form),
            kept_for=page.market.policy.idempotency_kept_for,
            now=page.now,
        )
    except form_keys.REFUSALS as refusal:
        told = form_keys.with_refusal(form, refusal, {"amount": "amount"})
        return await _show(page, seller_id, told, status=refusal.status)
    return page.go(f"/operator/adjustments/{prepared.value.id}", notice=notices.PREPARED)


def _read_plan(page: Page) -> tuple[FormView, dict[str, Any] | None]:
    """The terms that were typed; None where they can't be any, and the form says why."""
    form = forms.read(_PLAN, page.form)
    currency, kind, errors = form.value("plan_currency").upper(), form.value("kind"), {}
    if currency not in EXPONENTS:
        errors["plan_currency"] = "Choose a currency"
    if kind not in set(PlanKind):
        errors["kind"] = "Choose how it is paid back"
    if form.value("starts_on") and forms.day(form.value("starts_on")) is None:
        errors["starts_on"] = "Write a day, such as 2027-12-31"
    terms = _terms(form, kind, currency, errors)
    told = FormView(form.values, {**form.errors, **errors})
    return told, None if told.errors else terms


def _terms(
    form: FormView, kind: str, currency: str, errors: dict[str, str]
) -> dict[str, Any] | None:
    """The terms of such a plan; what is wrong with them is added to the errors."""
    if kind == PlanKind.SHARE:
        share = forms.percent_bps(form.value("share"))
        if not share:
            errors["share"] = "Write a share, such as 50 or 12.5"
        return {"kind": PlanKind.SHARE, "share_bps": share}
    if kind != PlanKind.INSTALMENTS or currency not in EXPONENTS:
        return None
    instalment = forms.amount_minor(form.value("instalment"), currency)
    days = forms.whole_number(form.value("every_days"), lowest=1, highest=366)
    if not instalment:
        errors["instalment"] = f"Write an amount, such as {forms.example(currency)}"
    if days is None:
        errors["every_days"] = "Write a number of days up to 366"
    return {"kind": PlanKind.INSTALMENTS, "instalment_minor": instalment, "every_days": days}


async def _show(
    page: Page, seller_id: UUID, form: FormView | None = None, *, status: int = 200
) -> Response:
    db, roles = page.market.db, page.viewer.roles
    plans = await ask(db, recovery_service.plans_of, viewer=page.viewer, seller_id=seller_id)
    debts = await ask(
        db,
        recovery_service.ageing_report,
        seller_id=seller_id,
        cursor=None,
        limit=_DEBTS_OF_ONE,
        now=page.now,
    )
    names = await ask(db, seller_service.names_of, seller_ids=[seller_id])
    can = {
        name
        for name, permission in (
            ("agree", Permission.RECOVERY_WRITE),
            ("write_off", Permission.LEDGER_ADJUST),
        )
        if may(roles, permission) and debts.items
    }
    view = DebtorView(
        name=names.get(seller_id, ""),
        path=f"{_BASE}/{seller_id}",
        debts=tuple(binding.debt(one, base=_BASE) for one in debts.items),
        plans=tuple(binding.plan(one, now=page.now) for one in plans),
        kinds=binding.choices(binding.PLAN_KINDS.items(), first="Choose how"),
        currencies=binding.currency_choices(one.currency for one in debts.items),
        form=form or FormView(),
        key=form_keys.key_to_send(page, form),
        rule_href=f"/operator/reserve-rules?seller={seller_id}",
        history_href=(
            f"/operator/transactions?of={seller_id}" if may(roles, Permission.LEDGER_READ) else ""
        ),
        can=frozenset(can | ({"end"} if may(roles, Permission.RECOVERY_WRITE) else set())),
    )
    return await show(page, "operator/debtor.html", current="/balances", status=status, debtor=view)
