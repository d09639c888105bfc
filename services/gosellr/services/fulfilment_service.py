"""A seller order from payment to completion: each status reached by the means that lead there."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from gosellr.core.db import Connection
from gosellr.core.errors import NotAllowed, NotFound
from gosellr.core.identity import new_id
from gosellr.models.order_values import Order, SellerOrder
from gosellr.queries import orders
from gosellr.services import order_steps, release_service, shipment_service
from gosellr.services.order_steps import OrderInHand, Step, TransitionRefused
from gosellr.services.seller_scope import require_in_seller
from gosellr.services.shipment_service import Parcel
from gosellr.utils.lazy_dataclasses import dataclass
from gosellr.utils.order_states import OrderStatus, check_request, requestable_statuses
from gosellr.utils.permissions import Permission
from gosellr.utils.policy import MarketPolicy
from gosellr.utils.states import Actor, ShipmentStatus, TransitionNotAllowed
from gosellr.utils.viewer import Viewer

# In an order's history: what a person has to look at, since its money is on its way back.
SHIPPED_AFTER_CANCEL = "shipped_after_cancel"

_ARRIVED = frozenset({OrderStatus.DELIVERED, OrderStatus.COMPLETED})


@dataclass(frozen=True, slots=True, kw_only=True)
class StatusRequest:
    """A status asked for; without a seller order, for all parts that are the caller's."""

    status: OrderStatus
    seller_order_id: UUID | None = None
    note: str | None = None
    version: int | None = None


async def request_status(
    connection: Connection,
    *,
    viewer: Viewer,
    order_id: UUID,
    request: StatusRequest,
    policy: MarketPolicy,
    now: datetime,
) -> None:
    """Move seller orders to a status, by the means that lead there.

    `shipped` ships the remainder, `delivered` reports all parcels as arrived, `completed`
    releases the money.

    Raises:
        NotFound, NotAllowed, VersionConflict.
        TransitionRefused: naming what may be asked for instead; nothing was changed.
    """
    hand = await order_steps.take_order(
        connection, viewer=viewer, order_id=order_id, version=request.version
    )
    order = hand.order
    for asked, actor in _asked_parts(hand, request):
        [part] = [one for one in order.parts if one.id == asked.id]
        order = await _bring(
            connection,
            order=order,
            part=part,
            request=request,
            actor=actor,
            actor_id=viewer.user_id,
            policy=policy,
            now=now,
        )


def _asked_parts(hand: OrderInHand, request: StatusRequest) -> list[tuple[SellerOrder, Actor]]:
    """The parts that are meant, and as whom the caller may ask so for each."""
    if request.seller_order_id is not None:
        meant = [hand.part(request.seller_order_id)]
    else:
        meant = [part for part in hand.order.parts if _is_callers(hand, part)]
        # Parts that were cancelled, or are there already, have nothing left to be asked for.
        moving = [part for part in meant if part.status not in {"cancelled", request.status}]
        meant = moving or meant
    asked = []
    for part in meant:
        if not _is_callers(hand, part):
            raise NotFound
        actors = hand.capacities(part, Permission.ORDER_UPDATE)
        if not actors:
            raise NotAllowed("Your role in this shop doesn't allow it")
        # What has arrived may be reported once more, and by several people.
        if request.status is not OrderStatus.DELIVERED or part.status not in _ARRIVED:
            asked.append((part, _willing(part, request.status, actors)))
    return asked


def _is_callers(hand: OrderInHand, part: SellerOrder) -> bool:
    viewer = hand.viewer
    return viewer.is_operator or hand.is_buyer or part.seller_id in viewer.memberships


def _willing(part: SellerOrder, target: OrderStatus, actors: Sequence[Actor]) -> Actor:
    current = OrderStatus(part.status)
    for actor in actors:
        try:
            check_request(current, target, actor)
        except TransitionNotAllowed:
            continue
        return actor
    allowed = {one for actor in actors for one in requestable_statuses(current, actor)}
    raise TransitionRefused(
        f"From {current} to {target} doesn't go",
        extras={
            "seller_order_id": part.id,
            "current": current.value,
            "allowed": [status.value for status in OrderStatus if status in allowed],
        },
    )


async def _bring(
    connection: Connection,
    *,
    order: Order,
    part: SellerOrder,
    request: StatusRequest,
    actor: Actor,
    actor_id: UUID | None,
    policy: MarketPolicy,
    now: datetime,
) -> Order:
    if request.status is OrderStatus.SHIPPED:
        return await shipment_service.send(
            connection,
            order=order,
            part=part,
            parcel=Parcel(seller_order_id=part.id, carrier="other"),
            shipment_id=new_id(),
            actor=actor,
            actor_id=actor_id,
            policy=policy,
            now=now,
        )
    if request.status is OrderStatus.DELIVERED:
        return await shipment_service.record(
            connection,
            order=order,
            part=part,
            reports={parcel.id: ShipmentStatus.DELIVERED for parcel in part.shipments},
            actor=actor,
            actor_id=actor_id,
            policy=policy,
            now=now,
        )
    order = await order_steps.take_steps(
        connection,
        order=order,
        steps=[
            Step(
                part=part,
                target=request.status,
                data={} if request.note is None else {"note": request.note},
            )
        ],
        actor=actor,
        actor_id=actor_id,
        policy=policy,
        now=now,
    )
    if request.status is OrderStatus.COMPLETED:
        await release_service.release_parts(connection, parts=[part], now=now)
    return order


async def note_late_parcel(
    connection: Connection, *, viewer: Viewer, order_id: UUID, parcel: Parcel, now: datetime
) -> None:
    """Keep in the history that a parcel left though its part was cancelled; once per parcel.

    Raises:
        NotFound, NotAllowed: the part isn't the caller's.
    """
    hand = await order_steps.take_order(connection, viewer=viewer, order_id=order_id)
    part = hand.part(parcel.seller_order_id)
    require_in_seller(viewer, seller_id=part.seller_id, permission=Permission.SHIPMENT_CREATE)
    data = {"carrier": parcel.carrier, "tracking_number": parcel.tracking_number}
    known = [one.data for one in hand.order.events if one.kind == SHIPPED_AFTER_CANCEL]
    if part.status == OrderStatus.CANCELLED and data not in known:
        event = {
            "kind": SHIPPED_AFTER_CANCEL,
            "actor": (Actor.OPERATOR if viewer.is_operator else Actor.SELLER).value,
            "actor_id": viewer.user_id,
            "seller_order_id": part.id,
            "data": data,
        }
        await orders.append_events(connection, order_id=order_id, events=[event], now=now)
