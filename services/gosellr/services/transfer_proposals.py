"""Bank transfers by the word of two: above the market's limit, in all of a day, nobody alone says
that money came, whose it is, that it went back, or what it was.

What a bank says in a statement of its own is no word of ours: that is taken at once.
"""

from datetime import datetime
from typing import Final
from uuid import UUID

from gosellr.core.db import Connection
from gosellr.core.errors import NotFound
from gosellr.models.proposal_values import Proposal
from gosellr.models.reconciliation_values import Movement
from gosellr.queries import receipts
from gosellr.services import (
    proposal_service,
    receipt_decisions,
    receipt_service,
    reconciliation_questions,
    reconciliation_service,
    sole_word_service,
)
from gosellr.services.receipt_service import Arrived, TakenReceipt
from gosellr.utils.bank_lines import BankLine
from gosellr.utils.creditor_reference import references_in
from gosellr.utils.offline import BANK_TRANSFER
from gosellr.utils.policy import MarketPolicy
from gosellr.utils.proposals import ProposalKind
from gosellr.utils.reconciliation import Resolution
from gosellr.utils.viewer import Viewer

_SUSPENDED: Final = "movement"


def subject_of(movement_id: UUID) -> str:
    """What a proposal about a movement that waits in suspense is about."""
    return f"{_SUSPENDED}:{movement_id}"


def _named(reference: str) -> str:
    """A transfer by the bank's own name of it, for who speaks of it twice."""
    return f"{BANK_TRANSFER}:{reference}"


async def take_alone(
    connection: Connection,
    *,
    viewer: Viewer,
    arrived: Arrived,
    statement_id: UUID,
    policy: MarketPolicy,
    now: datetime,
) -> TakenReceipt | Proposal:
    """Take a transfer that a person tells of, or propose to, where their word alone isn't enough
    for it with all else they have said in a day.

    Raises:
        MovementContradicted: as `receipt_service.take`.
        NotAllowed, ProposalWaits: as `propose_receipt`.
    """
    line = arrived.line
    known = await receipts.find_named(connection, reference=line.transaction_id)
    if known is None and not await sole_word_service.suffices(
        connection,
        viewer=viewer,
        subject=_named(line.transaction_id),
        amount_minor=line.amount_minor,
        currency=line.currency,
        policy=policy,
        now=now,
    ):
        proposed = await propose_receipt(
            connection,
            viewer=viewer,
            proposal_id=arrived.id,
            line=line,
            payer_encrypted=arrived.payer_encrypted,
            now=now,
        )
        if proposed is not None:
            return proposed
    return await receipt_service.take(
        connection,
        arrived=arrived,
        statement_id=statement_id,
        taken_by=viewer.user_id,
        policy=policy,
        now=now,
    )


async def propose_receipt(
    connection: Connection,
    *,
    viewer: Viewer,
    proposal_id: UUID,
    line: BankLine,
    payer_encrypted: bytes | None,
    now: datetime,
) -> Proposal | None:
    """Propose that a transfer arrived; None where it was taken before, whoever says so again.

    The receipt will bear the proposal's id: for that row the payer is encrypted.

    Raises:
        NotAllowed: the viewer tells of no transfers, or is of a shop that is paid by this one.
        ProposalWaits: another one tells of it otherwise, or somebody else has already.
    """
    if await receipts.find_named(connection, reference=line.transaction_id) is not None:
        return None
    # What else the payer wrote is nobody's business here, and decides nothing.
    references = references_in(line.text)
    named = await receipts.sellers_named(connection, references=references)
    return await proposal_service.prepare(
        connection,
        viewer=viewer,
        kind=ProposalKind.RECEIPT,
        subject=f"receipt:{line.transaction_id}",
        wish={
            "transaction_id": line.transaction_id,
            "amount_minor": line.amount_minor,
            "currency": line.currency,
            "value_date": line.value_date.isoformat(),
            "references": list(references),
        },
        seller_ids=named,
        proposal_id=proposal_id,
        secret_encrypted=payer_encrypted,
        now=now,
    )


async def assign(
    connection: Connection,
    *,
    viewer: Viewer,
    receipt_id: UUID,
    reference: str,
    policy: MarketPolicy,
    now: datetime,
) -> TakenReceipt | Proposal:
    """Say which attempt a transfer in suspense was meant for, or propose that.

    Raises:
        NotFound, TransferNotAsked, ReceiptUsed, MovementNotOpen: as `receipt_decisions.assign`.
        NotAllowed: the viewer decides about no transfers, or is of a shop that it would pay.
        ProposalWaits: something else is proposed about this transfer.
    """
    found = await _receipt(connection, receipt_id)
    if await _suffices(connection, viewer, found, policy, now=now):
        return await receipt_decisions.assign(
            connection, receipt_id=receipt_id, reference=reference, policy=policy, now=now
        )
    if not await receipts.payments_named(connection, references=[reference]):
        raise receipt_decisions.TransferNotAsked
    named = await receipts.sellers_named(connection, references=[reference])
    return await _propose(
        connection, viewer, ProposalKind.RECEIPT_ASSIGNMENT, found, seller_ids=named,
        said={"reference": reference}, now=now,
    )  # fmt: skip


async def give_back(
    connection: Connection,
    *,
    viewer: Viewer,
    receipt_id: UUID,
    transaction_id: str,
    sent_at: datetime,
    policy: MarketPolicy,
    now: datetime,
) -> TakenReceipt | Proposal:
    """Say that a transfer in suspense was sent back, or propose that.

    Raises:
        NotFound, MovementNotOpen, MovementContradicted: as `receipt_decisions.give_back`.
        NotAllowed: the viewer decides about no transfers.
        ProposalWaits: something else is proposed about this transfer.
    """
    found = await _receipt(connection, receipt_id)
    if await _suffices(connection, viewer, found, policy, now=now):
        return await receipt_decisions.give_back(
            connection,
            viewer=viewer,
            receipt_id=receipt_id,
            transaction_id=transaction_id,
            sent_at=sent_at,
            now=now,
        )
    said = {"transaction_id": transaction_id, "sent_at": sent_at.isoformat()}
    return await _propose(
        connection, viewer, ProposalKind.RECEIPT_RETURN, found, said=said, now=now
    )


async def clear(
    connection: Connection,
    *,
    viewer: Viewer,
    movement_id: UUID,
    resolution: Resolution,
    policy: MarketPolicy,
    now: datetime,
) -> Movement | Proposal:
    """Say what it was that waited in suspense, or propose that: nobody has judged a transfer that
    went into suspense by itself, so who says what it was would be alone.

    Raises:
        NotFound, NotAllowed, InvalidInput, MovementNotOpen: as
            `reconciliation_service.clear_suspense`.
        ProposalWaits: something else is proposed about it.
    """
    found = await reconciliation_questions.find_movement(connection, movement_id=movement_id)
    is_unjudged = found.gateway == BANK_TRANSFER or found.resolved_by is None
    if not is_unjudged or await _suffices(connection, viewer, found, policy, now=now):
        return await reconciliation_service.clear_suspense(
            connection, viewer=viewer, movement_id=movement_id, resolution=resolution, now=now
        )
    return await _propose(
        connection,
        viewer,
        ProposalKind.SUSPENSE_CLEARING,
        found,
        said={"resolution": resolution.value},
        now=now,
    )


async def book_as_proposed(
    connection: Connection, held: Proposal, *, viewer: Viewer, policy: MarketPolicy, now: datetime
) -> TakenReceipt | None:
    """Book what somebody else proposed, held by its second person; gives the transfer as it stands
    then, where it was used.

    Raises:
        Conflict: as `receipt_service.take`, `receipt_decisions` and `clear_suspense`: it has
            moved on since.
    """
    wish = held.wish
    match ProposalKind(held.kind):
        case ProposalKind.RECEIPT:
            return await _take(connection, held, policy=policy, now=now)
        case ProposalKind.RECEIPT_ASSIGNMENT:
            return await receipt_decisions.assign(
                connection,
                receipt_id=_movement_id(held),
                reference=wish["reference"],
                policy=policy,
                now=now,
            )
        case ProposalKind.RECEIPT_RETURN:
            return await receipt_decisions.give_back(
                connection,
                viewer=viewer,
                receipt_id=_movement_id(held),
                transaction_id=wish["transaction_id"],
                sent_at=datetime.fromisoformat(wish["sent_at"]),
                now=now,
            )
        case ProposalKind.SUSPENSE_CLEARING:
            await reconciliation_service.clear_suspense(
                connection,
                viewer=viewer,
                movement_id=_movement_id(held),
                resolution=Resolution(wish["resolution"]),
                # Whoever told of the transfer has said nothing of what it was.
                by_two=True,
                now=now,
            )
            return None
        case other:
            raise RuntimeError(f"a proposal of kind {other} is none of transfers")


async def _take(
    connection: Connection, held: Proposal, *, policy: MarketPolicy, now: datetime
) -> TakenReceipt:
    wish = held.wish
    statement_id = await receipt_service.open_statement(
        connection, source="document", count=1, imported_by=held.prepared_by, now=now
    )
    line = BankLine(
        transaction_id=wish["transaction_id"],
        amount_minor=wish["amount_minor"],
        currency=wish["currency"],
        value_date=datetime.fromisoformat(wish["value_date"]),
        text=" ".join(wish["references"]),
    )
    return await receipt_service.take(
        connection,
        arrived=Arrived(id=held.id, line=line, payer_encrypted=held.secret_encrypted),
        statement_id=statement_id,
        taken_by=held.prepared_by,
        policy=policy,
        now=now,
    )


async def _propose(
    connection: Connection,
    viewer: Viewer,
    kind: ProposalKind,
    found: Movement,
    *,
    said: dict[str, str],
    seller_ids: list[UUID] | None = None,
    now: datetime,
) -> Proposal:
    if found.resolution is not Resolution.SUSPENSE or found.cleared_at is not None:
        raise reconciliation_service.MovementNotOpen
    about = {
        "movement": found.reference,
        "amount_minor": found.unexplained_minor,
        "currency": found.currency,
    }
    return await proposal_service.prepare(
        connection,
        viewer=viewer,
        kind=kind,
        subject=subject_of(found.id),
        wish={**about, **said},
        seller_ids=seller_ids or (),
        now=now,
    )


async def _receipt(connection: Connection, receipt_id: UUID) -> Movement:
    found = await reconciliation_questions.find_movement(connection, movement_id=receipt_id)
    if found.gateway != BANK_TRANSFER or found.amount_minor <= 0:
        raise NotFound
    return found


async def _suffices(
    connection: Connection,
    viewer: Viewer,
    found: Movement,
    policy: MarketPolicy,
    *,
    now: datetime,
) -> bool:
    return await sole_word_service.suffices(
        connection,
        viewer=viewer,
        subject=f"{found.gateway}:{found.reference}",
        amount_minor=abs(found.unexplained_minor),
        currency=found.currency,
        policy=policy,
        now=now,
    )


def _movement_id(held: Proposal) -> UUID:
    return UUID(held.subject.partition(":")[2])
