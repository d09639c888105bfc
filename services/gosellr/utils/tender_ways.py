"""Back through which of the payments of an order a refund goes: in one order, or as it was said.

Amounts are whole minor units; what is left of each payment caps what goes back through it.
"""

from collections.abc import Sequence

from gosellr.utils.lazy_dataclasses import dataclass
from gosellr.utils.money import MAX_AMOUNT_MINOR
from gosellr.utils.refunds import InvalidRefund, RefundExceedsAmount


@dataclass(frozen=True, slots=True)
class NamedTender:
    """A payment that a refund is to go back through, by its place in order of payment: exactly
    this amount, or without one as much as is left of both."""

    index: int
    amount_minor: int | None = None


class TenderTooSmall(ValueError):
    """The tender at a `place` among the named gave less than is to go back through it."""

    def __init__(self, place: int, *, left_minor: int) -> None:
        super().__init__(f"{left_minor} left of the tender named at {place}")
        self.place, self.left_minor = place, left_minor


class TendersDontSum(ValueError):
    """What goes back through the named tenders, `named_minor`, isn't what goes back."""

    def __init__(self, named_minor: int) -> None:
        super().__init__(f"{named_minor} is named")
        self.named_minor = named_minor


def spread_over_tenders(
    amount_minor: int, refundable_minor: Sequence[int], *, first_paid_first: bool = False
) -> list[int]:
    """Give a refund back to the instruments that paid, the last to pay first, or the first.

    `refundable_minor` is what is left of each payment part in order of payment; the answer is in
    the same order. Raises `InvalidRefund`, `RefundExceedsAmount`.
    """
    if type(amount_minor) is not int or not 0 < amount_minor <= MAX_AMOUNT_MINOR:
        raise InvalidRefund(f"an amount is a whole number from 1, not {amount_minor!r}")
    if amount_minor > sum(refundable_minor):
        raise RefundExceedsAmount(f"{amount_minor} asked for, {sum(refundable_minor)} left")
    given = [0] * len(refundable_minor)
    places = range(len(refundable_minor))
    for index in places if first_paid_first else reversed(places):
        given[index] = min(amount_minor, refundable_minor[index])
        amount_minor -= given[index]
    return given


def spread_as_named(
    amount_minor: int, refundable_minor: Sequence[int], named: Sequence[NamedTender]
) -> list[int]:
    """Give a refund back to the instruments that are named, and to no other.

    Exact amounts are given first; what they leave goes to the others in the order in which those
    are named. The answer is in order of payment, and sums to the amount.

    Raises:
        InvalidRefund: a tender is named twice, or an amount isn't above zero.
        TenderTooSmall: less is left of one than is to go back through it.
        TendersDontSum: the named come to more, or to less, than what goes back.
    """
    if len({one.index for one in named}) != len(named):
        raise InvalidRefund("a tender is named twice")
    given = [0] * len(refundable_minor)
    for place, one in enumerate(named):
        if one.amount_minor is None:
            continue
        if type(one.amount_minor) is not int or one.amount_minor < 1:
            raise InvalidRefund(f"an amount is a whole number from 1, not {one.amount_minor!r}")
        if one.amount_minor > refundable_minor[one.index]:
            raise TenderTooSmall(place, left_minor=refundable_minor[one.index])
        given[one.index] = one.amount_minor
    left_minor = amount_minor - sum(given)
    if left_minor < 0:
        raise TendersDontSum(sum(given))
    for one in named:
        if one.amount_minor is None:
            given[one.index] = min(left_minor, refundable_minor[one.index])
            left_minor -= given[one.index]
    if left_minor:
        raise TendersDontSum(sum(given))
    return given
