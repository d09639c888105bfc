"""Letters about orders, addressed: to who bought, and to who sold a part of it."""

from collections.abc import Callable, Iterator
from typing import Any
from uuid import UUID

from gosellr.models.events import RecordedFact
from gosellr.models.letter_values import SoldOrder, SoldPart
from gosellr.services.letter_facts import Draft, Subjects, money, options_text
from gosellr.utils.ids import order_number, seller_order_number
from gosellr.utils.letters import Audience, LetterKind, plain

Composer = Callable[[RecordedFact, Subjects], Iterator[Draft]]


def to_buyer(order: SoldOrder, kind: LetterKind, *, at: str = "", **said: Any) -> Draft:
    """A letter to who bought; `at` is what follows the order's own address."""
    number = order_number(order.number)
    return Draft(
        kind=kind,
        audience=Audience.BUYER,
        recipient=order.email,
        order_id=order.id,
        context={
            "name": plain(order.name),
            "number": number,
            "path": f"/orders/{number}{at}",
            "is_guest": order.is_guest,
            **said,
        },
    )


def to_seller(order: SoldOrder, part: SoldPart, kind: LetterKind, **said: Any) -> Draft:
    """A letter to whoever sold a part of it."""
    return Draft(
        kind=kind,
        audience=Audience.SELLER,
        recipient=part.email,
        order_id=order.id,
        seller_id=part.seller_id,
        context={
            "name": plain(part.seller),
            "number": seller_order_number(order_number(order.number), part.index),
            "path": f"/seller/{part.seller_id}/orders/{order_number(order.number)}",
            **said,
        },
    )


def lines_of(order: SoldOrder, part: SoldPart) -> list[dict[str, Any]]:
    """What is left of a part, line by line, and what each comes to."""
    return [
        {
            "what": plain(line.title) + options_text(line.options),
            "quantity": line.quantity,
            "amount": money(line.total_minor, order.currency),
        }
        for line in part.lines
        if line.quantity > 0
    ]


def part_of(order: SoldOrder, part_id: UUID) -> SoldPart:
    """The part of an order with this id. Raises `LookupError`."""
    for part in order.parts:
        if part.id == part_id:
            return part
    raise LookupError(f"no part {part_id}")
