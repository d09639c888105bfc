"""What a second person approves, and what goes on from there."""

from uuid import UUID

from gosellr.core.transact import transact
from gosellr.flows import bank_transfers
from gosellr.flows.bank_transfers import TransferPowers
from gosellr.models.proposal_values import Proposal
from gosellr.services import proposal_approval
from gosellr.utils.viewer import Viewer


async def approve(powers: TransferPowers, *, viewer: Viewer, proposal_id: UUID) -> Proposal:
    """Do what somebody else proposed.

    Raises:
        NotFound: there is no such proposal.
        NotAllowed: it is the viewer's own, or is about a seller that the viewer acts for.
        ProposalNotOpen: it was decided before.
        Conflict, InvalidInput: it can't be done any more, by its kind.
    """
    done = await transact(
        powers.db,
        proposal_approval.approve,
        viewer=viewer,
        proposal_id=proposal_id,
        policy=powers.policy,
        now=powers.now(),
    )
    if done.receipt is not None:
        await bank_transfers.go_on(powers, done.receipt)
    return done.proposal
