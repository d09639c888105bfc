"""Refunds, first step: what goes back is decided, counted and booked before a gateway is asked.

All counters (of the line, the seller order, the order, the payment) rise with this intent, so
that two refunds can never promise the same money; they fall again when a gateway refuses.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from gosellr.core.db import Connection
from gosellr.core.errors import InvalidInput, NotAllowed, NotFound
from gosellr.core.identity import new_id
from gosellr.models.events import Fact, FactType
from gosellr.models.order_values import Order, SellerOrder
from gosellr.queries import orders, outbox, refunds, reservations, withdrawals
from gosellr.services import (
    idempotency_service,
    ledger_service,
    order_steps,
    refund_books,
    refund_outcome,
    refund_plan,
    shipment_service,
)
from gosellr.services.idempotency_service import EarlierRequest, RequestKey
from gosellr.services.ledger_service import Booking
from gosellr.services.order_steps import Step
from gosellr.services.refund_plan import PlannedRefund, RefundRequest
from gosellr.services.seller_scope import require_in_seller
from gosellr.utils.ledger import seller_available, seller_reserve
from gosellr.utils.order_states import OrderStatus, may_cancel
from gosellr.utils.permissions import Permission
from gosellr.utils.policy import MarketPolicy
from gosellr.utils.postings import GatewayAmount, SellerSources, seller_sources
from gosellr.utils.states import Actor
from gosellr.utils.viewer import Viewer

# A gateway that hasn't answered by then is asked what became of the refund.
FIRST_CHECK_AFTER = timedelta(seconds=20)


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenedRefund:
    """A refund on its way: booked, and not yet asked of a gateway."""

    refund_id: UUID


@dataclass(frozen=True, slots=True, kw_only=True)
class RefundPreview:
    """What a refund would do if it were asked for now."""

    planned: PlannedRefund
    effects: dict[str, Any]
    currency: str


async def open_refund(
    connection: Connection,
    *,
    viewer: Viewer,
    order_id: UUID,
    request: RefundRequest,
    key: RequestKey,
    policy: MarketPolicy,
    now: datetime,
) -> OpenedRefund | EarlierRequest:
    """Decide a refund of a seller's own part, or an operator's of any, and book the intent.

    Raises:
        NotFound, NotAllowed, InvalidInput, NotPaid, RefundTooLarge, AlreadyRefunded,
        IdempotencyKeyReused: and then nothing was changed.
    """
    refund_id = new_id()
    earlier = await idempotency_service.claim(
        connection,
        request=key,
        resource_id=str(refund_id),
        now=now,
        kept_for=policy.idempotency_kept_for,
    )
    if earlier is not None:
        return earlier
    hand = await order_steps.take_order(connection, viewer=viewer, order_id=order_id)
    part = _refundable_part(hand.part(request.seller_order_id), viewer=viewer, request=request)
    planned = refund_plan.plan_refund(
        hand.order, part=part, request=request, reversal=policy.commission_reversal
    )
    order = await carry_out(
        connection,
        order=hand.order,
        planned=planned,
        refund_id=refund_id,
        reason=request.reason,
        restock=request.restock,
        actor=Actor.OPERATOR if viewer.is_operator else Actor.SELLER,
        actor_id=viewer.user_id,
        policy=policy,
        now=now,
    )
    await _end_what_is_empty(
        connection, order=order, planned=planned, viewer=viewer, policy=policy, now=now
    )
    return OpenedRefund(refund_id=refund_id)


def _refundable_part(part: SellerOrder, *, viewer: Viewer, request: RefundRequest) -> SellerOrder:
    require_in_seller(viewer, seller_id=part.seller_id, permission=Permission.REFUND_CREATE)
    if request.by_marketplace and not viewer.is_operator:
        raise NotAllowed("Only the marketplace can decide to bear a refund itself")
    if request.by_marketplace and request.amount_minor is None:
        raise InvalidInput.at(
            "borne_by", "amount_only", "The marketplace bears a free amount, not a line"
        )
    return part


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
        As `open_refund`.
    """
    seen = await orders.find(connection, viewer=viewer, order_id=order_id)
    order = None if seen is None else await orders.load(connection, order_id=order_id)
    parts = () if order is None else order.parts
    part = next((one for one in parts if one.id == request.seller_order_id), None)
    if order is None or part is None:
        raise NotFound
    _refundable_part(part, viewer=viewer, request=request)
    planned = refund_plan.plan_refund(
        order, part=part, request=request, reversal=policy.commission_reversal
    )
    available, reserve = _pots(part)
    held = await ledger_service.balances(connection, accounts=[available, reserve])
    sources = seller_sources(
        planned.seller_minor,
        pending_minor=part.pending_minor,
        available_minor=held.get((available, order.currency), 0),
        reserve_minor=held.get((reserve, order.currency), 0),
    )
    return RefundPreview(
        planned=planned,
        effects=_effects(planned, sources),
        currency=order.currency,
    )


def _pots(part: SellerOrder) -> tuple[str, str]:
    return seller_available(part.seller_id), seller_reserve(part.seller_id)


async def carry_out(
    connection: Connection,
    *,
    order: Order,
    planned: PlannedRefund,
    refund_id: UUID,
    reason: str,
    restock: bool,
    actor: Actor,
    actor_id: UUID | None,
    policy: MarketPolicy,
    now: datetime,
) -> Order:
    """Book and write a decided refund of a locked order, and take its units out of shipping.

    One without money for the buyer is finished with that.
    """
    part = planned.part
    sources = await _sources(connection, order=order, planned=planned)
    through = refund_plan.through_payments(order, amount_minor=planned.amount_minor)
    draft = refund_books.intent_draft(
        refund_id=refund_id,
        seller_order_id=part.id,
        seller_id=part.seller_id,
        currency=order.currency,
        shares=planned.shares,
        sources=sources,
        through=[GatewayAmount(gateway=way, amount_minor=minor) for _, way, minor in through],
        goodwill_returned_minor=planned.goodwill_returned_minor,
        by_marketplace=planned.by_marketplace,
        policy=policy,
    )
    [booked] = await ledger_service.book(
        connection,
        bookings=[
            Booking(
                draft=draft,
                cause_type="refund",
                cause_id=refund_id,
                idempotency_key=str(refund_id),
                order_id=order.id,
                actor=f"{actor.value}:{actor_id or '-'}",
                effective_at=now,
                facts={"reason": reason},
            )
        ],
        now=now,
    )
    effects = _effects(planned, sources)
    await refunds.insert(
        connection,
        refund={
            "id": refund_id,
            "order_id": order.id,
            "seller_order_id": part.id,
            "seller_id": part.seller_id,
            "amount_minor": planned.amount_minor,
            "currency": order.currency,
            "reason": reason,
            "borne_by": "marketplace" if planned.by_marketplace else "seller",
            "effects": {**effects, "transaction_id": str(booked.transaction_id)},
            "requested_by": actor_id,
            "created_at": now,
        },
        lines=refund_books.line_rows(planned.shares, refund_id=refund_id),
        parts=[
            {
                "id": new_id(),
                "refund_id": refund_id,
                "payment_id": payment_id,
                "amount_minor": amount_minor,
                "created_at": now,
                "check_at": now + FIRST_CHECK_AFTER,
            }
            for payment_id, _, amount_minor in through
        ],
    )
    change = refunds.Change(
        order_id=order.id,
        seller_order_id=part.id,
        amount_minor=planned.amount_minor,
        pending_minor=sources.pending_minor,
        lines=planned.lines,
        shipping=planned.shipping,
        payments={payment_id: amount_minor for payment_id, _, amount_minor in through},
    )
    if not await refunds.count(connection, change=change, sign=1):
        raise RuntimeError(f"the counters of order {order.id} moved under its lock")
    await _withdraw(
        connection,
        planned=planned,
        refund_id=refund_id,
        restock=restock,
        actor_id=actor_id,
        now=now,
    )
    await _tell(
        connection,
        order=order,
        planned=planned,
        refund_id=refund_id,
        reason=reason,
        actor=actor,
        actor_id=actor_id,
        now=now,
    )
    order = await order_steps.load_locked(connection, order_id=order.id)
    if not through:
        order = await refund_outcome.finish(
            connection, order=order, refund_id=refund_id, status="succeeded", now=now
        )
    return order


async def _sources(
    connection: Connection, *, order: Order, planned: PlannedRefund
) -> SellerSources:
    """Out of which pots the seller's side comes; balances are locked only where needed."""
    if planned.by_marketplace:
        return SellerSources()
    part = planned.part
    if planned.seller_minor <= part.pending_minor:
        return seller_sources(planned.seller_minor, pending_minor=part.pending_minor)
    available, reserve = _pots(part)
    held = await ledger_service.locked_balances(
        connection, accounts=[available, reserve], currency=order.currency
    )
    return seller_sources(
        planned.seller_minor,
        pending_minor=part.pending_minor,
        available_minor=held[available],
        reserve_minor=held[reserve],
    )


def _effects(planned: PlannedRefund, sources: SellerSources) -> dict[str, Any]:
    return refund_books.effects_of(
        total=planned.total,
        sources=sources,
        amount_minor=planned.amount_minor,
        goodwill_returned_minor=planned.goodwill_returned_minor,
        by_marketplace=planned.by_marketplace,
    )


async def _withdraw(
    connection: Connection,
    *,
    planned: PlannedRefund,
    refund_id: UUID,
    restock: bool,
    actor_id: UUID | None,
    now: datetime,
) -> None:
    quantities = planned.withdrawn()
    if not quantities:
        return
    ended = await withdrawals.withdraw(
        connection,
        quantities=quantities,
        restock=restock,
        refund_id=refund_id,
        actor_id=actor_id,
        now=now,
    )
    if sum(ended.values()) != sum(quantities.values()):
        raise RuntimeError(f"the holds of seller order {planned.part.id} don't cover what it owes")
    if restock:
        await order_steps.tell_stock(connection, variant_ids=ended, now=now)


async def _tell(
    connection: Connection,
    *,
    order: Order,
    planned: PlannedRefund,
    refund_id: UUID,
    reason: str,
    actor: Actor,
    actor_id: UUID | None,
    now: datetime,
) -> None:
    said = {
        "refund_id": str(refund_id),
        "amount": {"amount": planned.amount_minor, "currency": order.currency},
        "reason": reason,
    }
    event = {
        "kind": "refund_requested",
        "actor": actor.value,
        "actor_id": actor_id,
        "seller_order_id": planned.part.id,
        "data": said,
    }
    await orders.append_events(connection, order_id=order.id, events=[event], now=now)
    about = {"order_id": str(order.id), "seller_order_id": str(planned.part.id)}
    await outbox.append(connection, [Fact(FactType.REFUND_REQUESTED, refund_id, about)], now=now)


async def _end_what_is_empty(
    connection: Connection,
    *,
    order: Order,
    planned: PlannedRefund,
    viewer: Viewer,
    policy: MarketPolicy,
    now: datetime,
) -> None:
    """Cancel a seller order of which all money went back before anything was shipped, and count
    one as shipped whose last owed units were withdrawn."""
    [part] = [one for one in order.parts if one.id == planned.part.id]
    actor = Actor.OPERATOR if viewer.is_operator else Actor.SELLER
    target = shipment_service.status_by_units(part)
    if part.refunded_minor == part.total_minor and may_cancel(OrderStatus(part.status), actor):
        target = OrderStatus.CANCELLED
        released = await reservations.release_seller_order(connection, seller_order_id=part.id)
        await order_steps.tell_stock(connection, variant_ids=released, now=now)
    if target.value != part.status:
        await order_steps.take_steps(
            connection,
            order=order,
            steps=[Step(part=part, target=target, data={"reason": "refunded"})],
            actor=actor,
            actor_id=viewer.user_id,
            policy=policy,
            now=now,
            reason="refunded",
        )
