"""Calling payouts back: the wish is committed, the provider asked, its answer committed."""

from uuid import UUID

from gosellr.core.transact import ask, transact
from gosellr.flows.one_by_one import Sweep
from gosellr.flows.payouts import PayoutPowers
from gosellr.integrations.payouts.port import ConnectsSellers, TransferOutcome, TransferResult
from gosellr.models.payout_values import Payout
from gosellr.services import payout_outcome, payout_questions, payout_recall_service
from gosellr.services.idempotency_service import RequestKey
from gosellr.services.payout_outcome import PayoutAnswer
from gosellr.utils.payouts import PayoutStatus, funding_account
from gosellr.utils.viewer import Viewer


def recallable(powers: PayoutPowers) -> frozenset[str]:
    """The providers that give back what they were sent, by name."""
    return frozenset(
        name for name, one in powers.providers.items() if isinstance(one, ConnectsSellers)
    )


async def recall_payout(
    powers: PayoutPowers, *, viewer: Viewer, payout_id: UUID, reason: str, key: RequestKey
) -> tuple[Payout, bool]:
    """Call a paid payout back; gives it as it stands then, and whether the same request had asked.

    Raises:
        What `payout_recall_service.ask` raises.
    """
    replayed = await transact(
        powers.db,
        payout_recall_service.ask,
        viewer=viewer,
        payout_id=payout_id,
        recallable=recallable(powers),
        reason=reason,
        key=key,
        policy=powers.policy,
        now=powers.now(),
    )
    await call_back(powers, payout_id=payout_id)
    payout = await ask(powers.db, payout_questions.find_payout, viewer=viewer, payout_id=payout_id)
    return payout, replayed


async def call_back(powers: PayoutPowers, *, payout_id: UUID) -> bool:
    """Ask the provider for what waits to be called back; whether it answered. Safe to call at any
    time, twice too."""
    recall = await ask(powers.db, payout_recall_service.pending, payout_id=payout_id)
    told = await ask(powers.db, payout_outcome.find_instruction, payout_id=payout_id)
    if recall is None or told is None:
        return False
    provider = powers.providers.get(told.provider)
    result = TransferResult(outcome=TransferOutcome.UNKNOWN, transfer_id=str(payout_id))
    if isinstance(provider, ConnectsSellers):
        result = await provider.call_back(
            transfer_id=str(payout_id),
            recall_id=str(recall.id),
            provider_reference=told.provider_reference,
        )
    now = powers.now()
    if result.outcome is TransferOutcome.DECLINED:
        # First what it does to the books: done twice, it changes nothing.
        await transact(
            powers.db,
            payout_outcome.record_answer,
            payout_id=payout_id,
            answer=PayoutAnswer(
                status=PayoutStatus.FAILED,
                funding=funding_account(None if provider is None else provider.paid_from),
                provider_reference=result.provider_reference,
                reason=result.reason,
            ),
            now=now,
        )
    elif result.outcome is not TransferOutcome.ACCEPTED:
        await transact(powers.db, payout_recall_service.postpone, recall=recall, now=now)
        return False
    refusal = None
    if result.outcome is TransferOutcome.ACCEPTED:
        refusal = result.reason or "refused"
    await transact(powers.db, payout_recall_service.finish, recall=recall, refusal=refusal, now=now)
    return True


async def resume_recalls(powers: PayoutPowers, *, limit: int = 100) -> int:
    """Ask for every payout that is to be called back and has no answer yet; gives for how many
    there is one now."""

    async def resume(payout_id: UUID) -> bool:
        return await call_back(powers, payout_id=payout_id)

    now = powers.now()
    sweep = Sweep(
        name="recalls",
        db=powers.db,
        now=now,
        due=lambda: ask(powers.db, payout_recall_service.due, now=now, limit=limit),
    )
    return await sweep.run(resume, story="calling a payout back")
