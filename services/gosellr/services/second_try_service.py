"""Another try to pay an order that is placed and whose goods are held."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from gosellr.core.db import Connection
from gosellr.core.errors import NotFound
from gosellr.models.order_values import Order
from gosellr.queries import orders
from gosellr.services import (
    cash_service,
    cash_terms_service,
    idempotency_service,
    payment_service,
    reservation_service,
    stored_value_tender,
    tender_split,
)
from gosellr.services.basket_service import Tender
from gosellr.services.checkout_service import OpenedOrder
from gosellr.services.idempotency_service import EarlierRequest, RequestKey
from gosellr.utils.offline import BANK_TRANSFER, CASH_ON_DELIVERY
from gosellr.utils.policy import MarketPolicy
from gosellr.utils.viewer import Viewer


async def reopen_payment(
    connection: Connection,
    *,
    viewer: Viewer,
    order_id: UUID,
    tenders: Sequence[Tender],
    key: RequestKey,
    policy: MarketPolicy,
    now: datetime,
) -> OpenedOrder | EarlierRequest:
    """Write down another attempt to pay an order that still waits for its money.

    Stored value that was set aside before pays its part still; the tenders pay what is left.

    Raises:
        NotFound, NotPayable, PaymentInProgress, InvalidInput, IdempotencyKeyReused,
        GiftCardRefused, InsufficientBalance.
    """
    order = await orders.find(connection, viewer=viewer, order_id=order_id)
    if order is None or not order.whole:
        raise NotFound
    earlier = await idempotency_service.claim(
        connection,
        request=key,
        resource_id=str(order_id),
        now=now,
        kept_for=policy.idempotency_kept_for,
    )
    if earlier is not None:
        return earlier
    order = await payment_service.lock_payable(
        connection, viewer=viewer, order_id=order_id, now=now
    )
    amounts = await tender_split.amounts_of(
        connection,
        viewer=viewer,
        tenders=tenders,
        total_minor=payment_service.left_to_pay_minor(order),
        currency=order.currency,
        now=now,
    )
    amounts = await _with_cash(connection, order, amounts, policy=policy)
    payment_ids = await payment_service.add_attempts(
        connection, order=order, tenders=amounts, now=now
    )
    await stored_value_tender.hold(
        connection,
        order_id=order_id,
        currency=order.currency,
        parts=dict(zip(payment_ids, amounts, strict=True)),
        now=now,
    )
    opened = OpenedOrder(order_id=order_id, payment_ids=tuple(payment_ids))
    promised = await cash_service.promise(
        connection,
        order_id=order_id,
        payments=[
            (payment_id, tender.method)
            for payment_id, (tender, _) in zip(payment_ids, amounts, strict=True)
        ],
        parts=[(part.id, part.total_minor) for part in order.parts],
        coupons=bool(order.coupon_codes),
        policy=policy,
        now=now,
    )
    if not promised:
        await _hold_longer(connection, order_id, tenders, policy=policy, now=now)
    return opened


async def _with_cash(
    connection: Connection,
    order: Order,
    amounts: Sequence[tuple[Tender, int]],
    *,
    policy: MarketPolicy,
) -> list[tuple[Tender, int]]:
    """The amounts with cash divided over the sellers who collect it, where all of them do."""
    tenders = [tender for tender, _ in amounts]
    cash_terms_service.check_alone(tenders)
    await cash_terms_service.check_taken(
        connection,
        sellers_minor={part.seller_id: part.total_minor for part in order.parts},
        currency=order.currency,
        cash_minor=sum(minor for tender, minor in amounts if tender.method == CASH_ON_DELIVERY),
        policy=policy,
    )
    if payment_service.left_to_pay_minor(order) < order.total_minor and len(order.parts) > 1:
        cash_terms_service.check_pays_all(tenders)
    return cash_terms_service.parted(
        amounts, parts_minor=[part.total_minor for part in order.parts]
    )


async def _hold_longer(
    connection: Connection,
    order_id: UUID,
    tenders: Sequence[Tender],
    *,
    policy: MarketPolicy,
    now: datetime,
) -> None:
    """Another card gets no more time; a transfer needs days."""
    if any(tender.method == BANK_TRANSFER for tender in tenders):
        until = now + max(policy.holds.online, policy.holds.bank_transfer)
        await reservation_service.hold_longer(connection, order_id=order_id, until=until)
