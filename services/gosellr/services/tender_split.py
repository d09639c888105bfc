"""A total divided over the ways in which it is paid."""

from collections.abc import Sequence
from datetime import datetime

from gosellr.core.db import Connection
from gosellr.core.errors import InvalidInput
from gosellr.services import stored_value_tender
from gosellr.services.basket_service import Tender
from gosellr.utils.viewer import Viewer


async def amounts_of(
    connection: Connection,
    *,
    viewer: Viewer,
    tenders: Sequence[Tender],
    total_minor: int,
    currency: str,
    now: datetime,
) -> list[tuple[Tender, int]]:
    """How much each tender pays, and where its value comes from.

    Raises:
        InvalidInput: when the amounts don't sum to the total.
        GiftCardRefused, InsufficientBalance: as in `stored_value_tender.divide`.
    """
    if not stored_value_tender.is_stored(tenders):
        return split(tenders, total_minor=total_minor)
    return await stored_value_tender.divide(
        connection,
        viewer=viewer,
        tenders=tenders,
        total_minor=total_minor,
        currency=currency,
        now=now,
    )


def split(tenders: Sequence[Tender], *, total_minor: int) -> list[tuple[Tender, int]]:
    """How much each tender pays. Nothing is left to pay when the total is zero.

    Raises:
        InvalidInput: when the amounts don't sum to the total.
    """
    if total_minor == 0:
        return []
    named = sum(tender.amount_minor or 0 for tender in tenders)
    open_ended = [tender for tender in tenders if tender.amount_minor is None]
    left = total_minor - named
    if len(open_ended) > 1 or (not open_ended and left) or (open_ended and left <= 0):
        raise InvalidInput.at(
            "payment_method", "amounts_dont_sum", "The amounts have to sum to the total"
        )
    return [
        (tender, left if tender.amount_minor is None else tender.amount_minor) for tender in tenders
    ]
