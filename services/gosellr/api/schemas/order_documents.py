"""Orders shaped for whoever looks: a seller reads its own parts, with its own totals."""

from collections.abc import Iterable, Mapping
from typing import Any

from gosellr.models.order_values import (
    ListedOrder,
    Order,
    OrderEvent,
    OrderLine,
    Payment,
    SellerOrder,
    Shipment,
)
from gosellr.utils.ids import order_number, seller_order_number
from gosellr.utils.money import Money
from gosellr.utils.payto import Transfer, read_payto
from gosellr.utils.viewer import Viewer

Document = dict[str, Any]

# Before the money is there, or once its part is called off, a seller needs no buyer's address.
_ADDRESS_FOR_SELLERS = frozenset(
    {"paid", "processing", "partially_shipped", "shipped", "delivered", "completed"}
)


def order_document(
    order: Order, *, viewer: Viewer, base_url: str, access_token: str | None = None
) -> Document:
    """The order as this viewer may read it; `base_url` is where the market's pages are."""
    in_full = order.whole
    shows_address = in_full or any(part.status in _ADDRESS_FOR_SELLERS for part in order.parts)
    return {
        "id": order.id,
        "number": order_number(order.number),
        "status": order.status,
        "payment_status": order.payment_status,
        "buyer": {
            "id": order.user_id if in_full else None,
            "name": order.shipping_address.get("name") if shows_address else None,
        },
        "email": order.email if in_full else None,
        "currency": order.currency,
        "tax_included": order.tax_included,
        **_totals(order, in_full=in_full),
        "coupons": list(order.coupon_codes) if in_full else [],
        "reference": order.reference,
        "seller_orders": [_part(order, part, viewer) for part in order.parts],
        "payments": [_payment(payment, order, base_url) for payment in order.payments],
        # What buys a gift card goes nowhere.
        "shipping_address": (order.shipping_address or None) if shows_address else None,
        "billing_address": order.billing_address if in_full else None,
        "timeline": [_event(event) for event in order.events],
        "placed_at": order.placed_at,
        "paid_at": order.paid_at,
        "expires_at": order.expires_at,
        "version": order.version,
        "next_action": _next_action(order.payments, order, base_url),
        **({} if access_token is None else {"access_token": access_token}),
    }


def listed_document(order: ListedOrder, *, capacity: str) -> Document:
    """An order in a list; a seller's totals are those of its own parts."""
    currency = order.currency
    own = capacity == "seller"

    def total(name: str) -> Money:
        minor = (
            sum(part[f"{name}_minor"] for part in order.parts)
            if own
            else getattr(order, f"{name}_minor")
        )
        return Money(minor, currency)

    return {
        "id": order.id,
        "number": order_number(order.number),
        "status": order.status,
        "payment_status": order.payment_status,
        "email": None if own else order.email,
        "currency": currency,
        "subtotal": total("subtotal"),
        "discount_total": total("discount"),
        "shipping_total": total("shipping"),
        "tax_total": total("tax"),
        "total": total("total"),
        "refunded_total": total("refunded"),
        "reference": order.reference,
        "seller_orders": [_listed_part(order, part) for part in order.parts],
        "placed_at": order.placed_at,
        "version": order.version,
    }


def shipment_document(shipment: Shipment) -> Document:
    """A parcel."""
    return {
        "id": shipment.id,
        "seller_order_id": shipment.seller_order_id,
        "items": list(shipment.items),
        "carrier": shipment.carrier,
        "tracking_number": shipment.tracking_number,
        "tracking_url": shipment.followed_at,
        "status": shipment.status,
        "shipped_at": shipment.shipped_at,
        "delivered_at": shipment.delivered_at,
    }


def _totals(order: Order, *, in_full: bool) -> Document:
    figures: Mapping[str, int] = {
        "subtotal": order.subtotal_minor,
        "discount_total": order.discount_minor,
        "shipping_total": order.shipping_minor,
        "tax_total": order.tax_minor,
        "total": order.total_minor,
        "refunded_total": order.refunded_minor,
    }
    if not in_full:
        figures = {
            "subtotal": sum(part.subtotal_minor for part in order.parts),
            "discount_total": sum(part.discount_minor for part in order.parts),
            "shipping_total": sum(part.shipping_minor for part in order.parts),
            "tax_total": sum(part.tax_minor for part in order.parts),
            "total": sum(part.total_minor for part in order.parts),
            "refunded_total": sum(part.refunded_minor for part in order.parts),
        }
    return {name: Money(amount, order.currency) for name, amount in figures.items()}


def _part(order: Order, part: SellerOrder, viewer: Viewer) -> Document:
    def money(amount_minor: int) -> Money:
        return Money(amount_minor, order.currency)

    sees_terms = viewer.sees_everything or part.seller_id in viewer.memberships
    terms = (
        {
            "commission": money(part.commission_minor),
            "commission_vat": money(part.commission_vat_minor),
            "net": money(part.net_minor),
        }
        if sees_terms
        else {}
    )
    return {
        "id": part.id,
        "number": seller_order_number(order_number(order.number), part.index),
        "seller": {"id": part.seller_id, "name": part.seller_name, "slug": part.seller_slug},
        "status": part.status,
        "items": [_line(line, order.currency, sees_terms=sees_terms) for line in part.lines],
        "shipping": {
            "option": {
                "id": part.shipping_option["id"],
                "name": part.shipping_option["name"],
                "price": money(part.shipping_option["price_minor"]),
                "delivery_days": part.shipping_option["delivery_days"],
            },
            "price": money(part.shipping_minor),
            "tax": money(part.shipping_tax_minor),
            "total": money(part.shipping_total_minor),
        },
        "totals": {
            "subtotal": money(part.subtotal_minor),
            "discount_total": money(part.discount_minor),
            "shipping_total": money(part.shipping_minor),
            "tax_total": money(part.tax_minor),
            "total": money(part.total_minor),
            "refunded_total": money(part.refunded_minor),
        },
        **terms,
        "shipments": [shipment_document(shipment) for shipment in part.shipments],
        "ship_by": part.ship_by,
        "shipped_at": part.shipped_at,
        "delivered_at": part.delivered_at,
        "completed_at": part.completed_at,
        "cancelled_at": part.cancelled_at,
        "cancel_reason": part.cancel_reason,
        "captured_at": part.captured_at,
        "charged_back": part.charged_back,
        "version": part.version,
    }


def _line(line: OrderLine, currency: str, *, sees_terms: bool) -> Document:
    document: Document = {
        "id": line.id,
        "variant_id": line.variant_id,
        "product_id": line.product_id,
        "sku": line.sku,
        "title": line.title,
        "options": dict(line.options),
        "picture": line.picture,
        "quantity": line.quantity,
        "unit_price": Money(line.unit_price_minor, currency),
        "discount": Money(line.discount_minor, currency),
        "tax": Money(line.tax_minor, currency),
        "total": Money(line.total_minor, currency),
        "shipped_quantity": line.shipped_quantity,
        "delivered_quantity": line.delivered_quantity,
        "refunded_quantity": line.refunded_quantity,
        "called_off_quantity": line.called_off_quantity,
    }
    if sees_terms:
        document["commission"] = line.commission
    return document


def _payment(payment: Payment, order: Order, base_url: str) -> Document:
    return {
        "id": payment.id,
        "method": payment.method,
        "status": payment.status,
        "amount": Money(payment.amount_minor, payment.currency),
        "captured": Money(payment.taken_minor, payment.currency),
        "refunded": Money(payment.given_back_minor, payment.currency),
        "returns": [
            {
                "asked": Money(back.asked_minor, payment.currency),
                "amount": Money(back.amount_minor, payment.currency),
                "reason": back.reason,
                "status": back.status,
                "created_at": back.created_at,
            }
            for back in payment.returns
        ],
        "decline_code": payment.decline_code,
        "next_action": _next_action([payment], order, base_url),
        "authorized_until": payment.authorized_until,
        "created_at": payment.created_at,
    }


def _next_action(payments: Iterable[Payment], order: Order, base_url: str) -> Document | None:
    for payment in payments:
        url = payment.action_url
        if payment.status == "action_required" and url:
            if (transfer := read_payto(url)) is not None:
                return {"url": url, "bank_transfer": _transfer(transfer, order)}
            # A page of the market's own is a path; a program knows no page that it's relative to.
            return {"url": base_url + url if url.startswith("/") else url}
    return None


def _transfer(transfer: Transfer, order: Order) -> Document:
    return {
        "iban": transfer.iban,
        "bic": transfer.bic or None,
        "holder": transfer.holder,
        "reference": transfer.reference,
        "amount": transfer.amount,
        "pay_by": order.expires_at,
    }


def _event(event: OrderEvent) -> Document:
    steps = {"from": event.from_status, "to": event.to_status}
    return {
        "at": event.at,
        "kind": event.kind,
        "actor": event.actor,
        "seller_order_id": event.seller_order_id,
        "data": {
            **event.data,
            **{name: status for name, status in steps.items() if status is not None},
        },
    }


def _listed_part(order: ListedOrder, part: Mapping[str, Any]) -> Document:
    return {
        "id": part["id"],
        "number": seller_order_number(order_number(order.number), part["index"]),
        "seller": part["seller"],
        "status": part["status"],
        "item_count": part["item_count"],
        "total": Money(part["total_minor"], order.currency),
        "refunded_total": Money(part["refunded_minor"], order.currency),
    }
