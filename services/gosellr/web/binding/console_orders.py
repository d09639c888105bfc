"""Orders as a shop and the operator read them, and what calling units off would change."""

from collections.abc import Collection, Iterable, Sequence
from typing import Final
from uuid import UUID

from gosellr.models.order_values import ListedOrder, Order, OrderLine, Payment, SellerOrder
from gosellr.services.reduction_plan import Reduction
from gosellr.utils.ids import order_number, seller_order_number
from gosellr.utils.money import Money
from gosellr.utils.offline import BANK_TRANSFER
from gosellr.utils.order_states import OrderStatus, may_cancel
from gosellr.utils.states import Actor, RefundStatus
from gosellr.web.binding import payment_returns
from gosellr.web.binding.bags import options_text
from gosellr.web.binding.orders import BADGES, REFUND_BADGES
from gosellr.web.console_order_views import (
    PaidView,
    ReducedLineView,
    ReductionView,
    SoldLineView,
    SoldOrderView,
    SoldPartView,
    SoldRowView,
)
from gosellr.web.formats import format_money, format_when
from gosellr.web.order_views import AmountRowView, BadgeView
from gosellr.web.views import AttributeView, FormView, LinkView

CHIPS: Final = (
    ("", "All"),
    ("pending_payment", "Waiting for payment"),
    ("paid", "To be packed"),
    ("shipped", "On the way"),
    ("delivered", "Delivered"),
    ("cancelled", "Cancelled"),
)
_METHODS: Final = {
    "sandbox": "Test card", "stripe": "Stripe", "paypal": "PayPal", "gift_card": "Gift card",
    "store_credit": "Store credit", "bank_transfer": "Bank transfer",
    "cash_on_delivery": "Cash at the door",
}  # fmt: skip
_PAYMENT_BADGES: Final = {
    "captured": BadgeView("Paid", "ok", "check"),
    "partially_refunded": BadgeView("Partly sent back", "warn", "undo-2"),
    "refunded": BadgeView("Sent back", "", "undo-2"),
    "authorized": BadgeView("Set aside", "info", "lock"),
    "action_required": BadgeView("Waited for", "warn", "clock"),
    "declined": BadgeView("Refused", "bad", "x"),
    "failed": BadgeView("Failed", "bad", "x"),
    "cancelled": BadgeView("Called off", "", "x"),
    "voided": BadgeView("Given back unused", "", "x"),
    "unknown": BadgeView("Answer missing", "warn", "clock"),
}
_PAYS_NOTHING: Final = BadgeView("Pays for nothing", "warn", "undo-2")
_PAID: Final = BadgeView("Paid for", "ok", "check")
_CHARGED_BACK: Final = BadgeView("Taken back by the bank", "warn", "landmark")
_EARNS: Final = {True: "The shop earns", False: "You earn"}
_NOT_PAID: Final = BadgeView("Not paid for yet", "warn", "clock")


def units_field(line_id: object) -> str:
    """Where it is said how many units of a line are called off."""
    return f"units-{line_id}"


def row(found: ListedOrder, *, base: str, with_names: bool) -> SoldRowView:
    """An order in a list."""
    number = order_number(found.number)
    own = found.parts if not with_names else ()
    total = sum(part["total_minor"] for part in own) if own else found.total_minor
    return SoldRowView(
        href=f"{base}/{number}",
        number=number,
        who=", ".join(part["seller"]["name"] for part in found.parts) if with_names else "",
        placed_at=found.placed_at,
        badge=BADGES[own[0]["status"] if len(own) == 1 else found.status],
        total=Money(total, found.currency),
    )


def order(
    found: Order,
    parts: Sequence[SellerOrder],
    *,
    back: LinkView,
    actor: Actor | None,
    whole: bool,
    may_refund: bool,
    may_give: bool = False,
    may_settle: bool = False,
    charged_back: bool = False,
    links: tuple[LinkView, ...] = (),
) -> SoldOrderView:
    """An order with these of its parts; `actor` is as whom units may be called off, if at all.
    Nothing is refunded while a bank that has taken its money back decides.

    Only where it is shown as a `whole`, its buyer and all payments are. `may_settle` leads from a
    refund on its way to where it is said what became of it.
    """
    number = order_number(found.number)
    told = [
        ("Placed", format_when(found.placed_at, "full")),
        ("Paid", "" if found.paid_at is None else format_when(found.paid_at, "full")),
        ("In all", format_money(found.total_minor, found.currency) if whole else ""),
        ("Buyer", found.email if whole else ""),
        ("Open cases", str(found.open_dispute_count) if whole and found.open_dispute_count else ""),
    ]
    path = f"{back.href}/{number}"
    return SoldOrderView(
        number=number,
        back=back,
        badge=BADGES[found.status if whole or len(parts) != 1 else parts[0].status],
        money_badge=_CHARGED_BACK if charged_back else None,
        facts=tuple(AttributeView(label, value) for label, value in told if value),
        parts=tuple(
            part(
                found,
                one,
                path=path,
                actor=actor,
                whole=whole,
                may_refund=may_refund and not charged_back,
                may_give=may_give,
            )
            for one in parts
        ),
        money=(
            *(_payments(found.payments) if whole else ()),
            *_refunds(found, {one.id for one in parts}, path=path if may_settle else ""),
        ),
        links=links,
    )


def part(
    found: Order,
    one: SellerOrder,
    *,
    path: str,
    actor: Actor | None,
    whole: bool,
    may_refund: bool = False,
    may_give: bool = False,
) -> SoldPartView:
    """A shop's part, with the ways to call units of it off, to refund it and to give its buyer
    credit where that may be."""

    def money(minor: int) -> Money:
        return Money(minor, found.currency)

    paid = found.is_paid_for(one)
    lines = tuple(_line(line, found.currency) for line in one.lines)
    can = (
        actor is not None
        and not paid
        and may_cancel(OrderStatus(one.status), actor)
        and _may_shrink(found, actor)
        and sum(line.quantity for line in one.lines) > 1
        and any(line.can_go for line in lines)
    )
    rows = [
        AmountRowView("Goods", money(one.subtotal_minor)),
        AmountRowView("Discount", money(-one.discount_minor)),
        AmountRowView("Delivery", money(one.shipping_minor)),
        AmountRowView("Tax, included" if found.tax_included else "Tax", money(one.tax_minor)),
    ]
    return SoldPartView(
        id=str(one.id),
        title=one.seller_name,
        number=seller_order_number(order_number(found.number), one.index),
        badge=BADGES[one.status],
        money_badge=_money_badge(one, paid=paid),
        lines=lines,
        rows=tuple(one for one in rows if one.amount.amount),
        total=money(one.total_minor),
        earned=earned(one, whole=whole),
        warning=_warning(found, one, lines, whole=whole),
        call_off_href=f"{path}/parts/{one.id}/call-off" if can else "",
        refund_href=f"{path}/parts/{one.id}/refund"
        if may_refund and paid and one.total_minor > one.refunded_minor
        else "",
        credit_href=f"{path}/parts/{one.id}/credit"
        if may_give and paid and found.user_id is not None
        else "",
    )  # fmt: skip


def _warning(found: Order, one: SellerOrder, lines: Iterable[SoldLineView], *, whole: bool) -> str:
    """That the money of what hasn't left yet may be gone, or couldn't be taken."""
    if not any(line.can_go for line in lines):
        return ""
    is_live = one.status != OrderStatus.CANCELLED
    if is_live and not found.is_paid_for(one) and payment_returns.came_short_at(found, one):
        return (
            "The payment provider took another amount for this than was asked for. That pays for"
            " nothing and goes back to the buyer. It is asked again when this is sent after the"
            " marketplace has closed its case, if enough is still set aside then. Once nothing is,"
            " this is cancelled by itself."
        )
    if not one.charged_back:
        return ""
    who = "the shop has" if whole else "you have"
    return (
        "The buyer's bank has taken the money for this back and hasn't decided yet. If what is"
        f" left is sent now and the bank decides for the buyer, {who} neither goods nor money."
    )


def earned(one: SellerOrder, *, whole: bool) -> tuple[AmountRowView, ...]:
    """From what its buyer pays to what the shop earns by it, as it was sold: all rows but the
    last make up the last, with the total above them."""
    if one.status == OrderStatus.CANCELLED:
        return ()
    commission_minor = one.commission_minor + one.commission_vat_minor
    # A discount that the marketplace bears lowers what is paid, not what is earned.
    added_minor = one.net_minor + commission_minor + one.remitted_minor - one.total_minor
    rows = (
        ("Commission", -one.commission_minor),
        ("VAT on commission", -one.commission_vat_minor),
        ("Tax that the marketplace remits", -one.remitted_minor),
        ("Discount, borne by the marketplace", added_minor),
        (_EARNS[whole] + (", before refunds" if one.refunded_minor else ""), one.net_minor),
    )
    return tuple(AmountRowView(label, Money(minor, one.currency)) for label, minor in rows if minor)


def _may_shrink(found: Order, actor: Actor) -> bool:
    """Whether nobody was asked for all of the order's money. Until it is paid, sellers wait."""
    if found.status != OrderStatus.PENDING_PAYMENT:
        return True
    return actor is not Actor.SELLER and any(
        one.method == BANK_TRANSFER and one.status == "action_required" for one in found.payments
    )


def _money_badge(one: SellerOrder, *, paid: bool) -> BadgeView | None:
    """Whether a part is paid for, where its own state doesn't say so."""
    if one.status == (OrderStatus.PAID if paid else OrderStatus.PENDING_PAYMENT):
        return None
    if one.status == OrderStatus.CANCELLED and not paid:
        return BadgeView("Never paid for", "", "x")
    return _PAID if paid else _NOT_PAID


def _line(line: OrderLine, currency: str) -> SoldLineView:
    said = [
        line.sku,
        options_text(line.options),
        *(
            f"{count} {word}"
            for count, word in (
                (line.called_off_quantity, "called off before payment"),
                (line.refunded_quantity, "refunded"),
                (line.shipped_quantity, "sent"),
            )
            if count
        ),
    ]
    return SoldLineView(
        id=str(line.id),
        title=line.title,
        note=", ".join(filter(None, said)),
        quantity=line.quantity,
        unit_price=Money(line.unit_price_minor, currency),
        total=Money(line.total_minor, currency),
        can_go=max(0, line.quantity - line.shipped_quantity - line.withdrawn_quantity),
    )


_ON_THEIR_WAY = {RefundStatus.PENDING.value, RefundStatus.UNKNOWN.value}


def _refunds(found: Order, part_ids: Collection[UUID], *, path: str) -> Iterable[PaidView]:
    for refund in found.refunds:
        if refund.seller_order_id in part_ids:
            yield PaidView(
                label="Refund",
                badge=REFUND_BADGES.get(refund.status, BadgeView(refund.status)),
                amount=Money(-refund.amount_minor, refund.currency),
                note=refund.reason,
                href=f"{path}/refunds/{refund.id}/outcome"
                if path and refund.status in _ON_THEIR_WAY
                else "",
            )


def method_name(method: str) -> str:
    """What paid, as those who sell call it."""
    return _METHODS.get(method, method.replace("_", " ").capitalize())


def _payments(payments: Iterable[Payment]) -> Iterable[PaidView]:
    """Each attempt, and below it what it took in vain."""
    for payment in payments:
        yield _payment(payment)
        for back in payment.returns:
            yield PaidView(
                label="Taken, and paid for nothing",
                badge=REFUND_BADGES[back.status],
                amount=Money(-back.amount_minor, payment.currency),
                note=payment_returns.why(back, payment.currency),
            )


def _payment(payment: Payment) -> PaidView:
    badge = _PAYMENT_BADGES.get(payment.status)
    if payment.status == "captured" and (payment.returned or not payment.captured_minor):
        badge = _PAYS_NOTHING
    taken = format_money(payment.taken_minor, payment.currency)
    return PaidView(
        label=method_name(payment.method),
        badge=badge or BadgeView(payment.status.replace("_", " ").capitalize()),
        amount=Money(payment.amount_minor, payment.currency),
        note=f"{taken} taken" if 0 < payment.taken_minor < payment.amount_minor else "",
    )


def reduction(planned: Reduction, *, form: FormView) -> ReductionView:
    """What would change: for the buyer, the seller, and the attempt that is waited for."""
    currency, by = planned.order.currency, planned.by

    def money(minor: int) -> Money:
        return Money(minor, currency)

    titles = {line.id: line.title for line in planned.part.lines}
    remitted_minor = planned.remitted_minor
    remitted = AmountRowView("Tax that the marketplace remits", money(-remitted_minor))
    rows = [
        AmountRowView("The buyer pays", money(-by.total_minor)),
        AmountRowView("of it tax", money(-by.tax_minor)),
        AmountRowView(
            "Commission, with its tax", money(-(by.commission_minor + by.commission_vat_minor))
        ),
        *((remitted,) if remitted_minor else ()),
        AmountRowView("The shop earns", money(-by.net_minor)),
    ]
    asked = planned.payment
    note = "What is set aside stays so; less of it is taken, and the rest goes back."
    if asked is not None:
        before, after = (
            format_money(minor, currency)
            for minor in (asked.amount_minor, asked.amount_minor - by.total_minor)
        )
        note = f"The buyer is asked for {after} instead of {before}."
    return ReductionView(
        lines=tuple(
            ReducedLineView(
                title=titles[one.line_id],
                called_off=one.quantity,
                left=one.after.quantity,
                before=money(one.before.total_minor),
                after=money(one.after.total_minor),
            )
            for one in planned.lines
        ),
        rows=tuple(one for one in rows if one.amount.amount),
        total_label=f"{planned.part.seller_name}'s part costs then",
        total=money(planned.part.total_minor - by.total_minor),
        note=note,
        sent=tuple(form.values.items()),
    )
