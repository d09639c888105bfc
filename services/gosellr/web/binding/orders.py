"""Orders: parcels with what happens next, the receipt, the money, and what may be done."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from gosellr.core.countries import country_names
from gosellr.models.document_values import IssuedDocument
from gosellr.models.order_values import (
    ListedOrder,
    Order,
    OrderLine,
    SellerOrder,
    Shipment,
)
from gosellr.utils.cancel_reasons import spoken
from gosellr.utils.creditor_reference import in_groups
from gosellr.utils.documents import DocumentKind
from gosellr.utils.ids import order_number
from gosellr.utils.money import Money
from gosellr.utils.order_states import OrderStatus, may_cancel
from gosellr.utils.pricing import Totals
from gosellr.utils.states import Actor
from gosellr.utils.viewer import Viewer
from gosellr.web.binding import payment_returns
from gosellr.web.binding.bags import days_text, options_text, summary
from gosellr.web.binding.order_payments import (
    awaited_transfer,
    awaits_gateway,
    cash_due,
    paid_parts,
    paid_with,
)
from gosellr.web.binding.pictures import hue_of, stored_picture
from gosellr.web.binding.products import product_href
from gosellr.web.binding.sellers import shop_href
from gosellr.web.formats import format_money
from gosellr.web.order_views import (
    ActionView,
    BadgeView,
    CaseLinkView,
    LineView,
    MovedView,
    OrderListView,
    OrderParcelView,
    OrderRowView,
    OrderView,
    ParcelView,
    RefundView,
    SummaryView,
    TimelineStepView,
    TransferView,
)
from gosellr.web.views import LinkView, PagerView, PictureView, SellerView

BADGES = {
    "pending_payment": BadgeView("Waiting for payment", "warn", "clock"),
    "paid": BadgeView("Paid", "ok", "check"),
    "processing": BadgeView("Being packed", "info", "package"),
    "partially_shipped": BadgeView("Partly on the way", "info", "truck"),
    "shipped": BadgeView("On the way", "info", "truck"),
    "delivered": BadgeView("Delivered", "ok", "circle-check"),
    "completed": BadgeView("Completed", "ok", "circle-check"),
    "cancelled": BadgeView("Cancelled", "bad", "x"),
}
REFUND_BADGES = {
    "pending": BadgeView("On its way", "info", "clock"),
    "unknown": BadgeView("On its way", "info", "clock"),
    "succeeded": BadgeView("Sent back", "ok", "check"),
    "failed": BadgeView("We look into it", "warn", "triangle-alert"),
}
_NEXT = {
    "pending_payment": "Your payment arrives",
    "paid": "The shop packs it",
    "processing": "The shop hands it to the carrier",
    "partially_shipped": "The rest is sent",
    "shipped": "It arrives",
}
_PAPERS = {DocumentKind.INVOICE: "Invoice", DocumentKind.CREDIT_NOTE: "Credit note"}
_PICTURES_SHOWN = 3
_CARRIERS_IN_CAPITALS = frozenset({"dhl", "dpd", "gls", "ups", "usps"})


def order_href(number: str) -> str:
    """The address of an order's page."""
    return f"/orders/{number}"


def order(
    found: Order,
    *,
    viewer: Viewer,
    papers: Sequence[IssuedDocument] = (),
    cases: tuple[CaseLinkView, ...] = (),
    moved: tuple[MovedView, ...] = (),
    celebrate: bool = False,
    actions: bool = True,
    charged_back: bool = False,
) -> OrderView:
    """An order as its buyer sees it; while a bank decides about its money, nothing can be done."""
    number = order_number(found.number)
    href = order_href(number)
    waits = awaits_gateway(found)
    transfer = awaited_transfer(found)
    return OrderView(
        number=number,
        placed_at=found.placed_at,
        badge=BADGES[found.status],
        parcels=tuple(
            _parcel(found, part, index, papers, viewer=viewer)
            for index, part in enumerate(found.parts, start=1)
        ),
        cases=cases,
        moved=moved,
        summary=order_summary(found),
        paid_with=paid_with(found.payments),
        paid_parts=paid_parts(found),
        first_name=str(found.shipping_address.get("name") or "").split(" ")[0],
        address_lines=address_lines(found.shipping_address),
        refunds=_gone_back(found),
        actions=_actions(found, viewer, href) if actions and not charged_back else (),
        charged_back=charged_back,
        celebrate=celebrate and (found.paid_at is not None or found.status == "processing"),
        pending_payment=waits,
        poll_href=href if waits else "",
        pay_href="" if waits or transfer else payment_href(found),
        cash_due=cash_due(found),
        gift_href="" if found.parts else f"{href}/gift-card",
        transfer=None
        if transfer is None
        else TransferView(
            iban=in_groups(transfer.iban),
            bic=transfer.bic,
            holder=transfer.holder,
            reference=in_groups(transfer.reference),
            amount=transfer.amount,
            pay_by=found.expires_at,
            other_way_href=f"{href}/pay",
        ),
    )


def _gone_back(found: Order) -> tuple[RefundView, ...]:
    """Refunds, then what was taken and paid for nothing."""
    refunds = [
        RefundView(
            at=refund.created_at,
            amount=Money(-refund.amount_minor, refund.currency),
            reason=refund.reason,
            badge=REFUND_BADGES[refund.status],
        )
        for refund in found.refunds
    ]
    astray = [
        RefundView(
            at=back.created_at,
            amount=Money(-back.amount_minor, payment.currency),
            reason=payment_returns.why(back, payment.currency),
            badge=REFUND_BADGES[back.status],
        )
        for payment in found.payments
        for back in payment.returns
    ]
    return (*refunds, *astray)


def payment_href(found: Order) -> str:
    """Where the buyer goes to pay what isn't paid yet; empty when nothing is to be done."""
    if found.status != "pending_payment":
        return ""
    if awaited_transfer(found) is not None:
        # Its page says where to pay.
        return order_href(order_number(found.number))
    for payment in found.payments:
        if payment.status == "action_required" and payment.action_url:
            return payment.action_url
    return f"{order_href(order_number(found.number))}/pay"


def order_list(
    found: Sequence[ListedOrder], *, next_href: str = "", previous_href: str = ""
) -> OrderListView:
    """A buyer's orders, newest first."""
    return OrderListView(
        orders=tuple(
            OrderRowView(
                number=order_number(one.number),
                href=order_href(order_number(one.number)),
                placed_on=one.placed_at.date(),
                badge=BADGES[one.status],
                total=Money(one.total_minor, one.currency),
                parcel_count=len(one.parts),
                pictures=_pictures(one),
                what=", ".join(part["seller"]["name"] for part in one.parts) or "Gift card",
            )
            for one in found
        ),
        pager=PagerView(next_href=next_href, previous_href=previous_href),
    )


def _pictures(listed: ListedOrder) -> tuple[PictureView, ...]:
    """A glance at what was ordered."""
    pictures = [one for part in listed.parts for one in part["pictures"] or ()]
    return tuple(
        picture
        for one in pictures[:_PICTURES_SHOWN]
        if (picture := stored_picture(one["path"], hue=hue_of(one["product_id"]))) is not None
    )


def order_summary(found: Order) -> SummaryView:
    """What an order came to."""
    totals = Totals(
        subtotal_minor=found.subtotal_minor,
        discount_total_minor=found.discount_minor,
        shipping_total_minor=found.shipping_minor,
        tax_total_minor=found.tax_minor,
        total_minor=found.total_minor,
    )
    return summary(
        totals,
        currency=found.currency,
        tax_included=found.tax_included,
        units=sum(line.quantity for line in found.lines),
        parcel_count=len(found.parts),
        codes=found.coupon_codes,
    )


def plain_parcels(found: Order) -> tuple[ParcelView, ...]:
    """The parcels of an order where nothing can be chosen any more."""
    return tuple(
        ParcelView(number=number, seller=_seller(part), lines=_lines(part.lines, found.currency))
        for number, part in enumerate(found.parts, start=1)
    )


def address_lines(address: Mapping[str, Any], *, locale: str = "en") -> tuple[str, ...]:
    """An address, line by line."""
    country = dict(country_names(locale)).get(str(address.get("country")), address.get("country"))
    town = " ".join(str(address.get(part) or "") for part in ("postal_code", "city")).strip()
    parts = [address.get("name"), address.get("line1"), address.get("line2"), town]
    return tuple(str(part) for part in (*parts, address.get("region"), country) if part)


def _seller(part: SellerOrder) -> SellerView:
    return SellerView(name=part.seller_name, href=shop_href(part.seller_slug))


def _lines(lines: Iterable[OrderLine], currency: str) -> tuple[LineView, ...]:
    return tuple(
        LineView(
            id=str(line.id),
            title=line.title,
            # By its id: the listing may have another address since.
            href=f"{product_href(str(line.product_id))}?variant={line.variant_id}",
            quantity=line.quantity,
            unit_price=Money(line.unit_price_minor, currency),
            total=Money(line.gross_minor, currency),
            available=0,
            picture=stored_picture(line.picture, hue=hue_of(str(line.product_id))),
            options=options_text(line.options),
        )
        for line in lines
        # What was called off whole isn't part of it any more.
        if line.quantity
    )


def _parcel(
    found: Order,
    part: SellerOrder,
    number: int,
    papers: Sequence[IssuedDocument],
    *,
    viewer: Viewer,
) -> OrderParcelView:
    href = order_href(order_number(found.number))
    tracked = next((one for one in reversed(part.shipments) if one.followed_at), None)
    return OrderParcelView(
        number=number,
        seller=_seller(part),
        badge=BADGES[part.status],
        lines=_lines(part.lines, found.currency),
        timeline=_timeline(found, part),
        tracking=None
        if tracked is None or not str(tracked.followed_at).startswith("https://")
        else LinkView(f"Track with {_carrier(tracked)}", str(tracked.followed_at)),
        actions=_part_actions(found, part, viewer, href),
        papers=(
            *(
                LinkView(f"{_PAPERS[one.kind]} {one.number}", f"{href}/documents/{one.id}")
                for one in papers
                if one.seller_id == part.seller_id and one.kind in _PAPERS
            ),
            *(
                LinkView(
                    "Packing list" if len(part.shipments) == 1 else f"Packing list {place}",
                    f"{href}/shipments/{one.id}/packing-slip",
                )
                for place, one in enumerate(part.shipments, start=1)
            ),
        ),
    )


def _part_actions(
    found: Order, part: SellerOrder, viewer: Viewer, href: str
) -> tuple[ActionView, ...]:
    """What the buyer may do about a parcel: say that something is wrong with it."""
    is_buyer = viewer.user_id == found.user_id and found.whole
    if not is_buyer or found.paid_at is None or part.status == "cancelled":
        return ()
    line = part.lines[0].id if len(part.lines) == 1 else ""
    query = f"?line={line}" if line else ""
    return (ActionView("Report a problem", f"{href}/problems/new{query}", icon="flag"),)


def _timeline(found: Order, part: SellerOrder) -> tuple[TimelineStepView, ...]:
    """What happens next, then what happened, newest first."""
    steps: list[TimelineStepView] = []
    if part.status in _NEXT:
        steps.append(TimelineStepView(_NEXT[part.status], note=_promise(part), upcoming=True))
    happened: list[tuple[datetime | None, str, str]] = [
        (part.cancelled_at, "Cancelled", spoken(part.cancel_reason)),
        (part.delivered_at, "Arrived", ""),
        *(
            (one.shipped_at, "Sent", " ".join(filter(None, (_carrier(one), one.tracking_number))))
            for one in reversed(part.shipments)
        ),
        (payment_returns.came_short_at(found, part), *payment_returns.CAME_SHORT),
        (_since(found, part, "processing"), "The shop began to pack it", ""),
        (found.paid_at, "Paid", ""),
        (found.placed_at, "Ordered", ""),
    ]
    done = [(at, title, note) for at, title, note in happened if at is not None]
    steps += [TimelineStepView(title, at=at, note=note) for at, title, note in done]
    return tuple(steps)


def _carrier(shipment: Shipment) -> str:
    """A carrier as it writes itself; sellers and programs write it in any way."""
    name = shipment.carrier
    if name.lower() in _CARRIERS_IN_CAPITALS:
        return name.upper()
    return name[:1].upper() + name[1:]


def _since(found: Order, part: SellerOrder, status: str) -> datetime | None:
    return next(
        (
            event.at
            for event in found.events
            if event.seller_order_id == part.id and event.to_status == status
        ),
        None,
    )


def _promise(part: SellerOrder) -> str:
    if part.status in ("shipped", "partially_shipped"):
        days = part.shipping_option.get("delivery_days")
        return days_text((int(days[0]), int(days[1]))) if days else ""
    return ""


def _actions(found: Order, viewer: Viewer, href: str) -> tuple[ActionView, ...]:
    """What the buyer may still do: cancel, until the first parcel is sent."""
    is_buyer = viewer.user_id == found.user_id
    live = [part for part in found.parts if part.status != "cancelled"]
    if not (is_buyer and live and found.whole):
        return ()
    if not all(may_cancel(OrderStatus(part.status), Actor.BUYER) for part in live):
        return ()
    back = found.captured_minor - found.refunded_minor
    label = "Cancel this order"
    if back:
        label = f"Cancel and get {format_money(back, found.currency)} back"
    return (ActionView(label, f"{href}/cancel", method="post", icon="x"),)
