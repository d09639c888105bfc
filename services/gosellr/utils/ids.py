"""Identifiers: time-ordered ids for machines, short numbers for people."""

import re
from datetime import UTC, datetime, timedelta
from uuid import UUID

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_UNIX_MS_LIMIT = 1 << 48
_RANDOM_LIMIT = 1 << 74
_RANDOM_LOW_BITS = 62

# Five digits from the first order on: nobody has to know how young a marketplace is.
_ORDER_OFFSET = 10_000
_ORDER_NUMBER = re.compile(r"GS-([1-9][0-9]{4,17})")
_SELLER_ORDER_NUMBER = re.compile(r"(GS-[1-9][0-9]{4,17})-([1-9][0-9]{0,5})")


class InvalidNumber(ValueError):
    """A text is not an order number."""


def uuid7(*, unix_ms: int, random_bits: int) -> UUID:
    """Build a version 7 UUID from a time in milliseconds and 74 random bits (RFC 9562, 5.7).

    Time and randomness come from the caller. Ids of a later millisecond always sort later.
    Raises ValueError when either doesn't fit its field.
    """
    if not 0 <= unix_ms < _UNIX_MS_LIMIT:
        raise ValueError("unix_ms needs 0 ≤ unix_ms < 2^48")
    if not 0 <= random_bits < _RANDOM_LIMIT:
        raise ValueError("random_bits needs 0 ≤ random_bits < 2^74")
    high, low = divmod(random_bits, 1 << _RANDOM_LOW_BITS)
    return UUID(int=unix_ms << 80 | 0x7 << 76 | high << 64 | 0b10 << 62 | low)


def first_id_since(moment: datetime) -> UUID:
    """What every id of that moment or later sorts after; a moment needs its zone."""
    unix_ms = (moment - _EPOCH) // timedelta(milliseconds=1)
    return UUID(int=max(0, unix_ms) << 80)


def following_random_bits(*, unix_ms: int, random_bits: int, step: int) -> tuple[int, int]:
    """Return the time and the random part of an id that sorts after the one given.

    The random part grows by the step (RFC 9562, 6.2, method 2); where it is used up, the time
    moves on by a millisecond. Raises ValueError for a step below 1.
    """
    if step < 1:
        raise ValueError("a step below 1 doesn't go forward")
    following = random_bits + step
    if following < _RANDOM_LIMIT:
        return unix_ms, following
    return unix_ms + 1, following - _RANDOM_LIMIT


def uuid7_unix_ms(identifier: UUID) -> int:
    """Return the time in a version 7 UUID, in milliseconds. Raises ValueError for others."""
    if identifier.version != 7:
        raise ValueError("only a version 7 UUID carries a Unix time")
    return identifier.int >> 80


def order_number(sequence: int) -> str:
    """Return the human number of the n-th order, n from a database sequence: 482 → GS-10482."""
    if sequence < 1:
        raise ValueError("a sequence starts at 1")
    return f"GS-{_ORDER_OFFSET + sequence}"


def parse_order_number(text: str) -> int:
    """Return the sequence behind an order number, however people typed its case and margins.

    Raises InvalidNumber.
    """
    match = _ORDER_NUMBER.fullmatch(text.strip().upper())
    sequence = int(match[1]) - _ORDER_OFFSET if match else 0
    if sequence < 1:
        raise InvalidNumber("an order number looks like GS-10482")
    return sequence


def seller_order_number(order_number: str, index: int) -> str:
    """Return the number of the index-th seller order (from 1): GS-10482 → GS-10482-1.

    Raises InvalidNumber for a text that is no order number, ValueError for the index.
    """
    if not 1 <= index <= 999_999:
        raise ValueError("seller orders are counted from 1 to 999999")
    parse_order_number(order_number)
    return f"{order_number.strip().upper()}-{index}"


def parse_seller_order_number(text: str) -> tuple[str, int]:
    """Return the order number and the index in a seller order number. Raises InvalidNumber."""
    match = _SELLER_ORDER_NUMBER.fullmatch(text.strip().upper())
    if not match:
        raise InvalidNumber("a seller order number looks like GS-10482-1")
    parse_order_number(match[1])
    return match[1], int(match[2])
