"""The commission simulator's form: which sales, which rules otherwise, and what that comes to."""

from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime, time
from typing import Any, Final
from uuid import UUID

from gosellr.models.term_values import ListedRule
from gosellr.services.commission_simulation import (
    ORDERS_MAX,
    RuleChanges,
    SimulatedSums,
    Simulation,
    SimulationRequest,
)
from gosellr.utils.lazy_dataclasses import dataclass
from gosellr.utils.money import Money
from gosellr.utils.refunds import CommissionReversal
from gosellr.web import forms
from gosellr.web.binding import commission
from gosellr.web.binding.shops import Meant
from gosellr.web.forms import Field
from gosellr.web.simulation_views import (
    SimulatedRowView,
    SimulatedView,
    TriedRuleView,
)
from gosellr.web.views import FormView

SIMULATE: Final = f"{commission.COMMISSION}/simulate"
NEW: Final = "new"
NAMES: Final = {**commission.NAMES, "from": "from", "to": "to"}
REVERSALS: Final = (
    ("", "As the market does"),
    (CommissionReversal.FULL.value, "All of it goes back"),
    (CommissionReversal.FULL_LESS_FIXED.value, "All but its fixed part goes back"),
    (CommissionReversal.NONE.value, "None of it goes back"),
)
_PERIOD: Final = (
    Field("from", 10, "Write the first day, such as 2027-01-01"),
    Field("to", 10, "Write a day, such as 2027-02-01"),
    Field("refunds", 20),
)
_NO_PERCENT: Final = "Write a part of a hundred, such as 10 or 2.5"
_SELLERS_SHOWN: Final = 100


@dataclass(frozen=True, slots=True)
class TypedSimulation:
    """What was typed; `request` where it can be asked, and the form says why where it can't."""

    form: FormView
    opened: str
    request: SimulationRequest | None = None


def empty(rules: Sequence[ListedRule], *, period: tuple[datetime, datetime]) -> TypedSimulation:
    """The form before anything is typed: the rules as they are, over a period."""
    days = dict(zip(("from", "to"), (one.date().isoformat() for one in period), strict=True))
    return TypedSimulation(FormView({**days, **_rates(rules)}), "")


def _rates(rules: Sequence[ListedRule]) -> dict[str, str]:
    return {f"rate-{one.rule.id}": commission.typed_percent(one.rule.rate_bps) for one in rules}


def opened_by(sent: Mapping[str, str], rules: Sequence[ListedRule]) -> str:
    """Whose terms stand below the others: a rule's id, `NEW`, or nothing."""
    named = sent.get("open", sent.get("rule", ""))
    known = {NEW, *(str(one.rule.id) for one in rules)}
    return named if named in known else ""


def kept(
    sent: Mapping[str, str], rules: Sequence[ListedRule], *, terms: Mapping[str, str]
) -> TypedSimulation:
    """What was typed, with the terms of the rule that is opened now."""
    # The row of a rule whose terms all stood below has no rate of its own.
    form = forms.read(_fields(rules), {**_rates(rules), **sent})
    return TypedSimulation(FormView({**form.values, **terms}), opened_by(sent, rules))


def read(sent: Mapping[str, str], rules: Sequence[ListedRule], *, meant: Meant) -> TypedSimulation:
    """The question that was typed; `meant` says whom the name of a shop may mean."""
    form, opened = forms.read(_fields(rules), sent), opened_by(sent, rules)
    values, errors = dict(form.values), dict(form.errors)
    since, until = (_midnight(form, name, errors) for name in ("from", "to"))
    if form.value("refunds") not in dict(REVERSALS):
        errors["refunds"] = "Choose what goes back"
    changed: list[tuple[UUID, Mapping[str, Any]]] = []
    added: list[Mapping[str, Any]] = []
    for one in rules:
        if str(one.rule.id) != opened and not _is_left_out(form, one):
            changed += _changed_rate(form, one, errors)
    if opened:
        told, terms = commission.read(sent, meant=meant)
        values, errors = {**values, **told.values}, {**errors, **told.errors}
        if terms is not None and opened == NEW:
            added.append({name: value for name, value in terms.items() if _says(name, value)})
        elif terms is not None:
            listed = next(one for one in rules if str(one.rule.id) == opened)
            changed.append((listed.rule.id, commission.changes_of(listed, terms)))
    read_form = FormView(values, errors)
    if errors or since is None or until is None:
        return TypedSimulation(read_form, opened)
    named = form.value("refunds")
    request = SimulationRequest(
        since=since,
        until=until,
        changes=RuleChanges(
            added=tuple(added),
            changed=tuple(changed),
            removed=tuple(one.rule.id for one in rules if _is_left_out(form, one)),
        ),
        reversal=CommissionReversal(named) if named else None,
        orders_max=ORDERS_MAX,
    )
    return TypedSimulation(read_form, opened, request)


def _fields(rules: Sequence[ListedRule]) -> list[Field]:
    of_rules = (Field(f"{name}-{one.rule.id}", 10) for one in rules for name in ("rate", "drop"))
    return [*_PERIOD, *of_rules]


def _midnight(form: FormView, name: str, errors: dict[str, str]) -> datetime | None:
    day: date | None = forms.day(form.value(name))
    if day is None:
        errors.setdefault(name, "Write a day, such as 2027-01-31")
        return None
    return datetime.combine(day, time.min, tzinfo=UTC)


def _is_left_out(form: FormView, one: ListedRule) -> bool:
    return form.value(f"drop-{one.rule.id}") == "1"


def _changed_rate(
    form: FormView, one: ListedRule, errors: dict[str, str]
) -> list[tuple[UUID, Mapping[str, Any]]]:
    name = f"rate-{one.rule.id}"
    bps = forms.percent_bps(form.value(name))
    if bps is None:
        errors[name] = _NO_PERCENT
    elif bps != one.rule.rate_bps:
        return [(one.rule.id, {"rate_bps": bps})]
    return []


def _says(name: str, value: object) -> bool:
    """Whether it is a term of a new rule: a name is none, and without a place it comes last."""
    return name != "name" and (name != "position" or value is not None)


def tried(
    rules: Sequence[ListedRule],
    typed: TypedSimulation,
    *,
    names: Mapping[str, str],
    now: datetime,
) -> tuple[TriedRuleView, ...]:
    """The rules in their order, each with what is tried of it."""
    told = ((one, commission.rule(one, names=names, now=now)) for one in rules)
    return tuple(
        TriedRuleView(
            id=str(one.rule.id),
            position=view.position,
            title=view.title,
            about=view.about,
            rate=view.rate,
            more=view.more,
            is_open=str(one.rule.id) == typed.opened,
            is_left_out=_is_left_out(typed.form, one),
        )
        for one, view in told
    )


def answer(found: Simulation) -> SimulatedView:
    """The difference, the seller with the largest first."""
    shown = found.sellers[:_SELLERS_SHOWN]
    return SimulatedView(
        since=found.since,
        until=found.until,
        orders=found.orders,
        rows=tuple(
            _row(one.sums, who=one.seller.name, href=f"/s/{one.seller.slug}") for one in shown
        ),
        left_out=len(found.sellers) - len(shown) + found.sellers_left_out,
        totals=tuple(_row(sums) for sums in found.totals),
    )


def _row(sums: SimulatedSums, *, who: str = "", href: str = "") -> SimulatedRowView:
    return SimulatedRowView(
        who=who,
        href=href,
        booked=Money(sums.booked.commission_minor, sums.currency),
        simulated=Money(sums.simulated.commission_minor, sums.currency),
        difference=Money(sums.difference.commission_minor, sums.currency),
        vat_difference=Money(sums.difference.vat_minor, sums.currency),
        lines=sums.lines,
        lines_touched=sums.lines_touched,
        deliveries_touched=sums.deliveries_touched,
    )
