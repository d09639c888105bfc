"""Opening a payout: every free entry of what is available is claimed while its balance is held.

So entries and balance agree to the last unit, and two who open one at once can't claim the same.
"""

from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from gosellr.core.db import Connection
from gosellr.core.identity import new_id
from gosellr.models.events import Fact, FactType
from gosellr.queries import outbox, payouts
from gosellr.services import (
    ledger_service,
    payout_terms,
    reconciliation_service,
    recovery_service,
)
from gosellr.services.ledger_service import Booking
from gosellr.services.payout_terms import (
    BelowPayoutMinimum,
    BelowPayoutStep,
    CurrencyNotPaid,
    NothingToPayOut,
    PayoutTerms,
)
from gosellr.services.reconciliation_service import PayoutsStopped
from gosellr.services.recovery_service import Debt
from gosellr.utils.lazy_dataclasses import dataclass, replace
from gosellr.utils.ledger import TransactionDraft, seller_available
from gosellr.utils.payouts import (
    BY_FILE,
    PayoutPlan,
    PayoutStatus,
    debt_recovered,
    needs_approval,
    payout_carried,
    payout_intent,
    plan_payout,
)
from gosellr.utils.policy import MarketPolicy

# A payout that its maker hasn't sent by then was cut off.
FIRST_CHECK_AFTER = timedelta(seconds=20)
# What people ask for within so long counts together against the limit of one person's word.
_TOGETHER: Final = timedelta(hours=24)
NOT_PAID: Final = (
    NothingToPayOut,
    BelowPayoutStep,
    BelowPayoutMinimum,
    CurrencyNotPaid,
    PayoutsStopped,
)
"""Why money of one currency stays, while others of the same seller may leave."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PayoutRequest:
    """Whose money is to leave in which currency, on whose word."""

    seller_id: UUID
    currency: str
    origin: str
    requested_by: UUID | None = None
    batch_id: UUID | None = None


@dataclass(frozen=True, slots=True)
class Opened:
    """A payout that was made, and whether it may be sent now."""

    payout_id: UUID
    may_be_sent: bool


@dataclass(frozen=True, slots=True)
class Skipped:
    """A seller who wasn't paid in a batch, and the code that says why."""

    seller_id: UUID
    currency: str | None
    code: str


@dataclass(frozen=True, slots=True)
class Reckoned:
    """What becomes of a seller's money, the debt with what it takes, and whether a second person
    has to agree."""

    plan: PayoutPlan
    debt: Debt
    waits: bool


async def open_each(
    connection: Connection,
    request: PayoutRequest,
    *,
    terms: PayoutTerms,
    policy: MarketPolicy,
    now: datetime,
) -> tuple[list[Opened], list[Skipped]]:
    """A payout per currency: the one that was asked for, else all in which there is something."""
    account = seller_available(request.seller_id)
    held = await payouts.held(connection, account=account)
    opened, skipped = [], []
    for currency in [request.currency] if request.currency else held:
        own = replace(request, currency=currency)
        try:
            opened.append(
                await open_one(
                    connection, own, payout_id=new_id(), terms=terms, policy=policy, now=now
                )
            )
        # These come before anything was written.
        except NOT_PAID as refusal:
            skipped.append(Skipped(request.seller_id, currency, refusal.code))
    return opened, skipped


async def check_open(
    connection: Connection, *, currency: str, terms: PayoutTerms, policy: MarketPolicy
) -> None:
    """Whether anything may leave in this currency now.

    Raises:
        CurrencyNotPaid, PayoutsStopped.
    """
    payout_terms.step_of(currency, method=terms.destination.method, policy=policy)
    await reconciliation_service.check_payouts(connection, currency=currency, policy=policy)


async def reckon(
    connection: Connection,
    request: PayoutRequest,
    *,
    available_minor: int,
    terms: PayoutTerms,
    policy: MarketPolicy,
    now: datetime,
) -> Reckoned:
    """What of it would leave, without writing: debts come first, large sums wait.

    Raises:
        NothingToPayOut, BelowPayoutStep, BelowPayoutMinimum, CurrencyNotPaid.
    """
    seller_id, currency = request.seller_id, request.currency
    debts = await recovery_service.debts_of(connection, seller_ids=[seller_id], currency=currency)
    debt = debts[seller_id]
    due_minor = debt.take_at_payout(available_minor, now=now)
    plan = plan_payout(
        available_minor=available_minor,
        receivable_minor=due_minor,
        step_minor=payout_terms.step_of(currency, method=terms.destination.method, policy=policy),
    )
    payout_terms.check_amount(plan, currency, terms)
    waits = needs_approval(plan.amount_minor, currency, policy.payout_approval_over)
    if not waits and currency in policy.payout_approval_over and request.origin != "scheduled":
        # Many small ones are a large one. What leaves by itself is on nobody's word.
        asked_minor = await payouts.asked_since(
            connection, seller_id=seller_id, currency=currency, since=now - _TOGETHER
        )
        together_minor = asked_minor + plan.amount_minor
        waits = needs_approval(together_minor, currency, policy.payout_approval_over)
    return Reckoned(plan, debt, waits=waits)


async def open_one(
    connection: Connection,
    request: PayoutRequest,
    *,
    payout_id: UUID,
    terms: PayoutTerms,
    policy: MarketPolicy,
    now: datetime,
) -> Opened:
    """Claim, write and book all that is available in one currency, and can be sent.

    Raises:
        NothingToPayOut, BelowPayoutStep, BelowPayoutMinimum, CurrencyNotPaid, PayoutsStopped: and
            then nothing was written.
    """
    await check_open(connection, currency=request.currency, terms=terms, policy=policy)
    account = seller_available(request.seller_id)
    held = await ledger_service.locked_balances(
        connection, accounts=[account], currency=request.currency
    )
    # Whoever recovers a debt holds the same lock, so it can't be recovered twice.
    found = await reckon(
        connection, request, available_minor=held[account], terms=terms, policy=policy, now=now
    )
    plan, waits = found.plan, found.waits
    await _recover(connection, request, payout_id=payout_id, plan=plan, now=now)
    await recovery_service.settle(connection, debts=[found.debt], now=now)
    carried_id = await _carry_over(connection, request, payout_id=payout_id, plan=plan, now=now)
    by_file = terms.destination.method in BY_FILE
    status = PayoutStatus.AWAITING_APPROVAL if waits else PayoutStatus.PENDING
    claimed_minor = await payouts.open_with_claims(
        connection,
        payout={
            "id": payout_id,
            "seller_id": request.seller_id,
            "currency": request.currency,
            "amount_minor": plan.amount_minor,
            "status": status.value,
            "provider": terms.destination.method,
            "destination_id": terms.destination.id,
            "origin": request.origin,
            "batch_id": request.batch_id,
            "requested_by": request.requested_by,
            "created_at": now,
            "check_at": None if waits or by_file else _first_check(request, now=now),
        },
        account=account,
        currency=request.currency,
        left_by=carried_id,
    )
    if claimed_minor != plan.amount_minor:
        raise RuntimeError(f"{account} holds {plan.amount_minor}, its entries {claimed_minor}")
    draft = payout_intent(
        payout_id=payout_id,
        seller_id=request.seller_id,
        amount_minor=plan.amount_minor,
        currency=request.currency,
    )
    await _book(connection, draft, request, payout_id=payout_id, now=now)
    about = {
        "seller_id": str(request.seller_id),
        "amount": {"amount": plan.amount_minor, "currency": request.currency},
    }
    fact = Fact(FactType.PAYOUT_REQUESTED, payout_id, about)
    await outbox.append(connection, [fact], now=now)
    return Opened(payout_id, may_be_sent=not (waits or by_file))


def _first_check(request: PayoutRequest, *, now: datetime) -> datetime:
    """Whoever asks for a payout sends it, too; those of a batch are left to the sweeper."""
    return now if request.origin == "batch" else now + FIRST_CHECK_AFTER


async def _recover(
    connection: Connection,
    request: PayoutRequest,
    *,
    payout_id: UUID,
    plan: PayoutPlan,
    now: datetime,
) -> None:
    if plan.recovered_minor:
        draft = debt_recovered(
            seller_id=request.seller_id,
            amount_minor=plan.recovered_minor,
            currency=request.currency,
        )
        await _book(connection, draft, request, payout_id=payout_id, now=now)


async def _carry_over(
    connection: Connection,
    request: PayoutRequest,
    *,
    payout_id: UUID,
    plan: PayoutPlan,
    now: datetime,
) -> UUID | None:
    """Leave for the next payout what can't be sent; gives the transaction that says so."""
    if not plan.left_minor:
        return None
    draft = payout_carried(
        seller_id=request.seller_id, left_minor=plan.left_minor, currency=request.currency
    )
    return await _book(connection, draft, request, payout_id=payout_id, now=now)


async def _book(
    connection: Connection,
    draft: TransactionDraft,
    request: PayoutRequest,
    *,
    payout_id: UUID,
    now: datetime,
) -> UUID:
    by = "system" if request.requested_by is None else f"user:{request.requested_by}"
    booking = Booking(
        draft=draft,
        cause_type="payout",
        cause_id=payout_id,
        idempotency_key=str(payout_id),
        actor=by,
        effective_at=now,
    )
    [booked] = await ledger_service.book(connection, bookings=[booking], now=now)
    return booked.transaction_id
