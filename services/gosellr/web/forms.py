"""What people type: checked field by field, told in words, never lost."""

import re
import unicodedata
from collections.abc import Callable, Mapping, Sequence
from datetime import date
from urllib.parse import urlsplit

from gosellr.core.email_addresses import normal_email
from gosellr.core.errors import DomainError
from gosellr.utils.card_numbers import holds_card_number
from gosellr.utils.lazy_dataclasses import dataclass
from gosellr.utils.moments import is_within_reason
from gosellr.utils.money import (
    BPS,
    EXPONENTS,
    InvalidAmount,
    Money,
    parse_decimal,
    to_decimal_string,
)
from gosellr.web.views import FormView

# Control characters have no place in a line; bidirectional overrides make it lie, and half of a
# surrogate pair can't be kept.
_CARD_NUMBER = "This looks like the number of a card. Never write one here"
_UNWANTED = re.compile(r"[\x00-\x1f\x7f\u2028-\u202e\u2066-\u2069\ud800-\udfff]")

Check = Callable[[str], str]
"""What is wrong with a value, in words; empty when nothing is."""


@dataclass(frozen=True, slots=True)
class Field:
    """One field of a form: how long it may be, and what to say when it is missing."""

    name: str
    length_max: int
    missing: str = ""
    check: Check | None = None

    def error_of(self, value: str) -> str:
        """What to change about the value; empty when it can stay."""
        if not value:
            return self.missing
        if len(value) > self.length_max:
            return f"Write at most {self.length_max} letters"
        return self.check(value) if self.check else ""


def clean(value: str) -> str:
    """A typed line in its normal form: composed, trimmed, without invisible signs."""
    return _UNWANTED.sub("", unicodedata.normalize("NFC", value)).strip()


def read(fields: Sequence[Field], sent: Mapping[str, str]) -> FormView:
    """The values of these fields and what is wrong with them."""
    return _told(fields, {field.name: clean(sent.get(field.name, "")) for field in fields})


def read_text(fields: Sequence[Field], sent: Mapping[str, str]) -> FormView:
    """The same for texts of several lines, which keep their line breaks."""
    return _told(fields, {field.name: clean_text(sent.get(field.name, "")) for field in fields})


def _told(fields: Sequence[Field], values: dict[str, str]) -> FormView:
    """Values with what is wrong with them; a card's number isn't even shown again."""
    errors = {field.name: field.error_of(values[field.name]) for field in fields}
    for name in [name for name, value in values.items() if holds_card_number(value)]:
        values[name], errors[name] = "", _CARD_NUMBER
    return FormView(values, {name: text for name, text in errors.items() if text})


def clean_text(value: str) -> str:
    """A typed text in its normal form, line by line."""
    lines = value.replace("\r\n", "\n").replace("\r", "\n").split("\n")
    return "\n".join(clean(line) for line in lines).strip()


def amount_minor(text: str, currency: str) -> int | None:
    """The minor units of a typed amount, with a point or a comma; None where there is none."""
    try:
        minor = parse_decimal(text.strip().replace(",", "."), currency)
    except InvalidAmount:
        return None
    return minor if minor >= 0 else None


def money_of(
    form: FormView, *, amount: str = "amount", currency: str = "currency"
) -> tuple[FormView, Money | None]:
    """The sum above nothing that two fields say; None where they don't, and the form says why."""
    code, errors = form.value(currency).upper(), dict(form.errors)
    if code not in EXPONENTS:
        errors[currency] = "Choose a currency"
        return FormView(form.values, errors), None
    minor = amount_minor(form.value(amount), code)
    if not minor:
        errors.setdefault(amount, f"Write an amount in {code}, such as {example(code)}")
        return FormView(form.values, errors), None
    return FormView(form.values, errors), Money(minor, code)


def example(currency: str, *, hundredths: int = 2500) -> str:
    """An amount as it could be typed, with the decimals that its currency has."""
    return to_decimal_string(hundredths * 10 ** EXPONENTS[currency] // 100, currency)


def percent_bps(text: str) -> int | None:
    """The basis points of a typed percentage with two decimals at most; None where it is none."""
    minor = amount_minor(text.removesuffix("%"), "EUR")
    return minor if minor is not None and minor <= BPS else None


def day(text: str) -> date | None:
    """The day that a date field says; None where there is none that a market has."""
    try:
        found = date.fromisoformat(text)
    except ValueError:
        return None
    return found if is_within_reason(found) else None


def birthday(text: str) -> date | None:
    """The day that a date field says, of any century; None where there is none."""
    try:
        return date.fromisoformat(text) if len(text) == len("1984-05-17") else None
    except ValueError:
        return None


def with_errors(form: FormView, error: DomainError, names: Mapping[str, str]) -> FormView:
    """The form with what the market said about it; `names` maps its fields to the form's.

    What is about no field of the form stands above it, under the empty name.
    """
    found = {names.get(item.field, ""): item.message for item in error.errors}
    return FormView(form.values, {**form.errors, **(found or {"": error.detail})})


def email_error(value: str) -> str:
    """What is wrong with an e-mail address."""
    try:
        normal_email(value)
    except ValueError:
        return "Write the whole address, such as name@example.com"
    return ""


def whole_number(text: str | None, *, lowest: int, highest: int) -> int | None:
    """The number that stands there; None where there is none within the bounds."""
    if text is None or not (text.isascii() and text.isdigit() and len(text) <= 18):
        return None
    number = int(text)
    return number if lowest <= number <= highest else None


def local_path(text: str | None, *, otherwise: str = "/") -> str:
    """A path of this site, as it may follow a redirect; anything else is replaced."""
    if not text or not text.startswith("/") or text.startswith(("//", "/\\")):
        return otherwise
    if not text.isprintable() or "\\" in text or len(text) > 2000:
        return otherwise
    parts = urlsplit(text)
    return otherwise if parts.scheme or parts.netloc else text
