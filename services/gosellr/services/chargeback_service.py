"""Chargebacks: what a card's bank took back, frozen with the sellers, and what it decided.

A report may come late, twice or before the one it follows: what is written here is how things
stand at the gateway, so each of them leads to the same books.
"""

from datetime import datetime
from uuid import UUID

from gosellr.core.db import Connection
from gosellr.core.identity import new_id
from gosellr.models.dispute_values import Chargeback, Dispute, ReportedChargeback
from gosellr.models.events import FactType
from gosellr.models.order_values import Order
from gosellr.queries import chargebacks, disputes, payment_returns, payments, refunds
from gosellr.queries.chargebacks import AGAIN, AWARDED
from gosellr.services import (
    came_back_books,
    card_price_returns,
    chargeback_books,
    chargeback_cases,
    chargeback_fees,
    chargeback_returns,
    dispute_claims,
    dispute_outcome,
    dispute_steps,
    gift_sale_books,
    order_steps,
    refund_fees,
    refund_service,
)
from gosellr.services.came_back_books import Asked
from gosellr.services.dispute_steps import Verdict
from gosellr.utils.dispute_postings import (
    chargeback_borne,
    chargeback_opened,
    chargeback_won,
)
from gosellr.utils.disputes import DisputeOutcome, DisputeStatus
from gosellr.utils.lazy_dataclasses import replace
from gosellr.utils.policy import MarketPolicy
from gosellr.utils.states import Actor

_LOST = DisputeOutcome.FOR_BUYER


async def record(
    connection: Connection, *, reported: ReportedChargeback, policy: MarketPolicy, now: datetime
) -> bool:
    """Bring the books to how a chargeback stands; whether there was anything to be done."""
    order_id = await payments.order_of_payment(connection, payment_id=reported.payment_id)
    if order_id is None:
        return False
    order = await order_steps.lock_and_load(connection, order_id=order_id)
    [payment] = [one for one in order.payments if one.id == reported.payment_id]
    if order.pays_for_nothing(payment.id) and not payment.returns:
        # What it took isn't in the books yet.
        return False
    if reported.currency != order.currency or reported.amount_minor <= 0:
        raise ValueError(f"a chargeback of {reported.amount_minor} {reported.currency}")
    known = await chargebacks.find(
        connection, gateway=reported.gateway, gateway_reference=reported.gateway_reference
    )
    if known is None:
        if await chargeback_returns.is_kept_of_lost(connection, reported):
            return False
        known = await _open(connection, order=order, reported=reported, policy=policy, now=now)
        changed = True
    else:
        # What follows from it for others that are open may be about any seller.
        await chargeback_cases.hold_balances(connection, order=order)
        changed = await chargeback_fees.keep_up(
            connection, order=order, known=known, reported=reported, policy=policy, now=now
        )
        is_cards = order.buys_card and not order.pays_for_nothing(payment.id)
        returns = card_price_returns if is_cards else chargeback_returns
        returned = await returns.keep_up(
            connection, order=order, known=known, reported=reported, now=now
        )
        if returned:
            # Others that are open are about what came back as well.
            await go_on(connection, order_id=order.id, policy=policy, now=now)
        changed = changed or returned
    if known.status == "won":
        return await _decided_again(connection, reported, policy=policy, now=now) or changed
    if known.status == "open":
        return await _follow(connection, known, reported, policy=policy, now=now) or changed
    return changed


async def _follow(
    connection: Connection,
    known: Chargeback,
    reported: ReportedChargeback,
    *,
    policy: MarketPolicy,
    now: datetime,
) -> bool:
    """Do what is told of one that is open in the books; whether that was anything."""
    if reported.status == "open":
        return await chargebacks.open_again(connection, chargeback_id=known.id)
    if reported.status == "won":
        outcome = DisputeOutcome.WITHDRAWN if reported.is_withdrawn else DisputeOutcome.FOR_SELLER
        await _end(connection, chargeback=known, outcome=outcome, policy=policy, now=now)
    elif await _waits_for_refunds(connection, known):
        return await chargebacks.lose_later(connection, chargeback_id=known.id, now=now)
    else:
        await _end(connection, chargeback=known, outcome=_LOST, policy=policy, now=now)
    # What this one asks for no more is what others that are open are about.
    await go_on(connection, order_id=known.order_id, policy=policy, now=now)
    return True


async def _decided_again(
    connection: Connection, reported: ReportedChargeback, *, policy: MarketPolicy, now: datetime
) -> bool:
    """The bank decides once more after it had decided for the sellers. What is lost by that is a
    chargeback of its own, under the same name and a word; whether there was anything to be done."""
    if reported.status == "won" and not reported.kept_minor:
        # What the buyer had got of it isn't told any more once that came back.
        kept = replace(reported, gateway_reference=f"{reported.gateway_reference}{AWARDED}")
        if await chargeback_returns.is_known(connection, kept) and await record(
            connection, reported=replace(kept, fee_minor=0), policy=policy, now=now
        ):
            return True
    again = replace(reported, gateway_reference=f"{reported.gateway_reference}{AGAIN}", fee_minor=0)
    known = await chargebacks.find(
        connection, gateway=again.gateway, gateway_reference=again.gateway_reference
    )
    if known is None and reported.status != "lost":
        # Whether money moves isn't told before it decides.
        return False
    return await record(connection, reported=again, policy=policy, now=now)


async def go_on(
    connection: Connection, *, order_id: UUID, policy: MarketPolicy, now: datetime
) -> None:
    """After a refund of a locked order was answered, or a chargeback decided: what it didn't give
    back, or doesn't take, others may have taken, and what is lost and waited for an answer is
    booked."""
    while undecided := await chargebacks.open_of_order(connection, order_id=order_id):
        order = await order_steps.load_locked(connection, order_id=order_id)
        await chargeback_cases.share_out_again(
            connection,
            order=order,
            undecided=[one for one in undecided if not order.pays_for_nothing(one.payment_id)],
            policy=policy,
            now=now,
        )
        for one in undecided:
            if one.lost_later_since and not await _waits_for_refunds(connection, one):
                await _end(connection, chargeback=one, outcome=_LOST, policy=policy, now=now)
                # The others are about what this one leaves.
                break
        else:
            return


async def _waits_for_refunds(connection: Connection, chargeback: Chargeback) -> bool:
    """Whether nobody can say yet whose loss it is: what is on its way back through the payment is
    the market's loss if it arrives, since it went back twice then, and its seller's if it
    doesn't. Likewise of what paid for nothing: if it can't be sent back, it makes that good."""
    payment_id = chargeback.payment_id
    return bool(
        await refunds.open_parts_of_payment(connection, payment_id=payment_id)
    ) or await payment_returns.is_under_way(connection, payment_id=payment_id)


async def _open(
    connection: Connection,
    *,
    order: Order,
    reported: ReportedChargeback,
    policy: MarketPolicy,
    now: datetime,
) -> Chargeback:
    in_vain = order.pays_for_nothing(reported.payment_id)
    if not in_vain:
        order = await chargeback_cases.supersede(connection, order=order, policy=policy, now=now)
        await chargeback_cases.hold_balances(connection, order=order)
    chargeback_id = new_id()
    await chargebacks.insert(
        connection,
        chargeback={
            "id": chargeback_id,
            "payment_id": reported.payment_id,
            "order_id": order.id,
            "gateway": reported.gateway,
            "gateway_reference": reported.gateway_reference,
            "currency": order.currency,
            "amount_minor": reported.amount_minor,
            "fee_minor": reported.fee_minor,
            "reason": reported.reason,
            "status": "open",
            "evidence_due_at": reported.evidence_due_at,
            "opened_at": now,
            "stage": reported.stage,
            "charges": reported.charges,
        },
    )
    chargeback = await _loaded(connection, chargeback_id)
    left_minor = 0 if in_vain else dispute_claims.payment_left_minor(order, reported.payment_id)
    asked = await came_back_books.asked_of(
        connection,
        order=order,
        chargeback=chargeback,
        sale=dispute_claims.chargeback_shares(
            order, amount_minor=min(reported.amount_minor, left_minor)
        ),
    )
    shares = [(one.part, one.amount_minor) for one in asked]
    opened = chargeback_opened(
        gateway=reported.gateway,
        amount_minor=reported.amount_minor,
        currency=order.currency,
        fee_minor=reported.fee_minor,
        fee_shares=chargeback_fees.fee_shares(shares, reported.fee_minor, policy=policy),
    )
    await chargeback_books.book(connection, opened, chargeback=chargeback, now=now)
    if in_vain:
        # No seller answers for it: operators see it among what came in vain.
        await payment_returns.open_cases_of(connection, payment_id=reported.payment_id, now=now)
    else:
        # Where all of it went back before, its first seller is asked to say so to the bank.
        asked = asked or [Asked(part=part) for part in order.parts[:1]]
        await chargeback_cases.open_cases(
            connection, order=order, chargeback=chargeback, asked=asked, policy=policy, now=now
        )
        await gift_sale_books.freeze(connection, order_id=order.id, now=now)
    await chargeback_books.tell(
        connection, FactType.CHARGEBACK_OPENED, chargeback=chargeback, now=now
    )
    return chargeback


async def _end(
    connection: Connection,
    *,
    chargeback: Chargeback,
    outcome: DisputeOutcome,
    policy: MarketPolicy,
    now: datetime,
) -> None:
    status = "lost" if outcome is _LOST else "won"
    await chargebacks.close(connection, chargeback_id=chargeback.id, status=status, now=now)
    if outcome is _LOST:
        await _lose(connection, chargeback=chargeback, policy=policy, now=now)
    else:
        await _win(connection, chargeback=chargeback, outcome=outcome, policy=policy, now=now)
    fact = FactType.CHARGEBACK_LOST if outcome is _LOST else FactType.CHARGEBACK_WON
    await chargeback_books.tell(connection, fact, chargeback=chargeback, now=now)


async def _win(
    connection: Connection,
    *,
    chargeback: Chargeback,
    outcome: DisputeOutcome,
    policy: MarketPolicy,
    now: datetime,
) -> None:
    order = await order_steps.load_locked(connection, order_id=chargeback.order_id)
    await chargeback_cases.hold_balances(connection, order=order)
    draft = chargeback_won(
        gateway=chargeback.gateway,
        amount_minor=chargeback.amount_minor,
        currency=chargeback.currency,
    )
    await chargeback_books.book(connection, draft, chargeback=chargeback, now=now)
    for case in await disputes.of_chargeback(connection, chargeback_id=chargeback.id):
        await _settled(
            connection, case=case, award_minor=0, outcome=outcome, policy=policy, now=now
        )
        await dispute_outcome.release_rest(connection, dispute_id=case.id, now=now)
        await dispute_outcome.conclude(connection, dispute_id=case.id, policy=policy, now=now)
    await gift_sale_books.thaw(connection, order_id=chargeback.order_id)
    if order.buys_card:
        await card_price_returns.go_on(connection, order=order, now=now)


async def _lose(
    connection: Connection, *, chargeback: Chargeback, policy: MarketPolicy, now: datetime
) -> None:
    borne_minor = chargeback.amount_minor
    order = await order_steps.load_locked(connection, order_id=chargeback.order_id)
    if order.buys_card and not order.pays_for_nothing(chargeback.payment_id):
        await gift_sale_books.charged_back(connection, chargeback=chargeback, now=now)
        await card_price_returns.go_on(connection, order=order, now=now)
        for case in await disputes.of_chargeback(connection, chargeback_id=chargeback.id):
            await _settled(
                connection, case=case, award_minor=case.amount_minor,
                outcome=_LOST, policy=policy, now=now,
            )  # fmt: skip
            await dispute_outcome.conclude(connection, dispute_id=case.id, policy=policy, now=now)
        return
    await chargeback_cases.hold_balances(connection, order=order)
    for case in await disputes.of_chargeback(connection, chargeback_id=chargeback.id):
        settled = await _settled(
            connection, case=case, award_minor=case.amount_minor,
            outcome=_LOST, policy=policy, now=now,
        )  # fmt: skip
        borne_minor -= await _take(
            connection, chargeback=chargeback, case=settled, policy=policy, now=now
        )
        await dispute_outcome.release_rest(connection, dispute_id=case.id, now=now)
        await dispute_outcome.conclude(connection, dispute_id=case.id, policy=policy, now=now)
    if not borne_minor:
        return
    held_minor = await payment_returns.held_minor(connection, payment_id=chargeback.payment_id)
    suspended_minor = min(borne_minor, max(0, held_minor))
    borne_minor -= await came_back_books.take(
        connection, chargeback=chargeback, amount_minor=borne_minor - suspended_minor, now=now
    )
    if borne_minor:
        draft = chargeback_borne(
            gateway=chargeback.gateway,
            amount_minor=borne_minor,
            currency=chargeback.currency,
            suspended_minor=suspended_minor,
        )
        await chargeback_books.book(connection, draft, chargeback=chargeback, now=now)


async def _take(
    connection: Connection,
    *,
    chargeback: Chargeback,
    case: Dispute,
    policy: MarketPolicy,
    now: datetime,
) -> int:
    """A seller's share goes back to the buyer, as the bank has done already; gives how much."""
    order = await order_steps.load_locked(connection, order_id=case.order_id)
    part = dispute_steps.part_of(order, case)
    planned = dispute_claims.chargeback_claim(
        order,
        part,
        amount_minor=case.amount_minor - case.came_back_minor,
        reversal=policy.commission_reversal,
    )
    if planned is None:
        return 0
    planned = refund_fees.with_fees_at(
        order, planned, payment_id=chargeback.payment_id, policy=policy
    )
    order = await refund_service.carry_out(
        connection,
        order=order,
        planned=planned,
        refund_id=new_id(),
        reason="Chargeback",
        restock=True,
        actor=Actor.PAYMENT,
        actor_id=None,
        policy=policy,
        now=now,
        case=case,
        taken_at=chargeback.gateway,
    )
    await refund_service.end_what_is_empty(
        connection,
        order=order,
        part_id=part.id,
        actor=Actor.SYSTEM,
        actor_id=None,
        policy=policy,
        now=now,
    )
    return planned.amount_minor


async def _settled(
    connection: Connection,
    *,
    case: Dispute,
    award_minor: int,
    outcome: DisputeOutcome,
    policy: MarketPolicy,
    now: datetime,
) -> Dispute:
    return await dispute_steps.move(
        connection,
        dispute=case,
        target=DisputeStatus.SETTLING,
        actor=Actor.PAYMENT,
        actor_id=None,
        policy=policy,
        now=now,
        verdict=Verdict(award_minor=award_minor, outcome=outcome.value, decided_by="provider"),
        is_final=True,
    )


async def _loaded(connection: Connection, chargeback_id: UUID) -> Chargeback:
    chargeback = await chargebacks.load(connection, chargeback_id=chargeback_id)
    if chargeback is None:
        raise RuntimeError(f"chargeback {chargeback_id} is gone")
    return chargeback
