"""Refunds, first step: what goes back is decided, counted and booked before a gateway is asked.

All counters (of the line, the seller order, the order, the payment) rise with this intent, so
that two refunds can never promise the same money; they fall again when a gateway refuses.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from gosellr.core.db import Connection
from gosellr.core.identity import new_id
from gosellr.models.dispute_values import Dispute
from gosellr.models.events import Fact, FactType
from gosellr.models.order_values import Order
from gosellr.queries import orders, outbox, refunds, reservations, withdrawals
from gosellr.services import (
    dispute_freeze,
    ledger_service,
    order_steps,
    refund_books,
    refund_fees,
    refund_goodwill,
    refund_outcome,
    refund_plan,
    refund_pots,
    shipment_service,
    stored_value_tender,
)
from gosellr.services.ledger_service import Booking
from gosellr.services.order_steps import Step
from gosellr.services.refund_outcome import RefundAnswer
from gosellr.services.refund_plan import PlannedRefund
from gosellr.services.refund_ways import WayBack
from gosellr.utils.dispute_postings import chargeback_lost
from gosellr.utils.lazy_dataclasses import dataclass
from gosellr.utils.order_states import OrderStatus, may_cancel
from gosellr.utils.policy import MarketPolicy
from gosellr.utils.postings import GatewayAmount, SellerSources
from gosellr.utils.states import Actor, RefundStatus

# A gateway that hasn't answered by then is asked what became of the refund.
FIRST_CHECK_AFTER = timedelta(seconds=20)


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
    case: Dispute | None = None,
    taken_at: str | None = None,
    through: Sequence[WayBack] | None = None,
    is_sole_word: bool = False,
) -> Order:
    """Book and write a decided refund of a locked order, and take its units out of shipping.

    What goes to stored value is there with that, and one without money for the buyer finished.
    What a `case` decided comes out of the money that is frozen under it; where a bank has taken
    that back already, at the gateway `taken_at`, none is sent. `through` says by which payments
    it goes, where that isn't to be decided here; `is_sole_word` that one operator alone gives it.

    Raises:
        UnderChargeback: a bank has taken the money back.
        GoodwillUnderWay: it would return goodwill that may yet be refused.
    """
    refund_goodwill.check(order, planned)
    if case is None:
        order, planned = await dispute_freeze.make_room(
            connection, order=order, planned=planned, policy=policy, now=now
        )
    planned, ways = _ways(order, planned, taken_at=taken_at, through=through, policy=policy)
    intent = _Intent(
        order=order,
        planned=planned,
        refund_id=refund_id,
        reason=reason,
        actor=actor,
        actor_id=actor_id,
        sources=await refund_pots.sources_of(connection, planned=planned, case=case),
        through=ways,
        now=now,
        case=case,
        taken_at=taken_at,
        is_sole_word=is_sole_word,
    )
    [booked] = await ledger_service.book(connection, bookings=[intent.booking(policy)], now=now)
    parts = intent.part_rows()
    await refund_pots.spend(connection, planned=planned, case=case, sources=intent.sources)
    await refunds.insert(
        connection,
        refund=intent.row(transaction_id=booked.transaction_id),
        lines=refund_books.line_rows(planned.shares, refund_id=refund_id),
        parts=parts,
    )
    if not await refunds.count(connection, change=intent.change(), sign=1):
        raise RuntimeError(f"the counters of order {order.id} moved under its lock")
    await _withdraw(connection, intent=intent, restock=restock)
    await _tell(connection, intent=intent)
    await _credit(connection, order=order, parts=parts, policy=policy, now=now)
    order = await order_steps.load_locked(connection, order_id=order.id)
    if not intent.through:
        order = await refund_outcome.finish(
            connection, order=order, refund_id=refund_id, status="succeeded", now=now
        )
    return order


def _ways(
    order: Order,
    planned: PlannedRefund,
    *,
    taken_at: str | None,
    through: Sequence[WayBack] | None,
    policy: MarketPolicy,
) -> tuple[PlannedRefund, list[WayBack]]:
    """By which payments it goes back, and with what its seller bears of their fees."""
    if taken_at:
        # Of what a bank has taken that is known already.
        return planned, []
    if through is None:
        through = refund_plan.ways_of(order, planned)
    return refund_fees.with_fees(order, planned, ways=through, policy=policy), list(through)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Intent:
    """A decided refund, and all that is written of it."""

    order: Order
    planned: PlannedRefund
    refund_id: UUID
    reason: str
    actor: Actor
    actor_id: UUID | None
    sources: SellerSources
    through: list[WayBack]
    now: datetime
    case: Dispute | None = None
    taken_at: str | None = None
    is_sole_word: bool = False

    def booking(self, policy: MarketPolicy) -> Booking:
        planned = self.planned
        draft = refund_books.intent_draft(
            refund_id=self.refund_id,
            seller_order_id=planned.part.id,
            seller_id=planned.part.seller_id,
            currency=self.order.currency,
            shares=planned.shares,
            sources=self.sources,
            through=self._through(),
            goodwill_returned_minor=planned.goodwill_returned_minor,
            provider_fee_minor=planned.provider_fee_minor,
            by_marketplace=planned.by_marketplace,
            policy=policy,
            remitted_to=planned.part.remitted_to,
        )
        if self.taken_at:
            draft = chargeback_lost(draft, gateway=self.taken_at)
        return Booking(
            draft=draft,
            cause_type="refund",
            cause_id=self.refund_id,
            idempotency_key=str(self.refund_id),
            order_id=self.order.id,
            actor=f"{self.actor.value}:{self.actor_id or '-'}",
            effective_at=self.now,
            facts={"reason": self.reason},
        )

    def _through(self) -> list[GatewayAmount]:
        if self.taken_at:
            return [GatewayAmount(gateway=self.taken_at, amount_minor=self.planned.amount_minor)]
        return [
            GatewayAmount(gateway=way.method, amount_minor=way.amount_minor) for way in self.through
        ]

    def row(self, *, transaction_id: UUID) -> dict[str, Any]:
        planned = self.planned
        effects = refund_books.effects_of_plan(planned, self.sources)
        return {
            "id": self.refund_id,
            "order_id": self.order.id,
            "seller_order_id": planned.part.id,
            "seller_id": planned.part.seller_id,
            "amount_minor": planned.amount_minor,
            "currency": self.order.currency,
            "reason": self.reason,
            "borne_by": "marketplace" if planned.by_marketplace else "seller",
            "effects": {**effects, "transaction_id": str(transaction_id)},
            "requested_by": self.actor_id,
            "created_at": self.now,
            "dispute_id": None if self.case is None else self.case.id,
            "given_alone_minor": planned.amount_minor if self.is_sole_word else 0,
        }

    def part_rows(self) -> list[dict[str, Any]]:
        return [
            {
                "id": new_id(),
                "refund_id": self.refund_id,
                "payment_id": way.payment_id,
                "amount_minor": way.amount_minor,
                "credited_account": way.credited,
                "created_at": self.now,
                "check_at": self.now + FIRST_CHECK_AFTER,
            }
            for way in self.through
        ]

    def change(self) -> refunds.Change:
        return refunds.Change(
            order_id=self.order.id,
            seller_order_id=self.planned.part.id,
            amount_minor=self.planned.amount_minor,
            pending_minor=self.sources.pending_minor,
            lines=self.planned.lines,
            shipping=self.planned.shipping,
            payments={way.payment_id: way.amount_minor for way in self.through},
        )


async def _credit(
    connection: Connection,
    *,
    order: Order,
    parts: Sequence[Mapping[str, Any]],
    policy: MarketPolicy,
    now: datetime,
) -> None:
    """Confirm what goes to gift cards and store credit: nobody outside has to be asked."""
    credited = sorted(
        (part for part in parts if part["credited_account"] is not None),
        # Balances are locked in one order, whichever refunds come at once.
        key=lambda part: str(part["credited_account"]),
    )
    if not credited:
        return
    accounts = [part["credited_account"] for part in credited]
    over = await stored_value_tender.ready_for(
        connection, accounts=accounts, until_least=True, now=now
    )
    for part in credited:
        answer = RefundAnswer(part_id=part["id"], status=RefundStatus.SUCCEEDED)
        await refund_outcome.record_answer(connection, answer=answer, policy=policy, now=now)
    landed = [(part["credited_account"], part["amount_minor"]) for part in credited]
    await stored_value_tender.move_on(connection, order=order, landed=landed, over=over, now=now)


async def _withdraw(connection: Connection, *, intent: _Intent, restock: bool) -> None:
    quantities = intent.planned.withdrawn()
    if not quantities:
        return
    ended = await withdrawals.withdraw(
        connection,
        quantities=quantities,
        restock=restock,
        refund_id=intent.refund_id,
        actor_id=intent.actor_id,
        now=intent.now,
    )
    if sum(ended.values()) != sum(quantities.values()):
        raise RuntimeError(f"the holds of {intent.planned.part.id} don't cover what it owes")
    if restock:
        await order_steps.tell_stock(
            connection, order=intent.order, variant_ids=ended, now=intent.now
        )


async def _tell(connection: Connection, *, intent: _Intent) -> None:
    order, part = intent.order, intent.planned.part
    event = {
        "kind": "refund_requested",
        "actor": intent.actor.value,
        "actor_id": intent.actor_id,
        "seller_order_id": part.id,
        "data": {
            "refund_id": str(intent.refund_id),
            "amount": {"amount": intent.planned.amount_minor, "currency": order.currency},
            "reason": intent.reason,
        },
    }
    await orders.append_events(connection, order_id=order.id, events=[event], now=intent.now)
    about = {"order_id": str(order.id), "seller_order_id": str(part.id)}
    fact = Fact(FactType.REFUND_REQUESTED, intent.refund_id, about)
    await outbox.append(connection, [fact], now=intent.now)


async def end_what_is_empty(
    connection: Connection,
    *,
    order: Order,
    part_id: UUID,
    actor: Actor,
    actor_id: UUID | None,
    policy: MarketPolicy,
    now: datetime,
) -> None:
    """Cancel a seller order of which every share went back before anything was shipped, and
    count one as shipped whose last owed units were withdrawn.

    Goodwill of the marketplace doesn't count: the sale stands, and its seller still ships.
    """
    [part] = [one for one in order.parts if one.id == part_id]
    target = shipment_service.status_by_units(part)
    undone = all(one.is_exhausted for one in refund_plan.refundable_parts(order, part))
    if undone and may_cancel(OrderStatus(part.status), actor):
        target = OrderStatus.CANCELLED
        released = await reservations.release_seller_order(connection, seller_order_id=part.id)
        await order_steps.tell_stock(connection, order=order, variant_ids=released, now=now)
    if target.value != part.status:
        await order_steps.take_steps(
            connection,
            order=order,
            steps=[Step(part=part, target=target, data={"reason": "refunded"})],
            actor=actor,
            actor_id=actor_id,
            policy=policy,
            now=now,
            reason="refunded",
        )
