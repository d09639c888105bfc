"""A refund as whoever asks for it sees it: what can go back, and what that would take from whom."""

from collections import defaultdict
from collections.abc import Mapping
from typing import Any, Final

from gosellr.models.order_values import Order, SellerOrder
from gosellr.services.refund_books import provider_fee_minor
from gosellr.services.refund_plan import PlannedRefund, part_left_minor
from gosellr.services.refund_questions import RefundPreview
from gosellr.services.refund_ways import left_of, payments_of
from gosellr.utils.ids import order_number, seller_order_number
from gosellr.utils.money import Money
from gosellr.web.binding.balances import percent
from gosellr.web.binding.console_orders import method_name
from gosellr.web.console_refund_views import (
    RefundableLineView,
    RefundFormView,
    RefundPreviewView,
    RefundWayView,
)
from gosellr.web.order_views import AmountRowView
from gosellr.web.views import ChoiceView, FormView, LinkView

_PAYERS: Final = (
    ChoiceView("seller", "The shop"),
    ChoiceView("marketplace", "The marketplace, a free amount alone"),
)
_WAYS: Final = (
    ChoiceView("original", "The way it was paid, the last to pay first"),
    ChoiceView("first_paid", "The first to pay first: gift cards and credit"),
)
_TARGETS: Final = (*_WAYS, ChoiceView("store_credit", "Store credit, where the buyer has agreed"))
# From where it is taken, in the order in which it is.
_POTS: Final = (
    ("case_reserve_minor", "The shop, of what a case has frozen"),
    ("pending_minor", "The shop, of what isn't available yet"),
    ("available_minor", "The shop, of what is available"),
    ("reserve_minor", "The shop, of its reserve"),
    ("receivable_minor", "The shop, which owes it from then on"),
)
_OTHERS: Final = (
    ("commission_minor", "The marketplace, of its commission", 1),
    ("commission_vat_minor", "The marketplace, of the VAT on it", 1),
    ("tax_remitted_minor", "The marketplace, of the tax that it remits", 1),
    ("goodwill_minor", "The marketplace, as goodwill", 1),
    ("promotion_minor", "Back to the marketplace: the discount it bore", -1),
    ("goodwill_returned_minor", "Back to the marketplace: goodwill it gave before", -1),
)
_FEE: Final = "Back to the marketplace: what the payment provider kept of the sale"


def units_field(line_id: object) -> str:
    """Where it is said how many units of a line go back."""
    return f"units-{line_id}"


def way_field(payment_id: object) -> str:
    """Where it is said how much goes back through a payment."""
    return f"way-{payment_id}"


def refund_form(
    found: Order,
    part: SellerOrder,
    *,
    path: str,
    back: LinkView,
    form: FormView,
    key: str,
    is_operator: bool,
    preview: RefundPreviewView | None,
    limits: Mapping[str, int] | None = None,
) -> RefundFormView:
    """The form that refunds a part, with what it would do once that was asked. `limits` is by
    currency what rests on operators' single words at most."""
    limit_minor = (limits or {}).get(found.currency)
    delivery_minor = part.shipping_total_minor - part.shipping_refunded_minor
    return RefundFormView(
        title=part.seller_name,
        number=seller_order_number(order_number(found.number), part.index),
        path=path,
        back=back,
        lines=tuple(
            RefundableLineView(
                name=units_field(line.id),
                title=line.title,
                left=line.quantity - line.refunded_quantity,
                unit_price=Money(line.unit_price_minor, found.currency),
            )
            for line in part.lines
            if line.quantity > line.refunded_quantity
        ),
        delivery=Money(delivery_minor, found.currency) if delivery_minor else None,
        left=Money(part_left_minor(part), found.currency),
        payers=_PAYERS if is_operator else (),
        targets=_WAYS if found.user_id is None else _TARGETS,
        ways=_named_ways(found, part) if is_operator else (),
        form=form,
        key=key,
        preview=preview,
        limit=None if limit_minor is None else Money(limit_minor, found.currency),
    )


def _named_ways(found: Order, part: SellerOrder) -> tuple[RefundWayView, ...]:
    """The payments between which there is a choice."""
    ways = tuple(
        RefundWayView(
            way_field(one.id), method_name(one.method), Money(left_of(one), found.currency)
        )
        for one in payments_of(found, part)
        if left_of(one)
    )
    return ways if len(ways) > 1 else ()


def refund_preview(asked: RefundPreview, *, form: FormView) -> RefundPreviewView:
    """What a refund would do."""
    planned, currency = asked.planned, asked.currency

    def money(minor: int) -> Money:
        return Money(minor, currency)

    titles = {line.id: line.title for line in planned.part.lines}
    shipping_minor = planned.shipping.buyer_minor
    lines = [
        AmountRowView(
            titles[key], money(one.buyer_minor), note=f"×{one.quantity}" if one.quantity else ""
        )
        for key, one in planned.lines.items()
    ]
    if shipping_minor:
        lines.append(AmountRowView("Delivery", money(shipping_minor)))
    return RefundPreviewView(
        lines=tuple(lines),
        total=money(planned.amount_minor),
        taxes=tuple(_taxes(planned, currency)),
        given_by=tuple(given_by(asked.effects, currency)),
        ways=tuple(
            AmountRowView(method_name(way.goes_to), money(way.amount_minor))
            for way in asked.ways or ()
        ),
        note=_note(asked),
        sent=tuple(form.values.items()),
        takes_two=asked.takes_two,
    )


def _taxes(planned: PlannedRefund, currency: str) -> list[AmountRowView]:
    """The tax in what goes back, of goods and delivery together: a row for each rate."""
    rates = {line.id: line.tax_rate_bps for line in planned.part.lines}
    by_rate: defaultdict[int, int] = defaultdict(int)
    for key, one in planned.lines.items():
        by_rate[rates[key]] += one.tax_minor
    by_rate[planned.part.shipping_tax_rate_bps] += planned.shipping.tax_minor
    return [
        AmountRowView(f"Tax in it, at {percent(rate_bps)}", Money(minor, currency))
        for rate_bps, minor in sorted(by_rate.items(), reverse=True)
        if minor
    ]


def given_by(effects: Any, currency: str) -> list[AmountRowView]:
    """Who gives how much: all rows together are what the buyer gets."""
    rows = [(label, effects["seller"].get(name, 0)) for name, label in _POTS]
    rows += [(label, sign * effects.get(name, 0)) for name, label, sign in _OTHERS]
    rows.append((_FEE, -provider_fee_minor(effects)))
    return [AmountRowView(label, Money(minor, currency)) for label, minor in rows if minor]


def _note(asked: RefundPreview) -> str:
    """What becomes of the units that haven't left."""
    units = sum(asked.withdrawn.values())
    if not units:
        return ""
    if units == 1:
        then = "goes back on sale" if asked.restock else "is written off"
        return f"1 unit hasn't left yet: it won't be sent any more and {then}."
    then = "go back on sale" if asked.restock else "are written off"
    return f"{units} units haven't left yet: they won't be sent any more and {then}."
