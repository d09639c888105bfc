"""The cases of a chargeback: one for each seller that it takes from, by what is left of its part.

A refund that is on its way when a bank takes the same money back counts as gone, so no case is
about it. Where its gateway refuses it after all, the cases are about that money as well.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from gosellr.core.db import Connection
from gosellr.core.identity import new_id
from gosellr.models.dispute_values import Chargeback, Dispute
from gosellr.models.order_values import Order, SellerOrder
from gosellr.queries import chargebacks, disputes
from gosellr.services import (
    came_back_books,
    dispute_claims,
    dispute_freeze,
    dispute_outcome,
    dispute_steps,
    ledger_service,
    order_steps,
    refund_books,
    refund_fees,
)
from gosellr.services.came_back_books import Asked
from gosellr.services.dispute_steps import Verdict
from gosellr.utils.disputes import (
    ARGUED_STATUSES,
    DisputeKind,
    DisputeOutcome,
    DisputeReason,
    DisputeStatus,
    evidence_due_at,
)
from gosellr.utils.lazy_dataclasses import replace
from gosellr.utils.policy import MarketPolicy
from gosellr.utils.states import Actor

_REASONS = {
    "product_not_received": DisputeReason.NOT_DELIVERED,
    "product_unacceptable": DisputeReason.NOT_AS_DESCRIBED,
    "merchandise_or_service_not_received": DisputeReason.NOT_DELIVERED,
    "merchandise_or_service_not_as_described": DisputeReason.NOT_AS_DESCRIBED,
}
_FIRST_AGAIN = timedelta(minutes=1)
_AGAIN_AT_MOST = timedelta(hours=6)


async def hold_balances(connection: Connection, *, order: Order) -> None:
    """All sellers' balances at once and in order: no two chargebacks wait for each other."""
    accounts = [account for part in order.parts for account in refund_books.pots_of(part)]
    await ledger_service.locked_balances(
        connection, accounts=sorted(accounts), currency=order.currency
    )


async def supersede(
    connection: Connection, *, order: Order, policy: MarketPolicy, now: datetime
) -> Order:
    """The buyer's own cases end: their money is frozen under the bank's, and never twice."""
    for case in await disputes.open_of_order(connection, order_id=order.id):
        if case.is_chargeback or case.stands not in ARGUED_STATUSES:
            continue
        await dispute_outcome.release_rest(connection, dispute_id=case.id, now=now)
        verdict = Verdict(
            award_minor=0,
            outcome=DisputeOutcome.SUPERSEDED.value,
            decided_by=Actor.PAYMENT.value,
            decision="The buyer's bank took the money back",
        )
        await dispute_steps.close(
            connection,
            dispute=await dispute_steps.loaded(connection, dispute_id=case.id),
            actor=Actor.PAYMENT,
            policy=policy,
            now=now,
            verdict=verdict,
        )
    return await order_steps.load_locked(connection, order_id=order.id)


async def open_cases(
    connection: Connection,
    *,
    order: Order,
    chargeback: Chargeback,
    asked: Sequence[Asked],
    policy: MarketPolicy,
    now: datetime,
) -> None:
    """Open the cases of a chargeback about these shares, and freeze what they would take."""
    about: list[tuple[SellerOrder | None, int, int]] = [
        (one.part, one.amount_minor, one.came_back_minor) for one in asked
    ]
    if order.buys_card:
        # The market has sold it: it answers the bank, and the card is what is frozen.
        about = [(None, chargeback.amount_minor, 0)]
    due = evidence_due_at(now=now, bank_due_at=chargeback.evidence_due_at, terms=policy.disputes)
    rows: list[dict[str, Any]] = [
        {
            "id": new_id(),
            "kind": DisputeKind.CHARGEBACK.value,
            "order_id": order.id,
            "seller_order_id": None if part is None else part.id,
            "seller_id": None if part is None else part.seller_id,
            "chargeback_id": chargeback.id,
            "reason": _REASONS.get(chargeback.reason, DisputeReason.OTHER).value,
            "status": DisputeStatus.AWAITING_SELLER.value,
            "currency": order.currency,
            "amount_minor": share_minor,
            "came_back_minor": came_back_minor,
            "opened_at": now,
            "due_at": due,
        }
        for part, share_minor, came_back_minor in about
    ]
    await disputes.insert(connection, order_id=order.id, cases=rows)
    opened = {row["id"] for row in rows}
    cases = [
        case
        for case in await disputes.of_chargeback(connection, chargeback_id=chargeback.id)
        if case.id in opened
    ]
    own_minor = {one.part.id: one.own_minor for one in asked}
    for case in cases:
        if case.seller_order_id is not None:
            await _freeze_as_claimed(
                connection, order=order, case=case, payment_id=chargeback.payment_id,
                own_minor=own_minor[case.seller_order_id], policy=policy, now=now,
            )  # fmt: skip
    await dispute_steps.note_opened(
        connection, order=order, cases=cases, kind="chargeback_opened", actor=Actor.PAYMENT,
        actor_id=None, now=now,
    )  # fmt: skip


async def _freeze_as_claimed(
    connection: Connection,
    *,
    order: Order,
    case: Dispute,
    payment_id: UUID,
    own_minor: int,
    policy: MarketPolicy,
    now: datetime,
) -> None:
    """Let just that be frozen under a case which losing it would take from its seller now: of its
    sale, and so much of what had come back."""
    part = dispute_steps.part_of(order, case)
    claim = dispute_claims.chargeback_claim(
        order,
        part,
        amount_minor=case.amount_minor - case.came_back_minor,
        reversal=policy.commission_reversal,
    )
    if claim is not None:
        claim = refund_fees.with_fees_at(order, claim, payment_id=payment_id, policy=policy)
    needed_minor = own_minor + (0 if claim is None else claim.seller_minor)
    missing_minor = needed_minor - case.frozen_minor
    if missing_minor > 0:
        await dispute_freeze.freeze(
            connection, dispute=case, part=part, amount_minor=missing_minor, now=now
        )
    elif missing_minor < 0:
        await dispute_freeze.thaw(
            connection, dispute=case, part=part, amount_minor=-missing_minor, now=now
        )


async def share_out_again(
    connection: Connection,
    *,
    order: Order,
    undecided: Sequence[Chargeback],
    policy: MarketPolicy,
    now: datetime,
) -> None:
    """After a refund of a locked order was refused, or a chargeback of it decided: let those that
    are open, the oldest first, ask each seller for what they would have asked if that had never
    been."""
    if order.buys_card:
        # The whole price is what its case is about, whatever was on its way back.
        return
    await hold_balances(connection, order=order)
    left = {
        payment.id: payment.captured_minor - payment.refunded_minor - payment.disputed_minor
        for payment in order.payments
    }
    for chargeback in undecided:
        left[chargeback.payment_id] += chargeback.amount_minor
    for chargeback in undecided:
        shares = dispute_claims.chargeback_shares(
            order,
            amount_minor=min(chargeback.amount_minor, max(0, left[chargeback.payment_id])),
            paid_by=chargeback.opened_at,
        )
        left[chargeback.payment_id] -= chargeback.amount_minor
        asked = await came_back_books.asked_of(
            connection, order=order, chargeback=chargeback, sale=shares
        )
        await _bring_to(
            connection, order=order, chargeback=chargeback, asked=asked, policy=policy, now=now
        )
        order = await order_steps.load_locked(connection, order_id=order.id)


async def _bring_to(
    connection: Connection,
    *,
    order: Order,
    chargeback: Chargeback,
    asked: Sequence[Asked],
    policy: MarketPolicy,
    now: datetime,
) -> None:
    of_part = {one.part.id: one for one in asked}
    cases = await disputes.of_chargeback(connection, chargeback_id=chargeback.id)
    for case in cases:
        part = dispute_steps.part_of(order, case)
        due = of_part.get(part.id, Asked(part=part))
        changed = replace(case, amount_minor=due.amount_minor, came_back_minor=due.came_back_minor)
        if changed != case:
            await disputes.set_amount(
                connection, dispute_id=case.id, amount_minor=due.amount_minor,
                came_back_minor=due.came_back_minor,
            )  # fmt: skip
        await _freeze_as_claimed(
            connection, order=order, case=changed, payment_id=chargeback.payment_id,
            own_minor=due.own_minor, policy=policy, now=now,
        )  # fmt: skip
    known = {case.seller_order_id for case in cases}
    new = [one for one in asked if one.part.id not in known]
    if new:
        await open_cases(
            connection, order=order, chargeback=chargeback, asked=new, policy=policy, now=now
        )


async def note_evidence(
    connection: Connection, *, chargeback: Chargeback, taken: bool | None, now: datetime
) -> None:
    """Write down what the gateway said to the evidence: taken, refused for good (`False`), or
    nothing, and then it is sent again, later each time."""
    again = min(_FIRST_AGAIN * (1 << min(chargeback.check_count, 10)), _AGAIN_AT_MOST)
    await chargebacks.note_evidence(
        connection,
        chargeback_id=chargeback.id,
        sent_at=now if taken else None,
        check_at=now + again if taken is None else None,
    )
