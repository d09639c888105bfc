"""The money of an order as its buyer sees it: what paid, and what is still waited for."""

from collections.abc import Iterable

from gosellr.models.order_values import Order, Payment
from gosellr.utils.money import Money
from gosellr.utils.payto import Transfer, read_payto
from gosellr.web.order_views import AmountRowView

_METHODS = {
    "sandbox": "test card",
    "stripe": "Stripe",
    "paypal": "PayPal",
    "cash_on_delivery": "cash",
}
# The attempts of which nobody knows yet what becomes of them.
_OPEN = frozenset({"created", "unknown"})


def awaits_gateway(found: Order) -> bool:
    """Whether a gateway has yet to say what became of a payment."""
    return found.status == "pending_payment" and any(
        payment.status in _OPEN for payment in found.payments
    )


def cash_due(found: Order) -> Money | None:
    """What is still to be paid at the door; None where that is nothing."""
    awaited = [
        one.amount_minor
        for one in found.payments
        if one.method == "cash_on_delivery" and one.status == "authorized"
    ]
    return Money(sum(awaited), found.currency) if awaited else None


def awaited_transfer(found: Order) -> Transfer | None:
    """The bank transfer that an order waits for."""
    if found.status != "pending_payment":
        return None
    waiting = (one.action_url for one in found.payments if one.status == "action_required")
    return next((transfer for url in waiting if (transfer := read_payto(url))), None)


def paid_with(payments: Iterable[Payment]) -> str:
    """With what an order was paid, in words; empty before it is."""
    taken = dict.fromkeys(
        _METHODS.get(payment.method, payment.method.replace("_", " "))
        for payment in payments
        if payment.captured_minor and not payment.returned
    )
    return " and ".join(taken)


def paid_parts(found: Order) -> tuple[AmountRowView, ...]:
    """How much each way to pay gave, and what is set aside until the rest is paid; none where
    one way paid it all."""
    rows = tuple(
        AmountRowView(
            label=_METHODS.get(payment.method, payment.method.replace("_", " ")).capitalize(),
            amount=Money(payment.amount_minor, payment.currency),
            note="" if payment.captured_minor else "set aside",
        )
        for payment in found.payments
        if (payment.captured_minor and not payment.returned)
        or (payment.account and payment.status == "authorized")
    )
    return rows if len(rows) > 1 or any(row.note for row in rows) else ()
