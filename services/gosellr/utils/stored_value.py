"""Gift cards and store credit: their codes, and how a total is divided over what pays it."""

from collections.abc import Sequence
from typing import Final

from gosellr.utils.lazy_dataclasses import dataclass

GIFT_CARD: Final = "gift_card"
STORE_CREDIT: Final = "store_credit"
STORED_METHODS: Final = frozenset({GIFT_CARD, STORE_CREDIT})
"""Ways to pay that need no gateway: the value is in our own books."""

CODE_ALPHABET: Final = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
"""Crockford's 32 symbols: what people mistake for another isn't among them."""
CODE_LENGTH: Final = 16
NO_CODE_YET: Final = "...."
"""In place of the last four of a code that nobody has asked for yet."""
_GROUP = 4
_MISREAD = str.maketrans({"O": "0", "I": "1", "L": "1", "-": None, " ": None})


class TenderMismatch(ValueError):
    """The parts don't sum to the total."""


class NotEnoughValue(ValueError):
    """A part of stored value holds less than it is to pay; `index` says which."""

    def __init__(self, index: int) -> None:
        super().__init__(f"part {index} doesn't hold enough")
        self.index = index


@dataclass(frozen=True, slots=True, kw_only=True)
class PartWish:
    """What one part is to pay, in minor units; without an amount, all that is left.

    `available_minor` is what stored value holds, None for a gateway, which says so itself.
    """

    amount_minor: int | None
    available_minor: int | None = None


def normal_code(typed: str) -> str | None:
    """A code as it was made, from the way somebody typed it; None where it can't be one."""
    code = typed.upper().translate(_MISREAD)
    return code if len(code) == CODE_LENGTH and set(code) <= set(CODE_ALPHABET) else None


def readable_code(code: str) -> str:
    """The code in groups of four, as it is shown."""
    return "-".join(code[start : start + _GROUP] for start in range(0, len(code), _GROUP))


def divide_total(total_minor: int, wishes: Sequence[PartWish]) -> list[int]:
    """How much each part pays, in the order of the wishes; 0 where nothing was left for it.

    Stored value without an amount gives what it holds, at most what is left, each in its turn;
    a gateway without an amount takes the rest. The answer sums to the total.

    Raises:
        TenderMismatch: the amounts named don't come to the total.
        NotEnoughValue: stored value is to pay more than it holds, or holds nothing.
    """
    left_minor = total_minor - sum(wish.amount_minor or 0 for wish in wishes)
    open_ended = [index for index, wish in enumerate(wishes) if wish.amount_minor is None]
    at_gateways = [index for index in open_ended if wishes[index].available_minor is None]
    if left_minor < 0 or len(at_gateways) > 1 or bool(open_ended) is not (left_minor > 0):
        raise TenderMismatch
    given = [wish.amount_minor or 0 for wish in wishes]
    for index, wish in enumerate(wishes):
        available_minor = wish.available_minor
        if available_minor is None:
            continue
        if wish.amount_minor is None and left_minor:
            given[index] = min(available_minor, left_minor)
            left_minor -= given[index]
            if not given[index]:
                raise NotEnoughValue(index)
        if given[index] > available_minor:
            raise NotEnoughValue(index)
    if not left_minor:
        return given
    if not at_gateways:
        raise NotEnoughValue(open_ended[-1])
    given[at_gateways[0]] = left_minor
    return given
