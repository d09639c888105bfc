"""Parcels: what was ordered leaves once and arrives once, however often it is reported."""

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import datetime
from uuid import UUID

from gosellr.core.db import Connection
from gosellr.core.errors import Conflict, NotFound
from gosellr.core.identity import new_id
from gosellr.models.events import Fact, FactType
from gosellr.models.order_values import Order, OrderLine, SellerOrder, Shipment
from gosellr.queries import orders, outbox, reservations, shipments
from gosellr.services import cash_service, idempotency_service, order_steps, payment_captures
from gosellr.services.idempotency_service import EarlierRequest, RequestKey
from gosellr.services.order_steps import Step, TransitionRefused
from gosellr.services.seller_scope import require_in_seller
from gosellr.utils.lazy_dataclasses import dataclass, replace
from gosellr.utils.order_states import (
    LineProgress,
    OrderStatus,
    seller_order_status_after_shipment,
)
from gosellr.utils.permissions import Permission
from gosellr.utils.policy import MarketPolicy
from gosellr.utils.states import SHIPMENT_STATES, Actor, ShipmentStatus
from gosellr.utils.viewer import Viewer

_SHIPPABLE = frozenset({OrderStatus.PAID, OrderStatus.PROCESSING, OrderStatus.PARTIALLY_SHIPPED})


class NothingLeftToShip(Conflict):
    """More is to be shipped than is owed; `items` say how much that is of each line."""

    code = "nothing_left_to_ship"
    title = "There is nothing left to ship"


class ShippedAfterCancel(TransitionRefused):
    """It was cancelled. If it left all the same, a person has to know."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Parcel:
    """What leaves, and with whom. Without items: all that is left of the seller order.

    A parcel whose label is being bought, for `label_service`, has no tracking number yet.
    """

    seller_order_id: UUID
    carrier: str
    items: tuple[tuple[UUID, int], ...] = ()
    tracking_number: str | None = None
    tracking_url: str | None = None
    label_service: str | None = None


def left_to_ship(line: OrderLine) -> int:
    """The units that are owed and haven't left."""
    return line.quantity - line.shipped_quantity - line.withdrawn_quantity


async def ship(
    connection: Connection,
    *,
    viewer: Viewer,
    order_id: UUID,
    parcel: Parcel,
    policy: MarketPolicy,
    now: datetime,
    key: RequestKey | None = None,
) -> UUID | EarlierRequest:
    """Send a parcel: its units leave the stock, and the seller order moves on.

    Gives its id; with a key that was used before, the earlier request, which made one.

    Raises:
        NotFound, NotAllowed: the seller order, or an item of it, isn't the caller's.
        NothingLeftToShip: more is asked for than is owed.
        TransitionRefused: nothing of it may be shipped as it stands.
        CaptureNeeded: its money has to be taken first; the story that ships does so.
    """
    shipment_id = new_id()
    if key is not None:
        earlier = await idempotency_service.claim(
            connection,
            request=key,
            resource_id=str(shipment_id),
            now=now,
            kept_for=policy.idempotency_kept_for,
        )
        if earlier is not None:
            return earlier
    hand = await order_steps.take_order(connection, viewer=viewer, order_id=order_id)
    part = part_of(hand.order, parcel.seller_order_id)
    require_in_seller(viewer, seller_id=part.seller_id, permission=Permission.SHIPMENT_CREATE)
    await send(
        connection,
        order=hand.order,
        part=part,
        parcel=parcel,
        shipment_id=shipment_id,
        actor=Actor.OPERATOR if viewer.is_operator else Actor.SELLER,
        actor_id=viewer.user_id,
        policy=policy,
        now=now,
    )
    return shipment_id


async def send(
    connection: Connection,
    *,
    order: Order,
    part: SellerOrder,
    parcel: Parcel,
    shipment_id: UUID,
    actor: Actor,
    actor_id: UUID | None,
    policy: MarketPolicy,
    now: datetime,
) -> Order:
    """Send a parcel of a locked order; errors as in `ship`."""
    quantities = _quantities(part, parcel.items)
    payment_captures.require_captured(order, part)
    status = ShipmentStatus.LABEL_CREATED if parcel.label_service else ShipmentStatus.IN_TRANSIT
    lines = await shipments.insert(
        connection,
        shipment={
            "id": shipment_id,
            "order_id": order.id,
            "seller_order_id": part.id,
            "seller_id": part.seller_id,
            "carrier": parcel.carrier,
            "tracking_number": parcel.tracking_number,
            "tracking_url": parcel.tracking_url,
            "label_service": parcel.label_service,
            "status": status.value,
            "shipped_at": now,
            "created_at": now,
        },
        quantities=quantities,
    )
    gone = await reservations.ship(
        connection, quantities=quantities, shipment_id=shipment_id, actor_id=actor_id, now=now
    )
    if lines != len(quantities) or gone != sum(quantity for _, quantity in quantities):
        raise RuntimeError(f"the holds of seller order {part.id} don't cover what it owes")
    await outbox.append(
        connection,
        [
            Fact(
                FactType.SHIPMENT_CREATED,
                shipment_id,
                {
                    "order_id": str(order.id),
                    "seller_order_id": str(part.id),
                    "seller_id": str(part.seller_id),
                },
            )
        ],
        now=now,
    )
    return await _after_shipment(
        connection,
        order=_with_units(order, part, shipped=dict(quantities)),
        part_id=part.id,
        data={"shipment_id": str(shipment_id), "units": gone},
        actor=actor,
        actor_id=actor_id,
        policy=policy,
        now=now,
    )


def _quantities(part: SellerOrder, items: Sequence[tuple[UUID, int]]) -> list[tuple[UUID, int]]:
    if part.status not in _SHIPPABLE and part.status in {"pending_payment", "cancelled"}:
        refused = ShippedAfterCancel if part.status == "cancelled" else TransitionRefused
        raise refused(f"A seller order that is {part.status} isn't shipped", extras={"allowed": []})
    left = {line.id: left_to_ship(line) for line in part.lines}
    wanted = Counter[UUID]()
    for line_id, quantity in items:
        if line_id not in left:
            raise NotFound
        wanted[line_id] += quantity
    if not items:
        wanted.update({line_id: units for line_id, units in left.items() if units})
    # Money that went back in full leaves nothing to be sent for it.
    refunded = 0 < part.total_minor <= part.refunded_minor
    short = [line_id for line_id, units in wanted.items() if units > left[line_id]]
    if not wanted or short or refunded:
        raise NothingLeftToShip(
            extras={
                "items": [
                    {"order_item_id": line_id, "left": 0 if refunded else units}
                    for line_id, units in left.items()
                ]
            }
        )
    return sorted(wanted.items())


def _with_units(
    order: Order,
    part: SellerOrder,
    *,
    shipped: Mapping[UUID, int] | None = None,
    delivered: Mapping[UUID, int] | None = None,
) -> Order:
    lines = tuple(
        replace(
            line,
            shipped_quantity=line.shipped_quantity + (shipped or {}).get(line.id, 0),
            delivered_quantity=line.delivered_quantity + (delivered or {}).get(line.id, 0),
        )
        for line in part.lines
    )
    changed = replace(part, lines=lines)
    return replace(order, parts=tuple(changed if one.id == part.id else one for one in order.parts))


def status_by_units(part: SellerOrder) -> OrderStatus:
    """The status that what has left and arrived gives a seller order."""
    return seller_order_status_after_shipment(
        current=OrderStatus(part.status),
        lines=[
            LineProgress(
                ordered=line.quantity - line.withdrawn_quantity,
                shipped=line.shipped_quantity,
                delivered=line.delivered_quantity,
            )
            for line in part.lines
        ],
    )


async def _after_shipment(
    connection: Connection,
    *,
    order: Order,
    part_id: UUID,
    data: Mapping[str, object],
    actor: Actor,
    actor_id: UUID | None,
    policy: MarketPolicy,
    now: datetime,
) -> Order:
    """Say in the history what left or arrived, and move the part as far as that takes it."""
    [part] = [one for one in order.parts if one.id == part_id]
    target = status_by_units(part)
    if target.value == part.status:
        await orders.append_events(
            connection,
            order_id=order.id,
            events=[
                {
                    "kind": "parcel",
                    "actor": actor.value,
                    "actor_id": actor_id,
                    "seller_order_id": part.id,
                    "data": dict(data),
                }
            ],
            now=now,
        )
        return order
    order = await order_steps.take_steps(
        connection,
        order=order,
        steps=[Step(part=part, target=target, data=data)],
        actor=actor,
        actor_id=actor_id,
        policy=policy,
        now=now,
    )
    if target is not OrderStatus.DELIVERED:
        return order
    # What is paid at the door is handed over against its money alone.
    return await cash_service.collect(
        connection, order=order, part=part, policy=policy, actor=actor.value, now=now
    )


async def report(
    connection: Connection,
    *,
    viewer: Viewer,
    order_id: UUID,
    shipment_id: UUID,
    status: ShipmentStatus | None,
    policy: MarketPolicy,
    now: datetime,
    tracking_number: str | None = None,
    tracking_url: str | None = None,
) -> None:
    """Say where a parcel is. Late and repeated reports change nothing.

    Raises:
        NotFound, NotAllowed: the parcel isn't the caller's.
    """
    hand = await order_steps.take_order(connection, viewer=viewer, order_id=order_id)
    part, parcel = parcel_of(hand.order, shipment_id)
    require_in_seller(viewer, seller_id=part.seller_id, permission=Permission.SHIPMENT_UPDATE)
    if tracking_number is not None or tracking_url is not None:
        await shipments.set_tracking(
            connection,
            shipment_id=parcel.id,
            tracking_number=tracking_number,
            tracking_url=tracking_url,
        )
    if status is not None:
        await record(
            connection,
            order=hand.order,
            part=part,
            reports={parcel.id: status},
            actor=Actor.OPERATOR if viewer.is_operator else Actor.SELLER,
            actor_id=viewer.user_id,
            policy=policy,
            now=now,
        )


def part_of(order: Order, seller_order_id: UUID) -> SellerOrder:
    """The seller order that is meant. Raises NotFound."""
    for part in order.parts:
        if part.id == seller_order_id:
            return part
    raise NotFound


def weight_of(part: SellerOrder, items: Sequence[tuple[UUID, int]]) -> int:
    """What a parcel weighs in grams; without items, all that is left to ship."""
    units = dict(items) or {line.id: left_to_ship(line) for line in part.lines}
    return sum(line.weight_grams * units.get(line.id, 0) for line in part.lines)


def parcel_of(order: Order, shipment_id: UUID) -> tuple[SellerOrder, Shipment]:
    """The parcel that is meant, and the seller order it belongs to. Raises NotFound."""
    for part in order.parts:
        for parcel in part.shipments:
            if parcel.id == shipment_id:
                return part, parcel
    raise NotFound


async def record(
    connection: Connection,
    *,
    order: Order,
    part: SellerOrder,
    reports: Mapping[UUID, ShipmentStatus],
    actor: Actor,
    actor_id: UUID | None,
    policy: MarketPolicy,
    now: datetime,
) -> Order:
    """Write down where parcels of a part of a locked order are, by their ids."""
    news: dict[UUID, str] = {}
    arrived = Counter[UUID]()
    for parcel in part.shipments:
        current = ShipmentStatus(parcel.status)
        reached = SHIPMENT_STATES.settle(current, reports.get(parcel.id, current))
        if reached is current:
            continue
        news[parcel.id] = reached.value
        if reached is ShipmentStatus.DELIVERED:
            for item in parcel.items:
                arrived[UUID(item["order_item_id"])] += item["quantity"]
    if not news:
        return order
    if await shipments.report(connection, statuses=news, now=now) != len(news):
        raise RuntimeError(f"parcels of seller order {part.id} moved under its lock")
    await outbox.append(
        connection,
        [
            Fact(
                FactType.SHIPMENT_DELIVERED,
                parcel_id,
                {"order_id": str(order.id), "seller_order_id": str(part.id)},
            )
            for parcel_id, reached in news.items()
            if reached == ShipmentStatus.DELIVERED
        ],
        now=now,
    )
    return await _after_shipment(
        connection,
        order=_with_units(order, part, delivered=arrived),
        part_id=part.id,
        data={"shipments": [{"id": str(one), "status": word} for one, word in news.items()]},
        actor=actor,
        actor_id=actor_id,
        policy=policy,
        now=now,
    )
