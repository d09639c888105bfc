"""Tax rates in words, typed and told."""

import re
from collections.abc import Mapping
from datetime import UTC, datetime, time
from typing import Any, Final

from gosellr.core.countries import country_codes, country_names
from gosellr.models.term_values import ListedTaxRate
from gosellr.utils.regions import jurisdiction_of
from gosellr.web import forms
from gosellr.web.binding.balances import percent
from gosellr.web.binding.commission import typed_percent
from gosellr.web.formats import format_when
from gosellr.web.forms import Field
from gosellr.web.order_views import BadgeView
from gosellr.web.tax_rate_views import TaxRateFormView, TaxRateView
from gosellr.web.views import ChoiceView, FormView

TAX_RATES: Final = "/operator/tax-rates"
_CLASS: Final = re.compile(r"[a-z][a-z0-9_]{1,39}")
_WHERE: Final = (
    Field("country", 2, "Choose a country"),
    Field("region", 60),
    Field("class", 40, "Write the class, such as standard"),
)
_TERMS: Final = (
    Field("rate", 10, "Write the rate, such as 19 or 5.5"),
    Field("included", 3, "Say whether prices include it"),
    Field("remitted_by", 20, "Choose who passes it on"),
    Field("starts_on", 10),
    Field("ends_on", 10),
)
_DAYS: Final = {"starts_on": "valid_from", "ends_on": "valid_to"}
_INCLUDED: Final = {"yes": True, "no": False}
_REMITTERS: Final = {
    "seller": "Each seller, of its own sales",
    "marketplace": "The marketplace, as the law makes it liable",
}
# The market's names of what it refuses, by the form's.
NAMES: Final = {"region": "region", "valid_to": "ends_on"}


def read_new(sent: Mapping[str, str], *, now: datetime) -> tuple[FormView, dict[str, Any] | None]:
    """The new rate that was typed; None where the form says why not. It begins now where no
    day says otherwise."""
    form = forms.read((*_WHERE, *_TERMS), sent)
    errors = dict(form.errors)
    fields = _terms(form, errors)
    if form.value("country") not in country_codes():
        errors["country"] = "Choose a country"
    if not _CLASS.fullmatch(form.value("class")):
        errors["class"] = "Write small letters, digits and underscores, such as standard"
    told = FormView(form.values, errors)
    if errors:
        return told, None
    return told, {
        **fields,
        "country": form.value("country"),
        "region": form.value("region") or None,
        "tax_class": form.value("class"),
        "valid_from": fields["valid_from"] or now,
    }


def read_change(sent: Mapping[str, str]) -> tuple[FormView, dict[str, Any] | None]:
    """What a rate is to say from now on; None where the form says why not."""
    form = forms.read(_TERMS, sent)
    errors = dict(form.errors)
    fields = _terms(form, errors)
    if fields["valid_from"] is None:
        errors.setdefault("starts_on", "Write a day, such as 2027-01-01")
    told = FormView(form.values, errors)
    return told, None if errors else fields


def _terms(form: FormView, errors: dict[str, str]) -> dict[str, Any]:
    rate_bps = forms.percent_bps(form.value("rate"))
    if rate_bps is None:
        errors.setdefault("rate", "Write a part of a hundred, such as 19 or 5.5")
    if form.value("included") not in _INCLUDED:
        errors["included"] = "Say whether prices include it"
    if form.value("remitted_by") not in _REMITTERS:
        errors["remitted_by"] = "Choose who passes it on"
    fields: dict[str, Any] = {
        "rate_bps": rate_bps,
        "included": _INCLUDED.get(form.value("included")),
        "remitted_by": form.value("remitted_by"),
    }
    for name, term in _DAYS.items():
        day = forms.day(form.value(name))
        if day is None and form.value(name):
            errors[name] = "Write a day, such as 2027-01-01"
        fields[term] = None if day is None else datetime.combine(day, time.min, tzinfo=UTC)
    return fields


def changes_of(rate: ListedTaxRate, typed: Mapping[str, Any]) -> dict[str, Any]:
    """What of a rate was typed anew. A day that stands as it was keeps its hour."""
    changes = {name: value for name, value in typed.items() if value != getattr(rate, name)}
    for term in _DAYS.values():
        if term in changes and _day(changes[term]) == _day(getattr(rate, term)):
            del changes[term]
    return changes


def typed_of(rate: ListedTaxRate) -> FormView:
    """A rate as somebody would type it."""
    return FormView(
        {
            "rate": typed_percent(rate.rate_bps),
            "included": "yes" if rate.included else "no",
            "remitted_by": rate.remitted_by,
            "starts_on": _day(rate.valid_from),
            "ends_on": _day(rate.valid_to),
        }
    )


def _day(moment: datetime | None) -> str:
    return "" if moment is None else moment.astimezone(UTC).date().isoformat()


def rate_view(rate: ListedTaxRate, *, now: datetime, locale: str) -> TaxRateView:
    """A rate in the list."""
    country = dict(country_names(locale)).get(rate.country, rate.country)
    place = country
    if rate.region is not None:
        place = f"{country}, {jurisdiction_of(rate.country, rate.region)}"
    included = "in the price" if rate.included else "on top of the price"
    by = "remitted by the marketplace" if rate.remitted_by == "marketplace" else ""
    until = "" if rate.valid_to is None else f" until {format_when(rate.valid_to, 'date')}"
    is_over = rate.valid_to is not None and rate.valid_to <= now
    return TaxRateView(
        path=f"{TAX_RATES}/{rate.id}",
        place=place,
        tax_class=rate.tax_class,
        badge=_badge(rate, now=now),
        rate=percent(rate.rate_bps),
        more=", ".join(word for word in (included, by) if word),
        days=f"From {format_when(rate.valid_from, 'date')}{until}",
        version=rate.version,
        can_end=rate.valid_from < now and not is_over,
    )


def _badge(rate: ListedTaxRate, *, now: datetime) -> BadgeView:
    if now < rate.valid_from:
        return BadgeView("To come", "info", "clock")
    if rate.valid_to is not None and rate.valid_to <= now:
        return BadgeView("Over", "", "clock")
    return BadgeView("In force", "ok", "check")


def countries(locale: str, *, first: str) -> tuple[ChoiceView, ...]:
    """Every country by name; `first` asks for one, or stands for all."""
    return (ChoiceView("", first), *(ChoiceView(*one) for one in country_names(locale)))


def fields_view(form: FormView, *, locale: str, key: str, version: str = "") -> TaxRateFormView:
    """The fields of a rate, with what they offer."""
    return TaxRateFormView(
        form=form,
        countries=countries(locale, first="Choose a country"),
        yes_no=(
            ChoiceView("yes", "Yes, it is in the price"),
            ChoiceView("no", "No, it comes on top"),
        ),
        remitters=tuple(ChoiceView(value, label) for value, label in _REMITTERS.items()),
        key=key,
        version=version,
    )
