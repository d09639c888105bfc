"""What a person tells of the bank: taken at once, or proposed where one alone may not say it."""

from collections.abc import Sequence
from uuid import UUID

from gosellr.core.errors import InvalidInput
from gosellr.core.identity import new_id
from gosellr.core.transact import transact
from gosellr.flows import bank_transfers
from gosellr.flows.bank_transfers import TakenStatement, TransferPowers
from gosellr.models.proposal_values import Proposal
from gosellr.services import transfer_proposals
from gosellr.services.hand_refund_service import SentTransfer
from gosellr.services.receipt_service import TakenReceipt
from gosellr.utils.bank_lines import BankLine
from gosellr.utils.lazy_dataclasses import replace
from gosellr.utils.payouts import needs_approval
from gosellr.utils.viewer import Viewer


async def take_receipt(
    powers: TransferPowers, *, viewer: Viewer, line: BankLine
) -> TakenReceipt | Proposal:
    """Take one transfer, as a person tells of it, or propose to.

    Raises:
        MovementContradicted: its bank's name stands for another amount already.
        InvalidInput: nothing arrived.
        NotAllowed, ProposalWaits: as `transfer_proposals.propose_receipt`.
    """
    if line.amount_minor <= 0:
        raise InvalidInput.at("amount.amount", "not_positive", "Only what arrives is a receipt")
    told = await take_statement(powers, viewer=viewer, lines=[line])
    return told.proposed[0] if told.proposed else told.taken[0]


async def take_statement(
    powers: TransferPowers, *, viewer: Viewer, lines: Sequence[BankLine]
) -> TakenStatement:
    """Take the lines of a statement. A table is its maker's word: what of it is above the limit,
    or would be with what they have said in a day, is proposed. A bank's own document names the
    account, and is taken whole.

    Raises:
        As `bank_transfers.take_statement`, and `transfer_proposals.propose_receipt`; what was
        taken before stays.
    """
    over = [line for line in lines if _takes_two(powers, line)]
    proposed, known = [], []
    for line in over:
        made = await _propose(powers, viewer=viewer, line=line)
        if made is None:
            known.append(line)
        else:
            proposed.append(made)
    at_once = [line for line in lines if line not in over or line in known]
    if proposed and not at_once:
        return TakenStatement(taken=[], skipped_count=0, proposed=proposed)
    taken = await bank_transfers.take_statement(powers, viewer=viewer, lines=at_once, by_hand=True)
    return replace(taken, proposed=[*proposed, *taken.proposed])


def _takes_two(powers: TransferPowers, line: BankLine) -> bool:
    limits = powers.policy.transfer_approval_over
    return line.account is None and needs_approval(line.amount_minor, line.currency, limits)


async def _propose(powers: TransferPowers, *, viewer: Viewer, line: BankLine) -> Proposal | None:
    receipt_id = new_id()
    return await transact(
        powers.db,
        transfer_proposals.propose_receipt,
        viewer=viewer,
        proposal_id=receipt_id,
        line=line,
        payer_encrypted=bank_transfers.sealed_payer(powers.vault, receipt_id, line),
        now=powers.now(),
    )


async def assign(
    powers: TransferPowers, *, viewer: Viewer, receipt_id: UUID, reference: str
) -> TakenReceipt | Proposal:
    """Say which order a transfer in suspense was meant for, or propose that.

    Raises:
        As `transfer_proposals.assign`.
    """
    taken = await transact(
        powers.db,
        transfer_proposals.assign,
        viewer=viewer,
        receipt_id=receipt_id,
        reference=reference,
        policy=powers.policy,
        now=powers.now(),
    )
    if isinstance(taken, TakenReceipt):
        await bank_transfers.go_on(powers, taken)
    return taken


async def give_back(
    powers: TransferPowers, *, viewer: Viewer, receipt_id: UUID, sent: SentTransfer
) -> TakenReceipt | Proposal:
    """Say that a transfer in suspense was sent back, or propose that.

    Raises:
        As `transfer_proposals.give_back`.
    """
    return await transact(
        powers.db,
        transfer_proposals.give_back,
        viewer=viewer,
        receipt_id=receipt_id,
        transaction_id=sent.transaction_id,
        sent_at=sent.sent_at,
        policy=powers.policy,
        now=powers.now(),
    )
