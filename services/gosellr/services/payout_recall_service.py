"""Payouts that are called back: asked for by an operator, then asked of the provider.

What is given back is the seller's again, as after any failed payout. What the provider refuses
stays paid: the seller has it, and the operator is told why.
"""

from datetime import datetime
from uuid import UUID

from gosellr.core.db import Connection
from gosellr.core.errors import Conflict, NotAllowed, NotFound
from gosellr.core.identity import new_id
from gosellr.models.connected_values import PayoutRecall
from gosellr.models.events import Fact, FactType
from gosellr.models.payout_values import Payout
from gosellr.queries import outbox, payout_recalls, payouts
from gosellr.services import idempotency_service
from gosellr.services.idempotency_service import RequestKey
from gosellr.services.payout_opening import FIRST_CHECK_AFTER
from gosellr.utils.payouts import PayoutStatus, recall_again_at
from gosellr.utils.policy import MarketPolicy
from gosellr.utils.viewer import Viewer


class PayoutNotPaid(Conflict):
    """Only what has left can be called back; what waits for approval is cancelled."""

    code = "payout_not_paid"
    title = "This payout isn't paid"


class CantBeCalledBack(Conflict):
    """Its provider gives nothing back."""

    code = "payout_not_recallable"
    title = "This way of paying takes nothing back"


async def ask(
    connection: Connection,
    *,
    viewer: Viewer,
    payout_id: UUID,
    recallable: frozenset[str],
    reason: str,
    key: RequestKey,
    policy: MarketPolicy,
    now: datetime,
) -> bool:
    """Write that a payout is to be called back; whether the same request had asked before.

    `recallable` are the providers that give back. While one recall waits, another changes nothing.

    Raises:
        NotFound, NotAllowed, IdempotencyKeyReused.
        PayoutNotPaid, CantBeCalledBack: and then nothing was changed.
    """
    if not viewer.is_operator:
        raise NotAllowed
    payout = await payouts.load(connection, payout_id=payout_id)
    if payout is None:
        raise NotFound
    earlier = await idempotency_service.claim(
        connection,
        request=key,
        resource_id=str(payout_id),
        now=now,
        kept_for=policy.idempotency_kept_for,
    )
    if earlier is not None:
        return True
    held = await payouts.lock(connection, payout_id=payout_id)
    if held is None or held.status is not PayoutStatus.PAID:
        raise PayoutNotPaid
    if payout.provider not in recallable:
        raise CantBeCalledBack
    asked = await payout_recalls.ask(
        connection,
        recall_id=new_id(),
        payout_id=payout_id,
        reason=reason,
        user_id=viewer.user_id,
        now=now,
        check_at=now + FIRST_CHECK_AFTER,
    )
    if asked:
        await _tell(connection, FactType.PAYOUT_RECALL_ASKED, payout, reason=reason, now=now)
    return False


async def pending(connection: Connection, *, payout_id: UUID) -> PayoutRecall | None:
    """What of a payout waits to be called back."""
    return await payout_recalls.pending(connection, payout_id=payout_id)


async def latest(connection: Connection, *, viewer: Viewer, payout_id: UUID) -> PayoutRecall | None:
    """The last recall of a payout that the viewer may read; None for those who may not."""
    if await payouts.find(connection, viewer=viewer, payout_id=payout_id) is None:
        return None
    return await payout_recalls.latest(connection, payout_id=payout_id)


async def postpone(connection: Connection, *, recall: PayoutRecall, now: datetime) -> None:
    """The provider gave no answer: it is asked again, later each time."""
    check_at = recall_again_at(check_count=recall.check_count, now=now)
    await payout_recalls.postpone(connection, recall_id=recall.id, check_at=check_at)


async def finish(
    connection: Connection, *, recall: PayoutRecall, refusal: str | None, now: datetime
) -> None:
    """Write down what the provider said, once: taken back, or why it isn't."""
    payout = await payouts.load(connection, payout_id=recall.payout_id)
    if payout is None:
        raise NotFound
    done = await payout_recalls.finish(connection, recall_id=recall.id, refusal=refusal, now=now)
    if done and refusal is not None:
        await _tell(connection, FactType.PAYOUT_RECALL_REFUSED, payout, reason=refusal, now=now)


async def due(connection: Connection, *, now: datetime, limit: int) -> list[UUID]:
    """Payouts whose recall is to be asked for now."""
    return await payout_recalls.due(connection, now=now, limit=limit)


async def _tell(
    connection: Connection, kind: FactType, payout: Payout, *, reason: str, now: datetime
) -> None:
    about = {
        "seller_id": str(payout.seller_id),
        "amount": {"amount": payout.amount_minor, "currency": payout.currency},
        "reason": reason,
    }
    await outbox.append(connection, [Fact(kind, payout.id, about)], now=now)
