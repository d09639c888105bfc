"""Cash beside gift cards and store credit, over the goods of several sellers.

Each seller collects by itself, and a part may be refused at the door while another is paid. So what
stored value pays is divided as well: each part's cash and value make up what it costs.
"""

from collections.abc import Sequence

from gosellr.utils.lazy_dataclasses import dataclass
from gosellr.utils.money import split


class NothingToCollect(ValueError):
    """A part would be collected for without any cash."""


@dataclass(frozen=True, slots=True)
class ValueShare:
    """What one way to pay with stored value gives to one part, both by their places."""

    tender: int
    part: int
    amount_minor: int


@dataclass(frozen=True, slots=True, kw_only=True)
class CashParts:
    """The cash of each part, and what stored value pays of it."""

    cash_minor: tuple[int, ...]
    value: tuple[ValueShare, ...]


def over_parts(
    *, parts_minor: Sequence[int], cash_minor: int, stored_minor: Sequence[int]
) -> CashParts:
    """Divide cash over parts in the proportion of what they cost; stored value, in its order, pays
    the rest of each, the first part first.

    Raises:
        NothingToCollect: a part is left without cash.
        ValueError: the amounts don't sum to what the parts cost.
    """
    if cash_minor + sum(stored_minor) != sum(parts_minor):
        raise ValueError("cash and stored value have to come to what the parts cost")
    cash = split(cash_minor, list(parts_minor))
    if not all(cash):
        raise NothingToCollect("a part would be collected for without cash")
    open_minor = [part - own for part, own in zip(parts_minor, cash, strict=True)]
    shares: list[ValueShare] = []
    for tender, given_minor in enumerate(stored_minor):
        left_minor = given_minor
        for part, missing_minor in enumerate(open_minor):
            taken_minor = min(left_minor, missing_minor)
            if taken_minor:
                shares.append(ValueShare(tender, part, taken_minor))
                open_minor[part] -= taken_minor
                left_minor -= taken_minor
    return CashParts(cash_minor=tuple(cash), value=tuple(shares))
