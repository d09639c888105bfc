"""Who a seller is to the tax authorities, as Council Directive (EU) 2021/514 (DAC7) asks it.

Its Annex V, section II B, says what a platform collects: of an individual the name, the primary
address, each tax identification number with the country that issued it, else the place of birth,
the VAT number where there is one, and the date of birth; of an entity the legal name, the primary
address, tax numbers alike, the VAT number, the number in the register of companies, and in which
states of the Union it has permanent establishments. A number that a country gives to nobody like
this seller needn't be collected: then the seller says so.
"""

import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import asdict
from datetime import date
from enum import StrEnum
from typing import Any, Final

from gosellr.utils.lazy_dataclasses import dataclass, replace
from gosellr.utils.vat_numbers import EU_STATES, InvalidVatNumber, parse_vat_number

TAX_NUMBERS_MAX: Final = 3
_NUMBER: Final = re.compile(r"[A-Z0-9][A-Z0-9 ./\-]{2,38}[A-Z0-9]", re.ASCII)
_OLDEST_YEAR: Final = 1900
_YOUNGEST_YEARS: Final = 13
_SHOWN: Final = 3
_NO_NUMBER: Final = "Write the number as it was given to you"
_NO_COUNTRY: Final = "Choose a country"


class TaxpayerKind(StrEnum):
    """Whether a seller is a person or not."""

    INDIVIDUAL = "individual"
    ENTITY = "entity"


@dataclass(frozen=True, slots=True, kw_only=True)
class PrimaryAddress:
    """Where a person mainly lives, or a company's registered office."""

    line1: str
    line2: str = ""
    city: str
    region: str = ""
    postal_code: str = ""
    country: str

    def lines(self) -> tuple[str, ...]:
        """The address as it is written, line by line."""
        place = " ".join(part for part in (self.postal_code, self.city) if part)
        return tuple(
            part for part in (self.line1, self.line2, place, self.region, self.country) if part
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class TaxNumber:
    """A tax identification number and the country that issued it."""

    number: str
    country: str


@dataclass(frozen=True, slots=True, kw_only=True)
class TaxIdentity:
    """All that is collected of a seller. A text that isn't there is empty."""

    kind: TaxpayerKind
    legal_name: str = ""
    first_name: str = ""
    last_name: str = ""
    address: PrimaryAddress
    tax_numbers: tuple[TaxNumber, ...] = ()
    no_tax_number: bool = False
    vat_number: str = ""
    registration_number: str = ""
    no_registration_number: bool = False
    establishments: tuple[str, ...] = ()
    birth_date: date | None = None
    birth_city: str = ""
    birth_country: str = ""

    def __repr__(self) -> str:
        # Nothing of it belongs into a log or the message of an error.
        return f"TaxIdentity(kind={self.kind.value!r})"

    @property
    def name(self) -> str:
        """The legal name of an entity, first and last name of a person."""
        if self.kind is TaxpayerKind.ENTITY:
            return self.legal_name
        return f"{self.first_name} {self.last_name}"

    @property
    def birth_place(self) -> str:
        """Where a person was born, as it is written."""
        return ", ".join(part for part in (self.birth_city, self.birth_country) if part)


def is_number(text: str) -> bool:
    """Whether an authority may have given such a number: capitals, digits and what parts them."""
    return _NUMBER.fullmatch(text) is not None


Problem = tuple[str, str, str]
"""A field, what is wrong with it in a word, and in a sentence."""


def normal(identity: TaxIdentity) -> TaxIdentity:
    """The same in its normal form: numbers in capitals, a VAT number without separators."""
    vat_number = identity.vat_number
    try:
        vat_number = parse_vat_number(vat_number) if vat_number else ""
    except InvalidVatNumber:
        vat_number = identity.vat_number
    return replace(
        identity,
        tax_numbers=tuple(
            TaxNumber(number=one.number.strip().upper(), country=one.country)
            for one in identity.tax_numbers
        ),
        vat_number=vat_number,
        registration_number=identity.registration_number.strip().upper(),
        establishments=tuple(sorted(set(identity.establishments))),
    )


def problems_of(
    identity: TaxIdentity, *, countries: Collection[str], today: date
) -> tuple[Problem, ...]:
    """All that is wrong with it, field by field; nothing for one that can be reported."""
    return (
        *_of_address(identity.address, countries),
        *_of_numbers(identity, countries),
        *(
            _of_person(identity, countries, today)
            if identity.kind is TaxpayerKind.INDIVIDUAL
            else _of_entity(identity)
        ),
    )


def _of_address(address: PrimaryAddress, countries: Collection[str]) -> Iterator[Problem]:
    if not address.line1:
        yield "address.line1", "missing", "Write the street and the number"
    if not address.city:
        yield "address.city", "missing", "Write the town"
    if address.country not in countries:
        yield "address.country", "country_unknown", _NO_COUNTRY


def _of_numbers(identity: TaxIdentity, countries: Collection[str]) -> Iterator[Problem]:
    seen: set[str] = set()
    for place, one in enumerate(identity.tax_numbers):
        if not _NUMBER.fullmatch(one.number):
            yield f"tax_numbers.{place}.number", "number_wrong", _NO_NUMBER
        if one.country not in countries:
            yield f"tax_numbers.{place}.country", "country_unknown", "Choose who issued it"
        elif one.country in seen:
            text = "A country issues one: there are two of this one"
            yield f"tax_numbers.{place}.country", "country_twice", text
        seen.add(one.country)
    if identity.tax_numbers and identity.no_tax_number:
        yield "no_tax_number", "contradicts_itself", "There is a number above"
    if not identity.tax_numbers and not identity.no_tax_number:
        text = "Write your tax identification number, or say that you were given none"
        yield "tax_numbers", "missing", text
    if identity.vat_number:
        try:
            parse_vat_number(identity.vat_number)
        except InvalidVatNumber as error:
            yield "vat_number", "number_wrong", str(error)


def _of_person(identity: TaxIdentity, countries: Collection[str], today: date) -> Iterator[Problem]:
    for name, said in (("first_name", "first"), ("last_name", "last")):
        if not getattr(identity, name):
            yield name, "missing", f"Write your {said} name"
    for name, is_there in (
        ("legal_name", identity.legal_name),
        ("registration_number", identity.registration_number),
        ("establishments", identity.establishments),
    ):
        if is_there:
            yield name, "not_of_a_person", "Only a company has one: leave it empty"
    born = identity.birth_date
    if born is None:
        yield "birth_date", "missing", "Write the day on which you were born"
    elif not _OLDEST_YEAR <= born.year <= today.year - _YOUNGEST_YEARS or born >= today:
        yield "birth_date", "date_wrong", "Look at the year once more"
    # Where nobody gave them a number, the place of birth stands in its stead.
    if not identity.tax_numbers and not identity.birth_city:
        yield "birth_city", "missing", "Without a tax number, write where you were born"
    if identity.birth_country not in countries and (
        identity.birth_country or identity.birth_city or not identity.tax_numbers
    ):
        yield "birth_country", "country_unknown", _NO_COUNTRY


def _of_entity(identity: TaxIdentity) -> Iterator[Problem]:
    if not identity.legal_name:
        yield "legal_name", "missing", "Write the name as the register has it"
    for name, is_there in (
        ("first_name", identity.first_name),
        ("last_name", identity.last_name),
        ("birth_date", identity.birth_date),
        ("birth_city", identity.birth_city),
        ("birth_country", identity.birth_country),
    ):
        if is_there:
            yield name, "not_of_a_company", "Only a person has one: leave it empty"
    number = identity.registration_number
    if number and not _NUMBER.fullmatch(number):
        yield "registration_number", "number_wrong", _NO_NUMBER
    if number and identity.no_registration_number:
        yield "no_registration_number", "contradicts_itself", "There is a number above"
    if not number and not identity.no_registration_number:
        text = "Write the number in the register of companies, or say that there is none"
        yield "registration_number", "missing", text
    if unknown := sorted(set(identity.establishments) - EU_STATES):
        text = f"{', '.join(unknown)}: write states of the Union by their letters, such as DE, FR"
        yield "establishments", "country_unknown", text


def document_of(identity: TaxIdentity) -> dict[str, Any]:
    """The identity as plain JSON, to be kept encrypted."""
    document = asdict(identity)
    born = identity.birth_date
    return {**document, "birth_date": None if born is None else born.isoformat()}


def identity_of(document: Mapping[str, Any]) -> TaxIdentity:
    """The identity that a document was made of."""
    born = document["birth_date"]
    return TaxIdentity(
        **{
            **document,
            "kind": TaxpayerKind(document["kind"]),
            "address": PrimaryAddress(**document["address"]),
            "tax_numbers": tuple(TaxNumber(**one) for one in document["tax_numbers"]),
            "establishments": tuple(document["establishments"]),
            "birth_date": None if born is None else date.fromisoformat(born),
        }
    )


def changed_fields(before: TaxIdentity | None, after: TaxIdentity) -> Sequence[str]:
    """The names of what is different, without any value."""
    if before is None:
        return [name for name, value in document_of(after).items() if value]
    old, new = document_of(before), document_of(after)
    return [name for name in new if new[name] != old[name]]


def masked(number: str) -> str:
    """A number by its end, which is all that pages show; of a short one nothing."""
    if not number:
        return ""
    return f"…{number[-_SHOWN:]}" if len(number) > 2 * _SHOWN else "…"
