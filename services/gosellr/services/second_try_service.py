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
    gift_sale_service,
    idempotency_service,
    payment_service,
    reservation_service,
    stored_value_tender,
    tender_split,
)
from gosellr.services.basket_service import Tender
from gosellr.services.idempotency_service import EarlierRequest, RequestKey
from gosellr.services.opened_order import OpenedOrder
from gosellr.utils.captures import AT_SHIPMENT
from gosellr.utils.offline import BANK_TRANSFER
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
        GiftCardRefused, InsufficientBalance, NotPaidByValue.
    """
    order = await orders.find(connection, viewer=viewer, order_id=order_id)
    if order is None or not viewer.is_buyer_of(order.user_id, sees_whole=order.whole):
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
    gift_sale_service.refuse_value(tenders, buys_card=not order.parts)
    amounts = await tender_split.amounts_of(
        connection,
        viewer=viewer,
        tenders=tenders,
        total_minor=payment_service.left_to_pay_minor(order),
        currency=order.currency,
        now=now,
    )
    if order.capture_at == AT_SHIPMENT:
        tender_split.require_setting_aside(amounts)
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
    promised = await cash_service.promise(
        connection,
        order_id=order_id,
        payments=[
            (payment_id, tender)
            for payment_id, (tender, _) in zip(payment_ids, amounts, strict=True)
        ],
        parts=[(part.id, part.total_minor) for part in order.parts],
        coupons=bool(order.coupon_codes),
        policy=policy,
        now=now,
    )
    if not promised:
        await _hold_longer(connection, order_id, tenders, policy=policy, now=now)
    return OpenedOrder(order_id=order_id, payment_ids=tuple(payment_ids))


async def _with_cash(
    connection: Connection,
    order: Order,
    amounts: Sequence[tuple[Tender, int]],
    *,
    policy: MarketPolicy,
) -> list[tuple[Tender, int]]:
    """The amounts with cash divided over the sellers who collect it, where all of them do."""
    left_minor = payment_service.left_to_pay_minor(order)
    if left_minor < order.total_minor and len(order.parts) > 1:
        cash_terms_service.check_pays_all([tender for tender, _ in amounts])
    if not order.parts:
        return list(amounts)
    [first, *others] = order.parts
    return await cash_terms_service.with_cash(
        connection,
        amounts,
        parts=[
            # What stored value pays of a single part was set aside before.
            (first.seller_id, first.total_minor if others else left_minor),
            *((part.seller_id, part.total_minor) for part in others),
        ],
        currency=order.currency,
        policy=policy,
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
