"""What pays the share of an order that is taken next: of what stands for it, what is still left."""

from collections.abc import Sequence
from uuid import UUID

from gosellr.models.capture_values import PaymentCapture
from gosellr.models.order_values import Order
from gosellr.utils.captures import SetAside, ShareOrigin, origin_of_share
from gosellr.utils.states import PaymentStatus


def origin_of(order: Order, known: Sequence[PaymentCapture], *, share_minor: int) -> ShareOrigin:
    """Where a share comes from, beside what other captures are taking or took in vain.

    Raises:
        NotEnoughSetAside.
    """
    promised: dict[UUID, int] = {}
    for one in known:
        if not one.is_open:
            continue
        if one.payment_id is not None:
            promised[one.payment_id] = promised.get(one.payment_id, 0) + one.amount_minor
        for key, minor in one.stored.items():
            promised[UUID(key)] = promised.get(UUID(key), 0) + minor
    sources = [
        (
            payment,
            SetAside(
                payment_id=payment.id,
                amount_minor=payment.amount_minor,
                used_minor=payment.taken_minor + promised.get(payment.id, 0),
            ),
        )
        for payment in order.payments
        if payment.secured_at is not None and payment.status == PaymentStatus.AUTHORIZED
    ]
    return origin_of_share(
        share_minor,
        stored=[source for payment, source in sources if payment.account is not None],
        gateway=next((source for payment, source in sources if payment.account is None), None),
    )
