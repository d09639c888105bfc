"""Payouts, second step: what the provider said is booked once, and a refusal undone exactly."""

from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta
from typing import Final, TypedDict
from uuid import UUID

from gosellr.core.db import Connection
from gosellr.core.errors import Conflict, NotFound
from gosellr.models.events import Fact, FactType
from gosellr.models.payout_values import Payout, PayoutInstruction
from gosellr.queries import ledger, outbox, payouts
from gosellr.queries.payouts import LockedPayout
from gosellr.services import ledger_service, payout_terms
from gosellr.services.ledger_service import Booking
from gosellr.services.payout_terms import PayoutTerms
from gosellr.utils.lazy_dataclasses import dataclass
from gosellr.utils.ledger import TransactionDraft, TransactionKind, seller_available
from gosellr.utils.payouts import (
    NEVER_SENT,
    SENT_AFTER_ALL,
    SENT_BY_THEN,
    WATCHED_EVERY,
    WATCHED_FOR,
    PayoutStatus,
    check_again_at,
    may_become,
    payout_confirmed,
    payout_failed,
    payout_intent,
    payout_returned,
)

TOO_OLD: Final = "made_too_long_ago"
# What stands for the reason of a provider that gives none.
_REFUSED: Final = "refused"
# What is told of a payout that was undone.
_UNDONE: Final = {
    PayoutStatus.CANCELLED: FactType.PAYOUT_CANCELLED,
    PayoutStatus.FAILED: FactType.PAYOUT_FAILED,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class PayoutAnswer:
    """What a provider said of a payout. `UNKNOWN` leaves open whether money moved; `funding` is
    the account that the provider's money comes out of."""

    status: PayoutStatus
    funding: str
    provider_reference: str | None = None
    reason: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class _Undoing:
    """How a payout ends without money: `reason` is what its seller reads, `said` what the books
    keep, `check_at` when its provider is asked once more."""

    status: PayoutStatus
    reason: str
    said: str
    actor: str
    check_at: datetime | None = None


async def record_answer(
    connection: Connection, *, payout_id: UUID, answer: PayoutAnswer, now: datetime
) -> None:
    """Write an answer down and book what follows; saying it again changes nothing.

    Raises:
        NotFound: there is no such payout.
    """
    payout = await payouts.load(connection, payout_id=payout_id)
    if payout is None:
        raise NotFound
    if answer.status is PayoutStatus.FAILED:
        await _hold_balance(connection, payout)
    held = await _held(connection, payout)
    if held.status in {PayoutStatus.FAILED, PayoutStatus.CANCELLED}:
        await _hear_late(connection, payout_id, answer, now=now)
        return
    if not may_become(held.status, answer.status):
        await _look_again(connection, payout, held, now=now)
        return
    actor = f"provider:{payout.provider}"
    if answer.status is PayoutStatus.FAILED:
        reason = answer.reason or _REFUSED
        undoing = _Undoing(status=PayoutStatus.FAILED, reason=reason, said=reason, actor=actor)
        await _undo(connection, payout, held=held, undoing=undoing, answer=answer, now=now)
        return
    await payouts.move(
        connection,
        payout_id=payout_id,
        status=answer.status,
        provider_reference=answer.provider_reference,
        check_at=check_again_at(answer.status, check_count=held.check_count, now=now, paid_at=now),
        now=now,
    )
    if answer.status is PayoutStatus.PAID:
        await _arrive(connection, payout, funding=answer.funding, actor=actor, now=now)


async def begin(
    connection: Connection,
    *,
    payout_id: UUID,
    sent_within: timedelta | None,
    funding: str,
    now: datetime,
) -> bool:
    """Let a payout out of our hands: from here on its provider may know of it.

    False where it isn't ours to send: another has begun, or it failed, because its seller may not
    be paid any more, or not to this account, or because it is older than `sent_within`.

    Raises:
        NotFound: there is no such payout.
    """
    payout = await payouts.load(connection, payout_id=payout_id)
    if payout is None:
        raise NotFound
    reason = await _obstacle(connection, payout, payout_terms.keep, now=now)
    if reason is None and sent_within is not None and now - payout.created_at > sent_within:
        reason = TOO_OLD
    if reason is None:
        return await payouts.begin(connection, payout_id=payout_id, check_at=now + SENT_BY_THEN)
    await _hold_balance(connection, payout)
    if (await _held(connection, payout)).status is PayoutStatus.PENDING:
        answer = PayoutAnswer(status=PayoutStatus.FAILED, funding=funding, reason=reason)
        await record_answer(connection, payout_id=payout_id, answer=answer, now=now)
    return False


async def find_obstacle(connection: Connection, *, payout_id: UUID, now: datetime) -> str | None:
    """What was decided since that keeps a payout from being sent, as a code.

    Raises:
        NotFound: there is no such payout.
    """
    payout = await payouts.load(connection, payout_id=payout_id)
    if payout is None:
        raise NotFound
    return await _obstacle(connection, payout, payout_terms.see, now=now)


async def _obstacle(
    connection: Connection,
    payout: Payout,
    terms_of: Callable[..., Awaitable[PayoutTerms]],
    *,
    now: datetime,
) -> str | None:
    try:
        terms = await terms_of(connection, seller_id=payout.seller_id, now=now)
        payout_terms.check_destination(payout, terms)
    except Conflict as refusal:
        return refusal.code
    return None


async def call_back(
    connection: Connection, *, payout: Payout, reason: str, actor: str, now: datetime
) -> bool:
    """Undo a payout that waits for approval; False when it doesn't."""
    await _hold_balance(connection, payout)
    held = await _held(connection, payout)
    if not may_become(held.status, PayoutStatus.CANCELLED):
        return False
    undoing = _Undoing(status=PayoutStatus.CANCELLED, reason=reason, said=reason, actor=actor)
    await _undo(connection, payout, held=held, undoing=undoing, now=now)
    return True


async def deny(
    connection: Connection, *, payout: Payout, reason: str, actor: str, now: datetime
) -> bool:
    """Undo a payout of which nobody ever heard, on people's word that it was never sent; False when
    there is an answer by now. Its provider is asked for some days more."""
    await _hold_balance(connection, payout)
    held = await _held(connection, payout)
    if held.status is not PayoutStatus.UNKNOWN:
        return False
    undoing = _Undoing(
        status=PayoutStatus.FAILED,
        reason=NEVER_SENT,
        said=reason,
        actor=actor,
        check_at=now + WATCHED_EVERY,
    )
    await _undo(connection, payout, held=held, undoing=undoing, now=now)
    return True


async def affirm(
    connection: Connection, *, payout: Payout, funding: str, reason: str, actor: str, now: datetime
) -> bool:
    """Book a payout without an answer as paid, on people's word; False when there is an answer by
    now. Its provider is asked for some days more, as after any that was paid."""
    held = await _held(connection, payout)
    if held.status is not PayoutStatus.UNKNOWN:
        return False
    await payouts.move(
        connection,
        payout_id=payout.id,
        status=PayoutStatus.PAID,
        check_at=check_again_at(
            PayoutStatus.PAID, check_count=held.check_count, now=now, paid_at=now
        ),
        now=now,
    )
    await _arrive(connection, payout, funding=funding, actor=actor, reason=reason, now=now)
    return True


async def _arrive(
    connection: Connection,
    payout: Payout,
    *,
    funding: str,
    actor: str,
    reason: str | None = None,
    now: datetime,
) -> None:
    """The money has left."""
    draft = payout_confirmed(**_facts(payout), funding=funding)
    await _book(connection, draft, payout=payout, actor=actor, reason=reason, now=now)
    await _tell(connection, FactType.PAYOUT_PAID, payout, now=now)


async def _hear_late(
    connection: Connection, payout_id: UUID, answer: PayoutAnswer, *, now: datetime
) -> None:
    """What a provider says of a payout that is over. Of one that people said was never sent it is
    told, once, if it was; the money has left, and stands in the books when a movement tells of it.
    """
    payout = await payouts.load(connection, payout_id=payout_id)
    if payout is None or payout.failure_reason != NEVER_SENT:
        return
    was_sent = answer.status in {PayoutStatus.PAID, PayoutStatus.SENT}
    following = now + WATCHED_EVERY
    is_watched = following <= (payout.finished_at or now) + WATCHED_FOR
    await payouts.move(
        connection,
        payout_id=payout_id,
        status=payout.status,
        provider_reference=answer.provider_reference if was_sent else None,
        failure_reason=SENT_AFTER_ALL if was_sent else None,
        check_at=following if is_watched and not was_sent else None,
        now=now,
    )
    if was_sent:
        await _tell(connection, FactType.PAYOUT_FOUND_SENT, payout, reason=SENT_AFTER_ALL, now=now)


async def _hold_balance(connection: Connection, payout: Payout) -> None:
    """Before the payout's own row: whoever opens one holds the balance first."""
    await ledger_service.locked_balances(
        connection, accounts=[seller_available(payout.seller_id)], currency=payout.currency
    )


async def _held(connection: Connection, payout: Payout) -> LockedPayout:
    held = await payouts.lock(connection, payout_id=payout.id)
    if held is None:
        raise RuntimeError(f"payout {payout.id} is gone")
    return held


async def _look_again(
    connection: Connection, payout: Payout, held: LockedPayout, *, now: datetime
) -> None:
    """Nothing new: the provider still works on it, owes the answer, or says what it said."""
    await payouts.move(
        connection,
        payout_id=payout.id,
        status=held.status,
        check_at=check_again_at(
            held.status, check_count=held.check_count, now=now, paid_at=held.paid_at
        ),
        now=now,
    )


async def _undo(
    connection: Connection,
    payout: Payout,
    *,
    held: LockedPayout,
    undoing: _Undoing,
    answer: PayoutAnswer | None = None,
    now: datetime,
) -> None:
    """The one way in which a payout ends without money: what it took is available again, and what
    it claimed is free for another one. The balance and the payout are held.

    `answer` is the provider's, where it was the provider who said so.
    """
    await payouts.move(
        connection,
        payout_id=payout.id,
        status=undoing.status,
        provider_reference=None if answer is None else answer.provider_reference,
        failure_reason=undoing.reason,
        check_at=undoing.check_at,
        now=now,
    )
    await payouts.release_claims(connection, payout_id=payout.id, now=now)
    if answer is not None and held.status is PayoutStatus.PAID:
        draft = payout_returned(**_facts(payout), funding=answer.funding)
        await _book(
            connection, draft, payout=payout, actor=undoing.actor, reason=undoing.said, now=now
        )
    else:
        await _reverse(connection, payout, reason=undoing.said, actor=undoing.actor, now=now)
    await _tell(connection, _UNDONE[undoing.status], payout, reason=undoing.reason, now=now)


async def _reverse(
    connection: Connection, payout: Payout, *, reason: str, actor: str, now: datetime
) -> None:
    draft = payout_failed(payout_intent(**_facts(payout)).entries)
    key = (TransactionKind.PAYOUT_INTENT.value, str(payout.id))
    intents = await ledger.find_by_keys(connection, [key])
    await _book(
        connection, draft, payout=payout, actor=actor, reason=reason, corrects_id=intents[key],
        now=now,
    )  # fmt: skip


async def _book(
    connection: Connection,
    draft: TransactionDraft,
    *,
    payout: Payout,
    actor: str,
    now: datetime,
    reason: str | None = None,
    corrects_id: UUID | None = None,
) -> None:
    booking = Booking(
        draft=draft,
        cause_type="payout",
        cause_id=payout.id,
        # One effect of each kind, whoever hears of it first.
        idempotency_key=str(payout.id),
        actor=actor,
        effective_at=now,
        facts={} if reason is None else {"reason": reason},
        corrects_id=corrects_id,
    )
    await ledger_service.book(connection, bookings=[booking], now=now)


class _Facts(TypedDict):
    payout_id: UUID
    seller_id: UUID
    amount_minor: int
    currency: str


def _facts(payout: Payout) -> _Facts:
    return {
        "payout_id": payout.id,
        "seller_id": payout.seller_id,
        "amount_minor": payout.amount_minor,
        "currency": payout.currency,
    }


async def _tell(
    connection: Connection,
    kind: FactType,
    payout: Payout,
    *,
    now: datetime,
    reason: str | None = None,
) -> None:
    about = {
        "seller_id": str(payout.seller_id),
        "amount": {"amount": payout.amount_minor, "currency": payout.currency},
        **({} if reason is None else {"reason": reason}),
    }
    await outbox.append(connection, [Fact(kind, payout.id, about)], now=now)


async def find_instruction(connection: Connection, *, payout_id: UUID) -> PayoutInstruction | None:
    """What its provider is told of a payout."""
    return await payouts.instruction(connection, payout_id=payout_id)


async def due_payouts(connection: Connection, *, now: datetime, limit: int) -> list[UUID]:
    """Payouts that are to be sent or asked after now."""
    return await payouts.due(connection, now=now, limit=limit)
