"""Questions about refunds: what one would do, and which are under way."""

from datetime import datetime
from typing import Any
from uuid import UUID

from gosellr.core.db import Connection
from gosellr.core.errors import NotFound
from gosellr.models.refund_values import RefundPart
from gosellr.queries import orders, refunds
from gosellr.services import (
    dispute_freeze,
    ledger_service,
    refund_books,
    refund_fees,
    refund_goodwill,
    refund_limits,
    refund_plan,
)
from gosellr.services.refund_plan import PlannedRefund, RefundRequest
from gosellr.services.refund_ways import WayBack
from gosellr.services.seller_scope import require_no_part
from gosellr.utils.lazy_dataclasses import dataclass
from gosellr.utils.policy import MarketPolicy
from gosellr.utils.postings import seller_sources
from gosellr.utils.viewer import Viewer


@dataclass(frozen=True, slots=True, kw_only=True)
class RefundPreview:
    """What a refund would do if it were asked for now: what goes back, what that takes from whom,
    by which payments, and what becomes of the units that haven't left.

    `ways` is None for who doesn't see how the order was paid. `withdrawn` are the units by line
    that won't be sent any more; with `restock` they go back on sale, else they are written off.
    `takes_two` says that the viewer's word isn't enough: it would be proposed.
    """

    planned: PlannedRefund
    effects: dict[str, Any]
    ways: tuple[WayBack, ...] | None
    withdrawn: dict[UUID, int]
    restock: bool
    currency: str
    takes_two: bool


async def preview(
    connection: Connection,
    *,
    viewer: Viewer,
    order_id: UUID,
    request: RefundRequest,
    policy: MarketPolicy,
) -> RefundPreview:
    """Say what a refund would take from whom; changes nothing and locks nothing.

    Raises:
        As `refund_requests.open_refund`.
    """
    seen = await orders.find(connection, viewer=viewer, order_id=order_id)
    order = None if seen is None else await orders.load(connection, order_id=order_id)
    parts = () if order is None else order.parts
    part = next((one for one in parts if one.id == request.seller_order_id), None)
    if seen is None or order is None or part is None:
        raise NotFound
    refund_plan.check_right(order, part, viewer=viewer, request=request)
    planned = refund_plan.plan_refund(
        order, part=part, request=request, reversal=policy.commission_reversal
    )
    refund_goodwill.check(order, planned)
    ways = refund_plan.ways_of(order, planned)
    planned = refund_fees.with_fees(order, planned, ways=ways, policy=policy)
    of_staff = refund_limits.is_of_staff(viewer, part, by_marketplace=request.by_marketplace)
    takes_two = of_staff and await refund_limits.takes_two_now(
        connection, order, amount_minor=planned.amount_minor, policy=policy
    )
    if takes_two:
        # Who is of this shop can't propose it either.
        require_no_part(viewer, seller_id=part.seller_id)
    available, reserve = refund_books.pots_of(part)
    held = await ledger_service.balances(connection, accounts=[available, reserve])
    sources = seller_sources(
        planned.seller_minor,
        pending_minor=part.pending_minor,
        available_minor=held.get((available, order.currency), 0),
        reserve_minor=await dispute_freeze.own_reserve(
            connection, part=part, reserve_minor=held.get((reserve, order.currency), 0)
        ),
    )
    return RefundPreview(
        planned=planned,
        effects=refund_books.effects_of_plan(planned, sources),
        ways=tuple(ways) if seen.whole else None,
        withdrawn=planned.withdrawn(),
        restock=request.restock,
        currency=order.currency,
        takes_two=takes_two,
    )


async def open_parts(connection: Connection, *, refund_id: UUID) -> list[RefundPart]:
    """What of a refund has yet to be answered by a gateway."""
    parts = await refunds.parts_of(connection, refund_id=refund_id)
    return [part for part in parts if part.is_open]


async def open_parts_of_payment(connection: Connection, *, payment_id: UUID) -> list[RefundPart]:
    """What is on its way back through a payment."""
    return await refunds.open_parts_of_payment(connection, payment_id=payment_id)


async def due_parts(connection: Connection, *, now: datetime, limit: int) -> list[RefundPart]:
    """What is to be sent or asked after now, the longest waiting first."""
    return await refunds.due_parts(connection, now=now, limit=limit)
