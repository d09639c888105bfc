"""Cases between a buyer and a seller, reckoned: who may do what when, deadlines, and awards.

A buyer's case waits for its seller, then for its buyer, then for an operator. Whoever lets a
deadline pass has decided against themselves. A decision may be appealed once, by either side;
then it is final, its money moves, and the case is closed. A chargeback enters the same queue, but
is decided by the card's bank: its seller only hands in evidence.
"""

from collections.abc import Mapping
from dataclasses import field
from datetime import UTC, date, datetime, timedelta
from enum import StrEnum
from typing import Final

from gosellr.utils.lazy_dataclasses import dataclass
from gosellr.utils.money import bps_half_up
from gosellr.utils.states import Actor, StateMachine


class DisputeKind(StrEnum):
    """Who opened it: the buyer here, or the buyer at the bank."""

    BUYER = "buyer"
    CHARGEBACK = "chargeback"


class DisputeReason(StrEnum):
    """What is said to be wrong."""

    NOT_DELIVERED = "not_delivered"
    NOT_AS_DESCRIBED = "not_as_described"
    DAMAGED = "damaged"
    OTHER = "other"


class DisputeStatus(StrEnum):
    """Where a case stands, from first to last."""

    AWAITING_SELLER = "awaiting_seller"
    AWAITING_BUYER = "awaiting_buyer"
    UNDER_REVIEW = "under_review"
    """An operator is asked. Only this waits for nobody's deadline."""
    AWAITING_PROVIDER = "awaiting_provider"
    """The card's bank decides."""
    DECIDED = "decided"
    """May be appealed until its deadline, and is final after it."""
    APPEALED = "appealed"
    """An operator looks once more, for the last time."""
    SETTLING = "settling"
    """Decided for good; its refund is on its way."""
    CLOSED = "closed"


class ChargebackStage(StrEnum):
    """How far a quarrel at a provider has gone."""

    INQUIRY = "inquiry"
    """Buyer and seller talk; no money was taken."""
    CHARGEBACK = "chargeback"
    PRE_ARBITRATION = "pre_arbitration"
    """The bank has decided, and one of them asks for more."""
    ARBITRATION = "arbitration"


class DisputeOutcome(StrEnum):
    """How a case ended, or will unless it is appealed."""

    ACCEPTED = "accepted"
    """The seller gave in."""
    WITHDRAWN = "withdrawn"
    """The buyer took it back."""
    FOR_BUYER = "for_buyer"
    FOR_SELLER = "for_seller"
    SPLIT = "split"
    SUPERSEDED = "superseded"
    """The buyer's bank took the money back: its case goes on in place of this one."""


class DisputeAction(StrEnum):
    """What somebody may do with a case."""

    MESSAGE = "message"
    ANSWER = "answer"
    EVIDENCE = "evidence"
    ACCEPT = "accept"
    ESCALATE = "escalate"
    DECIDE = "decide"


class ReviewStep(StrEnum):
    """What the end of a review that nobody has come to calls for."""

    REMIND = "remind"
    ESCALATE = "escalate"


class FeeBearer(StrEnum):
    """Who pays what the provider asks for a chargeback."""

    MARKETPLACE = "marketplace"
    SELLER = "seller"


class TooEarly(ValueError):
    """It may still arrive; `opens_at` says from when on it is late."""

    def __init__(self, opens_at: datetime) -> None:
        super().__init__(f"a case may be opened from {opens_at} on")
        self.opens_at = opens_at


class TooLate(ValueError):
    """The window has closed; `closed_at` says when."""

    def __init__(self, closed_at: datetime) -> None:
        super().__init__(f"a case could be opened until {closed_at}")
        self.closed_at = closed_at


class NotThereYet(ValueError):
    """Nothing of it has arrived, so nothing can be wrong with it but that."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DisputeTerms:
    """A marketplace's rules. Days are business days: Monday to Friday, `holidays` aside, in UTC."""

    # After delivery, or after the latest day of delivery for what never arrived.
    window: timedelta = timedelta(days=30)
    seller_days: int = 3
    buyer_days: int = 3
    # What an operator promises; nothing is decided when it passes. So long before its end they are
    # reminded.
    review_days: int = 5
    review_reminder: timedelta = timedelta(days=1)
    appeal_days: int = 3
    # So much before the bank's own deadline the evidence is sent.
    evidence_margin: timedelta = timedelta(days=1)
    holidays: frozenset[date] = field(default_factory=frozenset)
    fee_borne_by: FeeBearer = FeeBearer.MARKETPLACE


_S = DisputeStatus
_BUYER, _SELLER = frozenset({Actor.BUYER}), frozenset({Actor.SELLER})
_OPERATOR, _SYSTEM = frozenset({Actor.OPERATOR}), frozenset({Actor.SYSTEM})
_BANK = frozenset({Actor.PAYMENT})
_PARTIES = _BUYER | _SELLER

DISPUTE_STATES: Final[StateMachine[DisputeStatus]] = StateMachine(
    noun="dispute",
    states=tuple(DisputeStatus),
    initial=_S.AWAITING_SELLER,
    table={
        (_S.AWAITING_SELLER, _S.AWAITING_BUYER): _SELLER,
        (_S.AWAITING_SELLER, _S.UNDER_REVIEW): _SELLER,
        (_S.AWAITING_BUYER, _S.UNDER_REVIEW): _BUYER,
        # Silence decides, and an operator may at any time.
        (_S.AWAITING_SELLER, _S.DECIDED): _SYSTEM | _OPERATOR,
        (_S.AWAITING_BUYER, _S.DECIDED): _SYSTEM | _OPERATOR,
        (_S.UNDER_REVIEW, _S.DECIDED): _OPERATOR,
        (_S.DECIDED, _S.APPEALED): _PARTIES,
        # The seller gives in, the buyer takes it back, the decision is final, or the bank's is.
        (_S.AWAITING_SELLER, _S.SETTLING): _PARTIES | _BANK,
        (_S.AWAITING_BUYER, _S.SETTLING): _PARTIES,
        (_S.UNDER_REVIEW, _S.SETTLING): _PARTIES | _OPERATOR,
        (_S.DECIDED, _S.SETTLING): _SYSTEM,
        (_S.APPEALED, _S.SETTLING): _PARTIES | _OPERATOR,
        # The market itself where it sold a gift card.
        (_S.AWAITING_SELLER, _S.AWAITING_PROVIDER): _SELLER | _SYSTEM | _OPERATOR,
        (_S.AWAITING_PROVIDER, _S.SETTLING): _BANK,
        (_S.SETTLING, _S.CLOSED): _SYSTEM,
        # The provider refused the refund: an operator says what becomes of the money.
        (_S.SETTLING, _S.UNDER_REVIEW): _SYSTEM,
        # The buyer's bank has taken the money back meanwhile.
        (_S.AWAITING_SELLER, _S.CLOSED): _BANK,
        (_S.AWAITING_BUYER, _S.CLOSED): _BANK,
        (_S.UNDER_REVIEW, _S.CLOSED): _BANK,
        (_S.DECIDED, _S.CLOSED): _BANK,
        (_S.APPEALED, _S.CLOSED): _BANK,
    },
)

_A = DisputeAction
_TALK: Final = {
    _A.MESSAGE: _PARTIES | _OPERATOR,
    _A.EVIDENCE: _PARTIES | _OPERATOR,
}
_ALLOWED: Final[
    Mapping[DisputeKind, Mapping[DisputeStatus, Mapping[DisputeAction, frozenset[Actor]]]]
] = {
    DisputeKind.BUYER: {
        _S.AWAITING_SELLER: _TALK
        | {
            _A.ANSWER: _SELLER,
            _A.ACCEPT: _PARTIES,
            _A.ESCALATE: _SELLER,
            _A.DECIDE: _OPERATOR,
        },
        _S.AWAITING_BUYER: _TALK | {_A.ACCEPT: _PARTIES, _A.ESCALATE: _BUYER, _A.DECIDE: _OPERATOR},
        _S.UNDER_REVIEW: _TALK | {_A.ACCEPT: _PARTIES, _A.DECIDE: _OPERATOR},
        _S.DECIDED: _TALK | {_A.ESCALATE: _PARTIES},
        _S.APPEALED: _TALK | {_A.ACCEPT: _PARTIES, _A.DECIDE: _OPERATOR},
    },
    DisputeKind.CHARGEBACK: {
        _S.AWAITING_SELLER: {
            _A.MESSAGE: _SELLER | _OPERATOR,
            _A.EVIDENCE: _SELLER | _OPERATOR,
            _A.ANSWER: _SELLER,
            _A.ACCEPT: _SELLER,
        },
        _S.AWAITING_PROVIDER: {_A.MESSAGE: _SELLER | _OPERATOR},
    },
}

_ALLOWED_OF_CARD: Final[Mapping[DisputeStatus, Mapping[DisputeAction, frozenset[Actor]]]] = {
    status: dict.fromkeys(actions, _OPERATOR)
    for status, actions in _ALLOWED[DisputeKind.CHARGEBACK].items()
}

OPEN_STATUSES: Final = frozenset(DisputeStatus) - {_S.CLOSED}
"""Money is, or may be, frozen."""
ARGUED_STATUSES: Final = OPEN_STATUSES - {_S.SETTLING}
"""Nothing is decided for good yet."""


REVIEWED_STATUSES: Final = frozenset({_S.UNDER_REVIEW, _S.APPEALED})
"""An operator is waited for."""


def review_step(
    *,
    now: datetime,
    due_at: datetime,
    is_reminded: bool,
    is_overdue: bool,
    terms: DisputeTerms,
) -> ReviewStep | None:
    """What is to be done about a review that ends at `due_at`; None where nothing is, yet or any
    more."""
    if now >= due_at:
        return None if is_overdue else ReviewStep.ESCALATE
    if now >= due_at - terms.review_reminder and not is_reminded:
        return ReviewStep.REMIND
    return None


def allowed_actions(
    *,
    kind: DisputeKind,
    status: DisputeStatus,
    actor: Actor,
    is_final: bool = False,
    is_of_card: bool = False,
) -> tuple[DisputeAction, ...]:
    """What somebody may do with a case that stands like this, in the order of the enumeration.

    The chargeback of a gift card's price (`is_of_card`) is the market's own to answer. With
    `is_final` nothing is left to be argued: an operator only says what becomes of the money.
    """
    listed = (_ALLOWED_OF_CARD if is_of_card else _ALLOWED[kind]).get(status, {})
    argued = {DisputeAction.ACCEPT, DisputeAction.ESCALATE} if is_final else set()
    return tuple(
        action
        for action in DisputeAction
        if actor in listed.get(action, ()) and action not in argued
    )


def add_business_days(
    moment: datetime, days: int, *, holidays: frozenset[date] = frozenset()
) -> datetime:
    """The same time of day so many business days later, in UTC.

    Monday to Friday count unless they are holidays. Raises ValueError for a moment without a zone
    or a negative number of days.
    """
    if moment.tzinfo is None or days < 0:
        raise ValueError("needs a moment with a zone and 0 or more days")
    reached = moment.astimezone(UTC)
    left = days
    while left:
        reached += timedelta(days=1)
        if reached.weekday() < 5 and reached.date() not in holidays:
            left -= 1
    return reached


def due_at(status: DisputeStatus, *, now: datetime, terms: DisputeTerms) -> datetime | None:
    """Until when whoever a case waits for has time, from now on; None where it is nobody."""
    days = {
        _S.AWAITING_SELLER: terms.seller_days,
        _S.AWAITING_BUYER: terms.buyer_days,
        _S.UNDER_REVIEW: terms.review_days,
        _S.DECIDED: terms.appeal_days,
        _S.APPEALED: terms.review_days,
    }.get(status)
    return None if days is None else add_business_days(now, days, holidays=terms.holidays)


def is_over(status: DisputeStatus, *, due_at: datetime | None, now: datetime) -> bool:
    """Whether silence has decided: from its deadline on, a case that waits for a party's word."""
    waits = status in {_S.AWAITING_SELLER, _S.AWAITING_BUYER, _S.DECIDED}
    return waits and due_at is not None and due_at <= now


def evidence_due_at(
    *, now: datetime, bank_due_at: datetime | None, terms: DisputeTerms
) -> datetime:
    """Until when a seller may hand in evidence: as ever, and in time for the bank."""
    own = add_business_days(now, terms.seller_days, holidays=terms.holidays)
    if bank_due_at is None:
        return own
    return max(now, min(own, bank_due_at - terms.evidence_margin))


def silence_gives_buyer(status: DisputeStatus) -> bool:
    """Whom a deadline that passes speaks for: the buyer where the seller was asked, and the seller
    where the buyer was. Raises ValueError where silence decides nothing."""
    if status is _S.AWAITING_SELLER:
        return True
    if status is _S.AWAITING_BUYER:
        return False
    raise ValueError(f"silence decides nothing while a case is {status}")


def check_window(
    *,
    reason: DisputeReason,
    now: datetime,
    arrived_at: datetime | None,
    expected_by: datetime,
    window: timedelta,
) -> None:
    """Whether a case may be opened now.

    What arrived may be complained of from then on, what didn't once it is late; both for as long
    as the window. Raises `NotThereYet`, `TooEarly`, `TooLate`.
    """
    if arrived_at is None and reason is not DisputeReason.NOT_DELIVERED:
        raise NotThereYet
    begins = arrived_at or expected_by
    if now < begins:
        raise TooEarly(begins)
    if now > begins + window:
        raise TooLate(begins + window)


def award_of(amount_minor: int, *, share_bps: int) -> int:
    """A share of what is argued about, half up. Raises ValueError for no share of a whole."""
    if not 0 <= share_bps <= 10_000:
        raise ValueError(f"{share_bps} isn't a share")
    return bps_half_up(amount_minor, share_bps)


def outcome_of(amount_minor: int, *, award_minor: int) -> DisputeOutcome:
    """What an award says. Raises ValueError for more than is argued about."""
    if not 0 <= award_minor <= amount_minor:
        raise ValueError(f"{award_minor} isn't a part of {amount_minor}")
    if award_minor == amount_minor:
        return DisputeOutcome.FOR_BUYER
    return DisputeOutcome.SPLIT if award_minor else DisputeOutcome.FOR_SELLER
