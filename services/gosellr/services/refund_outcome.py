"""Refunds, second step: what the gateway said is booked once, and a refusal undone exactly."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from uuid import UUID

from gosellr.core.db import Connection
from gosellr.core.errors import NotFound
from gosellr.models.events import Fact, FactType
from gosellr.models.order_values import Order, Refund, SellerOrder
from gosellr.models.refund_values import RefundPart
from gosellr.queries import disputes, orders, outbox, payments, refunds
from gosellr.queries.refunds import SettledPart
from gosellr.services import (
    dispute_freeze,
    gift_sale_books,
    ledger_service,
    order_steps,
    recovery_service,
    refund_books,
    refund_fees,
    reserve_service,
    write_off_recovery,
)
from gosellr.services.ledger_service import Booking
from gosellr.utils.lazy_dataclasses import dataclass, replace
from gosellr.utils.ledger import TransactionDraft
from gosellr.utils.money import share, split
from gosellr.utils.offline import CASH_ON_DELIVERY
from gosellr.utils.policy import MarketPolicy
from gosellr.utils.postings import (
    GatewayAmount,
    SellerSources,
    refund_confirmed,
    refund_failed,
)
from gosellr.utils.refunds import SHIPPING_KEY, RefundShares, scaled
from gosellr.utils.states import RefundStatus

_CHECK_AGAIN_FIRST = timedelta(seconds=5)
_CHECK_AGAIN_AT_MOST = timedelta(minutes=15)


@dataclass(frozen=True, slots=True, kw_only=True)
class RefundAnswer:
    """What a gateway said of a refund. `UNKNOWN` leaves open whether money moved; `PENDING` says
    that a person sends it and will say so, and that nobody else can be asked."""

    part_id: UUID
    status: RefundStatus
    gateway_reference: str | None = None
    reason: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class _Undone:
    """What didn't reach the buyer: shares by refund line, and what follows from them."""

    lines: Mapping[UUID, tuple[UUID | str, RefundShares]]
    amount_minor: int
    goodwill_returned_minor: int

    @property
    def shares(self) -> dict[UUID | str, RefundShares]:
        """The shares by part of the order."""
        return dict(self.lines.values())

    @property
    def total(self) -> RefundShares:
        """All shares added up."""
        return sum(self.shares.values(), RefundShares())


def check_again_at(*, check_count: int, now: datetime) -> datetime:
    """When to ask a gateway again that still owes an answer: twice as late each time."""
    return now + min(_CHECK_AGAIN_FIRST * (1 << min(check_count, 10)), _CHECK_AGAIN_AT_MOST)


async def record_answer(
    connection: Connection, *, answer: RefundAnswer, policy: MarketPolicy, now: datetime
) -> UUID | None:
    """Write an answer down and book what follows; saying it again changes nothing. Gives the order
    where this part is settled by that and its money is argued about; else None.

    Raises:
        NotFound: no refund has such a part.
    """
    part = await refunds.find_part(connection, part_id=answer.part_id)
    if part is None:
        raise NotFound
    order = await order_steps.lock_and_load(connection, order_id=part.order_id)
    is_open = answer.status is RefundStatus.UNKNOWN
    settled = await refunds.settle_part(
        connection,
        part_id=part.id,
        status=answer.status.value,
        gateway_reference=answer.gateway_reference,
        check_at=check_again_at(check_count=part.check_count, now=now) if is_open else None,
    )
    if settled is None or answer.status is RefundStatus.PENDING:
        return None
    refund = _refund(order, settled.refund_id)
    if is_open:
        if refund.status != "unknown":
            await refunds.finish(
                connection, refund_id=refund.id, status="unknown",
                amount_minor=refund.amount_minor, effects=refund.effects, failure_reason=None,
                finished_at=None,
            )  # fmt: skip
    elif answer.status is RefundStatus.SUCCEEDED:
        await _confirm(connection, order=order, refund=refund, part=part, now=now)
        await _finish_if_settled(connection, order=order, refund=refund, now=now)
    else:
        refund = await _undo(
            connection, order=order, refund=refund, part=part, settled=settled,
            policy=policy, now=now,
        )  # fmt: skip
        await _finish_if_settled(
            connection, order=order, refund=refund, reason=answer.reason or "refused", now=now
        )
        if refund.dispute_id is None and order.open_dispute_count:
            # Not before the refund is known to have failed: it counts among those given until then.
            order = await order_steps.load_locked(connection, order_id=order.id)
            await dispute_freeze.fill_up(connection, order=order, policy=policy, now=now)
    return None if is_open or not order.open_dispute_count else order.id


def _refund(order: Order, refund_id: UUID) -> Refund:
    [refund] = [one for one in order.refunds if one.id == refund_id]
    return refund


async def _confirm(
    connection: Connection, *, order: Order, refund: Refund, part: RefundPart, now: datetime
) -> None:
    if part.method == CASH_ON_DELIVERY and part.credited_account is None:
        draft = await refund_books.handed_back(connection, order=order, refund=refund, part=part)
    else:
        draft = refund_confirmed(
            refund_id=refund.id,
            gateway=part.method,
            amount_minor=part.amount_minor,
            currency=order.currency,
            seller_order_id=refund.seller_order_id,
            credited=part.credited_account,
        )
    await _book(connection, draft, order=order, refund=refund, part=part, now=now)


async def _book(
    connection: Connection,
    draft: TransactionDraft,
    *,
    order: Order,
    refund: Refund,
    part: RefundPart,
    now: datetime,
    undoes: UUID | None = None,
) -> None:
    booking = Booking(
        draft=draft,
        cause_type="refund",
        cause_id=refund.id,
        # One effect per part, whoever tells of it: the answer, a webhook, a later question.
        idempotency_key=str(part.id),
        order_id=order.id,
        actor=f"gateway:{part.method}" if part.credited_account is None else "payment",
        effective_at=now,
        corrects_id=undoes,
    )
    # What was owed for its case stays frozen under that, and is undone when that is released.
    await write_off_recovery.book(connection, booking, causes=[refund.id], now=now)
    await recovery_service.end_settled_plans(connection, draft.entries, now=now)


async def _undo(
    connection: Connection,
    *,
    order: Order,
    refund: Refund,
    part: RefundPart,
    settled: SettledPart,
    policy: MarketPolicy,
    now: datetime,
) -> Refund:
    """Put everything back that a refused part had taken; gives the refund as it is then."""
    if refund.seller_order_id is None:
        return await gift_sale_books.undo_refund(
            connection, order=order, refund=refund, payment_id=settled.payment_id, now=now
        )
    [sold] = [one for one in order.parts if one.id == refund.seller_order_id]
    undone = _undone(refund, sold, failed_minor=settled.amount_minor)
    fees = refund_fees.undone(refund.effects, payment_id=settled.payment_id)
    fee_minor = sum(one.fee_minor for one in fees.values())
    taken = refund_books.share_of(
        refund_books.sources_of(refund.effects), undone.total.seller_minor + fee_minor
    )
    given_back = await _given_back(connection, part=sold, taken=taken, currency=order.currency)
    by_marketplace = refund.borne_by == "marketplace"
    intent = refund_books.intent_draft(
        refund_id=refund.id, seller_order_id=sold.id, seller_id=sold.seller_id,
        currency=order.currency, shares=undone.shares, sources=given_back,
        through=[GatewayAmount(gateway=settled.method, amount_minor=settled.amount_minor)],
        goodwill_returned_minor=undone.goodwill_returned_minor, provider_fee_minor=fee_minor,
        by_marketplace=by_marketplace, policy=policy, remitted_to=sold.remitted_to,
    )  # fmt: skip
    await _book(
        connection, refund_failed(intent.entries), order=order, refund=refund, part=part,
        undoes=UUID(refund.effects["transaction_id"]), now=now,
    )  # fmt: skip
    change = refunds.Change(
        order_id=order.id,
        seller_order_id=sold.id,
        amount_minor=settled.amount_minor,
        pending_minor=given_back.pending_minor,
        lines={key: one for key, one in undone.shares.items() if isinstance(key, UUID)},
        shipping=undone.shares.get(SHIPPING_KEY, RefundShares()),
        payments={settled.payment_id: settled.amount_minor},
    )
    if not await refunds.count(connection, change=change, sign=-1):
        raise RuntimeError(f"the counters of order {order.id} moved under its lock")
    await _back_in_reserve(connection, refund=refund, sold=sold, taken=given_back)
    if settled.amount_minor == refund.amount_minor:
        # Nothing of it went through: it stays as it was asked for, and says that it failed.
        return replace(refund, status="failed")
    await refunds.lower_lines(
        connection,
        changes=[refund_books.lowered_row(key, one) for key, (_, one) in undone.lines.items()],
    )
    effects = refund_books.effects_of(
        total=undone.total,
        sources=taken,
        amount_minor=settled.amount_minor,
        goodwill_returned_minor=undone.goodwill_returned_minor,
        by_marketplace=by_marketplace,
        provider_fees=fees,
    )
    return replace(
        refund,
        amount_minor=refund.amount_minor - settled.amount_minor,
        effects=refund_books.lowered(refund.effects, effects),
    )


async def _back_in_reserve(
    connection: Connection, *, refund: Refund, sold: SellerOrder, taken: SellerSources
) -> None:
    """What came out of a case is frozen under it again, what was kept back by rule kept back."""
    if taken.reserve_minor:
        await reserve_service.give_back(
            connection,
            seller_id=sold.seller_id,
            seller_order_id=sold.id,
            currency=sold.currency,
            amount_minor=taken.reserve_minor,
        )
    back_minor = taken.case_reserve_minor
    if (
        refund.dispute_id is not None
        and back_minor
        and not await disputes.spend(
            connection, dispute_id=refund.dispute_id, amount_minor=-back_minor
        )
    ):
        raise RuntimeError(f"the money of case {refund.dispute_id} moved under its order's lock")


def _undone(refund: Refund, sold: SellerOrder, *, failed_minor: int) -> _Undone:
    """All that is left of the refund, or the shares that the failed amount had of it."""
    lines: dict[UUID, tuple[UUID | str, RefundShares]] = {}
    for row in refund.lines:
        key = None if row["order_line_id"] is None else UUID(row["order_line_id"])
        one = refund_books.shares_of(row, tax_remitted=key in sold.remitted_to)
        lines[UUID(row["id"])] = (SHIPPING_KEY if key is None else key, one)
    goodwill_minor = refund.effects["goodwill_returned_minor"]
    if failed_minor < refund.amount_minor and lines:
        goodwill_minor = share(goodwill_minor, failed_minor, refund.amount_minor)
        parted = split(
            failed_minor + goodwill_minor, [one.buyer_minor for _, one in lines.values()]
        )
        lines = {
            line_id: (key, scaled(one, buyer_minor=buyer_minor))
            for (line_id, (key, one)), buyer_minor in zip(lines.items(), parted, strict=True)
        }
    return _Undone(lines=lines, amount_minor=failed_minor, goodwill_returned_minor=goodwill_minor)


async def _given_back(
    connection: Connection, *, part: SellerOrder, taken: SellerSources, currency: str
) -> SellerSources:
    """Where the seller's side goes back to: as it was taken, except where time went on.

    A sale that was released since has nothing pending any more, and a debt may have been
    recovered: both give to what is available.
    """
    released_minor = 0 if part.released_at is None else taken.pending_minor
    recovered_minor = 0
    if taken.receivable_minor or taken.reserve_minor:
        # Whoever recovers a debt, or releases what was kept back, holds these: so neither can be
        # done twice.
        await ledger_service.locked_balances(
            connection, accounts=list(refund_books.pots_of(part)), currency=currency
        )
    if taken.receivable_minor:
        owed_minor = await ledger_service.receivable_of(
            connection, seller_id=part.seller_id, currency=currency
        )
        recovered_minor = max(0, taken.receivable_minor - max(0, owed_minor))
    return SellerSources(
        case_reserve_minor=taken.case_reserve_minor,
        pending_minor=taken.pending_minor - released_minor,
        available_minor=taken.available_minor + released_minor + recovered_minor,
        reserve_minor=taken.reserve_minor,
        receivable_minor=taken.receivable_minor - recovered_minor,
    )


async def _finish_if_settled(
    connection: Connection,
    *,
    order: Order,
    refund: Refund,
    now: datetime,
    reason: str | None = None,
) -> None:
    """End a refund once each of its payments has answered; it succeeded if any of it did."""
    parts = await refunds.parts_of(connection, refund_id=refund.id)
    if any(part.is_open for part in parts):
        status = refund.status if refund.status != "failed" else "pending"
        await refunds.finish(
            connection,
            refund_id=refund.id,
            status=status,
            amount_minor=refund.amount_minor,
            effects=refund.effects,
            failure_reason=reason,
            finished_at=None,
        )
        return
    went_through = any(part.status == RefundStatus.SUCCEEDED for part in parts)
    await _finish(
        connection,
        order=order,
        refund=refund,
        status="succeeded" if went_through else "failed",
        reason=reason,
        now=now,
    )


async def finish(
    connection: Connection, *, order: Order, refund_id: UUID, status: str, now: datetime
) -> Order:
    """End a refund that no gateway has to be asked about; gives the order as it is then."""
    refund = _refund(order, refund_id)
    await _finish(connection, order=order, refund=refund, status=status, reason=None, now=now)
    return await order_steps.load_locked(connection, order_id=order.id)


async def _finish(
    connection: Connection,
    *,
    order: Order,
    refund: Refund,
    status: str,
    reason: str | None,
    now: datetime,
) -> None:
    succeeded = status == "succeeded"
    await refunds.finish(
        connection,
        refund_id=refund.id,
        status=status,
        amount_minor=refund.amount_minor,
        effects=refund.effects,
        failure_reason=reason,
        finished_at=now,
    )
    back_minor = refund.amount_minor if succeeded else 0
    standing = order_steps.payment_status_of(order, confirmed_minor=back_minor)
    if standing != order.payment_status:
        await payments.set_payment_status(connection, order_id=order.id, payment_status=standing)
    event = {
        "kind": "refunded" if succeeded else "refund_failed",
        "actor": "payment",
        "seller_order_id": refund.seller_order_id,
        "data": {
            "refund_id": str(refund.id),
            "amount": {"amount": refund.amount_minor, "currency": order.currency},
            **({} if reason is None else {"failure_reason": reason}),
        },
    }
    await orders.append_events(connection, order_id=order.id, events=[event], now=now)
    kind = FactType.REFUND_SUCCEEDED if succeeded else FactType.REFUND_FAILED
    about = {"order_id": str(order.id), "seller_order_id": refund.part_key}
    await outbox.append(connection, [Fact(kind, refund.id, about)], now=now)
