"""An order as the rows it is written in: every figure of the quote, frozen."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, Protocol
from uuid import UUID

from gosellr.core.identity import new_id
from gosellr.queries.market_terms import MarketTerms
from gosellr.services.pricing_service import PricedBasket
from gosellr.utils.commission import (
    CommissionLine,
    CommissionTerms,
    commission_for,
    commission_for_shipping,
)
from gosellr.utils.lazy_dataclasses import dataclass
from gosellr.utils.pricing import QuotedLine, QuotedParcel
from gosellr.utils.tax import without_tax

Row = dict[str, Any]

# A gateway that hasn't answered by then is asked what became of the attempt.
FIRST_CHECK_AFTER = timedelta(seconds=20)


class PaymentTerms(Protocol):
    """What is to be known of a tender."""

    @property
    def method(self) -> str:
        """The gateway's name."""

    @property
    def token(self) -> str | None:
        """What the gateway knows the buyer's instrument by."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Buyer:
    """Who orders, and where it goes."""

    user_id: UUID | None
    token_hash: bytes | None
    email: str
    ip_address: str | None
    shipping_address: Mapping[str, Any]
    billing_address: Mapping[str, Any] | None
    reference: str | None
    cart_id: UUID | None
    coupon_codes: Sequence[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderRows:
    """Rows for one statement."""

    order: Row
    parts: list[Row]
    lines: list[Row]
    payments: list[Row]
    events: list[Row]


def build(
    *,
    order_id: UUID,
    priced: PricedBasket,
    terms: MarketTerms,
    buyer: Buyer,
    amounts: Sequence[tuple[PaymentTerms, int]],
    expires_at: datetime | None,
    now: datetime,
) -> OrderRows:
    """Freeze a priced basket."""
    parts: list[Row] = []
    lines: list[Row] = []
    for index, parcel in enumerate(priced.quote.parcels, start=1):
        part, own_lines = _part_rows(
            order_id=order_id,
            index=index,
            parcel=parcel,
            priced=priced,
            terms=terms,
            first_position=len(lines),
            now=now,
        )
        parts.append(part)
        lines += own_lines
    totals = priced.quote.totals
    return OrderRows(
        order={
            "id": order_id,
            "user_id": buyer.user_id,
            "token_hash": None if buyer.token_hash is None else "\\x" + buyer.token_hash.hex(),
            "cart_id": buyer.cart_id,
            "email": buyer.email,
            "currency": priced.currency,
            "tax_included": priced.quote.tax_included,
            "subtotal_minor": totals.subtotal_minor,
            "discount_minor": totals.discount_total_minor,
            "shipping_minor": totals.shipping_total_minor,
            "tax_minor": totals.tax_total_minor,
            "total_minor": totals.total_minor,
            "shipping_address": buyer.shipping_address,
            "billing_address": buyer.billing_address,
            "coupon_codes": list(buyer.coupon_codes),
            "reference": buyer.reference,
            "ip_address": buyer.ip_address,
            "placed_at": now,
            "expires_at": expires_at,
            "event_count": 1,
        },
        parts=parts,
        lines=lines,
        payments=payment_rows(
            order_id=order_id, currency=priced.currency, amounts=amounts, now=now
        ),
        events=[
            {
                "order_id": order_id,
                "sequence": 1,
                "kind": "placed",
                "to_status": "pending_payment",
                "actor": "buyer",
                "actor_id": buyer.user_id,
                "data": {},
                "at": now,
            }
        ],
    )


def payment_rows(
    *,
    order_id: UUID,
    currency: str,
    amounts: Sequence[tuple[PaymentTerms, int]],
    tender_number: int = 0,
    now: datetime,
) -> list[Row]:
    """One attempt per part; it exists before the gateway is asked, so that none is forgotten."""
    return [
        {
            "id": new_id(),
            "order_id": order_id,
            "method": tender.method,
            "part": part,
            "tender": tender_number,
            "amount_minor": amount_minor,
            "currency": currency,
            "token": tender.token,
            "created_at": now,
            "updated_at": now,
            "check_at": now + FIRST_CHECK_AFTER,
        }
        for part, (tender, amount_minor) in enumerate(amounts)
    ]


def _commission_line(line: QuotedLine, *, priced: PricedBasket, currency: str) -> CommissionLine:
    offer = priced.offers[line.key]  # type: ignore[index]
    return CommissionLine(
        currency=currency,
        seller_id=line.seller_id,
        product_id=offer.product_id,
        category_ids=offer.category_ids,
        goods_minor=line.goods_minor,
        tax_minor=line.tax_minor,
        tax_included=priced.quote.tax_included,
    )


def _part_rows(
    *,
    order_id: UUID,
    index: int,
    parcel: QuotedParcel,
    priced: PricedBasket,
    terms: MarketTerms,
    first_position: int,
    now: datetime,
) -> tuple[Row, list[Row]]:
    part_id = new_id()
    rules = terms.commission_rules
    sold = [
        _commission_line(line, priced=priced, currency=priced.currency) for line in parcel.lines
    ]
    decided = [commission_for(line=line, rules=rules, at=now) for line in sold]
    lines = [
        _line_row(
            order_id=order_id,
            part_id=part_id,
            position=first_position + offset,
            line=line,
            commission=commission,
            priced=priced,
        )
        for offset, (line, commission) in enumerate(zip(parcel.lines, decided, strict=True))
    ]
    shipping = parcel.shipping
    shipping_commission = commission_for_shipping(
        shipping_base_minor=without_tax(
            shipping.net_minor, tax_minor=shipping.tax_minor, included=priced.quote.tax_included
        ),
        lines=sold,
        rules=rules,
        at=now,
    )
    row = {
        "id": part_id,
        "order_id": order_id,
        "seller_id": parcel.seller_id,
        "index": index,
        "currency": priced.currency,
        **_part_figures(parcel, commissions=[*decided, shipping_commission]),
        **_shipping_columns(parcel, commission=shipping_commission, priced=priced),
    }
    return row, lines


def _part_figures(parcel: QuotedParcel, *, commissions: Sequence[CommissionTerms]) -> Row:
    totals = parcel.totals
    commission_minor = sum(one.commission_minor for one in commissions)
    commission_vat_minor = sum(one.vat_minor for one in commissions)
    marketplace_discount_minor = parcel.shipping.marketplace_discount_minor + sum(
        line.marketplace_discount_minor for line in parcel.lines
    )
    return {
        "subtotal_minor": totals.subtotal_minor,
        "discount_minor": totals.discount_total_minor,
        "shipping_minor": totals.shipping_total_minor,
        "tax_minor": totals.tax_total_minor,
        "total_minor": totals.total_minor,
        "commission_minor": commission_minor,
        "commission_vat_minor": commission_vat_minor,
        # What the buyer pays, with the marketplace's own discounts made good, less what it keeps
        # for itself and for those whose tax it remits.
        "net_minor": totals.total_minor
        + marketplace_discount_minor
        - commission_minor
        - commission_vat_minor
        - parcel.shipping.remitted_minor
        - sum(line.remitted_minor for line in parcel.lines),
    }


def _shipping_columns(
    parcel: QuotedParcel, *, commission: CommissionTerms, priced: PricedBasket
) -> Row:
    shipping = parcel.shipping
    option = priced.chosen[parcel.seller_id]
    return {
        "shipping_option": {
            "id": str(option.id),
            "name": option.name,
            "price_minor": option.price_minor,
            "delivery_days": list(option.delivery_days),
        },
        "shipping_seller_discount_minor": shipping.seller_discount_minor,
        "shipping_marketplace_discount_minor": shipping.marketplace_discount_minor,
        "shipping_goods_minor": shipping.net_minor,
        "shipping_tax_rate_bps": shipping.tax_rate_bps,
        "shipping_tax_remitted_to": shipping.tax_remitted_to,
        "shipping_tax_minor": shipping.tax_minor,
        "shipping_total_minor": shipping.total_minor,
        "shipping_commission": commission.as_dict(),
        "shipping_commission_minor": commission.commission_minor,
        "shipping_commission_vat_minor": commission.vat_minor,
    }


def _line_row(
    *,
    order_id: UUID,
    part_id: UUID,
    position: int,
    line: QuotedLine,
    commission: CommissionTerms,
    priced: PricedBasket,
) -> Row:
    offer = priced.offers[line.key]  # type: ignore[index]
    return {
        "id": new_id(),
        "order_id": order_id,
        "seller_order_id": part_id,
        "seller_id": line.seller_id,
        "variant_id": offer.variant_id,
        "product_id": offer.product_id,
        "position": position,
        "sku": offer.sku,
        "title": offer.title,
        "options": offer.options,
        "picture": offer.picture,
        "category_id": offer.category_id,
        "quantity": line.quantity,
        "unit_price_minor": line.unit_price_minor,
        "gross_minor": line.gross_minor,
        "seller_discount_minor": line.seller_discount_minor,
        "marketplace_discount_minor": line.marketplace_discount_minor,
        "goods_minor": line.goods_minor,
        "tax_class": offer.tax_class,
        "tax_rate_bps": line.tax_rate_bps,
        "tax_remitted_to": line.tax_remitted_to,
        "tax_minor": line.tax_minor,
        "total_minor": line.total_minor,
        "weight_grams": offer.weight_grams,
        "commission": commission.as_dict(),
        "commission_minor": commission.commission_minor,
        "commission_vat_minor": commission.vat_minor,
    }
