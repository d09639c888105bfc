"""Numbers of cards are found where people write them; other numbers aren't taken for such."""

import pytest

from gosellr.utils.card_numbers import holds_card_number

FOUND = [
    "4242424242424242",
    "4242 4242 4242 4242",
    "it is 4242-4242-4242-4242, thanks",
    "378282246310005",
    "3782 822463 10005",
    "5555555555554444",
    "2223003122003222",
    "6011111111111117",
    "3530111333300000",
    "6205500000000000004",
]


@pytest.mark.parametrize("text", FOUND)
def test_a_card_s_number_is_found(text: str) -> None:
    assert holds_card_number(text)


LEFT_ALONE = [
    "",
    "4242424242424241",  # Its check digit doesn't fit.
    "4006381333931",  # An article's number.
    "+49 1512 34567890",
    "0198f4d2-6c1e-7a30-9d55-0f7c3b1a2e44",
    "pi_4242424242424242",
    "42424242424242424242",
    "4242  4242  4242  4242",
    "1234567890123452",  # No network begins so.
    "1Z999AA10123456784",
    "DE89370400440532013000",
]


@pytest.mark.parametrize("text", LEFT_ALONE)
def test_other_numbers_are_left_alone(text: str) -> None:
    assert not holds_card_number(text)
