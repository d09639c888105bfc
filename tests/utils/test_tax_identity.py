"""Who a seller is to the tax authorities: what is asked of whom, and what is wrong with it."""

from dataclasses import replace
from datetime import date
from typing import Any

import pytest

from gosellr.utils.tax_identity import (
    PrimaryAddress,
    TaxIdentity,
    TaxNumber,
    TaxpayerKind,
    changed_fields,
    document_of,
    identity_of,
    masked,
    normal,
    problems_of,
)
from gosellr.utils.vat_numbers import InvalidVatNumber, parse_vat_number

COUNTRIES = frozenset({"DE", "FR", "BE", "US"})
TODAY = date(2026, 3, 2)
HOME = PrimaryAddress(line1="Lindenallee 4", city="Berlin", postal_code="10115", country="DE")
COMPANY = TaxIdentity(
    kind=TaxpayerKind.ENTITY,
    legal_name="Lampo GmbH",
    address=HOME,
    tax_numbers=(TaxNumber(number="30/123/45678", country="DE"),),
    vat_number="DE123456789",
    registration_number="HRB 12345",
    establishments=("FR",),
)
PERSON = TaxIdentity(
    kind=TaxpayerKind.INDIVIDUAL,
    first_name="Ada",
    last_name="Lampo",
    address=HOME,
    tax_numbers=(TaxNumber(number="12 345 678 901", country="DE"),),
    birth_date=date(1984, 5, 17),
)


def wrong(identity: TaxIdentity) -> list[tuple[str, str]]:
    """What is wrong with it, by field."""
    found = problems_of(normal(identity), countries=COUNTRIES, today=TODAY)
    return [(field, code) for field, code, _ in found]


def test_a_company_and_a_person_can_be_reported() -> None:
    assert wrong(COMPANY) == []
    assert wrong(PERSON) == []
    # Whom nobody gave a number says so, a person with the place of birth in its stead.
    without: dict[str, Any] = {"tax_numbers": (), "no_tax_number": True}
    assert (
        wrong(replace(COMPANY, **without, registration_number="", no_registration_number=True))
        == []
    )
    born = replace(PERSON, **without, birth_city="Namur", birth_country="BE")
    assert wrong(born) == []
    assert born.birth_place == "Namur, BE"
    assert (COMPANY.name, PERSON.name) == ("Lampo GmbH", "Ada Lampo")


def test_all_that_is_missing_is_named_at_once() -> None:
    nowhere = PrimaryAddress(line1="", city="", country="")
    assert wrong(TaxIdentity(kind=TaxpayerKind.ENTITY, address=nowhere)) == [
        ("address.line1", "missing"),
        ("address.city", "missing"),
        ("address.country", "country_unknown"),
        ("tax_numbers", "missing"),
        ("legal_name", "missing"),
        ("registration_number", "missing"),
    ]
    assert wrong(TaxIdentity(kind=TaxpayerKind.INDIVIDUAL, address=HOME)) == [
        ("tax_numbers", "missing"),
        ("first_name", "missing"),
        ("last_name", "missing"),
        ("birth_date", "missing"),
        ("birth_city", "missing"),
        ("birth_country", "country_unknown"),
    ]


@pytest.mark.parametrize(
    ("base", "changes", "field", "code"),
    [
        (COMPANY, {"vat_number": "DE12345678"}, "vat_number", "number_wrong"),
        (COMPANY, {"establishments": ("FR", "US")}, "establishments", "country_unknown"),
        (COMPANY, {"birth_date": date(1984, 5, 17)}, "birth_date", "not_of_a_company"),
        (COMPANY, {"first_name": "Ada"}, "first_name", "not_of_a_company"),
        (COMPANY, {"no_tax_number": True}, "no_tax_number", "contradicts_itself"),
        (
            COMPANY,
            {"no_registration_number": True},
            "no_registration_number",
            "contradicts_itself",
        ),
        (PERSON, {"birth_date": date(2026, 3, 2)}, "birth_date", "date_wrong"),
        (PERSON, {"birth_date": date(2030, 1, 1)}, "birth_date", "date_wrong"),
        (PERSON, {"birth_date": date(1884, 5, 17)}, "birth_date", "date_wrong"),
        (PERSON, {"legal_name": "Lampo"}, "legal_name", "not_of_a_person"),
        (PERSON, {"birth_city": "Namur"}, "birth_country", "country_unknown"),
        (
            PERSON,
            {"tax_numbers": (TaxNumber(number="?", country="DE"),)},
            "tax_numbers.0.number",
            "number_wrong",
        ),
        (
            PERSON,
            {"tax_numbers": (PERSON.tax_numbers[0], TaxNumber(number="123456", country="XX"))},
            "tax_numbers.1.country",
            "country_unknown",
        ),
        (
            PERSON,
            {"tax_numbers": (PERSON.tax_numbers[0], TaxNumber(number="123456", country="DE"))},
            "tax_numbers.1.country",
            "country_twice",
        ),
    ],
)
def test_what_contradicts_itself_is_told_at_its_field(
    base: TaxIdentity, changes: dict[str, Any], field: str, code: str
) -> None:
    assert wrong(replace(base, **changes)) == [(field, code)]


@pytest.mark.parametrize("identity", [COMPANY, PERSON])
def test_it_comes_back_from_its_document_as_it_was(identity: TaxIdentity) -> None:
    assert identity_of(document_of(identity)) == identity


def test_neither_its_name_in_a_log_nor_its_change_tells_a_value() -> None:
    assert repr(PERSON) == "TaxIdentity(kind='individual')"
    assert changed_fields(COMPANY, COMPANY) == []
    assert changed_fields(COMPANY, replace(COMPANY, legal_name="Lampo SE")) == ["legal_name"]
    assert changed_fields(None, PERSON) == [
        "kind", "first_name", "last_name", "address", "tax_numbers", "birth_date",
    ]  # fmt: skip


def test_a_number_is_shown_by_its_end() -> None:
    assert masked("30/123/45678") == "…678"
    assert (masked("123456"), masked("")) == ("…", "")


@pytest.mark.parametrize(
    ("typed", "kept"),
    [
        ("de 123.456-789", "DE123456789"),
        ("GR123456789", "EL123456789"),
        ("ATU12345678", "ATU12345678"),
        ("NL123456789B01", "NL123456789B01"),
        ("CHE-123.456.789 MWST", "CHE123456789MWST"),
        # No shape of Japan's is known here.
        ("JP1234567890123", "JP1234567890123"),
    ],
)
def test_a_vat_number_is_kept_without_separators(typed: str, kept: str) -> None:
    assert parse_vat_number(typed) == kept


@pytest.mark.parametrize("typed", ["", "123456789", "DE12345678", "AT12345678", "FRAB", "D€1234"])
def test_a_vat_number_of_no_shape_is_refused(typed: str) -> None:
    with pytest.raises(InvalidVatNumber):
        parse_vat_number(typed)
