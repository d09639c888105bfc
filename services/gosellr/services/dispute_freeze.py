"""The money under a case: frozen in its seller's reserve, and given back from there.

Everything here runs under the order's lock, and holds what is available to the seller before it
reads a debt, so that neither a release, nor a payout, nor another refund takes the same money.
"""

from datetime import datetime

from gosellr.core.db import Connection
from gosellr.models.dispute_values import Dispute
from gosellr.models.order_values import Order, SellerOrder
from gosellr.queries import disputes
from gosellr.services import (
    dispute_claims,
    ledger_service,
    order_steps,
    recovery_service,
    refund_books,
    refund_fees,
    reserve_service,
    write_off_recovery,
)
from gosellr.services.ledger_service import Booking
from gosellr.services.refund_plan import PlannedRefund
from gosellr.services.refund_ways import UnderChargeback
from gosellr.utils.dispute_postings import (
    Pots,
    dispute_frozen,
    dispute_released,
    plan_freeze,
    plan_thaw,
)
from gosellr.utils.disputes import ARGUED_STATUSES
from gosellr.utils.lazy_dataclasses import replace
from gosellr.utils.ledger import TransactionDraft
from gosellr.utils.policy import MarketPolicy


async def freeze(
    connection: Connection,
    *,
    dispute: Dispute,
    part: SellerOrder,
    amount_minor: int,
    now: datetime,
) -> None:
    """Put so much of the seller's money out of reach, under a case of this locked part."""
    if not amount_minor:
        return
    available, reserve = refund_books.pots_of(part)
    held = await ledger_service.locked_balances(
        connection, accounts=[available, reserve], currency=dispute.currency
    )
    pots = plan_freeze(
        amount_minor,
        pending_minor=part.pending_minor,
        available_minor=held[available],
        reserve_minor=await own_reserve(connection, part=part, reserve_minor=held[reserve]),
    )
    draft = dispute_frozen(
        seller_order_id=part.id, seller_id=part.seller_id, currency=dispute.currency, pots=pots
    )
    await _book(connection, draft, dispute=dispute, now=now)
    if pots.reserve_minor:
        # It stays where it is: now it stands under the case instead of a rule.
        await reserve_service.take(
            connection,
            seller_id=part.seller_id,
            seller_order_id=part.id,
            currency=dispute.currency,
            amount_minor=pots.reserve_minor,
        )
    await _count(connection, dispute=dispute, change=pots, pending_minor=-pots.pending_minor)


async def thaw(
    connection: Connection,
    *,
    dispute: Dispute,
    part: SellerOrder,
    amount_minor: int,
    now: datetime,
) -> None:
    """Give so much of what is frozen under a case back to its seller."""
    if not amount_minor:
        return
    accounts = refund_books.pots_of(part)
    await ledger_service.locked_balances(
        connection, accounts=list(accounts), currency=dispute.currency
    )
    owed_minor = await ledger_service.receivable_of(
        connection, seller_id=part.seller_id, currency=dispute.currency
    )
    back = plan_thaw(
        amount_minor,
        frozen=dispute.frozen_from,
        spent_minor=dispute.spent_minor,
        is_released=part.released_at is not None,
        owed_minor=owed_minor,
    )
    draft = dispute_released(
        seller_order_id=part.id,
        seller_id=part.seller_id,
        currency=dispute.currency,
        pots=back.given,
    )
    await _book(connection, draft, dispute=dispute, now=now)
    if back.given.reserve_minor:
        await reserve_service.give_back(
            connection,
            seller_id=part.seller_id,
            seller_order_id=part.id,
            currency=dispute.currency,
            amount_minor=back.given.reserve_minor,
        )
    await _count(
        connection,
        dispute=dispute,
        change=Pots().less(back.taken),
        pending_minor=back.given.pending_minor,
    )


async def _book(
    connection: Connection, draft: TransactionDraft, *, dispute: Dispute, now: datetime
) -> None:
    if not draft.entries:
        return
    booking = Booking(
        draft=draft,
        cause_type="dispute",
        cause_id=dispute.id,
        # The count says how often the case was booked: a repetition has the number of the first.
        idempotency_key=f"{dispute.id}:{dispute.booking_count}",
        order_id=dispute.order_id,
        actor="system",
        effective_at=now,
    )
    await write_off_recovery.book(connection, booking, causes=[dispute.id], now=now)
    await recovery_service.end_settled_plans(connection, draft.entries, now=now)


async def _count(
    connection: Connection, *, dispute: Dispute, change: Pots, pending_minor: int
) -> None:
    if not await disputes.move_frozen(
        connection, dispute=dispute, change=change, pending_minor=pending_minor
    ):
        raise RuntimeError(f"the money of case {dispute.id} moved under its order's lock")


async def own_reserve(connection: Connection, *, part: SellerOrder, reserve_minor: int) -> int:
    """What of a seller's reserve, which is held, stands under no case."""
    frozen_minor = await disputes.frozen_of_seller(
        connection, seller_id=part.seller_id, currency=part.currency
    )
    return reserve_minor - frozen_minor


async def make_room(
    connection: Connection,
    *,
    order: Order,
    planned: PlannedRefund,
    policy: MarketPolicy,
    now: datetime,
) -> tuple[Order, PlannedRefund]:
    """Before a refund that no case decided: what it gives back is frozen under a case no longer.

    So the buyer gets it once and the seller gives it once, whoever comes first.

    Raises:
        UnderChargeback: the bank has taken the money back and decides.
    """
    if not order.open_dispute_count:
        return order, planned
    cases = await disputes.open_of_order(connection, order_id=order.id)
    if any(case.is_chargeback for case in cases):
        raise UnderChargeback
    for case in cases:
        if case.order_line_id not in planned.shares or case.stands not in ARGUED_STATUSES:
            continue
        [part] = [one for one in order.parts if one.id == case.seller_order_id]
        needed_minor = _needed(order, part, case, policy=policy, planned=planned)
        if needed_minor < case.frozen_minor:
            surplus_minor = case.frozen_minor - needed_minor
            await thaw(connection, dispute=case, part=part, amount_minor=surplus_minor, now=now)
            order = await order_steps.load_locked(connection, order_id=order.id)
    [part] = [one for one in order.parts if one.id == planned.part.id]
    return order, replace(planned, part=part)


async def fill_up(
    connection: Connection, *, order: Order, policy: MarketPolicy, now: datetime
) -> None:
    """After a refund failed: what didn't reach the buyer is frozen again under the cases that are
    about it."""
    if not order.open_dispute_count:
        return
    for case in await disputes.open_of_order(connection, order_id=order.id):
        if case.is_chargeback or case.stands not in ARGUED_STATUSES:
            continue
        [part] = [one for one in order.parts if one.id == case.seller_order_id]
        missing_minor = _needed(order, part, case, policy=policy) - case.frozen_minor
        if missing_minor > 0:
            await freeze(connection, dispute=case, part=part, amount_minor=missing_minor, now=now)
            order = await order_steps.load_locked(connection, order_id=order.id)


def _needed(
    order: Order,
    part: SellerOrder,
    case: Dispute,
    *,
    policy: MarketPolicy,
    planned: PlannedRefund | None = None,
) -> int:
    """What a full refund of what a case is about would take from its seller now."""
    claim = dispute_claims.full_claim(
        order,
        part,
        case=case,
        reversal=policy.commission_reversal,
        besides=None if planned is None else planned.shares,
    )
    if claim is None:
        return 0
    return refund_fees.with_expected_fees(order, claim, policy=policy).seller_minor
