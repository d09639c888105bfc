"""A total divided over the ways in which it is paid."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from gosellr.core.db import Connection
from gosellr.core.errors import InvalidInput
from gosellr.queries import captures
from gosellr.services import stored_value_tender
from gosellr.services.basket_service import Tender
from gosellr.utils.captures import CaptureMoment
from gosellr.utils.offline import PAID_BY_HAND
from gosellr.utils.policy import MarketPolicy
from gosellr.utils.stored_value import STORED_METHODS
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


async def freeze(
    connection: Connection,
    *,
    order_id: UUID,
    amounts: Sequence[tuple[Tender, int]],
    policy: MarketPolicy,
) -> bool:
    """Write on a new order when its money is taken; whether that is as its goods leave."""
    methods = [tender.method for tender, _ in amounts if tender.method not in STORED_METHODS]
    waits = (
        policy.capture is CaptureMoment.AT_SHIPMENT
        and len(methods) == 1
        # What people pay by hand is never set aside.
        and methods[0] not in PAID_BY_HAND
    )
    if waits:
        await captures.freeze(connection, order_id=order_id)
    return waits


def require_setting_aside(amounts: Sequence[tuple[Tender, int]]) -> None:
    """Let one gateway at most, which can set money aside, stand for an order whose money is taken
    as its goods leave.

    Raises:
        InvalidInput: more are named, or one that can't.
    """
    methods = [tender.method for tender, _ in amounts if tender.method not in STORED_METHODS]
    if len(methods) > 1:
        raise InvalidInput.at(
            "payment_method", "one_gateway_part", "The rest of this order is paid one other way"
        )
    if PAID_BY_HAND.intersection(methods):
        raise InvalidInput.at(
            "payment_method", "not_set_aside", "This order is paid as it ships: choose another way"
        )
