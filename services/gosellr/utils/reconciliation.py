"""Reconciliation: what a payment provider says it moved, held against what the books say.

A movement's amount is signed as the provider's balance with us sees it: a charge raises it; a
refund, a fee and a settlement to the bank lower it. `fee_minor` is what the provider kept besides,
or below zero gave back with a refund.
What of a movement the books don't know is its unexplained amount, in the same sense.
"""

from collections.abc import Mapping, Sequence
from enum import StrEnum
from typing import Final

from gosellr.utils.lazy_dataclasses import dataclass, replace
from gosellr.utils.ledger import (
    BAD_DEBT,
    FEE_INCOME,
    GATEWAY_FEE,
    SUSPENSE,
    Direction,
    Entry,
    TransactionDraft,
    TransactionKind,
    gateway_clearing,
)
from gosellr.utils.money import exponent
from gosellr.utils.offline import BANK_TRANSFER, CASH_ON_DELIVERY

# In a currency for which no tolerance is set: so many whole units.
DEFAULT_TOLERANCE_UNITS: Final = 100

NEVER_SETTLED: Final[Mapping[str, str]] = {
    "sandbox": "moves no real money: no bank ever gets any of it",
    BANK_TRANSFER: "is an account at the market's bank: what came there has arrived",
    CASH_ON_DELIVERY: "is cash in the sellers' hands: they owe what is the market's of it",
}
"""Ways to pay whose clearing account nothing empties, each with the reason. What any other gateway
holds has to leave it, or the audit finds it."""

PAYS_SELLERS: Final = ("stripe", "paypal")
"""Gateways out of whose balance sellers are paid (`PayoutProvider.paid_from`): what sellers are
owed may stay there for as long as they are owed it."""


class MovementKind(StrEnum):
    """What a provider calls a movement."""

    CHARGE = "charge"
    REFUND = "refund"
    CHARGEBACK = "chargeback"
    """What a bank took back, or gave back after all."""
    PAYOUT = "payout"
    """What was sent to a seller, or came back from one."""
    FEE = "fee"
    SETTLEMENT = "settlement"
    OTHER = "other"


class MovementStatus(StrEnum):
    """Where a movement stands. `proposed` waits for a second person."""

    MATCHED = "matched"
    UNMATCHED = "unmatched"
    PROPOSED = "proposed"
    RESOLVED = "resolved"


class Mismatch(StrEnum):
    """Why a movement isn't matched."""

    UNKNOWN = "unknown"
    NOT_CONFIRMED = "not_confirmed"
    CURRENCY_DIFFERS = "currency_differs"
    AMOUNT_DIFFERS = "amount_differs"
    FEE_DIFFERS = "fee_differs"
    TAKEN = "taken"


class Resolution(StrEnum):
    """What an unexplained amount is taken for."""

    FEE = "fee"
    INCOME = "income"
    LOSS = "loss"
    SUSPENSE = "suspense"
    NOTHING = "nothing"
    """It is explained by another movement; nothing is booked."""


class Clearing(StrEnum):
    """What became of an amount that waited in suspense."""

    FEE = "fee"
    INCOME = "income"
    LOSS = "loss"
    PAYMENT = "payment"
    """It paid for an order after all."""
    RETURNED = "returned"
    """It was sent back."""
    CHARGEBACK = "chargeback"
    """A bank took it back, as the books heard later."""


# What moves a clearing account and is told by its provider's movements.
TOLD_KINDS: Final = (
    TransactionKind.SALE,
    TransactionKind.PROVIDER_FEE,
    TransactionKind.REFUND_CONFIRMED,
    TransactionKind.STRAY_CAPTURE,
    TransactionKind.STRAY_RETURN,
    TransactionKind.SETTLEMENT,
    TransactionKind.RECONCILED,
    TransactionKind.SUSPENSE_CLEARED,
)

# These only by providers whose movements tell of payouts and chargebacks at all.
PAYOUT_KINDS: Final = (TransactionKind.PAYOUT_CONFIRMED, TransactionKind.PAYOUT_RETURNED)
CHARGEBACK_KINDS: Final = (
    TransactionKind.CHARGEBACK_OPENED,
    TransactionKind.CHARGEBACK_WON,
    TransactionKind.CHARGEBACK_REINSTATED,
    TransactionKind.CHARGEBACK_FEE,
)

# What the books know of by themselves, before a provider tells of it.
_JUDGED: Final = frozenset(
    {MovementKind.CHARGE, MovementKind.REFUND, MovementKind.CHARGEBACK, MovementKind.PAYOUT}
)

RESOLUTION_ACCOUNTS: Final[Mapping[Resolution, str]] = {
    Resolution.FEE: GATEWAY_FEE,
    Resolution.INCOME: FEE_INCOME,
    Resolution.LOSS: BAD_DEBT,
    Resolution.SUSPENSE: SUSPENSE,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class MovementAmounts:
    """The money of a movement, by the provider's word or by ours."""

    currency: str
    amount_minor: int
    fee_minor: int = 0

    @property
    def net_minor(self) -> int:
        """By how much it changed the provider's balance."""
        return self.amount_minor - self.fee_minor


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """What the books know under a movement's name.

    `is_confirmed` is False while we still ask the provider ourselves; `is_taken` when another
    movement is matched with it.
    """

    amounts: MovementAmounts
    is_confirmed: bool = True
    is_taken: bool = False


@dataclass(frozen=True, slots=True)
class Verdict:
    """Whether a movement is matched, and what of it the books don't know."""

    mismatch: Mismatch | None
    unexplained_minor: int
    # What the provider gave back of its fee besides; that is no question to anybody.
    given_back_minor: int = 0

    @property
    def is_matched(self) -> bool:
        """Nothing is left to explain."""
        return self.mismatch is None


MATCHED: Final = Verdict(None, 0)


def judge(said: MovementAmounts, known: Known | None) -> Verdict:
    """Hold a movement of the provider's against what we know of it.

    A movement that we know in another currency, or that another movement was matched with, is
    unexplained as a whole.
    """
    mismatch = _mismatch(said, known)
    if mismatch is None:
        return MATCHED
    if known is not None and mismatch is Mismatch.FEE_DIFFERS and _gave_back(said, known.amounts):
        return Verdict(None, 0, given_back_minor=-said.fee_minor)
    if known is not None and mismatch in (Mismatch.AMOUNT_DIFFERS, Mismatch.FEE_DIFFERS):
        return Verdict(mismatch, said.net_minor - known.amounts.net_minor)
    return Verdict(mismatch, said.net_minor)


def _gave_back(said: MovementAmounts, ours: MovementAmounts) -> bool:
    """Whether all that differs is of a fee that came back, of which the books can't know."""
    return said.fee_minor < 0 and ours.fee_minor == 0


def judge_best(
    kind: MovementKind, said: MovementAmounts, known: Sequence[Known]
) -> tuple[int | None, Verdict]:
    """Hold a movement against each of what it may be about; gives which of them, and the verdict.

    Several captures of one charge bear one name at some providers: the first that agrees is meant,
    else the first that nothing else was matched with.
    """
    if kind is MovementKind.SETTLEMENT and said.amount_minor < 0 and not said.fee_minor:
        return None, MATCHED
    if kind not in _JUDGED:
        return None, Verdict(Mismatch.UNKNOWN, said.net_minor)
    judged = [(index, judge(said, one)) for index, one in enumerate(known)]
    judged.sort(key=lambda one: (not one[1].is_matched, one[1].mismatch is Mismatch.TAKEN))
    return judged[0] if judged else (None, judge(said, None))


def _mismatch(said: MovementAmounts, known: Known | None) -> Mismatch | None:
    if known is None:
        return Mismatch.UNKNOWN
    ours = known.amounts
    for differs, mismatch in (
        (known.is_taken, Mismatch.TAKEN),
        (said.currency != ours.currency, Mismatch.CURRENCY_DIFFERS),
        (not known.is_confirmed, Mismatch.NOT_CONFIRMED),
        (said.amount_minor != ours.amount_minor, Mismatch.AMOUNT_DIFFERS),
        (said.fee_minor != ours.fee_minor, Mismatch.FEE_DIFFERS),
    ):
        if differs:
            return mismatch
    return None


def tolerance_minor(currency: str, tolerances: Mapping[str, int]) -> int:
    """Beyond how much that is unexplained in a currency payouts stop, in minor units.

    Raises `UnknownCurrency`.
    """
    default_minor: int = DEFAULT_TOLERANCE_UNITS * 10 ** exponent(currency)
    return tolerances.get(currency, default_minor)


def explained(
    *,
    gateway: str,
    unexplained_minor: int,
    currency: str,
    resolution: Resolution,
    waiting_minor: int = 0,
) -> TransactionDraft | None:
    """The entries that bring clearing to what the provider has; None where nothing is booked.

    `waiting_minor` is how much of what is missing waited in suspense to be sent back: that is what
    was sent, whatever the rest is. Raises ValueError for an income that lowers the provider's
    balance, or a loss that raises it.
    """
    account = RESOLUTION_ACCOUNTS.get(resolution)
    if account is None or unexplained_minor == 0:
        return None
    _check_direction(resolution, unexplained_minor)
    entries: tuple[Entry, ...] = _moved(
        gateway_clearing(gateway), account, unexplained_minor, currency
    )
    met_minor = min(max(0, waiting_minor), max(0, -unexplained_minor))
    if met_minor and account != SUSPENSE:
        taken_for, cleared = entries
        shares = ((SUSPENSE, met_minor), (account, taken_for.amount_minor - met_minor))
        entries = (
            *(
                replace(taken_for, account=one, amount_minor=minor)
                for one, minor in shares
                if minor
            ),
            cleared,
        )
    return TransactionDraft(TransactionKind.RECONCILED, entries)


def suspense_cleared(
    *, unexplained_minor: int, currency: str, resolution: Resolution
) -> TransactionDraft:
    """The entries that take out of suspense what `explained` put there.

    Raises ValueError where `resolution` names no account, or suspense again, or the direction
    contradicts it.
    """
    account = RESOLUTION_ACCOUNTS.get(resolution)
    if account is None or resolution is Resolution.SUSPENSE:
        raise ValueError("say what it was after all")
    _check_direction(resolution, unexplained_minor)
    return TransactionDraft(
        TransactionKind.SUSPENSE_CLEARED, _moved(SUSPENSE, account, unexplained_minor, currency)
    )


def sent_made_good(*, account: str, amount_minor: int, currency: str) -> TransactionDraft:
    """What came back and waits in suspense had been sent by hand before, at our cost: it waits no
    more, and our cost is so much smaller."""
    return TransactionDraft(
        TransactionKind.SUSPENSE_CLEARED, _moved(SUSPENSE, account, amount_minor, currency)
    )


def suspense_reverted(*, gateway: str, unexplained_minor: int, currency: str) -> TransactionDraft:
    """The entries that take out of suspense, back to clearing, what `explained` put there: the
    books have come to know of it by themselves."""
    return TransactionDraft(
        TransactionKind.SUSPENSE_CLEARED,
        _moved(SUSPENSE, gateway_clearing(gateway), unexplained_minor, currency),
    )


def _check_direction(resolution: Resolution, unexplained_minor: int) -> None:
    if resolution is Resolution.INCOME and unexplained_minor < 0:
        raise ValueError("what is missing is no income")
    if resolution is Resolution.LOSS and unexplained_minor > 0:
        raise ValueError("what is there is no loss")


def _moved(grows: str, shrinks: str, amount_minor: int, currency: str) -> tuple[Entry, Entry]:
    """Debit the one and credit the other, or the other way round where the amount is negative."""
    debited, credited = (grows, shrinks) if amount_minor > 0 else (shrinks, grows)
    return (
        Entry(debited, Direction.DEBIT, abs(amount_minor), currency),
        Entry(credited, Direction.CREDIT, abs(amount_minor), currency),
    )
