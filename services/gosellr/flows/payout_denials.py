"""Payouts that were never sent, by the word of two: their provider is asked before each."""

from uuid import UUID

from gosellr.core.errors import NotFound
from gosellr.core.transact import ask, transact
from gosellr.flows.payouts import PayoutPowers
from gosellr.integrations.payouts.port import TransferOutcome
from gosellr.models.proposal_values import Proposal
from gosellr.services import payout_denials, payout_outcome
from gosellr.services.payout_denials import PayoutHeardOf, PayoutNotUnknown
from gosellr.utils.payouts import PayoutStatus
from gosellr.utils.viewer import Viewer


async def propose(
    powers: PayoutPowers, *, viewer: Viewer, payout_id: UUID, reason: str
) -> Proposal:
    """Say that a payout without an answer was never sent; nothing changes before another one
    agrees.

    Raises:
        NotFound, NotAllowed, ProposalWaits: as `payout_denials.propose`.
        PayoutNotUnknown, PayoutHeardOf: as `require_unheard`.
    """
    await ask(powers.db, payout_denials.check_proposable, viewer=viewer, payout_id=payout_id)
    await require_unheard(powers, payout_id=payout_id)
    return await transact(
        powers.db,
        payout_denials.propose,
        viewer=viewer,
        payout_id=payout_id,
        reason=reason,
        now=powers.now(),
    )


async def require_unheard(powers: PayoutPowers, *, payout_id: UUID) -> None:
    """Ask its provider of a payout that has no answer.

    Raises:
        NotFound: there is no such payout.
        PayoutNotUnknown: it has an answer.
        PayoutHeardOf: the provider has it, or gives no answer now.
    """
    told = await ask(powers.db, payout_outcome.find_instruction, payout_id=payout_id)
    if told is None:
        raise NotFound
    if told.status is not PayoutStatus.UNKNOWN:
        raise PayoutNotUnknown
    provider = powers.providers.get(told.provider)
    if provider is None:
        raise PayoutHeardOf(f"This market can't ask {told.provider} any more")
    found = await provider.lookup(
        transfer_id=str(payout_id), provider_reference=told.provider_reference
    )
    if found.outcome is not TransferOutcome.NOT_FOUND:
        raise PayoutHeardOf
