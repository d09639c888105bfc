"""What makes a listing sound."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gosellr.utils.catalogue import (
    AttributeRule,
    OptionAxis,
    attribute_flaws,
    axes_of,
    is_gtin,
    matrix_flaws,
    one_line,
    option_key,
)
from tests.factories.catalogue import variant_draft


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        ("4006381333931", True),
        ("96385074", True),
        ("036000291452", True),
        ("10036000291459", True),
        ("4006381333930", False),
        ("400638133393", False),
        ("", False),
        ("400638133393X", False),
        ("٤٠٠٦٣٨١٣٣٣٩٣١", False),
    ],
)
def test_a_gtin_has_a_true_check_digit(code: str, expected: bool) -> None:
    assert is_gtin(code) is expected


@given(st.integers(0, 10**12 - 1), st.integers(0, 11))
def test_one_wrong_digit_is_always_noticed(number: int, place: int) -> None:
    body = f"{number:012d}"
    code = next(body + str(digit) for digit in range(10) if is_gtin(body + str(digit)))
    wrong = code[:place] + str((int(code[place]) + 1) % 10) + code[place + 1 :]
    assert not is_gtin(wrong)


def test_a_choice_has_one_spelling() -> None:
    one = option_key({"Size": "S", "Colour": "Red"})
    assert one == option_key({"colour": "red", "SIZE": "s"})
    assert one != option_key({"Size": "Red", "Colour": "S"})
    assert option_key({}) == ""


def test_variants_span_the_axes_in_order() -> None:
    variants = [
        variant_draft(options={"Size": "S", "Colour": "Red"}),
        variant_draft(options={"Size": "M", "Colour": "Red"}),
    ]
    assert axes_of(variants) == (OptionAxis("Size", ("S", "M")), OptionAxis("Colour", ("Red",)))


def test_axes_are_not_doubled() -> None:
    flaws = matrix_flaws(
        [OptionAxis("Size", ("S", "s")), OptionAxis("size", ("M",)), OptionAxis("Fit", ("A",))],
        [],
    )
    assert [flaw.field for flaw in flaws] == ["options.0", "options.1"]


@pytest.mark.parametrize(
    ("kind", "good", "bad"),
    [
        ("text", ["oak"], ["", "  ", 3, True]),
        ("number", [3, -1.5, 0], ["3", True]),
        ("boolean", [True, False], [1, 0, "true"]),
        ("enum", ["a"], ["A", "c", True]),
    ],
)
def test_attributes_have_their_type(kind: str, good: list, bad: list) -> None:
    rules = [AttributeRule(key="k", label="K", type=kind, options=("a", "b"))]
    for value in good:
        assert attribute_flaws(rules, {"k": value}) == []
    for value in bad:
        [flaw] = attribute_flaws(rules, {"k": value})
        assert (flaw.field, flaw.code) == ("attributes.k", "attribute_type")
    assert attribute_flaws(rules, {"k": None}) == []


def test_one_line_is_clean_and_keeps_what_carries_meaning() -> None:
    assert one_line(" a\tb\n\x00c\u202ed\u00ad ") == "a b cd"
    assert one_line("می\u200cخواهم") == "می\u200cخواهم"
    assert one_line("e\u0301") == "é"
