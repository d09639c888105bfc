"""How the attributes of products read: their label, yes and no, numbers with their unit."""

from collections.abc import Iterable, Mapping
from decimal import Decimal, InvalidOperation
from typing import Any

from babel.numbers import format_decimal

from gosellr.utils.lazy_dataclasses import dataclass
from gosellr.web.formats import MINUS, NO_BREAK_SPACE

_YES_NO = {True: "Yes", False: "No", "true": "Yes", "false": "No"}


@dataclass(frozen=True, slots=True)
class Rule:
    """What a category says of an attribute; `type` is text, number, boolean or enum."""

    key: str
    label: str
    type: str
    unit: str | None = None


Rules = Mapping[str, Rule]


def rules_of(documents: Iterable[Mapping[str, Any]]) -> dict[str, Rule]:
    """Rules by key."""
    return {one["key"]: Rule(**one) for one in documents}


def agreed(rules: Iterable[Rule]) -> dict[str, Rule]:
    """The rules of a list across categories: a key counts where all of them mean the same by it."""
    meanings: dict[str, set[Rule]] = {}
    for rule in rules:
        meanings.setdefault(rule.key, set()).add(rule)
    return {key: next(iter(meant)) for key, meant in meanings.items() if len(meant) == 1}


def label(key: str, rules: Rules) -> str:
    """The name of an attribute, or its key made readable where no category names it."""
    rule = rules.get(key)
    return rule.label if rule else key.replace("_", " ").capitalize()


def spoken(key: str, value: Any, rules: Rules, *, locale: str = "en_IE") -> str:
    """A value as a person reads it: `Yes`, `1,100 ml`, `Wood, Glass`."""
    if isinstance(value, list):
        return ", ".join(spoken(key, one, rules, locale=locale) for one in value)
    rule = rules.get(key)
    kind = rule.type if rule else ""
    if isinstance(value, bool) or (kind == "boolean" and value in _YES_NO):
        return _YES_NO[value]
    number = number_of(value) if kind == "number" else None
    text = str(value)
    if number is not None:
        text = format_decimal(number, format="#,##0.######", locale=locale).replace("-", MINUS)
    return f"{text}{NO_BREAK_SPACE}{rule.unit}" if rule and rule.unit else text


def number_of(value: Any) -> Decimal | None:
    """The number that a value tells, if it does."""
    try:
        number = Decimal(str(value))
    except InvalidOperation:
        return None
    return number if number.is_finite() else None
