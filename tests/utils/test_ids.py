from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gosellr.utils.ids import (
    InvalidNumber,
    following_random_bits,
    order_number,
    parse_order_number,
    parse_seller_order_number,
    seller_order_number,
    uuid7,
    uuid7_unix_ms,
)

times = st.integers(0, 2**48 - 1)
bits = st.integers(0, 2**74 - 1)


def test_uuid7_is_the_example_of_rfc_9562() -> None:
    identifier = uuid7(unix_ms=0x017F22E279B0, random_bits=0xCC3 << 62 | 0x18C4DC0C0C07398F)
    assert identifier == UUID("017f22e2-79b0-7cc3-98c4-dc0c0c07398f")


@given(time=times, random_bits=bits)
def test_uuid7_carries_version_variant_and_time(time: int, random_bits: int) -> None:
    identifier = uuid7(unix_ms=time, random_bits=random_bits)
    assert identifier.version == 7
    assert identifier.variant == "specified in RFC 4122"
    assert uuid7_unix_ms(identifier) == time
    # No random bit is lost: taking the fixed fields away gives all of them back.
    high, low = identifier.int >> 64 & 0xFFF, identifier.int & (1 << 62) - 1
    assert high << 62 | low == random_bits


@given(first=st.tuples(times, bits), second=st.tuples(times, bits))
def test_uuid7_sorts_by_time(first: tuple[int, int], second: tuple[int, int]) -> None:
    ids = [uuid7(unix_ms=time, random_bits=extra) for time, extra in (first, second)]
    assert (ids[0] < ids[1]) == (first < second)


@given(time=st.integers(0, 2**48 - 2), extra=bits, step=st.integers(1, 2**33))
def test_the_following_id_sorts_after(time: int, extra: int, step: int) -> None:
    later, following = following_random_bits(unix_ms=time, random_bits=extra, step=step)
    assert uuid7(unix_ms=later, random_bits=following) > uuid7(unix_ms=time, random_bits=extra)


def test_a_used_up_millisecond_moves_on() -> None:
    assert following_random_bits(unix_ms=7, random_bits=2**74 - 1, step=5) == (8, 4)
    with pytest.raises(ValueError, match="forward"):
        following_random_bits(unix_ms=7, random_bits=0, step=0)


@pytest.mark.parametrize(("time", "extra"), [(-1, 0), (2**48, 0), (0, -1), (0, 2**74)])
def test_uuid7_refuses_what_does_not_fit(time: int, extra: int) -> None:
    with pytest.raises(ValueError, match="needs 0"):
        uuid7(unix_ms=time, random_bits=extra)


def test_time_is_only_in_version_7() -> None:
    with pytest.raises(ValueError, match="version 7"):
        uuid7_unix_ms(UUID("00000000-0000-4000-8000-000000000000"))


def test_order_numbers() -> None:
    assert order_number(482) == "GS-10482"
    assert order_number(1) == "GS-10001"
    assert seller_order_number("GS-10482", 1) == "GS-10482-1"
    assert parse_order_number(" gs-10482 ") == 482
    assert parse_seller_order_number("gs-10482-12") == ("GS-10482", 12)


@given(sequence=st.integers(1, 10**12), index=st.integers(1, 999_999))
def test_order_numbers_come_back(sequence: int, index: int) -> None:
    number = order_number(sequence)
    assert parse_order_number(number) == sequence
    assert parse_seller_order_number(seller_order_number(number, index)) == (number, index)


@pytest.mark.parametrize(
    "text", ["", "10482", "GS-", "GS-10000", "GS-00482", "GS-1048２", "GS-10482-1", "GS--10482"]
)
def test_other_texts_are_no_order_number(text: str) -> None:
    with pytest.raises(InvalidNumber):
        parse_order_number(text)


@pytest.mark.parametrize("text", ["GS-10482", "GS-10482-0", "GS-10482-01", "GS-10000-1", "X-1-1"])
def test_other_texts_are_no_seller_order_number(text: str) -> None:
    with pytest.raises(InvalidNumber):
        parse_seller_order_number(text)


def test_counting_starts_at_one() -> None:
    with pytest.raises(ValueError, match="starts at 1"):
        order_number(0)
    with pytest.raises(ValueError, match="counted from 1"):
        seller_order_number("GS-10482", 0)
    with pytest.raises(InvalidNumber):
        seller_order_number("10482", 1)
