"""Which questions an audit asks of the rows, under which invariant, and how late is too late."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any, Final, TypeAlias

from gosellr.models.events import TOLD
from gosellr.queries import audit as money
from gosellr.queries import (
    audit_balances,
    audit_captures,
    audit_disputes,
    audit_documents,
    audit_offline,
    audit_payouts,
    audit_refunds,
    audit_remitted,
    audit_stored_value,
    audit_transit,
    audit_words,
)
from gosellr.queries import audit_market as market
from gosellr.utils.disputes import DISPUTE_STATES
from gosellr.utils.lazy_dataclasses import dataclass
from gosellr.utils.order_states import OrderStatus, transition_pairs
from gosellr.utils.reconciliation import NEVER_SETTLED, PAYS_SELLERS
from gosellr.utils.states import Actor

Question: TypeAlias = tuple[int, str, tuple[Any, ...]]

JOURNALS: Final = (
    "ledger_transaction",
    "ledger_entry",
    "ledger_seal",
    "ledger_sealed",
    "stock_movement",
    "order_event",
    "document",
    "dispute_message",
    "dispute_file",
    "dispute_event",
)

MAY_GIVE_AWAY: Final = (Actor.SELLER, Actor.OPERATOR, Actor.PAYMENT)
"""On whose word alone goods that were shipped are given back whole: who sold them, who runs the
market, and a provider or bank that did it already. A buyer needs a case, and so does the clock."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditLimits:
    """For how long something may stay undecided before that is a finding."""

    unknown: timedelta = timedelta(hours=1)
    expired_hold: timedelta = timedelta(hours=1)
    cancelled_refund: timedelta = timedelta(hours=1)
    in_transit: timedelta = timedelta(days=3)
    late_card: timedelta = timedelta(hours=1)
    # A bank takes up to some months to decide.
    chargeback: timedelta = timedelta(days=150)
    late_case: timedelta = timedelta(hours=1)
    late_reserve: timedelta = timedelta(hours=1)
    # A month, and the days that a provider that settles once a month takes for it.
    settlement: timedelta = timedelta(days=45)


USUAL_LIMITS: Final = AuditLimits()


def questions(now: datetime, limits: AuditLimits) -> Iterator[Question]:
    """All of them, by the number of the invariant that each is about."""
    yield from _of_the_books()
    yield from _of_the_market(now, limits)


def _of_the_books() -> Iterator[Question]:
    yield 3, money.GUARDED_BALANCES_CACHED, ()
    yield 3, money.ROLLUPS_CACHED, ()
    yield 3, audit_disputes.FROZEN_IS_ENTRIES, ()
    yield 3, audit_disputes.OPEN_CASES_COUNTED, ()
    yield 3, audit_balances.RESERVE_IS_HOLDS, ()
    yield 3, audit_balances.HOLDS_AS_BOOKED, ()
    yield 3, audit_balances.HOLDS_GIVE, ()
    yield 4, money.JOURNAL_GUARDED, (list(JOURNALS),)
    yield 4, money.SEALED_WITHOUT_GAPS, ()
    yield 5, money.GUARDED_NOT_NEGATIVE, ()
    yield 6, audit_stored_value.HELD_FOR_ORDERS, ()
    yield 6, audit_stored_value.GRANTED_IS_BOOKED, ()
    yield 7, money.CLEARING_MATCHES_PAYMENTS, ()
    yield 7, audit_disputes.TAKEN_BACK_IS_ENTRIES, ()
    yield 6, audit_offline.RECEIPTS_WAIT, ()
    yield 6, audit_offline.CASH_IS_BOOKED, ()
    yield 6, audit_remitted.TAX_REMITTED, ()
    yield 6, audit_remitted.FILED_IS_BOOKED, ()
    yield 7, audit_offline.RECEIPTS_PAY, ()
    yield 8, money.PAID_MEANS_CAPTURED, ()
    yield 8, audit_offline.CASH_FOLLOWS_PARTS, ()
    yield 8, audit_stored_value.SPENT_IS_SOLD, ()
    yield 8, audit_stored_value.SOLD_IS_PAID, ()
    yield 8, audit_stored_value.MOVED_IS_BOOKED, ()
    yield 8, audit_stored_value.RELEASED_IS_BOOKED, ()
    yield 9, money.CAPTURED_ONCE, ()
    yield 8, audit_captures.COUNTED, ()
    yield 9, audit_captures.TAKEN_ONCE, ()
    yield 10, money.REFUNDS_WITHIN_CAPTURED, ()
    yield 12, money.SHOWN_IS_BOOKED, ()
    yield 12, audit_captures.CALLED_OFF, ()
    yield 13, audit_payouts.LEGS_MATCH, ()
    yield 13, audit_payouts.CLAIMS_SUM, ()
    yield 13, audit_payouts.CLAIMED_ONCE, ()
    yield 13, audit_payouts.BOOKED_AS_THEY_STAND, ()
    yield 13, audit_balances.FILES_ARE_THEIR_PAYOUTS, ()


def _of_the_market(now: datetime, limits: AuditLimits) -> Iterator[Question]:
    sources, targets = zip(*transition_pairs(), strict=True)
    case_sources, case_targets = zip(*DISPUTE_STATES.pairs(), strict=True)
    ladder = [status.value for status in OrderStatus if status is not OrderStatus.CANCELLED]
    yield 14, market.STOCK_CONSERVED, ()
    yield 15, market.HOLDS_RESOLVED, (now - limits.expired_hold,)
    yield 16, market.LINES_COVERED, ()
    yield 17, market.HISTORY_GAPLESS, ()
    yield 17, market.STEPS_ALLOWED, (list(sources), list(targets))
    yield 17, market.ORDER_STATUS_DERIVED, (ladder,)
    yield 17, audit_disputes.HISTORY_GAPLESS, (list(case_sources), list(case_targets))
    yield 18, market.CANCELLED_GIVES_BACK, (now - limits.cancelled_refund,)
    yield 18, audit_disputes.CASES_GIVE_AS_DECIDED, ()
    yield 18, audit_refunds.SHIPPED_RESTS_ON_SOMETHING, ([*MAY_GIVE_AWAY],)
    yield 19, market.LIMITS_HOLD, ()
    yield 19, audit_stored_value.SPENT_WITHIN_ISSUED, ()
    yield 20, market.NOTHING_UNKNOWN, (now - limits.unknown,)
    yield 20, audit_captures.NOTHING_LEFT_OPEN, (now - limits.unknown,)
    yield 20, audit_payouts.NOTHING_UNKNOWN, (now - limits.unknown,)
    yield 20, audit_disputes.NOTHING_LATE, (now - limits.late_case,)
    yield 21, market.OUTBOX_IN_ORDER, ()
    told = [(kind, state, fact) for kind, facts in TOLD.items() for state, fact in facts.items()]
    yield 21, market.EVERY_STATE_TOLD, tuple([*column] for column in zip(*told, strict=True))
    yield 22, market.ONE_SELLER, ()
    yield 22, audit_payouts.ONE_SELLER, ()
    yield 23, market.NOTHING_IN_CLEAR, ()
    yield 23, audit_words.NO_CARD_NUMBERS, ()
    yield 23, audit_payouts.NOTHING_IN_CLEAR, ()
    yield 23, audit_stored_value.NOTHING_IN_CLEAR, ()
    yield 23, audit_offline.NOTHING_IN_CLEAR, ()
    yield 24, audit_transit.NOTHING_STUCK, (now - limits.in_transit,)
    settled = (now - limits.settlement, list(NEVER_SETTLED), list(PAYS_SELLERS))
    yield 24, audit_transit.CLEARING_IS_SETTLED, settled
    yield 24, audit_disputes.NOTHING_STUCK, (now - limits.chargeback,)
    yield 23, audit_balances.NOTHING_IN_CLEAR, ()
    yield 24, audit_balances.NOTHING_LATE, (now - limits.late_reserve,)
    yield 25, market.CARDS_TRUE, (now - limits.late_card,)
    yield 26, audit_documents.NUMBERED_WITHOUT_GAPS, ()
    yield 26, audit_documents.INVOICES_AS_BOOKED, ()
    yield 26, audit_documents.CREDIT_NOTES_AS_BOOKED, ()
    yield 26, audit_documents.PAID_AGAIN_AS_BOOKED, ()
    yield 26, audit_documents.STATEMENTS_CHAIN, ()
    yield 27, audit_balances.TWO_PEOPLE, ()
