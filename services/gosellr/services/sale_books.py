"""What the sale of an order writes into the books, paid at once or as its parcels leave."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from gosellr.models.capture_values import PaymentCapture
from gosellr.models.order_values import Order, Payment
from gosellr.services.ledger_service import Booking
from gosellr.utils.lazy_dataclasses import replace
from gosellr.utils.ledger import TransactionDraft
from gosellr.utils.policy import MarketPolicy
from gosellr.utils.postings import (
    GatewayAmount,
    SoldParcel,
    SoldPart,
    provider_fee,
    sale,
)
from gosellr.utils.stored_value import STORED_METHODS


def sale_bookings(
    order: Order, paying: Sequence[Payment], *, policy: MarketPolicy, now: datetime
) -> list[Booking]:
    """The sale of an order that is paid in full, and what the gateways kept of its captures."""
    by_gateway: dict[str, int] = {}
    for payment in paying:
        if payment.method in STORED_METHODS:
            continue
        captured = by_gateway.get(payment.method, 0) + payment.captured_minor
        by_gateway[payment.method] = captured
    draft = sale(
        order_id=order.id,
        currency=order.currency,
        tax_included=order.tax_included,
        captured=[
            GatewayAmount(gateway=gateway, amount_minor=amount_minor)
            for gateway, amount_minor in by_gateway.items()
        ],
        stored_value_minor=sum(
            payment.captured_minor for payment in paying if payment.method in STORED_METHODS
        ),
        parcels=parcels_of(order),
        commission_vat_jurisdiction=policy.commission_vat_jurisdiction,
    )
    fees = fee_bookings(order, paying, now=now)
    if not draft.entries:
        return fees
    return [caused_by_order(order, paying, draft=draft, now=now), *fees]


def caused_by_order(
    order: Order, paying: Sequence[Payment], *, draft: TransactionDraft, now: datetime
) -> Booking:
    """What an order brought, once these payments were captured: one booking in its life."""
    return Booking(
        draft=draft,
        cause_type="order",
        cause_id=order.id,
        idempotency_key=str(order.id),
        order_id=order.id,
        actor="payment",
        effective_at=now,
        facts={"payments": [str(payment.id) for payment in paying]},
    )


def fee_bookings(order: Order, captured: Sequence[Payment], *, now: datetime) -> list[Booking]:
    """What the gateways kept of captures, whatever became of the captures."""
    return [
        Booking(
            draft=provider_fee(
                gateway=payment.method, amount_minor=payment.fee_minor, currency=order.currency
            ),
            cause_type="payment",
            cause_id=payment.id,
            idempotency_key=str(payment.id),
            order_id=order.id,
            actor=f"gateway:{payment.method}",
            effective_at=now,
        )
        for payment in captured
        if payment.fee_minor
    ]


def parcels_of(order: Order) -> list[SoldParcel]:
    """The order's parts as the ledger sees them: lines, then delivery, each as frozen."""
    return [
        SoldParcel(
            seller_order_id=part.id,
            seller_id=part.seller_id,
            parts=(
                *(
                    SoldPart(
                        order_line_id=line.id,
                        goods_minor=line.goods_minor,
                        tax_minor=line.tax_minor,
                        promotion_minor=line.marketplace_discount_minor,
                        commission_minor=line.commission_minor,
                        commission_vat_minor=line.commission_vat_minor,
                        remitted_to=line.tax_remitted_to,
                    )
                    for line in part.lines
                ),
                SoldPart(
                    order_line_id=None,
                    goods_minor=part.shipping_goods_minor,
                    tax_minor=part.shipping_tax_minor,
                    promotion_minor=part.shipping_marketplace_discount_minor,
                    commission_minor=part.shipping_commission_minor,
                    commission_vat_minor=part.shipping_commission_vat_minor,
                    remitted_to=part.shipping_tax_remitted_to,
                ),
            ),
        )
        for part in order.parts
    ]


def capture_bookings(
    order: Order,
    capture: PaymentCapture,
    *,
    fee_minor: int,
    policy: MarketPolicy,
    now: datetime,
) -> list[Booking]:
    """The sale of what one capture of an order has taken for, and what was kept of it."""
    method = next((one.method for one in order.payments if one.id == capture.payment_id), None)
    parts = [part for part in order.parts if part.id in capture.seller_order_ids]
    draft = sale(
        order_id=order.id,
        currency=order.currency,
        tax_included=order.tax_included,
        captured=[]
        if method is None
        else [GatewayAmount(gateway=method, amount_minor=capture.amount_minor)],
        stored_value_minor=capture.stored_minor,
        parcels=parcels_of(replace(order, parts=tuple(parts))),
        commission_vat_jurisdiction=policy.commission_vat_jurisdiction,
    )
    facts = {"seller_orders": [str(part.id) for part in parts]}
    return caused_by_capture(order, capture, draft=draft, facts=facts, fee_minor=fee_minor, now=now)


def caused_by_capture(
    order: Order,
    capture: PaymentCapture,
    *,
    draft: TransactionDraft,
    facts: Mapping[str, Any],
    fee_minor: int,
    now: datetime,
) -> list[Booking]:
    """What a capture of an order brought, and what its gateway kept of it, whatever became of it.
    Stored value alone has no gateway, and keeps nothing."""
    method = next((one.method for one in order.payments if one.id == capture.payment_id), None)
    common: dict[str, Any] = {
        "cause_type": "capture",
        "cause_id": capture.id,
        "idempotency_key": str(capture.id),
        "order_id": order.id,
        "effective_at": now,
    }
    bookings = []
    if draft.entries:
        bookings.append(Booking(draft=draft, actor="payment", facts=facts, **common))
    if fee_minor and method is not None:
        kept = provider_fee(gateway=method, amount_minor=fee_minor, currency=order.currency)
        bookings.append(Booking(draft=kept, actor=f"gateway:{method}", **common))
    return bookings
