"""Who a seller is to the tax authorities: typed in one form, and told by its ends."""

from collections.abc import Mapping
from typing import Final

from gosellr.core.countries import country_names
from gosellr.flows.tax_identities import SaidIdentity
from gosellr.utils.tax_identity import (
    TAX_NUMBERS_MAX,
    PrimaryAddress,
    TaxIdentity,
    TaxNumber,
    TaxpayerKind,
    masked,
)
from gosellr.web import forms
from gosellr.web.formats import format_when
from gosellr.web.forms import Field
from gosellr.web.tax_identity_views import TaxIdentityView
from gosellr.web.views import AttributeView, ChoiceView, FormView

_LOCALE: Final = "en"
ROWS: Final = tuple(range(TAX_NUMBERS_MAX))
_KINDS: Final = {
    TaxpayerKind.INDIVIDUAL: "A person who sells in their own name",
    TaxpayerKind.ENTITY: "A company or another legal entity",
}
_ADDRESS: Final = {"line1": 200, "line2": 200, "city": 120, "region": 60, "postal_code": 16,
                   "country": 2}  # fmt: skip
FIELDS: Final = (
    Field("kind", 20, "Choose who sells"),
    Field("legal_name", 200),
    Field("first_name", 200),
    Field("last_name", 200),
    *(Field(name, longest) for name, longest in _ADDRESS.items()),
    *(Field(f"{name}-{row}", 40) for row in ROWS for name in ("tax_number", "tax_country")),
    Field("no_tax_number", 3),
    Field("vat_number", 40),
    Field("registration_number", 40),
    Field("no_registration_number", 3),
    Field("establishments", 200),
    Field("birth_date", 10),
    Field("birth_city", 120),
    Field("birth_country", 2),
    Field("password", 128, "Write your password once more"),
)


def read(sent: Mapping[str, str]) -> tuple[FormView, TaxIdentity | None]:
    """Who was typed; None where the form says what has to change before anybody can look at it."""
    form = forms.read(FIELDS, sent)
    errors = dict(form.errors)
    if form.value("kind") not in set(TaxpayerKind):
        errors["kind"] = "Choose who sells"
    born = forms.birthday(form.value("birth_date"))
    if born is None and form.value("birth_date"):
        errors["birth_date"] = "Write a day, such as 1984-05-17"
    told = FormView(form.values, errors)
    if errors:
        return told, None
    return told, TaxIdentity(
        kind=TaxpayerKind(form.value("kind")),
        legal_name=form.value("legal_name"),
        first_name=form.value("first_name"),
        last_name=form.value("last_name"),
        address=PrimaryAddress(**{name: form.value(name) for name in _ADDRESS}),
        tax_numbers=tuple(
            TaxNumber(
                number=form.value(f"tax_number-{row}"), country=form.value(f"tax_country-{row}")
            )
            for row in _filled(form)
        ),
        no_tax_number=bool(form.value("no_tax_number")),
        vat_number=form.value("vat_number"),
        registration_number=form.value("registration_number"),
        no_registration_number=bool(form.value("no_registration_number")),
        establishments=tuple(form.value("establishments").upper().replace(",", " ").split()),
        birth_date=born,
        birth_city=form.value("birth_city"),
        birth_country=form.value("birth_country"),
    )


def _filled(form: FormView) -> list[int]:
    """The rows of tax numbers in which something stands."""
    names = ("tax_number", "tax_country")
    return [row for row in ROWS if any(form.value(f"{name}-{row}") for name in names)]


def names_of(form: FormView) -> dict[str, str]:
    """The market's names of what it refuses, by the form's."""
    own = {field.name: field.name for field in FIELDS}
    rows = {
        f"tax_numbers.{place}.{said}": f"{name}-{row}"
        for place, row in enumerate(_filled(form))
        for said, name in (("number", "tax_number"), ("country", "tax_country"))
    }
    address = {f"address.{name}": name for name in _ADDRESS}
    return {**own, **rows, **address, "tax_numbers": "tax_number-0"}


def said_in(form: FormView) -> str:
    """All that the form says, without the password."""
    return repr(sorted((name, text) for name, text in form.values.items() if name != "password"))


def page(
    said: SaidIdentity | None,
    *,
    path: str,
    form: FormView | None,
    key: str,
    version: str | None,
    may_change: bool,
    asked: str,
) -> TaxIdentityView:
    """The page: what is kept, and the form."""
    kept = "0" if said is None else str(said.kept.version)
    countries = (ChoiceView("", "Choose a country"), *(
        ChoiceView(code, name) for code, name in country_names(_LOCALE)
    ))  # fmt: skip
    return TaxIdentityView(
        path=path,
        facts=() if said is None else _facts(said),
        form=form or FormView(),
        kinds=(ChoiceView("", "Choose"), *(ChoiceView(k.value, t) for k, t in _KINDS.items())),
        countries=countries,
        rows=ROWS,
        key=key,
        version=kept if version is None else version,
        may_change=may_change,
        asked=asked,
    )


def _facts(said: SaidIdentity) -> tuple[AttributeView, ...]:
    one = said.identity
    if one is None:
        return ()
    born = "" if one.birth_date is None else str(one.birth_date.year)
    numbers = ", ".join(f"{masked(each.number)} ({each.country})" for each in one.tax_numbers)
    facts = [
        ("Who sells", _KINDS[one.kind]),
        ("Name", one.name),
        ("Address", f"{one.address.city}, {one.address.country}"),
        ("Tax numbers", numbers or "None was given"),
        ("VAT number", masked(one.vat_number)),
        ("Number in the register", masked(one.registration_number)),
        ("Establishments", ", ".join(one.establishments)),
        ("Born in", born),
        ("Said", format_when(said.kept.updated_at, "full")),
    ]
    return tuple(AttributeView(label, value) for label, value in facts if value)
