"""What a second person approves: done by the service that knows the kind of the proposal."""

from typing import Final
from uuid import UUID

from gosellr.core.transact import ask, transact
from gosellr.flows import bank_transfers
from gosellr.flows.bank_transfers import TransferPowers
from gosellr.models.proposal_values import Proposal
from gosellr.services import (
    commission_proposals,
    hand_refund_proposals,
    proposal_service,
    seller_member_service,
    transfer_proposals,
)
from gosellr.utils.proposals import ProposalKind
from gosellr.utils.viewer import Viewer

# What changes rows of ours and nothing else.
_BY_THEMSELVES: Final = {
    ProposalKind.COMMISSION_RULE_NEW: commission_proposals.approve,
    ProposalKind.COMMISSION_RULE_CHANGE: commission_proposals.approve,
    ProposalKind.COMMISSION_RULE_END: commission_proposals.approve,
    ProposalKind.SHOP_OWNER: seller_member_service.approve_owner,
}


async def approve(powers: TransferPowers, *, viewer: Viewer, proposal_id: UUID) -> Proposal:
    """Do what somebody else proposed.

    Raises:
        NotFound: there is no such proposal.
        NotAllowed: it is the viewer's own, or is about a seller that the viewer acts for.
        ProposalNotOpen: it was decided before.
        Conflict, InvalidInput: it can't be done any more, by its kind.
    """
    found = await ask(powers.db, proposal_service.find, proposal_id=proposal_id)
    if found.kind in _BY_THEMSELVES:
        command = _BY_THEMSELVES[ProposalKind(found.kind)]
        return await transact(
            powers.db,
            command,
            viewer=viewer,
            proposal_id=proposal_id,
            now=powers.now(),
        )
    if found.kind == ProposalKind.HAND_REFUND_SENT:
        return await transact(
            powers.db,
            hand_refund_proposals.approve,
            viewer=viewer,
            proposal_id=proposal_id,
            policy=powers.policy,
            now=powers.now(),
        )
    done = await transact(
        powers.db,
        transfer_proposals.approve,
        viewer=viewer,
        proposal_id=proposal_id,
        policy=powers.policy,
        now=powers.now(),
    )
    if done.receipt is not None:
        await bank_transfers.go_on(powers, done.receipt)
    return done.proposal
