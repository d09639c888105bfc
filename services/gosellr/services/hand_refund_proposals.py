"""Refunds sent by hand, by the word of two: above the market's limit nobody alone says that money
left."""

from datetime import datetime
from uuid import UUID

from gosellr.core.db import Connection
from gosellr.models.offline_values import HandRefund
from gosellr.models.proposal_values import Proposal
from gosellr.queries import hand_refunds
from gosellr.services import hand_refund_service, proposal_service, sole_word_service
from gosellr.services.hand_refund_service import SealedAccount, SentTransfer
from gosellr.utils.policy import MarketPolicy
from gosellr.utils.proposals import ProposalKind
from gosellr.utils.viewer import Viewer


def subject_of(hand_refund_id: UUID) -> str:
    """What a proposal about a refund by hand is about."""
    return f"hand_refund:{hand_refund_id}"


async def mark_sent(
    connection: Connection,
    *,
    viewer: Viewer,
    hand_refund_id: UUID,
    sent: SentTransfer,
    account: SealedAccount | None,
    policy: MarketPolicy,
    now: datetime,
) -> HandRefund | Proposal:
    """Say that a refund was sent, and to which account where nobody knew that before; or propose
    to say so.

    Raises:
        NotFound, AlreadyDecided, RefundAccountUnknown, MovementContradicted: as
            `hand_refund_service.mark_sent`.
        NotAllowed: the viewer tells of no transfers, or is of a shop whose order it is.
        ProposalWaits: something else is proposed about this refund.
    """
    found = await hand_refund_service.find(connection, hand_refund_id=hand_refund_id)
    if not found.is_open or await sole_word_service.suffices(
        connection,
        viewer=viewer,
        subject=subject_of(found.id),
        amount_minor=found.amount_minor,
        currency=found.currency,
        policy=policy,
        now=now,
    ):
        return await _mark(
            connection, viewer=viewer, found=found, sent=sent, account=account,
            named_by=viewer.user_id, policy=policy, now=now,
        )  # fmt: skip
    if account is None:
        hand_refund_service.require_account(found)
    return await proposal_service.prepare(
        connection,
        viewer=viewer,
        kind=ProposalKind.HAND_REFUND_SENT,
        subject=subject_of(found.id),
        wish={
            "amount_minor": found.amount_minor,
            "currency": found.currency,
            "order_number": str(found.order_number),
            "transaction_id": sent.transaction_id,
            "sent_at": sent.sent_at.isoformat(),
            "account_last_four": "" if account is None else account.last_four,
        },
        seller_ids=await hand_refunds.sellers_of(connection, order_id=found.order_id),
        secret_encrypted=None if account is None else account.encrypted,
        now=now,
    )


async def mark_as_proposed(
    connection: Connection, held: Proposal, *, viewer: Viewer, policy: MarketPolicy, now: datetime
) -> None:
    """Book as sent what somebody else proposed, held by its second person.

    Raises:
        AlreadyDecided, RefundAccountUnknown, MovementContradicted: it has moved on since.
    """
    wish = held.wish
    found = await hand_refund_service.find(
        connection, hand_refund_id=UUID(held.subject.partition(":")[2])
    )
    if not found.is_open:
        raise hand_refund_service.AlreadyDecided
    account = None
    if held.secret_encrypted is not None:
        account = SealedAccount(
            encrypted=held.secret_encrypted, last_four=wish["account_last_four"]
        )
    sent = SentTransfer(
        transaction_id=wish["transaction_id"], sent_at=datetime.fromisoformat(wish["sent_at"])
    )
    await _mark(
        connection, viewer=viewer, found=found, sent=sent, account=account,
        named_by=held.prepared_by, policy=policy, now=now,
    )  # fmt: skip


async def _mark(
    connection: Connection,
    *,
    viewer: Viewer,
    found: HandRefund,
    sent: SentTransfer,
    account: SealedAccount | None,
    named_by: UUID | None,
    policy: MarketPolicy,
    now: datetime,
) -> HandRefund:
    if account is not None and found.is_open:
        await hand_refund_service.note_account(
            connection, viewer=viewer, order_id=found.order_id, account=account,
            named_by=named_by, now=now,
        )  # fmt: skip
    return await hand_refund_service.mark_sent(
        connection, viewer=viewer, hand_refund_id=found.id, sent=sent, policy=policy, now=now
    )
