"""What stands on a shop's papers: typed in one form, and told as they will name the shop."""

from collections.abc import Mapping
from dataclasses import asdict
from typing import Final

from gosellr.core.countries import country_names
from gosellr.core.email_addresses import normal_email
from gosellr.models.letterhead_values import KeptLetterhead
from gosellr.utils.letterhead import (
    ADDRESS_LENGTHS,
    REGISTRATION_NUMBER_LENGTH,
    TAX_ID_LENGTH,
    is_vat_number,
)
from gosellr.web import forms
from gosellr.web.formats import format_when
from gosellr.web.forms import Field
from gosellr.web.letterhead_views import LetterheadView
from gosellr.web.views import AttributeView, FormView

_LOCALE: Final = "en"
_MISSING: Final = {"line1": "Write the street and the number", "city": "Write the town"}
FIELDS: Final = (
    *(Field(name, longest, _MISSING.get(name, "")) for name, longest in ADDRESS_LENGTHS.items()),
    Field("tax_id", TAX_ID_LENGTH),
    Field("registration_number", REGISTRATION_NUMBER_LENGTH),
    Field("email", 254, check=forms.email_error),
)
# The market's names of what it refuses, by the form's.
NAMES: Final = {
    **{field.name: field.name for field in FIELDS},
    **{f"address.{name}": name for name in ADDRESS_LENGTHS},
}


def read(sent: Mapping[str, str]) -> tuple[FormView, dict[str, str] | None]:
    """What was typed; None where the form says what has to change before anybody can look at it."""
    form = forms.read(FIELDS, sent)
    if form.errors:
        return form, None
    texts = {field.name: form.value(field.name) for field in FIELDS}
    return form, {**texts, "email": texts["email"] and normal_email(texts["email"])}


def page(
    kept: KeptLetterhead,
    *,
    path: str,
    form: FormView | None,
    key: str,
    version: str | None,
    may_change: bool,
) -> LetterheadView:
    """The page: what stands there, and the form."""
    said = kept.letterhead
    return LetterheadView(
        path=path,
        is_said=said is not None,
        facts=_facts(kept),
        form=form or FormView({} if said is None else asdict(said)),
        country=_country(kept),
        key=key,
        version=str(kept.version or 0) if version is None else version,
        may_change=may_change,
    )


def _country(kept: KeptLetterhead) -> str:
    return dict(country_names(_LOCALE)).get(kept.country, kept.country)


def _facts(kept: KeptLetterhead) -> tuple[AttributeView, ...]:
    said = kept.letterhead
    place = [*([] if said is None else said.address_lines()), _country(kept)]
    facts = [("Name", kept.legal_name), ("Address", ", ".join(place))]
    if said is not None:
        facts += [
            ("VAT number" if is_vat_number(said.tax_id) else "Tax number", said.tax_id),
            ("Company register", said.registration_number),
            ("E-mail", said.email),
        ]
    if kept.updated_at is not None:
        facts.append(("Said", format_when(kept.updated_at, "full")))
    return tuple(AttributeView(label, value) for label, value in facts if value)
