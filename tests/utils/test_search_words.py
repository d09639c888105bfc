"""What was typed, as words to look for."""

import pytest

from gosellr.utils.search_words import ways_to_write


@pytest.mark.parametrize(
    ("typed", "others"),
    [
        ("lamp", []),
        ("smart watch", ["smartwatch"]),
        ("new smart watch", ["newsmart watch", "new smartwatch"]),
        ("usb 3 hub", []),
        ("a b c d e f", ["ab c d e f", "a bc d e f", "a b cd e f", "a b c de f"]),
        ("smart or watch", []),
        ('"smart watch"', []),
        ("smart -watch", []),
    ],
)
def test_two_words_written_as_one(typed: str, others: list[str]) -> None:
    assert ways_to_write(typed) == [typed, *others]
