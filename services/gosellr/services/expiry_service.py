"""Orders that were never paid: ended in time, with everything they held given back once."""

from datetime import datetime
from uuid import UUID

from gosellr.core.db import Connection
from gosellr.core.errors import NotFound
from gosellr.models.events import Fact, FactType
from gosellr.models.order_values import Order
from gosellr.queries import locks, orders, outbox, payments, reservations
from gosellr.services import cart_service, promotion_service, stored_value_tender
from gosellr.services.order_steps import tell_stock
from gosellr.services.payment_answers import attempts_of
from gosellr.utils.order_states import OrderStatus
from gosellr.utils.payment_plan import under_way


async def expired_orders(connection: Connection, *, now: datetime, limit: int) -> list[UUID]:
    """Unpaid orders whose hold has run out."""
    return await locks.expired_orders(connection, now=now, limit=limit)


async def expire(connection: Connection, *, order_id: UUID, now: datetime) -> bool:
    """Cancel an unpaid order whose time is over, unless a payment may still succeed.

    Stock, coupons and stored value are given back once, and the cart may be ordered again.
    """
    await locks.order(connection, order_id=order_id)
    order = await orders.load(connection, order_id=order_id)
    if order is None:
        raise NotFound
    overdue = order.expires_at is not None and order.expires_at <= now
    if order.status != OrderStatus.PENDING_PAYMENT or not overdue:
        return False
    if under_way(total_minor=order.total_minor, attempts=attempts_of(order)):
        return False
    await abandon(connection, order=order, reason="payment_expired", actor="system", now=now)
    await outbox.append(
        connection,
        [Fact(FactType.ORDER_EXPIRED, order.id, {"order_id": str(order.id)})],
        now=now,
    )
    return True


async def abandon(
    connection: Connection,
    *,
    order: Order,
    reason: str,
    actor: str,
    now: datetime,
    actor_id: UUID | None = None,
) -> None:
    """End an order that was never paid, under its lock: everything it held goes back."""
    released = await reservations.release_order(connection, order_id=order.id)
    await promotion_service.release(connection, order_id=order.id)
    await stored_value_tender.give_back(connection, order=order, now=now)
    await payments.mark_abandoned(connection, order_id=order.id, reason=reason, now=now)
    if order.cart_id is not None:
        await cart_service.reopen(connection, cart_id=order.cart_id, now=now)
    await orders.append_events(
        connection,
        order_id=order.id,
        events=[
            {
                "kind": "cancelled",
                "actor": actor,
                "actor_id": actor_id,
                "from_status": "pending_payment",
                "to_status": "cancelled",
                "data": {"reason": reason},
            },
            *(
                {
                    "kind": "status_changed",
                    "actor": actor,
                    "actor_id": actor_id,
                    "seller_order_id": part.id,
                    "from_status": part.status,
                    "to_status": "cancelled",
                    "data": {"reason": reason},
                }
                for part in order.parts
            ),
        ],
        now=now,
    )
    await tell_stock(connection, order=order, variant_ids=released, now=now)
