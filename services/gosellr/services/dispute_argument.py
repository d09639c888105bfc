"""What is said in a case and done about it: messages, evidence, giving in, an operator's word."""

from datetime import datetime
from uuid import UUID

from gosellr.core.db import Connection
from gosellr.core.errors import Conflict, InvalidInput, NotAllowed
from gosellr.models.dispute_values import Dispute, NewFile
from gosellr.models.events import Fact, FactType
from gosellr.models.order_values import Order
from gosellr.queries import chargebacks, dispute_folders, disputes, outbox
from gosellr.services import (
    dispute_claims,
    dispute_outcome,
    dispute_service,
    dispute_steps,
    idempotency_service,
    refund_limits,
)
from gosellr.services.dispute_steps import CaseInHand, Verdict
from gosellr.services.idempotency_service import EarlierRequest, RequestKey
from gosellr.utils.disputes import (
    DisputeAction,
    DisputeOutcome,
    DisputeStatus,
    award_of,
    is_over,
    outcome_of,
    silence_gives_buyer,
)
from gosellr.utils.lazy_dataclasses import dataclass
from gosellr.utils.permissions import Permission
from gosellr.utils.policy import MarketPolicy
from gosellr.utils.states import Actor
from gosellr.utils.viewer import Viewer

MESSAGES_MAX = 200
FILES_MAX = 20


class CaseFull(Conflict):
    """Enough was said or handed in by this side; what the other has to say doesn't count."""

    code = "dispute_full"
    title = "This case takes no more of you"


@dataclass(frozen=True, slots=True, kw_only=True)
class Award:
    """What an operator gives the buyer: a share of what is argued about, or an amount."""

    share_bps: int | None = None
    amount_minor: int | None = None
    currency: str | None = None
    reason: str


async def say(
    connection: Connection,
    *,
    viewer: Viewer,
    dispute_id: UUID,
    body: str,
    is_answer: bool,
    policy: MarketPolicy,
    now: datetime,
    key: RequestKey | None = None,
) -> None:
    """Say something in a case, under the same key once; a seller's answer passes the question on
    to the buyer, or in a chargeback to the bank.

    Raises:
        NotFound, NotAllowed, DisputeStepRefused, CaseFull, IdempotencyKeyReused.
    """
    hand = await dispute_steps.take_case(
        connection, viewer=viewer, dispute_id=dispute_id, permission=Permission.DISPUTE_MESSAGE
    )
    if await claimed(connection, hand, key=key, policy=policy, now=now):
        return
    actor = hand.require(DisputeAction.ANSWER if is_answer else DisputeAction.MESSAGE)
    # Late words to a bank are sent as well: it has a deadline of its own.
    if is_answer and not hand.dispute.is_chargeback:
        hand.require_in_time(now=now)
    author = hand.author(actor)
    message_count, _ = await dispute_folders.count_said(
        connection, dispute_id=dispute_id, author=author
    )
    # Silence would decide, so an answer is always heard.
    if message_count >= MESSAGES_MAX and not is_answer:
        raise CaseFull(f"Each side says at most {MESSAGES_MAX} things in a case")
    await dispute_service.keep_message(
        connection, dispute=hand.dispute, author=author, author_id=viewer.user_id, body=body,
        now=now,
    )  # fmt: skip
    if not is_answer:
        return
    if hand.dispute.is_chargeback:
        await _to_bank(connection, hand=hand, actor=actor, policy=policy, now=now)
        return
    await dispute_steps.move(
        connection, dispute=hand.dispute, target=DisputeStatus.AWAITING_BUYER, actor=actor,
        actor_id=viewer.user_id, policy=policy, now=now,
    )  # fmt: skip


async def _to_bank(
    connection: Connection,
    *,
    hand: CaseInHand,
    actor: Actor,
    policy: MarketPolicy,
    now: datetime,
    data: dict[str, object] | None = None,
) -> None:
    """A seller has said all; once every seller of the chargeback has, its evidence is sent."""
    dispute = await dispute_steps.move(
        connection, dispute=hand.dispute, target=DisputeStatus.AWAITING_PROVIDER, actor=actor,
        actor_id=hand.viewer.user_id, policy=policy, now=now, data=data,
    )  # fmt: skip
    if dispute.chargeback_id is None:
        raise RuntimeError(f"case {dispute.id} waits for a bank without a chargeback")
    siblings = await disputes.of_chargeback(connection, chargeback_id=dispute.chargeback_id)
    if all(one.stands is not DisputeStatus.AWAITING_SELLER for one in siblings):
        await chargebacks.ask_for_evidence(
            connection, chargeback_id=dispute.chargeback_id, check_at=now
        )


async def require_room_for_evidence(
    connection: Connection, *, viewer: Viewer, dispute_id: UUID
) -> CaseInHand:
    """Let pass who may hand something in, as long as there is room for it.

    Raises:
        NotFound, NotAllowed, DisputeStepRefused, CaseFull.
    """
    hand = await dispute_steps.take_case(
        connection, viewer=viewer, dispute_id=dispute_id, permission=Permission.DISPUTE_MESSAGE
    )
    author = hand.author(hand.require(DisputeAction.EVIDENCE))
    _, file_count = await dispute_folders.count_said(
        connection, dispute_id=dispute_id, author=author
    )
    if file_count >= FILES_MAX:
        raise CaseFull(f"Each side hands in at most {FILES_MAX} files in a case")
    return hand


async def add_evidence(
    connection: Connection, *, viewer: Viewer, dispute_id: UUID, file: NewFile, now: datetime
) -> UUID:
    """Hand a stored file in; the same file twice is one. Gives its id.

    Raises:
        NotFound, NotAllowed, DisputeStepRefused, CaseFull.
    """
    hand = await require_room_for_evidence(connection, viewer=viewer, dispute_id=dispute_id)
    author = hand.author(hand.require(DisputeAction.EVIDENCE))
    file_id, is_new = await dispute_folders.add_file(
        connection, dispute_id=dispute_id, file=file, author=author, author_id=viewer.user_id,
        now=now,
    )  # fmt: skip
    if is_new:
        about = {**dispute_steps.whom_it_concerns(hand.dispute), "author": author}
        fact = Fact(FactType.DISPUTE_EVIDENCE_ADDED, dispute_id, about)
        await outbox.append(connection, [fact], now=now)
    return file_id


async def accept(
    connection: Connection,
    *,
    viewer: Viewer,
    dispute_id: UUID,
    policy: MarketPolicy,
    now: datetime,
    key: RequestKey | None = None,
) -> UUID | EarlierRequest | None:
    """Give in: a seller refunds all of it, a buyer takes the case back. Gives the refund to send.

    In a chargeback, a seller says with it that there is no evidence to be handed in.

    Raises:
        NotFound, DisputeStepRefused, IdempotencyKeyReused.
        NotAllowed: that isn't for the viewer to do; or an operator who isn't the shop's owner would
            give back more with it than one operator alone does.
    """
    hand = await dispute_steps.take_case(
        connection, viewer=viewer, dispute_id=dispute_id, permission=Permission.DISPUTE_ACCEPT
    )
    if earlier := await claimed(connection, hand, key=key, policy=policy, now=now):
        return earlier
    actor = hand.require(DisputeAction.ACCEPT)
    if hand.dispute.is_chargeback:
        await _to_bank(
            connection, hand=hand, actor=actor, policy=policy, now=now, data={"conceded": True}
        )
        return None
    gives_in = actor is Actor.SELLER
    is_sole_word = gives_in and await _is_of_staff(connection, hand, policy=policy)
    verdict = Verdict(
        award_minor=hand.dispute.amount_minor if gives_in else 0,
        outcome=(DisputeOutcome.ACCEPTED if gives_in else DisputeOutcome.WITHDRAWN).value,
        decided_by=actor.value,
    )
    return await _settle(
        connection, hand=hand, verdict=verdict, actor=actor, is_sole_word=is_sole_word,
        policy=policy, now=now,
    )  # fmt: skip


async def _is_of_staff(connection: Connection, hand: CaseInHand, *, policy: MarketPolicy) -> bool:
    """Whether an operator gives in for a shop that isn't theirs: that is one operator's word, as a
    refund that they give there. Raises `NotAllowed` where it takes two."""
    if not refund_limits.is_of_staff(hand.viewer, hand.part, by_marketplace=False):
        return False
    if await dispute_claims.takes_two(
        connection, hand.order, hand.dispute, award_minor=hand.dispute.amount_minor, policy=policy
    ):
        raise NotAllowed("It is more than one operator gives back: an owner of the shop says so")
    return True


async def escalate(
    connection: Connection,
    *,
    viewer: Viewer,
    dispute_id: UUID,
    reason: str,
    policy: MarketPolicy,
    now: datetime,
    key: RequestKey | None = None,
) -> None:
    """Ask an operator: to decide, or once more after a decision, for the last time. Under the same
    key it is asked once.

    Raises:
        NotFound, NotAllowed, DisputeStepRefused, IdempotencyKeyReused.
    """
    hand = await dispute_steps.take_case(
        connection, viewer=viewer, dispute_id=dispute_id, permission=Permission.DISPUTE_ESCALATE
    )
    if await claimed(connection, hand, key=key, policy=policy, now=now):
        return
    actor = hand.require(DisputeAction.ESCALATE)
    hand.require_in_time(now=now)
    appeals = hand.dispute.stands is DisputeStatus.DECIDED
    await dispute_service.keep_message(
        connection, dispute=hand.dispute, author=hand.author(actor), author_id=viewer.user_id,
        body=reason, now=now,
    )  # fmt: skip
    await dispute_steps.move(
        connection,
        dispute=hand.dispute,
        target=DisputeStatus.APPEALED if appeals else DisputeStatus.UNDER_REVIEW,
        actor=actor,
        actor_id=viewer.user_id,
        policy=policy,
        now=now,
        appealed_by=actor.value if appeals else None,
    )


async def put_in_force(
    connection: Connection,
    *,
    hand: CaseInHand,
    actor: Actor,
    award_minor: int,
    reason: str,
    actor_id: UUID | None,
    is_sole_word: bool,
    policy: MarketPolicy,
    now: datetime,
) -> UUID | None:
    """Write an operator's decision down, on whom it rests, alone or agreed to by another: it may be
    appealed once, and is final after that. Gives the refund to send, where it is final at once."""
    verdict = Verdict(
        award_minor=award_minor,
        outcome=outcome_of(hand.dispute.amount_minor, award_minor=award_minor).value,
        decided_by=actor.value,
        decision=reason,
    )
    if ends_with(hand.dispute):
        return await dispute_outcome.settle(
            connection, order=hand.order, dispute=hand.dispute, verdict=verdict, actor=actor,
            actor_id=actor_id, is_sole_word=is_sole_word, policy=policy, now=now,
        )  # fmt: skip
    await dispute_steps.move(
        connection, dispute=hand.dispute, target=DisputeStatus.DECIDED, actor=actor,
        actor_id=actor_id, policy=policy, now=now, verdict=verdict,
    )  # fmt: skip
    return None


async def claimed(
    connection: Connection,
    hand: CaseInHand,
    *,
    key: RequestKey | None,
    policy: MarketPolicy,
    now: datetime,
) -> EarlierRequest | None:
    """The same request made before, if it bears a key: only who still has the right hears of it."""
    if key is None:
        return None
    return await idempotency_service.claim(
        connection,
        request=key,
        resource_id=str(hand.dispute.id),
        now=now,
        kept_for=policy.idempotency_kept_for,
    )


def ends_with(dispute: Dispute) -> bool:
    """Whether an operator's next word is the last one."""
    return dispute.is_final or dispute.stands is DisputeStatus.APPEALED


def awarded_minor(order: Order, dispute: Dispute, award: Award) -> int:
    """What an award gives the buyer in all: at least what went back out of the case before.

    Raises:
        InvalidInput: more than is argued about, or in another currency.
    """
    argued_minor = dispute.amount_minor
    if award.currency not in {None, dispute.currency}:
        raise InvalidInput.at(
            "amount.currency", "other_currency", f"The case is about {dispute.currency}"
        )
    award_minor = award.amount_minor
    if award_minor is None:
        award_minor = award_of(argued_minor, share_bps=award.share_bps or 0)
    if award_minor > argued_minor:
        raise InvalidInput.at(
            "amount.amount", "more_than_argued", f"The case is about {argued_minor} at most"
        )
    return max(award_minor, dispute_claims.given_minor(order, dispute))


async def _settle(
    connection: Connection,
    *,
    hand: CaseInHand,
    verdict: Verdict,
    actor: Actor,
    is_sole_word: bool,
    policy: MarketPolicy,
    now: datetime,
) -> UUID | None:
    return await dispute_outcome.settle(
        connection, order=hand.order, dispute=hand.dispute, verdict=verdict, actor=actor,
        actor_id=hand.viewer.user_id, is_sole_word=is_sole_word, policy=policy, now=now,
    )  # fmt: skip


async def act_on_deadline(
    connection: Connection, *, dispute_id: UUID, policy: MarketPolicy, now: datetime
) -> UUID | None:
    """Do what a deadline that has passed says; before that, and a second time, nothing.

    Silence decides, a decision that nobody appealed is final, and a bank gets what evidence there
    is. Gives the refund to send, if any.
    """
    hand = await dispute_steps.lock_case(connection, dispute_id=dispute_id)
    dispute = hand.dispute
    if not is_over(dispute.stands, due_at=dispute.due_at, now=now):
        return None
    system = Actor.SYSTEM
    if dispute.stands is DisputeStatus.DECIDED:
        verdict = Verdict(
            award_minor=dispute.award_minor or 0,
            outcome=dispute.outcome or DisputeOutcome.FOR_SELLER.value,
            decided_by=dispute.decided_by or system.value,
        )
        is_sole_word = await dispute_outcome.is_decided_alone(connection, dispute=dispute)
        return await _settle(
            connection, hand=hand, verdict=verdict, actor=system, is_sole_word=is_sole_word,
            policy=policy, now=now,
        )  # fmt: skip
    if dispute.is_chargeback:
        await _to_bank(connection, hand=hand, actor=system, policy=policy, now=now)
        return None
    award_minor = dispute.amount_minor if silence_gives_buyer(dispute.stands) else 0
    verdict = Verdict(
        award_minor=award_minor,
        outcome=outcome_of(dispute.amount_minor, award_minor=award_minor).value,
        decided_by=system.value,
        decision="No answer in time",
    )
    await dispute_steps.move(
        connection, dispute=dispute, target=DisputeStatus.DECIDED, actor=system,
        actor_id=hand.viewer.user_id, policy=policy, now=now, verdict=verdict,
    )  # fmt: skip
    return None
