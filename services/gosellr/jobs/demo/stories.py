"""What becomes of an order: the stories of the demo market and how often each is told."""

from datetime import timedelta
from enum import StrEnum

from gosellr.utils.lazy_dataclasses import dataclass


class Story(StrEnum):
    """One way that an order may go. `DELIVERED` is what happens to all others."""

    DELIVERED = "delivered"
    CONFIRMED = "confirmed"
    TWO_PARCELS = "two_parcels"
    CANCELLED_BY_BUYER = "cancelled_by_buyer"
    CANCELLED_BY_SHOP = "cancelled_by_shop"
    APPROVED_LATE = "approved_late"
    NEVER_APPROVED = "never_approved"
    DECLINED = "declined"
    DECLINED_THEN_PAID = "declined_then_paid"
    ANSWER_LOST = "answer_lost"
    REFUNDED = "refunded"
    REFUNDED_A_BIT = "refunded_a_bit"
    REFUNDED_IN_PARTS = "refunded_in_parts"
    # These are still under way when the history ends.
    WAITING_FOR_BUYER = "waiting_for_buyer"
    WAITING_FOR_CARD = "waiting_for_card"
    NEW = "new"
    PACKING = "packing"
    HALF_SENT = "half_sent"
    SENT = "sent"


@dataclass(frozen=True, slots=True)
class Telling:
    """How often a story is told, per ten thousand orders and at least once, and how long ago."""

    per_ten_thousand: int
    oldest: timedelta = timedelta(days=91)
    newest: timedelta = timedelta(days=12)


_A_DAY = timedelta(days=1)

TELLINGS = {
    Story.CONFIRMED: Telling(1400),
    Story.TWO_PARCELS: Telling(350),
    Story.CANCELLED_BY_BUYER: Telling(350, newest=_A_DAY),
    Story.CANCELLED_BY_SHOP: Telling(150, newest=2 * _A_DAY),
    Story.APPROVED_LATE: Telling(200),
    Story.NEVER_APPROVED: Telling(180, newest=_A_DAY),
    Story.DECLINED: Telling(120, newest=_A_DAY),
    Story.DECLINED_THEN_PAID: Telling(250),
    Story.ANSWER_LOST: Telling(60),
    Story.REFUNDED: Telling(150),
    Story.REFUNDED_A_BIT: Telling(250),
    Story.REFUNDED_IN_PARTS: Telling(120),
    Story.WAITING_FOR_BUYER: Telling(10, timedelta(minutes=50), timedelta(minutes=2)),
    Story.WAITING_FOR_CARD: Telling(10, timedelta(minutes=55), timedelta(minutes=3)),
    Story.NEW: Telling(90, timedelta(hours=9), timedelta(minutes=5)),
    Story.PACKING: Telling(60, timedelta(hours=30), timedelta(hours=10)),
    Story.HALF_SENT: Telling(40, timedelta(hours=60), timedelta(hours=30)),
    Story.SENT: Telling(150, timedelta(hours=70), timedelta(hours=40)),
}

UNPAID = frozenset(
    {Story.NEVER_APPROVED, Story.DECLINED, Story.WAITING_FOR_BUYER, Story.WAITING_FOR_CARD}
)
# Their orders wait for a day, so that somebody who looks at the market finds them waiting.
PATIENT = frozenset({Story.WAITING_FOR_BUYER, Story.WAITING_FOR_CARD})
# What these leave on the shelf isn't known before they are told.
_GIVING_BACK = frozenset({Story.CANCELLED_BY_BUYER, Story.CANCELLED_BY_SHOP})
UNSURE = UNPAID | _GIVING_BACK

TOKENS = {
    Story.APPROVED_LATE: "tok_requires_action",
    Story.NEVER_APPROVED: "tok_requires_action",
    Story.WAITING_FOR_BUYER: "tok_requires_action",
    Story.DECLINED: "tok_declined",
    Story.DECLINED_THEN_PAID: "tok_declined",
    Story.WAITING_FOR_CARD: "tok_declined",
    Story.ANSWER_LOST: "tok_timeout_then_ok",
}
