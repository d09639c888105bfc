"""What a second person approves, and what goes on from there."""

from uuid import UUID

from gosellr.core.transact import ask, transact
from gosellr.flows import bank_transfers, disputes, payout_verdicts, refunds
from gosellr.flows.bank_transfers import TransferPowers
from gosellr.flows.payouts import PayoutPowers
from gosellr.flows.refunds import RefundPowers
from gosellr.models.proposal_values import Proposal
from gosellr.services import dispute_awards, proposal_approval, proposal_service, refund_verdicts
from gosellr.services.payout_verdicts import AskedPayout, payout_named
from gosellr.utils.proposals import PAYOUT_VERDICTS, REFUND_VERDICTS, REFUNDS, ProposalKind
from gosellr.utils.viewer import Viewer


async def approve(
    powers: TransferPowers,
    payout_powers: PayoutPowers,
    refund_powers: RefundPowers,
    *,
    viewer: Viewer,
    proposal_id: UUID,
) -> Proposal:
    """Do what somebody else proposed.

    Raises:
        NotFound: there is no such proposal.
        NotAllowed: it is the viewer's own, or is about a seller that the viewer acts for, or about
            what they bought.
        ProposalNotOpen: it was decided before.
        Conflict, InvalidInput: it can't be done any more, by its kind.
    """
    found = await ask(powers.db, proposal_service.find, proposal_id=proposal_id)
    asked_payout = None
    if found.status == "prepared" and viewer.user_id not in {None, found.prepared_by}:
        asked_payout = await _ask_provider(payout_powers, refund_powers, found)
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
    if found.kind == ProposalKind.DISPUTE_AWARD:
        # What a crash cuts off is found by the clock.
        await disputes.send_award(
            refund_powers,
            dispute_id=dispute_awards.dispute_named(found),
            refund_id=done.award_refund_id,
        )
    if found.kind in REFUNDS:
        # Whoever says it again may come after a crash.
        await refunds.send_refund(refund_powers, refund_id=proposal_id, fresh=done.is_just_done)
    return done.proposal


async def _ask_provider(
    payout_powers: PayoutPowers, refund_powers: RefundPowers, found: Proposal
) -> AskedPayout | None:
    """Hear once more whoever something is said of; gives the payout, once its provider has not
    said otherwise."""
    if found.kind in REFUND_VERDICTS:
        _, refund_id = refund_verdicts.refund_named(found)
        await refunds.send_refund(refund_powers, refund_id=refund_id, fresh=False)
    if found.kind not in PAYOUT_VERDICTS:
        return None
    return await payout_verdicts.require_sayable(
        payout_powers, payout_id=payout_named(found), kind=ProposalKind(found.kind)
    )
