"""What a seller wants on its papers: in its normal form, and what is wrong with it by field."""

import pytest

from gosellr.utils.letterhead import (
    Letterhead,
    changed_fields,
    is_vat_number,
    normal,
    problems_of,
)
from gosellr.utils.vat_numbers import begins_as_vat_number

PLAIN = Letterhead(line1="Lindenallee 4", postal_code="10115", city="Berlin")


def wrong(**changes: str) -> dict[str, str]:
    whole = {"line1": "Lindenallee 4", "city": "Berlin", **changes}
    return {field: code for field, code, _ in problems_of(normal(Letterhead(**whole)))}


def test_an_address_is_written_line_by_line() -> None:
    assert PLAIN.address_lines() == ["Lindenallee 4", "10115 Berlin"]
    whole = Letterhead(line1="1 Quay", line2="Floor 2", city="Cork", region="Munster")
    assert whole.address_lines() == ["1 Quay", "Floor 2", "Cork", "Munster"]


@pytest.mark.parametrize(
    ("typed", "kept", "is_vat"),
    [
        (" de 123.456.789 ", "DE123456789", True),
        ("ATU 1234 5678", "ATU12345678", True),
        ("GR123456789", "EL123456789", True),
        ("ES-X1234567A", "ESX1234567A", True),
        ("FR 1A 123456789", "FR1A123456789", True),
        ("CHE-123.456.789 MWST", "CHE123456789MWST", True),
        # What isn't a VAT number stays as it was given.
        ("30/123/45678", "30/123/45678", False),
        ("12-3456789", "12-3456789", False),
        ("1234567fa", "1234567FA", False),
        # It begins with the letters of Sweden, and with Slovenia's.
        ("SEMRGR80A01H501U", "SEMRGR80A01H501U", False),
        ("SIREN 123 456 789", "SIREN 123 456 789", False),
        ("", "", False),
    ],
)
def test_a_tax_number_has_one_form(typed: str, kept: str, is_vat: bool) -> None:
    found = normal(Letterhead(line1="Lane 1", city="Berlin", tax_id=typed))
    assert (found.tax_id, is_vat_number(found.tax_id)) == (kept, is_vat)
    assert list(problems_of(found)) == []


@pytest.mark.parametrize(
    "typed", ["DE12", "DE1234567890", "ATU1234", "HRB 12", "GR12", "x", "?", "none"]
)
def test_a_tax_number_of_no_shape_is_refused(typed: str) -> None:
    assert wrong(tax_id=typed) == {"tax_id": "number_wrong"}


def test_what_is_wrong_is_told_by_field() -> None:
    assert wrong(line1="  ", city="") == {"address.line1": "missing", "address.city": "missing"}
    assert wrong(registration_number="none") == {"registration_number": "number_wrong"}
    assert wrong(registration_number="HRB 12345, Amtsgericht München") == {}
    assert wrong(region="x" * 61, line2="x" * 201) == {
        "address.region": "too_long", "address.line2": "too_long",
    }  # fmt: skip
    assert wrong(registration_number="1" * 81) == {"registration_number": "too_long"}


def test_a_change_names_fields_and_no_values() -> None:
    assert changed_fields(None, PLAIN) == ["line1", "postal_code", "city"]
    other = Letterhead(line1="Lindenallee 4", postal_code="10117", city="Berlin", tax_id="1/23")
    assert changed_fields(PLAIN, other) == ["postal_code", "tax_id"]
    assert changed_fields(PLAIN, PLAIN) == []


def test_words_before_a_number_are_no_country() -> None:
    found = [begins_as_vat_number(text) for text in ("DE 1", "nl 00", "XX1", "Denmark 1", "1DE")]
    assert found == [True, True, False, False, False]
