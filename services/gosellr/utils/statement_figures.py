"""A seller's period in figures: what came in, what was kept, what was paid, and what remains.

The balance is what the marketplace owes the seller over all of its accounts. A movement on them
is net of commission and tax; the statement shows it gross, and what was kept as lines of its own,
so that for every kind of transaction the lines sum to what the accounts moved by.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from typing import Final

from gosellr.utils.lazy_dataclasses import dataclass
from gosellr.utils.ledger import TransactionKind

_K = TransactionKind
SALE_KINDS: Final = frozenset({_K.SALE.value, _K.SALE_ON_DELIVERY.value})
# A chargeback that was lost is a refund that the bank has paid already, until it gives that back.
REFUND_KINDS: Final = frozenset(
    {
        _K.REFUND_INTENT.value,
        _K.REFUND_FAILED.value,
        _K.CHARGEBACK_LOST.value,
        _K.CHARGEBACK_REINSTATED.value,
        _K.CHARGEBACK_LOST_AGAIN.value,
    }
)
PAYING_KINDS: Final = frozenset(
    {
        _K.PAYOUT_CARRIED.value,
        _K.PAYOUT_INTENT.value,
        _K.PAYOUT_CONFIRMED.value,
        _K.PAYOUT_FAILED.value,
        _K.PAYOUT_RETURNED.value,
    }
)

POT_OF_ACCOUNT: Final = {
    "seller_pending": "pending",
    "seller_available": "available",
    "seller_reserve": "reserved",
    "seller_receivable": "receivable",
    "payout_in_transit": "in_transit",
}
"""A seller's accounts by the names that people know, in the order in which money passes them."""


@dataclass(frozen=True, slots=True)
class Kept:
    """What transactions of one kind kept from a seller, credits positive, in minor units."""

    commission_minor: int = 0
    vat_minor: int = 0
    remitted_minor: int = 0
    fee_minor: int = 0

    @property
    def total_minor(self) -> int:
        """All of it."""
        return self.commission_minor + self.vat_minor + self.remitted_minor + self.fee_minor


@dataclass(frozen=True, slots=True)
class PotChange:
    """What transactions of one kind did to one account: `before` the period and within it."""

    kind: str
    account: str
    before_minor: int
    in_minor: int
    out_minor: int


@dataclass(frozen=True, slots=True)
class Group:
    """One line of a statement; `count` is how many transactions are in it."""

    key: str
    count: int
    amount_minor: int


@dataclass(frozen=True, slots=True)
class Pot:
    """One account over the period, credits positive: opening + in − out = closing."""

    name: str
    opening_minor: int
    in_minor: int
    out_minor: int

    @property
    def closing_minor(self) -> int:
        """What it holds at the end."""
        return self.opening_minor + self.in_minor - self.out_minor


@dataclass(frozen=True, slots=True)
class StatementFigures:
    """A seller's period in one currency: opening + groups = closing, and so do the pots."""

    opening_minor: int
    groups: tuple[Group, ...]
    pots: tuple[Pot, ...]

    @property
    def closing_minor(self) -> int:
        """What the marketplace owes the seller at the end."""
        return self.opening_minor + sum(group.amount_minor for group in self.groups)

    @property
    def is_empty(self) -> bool:
        """Whether nothing was there, and nothing moved."""
        return not self.groups and not any(
            (pot.opening_minor, pot.in_minor, pot.out_minor) != (0, 0, 0) for pot in self.pots
        )


_FAMILIES: Final = (
    (
        SALE_KINDS,
        ("sales", "commission", "commission_vat", "tax_remitted", "provider_fees"),
    ),
    (
        REFUND_KINDS,
        (
            "refunds",
            "commission_returned",
            "commission_vat_returned",
            "tax_remitted_returned",
            "provider_fees",
        ),
    ),
)
_PAYOUTS: Final = "payouts"


def statement_figures(
    changes: Iterable[PotChange], *, kept: Mapping[str, Kept], counts: Mapping[str, int]
) -> StatementFigures:
    """The figures of a period from what its transactions did, `kept` and `counts` by their kind."""
    moved: defaultdict[str, int] = defaultdict(int)
    pots: dict[str, list[int]] = {name: [0, 0, 0] for name in POT_OF_ACCOUNT.values()}
    for change in changes:
        moved[change.kind] += change.in_minor - change.out_minor
        pot = pots[POT_OF_ACCOUNT[change.account]]
        pot[0] += change.before_minor
        pot[1] += change.in_minor
        pot[2] += change.out_minor
    return StatementFigures(
        opening_minor=sum(pot[0] for pot in pots.values()),
        groups=tuple(_groups(moved, kept, counts)),
        pots=tuple(Pot(name, *figures) for name, figures in pots.items()),
    )


def _groups(
    moved: Mapping[str, int], kept: Mapping[str, Kept], counts: Mapping[str, int]
) -> Iterable[Group]:
    told: set[str] = set()
    for kinds, (gross, commission, vat, remitted, fee) in _FAMILIES:
        told |= kinds
        own = [kept.get(kind, Kept()) for kind in kinds]
        whole_minor = sum(moved.get(kind, 0) for kind in kinds)
        lines = (
            (gross, whole_minor + sum(one.total_minor for one in own)),
            (commission, -sum(one.commission_minor for one in own)),
            (vat, -sum(one.vat_minor for one in own)),
            (remitted, -sum(one.remitted_minor for one in own)),
            (fee, -sum(one.fee_minor for one in own)),
        )
        count = sum(counts.get(kind, 0) for kind in kinds)
        yield from (Group(key, count, minor) for key, minor in lines if minor)
    told |= PAYING_KINDS
    paid_minor = sum(moved.get(kind, 0) for kind in PAYING_KINDS)
    if paid_minor:
        confirmed = counts.get(_K.PAYOUT_CONFIRMED.value, 0)
        yield Group(_PAYOUTS, confirmed + counts.get(_K.PAYOUT_RETURNED.value, 0), paid_minor)
    # What a later release books stands under its own name. Between a seller's own accounts
    # money only changes its place.
    for kind in sorted(moved.keys() | kept.keys()):
        if kind not in told and moved.get(kind, 0):
            yield Group(kind, counts.get(kind, 0), moved[kind])
