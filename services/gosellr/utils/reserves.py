"""The rolling reserve, reckoned: which rule governs a sale, how much is kept back, and until when.

An operator's rule for one seller stands above all others, also where it keeps back less. Of the
rest that fit a sale, the one that keeps back the most governs it. What was decided is frozen with
the sale's release: no later rule touches it.
"""

from collections.abc import Iterable, Mapping
from dataclasses import field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final
from uuid import UUID

from gosellr.utils.lazy_dataclasses import dataclass
from gosellr.utils.money import BPS, bps_half_up

RISK_WINDOW: Final = timedelta(days=90)
"""How far a seller's rates look back."""
DAYS_MAX: Final = 180
"""No provider, and so no marketplace, keeps money back for longer."""


class ReserveScope(StrEnum):
    """What a rule looks at."""

    MARKET = "market"
    SELLER = "seller"
    CATEGORY = "category"
    NEW_ACCOUNT = "new_account"
    RISK = "risk"


class RiskMeasure(StrEnum):
    """Which rate of a seller's last 90 days a rule looks at."""

    OPEN_DISPUTES = "open_disputes"
    CHARGEBACKS = "chargebacks"
    REFUNDS = "refunds"


class InvalidReserveRule(ValueError):
    """A scope without what it needs, or with what it doesn't; `field` names it."""

    def __init__(self, field: str, message: str) -> None:
        super().__init__(message)
        self.field = field


_NEEDS: Final[Mapping[ReserveScope, frozenset[str]]] = {
    ReserveScope.MARKET: frozenset(),
    ReserveScope.SELLER: frozenset({"seller_id"}),
    ReserveScope.CATEGORY: frozenset({"category_id"}),
    ReserveScope.NEW_ACCOUNT: frozenset({"younger_than_days"}),
    ReserveScope.RISK: frozenset({"measure", "above_bps"}),
}
_CONDITIONS: Final = ("seller_id", "category_id", "younger_than_days", "measure", "above_bps")


@dataclass(frozen=True, slots=True, kw_only=True)
class ReserveRule:
    """Keep `rate_bps` of a sale back for `days`, and never more than `caps` in all of a seller.

    A category speaks for its descendants, too; a risk rule for sellers whose rate is above
    `above_bps`. In force from `valid_from` until before `valid_to`. Raises `InvalidReserveRule`.
    """

    id: UUID
    scope: ReserveScope
    rate_bps: int
    days: int
    caps: Mapping[str, int] = field(default_factory=dict)
    seller_id: UUID | None = None
    category_id: UUID | None = None
    younger_than_days: int | None = None
    measure: RiskMeasure | None = None
    above_bps: int | None = None
    valid_from: datetime | None = None
    valid_to: datetime | None = None

    def __post_init__(self) -> None:
        for name in _CONDITIONS:
            is_there, is_due = getattr(self, name) is not None, name in _NEEDS[self.scope]
            if is_there is not is_due:
                told = "needs it" if is_due else "doesn't know it"
                raise InvalidReserveRule(name, f"A rule about {self.scope.value} {told}")
        if not 0 <= self.rate_bps <= BPS:
            raise InvalidReserveRule("rate_bps", "Between nothing and all can be kept back")
        if not 1 <= self.days <= DAYS_MAX:
            raise InvalidReserveRule("days", f"Between 1 and {DAYS_MAX} days")
        if self.valid_from and self.valid_to and self.valid_to <= self.valid_from:
            raise InvalidReserveRule("valid_to", "It has to end after it begins")

    def is_in_force(self, now: datetime) -> bool:
        """Whether it governs sales that are released now."""
        return (self.valid_from is None or self.valid_from <= now) and (
            self.valid_to is None or now < self.valid_to
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class SellerRisk:
    """A seller's last 90 days: sales and what became of them, and amounts in one currency."""

    sale_count: int = 0
    open_dispute_count: int = 0
    chargeback_count: int = 0
    sold_minor: int = 0
    refunded_minor: int = 0

    def is_above(self, measure: RiskMeasure, above_bps: int) -> bool:
        """Whether a rate is above so many basis points; without a sale, none is."""
        part, whole = {
            RiskMeasure.OPEN_DISPUTES: (self.open_dispute_count, self.sale_count),
            RiskMeasure.CHARGEBACKS: (self.chargeback_count, self.sale_count),
            RiskMeasure.REFUNDS: (self.refunded_minor, self.sold_minor),
        }[measure]
        # Nothing is divided, so nothing is rounded.
        return part * BPS > above_bps * whole


@dataclass(frozen=True, slots=True, kw_only=True)
class SaleFacts:
    """What rules look at when a sale is released. `category_ids` are those of its lines, with
    all above them; `seller_since` is when its seller was admitted."""

    seller_id: UUID
    currency: str
    category_ids: frozenset[UUID] = frozenset()
    seller_since: datetime
    risk: SellerRisk = SellerRisk()


def fits(rule: ReserveRule, sale: SaleFacts, *, now: datetime) -> bool:
    """Whether a rule speaks about a sale that is released now."""
    if not rule.is_in_force(now):
        return False
    if rule.seller_id is not None:
        return rule.seller_id == sale.seller_id
    if rule.category_id is not None:
        return rule.category_id in sale.category_ids
    if rule.younger_than_days is not None:
        return now < sale.seller_since + timedelta(days=rule.younger_than_days)
    if rule.measure is not None and rule.above_bps is not None:
        return sale.risk.is_above(rule.measure, rule.above_bps)
    return True


def governing_rule(
    rules: Iterable[ReserveRule], sale: SaleFacts, *, now: datetime
) -> ReserveRule | None:
    """The rule that decides about a sale; None when nothing is kept back.

    The seller's own first; else the highest rate, then the longest time, then the oldest rule.
    """
    fitting = [rule for rule in rules if fits(rule, sale, now=now)]
    return max(
        fitting,
        key=lambda rule: (
            rule.scope is ReserveScope.SELLER,
            rule.rate_bps,
            rule.days,
            -rule.id.int,
        ),
        default=None,
    )


def kept_back(rule: ReserveRule | None, *, base_minor: int, held_minor: int, currency: str) -> int:
    """How much of a sale goes into the reserve: the rate, half up, as far as the cap leaves room.

    `base_minor` is what is left of the sale after debts, `held_minor` what the reserve holds of
    the seller by then. Raises ValueError for negative amounts.
    """
    if base_minor < 0 or held_minor < 0:
        raise ValueError("neither a sale nor a reserve is negative")
    if rule is None:
        return 0
    reserved_minor = bps_half_up(base_minor, rule.rate_bps)
    cap_minor = rule.caps.get(currency)
    if cap_minor is None:
        return reserved_minor
    return min(reserved_minor, max(0, cap_minor - held_minor))


@dataclass(frozen=True, slots=True)
class Held:
    """What a hold still keeps back, and for which sale."""

    id: UUID
    seller_order_id: UUID
    held_minor: int
    release_at: datetime


def taken_from(
    holds: Iterable[Held], amount_minor: int, *, seller_order_id: UUID
) -> dict[UUID, int]:
    """Of which holds a refund is taken: its own sale's first, then what would be free the soonest.

    So the money that protects for the longest is the last to go. Raises ValueError for more than
    they hold.
    """
    taken: dict[UUID, int] = {}
    left_minor = amount_minor
    for one in sorted(
        holds,
        key=lambda one: (one.seller_order_id != seller_order_id, one.release_at, one.id),
    ):
        part_minor = min(left_minor, one.held_minor)
        if part_minor > 0:
            taken[one.id] = part_minor
            left_minor -= part_minor
    if left_minor:
        raise ValueError(f"{left_minor} more than the reserve holds")
    return taken
