"""The report of sellers (DAC7) as a page shows it: sums, sellers, and what isn't known of them."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from gosellr.models.tax_identity_values import TaxRequest
from gosellr.utils.money import Money
from gosellr.web import forms
from gosellr.web.binding import histories
from gosellr.web.binding.histories import Chosen
from gosellr.web.binding.listings import address
from gosellr.web.binding.tax_requests import request_href, stage
from gosellr.web.order_views import BadgeView
from gosellr.web.tax_report_views import ReportedSellerView, ReportFigureView, TaxReportView
from gosellr.web.views import ChoiceView, FormView, LinkView

FORMS: Final = ("csv", "xlsx", "pdf")
SHOWN: Final = 50
FIRST_YEAR: Final = 2000
LAST_YEAR: Final = 2099
_YEARS_OFFERED: Final = 6
_AMOUNTS: Final = ("consideration_minor", "activity_count", "fees_minor", "taxes_minor")
_IDENTITY: Final = "tax_identity"
_MISSING: Final = {
    _IDENTITY: "Who it is to the tax authorities",
    "financial_account": "An account that it is paid to",
}
_STATES: Final = (("", "All"), ("incomplete", "Incomplete"), ("complete", "Complete"))
_COMPLETE: Final = BadgeView("Complete", "ok", "check")
_INCOMPLETE: Final = BadgeView("Incomplete", "warn", "circle-alert")


def year_of(typed: str, *, now: datetime) -> tuple[int, FormView]:
    """The year that was chosen; where there is none of it, this one, and the form says why."""
    year = forms.whole_number(typed, lowest=FIRST_YEAR, highest=LAST_YEAR)
    if typed and year is None:
        return now.year, FormView({"year": str(now.year)}, {"year": "Choose a year from the list"})
    chosen = year or now.year
    return chosen, FormView({"year": str(chosen)})


def report(
    content: Mapping[str, Any],
    *,
    form: FormView,
    action: str,
    begin: int,
    now: datetime,
    state: Chosen,
    requests: Mapping[UUID, TaxRequest],
) -> TaxReportView:
    """The report from the seller on at place `begin`, as many as there is room for, of those of
    whom all is known, or isn't, where that was asked for."""
    year, everybody = int(content["year"]), content["sellers"]
    chosen = state.value
    sellers = [one for one in everybody if not chosen or bool(one["missing"]) == _wants(chosen)]
    years = [("year", str(year))]
    kept = [*years, *([("state", chosen)] if chosen else [])]
    following = begin + SHOWN
    return TaxReportView(
        year=year,
        action=action,
        form=form,
        years=_years(year, now=now),
        is_over=year < now.year,
        sums=_sums(everybody),
        sellers=tuple(_seller(one, requests) for one in sellers[begin:following]),
        seller_count=len({one["seller_id"] for one in sellers}),
        incomplete_count=len({one["seller_id"] for one in everybody if one["missing"]}),
        chips=histories.chips(action, _STATES, name="state", chosen=chosen, kept=years),
        files=tuple(
            LinkView(kind.upper(), address(action, [*years, ("format", kind)])) for kind in FORMS
        ),
        pager=histories.pager(
            action,
            kept,
            str(following) if following < len(sellers) else None,
            is_first=begin == 0,
        ),
    )


def _years(chosen: int, *, now: datetime) -> tuple[ChoiceView, ...]:
    """The latest years, and the one that was asked for."""
    known = {now.year - back for back in range(_YEARS_OFFERED)} | {chosen}
    return tuple(
        ChoiceView(str(year), str(year), year == chosen) for year in sorted(known, reverse=True)
    )


def _sums(sellers: Sequence[Mapping[str, Any]]) -> tuple[ReportFigureView, ...]:
    """What all sellers come to, in each currency."""
    found: dict[str, dict[str, int]] = {}
    for one in sellers:
        sums = found.setdefault(one["currency"], dict.fromkeys(_AMOUNTS, 0))
        for name in _AMOUNTS:
            sums[name] += one["total"][name]
    return tuple(_figure(code, sums, code) for code, sums in sorted(found.items()))


def unsaid_of(content: Mapping[str, Any]) -> list[UUID]:
    """The sellers of a report who haven't said who they are."""
    return sorted(
        {UUID(one["seller_id"]) for one in content["sellers"] if _IDENTITY in one["missing"]}
    )


def _seller(one: Mapping[str, Any], requests: Mapping[UUID, TaxRequest]) -> ReportedSellerView:
    seller_id, is_unsaid = UUID(one["seller_id"]), _IDENTITY in one["missing"]
    currency = one["currency"]
    trade = "" if one["trade_name"] == one["legal_name"] else one["trade_name"]
    return ReportedSellerView(
        name=one["legal_name"],
        about=", ".join(part for part in (trade, one["country"]) if part),
        href=address("/operator/transactions", [("of", one["seller_id"]), ("currency", currency)]),
        badge=_INCOMPLETE if one["missing"] else _COMPLETE,
        missing=tuple(_MISSING[name] for name in one["missing"]),
        stage=stage(requests.get(seller_id)) if is_unsaid else "",
        stage_href=request_href(seller_id) if is_unsaid and seller_id in requests else "",
        year=_figure("Year", one["total"], currency),
        quarters=tuple(
            _figure(f"Quarter {each['quarter']}", each, currency) for each in one["quarters"]
        ),
    )


def _figure(label: str, figures: Mapping[str, int], currency: str) -> ReportFigureView:
    return ReportFigureView(
        label=label,
        consideration=Money(figures["consideration_minor"], currency),
        activities=figures["activity_count"],
        fees=Money(figures["fees_minor"], currency),
        taxes=Money(figures["taxes_minor"], currency),
    )


def state_of(text: str) -> Chosen:
    """Which sellers were asked for; all of them where there is no such list, and it is said."""
    return histories.chosen_of(text or None, {value for value, _ in _STATES if value})


def _wants(state: str) -> bool:
    return state == "incomplete"
