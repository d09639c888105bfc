"""Questions about orders, each as far as the asker may see."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from gosellr.core.db import Connection
from gosellr.core.errors import NotFound
from gosellr.core.pagination import Page, after_moment, page_by_moment
from gosellr.models.order_values import ListedOrder, Order
from gosellr.queries import order_lists, orders
from gosellr.services import cart_service
from gosellr.utils.ids import InvalidNumber, parse_order_number
from gosellr.utils.lazy_dataclasses import dataclass
from gosellr.utils.permissions import Permission, Role
from gosellr.utils.viewer import Viewer


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderFilters:
    """What to list. `as_` says in which capacity the caller looks."""

    as_: str | None = None
    status: str | None = None
    seller_id: UUID | None = None
    q: str | None = None
    placed_from: datetime | None = None
    placed_to: datetime | None = None


async def find_order(connection: Connection, *, viewer: Viewer, order_id: UUID) -> Order:
    """The order, as far as the viewer may see it.

    Raises:
        NotFound: there is none, or it is somebody else's.
    """
    order = await orders.find(connection, viewer=viewer, order_id=order_id)
    if order is None:
        raise NotFound
    return order


async def load_order(connection: Connection, *, order_id: UUID) -> Order:
    """The whole order, for the market's own work.

    Raises:
        NotFound.
    """
    order = await orders.load(connection, order_id=order_id)
    if order is None:
        raise NotFound
    return order


async def find_order_by_number(connection: Connection, *, viewer: Viewer, number: str) -> Order:
    """The same by the number that people read.

    Raises:
        NotFound.
    """
    try:
        sequence = parse_order_number(number)
    except InvalidNumber:
        raise NotFound from None
    order = await orders.find_by_number(connection, viewer=viewer, number=sequence)
    if order is None:
        raise NotFound
    return order


async def find_order_of_cart(
    connection: Connection, *, viewer: Viewer, cart_id: UUID
) -> Order | None:
    """The live order that a cart of the viewer's has become.

    Raises:
        NotFound: the cart isn't the viewer's.
    """
    await cart_service.find_cart(connection, cart_id=cart_id, viewer=viewer)
    order_id = await orders.find_of_cart(connection, cart_id=cart_id)
    return None if order_id is None else await orders.load(connection, order_id=order_id)


def capacity_of(viewer: Viewer, wanted: str | None) -> str:
    """In which capacity a list is read: as asked if the caller has it, else as the role suggests.

    Somebody who asks for a capacity they don't have gets what they may see as a buyer: nothing
    of others.
    """
    if wanted == "operator" and viewer.sees_everything:
        return "operator"
    if wanted == "seller" and (viewer.memberships or Role.SELLER in viewer.roles):
        return "seller"
    if wanted == "buyer":
        return "buyer"
    if viewer.sees_everything:
        return "operator"
    return "seller" if viewer.memberships else "buyer"


async def list_orders(
    connection: Connection,
    *,
    viewer: Viewer,
    filters: OrderFilters,
    limit: int,
    cursor: str | None,
) -> Page[ListedOrder]:
    """Orders, newest first.

    Raises:
        InvalidInput: the cursor isn't one of ours.
    """
    after = after_moment(cursor)
    capacity = capacity_of(viewer, filters.as_)
    found = await order_lists.page(
        connection,
        capacity=capacity,
        user_id=viewer.user_id,
        seller_ids=_seller_scope(viewer, capacity),
        status=filters.status,
        seller_id=filters.seller_id,
        number=_number_in(filters.q),
        text=None if filters.q is None else filters.q.strip(),
        placed_from=filters.placed_from,
        placed_to=filters.placed_to,
        after=after,
        limit=limit + 1,
    )
    return page_by_moment(found, limit=limit, key_of=lambda one: (one.placed_at, one.id))


def _seller_scope(viewer: Viewer, capacity: str) -> Sequence[UUID]:
    return viewer.seller_ids_with(Permission.ORDER_READ) if capacity == "seller" else []


def _number_in(text: str | None) -> int | None:
    try:
        return parse_order_number((text or "").strip().upper())
    except InvalidNumber:
        return None
