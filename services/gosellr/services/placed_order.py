"""The order that was just written, as it reads: so that nobody has to read it again."""

from collections.abc import Collection, Mapping
from dataclasses import fields
from typing import Any
from uuid import UUID

from gosellr.models.order_values import Order, OrderEvent, OrderLine, Payment, SellerOrder
from gosellr.services.order_rows import OrderRows, Row

# What the tables begin with, where a new row says nothing of it.
_ORDER: Mapping[str, Any] = {
    "captured_minor": 0,
    "refunded_minor": 0,
    "status": "pending_payment",
    "payment_status": "unpaid",
    "paid_at": None,
    "capture_at": "at_order",
    "version": 1,
    "open_dispute_count": 0,
    "whole": True,
    "refunds": (),
}
_PART: Mapping[str, Any] = {
    "status": "pending_payment",
    "shipping_refunded_minor": 0,
    "shipping_refunded_goods_minor": 0,
    "shipping_refunded_tax_minor": 0,
    "shipping_refunded_marketplace_discount_minor": 0,
    "shipping_refunded_commission_minor": 0,
    "shipping_refunded_commission_vat_minor": 0,
    "refunded_minor": 0,
    "pending_minor": 0,
    "release_due_at": None,
    "released_at": None,
    "ship_by": None,
    "shipped_at": None,
    "delivered_at": None,
    "completed_at": None,
    "cancelled_at": None,
    "cancel_reason": None,
    "captured_at": None,
    "version": 1,
    "charged_back": False,
    "shipments": (),
}
_LINE: Mapping[str, Any] = {
    "shipped_quantity": 0,
    "delivered_quantity": 0,
    "refunded_quantity": 0,
    "withdrawn_quantity": 0,
    "called_off_quantity": 0,
    "refunded_minor": 0,
    "refunded_goods_minor": 0,
    "refunded_tax_minor": 0,
    "refunded_marketplace_discount_minor": 0,
    "refunded_commission_minor": 0,
    "refunded_commission_vat_minor": 0,
}
_PAYMENT: Mapping[str, Any] = {
    "status": "created",
    "gateway_reference": None,
    "decline_code": None,
    "action_url": None,
    "captured_minor": 0,
    "refunded_minor": 0,
    "fee_minor": 0,
    "disputed_minor": 0,
    "sent_count": 0,
    "account": None,
    "secured_at": None,
    "authorized_until": None,
    "captures_many": False,
    "seller_order_id": None,
    "returned": False,
    "returns": (),
}
_EVENT: Mapping[str, Any] = {"seller_order_id": None, "from_status": None}


def _written(
    kind: type[Any], *, begins: Collection[str], further: Collection[str] = ()
) -> list[str]:
    """The fields of a value that its row says."""
    known = {*begins, *further}
    return [field.name for field in fields(kind) if field.name not in known]


_OF_ORDER = _written(Order, begins=_ORDER, further=("number", "parts", "payments", "events"))
_OF_PART = _written(SellerOrder, begins=_PART, further=("seller_name", "seller_slug", "lines"))
_OF_LINE = _written(OrderLine, begins=_LINE)
_OF_PAYMENT = _written(Payment, begins=_PAYMENT)
_OF_EVENT = _written(OrderEvent, begins=_EVENT)


def placed_order(rows: OrderRows, *, number: int, sellers: Mapping[UUID, tuple[str, str]]) -> Order:
    """The order of these rows under its number. `sellers` gives their names and slugs."""
    lines: dict[UUID, list[OrderLine]] = {}
    for line in rows.lines:
        lines.setdefault(line["seller_order_id"], []).append(
            OrderLine(**_said(line, _OF_LINE), **_LINE)
        )
    return Order(
        **_said(rows.order, _OF_ORDER),
        **_ORDER,
        number=number,
        parts=tuple(
            SellerOrder(
                **_said(part, _OF_PART),
                **_PART,
                seller_name=sellers[part["seller_id"]][0],
                seller_slug=sellers[part["seller_id"]][1],
                lines=tuple(lines[part["id"]]),
            )
            for part in rows.parts
        ),
        payments=tuple(
            Payment(**_said(payment, _OF_PAYMENT), **_PAYMENT) for payment in rows.payments
        ),
        events=tuple(OrderEvent(**_said(event, _OF_EVENT), **_EVENT) for event in rows.events),
    )


def _said(row: Row, names: Collection[str]) -> dict[str, Any]:
    return {name: row[name] for name in names}
