"""Refunds of bank transfers: a person sends them, and says under which name the bank did it."""

from datetime import datetime
from uuid import UUID

from gosellr.core.db import Connection
from gosellr.core.errors import Conflict, NotAllowed, NotFound
from gosellr.core.identity import new_id
from gosellr.core.pagination import Page, after_moment, page_by_moment
from gosellr.models.offline_values import HandRefund
from gosellr.models.order_values import Order
from gosellr.models.refund_values import DueReturn
from gosellr.queries import hand_refunds, locks, orders, receipts, refunds
from gosellr.queries.receipts import NewReceipt
from gosellr.services import receipt_service, refund_outcome, stray_service
from gosellr.services.reconciliation_service import MovementContradicted
from gosellr.services.refund_outcome import RefundAnswer
from gosellr.utils.lazy_dataclasses import dataclass
from gosellr.utils.offline import BANK_TRANSFER
from gosellr.utils.policy import MarketPolicy
from gosellr.utils.receipts import ReceiptOutcome
from gosellr.utils.reconciliation import MovementKind
from gosellr.utils.states import RefundStatus
from gosellr.utils.viewer import Viewer


class AlreadyDecided(Conflict):
    """Somebody has said what became of it."""

    code = "already_decided"
    title = "Somebody has said already what became of this"


class RefundAccountUnknown(Conflict):
    """Nobody knows the account that the money came from, and its buyer has named none."""

    code = "refund_account_unknown"
    title = "Nobody knows yet to which account this goes back"


class NoTransfer(Conflict):
    """Nothing of this order was or is to be paid by bank transfer."""

    code = "no_transfer"
    title = "Nothing of this order goes by bank transfer"


@dataclass(frozen=True, slots=True, kw_only=True)
class SentTransfer:
    """A transfer that left, under the bank's own name."""

    transaction_id: str
    sent_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class SealedAccount:
    """An account that nobody reads here, and the four signs that are ever shown of it."""

    encrypted: bytes
    last_four: str


async def list_open(connection: Connection, *, cursor: str | None, limit: int) -> Page[HandRefund]:
    """What waits to be sent, the longest first.

    Raises:
        InvalidInput: the cursor isn't one of ours.
    """
    after = after_moment(cursor)
    rows = await hand_refunds.list_open(connection, after=after, limit=limit + 1)
    return page_by_moment(rows, limit=limit, key_of=lambda one: (one.created_at, one.id))


async def find(connection: Connection, *, hand_refund_id: UUID) -> HandRefund:
    """What a person has to send back, or has sent. Raises `NotFound`."""
    found = await hand_refunds.find(connection, hand_refund_id=hand_refund_id)
    if found is None:
        raise NotFound
    return found


async def give_account(
    connection: Connection,
    *,
    viewer: Viewer,
    order_id: UUID,
    account: SealedAccount,
    now: datetime,
) -> None:
    """Say, as the buyer, to which account an order's money goes back.

    Raises:
        NotFound: it isn't the viewer's order.
        NoTransfer: nothing of it goes by bank transfer.
    """
    await locks.order(connection, order_id=order_id)
    order = await orders.find(connection, viewer=viewer, order_id=order_id)
    if order is None or not viewer.is_buyer_of(order.user_id, sees_whole=order.whole):
        raise NotFound
    await _keep_account(connection, order, account, given_by=viewer.user_id, now=now)


async def note_account(
    connection: Connection,
    *,
    viewer: Viewer,
    order_id: UUID,
    account: SealedAccount,
    named_by: UUID | None = None,
    now: datetime,
) -> None:
    """Note, as whoever sent it there, to which account an order's money went back; `named_by` is
    who said so, where the viewer only agrees.

    Raises:
        NotAllowed: the viewer runs no market.
        NotFound: there is no such order.
        NoTransfer: nothing of it goes by bank transfer.
    """
    if not viewer.is_operator:
        raise NotAllowed
    await locks.order(connection, order_id=order_id)
    order = await orders.load(connection, order_id=order_id)
    if order is None:
        raise NotFound
    await _keep_account(connection, order, account, given_by=named_by or viewer.user_id, now=now)


async def _keep_account(
    connection: Connection,
    order: Order,
    account: SealedAccount,
    *,
    given_by: UUID | None,
    now: datetime,
) -> None:
    if all(payment.method != BANK_TRANSFER for payment in order.payments):
        raise NoTransfer
    await hand_refunds.give_account(
        connection,
        order_id=order.id,
        account_encrypted=account.encrypted,
        last_four=account.last_four,
        given_by=given_by,
        now=now,
    )


async def mark_sent(
    connection: Connection,
    *,
    viewer: Viewer,
    hand_refund_id: UUID,
    sent: SentTransfer,
    policy: MarketPolicy,
    now: datetime,
) -> HandRefund:
    """Say that a refund was sent; the order and the books follow. Saying it again changes nothing.

    Raises:
        NotFound: there is no such refund.
        AlreadyDecided: it was sent under another name, or failed.
        RefundAccountUnknown: nobody can have sent it.
        MovementContradicted: the bank's name stands for another transfer.
    """
    back = await _locked(connection, hand_refund_id)
    if not back.is_open:
        if back.status == RefundStatus.SUCCEEDED and back.reference == sent.transaction_id:
            return back
        raise AlreadyDecided
    require_account(back)
    await _write_down(connection, back=back, sent=sent, viewer=viewer, now=now)
    await _answer(
        connection,
        back=back,
        status=RefundStatus.SUCCEEDED,
        reference=sent.transaction_id,
        reason=None,
        policy=policy,
        now=now,
    )
    return await find(connection, hand_refund_id=hand_refund_id)


def require_account(back: HandRefund) -> None:
    """Raises `RefundAccountUnknown` where nobody can have sent it."""
    if back.account_encrypted is None and back.payer_encrypted is None:
        raise RefundAccountUnknown


async def mark_failed(
    connection: Connection,
    *,
    hand_refund_id: UUID,
    reason: str,
    policy: MarketPolicy,
    now: datetime,
) -> HandRefund:
    """Say that a refund can't be sent; what it had taken goes back to where it was.

    Raises:
        NotFound: there is no such refund.
        AlreadyDecided: it was sent.
    """
    back = await _locked(connection, hand_refund_id)
    if not back.is_open:
        if back.status == RefundStatus.FAILED:
            return back
        raise AlreadyDecided
    if back.kind == "return":
        # It paid for nothing, so there is nobody else whose money it could be.
        raise AlreadyDecided("What paid for nothing goes back, however long it takes")
    if back.refund_id is not None:
        # A single word, and it may have been sent all the same.
        await refunds.note_settled_alone(
            connection, refund_id=back.refund_id, amount_minor=back.amount_minor
        )
    await _answer(
        connection,
        back=back,
        status=RefundStatus.FAILED,
        reference=None,
        reason=reason,
        policy=policy,
        now=now,
    )
    return await find(connection, hand_refund_id=hand_refund_id)


async def _locked(connection: Connection, hand_refund_id: UUID) -> HandRefund:
    seen = await find(connection, hand_refund_id=hand_refund_id)
    await locks.order(connection, order_id=seen.order_id)
    return await find(connection, hand_refund_id=hand_refund_id)


async def _write_down(
    connection: Connection,
    *,
    back: HandRefund,
    sent: SentTransfer,
    viewer: Viewer,
    now: datetime,
) -> None:
    """The bank's own name of it, which stands for one transfer for ever."""
    statement_id = await receipt_service.open_statement(
        connection, source="document", count=1, imported_by=viewer.user_id, now=now
    )
    receipt = NewReceipt(
        id=new_id(),
        statement_id=statement_id,
        reference=sent.transaction_id,
        related=None,
        payment_id=None,
        kind=MovementKind.REFUND.value,
        currency=back.currency,
        amount_minor=-back.amount_minor,
        occurred_at=sent.sent_at,
        mismatch=None,
        unexplained_minor=0,
        subject_id=back.id,
        note=ReceiptOutcome.SENT.value,
        taken_by=viewer.user_id,
        payer_encrypted=None,
    )
    if not await receipts.insert(connection, receipt=receipt, now=now):
        raise MovementContradicted(extras={"reference": sent.transaction_id})
    await receipts.count_new(connection, statement_id=statement_id)


async def _answer(
    connection: Connection,
    *,
    back: HandRefund,
    status: RefundStatus,
    reference: str | None,
    reason: str | None,
    policy: MarketPolicy,
    now: datetime,
) -> None:
    """From here on as if a gateway had said so."""
    if back.kind == "return":
        due = DueReturn(
            id=back.id,
            payment_id=back.payment_id,
            amount_minor=back.amount_minor,
            currency=back.currency,
            method=back.method,
            order_id=back.order_id,
            check_count=0,
            charge_reference=None,
        )
        await stray_service.record_answer(
            connection, back=due, status=status, gateway_reference=reference, now=now
        )
        return
    answer = RefundAnswer(
        part_id=back.id, status=status, gateway_reference=reference, reason=reason
    )
    await refund_outcome.record_answer(connection, answer=answer, policy=policy, now=now)
