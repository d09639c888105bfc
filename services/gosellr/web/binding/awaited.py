"""Money that is waited for in words: transfers, refunds by hand, cash at doors."""

from datetime import datetime
from typing import Final

from gosellr.flows.bank_transfers import ToSend
from gosellr.models.offline_values import AwaitedCash, AwaitedTransfer
from gosellr.models.reconciliation_values import Movement
from gosellr.utils.ids import order_number
from gosellr.utils.money import Money
from gosellr.utils.receipts import ReceiptOutcome
from gosellr.utils.reconciliation import MovementStatus, Resolution
from gosellr.web.awaited_views import AwaitedRowView, AwaitedView
from gosellr.web.formats import format_money, format_when
from gosellr.web.order_views import BadgeView
from gosellr.web.views import AttributeView, FormView, LinkView

TRANSFERS: Final = "/operator/transfers"
CASH: Final = "/operator/cash"
ORDERS: Final = "/operator/orders"
CHIPS: Final = (
    ("", "Expected"),
    ("suspense", "To be decided"),
    ("refunds", "To be sent back"),
)
EMPTY: Final = {
    "": ("No transfer is expected", "Until"),
    "suspense": ("No transfer waits for a decision", "Arrived"),
    "refunds": ("Nothing has to be sent back", "Since"),
}
_OUTCOMES = {
    ReceiptOutcome.SURPLUS: BadgeView("Too much", "warn", "plus"),
    ReceiptOutcome.PART: BadgeView("Too little", "warn", "hourglass"),
    ReceiptOutcome.LATE: BadgeView("Too late", "warn", "clock"),
    ReceiptOutcome.UNMATCHED: BadgeView("Nobody's", "bad", "circle-alert"),
}
_UNKNOWN = BadgeView("In suspense", "warn", "hourglass")
_PARTS = {
    "shipped": BadgeView("On its way", "info", "truck"),
    "partially_shipped": BadgeView("Partly on its way", "info", "truck"),
}
_PACKING = BadgeView("Not sent yet", "", "package")


def transfer(found: AwaitedTransfer, *, now: datetime) -> AwaitedRowView:
    """A transfer that a buyer was asked for."""
    badge = BadgeView("Expected", "info", "clock")
    note = found.reference or ""
    if found.arrived_minor:
        badge = _OUTCOMES[ReceiptOutcome.PART]
        note = f"{note}, {format_money(found.arrived_minor, found.currency)} arrived"
    if found.expires_at <= now:
        badge = BadgeView("Overdue", "bad", "clock")
    return AwaitedRowView(
        title=order_number(found.order_number),
        note=note,
        badge=badge,
        amount=Money(found.amount_minor, found.currency),
        href=f"{ORDERS}/{order_number(found.order_number)}",
        at=found.expires_at,
    )


def receipt_row(found: Movement) -> AwaitedRowView:
    """A transfer of which something waits for a decision."""
    is_known = found.note in set(ReceiptOutcome)
    outcome = ReceiptOutcome(found.note) if is_known and found.note else None
    return AwaitedRowView(
        title=found.reference,
        note=found.related or "",
        badge=_UNKNOWN if outcome is None else _OUTCOMES.get(outcome, _UNKNOWN),
        amount=Money(found.unexplained_minor, found.currency),
        href=f"{TRANSFERS}/receipts/{found.id}",
        at=found.occurred_at,
    )


def receipt(found: Movement, *, may_decide: bool, form: FormView | None) -> AwaitedView:
    """Such a transfer with what may be done: say whose it is, or that it was sent back."""
    waits = (
        found.status is MovementStatus.RESOLVED
        and found.resolution is Resolution.SUSPENSE
        and found.cleared_at is None
    )
    told = [
        ("The bank's name of it", found.reference),
        ("What was written", found.related or ""),
        ("Arrived", format_when(found.occurred_at, "date")),
        ("In all", format_money(found.amount_minor, found.currency)),
        ("Decided", "" if found.cleared_at is None else format_when(found.cleared_at, "full")),
    ]
    return AwaitedView(
        row=receipt_row(found),
        path=f"{TRANSFERS}/receipts/{found.id}",
        back=LinkView("Transfers to be decided", f"{TRANSFERS}?view=suspense"),
        facts=_facts(told),
        form=form or FormView(),
        can=frozenset({"assign", "return"}) if waits and may_decide else frozenset(),
    )


def refund_row(found: ToSend) -> AwaitedRowView:
    """Money that a person has to send back."""
    back = found.refund
    badge = BadgeView("To be sent", "warn", "send")
    if not back.is_open:
        sent = back.status == "succeeded"
        badge = BadgeView("Sent", "ok", "check") if sent else BadgeView("Not sent", "bad", "x")
    elif found.account is None:
        badge = BadgeView("Account unknown", "bad", "circle-alert")
    return AwaitedRowView(
        title=order_number(back.order_number),
        note="A refund" if back.kind == "refund" else "It paid for nothing",
        badge=badge,
        amount=Money(back.amount_minor, back.currency),
        href=f"{TRANSFERS}/refunds/{back.id}",
        at=back.created_at,
    )


def refund(found: ToSend, *, may_send: bool, form: FormView | None) -> AwaitedView:
    """Such money with where it goes, and what may be said of it."""
    account, back = found.account, found.refund
    told = [
        ("Order", order_number(back.order_number)),
        ("To", "" if account is None else account.holder or ""),
        ("IBAN", "" if account is None else account.iban or ""),
        ("Since", format_when(back.created_at, "full")),
        ("The bank's name of it", back.reference or ""),
    ]
    can = {"send", "fail"} if back.is_open and may_send else set()
    if can and account is None:
        can.add("name")
    return AwaitedView(
        row=refund_row(found),
        path=f"{TRANSFERS}/refunds/{back.id}",
        back=LinkView("To be sent back", f"{TRANSFERS}?view=refunds"),
        facts=_facts(told),
        form=form or FormView(),
        can=frozenset(can),
    )


def cash_row(found: AwaitedCash) -> AwaitedRowView:
    """A parcel that is paid at the door."""
    return AwaitedRowView(
        title=order_number(found.order_number),
        note=found.seller_name,
        badge=_PARTS.get(found.status, _PACKING),
        amount=Money(found.amount_minor, found.currency),
        href=f"{CASH}/{found.seller_order_id}",
        at=found.placed_at,
    )


def cash(found: AwaitedCash, *, may_hand: bool, form: FormView | None) -> AwaitedView:
    """Such a parcel with what may have happened at the door."""
    told = [
        ("Order", order_number(found.order_number)),
        ("Seller", found.seller_name),
        ("Placed", format_when(found.placed_at, "full")),
    ]
    return AwaitedView(
        row=cash_row(found),
        path=f"{CASH}/{found.seller_order_id}",
        back=LinkView("Cash at the door", CASH),
        facts=_facts(told),
        form=form or FormView(),
        can=frozenset({"receive", "refuse"})
        if may_hand and found.status in _PARTS
        else frozenset(),
    )


def _facts(told: list[tuple[str, str]]) -> tuple[AttributeView, ...]:
    return tuple(AttributeView(label, value) for label, value in told if value)
