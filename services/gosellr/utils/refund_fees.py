"""What of a payment provider's fee a seller bears when what it was taken for goes back.

A fee is a payment's as a whole. Of it each refund bears the part that its amount is of what was
captured, rounded over all refunds of the payment together: in any partition they come to exactly
the whole, and never to more.
"""

from collections.abc import Iterable

from gosellr.utils.lazy_dataclasses import dataclass
from gosellr.utils.money import share


@dataclass(frozen=True, slots=True, kw_only=True)
class FeeTaken:
    """What one refund gave back of a payment, and took of its provider's fee, in minor units."""

    amount_minor: int
    fee_minor: int


def fee_share(
    amount_minor: int, *, captured_minor: int, fee_minor: int, before: Iterable[FeeTaken] = ()
) -> FeeTaken:
    """What an amount that goes back of a payment bears of its fee.

    `before` are the refunds of this payment that stand and bore their share. Raises ValueError for
    more than was captured, and for an amount or a fee below zero.
    """
    borne = list(before)
    back_minor = amount_minor + sum(one.amount_minor for one in borne)
    if amount_minor < 0 or back_minor > captured_minor:
        raise ValueError(f"{back_minor} of {captured_minor} can't have gone back")
    due_minor = share(fee_minor, back_minor, captured_minor) if back_minor else 0
    taken_minor = sum(one.fee_minor for one in borne)
    return FeeTaken(amount_minor=amount_minor, fee_minor=max(0, due_minor - taken_minor))
