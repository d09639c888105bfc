"""Money that is set aside for an order until its goods leave: secured, watched, kept longer."""

from collections.abc import Collection, Sequence
from datetime import datetime
from uuid import UUID

from gosellr.core.db import Connection
from gosellr.models.capture_values import WatchedAuthorization
from gosellr.models.events import Fact, FactType
from gosellr.models.order_values import Order
from gosellr.queries import captures, orders, outbox
from gosellr.services import order_steps, promotion_service
from gosellr.services.payment_answers import GatewayAnswer
from gosellr.utils.captures import KNOWN_TERM, WARN_BEFORE
from gosellr.utils.policy import MarketPolicy
from gosellr.utils.states import Actor

EXPIRING = "authorization_expiring"
EXTENDED = "authorization_extended"


async def secure(
    connection: Connection,
    *,
    order: Order,
    paid: Collection[UUID],
    answers: Sequence[GatewayAnswer],
    policy: MarketPolicy,
    now: datetime,
) -> Order:
    """The money of a locked order is set aside in full: its goods may leave, and nothing is
    booked before they do. `paid` names the attempts that stand for it."""
    said = next((one for one in answers if one.payment_id in paid), None)
    until = now + KNOWN_TERM if said is None else said.authorized_until or now + KNOWN_TERM
    secured = await captures.secure(
        connection,
        order_id=order.id,
        payment_ids=list(paid),
        ship_by=now + policy.ship_within,
        authorized_until=until,
        watch_at=until - WARN_BEFORE,
        captures_many=said is not None and said.captures_many,
        now=now,
    )
    if not secured:
        raise RuntimeError(f"order {order.id} moved under its lock")
    if order.coupon_codes:
        await promotion_service.redeem(connection, order_id=order.id)
    waiting = [part for part in order.parts if part.status == "pending_payment"]
    step = {
        "actor": Actor.PAYMENT.value,
        "from_status": "pending_payment",
        "to_status": "processing",
    }
    await orders.append_events(
        connection,
        order_id=order.id,
        events=[
            {**step, "kind": "authorized", "data": {"until": until.isoformat()}},
            *({**step, "kind": "status_changed", "seller_order_id": part.id} for part in waiting),
        ],
        now=now,
    )
    fact = Fact(FactType.ORDER_AUTHORIZED, order.id, {"order_id": str(order.id)})
    await outbox.append(connection, [fact], now=now)
    return await order_steps.load_locked(connection, order_id=order.id)


async def watched(
    connection: Connection, *, now: datetime, limit: int
) -> list[WatchedAuthorization]:
    """Money that is set aside, and that is about to end or has ended."""
    return await captures.watched(connection, now=now, limit=limit)


async def extend(
    connection: Connection, *, held: WatchedAuthorization, until: datetime, now: datetime
) -> None:
    """Its gateway keeps it for longer."""
    order = await order_steps.lock_and_load(connection, order_id=held.order_id)
    await captures.watch_again(
        connection,
        payment_id=held.payment_id,
        authorized_until=until,
        watch_at=until - WARN_BEFORE if order.awaits_capture else None,
        now=now,
    )
    told = {"kind": EXTENDED, "actor": Actor.PAYMENT.value, "data": {"until": until.isoformat()}}
    await orders.append_events(connection, order_id=order.id, events=[told], now=now)


async def warn(connection: Connection, *, held: WatchedAuthorization, now: datetime) -> bool:
    """Tell sellers and operators, once, that what is set aside ends soon; whether there was
    anything to tell."""
    order = await order_steps.lock_and_load(connection, order_id=held.order_id)
    [payment] = [one for one in order.payments if one.id == held.payment_id]
    known = any(
        one.kind == EXPIRING and one.data.get("until") == held.authorized_until.isoformat()
        for one in order.events
    )
    await captures.watch_again(
        connection,
        payment_id=payment.id,
        authorized_until=held.authorized_until,
        watch_at=held.authorized_until if order.awaits_capture else None,
        now=now,
    )
    if known or not order.awaits_capture:
        return False
    until = held.authorized_until.isoformat()
    await orders.append_events(
        connection,
        order_id=order.id,
        events=[
            {
                "kind": EXPIRING,
                "actor": Actor.SYSTEM.value,
                "seller_order_id": part.id,
                "data": {"until": until},
            }
            for part in order.uncaptured
        ],
        now=now,
    )
    told = {
        "order_id": str(order.id),
        "until": until,
        "seller_ids": sorted({str(part.seller_id) for part in order.uncaptured}),
    }
    fact = Fact(FactType.ORDER_AUTHORIZATION_EXPIRING, order.id, told)
    await outbox.append(connection, [fact], now=now)
    return True
