"""Numbers of cards and accounts never leave whole, and nothing else is changed."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gosellr.utils.card_numbers import holds_card_number
from gosellr.utils.discretion import discreet


@pytest.mark.parametrize(
    ("written", "told"),
    [
        ("card 4242 4242 4242 4242 was lost", "card …4242 was lost"),
        ("5555-5555-5555-4444", "…4444"),
        ("378282246310005.", "…0005."),
        ("account DE89370400440532013000 closed", "account …3000 closed"),
        ("DE89 3704 0044 0532 0130 00 CLOSED", "…3000 CLOSED"),
        ("to de89370400440532013000, or GB82 WEST 1234 5698 7654 32", "to …3000, or …5432"),
        # Neither: the check digits don't fit, or it is something else.
        ("4242 4242 4242 4241", "4242 4242 4242 4241"),
        ("DE88370400440532013000", "DE88370400440532013000"),
        ("order GS-10001, 2 × Lamp at 12.50", "order GS-10001, 2 × Lamp at 12.50"),
        ("RF18539007547034", "RF18539007547034"),
        ("", ""),
    ],
)
def test_only_the_end_of_a_number_is_told(written: str, told: str) -> None:
    assert discreet(written) == told
    assert discreet(told) == told


@given(st.text(alphabet="0123456789 -DE.", max_size=60))
def test_nothing_that_looks_like_a_card_is_left(written: str) -> None:
    assert not holds_card_number(discreet(written))
