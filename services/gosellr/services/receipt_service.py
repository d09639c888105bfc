"""Bank transfers that arrived: each taken once, and used for what it was sent for."""

from datetime import datetime
from uuid import UUID

from gosellr.core.db import Connection
from gosellr.core.identity import new_id
from gosellr.models.order_values import Order, Payment
from gosellr.queries import receipts
from gosellr.queries.receipts import NewReceipt, Receipt, Waiting
from gosellr.services import order_steps, receipt_books
from gosellr.services.reconciliation_service import MovementContradicted
from gosellr.utils.bank_lines import BankLine
from gosellr.utils.creditor_reference import references_in
from gosellr.utils.lazy_dataclasses import dataclass
from gosellr.utils.policy import MarketPolicy
from gosellr.utils.receipts import ReceiptOutcome, applied, into_suspense
from gosellr.utils.reconciliation import Mismatch, MovementKind
from gosellr.utils.states import PaymentStatus


@dataclass(frozen=True, slots=True, kw_only=True)
class Arrived:
    """A line that raised the account, under the id that it gets here. Who sent it is sealed."""

    id: UUID
    line: BankLine
    payer_encrypted: bytes | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class TakenReceipt:
    """What became of a transfer; `known` where it had been taken before."""

    id: UUID
    transaction_id: str
    outcome: ReceiptOutcome
    amount_minor: int
    suspended_minor: int
    currency: str
    order_id: UUID | None
    known: bool = False


async def open_statement(
    connection: Connection, *, source: str, count: int, imported_by: UUID | None, now: datetime
) -> UUID:
    """Begin to take the lines of a statement; each is then taken by itself."""
    statement_id = new_id()
    await receipts.open_statement(
        connection,
        statement_id=statement_id,
        source=source,
        count=count,
        imported_by=imported_by,
        now=now,
    )
    return statement_id


async def take(
    connection: Connection,
    *,
    arrived: Arrived,
    statement_id: UUID,
    taken_by: UUID | None,
    policy: MarketPolicy,
    now: datetime,
) -> TakenReceipt:
    """Take a transfer, once however often its bank tells of it, and use it.

    Raises:
        MovementContradicted: the bank's name stands for another amount already.
    """
    line = arrived.line
    known = await receipts.find_named(connection, reference=line.transaction_id)
    if known is not None:
        return _again(known, line)
    order, payment = await _meant(connection, line)
    if order is None or payment is None:
        return await _take(
            connection,
            receipt=_new(
                arrived,
                statement_id=statement_id,
                taken_by=taken_by,
                outcome=ReceiptOutcome.UNMATCHED,
                mismatch=Mismatch.UNKNOWN,
                suspended_minor=line.amount_minor,
            ),
            order=None,
            line=line,
            now=now,
        )
    return await _use(
        connection,
        order=order,
        payment=payment,
        arrived=arrived,
        statement_id=statement_id,
        taken_by=taken_by,
        policy=policy,
        now=now,
    )


def _again(known: Receipt, line: BankLine) -> TakenReceipt:
    if (known.currency, known.amount_minor) != (line.currency, line.amount_minor):
        raise MovementContradicted(extras={"reference": known.reference})
    return taken_of(known, known=True)


def taken_of(receipt: Receipt, *, known: bool = False) -> TakenReceipt:
    """A transfer as it stands."""
    words = {one.value for one in ReceiptOutcome}
    return TakenReceipt(
        id=receipt.id,
        transaction_id=receipt.reference,
        outcome=ReceiptOutcome(receipt.note) if receipt.note in words else ReceiptOutcome.UNMATCHED,
        amount_minor=receipt.amount_minor,
        suspended_minor=receipt.unexplained_minor if receipt.is_suspended else 0,
        currency=receipt.currency,
        order_id=receipt.order_id,
        known=known,
    )


async def _meant(
    connection: Connection, line: BankLine
) -> tuple[Order, Payment] | tuple[None, None]:
    """The attempt that a transfer names, with its order locked; none where it names several."""
    named = await receipts.payments_named(connection, references=references_in(line.text))
    if len(named) != 1:
        return None, None
    order = await order_steps.lock_and_load(connection, order_id=named[0].order_id)
    [payment] = [one for one in order.payments if one.id == named[0].payment_id]
    return order, payment


async def _use(
    connection: Connection,
    *,
    order: Order,
    payment: Payment,
    arrived: Arrived,
    statement_id: UUID,
    taken_by: UUID | None,
    policy: MarketPolicy,
    now: datetime,
) -> TakenReceipt:
    """Use a transfer for the attempt that it names, together with what came before it."""
    line = arrived.line
    mismatch = _mismatch(payment, line)
    earlier: list[Waiting] = []
    used_minor = 0
    is_complete = False
    if mismatch is None:
        earlier = await receipts.waiting(
            connection, payment_id=payment.id, currency=payment.currency
        )
        pieces = [*(one.minor for one in earlier), line.amount_minor]
        application = applied(payment.amount_minor, pieces)
        is_complete = application.is_complete
        *_, used_minor = application.used_minor
        if used_minor < line.amount_minor:
            mismatch = Mismatch.AMOUNT_DIFFERS
    outcome = _outcome(order, mismatch=mismatch, is_complete=is_complete)
    receipt = _new(
        arrived,
        statement_id=statement_id,
        taken_by=taken_by,
        outcome=outcome,
        mismatch=mismatch,
        suspended_minor=line.amount_minor - used_minor,
        payment=payment,
        pays=is_complete,
    )
    taken = await _take(connection, receipt=receipt, order=order, line=line, now=now)
    if taken.known or not is_complete:
        if not taken.known and outcome is ReceiptOutcome.PART:
            arrived_minor = line.amount_minor + sum(one.minor for one in earlier)
            await receipt_books.tell_part(
                connection, order, payment, arrived_minor=arrived_minor, now=now
            )
        return taken
    await receipt_books.use_up(
        connection, used=[(one, one.minor) for one in earlier], payment=payment, now=now
    )
    await receipt_books.record(connection, order=order, payment=payment, policy=policy, now=now)
    return taken


def _mismatch(payment: Payment, line: BankLine) -> Mismatch | None:
    """Why a transfer can't pay for the attempt that it names."""
    if line.currency != payment.currency:
        return Mismatch.CURRENCY_DIFFERS
    is_taken = payment.status == PaymentStatus.CAPTURED or payment.returned
    return Mismatch.TAKEN if is_taken else None


def _outcome(order: Order, *, mismatch: Mismatch | None, is_complete: bool) -> ReceiptOutcome:
    if is_complete:
        if order.status != "pending_payment":
            return ReceiptOutcome.LATE
        return ReceiptOutcome.PAID if mismatch is None else ReceiptOutcome.SURPLUS
    return ReceiptOutcome.PART if mismatch is Mismatch.AMOUNT_DIFFERS else ReceiptOutcome.UNMATCHED


def _new(
    arrived: Arrived,
    *,
    statement_id: UUID,
    taken_by: UUID | None,
    outcome: ReceiptOutcome,
    mismatch: Mismatch | None,
    suspended_minor: int,
    payment: Payment | None = None,
    pays: bool = False,
) -> NewReceipt:
    line = arrived.line
    return NewReceipt(
        id=arrived.id,
        statement_id=statement_id,
        reference=line.transaction_id,
        related=None if payment is None else payment.gateway_reference,
        payment_id=None if payment is None else payment.id,
        kind=MovementKind.CHARGE.value,
        currency=line.currency,
        amount_minor=line.amount_minor,
        occurred_at=line.value_date,
        mismatch=None if mismatch is None else mismatch.value,
        unexplained_minor=suspended_minor,
        subject_id=payment.id if payment is not None and pays else None,
        note=outcome.value,
        taken_by=taken_by,
        payer_encrypted=arrived.payer_encrypted,
    )


async def _take(
    connection: Connection,
    *,
    receipt: NewReceipt,
    order: Order | None,
    line: BankLine,
    now: datetime,
) -> TakenReceipt:
    """Write a transfer down, and book what of it nothing was used for yet."""
    if not await receipts.insert(connection, receipt=receipt, now=now):
        # Somebody else was quicker, and has committed.
        known = await receipts.find_named(connection, reference=receipt.reference)
        if known is None:
            raise RuntimeError(f"transfer {receipt.reference} is known and isn't there")
        return _again(known, line)
    await receipts.count_new(connection, statement_id=receipt.statement_id)
    if receipt.unexplained_minor:
        draft = into_suspense(amount_minor=receipt.unexplained_minor, currency=receipt.currency)
        await receipt_books.book(
            connection, draft, receipt_id=receipt.id, key=str(receipt.id), now=now
        )
    return TakenReceipt(
        id=receipt.id,
        transaction_id=receipt.reference,
        outcome=ReceiptOutcome(receipt.note),
        amount_minor=receipt.amount_minor,
        suspended_minor=receipt.unexplained_minor,
        currency=receipt.currency,
        order_id=None if order is None else order.id,
    )
