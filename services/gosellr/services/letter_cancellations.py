"""Letters about what won't come after all: cancelled, reduced, or never paid for."""

from collections.abc import Iterator
from typing import Any
from uuid import UUID

from gosellr.models.events import RecordedFact
from gosellr.models.letter_values import SoldOrder, SoldPart
from gosellr.services.letter_drafts import lines_of, part_of, to_buyer, to_seller
from gosellr.services.letter_facts import Draft, Subjects, money, options_text
from gosellr.utils.cancel_reasons import PAYMENT_EXPIRED, spoken
from gosellr.utils.captures import AT_SHIPMENT
from gosellr.utils.letters import LetterKind, plain

CASH = "cash_on_delivery"
TRANSFER = "bank_transfer"


def cancelled(fact: RecordedFact, subjects: Subjects) -> Iterator[Draft]:
    """A part of an order that stood won't come."""
    order = subjects.orders.get(UUID(fact.data["order_id"]))
    if order is None or fact.data["from"] == "pending_payment":
        return
    part = part_of(order, fact.aggregate_id)
    said: dict[str, Any] = {
        "reason": _reason(part),
        "lines": lines_of(order, part),
        "total": money(part.total_minor, order.currency),
    }
    yield to_buyer(
        order,
        LetterKind.PART_CANCELLED,
        seller=plain(part.seller),
        money=_what_of_its_money(order, part),
        taken_in_vain=money(sum(one.amount_minor for one in part.in_vain), order.currency),
        is_all=len(order.parts) == 1,
        **said,
    )
    yield to_seller(order, part, LetterKind.SALE_CANCELLED, **said)


def reduced(fact: RecordedFact, subjects: Subjects) -> Iterator[Draft]:
    """Some units were called off before they were paid for, so fewer are to be sent."""
    order = subjects.orders.get(UUID(fact.data["order_id"]))
    if order is None:
        return
    part = part_of(order, fact.aggregate_id)
    called_off = {UUID(item["order_item_id"]): item["quantity"] for item in fact.data["items"]}
    said: dict[str, Any] = {
        "lines": [
            {
                "what": plain(line.title) + options_text(line.options),
                "quantity": called_off[line.id],
            }
            for line in part.lines
            if line.id in called_off
        ],
        "amount": fact.data["amount"],
        "reason": plain(fact.data["reason"]),
    }
    yield to_buyer(order, LetterKind.ORDER_REDUCED, seller=plain(part.seller), **said)
    if part.status != "pending_payment":
        yield to_seller(order, part, LetterKind.SALE_REDUCED, **said)


def ended_unpaid(fact: RecordedFact, subjects: Subjects) -> Iterator[Draft]:
    """An order that nobody paid is over. Only who was told where to transfer money hears of it:
    others saw their card refused, or went away; and no seller ever knew."""
    order = subjects.orders.get(fact.aggregate_id)
    if order is None or order.paid_at is not None or TRANSFER not in order.methods:
        return
    yield to_buyer(
        order,
        LetterKind.PART_CANCELLED,
        seller=", ".join(plain(part.seller) for part in order.parts),
        money="awaited",
        is_all=True,
        reason=_reason(order.parts[0]) if order.parts else spoken(PAYMENT_EXPIRED),
        lines=[line for part in order.parts for line in lines_of(order, part)],
        total=money(order.total_minor, order.currency),
    )


def _reason(part: SoldPart) -> str:
    return plain(spoken(part.cancel_reason))


def _what_of_its_money(order: SoldOrder, part: SoldPart) -> str:
    if part.in_vain and not _was_taken(order, part):
        # Whoever cancels it, and for whatever: a capture that came short did take something.
        stands = {one.status for one in part.in_vain}
        return "stuck" if "failed" in stands else "back" if stands == {"succeeded"} else "astray"
    return "taken" if _was_taken(order, part) else "not taken"


def _was_taken(order: SoldOrder, part: SoldPart) -> bool:
    if order.capture_at == AT_SHIPMENT:
        return part.captured_at is not None
    return order.paid_at is not None and CASH not in order.methods
