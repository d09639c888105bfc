"""Commission rules in words, typed and told."""

from collections.abc import Mapping
from dataclasses import fields
from datetime import UTC, date, datetime, time
from typing import Any, Final
from uuid import UUID

from gosellr.models.term_values import ListedRule
from gosellr.utils.commission import CommissionRule
from gosellr.utils.money import EXPONENTS
from gosellr.utils.proposals import plain_terms
from gosellr.web import forms
from gosellr.web.binding import shops
from gosellr.web.binding.balances import percent
from gosellr.web.binding.shops import Meant
from gosellr.web.formats import format_money, format_when
from gosellr.web.forms import Field
from gosellr.web.order_views import BadgeView
from gosellr.web.proposal_views import CommissionRuleView
from gosellr.web.views import FormView

COMMISSION: Final = "/operator/commission-rules"
FIELDS: Final = (
    Field("name", 200),
    Field("position", 6),
    Field("seller_id", shops.TYPED_MAX),
    Field("category_id", 36),
    Field("product_id", 36),
    Field("value_from", 20),
    Field("value_to", 20),
    Field("starts_on", 10),
    Field("ends_on", 10),
    Field("rate", 10, "Write how much of a sale it is"),
    Field("fixed", 20),
    Field("minimum", 20),
    Field("cap", 20),
    Field("currency", 3),
    Field("vat", 10),
    Field("on_shipping", 3),
    Field("reason", 500),
)
_AMOUNTS: Final = ("value_from", "value_to", "fixed", "minimum", "cap")
_DAYS: Final = {"starts_on": "valid_from", "ends_on": "valid_to"}
_IDS: Final = ("category_id", "product_id")
_NO_ID: Final = "This is no id: copy it from its page"
# The API's names of what it refuses, by the form's.
NAMES: Final = {
    **{f"match.{name}": name for name in ("seller_id", *_IDS, "value_to")},
    "match.valid_to": "ends_on",
    "minimum": "minimum",
    "fixed": "fixed",
}


def read(sent: Mapping[str, str], *, meant: Meant) -> tuple[FormView, dict[str, Any] | None]:
    """The rule that was typed, with its `name` and `position`; None where the form says why not.

    `meant` says whom the name of a shop may mean.
    """
    form = forms.read(FIELDS, sent)
    errors = dict(form.errors)
    terms: dict[str, Any] = {"name": form.value("name")}
    terms["position"] = None
    if form.value("position"):
        terms["position"] = forms.whole_number(form.value("position"), lowest=1, highest=100_000)
        if terms["position"] is None:
            errors["position"] = "Write a place, such as 1"
    terms["seller_id"] = None
    if form.value("seller_id"):
        terms["seller_id"], wrong = shops.pick(form.value("seller_id"), meant)
        errors |= {"seller_id": wrong} if wrong else {}
    for name in _IDS:
        terms[name] = _id(form.value(name), name, errors)
    for name, term in _DAYS.items():
        terms[term] = _moment(form.value(name), name, errors)
    for name, term in (("rate", "rate_bps"), ("vat", "vat_bps")):
        bps = forms.percent_bps(form.value(name) or "0")
        if bps is None:
            errors[name] = "Write a part of a hundred, such as 10 or 2.5"
        terms[term] = bps
    terms["on_shipping"] = form.value("on_shipping") == "yes"
    terms |= _amounts(form, errors)
    return FormView(form.values, errors), None if errors else terms


def _id(text: str, name: str, errors: dict[str, str]) -> UUID | None:
    try:
        return UUID(text) if text else None
    except ValueError:
        errors[name] = _NO_ID
        return None


def _moment(text: str, name: str, errors: dict[str, str]) -> datetime | None:
    day: date | None = forms.day(text)
    if day is None:
        if text:
            errors[name] = "Write a day, such as 2027-12-31"
        return None
    return datetime.combine(day, time.min, tzinfo=UTC)


def _amounts(form: FormView, errors: dict[str, str]) -> dict[str, Any]:
    typed = [name for name in _AMOUNTS if form.value(name)]
    terms: dict[str, Any] = {f"{name}_minor": None for name in _AMOUNTS}
    terms |= {"fixed_minor": 0, "currency": None}
    if not typed:
        return terms
    code = form.value("currency").upper()
    if code not in EXPONENTS:
        errors["currency"] = "Choose a currency"
        return terms
    terms["currency"] = code
    for name in typed:
        terms[f"{name}_minor"] = forms.amount_minor(form.value(name), code)
        if terms[f"{name}_minor"] is None:
            errors[name] = f"Write an amount in {code}, such as {forms.example(code)}"
    return terms


def typed_of(listed: ListedRule, *, currency: str, shop: str) -> FormView:
    """A rule as somebody would type it, with the name of its shop."""
    rule = listed.rule
    code = rule.currency or currency
    values = {
        "name": listed.name,
        "position": str(rule.position),
        "seller_id": shop,
        **{name: str(getattr(rule, name) or "") for name in _IDS},
        **{name: _day(getattr(rule, term)) for name, term in _DAYS.items()},
        "rate": typed_percent(rule.rate_bps),
        "vat": typed_percent(rule.vat_bps),
        "on_shipping": "yes" if rule.on_shipping else "no",
        "currency": code,
    }
    for name in _AMOUNTS:
        minor = getattr(rule, f"{name}_minor")
        values[name] = "" if not minor and name == "fixed" else _typed_amount(minor, code)
    return FormView(values)


def _day(moment: datetime | None) -> str:
    return "" if moment is None else moment.astimezone(UTC).date().isoformat()


def typed_percent(bps: int) -> str:
    """A rate as somebody would type it."""
    return percent(bps).removesuffix(" %")


def _typed_amount(minor: int | None, code: str) -> str:
    if minor is None:
        return ""
    digits = EXPONENTS[code]
    whole, rest = divmod(minor, 10**digits)
    return f"{whole}.{rest:0{digits}}" if digits else str(whole)


def changes_of(listed: ListedRule, typed: Mapping[str, Any]) -> dict[str, Any]:
    """What of a rule was typed anew. A day that stands as it was keeps its hour."""
    before = {one.name: getattr(listed.rule, one.name) for one in fields(CommissionRule)}
    before["name"] = listed.name
    changes = {name: value for name, value in typed.items() if value != before[name]}
    for term in _DAYS.values():
        if term in changes and _day(changes[term]) == _day(before[term]):
            del changes[term]
    if changes.get("position", 0) is None:
        del changes["position"]
    # Amounts and their currency are one thing.
    if "currency" in changes and changes["currency"] is None and not _has_amounts(typed):
        changes |= {f"{name}_minor": typed[f"{name}_minor"] for name in _AMOUNTS}
    return changes


def _has_amounts(typed: Mapping[str, Any]) -> bool:
    return any(typed[f"{name}_minor"] for name in _AMOUNTS)


def rule(
    listed: ListedRule, *, names: Mapping[str, str], now: datetime, waits_href: str = ""
) -> CommissionRuleView:
    """A rule in its place."""
    found = listed.rule
    told = words(plain_terms({one.name: getattr(found, one.name) for one in fields(found)}), names)
    about = told["For"]
    more = [
        f"{said} {told[label]}"
        for label, said in (
            ("Fixed", "fixed"),
            ("At least", "at least"),
            ("At most", "at most"),
            ("VAT on it", "VAT on it"),
        )
        if told[label]
    ]
    if told["On shipping"]:
        more.append("on shipping too")
    return CommissionRuleView(
        path=f"{COMMISSION}/{found.id}",
        position=found.position,
        title=listed.name or about,
        about=about if listed.name else "",
        badge=_in_force(found, now=now),
        rate=percent(found.rate_bps),
        more=", ".join(more),
        waits_href=waits_href,
    )


def _in_force(found: CommissionRule, *, now: datetime) -> BadgeView:
    if found.valid_from is not None and now < found.valid_from:
        return BadgeView(f"From {format_when(found.valid_from, 'date')}", "info", "clock")
    if found.valid_to is not None and found.valid_to <= now:
        return BadgeView("Over", "", "clock")
    return BadgeView("In force", "ok", "check")


def words(terms: Mapping[str, Any], names: Mapping[str, str]) -> dict[str, str]:
    """A rule's plain terms by what people call them; empty where it says nothing."""
    code = terms.get("currency")

    def amount(name: str) -> str:
        minor = terms.get(f"{name}_minor")
        return "" if minor is None or code is None else format_money(minor, code)

    about = [names.get(terms[name], terms[name]) for name in _IDS if terms.get(name)]
    low, high = amount("value_from"), amount("value_to")
    band = " ".join(word for word in (low and f"from {low}", high and f"below {high}") if word)
    return {
        "Name": terms.get("name", ""),
        "Place": "" if terms.get("position") is None else str(terms["position"]),
        "For": ", ".join([*about, *([f"lines {band}"] if band else [])]) or "Everything",
        "From": _when(terms.get("valid_from")),
        "Until": _when(terms.get("valid_to")),
        "Rate": percent(terms.get("rate_bps", 0)),
        "Fixed": amount("fixed") if terms.get("fixed_minor") else "",
        "At least": amount("minimum"),
        "At most": amount("cap"),
        "VAT on it": percent(terms["vat_bps"]) if terms.get("vat_bps") else "",
        "On shipping": "Yes" if terms.get("on_shipping") else "",
    }


def _when(moment: str | None) -> str:
    return "" if moment is None else format_when(datetime.fromisoformat(moment), "full")


def named_in(terms: Mapping[str, Any]) -> set[UUID]:
    """The sellers that a rule's plain terms name."""
    return {UUID(terms["seller_id"])} if terms.get("seller_id") else set()
