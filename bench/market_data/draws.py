"""Numbers that look random and are the same in every run: drawn by name and place, not in turn.

Any one of a million rows can be told without making those before it.
"""

from bisect import bisect_left
from collections.abc import Sequence
from enum import IntEnum
from itertools import accumulate

_64 = (1 << 64) - 1
_LOW_62 = (1 << 62) - 1
# The steps and multipliers of splitmix64, whose output passes the usual tests of randomness.
_STEP = 0x9E3779B97F4A7C15


class Noun(IntEnum):
    """What a number is drawn for: two nouns never share one."""

    SELLER = 1
    OWNER = 2
    LOCATION = 3
    CATEGORY = 4
    RULE = 5
    PRODUCT = 6
    ITEM = 7
    VARIANT = 8
    TERMS = 9
    LOOKS = 10
    FIGURES = 11
    BUYER = 12
    BASKET = 13
    ORDER = 14
    PART = 15
    LINE = 16
    PAYMENT = 17
    HOLD = 18
    BOOKING = 19
    FACT = 20
    WORDS = 21
    PURCHASE = 22


def mixed(number: int) -> int:
    """64 bits in which every bit of the number counts."""
    number = ((number ^ (number >> 30)) * 0xBF58476D1CE4E5B9) & _64
    number = ((number ^ (number >> 27)) * 0x94D049BB133111EB) & _64
    return number ^ (number >> 31)


class Draws:
    """The numbers of one seed."""

    def __init__(self, seed: int) -> None:
        self._starts = [mixed((seed * _STEP + mixed(noun + 1)) & _64) for noun in range(64)]

    def bits(self, noun: Noun, place: int) -> int:
        """64 bits for the thing at a place."""
        return mixed((self._starts[noun] + place * _STEP) & _64)

    def id_number(self, noun: Noun, place: int, *, unix_ms: int) -> int:
        """The identifier (UUID version 7) of the thing at a place, as a number.

        Things of one noun and millisecond are told apart by 62 bits.
        """
        drawn = mixed((self._starts[noun] + place * _STEP) & _64)
        return (unix_ms << 80) | (0x7 << 76) | ((drawn >> 52) << 64) | (2 << 62) | (drawn & _LOW_62)


def id_text(number: int) -> str:
    """An identifier as everybody writes it."""
    digits = f"{number:032x}"
    return f"{digits[:8]}-{digits[8:12]}-{digits[12:16]}-{digits[16:20]}-{digits[20:]}"


def weighted(count: int, *, size: int, flatness: float, exponent: float = 1.0) -> tuple[int, ...]:
    """A table of `size` places (a power of two) to choose one of `count` things by a few bits.

    The thing of rank r comes up in proportion to 1 / (r + flatness) ** exponent, as words and
    brands do.
    """
    sums = zipf_sums(count, flatness=flatness, exponent=exponent)
    total = sums[-1]
    return tuple(
        min(bisect_left(sums, (place + 0.5) / size * total), count - 1) for place in range(size)
    )


def zipf_sums(count: int, *, flatness: float, exponent: float = 1.0) -> Sequence[float]:
    """Cumulated weights, for `random.choices`."""
    return list(accumulate(1 / (rank + 1 + flatness) ** exponent for rank in range(count)))
