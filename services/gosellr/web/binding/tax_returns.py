"""What the marketplace owes tax authorities as a page shows it: by jurisdiction, with its sums."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final

from gosellr.utils.money import Money
from gosellr.utils.spoken_values import format_percent
from gosellr.utils.tax_periods import (
    InvalidTaxPeriod,
    TaxPeriod,
    parse_tax_period,
    quarter_of,
)
from gosellr.web.binding.listings import address
from gosellr.web.formats import format_when
from gosellr.web.order_views import BadgeView
from gosellr.web.tax_return_views import FiledReturnView, OwedTaxView, TaxRateRowView, TaxReturnView
from gosellr.web.views import ChoiceView, FormView, LinkView

FORMS: Final = ("csv", "xlsx")
_OFFERED: Final = 8
_STATES: Final = {
    "filed": BadgeView("Handed in", "warn", "file-text"),
    "payment_prepared": BadgeView("Payment waits for a second person", "warn", "users"),
    "paid_by_hand": BadgeView("Paid by hand", "ok", "check"),
    "paid": BadgeView("Paid", "ok", "check"),
}
_SOURCES: Final = {"sales": "Sales, tax remitted", "commission": "Commission"}


def period_of(typed: str, *, now: datetime) -> tuple[TaxPeriod, FormView]:
    """The period that was chosen; where there is none of it, this quarter, and the form says so."""
    current = quarter_of(now)
    try:
        chosen = parse_tax_period(typed or current)
    except InvalidTaxPeriod:
        said = {"period": "Choose a quarter or a month from the list"}
        return parse_tax_period(current), FormView({"period": current}, said)
    return chosen, FormView({"period": chosen.name})


def page(
    content: Mapping[str, Any], *, form: FormView, action: str, may_file: bool, now: datetime
) -> TaxReturnView:
    """The page of a period."""
    period = str(content["period"])
    return TaxReturnView(
        period=period,
        action=action,
        form=form,
        periods=_periods(period, now=now),
        is_over=bool(content["is_over"]),
        owed=tuple(
            _owed(
                one,
                action=action,
                period=period,
                may_file=may_file,
                is_over=bool(content["is_over"]),
            )
            for one in content["jurisdictions"]
        ),
        files=tuple(
            LinkView(kind.upper(), address(action, [("period", period), ("format", kind)]))
            for kind in FORMS
        ),
    )


def _periods(chosen: str, *, now: datetime) -> tuple[ChoiceView, ...]:
    """The latest quarters, the months that they have so far, and the period that was asked for."""
    latest = 4 * now.year + (now.month - 1) // 3
    first = latest - _OFFERED + 1
    known = [f"{each // 4}-Q{each % 4 + 1}" for each in range(latest, first - 1, -1)]
    this_month = 12 * now.year + now.month - 1
    known += [f"{each // 12}-{each % 12 + 1:02}" for each in range(this_month, 3 * first - 1, -1)]
    if chosen not in known:
        known.append(chosen)
    return tuple(ChoiceView(name, name, name == chosen) for name in known)


def _owed(
    one: Mapping[str, Any], *, action: str, period: str, may_file: bool, is_over: bool
) -> OwedTaxView:
    currency = one["currency"]

    def money(name: str) -> Money:
        return Money(one[f"{name}_minor"], currency)

    is_own = one["jurisdiction"] == one["jurisdiction"].lower()
    is_open = may_file and is_over and not one["filed"]
    return OwedTaxView(
        jurisdiction=one["jurisdiction"],
        file_path=f"{action}/{period}/file" if is_open else "",
        filed=tuple(_filed(each, action=action, may_pay=may_file) for each in one["filed"]),
        name="VAT on commission" if is_own else one["jurisdiction"],
        href=address(
            "/operator/transactions",
            [("of", f"tax_payable:{one['jurisdiction']}"), ("currency", currency)],
        ),
        rows=tuple(
            TaxRateRowView(
                what=_SOURCES[rate["source"]],
                rate=format_percent(rate["tax_rate_bps"]),
                base=Money(rate["base_minor"], currency),
                tax=Money(rate["tax_minor"], currency),
            )
            for rate in one["rates"]
        ),
        by_hand=money("by_hand") if one["by_hand_minor"] else None,
        due=money("due"),
        opening=money("opening"),
        paid=money("paid"),
        closing=money("closing"),
    )


def _filed(one: Mapping[str, Any], *, action: str, may_pay: bool) -> FiledReturnView:
    on = format_when(datetime.fromisoformat(one["filed_at"]), "date")
    payment = one["adjustment_id"]
    return FiledReturnView(
        period=one["period"],
        about=", ".join(part for part in (f"Handed in {on}", one["reference"]) if part),
        badge=_STATES[one["status"]],
        due=Money(one["due_minor"], one["currency"]),
        pay_path=f"{action}/{one['id']}/pay" if may_pay and one["status"] == "filed" else "",
        payment_href=f"/operator/adjustments/{payment}" if payment else "",
    )
