"""The second person's word: what was proposed is held, done by the service that knows its kind, and
approved, in one transaction."""

from datetime import datetime
from uuid import UUID

from gosellr.core.db import Connection
from gosellr.core.errors import Conflict
from gosellr.models.proposal_values import Proposal
from gosellr.services import (
    commission_proposals,
    dispute_awards,
    gift_refund_service,
    hand_refund_proposals,
    payout_verdicts,
    proposal_service,
    refund_requests,
    refund_verdicts,
    seller_credit_service,
    seller_member_service,
    transfer_proposals,
    value_requests,
)
from gosellr.services.payout_verdicts import AskedPayout
from gosellr.services.receipt_service import TakenReceipt
from gosellr.utils.lazy_dataclasses import dataclass
from gosellr.utils.policy import MarketPolicy
from gosellr.utils.proposals import PAYOUT_VERDICTS, ProposalKind
from gosellr.utils.viewer import Viewer


@dataclass(frozen=True, slots=True)
class Approved:
    """A proposal that was approved, just now or before, and the transfer that it was about as it
    stands then, where it has just been used."""

    proposal: Proposal
    receipt: TakenReceipt | None = None
    # What a decision of a case gives back at once, to be sent.
    award_refund_id: UUID | None = None
    is_just_done: bool = False


async def approve(
    connection: Connection,
    *,
    viewer: Viewer,
    proposal_id: UUID,
    asked_payout: AskedPayout | None = None,
    policy: MarketPolicy,
    now: datetime,
) -> Approved:
    """Do what somebody else proposed. Said again by the same person, it changes nothing.

    `asked_payout` is the payout of which its provider has just not said otherwise.

    Raises:
        NotFound, NotAllowed, ProposalNotOpen: as `proposal_service.second`.
        Conflict, InvalidInput: it can't be done any more, as the service of its kind says.
    """
    held = await proposal_service.second(connection, viewer=viewer, proposal_id=proposal_id)
    if held.status != "prepared":
        return Approved(held)
    if held.kind in PAYOUT_VERDICTS:
        await payout_verdicts.end_as_proposed(
            connection, held, asked=asked_payout, viewer=viewer, now=now
        )
    receipt, refund_id = None, None
    if held.kind == ProposalKind.DISPUTE_AWARD:
        refund_id = await dispute_awards.decide_as_proposed(
            connection, held, viewer=viewer, policy=policy, now=now
        )
    else:
        receipt = await _do(connection, held, viewer=viewer, policy=policy, now=now)
    done = await proposal_service.approved(connection, held=held, viewer=viewer, now=now)
    return Approved(done, receipt, refund_id, is_just_done=True)


async def hindrance(
    connection: Connection, *, held: Proposal, viewer: Viewer, policy: MarketPolicy, now: datetime
) -> Conflict | None:
    """Why a proposal that waits can't be agreed to any more, as things stand now, where that is
    known of its kind."""
    refusal = await refund_requests.hindrance(connection, held=held, viewer=viewer, policy=policy)
    return refusal or value_requests.hindrance(held, now=now)


async def _do(
    connection: Connection, held: Proposal, *, viewer: Viewer, policy: MarketPolicy, now: datetime
) -> TakenReceipt | None:
    match ProposalKind(held.kind):
        case (
            ProposalKind.COMMISSION_RULE_NEW
            | ProposalKind.COMMISSION_RULE_CHANGE
            | ProposalKind.COMMISSION_RULE_END
        ):
            await commission_proposals.put_in_force(connection, held, viewer=viewer, now=now)
        case ProposalKind.SHOP_OWNER:
            await seller_member_service.make_owner(connection, held, viewer=viewer, now=now)
        case ProposalKind.HAND_REFUND_SENT:
            await hand_refund_proposals.mark_as_proposed(
                connection, held, viewer=viewer, policy=policy, now=now
            )
        case ProposalKind.REFUND:
            await refund_requests.give_as_proposed(
                connection, held, viewer=viewer, policy=policy, now=now
            )
        case ProposalKind.GIFT_CARD_REFUND:
            await gift_refund_service.take_back_as_proposed(
                connection, held, viewer=viewer, now=now
            )
        case ProposalKind.STORE_CREDIT_GRANTED | ProposalKind.GIFT_CARD_ISSUED:
            await value_requests.give_as_proposed(connection, held, now=now)
        case ProposalKind.SELLER_CREDIT:
            await seller_credit_service.give_as_proposed(connection, held, viewer=viewer, now=now)
        case ProposalKind.REFUND_ARRIVED | ProposalKind.REFUND_FAILED:
            await refund_verdicts.settle_as_proposed(
                connection, held, viewer=viewer, policy=policy, now=now
            )
        case (
            ProposalKind.RECEIPT
            | ProposalKind.RECEIPT_ASSIGNMENT
            | ProposalKind.RECEIPT_RETURN
            | ProposalKind.SUSPENSE_CLEARING
        ):
            return await transfer_proposals.book_as_proposed(
                connection, held, viewer=viewer, policy=policy, now=now
            )
    return None
