"""Captured money that paid for nothing, in words: to its buyer, and to whoever looks at a case."""

from collections.abc import Iterable
from datetime import datetime
from typing import Final
from uuid import UUID

from gosellr.models.order_values import CaptureReturn, Order, SellerOrder
from gosellr.services.stray_service import ReturnCase
from gosellr.utils.captures import SHORT_CAPTURE
from gosellr.utils.ids import order_number
from gosellr.utils.money import Money
from gosellr.web.formats import format_money
from gosellr.web.money_views import GivenBackView

_WHY: Final = {
    "short_payment": "Another part of the payment failed",
    "order_closed": "It came when the order was over",
    "paid_already": "The order was paid already",
}
_BECAME: Final = {
    "pending": "goes back by itself",
    "unknown": "goes back by itself; the provider hasn't answered yet",
    "succeeded": "went back to the buyer",
    "failed": "could not be sent back: it waits in suspense",
}
_TOLD: Final = {
    "pending": "It goes back to you by itself.",
    "unknown": "It goes back to you by itself.",
    "succeeded": "It was sent back to you.",
    "failed": "It couldn't be sent back yet; somebody of ours looks into it.",
}


CAME_SHORT: Final = (
    "The payment provider took another amount than was asked for",
    "This parcel isn't paid by it, and didn't leave. What was taken goes back by itself.",
)


def came_short_at(found: Order, part: SellerOrder) -> datetime | None:
    """When a capture for a part last took another amount; None where none did. Whoever may see the
    part may know, though they don't see the payment."""
    return max(
        (
            event.at
            for event in found.events
            if event.seller_order_id == part.id
            and event.kind == "capture_failed"
            and event.data.get("decline_code") == SHORT_CAPTURE
        ),
        default=None,
    )


def why(back: CaptureReturn, currency: str) -> str:
    """Why money went back that was taken already."""
    if back.amount_minor != back.asked_minor:
        return f"{_taken(back.amount_minor, back.asked_minor, currency)}, so it paid for nothing"
    return _WHY[back.reason]


def told_to_buyer(found: Order) -> str:
    """Of an order that waits for its money: that the last try took another amount, and where that
    is now; empty where no try did."""
    if found.status != "pending_payment" or not found.payments:
        return ""
    last = max(found.payments, key=lambda one: (one.tender, one.part))
    for back in last.returns:
        if back.amount_minor != back.asked_minor:
            taken = _taken(back.amount_minor, back.asked_minor, last.currency)
            return f"{taken}, so your order isn't paid. {_TOLD[back.status]}"
    return ""


def _taken(amount_minor: int, asked_minor: int, currency: str) -> str:
    amount, asked = (format_money(minor, currency) for minor in (amount_minor, asked_minor))
    word = "Only " if amount_minor < asked_minor else ""
    return f"{word}{amount} of {asked} was taken" if word else f"{amount} was taken for {asked}"


def _became(case: ReturnCase) -> str:
    if not case.disputed_minor:
        return f"What was captured {_BECAME[case.status]}."
    became = _BECAME[case.status].partition(":")[0]
    disputed = format_money(case.disputed_minor, case.currency)
    return f"What was captured {became}. The buyer's bank took {disputed} of this payment back."


def note_field(waiting_id: UUID) -> str:
    """The field in which is said how something was dealt with that waits for a person."""
    return f"note-{waiting_id}"


def cases(found: Iterable[ReturnCase], *, base: str, may_decide: bool) -> tuple[GivenBackView, ...]:
    """Captures that a person has to look at. What is still on its way can't be closed yet."""
    return tuple(
        GivenBackView(
            what=f"{one.gateway}: {format_money(one.asked_minor, one.currency)} asked,"
            f" {format_money(one.captured_minor, one.currency)} captured",
            order_number=order_number(one.order_number),
            order_href=f"/operator/explain?subject={order_number(one.order_number)}",
            amount=Money(one.captured_minor, one.currency),
            reason=f"The order isn't paid by it. {_became(one)}",
            told_at=one.opened_at,
            field=note_field(one.id),
            path=f"{base}/payment-returns/{one.id}/resolve"
            if may_decide and one.status in ("succeeded", "failed")
            else "",
        )
        for one in found
    )
