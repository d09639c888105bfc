"""What every command on an order begins and ends with: its lock and its next steps."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from gosellr.core.db import Connection
from gosellr.core.errors import Conflict, NotFound, VersionConflict
from gosellr.models.events import Fact, FactType
from gosellr.models.order_values import Order, SellerOrder
from gosellr.queries import locks, orders, outbox, seller_orders
from gosellr.utils.captures import AT_SHIPMENT
from gosellr.utils.lazy_dataclasses import dataclass, replace
from gosellr.utils.order_states import (
    SELLER_ORDER_STATES,
    OrderStatus,
    derive_order_status,
    derive_payment_status,
)
from gosellr.utils.permissions import Permission
from gosellr.utils.policy import MarketPolicy
from gosellr.utils.states import Actor, PaymentStatus
from gosellr.utils.viewer import Viewer


class TransitionRefused(Conflict):
    """The seller order can't take this step; `extras` name those that this caller may ask for."""

    code = "transition_not_allowed"
    title = "The order can't take this step"


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderInHand:
    """A locked order, all of it, and in which capacities the caller came."""

    order: Order
    viewer: Viewer
    is_buyer: bool

    def part(self, seller_order_id: UUID) -> SellerOrder:
        """The seller order that is meant. Raises NotFound."""
        for part in self.order.parts:
            if part.id == seller_order_id:
                return part
        raise NotFound

    def capacities(self, part: SellerOrder, permission: Permission) -> tuple[Actor, ...]:
        """As whom the caller may act on a part, the mightiest first. Whoever bought or sells it is
        that alone, whatever else they are in the market."""
        is_party = self.viewer.is_party(part.seller_id, is_buyer=self.is_buyer)
        has = {
            Actor.OPERATOR: self.viewer.is_operator and not is_party,
            Actor.SELLER: part.seller_id in self.viewer.seller_ids_with(permission),
            Actor.BUYER: self.is_buyer,
        }
        return tuple(actor for actor, held in has.items() if held)


async def take_order(
    connection: Connection, *, viewer: Viewer, order_id: UUID, version: int | None = None
) -> OrderInHand:
    """Lock an order that the caller may see something of, and with it all that belongs to it.

    Raises:
        NotFound: there is none, or it is somebody else's.
        VersionConflict: it isn't in the version that the caller has seen.
    """
    if not await locks.order(connection, order_id=order_id):
        raise NotFound
    return await _in_hand(connection, viewer=viewer, order_id=order_id, version=version)


async def see_order(connection: Connection, *, viewer: Viewer, order_id: UUID) -> OrderInHand:
    """The same for whoever only asks, without a lock. Raises NotFound."""
    return await _in_hand(connection, viewer=viewer, order_id=order_id)


async def _in_hand(
    connection: Connection, *, viewer: Viewer, order_id: UUID, version: int | None = None
) -> OrderInHand:
    seen = await orders.find(connection, viewer=viewer, order_id=order_id)
    if seen is None:
        raise NotFound
    if version is not None and version != seen.version:
        raise VersionConflict
    order = seen if seen.whole else await load_locked(connection, order_id=order_id)
    is_buyer = viewer.is_buyer_of(order.user_id, sees_whole=seen.whole)
    return OrderInHand(order=order, viewer=viewer, is_buyer=is_buyer)


async def lock_and_load(connection: Connection, *, order_id: UUID) -> Order:
    """The same for the market's own work. Raises NotFound."""
    if not await locks.order(connection, order_id=order_id):
        raise NotFound
    return await load_locked(connection, order_id=order_id)


async def load_locked(connection: Connection, *, order_id: UUID) -> Order:
    """Read an order that exists, and that this transaction has locked."""
    order = await orders.load(connection, order_id=order_id)
    if order is None:
        raise NotFound
    return order


def payment_status_of(order: Order, *, confirmed_minor: int = 0) -> str:
    """What the money of a paid order is doing: refunds count once their gateway has confirmed.

    `confirmed_minor` is what has been confirmed since the order was read.
    """
    refunded_minor = confirmed_minor + sum(
        refund.amount_minor for refund in order.refunds if refund.status == "succeeded"
    )
    return derive_payment_status(
        total_minor=order.total_minor,
        captured_minor=order.captured_minor,
        refunded_minor=refunded_minor,
        attempts=[PaymentStatus(one.standing) for one in order.payments if not one.returned],
        cancelled_minor=_never_taken_minor(order),
        disputed=order.open_dispute_count > 0,
    ).value


def _never_taken_minor(order: Order) -> int:
    """What parts cost that were cancelled before their money was taken, or collected in cash,
    where each part's is by itself."""
    in_cash = any(one.seller_order_id is not None for one in order.payments)
    if order.capture_at != AT_SHIPMENT and not in_cash:
        return 0
    return sum(
        part.total_minor
        for part in order.parts
        if part.status == OrderStatus.CANCELLED and not order.is_paid_for(part)
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """A part on its way to a status, and what stands in its history about it."""

    part: SellerOrder
    target: OrderStatus
    data: Mapping[str, Any]


def _way(current: OrderStatus, target: OrderStatus) -> list[OrderStatus]:
    """The listed steps between two statuses: a last parcel may take a part over two at once."""
    if (current, target) in SELLER_ORDER_STATES.table:
        return [target]
    if target is OrderStatus.DELIVERED:
        return [OrderStatus.SHIPPED, target]
    raise ValueError(f"no way leads from {current} to {target}")


async def take_steps(
    connection: Connection,
    *,
    order: Order,
    steps: Sequence[Step],
    actor: Actor,
    actor_id: UUID | None,
    policy: MarketPolicy,
    now: datetime,
    reason: str | None = None,
) -> Order:
    """Move parts of a locked, paid order, with history and facts; gives the order as it is then.

    The order's own status follows from its parts.
    """
    rounds = [(step, _way(OrderStatus(step.part.status), step.target)) for step in steps]
    for turn in range(max((len(way) for _, way in rounds), default=0)):
        moving = [(step, way[turn]) for step, way in rounds if turn < len(way)]
        before = {part.id: part.status for part in order.parts}
        order = _moved(order, {step.part.id: target.value for step, target in moving})
        moved = await seller_orders.take_steps(
            connection,
            order_id=order.id,
            status=order.status,
            payment_status=payment_status_of(order),
            parts={step.part.id: target.value for step, target in moving},
            now=now,
            release_due_at=now + policy.release_after,
            reason=reason,
        )
        if moved != len(moving):
            raise RuntimeError(f"{moved} of {len(moving)} parts of order {order.id} moved")
        await _tell(
            connection,
            order=order,
            moving=moving,
            before=before,
            actor=actor,
            actor_id=actor_id,
            now=now,
        )
    return order


def _moved(order: Order, targets: Mapping[UUID, str]) -> Order:
    parts = tuple(replace(part, status=targets.get(part.id, part.status)) for part in order.parts)
    status = derive_order_status(OrderStatus(part.status) for part in parts)
    return replace(order, parts=parts, status=status.value)


async def _tell(
    connection: Connection,
    *,
    order: Order,
    moving: Sequence[tuple[Step, OrderStatus]],
    before: Mapping[UUID, str],
    actor: Actor,
    actor_id: UUID | None,
    now: datetime,
) -> None:
    await orders.append_events(
        connection,
        order_id=order.id,
        events=[
            {
                "kind": "status_changed",
                "actor": actor.value,
                "actor_id": actor_id,
                "seller_order_id": step.part.id,
                "from_status": before[step.part.id],
                "to_status": target.value,
                "data": dict(step.data),
            }
            for step, target in moving
        ],
        now=now,
    )
    await outbox.append(
        connection,
        [
            Fact(
                FactType.SELLER_ORDER_STATUS_CHANGED,
                step.part.id,
                {
                    "order_id": str(order.id),
                    "seller_id": str(step.part.seller_id),
                    "from": before[step.part.id],
                    "to": target.value,
                },
            )
            for step, target in moving
        ],
        now=now,
    )


async def tell_stock(
    connection: Connection, *, order: Order, variant_ids: Iterable[UUID], now: datetime
) -> None:
    """Units of variants that were ordered are back on sale."""
    await outbox.append(connection, stock_facts(order, variant_ids), now=now)


def stock_facts(order: Order, variant_ids: Iterable[UUID]) -> list[Fact]:
    """The facts that there is another number of units of these variants of an order."""
    products = {line.variant_id: str(line.product_id) for line in order.lines}
    return [
        Fact(
            FactType.STOCK_CHANGED,
            one,
            {"variant_id": str(one), "product_id": products[one]},
        )
        for one in variant_ids
    ]
