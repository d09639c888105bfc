"""What was typed, as words to look for."""

import pytest

from gosellr.utils.search_words import compounds


@pytest.mark.parametrize(
    ("typed", "found"),
    [
        ("lamp", {}),
        ("smart watch", {"smartwatch": "smartwatch"}),
        (
            "new smart watch",
            {"newsmart": "newsmart watch", "smartwatch": "new smartwatch"},
        ),
        ("usb 3 hub", {}),
        ("a b c d e f", {"ab": "ab c d e f", "bc": "a bc d e f", "cd": "a b cd e f",
                         "de": "a b c de f"}),
        ("smart or watch", {}),
        ('"smart watch"', {}),
        ("smart -watch", {}),
    ],
)  # fmt: skip
def test_two_words_written_as_one(typed: str, found: dict[str, str]) -> None:
    assert compounds(typed) == found
