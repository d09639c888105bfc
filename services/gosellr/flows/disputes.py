"""Cases between buyers and sellers, as far as they leave the building: files in, refunds out.

A decision is committed with its refund, the gateway is asked, and its answer closes the case. What
a crash cuts off is found by the clock: refunds by their own sweeper, cases by this one's.
"""

import logging
from collections.abc import AsyncIterable, AsyncIterator
from uuid import UUID

from gosellr.core.errors import DomainError
from gosellr.core.identity import new_id
from gosellr.core.transact import ask, transact
from gosellr.flows import refunds
from gosellr.flows.one_by_one import Sweep, one_by_one
from gosellr.flows.refunds import RefundPowers
from gosellr.integrations.files.port import FileStore, FileTooLarge
from gosellr.models.dispute_values import DisputeFolder, NewFile
from gosellr.models.proposal_values import Proposal
from gosellr.services import (
    dispute_argument,
    dispute_awards,
    dispute_outcome,
    dispute_questions,
    dispute_review_service,
    dispute_service,
)
from gosellr.services.dispute_argument import Award
from gosellr.services.dispute_service import NewDispute
from gosellr.services.idempotency_service import EarlierRequest, RequestKey
from gosellr.utils.disputes import ReviewStep
from gosellr.utils.evidence import (
    EVIDENCE_BYTES_MAX,
    EvidenceTypeMismatch,
    EvidenceTypeUnknown,
    checked_type,
    plain_name,
)
from gosellr.utils.lazy_dataclasses import dataclass
from gosellr.utils.viewer import Viewer

_log = logging.getLogger("gosellr.flows")
_NOBODY = UUID(int=0)


class EvidenceRefused(DomainError):
    """The file isn't one that is taken; `reason` in the extras says why, in one stable word."""

    code = "evidence_refused"
    status = 422
    title = "This file can't be taken"


class EvidenceTooLarge(EvidenceRefused):
    """The file has more bytes than are taken."""

    code = "evidence_too_large"
    status = 413


@dataclass(frozen=True, slots=True, kw_only=True)
class DisputePowers:
    """What cases need of their process."""

    refunds: RefundPowers
    files: FileStore


@dataclass(frozen=True, slots=True, kw_only=True)
class SentFile:
    """A file as it was sent: what it claims to be is checked, never believed."""

    content: AsyncIterable[bytes]
    declared_type: str | None
    name: str | None


@dataclass(frozen=True, slots=True)
class OpenedDispute:
    """A case as it stands, and whether the same request was made before."""

    folder: DisputeFolder
    replayed: bool


async def find(powers: DisputePowers, *, viewer: Viewer, dispute_id: UUID) -> DisputeFolder:
    """A case as the viewer may read it. Raises NotFound."""
    return await ask(
        powers.refunds.db, dispute_questions.find_case, viewer=viewer, dispute_id=dispute_id
    )


async def open_dispute(
    powers: DisputePowers, *, viewer: Viewer, request: NewDispute, key: RequestKey
) -> OpenedDispute:
    """Open a case; the same request again gives the one it opened.

    Raises:
        What `dispute_service.open_case` raises.
    """
    opened = await transact(
        powers.refunds.db,
        dispute_service.open_case,
        viewer=viewer,
        request=request,
        key=key,
        policy=powers.refunds.policy,
        now=powers.refunds.now(),
    )
    replayed = isinstance(opened, EarlierRequest)
    dispute_id = UUID(opened.resource_id) if isinstance(opened, EarlierRequest) else opened
    folder = await find(powers, viewer=viewer, dispute_id=dispute_id)
    return OpenedDispute(folder, replayed)


async def say(
    powers: DisputePowers,
    *,
    viewer: Viewer,
    dispute_id: UUID,
    body: str,
    is_answer: bool,
    key: RequestKey | None = None,
) -> DisputeFolder:
    """Say something; under the same key once. Raises what `dispute_argument.say` raises."""
    await transact(
        powers.refunds.db,
        dispute_argument.say,
        viewer=viewer,
        dispute_id=dispute_id,
        body=body,
        is_answer=is_answer,
        key=key,
        policy=powers.refunds.policy,
        now=powers.refunds.now(),
    )
    return await find(powers, viewer=viewer, dispute_id=dispute_id)


async def add_evidence(
    powers: DisputePowers, *, viewer: Viewer, dispute_id: UUID, sent: SentFile
) -> tuple[DisputeFolder, UUID]:
    """Take a file in; gives the case and the file's id.

    Nothing is stored for somebody who may hand nothing in.

    Raises:
        EvidenceRefused, EvidenceTooLarge, and what `dispute_argument.add_evidence` raises.
    """
    await transact(
        powers.refunds.db,
        dispute_argument.require_room_for_evidence,
        viewer=viewer,
        dispute_id=dispute_id,
    )
    file = await _stored(powers, sent)
    file_id = await transact(
        powers.refunds.db,
        dispute_argument.add_evidence,
        viewer=viewer,
        dispute_id=dispute_id,
        file=file,
        now=powers.refunds.now(),
    )
    return await find(powers, viewer=viewer, dispute_id=dispute_id), file_id


async def _stored(powers: DisputePowers, sent: SentFile) -> NewFile:
    chunks = aiter(sent.content)
    head = await anext(chunks, b"")
    try:
        content_type = checked_type(head, declared_type=sent.declared_type, name=sent.name or "")
        stored = await powers.files.put(_behind(head, chunks), bytes_max=EVIDENCE_BYTES_MAX)
    except EvidenceTypeUnknown as refusal:
        raise EvidenceRefused(str(refusal), extras={"reason": "type_unknown"}) from None
    except EvidenceTypeMismatch as refusal:
        raise EvidenceRefused(str(refusal), extras={"reason": "type_mismatch"}) from None
    except FileTooLarge as refusal:
        raise EvidenceTooLarge(str(refusal)) from None
    return NewFile(
        id=new_id(),
        name=plain_name(sent.name, content_type=content_type),
        content_type=content_type,
        byte_size=stored.byte_size,
        sha256=stored.sha256,
        storage_key=stored.key,
    )


async def _behind(head: bytes, rest: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    yield head
    async for chunk in rest:
        yield chunk


async def accept(powers: DisputePowers, *, viewer: Viewer, dispute_id: UUID) -> DisputeFolder:
    """Give in. Raises what `dispute_argument.accept` raises."""
    return (await accept_once(powers, viewer=viewer, dispute_id=dispute_id, key=None)).folder


async def accept_once(
    powers: DisputePowers, *, viewer: Viewer, dispute_id: UUID, key: RequestKey | None
) -> OpenedDispute:
    """Give in; the same request again gives the case as it stands.

    Raises:
        What `dispute_argument.accept` raises.
    """
    done = await transact(
        powers.refunds.db,
        dispute_argument.accept,
        viewer=viewer,
        dispute_id=dispute_id,
        key=key,
        policy=powers.refunds.policy,
        now=powers.refunds.now(),
    )
    return await _carried_out(powers, viewer=viewer, dispute_id=dispute_id, done=done)


async def escalate(
    powers: DisputePowers,
    *,
    viewer: Viewer,
    dispute_id: UUID,
    reason: str,
    key: RequestKey | None = None,
) -> DisputeFolder:
    """Ask an operator; under the same key once. Raises what `dispute_argument.escalate` raises."""
    await transact(
        powers.refunds.db,
        dispute_argument.escalate,
        viewer=viewer,
        dispute_id=dispute_id,
        reason=reason,
        key=key,
        policy=powers.refunds.policy,
        now=powers.refunds.now(),
    )
    return await find(powers, viewer=viewer, dispute_id=dispute_id)


async def decide(
    powers: DisputePowers, *, viewer: Viewer, dispute_id: UUID, award: Award
) -> DisputeFolder:
    """Decide as an operator; where that takes two, the case stands as it did. Raises what
    `dispute_awards.decide` raises."""
    decided = await decide_once(powers, viewer=viewer, dispute_id=dispute_id, award=award, key=None)
    if isinstance(decided, Proposal):
        return await find(powers, viewer=viewer, dispute_id=dispute_id)
    return decided.folder


async def decide_once(
    powers: DisputePowers,
    *,
    viewer: Viewer,
    dispute_id: UUID,
    award: Award,
    key: RequestKey | None,
) -> OpenedDispute | Proposal:
    """Decide as an operator, or propose to, where that takes two; the same request again gives the
    case, or the proposal, as it stands.

    Raises:
        What `dispute_awards.decide` raises.
    """
    done = await transact(
        powers.refunds.db,
        dispute_awards.decide,
        viewer=viewer,
        dispute_id=dispute_id,
        award=award,
        key=key,
        policy=powers.refunds.policy,
        now=powers.refunds.now(),
    )
    if isinstance(done, Proposal):
        return done
    return await _carried_out(powers, viewer=viewer, dispute_id=dispute_id, done=done)


async def _carried_out(
    powers: DisputePowers,
    *,
    viewer: Viewer,
    dispute_id: UUID,
    done: UUID | EarlierRequest | None,
) -> OpenedDispute:
    replayed = isinstance(done, EarlierRequest)
    if not isinstance(done, EarlierRequest):
        await send_award(powers.refunds, dispute_id=dispute_id, refund_id=done)
    return OpenedDispute(await find(powers, viewer=viewer, dispute_id=dispute_id), replayed)


async def send_award(powers: RefundPowers, *, dispute_id: UUID, refund_id: UUID | None) -> None:
    """Send what a final decision gives back, and close the case when that is answered; nothing
    where nothing is to be sent."""
    if refund_id is None:
        return
    await refunds.send_refund(powers, refund_id=refund_id)
    await _conclude(powers, dispute_id)


async def _conclude(powers: RefundPowers, dispute_id: UUID) -> bool:
    return await transact(
        powers.db,
        dispute_outcome.conclude,
        dispute_id=dispute_id,
        policy=powers.policy,
        now=powers.now(),
    )


async def work_off_deadlines(powers: DisputePowers, *, limit: int = 100) -> int:
    """Do what deadlines that have passed say; gives how many cases were looked at."""

    async def act(dispute_id: UUID) -> bool:
        refund_id = await transact(
            powers.refunds.db,
            dispute_argument.act_on_deadline,
            dispute_id=dispute_id,
            policy=powers.refunds.policy,
            now=powers.refunds.now(),
        )
        await send_award(powers.refunds, dispute_id=dispute_id, refund_id=refund_id)
        return True

    db, now = powers.refunds.db, powers.refunds.now()
    sweep = Sweep(
        name="deadlines",
        db=db,
        now=now,
        due=lambda: ask(db, dispute_questions.due_cases, now=now, limit=limit),
    )
    return await sweep.run(act, story="acting on a case's deadline")


async def remind_operators(powers: DisputePowers, *, limit: int = 100) -> int:
    """Remind of reviews that end soon, and put those first that are overdue; gives for how many
    that was done."""

    async def remind(dispute_id: UUID) -> bool:
        step = await transact(
            powers.refunds.db,
            dispute_review_service.remind,
            dispute_id=dispute_id,
            policy=powers.refunds.policy,
            now=powers.refunds.now(),
        )
        if step is ReviewStep.ESCALATE:
            _log.error("case %s waits for an operator longer than was promised", dispute_id)
        return step is not None

    db, now = powers.refunds.db, powers.refunds.now()
    reminder = powers.refunds.policy.disputes.review_reminder
    sweep = Sweep(
        name="reviews",
        db=db,
        now=now,
        due=lambda: ask(
            db, dispute_questions.unreviewed_cases, now=now, reminder=reminder, limit=limit
        ),
    )
    return await sweep.run(remind, story="reminding of a case")


async def conclude_settled(powers: DisputePowers, *, limit: int = 100) -> int:
    """Close cases whose refunds were answered since; gives how many were."""
    done, after = 0, _NOBODY
    while due := await ask(
        powers.refunds.db, dispute_questions.settled_cases, after=after, limit=limit
    ):
        done += await one_by_one(
            due, lambda dispute_id: _conclude(powers.refunds, dispute_id), story="closing a case"
        )
        after = due[-1]
    return done
