"""What sellers owe, reckoned: how old it is, and how much of a seller's money goes to it.

Without a plan, all that becomes available goes to a debt first. A plan goes easier on a seller: a
share of whatever becomes available, or so much in each period, until nothing is owed.
"""

from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final
from uuid import UUID

from gosellr.utils.lazy_dataclasses import dataclass
from gosellr.utils.money import bps_half_up


class PlanKind(StrEnum):
    """How a debt is paid back."""

    SHARE = "share"
    INSTALMENTS = "instalments"


class InvalidPlan(ValueError):
    """A share needs a rate, instalments an amount and a period, and neither the other's."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RecoveryPlan:
    """A seller's plan in one currency. `recovered_minor` is what went to the debt under it.

    Raises `InvalidPlan`.
    """

    id: UUID
    kind: PlanKind
    starts_at: datetime
    share_bps: int | None = None
    instalment_minor: int | None = None
    every_days: int | None = None
    recovered_minor: int = 0

    def __post_init__(self) -> None:
        is_share = self.kind is PlanKind.SHARE
        fits = (
            (self.share_bps is not None) is is_share
            and (self.instalment_minor is not None) is not is_share
            and (self.every_days is not None) is not is_share
        )
        if not fits:
            raise InvalidPlan("a share has a rate, instalments have an amount and a period")

    def due_minor(self, *, now: datetime) -> int:
        """What of the instalments that have begun isn't paid yet; a share has none."""
        if self.instalment_minor is None or self.every_days is None or now < self.starts_at:
            return 0
        begun = (now - self.starts_at) // timedelta(days=self.every_days) + 1
        return max(0, begun * self.instalment_minor - self.recovered_minor)


def recovered_of(
    money_minor: int, *, owed_minor: int, plan: RecoveryPlan | None, now: datetime
) -> int:
    """How much of money that becomes available goes to a debt: never more than either.

    Raises ValueError for negative money.
    """
    if money_minor < 0:
        raise ValueError("money that becomes available is never negative")
    limit_minor = money_minor
    if plan is not None and plan.share_bps is not None:
        limit_minor = bps_half_up(money_minor, plan.share_bps)
    elif plan is not None:
        limit_minor = plan.due_minor(now=now)
    return min(money_minor, max(0, owed_minor), limit_minor)


def recovered_at_payout(
    available_minor: int, *, owed_minor: int, plan: RecoveryPlan | None, now: datetime
) -> int:
    """The same of what is about to be paid out. A share was taken when it became available."""
    if plan is not None and plan.kind is PlanKind.SHARE:
        return 0
    return recovered_of(available_minor, owed_minor=owed_minor, plan=plan, now=now)


BUCKETS: Final = ("days_0_30", "days_31_60", "days_61_90", "days_over_90")


@dataclass(frozen=True, slots=True, kw_only=True)
class Ageing:
    """What a seller owes, by the age of what made it in whole days; the four sum to it."""

    days_0_30: int = 0
    days_31_60: int = 0
    days_61_90: int = 0
    days_over_90: int = 0

    @property
    def total_minor(self) -> int:
        """All of it."""
        return sum(getattr(self, name) for name in BUCKETS)
