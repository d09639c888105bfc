"""What a second person approves, and what goes on from there."""

from uuid import UUID

from gosellr.core.transact import ask, transact
from gosellr.flows import bank_transfers, payout_verdicts
from gosellr.flows.bank_transfers import TransferPowers
from gosellr.flows.payouts import PayoutPowers
from gosellr.models.proposal_values import Proposal
from gosellr.services import proposal_approval, proposal_service
from gosellr.services.payout_verdicts import AskedPayout, payout_named
from gosellr.utils.proposals import PAYOUT_VERDICTS, ProposalKind
from gosellr.utils.viewer import Viewer


async def approve(
    powers: TransferPowers, payout_powers: PayoutPowers, *, viewer: Viewer, proposal_id: UUID
) -> Proposal:
    """Do what somebody else proposed.

    Raises:
        NotFound: there is no such proposal.
        NotAllowed: it is the viewer's own, or is about a seller that the viewer acts for.
        ProposalNotOpen: it was decided before.
        Conflict, InvalidInput: it can't be done any more, by its kind.
    """
    asked_payout = await _asked(payout_powers, viewer=viewer, proposal_id=proposal_id)
    done = await transact(
        powers.db,
        proposal_approval.approve,
        viewer=viewer,
        proposal_id=proposal_id,
        asked_payout=asked_payout,
        policy=powers.policy,
        now=powers.now(),
    )
    if done.receipt is not None:
        await bank_transfers.go_on(powers, done.receipt)
    return done.proposal


async def _asked(powers: PayoutPowers, *, viewer: Viewer, proposal_id: UUID) -> AskedPayout | None:
    """The payout that something is said of, once its provider has not said otherwise."""
    found = await ask(powers.db, proposal_service.find, proposal_id=proposal_id)
    may_decide = viewer.user_id not in {None, found.prepared_by}
    if found.kind not in PAYOUT_VERDICTS or found.status != "prepared" or not may_decide:
        return None
    return await payout_verdicts.require_sayable(
        powers, payout_id=payout_named(found), kind=ProposalKind(found.kind)
    )
