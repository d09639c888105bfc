"""Payouts, reckoned: when one is due, what may leave, which steps it takes, what is booked."""

from calendar import monthrange
from collections.abc import Iterable, Mapping
from datetime import UTC, date, datetime, time, timedelta
from enum import StrEnum
from typing import Final
from uuid import UUID

from gosellr.utils.lazy_dataclasses import dataclass
from gosellr.utils.ledger import (
    BANK,
    Direction,
    Entry,
    TransactionDraft,
    TransactionKind,
    gateway_clearing,
    payout_in_transit,
    reversed_entries,
    seller_available,
    seller_receivable,
)

CHECK_AGAIN_FIRST: Final = timedelta(seconds=5)
SENT_BY_THEN: Final = timedelta(minutes=1)
"""Whoever sends a payout has been answered by then, or was cut off."""
CHECK_AGAIN_AT_MOST: Final = timedelta(minutes=15)
# A bank may send money back that had arrived; until then a paid payout is asked after.
WATCHED_EVERY: Final = timedelta(days=1)
WATCHED_FOR: Final = timedelta(days=5)

NEVER_SENT: Final = "never_sent"
"""Why a payout failed that two people said was never sent."""
SENT_AFTER_ALL: Final = "sent_after_all"
"""The same, when its provider said later that it was: the seller has the money twice."""

PAYOUT_KINDS: Final = (
    TransactionKind.DEBT_RECOVERED,
    TransactionKind.PAYOUT_CARRIED,
    TransactionKind.PAYOUT_INTENT,
    TransactionKind.PAYOUT_CONFIRMED,
    TransactionKind.PAYOUT_FAILED,
    TransactionKind.PAYOUT_RETURNED,
)
"""What may be booked of one payout, each kind once, under the payout's id as its key."""


BY_FILE: Final[Mapping[str, str]] = {"bank": "EUR"}
"""Ways to pay that nobody is asked about over the net: payouts wait for the next file, in the one
currency that it is in, and stand where the file stands."""


class PayoutStatus(StrEnum):
    """Where a payout stands. `SENT`: the provider has it and is still at work."""

    AWAITING_APPROVAL = "awaiting_approval"
    PENDING = "pending"
    SENT = "sent"
    UNKNOWN = "unknown"
    PAID = "paid"
    FAILED = "failed"
    CANCELLED = "cancelled"


_S = PayoutStatus
_SOURCES: Final[Mapping[PayoutStatus, frozenset[PayoutStatus]]] = {
    _S.AWAITING_APPROVAL: frozenset(),
    _S.PENDING: frozenset({_S.AWAITING_APPROVAL}),
    _S.UNKNOWN: frozenset({_S.PENDING}),
    _S.SENT: frozenset({_S.PENDING, _S.UNKNOWN}),
    _S.PAID: frozenset({_S.PENDING, _S.UNKNOWN, _S.SENT}),
    # Also after it was paid: the bank may give it back.
    _S.FAILED: frozenset({_S.PENDING, _S.UNKNOWN, _S.SENT, _S.PAID}),
    _S.CANCELLED: frozenset({_S.AWAITING_APPROVAL}),
}

LIVE: Final = frozenset(_S) - {_S.FAILED, _S.CANCELLED}
"""While a payout is one of these, the entries it claims are nobody else's."""

ON_ITS_WAY: Final = LIVE - {_S.PAID}
"""While a payout is one of these, its money is in transit."""


def may_become(status: PayoutStatus, target: PayoutStatus) -> bool:
    """Whether a payout in this status may take the step."""
    return status in _SOURCES[target]


def check_again_at(
    status: PayoutStatus, *, check_count: int, now: datetime, paid_at: datetime | None = None
) -> datetime | None:
    """When the provider is asked next: soon while an answer is owed, daily while what was paid
    may still come back, and never again after that."""
    if status is _S.PAID:
        following = now + WATCHED_EVERY
        return following if following <= (paid_at or now) + WATCHED_FOR else None
    if status in ON_ITS_WAY and status is not _S.AWAITING_APPROVAL:
        return now + min(CHECK_AGAIN_FIRST * (1 << min(check_count, 10)), CHECK_AGAIN_AT_MOST)
    return None


def recall_again_at(*, check_count: int, now: datetime) -> datetime:
    """When a provider that gave no answer is asked once more to give a payout back."""
    return now + min(CHECK_AGAIN_FIRST * (1 << min(check_count, 10)), CHECK_AGAIN_AT_MOST)


class ScheduleKind(StrEnum):
    """How often a seller is paid without asking."""

    DAILY = "daily"
    WEEKLY = "weekly"
    MONTHLY = "monthly"
    MANUAL = "manual"


class InvalidSchedule(ValueError):
    """A weekly schedule needs a weekday, a monthly one a day, the others neither."""


@dataclass(frozen=True, slots=True)
class Schedule:
    """When a seller is paid: `weekday` from Monday, 1, to Sunday, 7. Raises `InvalidSchedule`."""

    kind: ScheduleKind
    weekday: int | None = None
    day_of_month: int | None = None

    def __post_init__(self) -> None:
        fits = (
            (self.weekday is not None) is (self.kind is ScheduleKind.WEEKLY)
            and (self.day_of_month is not None) is (self.kind is ScheduleKind.MONTHLY)
            and self.weekday in {None, *range(1, 8)}
            and self.day_of_month in {None, *range(1, 32)}
        )
        if not fits:
            raise InvalidSchedule(f"{self.kind} with {self.weekday} and {self.day_of_month}")


DEFAULT_SCHEDULE: Final = Schedule(ScheduleKind.WEEKLY, weekday=1)


def next_due(schedule: Schedule, *, after: datetime) -> datetime | None:
    """The next midnight, UTC, at which the schedule pays; None for a manual one.

    Always later than `after`, so that whoever moves on from a due moment never stands still.
    """
    day = after.astimezone(UTC).date() + timedelta(days=1)
    if schedule.kind is ScheduleKind.MANUAL:
        return None
    if schedule.weekday is not None:
        day += timedelta(days=(schedule.weekday - day.isoweekday()) % 7)
    if schedule.day_of_month is not None:
        in_this_month = _day_of(day, schedule.day_of_month)
        following = day.replace(day=1) + timedelta(days=32)
        is_over = in_this_month < day
        day = _day_of(following, schedule.day_of_month) if is_over else in_this_month
    return datetime.combine(day, time(tzinfo=UTC))


def _day_of(month: date, day_of_month: int) -> date:
    """The day in that month, or the month's last where it is shorter."""
    last = monthrange(month.year, month.month)[1]
    return month.replace(day=min(day_of_month, last))


@dataclass(frozen=True, slots=True, kw_only=True)
class PayoutPlan:
    """What becomes of a seller's available money; the three sum to it.

    `left_minor` is what its way of being paid has no amount for: it stays for the next payout.
    """

    recovered_minor: int
    amount_minor: int
    left_minor: int


def plan_payout(*, available_minor: int, receivable_minor: int, step_minor: int) -> PayoutPlan:
    """A debt is settled before anything leaves the market; of the rest goes as much as can be sent
    in steps of so many minor units.

    Raises ValueError for a negative balance, and for a step below 1.
    """
    if available_minor < 0:
        raise ValueError("what is available is never negative")
    if step_minor < 1:
        raise ValueError("amounts are at least one unit apart")
    recovered_minor = min(available_minor, max(0, receivable_minor))
    free_minor = available_minor - recovered_minor
    left_minor = free_minor % step_minor
    return PayoutPlan(
        recovered_minor=recovered_minor,
        amount_minor=free_minor - left_minor,
        left_minor=left_minor,
    )


def claimed_minor(entries: Iterable[Entry]) -> int:
    """What entries of a seller's available account amount to, debits included."""
    return sum(entry.balance_change_minor for entry in entries)


def is_below_minimum(amount_minor: int, currency: str, minimums: Mapping[str, int]) -> bool:
    """Whether a seller wants to wait until there is more."""
    return amount_minor < minimums.get(currency, 0)


def needs_approval(amount_minor: int, currency: str, limits: Mapping[str, int]) -> bool:
    """Whether a second person has to agree: above the limit, and in a currency without one not."""
    limit_minor = limits.get(currency)
    return limit_minor is not None and amount_minor > limit_minor


def funding_account(gateway: str | None) -> str:
    """Whose money a provider sends: a payment gateway's balance, or the bank's."""
    return BANK if gateway is None else gateway_clearing(gateway)


def debt_recovered(*, seller_id: UUID, amount_minor: int, currency: str) -> TransactionDraft:
    """Recipe 5, at a payout: what the seller owes is kept back.

    Its entries bear no payout's id: the debit is claimed like any other.
    """
    return _moved(
        TransactionKind.DEBT_RECOVERED,
        debited=seller_available(seller_id),
        credited=seller_receivable(seller_id),
        amount_minor=amount_minor,
        currency=currency,
    )


def payout_carried(*, seller_id: UUID, left_minor: int, currency: str) -> TransactionDraft:
    """Recipe 6, before the first step: what can't be sent is taken out of what this payout claims,
    and is there for the next one. Nothing changes its owner or its place.

    Its entries bear no payout's id: each is claimed like any other, the debit by this payout.
    """
    return _moved(
        TransactionKind.PAYOUT_CARRIED,
        debited=seller_available(seller_id),
        credited=seller_available(seller_id),
        amount_minor=left_minor,
        currency=currency,
    )


def payout_intent(
    *, payout_id: UUID, seller_id: UUID, amount_minor: int, currency: str
) -> TransactionDraft:
    """Recipe 6, first step: the money is the seller's no more to spend, and on its way."""
    return _moved(
        TransactionKind.PAYOUT_INTENT,
        debited=seller_available(seller_id),
        credited=payout_in_transit(seller_id),
        amount_minor=amount_minor,
        currency=currency,
        payout_id=payout_id,
    )


def payout_confirmed(
    *, payout_id: UUID, seller_id: UUID, amount_minor: int, currency: str, funding: str
) -> TransactionDraft:
    """Recipe 6, second step: it left the account that `funding` names."""
    return _moved(
        TransactionKind.PAYOUT_CONFIRMED,
        debited=payout_in_transit(seller_id),
        credited=funding,
        amount_minor=amount_minor,
        currency=currency,
        payout_id=payout_id,
    )


def payout_failed(intent: Iterable[Entry]) -> TransactionDraft:
    """Recipe 6, second step: the provider refused, the intent is reversed entry by entry."""
    return TransactionDraft(TransactionKind.PAYOUT_FAILED, reversed_entries(intent))


def payout_returned(
    *, payout_id: UUID, seller_id: UUID, amount_minor: int, currency: str, funding: str
) -> TransactionDraft:
    """What had been paid came back: it is where it came from, and the seller's again."""
    return _moved(
        TransactionKind.PAYOUT_RETURNED,
        debited=funding,
        credited=seller_available(seller_id),
        amount_minor=amount_minor,
        currency=currency,
        payout_id=payout_id,
    )


def _moved(
    kind: TransactionKind,
    *,
    debited: str,
    credited: str,
    amount_minor: int,
    currency: str,
    payout_id: UUID | None = None,
) -> TransactionDraft:
    return TransactionDraft(
        kind,
        tuple(
            Entry(account, direction, amount_minor, currency, payout_id=payout_id)
            for account, direction in ((debited, Direction.DEBIT), (credited, Direction.CREDIT))
        ),
    )


WITHDRAWN_HOLD_REASON: Final = (
    "A change of the account that is paid to was withdrawn. An owner of the shop has to say, with"
    " the password, that payouts may go on."
)
"""Why nothing is paid until then, as the shop reads it."""
