"""The page that asks what other commission rules would have earned. It changes nothing."""

from collections.abc import Sequence
from typing import Annotated, Final
from uuid import UUID

from starlette.responses import Response

from gosellr.core.errors import InvalidInput
from gosellr.core.late_routes import LateRouter
from gosellr.core.transact import ask
from gosellr.models.term_values import ListedRule
from gosellr.services import commission_service, commission_simulation
from gosellr.utils.documents import month_before, month_bounds
from gosellr.utils.permissions import Permission
from gosellr.web import forms
from gosellr.web.binding import balances, commission
from gosellr.web.binding import commission_simulation as binding
from gosellr.web.binding.commission_simulation import TypedSimulation
from gosellr.web.operator import shops
from gosellr.web.operator.commission import fields_of
from gosellr.web.operator.frame import show, staff
from gosellr.web.operator.proposals import names_of
from gosellr.web.pages import Page
from gosellr.web.simulation_views import SimulatedView, SimulationView

router = LateRouter(prefix=binding.SIMULATE, include_in_schema=False)

Asking = Annotated[Page, staff(Permission.COMMISSION_SIMULATE)]

# A form has at most two hundred fields, and each rule two.
_RULES_SHOWN: Final = 80


@router.get("")
async def write(page: Asking) -> Response:
    """The form over last month's sales, with the rules as they are."""
    rules = await _rules(page)
    period = month_bounds(month_before(page.now))
    return await _show(page, rules, binding.empty(rules, period=period))


@router.post("")
async def simulate(page: Asking) -> Response:
    """What the rules that were typed would have earned; or the form with all terms of one."""
    rules = await _rules(page)
    if "open" in page.form:
        terms = await _terms(page, rules, opened=binding.opened_by(page.form, rules))
        return await _show(page, rules, binding.kept(page.form, rules, terms=terms))
    meant = await shops.meant(page, ["seller_id"])
    typed = binding.read(page.form, rules, meant=meant)
    if typed.request is None:
        return await _show(page, rules, typed, status=422)
    try:
        found = await ask(
            page.market.db,
            commission_simulation.simulate,
            request=typed.request,
            reversal=page.market.policy.commission_reversal,
        )
    except InvalidInput as refusal:
        told = forms.with_errors(typed.form, refusal, binding.NAMES)
        again = TypedSimulation(told, typed.opened)
        return await _show(page, rules, again, status=refusal.status)
    return await _show(page, rules, typed, answer=binding.answer(found))


async def _rules(page: Page) -> Sequence[ListedRule]:
    found = await ask(
        page.market.db,
        commission_service.list_rules,
        viewer=page.viewer,
        cursor=None,
        limit=_RULES_SHOWN,
    )
    return found.items[:_RULES_SHOWN]


async def _terms(page: Page, rules: Sequence[ListedRule], *, opened: str) -> dict[str, str]:
    """The terms of a rule as somebody would type them, or of none yet."""
    currency = page.market.settings.default_currency
    listed = next((one for one in rules if str(one.rule.id) == opened), None)
    if listed is None:
        return {"currency": currency}
    seller_id = listed.rule.seller_id
    shop = "" if seller_id is None else await shops.typed_as(page, seller_id)
    values = commission.typed_of(listed, currency=currency, shop=shop).values
    return {**values, "rate": page.form.get(f"rate-{opened}", values["rate"])}


async def _show(
    page: Page,
    rules: Sequence[ListedRule],
    typed: TypedSimulation,
    *,
    answer: SimulatedView | None = None,
    status: int = 200,
) -> Response:
    named: set[UUID] = {one.rule.seller_id for one in rules if one.rule.seller_id is not None}
    tried = binding.tried(rules, typed, names=await names_of(page, named), now=page.now)
    view = SimulationView(
        form=typed.form,
        rules=tried,
        is_whole=len(rules) < _RULES_SHOWN,
        reversals=balances.choices(binding.REVERSALS),
        opened=typed.opened,
        opened_title=next((one.title for one in tried if one.is_open), ""),
        fields=await fields_of(page, typed.form) if typed.opened else None,
        told=answer,
    )
    return await show(
        page,
        "operator/commission_simulation.html",
        current="/commission-rules",
        status=status,
        simulation=view,
    )
