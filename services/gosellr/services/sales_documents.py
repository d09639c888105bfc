"""A sale on paper: the seller's invoice once it is paid, a credit note for each refund."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from gosellr.core.db import Connection
from gosellr.core.errors import NotFound
from gosellr.models.document_values import SellerIdentity
from gosellr.models.order_values import Order, OrderLine, Refund, SellerOrder, Shipment
from gosellr.models.sold_values import SoldLine, SoldPart
from gosellr.queries import documents, orders, sold_parts
from gosellr.services import document_register
from gosellr.services.document_parties import address_party, seller_party
from gosellr.services.document_register import DocumentDraft
from gosellr.services.seller_scope import require_in_seller
from gosellr.utils.documents import DocumentKind, language_of
from gosellr.utils.ids import order_number, seller_order_number
from gosellr.utils.permissions import Permission
from gosellr.utils.tax_summary import (
    taxed_amounts,
    taxes_by_jurisdiction,
    taxes_by_rate,
    totals_of,
)
from gosellr.utils.viewer import Viewer


async def issue_invoices(
    connection: Connection, *, order_ids: Sequence[UUID], now: datetime
) -> list[UUID]:
    """The invoices of paid orders, one per seller; those that exist are left as they are."""
    found = await sold_parts.of_orders(connection, order_ids=order_ids)
    sold = [part for part in found if part.is_paid_for]
    if not sold:
        return []
    seller_ids = {part.seller_id for part in sold}
    sellers = await documents.sellers(connection, seller_ids=list(seller_ids))
    drafts = [_invoice(part, sellers[part.seller_id]) for part in sold]
    return await document_register.issue(connection, drafts=drafts, now=now)


async def issue_credit_note(
    connection: Connection, *, refund_id: UUID, now: datetime
) -> UUID | None:
    """The credit note of a refund that reached its buyer, after the invoice that it corrects.

    None for one that the marketplace bears, because the sale stands as it was.
    """
    order_id = await documents.order_of_refund(connection, refund_id=refund_id)
    order = None if order_id is None else await orders.load(connection, order_id=order_id)
    if order_id is None or order is None:
        return None
    refund = next(one for one in order.refunds if one.id == refund_id)
    if refund.status != "succeeded" or refund.borne_by != "seller":
        return None
    await issue_invoices(connection, order_ids=[order_id], now=now)
    invoice = await documents.find_by_cause(
        connection, kind=DocumentKind.INVOICE, cause_key=str(refund.seller_order_id)
    )
    if invoice is None:
        raise RuntimeError(f"refund {refund_id} is of a sale that was never paid")
    part = next(one for one in order.parts if one.id == refund.seller_order_id)
    sellers = await documents.sellers(connection, seller_ids=[part.seller_id])
    draft = _credit_note(
        order, part, refund, seller=sellers[part.seller_id], invoice_number=invoice.number
    )
    [document_id] = await document_register.issue(connection, drafts=[draft], now=now)
    return document_id


async def packing_slip(
    connection: Connection, *, viewer: Viewer, order_id: UUID, shipment_id: UUID
) -> dict[str, Any]:
    """What is in a parcel and where it goes, without any price.

    Raises:
        NotFound: the viewer sees no such parcel.
        NotAllowed: parcels are none of the viewer's business in this shop.
    """
    order = await orders.find(connection, viewer=viewer, order_id=order_id)
    found = [] if order is None else [
        (part, parcel) for part in order.parts for parcel in part.shipments
        if parcel.id == shipment_id
    ]  # fmt: skip
    if order is None or not found:
        raise NotFound
    [(part, parcel)] = found
    if not order.whole:
        require_in_seller(viewer, seller_id=part.seller_id, permission=Permission.SHIPMENT_READ)
    return _slip(order, part, parcel, issuer=await _sold_by(connection, part))


async def _sold_by(connection: Connection, part: SellerOrder) -> Mapping[str, Any]:
    """The seller under the name that it had at the sale, by its invoice; before there is one, under
    that of today."""
    invoice = await documents.find_by_cause(
        connection, kind=DocumentKind.INVOICE, cause_key=str(part.id)
    )
    if invoice is not None:
        issuer: Mapping[str, Any] = invoice.content["issuer"]
        return issuer
    sellers = await documents.sellers(connection, seller_ids=[part.seller_id])
    return seller_party(sellers[part.seller_id])


def _head(
    seller: SellerIdentity,
    *,
    order_number: str,
    index: int,
    currency: str,
    tax_included: bool,
    billed_to: Mapping[str, Any],
) -> dict[str, Any]:
    return {
        "language": language_of(str(billed_to.get("country") or "")),
        "currency": currency,
        "tax_included": tax_included,
        "issuer": seller_party(seller),
        "recipient": address_party(billed_to),
        "order_number": order_number,
        "seller_order_number": seller_order_number(order_number, index),
    }


def _draft(
    kind: DocumentKind,
    content: dict[str, Any],
    *,
    part: SellerOrder | SoldPart,
    cause_key: str,
) -> DocumentDraft:
    return DocumentDraft(
        kind=kind,
        issuer=str(part.seller_id),
        cause_key=cause_key,
        seller_id=part.seller_id,
        order_id=part.order_id,
        currency=content["currency"],
        total_minor=content["totals"]["payable_minor"],
        content={"kind": kind.value, **content},
    )


def _invoice(part: SoldPart, seller: SellerIdentity) -> DocumentDraft:
    lines = [_sold(line, tax_included=part.tax_included) for line in part.lines if line.quantity]
    if part.shipping_goods_minor or part.shipping_tax_minor:
        lines.append(_delivered(part))
    promotion_minor = part.shipping_marketplace_discount_minor + sum(
        line.marketplace_discount_minor for line in part.lines
    )
    totals = totals_of(lines, promotion_minor=promotion_minor)
    if totals["payable_minor"] != part.total_minor:
        raise RuntimeError(f"seller order {part.id} costs {part.total_minor}, not {totals}")
    head = _head(
        seller,
        order_number=order_number(part.order_number),
        index=part.index,
        currency=part.currency,
        tax_included=part.tax_included,
        billed_to=part.billing_address or part.shipping_address,
    )
    content = {
        **head,
        "supplied_at": (part.captured_at or part.paid_at or part.placed_at).isoformat(),
        "lines": lines,
        "taxes": taxes_by_rate(lines),
        **_remitted(lines),
        "totals": totals,
    }
    return _draft(DocumentKind.INVOICE, content, part=part, cause_key=str(part.id))


def _sold(line: SoldLine, *, tax_included: bool) -> dict[str, Any]:
    return {
        **_named(line),
        "quantity": line.quantity,
        "unit_price_minor": line.unit_price_minor,
        "discount_minor": line.seller_discount_minor,
        **_taxed(line.tax_rate_bps, line.tax_remitted_to),
        **taxed_amounts(
            goods_minor=line.goods_minor, tax_minor=line.tax_minor, tax_included=tax_included
        ),
    }


def _taxed(rate_bps: int, remitted_to: str | None) -> dict[str, Any]:
    """A line's rate, and who gets the tax where not its seller remits it."""
    remitted = {} if remitted_to is None else {"tax_remitted_to": remitted_to}
    return {"tax_rate_bps": rate_bps, **remitted}


def _remitted(lines: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """The tax that the marketplace remits, where it remits any."""
    remitted = taxes_by_jurisdiction(lines)
    return {"taxes_remitted": remitted} if remitted else {}


def _named(line: OrderLine | SoldLine) -> dict[str, Any]:
    return {
        "kind": "goods",
        "sku": line.sku,
        "title": line.title,
        "options": ", ".join(str(value) for value in line.options.values()),
    }


def _delivered(part: SoldPart) -> dict[str, Any]:
    return {
        **_delivery(part),
        "quantity": 1,
        "unit_price_minor": part.shipping_goods_minor + part.shipping_seller_discount_minor,
        "discount_minor": part.shipping_seller_discount_minor,
        **_taxed(part.shipping_tax_rate_bps, part.shipping_tax_remitted_to),
        **taxed_amounts(
            goods_minor=part.shipping_goods_minor,
            tax_minor=part.shipping_tax_minor,
            tax_included=part.tax_included,
        ),
    }


def _delivery(part: SellerOrder | SoldPart) -> dict[str, Any]:
    name = str(part.shipping_option.get("name") or "")
    return {"kind": "delivery", "sku": "", "title": name, "options": ""}


def _credit_note(
    order: Order,
    part: SellerOrder,
    refund: Refund,
    *,
    seller: SellerIdentity,
    invoice_number: str,
) -> DocumentDraft:
    about = {
        "corrects": invoice_number,
        "reason": refund.reason,
        "supplied_at": (refund.finished_at or refund.created_at).isoformat(),
    }
    return draft_of_shares(
        DocumentKind.CREDIT_NOTE, order=order, part=part, shares=refund.lines, seller=seller,
        cause_key=str(refund.id), about=about,
    )  # fmt: skip


def draft_of_shares(
    kind: DocumentKind,
    *,
    order: Order,
    part: SellerOrder,
    shares: Sequence[Mapping[str, Any]],
    seller: SellerIdentity,
    cause_key: str,
    about: Mapping[str, Any],
) -> DocumentDraft:
    """A paper of shares of a part, as refunds keep them, with what is told about it besides."""
    lines = _returned(order, part, shares)
    promotion_minor = sum(int(share["marketplace_discount_minor"]) for share in shares)
    head = _head(
        seller,
        order_number=order_number(order.number),
        index=part.index,
        currency=order.currency,
        tax_included=order.tax_included,
        billed_to=order.billing_address or order.shipping_address,
    )
    content = {
        **head,
        **about,
        "lines": lines,
        "taxes": taxes_by_rate(lines),
        **_remitted(lines),
        "totals": totals_of(lines, promotion_minor=promotion_minor),
    }
    return _draft(kind, content, part=part, cause_key=cause_key)


def _returned(
    order: Order, part: SellerOrder, shares: Sequence[Mapping[str, Any]]
) -> list[dict[str, Any]]:
    sold = {str(line.id): line for line in part.lines}
    lines = []
    for share in shares:
        line = sold.get(str(share["order_line_id"]))
        taxed = (
            _taxed(part.shipping_tax_rate_bps, part.shipping_tax_remitted_to)
            if line is None
            else _taxed(line.tax_rate_bps, line.tax_remitted_to)
        )
        lines.append(
            {
                **(_delivery(part) if line is None else _named(line)),
                "quantity": share["quantity"],
                **taxed,
                **taxed_amounts(
                    goods_minor=share["goods_minor"],
                    tax_minor=share["tax_minor"],
                    tax_included=order.tax_included,
                ),
            }
        )
    return lines


def _slip(
    order: Order, part: SellerOrder, parcel: Shipment, *, issuer: Mapping[str, Any]
) -> dict[str, Any]:
    lines: dict[str, OrderLine] = {str(line.id): line for line in part.lines}
    number = order_number(order.number)
    items: Sequence[dict[str, Any]] = [
        {**_named(lines[str(item["order_item_id"])]), "quantity": item["quantity"]}
        for item in parcel.items
    ]
    return {
        "kind": "packing_slip",
        "language": language_of(str(order.shipping_address.get("country") or "")),
        "issuer": issuer,
        "recipient": address_party(order.shipping_address),
        "order_number": number,
        "seller_order_number": seller_order_number(number, part.index),
        "carrier": parcel.carrier,
        "tracking_number": parcel.tracking_number or "",
        "shipped_at": parcel.shipped_at.isoformat(),
        "lines": items,
    }
