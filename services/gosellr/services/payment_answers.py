"""What gateways answer of attempts to pay, and what the attempts become by it."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Protocol
from uuid import UUID

from gosellr.models.order_values import Order, Payment
from gosellr.queries.payments import AttemptAnswer
from gosellr.utils.captures import AT_SHIPMENT
from gosellr.utils.lazy_dataclasses import dataclass, replace
from gosellr.utils.offline import CASH_ON_DELIVERY
from gosellr.utils.order_states import OrderStatus
from gosellr.utils.payment_plan import DEAD, Attempt
from gosellr.utils.states import PAYMENT_STATES, PaymentStatus
from gosellr.utils.stored_value import STORED_METHODS

_FINAL = frozenset(
    {
        PaymentStatus.CAPTURED,
        PaymentStatus.DECLINED,
        PaymentStatus.VOIDED,
        PaymentStatus.EXPIRED,
    }
)
_JUST_AUTHORIZED = frozenset({PaymentStatus.AUTHORIZED})
_STANDING = frozenset({PaymentStatus.AUTHORIZED, PaymentStatus.CAPTURED})
_CHECK_AGAIN_FIRST = timedelta(seconds=5)
_CHECK_AGAIN_AT_MOST = timedelta(minutes=5)


@dataclass(frozen=True, slots=True, kw_only=True)
class GatewayAnswer:
    """What a gateway said of an attempt. Status None leaves it open what became of it.

    `sent` says that the attempt was sent, and not only asked after.
    """

    payment_id: UUID
    status: PaymentStatus | None
    sent: bool = False
    captured_minor: int = 0
    fee_minor: int = 0
    gateway_reference: str | None = None
    decline_code: str | None = None
    action_url: str | None = None
    # Of money that is set aside: until when, and whether it may be taken piece by piece.
    authorized_until: datetime | None = None
    captures_many: bool = False


class Payable(Protocol):
    """What has to be known of an order to say how it stands with its money."""

    @property
    def status(self) -> str:
        """The order's own status."""

    @property
    def paid_at(self) -> datetime | None:
        """When it was paid in full."""

    @property
    def total_minor(self) -> int:
        """What it costs."""

    @property
    def expires_at(self) -> datetime | None:
        """Until when its goods are held, while it waits for its money."""

    @property
    def payments(self) -> tuple[Payment, ...]:
        """Every attempt to pay it."""

    @property
    def capture_at(self) -> str:
        """Whether its money is taken at once, or as its goods leave."""

    @property
    def captured_minor(self) -> int:
        """What was taken for it."""

    @property
    def awaits_capture(self) -> bool:
        """Whether any of its money is still to be taken."""


def attempts_of(order: Payable) -> list[Attempt]:
    """The order's attempts as the plan sees them."""
    return [
        Attempt(
            id=payment.id,
            amount_minor=payment.amount_minor,
            status=PaymentStatus(payment.status),
            captured_minor=payment.captured_minor,
            returned=payment.returned,
            tender=payment.tender,
            sent_count=payment.sent_count,
            stored=payment.method in STORED_METHODS,
            secures=_secures(order, payment),
            on_delivery=payment.method == CASH_ON_DELIVERY,
        )
        for payment in order.payments
    ]


def asked_minor(order: Payable) -> int:
    """What the attempts of an order have to make up. What was set aside for it stays what it was,
    though some of it was called off since and won't be taken."""
    secured_minor = sum(one.amount_minor for one in order.payments if one.secured_at is not None)
    return secured_minor or order.total_minor


def _secures(order: Payable, payment: Payment) -> frozenset[PaymentStatus] | None:
    if order.capture_at != AT_SHIPMENT:
        return None
    if payment.secured_at is not None:
        return _STANDING
    waits = order.status == OrderStatus.PENDING_PAYMENT
    return _JUST_AUTHORIZED if waits else frozenset()


def judge(order: Order, answers: Sequence[GatewayAnswer], *, now: datetime) -> list[AttemptAnswer]:
    """What becomes of attempts by these answers; a late or repeated one takes nothing back."""
    by_id = {payment.id: payment for payment in order.payments}
    written = []
    parts_count = 1 + max((payment.part for payment in order.payments), default=-1)
    for answer in answers:
        payment = by_id[answer.payment_id]
        reported = answer.status or PaymentStatus.UNKNOWN
        status = PAYMENT_STATES.settle(PaymentStatus(payment.status), reported)
        moved = status == reported and answer.status is not None
        part = payment.part
        # What captures have brought is written with each of them, and nowhere else.
        counted = payment.secured_at is None
        if payment.status in DEAD and status not in DEAD:
            # Another attempt may have taken its part since it was given up.
            part, parts_count = parts_count, parts_count + 1
        written.append(
            AttemptAnswer(
                payment_id=payment.id,
                part=part,
                sent_count=payment.sent_count + answer.sent,
                status=status.value,
                captured_minor=max(payment.captured_minor, answer.captured_minor * counted),
                fee_minor=max(payment.fee_minor, answer.fee_minor * counted),
                gateway_reference=answer.gateway_reference,
                decline_code=answer.decline_code if moved else payment.decline_code,
                action_url=answer.action_url if moved else payment.action_url,
                check_at=_check_at(order, payment, status, now=now),
            )
        )
    return written


def with_answers(
    order: Order, written: Sequence[AttemptAnswer], *, version: int, now: datetime
) -> Order:
    """The order as it reads after the answers were written: saves reading it again."""
    by_id = {answer.payment_id: answer for answer in written}
    return replace(
        order,
        version=version,
        payments=tuple(
            payment
            if (answer := by_id.get(payment.id)) is None
            else replace(
                payment,
                status=answer.status,
                part=answer.part,
                sent_count=answer.sent_count,
                captured_minor=answer.captured_minor,
                fee_minor=answer.fee_minor,
                gateway_reference=answer.gateway_reference or payment.gateway_reference,
                decline_code=answer.decline_code,
                action_url=answer.action_url,
                updated_at=now,
            )
            for payment in order.payments
        ),
    )


def _check_at(
    order: Order, payment: Payment, status: PaymentStatus, *, now: datetime
) -> datetime | None:
    if status in _FINAL:
        return None
    if payment.secured_at is not None and order.awaits_capture:
        return None
    if status is PaymentStatus.ACTION_REQUIRED:
        again = now + _CHECK_AGAIN_AT_MOST
        return again if order.expires_at is None else max(order.expires_at, again)
    age = max(now - payment.created_at, _CHECK_AGAIN_FIRST)
    return now + min(age, _CHECK_AGAIN_AT_MOST)
