"""Rules of the rolling reserve: which part of sales is kept back, whose, and for how long."""

from functools import partial
from typing import Annotated, Any
from uuid import UUID

from fastapi import Query
from starlette.responses import Response

from gosellr.core.errors import NotAllowed
from gosellr.core.late_routes import LateRouter
from gosellr.core.transact import ask
from gosellr.services import category_service, reserve_rule_service, seller_service
from gosellr.utils.money import EXPONENTS
from gosellr.utils.permissions import Permission, may
from gosellr.utils.reserves import DAYS_MAX, ReserveScope, RiskMeasure
from gosellr.web import form_keys, forms, notices
from gosellr.web.balance_views import RuleListView
from gosellr.web.binding import balances as binding
from gosellr.web.binding import histories
from gosellr.web.binding import shops as shop_binding
from gosellr.web.binding.shops import Meant
from gosellr.web.forms import Field
from gosellr.web.operator import shops
from gosellr.web.operator.frame import show, staff
from gosellr.web.pages import Page
from gosellr.web.views import FormView

router = LateRouter(prefix="/operator/reserve-rules", include_in_schema=False)

Reading = Annotated[Page, staff(Permission.RESERVE_READ)]
Writing = Annotated[Page, staff(Permission.RESERVE_WRITE)]

_SHOWN = 50
_BASE = "/operator/reserve-rules"
_AGE_DAYS_MAX = 3650
_RULE = (
    Field("name", 200),
    Field("scope", 20, "Choose whom it is about"),
    Field("seller_id", shop_binding.TYPED_MAX),
    Field("category_id", 36),
    Field("younger_than_days", 4),
    Field("measure", 20),
    Field("above", 10),
    Field("rate", 10, "Write how much of a sale is kept back"),
    Field("days", 3, "Write for how many days"),
    Field("cap", 20),
    Field("cap_currency", 3),
)
_FIELDS = {
    **{name: name for name in ("scope", "seller_id", "category_id", "measure", "days")},
    "younger_than_days": "younger_than_days",
    "above_bps": "above",
    "rate_bps": "rate",
}


@router.get("")
async def list_rules(
    page: Reading,
    seller: Annotated[str, Query(max_length=36)] = "",
    cursor: Annotated[str | None, Query(max_length=1000)] = None,
) -> Response:
    """The rules, oldest first, and the form that adds one, for a `seller` where one is named."""
    asked = {}
    if seller:
        asked = {"scope": "seller", "seller_id": await _typed_as(page, seller)}
    own = {"cap_currency": page.market.settings.default_currency}
    return await _show(page, FormView({**own, **asked}), cursor=cursor)


@router.post("")
async def add(page: Writing) -> Response:
    """Add a rule: it speaks about releases to come. The same form twice is one."""
    form, terms = _read(page, await shops.meant(page, ["seller_id"]))
    if terms is None:
        return await _show(page, form, status=422)
    try:
        await form_keys.once(
            page,
            partial(
                reserve_rule_service.create_rule,
                viewer=page.viewer,
                name=form.value("name"),
                terms=terms,
                now=page.now,
            ),
            key=form_keys.request_key(page, "reserve_rule", form),
            made=lambda listed: str(listed.rule.id),
        )
    except form_keys.REFUSALS as refusal:
        told = form_keys.with_refusal(form, refusal, _FIELDS)
        return await _show(page, told, status=refusal.status)
    return page.go(_BASE, notice=notices.RULE_ADDED)


@router.post("/{rule_id}/end")
async def end(page: Writing, rule_id: UUID) -> Response:
    """Take a rule out of force. What was kept back stays until its day."""
    try:
        await form_keys.once(
            page,
            partial(
                reserve_rule_service.archive_rule,
                viewer=page.viewer,
                rule_id=rule_id,
                now=page.now,
            ),
            key=form_keys.request_key(page, f"end_reserve_rule:{rule_id}", b""),
            made=lambda _: str(rule_id),
        )
    except NotAllowed as refusal:
        return await _show(page, FormView({}, {"": refusal.detail}), status=refusal.status)
    return page.go(_BASE, notice=notices.RULE_ENDED)


def _read(page: Page, meant: Meant) -> tuple[FormView, dict[str, Any] | None]:
    """The rule that was typed; None where it can't be one, and the form says why."""
    form = forms.read(_RULE, page.form)
    errors, scope = dict(form.errors), form.value("scope")
    if scope not in set(ReserveScope):
        errors["scope"] = "Choose whom it is about"
    rate = forms.percent_bps(form.value("rate"))
    if rate is None:
        errors["rate"] = "Write a part of a hundred, such as 10 or 2.5"
    days = forms.whole_number(form.value("days"), lowest=1, highest=DAYS_MAX)
    if days is None:
        errors["days"] = f"Write a number of days up to {DAYS_MAX}"
    caps: dict[str, int] = {}
    if form.value("cap"):
        form, cap = forms.money_of(form, amount="cap", currency="cap_currency")
        errors = {**form.errors, **errors}
        caps = {} if cap is None else {cap.currency: cap.amount}
    condition = _condition(form, scope, errors, meant)
    told = FormView(form.values, errors)
    if errors:
        return told, None
    return told, {
        "scope": ReserveScope(scope),
        "rate_bps": rate,
        "days": days,
        "caps": caps,
        **condition,
    }


def _condition(form: FormView, scope: str, errors: dict[str, str], meant: Meant) -> dict[str, Any]:
    """What a rule of this scope looks at; what is wrong with it is added to the errors."""
    if scope == ReserveScope.SELLER:
        return _of_seller(form, errors, meant)
    if scope == ReserveScope.CATEGORY:
        try:
            return {"category_id": UUID(form.value("category_id"))}
        except ValueError:
            errors["category_id"] = "Choose a category"
    if scope == ReserveScope.NEW_ACCOUNT:
        age = forms.whole_number(form.value("younger_than_days"), lowest=1, highest=_AGE_DAYS_MAX)
        if age is not None:
            return {"younger_than_days": age}
        errors["younger_than_days"] = f"Write a number of days up to {_AGE_DAYS_MAX}"
    if scope == ReserveScope.RISK:
        above = forms.percent_bps(form.value("above"))
        if above is None:
            errors["above"] = "Write a rate, such as 1 or 0.75"
        if form.value("measure") not in set(RiskMeasure):
            errors["measure"] = "Choose which rate"
        elif above is not None:
            return {"measure": RiskMeasure(form.value("measure")), "above_bps": above}
    return {}


def _of_seller(form: FormView, errors: dict[str, str], meant: Meant) -> dict[str, Any]:
    seller_id, wrong = shop_binding.pick(form.value("seller_id"), meant)
    if seller_id is not None:
        return {"seller_id": seller_id}
    errors["seller_id"] = wrong if form.value("seller_id") else shop_binding.ASKED
    return {}


async def _typed_as(page: Page, seller: str) -> str:
    try:
        return await shops.typed_as(page, UUID(seller))
    except ValueError:
        return seller


async def _show(
    page: Page, form: FormView, *, cursor: str | None = None, status: int = 200
) -> Response:
    db = page.market.db
    found = await ask(db, reserve_rule_service.list_rules, cursor=cursor, limit=_SHOWN)
    named = {one.rule.seller_id for one in found.items if one.rule.seller_id is not None}
    sellers = await ask(db, seller_service.names_of, seller_ids=sorted(named))
    may_write = may(page.viewer.roles, Permission.RESERVE_WRITE)
    tree = await ask(db, category_service.category_tree)
    categories = {one.id: one.name for one in tree}
    view = RuleListView(
        rules=tuple(
            binding.rule(one, sellers=sellers, categories=categories, now=page.now)
            for one in found.items
        ),
        form=form,
        key=form_keys.key_to_send(page, form),
        scopes=binding.choices(binding.SCOPES.items(), first="Choose whom"),
        categories=binding.choices(
            ((str(key), name) for key, name in categories.items()), first="Choose a category"
        ),
        measures=binding.choices(binding.MEASURES.items(), first="Choose which"),
        currencies=binding.currency_choices(sorted(EXPONENTS)),
        shops=await shops.offered(page) if may_write else (),
        may_write=may_write,
        pager=histories.pager(_BASE, [], found.next_cursor, is_first=cursor is None),
    )
    return await show(
        page, "operator/reserve_rules.html", current="/reserve-rules", status=status, rules=view
    )
