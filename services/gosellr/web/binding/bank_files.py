"""Files for the bank in words."""

from collections.abc import Sequence
from typing import Final
from uuid import UUID

from gosellr.models.balance_values import BankFile, FiledPayment
from gosellr.services.bank_file_service import Unfit
from gosellr.utils.money import Money
from gosellr.utils.payouts import PayoutStatus
from gosellr.web.binding.payouts import STATUS_BADGES
from gosellr.web.filing_views import BankFileRowView, BankFileView, PaymentView
from gosellr.web.formats import format_when
from gosellr.web.order_views import BadgeView
from gosellr.web.views import AttributeView, FormView

CHIPS: Final = (
    ("", "All"),
    ("made", "At the bank"),
    ("executed", "Carried out"),
    ("rejected", "Refused"),
)
# A form brings so many fields at most; of a longer file, payments are marked one by one.
FAILURES_AT_ONCE: Final = 100
_BADGES = {
    "made": BadgeView("Waits for the bank", "warn", "hourglass"),
    "executed": BadgeView("Carried out", "ok", "check"),
    "rejected": BadgeView("Refused by the bank", "bad", "x"),
}


def row(file: BankFile, *, base: str) -> BankFileRowView:
    """A file in a list."""
    return BankFileRowView(
        href=f"{base}/{file.id}",
        amount=Money(file.amount_minor, file.currency),
        badge=_BADGES[file.status],
        payment_count=file.payment_count,
        made_at=file.made_at,
        pay_on=file.pay_on,
    )


def file_page(
    file: BankFile,
    payments: Sequence[FiledPayment],
    *,
    base: str,
    may_decide: bool,
    form: FormView | None,
) -> BankFileView:
    """A file with its payments, and what may be said of it."""
    is_open = file.status == "made"
    too_many = len(payments) > FAILURES_AT_ONCE
    offers = is_open and may_decide and not too_many
    told = [
        ("Its name at the bank", file.message_id),
        ("Made", format_when(file.made_at, "full")),
        ("To be paid on", format_when(file.pay_on, "date")),
        ("Payments", str(file.payment_count)),
        ("Answered", "" if file.decided_at is None else format_when(file.decided_at, "full")),
        ("Why it was refused", file.reason or ""),
        ("Fingerprint (SHA-256)", file.content_sha256),
    ]
    return BankFileView(
        row=row(file, base=base),
        path=f"{base}/{file.id}",
        facts=tuple(AttributeView(label, value) for label, value in told if value),
        payments=tuple(_payment(one, offers=offers) for one in payments),
        form=form or FormView(),
        may_decide=is_open and may_decide,
        too_many=too_many,
    )


def failure_field(payout_id: UUID) -> str:
    """Where it is said why a payment failed."""
    return f"failed-{payout_id}"


def unfit_words(unfit: Sequence[Unfit]) -> str:
    """What no file can hold."""
    reasons = sorted({one.reason.replace("_", " ") for one in unfit})
    return f"{len(unfit)} payouts can't stand in a file: {', '.join(reasons)}"


def _payment(one: FiledPayment, *, offers: bool) -> PaymentView:
    return PaymentView(
        href=f"/operator/payouts/{one.payout_id}",
        who=one.seller_name,
        amount=Money(one.amount_minor, one.currency),
        badge=STATUS_BADGES[PayoutStatus(one.status)],
        note=(one.failure_reason or "").replace("_", " "),
        field=failure_field(one.payout_id) if offers and one.status == "sent" else "",
    )
