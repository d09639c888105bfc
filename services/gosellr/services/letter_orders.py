"""Letters about orders: confirmed, sent, cancelled, refunded; to the buyer and to the sellers."""

from collections.abc import Iterator, Mapping
from typing import Any

from gosellr.models.events import FactType, RecordedFact
from gosellr.models.letter_values import SoldOrder, SoldPart
from gosellr.services.letter_cancellations import CASH, cancelled, ended_unpaid, reduced
from gosellr.services.letter_drafts import Composer, lines_of, part_of, to_buyer, to_seller
from gosellr.services.letter_facts import Draft, Subjects, moment, money, options_text
from gosellr.utils.captures import AT_SHIPMENT
from gosellr.utils.letters import LetterKind, plain
from gosellr.utils.payto import read_payto

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
        yield to_seller(
            order,
            part,
            LetterKind.ORDER_TO_SHIP,
            how=how,
            lines=lines_of(order, part),
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
    part = part_of(order, parcel.seller_order_id)
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
    part = part_of(order, refund.seller_order_id)
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
    yield to_seller(
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
            yield to_seller(
                order,
                part,
                LetterKind.AUTHORIZATION_EXPIRING,
                until=fact.data["until"],
                lines=lines_of(order, part),
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
        yield to_seller(
            order,
            part,
            LetterKind.SALE_CAPTURED_SHORT,
            lines=lines_of(order, part),
            total=money(part.total_minor, order.currency),
        )


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


def _part(order: SoldOrder, part: SoldPart) -> dict[str, Any]:
    return {
        "seller": plain(part.seller),
        "lines": lines_of(order, part),
        "delivery": money(part.shipping_minor, order.currency),
        "ship_by": moment(part.ship_by),
    }


def _is_web_address(url: str) -> bool:
    is_plain = url.isascii() and url.isprintable() and " " not in url
    return is_plain and len(url) <= _URL_LENGTH_MAX and url.startswith(("https://", "http://"))
