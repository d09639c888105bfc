"""What a seller wants on its papers beside its name and country: where it is, its numbers.

It is for everybody who gets a paper, and has nothing to do with what a seller says of itself to the
tax authorities, which is for these alone.
"""

from collections.abc import Iterator, Sequence
from dataclasses import asdict
from typing import Final

from gosellr.utils.lazy_dataclasses import dataclass, replace
from gosellr.utils.tax_identity import Problem, is_number
from gosellr.utils.vat_numbers import InvalidVatNumber, begins_as_vat_number, parse_vat_number

ADDRESS_LENGTHS: Final = {"line1": 200, "line2": 200, "postal_code": 16, "city": 120, "region": 60}
TAX_ID_LENGTH: Final = 40
REGISTRATION_NUMBER_LENGTH: Final = 80


@dataclass(frozen=True, slots=True, kw_only=True)
class Letterhead:
    """Address and numbers, in the seller's own country. A text that isn't there is empty."""

    line1: str
    line2: str = ""
    postal_code: str = ""
    city: str
    region: str = ""
    tax_id: str = ""
    registration_number: str = ""
    email: str = ""

    def address_lines(self) -> list[str]:
        """The address as it is written, without the country."""
        return written(
            line1=self.line1,
            line2=self.line2,
            postal_code=self.postal_code,
            city=self.city,
            region=self.region,
        )


def written(*, line1: str, line2: str, postal_code: str, city: str, region: str) -> list[str]:
    """An address as it is written, line by line; what isn't there makes none."""
    town = f"{postal_code} {city}".strip()
    return [line for line in (line1, line2, town, region) if line]


def normal(letterhead: Letterhead) -> Letterhead:
    """The same trimmed, a VAT number without separators, another tax number in capitals."""
    trimmed = Letterhead(**{name: text.strip() for name, text in asdict(letterhead).items()})
    tax_id = trimmed.tax_id.upper()
    if is_vat_number(tax_id):
        tax_id = parse_vat_number(tax_id)
    return replace(trimmed, tax_id=tax_id)


def is_vat_number(tax_id: str) -> bool:
    """Whether a tax number is a VAT number of a country whose are known here."""
    try:
        return begins_as_vat_number(tax_id) and bool(parse_vat_number(tax_id))
    except InvalidVatNumber:
        return False


def problems_of(letterhead: Letterhead) -> Iterator[Problem]:
    """All that is wrong with it, field by field; nothing for one that can stand on papers.

    A tax number that begins as VAT numbers do has to be one. Any other is taken as it was given:
    small businesses have one that says nothing by its shape.
    """
    if not letterhead.line1:
        yield "address.line1", "missing", "Write the street and the number"
    if not letterhead.city:
        yield "address.city", "missing", "Write the town"
    for name, length_max in ADDRESS_LENGTHS.items():
        yield from _too_long(f"address.{name}", getattr(letterhead, name), length_max)
    number = letterhead.registration_number
    yield from _too_long("registration_number", number, REGISTRATION_NUMBER_LENGTH)
    if number and not _has_digit(number):
        yield "registration_number", "number_wrong", "Write the number as the register has it"
    yield from _of_tax_id(letterhead.tax_id)


def _of_tax_id(tax_id: str) -> Iterator[Problem]:
    if not tax_id:
        return
    if begins_as_vat_number(tax_id):
        try:
            parse_vat_number(tax_id)
        except InvalidVatNumber as error:
            yield "tax_id", "number_wrong", str(error)
    elif not is_number(tax_id) or not _has_digit(tax_id):
        yield "tax_id", "number_wrong", "Write the number as it was given to you"


def _has_digit(text: str) -> bool:
    return any(sign.isdigit() for sign in text)


def _too_long(field: str, text: str, length_max: int) -> Iterator[Problem]:
    if len(text) > length_max:
        yield field, "too_long", f"Write at most {length_max} letters"


def changed_fields(before: Letterhead | None, after: Letterhead) -> Sequence[str]:
    """The names of what is different, without any value."""
    old = {} if before is None else asdict(before)
    return [name for name, value in asdict(after).items() if value != old.get(name, "")]
