"""What became of payouts without an answer, by the word of two: their provider is asked before
each."""

from uuid import UUID

from gosellr.core.errors import NotFound
from gosellr.core.transact import ask, transact
from gosellr.flows.found_transfers import DIFFERS, if_it_is_this, status_of
from gosellr.flows.payouts import PayoutPowers
from gosellr.integrations.payouts.port import PayoutProvider, TransferOutcome, TransferResult
from gosellr.models.payout_values import PayoutInstruction
from gosellr.models.proposal_values import Proposal
from gosellr.services import payout_outcome, payout_verdicts
from gosellr.services.payout_verdicts import (
    AskedPayout,
    PayoutAnswered,
    PayoutHeardOf,
    PayoutNotUnknown,
)
from gosellr.utils.payouts import PayoutStatus, funding_account
from gosellr.utils.proposals import ProposalKind
from gosellr.utils.viewer import Viewer


async def propose(
    powers: PayoutPowers, *, viewer: Viewer, payout_id: UUID, kind: ProposalKind, reason: str
) -> Proposal:
    """Say what became of a payout without an answer; nothing changes before another one agrees.

    Raises:
        NotFound, NotAllowed, ProposalWaits: as `payout_verdicts.propose`.
        PayoutNotUnknown, PayoutHeardOf, PayoutAnswered: as `require_sayable`.
    """
    await ask(
        powers.db, payout_verdicts.check_proposable, viewer=viewer, payout_id=payout_id, kind=kind
    )
    await require_sayable(powers, payout_id=payout_id, kind=kind)
    return await transact(
        powers.db,
        payout_verdicts.propose,
        viewer=viewer,
        payout_id=payout_id,
        kind=kind,
        reason=reason,
        now=powers.now(),
    )


async def require_sayable(
    powers: PayoutPowers, *, payout_id: UUID, kind: ProposalKind
) -> AskedPayout:
    """Ask the provider of a payout that has no answer whether this may be said of it.

    Raises:
        NotFound: there is no such payout.
        PayoutNotUnknown: it has an answer.
        PayoutHeardOf: it is to have been never sent, and the provider has it, or gives no answer.
        PayoutAnswered: it is to have been paid, and the provider itself says what became of it.
    """
    told = await ask(powers.db, payout_outcome.find_instruction, payout_id=payout_id)
    if told is None:
        raise NotFound
    if told.status is not PayoutStatus.UNKNOWN:
        raise PayoutNotUnknown
    provider = powers.providers.get(told.provider)
    found = None
    if provider is not None:
        found = await provider.lookup(
            transfer_id=str(payout_id), provider_reference=told.provider_reference
        )
    if kind is ProposalKind.PAYOUT_NEVER_SENT:
        _require_unheard(told, found)
    elif provider is not None and found is not None:
        _require_unanswered(powers, told, provider, found)
    # A provider that isn't there any more paid out of its own balance: of the bank nobody asks.
    paid_from = told.provider if provider is None else provider.paid_from
    return AskedPayout(payout_id=payout_id, funding=funding_account(paid_from))


def _require_unheard(told: PayoutInstruction, found: TransferResult | None) -> None:
    if found is None:
        raise PayoutHeardOf(f"This market can't ask {told.provider} any more")
    if found.outcome is not TransferOutcome.NOT_FOUND:
        raise PayoutHeardOf


def _require_unanswered(
    powers: PayoutPowers, told: PayoutInstruction, provider: PayoutProvider, found: TransferResult
) -> None:
    """Whoever can be heard needs nobody to speak for it; and where nothing forgets, what it never
    heard of wasn't paid."""
    destination = powers.read_account(told.account_encrypted, destination_id=told.destination_id)
    account = destination[provider.account_kind.value]
    result = if_it_is_this(told, found, account=account, kind=provider.account_kind)
    if result.reason == DIFFERS:
        raise PayoutAnswered("What the provider has under the name of this payout is another one")
    was_surely_never_sent = (
        result.outcome is TransferOutcome.NOT_FOUND and provider.forgets_after is None
    )
    if was_surely_never_sent or status_of(result, told) is not PayoutStatus.UNKNOWN:
        raise PayoutAnswered
