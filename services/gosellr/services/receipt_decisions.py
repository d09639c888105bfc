"""What people decide about bank transfers in suspense: whose they are, and that they went back."""

from datetime import datetime
from uuid import UUID

from gosellr.core.db import Connection
from gosellr.core.errors import Conflict, NotFound
from gosellr.core.identity import new_id
from gosellr.queries import receipts
from gosellr.queries.receipts import NewReceipt, Receipt
from gosellr.services import order_steps, receipt_books, receipt_service
from gosellr.services.receipt_service import TakenReceipt
from gosellr.services.reconciliation_service import MovementContradicted, MovementNotOpen
from gosellr.utils.policy import MarketPolicy
from gosellr.utils.receipts import ReceiptOutcome, applied, out_of_suspense
from gosellr.utils.reconciliation import MovementKind
from gosellr.utils.states import PaymentStatus
from gosellr.utils.viewer import Viewer


class TransferNotAsked(Conflict):
    """No open order waits for a transfer under this reference."""

    code = "transfer_not_asked"
    title = "Nothing waits for a transfer under this reference"


class ReceiptUsed(Conflict):
    """A part of it has paid for an order. One transfer pays for one order; the rest goes back."""

    code = "receipt_used"
    title = "A part of this transfer has paid for an order; what is left of it is sent back"


async def assign(
    connection: Connection,
    *,
    receipt_id: UUID,
    reference: str,
    policy: MarketPolicy,
    now: datetime,
) -> TakenReceipt:
    """Say which attempt a transfer in suspense was meant for, and use it.

    Raises:
        NotFound: there is no such transfer.
        TransferNotAsked: nothing waits for money under this reference, or not in its currency.
        ReceiptUsed: a part of it has paid for an order.
        MovementNotOpen: it doesn't wait in suspense.
    """
    found = await _find(connection, receipt_id)
    named = await receipts.payments_named(connection, references=[reference])
    if not named:
        raise TransferNotAsked
    order = await order_steps.lock_and_load(connection, order_id=named[0].order_id)
    [payment] = [one for one in order.payments if one.id == named[0].payment_id]
    waits = order.status == "pending_payment" and payment.status == PaymentStatus.ACTION_REQUIRED
    if not waits or payment.currency != found.currency:
        raise TransferNotAsked
    if not await receipts.assign(
        connection, receipt_id=receipt_id, payment_id=payment.id, related=reference
    ):
        is_left_over = (await _find(connection, receipt_id)).is_suspended
        raise ReceiptUsed if is_left_over else MovementNotOpen
    pieces = await receipts.waiting(connection, payment_id=payment.id, currency=payment.currency)
    application = applied(payment.amount_minor, [one.minor for one in pieces])
    if application.is_complete:
        used = [
            (one, minor) for one, minor in zip(pieces, application.used_minor, strict=True) if minor
        ]
        await receipt_books.use_up(
            connection, used=used, payment=payment, paid_by=used[-1][0].id, now=now
        )
        await receipt_books.record(connection, order=order, payment=payment, policy=policy, now=now)
    else:
        arrived_minor = sum(one.minor for one in pieces)
        await receipt_books.tell_part(
            connection, order, payment, arrived_minor=arrived_minor, now=now
        )
    return receipt_service.taken_of(await _find(connection, receipt_id))


async def give_back(
    connection: Connection,
    *,
    viewer: Viewer,
    receipt_id: UUID,
    transaction_id: str,
    sent_at: datetime,
    now: datetime,
) -> TakenReceipt:
    """Say that a transfer in suspense was sent back, under the bank's name of that.

    Raises:
        NotFound: there is no such transfer.
        MovementNotOpen: it doesn't wait in suspense.
        MovementContradicted: the bank's name stands for something else already.
    """
    found = await _find(connection, receipt_id)
    if not await receipts.take_back(
        connection, receipt_id=receipt_id, user_id=viewer.user_id, now=now
    ):
        raise MovementNotOpen
    # As it was when its row was locked.
    minor = (await _find(connection, receipt_id)).unexplained_minor
    outgoing_id = new_id()
    statement_id = await receipt_service.open_statement(
        connection, source="document", count=1, imported_by=viewer.user_id, now=now
    )
    written = await receipts.insert(
        connection,
        receipt=NewReceipt(
            id=outgoing_id,
            statement_id=statement_id,
            reference=transaction_id,
            related=found.reference,
            payment_id=None,
            kind=MovementKind.REFUND.value,
            currency=found.currency,
            amount_minor=-minor,
            occurred_at=sent_at,
            mismatch=None,
            unexplained_minor=0,
            subject_id=receipt_id,
            note=ReceiptOutcome.SENT.value,
            taken_by=viewer.user_id,
            payer_encrypted=None,
        ),
        now=now,
    )
    if not written:
        raise MovementContradicted(extras={"reference": transaction_id})
    await receipts.count_new(connection, statement_id=statement_id)
    draft = out_of_suspense(amount_minor=minor, currency=found.currency)
    await receipt_books.book(
        connection, draft, receipt_id=outgoing_id, key=str(outgoing_id), now=now
    )
    return receipt_service.taken_of(await _find(connection, receipt_id))


async def _find(connection: Connection, receipt_id: UUID) -> Receipt:
    found = await receipts.find(connection, receipt_id=receipt_id)
    if found is None or found.amount_minor <= 0:
        raise NotFound
    return found
