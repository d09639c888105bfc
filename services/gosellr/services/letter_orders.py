"""Letters about orders: confirmed, sent, cancelled, refunded; to the buyer and to the sellers."""

from collections.abc import Callable, Iterator, Mapping
from typing import Any
from uuid import UUID

from gosellr.models.events import FactType, RecordedFact
from gosellr.models.letter_values import SoldOrder, SoldPart
from gosellr.services.letter_facts import Draft, Subjects, moment, money, options_text
from gosellr.utils.cancel_reasons import PAYMENT_EXPIRED, spoken
from gosellr.utils.captures import SHORT_CAPTURE
from gosellr.utils.ids import order_number, seller_order_number
from gosellr.utils.letters import Audience, LetterKind, plain
from gosellr.utils.payto import read_payto

CASH = "cash_on_delivery"
TRANSFER = "bank_transfer"
AT_SHIPMENT = "at_shipment"
_URL_LENGTH_MAX = 500


def confirmed(fact: RecordedFact, subjects: Subjects) -> Iterator[Draft]:
    """An order stands: its buyer has it in writing, and its sellers may send.

    Each way to pay says so once by a fact of its own; an order whose money comes later than that
    is paid by something that nobody waits to read.
    """
    order = subjects.orders.get(fact.aggregate_id)
    if order is None:
        return
    how = _HOW[fact.type]
    if not order.parts:
        yield to_buyer(
            order,
            LetterKind.GIFT_CARD_BOUGHT,
            at="/gift-card",
            total=money(order.total_minor, order.currency),
        )
        return
    if how == "paid" and (order.capture_at == AT_SHIPMENT or CASH in order.methods):
        return
    # What was called off since then is told by a letter of its own.
    coming = [part for part in order.parts if part.status != "cancelled"]
    if not coming:
        return
    yield to_buyer(
        order,
        LetterKind.ORDER_CONFIRMED,
        how=how,
        placed_at=moment(order.placed_at),
        parts=[_part(order, part) for part in coming],
        total=money(sum(part.total_minor for part in coming), order.currency),
    )
    for part in coming:
        yield _to_seller(
            order,
            part,
            LetterKind.ORDER_TO_SHIP,
            how=how,
            lines=_lines(order, part),
            ship_by=moment(part.ship_by),
            total=money(part.total_minor, order.currency),
            net=money(part.net_minor, order.currency),
        )


def transfer_awaited(fact: RecordedFact, subjects: Subjects) -> Iterator[Draft]:
    """The buyer has to transfer money: where to, how much, until when."""
    order = subjects.orders.get(fact.aggregate_id)
    transfer = read_payto(fact.data.get("pay_to"))
    if order is None or transfer is None:
        return
    yield to_buyer(
        order,
        LetterKind.TRANSFER_INSTRUCTIONS,
        iban=transfer.iban,
        bic=transfer.bic,
        holder=plain(transfer.holder),
        reference=transfer.reference,
        amount=money(transfer.amount.amount, transfer.amount.currency),
        pay_until=moment(order.expires_at),
    )


def transfer_part_arrived(fact: RecordedFact, subjects: Subjects) -> Iterator[Draft]:
    """Less came than was asked for."""
    order = subjects.orders.get(fact.aggregate_id)
    if order is None:
        return
    yield to_buyer(
        order,
        LetterKind.TRANSFER_PART_ARRIVED,
        arrived=fact.data["arrived"],
        missing=fact.data["missing"],
        pay_until=moment(order.expires_at),
    )


def sent(fact: RecordedFact, subjects: Subjects) -> Iterator[Draft]:
    """A parcel is on its way."""
    parcel = subjects.parcels.get(fact.aggregate_id)
    order = None if parcel is None else subjects.orders.get(parcel.order_id)
    if parcel is None or order is None:
        return
    part = _part_of(order, parcel.seller_order_id)
    url = parcel.tracking_url or ""
    yield to_buyer(
        order,
        LetterKind.PART_SHIPPED,
        seller=plain(part.seller),
        carrier=plain(parcel.carrier),
        tracking_number=plain(parcel.tracking_number or "", is_code=True),
        tracking_url=url if _is_web_address(url) else "",
        is_all=len(order.parts) == 1 and part.status in {"shipped", "delivered", "completed"},
        lines=[
            {
                "what": plain(item["title"]) + options_text(item["options"]),
                "quantity": item["quantity"],
            }
            for item in parcel.items
        ],
    )


def cancelled(fact: RecordedFact, subjects: Subjects) -> Iterator[Draft]:
    """A part of an order that stood won't come."""
    order = subjects.orders.get(UUID(fact.data["order_id"]))
    if order is None or fact.data["from"] == "pending_payment":
        return
    part = _part_of(order, fact.aggregate_id)
    said: dict[str, Any] = {
        "reason": _reason(part),
        "lines": _lines(order, part),
        "total": money(part.total_minor, order.currency),
    }
    yield to_buyer(
        order,
        LetterKind.PART_CANCELLED,
        seller=plain(part.seller),
        money=_what_of_its_money(order, part),
        is_all=len(order.parts) == 1,
        **said,
    )
    yield _to_seller(order, part, LetterKind.SALE_CANCELLED, **said)


def reduced(fact: RecordedFact, subjects: Subjects) -> Iterator[Draft]:
    """Some units were called off before they were paid for, so fewer are to be sent."""
    order = subjects.orders.get(UUID(fact.data["order_id"]))
    if order is None:
        return
    part = _part_of(order, fact.aggregate_id)
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
        yield _to_seller(order, part, LetterKind.SALE_REDUCED, **said)


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
        lines=[line for part in order.parts for line in _lines(order, part)],
        total=money(order.total_minor, order.currency),
    )


def refunded(fact: RecordedFact, subjects: Subjects) -> Iterator[Draft]:
    """Money went back to the buyer."""
    refund = subjects.refunds.get(fact.aggregate_id)
    order = None if refund is None else subjects.orders.get(refund.order_id)
    if refund is None or order is None:
        return
    if refund.seller_order_id is None:
        # A gift card was taken back, which the market had sold.
        yield to_buyer(
            order,
            LetterKind.REFUND_MADE,
            at="/gift-card",
            seller="",
            credited=None,
            is_all_credited=False,
            amount=money(refund.amount_minor, refund.currency),
            reason=plain(refund.reason),
        )
        return
    part = _part_of(order, refund.seller_order_id)
    credited = refund.credited_minor
    said: dict[str, Any] = {
        "amount": money(refund.amount_minor, refund.currency),
        "reason": plain(refund.reason),
    }
    yield to_buyer(
        order,
        LetterKind.REFUND_MADE,
        seller=plain(part.seller),
        credited=money(credited, refund.currency) if credited else None,
        is_all_credited=credited >= refund.amount_minor,
        **said,
    )
    yield _to_seller(
        order,
        part,
        LetterKind.SALE_REFUNDED,
        borne_by_market=refund.borne_by == "marketplace",
        **said,
    )


def refund_failed(fact: RecordedFact, subjects: Subjects) -> Iterator[Draft]:
    """Money that was to go back didn't, and somebody looks into it."""
    refund = subjects.refunds.get(fact.aggregate_id)
    order = None if refund is None else subjects.orders.get(refund.order_id)
    if refund is not None and order is not None:
        yield to_buyer(
            order,
            LetterKind.REFUND_FAILED,
            amount=money(refund.amount_minor, refund.currency),
            reason=plain(refund.reason),
        )


def authorization_expiring(fact: RecordedFact, subjects: Subjects) -> Iterator[Draft]:
    """What isn't sent soon can't be paid any more."""
    order = subjects.orders.get(fact.aggregate_id)
    if order is None:
        return
    waiting = set(fact.data["seller_ids"])
    for part in order.parts:
        if str(part.seller_id) in waiting:
            yield _to_seller(
                order,
                part,
                LetterKind.AUTHORIZATION_EXPIRING,
                until=fact.data["until"],
                lines=_lines(order, part),
                total=money(part.total_minor, order.currency),
            )


def captured_short(fact: RecordedFact, subjects: Subjects) -> Iterator[Draft]:
    """A provider took another amount than it was asked for: its buyer sees it on a statement, and
    whoever would have sent the goods has to keep them."""
    order = subjects.orders.get(fact.aggregate_id)
    if order is None:
        return
    about = set(fact.data["seller_order_ids"])
    parts = [part for part in order.parts if str(part.id) in about]
    yield to_buyer(
        order,
        LetterKind.CAPTURED_SHORT,
        seller=", ".join(plain(part.seller) for part in parts),
        asked=fact.data["asked"],
        taken=fact.data["captured"],
    )
    for part in parts:
        yield _to_seller(
            order,
            part,
            LetterKind.SALE_CAPTURED_SHORT,
            lines=_lines(order, part),
            total=money(part.total_minor, order.currency),
        )


Composer = Callable[[RecordedFact, Subjects], Iterator[Draft]]

_HOW: Mapping[str, str] = {
    FactType.ORDER_PAID: "paid",
    FactType.ORDER_AUTHORIZED: "authorized",
    FactType.ORDER_CASH_PROMISED: "cash",
}

ABOUT_ORDERS: Mapping[FactType, Composer] = {
    FactType.ORDER_PAID: confirmed,
    FactType.ORDER_AUTHORIZED: confirmed,
    FactType.ORDER_CASH_PROMISED: confirmed,
    FactType.ORDER_TRANSFER_AWAITED: transfer_awaited,
    FactType.ORDER_TRANSFER_PART_ARRIVED: transfer_part_arrived,
    FactType.ORDER_AUTHORIZATION_EXPIRING: authorization_expiring,
    FactType.ORDER_CAPTURED_SHORT: captured_short,
    FactType.ORDER_EXPIRED: ended_unpaid,
    FactType.ORDER_CANCELLED: ended_unpaid,
    FactType.SELLER_ORDER_STATUS_CHANGED: cancelled,
    FactType.SELLER_ORDER_REDUCED: reduced,
    FactType.SHIPMENT_CREATED: sent,
    FactType.REFUND_SUCCEEDED: refunded,
    FactType.REFUND_FAILED: refund_failed,
}


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


def _to_seller(order: SoldOrder, part: SoldPart, kind: LetterKind, **said: Any) -> Draft:
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


def _part(order: SoldOrder, part: SoldPart) -> dict[str, Any]:
    return {
        "seller": plain(part.seller),
        "lines": _lines(order, part),
        "delivery": money(part.shipping_minor, order.currency),
        "ship_by": moment(part.ship_by),
    }


def _lines(order: SoldOrder, part: SoldPart) -> list[dict[str, Any]]:
    return [
        {
            "what": plain(line.title) + options_text(line.options),
            "quantity": line.quantity,
            "amount": money(line.total_minor, order.currency),
        }
        for line in part.lines
        if line.quantity > 0
    ]


def _reason(part: SoldPart) -> str:
    return plain(spoken(part.cancel_reason))


def _what_of_its_money(order: SoldOrder, part: SoldPart) -> str:
    if part.cancel_reason == SHORT_CAPTURE:
        return "astray"
    return "taken" if _was_taken(order, part) else "not taken"


def _was_taken(order: SoldOrder, part: SoldPart) -> bool:
    if order.capture_at == AT_SHIPMENT:
        return part.captured_at is not None
    return order.paid_at is not None and CASH not in order.methods


def _part_of(order: SoldOrder, part_id: UUID) -> SoldPart:
    for part in order.parts:
        if part.id == part_id:
            return part
    raise LookupError(f"no part {part_id}")


def _is_web_address(url: str) -> bool:
    is_plain = url.isascii() and url.isprintable() and " " not in url
    return is_plain and len(url) <= _URL_LENGTH_MAX and url.startswith(("https://", "http://"))
