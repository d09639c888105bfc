"""What every command on a case begins and ends with: its order's lock, rights, and next step."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from gosellr.core.db import Connection
from gosellr.core.errors import Conflict, NotAllowed, NotFound
from gosellr.models.dispute_values import Dispute
from gosellr.models.events import Fact, FactType
from gosellr.models.order_values import Order, SellerOrder
from gosellr.queries import disputes, orders, outbox, payments
from gosellr.services import order_steps
from gosellr.utils.disputes import (
    DISPUTE_STATES,
    DisputeAction,
    DisputeKind,
    DisputeStatus,
    allowed_actions,
    due_at,
    is_over,
)
from gosellr.utils.lazy_dataclasses import dataclass
from gosellr.utils.permissions import Permission
from gosellr.utils.policy import MarketPolicy
from gosellr.utils.states import Actor
from gosellr.utils.viewer import Viewer


class DisputeStepRefused(Conflict):
    """The case isn't where this can be done, or waits for somebody else; `allowed` names what the
    caller may do instead."""

    code = "dispute_step_not_allowed"
    title = "The case can't take this step"


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """What was decided. `is_final` once nothing can be said against it any more."""

    award_minor: int
    outcome: str
    decided_by: str
    decision: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class CaseInHand:
    """A case whose order is locked, and in which capacities the caller came."""

    dispute: Dispute
    order: Order
    viewer: Viewer
    actors: tuple[Actor, ...]

    @property
    def part(self) -> SellerOrder:
        """The seller's part that it is about."""
        return part_of(self.order, self.dispute)

    def require(self, action: DisputeAction) -> Actor:
        """As whom the caller does this. Raises `DisputeStepRefused`."""
        allowed: dict[DisputeAction, None] = {}
        for actor in self.actors:
            own = allowed_actions(
                kind=DisputeKind(self.dispute.kind),
                status=self.dispute.stands,
                actor=actor,
                is_final=self.dispute.is_final,
                is_of_card=self.dispute.is_of_card,
            )
            if action in own:
                return actor
            allowed |= dict.fromkeys(own)
        raise DisputeStepRefused(
            f"While a case is {self.dispute.status}, that isn't yours to do",
            extras={"current": self.dispute.status, "allowed": [one.value for one in allowed]},
        )

    def require_in_time(self, *, now: datetime) -> None:
        """Let nobody answer, contest or appeal any more whose silence has decided, whether or not
        that was written down by now. Raises `DisputeStepRefused`."""
        dispute = self.dispute
        if is_over(dispute.stands, due_at=dispute.due_at, now=now):
            raise DisputeStepRefused(
                "The time for it was over", extras={"current": dispute.status, "allowed": []}
            )

    def author(self, actor: Actor) -> str:
        """In whose name something is said."""
        is_support = actor is Actor.OPERATOR and not self.viewer.is_operator
        return "support" if is_support else actor.value


def part_of(order: Order, dispute: Dispute) -> SellerOrder:
    """The seller's part that a case is about; a gift card's is about none."""
    [part] = [one for one in order.parts if one.id == dispute.seller_order_id]
    return part


async def take_case(
    connection: Connection, *, viewer: Viewer, dispute_id: UUID, permission: Permission
) -> CaseInHand:
    """Lock the order of a case that the caller has a part in, and read both.

    Raises:
        NotFound: there is none, or it is somebody else's.
        NotAllowed: the caller's role in the shop doesn't allow it.
    """
    order_id = await disputes.order_of(connection, dispute_id=dispute_id)
    if order_id is None:
        raise NotFound
    hand = await order_steps.take_order(connection, viewer=viewer, order_id=order_id)
    dispute = await loaded(connection, dispute_id=dispute_id)
    is_party = viewer.is_party(dispute.seller_id, is_buyer=hand.is_buyer)
    actors: list[Actor] = []
    if not dispute.is_of_card:
        actors += [
            actor
            for actor in hand.capacities(part_of(hand.order, dispute), permission)
            # A chargeback is between the seller and the bank.
            if actor is not Actor.BUYER or not dispute.is_chargeback
        ]
    if viewer.sees_everything and Actor.OPERATOR not in actors and not is_party:
        actors.append(Actor.OPERATOR)
    if not actors and dispute.seller_id in viewer.memberships:
        raise NotAllowed("Your role in this shop doesn't allow it")
    if not actors:
        raise NotFound
    return CaseInHand(dispute=dispute, order=hand.order, viewer=viewer, actors=tuple(actors))


async def lock_case(connection: Connection, *, dispute_id: UUID) -> CaseInHand:
    """The same for the market's own work. Raises NotFound."""
    order_id = await disputes.order_of(connection, dispute_id=dispute_id)
    if order_id is None:
        raise NotFound
    order = await order_steps.lock_and_load(connection, order_id=order_id)
    dispute = await loaded(connection, dispute_id=dispute_id)
    return CaseInHand(dispute=dispute, order=order, viewer=Viewer(), actors=(Actor.SYSTEM,))


async def loaded(connection: Connection, *, dispute_id: UUID) -> Dispute:
    """A case that exists."""
    dispute = await disputes.load(connection, dispute_id=dispute_id)
    if dispute is None:
        raise NotFound
    return dispute


async def move(
    connection: Connection,
    *,
    dispute: Dispute,
    target: DisputeStatus,
    actor: Actor,
    actor_id: UUID | None,
    policy: MarketPolicy,
    now: datetime,
    verdict: Verdict | None = None,
    is_final: bool = False,
    appealed_by: str | None = None,
    data: Mapping[str, Any] | None = None,
) -> Dispute:
    """Take a listed step, with history and fact; gives the case as it is then."""
    DISPUTE_STATES.check(dispute.stands, target, actor)
    due = due_at(target, now=now, terms=policy.disputes)
    if not await disputes.move(
        connection,
        dispute=dispute,
        status=target.value,
        due_at=due,
        now=now,
        award_minor=None if verdict is None else verdict.award_minor,
        outcome=None if verdict is None else verdict.outcome,
        decided_by=None if verdict is None else verdict.decided_by,
        decision=None if verdict is None else verdict.decision,
        appealed_by=appealed_by,
        is_final=is_final,
    ):
        raise RuntimeError(f"case {dispute.id} moved under its order's lock")
    said = dict(data or {})
    if verdict is not None:
        said |= {
            "outcome": verdict.outcome,
            "award": {"amount": verdict.award_minor, "currency": dispute.currency},
        }
    await disputes.append_event(
        connection,
        dispute_id=dispute.id,
        kind="status_changed",
        actor=actor.value,
        actor_id=actor_id,
        from_status=dispute.status,
        to_status=target.value,
        data=said,
        now=now,
    )
    closed = target is DisputeStatus.CLOSED
    kind = FactType.DISPUTE_CLOSED if closed else FactType.DISPUTE_STATUS_CHANGED
    about = {**whom_it_concerns(dispute), "from": dispute.status, "to": target.value}
    await outbox.append(connection, [Fact(kind, dispute.id, about)], now=now)
    return await loaded(connection, dispute_id=dispute.id)


def whom_it_concerns(dispute: Dispute) -> dict[str, str]:
    """What every fact about a case says."""
    of_seller = {
        "seller_order_id": str(dispute.seller_order_id),
        "seller_id": str(dispute.seller_id),
    }
    return {"order_id": str(dispute.order_id), **({} if dispute.is_of_card else of_seller)}


async def note_opened(
    connection: Connection,
    *,
    order: Order,
    cases: Sequence[Dispute],
    kind: str,
    actor: Actor,
    actor_id: UUID | None,
    now: datetime,
) -> None:
    """Begin the histories of new cases, tell of them, and mark their order as disputed."""
    for case in cases:
        await disputes.append_event(
            connection,
            dispute_id=case.id,
            kind="opened",
            actor=actor.value,
            actor_id=actor_id,
            to_status=case.status,
            data={"reason": case.reason},
            now=now,
        )
    await _on_timeline(
        connection, order=order, cases=cases, kind=kind, actor=actor, actor_id=actor_id, now=now
    )
    facts = [Fact(FactType.DISPUTE_OPENED, case.id, whom_it_concerns(case)) for case in cases]
    await outbox.append(connection, facts, now=now)
    await payments.set_payment_status(connection, order_id=order.id, payment_status="disputed")


async def close(
    connection: Connection,
    *,
    dispute: Dispute,
    actor: Actor,
    policy: MarketPolicy,
    now: datetime,
    verdict: Verdict | None = None,
) -> None:
    """End a case under which nothing is frozen any more; its order is disputed no longer when it
    was the last one."""
    closed = await move(
        connection, dispute=dispute, target=DisputeStatus.CLOSED, actor=actor, actor_id=None,
        policy=policy, now=now, verdict=verdict,
    )  # fmt: skip
    await disputes.count_closed(connection, order_id=dispute.order_id, count=1)
    order = await order_steps.load_locked(connection, order_id=dispute.order_id)
    standing = order_steps.payment_status_of(order)
    if standing != order.payment_status:
        await payments.set_payment_status(connection, order_id=order.id, payment_status=standing)
    await _on_timeline(
        connection, order=order, cases=[closed], kind="dispute_closed", actor=actor,
        actor_id=None, now=now,
    )  # fmt: skip


async def _on_timeline(
    connection: Connection,
    *,
    order: Order,
    cases: Sequence[Dispute],
    kind: str,
    actor: Actor,
    actor_id: UUID | None,
    now: datetime,
) -> None:
    events = [
        {
            "kind": kind,
            "actor": actor.value,
            "actor_id": actor_id,
            "seller_order_id": case.seller_order_id,
            "data": {
                "dispute_id": str(case.id),
                "reason": case.reason,
                "amount": {"amount": case.amount_minor, "currency": case.currency},
                **({} if case.outcome is None else {"outcome": case.outcome}),
            },
        }
        for case in cases
    ]
    await orders.append_events(connection, order_id=order.id, events=events, now=now)
